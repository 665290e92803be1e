"""The door of `matrix-wizard vault`: its commands, each of which hands its options to one verb of custody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wizard import helppage
from wizard.options import PATH, agreeing, everywhere, telling, typed, where


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
    console.staged(found, as_json=options["as_json"], options=typed(options))
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


@vault.command(
    heading="Two branches",
    examples=(
        ("matrix-wizard vault merge --install", "Have git merge the vault, sites.lock and the log of this tree."),
        ("matrix-wizard vault merge --take redis-password=theirs", "Say which of two secrets is the one in use."),
    ),
)
@click.argument("paths", nargs=-1, type=PATH, metavar="[BASE OURS THEIRS [NAME]]")
@click.option("--install", is_flag=True, help="Make this git's way to merge what is kept of the tree.")
@click.option(
    "--take", "decisions", multiple=True, metavar="NAME=SIDE", help="Decide for ours, theirs or a generation."
)
@everywhere
def merge(paths: tuple[Path, ...], install: bool, decisions: tuple[str, ...], **options: Any) -> int:
    """Make one vault, sites.lock or log of those of two branches, in the file OURS; git calls it with %O %A %B %P."""
    from wizard import console, merging

    if install and not paths and not decisions:
        console.tell(f"git now merges the vault by: {merging.install(where(options))}")
        return 0
    if decisions and not paths:
        names, left = merging.take(where(options), decisions)
        then = "This is left to decide:" if left else "The next setup writes what changes by it."
        console.tell(f"Decided: {', '.join(names)}. {then}")
        console.problems(left, options=typed(options))
        return 0
    if len(paths) not in (3, 4) or install or decisions:
        raise click.UsageError("Give BASE, OURS and THEIRS, as git does; or --install, or --take NAME=SIDE, alone.")
    base, ours, theirs, *name = paths
    named = {**options, "tree": name[0].parent.parent} if name else options
    with telling(named):
        undecided = merging.merge(where(named), base, ours, theirs, name[0] if name else None)
    console.problems(undecided, options=typed(named))
    return int(bool(undecided))


@recipients.command(
    heading="People",
    examples=(
        ("matrix-wizard vault recipients add age1… --name Ada", "Let a colleague in."),
        ('matrix-wizard vault recipients add "$(cat id_ed25519.pub)"', "The same, by an SSH key."),
    ),
)
@click.argument("key")
@click.option("--name", default="", help="What the holder is called.")
@click.option("--recovery", is_flag=True, help="A key kept offline, which drill tries.")
@agreeing
@everywhere
def add(key: str, name: str, *, recovery: bool, **options: Any) -> int:
    """Let the holder of the age or SSH public key KEY open the vault."""
    from wizard import console, people

    console.people(
        people.add(where(options), key, name, yes=options["yes"], recovery=recovery), as_json=options["as_json"]
    )
    return 0


@recipients.command(heading="People")
@click.argument("who", metavar="KEY|NAME")
@agreeing
@everywhere
def remove(who: str, **options: Any) -> int:
    """Shut out a key, and list what it could read."""
    from wizard import console, people

    done = people.remove(where(options), who, yes=options["yes"])
    console.removed(done, typed(options), as_json=options["as_json"])
    return 0


@vault.command(
    heading="Keys",
    examples=(("matrix-wizard vault rekey --identity recovery.txt", "After a lost laptop, on the new one."),),
)
@click.option("--new-identity", type=PATH, help="Keep the new key in this new file.")
@agreeing
@everywhere
def rekey(new_identity: Path | None, **options: Any) -> int:
    """Give this machine a new key in the place of its former one, and the vault a new seal."""
    from wizard import console, people

    console.rekeyed(people.rekey(where(options), new_identity, yes=options["yes"]), as_json=options["as_json"])
    return 0


@vault.command(heading="Keys")
@click.option("--recovery", type=PATH, help="File with the recovery key; else it is typed.")
@click.option("--no-input", is_flag=True, envvar="MATRIX_WIZARD_NO_INPUT", help="Never ask.")
@everywhere
def drill(recovery: Path | None, **options: Any) -> int:
    """Try whether the recovery key opens the vault, and record the day."""
    from wizard import console, people

    console.drilled(people.drill(where(options), recovery), as_json=options["as_json"])
    return 0
