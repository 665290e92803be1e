"""Two operators on two branches, and real git between them, which calls the program as its merge driver."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest

from wizard import audit, sealing
from wizard import lock as locks
from wizard.secret import Secret
from wizard.vault import Vault

from .runs import Deployment
from .small import laid_out, succeed

TREE = """\
apiVersion: v1
kind: Secret
metadata: {name: redis-password, namespace: matrix}
stringData:
  password: CHANGEME_REDIS_PASSWORD
---
apiVersion: v1
kind: Secret
metadata: {name: coturn-passwords, namespace: matrix}
stringData:
  TURN_PASSWORD: CHANGEME_TURN_PASSWORD
"""
MORE = """\
apiVersion: v1
kind: Secret
metadata: {name: synapse-secrets, namespace: matrix}
stringData:
  FORM_SECRET: CHANGEME_FORM_SECRET
"""

Git = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Return real git with a home of its own; the key of who merges is in the environment, as a driver finds it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n name = ops\n email = ops@chat-corp.net\n[init]\n defaultBranch = main\n")
    for name, value in {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_EDITOR": "true",
    }.items():
        monkeypatch.setenv(name, value)

    def call(place: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "MATRIX_WIZARD_IDENTITY": str(place.parent / "identity.txt")}
        done = subprocess.run(["git", *words], cwd=place, capture_output=True, text=True, check=False, env=env)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def two(tmp_path: Path, git: Git) -> tuple[Deployment, Deployment]:
    """Return two clones of one tree that was filled and blanked, with the driver installed in both."""
    first = laid_out(tmp_path, TREE)
    succeed(first.setup())
    succeed(first.blank())
    git(first.tree, "init", "-q")
    git(first.tree, "add", "-A")
    git(first.tree, "commit", "-qm", "base")
    second = Deployment(tmp_path / "second")
    second.home.mkdir()
    git(tmp_path, "clone", "-q", str(first.tree), str(second.tree))
    shutil.copy(first.identity, second.identity)
    for each in (first, second):
        verb(each, "vault", "merge", "--install")
    return first, second


def opened(deployment: Deployment) -> Vault:
    """Open the vault by the key file, as any reader of it would."""
    key = next(line for line in deployment.identity.read_text().splitlines() if not line.startswith("#"))
    return sealing.unseal((deployment.state / "vault.age").read_bytes(), Secret(key))


def verb(deployment: Deployment, *argv: str) -> Any:
    done = deployment.run(argv[0], *argv[1:])
    assert done.code == 0, done.text
    return done


def fill(deployment: Deployment, answers: Path, *more: str) -> None:
    verb(deployment, "setup", "--answers", str(answers), "--no-input", "--yes", *more)


def commit(git: Git, deployment: Deployment, what: str) -> None:
    verb(deployment, "blank", "--no-input", "--yes")
    git(deployment.tree, "add", "-A")
    git(deployment.tree, "commit", "-qm", what, "--allow-empty")


def pull(git: Git, into: Deployment, source: Deployment, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    git(into.tree, "fetch", "-q", str(source.tree), "HEAD")
    return git(into.tree, "merge", "-m", "both", "FETCH_HEAD", check=check)


def replace_by_hand(deployment: Deployment, answers: Path, old: str, new: str) -> None:
    """Edit a secret in the filled tree and have it taken into the vault: a new generation."""
    fill(deployment, answers, "--allow-tracked")
    deployment.edit("main.yaml", old, new)
    fill(deployment, answers, "--allow-tracked", "--adopt")


def generations(vault: Vault) -> set[tuple[str, str, str]]:
    return {(name, one.id, one.text.reveal()) for name, kept in vault.values.items() for one in kept.generations}


def entries(deployment: Deployment) -> list[str]:
    return (deployment.state / "audit.log").read_text().splitlines()


def faults(deployment: Deployment, vault: Vault) -> list[str]:
    assert vault.audit is not None
    return [each.what for each in audit.problems("\n".join(entries(deployment)) + "\n", vault.audit)]


def test_what_two_branches_added_is_all_there_after_the_merge(two: tuple[Deployment, Deployment], git: Git) -> None:
    first, second = two
    answers = first.answers
    turn = first.show("turn-password")
    replace_by_hand(first, answers, turn, "ChosenByOurs")
    commit(git, first, "a new secret for TURN")
    (second.tree / "more.yaml").write_text(MORE)
    fill(second, answers, "--allow-tracked")
    commit(git, second, "a new manifest")
    sides = [opened(each) for each in two]
    lines = {line for each in two for line in entries(each)}
    pull(git, first, second)
    merged = opened(first)
    assert generations(merged) == generations(sides[0]) | generations(sides[1])
    assert merged.values["turn-password"].current.text.reveal() == "ChosenByOurs"
    assert "form-secret" in merged.values
    assert {each.file for each in merged.records} >= {"more.yaml"}
    assert merged.revision > max(side.revision for side in sides)
    assert merged.contests == ()
    assert lines <= set(entries(first))
    assert faults(first, merged) == []
    lock = locks.read((first.state / "sites.lock").read_text())
    assert {(each.file, each.path) for each in lock.records} == {(each.file, each.path) for each in merged.records}
    fill(first, answers, "--allow-tracked")
    assert "ChosenByOurs" in (first.tree / "main.yaml").read_text()
    assert faults(first, opened(first)) == []
    commit(git, first, "after the merge")
    pull(git, second, first)
    assert generations(opened(second)) == generations(merged)


def test_one_value_replaced_on_both_sides_waits_for_the_operator(two: tuple[Deployment, Deployment], git: Git) -> None:
    first, second = two
    answers = first.answers
    redis = first.show("redis-password")
    for each, text in ((first, "ChosenByOurs"), (second, "ChosenByTheirs")):
        fill(each, answers, "--allow-tracked")
        each.edit("main.yaml", redis, text)
        fill(each, answers, "--allow-tracked", "--adopt")
        commit(git, each, "a new password")
    merging = pull(git, first, second, check=False)
    assert merging.returncode == 1
    told = merging.stdout + merging.stderr
    assert "redis-password was changed on both sides" in told
    assert not {"ChosenByOurs", "ChosenByTheirs", redis} & set(told.split())
    texts = {text for name, _, text in generations(opened(first)) if name == "redis-password"}
    assert texts == {redis, "ChosenByOurs", "ChosenByTheirs"}
    git(first.tree, "add", "-A")
    git(first.tree, "commit", "-qm", "both")
    stopped = first.setup("--allow-tracked")
    assert stopped.code == 3
    assert "vault merge --take 'redis-password=ours'" in stopped.err
    hidden = first.run("show", "redis-password")
    assert (hidden.code, hidden.out) == (3, "")
    wrong = first.run("vault", "merge", "--take", "redis-password=mine")
    assert wrong.code == 2
    assert "no side" in wrong.err
    verb(first, "vault", "merge", "--take", "redis-password=theirs")
    fill(first, answers, "--allow-tracked")
    assert "ChosenByTheirs" in (first.tree / "main.yaml").read_text()
    assert {text for name, _, text in generations(opened(first)) if name == "redis-password"} == texts


def test_a_vault_of_somebody_else_is_not_merged(two: tuple[Deployment, Deployment], git: Git) -> None:
    """They know the public key, and so can make a file that opens; they do not know the seal."""
    first, second = two
    identity = first.identity
    verb(first, "show", "turn-password")
    commit(git, first, "looked at")
    public = identity.read_text().split("public key: ")[1].split()[0]
    key = next(line for line in identity.read_text().splitlines() if not line.startswith("#"))
    sealed = (second.state / "vault.age").read_bytes()
    forged = json.loads(pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(key)]))
    forged |= {"seal": "ab" * 32, "revision": 99}
    recipient = pyrage.x25519.Recipient.from_str(public)
    (second.state / "vault.age").write_bytes(pyrage.encrypt(json.dumps(forged).encode(), [recipient]))
    git(second.tree, "commit", "-qam", "harmless")
    before = (first.state / "vault.age").read_bytes()
    merging = pull(git, first, second, check=False)
    assert merging.returncode == 1
    assert "--accept-seal" in merging.stdout + merging.stderr
    assert (first.state / "vault.age").read_bytes() == before


@pytest.mark.parametrize("bad", ["nothing", "mixed", "count"])
def test_what_cannot_be_merged_is_refused_and_left(tmp_path: Path, bad: str) -> None:
    deployment = laid_out(tmp_path, TREE)
    succeed(deployment.setup())
    vault, lock = deployment.state / "vault.age", deployment.state / "sites.lock"
    before = vault.read_bytes()
    argv = {"nothing": [vault, vault, tmp_path / "none"], "mixed": [vault, vault, lock], "count": [vault, vault]}[bad]
    done = deployment.run("vault", "merge", *map(str, argv))
    assert done.code == {"nothing": 2, "mixed": 3, "count": 2}[bad], done.text
    assert done.err.strip()
    assert vault.read_bytes() == before


def test_outside_a_repository_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    deployment = laid_out(tmp_path, TREE)
    done = deployment.run("vault", "merge", "--install")
    assert done.code == 2
    assert "no git work tree" in done.err
