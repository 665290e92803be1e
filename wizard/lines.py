"""Questions in plain lines, for screen readers, serial lines and terminals without a cursor: nothing is taken back.

The terminal's own line editing is used, so a line holds 4,095 characters at most (termios(3), canonical mode). What may
be a secret is read with the echo off.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TextIO

from wizard import host, selection
from wizard.errors import Problem, StoppedError
from wizard.interview import Ask, BackError, Fault, is_document

_BACK, _MORE, _EMPTY = "<", "?", "-"  # whole answers with a meaning of their own
_KEYS = (
    f"Each answer ends with Enter. {_BACK} alone goes back to the question before, {_MORE} alone tells more, "
    f"{_EMPTY} alone empties a value. Enter alone takes what stands in [ ]. Ctrl-C stops."
)
_LONGEST = 4095  # bytes of a line that the terminal hands over; of a longer one the rest is lost
_NARROWEST = 20  # characters
_YES = {"y": "yes", "yes": "yes", "n": "no", "no": "no"}


class Lines:
    """A terminal that is only ever written to at its end."""

    def __init__(self, spelled: Callable[[str], str] = str) -> None:
        """``spelled`` returns a text with the commands in it as they can be typed here."""
        self._spelled = spelled
        self._is_told = False  # what may be typed instead of an answer

    @property
    def width(self) -> int:
        """Return how many characters a line holds."""
        return max(host.size().columns - 1, _NARROWEST)

    def session(self) -> AbstractContextManager[None]:
        """Return nothing to be done: what is typed ahead is seen, but for what is asked without an echo."""
        return nullcontext()

    def say(self, text: str, style: str = "") -> None:
        """Show a text, wrapped at blanks; a ``style`` of "warning" is said in words."""
        mark = "Warning: " if style == "warning" else ""
        lines = (mark + host.glyphs(self._spelled(text))).split("\n")
        self._write("".join(f"{self._wrapped(line)}\n" for line in lines))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Give what is shown within the terminal's alternate screen, where it has one; else say that it stays."""
        if not host.can_move_cursor():
            yield
            self.say("This terminal keeps what it showed: clear it.", "warning")
            return
        self._write("\x1b[?1049h\x1b[H")
        try:
            yield
        finally:
            self._write("\x1b[2J\x1b[?1049l")

    def mark(self) -> int:
        """Return a mark that means nothing here."""
        return 0

    def back_to(self, mark: int) -> None:
        """Say that the question before comes again; what was shown stays."""
        del mark
        self.say("Back.")

    def ask(self, ask: Ask) -> str:
        """Return the text that was typed and accepted. BackError for the question before; StoppedError at Ctrl-C."""
        if not self._is_told:
            self.say(f"\n{_KEYS}")
            self._is_told = True
        # The echo goes before the question is seen, which somebody may answer at once.
        with host.unechoed() if ask.form in ("hidden", "document") else nullcontext():
            self.say(ask.label)
            if ask.help:
                self.say(f"  {ask.help}")
            self._list(ask)
            self.say(f"  {self._hints(ask)}")
            text = self._until_good(ask)
        if told := ask.told(text):
            self.say(told)
        return ask.normal(text)

    def _list(self, ask: Ask) -> None:
        """Say the choices, each with its number; what cannot be chosen has none."""
        number = 0
        for row in selection.rows(ask):
            if not row.word:
                self.say(f"  {row.text}")
                continue
            number += 0 if row.refusal else 1
            self.say(f"  - {row.text}" if row.refusal else f"  {number}. {row.text}")

    def _until_good(self, ask: Ask) -> str:
        text, doubted = ask.text, ""
        while True:
            typed = self._typed(ask, text, doubted)
            if typed.strip() == _MORE:
                self.say("\n".join(f"  {each}" for each in (ask.more or ask.help, _KEYS) if each))
                continue
            if typed.strip() == _BACK:
                if ask.may_go_back:
                    raise BackError
                self.say("  There is nothing before this.")
                continue
            fault = self._misread(ask, typed) or ask.judge(typed)
            if fault:
                self._fault(fault)
                text = fault.suggestions[0] if fault.suggestions else text
                continue
            doubt = ask.doubt(typed)
            if doubt and typed != doubted:
                self.say(f"{doubt} Enter once more keeps it.", "warning")
                doubted = text = typed
                continue
            return typed

    def _typed(self, ask: Ask, text: str, doubted: str) -> str:
        """Return what is answered: what was typed, or what stood there where that was nothing."""
        if ask.form == "hidden":
            return self._unseen(ask, "")
        if ask.form == "document":
            return self._document(ask, text)
        line = self._line(ask, text)
        if ask.form == "choice":
            return self._chosen(ask, line) or text
        if ask.form == "yes":
            return _YES.get(line.strip().lower(), line) or text
        if line.strip() == _EMPTY:
            return ""
        if ask.form == "several":
            return selection.read(ask, line if line.strip() else text)[0] or line.strip()
        if ask.form != "list" or line.strip() in (_BACK, _MORE):
            return line if line.strip() else text
        if not line.strip():
            return doubted or text
        return "\n".join([line, *iter(lambda: self._line(ask, ""), "")])

    def _document(self, ask: Ask, text: str) -> str:
        """Return a path, or a pasted document, which ends where it is whole or at an empty line."""
        typed = self._line(ask, text)
        if is_document(typed):
            while not (ask.is_whole and ask.is_whole(typed)) and (more := self._line(ask, "", prompt="")):
                typed += f"\n{more}"
            host.drop_typed_ahead()  # the rest of a paste answers no other question
            typed += "\n"
        self._write("\n")
        return typed if is_document(typed) else typed.strip() or text

    def _unseen(self, ask: Ask, text: str) -> str:
        typed = self._line(ask, text)
        self._write("\n")
        return typed

    def _chosen(self, ask: Ask, line: str) -> str:
        words = list(ask.choices)
        typed = line.strip()
        if typed.isdecimal() and 1 <= int(typed) <= len(words):
            return words[int(typed) - 1]
        begun = ask.begun(typed)
        return begun[0] if len(begun) == 1 else typed  # of two nobody sees which is meant

    def _misread(self, ask: Ask, typed: str) -> Fault | None:
        if ask.form in ("hidden", "document") and typed.strip() == _EMPTY:
            return Fault(f"A secret or a key is not emptied by {_EMPTY}. Type another one, or {_BACK} to go back.")
        if ask.form == "choice" and typed not in ask.choices:
            return Fault(f"Type a number from 1 to {len(ask.choices)}.")
        if ask.form == "several":
            return selection.read(ask, typed)[1]
        if ask.form == "yes" and typed not in ("yes", "no"):
            return Fault("Type y or n.")
        if any(len(line.encode("utf-8", "replace")) >= _LONGEST for line in typed.split("\n")):
            return Fault(f"A terminal cuts lines of more than {_LONGEST} characters. Name a file that holds it.")
        return None

    def _line(self, ask: Ask, text: str, prompt: str | None = None) -> str:
        """Return one line as it was typed. StoppedError at Ctrl-C and at the end of input."""
        shown = f" [{_short(ask, text)}]" if text else ""
        self._write(f">{shown} " if prompt is None else prompt)
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError:
            self._fault(Fault("This is not text in UTF-8."))
            return self._line(ask, text, prompt)
        except KeyboardInterrupt:
            line = ""
        if not line:
            self._write("\n")
            raise StoppedError(Problem("Stopped. Nothing was written."))
        return line.removesuffix("\n")

    def _hints(self, ask: Ask) -> str:
        how = {
            "list": "One a line, an empty line ends.",
            "hidden": "What you type is not shown.",
            "document": "A path, quoted or not, or the key itself pasted: neither is shown.",
            "choice": "Type a number, or how the line begins.",
            "several": "Type numbers or names, as in 2, 5-7.",
            "yes": "Type y or n.",
        }.get(ask.form, "")
        keys = ["Enter alone keeps what stands"] if ask.is_kept else []
        keys += [f"{_BACK} goes back"] if ask.may_go_back else []
        keys += [f"{_MORE} tells more"] if ask.more else []
        keys += [f"{_EMPTY} empties"] if ask.text and ask.form in ("text", "list", "several") else []
        return " ".join(filter(None, (how, f"{', '.join(keys)}, Ctrl-C stops." if keys else "Ctrl-C stops.")))

    def _fault(self, fault: Fault) -> None:
        tail = " Enter takes it." if fault.suggestions else ""
        self.say(fault.told(tail))

    def _wrapped(self, line: str) -> str:
        indent = line[: len(line) - len(line.lstrip())]
        return textwrap.fill(line, self.width, subsequent_indent=indent, break_on_hyphens=False)

    def _write(self, text: str) -> None:
        out = _out()
        out.write(text.encode(out.encoding or "utf-8", "replace").decode(out.encoding or "utf-8"))
        out.flush()


def _short(ask: Ask, text: str) -> str:
    if ask.form == "choice":
        return str(list(ask.choices).index(text) + 1) if text in ask.choices else ""
    if ask.form == "several":
        kept = text.split(", ")
        return ", ".join(str(number) for number, word in enumerate(selection.numbered(ask), 1) if word in kept)
    return ", ".join(text.split("\n"))


def _out() -> TextIO:
    return sys.stdout if host.shows(sys.stdout) else sys.stderr
