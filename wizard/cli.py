"""The door: argv in, exit code out. Each command hands its options to one verb and its result to the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wizard import __version__, completion, helppage
from wizard.checkcli import check, explain, told
from wizard.custodycli import vault
from wizard.errors import StoppedError, WizardError
from wizard.exchangecli import export
from wizard.helppage import F
from wizard.huntcli import hunt
from wizard.options import PATH, consenting, everywhere, review, telling, typed, where
from wizard.rotatecli import chosen, next_, rotate, status, undo

EXIT_CODES = """\b
Exit codes:
  0    done, or nothing found
  1    findings, or a part of the tree was skipped as asked
  2    usage, answers, missing input
  3    the tree or the vault as it stands was refused; nothing was written
  4    writing failed; all was put back
  5    a bug in matrix-wizard
  130  stopped by the operator
"""


def answering(command: F) -> F:
    """Add the options that give answers and decisions."""
    answers, known, tree = map(helppage.option, ("Answers", "Secrets that exist already", "The tree"))
    return helppage.adding(
        command,
        answers("--answers", "answers_file", type=PATH, envvar="MATRIX_WIZARD_ANSWERS", help="Answers file (YAML)."),
        answers("--set", "settings", multiple=True, metavar="KEY=VALUE", shell_complete=completion.keys,
                help="One answer; may be repeated."),
        known("--accept-site", multiple=True, metavar="PLACE", help="Fill an existing secret into this new place."),
        known("--accept-new-sites", is_flag=True, help="Fill existing secrets into all new places."),
        known("--adopt", "drift", flag_value="adopt", help="Take secrets that were edited by hand into the vault."),
        known("--restore", "drift", flag_value="restore", help="Put the vault's values back over hand edits."),
        tree("--new-deployment", is_flag=True, help="Start anew: forget the vault that sites.lock names."),
        tree("--allow-tracked", is_flag=True, help="Fill files that git tracks, though the repository has a remote."),
        tree("--skip-unparseable", is_flag=True, help="Leave out documents that are not valid YAML."),
    )  # fmt: skip


def beginning(command: F) -> F:
    """Add the options that only a new vault heeds."""
    add = helppage.option("The tree")
    return helppage.adding(
        command, add("--passphrase", is_flag=True, help="Keep a new vault's key behind a passphrase.")
    )


@click.group(
    cls=helppage.Group,
    invoke_without_command=True,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=(
        ("matrix-wizard", "Ask what must be known, show the plan, and fill ./deployment."),
        ("matrix-wizard plan --answers answers.yaml", "Show what would change, masked, and write nothing."),
        ("matrix-wizard setup --answers answers.yaml --no-input --yes", "Fill without questions, as a pipeline does."),
        ("matrix-wizard check --strict", "Say whether the tree is fit to deploy."),
        ("matrix-wizard show turn-secret", "Reveal one secret, on a screen that leaves no trace."),
    ),
)
@click.version_option(__version__, prog_name="matrix-wizard")
@click.option("--tree", type=PATH, shell_complete=completion.directories, help="The tree, without a command.")
@click.option("--identity", type=PATH, help="File with the vault's key, without a command.")
@click.option("--plain", is_flag=True, help="Ask in plain lines, without a command.")
@click.pass_context
def app(context: click.Context, /, **options: Any) -> int:
    """Make a tree of Matrix manifests deployable, and keep it so.

    Without a command: ask what is needed and fill ./deployment, which is made where there is none; for a tree that is
    set up, say how it stands and offer a choice.
    """
    given = {name: value for name, value in options.items() if value}
    if context.invoked_subcommand is None:
        with setup.make_context("setup", [], parent=context) as inner:
            return _guided(**{**inner.params, **given})
    if given:
        named = ", ".join(f"--{name}" for name in given)
        raise click.UsageError(
            f"{named} stands behind the command: matrix-wizard {context.invoked_subcommand} {named} …"
        )
    return 0


@app.command(
    heading="Fill a tree",
    examples=(
        ("matrix-wizard setup --tree k8s/matrix", "Fill a tree of your own where it stands."),
        ("matrix-wizard setup --answers answers.yaml --dry-run", "Show what that file would change."),
        ("matrix-wizard setup --set domains.element=web.chat-corp.net", "Change one answer, keep all others."),
        (
            "matrix-wizard setup --set 'smtp.password={file: password.txt}'",
            "Give a secret, which no command line holds.",
        ),
    ),
)
@answering
@consenting
@beginning
@everywhere
def setup(**options: Any) -> int:
    """Fill the tree: make every secret and key, write each into every place, keep what exists."""
    return _setup(**options)


@app.command(heading="Fill a tree")
@answering
@everywhere
def plan(**options: Any) -> int:
    """Show what setup would change, masked, and write nothing."""
    return _setup(**options, dry_run=True, no_input=True)


app.add_command(check)
app.add_command(explain)


@app.command(heading="Look at it")
@click.argument("name", required=False, shell_complete=completion.names)
@click.option("--out", type=PATH, help="Write the one value to this file, readable by you alone.")
@everywhere
def show(name: str | None, out: Path | None, **options: Any) -> int:
    """List every value, masked, with its places; or reveal the one called NAME."""
    from wizard import commands, console

    if name is None:
        found = commands.show(where(options))
        console.values(found, as_json=options["as_json"], quiet=options["quiet"], options=typed(options))
    else:
        secret = commands.reveal(where(options), name, out)
        if out is None:
            console.reveal(secret.reveal())
    return 0


app.add_command(hunt)


@app.command(heading="Look at it")
@click.option("--out", type=PATH, help="Write them to this new file, readable by you alone.")
@everywhere
def answers(out: Path | None, **options: Any) -> int:
    """Print the answers that the vault keeps as an answers file, without any secret."""
    from wizard import commands, console

    text = commands.answers(where(options), out)
    if out is None:
        console.sheet(text)
    return 0


@app.command(heading="Take it back")
@click.option("--restore", is_flag=True, help="Put the originals back over hand edits.")
@consenting
@everywhere
def blank(**options: Any) -> int:
    """Put every site back to its original text; the vault keeps the values."""
    from wizard import commands, console

    named = {name: options[name] for name in ("yes", "dry_run", "keep_modes", "restore")}
    wishes = commands.Wishes(**named)
    done = commands.blank(where(options), wishes, review(options))
    if options["dry_run"]:
        console.plan(done, as_json=options["as_json"])
    else:
        console.outcome(done, as_json=options["as_json"], quiet=options["quiet"])
    return 0


for each in (rotate, next_, undo, status, vault):
    app.add_command(each)
app.add_command(export)


@app.command(
    heading="Editor and shell",
    examples=(("matrix-wizard schema > answers.schema.json", "Lay it beside answers.yaml."),),
)
def schema() -> int:
    """Print the JSON Schema of the answers file, by which an editor completes and checks it."""
    from wizard import console
    from wizard.schema import schema as of_answers

    console.schema(of_answers())
    return 0


@app.command(
    "completion",
    heading="Editor and shell",
    examples=(
        ('eval "$(matrix-wizard completion bash)"', "In ~/.bashrc; with zsh in ~/.zshrc, after compinit."),
        ("matrix-wizard completion fish | source", "In ~/.config/fish/config.fish."),
    ),
)
@click.argument("shell", type=click.Choice(list(completion.SHELLS)))
def complete(shell: str) -> int:
    """Print the script by which your shell completes verbs, options, keys and names."""
    click.echo(completion.script(shell, app), nl=False)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command line *argv* (default: the process's own) and return its exit code."""
    try:
        return int(app.main(argv, prog_name=completion.PROGRAM, standalone_mode=False) or 0)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        return _stopped()
    except WizardError as error:
        from wizard import console

        console.problems(error.problems, error.paste, error.options or "")
        return error.exit_code
    except BaseException as error:
        if isinstance(error, SystemExit | GeneratorExit):  # click's own answer to a Tab, too
            raise
        from wizard import console

        if isinstance(error, console.GoneError):
            console.hang_up()
            return 0
        if "KeyboardInterrupt" in str(error):  # met while a compiled package was being loaded
            return _stopped()
        console.bug(error)
        return 5


def _setup(**options: Any) -> int:
    from wizard import commands, console
    from wizard.filling import Consent

    consent = Consent(
        places=frozenset(options["accept_site"]),
        all_places=options["accept_new_sites"],
        drift=options["drift"] or "",
        skip_unparseable=options["skip_unparseable"],
    )
    wishes = commands.Wishes(
        options["answers_file"],
        options["settings"],
        consent,
        yes=options.get("yes", False),
        dry_run=options["dry_run"],
        new_deployment=options["new_deployment"],
        keep_modes=options.get("keep_modes", False),
        allow_tracked=options["allow_tracked"],
        passphrase=options.get("passphrase", False),
    )
    done = commands.setup(where(options), wishes, review(options))
    if options["dry_run"]:
        console.plan(done, as_json=options["as_json"])
    else:
        console.outcome(done, as_json=options["as_json"], quiet=options["quiet"])
    return int(done.plan.skipped > 0)


def _guided(**options: Any) -> int:
    from wizard import commands, console
    from wizard.outcome import Checked

    with telling(options):
        done = commands.guided(where(options), review(options))
    if isinstance(done, Checked):
        return told(done, options)
    if isinstance(done, str):
        return chosen(done, options)
    console.outcome(done, as_json=options["as_json"], quiet=options["quiet"])
    return int(done.plan.skipped > 0)


def _stopped() -> int:
    click.echo("\nStopped.", err=True)
    return StoppedError.exit_code
