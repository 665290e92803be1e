"""What a key press costs: the time from sending it to a program in a pseudo-terminal until its screen has changed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path

import pexpect

_LETTERS = "abcdefgijknopqrstuvwxyz"  # without h, l and m, which end the escape sequences of any redrawing
_SIZE = (24, 120)  # rows and columns: a line of all letters that are pressed has room
BACK = "\x1b[Z"


class Field:
    """A program that waits at a field, into which keys are pressed; *after* are the keys that lead to the field."""

    def __init__(self, words: list[str], home: Path, asks: str, after: str = "", then: str = "") -> None:
        kept = {key: text for key, text in os.environ.items() if not key.startswith(("MATRIX_WIZARD", "XDG_"))}
        environment: Mapping[str, str] = {**kept, "HOME": str(home), "TERM": "xterm-256color"}
        self.child = pexpect.spawn(
            sys.executable, words, cwd=str(home), env=environment, dimensions=_SIZE, timeout=30, encoding="utf-8"
        )
        self.child.delaybeforesend = None
        self.letters: Iterator[str] = cycle(_LETTERS)
        self.child.expect_exact(asks)
        if after:
            self.child.send(after)
            self.child.expect_exact(then)

    def press(self) -> float:
        """Return the seconds until a letter is shown; it is another one each time."""
        return self._until(key := next(self.letters), key)

    def back_and_forth(self, asks: str, then: str) -> float:
        """Return the seconds until Shift-Tab shows the field before, which is then left again by Enter."""
        spent = self._until(BACK, asks)
        self._until("\r", then)
        return spent

    def _until(self, keys: str, shown: str) -> float:
        self._settle()
        begin = time.perf_counter()
        self.child.send(keys)
        self.child.expect_exact(shown)
        return time.perf_counter() - begin

    def _settle(self) -> None:
        """Read what is still being drawn, until nothing came for a moment."""
        try:
            while True:
                self.child.read_nonblocking(4096, 0.05)
        except pexpect.TIMEOUT:
            self.child.buffer = ""
