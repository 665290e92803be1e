"""Base64, as it stands under ``data:`` of a Secret (FACTS 5): decoded text inside, one encoded region outside.

RFC 4648 section 4, with the line breaks that Go's decoder skips. Knows no YAML and no key.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from wizard.lenses.region import CannotHold, Edit, apply, tidy

_BREAKS = re.compile(r"[\r\n]+")


@dataclass(frozen=True)
class Encoded:
    """The lens over base64 text: ``text`` is what it decodes to, and every put writes one edit.

    Line breaks around and within are kept: the first line's width wraps the new text.
    """

    outer: str = field(repr=False)
    text: str = field(repr=False)

    def put(self, edits: Sequence[Edit]) -> list[Edit]:
        """See ``Lens.put``; base64 itself can hold every text."""
        edits = tidy(edits, self.text)
        if not edits:
            return []
        start = len(self.outer) - len(self.outer.lstrip("\r\n"))
        end = max(len(self.outer.rstrip("\r\n")), start)
        new = encode(apply(self.text, edits))
        body = self.outer[start:end]
        if broken := _BREAKS.search(body):
            width = broken.start()
            new = broken[0].join(new[at : at + width] for at in range(0, len(new), width))
        return [Edit(start, end, new)]


@dataclass(frozen=True)
class Unencoded:
    """The lens over raw text that stands where base64 belongs: a put encodes the whole new text."""

    text: str = field(repr=False)

    def put(self, edits: Sequence[Edit]) -> list[Edit]:
        """See ``Lens.put``; what was raw is base64 afterwards, so that ``lens`` reads it from then on."""
        edits = tidy(edits, self.text)
        end = len(self.text.rstrip("\r\n"))  # a block scalar keeps its last line break, which Go's decoder skips
        return [Edit(0, end, encode(apply(self.text, edits)))] if edits else []


def lens(text: str) -> Encoded:
    """Return the lens over *text*, all of it base64 of UTF-8 text; CannotHold when it is not."""
    joined = _BREAKS.sub("", text)
    try:
        decoded = base64.b64decode(joined, validate=True)
        if base64.b64encode(decoded).decode() != joined:
            raise CannotHold("it is not base64 as Kubernetes reads it")
        return Encoded(text, decoded.decode())
    except (binascii.Error, UnicodeEncodeError, ValueError) as error:
        what = "does not hold UTF-8 text" if isinstance(error, UnicodeDecodeError) else "is not base64"
        raise CannotHold(f"it {what}") from None


def raw(text: str) -> Unencoded:
    """Return the lens over *text* that stands unencoded under ``data:``."""
    return Unencoded(text)


def encode(text: str) -> str:
    """Return the base64 of *text* in UTF-8, on one line; CannotHold for a lone surrogate."""
    try:
        return base64.b64encode(text.encode()).decode()
    except UnicodeEncodeError:
        raise CannotHold("the new text cannot be written as UTF-8") from None
