"""Base64 where a person meant text, and text where base64 is meant: what can be told from the characters alone. Pure.

``lenses.encoded`` edits base64; here it is only recognised, also where it has no business to be.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

from wizard import keys

_ALPHABET = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_SIGNING_KEY = re.compile(r"ed25519 \S+ \S{43}=?\s*")
_SHORTEST = 12  # characters: of random base64 that long one text in 100 000 is printable throughout, by (95/256)**12


def is_read(text: str) -> bool:
    """Say whether the API server reads *text* under ``data:``: Go's decoder skips CR and LF, and nothing else."""
    joined = text.replace("\r", "").replace("\n", "")
    return len(joined) % 4 == 0 and _ALPHABET.fullmatch(joined) is not None


def plain(text: str) -> str:
    """Return the text that *text* is the base64 of, whatever blanks stand in it; '' where it is none, or is too short.

    Only printable ASCII counts, with line ends and tabs: then it is no chance, and no random key either."""
    joined = "".join(text.split())
    if not is_read(joined):
        return ""
    try:
        found = base64.b64decode(joined).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    is_text = found.translate({ord(each): None for each in "\r\n\t"}).isprintable()
    return found if is_text and len(found) >= _SHORTEST else ""


def shape(text: str) -> str:
    """Return what *text* plainly is ("a PEM text"), of what no server takes in base64; '' where it may be anything."""
    if "-----BEGIN " in text:
        return "a PEM text"
    if _SIGNING_KEY.fullmatch(text):
        return "a signing key"
    if text.lstrip().startswith("{") and _is_object(text):
        return "a JSON text"
    try:
        keys.htpasswd_line(text.rstrip())
    except ValueError:
        return ""
    return "an htpasswd line"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
