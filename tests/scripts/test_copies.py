"""No plaintext copy: a run killed at any call leaves secrets in manifests and *.mwtmp files, and nowhere else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from pytest import MonkeyPatch

from .runs import Deployment
from .small import GIVEN, SMTP, LayOut, config, secret, succeed
from .small import MINIMUM as SMALL

MAIL = "email:\n  smtp_host: CHANGEME_SMTP_HOST\n  smtp_pass: CHANGEME_SMTP_PASSWORD"
TREE = {
    "main.yaml": secret("synapse-secrets", REDIS_PASSWORD="CHANGEME_REDIS_PASSWORD", TURN="CHANGEME_TURN_SECRET"),
    "deep/mail.yml": config("synapse-config", MAIL),
    "deep/redis.json": '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "redis", "namespace": "matrix"}, '
    '"stringData": {"password": "CHANGEME_REDIS_PASSWORD"}}',
}
CALLS = ("fchmod", "fsync", "ftruncate", "mkdir", "open", "pwrite", "rename", "replace", "unlink", "write")


@contextmanager
def killed_at(number: int) -> Iterator[list[str]]:
    """Let the process die at its *number*-th call that changes the disk; yields the calls that were made."""
    made: list[str] = []
    real = {name: getattr(os, name) for name in CALLS}

    def guarded(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            made.append(name)
            if len(made) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real[name](*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, guarded(name))
    try:
        yield made
    finally:
        for name, function in real.items():
            setattr(os, name, function)


@pytest.fixture
def home(lay_out: LayOut, monkeypatch: MonkeyPatch) -> Deployment:
    """Return a filled tree; whatever the program writes, for its own ends too, is below its home."""
    deployment = lay_out(TREE, SMALL + SMTP)
    for name in ("tmp", "state", "data", "cache"):
        (deployment.home / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(deployment.home / "tmp"))
    for name in ("STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(deployment.home / name.lower()))
    succeed(deployment.setup())
    return deployment


def holders(deployment: Deployment, secrets: list[bytes]) -> set[str]:
    """Return every file below the home in which a secret can be read."""
    files = (path for path in deployment.home.rglob("*") if path.is_file())
    return {
        path.relative_to(deployment.home).as_posix()
        for path in files
        if any(each in path.read_bytes() for each in secrets)
    }


FILLED = {f"tree/{path}" for path in TREE} | {"answers/given.txt"}


@pytest.mark.parametrize("verb", ["setup", "blank", "restore"])
def test_a_run_killed_at_any_call_leaves_no_copy_but_what_the_next_run_removes(home: Deployment, verb: str) -> None:
    secrets = [home.show(name).encode() for name in ("redis-password", "turn-secret")] + [GIVEN.encode()]
    assert holders(home, secrets) == FILLED
    if verb == "setup":
        succeed(home.blank())
        assert holders(home, secrets) == {"answers/given.txt"}
    elif verb == "restore":
        home.edit("main.yaml", secrets[1].decode(), "Typed-by-hand-in-the-tree")
        secrets.append(b"Typed-by-hand-in-the-tree")
    give = partial(home.blank) if verb == "blank" else partial(home.setup, "--restore")
    before = shutil.copytree(home.home, home.home.with_name("before"))
    with killed_at(0) as calls:
        succeed(give())
    seen = set()
    for number in range(1, len(calls) + 1):
        shutil.rmtree(home.home)
        shutil.copytree(before, home.home)
        if not (child := os.fork()):
            with killed_at(number):
                give()
            os._exit(0)
        os.waitpid(child, 0)
        copies = holders(home, secrets) - FILLED
        assert {path for path in copies if not path.endswith(".mwtmp")} == set(), calls[number - 1]
        assert not any((home.home / "tmp").iterdir())
        seen |= copies
        shown = home.run("show")  # any run that opens the vault
        assert shown.code == 0, shown.err
        assert holders(home, secrets) <= FILLED
        assert not [path for path in home.home.rglob("*") if ".mwtmp" in path.name and "pins" not in path.name]
    assert seen >= {"setup": {f"tree/{path}.mwtmp" for path in TREE}, "restore": {"tree/main.yaml.mwtmp"}}.get(
        verb, set()
    )


def test_what_is_staged_is_left_to_a_run_at_work(home: Deployment) -> None:
    staged = home.tree / "main.yaml.mwtmp"
    staged.write_text("being written")
    busy = home.state / ".busy"
    holder = subprocess.Popen(
        ["flock", str(busy), "sh", "-c", "echo held; cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        assert home.run("show").code == 0
        assert staged.exists()
        holder.stdin.close()
    assert "had staged: 1 file." in home.run("show").err
    assert not staged.exists()


def test_nothing_outside_is_tidied_through_a_link(home: Deployment) -> None:
    outside = home.state.rename(home.home / "outside")
    home.state.symlink_to(outside)
    (outside / "theirs.mwtmp").write_text("of somebody else")
    before = {path: path.read_bytes() for path in outside.iterdir()}
    assert home.run("show").code == 0
    assert home.blank().code == 3
    assert {path: path.read_bytes() for path in outside.iterdir()} == before


def test_a_directory_of_such_a_name_is_in_nobodys_way(home: Deployment) -> None:
    for place in (home.state / "a.mwtmp", home.tree / "b.mwtmp"):
        place.mkdir()
    succeed(home.blank())
    succeed(home.setup())


def test_a_staged_file_is_no_manifest_and_the_guard_refuses_it(home: Deployment) -> None:
    for words in (["init", "-q"], ["add", "-A", "tree"]):
        subprocess.run(["git", *words], cwd=home.home, check=True)
    (home.tree / "main.yaml.mwtmp").write_text("half of it")
    subprocess.run(["git", "add", "tree/main.yaml.mwtmp"], cwd=home.home, check=True)
    found = home.run("vault", "guard", "--staged", "--json")
    assert (found.code, str(home.tree / "main.yaml.mwtmp") in [each["where"] for each in found.data["staged"]]) == (
        1,
        True,
    )
