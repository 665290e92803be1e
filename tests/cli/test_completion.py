"""What completion offers, as click asks for it; tests/real has shells ask."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from wizard import catalogue, rules
from wizard.cli import app, main
from wizard.completion import PROGRAM
from wizard.questions import QUESTIONS


def offered(*argv: str) -> list[str]:
    """Return what may stand for the last word."""
    *before, incomplete = argv
    found = ShellComplete(app, {}, PROGRAM, "").get_completions(before, incomplete)
    return [item.value if item.type == "plain" else f"a {item.type}" for item in found]


def test_every_key_is_offered_and_every_choice() -> None:
    assert offered("setup", "--set", "") == [f"{question.key}=" for question in QUESTIONS]
    for question in QUESTIONS:
        whole = [f"{question.key}={choice}" for choice in question.kind.choices]
        assert offered("plan", "--set", f"{question.key}=") == whole
    assert offered("plan", "--set", "no.such.key=") == []


def test_every_value_is_offered() -> None:
    assert offered("show", "") == [row.name for row in catalogue.ROWS]


def test_every_rule_is_offered() -> None:
    assert offered("explain", "") == [*rules.BY_ID]
    assert offered("explain", "placeholder-") == ["placeholder-left"]


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (("setup", "--tree", "x"), "a dir"),
        (("check", "--tree", ""), "a dir"),
        (("check", "--baseline", ""), "a file"),
        (("setup", "--answers", ""), "a file"),
        (("show", "--identity", ""), "a file"),
        (("show", "turn-secret", "--out", ""), "a file"),
    ],
)
def test_paths_are_left_to_the_shell(argv: tuple[str, ...], what: str) -> None:
    assert offered(*argv) == [what]


def test_no_other_shell_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err


def test_a_tab_touches_no_tree_and_loads_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys; from wizard.cli import main\ntry: main([])\nfinally: print(*sys.modules, file=sys.stderr)"
    asked = {"COMP_WORDS": "matrix-wizard\nsetup\n--set\ntls", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], check=False, cwd=tmp_path, capture_output=True, text=True,
        env={**asked, "_MATRIX_WIZARD_COMPLETE": "bash_complete"},
    )  # fmt: skip
    assert done.stdout.splitlines()[0] == "plain,tls.mode="
    assert done.returncode == 0
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & {"ruamel", "cryptography", "questionary", "keyring", "pyrage"}
    assert list(tmp_path.iterdir()) == []
