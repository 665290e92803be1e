"""The interview as data: what is asked, in which order, what a typed text means, and what is kept for another day.

It knows no terminal. Whoever has one gives it to `walk` as a `Terminal`, which shows one `Ask` at a time and returns
the text that was typed, or raises BackError. Nothing here is written anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from wizard.answers import Answer, Answers
from wizard.errors import Problem
from wizard.formats import FormatError
from wizard.questions import BY_KEY, SECTIONS, Question
from wizard.secret import Secret

Form = Literal["text", "hidden", "list", "document", "choice", "several", "yes"]

_LONG_WORD = re.compile(r"(\S{30})\S{40,}(\S{10})")  # somebody's 3,000 letters would leave no room for what is wrong
_LONGEST_SHOWN = 30  # characters that could be the beginning of a key before they are hidden


class BackError(Exception):
    """The operator wants the question before this one; ``text`` was half typed in the field, None where nothing was."""

    def __init__(self, text: str | None = None) -> None:
        super().__init__("back")
        self.text = Secret(text) if text is not None else None


@dataclass(frozen=True)
class Fault:
    """Why a typed text is not accepted, and the whole texts that could stand instead, likeliest first."""

    what: str
    suggestions: tuple[str, ...] = ()

    def told(self, tail: str = "") -> str:
        """Return it as one message, with what can be done about it behind it; longer words are shortened."""
        return _LONG_WORD.sub(lambda word: f"{word[1]}…{word[2]}", f"! {self.what}{tail}")


def _no_fault(_: str) -> Fault | None:
    return None


def _silent(_: str) -> str:
    return ""


@dataclass(frozen=True)
class Ask:
    """One question as a terminal shows it.

    ``form`` says how it is answered: a line of text, a hidden one, a list of one item a line, a document by its path or
    pasted, one of ``choices`` (words by what is returned), several of them (returned in the order shown, between ", ";
    "" for none), or a yes or no (returned as "yes" or "no"). Several stand in ``groups``, words by heading, no word
    with a blank or a comma in it; those in ``refused`` are shown with the reason why they cannot be chosen, which ends
    in no full stop. ``text`` stands in the field at first. ``judge`` says what is wrong with a text; ``doubt`` what
    asks for a second Enter; ``echo`` how the accepted text is shown, ``normal`` how it is returned. ``is_whole`` tells
    when a pasted document is complete, None where only an empty line ends it; ``named`` says in words what it is.
    ``title`` stands before the answer afterwards, where that is not the label. ``is_draft``: the text is the operator's
    own, half typed before, and no proposal; ``is_kept``: something that is not shown stands already, and an empty text
    keeps it.
    """

    label: str
    form: Form
    help: str = ""
    more: str = ""
    text: str = field(default="", repr=False)
    choices: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    judge: Callable[[str], Fault | None] = _no_fault
    doubt: Callable[[str], str] = _silent
    echo: Callable[[str], str] = str
    normal: Callable[[str], str] = str
    is_whole: Callable[[str], bool] | None = None
    named: Callable[[str], str] = _silent
    may_go_back: bool = False
    title: str = ""
    is_draft: bool = False
    is_kept: bool = False

    def begun(self, typed: str) -> list[str]:
        """Return the words of the choices that *typed* begins, or whose label it begins, whatever its case.

        A whole word means itself alone; nothing begins no choice.
        """
        start = typed.strip().casefold()
        if start in self.choices:
            return [start]
        rows = ((word, (word.casefold(), shown.casefold())) for word, shown in self.choices.items())
        return [word for word, names in rows if start and any(name.startswith(start) for name in names)]

    def told(self, text: str) -> str:
        """Return the line that an accepted text leaves behind; empty where it leaves none."""
        shown = self.echo(text)
        label = (self.title or self.label).partition("\n")[0].removesuffix(":")
        return f"{label}{'' if label.endswith('?') else ':'} {shown}" if shown else ""


class Terminal(Protocol):
    """What the interview needs of a terminal; one implementation moves the cursor, another never does."""

    @property
    def width(self) -> int:
        """Return how many characters a line holds."""

    def session(self) -> AbstractContextManager[None]:
        """Return what is in force from the first question to the last."""

    def say(self, text: str, style: str = "") -> None:
        """Show a text, wrapped at blanks; ``style`` is "", "heading" or "warning"."""

    def ask(self, ask: Ask) -> str:
        """Return the text that was typed and accepted. BackError for the question before; StoppedError at Ctrl-C."""

    def aside(self) -> AbstractContextManager[None]:
        """Return what gives a screen of its own to what is shown within, which leaves it to no scrollback."""

    def mark(self) -> int:
        """Return a mark of what is shown so far, for `back_to`."""

    def back_to(self, mark: int) -> None:
        """Take back what was shown since the mark, where that is possible."""


@dataclass(frozen=True)
class State:
    """What an interview has so far.

    ``picked`` holds choices that are no answers themselves, by field; ``seen`` the keys of the fields that were
    answered, those left open included.
    """

    answers: Answers
    picked: Mapping[str, str] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()

    def having(self, key: str, answers: Answers, picked: str | None = None) -> State:
        """Return the state after the field *key* was answered."""
        choices = self.picked if picked is None else {**self.picked, key: picked}
        return State(answers, choices, self.seen | {key})


class Field(Protocol):
    """One thing that the interview asks."""

    @property
    def key(self) -> str:
        """Return what names it: a key of the answers file, or a name of its own."""

    @property
    def chapter(self) -> str:
        """Return the title of the step that it belongs to."""

    def is_due(self, state: State) -> bool:
        """Tell whether it is asked, given what is known."""

    def ask(self, state: State) -> Ask:
        """Return it as a terminal shows it."""

    def take(self, state: State, text: str) -> State:
        """Return the state with an accepted text. FormatError where the text is none after all."""

    def row(self, state: State) -> tuple[str, str]:
        """Return its label and its answer in words, no secret in them; empty where another field tells it."""


@dataclass(frozen=True)
class Interview:
    """Asks the fields of a course, one after another, with a way back from each.

    ``course`` gives the fields, anew after each answer, for one answer may bring others; those with a key in ``skip``
    are not asked. ``keep`` is called after each answer. ``titles`` are the steps to count.
    """

    course: Callable[[State], Sequence[Field]]
    terminal: Terminal
    keep: Callable[[State], None]
    titles: Sequence[str]
    skip: Collection[str]

    def run(self, state: State) -> State:
        """Return the state with every due field answered; what was seen before is shown, and asked on going back."""
        return self._walk(state, [], passed=state.seen)

    def from_last(self, state: State) -> State:
        """Return the state after the last field was asked once more, or those before it, on going back."""
        mark = self.terminal.mark()
        trail = [(each.key, mark) for each in self._listed(state) if each.is_due(state)]
        last, _ = trail.pop() if trail else ("", 0)
        return self._walk(state, trail, last)

    def change(self, state: State, chosen: Field) -> State:
        """Return the state after *chosen* was asked anew, and what its answer brings up. BackError at its field."""
        among = {chosen.key}

        def listed(now: State) -> list[Field]:
            among.update(each.key for each in self._listed(now) if each.key not in now.seen)
            return [each for each in self.course(now) if each.key in among]

        within = replace(self, course=listed, skip=())
        return within._walk(state, [], chosen.key, may_leave=True)

    def _listed(self, state: State) -> list[Field]:
        return [each for each in self.course(state) if each.key not in self.skip]

    def _walk(
        self,
        state: State,
        trail: list[tuple[str, int]],
        first: str = "",
        passed: Collection[str] = (),
        *,
        may_leave: bool = False,
    ) -> State:
        """Ask from the field *first* on, or from the one behind the trail, which holds keys and the mark before each.

        Fields that were *passed* on an earlier day are shown, until somebody goes back. Back at the first of all may
        leave (BackError).
        """
        drafts: dict[str, Secret] = {}
        again = first
        while (now := self._next(state, trail, again)) is not None:
            mark = self.terminal.mark()
            self._announce(now, state, trail)
            if now.key in passed and not again:
                label, text = now.row(state)
                if label:
                    self.terminal.say(f"{label}: {text}")
                trail.append((now.key, mark))
                continue
            asked = replace(now.ask(state), may_go_back=bool(trail) or may_leave)
            if now.key in drafts:
                asked = replace(asked, text=drafts[now.key].reveal(), is_draft=True)
            try:
                text = self.terminal.ask(asked)
            except BackError as back:
                if back.text is not None:
                    drafts[now.key] = back.text
                if not trail and may_leave:
                    self.terminal.back_to(mark)
                    raise
                again, mark = trail.pop() if trail else (now.key, mark)
                passed = ()
                self.terminal.back_to(mark)
                continue
            drafts.pop(now.key, None)
            state, again = now.take(state, text), ""
            self.keep(state)
            trail.append((now.key, mark))
        return state

    def _next(self, state: State, trail: Sequence[tuple[str, int]], again: str) -> Field | None:
        """Return the field to ask: the one that is wanted *again*, else the next that is due behind the trail's end."""
        listed = self._listed(state)
        keys = [each.key for each in listed]
        if again in keys:
            return listed[keys.index(again)]
        place = keys.index(trail[-1][0]) + 1 if trail and trail[-1][0] in keys else 0
        return next((each for each in listed[place:] if each.is_due(state)), None)

    def _announce(self, now: Field, state: State, trail: Sequence[tuple[str, int]]) -> None:
        """Say which step begins, where the field before belonged to another one."""
        chapters = {each.key: each.chapter for each in self._listed(state)}
        before = chapters.get(trail[-1][0], "") if trail else ""
        if now.chapter != before and now.chapter in self.titles:
            step = self.titles.index(now.chapter) + 1
            self.terminal.say(f"\n{step}/{len(self.titles)} {now.chapter}", "heading")


def told(problem: Problem) -> str:
    """Return a problem as one message."""
    return f"{problem.where + ': ' if problem.where else ''}{problem.what} {problem.next}".strip()


def at_path(key: str) -> str:
    """Return the key among what is picked of the path that a secret document of a stopped run was read from."""
    return f"{key}: path"


def is_document(text: str) -> bool:
    """Tell whether a text is a document itself, rather than the path of one."""
    start = text.lstrip("\ufeff \t\r\n")
    return start.startswith(("-----", "{")) or "\n" in text.strip()


def is_keylike(line: str) -> bool:
    """Tell whether a line could be the inside of a key, and no path: long, and of nothing but the letters of base64."""
    letters = line.replace("+", "").replace("/", "").rstrip("=")
    return len(line) > _LONGEST_SHOWN and letters.isascii() and letters.isalnum() and not line.startswith("/")


def record(state: State) -> dict[str, Any]:
    """Return what may be kept of a stopped interview: JSON types, and no secret, typed or read from a file."""
    answers = state.answers
    kept = {key: answer for key, answer in answers.given.items() if not isinstance(answer.value, Secret)}
    decided = {
        key: each for key, each in answers.decisions.items() if each is None or not isinstance(each.text, Secret)
    }
    data = replace(answers, given=kept, decisions=decided).to_json()
    if "domains.server_name" not in kept:
        data["answers"].pop("domains.server_name", None)
    hidden = answers.given.keys() - kept.keys() | {
        f"placeholders.{key}{end}" for key in answers.decisions.keys() - decided.keys() for end in ("", ": text")
    }
    paths = {at_path(key): source[1] for key in hidden if (source := answers.source(key)) and source[0] == "file"}
    return {**data, "picked": {**state.picked, **paths}, "seen": sorted(state.seen - hidden)}


def resumed(data: Mapping[str, Any], given: Answers) -> State:
    """Return the state that `record` made *data* of, over the answers *given* now.

    What is no longer legal, and what this version does not know, is asked again: all of it where *data* has another
    form than `record` gives it.
    """
    try:
        return _resumed(data, given)
    except (AttributeError, KeyError, TypeError, ValueError):
        return State(given)


def _resumed(data: Mapping[str, Any], given: Answers) -> State:
    answers = Answers.from_json(data)
    seen = set(map(str, data.get("seen", ())))
    legal: dict[str, Answer] = {}
    for key, answer in answers.given.items():
        if key in SECTIONS or (answer.value is not None and _is_legal(BY_KEY[key], answer.value)):
            legal[key] = answer
        else:
            seen.discard(key)
    kept = given.merge(replace(answers, given=legal))
    return State(kept, {str(key): str(text) for key, text in data.get("picked", {}).items()}, frozenset(seen))


def _is_legal(question: Question, value: Any) -> bool:
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    try:
        return bool(question.read(text) == value)
    except FormatError:
        return False
