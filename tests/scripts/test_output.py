"""What is printed when nobody reads it, nothing can be written, or the operator stops; and that hints can be typed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import MINIMUM
from .runs import MASK, ROOT, Deployment, run

PROGRAM = [sys.executable, "-m", "wizard"]
TREE = """\
apiVersion: v1
kind: Secret
metadata: {name: coturn-secrets, namespace: matrix}
stringData:
  TURN_SECRET: CHANGEME
  TURN_PASSWORD: CHANGEME  # ä€
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Return a deployment of one Secret, not filled yet."""
    made = Deployment(tmp_path / "home")
    monkeypatch.setenv("XDG_DATA_HOME", str(made.home / "data"))
    made.tree.mkdir(parents=True)
    (made.tree / "a.yaml").write_text(TREE, "utf-8")
    made.answers.parent.mkdir()
    made.answers.write_text(MINIMUM)
    return made


@pytest.fixture
def filled(small: Deployment) -> Deployment:
    done = small.setup()
    assert done.code == 0, done.err
    return small


def options(deployment: Deployment) -> list[str]:
    return ["--tree", str(deployment.tree), "--identity", str(deployment.identity)]


def command(*argv: str) -> str:
    return shlex.join([*PROGRAM, *argv])


def setup(deployment: Deployment) -> list[str]:
    return ["setup", "--answers", str(deployment.answers), "--no-input", "-y", *options(deployment)]


def shell(line: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run *line* by a shell that fails with the program where that is not the last of a pipe."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True,
        encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip


def assert_complete(deployment: Deployment) -> None:
    """The tree is filled, its vault opens, and nothing is left to do."""
    assert "CHANGEME" not in (deployment.tree / "a.yaml").read_text("utf-8")
    assert deployment.show("turn-secret") in (deployment.tree / "a.yaml").read_text("utf-8")
    again = deployment.setup()
    assert "No byte was changed" in again.out, again.text
    assert {path.name for path in deployment.state.iterdir()} >= {"vault.age", "sites.lock"}


def test_a_closed_output_is_no_bug(small: Deployment) -> None:
    done = shell(command(*setup(small)) + " >&-")
    assert done.returncode == 0, done.stderr
    assert "This is a bug" not in done.stderr
    assert "Traceback" not in done.stderr
    assert_complete(small)


def test_a_closed_output_and_error_output(small: Deployment) -> None:
    assert shell(command(*setup(small)) + " >&- 2>&-").returncode == 0
    assert_complete(small)


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_a_full_device_is_told_and_the_tree_is_complete(small: Deployment, more: list[str]) -> None:
    done = shell(command(*setup(small), *more) + " >/dev/full")
    assert done.returncode == 2, done.stderr
    assert "The output cannot be written: No space left on device." in done.stderr
    assert "This is a bug" not in done.stderr
    assert "Exception" not in done.stderr
    assert_complete(small)


@pytest.mark.parametrize("verb", [["show"], ["check"], ["show", "turn-secret"], ["blank", "-n"]], ids=" ".join)
def test_a_full_device_is_told_by_every_verb(filled: Deployment, verb: list[str]) -> None:
    before = filled.files()
    done = shell(command(*verb, *options(filled)) + " >/dev/full")
    assert done.returncode == 2
    assert done.stderr.strip() == "The output cannot be written: No space left on device."
    assert filled.files() == before


@pytest.mark.parametrize("verb", [["show", "--json"], ["plan", "--set", "lawful_intercept.admin_user=x"]], ids=" ".join)
def test_a_reader_that_has_read_enough(filled: Deployment, verb: list[str]) -> None:
    done = shell(command(*verb, *options(filled)) + " | head -1")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_a_reader_that_is_gone_before_the_first_line(filled: Deployment) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, "show", *options(filled)], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE,
                          timeout=120, check=False)  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_revealed_value_goes_to_a_new_private_file_only(filled: Deployment) -> None:
    new, old = filled.home / "new.txt", filled.home / "old.txt"
    old.write_text("theirs\n")
    assert filled.run("show", "turn-secret", "--out", str(new)).text == ""
    assert new.read_text() == filled.show("turn-secret")
    assert new.stat().st_mode & 0o777 == 0o600

    refused = filled.run("show", "turn-secret", "--out", str(old))
    assert (refused.code, refused.out) == (2, "")
    assert str(old) in refused.err
    assert filled.show("turn-secret") not in refused.err
    assert old.read_text() == "theirs\n"
    assert filled.run("show", "turn-secret", "--out", str(filled.home / "no" / "where.txt")).code == 2


@pytest.mark.parametrize("verb", [["show"], ["show", "turn-secret"], ["check"], ["check", "--json"], ["blank", "-y"]],
                         ids=" ".join)  # fmt: skip
@pytest.mark.parametrize("is_made", [True, False])
def test_a_tree_that_is_missing_is_not_made(tmp_path: Path, verb: list[str], is_made: bool) -> None:
    tree = tmp_path / "deploymint"
    if is_made:
        tree.mkdir()
    stopped = run(*verb, "--tree", str(tree))
    assert (stopped.code, stopped.out) == (2, "")
    assert f"There is no tree at {tree}." in stopped.err
    assert tree.exists() == is_made
    assert not is_made or not list(tree.iterdir())


def test_the_environment_speaks_to_the_bare_command(small: Deployment) -> None:
    told = {"MATRIX_WIZARD_TREE": str(small.tree), "MATRIX_WIZARD_IDENTITY": str(small.identity),
            "MATRIX_WIZARD_ANSWERS": str(small.answers), "MATRIX_WIZARD_NO_INPUT": "1"}  # fmt: skip
    before = small.everything()
    asked = shell(command(), **told)
    assert asked.returncode == 2
    assert "Nothing is written without consent." in asked.stderr
    assert small.everything() == before

    assert small.setup().code == 0
    filled = small.everything()
    done = shell(command(), **told)
    assert done.returncode == 0, done.stderr
    assert f"{small.tree}: everything is as it should be. No byte was changed." in done.stdout
    assert small.everything() == filled
    assert not (ROOT / "deployment" / "a.yaml").exists()


def test_a_terminal_without_unicode(small: Deployment) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    planned = shell(command("plan", "--answers", str(small.answers), *options(small)), **plain)
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.isascii()
    assert "turn-secret  CHANGEME -> " in planned.stdout
    assert MASK in small.plan().out
    done = shell(command(*setup(small)), **plain)
    assert done.returncode == 0, done.stderr
    assert (small.tree / "a.yaml").read_text("utf-8").endswith("# ä€\n")
    assert_complete(small)


@pytest.fixture
def waiting(small: Deployment) -> Iterator[tuple[Deployment, subprocess.Popen[str]]]:
    """Return a run of setup that waits for its answers, which nobody writes."""
    small.answers.unlink()
    os.mkfifo(small.answers)
    process = subprocess.Popen([*PROGRAM, *setup(small)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)  # fmt: skip
    yield small, process
    process.kill()
    process.communicate()


def test_whoever_stops_it_before_it_writes_is_told_so(waiting: tuple[Deployment, subprocess.Popen[str]]) -> None:
    deployment, process = waiting
    before = deployment.everything()
    with deployment.answers.open("w"):  # opens when the program has opened its end, and so is reading
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "Stopped. Nothing was written."
    assert deployment.everything() == before
    assert not deployment.identity.exists()


def test_a_hint_can_be_typed_as_it_stands(small: Deployment) -> None:
    done = small.run("setup", "--answers", str(small.answers), "--no-input", "-y")
    assert done.code == 0, done.err
    (hint,) = [line.removeprefix("Next: ") for line in done.out.splitlines() if line.startswith("Next: ")]
    words = shlex.split(hint)
    assert words[1] == "check"
    assert words[2:] == options(small)
    assert run(*words[1:]).code == 0

    blanked = small.blank()
    (hint,) = [line.partition(": ")[2] for line in blanked.out.splitlines() if line.startswith("Fill them in again: ")]
    words = shlex.split(hint)
    assert words[1:] == ["setup", *options(small)]
    assert run(*words[1:], "--no-input", "-y").code == 0
    assert_complete(small)


def test_the_list_says_how_what_it_masks_is_revealed(small: Deployment) -> None:
    """On stderr: a list in a pipe is a list, and a quiet one has no hint."""
    assert small.setup().code == 0
    listed = small.run("show")
    (hint,) = [line.partition("by its name: ")[2] for line in listed.err.splitlines() if "by its name: " in line]
    words = shlex.split(hint)
    assert (words[1], words[3:]) == ("show", options(small))
    assert f"\n{words[2]}: ••••" in f"\n{listed.out}"
    assert run(*words[1:]).out.strip() == small.show(words[2])
    assert small.run("show", "--quiet").err == ""


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["show", "no-such-value"], 2), (["vault", "recipients", "remove", "Nobody", "-y"], 2)],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_a_command_in_a_refusal_can_be_typed_as_it_stands(small: Deployment, argv: list[str], code: int) -> None:
    assert small.setup().code == 0
    refused = small.run(*argv)
    assert refused.code == code, refused.text
    (command,) = [line.partition(": ")[2] for line in refused.err.splitlines() if line.startswith("    To see them")]
    words = shlex.split(command)
    assert words[-4:] == options(small)
    assert run(*words[1:]).code == 0


def test_a_fix_of_check_carries_the_tree(small: Deployment) -> None:
    found = run("check", "--tree", str(small.tree))
    (fix,) = {line.partition("fix: ")[2] for line in found.out.splitlines() if "placeholder-left" not in line} - {""}
    assert shlex.split(fix)[1:] == ["setup", "--tree", str(small.tree)]


def test_a_hint_names_nothing_that_was_not_typed(small: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    small.tree.rename(small.home / "deployment")
    monkeypatch.chdir(small.home)
    done = run("setup", "--answers", str(small.answers), "--no-input", "-y", "--identity", "mine.txt")
    assert done.code == 0, done.err
    hints = [shlex.split(line)[2:] for line in done.out.splitlines() if line.startswith("Next: ")]
    assert hints == [["check", "--identity", "mine.txt"]]
