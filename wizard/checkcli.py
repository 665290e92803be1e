"""The door of `check` and `explain`."""

from __future__ import annotations

from typing import Any

import click

from wizard import __version__, completion, helppage
from wizard.helppage import F
from wizard.options import PATH, everywhere, typed, where


def judging(command: F) -> F:
    """Add the options that say what stands in the way of a deployment, and what is shown."""
    counts, shown = map(helppage.option, ("What counts", "What is shown"))
    return helppage.adding(
        command,
        counts("--strict", is_flag=True, help="Warnings count too."),
        counts("--baseline", type=PATH, help="Only findings that are not in this file count."),
        counts("--write-baseline", "new_baseline", type=PATH, help="Write what is found now to such a file."),
        counts("--max-age", "most_days", type=click.IntRange(0), metavar="DAYS",
               help="Secrets older than that are found, too; it takes the vault's key."),
        shown("--severity", "least", type=click.Choice(["error", "warning"]), default="warning", show_default=True,
              help="Show nothing below this."),
        shown("--show-ignored", is_flag=True, help="List what is ignored too, with the reason of each."),
        shown("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0, for code scanning."),
    )  # fmt: skip


def comparing(command: F) -> F:
    """Add the options of what compares the tree with a cluster."""
    cluster = helppage.option("The cluster")
    return helppage.adding(
        command,
        cluster("--live", is_flag=True, help="Compare with the cluster, read by kubectl."),
        cluster("--context", default="", metavar="NAME", help="With --live: kubectl's context; else the tree's own."),
        cluster("-n", "--namespace", default="", metavar="NAME", help="With --live: this namespace only."),
    )  # fmt: skip


def mending(command: F) -> F:
    """Add the options of what puts findings right."""
    consent = helppage.option("Consent")
    return helppage.adding(
        command,
        consent("--fix", is_flag=True, help="Put right what is mechanical, after consent."),
        consent("-y", "--yes", is_flag=True, help="With --fix: accept the plan."),
        consent("--dry-run", is_flag=True, help="With --fix: show the plan, write nothing."),
        consent("--no-input", is_flag=True, envvar="MATRIX_WIZARD_NO_INPUT", help="Never ask."),
    )  # fmt: skip


@click.command(
    heading="Look at it",
    cls=helppage.Command,
    examples=(
        ("matrix-wizard check --tree k8s/matrix", "Say what is wrong with a tree, whoever filled it."),
        ("matrix-wizard check --strict --json", "The same for a pipeline: warnings fail as well."),
        ("matrix-wizard check --write-baseline known.json", "Put up with what is there now, and with no more."),
        ("matrix-wizard check --baseline known.json", "Fail on what is new since then."),
        ("matrix-wizard check --sarif > check.sarif", "For code scanning."),
        ("matrix-wizard check --fix", "Mend encodings, annotations and modes, once you agree to the plan."),
        ("matrix-wizard check --live --context prod", "Compare it with what runs in a cluster, too."),
    ),
)
@judging
@comparing
@mending
@everywhere
def check(**options: Any) -> int:
    """Say whether the tree is fit to deploy; exit 1 with findings."""
    from wizard import checking, console, report, sarif

    least, as_sarif = options["least"], options["as_sarif"]
    wishes = checking.Wishes(
        options["baseline"],
        options["new_baseline"],
        is_strict=options["strict"],
        most_days=options["most_days"],
        source=_source(options),
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

    if stray := [f"--{name}" for name in ("yes", "dry-run") if options[name.replace("-", "_")] and not options["fix"]]:
        raise click.UsageError(f"{stray[0]} goes with --fix.")
    made = _mended(options) if options["fix"] else None
    place = where({name: each for name, each in options.items() if name != "no_input"})
    found = checking.check(place, wishes, tell)
    if as_sarif:
        console.data(sarif.log(found, __version__, checking.place(place), least))
    elif options["as_json"]:
        console.data({**report.as_data(found, least), **({} if made is None else {"fixed": report.fixed(made)})})
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


def _source(options: dict[str, Any]) -> Any:
    """Return the cluster to compare with (a ``cluster.Source``), None where none is wanted."""
    from wizard.cluster import Source

    if options["live"]:
        return Source(options["context"], options["namespace"])
    if given := [f"--{name}" for name in ("context", "namespace") if options[name]]:
        raise click.UsageError(f"{given[0]} goes with --live.")
    return None


def _mended(options: dict[str, Any]) -> Any:
    """Put right what can be (a ``mends.Mends``), and tell what was, or would be."""
    from wizard import console, mending
    from wizard.review import count

    def review(lines: Any) -> None:
        for each in () if options["quiet"] and options["yes"] else lines:
            console.tell(each)

    made = mending.mend(where(options), mending.Wishes(options["yes"], options["dry_run"]), review)
    if not made.done:
        console.tell("Nothing of what is found is mended mechanically.")
    elif options["dry_run"]:
        console.tell("Nothing was written.")
    elif not options["quiet"]:
        console.tell(f"Put right: {count(len(made.done), 'finding')} in {count(len(made.after), 'file')}.")
    return made
