"""What ``check`` says: its findings as lines for people, group by group as they come, and as data for machines.

Pure. The lines name commands as messages spell them; the hand that prints them puts in the options of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from wizard import rules
from wizard.finding import Finding
from wizard.outcome import Checked
from wizard.review import count
from wizard.rules import Rule, Severity

SCHEMA = 1  # of the JSON documents


@dataclass
class Report:
    """One run's findings told to people: each in a line as it comes, and what several in a row share once behind them.

    Nothing below *shown* is told; *quiet* leaves the findings' own lines alone."""

    shown: Severity = "warning"
    quiet: bool = False
    _last: Finding | None = field(default=None, init=False)
    _told: set[str] = field(default_factory=set, init=False)  # rules of which is told why they matter

    def finding(self, found: Finding) -> Iterator[str]:
        """Yield the lines to print once *found* is known."""
        if not is_shown(found, self.shown):
            return
        last, self._last = self._last, found
        group = rules.BY_ID[found.id].group
        if not self.quiet:
            if last and (last.id, last.fix) != (found.id, found.fix):
                yield from self._remedy(last)
            if last is None or rules.BY_ID[last.id].group != group:
                yield ("\n" if last else "") + rules.TITLES[group]
        yield line(found)

    def end(self, checked: Checked) -> Iterator[str]:
        """Yield what else there is to know once all is found, and in the last line whether the tree is ready."""
        if self.quiet:
            return
        if self._last:
            yield from self._remedy(self._last)
            yield ""
        if checked.left_out:
            yield f"Left out, since the answers do not ask for it; do not deploy it: {', '.join(checked.left_out)}"
        if checked.log:
            yield f"The audit log was not verified: {checked.log.rstrip('.')}."
        if checked.only_you:
            yield "\nOnly you can see to these; no file shows them:"
            for duty in checked.only_you:
                yield f"  {duty.heading}"
                yield from (f"    {item}" for item in duty.items)
            yield ""
        if self._last:
            yield f"What a finding means, and what else mends it: matrix-wizard explain {self._last.id}"
        yield _verdict(checked)

    def _remedy(self, last: Finding) -> Iterator[str]:
        if last.id not in self._told:
            self._told.add(last.id)
            yield f"    why: {rules.BY_ID[last.id].why}"
        first, *more = last.fix.split("\n")
        yield f"    fix: {first}"
        yield from (f"         {each}" for each in more)


def line(found: Finding) -> str:
    """Return a finding in one line: place, severity, rule and what is wrong."""
    return f"{found.file}:{found.line}:{found.column}: {found.severity} [{found.id}] {found.message}"


def by_rule(found: Finding) -> int:
    """Return where the rule of a finding stands in the table, as a key to sort by: the groups stand in order there."""
    return [*rules.BY_ID].index(found.id)


def is_shown(found: Finding, least: Severity) -> bool:
    """Say whether a finding is as bad as the *least* that is asked for."""
    return least == "warning" or found.severity == "error"


def as_data(checked: Checked, shown: Severity = "warning") -> dict[str, Any]:
    """Return what a run of check found, nothing below *shown*, as JSON holds it; commands stand without its options."""
    return {
        "schema": SCHEMA,
        "ready": checked.is_ready,
        "errors": checked.errors,
        "warnings": checked.warnings,
        "left_out": list(checked.left_out),
        "audit_log": checked.log,
        "findings": [asdict(each) for each in checked.findings if is_shown(each, shown)],
        "only_you": [asdict(each) for each in checked.only_you],
    }


def rules_as_data(told: Iterable[Rule]) -> dict[str, Any]:
    """Return rules as what JSON holds."""
    return {"schema": SCHEMA, "rules": [asdict(each) for each in told]}


def explained(rule: Rule) -> Iterator[str]:
    """Yield what there is to know about a *rule*, as lines for people."""
    yield f"{rule.id}: {rule.title}"
    yield f"({rule.severity}; {rules.TITLES[rule.group]})"
    yield f"\n{rule.why}"
    yield from (f"\n{part}" for part in filter(None, (rule.story,)))
    yield f"\nSource: {rule.source}"


def listed() -> Iterator[str]:
    """Yield every rule by its id and title, under the headings of the groups."""
    width = max(map(len, rules.BY_ID))
    for group, title in rules.TITLES.items():
        rows = [each for each in rules.RULES if each.group == group]
        if rows:
            yield title
            yield from (f"  {each.id:<{width}}  {each.title}" for each in rows)
            yield ""
    yield "The whole of one: matrix-wizard explain ID"


def _verdict(checked: Checked) -> str:
    ready = "ready" if checked.is_ready else "not ready"
    return f"{ready}: {count(checked.errors, 'error')}, {count(checked.warnings, 'warning')}."
