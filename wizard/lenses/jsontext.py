"""JSON text (RFC 8259): every string as a region, known by its path.

Escapes are read by our own tokens for the offset map, and by the standard library's scanner for the proof.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wizard.lenses.region import CannotHold, Edit, Grammar, Reading, Region
from wizard.lenses.strings import escape, scan
from wizard.manifests import IsNumbered, Mapping, Node, Path, Scalar, walk
from wizard.manifests import Sequence as Items

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_AS_IT_STANDS = re.compile(r'"[^"\\\x00-\x1f]*"')  # most strings: each character is itself
_OTHER = re.compile(r"[^\s,\[\]{}:\"]+")
_TOKENS = re.compile(
    r'(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<escape>\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))'
    r'|(?P<run>[^"\\\x00-\x1f]+)'
)


def strings(text: str, is_numbered: IsNumbered | None = None) -> list[tuple[Path, Region]]:
    """Return every string value of the JSON text with its path, as a lens over *text*; CannotHold if it is no JSON.

    Keys are among them where *is_numbered* says so, see ``manifests.walk``.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise CannotHold("it is not JSON") from None
    leaves = [(path, leaf) for path, leaf in walk(_node(text), is_numbered) if leaf.style == '"']
    return [(path, Region(String(), text, leaf.start, leaf.end)) for path, leaf in leaves]


@dataclass(frozen=True)
class String(Grammar):
    """The grammar of a JSON string with its quotes."""

    def read(self, region: str) -> Reading:
        """Decode the string; CannotHold when its characters could not be written to a file again."""
        if len(region) < 2 or region[0] != '"' or region[-1] != '"':
            raise CannotHold("it is not a JSON string")
        if region.isascii() and _AS_IT_STANDS.fullmatch(region):
            size = len(region) - 2
            return Reading(region[1:-1], range(1, size + 1), range(2, size + 2), 1)
        reading = scan(region, _TOKENS, _decode, 1, len(region) - 1)
        if json.loads(region) != reading.text:
            raise CannotHold("it is not a JSON string")
        return reading

    def spell(self, region: str, reading: Reading, edits: Sequence[Edit], wanted: str) -> Iterator[list[str]]:  # noqa: ARG002
        """Yield the edits' texts escaped."""
        yield [escape(edit.new) for edit in edits]


def _decode(match: re.Match[str]) -> str:
    return str(json.loads(f'"{match[0]}"'))


def _node(text: str) -> Node:
    """Build the nodes of *text*, known to be JSON, with an explicit stack: depth is no limit here."""
    stack: list[tuple[int, list[Node]]] = []
    nodes: list[Node] = []
    at = 0
    while (at := _SPACE.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        character = text[at]
        if character in "[{":
            stack.append((at, nodes))
            nodes = []
        elif character in "]}":
            children = tuple(nodes)
            start, nodes = stack.pop()
            node = Mapping if character == "}" else Items
            nodes.append(node(children, True, start, at + 1, None, None))
        elif character not in ",:":
            is_string = character == '"'
            match = (_STRING if is_string else _OTHER).match(text, at)
            assert match is not None, "JSON that parsed has only strings, numbers and words here"  # noqa: S101
            value = match[0]
            if is_string:
                value = json.loads(value) if "\\" in value else value[1:-1]
            nodes.append(Scalar(value, '"' if is_string else "", at, match.end(), None, None, True))
            at = match.end() - 1
        at += 1
    return nodes[0]
