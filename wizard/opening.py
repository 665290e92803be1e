"""A tree and its vault, opened for a verb, and written together: what the verbs of every module share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from wizard import afterwards, files, host, keystore, sealing, store
from wizard import lock as locks
from wizard import vault as vaults
from wizard.errors import Problem, RefusedError, StoppedError, UsageError
from wizard.interview import Terminal
from wizard.keystore import Identity
from wizard.outcome import Outcome
from wizard.vault import LOCK, VAULT, Vault

SHEET = Path("answers.yaml")  # what the answers file of a run is called, unless something has that name


@dataclass(frozen=True)
class Where:
    """What every verb is told: the tree's directory, the identity file if one is named, and the terminal to ask at.

    No terminal: nothing is asked, and what is missing is an error.
    """

    tree: Path
    identity: Path | None = None
    terminal: Terminal | None = None
    tell: Callable[[str], None] = lambda _: None  # a line about what takes long, where there is no terminal to ask at
    options: str = ""  # as they were typed, for the commands that a message names


@dataclass(frozen=True)
class Opened:
    """A tree, its vault (a new one where there is none yet) and the key that opens it (None for a new one)."""

    tree: store.Tree
    vault: Vault
    identity: Identity | None
    sealed: bytes | None = None
    unfinished: tuple[str, ...] = ()


def existing(where: Where) -> store.Tree:
    """Return the tree as it stands. UsageError where there is none."""
    tree = store.open_tree(where.tree)
    if not tree.files:
        raise UsageError(Problem(f"There is no tree at {where.tree}.", str(where.tree), "Name it with --tree DIR."))
    return tree


def begun(where: Where, new_deployment: bool = False) -> Opened:
    """Open the tree and its vault. A vault that is lost or cannot be opened is never a reason for fresh secrets."""
    tree = store.open_tree(where.tree)
    if tree.files and not any(path.endswith((".yaml", ".yml", ".json")) for path in tree.files):
        what = "This directory has files, and none of them is a manifest."
        raise RefusedError(
            Problem(what, str(where.tree), "Name the tree with --tree DIR, or an empty or new directory.")
        )
    sealed, lock = tree.vault(), tree.lock()
    if new_deployment and sealed is not None:
        what = "This tree has a vault; a new deployment would lose every secret in it."
        raise RefusedError(Problem(what, str(where.tree / VAULT), f"Move {VAULT} to a safe place first."))
    if sealed is None and (new_deployment or lock is None):
        return Opened(tree, Vault(vaults.new_vault_id(), ()), None)
    if sealed is None:
        what = "sites.lock says that this tree was filled, and its vault is gone: no fresh secrets are made."
        fix = f"Bring {VAULT} back (from git or a backup). Only a new deployment starts anew: --new-deployment."
        raise RefusedError(Problem(what, str(where.tree / LOCK), fix))
    vault_id = locks.read(lock.decode("utf-8", "replace")).vault_id if lock else None
    identity = keystore.load(vault_id, where.identity)
    vault = sealing.unseal(sealed, identity.secret)
    return Opened(tree, vault, identity, sealed, vaults.unfinished(vault, tree.files))


def opened(where: Where) -> Opened:
    """Open a tree that has a vault. UsageError where it has none, and as ``begun``."""
    existing(where)
    found = begun(where)
    if found.identity is None:
        what = "This tree has no vault: nothing was filled in here yet."
        raise UsageError(Problem(what, str(where.tree), "matrix-wizard setup fills it."))
    return found


STOPPED = Problem("Stopped. Nothing was written.")


@contextmanager
def nothing_written() -> Iterator[None]:
    """Ctrl-C within stops before anything is written: the writing itself is not interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(STOPPED) from None


def write(where: Where, opened: Opened, outcome: Outcome, keep_modes: bool) -> Outcome:
    """Write the vault first, then the tree; make the vault's key where this is its first run."""
    made = outcome.plan
    identity = opened.identity or keystore.create(made.vault.id, where.identity, interactive=where.terminal is not None)
    both = {path: (made.before.get(path), data) for path, data in made.changed.items()}
    journal = vaults.journal(made.verb, host.now(), both)
    recipients = dict.fromkeys((identity.public, *made.vault.recipients))
    vault = replace(made.vault, recipients=tuple(recipients), journal=journal)
    stands = {path: data for path, data in {**opened.tree.files, **made.after}.items() if data is not None}
    left = afterwards.of(stands, vault, str(where.tree)) if made.verb == "setup" else None
    writing = store.Writing(
        made.changed,
        sealing.seal(vault),
        opened.sealed,
        locks.text(vault).encode(),
        frozenset() if keep_modes or made.verb == "blank" else made.private & made.changed.keys(),
    )
    with host.uninterrupted():
        store.commit(opened.tree, writing)
    key_made = "" if opened.identity else identity.where
    return replace(
        outcome, written=True, key_made=key_made, key=identity.where, afterwards=left, new_sheet=files.unused(SHEET)
    )
