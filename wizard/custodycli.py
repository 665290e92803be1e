"""The door of `matrix-wizard vault`: its commands, each of which hands its options to one verb of custody."""

from __future__ import annotations

from typing import Any

import click

from wizard import helppage
from wizard.options import everywhere, where


@click.group(
    cls=helppage.Group,
    heading="Keep the vault",
    examples=(("matrix-wizard vault recipients list", "Show whose keys open the vault, and its seal."),),
)
def vault() -> None:
    """Keep the vault: whose keys open it, and what becomes of it."""


@vault.group(cls=helppage.Group, heading="People")
def recipients() -> None:
    """Say whose keys open the vault, let somebody in, or shut somebody out."""


@recipients.command("list", heading="People")
@everywhere
def list_(**options: Any) -> int:
    """List the keys that open the vault, and those that once did."""
    from wizard import console, custody

    console.people(custody.recipients(where(options)), as_json=options["as_json"])
    return 0
