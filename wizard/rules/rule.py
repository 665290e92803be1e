"""What a rule is: the id of its findings, how bad they are, why they matter, and from where that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
# What a rule is about, as its findings are grouped for people.
Group = Literal["left", "in step", "well formed", "li access", "safe to keep", "server facts", "live"]

TITLES: dict[Group, str] = {
    "left": "Left to fill in",
    "in step": "In step",
    "well formed": "Well formed",
    "li access": "Who gets at LI",
    "safe to keep": "Safe to keep",
    "server facts": "What the servers do with it",
    "live": "In the cluster",
}


@dataclass(frozen=True)
class Rule:
    """One rule: its id, its group, how bad it is, what it finds, why that matters, and the source of that.

    A finding may be less bad than its rule, and says so itself. ``story`` is what ``explain`` tells beyond ``why``.
    Not ``may_be_ignored``: whoever does what it finds could write the ignore, too."""

    id: str
    group: Group
    severity: Severity
    title: str
    why: str
    source: str
    story: str = ""
    may_be_ignored: bool = True
