"""How a command that a message names is typed here: with the program's own name, and the options of the run.

A message spells a command as ``matrix-wizard VERB``, wherever it is made, and knows of neither; the hand that shows it
puts them in. Pure.
"""

from __future__ import annotations

import re

# The verbs on a tree, which take --tree and --identity. tests/cli holds them against the door.
VERBS = (
    "answers",
    "blank",
    "check",
    "export",
    "hunt",
    "next",
    "plan",
    "rotate",
    "setup",
    "show",
    "status",
    "undo",
    "vault adopt",
    "vault drill",
    "vault guard",
    "vault import",
    "vault merge",
    "vault recipients add",
    "vault recipients list",
    "vault recipients remove",
    "vault rekey",
    "vault restore",
)
# Those that take neither, and that a message may name.
APART = ("explain",)
# One that names a tree or a key itself is left as it is: it is meant for another.
_NAMED = re.compile(rf"(?<![\w./-])matrix-wizard ({'|'.join((*VERBS, *APART))})(?![\w-])(?! --(?:tree|identity)\b)")


def typed(text: str, program: str, options: str) -> str:
    """Return *text* with each command in it as it can be typed: by *program*, with *options* (" --tree DIR") of it."""
    return _NAMED.sub(lambda found: f"{program} {found[1]}{'' if found[1] in APART else options}", text)
