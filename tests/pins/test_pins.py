"""What is remembered of vaults, where the key lies in a keyring and nothing of ours is on the disk yet."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from scripts.runs import run
from scripts.small import MINIMUM, secret

from wizard import keystore, pins
from wizard.pins import Pin, Pins


class Remembering(KeyringBackend):
    """A keyring that keeps what it is given, as the system's own does."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a filled tree whose key lies in a keyring."""
    for name in ("TREE", "IDENTITY", "ANSWERS", "JSON", "QUIET", "NO_INPUT"):
        monkeypatch.delenv(f"MATRIX_WIZARD_{name}", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "answers.yaml").write_text(MINIMUM)
    before = keyring.get_keyring()
    keyring.set_keyring(Remembering())
    yield filled(tmp_path, "tree")
    keyring.set_keyring(before)


def filled(home: Path, name: str) -> Path:
    tree = home / name
    tree.mkdir()
    (tree / "main.yaml").write_text(secret("redis", password="CHANGEME_REDIS_PASSWORD"))
    done = run("setup", "--tree", str(tree), "--answers", str(home / "answers.yaml"), "--no-input", "--yes")
    assert done.code == 0, done.err
    return tree


def test_what_a_key_in_the_keyring_opened_is_remembered_from_the_first_day(tmp_path: Path, tree: Path) -> None:
    pins = tmp_path / "data" / "matrix-wizard" / "pins"
    assert (pins.stat().st_mode & 0o777, pins.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [path.name for path in pins.parent.iterdir()] == ["pins"]
    old = shutil.copytree(tree / ".matrix-wizard", tmp_path / "old")
    answers = ("--answers", str(tmp_path / "answers.yaml"), "--no-input", "--yes")
    assert run("setup", "--tree", str(tree), *answers, "--set", "domains.turn=voice.chat-corp.net").code == 0
    shutil.copytree(old, tree / ".matrix-wizard", dirs_exist_ok=True)
    refused = run("show", "--tree", str(tree))
    assert (refused.code, "1 behind 2" in refused.err) == (3, True)


def test_the_vault_of_another_tree_is_refused_though_the_keyring_has_its_key(tmp_path: Path, tree: Path) -> None:
    other = filled(tmp_path, "other")
    shutil.rmtree(tree / ".matrix-wizard")
    shutil.copytree(other / ".matrix-wizard", tree / ".matrix-wizard")
    refused = run("show", "--tree", str(tree))
    assert (refused.code, "another vault" in refused.err) == (3, True)


def test_a_tree_of_the_past_is_not_filled_anew_unless_that_is_said(tmp_path: Path, tree: Path) -> None:
    shutil.rmtree(tree / ".matrix-wizard")
    before = (tree / "main.yaml").read_bytes()
    answers = ("--tree", str(tree), "--answers", str(tmp_path / "answers.yaml"), "--no-input", "--yes")
    refused = run("setup", *answers)
    assert (refused.code, (tree / "main.yaml").read_bytes()) == (3, before)
    assert not (tree / ".matrix-wizard").exists()
    assert run("setup", *answers, "--new-deployment").code == 0


def test_runs_at_once_forget_nothing_of_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    children = []
    for run_ in range(4):
        if not (child := os.fork()):
            for number in range(25):
                before = pins.known()
                name = f"{run_}-{number}"
                pins.keep(before, pins.beside(before, Pins({name: Pin("seal", 1)}, {name: name})))
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert (len(pins.known().vaults), len(pins.known().trees)) == (100, 100)


def test_what_another_run_saw_meanwhile_is_not_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    pins.keep(Pins(), Pins({"a": Pin("seal", 1)}))
    slow = pins.known()
    pins.keep(slow, pins.beside(slow, Pins({"a": Pin("seal", 3)})))
    pins.keep(slow, pins.beside(slow, Pins({"a": Pin("seal", 2), "b": Pin("seal", 1)})))
    assert pins.known().vaults == {"a": Pin("seal", 3), "b": Pin("seal", 1)}


def test_what_lay_beside_a_key_in_former_days_is_carried_over_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One memory for each user: any key of the vault goes by what any other has opened."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    (tmp_path / "answers.yaml").write_text(MINIMUM)
    tree, memory = tmp_path / "tree", tmp_path / "data" / "matrix-wizard" / "pins"
    tree.mkdir()
    (tree / "main.yaml").write_text(secret("redis", password="CHANGEME_REDIS_PASSWORD"))
    key, other = tmp_path / "key.txt", tmp_path / "other.txt"
    answers = ("--answers", str(tmp_path / "answers.yaml"), "--no-input", "--yes")
    given = ("--tree", str(tree), "--identity", str(key))
    assert run("setup", *given, *answers).code == 0
    old = shutil.copytree(tree / ".matrix-wizard", tmp_path / "old")
    assert run("setup", *given, *answers, "--set", "domains.turn=voice.chat-corp.net").code == 0
    former = tmp_path / "key.txt.pins"
    memory.rename(former)
    shutil.copytree(old, tree / ".matrix-wizard", dirs_exist_ok=True)
    refused = run("show", *given)
    assert (refused.code, "1 behind 2" in refused.err) == (3, True), refused.text
    accepted = run("show", *given, "--accept-older")
    assert (accepted.code, "first time" in accepted.err) == (0, False), accepted.text
    assert run("show", *given).code == 0, "what was accepted since counts, and not the file of former days again"
    assert former.exists()
    shutil.copy(key, other)
    same = run("show", "--tree", str(tree), "--identity", str(other))
    assert (same.code, "first time" in same.err) == (0, False), same.text
    assert not (tmp_path / "other.txt.pins").exists()


def test_a_recovery_key_goes_by_the_seal_that_this_user_has_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "answers.yaml").write_text(MINIMUM)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "main.yaml").write_text(secret("redis", password="CHANGEME_REDIS_PASSWORD"))
    recovery = keystore.create("ab" * 16, tmp_path / "recovery.txt", interactive=False)
    given = ("--tree", str(tree), "--identity", str(tmp_path / "key.txt"))
    by_recovery = ("--tree", str(tree), "--identity", recovery.where)
    done = run("setup", *given, "--answers", str(tmp_path / "answers.yaml"), "--no-input", "--yes")
    assert done.code == 0, done.err
    assert run("vault", "recipients", "add", recovery.public, "--recovery", "-y", *given).code == 0
    assert run("show", *by_recovery).code == 0
    assert run("vault", "rekey", "-y", *given).code == 0
    known = run("show", *by_recovery)
    assert (known.code, "--accept-seal" in known.err) == (0, False), known.text
    assert run("check", *by_recovery).code == 0
