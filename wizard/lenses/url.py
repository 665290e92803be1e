"""URLs: user, password, path segments and query values, percent-encoded in UTF-8 (RFC 3986)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from wizard.lenses.region import CannotHold, Edit, Grammar, Reading, Region
from wizard.lenses.strings import scan

_AUTHORITY = r"""[A-Za-z][A-Za-z0-9+.-]*://(?:(?P<user>[^\s/?#:@'"`]*)(?::(?P<password>[^\s/?#@'"`]*))?@)?"""
_URL = re.compile(_AUTHORITY + r"""[^\s/?#'"`<>@]*(?P<path>/[^\s?#'"`<>]*)?(?:\?(?P<query>[^\s#'"`<>]*))?""")
_SEGMENT = re.compile(r"[^/]+")
_PARAMETER = re.compile(r"(?<==)[^&;=+]*(?=[&;]|\Z)")
# One character of UTF-8 is one token; what these let through and UTF-8 does not is refused on decoding.
_HEX, _NEXT = "[0-9a-fA-F]", "%[89abAB][0-9a-fA-F]"
_ENCODED = f"%[0-7]{_HEX}|%[c-dC-D]{_HEX}{_NEXT}|%[eE]{_HEX}(?:{_NEXT}){{2}}|%[fF][0-4](?:{_NEXT}){{3}}"
_TOKENS = re.compile(rf"(?P<escape>{_ENCODED})|(?P<run>[^%]+)")


def parts(text: str) -> Iterator[Region]:
    """Yield the lens over every user, password, path segment and query value of the URLs in *text*.

    Parts whose percent signs are no encoding of UTF-8 are left out, as are query values with a ``+``, which readers
    decode differently.
    """
    for url in _URL.finditer(text):
        spans = [url.span(name) for name in ("user", "password") if url[name]]
        for name, inner in (("path", _SEGMENT), ("query", _PARAMETER)):
            if url[name]:
                spans += [match.span() for match in inner.finditer(text, *url.span(name))]
        for span in spans:
            region = Region(Part(), text, *span)
            try:
                region.reading  # noqa: B018 (reading is the test)
            except CannotHold:
                continue
            yield region


@dataclass(frozen=True)
class Part(Grammar):
    """The grammar of one part of a URL."""

    def read(self, region: str) -> Reading:
        """Decode percent-encoding; CannotHold where it is broken or no UTF-8."""
        return scan(region, _TOKENS, _decode, 0, len(region))

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:  # noqa: ARG002
        """Yield the edits' texts with all but RFC 3986's unreserved characters encoded."""
        try:
            yield [quote(edit.new, safe="") for edit in edits]
        except UnicodeEncodeError:
            raise CannotHold("the new text cannot be written as UTF-8") from None


def _decode(match: re.Match[str]) -> str:
    try:
        return bytes.fromhex(match[0].replace("%", "")).decode()
    except UnicodeDecodeError:
        raise CannotHold("its percent-encoding is not UTF-8") from None
