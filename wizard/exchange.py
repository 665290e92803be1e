"""The verbs by which a vault leaves its tree and comes back: backups, what the LI team gets, and what a cluster has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from wizard import audit, backup, cluster, files, host, keystore, live, opening, parcel, pins, sealing, store
from wizard import lock as locks
from wizard.answers import Answers
from wizard.audit import Deed
from wizard.backup import Backup
from wizard.cluster import Source
from wizard.errors import Problem, RefusedError, StoppedError, UsageError, WizardError
from wizard.interview import Ask
from wizard.keystore import Identity
from wizard.opening import Opened, Where
from wizard.outcome import Exchanged
from wizard.sealing import Sealed
from wizard.secret import MASK, Secret
from wizard.structure import Tree
from wizard.vault import LOCK, VAULT, Kept, Vault


@dataclass(frozen=True)
class To:
    """The new file ``out`` of an export, and to whom it is encrypted: public keys, or a passphrase, which is asked for
    or the first line of a file."""

    out: Path
    keys: tuple[str, ...] = ()
    ask: bool = False
    passphrase: Path | None = None


@dataclass(frozen=True)
class Key:
    """What opens a file that was handed over: a key's file, or a passphrase's; else the key of the vault itself."""

    identity: Path | None = None
    passphrase: Path | None = None


def back_up(where: Where, to: To) -> Exchanged:
    """Write the whole vault, with sites.lock and the audit log, into a new age file.

    UsageError where the file exists or cannot be made, and where nobody is named to whom it is encrypted."""
    opened = opening.opened(where)

    def text(vault: Vault) -> bytes:
        return backup.write(Backup(host.now(), vault, locks.text(vault), opening.log_of(opened.tree)))

    vault = _export(where, opened, to, opened.vault.values, text)
    return Exchanged("export", str(to.out), tuple(sorted(vault.values)), vault.revision)


def hand_over(where: Where, to: To) -> Exchanged:
    """Write what a separate LI tree needs of the vault into a new age file, and nothing that main alone has.

    UsageError as ``back_up``; RefusedError where the tree has no LI instance that is filled in."""
    opened = opening.opened(where)
    packed = parcel.pack(_tree(opened), opened.vault, host.now())

    def text(vault: Vault) -> bytes:
        return parcel.write(parcel.stamped(packed, vault))

    vault = _export(where, opened, to, packed.values, text)
    seal = parcel.stamped(packed, vault).twin.seal
    where.say(f"The seal of this vault's exports is {seal}: tell it to whoever imports this one, in person.")
    return Exchanged("export", str(to.out), tuple(packed.values), vault.revision)


def take_over(where: Where, file: Path, key: Key, *, adopt: bool, yes: bool) -> Exchanged:
    """Take the values and answers of the export *file* into the vault of a separate LI tree, which setup then fills.

    Values keep their generations' ids: the same file again changes nothing, a newer one replaces what came by an
    earlier. RefusedError, nothing written, where a value or the server's name differs (see ``parcel.take``), and for
    an export of another vault than before (see ``parcel.accept``); StoppedError without consent to what is taken."""
    opening.existing(where)
    opened = opening.begun(where)
    there = opened.vault.id if opened.identity else None
    plain, _ = _open(where, file, key, parcel.sealed(str(file)), there)
    packed = parcel.read(plain, str(file))
    taken = parcel.take(parcel.accept(opened.vault, packed, where.trust.seal), packed, adopt=adopt)
    if not adopt:
        parcel.refuse_tree(_tree(opened), taken.vault, packed)
    if taken.vault != opened.vault:
        for line in parcel.told(taken, packed, opened.vault):
            where.say(line)
        with opening.nothing_written():
            opening.agree(where, "Take this into the vault?", yes=yes)
    return _taken(where, opened, Exchanged("import", str(file), taken.names, 0, taken.notes), taken.vault)


def _taken(where: Where, opened: Opened, done: Exchanged, vault: Vault) -> Exchanged:
    """Write *vault*, which took values over, unless that changed nothing; return *done* as it then stands."""
    done = replace(done, options=where.options)
    if vault == opened.vault:
        return replace(done, revision=vault.revision)
    deed = Deed(done.verb, tuple(f"{name} {vault.values[name].current.id}" for name in done.values), (done.place,))
    saved = opening.save(where, opened, vault, deed)
    return replace(done, revision=saved.vault.revision, key_made="" if opened.identity else saved.identity.where)


def adopt(where: Where, source: Source, *, over: bool, new_deployment: bool) -> Exchanged:
    """Take into the vault what the Secrets of a cluster have for the values that it lacks; with *over* what they have
    otherwise, too. Only the tree's own Secrets are read, after consent to the context.

    RefusedError where a value has two texts; UsageError where no context is named and nobody can be asked."""
    opening.existing(where)
    opened = opening.begun(where, new_deployment)
    want = live.wanted(_tree(opened), opened.vault, source.namespace)
    context = source.context or _consented(where)
    where.mention(f"Reading {sum(map(len, want.names.values()))} Secrets of this tree from the context {context} …")
    found = {home: cluster.secrets(context, home, names) for home, names in want.names.items()}
    taken = live.take(opened.vault, want, found, host.now(), adopt=over)
    return _taken(where, opened, Exchanged("adopt", context, taken.names, 0, taken.notes), taken.vault)


def _consented(where: Where) -> str:
    """Return kubectl's current context, if the operator says so. UsageError without a terminal, StoppedError for no."""
    context = cluster.current_context()
    if where.terminal is None:
        what = f"Which cluster is read has to be said: kubectl's current context is {context}."
        raise UsageError(Problem(what, "", f"Give --context {quote(context)}, or another."))
    if where.terminal.ask(Ask(f"Read the Secrets of the context {context}?", "yes", text="no")) == "no":
        raise StoppedError(opening.STOPPED)
    return context


def _tree(opened: Opened) -> Tree:
    return Tree(opened.tree.files, instances=Answers.from_json(opened.vault.answers).instances)


def restore(where: Where, file: Path, key: Key, *, over: bool) -> Exchanged:
    """Put the vault, sites.lock and the audit log of the backup *file* back into a tree that has none or older ones.

    The vault stays encrypted to its own recipients, whatever opened the backup. Over a newer vault, another's, one that
    has a generation which the backup lacks, or one that cannot be opened it goes only where *over* says so; that one is
    kept beside it. RefusedError, else."""
    tree = store.open_tree(where.tree)
    sealed, there = tree.vault(), _vault_id(tree)
    plain, used = _open(where, file, key, backup.sealed(str(file)), there)
    back = backup.read(plain, str(file))
    own = _own(where, back.vault, used)
    problem = _in_the_way(tree, back.vault, (*(used.secrets if used else ()), *own.secrets))
    if problem and not over:
        raise RefusedError(problem)
    standing = opening.log_of(tree)
    is_its_own = there in (None, back.vault.id)  # else the log that stands here is another vault's
    lines = (*back.audit_log.splitlines(), *(standing.splitlines() if is_its_own else ()))
    log = "".join(f"{line}\n" for line in dict.fromkeys(lines))  # what came after the backup stands behind it
    kept = back.vault.audit
    vault = replace(back.vault, audit=audit.grown(kept, log) if kept else None)
    if own.secrets and not problem:
        pins.accept(pins.known(own.file), vault, tree.root, where.trust, log)
    if sealed is not None and problem:
        _keep_aside(tree.root / VAULT, sealed)
    opened = Opened(tree, vault, own, sealed, log=log, aside="" if is_its_own else standing)
    saved = opening.save(where, opened, vault, Deed("restore"))
    notes = () if own.secrets else (Problem("None of its keys is here: it opens with those of its recipients."),)
    return Exchanged("restore", str(file), tuple(sorted(vault.values)), saved.vault.revision, notes)


def _export(where: Where, opened: Opened, to: To, values: Mapping[str, Kept], text: Callable[[Vault], bytes]) -> Vault:
    """Encrypt *text* of the vault as *to* says, once the audit log has it; return the vault as it is now.

    *values* are those in it.

    The file is made first, so that what can be known to fail changes nothing."""
    close, out = _closing(where, to), to.out
    _reserve(out)
    try:
        done = tuple(f"{name} {values[name].current.id}" for name in sorted(values))
        vault = opening.save(where, opened, opened.vault, Deed("export", done, to.keys or ("a passphrase",))).vault
        files.write_private(out, close(text(vault)))
    except OSError as error:
        out.unlink()
        raise UsageError(_unwritable(out, error)) from None
    except BaseException:
        out.unlink()
        raise
    return vault


def _closing(where: Where, to: To) -> Callable[[bytes], bytes]:
    """Return what encrypts as *to* says. UsageError unless it says it in one way."""
    if bool(to.keys) + to.ask + bool(to.passphrase) != 1:
        what = "An export is encrypted either to public keys or to a passphrase."
        raise UsageError(
            Problem(what, "", "Give --to age1… (repeated for several), --to-passphrase or --to-passphrase-file.")
        )
    if to.keys:
        sealing.encrypted(b"", to.keys)  # RefusedError for what is no key
        return lambda plain: sealing.encrypted(plain, to.keys)
    passphrase = _passphrase(where, to.passphrase, twice=True)
    if fault := keystore.weakness(passphrase):
        raise UsageError(Problem(fault, "", "Choose a longer one."))
    return lambda plain: sealing.locked(plain, passphrase)


def _reserve(out: Path) -> None:
    try:
        files.create_private(out, b"")
    except FileExistsError:
        raise UsageError(Problem("This file exists already, and is left as it is.", str(out))) from None
    except OSError as error:
        raise UsageError(_unwritable(out, error)) from None


def _unwritable(out: Path, error: OSError) -> Problem:
    return Problem(f"This file cannot be written: {error.strerror}.", str(out))


def _passphrase(where: Where, named: Path | None, *, twice: bool = False) -> Secret:
    """Return the passphrase in the file *named*, else as it is typed at the terminal."""
    if named is not None:
        return keystore.passphrase_in(named)
    if where.terminal is None:
        raise UsageError(
            Problem(
                "There is no terminal to ask for the passphrase.",
                "",
                "Name a file that holds it: --to-passphrase-file, or --from-passphrase-file.",
            )
        )
    with where.terminal.session():
        typed = where.terminal.ask(Ask("Passphrase:", "hidden", echo=_masked))
        if not typed or (twice and where.terminal.ask(Ask("The same again:", "hidden", echo=_masked)) != typed):
            raise UsageError(Problem("These are not the same passphrase." if typed else "That is no passphrase."))
    return Secret(typed)


def _masked(_: str) -> str:
    return MASK


def _open(where: Where, file: Path, key: Key, of: Sealed, vault_id: str | None) -> tuple[bytes, Identity | None]:
    """Return what stands in the age file *file*, and the key that opened it, None for a passphrase."""
    try:
        data = files.read(file)
    except OSError as error:
        raise UsageError(Problem(f"This file cannot be read: {error.strerror}.", str(file))) from None
    if sealing.is_locked(data):
        return sealing.unlocked(data, _passphrase(where, key.passphrase), of), None
    identity = opening.key(replace(where, identity=key.identity or where.identity), vault_id, where.tree)
    return sealing.decrypted(data, identity.secrets, of), identity


def _own(where: Where, vault: Vault, used: Identity | None) -> Identity:
    """Return the key of *vault*: the one that was *used* already, else one that is here, else none."""
    if used and set(used.publics) & set(vault.keys):
        return used
    try:
        found = opening.key(where, vault.id, where.tree)
    except WizardError:
        found = keystore.absent()
    return found if set(found.publics) & set(vault.keys) else keystore.absent()


def _in_the_way(tree: store.Tree, vault: Vault, secrets: tuple[Secret, ...]) -> Problem | None:
    """Return why *vault* must not simply take the place of what stands in *tree*, None where it may."""
    sealed, there = tree.vault(), _vault_id(tree)
    consent = "Restore it over that one with --over, which keeps that file beside it; else nothing is changed."
    standing = None
    if sealed is not None:
        try:
            standing = sealing.unseal(sealed, *secrets)
        except RefusedError as error:
            what = f"{error.problems[0].what} Whether the backup (revision {vault.revision}) is older is not known."
            return Problem(what, VAULT, consent)
    if standing and standing.id == vault.id and standing.revision > vault.revision:
        what = f"The tree's vault is newer than the backup: revision {standing.revision}, and {vault.revision} there."
        return Problem(what, VAULT, consent)
    if standing and standing.id == vault.id and (lost := _lacking(vault, standing)):
        what = f"The tree's vault (revision {standing.revision}) went another way than the backup ({vault.revision})."
        return Problem(f"{what} Only the tree's has these generations: {', '.join(lost)}.", VAULT, consent)
    if (other := standing.id if standing else there or vault.id) != vault.id:
        of = f", revision {standing.revision}" if standing else ""
        what = f"This tree has another vault ({other}{of}) than the backup ({vault.id}, revision {vault.revision})."
        return Problem(what, VAULT if standing else LOCK, consent)
    return None


def _lacking(vault: Vault, standing: Vault) -> list[str]:
    """Return the names of the values of which *vault* lacks a generation that *standing* has, with that one's id."""
    known = {(name, each.id) for name, kept in vault.values.items() for each in kept.generations}
    every = ((name, each.id) for name, kept in sorted(standing.values.items()) for each in kept.generations)
    return [f"{name} {number}" for name, number in every if (name, number) not in known]


def _vault_id(tree: store.Tree) -> str | None:
    """Return whose vault sites.lock names, None where it tells nothing: what stands in its place is overwritten."""
    try:
        return locks.read((tree.lock() or b"").decode("utf-8", "replace")).vault_id
    except RefusedError:
        return None


def _keep_aside(path: Path, sealed: bytes) -> None:
    aside = files.unused(path.with_stem("replaced"))
    try:
        files.create_private(aside, sealed)
    except OSError as error:
        raise UsageError(_unwritable(aside, error)) from None
