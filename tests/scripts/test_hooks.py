"""The hooks for pre-commit, run as it runs them: each entry with its arguments, at the top of a repository."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .runs import ROOT
from .small import MINIMUM, LayOut, secret

HOOKS: dict[str, dict[str, Any]] = {
    each["id"]: each for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
}
CLEAN = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {colour: blue}\n"
WEAK = "kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData: {password: minioadmin}\n"


def hook(name: str, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a hook as ``language: python`` has it run: its program is the first on the PATH, and gets no file names."""
    assert (HOOKS[name]["language"], HOOKS[name]["pass_filenames"]) == ("python", False)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    words = [*shlex.split(HOOKS[name]["entry"]), *arguments]
    return subprocess.run(
        words, check=False, cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def git(cwd: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.net", *words], check=True, cwd=cwd)


def test_the_hooks_have_what_pre_commit_asks_for() -> None:
    assert set(HOOKS) == {"matrix-wizard-check", "matrix-wizard-guard"}
    for each in HOOKS.values():
        assert {"id", "name", "description", "entry", "language"} <= each.keys()


def test_a_tree_with_an_error_stops_the_commit_and_one_without_does_not(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s/a.yaml").write_text(CLEAN)
    done = hook("matrix-wizard-check", tmp_path, "--tree", "k8s")
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "k8s/a.yaml").write_text(WEAK)
    done = hook("matrix-wizard-check", tmp_path, "--tree", "k8s")
    assert done.returncode == 1
    assert "a.yaml:4:24: error [weak-default]" in done.stdout


@pytest.mark.parametrize("is_filled", [True, False], ids=["filled", "as placeholders"])
def test_a_filled_tree_that_is_staged_stops_the_commit(lay_out: LayOut, is_filled: bool) -> None:
    small = lay_out({"a.yaml": secret("turn", TURN="CHANGEME_TURN_SECRET")}, MINIMUM)
    git(small.home, "init", "-q")
    assert small.setup().code == 0
    if not is_filled:
        assert small.blank().code == 0
    git(small.home, "add", "tree")
    done = hook("matrix-wizard-guard", small.home, "--tree", "tree")
    assert done.returncode == int(is_filled), done.stderr
    assert ("this commit would publish it" in done.stderr) is is_filled
