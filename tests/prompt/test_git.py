"""A tree that git tracks, at a terminal: it is told in the review, and asked what keeps the secrets out of git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pyrage
import pytest
from scripts.small import MINIMUM, secret

from .screens import CTRL_C, DOWN, Screens

QUESTION = "What is to keep the secrets out of git?"
TOLD = "A commit would publish 2 secrets: git tracks deployment/main.yaml."


def git(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    settings = ("-c", "user.name=A. Person", "-c", "user.email=person@chat-corp.net")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *settings, *words], cwd=home, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    """Return a home with a committed tree, answers for it, and a remote."""
    tree = tmp_path / "deployment"
    tree.mkdir()
    text = secret("synapse-secrets", REDIS_PASSWORD="CHANGEME_REDIS_PASSWORD", TURN="CHANGEME_TURN_SECRET")
    (tree / "main.yaml").write_text(text)
    second = pyrage.x25519.Identity.generate().to_public()  # so that none is asked for
    (tmp_path / "answers.yaml").write_text(f"{MINIMUM}vault: {{recipients: [{second}]}}\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "deployment")
    assert git(tmp_path, "commit", "-qm", "The tree").returncode == 0
    git(tmp_path, "remote", "add", "origin", "https://git.chat-corp.net/tree.git")
    return tmp_path


def at_question(home: Path) -> Screens:
    screens = Screens(home, "setup", "--answers", "answers.yaml")
    screens.at("Write now?")
    assert TOLD in " ".join(screens.scrolled.split())
    screens.send("y\r")
    screens.at(QUESTION)
    return screens


def test_the_guard_is_what_enter_takes(tracked: Path) -> None:
    screens = at_question(tracked)
    screens.send("\r")
    assert screens.end() == 0
    assert "CHANGEME" not in (tracked / "deployment" / "main.yaml").read_text()
    refused = git(tracked, "commit", "-am", "More")
    assert (refused.returncode, "in clear" in refused.stderr) == (1, True)


def test_the_files_can_be_named_in_gitignore_which_is_written_with_the_tree(tracked: Path) -> None:
    (tracked / "deployment" / ".gitignore").write_text("*.swp")
    screens = at_question(tracked)
    screens.send(DOWN + "\r")
    assert screens.end() == 0
    assert (tracked / "deployment" / ".gitignore").read_text() == "*.swp\n/main.yaml\n"
    git(tracked, "rm", "-q", "--cached", "deployment/main.yaml")
    assert git(tracked, "check-ignore", "deployment/main.yaml").returncode == 0


def test_nothing_may_be_wanted_now(tracked: Path) -> None:
    screens = at_question(tracked)
    screens.send(DOWN + DOWN + "\r")
    assert screens.end() == 0
    assert not (tracked / "deployment" / ".gitignore").exists()
    assert not (tracked / ".git" / "hooks" / "pre-commit").exists()


def test_a_hook_in_the_way_is_told_and_the_tree_is_written(tracked: Path) -> None:
    hook = tracked / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    screens = at_question(tracked)
    screens.send("\r")
    assert screens.end() == 0
    assert "Add this line to it, above any exec or exit:" in " ".join(screens.scrolled.split())
    assert (hook.read_text(), "CHANGEME" in (tracked / "deployment" / "main.yaml").read_text()) == (
        "#!/bin/sh\n",
        False,
    )


def test_ctrl_c_at_the_question_writes_nothing(tracked: Path) -> None:
    screens = at_question(tracked)
    screens.send(CTRL_C)
    assert screens.end() == 130
    assert git(tracked, "status", "--porcelain", "--", "deployment").stdout == ""


def test_yes_beforehand_is_no_answer_to_it(tracked: Path) -> None:
    screens = Screens(tracked, "setup", "--answers", "answers.yaml", "--yes")
    assert screens.end() == 3
    assert "--allow-tracked" in " ".join(screens.scrolled.split())
    assert git(tracked, "status", "--porcelain", "--", "deployment").stdout == ""
    screens = Screens(tracked, "setup", "--answers", "answers.yaml", "--yes", "--allow-tracked")
    assert screens.end() == 0
