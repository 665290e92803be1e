"""Block scalars of YAML, literal and folded: indentation, chomping, headers with comments, blank lines.

YAML 1.1 section 9.2 as libyaml reads it. Knows only the scalar's own lines.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wizard.lenses.flow import Flow
from wizard.lenses.region import CannotHold, Edit, Reading
from wizard.lenses.strings import escape

_HEADER = re.compile(
    r"(?P<style>[|>])(?:(?P<a>[-+])?(?P<n>[1-9])?|(?P<m>[1-9])(?P<b>[-+]))(?:[ \t]+#[^\n]*|[ \t]*)\r?(?:\n|\Z)"
)
_INDICATORS = re.compile(r"[|>][-+1-9]*")
_PLACED = re.compile(r'("(?:[^"\\]|\\.)*")(?:[ \t]+#[^\n]*|[ \t]*)(?:\r?\n *)*')
_ALLOWED = re.compile(r"[^\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]*")


class _Line(NamedTuple):
    """A line's content [start, end) behind the indentation, and where its line break ends."""

    start: int
    end: int
    stop: int

    @property
    def is_blank(self) -> bool:
        return self.start == self.end


@dataclass(frozen=True)
class Block:
    """The grammar of block scalars whose content stands ``indent`` blanks in; ``newline`` ends the lines it writes.

    Only a scalar that ``ends_text`` may lack its last line break.
    """

    indent: int
    newline: str
    ends_text: bool

    @classmethod
    def candidates(cls, region: str, newline: str, *, ends_text: bool) -> list[Block]:
        """Return the grammars under which *region* may read; more than one where its header names a relative depth."""
        header = _HEADER.match(region)
        if header is None:
            return []
        if not region[header.end() :].strip(" \r\n"):
            return [cls(0, newline, ends_text)]  # no line tells the depth
        if not (header["n"] or header["m"]):
            return [cls(_detected(region, header.end()), newline, ends_text)]
        deepest = max((len(line) - len(line.lstrip(" ")) for line in region.split("\n")[1:]), default=0)
        return [cls(indent, newline, ends_text) for indent in range(1, deepest + 1)]

    def read(self, region: str) -> Reading:
        """Decode the scalar from its header to its last blank line."""
        if placed := _PLACED.fullmatch(region):  # what ``rewrite`` puts in the place of a block
            return Flow(in_flow=False).read(placed[1])
        header = _HEADER.match(region)
        if header is None or not (self.ends_text or region.endswith("\n")):
            raise CannotHold("its header or its last line is not one of a block scalar")
        lines = list(self._lines(region, header.end()))
        is_filled = any(not line.is_blank for line in lines)
        if is_filled and not (header["n"] or header["m"]) and _detected(region, header.end()) != self.indent:
            raise CannotHold("a block scalar without an indentation indicator cannot begin with blanks")
        used = len(lines)
        while used and lines[used - 1].is_blank:
            used -= 1
        chomp = header["a"] or header["b"]
        return _joined(region, lines, used, folded=header["style"] == ">", chomp=chomp)

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:
        """Yield the edits' lines with the block's indentation, where it has one and its style can hold them."""
        if not reading.text or not self.indent or not _ALLOWED.fullmatch(wanted):
            return
        if reading.text.endswith("\n") and not wanted.endswith("\n"):
            return  # at the end of a file it could be done by taking the file's last line break away
        if region[0] == "|":
            yield [self._indented(region, reading, edit) for edit in edits]
        elif not any("\n" in edit.new for edit in edits):
            yield [edit.new for edit in edits]

    def rewrite(self, region: str, wanted: str) -> Iterator[str]:
        """Yield a literal block that ends as the text does, then a double-quoted scalar in place of the header.

        Both keep the header's comment and the blank lines behind the text.
        """
        header = _HEADER.match(region)
        if header is None:
            return
        lines = list(self._lines(region, header.end()))
        while lines and lines[-1].is_blank:
            lines.pop()
        behind = region[lines[-1].stop if lines else header.end() :]
        if lines and self.indent and _ALLOWED.fullmatch(wanted):
            yield self._literal(header, wanted, behind, is_cut=not region.endswith("\n"))
        yield _INDICATORS.sub(lambda _: f'"{escape(wanted)}"', header[0], count=1) + behind

    def _literal(self, header: re.Match[str], wanted: str, behind: str, *, is_cut: bool) -> str:
        """The literal block of *wanted*; blank lines *behind* it stay unless they would count as text."""
        body = wanted.rstrip("\n")
        breaks = len(wanted) - len(body)
        chomp = "-" if breaks == 0 else "" if breaks == 1 else "+"
        lines = [(" " * self.indent + line if line else "") for line in body.split("\n")]
        text = self.newline.join([*lines, *[""] * max(breaks, 0 if is_cut and chomp == "-" else 1)])
        indicators = f"|{header['n'] or header['m'] or ''}{chomp}"
        return _INDICATORS.sub(indicators, header[0], count=1) + text + ("" if chomp == "+" else behind)

    def _indented(self, region: str, reading: Reading, edit: Edit) -> str:
        """The edit's text with the indentation its lines need, and no more than they have."""
        following = reading.text[edit.end : edit.end + 1]
        first, *others = edit.new.split("\n")
        has_rest = following not in ("", "\n")
        is_line_start = edit.start == 0 or reading.text[edit.start - 1] == "\n"
        if is_line_start and (first or (has_rest and not others)):
            at = reading.span(edit)[0]
            first = " " * (self.indent - (at - region.rfind("\n", 0, at) - 1)) + first
        for i, line in enumerate(others):
            is_filled = line or (has_rest and i == len(others) - 1)
            others[i] = (" " * self.indent if is_filled else "") + line
        return self.newline.join([first, *others])

    def _lines(self, region: str, at: int) -> Iterator[_Line]:
        while at < len(region):
            found = region.find("\n", at)
            stop = len(region) if found < 0 else found + 1
            end = stop if found < 0 else found - (region[found - 1 : found] == "\r")
            content = region[at:end]
            if content.strip(" ") or len(content) > self.indent > 0:
                if content[: self.indent].strip(" "):
                    raise CannotHold("a line of the block scalar is indented too little")
                yield _Line(at + self.indent, end, stop if found >= 0 else end)
            elif found >= 0:
                yield _Line(end, end, stop)
            at = stop


def _detected(region: str, at: int) -> int:
    """The depth of the first line that is not blank; 0 when there is none. YAML lets no blank line be deeper."""
    deepest = 0
    for line in region[at:].replace("\r\n", "\n").split("\n"):
        depth = len(line) - len(line.lstrip(" "))
        if len(line) > depth:
            if deepest > depth or line[depth] == "\t":
                raise CannotHold("a block scalar without an indentation indicator cannot begin with blanks")
            return depth
        deepest = max(deepest, depth)
    return 0


def _joined(region: str, lines: list[_Line], used: int, *, folded: bool, chomp: str | None) -> Reading:
    """Join the *used* lines by their breaks, the trailing blank ones by *chomp* (``-`` strip, ``+`` keep)."""
    pieces: list[str] = []
    starts, ends = array("Q"), array("Q")  # of texts with megabytes, and of many: a list takes five times as much

    def put(piece: str, start: int, end: int) -> None:
        pieces.append(piece)
        starts.append(start)
        ends.append(end)

    previous = -1
    for i, line in enumerate(lines[:used]):
        if line.is_blank:
            continue
        breaks = list(range(max(previous, 0), i)) if previous >= 0 else list(range(i))
        if folded and previous >= 0 and _folds(region, lines[previous]) and _folds(region, line):
            if len(breaks) == 1:
                put(" ", lines[previous].end, line.start)
                breaks = []
            else:
                put("\n", lines[previous].end, lines[previous + 2].start)
                breaks = breaks[2:]
        for at in breaks:
            put("\n", lines[at].end, lines[at + 1].start)
        pieces.append(region[line.start : line.end])
        starts.extend(range(line.start, line.end))
        ends.extend(range(line.start + 1, line.end + 1))
        previous = i
    last = [] if chomp == "-" else lines[max(used - 1, 0) :] if chomp == "+" else lines[used - 1 : used] if used else []
    for i, line in enumerate(last):
        if line.stop > line.end:
            following = last[i + 1].start if i + 1 < len(last) else line.stop
            put("\n", line.end, following)
    return Reading("".join(pieces), starts, ends, lines[0].start if lines else len(region))


def _folds(region: str, line: _Line) -> bool:
    return region[line.start] not in " \t"
