"""A baseline: the findings that a tree had on one day, so that only new ones stand in the way of a change.

Pure, text in and out. An entry knows a finding by its rule, its file, its severity and its message without lines and
counts, so that it is found again when lines move; how many of that kind there were is counted. No value of the tree is
in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from wizard import rules
from wizard.errors import Problem, UsageError
from wizard.finding import Finding, shape

_VERSION = 2
_Shape = tuple[str, str, str, str]  # as ``finding.shape`` makes it
_ABOUT = "Findings that were there already. Written by matrix-wizard check --write-baseline; # is any place or count."


@dataclass(frozen=True)
class Entry:
    """Findings of one kind: their rule, file, severity and message (``finding.shape``), and how many there are."""

    id: str
    file: str
    severity: str
    message: str
    count: int


@dataclass
class Baseline:
    """What was there already, less what has been met with again."""

    left: Counter[_Shape]

    def knows(self, found: Finding) -> bool:
        """Say whether *found* was there already, and take it for met."""
        if self.left[shape(found)] <= 0:
            return False
        self.left[shape(found)] -= 1
        return True

    def gone(self, unseen: Collection[str]) -> tuple[Entry, ...]:
        """Return what is there no more; *unseen* are rules that were not looked at."""
        entries = _entries(+self.left)
        return tuple(each for each in entries if each.id not in unseen)


def text(found: Iterable[Finding]) -> str:
    """Return the baseline of *found* as a file's text: JSON, sorted, so that a change of it can be reviewed."""
    entries = [vars(each) for each in _entries(Counter(map(shape, found)))]
    data = {"schema": _VERSION, "about": _ABOUT, "findings": entries}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def read(data: bytes, place: str) -> Baseline:
    """Return the baseline in the bytes of the file *place*. UsageError where they hold none."""
    mend = "Name a file that check --write-baseline wrote."
    try:
        made = json.loads(data.decode())
        return Baseline(Counter(dict(map(_entry, _listed(made)))))
    except UnicodeDecodeError:
        raise UsageError(Problem("This is no baseline: it is not UTF-8 text.", place, mend)) from None
    except json.JSONDecodeError as error:
        where = f"{place}:{error.lineno}:{error.colno}"
        raise UsageError(Problem(f"This is no baseline: it is not JSON ({error.msg}).", where, mend)) from None
    except (KeyError, TypeError, ValueError, RecursionError):
        raise UsageError(Problem("This is no baseline of check, or one of another version.", place, mend)) from None


def may_hold(found: Finding) -> bool:
    """Say whether a finding may stand in a baseline: not one of a rule that must not be ignored."""
    return rules.BY_ID[found.id].may_be_ignored


def _listed(made: Any) -> list[Any]:
    if made["schema"] != _VERSION:
        raise ValueError(made["schema"])
    return list(made["findings"])


def _entry(made: Any) -> tuple[_Shape, int]:
    key = (made["id"], made["file"], made["severity"], made["message"])
    if not all(isinstance(each, str) for each in key) or type(made["count"]) is not int:
        raise TypeError(key)
    return key, made["count"]


def _entries(counted: Counter[_Shape]) -> Iterator[Entry]:
    for shaped, number in sorted(counted.items(), key=lambda each: (each[0][1], each[0])):
        yield Entry(*shaped, number)
