"""check: what is wrong with a tree, as findings. Useful on any tree, any day: it needs neither vault nor answers.

Pure: bytes in, findings out. What sites.lock tells (places, components that are off) is used where there is one. No
finding holds a value. The rules are families of ``checks``, each id is a row of ``rules``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from wizard import actions, checks, rotation
from wizard.errors import Problem
from wizard.finding import Finding, at, of_file
from wizard.survey import Survey
from wizard.vault import LOCK, VAULT, Sheet, Vault


def check(survey: Survey, keys_of_vault: int = 0) -> Iterator[Finding]:
    """Yield every finding about a tree as soon as it is met, one family after another.

    *keys_of_vault*: how many open it; 0 where there is none."""
    for family in checks.FAMILIES:
        yield from family(survey)
    yield from _single_key(keys_of_vault)


def of_custody(*, has_vault: bool, has_lock: bool) -> Iterator[Finding]:
    """Yield a finding where of the vault and sites.lock, which belong together, one is gone."""
    if has_vault != has_lock:
        gone, there = (LOCK, VAULT) if has_vault else (VAULT, LOCK)
        anew = " Or have it written anew: matrix-wizard setup" if has_vault else ""
        fix = f"Bring it back from git or a backup.{anew}"
        yield of_file(there, "vault-lost", f"{gone} is gone, which belongs to this file.", fix)


def of_log(faults: Iterable[Problem]) -> Iterator[Finding]:
    """Yield a finding for each fault of the audit log, which ``audit.problems`` found with the vault's key."""
    for fault in faults:
        file, _, line = fault.where.partition(":")
        yield Finding("audit-log", "error", file, int(line or 1), 1, fault.what, fault.next)


def of_steps(sheets: Iterable[Sheet]) -> Iterator[Finding]:
    """Yield a finding for each open step of the run *sheets*, which the vault's key tells: the cluster lags behind."""
    for sheet in sheets:
        for number, step in enumerate(sheet.steps, 1):
            if not step.done:
                title = actions.of(step).title(step.about)
                message = f"Step {number} of {len(sheet.steps)} of {sheet.verb} ({sheet.made[:10]}) is open: {title}."
                yield of_file(VAULT, "open-steps", message, "matrix-wizard next")


def of_lock(faults: Iterable[Problem]) -> Iterator[Finding]:
    """Yield a finding for each fault of a sites.lock that cannot be read."""
    for fault in faults:
        _, _, line = fault.where.partition(":")
        yield at(f"{LOCK}:{line or 1}:1", "lock-damaged", fault.what, fault.next)


def of_vault(faults: Iterable[Problem]) -> Iterator[Finding]:
    """Yield a finding for each fault of a vault that no key is needed to see."""
    for fault in faults:
        yield of_file(VAULT, "vault-damaged", fault.what, fault.next)


def of_ages(vault: Vault, most_days: int, now: str) -> Iterator[Finding]:
    """Yield a finding for each secret of *vault* that is older than *most_days* at the time *now* (ISO 8601, UTC).

    Those that nobody can rotate are left out."""
    today = datetime.fromisoformat(now)
    for name in rotation.rotatable(vault):
        made = vault.values[name].current.made
        days = (today - datetime.fromisoformat(made)).days
        if days > most_days:
            message = f"{name} is {days} days old (made {made[:10]}), more than {most_days}."
            yield of_file(VAULT, "secret-too-old", message, f"matrix-wizard rotate {name}")


def _single_key(keys_of_vault: int) -> Iterator[Finding]:
    if keys_of_vault == 1:
        message = "The vault opens with one key only: who loses that has lost every secret."
        fix = "matrix-wizard vault recipients add KEY"
        yield of_file(VAULT, "vault-single-key", message, fix)
