"""What is shown: plans, findings, values and problems, as calm text for people or as JSON for machines.

Data goes to stdout, everything else to stderr. Prints nothing that it is not handed masked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from wizard.check import Finding
from wizard.errors import Problem
from wizard.outcome import Outcome, Shown

SCHEMA = 1  # of every JSON document printed here


def problems(found: Sequence[Problem], paste: str = "") -> None:
    """Print every problem with its place and what to do next, and what may be pasted to mend them, to stderr."""
    for problem in found:
        place = f"{problem.where}: " if problem.where else ""
        _say(f"{place}{problem.what}", sys.stderr)
        if problem.next:
            _say(f"    {problem.next}", sys.stderr)
    if len(found) > 1:
        _say(f"{len(found)} problems, all shown.", sys.stderr)
    if paste:
        _say(f"\nTo paste into the answers file, and to change as it should be:\n\n{paste}", sys.stderr)


def bug(error: BaseException) -> None:
    """Print where a bug is, without the text of the exception, which could hold anything."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "an unknown place"
    _say(f"This is a bug in matrix-wizard: {type(error).__name__} at {where}.", sys.stderr)
    _say("    Please report it with the command you gave, and no secrets.", sys.stderr)


def review(outcome: Outcome) -> None:
    """Print what would be written, before consent is asked, to stderr."""
    _plan(outcome, sys.stderr)


def nothing(outcome: Outcome) -> None:
    """Print nothing."""


def plan(outcome: Outcome, *, as_json: bool) -> None:
    """Print the plan of a dry run to stdout: the changes and a masked diff, or JSON."""
    if as_json:
        _print_json(_as_data(outcome))
        return
    _plan(outcome, sys.stdout)
    if outcome.plan.diff:
        _say("\n" + outcome.plan.diff.rstrip("\n"), sys.stdout)
    _say("Nothing was written.", sys.stdout)


def outcome(done: Outcome, *, as_json: bool, quiet: bool) -> None:
    """Print what was done, and what is left to the operator."""
    if as_json:
        _print_json(_as_data(done))
        return
    if quiet:
        return
    made = done.plan
    if not done.written:
        _say(f"{done.tree}: everything is as it should be. No byte was changed.", sys.stdout)
        return
    files = sum(1 for path, data in made.after.items() if made.before.get(path) != data)
    if not files:
        _say("No file changes; the vault keeps the new answers.", sys.stdout)
        return
    if made.verb == "blank":
        _say(
            f"Put the placeholders back in {_count(files, 'file')}. The vault keeps every value; setup fills them in.",
            sys.stdout,
        )
        return
    _say(
        f"Wrote {_count(files, 'file')} in {done.tree}. The values are kept in {done.tree}/.matrix-wizard/vault.age.",
        sys.stdout,
    )
    if done.key_made:
        _say(
            f"The vault opens with the key in {done.key_made}. Keep it safe: without it nothing here can be recovered.",
            sys.stdout,
        )
    if "li-admin-password" in made.made:
        _say("The password of the LI admin page: matrix-wizard show li-admin-password", sys.stdout)
    for place, text in done.documents.items():
        _say(f"\n{place}\n    {text}", sys.stdout)
    _say("Next: matrix-wizard check", sys.stdout)


def values(found: Iterable[Shown], *, as_json: bool) -> None:
    """Print the list of values, masked, with their places."""
    found = list(found)
    if as_json:
        listed = [{"name": one.name, "text": one.text, "made": one.made, "sites": list(one.places)} for one in found]
        _print_json({"schema": SCHEMA, "values": listed})
        return
    for one in found:
        made = f"  (since {one.made[:10]})" if one.made else ""
        _say(f"{one.name}: {_one_line(one.text)}{made}", sys.stdout)
        for place in one.places:
            _say(f"    {place}", sys.stdout)


def reveal(text: str) -> None:
    """Print one secret: on the alternate screen of a terminal, so that no scrollback keeps it, else plainly."""
    if not sys.stdout.isatty():
        _say(text, sys.stdout)
        return
    enter, leave = "\x1b[?1049h\x1b[H", "\x1b[?1049l"
    sys.stdout.write(f"{enter}{text}\n\nEnter hides it again. ")
    sys.stdout.flush()
    try:
        sys.stdin.readline()
    finally:
        sys.stdout.write(leave)
        sys.stdout.flush()


def findings(found: Sequence[Finding], *, as_json: bool, quiet: bool) -> None:
    """Print the findings of check."""
    errors = sum(1 for each in found if each.severity == "error")
    if as_json:
        listed = [{name: getattr(each, name) for name in Finding.__dataclass_fields__} for each in found]
        _print_json({"schema": SCHEMA, "ready": errors == 0, "findings": listed})
        return
    for each in found:
        _say(f"{each.file}:{each.line}:{each.column}: {each.severity} [{each.id}] {each.message}", sys.stdout)
        if not quiet:
            _say(f"    fix: {each.fix}", sys.stdout)
    if not quiet:
        ready = "ready" if errors == 0 else "not ready"
        _say(f"{ready}: {_count(errors, 'error')}, {_count(len(found) - errors, 'warning')}.", sys.stdout)


def _plan(outcome: Outcome, out: TextIO) -> None:
    made = outcome.plan
    if outcome.unfinished:
        listed = ", ".join(outcome.unfinished)
        _say(f"As before the last run, which was interrupted, or put back since; now filled again: {listed}", out)
    if made.from_bundle:
        _say(f"{outcome.tree} is made from the bundled tree.", out)
    by_file: dict[str, list[str]] = {}
    for change in made.changes:
        file, _, place = change.position.partition(":")
        text = f"{_one_line(change.before)} -> {_one_line(change.after)}" if change.before else _one_line(change.after)
        by_file.setdefault(file, []).append(f"{place or '-':>8}  {change.value or change.why}  {text}")
    for file, lines in by_file.items():
        _say(file, out)
        for line in lines:
            _say(f"  {line}", out)
    if made.made:
        _say(f"Makes {_count(len(made.made), 'secret')} and keys: {', '.join(made.made)}", out)
    for part, count in made.left_out.items():
        _say(f"Left out, since it is switched off: {part} ({_count(count, 'placeholder')})", out)
    private = sum(1 for path in made.private if made.before.get(path) != made.after.get(path))
    if private:
        _say(
            f"{_count(private, 'file')} with secrets: readable by you alone from now on (unless --keep-modes).",
            out,
        )
    for note in made.notes:
        _say(f"Note: {note.where + ': ' if note.where else ''}{note.what}", out)
    count = sum(1 for path, data in made.after.items() if made.before.get(path) != data)
    _say(f"{_count(len(made.changes), 'change')} in {_count(count, 'file')}." if count else "Nothing to change.", out)


def _as_data(outcome: Outcome) -> dict[str, Any]:
    made = outcome.plan
    changes = []
    for change in made.changes:
        file, _, place = change.position.partition(":")
        line, _, column = place.partition(":")
        where = {"file": file, "line": int(line or 0), "column": int(column or 0), "place": change.place}
        changes.append(
            {"value": change.value, **where, "before": change.before, "after": change.after, "why": change.why}
        )
    return {
        "schema": SCHEMA,
        "verb": made.verb,
        "tree": str(outcome.tree),
        "written": outcome.written,
        "from_bundle": made.from_bundle,
        "changes": changes,
        "files": sorted(path for path, data in made.after.items() if made.before.get(path) != data),
        "made": list(made.made),
        "left_out": dict(made.left_out),
        "notes": [{"what": note.what, "where": note.where} for note in made.notes],
        "diff": made.diff,
        "well_known": outcome.documents,
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _one_line(text: str) -> str:
    first, *rest = text.strip().splitlines() or [""]
    return f"{first} … ({len(rest) + 1} lines)" if rest else first


def _print_json(data: dict[str, Any]) -> None:
    _say(json.dumps(data, indent=2, ensure_ascii=False), sys.stdout)


def _say(text: str, out: TextIO) -> None:
    """Write a line; a terminal that cannot show a character gets a question mark for it, not a traceback."""
    encoding = out.encoding or "utf-8"
    out.write(text.encode(encoding, "replace").decode(encoding) + "\n")
