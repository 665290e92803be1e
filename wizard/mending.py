"""The verb that puts right what check found, where that is mechanical: a plan, a consent, and one writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wizard import check as findings
from wizard import checking, host, ignores, mends, opening, store
from wizard import lock as locks
from wizard.audit import Deed
from wizard.mends import Mends
from wizard.opening import Where
from wizard.review import count


@dataclass(frozen=True)
class Wishes:
    """What is told besides: whether the plan is consented to beforehand, and whether it is only to be shown."""

    yes: bool = False
    dry_run: bool = False


def mend(where: Where, wishes: Wishes, review: Callable[[Iterable[str]], None]) -> Mends:
    """Put right what can be, after *review* was handed the lines of the plan; return what was, or would be.

    A finding that is ignored is left. Where the key is named and the tree has a vault, the journal and the audit log
    have it, too. UsageError where nobody can be asked, StoppedError without consent; errors as the writing raises."""
    with opening.nothing_written():
        tree = opening.existing(where)
        data = tree.lock()
        lock = locks.read(data.decode("utf-8", "replace")) if data is not None else None
        seen = checking.surveyed(tree, lock)
        spared = ignores.read(tree.files, tree.ignores())
        made = mends.of(seen, (each for each in findings.check(seen) if not spared.of(each)))
        if not made.done:
            return made
        review(mends.told(made))
        if wishes.dry_run:
            return made
        opening.agree(where, f"Put {count(len(made.done), 'finding')} right?", yes=wishes.yes)
        _write(where, tree, made)
    return made


def _write(where: Where, tree: store.Tree, made: Mends) -> None:
    if where.identity is None or tree.vault() is None:
        with host.uninterrupted():
            store.commit(tree, store.Writing(made.after, private=made.private))
        return
    opened = opening.opened(where)
    places = tuple(sorted(f"{each.finding.file}:{each.finding.line}" for each in made.done))
    opening.save(
        where, opened, opened.vault, Deed("fix", places=places), opening.Files(made.after, made.before, made.private)
    )
