"""Secrets that their server refuses for what they are, and those that can be guessed."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from wizard import catalogue, placeholders, weak
from wizard.catalogue import Row
from wizard.finding import Finding, at
from wizard.sites import Site
from wizard.survey import Survey

_MADE = frozenset({"password", "django"})  # kinds of secrets that a person could have thought of
_SHORTEST = 16  # characters of a secret that nobody ever types: 95 bits of letters and digits (FACTS 0, R1)
_BITS = 36  # of 16 random hexadecimal digits one text in ten thousand has so few by the count of its characters
_DJANGO = "django-insecure-"  # the prefix of the keys that startproject makes (security.W009)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

# Lengths below which a server itself complains, though it starts (FACTS 3).
_COMPLAINTS = {
    "django-secret-key": (50, "Django's check --deploy wants (security.W009)"),
    "livekit-api-secret": (32, "LiveKit wants"),
}


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield secrets that are refused, too short, or easy to guess; an empty or well-known one is told elsewhere."""
    for site in survey.found.sites:
        row = catalogue.BY_NAME.get(site.value)
        if row is not None and row.kind is catalogue.Kind.SECRET and not site.token and site.how != "comment":
            text = site.text
            if text.strip() and not placeholders.is_template(text) and not weak.is_well_known(text):
                yield from _of(site, row, text)


def _of(site: Site, row: Row, text: str) -> Iterator[Finding]:
    if row.limit is not None and not row.limit.admits(text):
        yield at(site.position, "secret-refused", f"{row.name} is refused: {row.limit.rule}.", _fix(row))
    elif row.make in _MADE and (fault := _fault(row.name, text)):
        yield at(site.position, "secret-weak", f"{row.name} {fault}.", _fix(row))


def _fix(row: Row) -> str:
    return f"Put a longer one there, or a placeholder, or have one made: matrix-wizard rotate {row.name}"


def _fault(name: str, text: str) -> str:
    """Return in words how *text* is weak, without any of it; '' where it seems made by a machine."""
    least, who = _COMPLAINTS.get(name, (_SHORTEST, "a secret needs that no limit on tries protects"))
    if len(text) < least:
        return f"has {len(text)} characters, fewer than the {least} that {who}"
    if text.startswith(_DJANGO):
        return "is a key that startproject made for trying out: Django says so by its prefix"
    if _entropy(text) < _BITS:
        return "repeats a few characters, so that it is soon guessed"
    if _WORDS.search(text) and all(map(_is_of_words, _WORDS.findall(text))):
        return "is made of words that are tried first"
    return ""


def _is_of_words(text: str) -> bool:
    """Whether *text* is one well-known word, or several in a row."""
    parts = (at for at in range(3, len(text) + 1) if weak.is_well_known(text[:at]))
    return any(at == len(text) or _is_of_words(text[at:]) for at in parts)


def _entropy(text: str) -> float:
    """Return the bits of *text* by the count of its characters alone: what is repeated adds little."""
    return sum(-count * math.log2(count / len(text)) for count in Counter(text).values())
