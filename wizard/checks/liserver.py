"""LI's Synapse: it joins no federation, lets nobody register, and keeps what it has at least as long as main does.

Options: Synapse, docs/usage/configuration/config_documentation.md; retention of backups: CloudNativePG, "Backup".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wizard import clauses
from wizard.finding import Finding, at
from wizard.homeserver import Homeserver
from wizard.manifests import Scalar
from wizard.resources import Resource
from wizard.survey import Survey

_WHITELIST = "federation_domain_whitelist"
_DAY = 24 * 60 * 60 * 1000  # milliseconds, as Synapse counts
_UNITS = {"": 1, "s": 1000, "m": 60 * 1000, "h": _DAY // 24, "d": _DAY, "w": 7 * _DAY, "y": 365 * _DAY}
# What has more digits is no time to compare: it outlasts all, and Python refuses the longest of them.
_DURATION = re.compile(r"([0-9]{1,18})([smhdwy]?)")
_BACKUPS = {"d": 1, "w": 7, "m": 30}  # days; CloudNativePG's own units
_KEPT = re.compile(r"([1-9][0-9]{0,17})([dwm])")


@dataclass(frozen=True)
class _Lifetime:
    """How long Synapse keeps something: the option, and, where that has one, its switch."""

    path: tuple[str, ...]
    switch: tuple[str, ...] = ()


_LIFETIMES = (
    _Lifetime(("retention", "default_policy", "max_lifetime"), ("retention", "enabled")),
    _Lifetime(("media_retention", "local_media_lifetime")),
    _Lifetime(("media_retention", "remote_media_lifetime")),
)


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what LI's Synapse does that a twin must not do, and what it drops before main does."""
    mains = survey.homeservers_of("main")
    yield from dict.fromkeys(each for li in survey.homeservers_of("li") for each in _of_twin(li, mains))
    yield from _backups(survey)


def _of_twin(li: Homeserver, mains: list[Homeserver]) -> Iterator[Finding]:
    yield from _federates(li)
    for option, rule, who in (
        ("enable_registration", "li-registers", "can register there"),
        ("allow_guest_access", "li-guests", "is let in as a guest"),
    ):
        if li.is_on(option):
            message = f"{li.source(option).where}: whoever reaches LI {who}."
            yield at(li.place(option), rule, message, f"Write in it: {option}: false")
    yield from _forgets(li, mains)


def _federates(li: Homeserver) -> Iterator[Finding]:
    """A twin that talks to other servers: under main's name and, with main's key, in main's voice (FACTS 1)."""
    if li.is_empty_list(_WHITELIST):
        return
    name = next((each for _, each in li.serving("federation")), None)
    if name is not None:
        text = li.source("listeners")
        message = f"{text.where}: a listener of LI serves federation, and {_WHITELIST} does not forbid it."
        yield at(text.position(name.start), "li-federates", message, _ALONE)
    else:
        where = li.source(_WHITELIST).where
        message = f"{where}: LI may speak to other servers in main's name: {_WHITELIST} is no empty list."
        yield at(li.place(_WHITELIST), "li-federates", message, _ALONE, "warning")


_ALONE = f"Write in it: {_WHITELIST}: []"


def _forgets(li: Homeserver, mains: list[Homeserver]) -> Iterator[Finding]:
    """What LI deletes sooner than main does, or what main never deletes; of several mains it is each of them."""
    for each in _LIFETIMES:
        own = _lifetime(li, each)
        others = [_lifetime(main, each) for main in mains] if own is not None else []
        if own is not None and others and all(other is None or own < other for other in others):
            option = ".".join(each.path)
            message = f"{li.source(*each.path).where}: by {option} LI deletes sooner than main does."
            fix = f"Remove {option} there, or give it main's value or a longer one."
            yield at(li.place(*each.path), "li-retention", message, fix)


def _lifetime(of: Homeserver, row: _Lifetime) -> int | None:
    """Return how long *of* keeps something, in milliseconds; None for ever, or for what is not known."""
    if row.switch and not of.is_on(*row.switch):
        return None
    found = _DURATION.fullmatch(of.value(*row.path).strip())
    return int(found[1]) * _UNITS[found[2]] if found else None


def _backups(survey: Survey) -> Iterator[Finding]:
    """LI's backups that are dropped before main's (checklist 8.3, 13)."""
    clusters = [(each, node) for each in survey.of_kind("Cluster") if (node := _policy(each)) is not None]
    mains = [days for each, node in clusters if each.instance == "main" and (days := _days(node))]
    for each, node in clusters:
        days = _days(node)
        if each.instance == "li" and days and mains and days < min(mains):
            message = f"{each.ref}: backups of LI are dropped sooner than main's."
            fix = f'Write retentionPolicy: "{min(mains)}d" or a longer one, or: matrix-wizard setup'
            yield at(each.manifest.position(node.start), "li-retention", message, fix)


def _policy(cluster: Resource) -> Scalar | None:
    node = cluster.get("spec", "backup", "retentionPolicy") if clauses.is_postgresql(cluster) else None
    return node if isinstance(node, Scalar) else None


def _days(node: Scalar) -> int:
    found = _KEPT.fullmatch(node.value.strip())
    return int(found[1]) * _BACKUPS[found[2]] if found else 0
