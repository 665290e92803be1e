"""What a plain YAML scalar is to each of the parsers that may read it: they disagree (FACTS 3). Pure; knows no tree.

Two readers stand for all: kubectl (sigs.k8s.io/yaml, a YAML 1.1 of its own) and PyYAML (YAML 1.1, which Synapse and
Ansible read with). What a loader of YAML 1.2 takes for no text (its core schema, 10.3.2), kubectl does too.
"""

from __future__ import annotations

import math
import re
from typing import Literal

Type = Literal["a text", "a number", "a boolean", "nothing", "a date"]

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_BOTH = frozenset(word for each in ("true", "false") for word in (each, each.title(), each.upper()))
_OLD = frozenset(word for each in ("yes", "no", "on", "off") for word in (each, each.title(), each.upper()))
_SHORT = frozenset("yYnN")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

# Go's strconv.ParseInt with base 0, once the underscores are gone; what it refuses (08) may be a float.
_GO_NUMBER = re.compile(
    r"[-+]?(?:0[bB][01]+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
)
# PyYAML's resolver: sexagesimal numbers are its own, and an exponent wants a dot and a sign.
_PY_NUMBER = re.compile(
    r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+"
    r"|[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)"
    r"|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
)
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?"
)


def kubectl(text: str) -> Type:
    """Return what kubectl takes the plain scalar *text* for; what is no text it sends as such [FACTS 3, E]."""
    if text in _BOTH | _OLD | _SHORT:
        return "a boolean"
    digits = text.replace("_", "")
    is_number = _GO_NUMBER.fullmatch(digits) is not None and not text.startswith(("_", "._"))
    return _other(text, is_number=is_number and not _overflows(digits))


def pyyaml(text: str) -> Type:
    """Return what PyYAML, and so Synapse, takes the plain scalar *text* for."""
    if text in _BOTH | _OLD:
        return "a boolean"
    if _DATE.fullmatch(text):
        return "a date"
    return _other(text, is_number=bool(_PY_NUMBER.fullmatch(text)))


def _overflows(digits: str) -> bool:
    """Whether a number is beyond a 64-bit float, or one of another base beyond 64 bits: kubectl takes it for a text."""
    try:
        return math.isinf(float(digits))
    except ValueError:
        return not -(2**63) <= int(digits, 0) < 2**64


def _other(text: str, *, is_number: bool) -> Type:
    if text in _NOTHING:
        return "nothing"
    return "a number" if is_number or _NOT_FINITE.fullmatch(text) else "a text"
