"""The options that many commands have, and what the verbs are handed for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any, cast

import click

from wizard import completion, helppage
from wizard.errors import WizardError
from wizard.helppage import F

DEFAULT_TREE = Path("deployment")
PATH = click.Path(path_type=Path)


def everywhere(command: F) -> F:
    """Add the options that every command on a tree has; what stops it is told with them."""

    @functools.wraps(command)
    def told(*arguments: Any, **options: Any) -> Any:
        with telling(options):
            return command(*arguments, **options)

    dressed = cast(F, told)
    option = helppage.option("Everywhere")
    return helppage.adding(
        dressed,
        option("--tree", type=PATH, default=DEFAULT_TREE, envvar="MATRIX_WIZARD_TREE", show_default=True,
               shell_complete=completion.directories, help="The tree of manifests."),
        option("--identity", type=PATH, envvar="MATRIX_WIZARD_IDENTITY", help="File with the vault's key."),
        option("--passphrase-file", type=PATH, envvar="MATRIX_WIZARD_PASSPHRASE_FILE",
               help="File with the passphrase of that key."),
        option("--passphrase-fd", type=click.IntRange(0), metavar="N", help="Read the passphrase from descriptor N."),
        option("--accept-older", is_flag=True, help="Go on from an older vault, or from another branch's."),
        option("--accept-seal", metavar="SEAL", default="", help="Accept a vault with this seal instead of the known."),
        option("--json", "as_json", is_flag=True, envvar="MATRIX_WIZARD_JSON", help="Print JSON."),
        option("--plain", is_flag=True, envvar="MATRIX_WIZARD_PLAIN", help="Ask in plain lines, for screen readers."),
        option("-q", "--quiet", is_flag=True, envvar="MATRIX_WIZARD_QUIET", help="Print less."),
    )  # fmt: skip


def consenting(command: F) -> F:
    """Add the options of the commands that write."""
    consent, tree = helppage.option("Consent"), helppage.option("The tree")
    return helppage.adding(
        command,
        consent("-y", "--yes", is_flag=True, help="Accept the plan; answers no question."),
        consent("-n", "--dry-run", is_flag=True, help="Show the plan, write nothing."),
        consent("--no-input", is_flag=True, envvar="MATRIX_WIZARD_NO_INPUT", help="Never ask."),
        tree("--keep-modes", is_flag=True, help="Leave file modes as they are."),
    )  # fmt: skip


def agreeing(command: F) -> F:
    """Add the options of the commands that write the vault alone, and ask before."""
    consent = helppage.option("Consent")
    return helppage.adding(
        command,
        consent("-y", "--yes", is_flag=True, help="Agree beforehand."),
        consent("--no-input", is_flag=True, envvar="MATRIX_WIZARD_NO_INPUT", help="Never ask."),
    )  # fmt: skip


def review(options: dict[str, Any]) -> Any:
    """Return what shows a plan before consent: nothing where the operator wants to hear less and has consented."""
    from wizard import console

    if options["quiet"] and options.get("yes"):
        return console.nothing
    return functools.partial(console.review, paged=not options["plain"])


@contextmanager
def telling(options: dict[str, Any]) -> Iterator[None]:
    """Have an error within carry *options*, for the commands that it names."""
    try:
        yield
    except WizardError as error:
        if error.options is None:
            error.options = typed(options)
        raise


def typed(options: dict[str, Any]) -> str:
    """Return those of *options* that the next command needs, too, as they are typed where the operator stands."""
    from wizard import files, host

    def seen(path: Path) -> str:
        place = host.standing()
        return quote(files.seen_from(place, str(path)) if place != Path() else str(path))

    tree = seen(options["tree"])
    named = {"--identity": options["identity"], "--passphrase-file": options["passphrase_file"]}
    words = [f" --tree {tree}"] if tree != str(DEFAULT_TREE) else []
    return "".join([*words, *(f" {option} {seen(path)}" for option, path in named.items() if path)])


def where(options: dict[str, Any]) -> Any:
    """Return the tree, the key and the terminal that *options* name (an ``opening.Where``).

    UsageError where a passphrase cannot be read, or is wanted and there is nobody to ask for it."""
    from wizard import console, host, opening, passphrases
    from wizard.pins import Trust

    spelled = functools.partial(console.typed, options=typed(options))
    ask = functools.partial(_terminal, spelled, plain=options["plain"] or not host.can_move_cursor())
    is_asked = host.is_terminal() and not options.get("no_input", False)

    def tell(line: str) -> None:
        console.tell(spelled(line))

    return opening.Where(
        options["tree"],
        options["identity"],
        ask() if is_asked and "no_input" in options else None,
        tell,
        Trust(options["accept_older"], options["accept_seal"]),
        passphrases.given(
            options["passphrase_file"],
            options["passphrase_fd"],
            ask if is_asked else None,
            is_wanted=options.get("passphrase", False),
        ),
        typed(options),
        is_quiet=options["quiet"],
    )


def _terminal(spelled: Callable[[str], str], *, plain: bool) -> Any:
    from wizard import lines, prompt

    return lines.Lines(spelled) if plain else prompt.Screen(spelled)
