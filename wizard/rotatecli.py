"""The door of rotation: `rotate`, `next`, `undo` and `status`, each of which hands its options to one verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from wizard import completion, helppage
from wizard.helppage import F
from wizard.options import consenting, everywhere, telling, where

# The classes of procedures.Class, which is not read for `--help`.
_CLASSES = ("harmless", "overlap", "switch", "noticed", "guarded", "given")


def choosing(command: F) -> F:
    """Add the options that say which secrets, and how."""
    which, how, consent = map(helppage.option, ("Which secrets", "How", "Consent"))
    return helppage.adding(
        command,
        which("--class", "kinds", multiple=True, type=click.Choice(_CLASSES), metavar="CLASS",
              help=f"All of a class: {', '.join(_CLASSES[:4])}."),
        which("--older-than", type=click.IntRange(0), metavar="DAYS", help="All older than that."),
        which("--known-to", default="", metavar="RECIPIENT", help="All that the holder of this key could read."),
        how("--begin", "way", flag_value="begin", help="Have old and new accepted side by side."),
        how("--finish", "way", flag_value="finish", help="Drop the old one of what was begun."),
        how("--compromised", "way", flag_value="compromise", help="Drop the old one at once, and for good."),
        consent("--confirm", "typed", multiple=True, metavar="NAME", shell_complete=completion.names,
                help="A guarded secret, named once more."),
    )  # fmt: skip


def reaching(command: F) -> F:
    """Add the options of what reaches the cluster."""
    add = helppage.option("The cluster")
    return helppage.adding(
        command, add("--context", default="", help="Confirm that this context of kubectl's is the tree's cluster.")
    )


def tracked(command: F) -> F:
    """Add the option that lets secrets into files that git tracks."""
    add = helppage.option("The tree")
    return helppage.adding(
        command,
        add("--allow-tracked", is_flag=True, help="Write files that git tracks, though the repository has a remote."),
    )


def unasked(command: F) -> F:
    """Add the option of what asks, but for consent."""
    add = helppage.option("Consent")
    return helppage.adding(command, add("--no-input", is_flag=True, envvar="MATRIX_WIZARD_NO_INPUT", help="Never ask."))


@click.command(
    cls=helppage.Command,
    heading="Rotate secrets",
    examples=(
        ("matrix-wizard rotate", "Choose from a list, each with its consequence."),
        ("matrix-wizard rotate redis-password form-secret", "Renew two secrets, and print the steps that follow."),
        ("matrix-wizard rotate turn-secret --begin", "Have coturn take the old one and the new one."),
        ("matrix-wizard rotate turn-secret --finish", "Drop the old one, once nobody uses it."),
        ("matrix-wizard rotate --known-to alice", "Renew whatever a colleague who left could read."),
        ("matrix-wizard rotate macaroon-secret --compromised", "Drop a secret that is out, at once and for good."),
    ),
)
@click.argument("names", nargs=-1, shell_complete=completion.names)
@choosing
@reaching
@tracked
@consenting
@everywhere
def rotate(names: tuple[str, ...], **options: Any) -> int:
    """Give secrets a new value: in every place of the tree, and step by step in the running system."""
    from wizard import rotating

    wishes = rotating.Wishes(
        names,
        options["kinds"],
        options["older_than"],
        options["known_to"],
        options["way"] or "rotate",
        options["typed"],
        **_common(options),
    )
    return _shown(rotating.rotate(where(options), wishes, _review(options)), options)


@click.command(cls=helppage.Command, heading="Rotate secrets")
@reaching
@tracked
@consenting
@everywhere
def undo(**options: Any) -> int:
    """Set what the last rotation renewed back, and print the steps that take back those taken."""
    from wizard import rotating

    return _shown(rotating.undo(where(options), rotating.Wishes(**_common(options)), _review(options)), options)


@click.command(
    "next",
    cls=helppage.Command,
    heading="Rotate secrets",
    examples=(
        ("matrix-wizard next", "Show the first open step of the run sheet."),
        ("matrix-wizard next --done", "Close it, once the cluster proves it."),
        ("matrix-wizard next --drive --context prod", "Take all open steps, prove each, stop at the first that fails."),
    ),
)
@click.option("--done", "do", flag_value="done", help="Close the first open step, if its proof holds.")
@click.option("--drive", "do", flag_value="drive", help="Take every open step and prove it.")
@click.option("--rebuild", "do", flag_value="rebuild", help="Begin a sheet for an empty or restored cluster.")
@click.option("--unchecked", is_flag=True, help="With --done: on your word, without proof.")
@click.option("--feed", default="", metavar="STEP", help="Print what the command of a step reads: to a pipe only.")
@reaching
@unasked
@everywhere
def next_(*, do: str | None, unchecked: bool, feed: str, context: str, **options: Any) -> int:
    """Show the next open step of the run sheet, close it, or take them all."""
    from wizard import console, stepping

    if unchecked and do != "done":
        raise click.UsageError("--unchecked goes with --done.")
    if feed:
        console.feed(stepping.feed(where(options), feed).reveal())
        return 0
    verbs: dict[str | None, Callable[[], Any]] = {
        None: lambda: stepping.following(where(options)),
        "done": lambda: stepping.close(where(options), context, unchecked=unchecked),
        "drive": lambda: stepping.drive(where(options), context),
        "rebuild": lambda: stepping.rebuild(where(options), context),
    }
    done = verbs[do]()
    console.stepped(done, as_json=options["as_json"], quiet=options["quiet"])
    return int(done.failed is not None)


@click.command(cls=helppage.Command, heading="Look at it")
@click.option("--max-age", type=click.IntRange(1), metavar="DAYS", help="Mark what is older; exit 1 if anything is.")
@everywhere
def status(max_age: int | None, **options: Any) -> int:
    """Say how old every secret is, what is due or half-way, and which steps are open."""
    from wizard import console, rotating

    found = rotating.status(where(options), max_age)
    console.status(found, as_json=options["as_json"])
    return int(any(each.is_due for each in found.ages))


def chosen(verb: str, options: dict[str, Any]) -> int:
    """Run "rotate" or "next", which was chosen at a terminal, with the *options* of the run."""
    from wizard import console, rotating, stepping

    with telling(options):
        if verb == "next":
            done = stepping.following(where(options))
            console.stepped(done, as_json=options["as_json"], quiet=options["quiet"])
            return 0
        return _shown(rotating.rotate(where(options), rotating.Wishes(), console.rotation), options)


def _common(options: dict[str, Any]) -> dict[str, Any]:
    return {key: options[key] for key in ("context", "yes", "dry_run", "keep_modes", "allow_tracked")}


def _review(options: dict[str, Any]) -> Any:
    from wizard import console

    return console.nothing if options["quiet"] and options["yes"] else console.rotation


def _shown(done: Any, options: dict[str, Any]) -> int:
    from wizard import console

    console.rotated(done, as_json=options["as_json"], quiet=options["quiet"])
    return 0
