"""A first install from the first line to the last, as a person sees it; and every way back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import KEY_ID, PASSWORD, agree, at_review, script
from .screens import BACK, CTRL_T, DOWN, ESCAPE, UP, Screens


def test_a_first_install_ends_in_a_tree_that_check_finds_ready(home: Path) -> None:
    screens = Screens(home)
    opening = " ".join(screens.until("1/7 Names").split())
    for promised in ("deployment (new", "Nothing is written until you agree", "At hand: your domain", "Ctrl-C stops"):
        assert promised in opening
    for label, keys, _ in script():
        screens.answer(label, keys)
        assert not (home / "deployment").exists()
    screens.at("Write now?")
    review = " ".join(screens.scrolled.split())
    for line in ("7/7 Review", "signing key ed25519 a_", "RSA key of 2048 bits", "can never be changed"):
        assert line in review
    assert agree(screens) == 0
    assert (home / "deployment" / ".matrix-wizard" / "vault.age").exists()
    homeserver = (home / "deployment/main-instance/01-synapse/configmap.yaml").read_text()
    assert "server_name: chat-corp.net" in homeserver.replace('"', "")
    check = subprocess.run(
        [sys.executable, "-m", "wizard", "check"], cwd=home, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert (check.returncode, check.stdout.splitlines()[-1][:6]) == (0, "ready:")


def test_without_the_li_instance_nothing_is_asked_about_it(home: Path) -> None:
    screens = Screens(home, "setup", "--set", "lawful_intercept.instance=none")
    for label, keys, _ in script():
        if " LI" not in label:
            screens.answer(label, keys)
    screens.at("Write now?")
    review = screens.scrolled.rpartition("Review")[2]
    assert "-li." not in review and "backups of the LI" not in review and "reach LI" not in review
    assert agree(screens) == 0
    assert (home / "deployment/main-instance").is_dir() and not (home / "deployment/li-instance").exists()


def test_no_secret_is_on_any_screen(home: Path) -> None:
    screens = at_review(home)
    screens.answer("Write now?", "d\r")
    screens.until("Write now? d")
    assert agree(screens) == 0
    hidden = [PASSWORD, *(home / f"AuthKey_{KEY_ID}.p8").read_text().splitlines()[1:-1]]
    hidden += [line for line in (home / "fcm.json").read_text().splitlines() if "private_key" in line]
    for text in hidden:
        assert text not in screens.everything
    tree = (path.read_text() for path in (home / "deployment").rglob("*.yaml"))
    assert any(PASSWORD in text for text in tree)  # it was typed, and went where it belongs


def test_a_password_is_masked_at_one_length_and_shown_on_request(home: Path) -> None:
    screens = Screens(home)
    for label, keys, _ in script():
        if label == "SMTP password":
            break
        screens.answer(label, keys)
    screens.at("SMTP password")
    seen = set()
    for letter in "secret-7":
        screens.send(letter)
        screens.until("› ••••••••")
        seen |= {line for line in screens.shown.split("\n") if "•" in line}
    assert seen == {"  › ••••••••"}
    screens.send(CTRL_T)
    screens.until("› secret-7")
    screens.send(CTRL_T)
    screens.until("› ••••••••")


@pytest.mark.parametrize("key", [BACK, ESCAPE], ids=["Shift-Tab", "Esc"])
def test_back_leads_through_every_field_and_keeps_every_value(home: Path, key: str) -> None:
    screens = at_review(home, rows=60)
    before = screens.shown[screens.shown.index("7/7 Review") :].split("Makes")[0]
    for label, _, text in reversed(script()):
        screens.send(key)
        screens.at(label)
        asked = "\n".join(screens.field(label))
        assert text in asked
        assert PASSWORD not in asked
    screens.send(key)  # there is nothing before the first
    for label, _, _ in script():
        screens.answer(label, "\r\r" if label in ("Addresses that may reach LI", "Address pool of MetalLB") else "\r")
    screens.at("Write now?")
    assert screens.shown[screens.shown.index("7/7 Review") :].split("Makes")[0] == before


def test_up_is_back_on_a_line_but_moves_in_a_list(home: Path) -> None:
    screens = Screens(home)
    for label, keys, _ in script()[:3]:
        screens.answer(label, keys)
    screens.answer("Addresses that may reach LI", "185.60.112.0/24\r185.60.113.9", UP, "999\r")
    screens.until("! 185.60.112.")  # the first line was edited, and is judged
    screens.send(BACK)
    screens.answer("Server name", BACK)
    screens.answer("These names follow from chat-corp.net:", BACK)
    screens.answer("Base domain", "\x15other-corp.net")
    screens.send(UP)
    screens.at("Base domain")
    screens.send("\r")
    screens.at("These names follow from other-corp.net:")


def test_what_was_half_typed_is_there_on_coming_forward_again(home: Path) -> None:
    screens = Screens(home)
    for label, keys, _ in script()[:3]:
        screens.answer(label, keys)
    screens.answer("Addresses that may reach LI", "185.60.1", BACK)  # no validation holds it back
    screens.answer("Server name", "\r")
    screens.at("Addresses that may reach LI")
    screens.until("› 185.60.1")


def test_another_domain_asks_for_the_server_name_again(home: Path) -> None:
    screens = at_review(home, rows=60)
    screens.answer("Write now?", "1\r")
    screens.answer("Base domain", "\x15new-corp.net\r")
    screens.answer("Server name", DOWN + "\r")
    screens.at("Write now?")
    screens.until("matrix.new-corp.net")
    assert "(below new-corp.net)" in screens.shown
    assert "chat-corp.net" not in screens.shown.partition("Server name")[2].partition("\n")[0]


def test_a_server_name_of_its_own_is_typed(home: Path) -> None:
    screens = Screens(home)
    for label, keys, _ in script()[:2]:
        screens.answer(label, keys)
    screens.answer("Server name", DOWN + DOWN + "\r")
    screens.until("another one")
    screens.answer("Server name", "https://corp.net\r")
    screens.until("! ")
    screens.send("\t\r")
    screens.until("Server name: corp.net")


def test_names_are_edited_one_by_one(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", DOWN + "\r")
    screens.answer("Homeserver", "\x15hs.chat-corp.net\r")
    for label in ("Web client", "TURN server", "LI homeserver", "LI web client"):
        screens.answer(label, "\r")
    screens.answer("LI admin", "\x15hs.chat-corp.net\r")
    screens.until("LI admin and Homeserver are both hs.chat-corp.net. Give LI admin a name of its own.")
    screens.send("\x15wache.chat-corp.net\r")
    screens.answer("Server name", DOWN + "\r")
    screens.until("Server name: hs.chat-corp.net")


@pytest.mark.parametrize("word", ["nay", "maybe", "x", "yn", "1"])
def test_only_yes_and_no_answer_yes_or_no(home: Path, word: str) -> None:
    screens = Screens(home)
    for label, keys, _ in script()[:4]:
        screens.answer(label, keys)
    screens.answer("Shall Synapse send mail?", f"{word}\r")
    screens.until("! Type y or n.")
    screens.send("\x7f" * len(word) + "no\r")
    screens.until("Shall Synapse send mail? no")


def test_an_emptied_name_follows_from_the_base_domain_again(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", DOWN + "\r")
    screens.answer("Homeserver", "\x15hs.chat-corp.net\r")
    screens.answer("Web client", BACK)
    screens.answer("Homeserver", "\x15\r")
    screens.until("Homeserver: matrix.chat-corp.net")
