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


@vault.command(
    heading="Git",
    examples=(("matrix-wizard vault guard", "Refuse each commit that would publish a secret of the tree."),),
)
@click.option("--staged", is_flag=True, help="Look at what is staged now, as the hook does; exit 1 with a secret.")
@everywhere
def guard(staged: bool, **options: Any) -> int:
    """Have git refuse a commit that would publish a secret of the tree: make its pre-commit hook."""
    from wizard import console, guard

    if not staged:
        hook = guard.guard(where(options))
        console.guard(hook, as_json=options["as_json"], quiet=options["quiet"])
        return 0
    found = guard.staged(where(options))
    console.staged(found, as_json=options["as_json"])
    return int(bool(found))


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
