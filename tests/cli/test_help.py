"""The help: everything is listed, under headings, within 80 columns, and its examples are commands of this program."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest

from wizard import invocation
from wizard.cli import app, main
from wizard.helppage import Command
from wizard.procedures import Class

Printed = Callable[..., str]

VERBS = sorted(app.commands)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Return what the program prints in a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def of(*argv: str) -> str:
        assert main([*argv]) == 0
        return capsys.readouterr().out

    return of


def headed(text: str) -> dict[str, str]:
    """Return what stands under each heading, indented as it is."""
    return dict(re.findall(r"^(\w[\w ]*):\n((?:  .*\n|\n)*)", text, re.MULTILINE))


def first_words(text: str) -> list[str]:
    return re.findall(r"^  (\S+)", text, re.MULTILINE)


@pytest.mark.parametrize("argv", [[], *([verb] for verb in VERBS)], ids=" ".join)
def test_no_line_is_longer_than_80_columns(argv: list[str], printed: Printed) -> None:
    text = printed(*argv, "--help")
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_every_verb_stands_under_a_heading_in_the_order_of_use(printed: Printed) -> None:
    found = headed(printed("--help"))
    headings = ["Fill a tree", "Look at it", "Take it back", "Rotate secrets", "Keep the vault", "Editor and shell"]
    assert list(found) == ["Options", *headings, "Examples"]
    listed = [first_words(found[heading]) for heading in headings]
    assert listed[:3] == [["setup", "plan"], ["check", "explain", "show", "hunt", "answers", "status"], ["blank"]]
    assert sorted(word for words in listed for word in words) == VERBS
    assert "..." not in "".join(found[heading] for heading in headings)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_stands_under_one_heading(verb: str, printed: Printed) -> None:
    text = printed(verb, "--help")
    told = "".join(body for heading, body in headed(text).items() if heading != "Examples")
    context = click.Context(app.commands[verb], parent=click.Context(app))
    options = [each for each in app.commands[verb].get_params(context) if isinstance(each, click.Option)]
    listed = re.findall(r"^  (?:-\w, )?(--[\w-]+)", told, re.MULTILINE)
    assert sorted(listed) == sorted(option.opts[-1] for option in options)


def test_the_options_of_setup_stand_where_they_belong(printed: Printed) -> None:
    found = headed(printed("setup", "--help"))
    assert list(found) == [
        "Answers",
        "Secrets that exist already",
        "The tree",
        "Consent",
        "Everywhere",
        "Examples",
    ]
    assert first_words(found["Answers"]) == ["--answers", "--set"]
    assert first_words(found["Consent"])[:2] == ["-y,", "-n,"]
    assert first_words(found["Everywhere"])[-1] == "-h,"


@pytest.mark.parametrize("command", [app, *app.commands.values()], ids=lambda command: command.name)
def test_the_examples_are_commands_of_this_program(command: click.Command) -> None:
    assert isinstance(command, Command)
    context = app.make_context("matrix-wizard", ["check"], resilient_parsing=True)
    for line, what in command.examples:
        [called_with] = re.findall(r"matrix-wizard([^|>)]*)", line)
        argv = shlex.split(called_with)
        assert what.endswith(".")
        if argv:
            called = app.get_command(context, argv[0])
            assert called is not None
            assert called is command or command is app
            called.make_context(argv[0], argv[1:], parent=context)


def test_the_program_and_setup_have_examples(printed: Printed) -> None:
    """Each on a line of its own, for copying."""
    for command, argv, count in ((app, (), 5), (app.commands["setup"], ("setup",), 4)):
        assert isinstance(command, Command)
        lines = headed(printed(*argv, "--help"))["Examples"].splitlines()
        assert [line.strip() for line in lines if line][: 2 * count : 2] == [line for line, _ in command.examples]
        assert len(command.examples) == count


def test_help_loads_nothing_heavy() -> None:
    """Read from a process of its own: of our modules only the door, of others only click and Python's own."""
    code = "import sys; from wizard.cli import main; main(['setup', '--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    loaded = done.stderr.split()
    ours = {name for name in loaded if name.partition(".")[0] == "wizard"}
    assert ours <= {
        "wizard",
        *(
            f"wizard.{name}"
            for name in (
                "checkcli",
                "cli",
                "completion",
                "custodycli",
                "errors",
                "exchangecli",
                "helppage",
                "huntcli",
                "options",
                "rotatecli",
                "secret",
            )
        ),
    }
    assert not {name.partition(".")[0] for name in loaded} & {"ruamel", "cryptography", "questionary", "keyring"}


def test_each_command_on_a_tree_is_known_where_messages_name_it() -> None:
    def on_a_tree(command: click.Command, *words: str) -> Iterator[str]:
        if isinstance(command, click.Group):
            for name, each in command.commands.items():
                yield from on_a_tree(each, *words, name)
        elif {"tree", "identity"} <= {parameter.name for parameter in command.params}:
            yield " ".join(words)

    assert sorted(on_a_tree(app)) == sorted(invocation.VERBS)


def test_the_classes_that_the_help_names_are_those_of_the_table() -> None:
    (option,) = (each for each in app.commands["rotate"].params if each.name == "kinds")
    assert list(getattr(option.type, "choices", ())) == [each.value for each in Class]
