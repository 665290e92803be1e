"""Free text in no known language, or where one reads a text once more: a span stands as it is, without any quoting.

What reads it may give another meaning to quotes, blanks, ``#``, ``$`` and ``\\`` (FACTS 3, "One alphabet for
everything"); only characters that no format there touches are written.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wizard.lenses.region import CannotHold, Edit, Grammar, Reading, Region, one_to_one

SAFE = re.compile(r"[A-Za-z0-9._~:/@,+=-]*")


def lens(text: str, start: int = 0, end: int | None = None) -> Region:
    """Return the lens over [start, end) of *text* as it stands; its offsets count from *start*."""
    return Region(Bare(), text, start, len(text) if end is None else end)


def require_safe(new: str) -> None:
    """Raise CannotHold when *new* holds a character that the formats around free text give a meaning to.

    Blanks are let through between address ranges: as a list they mean what they should in all of those formats.
    """
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", new):
        raise CannotHold("a line break or control character cannot stand in this text")
    if not SAFE.fullmatch(new) and not _is_ranges(new):
        raise CannotHold("only letters, digits and ._~:/@,+=- are safe in this text, whatever reads it")


@dataclass(frozen=True)
class Bare(Grammar):
    """The grammar of text that stands as it is."""

    def read(self, region: str) -> Reading:
        """Every character stands for itself."""
        return one_to_one(region)

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:  # noqa: ARG002
        """Yield the edits' texts as they are; CannotHold for characters that are not safe."""
        for edit in edits:
            require_safe(edit.new)
        yield [edit.new for edit in edits]


def _is_ranges(text: str) -> bool:
    words = text.split(" ")
    try:
        return len([ipaddress.ip_network(word, strict=False) for word in words]) > 1
    except ValueError:
        return False
