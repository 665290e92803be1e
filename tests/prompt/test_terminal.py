"""The interview in a real pseudo-terminal: what stands on the screen, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pexpect
import pyte
import pytest

PROGRAM = str(Path(__file__).with_name("program.py"))
MAIL = ("smtp.user", "smtp.password")


class Terminal:
    """A program in a pseudo-terminal of 100 by 30, and every screen that it showed."""

    def __init__(self, command: str) -> None:
        self.child = pexpect.spawn("/bin/sh", ["-c", command], dimensions=(30, 100), timeout=20, encoding="utf-8")
        self.screen = pyte.Screen(100, 30)
        self.screen.write_process_input = self.child.send  # type: ignore[method-assign]
        self.stream = pyte.Stream(self.screen)
        self.seen: list[str] = []

    def until(self, text: str) -> None:
        while text not in self.shown():
            self.stream.feed(self.child.read_nonblocking(4096, 20))
            self.seen.append(self.shown())

    def end(self) -> int:
        try:
            while True:
                self.stream.feed(self.child.read_nonblocking(4096, 20))
                self.seen.append(self.shown())
        except pexpect.EOF:
            self.child.close()
        return int(self.child.exitstatus)

    def shown(self) -> str:
        return "\n".join(self.screen.display)


def start(*keys: str, after: str = "") -> Terminal:
    return Terminal(" ".join([sys.executable, PROGRAM, *keys, after]))


def test_a_password_is_on_no_screen_and_results_go_to_stdout(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    terminal = start(*MAIL, after=f"> {out}")
    terminal.until("Shall Synapse send mail?")
    terminal.child.send("y\r")
    terminal.until("SMTP user")
    terminal.child.send("matrix\r")
    terminal.until("SMTP password")
    for letter in "Xyzzy42":
        terminal.child.send(letter)
    terminal.until("*" * 7)
    terminal.child.send("\r")
    assert terminal.end() == 0
    assert json.loads(out.read_text())["lengths"] == [7]
    assert not [screen for screen in terminal.seen if "zzy" in screen]


@pytest.mark.parametrize("key", ["\x04", "\x03"])
@pytest.mark.parametrize(("needed", "shown"), [("domains.base", "Base domain"), ("tls.mode", "Certificates")])
def test_stopping_leaves_one_sentence_and_no_traceback(key: str, needed: str, shown: str) -> None:
    terminal = start(needed)
    terminal.until(shown)
    terminal.child.send(key)
    assert terminal.end() == 130
    assert "Stopped. Nothing was written." in terminal.shown()
    assert "Traceback" not in terminal.shown()


def test_what_is_wrong_stands_right_under_the_field() -> None:
    terminal = start("domains.base")
    terminal.until("Base domain")
    terminal.child.send("https://c.net\r")
    terminal.until("Write only the name: c.net")
    rows = [row for row in terminal.screen.display if row.strip()]
    field = next(number for number, row in enumerate(terminal.screen.display) if "https://c.net" in row)
    assert "Write only the name" in terminal.screen.display[field + 1], rows
    terminal.child.send("\x15c.net\r")
    assert terminal.end() == 0


def test_without_a_terminal_nothing_is_asked() -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, "domains.base"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, b"no terminal\n")
