"""The verbs that tell whether a tree is fit to deploy, and what a finding means."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wizard import baseline, checks, comparing, files, git, host, ignores, onlyyou, opening, rules, sealing, store
from wizard import check as findings
from wizard import lock as locks
from wizard.baseline import Baseline
from wizard.cluster import Source
from wizard.errors import Problem, RefusedError, UsageError
from wizard.finding import Finding, masked, no_such_rule
from wizard.ignores import Ignored, Ignores
from wizard.lock import Lock
from wizard.opening import Where
from wizard.outcome import Checked
from wizard.rules import Rule
from wizard.structure import Tree
from wizard.survey import Surroundings, Survey, survey

_NEED_THE_KEY = frozenset({"audit-log", "open-steps"})
_NEED_A_CLUSTER = frozenset(each.id for each in rules.RULES if each.group == "live")
_ASKED_FOR = frozenset({"secret-too-old"})  # and so not met where it is not


@dataclass(frozen=True)
class Wishes:
    """What check is told besides: the baseline to compare with, and one to write.

    ``is_strict``: warnings stand in the way, too. ``most_days``: how old a secret may be, None for no limit.
    ``source``: the cluster to compare with."""

    baseline: Path | None = None
    new_baseline: Path | None = None
    is_strict: bool = False
    most_days: int | None = None
    source: Source | None = None


def check(where: Where, wishes: Wishes = Wishes(), tell: Callable[[Finding], None] = lambda _: None) -> Checked:
    """Return the findings about the tree, and what is left out of it; *tell* is handed each as soon as it is known.

    No key is touched, and of the vault only what its header tells everybody, unless the key is named, or only the vault
    tells which cluster is the tree's: then the audit log is verified, one that is gone is missed, and open steps are
    told. For the age of secrets the vault is opened as
    ``status`` does, and what stops that is raised. Nothing is written but the new baseline.
    UsageError where there is no tree, and for ignores and a baseline that cannot be read; with a cluster, errors as
    ``comparing.compared``."""
    tree = opening.existing(where)
    sieve = _Sieve(ignores.read(tree.files, tree.ignores()), _baseline(wishes), wishes, tell)
    sealed, data = tree.vault(), tree.lock()
    read, faults = _lock(data)
    seen = surveyed(tree, read)
    for each in itertools.chain(
        findings.check(seen, sealing.count_keys(sealed or b"")),
        findings.of_custody(has_vault=sealed is not None, has_lock=data is not None),
        findings.of_lock(faults),
        findings.of_vault(sealing.faults(sealed) if sealed is not None else ()),
        _aged(where, wishes.most_days, seen.now),
    ):
        sieve.take(each)
    log, of_vault, context = _proven(where, tree, wishes)
    for each in of_vault:
        sieve.take(each)
    for each in comparing.compared(where, wishes.source, seen, context) if wishes.source else ():
        sieve.take(each)
    unseen = _NEED_THE_KEY if log else frozenset[str]()
    unseen |= _ASKED_FOR if wishes.most_days is None else frozenset[str]()
    unseen |= _NEED_A_CLUSTER if wishes.source is None else frozenset[str]()
    for each in sieve.ignores.unmet(unseen):
        sieve.take(each)
    if wishes.new_baseline:
        _write(wishes.new_baseline, sieve.known)
    return Checked(
        _sorted(sieve.found),
        read.left_out if read else (),
        log,
        onlyyou.of(seen),
        wishes.is_strict,
        tuple(sieve.ignored),
        _sorted(sieve.known),
        sieve.baseline.gone(unseen) if sieve.baseline else (),
        str(wishes.baseline or wishes.new_baseline or ""),
    )


def _aged(where: Where, most_days: int | None, now: str) -> Iterator[Finding]:
    if most_days is not None:
        yield from findings.of_ages(opening.opened(where, is_told=False).vault, most_days, now)


def _lock(data: bytes | None) -> tuple[Lock | None, tuple[Problem, ...]]:
    """Return what sites.lock tells, or what is wrong with it: that stops no finding about the tree."""
    try:
        return (locks.read(data.decode("utf-8", "replace")) if data is not None else None), ()
    except RefusedError as error:
        return None, error.problems


def surveyed(tree: store.Tree, lock: Lock | None) -> Survey:
    """Return the survey of *tree* as it stands; *lock* is its sites.lock, if it has one that can be read."""

    def around() -> Surroundings:
        return Surroundings(git.has(tree.root, tree.files), store.open_to_all(tree), store.links(tree))

    return survey(Tree(tree.files, instances=lock.instances if lock else {}), lock, host.now(), around, checks.LOOKS)


def explain(name: str) -> Rule:
    """Return the rule whose id is *name*. UsageError with what may have been meant where there is none."""
    if name not in rules.BY_ID:
        raise UsageError(no_such_rule(name))
    return rules.BY_ID[name]


def place(where: Where) -> str:
    """Return where the tree lies, as seen from the top of its repository, or from here outside of one.

    "" for the top itself, else with a slash at the end."""
    below = git.from_top(where.tree)
    if below is None:
        below = files.seen_from(Path(), str(where.tree))
    return "" if below == "." else f"{below}/"


@dataclass
class _Sieve:
    """Parts what is found into what counts, what is ignored, and what was there already."""

    ignores: Ignores
    baseline: Baseline | None
    wishes: Wishes
    tell: Callable[[Finding], None]
    found: list[Finding] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    known: list[Finding] = field(default_factory=list)

    def take(self, found: Finding) -> None:
        """Put *found* where it belongs, and tell it if it counts."""
        shown = masked(found)
        if ignored := self.ignores.of(shown):
            self.ignored.append(ignored)
        elif self._is_known(shown):
            self.known.append(shown)
        else:
            self.found.append(shown)
            self.tell(shown)

    def _is_known(self, found: Finding) -> bool:
        if not baseline.may_hold(found):
            return False
        return bool(self.wishes.new_baseline or (self.baseline and self.baseline.knows(found)))


def _proven(where: Where, tree: store.Tree, wishes: Wishes) -> tuple[str | None, list[Finding], str | None]:
    """Return why the audit log could not be verified (as ``Checked.log``), and what the vault tells once it is open.

    Last the context that was confirmed for the tree, None where the vault was not opened."""
    if tree.log() is None and tree.vault() is None:
        return None, [], None
    if not where.identity and (wishes.source is None or wishes.source.context):
        return "it opens no vault unless --identity names its key", [], None
    try:
        vault = opening.opened(where, is_told=False).vault
        found = [*findings.of_log(opening.log_faults(tree, vault)), *findings.of_steps(vault.sheets)]
    except (RefusedError, UsageError) as error:  # it stops no finding about the tree
        return error.problems[0].what, [], None
    return "", found, vault.context


def _baseline(wishes: Wishes) -> Baseline | None:
    """Return the baseline to compare with, None where there is none.

    UsageError where it cannot be read, and where what stands in the place of a new one is none."""
    path = wishes.baseline or wishes.new_baseline
    if path is None:
        return None
    try:
        read = baseline.read(files.read(path), str(path))
    except FileNotFoundError:
        if wishes.baseline is None:
            return None
        mend = f"Write it first: matrix-wizard check --write-baseline {path}"
        raise UsageError(Problem("There is no such baseline.", str(path), mend)) from None
    except OSError as error:
        raise UsageError(Problem(f"The baseline cannot be read: {error.strerror}.", str(path))) from None
    return read if wishes.baseline else None


def _write(path: Path, known: list[Finding]) -> None:
    try:
        files.write(path, baseline.text(known).encode())
    except OSError as error:
        raise UsageError(Problem(f"The baseline cannot be written: {error.strerror}.", str(path))) from None


def _sorted(found: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda each: (each.file, each.line, each.column)))
