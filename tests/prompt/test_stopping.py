"""Ctrl-C at every field, what is kept of it, and keys that must do no harm."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from .conftest import PASSWORD, agree, at_review, script
from .screens import CTRL_C, CTRL_D, CTRL_Z, Screens

STOPPED = "Stopped. Nothing was written."
GO_ON = "Go on there?"
KEY_FILES = {"APNs key file (.p8)", "FCM service account file (JSON)"}
SECRETS = {"SMTP password", "APNs key file (.p8)", "FCM service account file (JSON)"}


def kept(home: Path) -> Path:
    (found,) = (home / ".local/state/matrix-wizard").glob("*/interview.json")
    return found


def test_stopped_at_every_field_it_goes_on_there_the_next_time(home: Path) -> None:
    """One run for each field: it is stopped there, after the field before was answered in the run before."""
    steps = script()
    for place, (label, _, _) in enumerate(steps):
        screens = Screens(home, rows=60)
        if place > 1:  # before that nothing was answered
            screens.until(GO_ON)
            screens.send("\r")
        fresh = steps[max(place - 1, 0) : place]
        for each in [each for each in steps[:place] if each[0] in SECRETS or each in fresh]:
            # Of a key file the path stands in the field again.
            screens.answer(each[0], "\r" if each[0] in KEY_FILES and each not in fresh else each[1])
        screens.answer(label, CTRL_C)
        assert screens.end() == 130, label
        assert screens.shown.count(STOPPED) == 1
        assert "Traceback" not in screens.everything
        assert not (home / "deployment").exists()
    record = kept(home).read_text()
    assert PASSWORD not in record
    assert "PRIVATE KEY" not in record
    assert stat.S_IMODE(kept(home).stat().st_mode) == 0o600


def test_the_age_of_what_was_kept_is_told(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", CTRL_C)
    screens.end()
    record = json.loads(kept(home).read_text())
    kept(home).write_text(json.dumps({**record, "at": "2026-01-01T00:00:00Z"}))
    screens = Screens(home)
    assert "days ago was stopped: 1 answer kept" in " ".join(screens.until(GO_ON).split())
    screens.send("n\r")
    screens.at("Base domain")
    assert "chat-corp.net" not in "\n".join(screens.field("Base domain"))
    screens.send(CTRL_C)
    assert screens.end() == 130


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"schema": 1, "at": "x", "answers": [1], "seen": 5}',
        '{"schema": 1, "at": 5}',
        "\0" * 9,
        '{"schema": 9, "at": "x"}',
    ],
)
def test_what_was_kept_and_cannot_be_read_is_as_if_there_were_nothing(home: Path, text: str) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", CTRL_C)
    screens.end()
    kept(home).write_text(text)
    screens = Screens(home)
    screens.at("Base domain")
    assert GO_ON not in screens.shown


def test_what_was_kept_and_is_no_longer_legal_is_asked_again(home: Path) -> None:
    screens = Screens(home)
    for label, keys, _ in script()[:4]:
        screens.answer(label, keys)
    screens.answer("Shall Synapse send mail?", CTRL_C)
    screens.end()
    record = json.loads(kept(home).read_text())
    record["answers"]["lawful_intercept.allowed_cidrs"] = ["0.0.0.0/0"]
    record["answers"]["no.such.key"] = {"source": 1}
    kept(home).write_text(json.dumps(record))
    screens = Screens(home)
    screens.until(GO_ON)
    screens.send("\r")
    screens.at("Addresses that may reach LI")


def test_a_refused_consent_keeps_the_answers_and_a_written_tree_does_not(home: Path) -> None:
    screens = at_review(home, rows=60)
    screens.answer("Write now?", "n\r")
    assert screens.end() == 130
    assert f"{STOPPED} Your answers are kept" in " ".join(screens.shown.split())
    screens = Screens(home, rows=60)
    screens.until(GO_ON)
    screens.send("\r")
    for label, keys, _ in script():
        if label in SECRETS:
            screens.answer(label, "\r" if label in KEY_FILES else keys)
    assert agree(screens) == 0
    assert not list((home / ".local/state/matrix-wizard").glob("*/*"))


def test_where_nothing_can_be_kept_nothing_is_promised(home: Path) -> None:
    (home / ".local").write_text("a file, so that there is no directory")
    screens = Screens(home)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", CTRL_C)
    assert screens.end() == 130
    assert STOPPED in screens.shown
    assert "are kept" not in screens.shown.partition(STOPPED)[2]


@pytest.mark.parametrize("label", ["Base domain", "Server name", "SMTP password", "Shall Synapse send mail?"])
def test_the_end_of_input_stops_like_ctrl_c(home: Path, label: str) -> None:
    screens = Screens(home)
    for earlier, keys, _ in script():
        if earlier == label:
            break
        screens.answer(earlier, keys)
    screens.answer(label, CTRL_D)
    assert screens.end() == 130
    assert STOPPED in screens.shown


def test_control_keys_put_nothing_into_a_text(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", f"chat{CTRL_Z}-\x11\x16\x0c\x12\x13\x18\x0fcorp.net\x1b[15~\x1bOP\r")
    screens.until("Base domain: chat-corp.net\n")
    assert os.waitpid(screens.child.pid, os.WNOHANG | os.WUNTRACED) == (0, 0)  # neither stopped nor ended


def test_a_pasted_control_character_is_named(home: Path) -> None:
    screens = Screens(home)
    for label, keys, _ in script():
        if label == "SMTP password":
            break
        screens.answer(label, keys)
    screens.answer("SMTP password", "\x1b[200~pass\x1bword\x1b[201~\r")
    screens.until("Character 5 is a control character.")
    screens.send("\x15password\r")
    screens.at("Sender of mail")
