"""A tree and its vault, opened for a verb, and written together: what the verbs of every module share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from wizard import afterwards, audit, git, host, keystore, pins, sealing, store
from wizard import lock as locks
from wizard import vault as vaults
from wizard.audit import Deed
from wizard.errors import Problem, RefusedError, StoppedError, UsageError
from wizard.files import unused
from wizard.interview import Ask, Terminal
from wizard.keystore import Identity, Passphrases
from wizard.outcome import Outcome
from wizard.pins import Trust
from wizard.review import count
from wizard.secret import MASK
from wizard.vault import IDENTITY, LOCK, LOG, VAULT, VERSION, Recipient, Record, Vault

ASIDE = Path(store.STATE, "audit-of-another-vault.log")  # what an audit log is called that is no more the vault's
SHEET = Path("answers.yaml")  # what the answers file of a run is called, unless something has that name


@dataclass(frozen=True)
class Where:
    """What every verb is told: the tree's directory, the identity file if one is named, and the terminal to ask at.

    No terminal: nothing is asked, and what is missing is an error.
    """

    tree: Path
    identity: Path | None = None
    terminal: Terminal | None = None
    tell: Callable[[str], None] = lambda _: None  # shows a line, where there is no terminal to ask at
    trust: Trust = field(default_factory=Trust)
    passphrases: Passphrases = field(default_factory=Passphrases)
    options: str = ""  # as they were typed, for the commands that a message names
    is_quiet: bool = False  # the operator wants to hear less

    def say(self, line: str) -> None:
        """Tell a result or a warning: at the terminal, or wherever ``tell`` brings it, however quiet the run is."""
        (self.terminal.say if self.terminal else self.tell)(line)

    def mention(self, line: str) -> None:
        """Tell what one can do without, such as what takes long: not to who wants to hear less, unless asked here."""
        if self.terminal or not self.is_quiet:
            self.say(line)

    def alarm(self, line: str) -> None:
        """Tell a line that has to be read before anything else is believed."""
        if self.terminal:
            self.terminal.say(f"! {line}", "warning")
        else:
            self.tell(f"! {line}")


@dataclass(frozen=True)
class Opened:
    """A tree, its vault (a new one where there is none yet) and the key that opens it (None for a new one).

    ``log`` is what the audit log goes on from, where that is not the tree's own; ``aside`` the text of one that is
    another vault's, and is kept beside the new one."""

    tree: store.Tree
    vault: Vault
    identity: Identity | None
    sealed: bytes | None = None
    unfinished: tuple[str, ...] = ()
    log: str | None = None
    aside: str = ""


def existing(where: Where) -> store.Tree:
    """Return the tree as it stands. UsageError where there is none."""
    tree = store.open_tree(where.tree)
    if not tree.files:
        fix = "This directory is one: give --tree ." if Path(store.STATE).is_dir() else "Name it with --tree DIR."
        raise UsageError(Problem(f"There is no tree at {where.tree}.", str(where.tree), fix))
    return tree


def begun(where: Where, new_deployment: bool = False, *, is_told: bool = True) -> Opened:
    """Open the tree and its vault. A vault that is lost or cannot be opened is never a reason for fresh secrets.

    Faults of the audit log are told, unless *is_told* is false."""
    tree = store.open_tree(where.tree)
    if tree.files and not any(path.endswith((".yaml", ".yml", ".json")) for path in tree.files):
        what = "This directory has files, and none of them is a manifest."
        raise RefusedError(
            Problem(what, str(where.tree), "Name the tree with --tree DIR, or an empty or new directory.")
        )
    if removed := store.tidy(tree):
        where.mention(f"Removed what a run that was killed had staged: {count(removed, 'file')}.")
    sealed, lock = tree.vault(), tree.lock()
    if sealed is None and lock is None and tree.files and not new_deployment:
        _refuse_lost(where, tree.root)
    if new_deployment and sealed is not None:
        what = "This tree has a vault; a new deployment would lose every secret in it."
        raise RefusedError(Problem(what, str(where.tree / VAULT), f"Move {VAULT} to a safe place first."))
    if sealed is None and (new_deployment or lock is None):
        told = locks.read(lock.decode("utf-8", "replace")).records if lock else ()
        vault = Vault(vaults.new_vault_id(), (), records=tuple(_unconsented(told)))
        return Opened(tree, vault, None, log="", aside=log_of(tree))
    if sealed is None:
        what = "sites.lock says that this tree was filled, and its vault is gone: no fresh secrets are made."
        fix = (
            f"Bring {VAULT} back, from git or a backup (matrix-wizard vault restore FILE), or take over what runs "
            "(matrix-wizard vault adopt --live). Only a new deployment starts anew: --new-deployment."
        )
        raise RefusedError(Problem(what, str(where.tree / LOCK), fix))
    named = locks.read(lock.decode("utf-8", "replace")).vault_id if lock else None
    identity = key(where, named, tree.root)
    vault = sealing.unseal(sealed, *identity.secrets)
    if named not in (None, vault.id):
        what = f"This is another tree's vault: its id is {vault.id}, and sites.lock names {named}."
        raise RefusedError(
            Problem(what, str(where.tree / VAULT), f"Bring back both files of one tree, {VAULT} and {LOCK}.")
        )
    _pin(where, identity, vault, tree)
    for problem in log_faults(tree, vault) if is_told else ():
        where.say(f"! {problem.where}: {problem.what} {problem.next}")
    return Opened(tree, vault, identity, sealed, vaults.unfinished(vault, tree.files))


def _unconsented(records: Iterable[Record]) -> Iterator[Record]:
    """Yield what the *records* of a lost vault's sites.lock still tell: which value stood where, and what before it.

    One that was masked says nothing of its place's original. None is a consent: who writes to the repository may have
    added it."""
    for record in records:
        if MASK not in (record.original, record.hole):
            is_place = record.kind in ("site", "off")
            yield replace(record, instance="none") if is_place else record


def opened(where: Where, *, is_told: bool = True) -> Opened:
    """Open a tree that has a vault. UsageError where it has none, and as ``begun``."""
    existing(where)
    found = begun(where, is_told=is_told)
    if found.identity is None:
        what = "This tree has no vault: nothing was filled in here yet."
        raise UsageError(Problem(what, str(where.tree), "To fill it: matrix-wizard setup"))
    return found


def no_such_value(name: str, names: Iterable[str]) -> Problem:
    """Return the problem of a *name* that is none of *names*, with what may have been meant."""
    import difflib

    near = difflib.get_close_matches(name, list(names), 1)
    then = f"Did you mean {near[0]}?" if near else "To see them all: matrix-wizard show"
    return Problem(f"There is no value called {name}.", "", then)


STOPPED = Problem("Stopped. Nothing was written.")


def agree(where: Where, question: str, *, yes: bool) -> None:
    """Ask for consent to what was told, unless the operator said *yes* beforehand.

    UsageError where nobody can be asked, StoppedError for a no."""
    if yes:
        return
    if where.terminal is None:
        raise UsageError(Problem("Nothing is written without consent.", "", "Give -y to agree."))
    if where.terminal.ask(Ask(question, "yes", text="no")) == "no":
        raise StoppedError(STOPPED)


@contextmanager
def nothing_written() -> Iterator[None]:
    """Ctrl-C within stops before anything is written: the writing itself is not interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(STOPPED) from None


def write(where: Where, opened: Opened, outcome: Outcome, keep_modes: bool) -> Outcome:
    """Write what a plan changes: the vault first, then the tree."""
    made = outcome.plan
    private = frozenset() if keep_modes or made.verb == "blank" else made.private & made.changed.keys()
    renewed = (name for name, kept in made.vault.values.items() if kept != opened.vault.values.get(name))
    names = sorted({*renewed, *(change.value for change in made.changes if change.value)})
    deed = Deed(made.verb, generations(made.vault, names), tuple(sorted({each.place for each in made.changes})))
    saved = save(where, opened, made.vault, deed, Files(made.changed, made.before, private))
    stands = {path: data for path, data in {**opened.tree.files, **made.after}.items() if data is not None}
    return replace(
        outcome,
        written=True,
        key_made="" if opened.identity else saved.identity.where,
        key=saved.identity.where,
        afterwards=afterwards.of(stands, saved.vault, str(where.tree)) if made.verb == "setup" else None,
        new_sheet=unused(SHEET),
    )


@dataclass(frozen=True)
class Files:
    """The files of the tree that change: the new bytes by path (None: it goes), those before, and which are private."""

    changed: Mapping[str, bytes | None]
    before: Mapping[str, bytes | None]
    private: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Saved:
    """The vault as it was written, and the key that opens it."""

    vault: Vault
    identity: Identity


def save(
    where: Where,
    opened: Opened,
    vault: Vault,
    deed: Deed,
    files: Files | None = None,
) -> Saved:
    """Write *vault* as the next revision, with *deed* in the audit log, and *files* into the tree.

    The vault's key is made where this is its first writing. What can be known to fail is refused before (see store)."""
    writing = store.Writing(
        files.changed if files else {},
        b"",
        opened.sealed,
        b"",
        b"",
        files.private if files else frozenset(),
    )
    key = opened.identity.file if opened.identity else where.identity
    known = pins.known(key)
    _refuse_unmerged(opened)
    store.refuse(opened.tree, writing)  # before a key is kept that nothing would need
    identity = opened.identity or _created(where, opened, vault)
    now, audited = host.now(), vault.audit or vaults.new_audit()
    if where.trust.older:  # what came after this revision stays told, and is no fault of the log any more
        audited = audit.grown(audited, log_of(opened.tree) if opened.log is None else opened.log)
    if opened.identity is None:
        vault = vaults.joined(vault, Recipient(identity.public, now, "own", f"{host.user()}@{host.name()}"))
    if files:
        both = {path: (files.before.get(path), data) for path, data in files.changed.items()}
        vault = replace(vault, journal=vaults.journal(deed.verb, now, both))
    vault = replace(
        vault,
        version=VERSION,
        revision=vault.revision + 1,
        seal=vault.seal if vault.seal.reveal() else vaults.new_seal(),
        audit=audit.entered(audited, deed, now, host.user(), host.name()),
    )
    log = audit.healed(audit.healed(log_of(opened.tree) if opened.log is None else opened.log, audited), vault.audit)
    aside = unused(opened.tree.root / ASIDE).relative_to(opened.tree.root).as_posix()
    writing = replace(
        writing,
        files={**writing.files, **({aside: opened.aside.encode("utf-8", "surrogateescape")} if opened.aside else {})},
        vault=sealing.seal(vault),
        lock=locks.text(vault).encode(),
        log=log.encode("utf-8", "surrogateescape"),
    )
    with host.uninterrupted():
        store.commit(opened.tree, writing)
        remember(where, known, vault, opened.tree.root, key)
    if opened.aside:
        where.say(f"The audit log that stood here is another vault's: it is kept as {aside}. Commit it with the rest.")
    if opened.identity is not None and opened.vault.version < VERSION:
        where.mention(f"The vault is now written in format {VERSION}; older versions of matrix-wizard refuse it.")
    return Saved(vault, identity)


def _refuse_unmerged(opened: Opened) -> None:
    """Refuse to write over what git has not finished merging: the other branch's half would be lost."""
    left = git.unmerged(opened.tree.root, (VAULT, LOCK, LOG))
    if opened.vault.contests and left == {VAULT}:
        return  # merged, and about to be decided
    what = "git has not finished merging this file: what the other branch has of it would be lost."
    fix = (
        "Have it merged: matrix-wizard vault merge --install\n"
        f"Then, in the tree: git checkout --merge -- {store.STATE}/\n"
        f"If it is merged already: git add {store.STATE}/"
    )
    if left:
        raise RefusedError(*(Problem(what, name, fix) for name in sorted(left)))


def log_faults(tree: store.Tree, vault: Vault) -> list[Problem]:
    """Return what is wrong with the audit log of *tree*, as the vault proves it."""
    return audit.problems(log_of(tree), vault.audit) if vault.audit else []


def _created(where: Where, opened: Opened, vault: Vault) -> Identity:
    beside, is_asked = opened.tree.root / IDENTITY, where.terminal is not None
    return keystore.create(vault.id, where.identity, beside, where.passphrases, interactive=is_asked)


def log_of(tree: store.Tree) -> str:
    """Return the audit log of *tree* as it stands now, "" where there is none."""
    return (tree.log() or b"").decode("utf-8", "surrogateescape")


def generations(vault: Vault, names: Iterable[str]) -> tuple[str, ...]:
    """Return what the audit log says of the values called *names*: each with the id of its current generation."""
    return tuple(f"{name} {vault.values[name].current.id}" for name in names if name in vault.values)


def _pin(where: Where, identity: Identity, vault: Vault, tree: store.Tree) -> None:
    """Refuse a vault that is not the one known here; remember it, and tell its seal where it is new here."""
    before, seal = pins.known(identity.file), vaults.fingerprint(vault.seal)
    now = pins.accept(before, vault, tree.root, where.trust, log_of(tree))
    if now != pins.known():
        keep(where, before, now, identity.file)
    if str(tree.root) in before.trees or not seal:
        return
    told = f"its seal is {seal}, its revision {vault.revision}. From now on another seal is refused."
    others = before.vaults.keys() - {vault.id}
    if vault.id in before.vaults or not others or where.trust.seal == seal:
        where.say(f"This vault is opened here for the first time: {told}")
    else:
        where.alarm(
            f"This vault is none of those that you opened before ({len(others)}): it is opened here for "
            f"the first time, and {told} Whoever knows your public key can make such a file: compare the seal with "
            "whoever keeps the vault, in person, before you use it."
        )


def key(where: Where, named: str | None, root: Path) -> Identity:
    """Return the key of the vault whose id is *named* (None where nothing tells it), of the tree at *root*."""
    return keystore.load(named, where.identity, root / IDENTITY, where.passphrases)


def _refuse_lost(where: Where, root: Path) -> None:
    """Refuse fresh secrets for a tree that had a vault here, and has neither that nor sites.lock any more."""
    if str(root) in pins.known(where.identity).trees:
        what = "This tree had a vault when it was last opened here, and now there is neither that nor sites.lock."
        fix = "Bring .matrix-wizard back (from git or a backup). Only a new deployment starts anew: --new-deployment."
        raise RefusedError(Problem(what, str(where.tree / VAULT), fix))


def vault_id(root: Path) -> str | None:
    """Return whose vault the tree at *root* has, as the first line of sites.lock tells: the rest may be in a merge."""
    try:
        first, _, _ = (root / LOCK).read_text("utf-8", errors="replace").partition("\n")
        return locks.read(first).vault_id
    except (OSError, RefusedError):
        return None


def remember(where: Where, known: pins.Pins, vault: Vault, root: Path, key: Path | None) -> None:
    """Remember the seal, the revision and the history of *vault*, which was written or is accepted in the tree *root*.

    *known* is what was remembered before; *key* as for ``pins.known``."""
    keep(where, known, pins.beside(known, pins.accept(pins.Pins(), vault, root, Trust())), key)


def keep(where: Where, before: pins.Pins, new: pins.Pins, key: Path | None = None) -> None:
    """Remember *new* in the place of *before*, and tell where that cannot be; *key* as for ``pins.known``."""
    try:
        pins.keep(before, new, key)
    except OSError as error:
        where.say(f"The vault's seal cannot be remembered in {pins.place()}: {error.strerror}.")
    except UsageError as error:
        where.say(f"The vault's seal cannot be remembered: {error.problems[0].what}")
