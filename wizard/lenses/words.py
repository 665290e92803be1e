"""Words of languages in which quotes open and close anywhere within a word: ``a"b c"'d'`` is one.

Knows no language: a dialect says which tokens stand within which quote, and how new text is spelled there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wizard.lenses.region import CannotHold, Edit, Grammar, Reading
from wizard.lenses.strings import joined, token_at

_BLANKS = re.compile(r"[ \t\v\f\r]*")


def in_line(text: str, start: int, end: int, word: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return the spans of the words of a line of *text*, from its first one to that which holds [start, end).

    None where no *word* holds it: it stands in a comment, between words, or on several lines.
    """
    at = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", at)
    found: list[tuple[int, int]] = []
    while match := word.match(text, _end(_BLANKS.match(text, at)), len(text) if stop < 0 else stop):
        at = match.end()
        found.append(match.span())
        if match.start() <= start < end <= at:
            return found
        if at >= end:
            break
    return []


@dataclass(frozen=True, eq=False)
class Dialect:
    """How one language quotes.

    ``tokens``: by the quote that is open ('' for none) what may stand there; a ``quote`` token opens and closes, a
    ``run`` stands for itself, every other for what ``decode`` returns. ``spell``: new text within that quote.
    """

    tokens: Mapping[str, re.Pattern[str]]
    decode: Callable[[re.Match[str]], str]
    spell: Callable[[str, str], str]


@dataclass(frozen=True)
class Word(Grammar):
    """The grammar of a word, or of a part of one that begins within the quote ``opened`` and ends within ``closed``.

    ``is_datum``: the program takes the word as it is, and gives no character of it a meaning. It is not rewritten: a
    word written anew could not be found again by what stood around its value.
    """

    dialect: Dialect
    opened: str = ""
    closed: str = ""
    is_datum: bool = True

    def read(self, region: str) -> Reading:
        """Decode the word; CannotHold where it is more than one word, or holds what the language expands."""
        if self.quote_at(region, len(region)) != self.closed:
            raise CannotHold("its quotes are not closed")
        return joined((match for _, match in self._tokens(region)), self._decode, 0)

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:  # noqa: ARG002
        """Yield the edits' texts as the quotes around them ask for; quotes that it needs it brings along.

        All of it stays within the edited span, so that the span is found again by what stands around it.
        """
        spelled = []
        for edit in edits:
            before, behind = (self.quote_at(region, at) for at in reading.span(edit))
            turn = "" if before == behind else before + behind  # what is open there closes, and the other opens
            spelled.append(self.dialect.spell(before, edit.new) + turn)
        if spelled == [""] and reading.span(edits[0]) == (0, len(region)) and not self.opened:
            spelled = ['""']  # a word that holds nothing is still a word
        yield spelled

    def quote_at(self, region: str, at: int) -> str:
        """Return the quote that is open in *region* at the offset *at*."""
        quote = self.opened
        for before, match in self._tokens(region):
            if match.end() > at:
                return before
            quote = _behind(before, match)
        return quote

    def _tokens(self, region: str) -> Iterator[tuple[str, re.Match[str]]]:
        """Yield the tokens of *region*, each with the quote that is open where it begins."""
        at, quote = 0, self.opened
        while at < len(region):
            match = token_at(region, self.dialect.tokens[quote], at, len(region))
            yield quote, match
            at = match.end()
            quote = _behind(quote, match)

    def _decode(self, match: re.Match[str]) -> str:
        return "" if match.lastgroup == "quote" else self.dialect.decode(match)


def _behind(quote: str, match: re.Match[str]) -> str:
    """The quote that is open behind the token *match*, which stands within *quote*."""
    return quote if match.lastgroup != "quote" else "" if quote else match[0]


def _end(match: re.Match[str] | None) -> int:
    assert match is not None, "a pattern that matches nothing at all always matches"  # noqa: S101
    return match.end()
