"""The real program in a real pseudo-terminal, and the screen that a person would see."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pyte

ROOT = Path(__file__).parents[2]
TAB, BACK, UP, DOWN, ESCAPE = "\t", "\x1b[Z", "\x1b[A", "\x1b[B", "\x1b"
CTRL_C, CTRL_D, CTRL_T, CTRL_U, CTRL_Z = "\x03", "\x04", "\x14", "\x15", "\x1a"
PASTE, PASTED = "\x1b[200~", "\x1b[201~"
_LONGEST = 120  # seconds that anything may take on a busy machine; nothing waits for so long by design


class Screens:
    """A run of the program: keys in, and every screen that it showed."""

    def __init__(
        self, home: Path, *words: str, under: str = "", rows: int = 40, columns: int = 100, **environment: str
    ) -> None:
        """Start the program; ``under`` is a shell command in which {program} stands for it, for redirections."""
        self.home = home
        others = ("MATRIX_WIZARD", "LC_", "XDG_", "COLUMNS", "LINES")  # the last two would overrule the terminal's size
        kept = {key: text for key, text in os.environ.items() if not key.startswith(others)}
        program = [sys.executable, "-m", "wizard", *words]
        started = ["/bin/sh", "-c", under.format(program=shlex.join(program))] if under else program
        self.child = pexpect.spawn(
            started[0],
            started[1:],
            cwd=str(home),
            env={
                **kept,
                "HOME": str(home),
                "LANG": "C.UTF-8",
                "TERM": "xterm-256color",
                "PAGER": "cat",
                "PYTHONPATH": str(ROOT),
                "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
                **environment,
            },
            dimensions=(rows, columns),
            timeout=_LONGEST,
            encoding="utf-8",
        )
        self.child.delaybeforesend = None
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000, ratio=1)
        self.screen.write_process_input = self.child.send  # type: ignore[method-assign]
        self.stream = pyte.Stream(self.screen)
        self._rows: dict[int, str] = {}
        self.everything = ""  # every byte that came, escape sequences and all
        self.seen: list[str] = []

    def send(self, *keys: str) -> None:
        for key in keys:
            self.child.send(key)

    def until(self, holds: str | Callable[[str], bool]) -> str:
        """Return the screen once it has a text, or once a condition holds of it."""
        is_there = (lambda screen: holds in screen) if isinstance(holds, str) else holds
        while not is_there(self.shown):
            try:
                self._feed(self.child.read_nonblocking(4096, _LONGEST))
            except (pexpect.TIMEOUT, pexpect.EOF) as error:
                raise AssertionError(f"{holds} is not on the screen:\n{self.shown}") from error
        return self.shown

    def at(self, label: str) -> None:
        """Wait for the field with a label: it stands alone in its line, above the keys that may be pressed."""

        def is_asked(screen: str) -> bool:
            lines = [line.strip() for line in screen.split("\n")]
            places = [number for number, line in enumerate(lines) if line == label or line.startswith(f"{label} (")]
            return bool(places) and "stop" in "\n".join(lines[places[-1] :])

        self.until(is_asked)

    def answer(self, label: str, *keys: str) -> None:
        self.at(label)
        self.send(*keys)

    def end(self) -> int:
        """Return the exit code, once the program has ended."""
        try:
            while True:
                self._feed(self.child.read_nonblocking(4096, _LONGEST))
        except pexpect.EOF:
            self.child.close()
        assert self.child.exitstatus is not None, self.shown
        return int(self.child.exitstatus)

    def resize(self, rows: int, columns: int) -> None:
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def field(self, label: str) -> list[str]:
        """Return the lines of the screen from the field with a label on."""
        lines = self.shown.split("\n")
        place = max(at for at, line in enumerate(lines) if f"{line.strip()} (".startswith(f"{label} ("))
        return lines[place:]

    @property
    def shown(self) -> str:
        """The screen as text. Only lines that were drawn on since the last look are read again: all of them is slow."""
        columns = range(self.screen.columns)
        for number in self.screen.dirty:
            line = self.screen.buffer[number]
            self._rows[number] = "".join([line[at].data for at in columns]).rstrip()
        self.screen.dirty.clear()
        return "\n".join(self._rows.get(number, "") for number in range(self.screen.lines))

    @property
    def scrolled(self) -> str:
        """Everything that went off the top of the screen, and the screen."""
        history: Any = self.screen.history
        above = ["".join(line[at].data for at in range(self.screen.columns)).rstrip() for line in history.top]
        return "\n".join([*above, self.shown])

    def _feed(self, text: str) -> None:
        self.everything += text
        self.stream.feed(text)
        self.seen.append(self.shown)
