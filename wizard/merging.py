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
from wizard.vault import Vault

_AGE = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")


def merge(where: Where, base: Path, ours: Path, theirs: Path) -> list[Problem]:
    """Make one of the files *ours* and *theirs*, which both come from *base* (empty where git knows none), in *ours*.

    They are three vaults, three sites.lock or three audit logs of the tree. Returns what is undecided; the file holds
    both sides of it. RefusedError, *ours* as it was, for what is no such file or does not belong together."""
    before, mine, other = (_read(path) for path in (base, ours, theirs))
    if mine.startswith(_AGE):
        return _merge_vaults(where, before, mine, other, ours)
    texts = [data.decode("utf-8", "surrogateescape") for data in (before, mine, other)]
    is_lock = mine.startswith(b'{"vault"')
    both = locks.merged(*texts) if is_lock else audit.merged(*texts)
    files.write_private(ours, both.encode("utf-8", "surrogateescape"))
    return []


def install(where: Where) -> str:
    """Make ``merge`` git's way to merge what is kept of the tree, and return the command that git will call.

    UsageError where the tree is in no git work tree."""
    return git.merge_by(opening.existing(where).root, host.program())


def take(where: Where, decisions: tuple[str, ...]) -> tuple[str, ...]:
    """Decide what a merge left undecided: *decisions* are NAME=ours, NAME=theirs or NAME=GENERATION.

    Returns the names. UsageError where one is not undecided."""
    opened = opening.opened(where)
    vault, names = opened.vault, []
    for decision in decisions:
        name, _, choice = decision.partition("=")
        vault = union.take(vault, name, choice)
        names.append(name)
    opening.save(where, opened, vault, Deed("vault merge --take", opening.generations(vault, names) or tuple(names)))
    return tuple(names)


def _merge_vaults(where: Where, base: bytes, ours: bytes, theirs: bytes, out: Path) -> list[Problem]:
    identity = opening.key(where, opening.vault_id(where.tree), where.tree)
    before = _base(base, identity)
    sides = [sealing.unseal(data, *identity.secrets) for data in (ours, theirs)]
    known = pins.known(identity.pins)
    root = where.tree.resolve()
    for side in sides:
        pins.accept(known, side, root, replace(where.trust, older=True))  # one side may well be behind: it is merged
    both = union.merge(before, *sides)
    now, begun = host.now(), both.audit or vaults.new_audit()
    logged = audit.entered(begun, Deed("vault merge"), now, host.user(), host.name())
    # The log is another file, which git merges before or after this one: both sides' newest lines stay at hand too.
    logged = replace(logged, last=(*begun.last, *logged.last))
    merged = replace(both, seal=both.seal if both.seal.reveal() else vaults.new_seal(), audit=logged)
    files.write_private(out, sealing.seal(merged))
    opening.remember(where, identity, merged, root)
    return union.undecided(merged)


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
