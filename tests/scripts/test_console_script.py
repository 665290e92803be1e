"""The installed program in a process of its own, without a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .conftest import Filled
from .runs import Deployment

PROGRAM = Path(sys.executable).with_name("matrix-wizard")


def start(*argv: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the console script with nothing on stdin; it has two minutes."""
    return _run([PROGRAM, *argv], cwd, environment)


def test_the_bundled_tree_is_made_filled_and_found_ready(empty: Callable[..., Deployment]) -> None:
    deployment = empty("bundled")
    done = start(
        "setup", "--answers", deployment.answers, "--no-input", "--yes", "--identity", "id.txt", cwd=deployment.home
    )
    assert done.returncode == 0, done.stderr
    assert "deployment is made from the bundled tree." in done.stderr.splitlines()[0]
    checked = start("check", cwd=deployment.home)
    assert checked.returncode == 0, checked.stdout
    shown = start("show", "turn-secret", "--identity", "id.txt", cwd=deployment.home)
    secret = (deployment.home / "deployment/main-instance/06-coturn/deployment.yaml").read_text()
    assert shown.stdout.strip() in secret
    assert shown.stderr == ""


def test_without_a_terminal_nothing_is_asked(empty: Callable[..., Deployment]) -> None:
    deployment = empty("checklist", answers="{}\n")
    before = deployment.everything()
    for argv in (
        (),
        ("setup", "--tree", "tree"),
        ("setup", "--tree", "tree", "--answers", "answers/answers.yaml", "-y"),
    ):
        stopped = start(*argv, cwd=deployment.home)
        assert stopped.returncode == 2, stopped.stderr
        assert "domains.base" in stopped.stderr
        assert stopped.stdout == ""
    assert deployment.everything() == before
    assert not (deployment.home / "deployment").exists()


def test_json_is_all_that_stdout_holds(one: Filled) -> None:
    options = ("--tree", one.deployment.tree, "--identity", one.deployment.identity, "--json")
    for argv in (("plan", *options), ("setup", "-n", *options), ("show", *options), ("check", *options)):
        done = start(*argv, cwd=one.deployment.home)
        assert done.returncode == (argv[0] == "check"), done.stderr  # this tree has faults on purpose
        assert json.loads(done.stdout)["schema"] == 1


def test_a_pipe_that_closes_early_and_an_odd_locale_are_no_bugs(one: Filled) -> None:
    tree, identity = one.deployment.tree, one.deployment.identity
    options = ("--tree", tree, "--identity", identity)
    done = start("show", *options, cwd=one.deployment.home, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "turn-secret" in done.stdout
    command = f'"{PROGRAM}" show --tree "$1" --identity "$2" | head -n 1'
    piped = _run(["bash", "-c", command, "-", tree, identity], one.deployment.home, {})
    assert "Traceback" not in piped.stderr
    assert "bug" not in piped.stderr


def test_a_command_that_is_printed_can_be_typed(one: Filled, tmp_path: Path) -> None:
    """Also where the program is no command on the PATH: a module, or a script with a blank in its path."""
    script = tmp_path / "my bin" / PROGRAM.name
    script.parent.mkdir()
    script.symlink_to(PROGRAM)
    options = ("--tree", one.deployment.tree, "--identity", one.deployment.identity)
    path = {"PATH": "/usr/bin:/bin"}
    for started in ([sys.executable, "-m", "wizard"], [script]):
        done = _run([*started, "blank", *options, "--no-input", "--yes"], tmp_path, path)
        assert done.returncode == 0, done.stderr
        _, _, command = done.stdout.rpartition("Fill them in again: ")
        again = _run(["bash", "-c", f"{command.strip()} --no-input --yes"], tmp_path, path)
        assert again.returncode == 0, again.stderr
        assert again.stdout.startswith("Wrote")


def test_usage_errors_are_exit_2(tmp_path: Path) -> None:
    for argv in (("no-such-verb",), ("setup", "--no-such-option"), ("check", "--tree", "nowhere"), ("blank",)):
        stopped = start(*argv, cwd=tmp_path)
        assert stopped.returncode == 2, stopped.stderr
        assert stopped.stderr
    assert list(tmp_path.iterdir()) == []


def _run(command: list[str | Path], cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=False, cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
