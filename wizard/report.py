"""What ``check`` says: its findings as lines for people, group by group as they come, and as data for machines.

Pure. The lines name commands as messages spell them; the hand that prints them puts in the options of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from wizard import rules
from wizard.finding import Finding, is_shown
from wizard.mends import Mends
from wizard.outcome import Checked
from wizard.review import count
from wizard.rules import Rule, Severity
from wizard.vault import IGNORES

SCHEMA = 1  # of the JSON documents


@dataclass
class Report:
    """One run's findings told to people: each in a line as it comes, and what several in a row share once behind them.

    Nothing below *shown* is told; *quiet* leaves the findings' own lines alone; *has_ignored*: with those ignored."""

    shown: Severity = "warning"
    quiet: bool = False
    has_ignored: bool = False
    _first: Finding | None = field(default=None, init=False)
    _last: Finding | None = field(default=None, init=False)
    _told: set[str] = field(default_factory=set, init=False)  # rules of which is told why they matter

    def finding(self, found: Finding) -> Iterator[str]:
        """Yield the lines to print once *found* is known."""
        if not is_shown(found, self.shown):
            return
        last, self._last, self._first = self._last, found, self._first or found
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
        blocks = (
            _ignored(checked) if self.has_ignored else (),
            _of_baseline(checked),
            _unseen(checked),
            _only_you(checked),
            self._last_lines(checked),
        )
        is_first = self._last is None
        for block in filter(None, map(list, blocks)):
            yield from block if is_first else ("", *block)
            is_first = False

    def _last_lines(self, checked: Checked) -> Iterator[str]:
        if self._first:
            yield f"What a finding means, and what else there is to know of it: matrix-wizard explain {self._first.id}"
        if hidden := sorted({each.finding.id for each in checked.ignored if each.finding.severity == "error"}):
            yield f"Errors are ignored (the reasons: --show-ignored): {', '.join(hidden)}"
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
        "ignored": [{**asdict(each.finding), "reason": each.reason, "where": each.place} for each in checked.ignored],
        "baseline": _baseline_as_data(checked),
        "only_you": [asdict(each) for each in checked.only_you],
    }


def fixed(made: Mends) -> list[dict[str, Any]]:
    """Return what ``--fix`` put right, or would, as JSON holds it."""
    return [
        {"id": each.finding.id, "file": each.finding.file, "line": each.finding.line,
         "column": each.finding.column, "what": each.what}
        for each in made.done
    ]  # fmt: skip


def rules_as_data(told: Iterable[Rule]) -> dict[str, Any]:
    """Return rules as what JSON holds."""
    return {"schema": SCHEMA, "rules": [asdict(each) for each in told]}


def explained(rule: Rule) -> Iterator[str]:
    """Yield what there is to know about a *rule*, as lines for people."""
    yield f"{rule.id}: {rule.title}"
    yield f"({rule.severity}; {rules.TITLES[rule.group]})"
    yield f"\n{rule.why}"
    if rule.story:
        yield f"\n{rule.story}"
    if rule.may_be_ignored:
        yield "\nTo ignore it, with a reason, in a comment at the end of the line or above it:"
        yield f"    # matrix-wizard: ignore {rule.id} REASON"
        yield f"Or in {IGNORES} of the tree, for files by their paths:"
        yield f"    {rule.id} PATH REASON"
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
    told = [count(checked.errors, "error"), count(checked.warnings, "warning")]
    if checked.ignored:
        told.append(f"{len(checked.ignored)} ignored")
    if checked.known:
        told.append(f"{len(checked.known)} in the baseline")
    return f"{ready}: {', '.join(told)}."


def _ignored(checked: Checked) -> Iterator[str]:
    if checked.ignored:
        yield "Ignored, each for the reason that is given:"
    for each in checked.ignored:
        yield line(each.finding)
        yield f"    ignored by {each.place}: {each.reason}"


def _unseen(checked: Checked) -> Iterator[str]:
    if checked.left_out:
        yield f"Left out, since the answers do not ask for it; do not deploy it: {', '.join(checked.left_out)}"
    if checked.log:
        yield f"The audit log was not verified: {checked.log.rstrip('.')}."


def _only_you(checked: Checked) -> Iterator[str]:
    if checked.only_you and not checked.is_ready:  # its dozens of lines would push the findings off the screen
        headings = count(len(checked.only_you), "matter")
        yield f"{headings} that only you can see to: told once the tree is ready, and in --json."
        return
    if checked.only_you:
        yield "Only you can see to these; no file shows them:"
    for duty in checked.only_you:
        yield f"  {duty.heading}"
        yield from (f"    {item}" for item in duty.items)


def _of_baseline(checked: Checked) -> Iterator[str]:
    if checked.gone:
        gone = sum(each.count for each in checked.gone)
        yield f"The baseline has {count(gone, 'finding')} that {'is' if gone == 1 else 'are'} there no more:"
        yield from (f"  {each.file}: [{each.id}] {each.message} ({each.count})" for each in checked.gone)
        yield f"To write it anew: matrix-wizard check --write-baseline {checked.baseline}"


def _baseline_as_data(checked: Checked) -> dict[str, Any] | None:
    if not checked.baseline:
        return None
    gone = [asdict(each) for each in checked.gone]
    return {"file": checked.baseline, "known": [asdict(each) for each in checked.known], "gone": gone}
