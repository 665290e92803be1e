"""Connection strings of libpq, ``host=… password='…'`` (PostgreSQL documentation, 34.1.1.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wizard.lenses.region import CannotHold, Edit, Reading, Region
from wizard.lenses.strings import scan

# An unquoted value must not be empty: libpq skips blanks behind the equals sign and would take the next word.
_PAIR = re.compile(
    r"\s*(?P<key>[a-z_]+)\s*=\s*(?P<value>'(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)(?=\s|\Z)", re.DOTALL
)
_KNOWN = {
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "passfile",
    "sslmode",
    "service",
    "application_name",
}
_TOKENS = re.compile(r"(?P<escape>\\.)|(?P<run>[^\\]+)", re.DOTALL)


def values(text: str) -> list[tuple[str, Region]]:
    """Return every keyword and the lens over its value; nothing when *text* is not one connection string."""
    found, at = [], 0
    while match := _PAIR.match(text, at):
        found.append((match["key"], Region(Value(), text, *match.span("value"))))
        at = match.end()
    is_whole = not text[at:].strip() and any(key in _KNOWN for key, _ in found)
    return found if is_whole else []


@dataclass(frozen=True)
class Value:
    """The grammar of a value, quoted or not; in both a backslash takes the next character as it is."""

    def read(self, region: str) -> Reading:
        """Decode the value."""
        if region[:1] == "'":
            if not re.fullmatch(r"'(?:[^'\\]|\\.)*'", region, re.DOTALL) or "\0" in region:
                raise CannotHold("it is not a value of a connection string")
            return scan(region, _TOKENS, lambda match: match[0][1], 1, len(region) - 1)
        if not re.fullmatch(r"(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*", region, re.DOTALL) or "\0" in region:
            raise CannotHold("it is not a value of a connection string")
        return scan(region, _TOKENS, lambda match: match[0][1], 0, len(region))

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:  # noqa: ARG002
        """Yield the edits' texts with quotes and backslashes escaped; blanks need the quotes of ``rewrite`` around."""
        yield [re.sub(r"(['\\])", r"\\\1", edit.new) for edit in edits]

    def rewrite(self, region: str, wanted: str) -> Iterator[str]:
        """Yield the quoted form of an unquoted value."""
        if region[:1] != "'":
            yield "'" + re.sub(r"(['\\])", r"\\\1", wanted) + "'"
