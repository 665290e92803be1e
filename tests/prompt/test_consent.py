"""What only the operator can say, at a terminal: new places for existing secrets, and texts edited by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from scripts.runs import run
from scripts.small import MINIMUM, config, secret

from .screens import CTRL_C, UP, Screens

TREE = secret("redis", password="CHANGEME_REDIS_PASSWORD", turn="CHANGEME_TURN_SECRET")
HOSTS = config("hosts", "host: CHANGEME_TURN_HOST", key="a.yaml").replace("CHANGEME_TURN_HOST", "turn.example.com")
IN_SECRET = secret("sidecar", REDIS_PASSWORD="CHANGEME_REDIS_PASSWORD")
IN_CONFIG = config("sidecar", "redis: CHANGEME_REDIS_PASSWORD", key="REDIS_PASSWORD")
TO_SECRET = "Write redis-password to a new place, Secret/matrix/sidecar:stringData.REDIS_PASSWORD?"
TO_CONFIG = "Write redis-password to a new place, ConfigMap/matrix/sidecar:data.REDIS_PASSWORD?"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home with a filled tree, in which all runs remember what they saw."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ".local" / "share"))
    tree = tmp_path / "deployment"
    tree.mkdir()
    (tree / "main.yaml").write_text(TREE)
    (tree / "hosts.yaml").write_text(HOSTS)
    (tmp_path / "answers.yaml").write_text(MINIMUM)
    done = run("setup", *places(tmp_path), "--answers", str(tmp_path / "answers.yaml"), "--no-input", "--yes")
    assert done.code == 0, done.err
    return tmp_path


def places(home: Path) -> Sequence[str]:
    return ("--tree", str(home / "deployment"), "--identity", str(home / "key.txt"))


def pulled(home: Path, *objects: str) -> Path:
    file = home / "deployment" / "pulled.yaml"
    file.write_text("---\n".join(objects))
    return file


def setup(home: Path, *words: str, **options: int) -> Screens:
    return Screens(home, "setup", *places(home), *words, **options)  # type: ignore[arg-type]


def password(home: Path) -> str:
    return run("show", "redis-password", *places(home)).out.strip()


def snapshot(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_each_new_place_is_asked_by_its_name_and_filled_where_all_are_wanted(home: Path) -> None:
    file = pulled(home, IN_SECRET, IN_CONFIG)
    screens = setup(home)
    screens.at(TO_SECRET)
    assert "pulled.yaml:5:19" in screens.shown
    screens.send("y\r")
    screens.answer(TO_CONFIG, "y\r")
    screens.answer("Write now?", "y\r")
    assert screens.end() == 0
    secret_, config_ = yaml.safe_load_all(file.read_text())
    assert secret_["stringData"]["REDIS_PASSWORD"] == password(home)
    assert password(home) in config_["data"]["REDIS_PASSWORD"]
    assert password(home) not in screens.everything
    again = Screens(home, "setup", *places(home), "--yes")
    assert again.end() == 0  # accepted once
    assert "new place" not in again.everything


@pytest.mark.parametrize("answer", ["y\r", "n\r", "\r"])
def test_an_object_that_is_lis_now_is_asked_about_by_its_name(home: Path, answer: str) -> None:
    file = home / "deployment" / "main.yaml"
    file.write_text(file.read_text().replace("metadata: {", "metadata: {labels: {instance: li}, "))
    before = snapshot(home / "deployment")
    screens = setup(home)
    screens.until("Let it be LI's?")
    assert "Secret/matrix/redis was main's when its places were consented to" in " ".join(screens.everything.split())
    screens.send(answer)
    if answer != "y\r":
        assert screens.end() == 3
        assert snapshot(home / "deployment") == before
        return
    screens.answer("Write now?", "y\r")
    assert screens.end() == 0
    again = Screens(home, "setup", *places(home), "--yes")
    assert again.end() == 0  # accepted once
    assert "Let it be" not in again.everything


@pytest.mark.parametrize("answers", [("\r",), ("n\r",), ("y\r", "n\r"), ("y\r", "\r")], ids=repr)
def test_one_that_is_declined_is_refused_and_nothing_is_written(home: Path, answers: Sequence[str]) -> None:
    pulled(home, IN_SECRET, IN_CONFIG)
    before = snapshot(home)
    screens = setup(home)
    for label, keys in zip((TO_SECRET, TO_CONFIG), (*answers, "y\r"), strict=False):
        screens.answer(label, keys)
    assert screens.end() == 3
    declined = "pulled.yaml:5:19" if len(answers) == 1 else "pulled.yaml:12:"
    assert f"{declined}" in screens.scrolled
    assert "you declined" in screens.scrolled
    assert snapshot(home) == before


@pytest.mark.parametrize("words", [("--yes",), ("--yes", "--accept-new-sites"), ("--dry-run", "--yes")], ids=" ".join)
def test_yes_beforehand_covers_no_such_place_and_asks_nothing(home: Path, words: Sequence[str]) -> None:
    pulled(home, IN_SECRET, IN_CONFIG)
    before = snapshot(home)
    screens = setup(home, *words)
    assert screens.end() == 3
    told = " ".join(screens.scrolled.split())
    assert ("--accept-site" in told, "Write redis-password" in told) == (True, False)
    assert snapshot(home) == before


def test_what_a_flag_covers_is_not_asked_and_all_else_is(home: Path) -> None:
    pulled(home, IN_SECRET, IN_CONFIG)
    screens = setup(home, "--accept-new-sites")
    screens.at(TO_CONFIG)
    assert TO_SECRET not in screens.scrolled
    screens.send(CTRL_C)
    assert screens.end() == 130


def test_what_was_said_holds_while_answers_are_changed_in_the_review(home: Path) -> None:
    file = pulled(home, IN_SECRET)
    screens = setup(home, rows=60)
    screens.answer(TO_SECRET, "y\r")
    screens.at("Write now?")
    screens.send("1\r")
    screens.answer("Base domain", "\x15other-corp.net\r")
    screens.until("other-corp.net\n")
    screens.at("Write now?")
    screens.send("y\r")
    assert screens.end() == 0
    assert screens.scrolled.count("to a new place") == 1  # what the question left behind
    assert b"turn.other-corp.net" in (home / "deployment" / "hosts.yaml").read_bytes()
    assert password(home) in file.read_text()


def test_the_name_of_a_place_steers_no_terminal(home: Path) -> None:
    pulled(home, IN_SECRET.replace("REDIS_PASSWORD:", '"REDIS_PASSWORD\\e]0;Mine\\a\\u202e":'))
    for words in ((), ("--plain",)):
        screens = setup(home, *words)
        screens.until("to a new place")
        screens.send(CTRL_C)
        assert screens.end() == 130
        assert "\x1b]0;Mine" not in screens.everything
        assert "\u202e" not in screens.everything


DRIFT = "turn-secret was edited by hand at main.yaml:6:9, and is •••••••• there now."
TYPED = "Typed-by-hand-in-the-tree-42"


def edited(home: Path) -> str:
    """Edit a secret by hand, and return what it was."""
    file = home / "deployment" / "main.yaml"
    was = str(yaml.safe_load(file.read_text())["stringData"]["turn"])
    file.write_text(file.read_text().replace(was, TYPED))
    return was


@pytest.mark.parametrize("keys", [UP + UP, UP], ids=["adopt", "restore"])
def test_a_secret_edited_by_hand_is_adopted_or_restored_as_is_said(home: Path, keys: str) -> None:
    was = edited(home)
    screens = setup(home)
    screens.answer(DRIFT, keys + "\r")
    screens.at("Write now?")
    deed = "Adopted: turn-secret as it was edited by hand at main.yaml:6:9 goes into the vault"
    told = deed if keys == UP + UP else "Restored: turn-secret at main.yaml:6:9, edited by hand, gets the vault's text"
    assert told in " ".join(screens.scrolled.split())
    screens.send("y\r")
    assert screens.end() == 0
    shown = run("show", "turn-secret", *places(home)).out.strip()
    stands = yaml.safe_load((home / "deployment" / "main.yaml").read_text())["stringData"]["turn"]
    assert shown == stands == (TYPED if keys == UP + UP else was)
    assert not any(each in screens.everything for each in (TYPED, was))


@pytest.mark.parametrize("keys", ["\r", CTRL_C], ids=["stop", "ctrl-c"])
def test_it_may_be_left_undecided_and_nothing_is_written(home: Path, keys: str) -> None:
    edited(home)
    before = snapshot(home)
    screens = setup(home)
    screens.answer(DRIFT, keys)
    assert screens.end() == 130
    assert "Nothing was written" in screens.scrolled
    assert snapshot(home) == before


@pytest.mark.parametrize("words", [(), ("--restore",), ("--adopt",)], ids=["asked", "restored", "adopted"])
def test_two_edits_of_one_secret_can_be_put_back_and_none_of_them_is_guessed(home: Path, words: Sequence[str]) -> None:
    was = edited(home)
    other = home / "deployment" / "other.yaml"
    other.write_text(secret("other", TURN_SECRET="CHANGEME_TURN_SECRET"))
    beforehand = ("--accept-new-sites", "--restore", "--yes")
    assert run("setup", *places(home), *beforehand).code == 0
    edited(home)
    other.write_text(other.read_text().replace(was, "Typed-by-hand-otherwise-42"))
    screens = setup(home, *words)
    if "--restore" not in words:
        screens.until("turn-secret was edited by hand in 2 ways, at main.yaml:6:9, other.yaml:5:16.")
        assert "Adopt" not in screens.shown
        screens.send(UP + "\r")
    screens.at("Write now?")
    assert "Restored: turn-secret at main.yaml:6:9, other.yaml:5:16" in " ".join(screens.scrolled.split())
    screens.send("y\r")
    assert screens.end() == 0
    assert was in other.read_text()
    assert was in (home / "deployment" / "main.yaml").read_text()


def test_two_edits_of_one_secret_are_refused_without_a_question_with_the_way_out(home: Path) -> None:
    was = edited(home)
    (home / "deployment" / "other.yaml").write_text(secret("other", TURN_SECRET=f"{was}-otherwise"))
    refused = run("setup", *places(home), "--no-input", "--yes")
    assert (refused.code, "with --restore" in refused.err) == (3, True)


def moved(home: Path, host: bytes) -> Path:
    """Edit the TURN host in the tree by hand, and return its file."""
    file = home / "deployment" / "hosts.yaml"
    file.write_bytes(file.read_bytes().replace(b"turn.chat-corp.net", host))
    return file


def test_an_answer_edited_by_hand_is_shown_and_can_be_put_back(home: Path) -> None:
    before = (home / "deployment" / "hosts.yaml").read_bytes()
    file = moved(home, b"other.chat-corp.net")
    screens = setup(home)
    screens.until("and is other.chat-corp.net there now.")
    screens.send(UP + "\r")
    screens.at("Write now?")
    assert "Restored: turn-host at hosts.yaml:6:11" in " ".join(screens.scrolled.split())
    screens.send("y\r")
    assert screens.end() == 0
    assert file.read_bytes() == before


def test_an_answer_edited_by_hand_can_be_taken_as_the_answer(home: Path) -> None:
    file = moved(home, b"relay.chat-corp.net")
    after = file.read_bytes()
    screens = setup(home, rows=60)
    screens.until("take what stands there as the answer (domains.turn)")
    screens.send(UP + UP + "\r")
    screens.at("Write now?")
    told = " ".join(screens.scrolled.split())
    assert "Adopted: turn-host as it was edited by hand at hosts.yaml:6:11 is the answer now" in told
    screens.send("y\r")
    assert screens.end() == 0
    assert file.read_bytes() == after
    assert "relay.chat-corp.net" in run("answers", *places(home)).out
    again = run("setup", *places(home), "--no-input", "--yes")
    assert (again.code, "No byte was changed" in again.out) == (0, True)


@pytest.mark.parametrize("host", [b"no_host!", b"localhost"])
def test_what_is_no_answer_of_its_kind_is_not_offered_as_one(home: Path, host: bytes) -> None:
    moved(home, host)
    screens = setup(home)
    screens.until(f"and is {host.decode()} there now.")
    assert "Adopt" not in screens.shown
    screens.send(CTRL_C)
    assert screens.end() == 130


def test_without_a_terminal_nothing_is_asked(home: Path) -> None:
    pulled(home, IN_SECRET)
    done = subprocess.run(
        [sys.executable, "-m", "wizard", "setup", *places(home)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "--accept-site" in done.stderr) == (3, True)


def test_in_plain_lines_it_is_asked_as_well(home: Path) -> None:
    file = pulled(home, IN_SECRET)
    screens = setup(home, "--plain")
    screens.until(TO_SECRET)
    screens.send("y\n")
    screens.until("Write now?")
    screens.send("y\n")
    assert screens.end() == 0
    assert password(home) in file.read_text()
