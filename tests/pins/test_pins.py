"""What is remembered of vaults, where the key lies in a keyring and nothing of ours is on the disk yet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from scripts.runs import run
from scripts.small import MINIMUM, secret


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
