"""The door of `check`."""

from __future__ import annotations

from typing import Any

import click

from wizard import helppage
from wizard.options import everywhere, typed, where


@click.command(heading="Look at it", cls=helppage.Command)
@click.option("--strict", is_flag=True, help="Warnings count too.")
@everywhere
def check(strict: bool, **options: Any) -> int:
    """Say whether the tree is fit to deploy; exit 1 with findings."""
    from wizard import checking

    return told(checking.check(where(options)), options, strict=strict)


def told(found: Any, options: dict[str, Any], *, strict: bool = False) -> int:
    """Have the findings of a run with *options* shown (an ``outcome.Checked``), and return the exit code for them."""
    from wizard import console

    console.findings(found, as_json=options["as_json"], quiet=options["quiet"], options=typed(options))
    return int(any(strict or each.severity == "error" for each in found.findings))
