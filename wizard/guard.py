"""Secrets and git: what a commit of a filled tree would publish, the ways out of it, and the guard at each commit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote

from wizard import exposure, files, git, host, opening, review, store
from wizard import lock as locks
from wizard.errors import Problem, RefusedError, UsageError, WizardError
from wizard.interview import Ask, Terminal
from wizard.opening import Where
from wizard.plan import Plan
from wizard.store import Tree

_IGNORE = ".gitignore"


def guard(where: Where) -> Path:
    """Have git look at each commit for secrets of the tree, and return the hook that does.

    UsageError where there is no tree or no repository, RefusedError where another hook is in the way.
    """
    return git.guard(opening.existing(where).root, host.program())


def staged(where: Where) -> list[Problem]:
    """Return a problem for each place of the tree at which the next commit would publish a secret.

    Neither vault nor key is touched. A tree without sites.lock has no such place. UsageError where there is no tree:
    it may have been moved, with its secrets, to where nothing looks for them.
    """
    if not where.tree.is_dir() or not (tree := store.open_tree(where.tree)).files:
        what = f"The guarded tree {where.tree} is not there, and may have been moved with its secrets in it."
        fix = (
            "Call matrix-wizard vault guard --tree DIR for its new place, and take the line of the old one out of "
            "git's pre-commit hook (git rev-parse --git-path hooks/pre-commit)."
        )
        raise UsageError(Problem(what, str(where.tree), fix))
    data = tree.lock()
    if data is None:
        return []
    changed = git.staged(tree.root)
    what = "A run that was killed had staged this file, which may hold secrets."
    copies = [path for path in changed if path.endswith(files.STAGED)]
    fix = "Unstage it: git rm --cached {}\nThen have it removed: matrix-wizard plan"
    found = [
        *(Problem(what, path, fix.format(quote(_named(where.tree, path)))) for path in copies),
        *exposure.staged(changed, locks.read(data.decode("utf-8", "replace"))),
    ]
    return [replace(each, where=_named(where.tree, each.where)) for each in found]


def seen(made: Plan, root: Path, tree: Path) -> Plan:
    """Return the plan with what a commit would publish once it is carried out: nothing where a guard is in place.

    *root* is the tree's directory, *tree* how the operator names it."""
    exposed = exposure.of(made.vault, git.tracked(root, {each.file for each in made.vault.records}))
    if not exposed or git.is_guarded(root):
        return made
    return replace(made, exposed=exposed, exposed_as=tuple(_named(tree, file) for file in exposed))


def refuse(made: Plan, root: Path) -> None:
    """Raise RefusedError where a commit of what is to be written would publish secrets, and could be pushed."""
    if made.exposed and git.has_remote(root):
        raise RefusedError(
            Problem(
                f"{next(review.exposed(made))} This repository has a remote.",
                str(root),
                "Stop tracking these files (name them in .gitignore, then git rm --cached), or have each commit looked "
                "at (matrix-wizard vault guard), or say that you run blank before you commit: --allow-tracked.",
            )
        )


def kept_out(terminal: Terminal, made: Plan, tree: Tree) -> Plan:
    """Ask what is to keep the secrets of the plan out of git, and return it with the files to ignore, if that is it.

    A guard is made at once, since it is no part of the tree; where it cannot be, that is said.
    """
    if not made.exposed:
        return made
    choices = {
        "guard": "Guard        a hook refuses each commit that holds a secret",
        "ignore": f"Ignore       name the files in {_IGNORE}; git rm --cached then stops tracking them",
        "blank": "Blank        nothing now: I run blank before each commit",
    }
    label = "What is to keep the secrets out of git?"
    chosen = terminal.ask(Ask(label, "choice", text="guard", choices=choices, title="Kept out of git by"))
    if chosen == "guard":
        try:
            terminal.say(f"Each commit is looked at by {git.guard(tree.root, host.program())}.")
        except WizardError as error:
            for problem in error.problems:
                terminal.say(f"! {problem.where}: {problem.what} {problem.next}", "warning")
    elif chosen == "ignore":
        before = tree.files.get(_IGNORE)
        after = git.ignoring(before or b"", made.exposed)
        return replace(made, before={**made.before, _IGNORE: before}, after={**made.after, _IGNORE: after})
    return made


def _named(tree: Path, path: str) -> str:
    """Return the *path* of a file of *tree* as git and the operator name it, from where the operator stands."""
    return files.seen_from(host.standing(), str(tree / path))
