"""String literals of SQL as PostgreSQL reads them (``standard_conforming_strings`` on), found in SQL text.

``E''``, ``U&''``, ``B''`` and ``X''`` have other rules and are left out, as are comments and quoted names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wizard.lenses.region import CannotHold, Edit, Grammar, Reading, Region
from wizard.lenses.strings import scan
from wizard.lenses.text import require_safe

_TOKENS = re.compile(r"(?P<pair>'')|(?P<run>[^']+)")
_LEXEME = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|\"[^\"]*\"|(?P<dollar>\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$)"
    r"|(?P<prefixed>\b(?:[eE]'(?:[^'\\]|\\.|'')*'|(?:[bBxX]|[uU]&)'(?:[^']|'')*'))|(?P<literal>'(?:[^']|'')*')",
    re.DOTALL,
)
# A text is SQL alone when it begins with a statement and holds nothing of a shell around it.
_STATEMENT = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:alter|create|do|insert|update|select|set|grant|begin|drop|delete|with|comment)\b",
    re.IGNORECASE | re.DOTALL,
)
_SHELL = re.compile(r"^#!|<<|\bpsql\b|\$\(|\$\{", re.MULTILINE)
# Elsewhere (a script's here-document) a literal counts only behind the words that announce a secret or a conninfo.
_ANNOUNCED = re.compile(r"\b(?:password|connection)\s+\Z", re.IGNORECASE)


def literals(text: str) -> Iterator[Region]:
    """Yield the lens over every string literal of the SQL in *text*; within a script only over announced ones."""
    is_sql = bool(_STATEMENT.match(text)) and not _SHELL.search(text)
    if not is_sql:
        for match in _LEXEME.finditer(text):
            if match["literal"] and _ANNOUNCED.search(text, max(0, match.start() - 40), match.start()):
                yield Region(Literal(is_safe_only=True), text, *match.span())
        return
    open_dollar: str | None = None
    for match in _LEXEME.finditer(text):
        if match["dollar"] and open_dollar in (None, match["dollar"]):
            open_dollar = None if open_dollar else match["dollar"]
        elif match["literal"]:
            # Within a dollar-quoted body a dollar sign could end the body.
            yield Region(Literal(is_in_body=open_dollar is not None), text, *match.span())


@dataclass(frozen=True)
class Literal(Grammar):
    """The grammar of ``'…'``: a dollar-quoted body around it bars ``$``, a script all that a shell may touch."""

    is_in_body: bool = False
    is_safe_only: bool = False

    def read(self, region: str) -> Reading:
        """Decode the literal; a NUL has no place in one."""
        if len(region) < 2 or region[0] != "'" or region[-1] != "'" or "\0" in region:
            raise CannotHold("it is not an SQL string")
        return scan(region, _TOKENS, lambda _: "'", 1, len(region) - 1)

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:  # noqa: ARG002
        """Yield the edits' texts with quotes doubled."""
        for edit in edits:
            if self.is_safe_only:
                require_safe(edit.new)
            if self.is_in_body and "$" in edit.new:
                raise CannotHold("a dollar sign cannot stand in a string within a dollar-quoted body")
        yield [edit.new.replace("'", "''") for edit in edits]
