"""Lenses: regions of text that decode to other text, exact to the character, and stack (DESIGN, law 2).

Pure: text in, edits out. What cannot be written safely where it stands is refused with ``CannotHold``.
"""

from wizard.lenses.armour import Armour, pem_spans
from wizard.lenses.nesting import SCRIPT, at, inside
from wizard.lenses.region import CannotHold, Edit, Lens, View, Whole, apply, render, render_whole
from wizard.lenses.shell import is_script

__all__ = [
    "SCRIPT",
    "Armour",
    "CannotHold",
    "Edit",
    "Lens",
    "View",
    "Whole",
    "apply",
    "at",
    "inside",
    "is_script",
    "pem_spans",
    "render",
    "render_whole",
]
