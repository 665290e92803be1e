"""Environment files: ``KEY=value`` lines that a shell sources, or that MinIO reads by itself.

MinIO drops ``export``, splits at the first ``=`` and strips one pair of equal outer quotes, without unescaping or
expansion (FACTS 3). A value is written so that it and bash read the same, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wizard.lenses import text as free
from wizard.lenses.region import CannotHold, Edit, Reading, Region, one_to_one

_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=([^\r\n]*?)[ \t]*\r?$", re.MULTILINE)
_IGNORED = re.compile(r"^[ \t]*(?:#[^\n]*)?\r?$", re.MULTILINE)
# Bash expands a tilde at the start and behind a colon of an assignment, and nothing else of these.
_BARE = re.compile(r"(?!~)(?:(?!:~)[A-Za-z0-9_./:@%+,=~^-])*")
_SINGLE = re.compile(r"'[^'\x00-\x1f\x7f-\x9f]*'")
_DOUBLE = re.compile(r'"[^"$`\\!\x00-\x1f\x7f-\x9f]*"')


def values(text: str) -> list[tuple[str, Region]]:
    """Return every assignment's key and the lens over its value.

    A value that a shell and MinIO read differently is free text: it is replaced only by what no reader touches.
    """
    return [(match[1], _value(text, *match.span(2))) for match in _LINE.finditer(text)]


def is_environment(text: str) -> bool:
    """Whether every line of *text* is an assignment, a comment or blank, and one at least is an assignment."""
    lines = text.split("\n")
    return any(map(_LINE.match, lines)) and all(_LINE.match(line) or _IGNORED.match(line) for line in lines)


@dataclass(frozen=True)
class Value:
    """The grammar of a value that a shell and MinIO read alike."""

    def read(self, region: str) -> Reading:
        """Decode a bare, single- or double-quoted value; CannotHold when the two would differ."""
        if _BARE.fullmatch(region):
            return one_to_one(region)
        if _SINGLE.fullmatch(region) or _DOUBLE.fullmatch(region):
            return one_to_one(region[1:-1], at=1)
        raise CannotHold("a shell and MinIO read this value differently")

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:  # noqa: ARG002
        """Yield the edits' texts as they are: within the quotes there are no escapes that both know."""
        yield [edit.new for edit in edits]

    def rewrite(self, region: str, wanted: str) -> Iterator[str]:  # noqa: ARG002
        """Yield the value in single quotes, then in double ones; CannotHold when neither carries it."""
        if re.search(r"[\x00-\x1f\x7f-\x9f]", wanted):
            raise CannotHold("an environment file cannot hold line breaks or control characters")
        yield f"'{wanted}'"
        yield f'"{wanted}"'
        raise CannotHold("no quoting carries this value the same to a shell and to MinIO")


def _value(text: str, start: int, end: int) -> Region:
    region = Region(Value(), text, start, end)
    try:
        region.reading  # noqa: B018 (reading is the test)
    except CannotHold:
        return free.lens(text, start, end)
    return region
