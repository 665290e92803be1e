"""What the first key does to a proposal, and letters typed at a choice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import KEY_ID, PASSWORD, agree, at_review, script
from .screens import BACK, CTRL_T, PASTE, PASTED, TAB, UP, Screens

APNS, PORT = "APNs key file (.p8)", "SMTP port"
FROM, ALLOWED = "Sender of mail", "Addresses that may reach LI"
BACKSPACE, LEFT, RIGHT, HOME, END, DELETE = "\x7f", "\x1b[D", "\x1b[C", "\x1b[H", "\x1b[F", "\x1b[3~"


def at(home: Path, label: str, **options: int) -> Screens:
    """Return a run that waits at the field with a label."""
    screens = Screens(home, rows=options.pop("rows", 60), **options)  # type: ignore[arg-type]
    for earlier, keys, _ in script():
        if earlier == label:
            break
        screens.answer(earlier, keys)
    screens.at(label)
    return screens


@pytest.mark.parametrize("keys", ["2525", f"{PASTE}2525{PASTED}"], ids=["typed", "pasted"])
def test_the_first_key_or_a_paste_takes_the_place_of_what_is_proposed(home: Path, keys: str) -> None:
    screens = at(home, PORT)
    screens.until("› 587\n")
    screens.send(keys)
    screens.until("› 2525\n")
    screens.send("\r")
    screens.until(f"{PORT}: 2525\n")


@pytest.mark.parametrize(
    ("keys", "becomes"),
    [
        (LEFT, "5897"),
        (RIGHT, "5879"),
        (HOME, "9587"),
        (END, "5879"),
        (BACKSPACE, "589"),
        (DELETE, "5879"),
        (TAB, "5879"),
        ("\x01", "9587"),
        ("\x05", "5879"),
    ],
    ids=["Left", "Right", "Home", "End", "Backspace", "Delete", "Tab", "Ctrl-A", "Ctrl-E"],
)
def test_a_key_that_edits_keeps_what_is_proposed(home: Path, keys: str, becomes: str) -> None:
    screens = at(home, PORT)
    assert "type to replace · Left to edit" in screens.shown
    screens.send(keys)
    screens.until(lambda screen: "type to replace" not in screen)
    screens.send("9")
    screens.until(f"› {becomes}\n")


def test_enter_alone_accepts_what_is_proposed_and_an_empty_paste_is_none(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", BACK)
    screens.answer("Base domain", f"{PASTE}\r{PASTED}", "\r")
    screens.at("These names follow from chat-corp.net:")


def test_an_answer_that_one_comes_back_to_is_replaced_too(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "a.b.net\r")
    screens.answer("These names follow from a.b.net:", BACK)
    screens.at("Base domain")
    screens.until("› a.b.net\n")
    screens.send("chat-corp.net\r")
    screens.at("These names follow from chat-corp.net:")
    screens.send(BACK)
    screens.answer("Base domain", HOME, "my.", "\r")
    screens.at("These names follow from my.chat-corp.net:")


def test_a_list_is_replaced_whole_by_a_letter_and_gone_on_with_by_enter(home: Path) -> None:
    screens = at(home, "Shall Synapse send mail?")
    screens.answer("Shall Synapse send mail?", BACK)
    screens.answer(ALLOWED, "\r")
    screens.until("185.60.113.7/32\n\n")
    screens.send("185.60.114.0/24\r\r")
    screens.until(f"{ALLOWED}: 3 ranges")
    screens.answer("Shall Synapse send mail?", BACK)
    screens.answer(ALLOWED, "185.60.115.0/24\r\r")
    screens.until(f"{ALLOWED}: 1 range, 256 addresses")


def test_what_is_proposed_looks_otherwise_than_what_was_typed(home: Path) -> None:
    def colour(screens: Screens) -> set[str]:
        (row,) = [number for number, line in enumerate(screens.screen.display) if line.startswith("  ›")]
        return {cell.fg for column, cell in screens.screen.buffer[row].items() if 4 <= column < 7}

    screens = at(home, PORT)
    screens.until("› 587\n")
    proposed = colour(screens)
    screens.send(LEFT)
    screens.until(lambda screen: "type to replace" not in screen)
    assert len(proposed) == 1
    assert colour(screens).isdisjoint(proposed)


def test_a_half_typed_text_is_gone_on_with_and_an_untouched_one_follows_the_field_before(home: Path) -> None:
    screens = at(home, ALLOWED)
    screens.send("185.60.1", BACK)
    screens.answer("Server name", "\r")
    screens.at(ALLOWED)
    screens.until("› 185.60.1\n")
    screens.send("12.0/24\r")
    screens.until("› 185.60.112.0/24\n")
    screens.send("\r")
    screens.answer("Shall Synapse send mail?", "y\r")
    screens.answer("SMTP host", "mail.chat-corp.net\r")
    screens.answer("SMTP security", "\r")
    screens.at(PORT)
    screens.until("› 587\n")
    screens.send(LEFT, BACK)
    screens.answer("SMTP security", "tls\r")
    screens.at(PORT)
    screens.until("› 465\n")


def test_half_a_password_that_nobody_sees_is_begun_anew_unless_it_is_shown(home: Path) -> None:
    screens = at(home, "SMTP password")
    screens.send("first-half", BACK)
    screens.answer("SMTP user", "\r")
    screens.at("SMTP password")
    screens.until("› ••••••••")
    screens.send("whole")
    screens.until(lambda screen: "type to replace" not in screen)
    screens.send(CTRL_T)
    screens.until("› whole\n")
    screens.send(BACK)
    screens.answer("SMTP user", "\r")
    screens.at("SMTP password")
    screens.send(CTRL_T)
    screens.until("› whole\n")
    screens.send("some")
    screens.until("› wholesome\n")


def test_half_a_pasted_key_that_one_comes_back_to_is_replaced(home: Path) -> None:
    key = (home / f"AuthKey_{KEY_ID}.p8").read_text()
    screens = at(home, APNS)
    screens.send(PASTE + "\n".join(key.splitlines()[:2]) + PASTED)
    screens.until("pasted]")
    screens.send(BACK)
    screens.answer("Shall iPhones get push messages (APNs)?", "\r")
    screens.at(APNS)
    screens.until("› [paste]")
    screens.send(*(f"{line}\r" for line in key.splitlines()))
    screens.until("5 lines: EC P-256 private key")
    assert not [line for line in key.splitlines()[1:-1] if line in screens.everything]


def test_a_pasted_key_takes_the_place_of_a_path(home: Path) -> None:
    screens = at(home, "APNs key id")
    screens.send(BACK)
    screens.at(APNS)
    screens.until(f"› AuthKey_{KEY_ID}.p8\n")
    screens.send(PASTE + (home / f"AuthKey_{KEY_ID}.p8").read_text() + PASTED)
    screens.until("› [5 lines: EC P-256 private key pasted]")
    screens.send("\r")
    screens.until(f"{APNS}: 5 lines: EC P-256 private key")


@pytest.mark.parametrize("label", ["Base domain", PORT, ALLOWED, APNS, "SMTP security"])
def test_a_question_mark_first_tells_more_in_any_field_and_leaves_what_stands(home: Path, label: str) -> None:
    screens = at(home, label)
    screens.send("?")
    screens.until("In the answers file:")
    assert not re.search(r"› \S*\?", screens.shown)
    if label == PORT:
        screens.until("› 587\n")
        screens.send("2525\r")
        screens.until(f"{PORT}: 2525\n")


def test_a_question_mark_tells_more_at_a_yes_or_no_whatever_was_typed_before(home: Path) -> None:
    label = "Shall Synapse send mail?"
    screens = at(home, label)
    screens.send("y?")
    screens.until(lambda screen: "In the answers file: smtp" in " ".join(screen.split()))
    assert screens.field(label)[0].strip() == f"{label} (y/N) y"
    screens.send("\r")
    screens.at("SMTP host")


def test_a_question_mark_behind_a_name_is_told_and_not_taken(home: Path) -> None:
    screens = at(home, "Base domain")
    screens.send("chat-corp.net?\r")
    screens.until("! chat-corp.net? is more than a name.")
    screens.send(TAB, "\r")
    screens.until("Base domain: chat-corp.net\n")


def test_a_question_mark_is_a_letter_later_and_in_a_password(home: Path) -> None:
    screens = at(home, "SMTP password")
    screens.send("?")
    screens.until("› ••••••••")
    screens.send(CTRL_T)
    screens.until("› ?\n")
    screens.send("\r")
    screens.answer(FROM, "Who?")
    screens.until("› Who?\n")


def test_a_password_that_stands_already_is_kept_by_enter_and_that_is_told(home: Path) -> None:
    screens = at_review(home, rows=60)
    screens.answer("Write now?", BACK, *[BACK] * 17)
    screens.at("SMTP password")
    screens.until("Enter keeps what stands · Ctrl-T show")
    screens.send("x")
    screens.until("Enter accept · Ctrl-T show")
    screens.send(BACKSPACE)
    screens.until("Enter keeps what stands · Ctrl-T show")
    screens.send("\r")
    screens.until("SMTP password: kept as it was")
    for label, _, _ in script()[10:]:
        screens.answer(label, "\r\r" if label == "Address pool of MetalLB" else "\r")
    assert agree(screens) == 0
    assert any(PASSWORD in path.read_text() for path in (home / "deployment").rglob("*.yaml"))


def test_the_keys_that_are_told_do_what_is_told(home: Path) -> None:
    screens = at(home, PORT, columns=120)
    screens.until("Shift-Tab or Up back")
    screens.send(UP)
    screens.at("SMTP security")
    assert "or Up back" not in screens.shown.rpartition("SMTP security")[2]


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_path_in_quotes_is_taken(home: Path, quote: str) -> None:
    (home / f"AuthKey_{KEY_ID}.p8").rename(home / "my key.p8")
    screens = at(home, APNS)
    assert "Tab completes a path, quoted or not · or paste the key itself" in screens.shown
    screens.send(f"{quote}my key.p8{quote}\r")
    screens.until("5 lines: EC P-256 private key")


@pytest.mark.parametrize("typed", ["tls", "t", "TLS", "none\x7ftl", f"none{UP}\x15t"])
def test_letters_at_a_choice_lead_to_the_row_that_they_begin(home: Path, typed: str) -> None:
    screens = at(home, "SMTP security")
    screens.send(typed)
    screens.until("› tls")
    screens.send("\r")
    screens.until("SMTP security: tls\n")
    screens.until("› 465\n")


def test_letters_begin_a_label_as_well_as_a_word(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "chat-corp.net\r")
    screens.answer("These names follow from chat-corp.net:", "edit them\r")
    screens.at("Homeserver")
    screens.send(BACK)
    screens.answer("These names follow from chat-corp.net:", "use them\r")
    screens.answer("Server name", "matrix.\r")
    screens.until("Server name: matrix.chat-corp.net\n")


def test_letters_that_begin_no_choice_ring_and_move_nothing_and_enter_then_takes_nothing(home: Path) -> None:
    screens = at(home, "SMTP security")
    assert "\a" not in screens.everything
    screens.send("txls")  # what comes behind counts for nothing, either: it may be the rest of a key
    screens.until("! No choice begins so.")
    assert "\a" in screens.everything
    screens.until("› tls")
    screens.send("\r")
    screens.until(lambda screen: "! No choice" not in screen and "› starttls" in screen)
    screens.send("\r")
    screens.until("SMTP security: starttls\n")


@pytest.mark.parametrize("label", ["SMTP security", "Certificates", "Shall iPhones get push messages (APNs)?"])
def test_a_key_that_a_terminal_types_line_by_line_where_none_is_asked_for_answers_nothing(
    home: Path, label: str
) -> None:
    lines = (home / f"AuthKey_{KEY_ID}.p8").read_text().splitlines()
    screens = at(home, label)
    for line in lines:
        screens.send(line)
        screens.until("! No choice begins so." if label[-1] != "?" else "-----\n")
        screens.send("\r")
        screens.until(lambda screen: ("! No choice" not in screen) if label[-1] != "?" else "! Type y or n." in screen)
    screens.send("\x15" if label[-1] == "?" else "", "\r")
    told = re.compile(rf"^{re.escape(label)}:? (no|starttls|letsencrypt)$", re.MULTILINE)
    screens.until(lambda screen: bool(told.search(screen)))
    pieces = [line[at : at + 6] for line in lines[1:-1] for at in range(len(line) - 5)]
    assert not [piece for piece in pieces if piece in screens.everything]
