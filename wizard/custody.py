"""The verbs that keep the vault: whose keys open it, and that it never stays with only one."""

from __future__ import annotations

from wizard import opening
from wizard.opening import Where
from wizard.outcome import People, people


def recipients(where: Where) -> People:
    """Return everybody who opens the vault or once did, with its seal and revision."""
    opened = opening.opened(where)
    return people(opened.vault, opened.identity.publics if opened.identity else ())
