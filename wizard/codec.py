"""Dataclasses as JSON and back, losslessly: the one way that the vault and sites.lock are written and read.

Knows no format in particular, no file and no encryption. What it refuses, it names by place only: the text that stands
there may be a secret.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from wizard.secret import Secret

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # file names and texts that are not UTF-8 arrive with these (PEP 383)


class MalformedError(Exception):
    """Where data departs from its type: a place and a reason, never what stands there."""


def to_json(data: Any, indent: int | None = None) -> str:
    """Return readable JSON: only what JSON or UTF-8 cannot hold is escaped."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)
    return _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def from_json(text: str | bytes) -> Any:
    """Return the data that *text* is as JSON; None where it is none, or nests too deep to be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def dump(value: Any) -> Any:
    """Return *value* as JSON data, secrets opened. Fields at their default are left out: what is particular shows."""
    if isinstance(value, Secret):
        return value.reveal()
    if dataclasses.is_dataclass(value):
        pairs = ((each, getattr(value, each.name)) for each in dataclasses.fields(value))
        return {each.name: dump(part) for each, part in pairs if part != each.default}
    if isinstance(value, dict):
        return {key: dump(part) for key, part in value.items()}
    return [dump(part) for part in value] if isinstance(value, tuple) else value


def load(hint: Any, data: Any, at: str = "") -> Any:
    """Return the *hint* that ``dump`` made *data* from: the inverse of it, for what stands at the place *at*.

    Unknown keys, missing ones, wrong types and broken promises of a dataclass raise MalformedError."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or (origin is UnionType and data is None) or (origin is Literal and data in arguments):
        return data
    if hint is Secret:
        return Secret(load(str, data, at))
    if origin is UnionType:
        return load(arguments[0], data, at)
    if origin is tuple and isinstance(data, list):
        return tuple(load(arguments[0], part, f"{at}[{number}]") for number, part in enumerate(data))
    if origin is dict and isinstance(data, dict):
        return {key: load(arguments[1], part, f"{at}.{key}") for key, part in data.items()}
    if dataclasses.is_dataclass(hint) and isinstance(data, dict):
        return _load_fields(hint, data, at)
    if type(data) is not hint:
        raise MalformedError(f"{at or 'it'} has the wrong type")
    return data


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _load_fields(hint: Any, data: dict[str, Any], at: str) -> Any:
    hints = _hints(hint)
    if unknown := sorted(data.keys() - hints.keys()):
        raise MalformedError(f"“{unknown[0]}” is not known{f' in {at}' if at else ''}")
    parts = {key: load(hints[key], part, f"{at}.{key}".lstrip(".")) for key, part in data.items()}
    try:
        return hint(**parts)
    except (TypeError, ValueError) as error:
        reason = str(error).rpartition("__init__() ")[2]
    raise MalformedError(f"{at + ': ' if at else ''}{reason}")
