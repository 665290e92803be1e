r"""Values of turnserver.conf (FACTS 3, "coturn"; its own example file and ``read_config_file``).

A value goes from behind the equals sign, or blank, to the end of the line; blanks at its end are cut off, and then one
``"`` before and one behind it. Nothing else has a meaning: ``#`` is legal within. A line is read up to its 1023rd byte.
All of it was tried on coturn 4.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wizard.lenses.region import CannotHold, Edit, Grammar, Reading, Region, one_to_one

# A colon is left to free text: versions differ in whether it parts a name from its value.
_LINE = re.compile(r"(?P<name>[A-Za-z][\w-]*)(?:[ =]+)(?P<value>[^\r\n]*?)[ \t\v\f]*(?=\r?(?:\n|\Z))", re.ASCII)
# Connections are read once more, by other readers than libpq.
_READ_AGAIN = ("redis-userdb", "redis-statsdb", "mysql-userdb", "mongo-userdb")
_LONGEST = 1023
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BARE = re.compile(r"(?![ =:\t\"])[^\r\n]*(?<!\s)")
_ACCOUNT = "user"  # `user=name:password`, where a password that begins with 0x is a key


def around(text: str, start: int, end: int) -> Region | None:
    """Return the lens over the value of turnserver.conf that holds [start, end) of *text*, None where none does."""
    line = _LINE.match(text, text.rfind("\n", 0, start) + 1)
    if line is None or not line.start("value") <= start < end <= line.end("value") or line["name"] in _READ_AGAIN:
        return None
    room = _LONGEST - len(text[line.start() : line.start("value")].encode())
    return Region(Value(room, is_account=line["name"] == _ACCOUNT), text, *line.span("value"))


@dataclass(frozen=True)
class Value(Grammar):
    """The grammar of a value, bare or quoted, that has ``room`` bytes in its line.

    It is not rewritten: a value quoted anew could not be found again by what stood around its part."""

    room: int
    is_account: bool = False

    def read(self, region: str) -> Reading:
        """Decode the value; CannotHold for what the line cannot hold."""
        if _CONTROL.search(region):
            raise CannotHold("turnserver.conf cannot hold line breaks or control characters")
        if len(region.encode("utf-8", "surrogatepass")) > self.room:
            raise CannotHold(f"turnserver reads no more than {_LONGEST} bytes of a line")
        is_quoted = len(region) > 1 and region[0] == region[-1] == '"'
        if not is_quoted and region and not _BARE.fullmatch(region):
            raise CannotHold("turnserver takes quotes and blanks around a value away")
        reading = one_to_one(region[1:-1], at=1) if is_quoted else one_to_one(region)
        if self.is_account and re.match(r"[^:]*:0x", reading.text):
            raise CannotHold("turnserver takes a password that begins with 0x for a key")
        return reading

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:  # noqa: ARG002
        """Yield the edits' texts as they are, then all of a bare value within quotes, which needs no escapes."""
        yield [edit.new for edit in edits]
        is_whole = len(edits) == 1 and (edits[0].start, edits[0].end) == (0, len(region))
        if is_whole:
            yield [f'"{wanted}"']
