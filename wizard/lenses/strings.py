"""Reading strings token by token, and the one escaping that JSON and YAML's double quotes read alike.

RFC 8259 section 7; YAML 1.1 section 5.6. Knows no region and no document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from wizard.lenses.region import CannotHold, Reading

# The short escapes common to RFC 8259 and YAML; \u with four digits serves for the rest of what is escaped.
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    """Return *text* as it stands between the double quotes of JSON and of YAML; what prints stays as it is."""
    return "".join(map(_escaped, text))


def scan(region: str, tokens: re.Pattern[str], decode: Callable[[re.Match[str]], str], start: int, end: int) -> Reading:
    """Decode [start, end) of *region*: a ``run`` token stands for itself, every other for what *decode* returns.

    CannotHold where no token matches.
    """
    return joined(_tokens(region, tokens, start, end), decode, start)


def joined(tokens: Iterable[re.Match[str]], decode: Callable[[re.Match[str]], str], origin: int) -> Reading:
    """Join the decoded *tokens* of a region to a reading; *origin* as there.

    A token that decodes to several characters gives all its bytes to the first.
    """
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in tokens:
        at, end = match.span()
        if match.lastgroup == "run":
            pieces.append(match[0])
            starts.extend(range(at, end))
            ends.extend(range(at + 1, end + 1))
        else:
            piece = decode(match)
            pieces.append(piece)
            starts.extend([at, *[end] * (len(piece) - 1)][: len(piece)])
            ends.extend([end] * len(piece))
    return Reading("".join(pieces), starts, ends, origin)


def token_at(region: str, tokens: re.Pattern[str], at: int, end: int) -> re.Match[str]:
    """Return the token at *at* of *region*; CannotHold where none matches."""
    match = tokens.match(region, at, end)
    if match is None:
        raise CannotHold("it is not written as its quoting asks for")
    return match


def _tokens(region: str, tokens: re.Pattern[str], at: int, end: int) -> Iterator[re.Match[str]]:
    while at < end:
        match = token_at(region, tokens, at, end)
        yield match
        at = match.end()


def _escaped(character: str) -> str:
    if short := _SHORT.get(character):
        return short
    # Beyond the BMP the two languages share no escape; such characters are allowed raw in both.
    return character if character.isprintable() or ord(character) > 0xFFFF else f"\\u{ord(character):04x}"
