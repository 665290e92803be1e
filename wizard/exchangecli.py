"""The door of what leaves a vault and comes back: `export`, and the commands of `vault` that take something in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wizard import helppage
from wizard.custodycli import vault
from wizard.helppage import F
from wizard.options import PATH, agreeing, everywhere, where

_asking = click.option("--no-input", is_flag=True, envvar="MATRIX_WIZARD_NO_INPUT", help="Never ask.")


def opening(command: F) -> F:
    """Add the options that say what opens a file that was handed over."""
    key = helppage.option("What opens it")
    return helppage.adding(
        command,
        key("--key", type=PATH, help="File with the key that opens it, where that is not the vault's."),
        key("--from-passphrase-file", "from_passphrase", type=PATH, help="File with its passphrase in the first line."),
    )  # fmt: skip


@click.command(
    heading="Keep the vault",
    cls=helppage.Command,
    examples=(
        ("matrix-wizard export --backup backup.age --to age1…", "The whole vault, for a key that is kept elsewhere."),
        ("matrix-wizard export --for li li.age --to age1…", "What the LI team needs, for their key."),
    ),
)
@click.argument("out", type=PATH)
@click.option("--backup", is_flag=True, help="The whole vault, with sites.lock and the audit log.")
@click.option("--for", "instance", type=click.Choice(["li"]), help="Only what a separate LI tree needs.")
@click.option("--to", "keys", multiple=True, metavar="KEY", help="An age or SSH public key; may be repeated.")
@click.option("--to-passphrase", "ask", is_flag=True, help="Ask for a passphrase that is to open it.")
@click.option("--to-passphrase-file", "to_passphrase", type=PATH, help="File with that passphrase in the first line.")
@_asking
@everywhere
def export(out: Path, *, backup: bool, instance: str | None, **options: Any) -> int:
    """Write OUT, a new age file: a backup of the vault, or what the LI team needs of it."""
    from wizard import console, exchange

    if backup and instance:
        raise click.UsageError("One export is either --backup or --for li, and not both: give one of them.")
    if not backup and not instance:
        raise click.UsageError("Say what to export: --backup, or --for li.")
    to = exchange.To(out, options["keys"], options["ask"], options["to_passphrase"])
    verb = exchange.back_up if backup else exchange.hand_over
    console.exchanged(verb(where(options), to), as_json=options["as_json"], quiet=options["quiet"])
    return 0


@vault.command(
    heading="Lost and found",
    examples=(("matrix-wizard vault restore backup.age --identity key.txt", "Put back a vault that was lost."),),
)
@click.argument("file", type=PATH)
@opening
@click.option("--over", is_flag=True, help="Over a vault that is newer, another's, has more, or cannot be opened.")
@_asking
@everywhere
def restore(file: Path, *, over: bool, **options: Any) -> int:
    """Put the vault, sites.lock and audit log of a backup back into the tree."""
    from wizard import console, exchange

    done = exchange.restore(where(options), file, _key(options), over=over)
    console.exchanged(done, as_json=options["as_json"], quiet=options["quiet"])
    return 0


@vault.command(
    "import",
    heading="Lost and found",
    examples=(("matrix-wizard vault import li.age --tree li --identity key.txt", "Keep a separate LI tree in step."),),
)
@click.argument("file", type=PATH)
@opening
@click.option("--adopt", is_flag=True, help="Take the export's where this vault has another.")
@agreeing
@everywhere
def import_(file: Path, *, adopt: bool, yes: bool, **options: Any) -> int:
    """Take an export for LI into the vault of a separate LI tree."""
    from wizard import console, exchange

    done = exchange.take_over(where(options), file, _key(options), adopt=adopt, yes=yes)
    console.exchanged(done, as_json=options["as_json"], quiet=options["quiet"])
    return 0


@vault.command(
    heading="Lost and found",
    examples=(("matrix-wizard vault adopt --live --context prod", "Take what the cluster's Secrets say."),),
)
@click.option("--live", is_flag=True, help="From the cluster's Secrets, read by kubectl.")
@click.option("--context", default="", metavar="NAME", help="kubectl's context; the current one is asked for.")
@click.option("-n", "--namespace", default="", metavar="NAME", help="Only the Secrets of this namespace.")
@click.option("--adopt", "over", is_flag=True, help="Take the cluster's where this vault has another.")
@click.option("--new-deployment", is_flag=True, help="Start a new vault where sites.lock has lost its own.")
@_asking
@everywhere
def adopt(*, live: bool, context: str, namespace: str, **options: Any) -> int:
    """Take the secrets that are in use into the vault, where it lacks them."""
    from wizard import cluster, console, exchange

    if not live:
        raise click.UsageError("Say from where: --live, the cluster. What stands in the tree, setup takes over.")
    source = cluster.Source(context, namespace)
    wishes = {"over": options["over"], "new_deployment": options["new_deployment"]}
    done = exchange.adopt(where(options), source, **wishes)
    console.exchanged(done, as_json=options["as_json"], quiet=options["quiet"])
    return 0


def _key(options: dict[str, Any]) -> Any:
    from wizard import exchange

    return exchange.Key(options["key"], options["from_passphrase"])
