"""A commit that is killed, or refused by the disk, at every single call it makes to change the disk."""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyrage
import pytest

from wizard import lock as locks
from wizard import sealing, vault
from wizard.errors import WriteFailedError
from wizard.secret import Secret
from wizard.store import Tree, Writing, commit, open_tree

KEY = pyrage.x25519.Identity.generate()
IDENTITY = Secret(str(KEY))
NOW = "2026-03-01T12:00:00Z"
WRITING_CALLS = ("fchmod", "fchown", "fsync", "ftruncate", "mkdir", "open", "pwrite", "replace", "unlink", "write")

BEFORE = {"a.yaml": b"old a", "d/b.yaml": b"old b", "gone.yaml": b"old"}
CHANGES = {"a.yaml": b"new a", "d/b.yaml": b"new b", "gone.yaml": None, "new/deep/c.yaml": b"new c"}
AFTER = {name: data for name, data in CHANGES.items() if data is not None}


@contextmanager
def failing(at: int, fail: Callable[[], object]) -> Iterator[list[str]]:
    """Let the *at*-th writing call of the operating system fail; yields the calls that were made."""
    made: list[str] = []
    real = {name: getattr(os, name) for name in WRITING_CALLS}

    def guarded(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            made.append(name)
            if len(made) == at:
                fail()
            return real[name](*arguments, **options)

        return call

    for name in WRITING_CALLS:
        setattr(os, name, guarded(name))
    try:
        yield made
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def plant(root: Path, *, is_first: bool) -> tuple[Tree, Writing]:
    """A tree, and the change of it that a run would commit: the first one, or one with a vault already there."""
    root.mkdir()
    for name, data in BEFORE.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
    empty = vault.Vault(vault.new_vault_id(), (vault.Recipient(str(KEY.to_public())),))
    if not is_first:
        commit(open_tree(root), Writing({}, vault=sealing.seal(empty), lock=locks.text(empty).encode()))
    tree, changes = open_tree(root), {name: (BEFORE.get(name), data) for name, data in CHANGES.items()}
    after = vault.keep(empty, "redis-password", vault.Generation("1", "current", NOW, "made", Secret("kX4pbz2h")))
    after = vault.Vault(after.id, after.recipients, values=after.values, journal=vault.journal("setup", NOW, changes))
    sealed, lock = sealing.seal(after), locks.text(after).encode()
    return tree, Writing(CHANGES, vault=sealed, vault_before=tree.vault(), lock=lock, private={"a.yaml"})


def snapshot(root: Path) -> dict[str, tuple[int, bytes | None]]:
    paths = {path.relative_to(root).as_posix(): path for path in root.rglob("*")}
    return {name: (path.stat().st_mode, None if path.is_dir() else path.read_bytes()) for name, path in paths.items()}


def steps_of(root: Path, *, is_first: bool) -> list[str]:
    tree, writing = plant(root, is_first=is_first)
    with failing(0, lambda: None) as made:
        commit(tree, writing)
    assert len(made) > 30
    return made


@pytest.mark.parametrize("is_first", [True, False])
def test_killed_at_any_call_the_next_run_finds_whole_files_its_vault_and_what_is_left(
    tmp_path: Path, is_first: bool
) -> None:
    seen = set()
    for at in range(1, len(steps_of(tmp_path / "whole", is_first=is_first)) + 1):
        root = tmp_path / str(at)
        tree, writing = plant(root, is_first=is_first)
        if not (child := os.fork()):
            with failing(at, lambda: os.kill(os.getpid(), signal.SIGKILL)):
                commit(tree, writing)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

        found = open_tree(root)
        for name, data in CHANGES.items():
            assert found.files.get(name) in (BEFORE.get(name), data)
        if any(found.files.get(name) != BEFORE.get(name) for name in CHANGES) or found.vault() == writing.vault:
            seen.add("tree begun")
            sealed, lock = found.vault(), found.lock()
            assert sealed == writing.vault, "no file changes before its vault stands"
            assert sealed is not None
            assert lock is not None
            reopened = sealing.unseal(sealed, IDENTITY)
            assert locks.read(lock.decode()).vault_id == reopened.id, "the lock names the vault's key"
            left = vault.unfinished(reopened, found.files)
            assert set(left) == {name for name in CHANGES if found.files.get(name) != CHANGES[name]}
            rest = Writing({name: CHANGES[name] for name in left}, vault=sealed, vault_before=sealed, lock=writing.lock)
            commit(found, rest)
        else:
            seen.add("tree untouched")
            commit(found, Writing(CHANGES, vault=writing.vault, vault_before=found.vault(), lock=writing.lock))
        done = open_tree(root)
        assert dict(done.files) == AFTER
        assert (done.vault(), done.lock()) == (writing.vault, writing.lock)
        assert not [*root.rglob("*.mwtmp"), *root.rglob(".busy")]
    assert seen == {"tree begun", "tree untouched"}


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS])
def test_refused_by_the_disk_at_any_call_everything_is_put_back(tmp_path: Path, is_first: bool, reason: int) -> None:
    def fail() -> None:
        raise OSError(reason, os.strerror(reason))

    made = steps_of(tmp_path / "whole", is_first=is_first)
    for at in range(1, len(made) + 1):
        root = tmp_path / str(at)
        tree, writing = plant(root, is_first=is_first)
        before = snapshot(root)
        with failing(at, fail) as calls:
            if at == len(made):  # giving back the mutex: all stands by then, and what stays of it is taken over
                commit(tree, writing)
                assert calls[-1] == "unlink"
                assert dict(open_tree(root).files) == AFTER
                continue
            with pytest.raises(WriteFailedError) as caught:
                commit(tree, writing)
        (problem,) = caught.value.problems
        assert os.strerror(reason) in problem.what
        assert problem.where
        assert snapshot(root) == before, f"call {at} ({made[at - 1]})"


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, MemoryError])
def test_whatever_stops_a_commit_everything_is_put_back(tmp_path: Path, interrupt: type[BaseException]) -> None:
    def fail() -> None:
        raise interrupt

    made = steps_of(tmp_path / "whole", is_first=False)
    for at in range(1, len(made)):
        tree, writing = plant(tmp_path / str(at), is_first=False)
        before = snapshot(tree.root)
        with failing(at, fail), pytest.raises(interrupt):
            commit(tree, writing)
        assert snapshot(tree.root) == before, f"call {at} ({made[at - 1]})"


def test_a_disk_that_refuses_even_the_way_back_is_said_and_the_next_run_finishes(tmp_path: Path) -> None:
    tree, writing = plant(tmp_path / "tree", is_first=False)
    whole = steps_of(tmp_path / "whole", is_first=False)
    second_rename = [number for number, name in enumerate(whole, 1) if name == "replace"][1]

    def fail() -> None:
        os.open = gone
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def gone(*_: Any, **__: Any) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with failing(second_rename, fail), pytest.raises(WriteFailedError) as caught:
        commit(tree, writing)
    assert ".matrix-wizard/vault.age" in [problem.where for problem in caught.value.problems]
    assert not any("put back as it was" in problem.next for problem in caught.value.problems)
    found = open_tree(tmp_path / "tree")
    assert found.vault() == writing.vault
    commit(found, Writing(CHANGES, vault=writing.vault, vault_before=found.vault(), lock=writing.lock))
    assert dict(open_tree(tmp_path / "tree").files) == AFTER
