"""Plain lines: how to go back, to be told more and to empty a value, faults in every form, and long pastes."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import KEY_ID, PASSWORD, script
from .screens import Screens
from .test_pastes import CERTIFICATE, PRIVATE_KEY, chain
from .test_review import UNKNOWN
from .test_terminals import at_line

ALLOWED, APNS = "Addresses that may reach LI", "APNs key file (.p8)"
KEYS = ("< alone goes back", "? alone tells more", "- alone empties a value", "Enter alone takes what stands in [ ]")


def at(home: Path, label: str) -> Screens:
    """Return a run in plain lines that waits at the question with a label."""
    screens = Screens(home, "--plain", rows=60)
    for earlier, keys, _ in script():
        at_line(screens, earlier)
        if earlier == label:
            return screens
        screens.send(keys.removeprefix("\x15"))
    at_line(screens, label)
    return screens


def answered(screens: Screens, typed: str, said: str) -> str:
    """Type an answer and return what is said to it, which holds a text; another line to type in stands below."""
    before = len(screens.scrolled.rstrip().split("\n"))
    screens.send(f"{typed}\r")

    def reply() -> str:
        return " ".join(" ".join(screens.scrolled.rstrip().split("\n")[before:]).split())

    screens.until(lambda screen: said in reply() and screen.rstrip().rpartition("\n")[2].startswith(">"))
    return reply()


def test_what_may_be_typed_instead_of_an_answer_is_told_at_first_and_on_request(home: Path) -> None:
    screens = Screens(home, "--plain")
    at_line(screens, "Base domain")
    opening = " ".join(screens.shown.split())
    assert [told for told in KEYS if opening.count(told) != 1] == []
    reply = answered(screens, "?", "In the answers file: domains.base")
    assert [told for told in KEYS if told not in reply] == []
    answered(screens, "chat-corp.net", "These names follow from chat-corp.net:")
    reply = answered(screens, "?", "Ctrl-C stops.")  # there is no more to tell of this one, but of the keys
    assert [told for told in KEYS if told not in reply] == []
    assert "! " not in reply


@pytest.mark.parametrize("label", ["SMTP password", APNS, ALLOWED, "Shall Synapse send mail?", "SMTP security"])
def test_back_and_more_are_no_answers_in_any_form(home: Path, label: str) -> None:
    screens = at(home, label)
    answered(screens, "?", "< alone goes back")
    labels = [one for one, _, _ in script()]
    reply = answered(screens, "<", labels[labels.index(label) - 1])
    assert "Back." in reply


def test_a_value_is_emptied_and_what_follows_from_another_follows_again(home: Path) -> None:
    screens = at(home, "SMTP password")
    answered(screens, "<", "[robot]")
    answered(screens, "<", "[2525]")
    assert "SMTP port: 587" in answered(screens, "-", "SMTP user")
    screens.send("-\r")
    at_line(screens, "Sender of mail")  # without a user no password is asked for
    assert "SMTP user: no authentication" in screens.shown


def test_a_list_is_emptied_judged_and_mended(home: Path) -> None:
    screens = at(home, ALLOWED)
    answered(screens, "-", "! The list is empty. Write at least one.")
    answered(screens, "185.60.112.9/24\r", "has host bits set")
    reply = answered(screens, "", "Addresses that may reach LI: 1 range, 1 address")
    assert "Shall Synapse send mail?" in reply
    answered(screens, "<", "[185.60.112.9/32]")
    answered(screens, "-", "! The list is empty.")
    answered(screens, "185.60.112.0/24\r185.60.113.0/24\r", "2 ranges, 512 addresses")


def test_a_yes_or_no_and_a_choice_are_not_emptied(home: Path) -> None:
    screens = at(home, "Shall Synapse send mail?")
    for typed in ("-", "maybe", "nay"):
        answered(screens, typed, "! Type y or n.")
    answered(screens, "y", "SMTP host")
    answered(screens, "mail.chat-corp.net", "SMTP security")
    for typed in ("-", "0", "4", "tlsx"):
        answered(screens, typed, "! Type a number from 1 to 3.")
    answered(screens, "tl", "SMTP security: tls")


def test_a_beginning_of_two_choices_is_none(home: Path) -> None:
    (home / "deployment").mkdir()
    (home / "deployment" / "grafana.yaml").write_text(UNKNOWN)
    screens = Screens(home, "--plain", rows=60)
    screens.until("> [")
    answered(screens, "a", "! Type a number from 1 to 5.")
    answered(screens, "gen", "a secret, made here")


def test_a_secret_and_a_key_are_neither_emptied_nor_echoed(home: Path) -> None:
    screens = at(home, "SMTP password")
    answered(screens, "", "! The password is empty.")
    answered(screens, "-", "! A secret or a key is not emptied by -.")
    answered(screens, PASSWORD, "SMTP password: •••••••• typed")
    answered(screens, "<", "Enter alone keeps what stands")
    answered(screens, "", "SMTP password: kept as it was")
    assert PASSWORD not in screens.everything
    screens.send("Chat <robot@chat-corp.net>\r", "y\r")
    at_line(screens, APNS)
    answered(screens, "-", "! A secret or a key is not emptied by -.")
    answered(screens, "nowhere.p8", "! nowhere.p8 cannot be read: No such file or directory.")
    answered(screens, f"'AuthKey_{KEY_ID}.p8'", "5 lines: EC P-256 private key")


def test_a_chain_of_four_hundred_lines_is_taken_unseen(home: Path) -> None:
    certificates, key = chain(24)
    assert len(certificates.splitlines()) > 380
    screens = at(home, "Certificates")
    screens.send("3\r")
    at_line(screens, CERTIFICATE)
    screens.send(*(f"{line}\r" for line in certificates.splitlines()), "\r")
    at_line(screens, PRIVATE_KEY)
    assert "24 certificates" in screens.shown
    screens.send(*(f"{line}\r" for line in key.splitlines()))
    at_line(screens, "Public address of the TURN server")
    assert "RSA 2048 private key" in screens.shown
    hidden = {line for line in (certificates + key).splitlines() if "-----" not in line and len(line) > 20}
    assert not [line for line in hidden if line in screens.everything]
