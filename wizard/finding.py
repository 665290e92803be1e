"""A finding: one thing that is wrong with a tree, by the id of its rule. No finding holds a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from wizard import rules
from wizard.errors import Problem
from wizard.rules import Severity
from wizard.secret import MASK


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


def by_rule(found: Finding) -> int:
    """Return where the rule of a finding stands in the table, as a key to sort by: the groups stand in order there."""
    return [*rules.BY_ID].index(found.id)


def is_shown(found: Finding, least: Severity) -> bool:
    """Say whether a finding is as bad as the *least* that is asked for."""
    return least == "warning" or found.severity == "error"


def shape(found: Finding) -> tuple[str, str, Severity, str]:
    """Return what stays the same of a finding when lines move: rule, file, severity, and message.

    In the message is a # for each line, column and count; digits of a name stay, since it is another one without them.
    No address is in it, so that what is kept of it may be read by everybody."""
    return found.id, found.file, found.severity, _MOVING.sub("#", _masked(found.message))


def masked(found: Finding) -> Finding:
    """Return *found* with the address ranges of LI masked, which are a confidential answer (DESIGN, Words)."""
    if rules.BY_ID[found.id].group != "li access":
        return found
    return replace(found, message=_masked(found.message), fix=_masked(found.fix))


# A line and a column behind a path, or a number that is a word of its own.
_MOVING = re.compile(r"(?<=:)\d+:\d+\b|(?<![^\s(])\d+(?![^\s.,:;)]|[.,:;]\S)")
_ADDRESS = re.compile(r"(?<![\w.:/])(?=[\da-fA-F:]*[.:])[\da-fA-F:.]+(?:/\d{1,3})?")
# Blocks that stand in manuals and standards: everybody, oneself, private use, documentation (RFC 6890, 5737, 3849).
_WELL_KNOWN = frozenset(
    (
        *("0.0.0.0/0", "::/0", "127.0.0.0/8", "127.0.0.1/32", "::1/128"),
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"),
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
    )
)


def _masked(text: str) -> str:
    return _ADDRESS.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    import ipaddress

    address = found[0].rstrip(".:")
    try:
        network = str(ipaddress.ip_network(address, strict=False))
    except ValueError:
        return found[0]
    return found[0] if network in _WELL_KNOWN else MASK + found[0][len(address) :]
