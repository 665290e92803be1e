"""The flow styles of YAML scalars: plain, single-quoted and double-quoted, on one line or folded over several.

Sources: YAML 1.1 and 1.2 section 7.3, FACTS 3 ("YAML typing"). Knows no document but the scalar's own text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wizard.lenses.region import CannotHold, Edit, Reading
from wizard.lenses.strings import escape, scan

# What the YAML parsers about do not all accept, or take for a line break: NEL, LS, PS, a lone CR, a BOM, controls.
UNREADABLE = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]|\r(?!\n)")
_MARKER = re.compile(r"\n(?:---|\.\.\.)(?:[ \t\r\n]|\Z)")

_BREAKS = r"\r?\n(?:[ \t]*\r?\n)*[ \t]*"
_FOLD = rf"[ \t]*{_BREAKS}"
_TOKENS = {
    '"': re.compile(
        rf"(?P<join>\\{_BREAKS})|(?P<escape>\\(?:x[0-9a-fA-F]{{2}}|u[0-9a-fA-F]{{4}}|U[0-9a-fA-F]{{8}}|[^xuU\r\n]))"
        rf'|(?P<fold>{_FOLD})|(?P<run>[^"\\ \t\r\n]+|[ \t]+)'
    ),
    "'": re.compile(rf"(?P<pair>'')|(?P<fold>{_FOLD})|(?P<run>[^' \t\r\n]+|[ \t]+)"),
    "": re.compile(rf"(?P<fold>{_FOLD})|(?P<run>[^ \t\r\n]+|[ \t]+)"),
}
_ESCAPES = dict(zip('0abtnvfre "/\\N_LP\t', '\0\a\b\t\n\v\f\r\x1b "/\\\x85\xa0\u2028\u2029\t', strict=True))

# Plain texts that some parser takes for no string: the union of YAML 1.1 (PyYAML), YAML 1.2 and kubectl (FACTS 3).
_BOOLEANS = {"yes", "no", "on", "off", "true", "false"}
_WORDS = {"y", "n", "null", "nan", "inf", "infinity", "<<", "="}
_NUMBER = re.compile(
    r"[-+]?(?:0[bB][01_]+|0[oO]?[0-7_]+|0[xX][0-9a-fA-F_.]+(?:[pP][-+]?[0-9_]+)?"
    r"|(?=\.?[0-9])[0-9_]*\.?[0-9_]*(?:[eE][-+]?[0-9_]+)?|[0-9][0-9_]*(?::[0-9_]+)+(?:\.[0-9_]*)?|\.(?i:inf|nan))"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")
_NOTHING = {"", "~", "null", "Null", "NULL"}
_JSON = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_INDICATORS = tuple("-?:,[]{}#&*!|>'\"%@`")
_ENDS_PLAIN = re.compile(r":(?:\s|\Z)|\s#|\A\.\.\.|\A\s|\s\Z|\t")
_ENDS_FLOW = re.compile(r"[,\[\]{}:?]")


def is_string(text: str) -> bool:
    """Whether every YAML parser about takes the plain scalar *text* for a string (FACTS 3)."""
    return _type(text) == ""


@dataclass(frozen=True)
class Flow:
    """The grammar of the flow styles: plain, single- and double-quoted. ``in_flow``: inside brackets or braces."""

    in_flow: bool

    def read(self, region: str) -> Reading:
        """Decode a plain or quoted scalar without its properties; a blank may stand before it."""
        if UNREADABLE.search(region) or _MARKER.search(region):
            raise CannotHold("it holds characters that YAML parsers read differently")
        start = len(region) - len(region.lstrip(" "))
        quote = region[start : start + 1] if region[start : start + 1] in ("'", '"') else ""
        if quote and (len(region) < start + 2 or region[-1] != quote):
            raise CannotHold("its quotes are not closed")
        return scan(region, _TOKENS[quote], _decode, start + len(quote), len(region) - len(quote))

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:
        """Yield what stands for the edits in the scalar's own style, where that can hold them."""
        texts = [edit.new for edit in edits]
        if region[:1] == '"':
            yield [escape(text) for text in texts]
            # Blanks beside a folded line would be swallowed.
            yield [_blanks_escaped(text) for text in texts]
        elif "\n" in "".join(texts):
            return
        elif region[:1] == "'":
            yield [text.replace("'", "''") for text in texts]
        elif region and self._is_plain(wanted) and self._is_free(reading.text, wanted):
            yield texts

    def rewrite(self, region: str, wanted: str) -> Iterator[str]:
        """Yield the double-quoted form on one line, which holds every text; an absent scalar gets a blank before it."""
        if not region and self._is_plain(wanted) and is_string(wanted):
            yield f" {wanted}"
        yield f'{"" if region else " "}"{escape(wanted)}"'

    def _is_free(self, old: str, new: str) -> bool:
        """Whether *new* may be plain where *old* is: as a text, or as a word or number in the place of another one.

        Within brackets a word or number of JSON may stand in JSON, which knows no other plain text.
        """
        if self.in_flow and _JSON.fullmatch(old) and not _JSON.fullmatch(new):
            return False
        return is_string(new) or _type(new) == _type(old) != "other"

    def _is_plain(self, text: str) -> bool:
        if not text or text.startswith(_INDICATORS) or not text.replace("\n", "").isprintable():
            return False
        return not _ENDS_PLAIN.search(text) and not (self.in_flow and _ENDS_FLOW.search(text))


def _decode(match: re.Match[str]) -> str:
    token = match[0]
    if match.lastgroup == "fold":
        return "\n" * (token.count("\n") - 1) or " "
    if match.lastgroup == "join":
        return "\n" * (token.count("\n") - 1)
    if match.lastgroup == "pair":
        return "'"
    if token[1] in "xuU":
        code = int(token[2:], 16)
        if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
            raise CannotHold("it holds an escape that stands for no character")
        return chr(code)
    if token[1] not in _ESCAPES:
        raise CannotHold("it holds an escape that YAML does not know")
    return _ESCAPES[token[1]]


def _blanks_escaped(text: str) -> str:
    inner = text.strip(" ")
    if not inner:
        return "\\u0020" * len(text)
    before, after = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    return "\\u0020" * before + escape(inner) + "\\u0020" * after


def _type(text: str) -> str:
    """What some parser takes the plain scalar *text* for; '' where all take it for a string."""
    if (word := text.lower()) in _BOOLEANS:
        return "boolean"
    if word in _WORDS or text in _NOTHING:
        return "other"
    return "number" if _NUMBER.fullmatch(text) else "date" if _DATE.fullmatch(text) else ""
