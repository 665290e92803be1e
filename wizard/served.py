"""Objects as an API server gives them out (`kubectl get -o json`): every text in them, and in which field it stands.

Pure: bytes in, fields out. What is base64 by its kind is given decoded, and the copy of the whole object that
client-side `kubectl apply` leaves in an annotation is taken apart as the object itself is.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_ENCODED = {"Secret": "data", "ConfigMap": "binaryData"}
_PLAIN_STEP = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Field:
    """One text of an object: kind, namespace and name of that, and the ``path`` to the text in it.

    ``within`` is the path inside the last-applied annotation, where the text stands in that."""

    kind: str
    namespace: str
    name: str
    path: tuple[str, ...]
    text: bytes = field(repr=False)
    within: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """The object as ``Kind/namespace/name``, without a namespace where it has none."""
        return "/".join(filter(None, (self.kind, self.namespace, self.name)))

    @property
    def where(self) -> str:
        """The path as jq and people write it: ``metadata.annotations["kubectl.kubernetes.io/…"]``."""
        within = f" > {_spelled(self.within)}" if self.within else ""
        return _spelled(self.path) + within

    @property
    def is_last_applied(self) -> bool:
        """Whether the text stands in the copy that client-side apply keeps."""
        return self.path[-1:] == (LAST_APPLIED,)


def fields(data: bytes) -> list[Field] | None:
    """Return the texts of the objects that the JSON *data* holds, one or a list; None where it is no such JSON."""
    try:
        read = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict) or not isinstance(read.get("kind"), str):
        return None
    items = read.get("items") if read["kind"].endswith("List") else [read]
    objects = [item for item in (items if isinstance(items, list) else [read]) if isinstance(item, dict)]
    return [each for one in objects for each in _of_object(one)]


def _of_object(read: Mapping[str, Any]) -> Iterator[Field]:
    metadata = read.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    kind, namespace, name = (str(each or "") for each in (read.get("kind"), named.get("namespace"), named.get("name")))
    for path, text in _texts(read, ()):
        is_encoded = path[0] == _ENCODED.get(kind)
        whole = Field(kind, namespace, name, path, _decoded(text) if is_encoded else _octets(text))
        inner = fields(whole.text) if whole.is_last_applied else None
        if inner is None:
            yield whole
        else:
            yield from (replace(whole, text=each.text, within=each.path) for each in inner)


def _texts(node: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text and every key that is one, with its path; without recursion there is no depth to fear."""
    open_nodes: list[tuple[object, tuple[str, ...]]] = [(node, path)]
    while open_nodes:
        here, at = open_nodes.pop()
        if isinstance(here, str):
            yield at or ("",), here
        elif isinstance(here, dict):
            open_nodes += [(below, (*at, key)) for key, below in reversed(here.items())]
        elif isinstance(here, list):
            open_nodes += [(below, (*at, f"[{number}]")) for number, below in reversed([*enumerate(here)])]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return _octets(text)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _spelled(path: tuple[str, ...]) -> str:
    told = ""
    for step in path:
        if step.startswith("["):
            told += step
        elif _PLAIN_STEP.fullmatch(step):
            told += f".{step}"
        else:
            told += f"[{json.dumps(step)}]"
    return told.removeprefix(".")
