"""Small, resized, colourless and plain terminals, and none at all."""

from __future__ import annotations

import json
import random
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from .conftest import KEY_ID, OFFER, ONE_KEY, PASSWORD, agree, script
from .screens import CTRL_U, DOWN, ROOT, Screens

COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")


def is_asked(label: str, screen: str) -> bool:
    """Tell whether a field stands on a screen, however its label is wrapped."""
    tails = " ".join(screen.split()).split(label)[1:]
    return any(
        tail.startswith((" (y/N)", " (Y/n)", " ›", " >")) or (label[-1] == ":" and "›" in tail) for tail in tails
    )


def until_asked(screens: Screens, label: str) -> None:
    screens.until(lambda screen: is_asked(label, screen))


def tells_keys(screen: str) -> bool:
    """Tell whether the last line of a screen says what keys do."""
    return bool(re.search(r"Enter|letters|Shift-Tab|[?] more|Ctrl-C", screen.rstrip().rpartition("\n")[2]))


def words_of(text: str) -> set[str]:
    return set(text.split())


@pytest.mark.parametrize(("rows", "columns"), [(12, 40), (8, 25), (6, 30)])
def test_a_whole_install_gets_through_a_small_terminal(home: Path, rows: int, columns: int) -> None:
    screens = Screens(home, rows=rows, columns=columns)
    for label, keys, _ in script():
        until_asked(screens, label)
        screens.until(tells_keys)
        screens.send(keys)
    until_asked(screens, "Write now?")
    screens.send("y\r")
    for label, keys in ONE_KEY:
        until_asked(screens, label)
        screens.send(keys)
    until_asked(screens, OFFER)
    screens.send("\r")
    assert screens.end() == 0
    assert (home / "deployment/.matrix-wizard/vault.age").exists()
    told = {word for label, _, _ in script() for word in label.split()}
    assert told <= words_of(" ".join(screens.seen))  # no word was cut


@pytest.mark.parametrize(("rows", "columns"), [(12, 40), (6, 30)])
def test_what_is_wrong_is_whole_on_a_small_terminal_and_so_is_the_field(home: Path, rows: int, columns: int) -> None:
    screens = Screens(home, rows=rows, columns=columns)
    until_asked(screens, "Base domain")
    assert "The domain under which the host names below stand" in " ".join(screens.shown.split())
    screens.send("https://chat-corp.net\r")
    said = "Write only the name: chat-corp.net (Tab takes it)"
    screen = screens.until(lambda screen: said in " ".join(screen.split()))
    assert "› https://chat-corp.net ! https://chat-corp.net is more than" in " ".join(screen.split())
    screens.send("\t\r")
    until_asked(screens, "These names follow from chat-corp.net:")
    assert "› use them edit them one by one" in " ".join(screens.shown.split())
    screens.send("\r")
    until_asked(screens, "Server name")
    screens.send(DOWN, DOWN)
    screens.until("› another one")  # it is scrolled to where there are too few lines


def test_a_resize_in_the_midst_of_a_field_and_a_choice_leaves_them_right(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "chat-c")
    screens.until("› chat-c")
    for rows, columns in ((12, 40), (40, 100)):
        screens.resize(rows, columns)
        screens.send("o" if columns == 40 else "rp.net")
        screens.until("› chat-co" if columns == 40 else "› chat-corp.net")
        until_asked(screens, "Base domain")
    screens.until("stand unless they are given.\n  Enter accept")
    screens.send("\r")
    until_asked(screens, "These names follow from chat-corp.net:")
    screens.send(DOWN)
    screens.until("› edit them")
    screens.resize(12, 40)
    screens.until(lambda screen: "› edit them one by one" in screen and "LI homeserver:\n" in screen)
    screens.resize(40, 100)
    screens.until(
        lambda screen: "› edit them" in screen and "Up, Down or letters choose · Enter accept · Shift" in screen
    )
    screens.send("\r")
    screens.answer("Homeserver", CTRL_U + "hs.chat-corp.net\r")
    for label in ("Web client", "TURN server", "LI homeserver", "LI web client", "LI admin"):
        screens.answer(label, "\r")
    screens.answer("Server name", DOWN + "\r")
    screens.until("Server name: hs.chat-corp.net")


def test_no_color_means_none(home: Path) -> None:
    screens = Screens(home, NO_COLOR="1")
    screens.answer("Base domain", "https://chat-corp.net\r")
    screens.until("! ")
    screens.send("\t\r")
    for label, keys, _ in script()[1:]:
        screens.answer(label, keys)
    assert agree(screens) == 0
    assert not COLOUR.search(screens.everything)


def test_there_is_colour_otherwise(home: Path) -> None:
    screens = Screens(home)
    screens.answer("Base domain", "https://chat-corp.net\r")
    screens.until("! ")
    assert COLOUR.search(screens.everything)


@pytest.mark.parametrize("words", [(), ("--plain",)])
def test_a_locale_without_utf_8_gets_ascii_alone(home: Path, words: tuple[str, ...]) -> None:
    screens = Screens(home, *words, LC_ALL="C", LANG="")
    screens.until("Base domain")
    screens.send("chatcorp\r")
    screens.until("! ")
    screens.send(CTRL_U if not words else "")
    for label, keys, _ in script():
        if words:
            break
        screens.answer(label, keys)
    if not words:
        screens.at("Write now?")
        assert "\n  >\n" in screens.shown
        assert "********" in screens.scrolled
        assert agree(screens) == 0
    assert screens.everything.isascii(), sorted({each for each in screens.everything if not each.isascii()})


def test_json_to_a_file_is_one_document_and_the_questions_stay_on_the_terminal(home: Path) -> None:
    screens = Screens(home, "setup", "--json", under="{program} > out.json", columns=60)
    for label, keys, _ in script():
        until_asked(screens, label)
        screens.send(keys)
    until_asked(screens, "Write now?")
    assert max(len(line) for line in screens.shown.split("\n")) <= 60
    screens.send("y\r")
    for label, keys in ONE_KEY:
        until_asked(screens, label)
        screens.send(keys)
    until_asked(screens, OFFER)
    screens.send("\r")
    assert screens.end() == 0
    made = json.loads((home / "out.json").read_bytes().decode("utf-8"))
    assert (made["written"], made["tree"]) == (True, "deployment")
    assert PASSWORD not in (home / "out.json").read_text()


@pytest.mark.parametrize("inside", ["path", "pasted"])
def test_slow_and_cut_pastes_show_nothing_of_a_key(home: Path, seed: int, inside: str) -> None:
    chance = random.Random(seed)  # noqa: S311
    key = (home / f"AuthKey_{KEY_ID}.p8").read_text()
    screens = Screens(home, rows=60)
    for label, keys, _ in script():
        if label == "APNs key file (.p8)":
            break
        screens.answer(label, keys)
    screens.at("APNs key file (.p8)")
    text = key.replace("\n", "\r") if inside == "pasted" else "\r".join(key.split("\n")[:-1]) + "\r"
    while text:
        size = chance.randint(1, 9)
        screens.send(text[:size])
        text = text[size:]
        if chance.random() < 0.3:
            _read_what_there_is(screens)
    screens.until("5 lines: EC P-256 private key")
    for line in key.splitlines()[1:-1]:
        for at in range(len(line) - 11):
            assert line[at : at + 12] not in screens.everything


def _read_what_there_is(screens: Screens) -> None:
    try:
        screens._feed(screens.child.read_nonblocking(4096, 0))
    except pexpect.TIMEOUT:
        return


@pytest.mark.parametrize("closed", ["stdin", "stdout and stderr"])
def test_without_a_terminal_what_is_missing_is_named_with_its_flag(home: Path, closed: str) -> None:
    program = f"{shlex.quote(sys.executable)} -m wizard"
    if closed == "stdin":
        screens = Screens(home, under="{program} < /dev/null", columns=200)
        assert screens.end() == 2
        said = screens.scrolled
    else:
        screens = Screens(home, under="{program} > out.txt 2> err.txt")
        assert screens.end() == 2
        assert screens.everything == ""
        assert (home / "out.txt").read_text() == ""
        said = (home / "err.txt").read_text()
    said = " ".join(said.split())
    for key in ("domains.base", "lawful_intercept.allowed_cidrs", "tls.email"):
        assert f"{key} is missing." in said
        assert f"--set {key}=VALUE" in said
    assert not (home / "deployment").exists()
    piped = subprocess.run(
        ["/bin/sh", "-c", f"echo chat-corp.net | {program}"], cwd=home, capture_output=True, text=True, check=False,
        env={"HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin",
             "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
    )  # fmt: skip
    assert piped.returncode == 2
    assert "domains.base is missing." in piped.stderr


def at_line(screens: Screens, label: str) -> None:
    """Wait for the question with a label in plain lines: the last line is the one to type in."""

    def is_there(screen: str) -> bool:
        _, found, tail = f"\n{screen.rstrip()}".rpartition(f"\n{label}\n")
        return bool(found) and tail.rpartition("\n")[2].startswith(">")

    screens.until(is_there)


@pytest.mark.parametrize("how", ["--plain", "TERM=dumb"])
def test_a_whole_install_in_plain_lines_moves_no_cursor_and_echoes_no_secret(home: Path, how: str) -> None:
    key = (home / f"AuthKey_{KEY_ID}.p8").read_text()
    screens = Screens(home, "--plain", rows=50) if how == "--plain" else Screens(home, rows=50, TERM="dumb")
    for label, keys, _ in script():
        at_line(screens, label)
        if label == "SMTP port":
            screens.send("<\r")
            at_line(screens, "SMTP security")
            screens.send("?\r")
            screens.until(lambda screen: "In the answers file: smtp.security" in " ".join(screen.split()))
            screens.send("9\r")
            screens.until("! Type a number from 1 to 3.")
            screens.send("\r")
            at_line(screens, label)
        if label == "E-mail address for Let's Encrypt":
            screens.send("mailto:ops@chat-corp.net\r")
            screens.until("Enter takes it.")
            screens.send("\r")
        elif label == "APNs key file (.p8)":
            screens.send(*(f"{line}\r" for line in key.splitlines()))
            screens.until("APNs key file (.p8): 5 lines: EC P-256 private key")
        else:
            screens.send(f"{KEY_ID}\r" if label == "APNs key id" else keys)
    at_line(screens, "Write now?")
    screens.send("y\r")
    for label, keys in ONE_KEY:
        at_line(screens, label)
        screens.send("3\r" if label == "Which shall it be?" else keys)
    at_line(screens, OFFER)
    screens.send("\r")
    assert screens.end() == 0
    assert "\x1b" not in screens.everything
    for hidden in (PASSWORD, *key.splitlines()[1:-1]):
        assert hidden not in screens.everything
    assert (home / "deployment/.matrix-wizard/vault.age").exists()


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_stopped_at_a_hidden_line_the_echo_is_on_again(home: Path, key: str) -> None:
    screens = Screens(home, "--plain", rows=50)
    for label, keys, _ in script():
        at_line(screens, label)
        if label == "SMTP password":
            break
        screens.send(keys)
    assert not screens.child.getecho()
    screens.send("\x1a", key)  # Ctrl-Z before it does nothing
    screens.until("Stopped. Nothing was written.")
    assert screens.child.getecho()
    assert screens.end() == 130


def test_a_line_that_the_terminal_would_cut_is_refused_in_words(home: Path) -> None:
    screens = Screens(home, "--plain")
    at_line(screens, "Base domain")
    for _ in range(5):
        screens.send("x" * 1000)
    screens.send("\r")
    screens.until("cuts lines of more than 4095 characters")
    screens.send("\x03")
    assert screens.end() == 130


@pytest.mark.parametrize("how", ["HUP", "TERM"])
def test_what_was_typed_unseen_is_not_left_to_the_shell(home: Path, how: str) -> None:
    screens = Screens(home, under="{program} --plain; echo over; cat", rows=50)
    for label, keys, _ in script():
        at_line(screens, label)
        if label == "SMTP password":
            break
        screens.send(keys)
    screens.send("topsecret2")
    (program,) = Path(f"/proc/{screens.child.pid}/task/{screens.child.pid}/children").read_text().split()
    subprocess.run(["/bin/sh", "-c", f"kill -{how} {program}"], check=True)
    screens.until("over")
    screens.send("shown\r")
    screens.until("shown\nshown")  # typed with the echo on again, and given back by cat
    assert "topsecret2" not in screens.everything
    screens.send("\x04")
    screens.end()
