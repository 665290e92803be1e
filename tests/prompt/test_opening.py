"""What can be known before the first question is told there: what will be asked, made and kept, and what cannot."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from wizard.questions import BY_KEY, QUESTIONS

from .conftest import agree, at_review, script
from .screens import CTRL_C, DOWN, TAB, Screens
from .test_review import UNKNOWN, number

# Runs a command that file modes hold for, root or not: capabilities(7), CAP_DAC_OVERRIDE dropped by prctl(2).
DROP = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execvp(sys.argv[1], sys.argv[1:])"
UNDER_MODES = f"{shlex.quote(sys.executable)} -c {shlex.quote(DROP)} {{program}}"


def said(screens: Screens) -> str:
    return " ".join(screens.scrolled.split())


def test_a_tree_that_cannot_be_made_is_refused_before_the_first_question(home: Path) -> None:
    state = home / "writable"
    state.mkdir()
    home.chmod(0o555)
    screens = Screens(home, under=UNDER_MODES, columns=200, XDG_STATE_HOME=str(state), XDG_DATA_HOME=str(state))
    assert screens.end() == 3
    assert "read-only" in screens.shown
    assert str(home) in screens.shown
    assert "Base domain" not in screens.everything
    assert not list(state.rglob("*.txt"))  # nor is a key made
    home.chmod(0o755)


def test_where_answers_cannot_be_kept_the_opening_says_so_and_why(home: Path) -> None:
    (home / ".local").write_text("a file, so that there is no directory")
    screens = Screens(home)
    screens.at("Base domain")
    assert "nothing is kept for another run" in said(screens)
    assert "Not a directory" in said(screens)
    assert "answers are kept" not in said(screens)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", CTRL_C)
    assert screens.end() == 130
    assert "Stopped. Nothing was written. No answer could be kept, either." in said(screens)


def test_what_a_killed_run_had_staged_is_no_reason_to_keep_nothing(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", CTRL_C)
    assert screens.end() == 130
    (record,) = (home / ".local/state/matrix-wizard").glob("*/interview.json")
    record.rename(record.with_name("interview.json.mwtmp"))
    screens = Screens(home)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", CTRL_C)
    assert screens.end() == 130
    assert "Your answers are kept" in said(screens)
    assert record.exists()


def test_no_key_is_left_behind_by_a_write_that_is_refused(home: Path) -> None:
    (home / "elsewhere").mkdir()
    (home / "deployment").mkdir()
    (home / "deployment/grafana.yaml").write_text(UNKNOWN)
    (home / "deployment/.matrix-wizard").symlink_to(home / "elsewhere")
    words = [f"placeholders.CHANGEME_GRAFANA_{name}={{generate: password}}" for name in ("ADMIN_PASSWORD", "TOKEN")]
    options = [
        part for each in (*words, "placeholders.CHANGEME_GRAFANA_MOTTO={keep: true}") for part in ("--set", each)
    ]
    screens = Screens(home, "setup", "--yes", "--no-input", "--identity", "key.txt", *options)
    assert screens.end() == 3
    assert "lead out of the tree" in said(screens)
    assert not (home / "key.txt").exists()


def test_a_second_run_beside_one_that_is_still_asking_is_refused(home: Path) -> None:
    first = Screens(home)
    first.answer("Base domain", "chat-corp.net\r")
    first.at("These names follow from chat-corp.net:")
    second = Screens(home)
    assert second.end() == 3
    assert "Another run is asking about this tree already." in said(second)
    assert "was stopped" not in said(second)
    elsewhere = Screens(home, "--tree", "other")
    elsewhere.at("Base domain")
    first.child.kill(9)
    first.child.wait()
    third = Screens(home)
    third.until("Go on there?")


def test_lawful_intercept_is_spelled_out_before_it_is_abbreviated(home: Path) -> None:
    screens = Screens(home)
    opening = screens.until("1/7 Names").replace("\n", " ")
    assert opening.index("lawful intercept (LI)") < re.search(r"(?<!\()\bLI\b", opening + " LI ").start()  # type: ignore[union-attr]
    for label, keys, _ in script()[:3]:
        screens.answer(label, keys)
    screens.until("2/7 Who may reach lawful intercept (LI)")


def test_opening_review_and_the_list_of_changes_count_the_same(home: Path) -> None:
    screens = at_review(home, columns=200, rows=100)
    opened = re.search(r"make up to (\d+) secrets, keys included, and write up to (\d+) files", said(screens))
    made = re.search(r"Makes (\d+) secrets, keys included", said(screens))
    written = re.search(r"Writes (\d+) changes, (\d+) files", said(screens))
    assert opened
    assert made
    assert written
    # Everything was switched on, but for the keys of a certificate of one's own and an own issuer.
    assert opened[1] == made[1]
    screens.answer("Write now?", "d\r")
    screens.until("Write now? d")
    screens.at("Write now?")
    assert f"Makes {made[1]} secrets, keys included:" in said(screens)
    assert f"{written[1]} changes in {written[2]} files." in said(screens)
    assert agree(screens) == 0
    tree = [path for path in (home / "deployment").rglob("*") if path.is_file() and ".matrix-wizard" not in path.parts]
    assert len(tree) == int(written[2]) <= int(opened[2])
    assert f"Wrote {written[2]} files" in said(screens)


def test_the_key_that_the_review_names_is_the_one_that_is_written(home: Path) -> None:
    screens = at_review(home, rows=60)
    pattern = re.compile(r"signing key ed25519 (a_\w+)")
    (shown,) = set(pattern.findall(said(screens)))
    screens.answer("Write now?", f"{number(screens, 'Storage class')}\r")
    screens.answer("Storage class", "\x15local-path\r")
    screens.at("Write now?")
    screens.until("local-path")
    assert agree(screens) == 0
    assert set(pattern.findall(said(screens))) == {shown}
    assert f"ed25519 {shown} " in (home / "deployment/main-instance/01-synapse/secrets.yaml").read_text()


def test_the_review_shows_the_ranges_and_of_many_the_first(home: Path) -> None:
    screens = at_review(home, rows=60)
    assert "185.60.112.0/24, 185.60.113.7/32 (2 ranges, 257 addresses in all)" in said(screens)
    screens.answer("Write now?", f"{number(screens, 'Addresses that may reach LI')}\r")
    screens.at("Addresses that may reach LI")
    many = [f"91.198.{each}.0/24" for each in range(9)]
    screens.send("\r" + "\r".join(many) + "\r\r")
    screens.at("Write now?")
    screens.until("and 3 more")
    review = said(screens).rpartition("Review")[2]
    assert many[5] in review
    assert many[6] not in review
    screens.send(f"{number(screens, 'Addresses that may reach LI')}\r")
    screens.at("Addresses that may reach LI")
    screens.until(many[8])


def test_a_port_of_another_kind_of_security_is_kept_by_a_second_enter(home: Path) -> None:
    screens = Screens(home, rows=60)
    for label, keys, _ in script():
        if label == "SMTP port":
            screens.answer(label, "\x15587\r")
            screens.until("Port 587 is the one of starttls; tls usually has port 465. Enter once more keeps it.")
            screens.send("\r")
            screens.until("SMTP port: 587")
            break
        screens.answer(label, DOWN + "\r" if label == "SMTP security" else keys)


def test_help_says_more_than_the_label_with_an_example_and_what_becomes_of_it(home: Path) -> None:
    screens = Screens(home, rows=60)
    hidden = {"SMTP password"}
    by_label = {each.prompt: each for each in QUESTIONS}
    for label, keys, _ in script():
        screens.at(label)
        question = by_label.get(label)
        if question and label not in hidden and not label.startswith(("SMTP port", "APNs key id", "Sender", "LiveKit")):
            screens.send("?")
            screens.until(lambda screen, key=question.key: f"In the answers file: {key}" in " ".join(screen.split()))  # type: ignore[misc]
            told = " ".join("\n".join(screens.field(label)).split())
            assert question.use in told
            assert question.help in told
            assert question.kind.example in told
        screens.send(keys)


def test_a_wrong_pair_of_names_is_told_by_their_labels(home: Path) -> None:
    options = ["domains.li_matrix=turn.chat-corp.net", "domains.base=chat-corp.net", "domains.turn=turn.chat-corp.net"]
    screens = Screens(home, "setup", *(part for each in options for part in ("--set", each)), rows=60)
    for label, keys, _ in script():
        if label not in ("Base domain", "These names follow from chat-corp.net:"):
            screens.answer(label, keys)
        elif label != "Base domain":
            screens.answer(label, "\r")
    screens.at("Which line is to change?")
    assert "LI homeserver and TURN server are both turn.chat-corp.net." in said(screens)
    assert "domains.turn" not in said(screens)


def test_a_tree_without_a_server_name_is_not_warned_of_one(home: Path) -> None:
    (home / "deployment").mkdir()
    (home / "deployment/ingress.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: element-config, namespace: matrix}\n"
        "data: {STORAGE: CHANGEME_MOTTO}\n"
    )
    screens = Screens(home, "setup", "--set", "domains.base=chat-corp.net", rows=60)
    screens.answer("CHANGEME_MOTTO is in no catalogue. What is it?", "\r")
    screens.answer("Value", "x\r")
    screens.at("Write now?")
    assert "can never be changed" not in said(screens)


def test_json_in_the_place_of_the_apns_key_and_dashes_in_a_list_are_named(home: Path) -> None:
    screens = Screens(home, rows=60)
    for label, keys, _ in script():
        screens.at(label)
        if label == "Addresses that may reach LI":
            screens.send("- 10.0.0.0/8\r")
            screens.until("Dashes stand before the items.")
            screens.send(TAB)
            screens.until("› 10.0.0.0/8")
            screens.send("\x15")
        if label == BY_KEY["push.apns.key"].prompt:
            screens.send("fcm.json\r")
            screens.until("it is a JSON file")
            assert "\\n" not in screens.shown
            break
        screens.send(keys)


def test_an_entry_that_is_added_takes_nothing_away(home: Path) -> None:
    screens = at_review(home, rows=60)
    screens.answer("Write now?", "d\r")
    screens.until("Write now? d")
    screens.at("Write now?")
    lines = [line for line in screens.scrolled.split("\n") if "storage-class" in line and "ceph-block" in line]
    assert lines
    assert not [line for line in lines if "standard ->" in line]
