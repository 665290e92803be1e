"""The verbs that keep the vault: whose keys open it, and that it never stays with only one."""

from __future__ import annotations

from wizard import opening
from wizard.opening import Where
from wizard.outcome import People
from wizard.vault import fingerprint


def recipients(where: Where) -> People:
    """Return everybody who opens the vault or once did, with its seal and revision."""
    vault = opening.opened(where).vault
    return People(vault.recipients, fingerprint(vault.seal), vault.revision)
