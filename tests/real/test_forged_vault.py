"""A vault that somebody else made, or an old one: the program against whoever may write to the repository.

The attacker has the repository, the public key and the `age` program, and not the key. Debian: age, git.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scripts.small import MINIMUM, secret

ROOT = Path(__file__).parents[2]
STATE, VAULT, LOCK = ".matrix-wizard", ".matrix-wizard/vault.age", ".matrix-wizard/sites.lock"
TREE = secret("synapse-secrets", REDIS_PASSWORD="CHANGEME_REDIS_PASSWORD", TURN="CHANGEME_TURN_SECRET")
VERBS = (
    ("setup", "--no-input", "--yes"),
    ("setup", "--no-input", "--yes", "--set", "domains.turn=voice.chat-corp.net"),
    ("setup", "--no-input", "--yes", "--restore", "--accept-new-sites", "--adopt"),
    ("plan",),
    ("blank", "--no-input", "--yes"),
    ("show",),
    ("show", "turn-secret"),
    ("answers",),
    ("vault", "recipients", "list"),
)

FEW = (VERBS[2], VERBS[6])  # one that writes, and one that tells


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None]) -> None:
    needs("age", "age-keygen", "git")


@dataclass(frozen=True)
class Home:
    """A home directory, in which trees, keys and what is remembered of vaults lie."""

    path: Path

    def run(self, tree: Path, *words: str, identity: str = "key.txt") -> subprocess.CompletedProcess[str]:
        named = ("--identity", str(self.path / identity)) if identity else ()
        return subprocess.run(
            [sys.executable, "-m", "wizard", *words, "--tree", str(tree), *named],
            cwd=self.path,
            env={
                **os.environ,
                "HOME": str(self.path),
                "XDG_DATA_HOME": str(self.path / "data"),
                "PYTHONPATH": str(ROOT),
                "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def setup(self, tree: Path, *words: str, identity: str = "key.txt") -> subprocess.CompletedProcess[str]:
        answers = self.path / "answers.yaml"
        answers.write_text(MINIMUM)
        return self.run(
            tree,
            "setup",
            "--no-input",
            "--yes",
            "--answers",
            str(answers),
            "--allow-tracked",
            *words,
            identity=identity,
        )

    def tree(self, name: str, identity: str = "key.txt") -> Path:
        """Return a new tree, filled."""
        tree = self.path / name
        tree.mkdir(parents=True)
        (tree / "main.yaml").write_text(TREE)
        done = self.setup(tree, identity=identity)
        assert done.returncode == 0, done.stderr
        return tree

    def public(self, identity: str = "key.txt") -> str:
        found = re.search(r"public key: (\S+)", (self.path / identity).read_text())
        assert found
        return found[1]

    def everything(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.path.rglob("*") if path.is_file()}


@pytest.fixture
def victim(tmp_path: Path) -> Home:
    home = Home(tmp_path / "victim")
    home.path.mkdir()
    return home


@pytest.fixture
def attacker(tmp_path: Path) -> Home:
    home = Home(tmp_path / "attacker")
    home.path.mkdir()
    return home


def vault_of(home: Home, tree: Path, identity: str = "key.txt") -> dict[str, Any]:
    """Return the vault of a tree as the age program shows it."""
    command = ["age", "-d", "-i", str(home.path / identity), str(tree / VAULT)]
    payload: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return payload


def seal(payload: dict[str, Any], public: str, to: Path) -> None:
    sealed = subprocess.run(["age", "-r", public], input=json.dumps(payload).encode(), capture_output=True, check=True)
    to.write_bytes(sealed.stdout)


def git(at: Path, *words: str) -> str:
    settings = ("-c", "user.name=A. Person", "-c", "user.email=person@chat-corp.net")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *settings, *words], cwd=at, env=environment, capture_output=True, text=True, check=True
    ).stdout


def vault_id(tree: Path) -> str:
    return str(json.loads((tree / LOCK).read_text().splitlines()[0])["vault"])


@dataclass(frozen=True)
class Forgery:
    """What an attacker has at hand: the payload of a vault of their own, and the victim's tree and public key."""

    payload: dict[str, Any]
    lock: str  # the attacker's own sites.lock
    tree: Path
    public: str

    def put(self, **changes: Any) -> None:
        """Put the attacker's vault in the place of the tree's, with some fields changed."""
        fields = {**self.payload, "recipients": [{"key": self.public}], "revision": 999, **changes}
        seal({name: field for name, field in fields.items() if field is not None}, self.public, self.tree / VAULT)


def of_the_same_id(forgery: Forgery) -> None:
    forgery.put(id=vault_id(forgery.tree))


def of_the_same_id_and_revision(forgery: Forgery) -> None:
    forgery.put(id=vault_id(forgery.tree), revision=1)


def without_a_seal(forgery: Forgery) -> None:
    forgery.put(id=vault_id(forgery.tree), seal=None)


def of_the_first_format(forgery: Forgery) -> None:
    recipients = [forgery.public]
    gone = dict.fromkeys(("seal", "revision", "audit"))
    forgery.put(id=vault_id(forgery.tree), version=1, **{**gone, "recipients": recipients})


def of_another_id_with_its_own_lock(forgery: Forgery) -> None:
    forgery.put()
    (forgery.tree / LOCK).write_text(forgery.lock)


def of_another_id_and_the_first_format(forgery: Forgery) -> None:
    gone = dict.fromkeys(("seal", "revision", "audit"))
    forgery.put(version=1, **{**gone, "recipients": [forgery.public]})
    (forgery.tree / LOCK).write_text(forgery.lock)


def of_another_id_beside_the_old_lock(forgery: Forgery) -> None:
    forgery.put()


def of_another_id_without_a_lock(forgery: Forgery) -> None:
    forgery.put()
    (forgery.tree / LOCK).unlink()


def of_the_same_id_without_a_lock(forgery: Forgery) -> None:
    forgery.put(id=vault_id(forgery.tree))
    (forgery.tree / LOCK).unlink()


def that_says_it_follows_the_old_one(forgery: Forgery) -> None:
    forgery.put(id=vault_id(forgery.tree), former_seals=["0123-4567-89ab-cdef-0123-4567"])


def as_a_link(forgery: Forgery) -> None:
    forgery.put(id=vault_id(forgery.tree))
    (forgery.tree / "notes.age").write_bytes((forgery.tree / VAULT).read_bytes())
    (forgery.tree / VAULT).unlink()
    (forgery.tree / VAULT).symlink_to("../notes.age")


FORGERIES: list[Callable[[Forgery], None]] = [
    of_the_same_id,
    of_the_same_id_and_revision,
    without_a_seal,
    of_the_first_format,
    of_another_id_with_its_own_lock,
    of_another_id_and_the_first_format,
    of_another_id_beside_the_old_lock,
    of_another_id_without_a_lock,
    of_the_same_id_without_a_lock,
    that_says_it_follows_the_old_one,
    as_a_link,
]


def refused(
    home: Home, tree: Path, *said: str, identity: str = "key.txt", verbs: Sequence[tuple[str, ...]] = FEW
) -> None:
    """Give the *verbs*; each is refused with all that is to be *said*, and no byte changes anywhere."""
    before = home.everything()
    for verb in verbs:
        done = home.run(tree, *verb, identity=identity)
        assert (done.returncode, done.stdout) == (3, ""), (verb, done.stderr)
        assert all(each in done.stderr for each in said), done.stderr
        assert home.everything() == before, verb


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_vault_that_somebody_else_sealed_is_refused(
    victim: Home, attacker: Home, forge: Callable[[Forgery], None]
) -> None:
    tree, own = victim.tree("deployment"), attacker.tree("deployment")
    forge(Forgery(vault_of(attacker, own), (own / LOCK).read_text(), tree, victim.public()))
    payload = vault_of(victim, tree)  # the victim's key does open it
    assert payload["values"]["turn-secret"] == vault_of(attacker, own)["values"]["turn-secret"]
    refused(victim, tree, verbs=VERBS if forge is FORGERIES[0] else FEW)


def test_a_genuine_vault_of_another_tree_is_refused_whether_its_key_is_named_or_looked_up(victim: Home) -> None:
    """With keys that are looked up by the vault's id, which the repository tells, the attacker chooses among them."""
    first, second = victim.tree("first"), victim.tree("second")
    keys = victim.path / "data" / "matrix-wizard" / "identities"
    keys.mkdir(parents=True)
    for tree in (first, second):
        shutil.copy(victim.path / "key.txt", keys / f"{vault_id(tree)}.txt")
        assert victim.run(tree, "show", identity="").returncode == 0
    for name in (VAULT, LOCK):
        shutil.copy(second / name, first / name)
    refused(victim, first, "another vault than the one that this tree had")
    refused(victim, first, "another vault than the one that this tree had", identity="")


def test_an_older_vault_is_refused_with_how_far_it_is_behind_and_goes_on_where_that_is_accepted(victim: Home) -> None:
    tree = victim.tree("repo/deployment")
    git(tree.parent, "init", "-q")
    for number in range(4):
        done = victim.setup(tree, "--set", f"domains.turn=voice{number}.chat-corp.net")
        assert done.returncode == 0, done.stderr
        git(tree.parent, "add", "-A")
        git(tree.parent, "commit", "-qm", f"{number}")
    newest = git(tree.parent, "rev-parse", "HEAD").strip()
    git(tree.parent, "checkout", "-q", "HEAD~3")
    refused(victim, tree, "revision 2, 3 behind 5", "--accept-older")
    shown = victim.run(tree, "vault", "recipients", "list", "--accept-older", "--json")
    assert (shown.returncode, json.loads(shown.stdout)["revision"]) == (0, 2)
    assert victim.run(tree, "show").returncode == 0  # what was accepted is the newest from then on
    git(tree.parent, "checkout", "-q", newest)
    assert victim.run(tree, "show").returncode == 0
    git(tree.parent, "checkout", "-q", "HEAD~1")
    refused(victim, tree, "revision 4, 1 behind 5")


def test_a_clone_elsewhere_says_the_seal_once_and_is_held_to_one_that_is_named(victim: Home) -> None:
    tree = victim.tree("repo/deployment")
    git(tree.parent, "init", "-q")
    git(tree.parent, "add", "-A")
    git(tree.parent, "commit", "-qm", "All")
    seal_ = json.loads(victim.run(tree, "vault", "recipients", "list", "--json").stdout)["seal"]
    assert "first time" not in victim.run(tree, "show").stderr
    git(victim.path, "clone", "-q", str(tree.parent), "clone")
    clone = victim.path / "clone" / "deployment"
    told = victim.run(clone, "show").stderr
    assert ("first time" in told, seal_ in told) == (True, True)
    assert "first time" not in victim.run(clone, "show").stderr
    shutil.copy(victim.path / "key.txt", victim.path / "another.txt")
    assert "first time" not in victim.run(tree, "show", identity="another.txt").stderr, "one memory for all keys"
    machine = Home(victim.path / "machine")
    machine.path.mkdir()
    shutil.copy(victim.path / "key.txt", machine.path)
    other = machine.run(tree, "show", "--accept-seal", "0000-0000-0000-0000-0000-0000")
    assert (other.returncode, "not the seal that you named" in other.stderr) == (3, True)
    right = machine.run(tree, "show", "--accept-seal", seal_)
    assert (right.returncode, seal_ in right.stderr) == (0, True)


def test_a_new_vault_at_a_new_place_is_told_clearly_though_the_key_is_known(victim: Home, attacker: Home) -> None:
    victim.tree("deployment")
    own = attacker.tree("deployment")
    forgery = Forgery(vault_of(attacker, own), (own / LOCK).read_text(), own, victim.public())
    forgery.put()
    told = victim.run(own, "show", "-q")
    seal_ = json.loads(victim.run(own, "vault", "recipients", "list", "--json").stdout)["seal"]
    assert told.returncode == 0
    assert "! This vault is none of those that you opened before (1)" in told.stderr
    assert f"its seal is {seal_}" in told.stderr
    assert "in person" in told.stderr
    assert "none of" not in victim.run(own, "show").stderr


def test_another_seal_is_accepted_by_its_own_name_only_and_an_old_one_besides_as_such(
    victim: Home, attacker: Home
) -> None:
    tree, own = victim.tree("deployment"), attacker.tree("deployment")
    forgery = Forgery(vault_of(attacker, own), (own / LOCK).read_text(), tree, victim.public())
    forgery.put(id=vault_id(tree))
    message = victim.run(tree, "show").stderr
    other = re.findall(r"--accept-seal (\S+?)\.? ", message)[0]
    pinned = re.findall(r"and not (\S+?)\. ", message)[0]
    for wrong in (pinned, other[:-1], other.upper(), "none", "*"):
        assert victim.run(tree, "show", "--accept-seal", wrong).returncode == 3, wrong
    assert victim.run(tree, "show", "--accept-older").returncode == 3
    apart = victim.run(tree, "show", "--accept-seal", other)
    assert (apart.returncode, "does not follow from" in apart.stderr) == (3, True), "its log is another's as well"
    assert victim.run(tree, "show", "--accept-seal", other, "--accept-older").returncode == 0
    forgery.put(id=vault_id(tree), seal="f" * 64, revision=998)
    both = re.findall(r"--accept-seal (\S+?)\.? ", victim.run(tree, "show").stderr)[0]
    one = victim.run(tree, "show", "--accept-seal", both)
    assert (one.returncode, "1 behind 999" in one.stderr) == (3, True)
    assert victim.run(tree, "show", "--accept-seal", both, "--accept-older").returncode == 0


def test_another_vault_in_a_trees_place_is_refused_until_its_seal_is_accepted(victim: Home) -> None:
    tree, other = victim.tree("deployment"), victim.tree("other")
    seal_ = json.loads(victim.run(other, "vault", "recipients", "list", "--json").stdout)["seal"]
    tree.rename(victim.path / "moved")
    other.rename(tree)
    refused(victim, tree, "another vault than the one that this tree had", seal_)
    assert victim.run(tree, "show", "--accept-seal", seal_).returncode == 0
    assert victim.run(tree, "show").returncode == 0
    moved = victim.run(victim.path / "moved", "show")
    assert (moved.returncode, "first time" in moved.stderr) == (0, True)


def test_a_link_to_a_tree_is_that_tree(victim: Home, attacker: Home) -> None:
    tree, own = victim.tree("deployment"), attacker.tree("deployment")
    (victim.path / "link").symlink_to("deployment")
    assert "first time" not in victim.run(victim.path / "link", "show").stderr
    of_another_id_with_its_own_lock(Forgery(vault_of(attacker, own), (own / LOCK).read_text(), tree, victim.public()))
    refused(victim, victim.path / "link")


def test_a_tree_that_lost_vault_and_lock_is_no_new_one(victim: Home) -> None:
    tree = victim.tree("deployment")
    assert victim.run(tree, "blank", "--no-input", "--yes").returncode == 0
    shutil.rmtree(tree / STATE)
    before = victim.everything()
    lost = victim.setup(tree)
    assert (lost.returncode, "--new-deployment" in lost.stderr) == (3, True)
    assert victim.everything() == before
    assert victim.setup(tree, "--new-deployment").returncode == 0


def test_what_is_remembered_is_damaged_or_cannot_be_written(victim: Home) -> None:
    tree = victim.tree("deployment")
    pins = victim.path / "data" / "matrix-wizard" / "pins"
    kept = pins.read_bytes()
    assert (pins.stat().st_mode & 0o777, set(json.loads(kept))) == (0o600, {"vaults", "trees"})
    assert not any(each.encode() in kept for each in vault_of(victim, tree)["seal"].split())
    for damaged in (b"", b"[]", b"{", b'{"vaults": {"a": 1}}', kept[:-9], b"\xff"):
        pins.write_bytes(damaged)
        refused(victim, tree, str(pins))
    pins.unlink()
    pins.mkdir()
    assert victim.run(tree, "show").returncode == 3
    pins.rmdir()
    pins.with_name("pins.mwtmp").write_text("of a run that was killed")
    assert "first time" in victim.run(tree, "show").stderr
    assert "first time" not in victim.run(tree, "show").stderr
