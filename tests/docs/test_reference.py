"""The reference pages say what the program says, in both directions."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from typing import get_args

import click
import pyrage
import pytest

from wizard import catalogue, check, checks, drift, errors, ignores, rules, sealing, vault
from wizard.cli import app
from wizard.questions import DECISIONS, QUESTIONS, SECTIONS
from wizard.secret import Secret
from wizard.vault import (
    Audit,
    Contest,
    Generation,
    Journal,
    JournalFile,
    Kept,
    Recipient,
    Record,
    Replaced,
    Sheet,
    Step,
    Twin,
    Vault,
)

from . import tables
from .pages import ROOT, code, page, rows, section

COMMANDS = page("reference/commands.md")
KEPT = (Vault, Kept, Generation, Record, Journal, JournalFile)


def options(command: click.Command) -> Iterator[click.Option]:
    context = click.Context(command, parent=app.make_context("matrix-wizard", [], resilient_parsing=True))
    yield from (each for each in command.get_params(context) if isinstance(each, click.Option))


def commands(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its whole name, those of groups in their place."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def test_every_verb_is_documented_and_exists() -> None:
    documented = [re.split(r" [\[A-Z]", code(row[0])[0])[0] for row in rows(COMMANDS.partition("## Options")[0])]
    assert sorted(documented) == sorted(name for name, _ in commands(app))


def test_every_option_and_variable_is_documented_with_its_commands() -> None:
    real: dict[tuple[frozenset[str], str], set[str]] = {}
    for name, command in commands(app):
        for option in options(command):
            key = (frozenset(option.opts), str(option.envvar or ""))
            real.setdefault(key, set()).add(name)
    many = {"on a tree": real[frozenset({"--tree"}), "MATRIX_WIZARD_TREE"], "all": {name for name, _ in commands(app)}}
    documented = {
        (frozenset(code(flags)), "".join(code(variable))): many.get(of.strip(), set(code(of)))
        for flags, variable, of, _ in rows(section(COMMANDS, "Options"))
    }
    assert documented == real


def test_every_exit_code_is_documented() -> None:
    documented = {int(code(row[0])[0]): row[1] for row in rows(section(COMMANDS, "Exit codes"))}
    printed = dict(re.findall(r"^  (\d+) +(\S.*)$", str(app.epilog), re.MULTILINE))
    raised = {each.exit_code for each in errors.WizardError.__subclasses__()}
    assert sorted(documented) == sorted(map(int, printed))
    assert raised <= documented.keys()
    assert {"0", "1", "5"} <= printed.keys()


def test_every_finding_is_a_row_of_the_table_and_every_row_is_found() -> None:
    """The ids are the literals that findings are made with, or that a table beside them holds."""
    sources = [
        check,
        drift,
        ignores,
        *(importlib.import_module(each.name) for each in pkgutil.iter_modules(checks.__path__, "wizard.checks.")),
    ]
    nodes = [node for each in sources for node in ast.walk(ast.parse(inspect.getsource(each)))]
    position = {"Finding": 0, "at": 1, "of_file": 1}
    made = ((ast.unparse(call.func), call.args) for call in nodes if isinstance(call, ast.Call))
    ids = {
        arguments[position[name]] for name, arguments in made if name in position and len(arguments) > position[name]
    }
    literals = {each.value for each in ids if isinstance(each, ast.Constant)}
    written = {node.value for node in nodes if isinstance(node, ast.Constant)}
    assert literals <= set(rules.BY_ID) <= written


@pytest.mark.parametrize("name", tables.PAGES)
def test_what_follows_from_the_program_stands_on_its_page(name: str) -> None:
    """When it does not, ``make docs`` writes it there."""
    assert page(name) == tables.renewed(page(name), tables.PAGES[name])


@pytest.mark.parametrize(
    ("name", "heading", "listed"),
    [
        ("reference/answers.md", "Keys", [question.key for question in QUESTIONS]),
        ("reference/answers.md", "Placeholders that the catalogue does not know", [*DECISIONS]),
        ("reference/values.md", "The table", [row.name for row in catalogue.ROWS]),
        ("reference/values.md", "Components", [each.name for each in catalogue.COMPONENTS]),
    ],
)
def test_each_row_reads_as_one(name: str, heading: str, listed: list[str]) -> None:
    """Told by its cells, which a pattern's own bars do not part."""
    found = rows(section(page(name), heading))
    assert [code(cells[0])[0] for cells in found] == listed
    assert len({len(cells) for cells in found}) == 1


def test_marks_that_are_missing_are_told() -> None:
    parts = tables.PAGES["reference/values.md"]
    for text in ("", page("reference/answers.md"), page("reference/values.md").replace("docs: values", "docs: valeus")):
        with pytest.raises(ValueError, match="values"):
            tables.renewed(text, parts)


def test_the_optional_sections_are_documented() -> None:
    text = page("reference/answers.md")
    assert set(SECTIONS) <= set(code(text[text.index("**Optional sections**") :].partition("\n- ")[0]))


@pytest.mark.parametrize(
    "kind",
    [Vault, Recipient, Kept, Generation, Record, Journal, JournalFile, Audit, Contest, Twin, Sheet, Step, Replaced],
    ids=lambda kind: kind.__name__,
)
def test_the_fields_of_the_vault_are_documented(kind: type) -> None:
    listed = [code(row[0])[0] for row in rows(section(page("reference/vault.md"), kind.__name__))]
    assert listed == [each.name for each in dataclasses.fields(kind)]


def test_the_words_of_the_vault_are_documented() -> None:
    text = page("reference/vault.md")
    words = {row[0]: code(row[1]) for row in rows(section(text, "Generation")) + rows(section(text, "Record"))}
    assert words["`state`"] == list(get_args(vault.State))
    assert words["`kind`"] == list(get_args(vault.Kind))


def test_what_age_finds_in_a_vault_is_documented() -> None:
    """Opened by the age library alone, as the page says that it can be."""
    key = pyrage.x25519.Identity.generate()
    made = Generation("ab" * 8, "current", "2026-01-01T00:00:00Z", "made", Secret("once"), "cafe")
    full = Vault(
        "ab" * 16,
        (Recipient(str(key.to_public())),),
        answers={"answers": {}},
        values={"form-secret": Kept("form-secret", (made,))},
        records=(Record("form-secret", "a.yaml", "Secret/m/s", ("data", "x"), "CHANGEME", "a=□", 1, 1),),
        left_out=("smtp",),
        from_bundle=True,
        journal=Journal("setup", "2026-01-01T00:00:00Z", (JournalFile("a", None, "b"),)),
        revision=1,
        seal=vault.new_seal(),
        former_seals=("a",),
        audit=vault.new_audit(),
        contests=(Contest("form-secret", "value", "a", "b"),),
        twin=Twin("cd" * 16, "a"),
        context="prod",
        sheets=(Sheet("a", "rotate", "2026-01-01T00:00:00Z", (Replaced("a", "b", "c"),), (Step("apply", {}),)),),
    )
    opened = json.loads(pyrage.decrypt(sealing.seal(full), [key]))
    fields = {code(row[0])[0] for row in rows(section(page("reference/vault.md"), "Vault"))}
    assert set(opened) == fields | {"about"}
    assert opened["values"]["form-secret"]["generations"][0]["text"] == "once"


def test_every_module_is_named_once_on_the_page_of_the_architecture() -> None:
    named = [code(row[0])[0] for row in rows(section(page("architecture.md"), "The modules"))]
    package = ROOT / "wizard"
    files = (path.relative_to(package).with_suffix("") for path in package.rglob("*.py"))
    modules = {".".join(path.parts).removesuffix(".__init__") for path in files}
    assert sorted(named) == sorted(modules - {"__init__"})


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = page("dependencies.md")
    for heading, wanted in (
        ("At run time", project["dependencies"]),
        ("For development", project["optional-dependencies"]["dev"]),
    ):
        names = [re.split(r"[<>=!~\[; ]", each)[0] for each in wanted]
        listed = rows(section(text, heading))
        assert sorted(code(row[0])[0] for row in listed) == sorted(names)
        assert all(len(row[1]) > 20 for row in listed)
