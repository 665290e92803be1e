r"""Words of haproxy.cfg (FACTS 3; HAProxy Configuration Manual, 2.2 "Quoting and escaping").

Blanks part words and ``#`` begins a comment; outside of quotes and in ``"…"`` a backslash escapes
``blank # \ " ' n r t xHH``, in ``"…"`` also ``$``, which begins a variable there; ``'…'`` has no escapes. Before any
other character a backslash is one. All of it was tried on HAProxy 2.6.

Which meaning a word has is for its setting to say: a log format, an expression or a pattern read it once more. A
password is taken as it is; in every other word only what no such reader touches is written.
"""

from __future__ import annotations

import re

from wizard.lenses.region import CannotHold, Region
from wizard.lenses.words import Dialect, Word, in_line

_WORD = re.compile(r"""(?:[^\s\\"'#]|\\[^\t\n\v\f\r]|\\(?=\s)|"(?:[^"\\]|\\.)*"|'[^']*')+""", re.ASCII)
# The words before one that holds a password and nothing else (manual, 3.4 and 4.2 "stats auth").
_LITERAL = re.compile(r"user\s+\S+\s+(?:.*\s)?(?:insecure-)?password|stats\s+auth", re.DOTALL)
# Several addresses beside one another are a word each: free text takes a list of them.
_LIST = re.compile(r".*(?:\b(?:src|dst)|_ip|-m\s+ip)\b.*", re.DOTALL)

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NAMED = {"n": "\n", "r": "\r", "t": "\t"}
_HEX = "x(?!00)[0-7][0-9a-fA-F]"
_TOKENS = {
    "": re.compile(
        rf"""(?P<quote>["'])|(?P<escape>\\(?:[ \\#"'nrt]|{_HEX}))|(?P<run>[^\s\\"'#\0]+|\\(?![\s\\#"'nrtx]))""",
        re.ASCII,
    ),
    '"': re.compile(
        rf"""(?P<quote>")|(?P<escape>\\(?:[ \\#"'$nrt]|{_HEX}))|(?P<run>[^\\"$\r\n\0]+|\\(?![\s\\#"'$nrtx]))""",
        re.ASCII,
    ),
    "'": re.compile(r"(?P<quote>')|(?P<run>[^'\r\n\0]+)"),
}
_SPECIAL = {"": re.compile(r"""[ \\#"'\x00-\x1f\x7f]"""), '"': re.compile(r"""[\\"$\x00-\x1f\x7f]""")}
_BREAKS_OUT = re.compile(r"['\x00-\x1f\x7f]")


def around(text: str, start: int, end: int) -> Region | None:
    """Return the lens over the word of haproxy.cfg that holds [start, end) of *text*, None where no word does."""
    words = in_line(text, start, end, _WORD)
    before = text[words[0][0] : words[-1][0]].strip() if words else ""
    is_value = bool(before) and not _LIST.fullmatch(before)
    return Region(Word(_DIALECT, is_datum=bool(_LITERAL.fullmatch(before))), text, *words[-1]) if is_value else None


def _decode(match: re.Match[str]) -> str:
    character = match[0][1:]
    return chr(int(character[1:], 16)) if len(character) > 1 else _NAMED.get(character, character)


def _spell(quote: str, new: str) -> str:
    if "\0" in new:
        raise CannotHold("HAProxy ends a text at a NUL")
    if quote == "'":
        return _BREAKS_OUT.sub(lambda match: f"'{_escaped(match)}'", new)
    return _SPECIAL[quote].sub(_escaped, new)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    is_control = character < " " or character == "\x7f"
    return _SHORT.get(character) or (f"\\x{ord(character):02x}" if is_control else f"\\{character}")


_DIALECT = Dialect(_TOKENS, _decode, _spell)
