"""A finding: one thing that is wrong with a tree, by the id of its rule. No finding holds a value."""

from __future__ import annotations

from dataclasses import dataclass

from wizard import rules
from wizard.errors import Problem
from wizard.rules import Severity


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: rule id, severity, place (line and column from 1), what, and the way to mend it."""

    id: str
    severity: Severity
    file: str
    line: int
    column: int
    message: str
    fix: str


def at(position: str, rule: str, message: str, fix: str, severity: Severity | None = None) -> Finding:
    """Return a finding at *position* (``file:line:column``); its *severity* is the rule's, where none is given."""
    file, line, column = position.rsplit(":", 2)
    return Finding(rule, severity or rules.BY_ID[rule].severity, file, int(line), int(column), message, fix)


def of_file(path: str, rule: str, message: str, fix: str, severity: Severity | None = None) -> Finding:
    """Return a finding about the file *path* as a whole."""
    return at(f"{path}:1:1", rule, message, fix, severity)


def no_such_rule(rule: str, place: str = "") -> Problem:
    """Return the problem of an id that no *rule* has, named at *place*, with what may have been meant."""
    import difflib

    near = difflib.get_close_matches(rule, rules.BY_ID, 1)
    then = f"Did you mean {near[0]}?" if near else "To see them all: matrix-wizard explain"
    return Problem(f"There is no rule called {rule}.", place, then)
