"""The door of `check` and `explain`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from wizard import __version__, completion, helppage
from wizard.options import PATH, everywhere, typed, where

F = TypeVar("F", bound=Callable[..., Any])


def judging(command: F) -> F:
    """Add the options that say what stands in the way of a deployment, and what is shown."""
    counts, shown = map(helppage.option, ("What counts", "What is shown"))
    for add in reversed((
        counts("--strict", is_flag=True, help="Warnings count too."),
        counts("--baseline", type=PATH, help="Only findings that are not in this file count."),
        counts("--write-baseline", "new_baseline", type=PATH, help="Write what is found now to such a file."),
        counts("--max-age", "most_days", type=click.IntRange(0), metavar="DAYS",
               help="Secrets older than that are found, too; it takes the vault's key."),
        shown("--severity", "least", type=click.Choice(["error", "warning"]), default="warning", show_default=True,
              help="Show nothing below this."),
        shown("--show-ignored", is_flag=True, help="List what is ignored too, with the reason of each."),
        shown("--show-ranges", is_flag=True, help="Show the address ranges of LI."),
        shown("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0, for code scanning."),
    )):  # fmt: skip
        command = add(command)
    return command


@click.command(
    heading="Look at it",
    cls=helppage.Command,
    examples=(
        ("matrix-wizard check --tree k8s/matrix", "Say what is wrong with a tree, whoever filled it."),
        ("matrix-wizard check --strict --json", "The same for a pipeline: warnings fail as well."),
        ("matrix-wizard check --write-baseline known.json", "Put up with what is there now, and with no more."),
        ("matrix-wizard check --baseline known.json", "Fail on what is new since then."),
        ("matrix-wizard check --sarif > check.sarif", "For code scanning."),
    ),
)
@judging
@everywhere
def check(**options: Any) -> int:
    """Say whether the tree is fit to deploy; exit 1 with findings."""
    from wizard import checking, console, report, sarif

    least, as_sarif = options["least"], options["as_sarif"]
    wishes = checking.Wishes(
        options["baseline"],
        options["new_baseline"],
        options["show_ranges"],
        is_strict=options["strict"],
        most_days=options["most_days"],
    )
    if wishes.is_strict and least == "error":
        raise click.UsageError("With --strict warnings count, so they are shown: leave out --severity error.")
    if wishes.baseline and wishes.new_baseline:
        raise click.UsageError("Either --baseline or --write-baseline: a new one holds all that is found.")
    if as_sarif and options["as_json"]:
        raise click.UsageError("Either --json or --sarif.")
    lines = report.Report(least, options["quiet"], options["show_ignored"])

    def tell(found: Any) -> None:
        if not (as_sarif or options["as_json"]):
            console.report(lines.finding(found), typed(options))

    place = where(options)
    found = checking.check(place, wishes, tell)
    if as_sarif:
        console.data(sarif.log(found, __version__, checking.place(place), least))
    elif options["as_json"]:
        console.data(report.as_data(found, least))
    else:
        console.report(lines.end(found), typed(options))
    return int(not found.is_ready)


@click.command(
    heading="Look at it",
    cls=helppage.Command,
    examples=(("matrix-wizard explain placeholder-left", "Why it matters, and how to mend it."),),
)
@click.argument("name", required=False, metavar="[ID]", shell_complete=completion.rules)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(name: str | None, *, as_json: bool) -> int:
    """Tell what a finding means, by the id of its rule; without an ID, list all rules."""
    from wizard import checking, console, report, rules

    told = [checking.explain(name)] if name else rules.RULES
    if as_json:
        console.data(report.rules_as_data(told))
    else:
        console.report(report.explained(told[0]) if name else report.listed())
    return 0


def told(found: Any, options: dict[str, Any]) -> int:
    """Have the findings of a run with *options* shown (an ``outcome.Checked``), and return the exit code for them."""
    from wizard import console, report
    from wizard.finding import by_rule

    if options["as_json"]:
        console.data(report.as_data(found))
    else:
        lines = report.Report(quiet=options["quiet"])
        for each in sorted(found.findings, key=by_rule):
            console.report(lines.finding(each), typed(options))
        console.report(lines.end(found), typed(options))
    return int(not found.is_ready)
