"""The mechanics every lens shares: edits, readings with an offset map, and edits carried outward through a stack.

Knows no format: a grammar says how its region reads and how new text is spelled in it. Every put is read back before
it is returned (DESIGN, law 2: refuse rather than corrupt).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Protocol

UNSPELLABLE = "the new text cannot be written here in a way that reads back the same"


@dataclass(frozen=True)
class Edit:
    """Characters [start, end) of a text are to become ``new``, which may be secret and is in no repr."""

    start: int
    end: int
    new: str = field(repr=False)


class CannotHold(Exception):  # noqa: N818 (the word of DESIGN; it is caught and worded anew by the caller)
    """The region cannot be read or cannot hold the new text; ``reason`` is a sentence's words without any value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Lens(Protocol):
    """A region of an outer text: what it decodes to, and how edits of that become edits of the outer text."""

    @property
    def text(self) -> str:
        """What the region decodes to."""

    def put(self, edits: Sequence[Edit]) -> list[Edit]:
        """Return the edits of the outer text that make exactly *edits* in ``text``; CannotHold if none do."""


@dataclass(frozen=True)
class View:
    """A lens standing in a stack: it looks into ``outer``'s text, or into the file's when that is None.

    Views compare by value, so that two views of one region are one for ``render``.
    """

    lens: Lens = field(repr=False)
    outer: View | None = None

    @property
    def text(self) -> str:
        """What the lens decodes its region to."""
        return self.lens.text


@dataclass(frozen=True)
class Whole:
    """The lens over a file that is no YAML: its text as it is, every edit allowed; what stands in it is for others."""

    text: str = field(repr=False)

    def put(self, edits: Sequence[Edit]) -> list[Edit]:
        """See ``Lens.put``."""
        return tidy(edits, self.text)


@dataclass(frozen=True)
class Reading:
    """A decoded region: character i of ``text`` stands at [starts[i], ends[i]) of the region.

    Bytes that belong to no character (quotes, headers, escaped line breaks) lie between. ``origin`` is where text
    goes that is inserted at offset 0.
    """

    text: str = field(repr=False)
    starts: Sequence[int]
    ends: Sequence[int]
    origin: int

    def span(self, edit: Edit) -> tuple[int, int]:
        """The part of the region that *edit* replaces; for an insertion the point behind the character before it."""
        if edit.start < edit.end:
            return self.starts[edit.start], self.ends[edit.end - 1]
        point = self.ends[edit.start - 1] if edit.start else self.origin
        return point, point


class Grammar(Protocol):
    """How one kind of region reads and spells. Both may raise CannotHold.

    Where there are no escapes, and no other way to write a region, what stands here for both is all."""

    def read(self, region: str) -> Reading:
        """Decode *region*."""

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:  # noqa: ARG002
        """Yield spellings, best first: for each of *edits* the text that replaces its part of the region."""
        yield [edit.new for edit in edits]

    def rewrite(self, region: str, wanted: str) -> Iterator[str]:  # noqa: ARG002
        """Yield regions, best first, that replace the whole one so that it decodes to *wanted*."""
        return iter(())


@dataclass(frozen=True)
class Region:
    """The lens over [start, end) of ``outer`` in a grammar. A reading that fails raises CannotHold."""

    grammar: Grammar
    outer: str = field(repr=False)
    start: int
    end: int

    @cached_property
    def reading(self) -> Reading:
        """The decoded region with its offset map."""
        return self.grammar.read(self.outer[self.start : self.end])

    @property
    def text(self) -> str:
        """What the region decodes to."""
        return self.reading.text

    def put(self, edits: Sequence[Edit]) -> list[Edit]:
        """See ``Lens.put``. A spelling counts only when the edited region reads back as the wanted text."""
        edits = _by_lines(tidy(edits, self.text), self.text)
        wanted, refusal = apply(self.text, edits), UNSPELLABLE
        for attempt in (self._within, self._anew):
            try:
                for inner in attempt(edits, wanted):
                    misread = self._misread(inner, wanted)
                    if misread is None:
                        return [Edit(self.start + e.start, self.start + e.end, e.new) for e in inner]
                    refusal = misread
            except CannotHold as refused:
                refusal = refused.reason
        raise CannotHold(refusal)

    def _within(self, edits: Sequence[Edit], wanted: str) -> Iterator[list[Edit]]:
        """Yield edits of the region that leave all but the edited characters as they stand."""
        if not edits:
            yield []
        spans = [self.reading.span(edit) for edit in edits]
        for spelled in self.grammar.spell(self._region, self.reading, edits, wanted):
            yield [Edit(*span, new) for span, new in zip(spans, spelled, strict=True)]

    def _anew(self, _: Sequence[Edit], wanted: str) -> Iterator[list[Edit]]:
        """Yield edits that write the whole region anew, in another quoting."""
        for whole in self.grammar.rewrite(self._region, wanted):
            yield [Edit(0, len(self._region), whole)]

    @property
    def _region(self) -> str:
        return self.outer[self.start : self.end]

    def _misread(self, inner: Sequence[Edit], wanted: str) -> str | None:
        """Why the region does not read as *wanted* after its edits; None when it does."""
        try:
            return None if self.grammar.read(apply(self._region, inner)).text == wanted else UNSPELLABLE
        except CannotHold as refused:
            return refused.reason


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return *text* with *edits* made; they do not overlap."""
    pieces, done = [], 0
    for edit in sorted(edits, key=_place):
        pieces += [text[done : edit.start], edit.new]
        done = edit.end
    return "".join([*pieces, text[done:]])


def tidy(edits: Iterable[Edit], text: str) -> list[Edit]:
    """Return *edits* of *text* in order, without those that change nothing, touching ones joined.

    Edits that overlap or lie outside the text are a bug of the caller: ValueError.
    """
    joined: list[Edit] = []
    end = 0
    for edit in sorted(edits, key=_place):
        if not end <= edit.start <= edit.end <= len(text):
            raise ValueError("edits overlap or lie outside the text")
        end = edit.end
        if text[edit.start : edit.end] == edit.new:
            continue
        before = joined.pop() if joined and joined[-1].end == edit.start else Edit(edit.start, edit.start, "")
        joined.append(Edit(before.start, edit.end, before.new + edit.new))
    return joined


def render(edits: Mapping[View, Sequence[Edit]], until: View | None = None) -> list[Edit]:
    """Carry the edits of every view outward and return those of the root text, or of the view *until*, in order.

    All edits of one region reach its lens together. CannotHold when a lens refuses; ValueError when edits overlap.
    """
    pending = {view: list(of_view) for view, of_view in edits.items()}
    root: list[Edit] = []
    while pending:
        view = max(pending, key=_depth)
        if view == until:
            return tidy(pending[view], view.text)
        outward = view.lens.put(pending.pop(view))
        (root if view.outer is None else pending.setdefault(view.outer, [])).extend(outward)
    root.sort(key=_place)
    if any(one.end > other.start for one, other in pairwise(root)):
        raise ValueError("edits of two views overlap")
    return root


def render_whole(edits: Mapping[View, Sequence[Edit]], root: View) -> list[Edit]:
    """Return what ``render`` does for all of a file, whose whole text is *root*.

    Where a block scalar is written anew with its header, an edit of the comment in that header gives way.
    """
    try:
        return render(edits)
    except ValueError:
        return render({view: of_view for view, of_view in edits.items() if view != root})


def one_to_one(text: str, at: int = 0) -> Reading:
    """The reading of a region whose text stands as it is, *at* characters behind its start."""
    return Reading(text, range(at, at + len(text)), range(at + 1, at + len(text) + 1), at)


def _by_lines(edits: list[Edit], text: str) -> list[Edit]:
    """Let removed lines take the break before them along instead of the one behind: the same text, but it leaves no
    indentation behind where a block of lines ends.
    """
    moved: list[Edit] = []
    for edit in edits:
        free = moved[-1].end if moved else 0
        removed = text[edit.start - 1 : edit.end] if edit.start > free and not edit.new else ""
        by = 1 if len(removed) > 1 and removed[0] == removed[-1] == "\n" else 0
        moved.append(Edit(edit.start - by, edit.end - by, edit.new))
    return moved


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def _depth(view: View) -> int:
    return 0 if view.outer is None else 1 + _depth(view.outer)
