"""Holes: how a value stands in a longer text, so that it is found again when lines around it have moved.

A hole is the whole text, a PEM block, or a line with □ in each value's place. Pure text; knows no tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from wizard.lenses import pem_spans
from wizard.vault import Record

HOLE = "□"
PEM_HOLE = "-----BEGIN □"  # a PEM block in a longer text, from its header to its footer


def of(
    text: str, spans: Iterable[tuple[int, int]], span: tuple[int, int], *, comment: bool = False
) -> tuple[str, int, int]:
    """Return how *span* stands in *text* as (pattern, index, nth), see ``Record``; *spans* are all its sites.

    A *comment* is told from its own sign on: what stands before that in the line is none of its business.
    """
    start, end = span
    if (start, end) == (0, len(text)):
        return "", 0, 0
    if text.startswith("-----BEGIN ", start):
        return PEM_HOLE, 0, [(block.start, block.end) for block in pem_spans(text)].index(span)
    begin, stop = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    if comment and not text[begin:start].lstrip().startswith("#"):
        begin = max(text.rfind("#", begin, start), begin)
    stop = len(text) if stop < 0 else stop
    inside = sorted(each for each in spans if begin <= each[0] and each[1] <= stop)
    pattern, at = "", begin
    for each in inside:
        pattern += text[at : each[0]] + HOLE
        at = each[1]
    pattern += text[at:stop]
    earlier = [line for line in _matches(pattern, text) if line[0][0] < begin]
    return pattern, inside.index(span), len(earlier)


def locate(record: Record, text: str, expected: frozenset[str] = frozenset()) -> tuple[int, int] | None:
    """Return the span of *record*'s hole in *text*, None where it is gone.

    Of several lines that fit, those that hold one of the *expected* texts come first.
    """
    if record.hole == "":
        return 0, len(text)
    if record.hole == PEM_HOLE:
        spans = pem_spans(text)
        return (spans[record.nth].start, spans[record.nth].end) if record.nth < len(spans) else None
    lines = [holes[record.index] for holes in _matches(record.hole, text) if record.index < len(holes)]
    likely = [span for span in lines if text[slice(*span)] in expected]
    for candidates in (likely, lines):
        if record.nth < len(candidates):
            return candidates[record.nth]
    return None


def _matches(pattern: str, text: str) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield the spans of the holes of each line of *text* that *pattern* fits."""
    start = r"(?:^|(?<=[ \t]))" if pattern.startswith("#") else "^"
    gap = "([^#\\n]*?)" if pattern.startswith("#") else "(.*?)"
    line = re.compile(start + gap.join(map(re.escape, pattern.split(HOLE))) + r"(?=\r?$)", re.MULTILINE)
    for match in line.finditer(text):
        yield tuple(match.span(number) for number in range(1, line.groups + 1))
