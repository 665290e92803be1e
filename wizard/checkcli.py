"""The door of `check` and `explain`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from wizard import completion, helppage
from wizard.options import everywhere, typed, where

F = TypeVar("F", bound=Callable[..., Any])


def judging(command: F) -> F:
    """Add the options that say what stands in the way of a deployment, and what is shown."""
    what = helppage.option("What counts")
    for add in reversed((
        what("--strict", is_flag=True, help="Warnings count too."),
        what("--severity", "shown", type=click.Choice(["error", "warning"]), default="warning", show_default=True,
             help="Show nothing below this."),
    )):  # fmt: skip
        command = add(command)
    return command


@click.command(
    heading="Look at it",
    cls=helppage.Command,
    examples=(
        ("matrix-wizard check --tree k8s/matrix", "Say what is wrong with a tree, whoever filled it."),
        ("matrix-wizard check --strict --json", "The same for a pipeline: warnings fail as well."),
    ),
)
@judging
@everywhere
def check(*, strict: bool, shown: Any, **options: Any) -> int:
    """Say whether the tree is fit to deploy; exit 1 with findings."""
    from wizard import checking

    if strict and shown == "error":
        raise click.UsageError("With --strict warnings count, so they are shown: leave out --severity error.")
    return told(replace(checking.check(where(options)), is_strict=strict), options, shown)


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


def told(found: Any, options: dict[str, Any], shown: Any = "warning") -> int:
    """Have the findings of a run with *options* shown (an ``outcome.Checked``), and return the exit code for them."""
    from wizard import console, report

    if options["as_json"]:
        console.data(report.as_data(found, shown))
    else:
        lines = report.Report(shown, options["quiet"])
        for each in sorted(found.findings, key=report.by_rule):
            console.report(lines.finding(each), typed(options))
        console.report(lines.end(found), typed(options))
    return int(not found.is_ready)
