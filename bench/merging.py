"""Random pairs of histories merged by real git, with the program as its merge driver: `python -m bench.merging`.

Two clones of one repository live on apart: a merge, a rebase, or a merge crosswise (each has merged the other's earlier
state, so that git makes a base of its own) brings them together. What must be there afterwards is told by age and JSON
alone. It prints its seed, what it did, and stops at the first loss.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage

from bench.histories import Branch, begun, lived
from wizard import audit, sealing
from wizard import lock as locks
from wizard.secret import Secret
from wizard.vault import LOCK, LOG, VAULT, Audit

ROOT = Path(__file__).parents[1]
WAYS = ("merge",) * 6 + ("rebase", "crosswise")  # how often each is chosen
GIT_CONFIG = "[user]\n name = ops\n email = ops@chat-corp.net\n[init]\n defaultBranch = main\n[gc]\n auto = 0\n"
ATTRIBUTES = "vault.age binary merge=matrix-wizard\nsites.lock merge=matrix-wizard\naudit.log merge=matrix-wizard\n"


@dataclass(frozen=True)
class Rig:
    """Two clones below one directory, and the key that opens the vault of both."""

    home: Path
    key: pyrage.x25519.Identity

    @property
    def environment(self) -> dict[str, str]:
        """What git and the driver are started with: nothing of whoever runs this."""
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        mine = {"HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true", "PYTHONPATH": str(ROOT)}
        return {**kept, **mine, "MATRIX_WIZARD_IDENTITY": str(self.home / "identity.txt")}

    def git(self, clone: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run git in one of the clones, "one" or "two"; it must succeed if *check*."""
        command = ["git", *words]
        done = subprocess.run(
            command, cwd=self.home / clone, capture_output=True, text=True, check=False, env=self.environment
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def write(self, clone: str, branch: Branch, what: str) -> str:
        """Commit *branch* in a clone, and return the commit."""
        state = self.home / clone
        (state / VAULT).parent.mkdir(exist_ok=True)
        (state / VAULT).write_bytes(sealing.seal(branch.vault))
        (state / LOCK).write_bytes(locks.text(branch.vault).encode())
        (state / LOG).write_bytes(branch.log.encode())
        (state / VAULT).with_name(".gitattributes").write_text(ATTRIBUTES)
        return self.commit(clone, what)

    def commit(self, clone: str, what: str) -> str:
        """Commit whatever stands in a clone, and return the commit."""
        self.git(clone, "add", "-A")
        self.git(clone, "commit", "-q", "--allow-empty", "-m", what)
        return self.git(clone, "rev-parse", "HEAD").stdout.strip()

    def read(self, clone: str) -> Branch:
        """Return what stands in a clone now, opened by our own reader: to live on from there."""
        state = self.home / clone
        vault = sealing.unseal((state / VAULT).read_bytes(), Secret(str(self.key)))
        return Branch(vault, audit.healed((state / LOG).read_text(), vault.audit))

    def opened(self, clone: str) -> dict[str, Any]:
        """Return the vault of a clone as age and a JSON reader see it."""
        data: dict[str, Any] = json.loads(pyrage.decrypt((self.home / clone / VAULT).read_bytes(), [self.key]))
        return data


@dataclass(frozen=True)
class Told:
    """How two branches came together: the way, whether anything is undecided, and the seconds that it took."""

    way: str
    is_contested: bool
    seconds: float


def rig(home: Path) -> Rig:
    """Lay out two clones, and have the program itself install its driver in them."""
    made = Rig(home, pyrage.x25519.Identity.generate())
    (home / ".gitconfig").write_text(GIT_CONFIG)
    identity = home / "identity.txt"
    identity.touch(0o600)
    identity.write_text(f"{made.key}\n")
    (home / "one").mkdir()
    made.git("one", "init", "-q")
    (home / "one" / "main.yaml").write_text("kind: Secret\n")
    made.commit("one", "nothing")
    made.git(".", "clone", "-q", "one", "two")
    install = [sys.executable, "-P", "-m", "wizard", "vault", "merge", "--install", "--tree"]
    for clone in ("one", "two"):
        subprocess.run([*install, str(home / clone)], check=True, capture_output=True, env=made.environment)
    return made


@contextmanager
def forked(made: Rig) -> Iterator[None]:
    """Within it the driver of both clones is the program that is started once and forked for each call."""
    place = str(made.home / "socket")
    words = made.git("one", "config", "merge.matrix-wizard.driver").stdout.strip().partition(" vault merge ")
    call = [sys.executable, "-I", "-S", str(ROOT / "bench" / "forking.py"), place]
    for clone in ("one", "two"):
        made.git(clone, "config", "merge.matrix-wizard.driver", f"{shlex.join(call)}{words[1]}{words[2]}")
    serve = [sys.executable, "-P", "-m", "bench.forking", place]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, env=made.environment) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield
        finally:
            server.kill()


def pair(made: Rig, chance: random.Random) -> Told:
    """Let one vault live on in both clones, bring them together by git, and prove that nothing is lost."""
    way = chance.choice(WAYS)
    base = lived(begun(str(made.key.to_public())), chance, chance.randrange(6))
    before = made.write("one", base, "base")
    made.git("two", "fetch", "-q", "origin")
    made.git("two", "reset", "-q", "--hard", "origin/main")
    states = [state for clone in ("one", "two") for state in _lived_on(made, clone, base, chance, way)]
    if way == "crosswise":
        states += _crossed(made, chance)
    begin = time.perf_counter()
    made.git("one", "fetch", "-q", "../two", "main")
    done = made.git("one", *_TOGETHER[way], "FETCH_HEAD", check=False)
    for _ in states if way == "rebase" else ():
        if done.returncode:  # something is undecided: both are kept, and the next change follows
            made.git("one", "add", "-A")
            done = made.git("one", "rebase", "--continue", check=False)
    seconds = time.perf_counter() - begin
    vault = made.opened("one")
    is_contested = bool(vault.get("contests"))
    said = f"{way} from {before[:8]}: {done.stdout}{done.stderr}"
    # A contest that a rebase met half-way may be decided by the commits that follow.
    assert way == "rebase" or done.returncode == int(is_contested), said
    assert way != "rebase" or done.returncode == 0, said
    unmerged = made.git("one", "diff", "--name-only", "--diff-filter=U").stdout.split()
    assert unmerged == ([VAULT] if is_contested and way != "rebase" else []), said
    _whole(made, vault, states)
    made.commit("one", "both")
    return Told(way, is_contested, seconds)


_TOGETHER = {
    "merge": ("merge", "-q", "-m", "both"),
    "crosswise": ("merge", "-q", "-m", "both"),
    "rebase": ("rebase", "-q"),
}


def _lived_on(made: Rig, clone: str, base: Branch, chance: random.Random, way: str) -> list[Branch]:
    """Commit one or several states of a branch, and return them."""
    states = []
    for _ in range(chance.randrange(1, 4) if way == "rebase" else 1):
        base = lived(base, chance, chance.randrange(1, 6))
        made.write(clone, base, "a change")
        states.append(base)
    return states


def _crossed(made: Rig, chance: random.Random) -> list[Branch]:
    """Have each clone merge the other's state, and live on; return the states."""
    for clone in ("one", "two"):
        made.git(clone, "branch", "-f", "earlier")
    for clone, other in (("one", "two"), ("two", "one")):
        made.git(clone, "fetch", "-q", f"../{other}", "earlier")
        made.git(clone, "merge", "-q", "-m", "crosswise", "FETCH_HEAD", check=False)
        made.commit(clone, "crosswise")
    states = []
    for clone in ("one", "two"):
        branch = lived(made.read(clone), chance, chance.randrange(1, 4))
        made.write(clone, branch, "and on")
        states.append(branch)
    made.git("one", "fetch", "-q", "../two", "main")
    bases = made.git("one", "merge-base", "--all", "HEAD", "FETCH_HEAD").stdout.split()
    assert len(bases) == 2, "the branches met crosswise"
    return states


def _whole(made: Rig, vault: dict[str, Any], sides: Sequence[Branch]) -> None:
    """Assert that every generation and line of *sides* is in the first clone, and that all of it proves itself."""
    there = {
        (name, each["id"]): (each["text"], each["state"])
        for name, kept in vault.get("values", {}).items()
        for each in kept["generations"]
    }
    kept = [(name, each) for side in sides for name, kept in side.vault.values.items() for each in kept.generations]
    for name, each in kept:
        text, state = there.get((name, each.id), (None, ""))
        assert text == each.text.reveal(), f"{each.id} of {name} is lost"
        assert state == "compromised" or each.state != "compromised", f"{each.id} of {name} is good again"
    log = (made.home / "one" / LOG).read_text()
    assert {line for side in sides for line in side.log.splitlines()} <= set(log.splitlines()), "a line is lost"
    proof = vault["audit"]
    proved = Audit(Secret(proof["key"]), tuple(proof["heads"]), proof["count"], tuple(proof["last"]))
    assert audit.problems(log, proved) == [], [each.what for each in audit.problems(log, proved)]
    lock = locks.read((made.home / "one" / LOCK).read_text())
    assert lock.vault_id == vault["id"]
    places = {(each["file"], tuple(each["path"])) for each in vault.get("records", ())}
    assert {(each.file, each.path) for each in lock.records} == places, "sites.lock tells other places than the vault"
    opens = {each["key"] for each in vault["recipients"] if not each.get("until")}
    assert not opens & {each.key for side in sides for each in side.vault.recipients if each.until}, "who was shut out"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.merging", description=__doc__)
    parser.add_argument("pairs", nargs="?", type=int, default=1000)
    parser.add_argument(
        "--forked", action="store_true", help="start the program once, and fork it for each call of git"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    given = parser.parse_args(argv)
    print(f"seed {given.seed}", flush=True)
    chance = random.Random(given.seed)  # noqa: S311 - what is random here keeps nothing secret
    told: list[Told] = []
    home = Path(tempfile.mkdtemp(prefix="merging-"))
    try:
        made = rig(home)
        with forked(made) if given.forked else nullcontext():
            for number in range(given.pairs):
                told.append(pair(made, chance))
                if number % 100 == 99:
                    print(f"{number + 1} pairs", flush=True)
    finally:
        shutil.rmtree(home)
    ways, contested = Counter(each.way for each in told), sum(each.is_contested for each in told)
    seconds = sorted(each.seconds for each in told)
    print(
        f"{len(told)} pairs: {', '.join(f'{count} by {way}' for way, count in sorted(ways.items()))}; "
        f"{contested} with something undecided; nothing lost. Median {seconds[len(told) // 2]:.2f} s."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
