"""The verbs by which two operators' branches become one: git calls them for the vault, its places and its log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from wizard import audit, files, git, host, keystore, opening, pins, sealing, union
from wizard import lock as locks
from wizard import vault as vaults
from wizard.audit import Deed
from wizard.errors import Problem, RefusedError, UsageError, WizardError
from wizard.opening import Where
from wizard.pins import Trust
from wizard.vault import LOCK, LOG, VAULT, Vault

_AGE = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")


def merge(where: Where, base: Path, ours: Path, theirs: Path, name: Path | None = None) -> list[Problem]:
    """Make one of the files *ours* and *theirs*, which both come from *base* (empty where git knows none), in *ours*.

    They are three vaults, three sites.lock or three audit logs of the tree; *name* is where git has the one that it
    merges, from the top of its work tree. Returns what is undecided; the file holds both sides of it. RefusedError,
    *ours* as it was, for what is no such file or does not belong together: with the line to type that goes on."""
    before, mine, other = (_read(path) for path in (base, ours, theirs))
    if mine.startswith(_AGE):
        return _merge_vaults(where, before, mine, other, _Again(base, ours, theirs, name))
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


def take(where: Where, decisions: tuple[str, ...]) -> tuple[tuple[str, ...], list[Problem]]:
    """Decide what a merge left undecided: *decisions* are NAME=ours, NAME=theirs or NAME=GENERATION.

    Returns the names, and what is left undecided. UsageError where one is not undecided."""
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
    return tuple(names), union.undecided(vault)


@dataclass(frozen=True)
class _Again:
    """How the same merge is called once more: by git, where it was git that called, else by the paths of the files."""

    base: Path
    ours: Path
    theirs: Path
    name: Path | None

    def by(self, option: str) -> str:
        """Return the line to type, with one *option* of ours more than this run had."""
        if self.name is None:
            named = " ".join(quote(str(path)) for path in (self.base, self.ours, self.theirs))
            return f"matrix-wizard vault merge {option} {named}"
        path = quote(files.seen_from(host.standing(), str(self.name)))
        driver = f"merge.{git.DRIVER}.driver"
        return f'git -c {driver}="$(git config {driver}) {option}" checkout --merge -- {path}'

    @contextmanager
    def with_key(self) -> Iterator[None]:
        """Have what stops the opening within tell, too, how the merge goes on once the key is at hand."""
        try:
            yield
        except WizardError as error:
            kept = "Until then git keeps your branch's vault, and a conflict. " if self.name else ""
            then = f"{kept}Once the key is in FILE (its whole path), go on: {self.by('--identity FILE')}"
            problems = (replace(each, next="\n".join(filter(None, (each.next, then)))) for each in error.problems)
            raise type(error)(*problems) from None


def _merge_vaults(where: Where, base: bytes, ours: bytes, theirs: bytes, again: _Again) -> list[Problem]:
    with again.with_key():
        identity = opening.key(where, opening.vault_id(where.tree), where.tree)
        sides = [sealing.unseal(data, *identity.secrets) for data in (ours, theirs)]
    before = _base(base, identity)
    known = _judged(where, identity, (sides[0], sides[1]), again)
    oldest = min(side.revision for side in sides)  # in a rebase "ours" is the branch that comes from elsewhere
    if before and oldest < before.revision and not where.trust.older:
        raise RefusedError(_undoing(oldest, before.revision, again.by("--accept-older")))
    both = union.merge(before, *sides)
    now, begun = host.now(), both.audit or vaults.new_audit()
    logged = audit.entered(begun, Deed("vault merge"), now, host.user(), host.name())
    # The log is another file, which git merges before or after this one: both sides' newest lines stay at hand too.
    logged = replace(logged, last=(*begun.last, *logged.last))
    merged = replace(both, seal=both.seal if both.seal.reveal() else vaults.new_seal(), audit=logged)
    files.write_private(again.ours, sealing.seal(merged))
    if known and known.seal != vaults.fingerprint(merged.seal):
        # Only what the next opening would refuse: git may drop the merge, and then the tree has ours again.
        ours_again = replace(merged, revision=sides[0].revision, audit=replace(logged, heads=known.heads))
        opening.remember(where, pins.known(identity.file), ours_again, where.tree.resolve(), identity.file)
    return union.undecided(merged)


def _judged(where: Where, identity: keystore.Identity, sides: tuple[Vault, Vault], again: _Again) -> pins.Pin | None:
    """Return what is known here of the vault; RefusedError, with the line that accepts it, for another seal of a side.

    One that was never opened here is known by ours, the first. Either side may well be behind: it is merged."""
    ours, theirs = sides
    known, root = pins.known(identity.file), where.tree.resolve()
    before, trust = known, replace(where.trust, older=True)
    side = ours
    try:
        if ours.id in known.vaults:
            pins.accept(known, ours, root, trust)
        else:
            before = pins.accept(known, ours, root, Trust())
        side = theirs
        pins.accept(before, theirs, root, trust)
    except RefusedError as error:
        accepted = "Nothing was changed. Ask whoever changed it for its seal, in person. If it is the same, accept it: "
        line = again.by(f"--accept-seal {vaults.fingerprint(side.seal) or 'none'}")
        raise RefusedError(*(replace(each, next=accepted + line) for each in error.problems)) from None
    return known.vaults.get(ours.id)


def _undoing(revision: int, base: int, line: str) -> Problem:
    return Problem(
        f"One side's vault is older than the one that both come from: revision {revision}, {base - revision} behind "
        f"{base}. What was changed since would be undone, as git revert does it.",
        VAULT,
        f"Change it by matrix-wizard instead, or go on from the older one: {line}",
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
