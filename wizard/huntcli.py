"""The door of `hunt`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wizard import completion, helppage
from wizard.options import PATH, everywhere, where


@click.command(
    heading="Look at it",
    cls=helppage.Command,
    examples=(
        ("matrix-wizard hunt turn-secret", "Search the tree and all that git keeps of it."),
        ("matrix-wizard hunt --all --in ~/.bash_history --in /var/log", "For every secret, in these files as well."),
        (
            "kubectl get cm,secrets -A -o json | matrix-wizard hunt --all --in -",
            "In a cluster: each object and field that has it and should not.",
        ),
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=completion.names)
@click.option("--all", "all_of_them", is_flag=True, help="Every secret that the vault keeps.")
@click.option("--in", "given", multiple=True, type=PATH, metavar="PATH", help="A file or directory; - is stdin.")
@click.option("--no-history", is_flag=True, help="Leave out what git keeps.")
@everywhere
def hunt(
    names: tuple[str, ...], *, all_of_them: bool, given: tuple[Path, ...], no_history: bool, **options: Any
) -> int:
    """Find where a secret, of any generation and in any encoding, stands that should not; exit 1 if it does."""
    from wizard import console, hunting

    if bool(names) == all_of_them:
        raise click.UsageError("Say which secrets: their names, or --all.")
    found = hunting.hunt(where(options), names, given, history=not no_history)
    console.hunted(found, as_json=options["as_json"], quiet=options["quiet"])
    return int(bool(found.found or found.unread))
