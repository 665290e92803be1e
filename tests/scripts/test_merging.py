"""Two operators on two branches, and real git between them, which calls the program as its merge driver."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest

from bench import merging as bench
from wizard import audit, sealing
from wizard import lock as locks
from wizard import vault as vaults
from wizard.secret import Secret
from wizard.vault import Vault

from .runs import ROOT, STATE, Deployment
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
        own = {"MATRIX_WIZARD_IDENTITY": "identity.txt", "XDG_DATA_HOME": "data"}
        env = {**os.environ, **{name: str(place.parent / path) for name, path in own.items()}}
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
    assert typed(stopped.err, "ours or theirs: ").endswith(
        f"vault merge --tree {first.tree} --identity {first.identity} --take redis-password=ours"
    )
    hidden = first.run("show", "redis-password")
    assert (hidden.code, hidden.out) == (3, "")
    wrong = first.run("vault", "merge", "--take", "redis-password=mine")
    assert wrong.code == 2
    assert "no side" in wrong.err
    verb(first, "vault", "merge", "--take", "redis-password=theirs")
    fill(first, answers, "--allow-tracked")
    assert "ChosenByTheirs" in (first.tree / "main.yaml").read_text()
    assert {text for name, _, text in generations(opened(first)) if name == "redis-password"} == texts


def test_of_two_that_wait_the_second_is_told_when_the_first_is_decided(
    two: tuple[Deployment, Deployment], git: Git
) -> None:
    """By the very lines that the merge prints, where the operator stands: in a directory of the tree."""
    first, second = two
    for each in two:
        for name in ("redis-password", "turn-password"):
            replace_by_hand(each, first.answers, each.show(name), f"{name}-of-{each.home.name}")
        commit(git, each, "two new passwords")
    below = first.tree / "below"
    below.mkdir()
    git(first.tree, "fetch", "-q", str(second.tree), "HEAD")
    stopped = git(below, "merge", "-m", "both", "FETCH_HEAD", check=False)
    lines = [line for line in stopped.stderr.splitlines() if "ours or theirs: " in line]
    assert len(lines) == 2
    assert " --tree .. " in lines[0]
    git(first.tree, "add", "-A")
    for line, left in zip(lines, ("turn-password was changed on both sides", ""), strict=True):
        decided = shell(below, typed(line, "ours or theirs: ").replace("=ours", "=theirs"))
        assert decided.returncode == 0, decided.stderr
        assert left in decided.stderr
        assert ("ours or theirs: " in decided.stderr) == bool(left)
    assert {kept.current.text.reveal() for kept in opened(first).values.values()} == {
        f"{name}-of-second" for name in ("redis-password", "turn-password")
    }


def shell(place: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type a line that was printed, where the operator stands."""
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=place, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip


def typed(text: str, behind: str) -> str:
    """Return the command that was printed behind some words, to the end of its line."""
    (line,) = [line for line in text.splitlines() if behind in line]
    return line.partition(behind)[2]


def test_a_merge_without_its_key_goes_on_by_the_line_that_it_prints(
    two: tuple[Deployment, Deployment], git: Git
) -> None:
    first, second = two
    for each, name, text in ((first, "redis-password", "RedisByOurs"), (second, "turn-password", "TurnByTheirs")):
        replace_by_hand(each, first.answers, each.show(name), text)
        commit(git, each, "a new password")
    before, elsewhere = (first.state / "vault.age").read_bytes(), first.home / "brought along.txt"
    first.identity.rename(elsewhere)
    stopped = pull(git, first, second, check=False)
    assert stopped.returncode == 1
    assert "does not exist" in stopped.stderr
    assert (first.state / "vault.age").read_bytes() == before
    line = typed(stopped.stderr, "go on: ")
    gone_on = shell(first.tree, line.replace("FILE", f"'{elsewhere}'"))
    assert gone_on.returncode == 0, gone_on.stderr
    elsewhere.rename(first.identity)
    assert {kept.current.text.reveal() for kept in opened(first).values.values()} == {"RedisByOurs", "TurnByTheirs"}


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


def put(source: Deployment, into: Deployment) -> None:
    """Put the vault and its companions of one clone into another, as `git checkout` of a branch does."""
    for name in ("vault.age", "sites.lock", "audit.log"):
        shutil.copy(source.state / name, into.state / name)


def test_a_newer_vault_of_another_branch_is_refused_until_it_is_merged(
    two: tuple[Deployment, Deployment], git: Git
) -> None:
    first, second = two
    turn = first.show("turn-password")
    replace_by_hand(first, first.answers, turn, "SeenHere")
    commit(git, first, "a new secret for TURN")
    for _ in range(9):
        verb(second, "show", "redis-password")
    commit(git, second, "looked at, often")
    mine, theirs = opened(first), opened(second)
    assert theirs.revision > mine.revision
    assert not any(text == "SeenHere" for _, _, text in generations(theirs))
    put(second, first)
    before = first.everything()
    for argv in (["show"], ["show", "turn-password"], ["blank", "--no-input", "--yes"]):
        refused = first.run(argv[0], *argv[1:])
        assert (refused.code, first.everything()) == (3, before), refused.text
        for word in ("another branch", "vault merge", "--accept-older"):
            assert word in refused.err
    git(first.tree, "checkout", "--", ".")
    assert first.show("turn-password") == "SeenHere"
    commit(git, first, "looked at")
    pull(git, first, second)
    assert first.show("turn-password") == "SeenHere"
    put(second, first)
    assert first.run("show", "--accept-older").code == 0
    assert first.show("turn-password") == turn, "what was accepted is what counts from then on"


def test_a_newer_vault_whose_log_was_cut_short_is_refused_until_it_is_back(two: tuple[Deployment, Deployment]) -> None:
    first, second = two
    for _ in range(3):
        verb(second, "show", "redis-password")
    put(second, first)
    whole = (first.state / "audit.log").read_text()
    (first.state / "audit.log").unlink()
    refused = first.run("show")
    assert (refused.code, "audit.log lacks the lines" in refused.err) == (3, True), refused.text
    (first.state / "audit.log").write_text(whole)
    verb(first, "show")


def test_outside_a_repository_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    deployment = laid_out(tmp_path, TREE)
    done = deployment.run("vault", "merge", "--install")
    assert done.code == 2
    assert "no git work tree" in done.err


def test_a_merge_that_is_given_up_leaves_the_vault_that_opens(two: tuple[Deployment, Deployment], git: Git) -> None:
    """What git makes on the way is not remembered: the next opening would call the tree's own vault an old one."""
    first, second = two
    redis = first.show("redis-password")
    for each, text in ((first, "ChosenByOurs"), (second, "ChosenByTheirs")):
        replace_by_hand(each, first.answers, redis, text)
        commit(git, each, "a new password")
    assert pull(git, first, second, check=False).returncode == 1
    git(first.tree, "merge", "--abort")
    assert first.show("redis-password") == "ChosenByOurs"
    replace_by_hand(first, first.answers, "ChosenByOurs", "ChosenAgain")


def test_branches_that_met_crosswise_lose_nothing(two: tuple[Deployment, Deployment], git: Git) -> None:
    """Each has merged the other's earlier state: git makes a base of its own of the two, by the driver too."""
    first, second = two
    redis, turn = first.show("redis-password"), first.show("turn-password")
    texts = {redis, turn}
    for each, old, text in ((first, redis, "RedisByOurs"), (second, turn, "TurnByTheirs")):
        replace_by_hand(each, first.answers, old, text)
        commit(git, each, "a new password")
        git(each.tree, "branch", "earlier")
        texts.add(text)
    for each, other in ((first, second), (second, first)):
        git(each.tree, "fetch", "-q", str(other.tree), "earlier")
        git(each.tree, "merge", "-m", "crosswise", "FETCH_HEAD")
    for each, old, text in ((first, "TurnByTheirs", "TurnByOurs"), (second, "RedisByOurs", "RedisByTheirs")):
        replace_by_hand(each, first.answers, old, text)
        commit(git, each, "another")
        texts.add(text)
    git(first.tree, "fetch", "-q", str(second.tree), "HEAD")
    assert len(git(first.tree, "merge-base", "--all", "HEAD", "FETCH_HEAD").stdout.split()) == 2
    sides, lines = [opened(each) for each in two], {line for each in two for line in entries(each)}
    pull(git, first, second)
    merged = opened(first)
    assert generations(merged) == generations(sides[0]) | generations(sides[1])
    assert {text for _, _, text in generations(merged)} == texts
    assert {name: kept.current.text.reveal() for name, kept in merged.values.items()} == {
        "redis-password": "RedisByTheirs",
        "turn-password": "TurnByOurs",
    }
    assert merged.contests == ()
    assert lines <= set(entries(first))
    assert faults(first, merged) == []
    fill(first, first.answers, "--allow-tracked")


def test_a_rebase_carries_each_change_over(two: tuple[Deployment, Deployment], git: Git) -> None:
    first, second = two
    redis, turn = first.show("redis-password"), first.show("turn-password")
    replace_by_hand(second, first.answers, turn, "TurnByTheirs")
    commit(git, second, "theirs")
    for old, text in ((redis, "RedisOnce"), ("RedisOnce", "RedisTwice")):
        replace_by_hand(first, first.answers, old, text)
        commit(git, first, text)
    sides, lines = [opened(each) for each in two], {line for each in two for line in entries(each)}
    git(first.tree, "fetch", "-q", str(second.tree), "HEAD")
    git(first.tree, "rebase", "-q", "FETCH_HEAD")
    assert len(git(first.tree, "log", "--oneline").stdout.splitlines()) == 4
    rebased = opened(first)
    assert generations(rebased) == generations(sides[0]) | generations(sides[1])
    assert rebased.values["redis-password"].current.text.reveal() == "RedisTwice"
    assert rebased.values["turn-password"].current.text.reveal() == "TurnByTheirs"
    assert lines <= set(entries(first))
    assert faults(first, rebased) == []
    assert locks.read((first.state / "sites.lock").read_text()).vault_id == rebased.id
    fill(first, first.answers, "--allow-tracked")


def test_a_revert_brings_no_old_secret_back(two: tuple[Deployment, Deployment], git: Git) -> None:
    first, _ = two
    redis = first.show("redis-password")
    for old, text in ((redis, "Once"), ("Once", "Twice")):
        replace_by_hand(first, first.answers, old, text)
        commit(git, first, text)
    before = (first.state / "vault.age").read_bytes()
    undone = git(first.tree, "revert", "--no-edit", "HEAD~1", check=False)
    assert undone.returncode == 1
    assert (first.state / "vault.age").read_bytes() == before
    gone_on = shell(first.tree, typed(undone.stderr, "the older one: "))
    assert gone_on.returncode == 0, gone_on.stderr
    assert opened(first).revision
    assert (first.state / "vault.age").read_bytes() != before


def resealed(deployment: Deployment, seal: str, *former: str) -> None:
    """Put a vault with another seal in the place of the deployment's, as whoever reads it, or a stranger, can."""
    key = next(line for line in deployment.identity.read_text().splitlines() if not line.startswith("#"))
    identity, place = pyrage.x25519.Identity.from_str(key), deployment.state / "vault.age"
    vault = json.loads(pyrage.decrypt(place.read_bytes(), [identity]))
    vault |= {"seal": seal, "former_seals": former, "revision": vault["revision"] + 1}
    place.write_bytes(pyrage.encrypt(json.dumps(vault).encode(), [identity.to_public()]))


def test_where_the_vault_was_never_opened_only_our_own_seal_counts(
    two: tuple[Deployment, Deployment], git: Git
) -> None:
    first, second = two
    verb(first, "show", "turn-password")
    commit(git, first, "looked at")
    resealed(second, "ab" * 32)
    git(second.tree, "commit", "-qam", "harmless")
    first.pins.unlink()
    merging = pull(git, first, second, check=False)
    assert merging.returncode == 1
    assert "--accept-seal" in merging.stderr
    assert not first.pins.exists()


@pytest.mark.parametrize("is_known", [True, False], ids=["opened", "never opened"])
def test_a_new_seal_is_accepted_by_the_line_that_is_printed(
    two: tuple[Deployment, Deployment], git: Git, is_known: bool
) -> None:
    first, second = two
    verb(first, "show", "turn-password")
    commit(git, first, "looked at")
    before = opened(second)
    resealed(second, "ab" * 32, vaults.fingerprint(before.seal))
    git(second.tree, "commit", "-qam", "a new seal")
    if not is_known:
        first.pins.unlink()
    below = first.tree / "below"
    below.mkdir()
    git(first.tree, "fetch", "-q", str(second.tree), "HEAD")
    stopped = git(below, "merge", "-m", "both", "FETCH_HEAD", check=False)
    assert stopped.returncode == 1
    line = typed(stopped.stderr, "accept it: ")
    assert line == (
        'git -c merge.matrix-wizard.driver="$(git config merge.matrix-wizard.driver) '
        f'--accept-seal {vaults.fingerprint(Secret("ab" * 32))}" checkout --merge -- ../{STATE}/vault.age'
    )
    accepted = shell(below, line, XDG_DATA_HOME=str(first.home / "data"))
    assert accepted.returncode == 0, accepted.stderr
    merged = opened(first)
    assert merged.seal == Secret("ab" * 32)
    assert generations(merged) == generations(before)
    git(first.tree, "add", "-A")
    git(first.tree, "commit", "-qm", "both")
    assert faults(first, merged) == []
    fill(first, first.answers, "--allow-tracked")


def test_the_driver_finds_program_and_key_from_anywhere(two: tuple[Deployment, Deployment], git: Git) -> None:
    """The path of the key was relative at the installing, and git calls the driver elsewhere, without it."""
    first, second = two
    for each, name, text in ((first, "redis-password", "RedisByOurs"), (second, "turn-password", "TurnByTheirs")):
        replace_by_hand(each, first.answers, each.show(name), text)
        commit(git, each, "a new password")
    (first.tree / "below").mkdir()
    program = [sys.executable, "-m", "wizard", "vault", "merge", "--install"]
    argv = [*program, "--tree", "tree", "--identity", "identity.txt"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(argv, cwd=first.home, check=True, capture_output=True, env=environment)
    git(first.tree, "fetch", "-q", str(second.tree), "HEAD")
    subprocess.run(["git", "merge", "-qm", "both", "FETCH_HEAD"], cwd=first.tree / "below", check=True)
    assert {kept.current.text.reveal() for kept in opened(first).values.values()} == {"RedisByOurs", "TurnByTheirs"}


@pytest.mark.parametrize("name", ["main.yaml", f"{STATE}/vault.age", f"{STATE}/sites.lock"])
def test_nothing_but_the_three_files_is_merged(tmp_path: Path, name: str) -> None:
    deployment = laid_out(tmp_path, TREE)
    succeed(deployment.setup())
    log, other = deployment.state / "audit.log", deployment.tree / name
    before, text = log.read_bytes(), other.read_bytes()
    for ours, theirs in ((log, other), (other, log)):
        done = deployment.run("vault", "merge", os.devnull, str(ours), str(theirs))
        assert done.code == 3, done.text
        assert done.err.strip()
    assert (log.read_bytes(), other.read_bytes()) == (before, text)


def test_random_histories_lose_nothing_in_real_git(capsys: pytest.CaptureFixture[str]) -> None:
    """Merges, rebases and merges crosswise; ``python -m bench.merging`` makes a thousand of them (docs/bench.md)."""
    assert bench.main(["20", "--forked"]) == 0
    assert "20 pairs" in capsys.readouterr().out


def test_what_met_before_the_driver_was_there_is_merged_by_it_afterwards(
    two: tuple[Deployment, Deployment], git: Git
) -> None:
    first, second = two
    for each, name, text in ((first, "redis-password", "RedisByOurs"), (second, "turn-password", "TurnByTheirs")):
        replace_by_hand(each, first.answers, each.show(name), text)
        commit(git, each, "a new password")
    git(first.tree, "config", "--remove-section", "merge.matrix-wizard")
    assert pull(git, first, second, check=False).returncode == 1
    lines = {line for each in two for line in git(each.tree, "show", f"HEAD:{STATE}/audit.log").stdout.splitlines()}
    verb(first, "vault", "merge", "--install")
    git(first.tree, "checkout", "--merge", "--", STATE)
    merged = opened(first)
    assert {kept.current.text.reveal() for kept in merged.values.values()} == {"RedisByOurs", "TurnByTheirs"}
    assert lines <= set(entries(first))
    assert faults(first, merged) == []
    git(first.tree, "add", "-A")
    git(first.tree, "commit", "-qm", "both")
    fill(first, first.answers, "--allow-tracked")


def test_what_git_has_not_merged_is_not_written_over(two: tuple[Deployment, Deployment], git: Git) -> None:
    """Without the driver git leaves ours and marks it: a setup and a commit would lose the other branch's half."""
    first, second = two
    for each, name in ((first, "redis-password"), (second, "turn-password")):
        replace_by_hand(each, first.answers, each.show(name), f"Chosen{name.title().replace('-', '')}")
        commit(git, each, "a new password")
    git(first.tree, "config", "--remove-section", "merge.matrix-wizard")
    assert pull(git, first, second, check=False).returncode == 1
    before = first.everything()
    for argv in (
        ["setup", "--answers", str(first.answers), "--no-input", "--yes", "-q", "--allow-tracked"],
        ["show", "redis-password"],
    ):
        stopped = first.run(argv[0], *argv[1:])
        assert (stopped.code, "git checkout --merge" in stopped.err, stopped.out) == (3, True, ""), stopped.text
    assert first.everything() == before
    verb(first, "vault", "merge", "--install")
    git(first.tree, "checkout", "--merge", "--", STATE)
    git(first.tree, "add", "-A")
    assert {kept.current.text.reveal() for kept in opened(first).values.values()} == {
        "ChosenRedisPassword", "ChosenTurnPassword",
    }  # fmt: skip
    verb(first, "show", "redis-password")
