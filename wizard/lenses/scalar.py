"""The lens over one YAML scalar of a parsed document, in whatever style it stands.

The lens reads its scalar by itself and compares with the parser's value: where the two differ nothing is guessed.
Knows no document but the scalar's own span.
"""

from __future__ import annotations

import re

from wizard.lenses.block import Block
from wizard.lenses.flow import UNREADABLE, Flow
from wizard.lenses.region import CannotHold, Region
from wizard.manifests import Scalar

_PROPERTIES = re.compile(r"(?:(?:&|!(?!<))[^\s,\[\]{}]*|!<[^>\s]*>)(?:[ \t]+#[^\n]*|\s)*")


def lens(text: str, node: Scalar, in_flow: bool, newline: str) -> Region:
    """Return the lens over the scalar *node* of *text*; *newline* (LF or CRLF) ends the lines it writes.

    CannotHold when the scalar's own reading differs from the parser's value.
    """
    if node.tag == "!":
        raise CannotHold("it has the tag !, which makes a text of it for some YAML parsers only")
    start = _content_start(text, node)
    grammars: list[Flow] | list[Block] = [Flow(in_flow)]
    if node.style in ("|", ">"):
        grammars = Block.candidates(text[start : node.end], newline, ends_text=node.end == len(text))
    end = node.end
    if node.style == "" and node.value == "":
        start = end = _absent(text, node, start, in_flow)
    for grammar in grammars:
        found = Region(grammar, text, start, end)
        if _reads(found) == node.value and not UNREADABLE.search(text, start, end):
            return found
    raise CannotHold("this YAML scalar reads differently from what the parser made of it")


def _content_start(text: str, node: Scalar) -> int:
    at = node.start
    while at < node.end and (node.tag or node.anchor) and (match := _PROPERTIES.match(text, at, node.end)):
        at = match.end()
    return at


def _absent(text: str, node: Scalar, start: int, in_flow: bool) -> int:
    """Where an absent value goes: right behind its properties, colon or dash."""
    if start > node.start:
        return len(text[:start].rstrip())
    at = len(text[:start].rstrip(" \t\r\n"))
    is_item = text[at - 1 : at] == "-" and not in_flow
    if text[at - 1 : at] != ":" and not is_item:
        raise CannotHold("there is no value here, and no colon behind its key")
    return at


def _reads(found: Region) -> str | None:
    try:
        return found.text
    except CannotHold:
        return None
