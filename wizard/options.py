"""The options that many commands have, and what the verbs are handed for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

import click

from wizard import completion, helppage

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_TREE = Path("deployment")
PATH = click.Path(path_type=Path)


def everywhere(command: F) -> F:
    """Add the options that every command on a tree has."""
    option = helppage.option("Everywhere")
    for add in reversed((
        option("--tree", type=PATH, default=DEFAULT_TREE, envvar="MATRIX_WIZARD_TREE", show_default=True,
               shell_complete=completion.directories, help="The tree of manifests."),
        option("--identity", type=PATH, envvar="MATRIX_WIZARD_IDENTITY", help="File with the vault's key."),
        option("--accept-older", is_flag=True, help="Go on from a vault older than the one last opened here."),
        option("--accept-seal", metavar="SEAL", default="", help="Accept a vault with this seal instead of the known."),
        option("--json", "as_json", is_flag=True, envvar="MATRIX_WIZARD_JSON", help="Print JSON."),
        option("--plain", is_flag=True, envvar="MATRIX_WIZARD_PLAIN", help="Ask in plain lines, for screen readers."),
        option("-q", "--quiet", is_flag=True, envvar="MATRIX_WIZARD_QUIET", help="Print less."),
    )):  # fmt: skip
        command = add(command)
    return command


def consenting(command: F) -> F:
    """Add the options of the commands that write."""
    consent, tree = helppage.option("Consent"), helppage.option("The tree")
    for add in reversed((
        consent("-y", "--yes", is_flag=True, help="Accept the plan; answers no question."),
        consent("-n", "--dry-run", is_flag=True, help="Show the plan, write nothing."),
        consent("--no-input", is_flag=True, envvar="MATRIX_WIZARD_NO_INPUT", help="Never ask."),
        tree("--keep-modes", is_flag=True, help="Leave file modes as they are."),
    )):  # fmt: skip
        command = add(command)
    return command


def review(options: dict[str, Any]) -> Any:
    """Return what shows a plan before consent: nothing where the operator wants to hear less and has consented."""
    from wizard import console

    return console.nothing if options["quiet"] and options.get("yes") else console.review


def where(options: dict[str, Any]) -> Any:
    """Return the tree, the key and the terminal that *options* name (an ``opening.Where``)."""
    from wizard import console, host, opening
    from wizard.pins import Trust

    terminal = None
    if not options.get("no_input", True) and host.is_terminal():
        terminal = _terminal(plain=options["plain"] or not host.can_move_cursor())
    tree, identity = options["tree"], options["identity"]
    typed = (f" --tree {quote(str(tree))}" if tree != DEFAULT_TREE else "") + (
        f" --identity {quote(str(identity))}" if identity else ""
    )
    trust = Trust(options["accept_older"], options["accept_seal"])
    told = {} if options["quiet"] else {"tell": console.tell}
    return opening.Where(tree, identity, terminal, trust=trust, options=typed, **told)


def _terminal(*, plain: bool) -> Any:
    from wizard import lines, prompt

    return lines.Lines() if plain else prompt.Screen()
