r"""Words of redis.conf and sentinel.conf, and of Redis's ACL files (FACTS 3, "Redis"; the comments of redis.conf).

As Redis splits a line: blanks part words; ``"…"`` knows ``\n \r \t \a \b \xHH`` and takes every other character behind
a backslash as it is; ``'…'`` knows ``\'`` alone; without quotes a backslash is none of its business. A quote may open
within a word, and must close at its end. ``#`` begins a comment only where a line begins. An ACL file is parted at
blanks and knows no quotes at all. All of it was tried on Redis 7.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wizard.lenses.region import CannotHold, Grammar, Reading, Region, one_to_one
from wizard.lenses.words import Dialect, Word, in_line

_WORD = re.compile(
    r"""[^\s"']*(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\'|\\(?!'))*'|(?<=[^\s"']))(?=\s|\Z)""", re.ASCII | re.DOTALL
)
_RULE = re.compile(r"[^ \r\n]+")
# Several addresses beside one another are a word each: free text takes a list of them.
_LIST = "bind"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PLAIN = re.compile(r"[^\s\"'\x00-\x1f\x7f-\x9f]+")

_NAMED = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b"}
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TOKENS = {
    "": re.compile(r"""(?P<quote>["'])|(?P<run>[^\s"'\0]+)""", re.ASCII),
    # A byte that is no character of its own is left out: it would be half of one.
    '"': re.compile(
        r"(?P<quote>\"\Z)|(?P<escape>\\(?:x(?!00)[0-7][0-9a-fA-F]|(?!x[0-9a-fA-F]{2})[^\n\0]))|(?P<run>[^\"\\\n\0]+)"
    ),
    "'": re.compile(r"(?P<quote>'\Z)|(?P<escape>\\')|(?P<run>[^'\\\n\0]+|\\(?!'))"),
}


def around(text: str, start: int, end: int) -> Region | None:
    """Return the lens over the word of redis.conf that holds [start, end) of *text*, None where no word does.

    The first word of a line is the name of a setting and no value.
    """
    words = in_line(text, start, end, _WORD)
    name = text[slice(*words[0])] if words else ""
    is_value = len(words) > 1 and not name.startswith("#") and name.lower() != _LIST
    return Region(Word(_DIALECT), text, *words[-1]) if is_value else None


def around_rule(text: str, start: int, end: int) -> Region | None:
    """Return the lens over the word of an ACL file that holds [start, end) of *text*."""
    words = in_line(text, start, end, _RULE)
    return Region(Rule(), text, *words[-1]) if words else None


@dataclass(frozen=True)
class Rule(Grammar):
    """The grammar of a word of an ACL file, which has no quoting."""

    def read(self, region: str) -> Reading:
        """Every character stands for itself; CannotHold for those that end a word, or might."""
        if not region or re.search(r"\s", region) or _CONTROL.search(region):
            raise CannotHold("a Redis ACL file parts words at blanks and cannot quote them")
        return one_to_one(region)


def _decode(match: re.Match[str]) -> str:
    character = match[0][1:]
    return chr(int(character[1:], 16)) if len(character) > 1 else _NAMED.get(character, character)


def _spell(quote: str, new: str) -> str:
    if "\0" in new:
        raise CannotHold("Redis ends a text at a NUL")
    if quote == "'":
        if _CONTROL.search(new) or new.endswith("\\"):
            raise CannotHold("between single quotes Redis takes no control character, and no backslash at the end")
        return new.replace("'", "\\'")
    if not quote and (not new or _PLAIN.fullmatch(new)):
        return new
    escaped = "".join(map(_escaped, new))
    return escaped if quote else f'"{escaped}"'


def _escaped(character: str) -> str:
    # What Unicode calls a control character beyond ASCII is two bytes of UTF-8, which Redis takes as they are.
    is_control = character < " " or character == "\x7f"
    return _SHORT.get(character, f"\\x{ord(character):02x}" if is_control else character)


_DIALECT = Dialect(_TOKENS, _decode, _spell)
