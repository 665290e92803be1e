"""Go templates, as Helm charts hold them: their actions (``{{ … }}``), and the YAML that is left around those.

Knows text only. Nothing is ever expanded: an action is masked by as many characters, so that what stands around it can
be located, and is never written over.
"""

from __future__ import annotations

import re

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_MASKED = "\0"  # no text file holds it
_FILLER = "z"  # a plain YAML character that begins no number, word or placeholder


def actions(text: str) -> list[tuple[int, int]]:
    """Return the span of every action in *text*, in characters and in order."""
    return [match.span() for match in _ACTION.finditer(text)]


def mask(text: str) -> str:
    """Return *text* with its actions masked, character for character: a line of nothing else becomes a comment.

    Line ends stay where they are, so that every offset means the same in both.
    """
    masked = _ACTION.sub(lambda match: re.sub(r"[^\r\n]", _MASKED, match[0]), text)
    return "".join(map(_readable, masked.splitlines(keepends=True)))


def _readable(line: str) -> str:
    is_action = _MASKED in line and not line.replace(_MASKED, "").strip()
    return re.sub(r"[^\r\n]", "#", line) if is_action else line.replace(_MASKED, _FILLER)
