"""The verbs by which two operators' branches become one: git calls them for the vault, its places and its log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wizard import audit, files, git, host, keystore, opening, pins, sealing, union
from wizard import lock as locks
from wizard import vault as vaults
from wizard.audit import Deed
from wizard.errors import Problem, RefusedError, UsageError
from wizard.opening import Where
from wizard.pins import Trust
from wizard.vault import LOCK, LOG, VAULT, Vault

_AGE = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")


def merge(where: Where, base: Path, ours: Path, theirs: Path) -> list[Problem]:
    """Make one of the files *ours* and *theirs*, which both come from *base* (empty where git knows none), in *ours*.

    They are three vaults, three sites.lock or three audit logs of the tree. Returns what is undecided; the file holds
    both sides of it. RefusedError, *ours* as it was, for what is no such file or does not belong together."""
    before, mine, other = (_read(path) for path in (base, ours, theirs))
    if mine.startswith(_AGE):
        return _merge_vaults(where, before, mine, other, ours)
    texts = [data.decode("utf-8", "surrogateescape") for data in (before, mine, other)]
    if mine.startswith(b'{"vault"'):
        both = locks.merged(*texts)
    else:
        for path, text in ((ours, texts[1]), (theirs, texts[2])):
            _refuse_no_log(path, text)
        both = audit.merged(*texts)
    files.write_private(ours, both.encode("utf-8", "surrogateescape"))
    return []


def install(where: Where) -> str:
    """Make ``merge`` git's way to merge what is kept of the tree, and return the command that git will call.

    UsageError where the tree is in no git work tree."""
    named = ("--identity", str(where.identity.resolve())) if where.identity else ()
    return git.merge_by(opening.existing(where).root, (*host.program(), "vault", "merge", *named))


def take(where: Where, decisions: tuple[str, ...]) -> tuple[str, ...]:
    """Decide what a merge left undecided: *decisions* are NAME=ours, NAME=theirs or NAME=GENERATION.

    Returns the names. UsageError where one is not undecided."""
    opened = opening.opened(where)
    vault, names = opened.vault, []
    for decision in decisions:
        name, _, choice = decision.rpartition("=")  # a placeholder's name may hold one
        if not name:
            raise UsageError(
                Problem("It is not said which side is taken.", f"--take {decision}", "NAME=ours or NAME=theirs.")
            )
        vault = union.take(vault, name, choice)
        names.append(name)
    opening.save(where, opened, vault, Deed("vault merge --take", opening.generations(vault, names) or tuple(names)))
    return tuple(names)


def _merge_vaults(where: Where, base: bytes, ours: bytes, theirs: bytes, out: Path) -> list[Problem]:
    identity = opening.key(where, opening.vault_id(where.tree), where.tree)
    before = _base(base, identity)
    sides = [sealing.unseal(data, *identity.secrets) for data in (ours, theirs)]
    known = _judged(where, identity, *sides)
    oldest = min(side.revision for side in sides)  # in a rebase "ours" is the branch that comes from elsewhere
    if before and oldest < before.revision and not where.trust.older:
        raise RefusedError(_undoing(oldest, before.revision))
    both = union.merge(before, *sides)
    now, begun = host.now(), both.audit or vaults.new_audit()
    logged = audit.entered(begun, Deed("vault merge"), now, host.user(), host.name())
    # The log is another file, which git merges before or after this one: both sides' newest lines stay at hand too.
    logged = replace(logged, last=(*begun.last, *logged.last))
    merged = replace(both, seal=both.seal if both.seal.reveal() else vaults.new_seal(), audit=logged)
    files.write_private(out, sealing.seal(merged))
    if known and known.seal != vaults.fingerprint(merged.seal):
        # Only what the next opening would refuse: git may drop the merge, and then the tree has ours again.
        ours_again = replace(merged, revision=sides[0].revision, audit=replace(logged, heads=known.heads))
        opening.remember(where, pins.known(identity.file), ours_again, where.tree.resolve(), identity.file)
    return union.undecided(merged)


def _judged(where: Where, identity: keystore.Identity, ours: Vault, theirs: Vault) -> pins.Pin | None:
    """Return what is known here of the vault; RefusedError where a side has another seal.

    One that was never opened here is known by *ours*. Either side may well be behind: it is merged."""
    known, root = pins.known(identity.file), where.tree.resolve()
    before, trust = known, replace(where.trust, older=True)
    if ours.id in known.vaults:
        pins.accept(known, ours, root, trust)
    else:
        before = pins.accept(known, ours, root, Trust())
    pins.accept(before, theirs, root, trust)
    return known.vaults.get(ours.id)


def _undoing(revision: int, base: int) -> Problem:
    return Problem(
        f"One side's vault is older than the one that both come from: revision {revision}, {base - revision} behind "
        f"{base}. What was changed since would be undone, as git revert does it.",
        VAULT,
        "Change it by matrix-wizard instead, or go on from the older one with --accept-older.",
    )


def _refuse_no_log(path: Path, text: str) -> None:
    """RefusedError for what is no audit log, such as a manifest or what is left of a merge that was not resolved."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith('{"id"'):
            what = "This is neither a vault nor sites.lock nor a line of an audit log."
            fix = f"Only {VAULT}, {LOCK} and {LOG} are merged; nothing was changed."
            raise RefusedError(Problem(what, f"{path}:{number}", fix))


def _base(data: bytes, identity: keystore.Identity) -> Vault | None:
    """Return the vault that both come from; None where there is none, or it was sealed for keys of earlier days."""
    try:
        return sealing.unseal(data, *identity.secrets) if data else None
    except RefusedError:
        return None


def _read(path: Path) -> bytes:
    try:
        return files.read(path)
    except OSError as error:
        raise UsageError(Problem(f"It cannot be read: {error.strerror}.", str(path))) from None
