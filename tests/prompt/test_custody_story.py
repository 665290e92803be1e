"""A laptop is lost, a colleague leaves, an identity is wiped: the real program, one by one, as people type."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from wizard.vault import VAULT

from .screens import ROOT, Screens
from .test_second_key import ANSWERS, SECRET, asked, at_second_key, group, part, shown

ADA = "ada@chat-corp.net"


class Machine:
    """Somebody's machine: a home of its own, with the repository as it was when it was last pulled."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.tree = home / "deployment"
        home.mkdir()

    def pull(self, other: Machine) -> None:
        shutil.rmtree(self.tree, ignore_errors=True)
        shutil.copytree(other.tree, self.tree)

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        kept = {key: text for key, text in os.environ.items() if not key.startswith(("MATRIX_WIZARD", "XDG_"))}
        backend = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        done = subprocess.run(
            [sys.executable, "-m", "wizard", *words], cwd=self.home, capture_output=True, text=True, check=False,
            env={**kept, **backend, "HOME": str(self.home), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    def secret(self, *words: str) -> str:
        return self.run("show", "turn-secret", *words).stdout.strip()

    def recipients(self, *words: str) -> list[dict[str, str]]:
        return list(json.loads(self.run("vault", "recipients", "list", "--json", *words).stdout)["recipients"])

    @property
    def identities(self) -> Path:
        return self.home / ".local/share/matrix-wizard"


@pytest.fixture
def laptop(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "laptop")
    machine.tree.mkdir()
    (machine.tree / "turn.yaml").write_text(SECRET)
    (machine.home / "a.yaml").write_text(ANSWERS)
    return machine


def rekeyed(machine: Machine, *words: str) -> str:
    """Give the machine a new key at the terminal, and return the vault's new seal."""
    screens = Screens(machine.home, "vault", "rekey", *words)
    asked_yes(screens, "Make a new key?")
    assert screens.end() == 0, screens.shown
    (seal,) = re.findall(r"--accept-seal ([0-9a-f-]{29})", screens.everything)
    return str(seal)


def asked_yes(screens: Screens, question: str) -> None:
    screens.until(f"{question} (y/N)")
    screens.send("y\r")


def first_install(laptop: Machine) -> str:
    """Return the recovery key that somebody wrote down at the first install."""
    screens = at_second_key(laptop.home)
    screens.send("\r")
    sheet = shown(screens)
    screens.send("\r")
    screens.send(f"{part(sheet, group(screens))}\r")
    assert screens.end() == 0
    return sheet


def tried(laptop: Machine, sheet: str) -> None:
    """Try the recovery key as it was written down: in groups, in small letters, after a slip."""
    drill = Screens(laptop.home, "vault", "drill")
    asked(drill, "Recovery key")
    drill.send("AGE-SECRET-KEY-1QQ\r")
    drill.until("! This is not a whole key")
    drill.send(" ".join(sheet[at : at + 6] for at in range(0, len(sheet), 6)).lower() + "\r")
    assert drill.end() == 0
    assert "recovery key alone" in " ".join(drill.everything.split())
    assert sheet.lower() not in drill.everything.lower()
    assert [bool(each["drilled"]) for each in laptop.recipients()] == [True, False]


def let_in(laptop: Machine, ssh: Path) -> None:
    """Let a colleague in by her SSH key, at the terminal."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", ADA, "-f", ssh], check=True)
    public = ssh.with_suffix(".pub").read_text().strip()
    screens = Screens(laptop.home, "vault", "recipients", "add", public)
    asked_yes(screens, "Let it in?")
    assert screens.end() == 0


def recovered(new: Machine, sheet: str, value: str) -> str:
    """Open the vault with the recovery key where there is no other, and give this machine one; return the seal."""
    recovery = new.home / "recovery.txt"
    recovery.write_text(f"{sheet}\n")
    recovery.chmod(0o600)
    assert new.secret("--identity", str(recovery)) == value
    seal = rekeyed(new, "--identity", str(recovery))
    recovery.unlink()  # it was typed off its sheet for this once
    assert new.secret() == value
    return seal


def found(laptop: Machine, new: Machine, finder: Machine) -> str:
    """Whoever has the laptop has what was on it, and nothing that is written since its key was removed.

    Return the new seal."""
    of_laptop = next(each for each in new.recipients() if each["kind"] == "own")
    removed = new.run("vault", "recipients", "remove", of_laptop["key"], "-y")
    assert "turn-secret  (since 20" in removed.stdout
    finder.pull(new)
    shutil.copytree(laptop.identities, finder.identities)
    assert "cannot be opened with this key" in finder.run("show", code=3).stderr
    text = next(finder.identities.rglob("*.txt")).read_text().splitlines()[-1]
    assert pyrage.decrypt((laptop.tree / VAULT).read_bytes(), [pyrage.x25519.Identity.from_str(text)])
    return removed.stdout.split()[-1]


def shut_out(new: Machine, ada: Machine, mine: tuple[str, str], value: str) -> None:
    """The colleague departs: what she could read is listed, what she has she keeps, what comes next she never gets."""
    screens = Screens(new.home, "vault", "recipients", "remove", ADA)
    asked_yes(screens, "Shut it out?")
    assert screens.end() == 0
    told = " ".join(screens.everything.split())
    assert "unreads nothing" in told
    assert "turn-secret (since 20" in told
    assert ada.secret(*mine) == value, "her own copy"
    ada.pull(new)
    assert "cannot be opened" in ada.run("show", *mine, code=3).stderr


def test_the_lost_laptop_the_departed_colleague_and_the_wiped_identity(tmp_path: Path, laptop: Machine) -> None:
    sheet = first_install(laptop)
    value = laptop.secret()
    tried(laptop, sheet)
    ada, new, finder = (Machine(tmp_path / name) for name in ("ada", "new", "finder"))
    ssh = ada.home / "id_ed25519"
    mine = ("--identity", str(ssh))
    let_in(laptop, ssh)
    ada.pull(laptop)
    # Twice: these machines are one host with one user, so that a single look would be the very line of another
    # machine's log, if both are taken in one second.
    assert ada.secret(*mine) == ada.secret(*mine) == value

    new.pull(laptop)
    assert "--identity FILE" in new.run("show", code=2).stderr
    recovered(new, sheet, value)
    seal = found(laptop, new, finder)
    ada.pull(new)
    assert seal in ada.run("show", *mine, code=3).stderr
    # She looked at a secret before: that stands in the log that she has pulled over.
    assert "does not follow" in ada.run("show", *mine, "--accept-seal", seal, code=3).stderr
    assert ada.secret(*mine, "--accept-seal", seal, "--accept-older") == ada.secret(*mine) == value
    shut_out(new, ada, mine, value)

    shutil.rmtree(new.identities)
    setup = ("setup", "--answers", str(laptop.home / "a.yaml"), "--no-input", "--yes")
    new.run(*setup, code=2)
    recovered(new, sheet, value)
    new.run(*setup)
    assert new.secret() == value
    assert [each["kind"] for each in new.recipients() if not each["until"]] == ["recovery", "own", "own"]
