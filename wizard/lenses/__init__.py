"""Lenses: regions of text that decode to other text, exact to the character, and stack (DESIGN, law 2).

Pure: text in, edits out. What cannot be written safely where it stands is refused with ``CannotHold``.
"""

from wizard.lenses.armour import Armour, pem_spans
from wizard.lenses.nesting import at, inside
from wizard.lenses.region import CannotHold, Edit, Lens, View, Whole, apply, render

__all__ = ["Armour", "CannotHold", "Edit", "Lens", "View", "Whole", "apply", "at", "inside", "pem_spans", "render"]
