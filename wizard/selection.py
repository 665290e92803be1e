"""Several of many: their rows in groups, which are chosen, which are in view, and what a typed answer names.

It knows no terminal: it is told how many characters and lines there are.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from wizard.interview import Ask, Fault

_SPACED_RANGE = re.compile(r"(\d)\s*-\s*(\d)")
_NUMBERS = re.compile(r"(\d+)(?:-(\d+))?")
_LEAST_WITH_CONTEXT = 3  # lines of a list in which the row before the one that is pointed at is seen, too


@dataclass(frozen=True)
class Row:
    """One line of the list: a choice by its ``word``, or the ``heading`` of a group, which has no word.

    ``refusal`` is the reason why a choice is shown but cannot be chosen, else empty.
    """

    text: str
    word: str = ""
    heading: str = ""
    refusal: str = ""


@dataclass(frozen=True)
class Selection:
    """A list being chosen from: ``place`` is the row that is pointed at, ``top`` the first one in view."""

    rows: tuple[Row, ...]
    place: int
    chosen: frozenset[str] = frozenset()
    top: int = 0

    @property
    def row(self) -> Row:
        """Return the row that is pointed at; it is never a heading."""
        return self.rows[self.place]

    @property
    def text(self) -> str:
        """Return the words that are chosen, in the order in which they are shown."""
        return ", ".join(row.word for row in self.rows if row.word in self.chosen)

    def moved(self, step: int) -> Selection:
        """Return it pointing ``step`` choices further; the first one comes after the last."""
        places = self._places()
        return self._at(places[(places.index(self.place) + step) % len(places)])

    def paged(self, lines: int) -> Selection:
        """Return it pointing about ``lines`` lines further, never off the list and never at the same row within it."""
        target = self.place + lines
        return self._at(min(self._places(), key=lambda each: (abs(each - target), -each * lines)))

    def found(self, words: Iterable[str]) -> Selection:
        """Return it pointing at the row of the *words* that is shown first; as it is where there is none."""
        wanted = set(words)
        return self._at(next((each for each in self._places() if self.rows[each].word in wanted), self.place))

    def toggled(self) -> Selection:
        """Return it with the row that is pointed at chosen, or no longer so; one that is refused stays as it is."""
        return self if self.row.refusal else replace(self, chosen=self.chosen ^ {self.row.word})

    def scrolled(self, height: int) -> Selection:
        """Return it with the row that is pointed at in view, moved no further than ``height`` lines make it."""
        before = 1 if height >= _LEAST_WITH_CONTEXT else 0
        top = min(max(self.top, self.place - height + 1 + before), self.place - before)
        return replace(self, top=max(0, min(top, len(self.rows) - height)))

    def view(self, height: int) -> list[tuple[str, Row]]:
        """Return the rows in view, each behind what stands before it: a pointer, or a sign that there are more.

        Of a group whose heading has gone off the top, the heading stands in the first line.
        """
        shown = list(enumerate(self.rows))[self.top : self.top + height]
        if height >= _LEAST_WITH_CONTEXT and shown[0][1].heading and shown[1][1].word:
            first = shown[0][1].heading
            shown[0] = (self.top, Row(first, heading=first))
        above, below = self.top, self.top + height - 1
        marks = {above: "^" if above > 0 else " ", below: "v" if below < len(self.rows) - 1 else " ", self.place: "›"}
        return [(marks.get(number, " "), row) for number, row in shown]

    def _places(self) -> list[int]:
        return [number for number, row in enumerate(self.rows) if row.word]

    def _at(self, place: int) -> Selection:
        return replace(self, place=place)


def rows(ask: Ask) -> tuple[Row, ...]:
    """Return the lines of the list: choices of no group first, then each group under its heading."""
    grouped = {word for words in ask.groups.values() for word in words}
    made: list[Row] = []
    for heading, words in (("", [word for word in ask.choices if word not in grouped]), *ask.groups.items()):
        made += [Row(heading, heading=heading)] if heading and words else []
        made += [Row(_text(ask, word), word, heading, ask.refused.get(word, "")) for word in words]
    return tuple(made)


def begun(ask: Ask, glyphs: Callable[[str], str]) -> Selection:
    """Return the list with the first row pointed at, and chosen what `Ask.text` names; ``glyphs`` spells its texts."""
    spelt = tuple(replace(row, text=glyphs(row.text), heading=glyphs(row.heading)) for row in rows(ask))
    legal = {row.word for row in spelt if row.word and not row.refusal}
    place = next(number for number, row in enumerate(spelt) if row.word)
    return Selection(spelt, place, frozenset(ask.text.split(", ")) & legal)


def numbered(ask: Ask) -> list[str]:
    """Return the words that can be chosen; the place of each, counted from 1, is its number in plain lines."""
    return [row.word for row in rows(ask) if row.word and not row.refusal]


def read(ask: Ask, typed: str) -> tuple[str, Fault | None]:
    """Return the words that a typed answer names, as `Selection.text` has them, and all that is wrong with it.

    It holds numbers, ranges of them (5-7), words, or beginnings of words, between commas or blanks.
    """
    words = numbered(ask)
    chosen: set[str] = set()
    wrong: list[str] = []
    for part in re.split(r"[,\s]+", _SPACED_RANGE.sub(r"\1-\2", typed.strip(", \t"))):
        if numbers := _NUMBERS.fullmatch(part):
            first, last = int(numbers[1]), int(numbers[2] or numbers[1])
            if 1 <= first <= last <= len(words):
                chosen.update(words[first - 1 : last])
            else:
                wrong.append(f"{part} is not in the list.")
            continue
        found = ask.begun(part)
        if len(found) > 1:
            others = f"{len(found) - 1} others" if len(found) > 2 else found[1]
            wrong.append(f"{part} begins {found[0]} and {others}.")
        elif found and (refusal := ask.refused.get(found[0])):
            wrong.append(f"{found[0]} cannot be chosen here: {refusal}.")
        elif not found and typed.strip():
            wrong.append(f"{part or typed.strip()} is no name in the list.")
        chosen.update(found)
    if wrong:
        legal = f"Type numbers from 1 to {len(words)}, as in 2, 5-7, or names." if words else ""
        return "", Fault(" ".join([*wrong, legal]).strip())
    return ", ".join(word for word in words if word in chosen), None


def tight(text: str) -> str:
    """Return a text without the blanks that only put it into columns."""
    return re.sub(r" {2,}", "  ", text)


def cut(text: str, width: int, sign: str) -> str:
    """Return a text in at most *width* characters, cut behind a word, with *sign* where something is left out."""
    short = "".join(textwrap.wrap(text, width, max_lines=1, placeholder=sign))
    return short if short != sign.strip() else text[: width - len(sign)] + sign  # a word longer than the line


def wider(listed: Sequence[Row], width: int) -> int:
    """Return how many choices of the list are longer than *width* characters."""
    return sum(len(row.text) > width for row in listed if row.word)


def _text(ask: Ask, word: str) -> str:
    refusal = ask.refused.get(word)
    return f"{ask.choices[word]} ({refusal})" if refusal else ask.choices[word]
