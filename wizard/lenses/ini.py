"""Values of INI files and option files, ``key = value``, as all their readers take them.

Python's configparser (with interpolation and without), go-ini as Grafana uses it, MySQL and unixODBC read one line in
different ways: ``%`` interpolates, ``;`` and ``#`` begin comments within it, quotes are part of the value or around it,
``$`` expands, a backslash escapes. Which program reads a file is not to be seen in it, so a value takes only what is
the same to all of them. Triple quotes and back-quotes, which only go-ini has, say that it is the reader. (FACTS 3;
Python library reference, "configparser"; go-ini documentation, "Values"; Grafana documentation, "Configure Grafana";
MySQL manual, 4.2.2.2.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wizard.lenses.region import CannotHold, Grammar, Reading, Region, one_to_one

# An indented line may be the next line of the value before it.
_LINE = re.compile(r"[^\s#;\[=:][^\n=:]*?[ \t]*[=:][ \t]*(?P<value>[^\r\n]*?)[ \t]*(?=\r?(?:\n|\Z))")
_QUOTES = ('"""', "`", '"', "'")
_BARE = "._~:/@,+=-"
_WITHIN = f"{_BARE} !&()*<>?[]^_{{|}}"
_EXPANDED = re.compile(r"%\(|\$(?:\{|__)")


def around(text: str, start: int, end: int) -> Region | None:
    """Return the lens over the value that holds [start, end) of *text*, None where none does."""
    line = _LINE.match(text, text.rfind("\n", 0, start) + 1)
    is_here = line is not None and line.start("value") <= start < end <= line.end("value")
    return Region(Value(), text, *line.span("value")) if line and is_here else None


@dataclass(frozen=True)
class Value(Grammar):
    """The grammar of a value; the quotes that it has are kept, and none are put around it."""

    def read(self, region: str) -> Reading:
        """Decode the value; CannotHold where the readers of such files differ."""
        found = (quote for quote in _QUOTES if region.startswith(quote) and region.endswith(quote))
        quote = next((each for each in found if len(region) >= 2 * len(each)), "")
        inner = region[len(quote) : len(region) - len(quote)]
        if quote in ('"""', "`"):
            is_same = inner.isprintable() and quote not in inner and not _EXPANDED.search(inner)
            # A quote at the end would be one of the three that close.
            is_same = is_same and not (quote == '"""' and inner.endswith('"'))
        else:
            allowed = _WITHIN if quote else f"{_BARE} "
            is_same = all(character.isalnum() or character in allowed for character in inner)
            is_same = is_same and (bool(quote) or inner == inner.strip())
        if not is_same:
            raise CannotHold(f"readers of INI files differ in what it would mean{'' if quote else ' without quotes'}")
        return one_to_one(inner, at=len(quote))
