"""PEM armour in free text (RFC 7468): from ``-----BEGIN X-----`` to ``-----END X-----``, whatever stands between.

A key owns its whole armour with any prose inside (DESIGN, law 3); what the body holds is not looked at.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(r"-----(BEGIN|END) ([A-Z0-9][A-Z0-9 #.-]*?)-----")


class Armour(NamedTuple):
    """One armoured block: its span [start, end) and its label, such as ``RSA PRIVATE KEY``."""

    start: int
    end: int
    label: str


def pem_spans(text: str) -> list[Armour]:
    """Return every armour of *text* in order; a BEGIN without its own END is none."""
    found: list[Armour] = []
    begin: re.Match[str] | None = None
    for line in _LINE.finditer(text):
        if line[1] == "BEGIN":
            begin = line
        elif begin is not None and line[2] == begin[2]:
            found.append(Armour(begin.start(), line.end(), line[2]))
            begin = None
    return found
