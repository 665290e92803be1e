"""Placeholders: the spellings of text that a person was meant to replace, and the role each one names.

Knows text only: where a placeholder stands, and which value it becomes, is decided in ``sites``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Family = Literal["token", "host", "email"]


@dataclass(frozen=True)
class Placeholder:
    """A placeholder in a text: its span in characters, its spelling, and the role it names ('' for a bare one).

    The role of a token is its words without the call to change and without filler (``CHANGEME_SECURE_DB_PASSWORD``
    names ``DB_PASSWORD``); that of a host is the label before the reserved domain (``matrix`` of
    ``matrix.example.com``); that of an e-mail address is its local part.
    """

    start: int
    end: int
    token: str
    family: Family
    role: str


# Longest spelling first: one is a prefix of another (FACTS 0, R4), and a greedy run of words takes the longest. What
# clings to a spelling belongs to it: underscores, and the angle brackets around it.
_TOKEN = r"""
    (?<![A-Za-z0-9_])
    <? _*
    (?: (?: CHANGE[-_]?ME | CHANGE_TO | REPLACE (?:[-_]?ME|_WITH|_THIS)? | YOUR ) (?: [-_]+[A-Za-z0-9]+ )+
      | (?: CHANGE[-_]?ME | REPLACE[-_]?ME ) [0-9]*
      | (?: [cC]hange[-_]?[mM]e | [rR]eplace[-_]?[mM]e ) [0-9]* (?: [-_][A-Za-z0-9]+ )*
      | [A-Z0-9]+ (?: _[A-Z0-9]+ )* _PLACEHOLDER
      | ed25519[ ]a_XXXX (?: [ ][A-Za-z0-9+/._]+ )?
    )
    _* >?
    (?![A-Za-z0-9_])
"""
# RFC 2606 reserves these three names; the checklist spells every host under one of them.
_RESERVED = r"example\.(?:com|org|net)(?![A-Za-z0-9-]|\.[A-Za-z0-9])"
_EMAIL = rf"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)*{_RESERVED}"
_HOST = rf"(?<![A-Za-z0-9@-])(?<![A-Za-z0-9-]\.)(?:[A-Za-z0-9-]+\.)*{_RESERVED}"

_ANY = re.compile(rf"(?P<email>{_EMAIL})|(?P<host>{_HOST})|(?P<token>{_TOKEN})", re.VERBOSE)
# One of these stands in every placeholder: what holds none is not worth the exact scan, ten times as slow.
_HINT = (
    "CHANGE[-_]?ME|CHANGE_TO_|[cC]hange[-_]?[mM]e|REPLACE[-_]|REPLACEME|[rR]eplace[-_]?[mM]e|YOUR[-_]|_PLACEHOLDER|a_XXXX"
    r"|example\.(?:com|org|net)"
)
_IN_TEXT, _IN_BYTES = re.compile(_HINT), re.compile(_HINT.encode())
_ALIKE = re.compile(
    r"[<\[{(]?(?:(?:change|replace)[-_ ]?(?:me|this|with)?|your[-_ ]|todo\b|tbd\b|x{4,}|placeholder)[-_ \w]*[>\])}]?",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"\$\{[A-Za-z_][^}]*\}|\$\([A-Za-z_]\w*\)|\{\{.*\}\}|^ENC\[|^<path:|^vault:|^ref\+")
_GLUE = frozenset("-_.+~%$!^&*#\\|?")
# What may stand beside a placeholder without being a value itself: a user's name, a word of prose, punctuation.
_SHORT = re.compile(r"[^A-Za-z0-9]*(?:[A-Za-z]{0,8}[^A-Za-z0-9]*)")
_CALL = re.compile(r"^(?:CHANGE_?ME[0-9]*|CHANGE_TO|REPLACE(?:_?ME[0-9]*|_WITH|_THIS)?|YOUR)(?:_|$)")
# Words that say how to make the value, not which one it is.
_FILLER = re.compile(
    r"AN?|BIT|CHARACTERS|CHARS|GENERATED?|HERE|LONG|NEW|RANDOM|REAL|SECURE|STRING|STRONG|THE|USING|WITH|[0-9]*"
)


def find(text: str) -> Iterator[Placeholder]:
    """Yield every placeholder in *text*, in order and without overlap, each at its longest spelling."""
    for match in _matches(text):
        family = match.lastgroup
        token = match.group()
        if family == "token":
            yield Placeholder(match.start(), match.end(), token, "token", role(token))
        elif family == "host":
            yield Placeholder(match.start(), match.end(), token, "host", re.sub(rf"\.?{_RESERVED}$", "", token).lower())
        else:
            yield Placeholder(match.start(), match.end(), token, "email", token.partition("@")[0])


def is_wholly(text: str) -> bool:
    """Say whether *text* is placeholders and nothing that could be a value: comments, armour and short words aside."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("#", "-----"))]
    rest, found = [], False
    for line in lines:
        at = 0
        for each in find(line):
            if is_glued(line, each):
                return False  # a word with such a spelling in it
            found = True
            rest.append(line[at : each.start])
            at = each.end
        rest.append(line[at:])
    return found and all(_SHORT.fullmatch(word) for word in re.findall(r"\S+", " ".join(rest)))


def is_glued(text: str, found: Placeholder) -> bool:
    """Say whether *found* hangs on to other characters of *text*, as a part of a longer word."""
    before, behind = text[max(found.start - 1, 0) : found.start], text[found.end : found.end + 1]
    return before in _GLUE or behind in _GLUE


def is_like_one(text: str) -> bool:
    """Say whether the whole *text* of a secret reads like a placeholder in a spelling that ``find`` does not know."""
    return _ALIKE.fullmatch(text.strip()) is not None


def is_template(text: str) -> bool:
    """Say whether *text* is for another program to expand or to decrypt, and so no value of its own."""
    return _TEMPLATE.search(text) is not None


def may_hold(data: bytes) -> bool:
    """Say whether *data* can hold a placeholder at all: a fast scan that errs towards yes."""
    return _IN_BYTES.search(data) is not None


def role(token: str) -> str:
    """Return the role words of a token or a key: ``redis-password`` and its token both give ``REDIS_PASSWORD``."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", token)).strip("_").upper()
    kept = [word for word in _CALL.sub("", words).split("_") if not _FILLER.fullmatch(word)]
    return "_".join(kept)


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Scan the lines that hold a hint; no placeholder goes on over a line end."""
    end = 0
    while hint := _IN_TEXT.search(text, end):
        start = text.rfind("\n", end, hint.start()) + 1 or end
        stop = text.find("\n", hint.end())
        end = stop if stop >= 0 else len(text)
        yield from _ANY.finditer(text, start, end)
