"""The second key of a first run, at a real terminal: shown once and asked back, given, or skipped in so many words."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pyrage
import pytest

from wizard.vault import VAULT

from .conftest import ONE_KEY
from .screens import BACK, CTRL_C, DOWN, Screens

ANSWERS = """\
domains: {base: chat-corp.net, server_name: chat-corp.net}
lawful_intercept: {allowed_cidrs: [185.60.112.0/24]}
tls: {email: ops@chat-corp.net}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: turn, namespace: matrix}
stringData: {secret: CHANGEME_TURN_SECRET}
"""
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"  # the alternate screen (xterm's DECSET 1049)
LINE = re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]{58}")
GROUP = re.compile(r"Group (\d+) of the key that you wrote down")
WHICH = "Which shall it be?"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with a small tree, and answers that leave no question."""
    (tmp_path / "deployment").mkdir()
    (tmp_path / "deployment" / "turn.yaml").write_text(SECRET)
    (tmp_path / "a.yaml").write_text(ANSWERS)
    return tmp_path


def at_second_key(home: Path, *words: str, **options: Any) -> Screens:
    """Return a first run that was agreed to, at its question for a second key."""
    screens = Screens(home, "setup", "--answers", "a.yaml", *words, **options)
    asked(screens, "Write now?")
    screens.send("y\r")
    asked(screens, WHICH)
    return screens


def asked(screens: Screens, label: str) -> None:
    """Wait until a question stands last on the screen, with its prompt or its keys behind it."""
    screens.until(lambda screen: "stop" in screen.rpartition(label)[2] if label in screen else False)


def shown(screens: Screens) -> str:
    """Return the recovery key that is on the screen now."""
    screens.until("Enter hides it for good.")
    return str(LINE.findall(screens.shown)[-1])


def group(screens: Screens) -> int:
    """Return which group is asked back."""
    screens.until(lambda screen: bool(GROUP.search(screen.rpartition("once more")[2] or screen)))
    return int(GROUP.findall(screens.shown)[-1])


def part(key: str, number: int) -> str:
    rest = key.removeprefix("AGE-SECRET-KEY-")
    return rest[(number - 1) * 6 : number * 6]


def vault(home: Path, key: str) -> dict[str, Any]:
    """Return the vault as the age library opens it with the key that was on the screen."""
    sealed = (home / "deployment" / VAULT).read_bytes()
    return dict(json.loads(pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(key)])))


def outside(screens: Screens) -> str:
    """Return everything that was shown on no alternate screen."""
    return re.sub(rf"{re.escape(ENTER)}.*?{re.escape(LEAVE)}", "", screens.everything, flags=re.DOTALL)


def test_a_recovery_key_is_shown_once_asked_back_and_opens_the_vault_alone(home: Path) -> None:
    screens = at_second_key(home)
    assert not (home / "deployment" / VAULT).exists()
    screens.send("\r")
    key = shown(screens)
    sheet = " ".join(screens.shown.split())
    for part_of_it in ("RECOVERY KEY", "age -d -i FILE", "20", "kept nowhere"):
        assert part_of_it in sheet
    groups = [part(key, number) for number in range(1, 11)]
    assert all(f"{number} {text}" in sheet for number, text in enumerate(groups, 1))
    screens.send("\r")
    screens.send(part(key, group(screens)).lower())
    screens.until("› ••••••••")
    screens.send("\r")
    screens.until("The recovery key is right.")
    assert screens.end() == 0
    opened = vault(home, key)
    (recovery,) = [each for each in opened["recipients"] if each.get("kind") == "recovery"]
    assert recovery["key"] == str(pyrage.x25519.Identity.from_str(key).to_public())
    assert opened["id"] in sheet
    assert len(opened["recipients"]) == 2
    assert not LINE.search(outside(screens))
    told = outside(screens)
    assert all(text not in told and text.lower() not in told for text in groups)
    kept = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not any(key.encode() in data for data in kept), "it is kept nowhere"


def test_a_wrong_group_shows_the_key_again(home: Path) -> None:
    screens = at_second_key(home)
    screens.send("\r")
    key = shown(screens)
    screens.send("\r")
    group(screens)
    screens.send("WRONG1\r")
    screens.until(lambda _: "Here is the key once more" in screens.everything)  # our screen has no alternate one
    # It is seen on the screen of the sheet: on the main one it would stand hidden behind that.
    assert "Here is the key once more" in screens.everything.rpartition(ENTER)[2]
    assert shown(screens) == key
    assert not (home / "deployment" / VAULT).exists()
    screens.send("\r")
    asked(screens, "that you wrote down")
    screens.send(f"{part(key, group(screens))}\r")
    assert screens.end() == 0
    assert vault(home, key)["values"]
    assert screens.everything.count(ENTER) == screens.everything.count(LEAVE) == 2


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_in_plain_lines_it_is_the_same(home: Path, term: str) -> None:
    screens = at_second_key(home, "--plain", TERM=term)
    screens.send("1\r")
    key = shown(screens)
    screens.send("\r")
    asked(screens, "that you wrote down")
    screens.send(f"{part(key, group(screens))}\r")
    assert screens.end() == 0
    assert vault(home, key)["values"]
    if term == "dumb":
        assert "\x1b" not in screens.everything
        assert "This terminal keeps what it showed: clear it." in screens.everything
    else:
        assert not LINE.search(outside(screens))


def test_skipping_it_has_to_be_typed(home: Path) -> None:
    screens = at_second_key(home)
    (_, choose), (label, _) = ONE_KEY
    screens.send(choose)
    for word in ("", "y", "yes", "skipp"):
        asked(screens, label)
        screens.send(f"\x15{word}\r")
        screens.until("! Type skip, or go back")
    assert not (home / "deployment" / VAULT).exists()
    screens.send("\x15skip\r")
    assert screens.end() == 0
    listed = Screens(home, "check")
    assert listed.end() == 0
    assert "vault-single-key" in listed.everything


def test_keys_that_the_operator_has_are_taken(home: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", home / "id"], check=True)
    key = pyrage.x25519.Identity.generate()
    screens = at_second_key(home)
    screens.send(DOWN + "\r")
    label = "Public keys that open the vault, too"
    asked(screens, label)
    screens.send(f"{key}\r")
    screens.until("! This is the secret half of a key.")
    screens.send(f"\x15{key.to_public()}\r", (home / "id.pub").read_text().strip() + "\r", "\r")
    assert screens.end() == 0
    kinds = [each.get("kind") for each in vault(home, str(key))["recipients"]]
    assert sorted(kinds) == ["own", "recovery", "recovery"]
    identity = pyrage.ssh.Identity.from_buffer((home / "id").read_bytes())
    assert pyrage.decrypt((home / "deployment" / VAULT).read_bytes(), [identity])


def test_back_leads_to_the_choice_and_another_key_is_made(home: Path) -> None:
    screens = at_second_key(home)
    screens.send("\r")
    first = shown(screens)
    screens.send(BACK)
    asked(screens, WHICH)
    screens.until(lambda screen: "Enter hides" not in screen.rpartition(WHICH)[2])
    screens.send("\r")
    screens.until(lambda screen: first not in screen and "Enter hides it for good." in screen)
    second = shown(screens)
    screens.send("\r")
    screens.send(f"{part(second, group(screens))}\r")
    assert screens.end() == 0
    assert vault(home, second)["values"]
    with pytest.raises(pyrage.DecryptError):
        vault(home, first)


@pytest.mark.parametrize("place", ["choice", "sheet", "group"])
def test_stopped_there_nothing_is_written_and_the_screen_is_given_back(home: Path, place: str) -> None:
    screens = at_second_key(home)
    if place != "choice":
        screens.send("\r")
        shown(screens)
    if place == "group":
        screens.send("\r")
        group(screens)
    screens.send(CTRL_C)
    assert screens.end() == 130
    assert "Stopped. Nothing was written." in screens.everything
    assert screens.everything.count(ENTER) == screens.everything.count(LEAVE)
    assert not (home / "deployment" / VAULT).exists()
    assert not (home / ".local/share").exists()


def test_keys_that_were_given_beforehand_are_not_asked_for(home: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    (home / "a.yaml").write_text(f"{ANSWERS}vault: {{recipients: [{key.to_public()}]}}\n")
    screens = Screens(home, "setup", "--answers", "a.yaml")
    asked(screens, "Write now?")
    screens.send("y\r")
    assert screens.end() == 0
    assert WHICH not in screens.everything
    assert vault(home, str(key))["values"]


@pytest.mark.parametrize("words", [(), ("--plain",)], ids=["screen", "plain"])
def test_a_passphrase_is_asked_twice_and_opens_it_at_the_next_run(home: Path, words: tuple[str, ...]) -> None:
    typed = "six words from nowhere else"
    screens = at_second_key(home, "--passphrase", *words)
    (_, choose), (label, skip) = ONE_KEY
    screens.send("3\r" if words else choose)
    asked(screens, label)
    screens.send(skip)
    asked(screens, "Passphrase for the vault's key")
    screens.send("too short\r")
    screens.until("12 characters or more")
    screens.send(f"\x15{typed}\r")
    asked(screens, "The same once more")
    screens.send("another\r")
    screens.until("This is not the same.")
    screens.send(f"\x15{typed}\r")
    assert screens.end() == 0
    listed = Screens(home, "show", *words)
    listed.until("identity.age")
    asked(listed, "identity.age")
    listed.send(f"{typed}\r")
    assert listed.end() == 0
    assert "turn-secret" in listed.everything
    assert typed not in screens.everything + listed.everything
