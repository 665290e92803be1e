"""Rounds of mistakes: several that are made at once, in different files and against different rules.

So a tree is looked at once for many mistakes, and as it is after a day's work of a person in a hurry."""

from __future__ import annotations

from collections.abc import Iterable

from mutants.bases import Base
from mutants.mistakes import Mistake

Round = tuple[Mistake, ...]


def rounds(mistakes: Iterable[Mistake]) -> list[Round]:
    """Part *mistakes*: in one round no two are in one file, found in one file, or against one rule."""
    made: list[list[Mistake]] = []
    for each in mistakes:
        home = next((some for some in made if not any(_is_near(each, other) for other in some)), None)
        if home is None:
            home = []
            made.append(home)
        home.append(each)
    return [tuple(some) for some in made]


def _is_near(one: Mistake, other: Mistake) -> bool:
    is_one_file = bool({one.file, one.found_at} & {other.file, other.found_at})
    return is_one_file or one.rule == other.rule or "unparseable" in (one.rule, other.rule)


def missed(base: Base, some: Round) -> list[str]:
    """Make the mistakes of a round in *base*, and say which of them check does not name by their rule at their file."""
    changed = {each.file: each.edit(base.texts.get(each.file, ""), base.texts) for each in some}
    for each in some:
        assert changed[each.file] != base.texts.get(each.file), f"{each.name}: nothing has changed"
    found = {(each.id, each.severity, each.file) for each in base.findings(changed)}
    return [each.name for each in some if _sought(each) not in found]


def _sought(mistake: Mistake) -> tuple[str, str, str]:
    return mistake.rule, "error" if mistake.is_error else "warning", mistake.found_at
