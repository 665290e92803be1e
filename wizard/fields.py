"""The fields of the interview: what is asked for each row of the registry, each section, and each placeholder that no
catalogue knows; what a typed text means; and how an answer is told in words, without a secret.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wizard import catalogue, placeholders
from wizard.answerfile import ReadFile, read_text
from wizard.answers import Answers, Decision
from wizard.formats import FormatError
from wizard.interview import Ask, Fault, Field, Form, State, at_path, is_document, is_keylike
from wizard.questions import BY_KEY, CHAPTERS, QUESTIONS, SECTIONS, Chapter, Question, never
from wizard.secret import MASK, Secret
from wizard.sites import Unknown, groups

PLACEHOLDERS = "Placeholders of this tree"  # the chapter of what no catalogue knows
_TYPED = ("prompt", "")
_MOST_SHOWN = 8  # items of a list in the review; the field itself shows all
_NAMES = "names"  # the key of the question whether the derived names are good as they are
_ANOTHER = "another"  # the choice of a text that is none of those proposed
_MEANINGS = {
    "value": "a value that may be seen",
    "secret": "a secret, typed without being shown",
    "generate": "a secret, made here",
    "same_as": "the same as another value, by its name",
    "split": "a secret of its own at each of these places, made here",
    "keep": "no placeholder: leave it as it stands",
}


@dataclass(frozen=True)
class _Section:
    """Whether an optional section is on."""

    key: str
    chapter: str

    def is_due(self, _: State) -> bool:
        return True

    def ask(self, state: State) -> Ask:
        section = SECTIONS[self.key]
        more = f"{section.help} In the answers file: {self.key}, which is left out for a no."
        return Ask(section.prompt, "yes", section.help, more, text="yes" if state.answers.uses(self.key) else "no")

    def take(self, state: State, text: str) -> State:
        return state.having(self.key, state.answers.with_answer(self.key, text == "yes"))

    def row(self, state: State) -> tuple[str, str]:
        return SECTIONS[self.key].name, "yes" if state.answers.uses(self.key) else "no"


@dataclass(frozen=True)
class _Names:
    """Whether the names that follow from the base domain are good as they are, or edited one by one."""

    questions: tuple[Question, ...]
    chapter: str
    key: str = _NAMES

    def is_due(self, _: State) -> bool:
        return True

    def ask(self, state: State) -> Ask:
        choices = {"use": "use them", "edit": "edit them one by one"}
        return Ask(
            f"These names follow from {state.answers['domains.base']}:\n{self._listed(state)}",
            "choice",
            text=state.picked.get(self.key, "use"),
            title="Host names",
            choices=choices,
            echo=lambda text: "" if text == "edit" else self.row(state.having(self.key, state.answers, text))[1],
        )

    def take(self, state: State, text: str) -> State:
        return state.having(self.key, state.answers, text)

    def row(self, state: State) -> tuple[str, str]:
        if state.picked.get(self.key) == "edit":
            return "Host names", "one by one"
        base = state.answers["domains.base"]
        names = [str(state.answers[question.key]) for question in self._used(state)]
        short = [name.removesuffix(f".{base}") for name in names]
        if any(each == name for each, name in zip(short, names, strict=True)):
            return "Host names", ", ".join(names)
        return "Host names", f"{', '.join(short)} (below {base})"

    def _listed(self, state: State) -> str:
        return "\n".join(f"  {question.prompt}: {state.answers[question.key]}" for question in self._used(state))

    def _used(self, state: State) -> list[Question]:
        return [question for question in self.questions if question.only_when(state.answers)]


@dataclass(frozen=True)
class _Asked:
    """One row of the registry."""

    question: Question
    chapter: str
    read_file: ReadFile
    is_derived: bool = False  # one of the names that are edited only on request

    @property
    def key(self) -> str:
        return self.question.key

    def is_due(self, state: State) -> bool:
        question = self.question
        if question.section and not state.answers.uses(question.section):
            return False
        if not question.only_when(state.answers):
            return False
        if self.is_derived:
            return state.picked.get(_NAMES) == "edit"
        if not question.asked:
            return question.required_when(state.answers) and (
                self.key in state.seen or not state.answers.answered(self.key)
            )
        return question.required_when is never or question.required_when(state.answers)

    def ask(self, state: State) -> Ask:
        question = self.question
        proposals = tuple(dict.fromkeys(question.proposals(state.answers)))
        current = self._current(state)
        if len(proposals) > 1:
            return self._choice(state, proposals, current)
        if question.kind.choices:
            choices = {word: word for word in question.kind.choices}
            return Ask(question.prompt, "choice", question.help, self._more(), current, choices)
        return Ask(
            question.prompt,
            self._form,
            f"{question.help} Empty: {question.empty}." if question.empty else question.help,
            self._more(),
            current or ("" if self._is_kept(state) else next(iter(proposals), "")),
            judge=functools.partial(self._judge, state),
            doubt=functools.partial(self._doubt, state),
            echo=functools.partial(self._echo, state),
            is_whole=question.kind.is_whole,
            is_kept=self._is_kept(state),
            named=lambda text: _lines(_tidied(text), question.kind.named),
        )

    def take(self, state: State, text: str) -> State:
        question, answers = self.question, state.answers
        proposals = question.proposals(answers)
        if len(dict.fromkeys(proposals)) > 1 and text == _ANOTHER:
            is_proposed = answers[self.key] in proposals and self.key in answers.given
            return state.having(self.key, answers.without(self.key) if is_proposed else answers, _ANOTHER)
        if self._keeps(state, text):
            return state.having(self.key, answers)
        if self._may_stay_open(text):
            return state.having(self.key, answers.without(self.key) if self.key in answers.given else answers)
        value, source = self._value(text)
        before = answers
        if question.derived_from and value == answers.without(self.key)[self.key] and not proposals:
            answers = answers.without(self.key)  # so that it follows when what it derives from changes
        else:
            answers = answers.with_answer(self.key, Secret(value) if question.secret else value, source)
        picked = value if len(dict.fromkeys(proposals)) > 1 else None
        return _unproposed(before, state.having(self.key, answers, picked))

    def row(self, state: State) -> tuple[str, str]:
        label, answers = self.question.prompt, state.answers
        value, source = answers[self.key], answers.source(self.key)
        if value is None:
            return label, "as the vault has it" if source else self.question.empty or "made here"
        if isinstance(value, tuple):
            return label, f"{_first(value)} ({self.question.kind.counted(value)})"
        return label, self._shown(value, source)

    @property
    def _form(self) -> Form:
        kind = self.question.kind
        if kind.is_document:
            return "document"
        if self.question.secret:
            return "hidden"
        return "list" if kind.yaml is list else "text"

    def _choice(self, state: State, proposals: Sequence[str], current: str) -> Ask:
        question = self.question
        choices = {name: f"{name}   (users are @name:{name})" for name in proposals} | {_ANOTHER: "another one"}
        chosen = state.picked.get(self.key, current if self.key in state.answers.given else "")
        return Ask(
            question.prompt,
            "choice",
            question.help,
            self._more(),
            chosen if chosen in choices else next(iter(choices)),
            choices,
            echo=lambda text: "" if text == _ANOTHER else text,
        )

    def _current(self, state: State) -> str:
        """Return what stands in the field at first: never a secret, and of a document its path."""
        source, value = state.answers.source(self.key), state.answers[self.key]
        if self.question.kind.is_document:
            return source[1] if source and source[0] == "file" else state.picked.get(at_path(self.key), "")
        if value is None or isinstance(value, Secret) or self.question.secret:
            return ""
        return "\n".join(map(str, value)) if isinstance(value, tuple) else str(value)

    def _is_kept(self, state: State) -> bool:
        """Tell whether a secret, or a pasted document, stands already, so that an empty field keeps it."""
        answer = state.answers.given.get(self.key)
        is_hidden = self.question.secret or self.question.kind.is_document
        return is_hidden and answer is not None and not answer.is_reset

    def _keeps(self, state: State, text: str) -> bool:
        return not text.strip() and self._is_kept(state)

    def _may_stay_open(self, text: str) -> bool:
        """Tell whether an empty text is an answer: the manifest's own counts, or what follows from another answer."""
        question = self.question
        follows = bool(question.derived_from) and question.proposals is Question.proposals
        is_open = question.required_when is never and question.default is None
        return (follows or is_open) and not text.strip()

    def _value(self, text: str) -> tuple[Any, tuple[str, str] | None]:
        if not self.question.kind.is_document:
            return self.question.read(text), _TYPED if self.question.secret else None
        if is_document(text):
            return self.question.read(_tidied(text)), _TYPED
        path = _unquoted(text.strip())
        return self.question.read(read_text(path, self.read_file)), ("file", path)

    def _judge(self, state: State, text: str) -> Fault | None:
        question, answers = self.question, state.answers
        if self._keeps(state, text) or self._may_stay_open(text):
            return None
        if self._form == "document" and not text.strip():
            return Fault("This is empty. Name the file, or paste what it holds.")
        if self._form == "document" and not is_document(text) and is_keylike(text.strip()):
            return Fault("This is neither a path nor a whole key. Paste it from its BEGIN line to its END line.")
        try:
            if self._form == "hidden":
                _refuse_controls(text)
            value, _ = self._value(text)
            question.fits(value, answers)
        except FormatError as error:
            return Fault(" ".join(filter(None, (error.what, error.instead))), error.suggestions)
        before = answers.problems((), label)
        after = answers.with_answer(self.key, Secret(value) if question.secret else value).problems((), label)
        new = [problem for problem in after if problem not in before]
        return Fault(f"{new[0].what} {new[0].next}") if new else None

    def _doubt(self, state: State, text: str) -> str:
        is_open = self._may_stay_open(text) or self.question.secret
        return "" if is_open else " ".join(self.question.doubts(self._value(text)[0], state.answers))

    def _echo(self, state: State, text: str) -> str:
        if self._keeps(state, text):
            return "kept as it was"
        if self._may_stay_open(text):
            return self.question.empty or str(state.answers.without(self.key)[self.key])
        value, source = self._value(text)
        return self._shown(Secret(value) if self.question.secret else value, source)

    def _shown(self, value: Any, source: tuple[str, str] | None) -> str:
        kind = self.question.kind
        if kind.is_document:
            text = value.reveal() if isinstance(value, Secret) else str(value)
            what = _lines(text, kind.named)
            return f"{source[1]}: {what}" if source and source[0] == "file" else what
        if isinstance(value, Secret):
            return f"{MASK} typed" if source == _TYPED else MASK
        if isinstance(value, tuple):
            return kind.counted(value) if self.question.confidential else ", ".join(map(str, value))
        return str(value) or self.question.empty

    def _more(self) -> str:
        """Return all there is to say: what it is for, what becomes of it, its form with an example, and its key."""
        question, kind = self.question, self.question.kind
        example = f", as {kind.example}" if kind.example else ""
        form = (
            f"One of {', '.join(kind.choices)}."
            if kind.choices
            else f"{kind.name[:1].upper()}{kind.name[1:]}{example}."
        )
        return " ".join(filter(None, (question.help, question.use, form, f"In the answers file: {self.key}")))


@dataclass(frozen=True)
class _Another:
    """The text that is none of those proposed for a row of the registry."""

    of: _Asked

    @property
    def key(self) -> str:
        return f"{self.of.key}: another"

    @property
    def chapter(self) -> str:
        return self.of.chapter

    def is_due(self, state: State) -> bool:
        return self.of.is_due(state) and state.picked.get(self.of.key) == _ANOTHER

    def ask(self, state: State) -> Ask:
        question = self.of.question
        given = state.answers.given.get(question.key)
        text = str(given.value) if given and given.value is not None else ""
        judge = functools.partial(self.of._judge, state)
        return Ask(question.prompt, "text", question.help, self.of._more(), text, judge=judge)

    def take(self, state: State, text: str) -> State:
        return state.having(self.key, state.answers.with_answer(self.of.key, self.of.question.read(text)))

    def row(self, _: State) -> tuple[str, str]:
        return "", ""


@dataclass(frozen=True)
class _Meaning:
    """What the placeholders of one group are, which no catalogue knows; shown with their places."""

    group: tuple[Unknown, ...]
    chapter: str = PLACEHOLDERS

    @property
    def key(self) -> str:
        return f"placeholders.{self.group[0].decision}"

    def is_due(self, _: State) -> bool:
        return True

    def ask(self, state: State) -> Ask:
        spellings = " or ".join(dict.fromkeys(placeholders.shown(each.token) for each in self.group))
        places = "".join(f"\n  {each.position}  {each.place}" for each in self.group)
        recipe = self.group[0].recipe
        choices = dict(_MEANINGS)
        if recipe:
            size = f", {recipe.size}" if recipe.size else ""
            choices["generate"] = f"{_MEANINGS['generate']} ({recipe.kind}{size})"
        if len(self.group) == 1:
            del choices["split"]
        first = "generate" if self.group[0].is_secret else "value"
        label = f"{spellings} is in no catalogue. What is it?"
        return Ask(f"{label}{places}", "choice", text=state.picked.get(self.key, first), choices=choices,
                   title=spellings, echo=lambda text: choices[text])  # fmt: skip

    def take(self, state: State, text: str) -> State:
        answers, first = state.answers, self.group[0]
        if text in ("generate", "keep"):
            recipe = first.recipe if text == "generate" else None
            made = Decision("", text, recipe.kind, recipe.size) if recipe else Decision("", text)
            answers = _decided(self.group, made, answers)
        elif text == "split":
            kind, size = (first.recipe.kind, first.recipe.size) if first.recipe else (None, None)
            apart = (Decision(f"{each.token} @ {each.place}", "generate", kind, size) for each in self.group)
            answers = functools.reduce(Answers.with_decision, apart, answers)
        return state.having(self.key, answers, text)

    def row(self, state: State) -> tuple[str, str]:
        meaning = state.picked.get(self.key, "")
        decision = state.answers.decisions.get(self.group[0].decision)
        text = decision.text if decision and meaning in ("value", "same_as") else _MEANINGS.get(meaning, "")
        return self.group[0].token, str(text)


@dataclass(frozen=True)
class _MeaningText:
    """The text that a meaning wants: the value, the secret, or the other value's name."""

    of: _Meaning

    @property
    def key(self) -> str:
        return f"{self.of.key}: text"

    @property
    def chapter(self) -> str:
        return self.of.chapter

    def is_due(self, state: State) -> bool:
        return state.picked.get(self.of.key) in ("value", "secret", "same_as")

    def ask(self, state: State) -> Ask:
        meaning = state.picked[self.of.key]
        decision = state.answers.decisions.get(self.of.group[0].decision)
        shown = str(decision.text) if decision and isinstance(decision.text, str) else ""
        if meaning == "secret":
            return Ask("Secret", "hidden", judge=_not_empty, echo=lambda _: MASK)
        if meaning == "value":
            return Ask("Value", "text", text=shown, judge=_not_empty)
        return Ask("Name of the other value", "text", text=shown, judge=functools.partial(self._name, state))

    def take(self, state: State, text: str) -> State:
        meaning = state.picked[self.of.key]
        decision = {
            "value": Decision("", "value", text),
            "secret": Decision("", "value", Secret(text), source=_TYPED),
            "same_as": Decision("", "same_as", text),
        }[meaning]
        return state.having(self.key, _decided(self.of.group, decision, state.answers))

    def row(self, _: State) -> tuple[str, str]:
        return "", ""

    def _name(self, state: State, text: str) -> Fault | None:
        import difflib

        names = {*catalogue.BY_NAME, *state.answers.decisions} - {each.decision for each in self.of.group}
        if text in names:
            return None
        near = tuple(difflib.get_close_matches(text, names, 1))
        hint = f"Did you mean {near[0]}?" if near else "Type the name of one, such as turn-secret."
        return Fault(f"There is no value called {text}. {hint}", near)


def fields(needed: Iterable[str], read_file: ReadFile, fixed: Iterable[str] = ()) -> list[Field]:
    """Return what may be asked about the *needed* keys, in the order of the chapters.

    A key in *fixed* is answered for good: the server's name, once the vault has it.
    """
    keys = set(needed) - set(fixed)
    found: list[Field] = []
    for chapter in CHAPTERS:
        questions = [question for question in QUESTIONS if question.key in keys and _chapter(question.key) is chapter]
        questions.sort(key=lambda question: chapter.keys.index(_start(question.key)))
        derived = [each for each in questions if each.derived_from == "domains.base" and chapter is CHAPTERS[0]]
        sections: set[str] = set()
        for question in _names_last(questions, derived):
            if question.section and question.section not in sections:
                sections.add(question.section)
                found.append(_Section(question.section, chapter.title))
            if derived and question is derived[0] and "domains.base" in keys:
                found.append(_Names(tuple(derived), chapter.title))
            asked = _Asked(question, chapter.title, read_file, question in derived and "domains.base" in keys)
            found.append(asked)
            if question.proposals is not Question.proposals:
                found.append(_Another(asked))
    return found


def label(key: str) -> str:
    """Return what a question is called at a terminal."""
    return BY_KEY[key].prompt


def decisions(unknown: Iterable[Unknown]) -> list[Field]:
    """Return what is asked about placeholders that no catalogue knows: once for each group of them."""
    found: list[Field] = []
    for group in groups(unknown):
        meaning = _Meaning(tuple(group))
        found += [meaning, _MeaningText(meaning)]
    return found


def opening(titles: Collection[str], count: int) -> str:
    """Return what to have at hand for the steps called *titles*; *count* is how many questions are asked."""
    at_hand = "; ".join(chapter.at_hand for chapter in CHAPTERS if chapter.title in titles and chapter.at_hand)
    minutes = max(1, round(count / 4))
    about = f"About {minutes} minute{'s' if minutes > 1 else ''}."
    return f"At hand: {at_hand}. {about}" if at_hand else about


def named(listed: Iterable[Field], given: Collection[str]) -> frozenset[str]:
    """Return the key of the question about the derived names, where all of these are *given*."""
    return frozenset(
        each.key for each in listed if isinstance(each, _Names) and all(one.key in given for one in each.questions)
    )


def rows(listed: Sequence[Field], state: State) -> list[tuple[Field, str, str]]:
    """Return the fields that a review shows, each with its label and its answer in words."""
    told = ((each, *each.row(state)) for each in listed if each.is_due(state))
    return [(each, label, text) for each, label, text in told if label]


def _decided(group: Sequence[Unknown], decision: Decision, answers: Answers) -> Answers:
    """Return the answers with one decision for a whole group: the first place holds it, the others are the same."""
    first, *others = dict.fromkeys(each.decision for each in group)
    answers = answers.with_decision(replace(decision, key=first))
    same = Decision("", "same_as", decision.text if decision.action == "same_as" else first)
    each_other = (replace(decision if decision.action == "keep" else same, key=key) for key in others)
    return functools.reduce(Answers.with_decision, each_other, answers)


def _unproposed(before: Answers, state: State) -> State:
    """Return the state without answers that were taken from proposals which are none any more: they are asked again."""
    answers, seen = state.answers, state.seen
    # What was not asked here is not asked again: given beforehand, or in the vault for good, as the server's name is.
    for question in (each for each in QUESTIONS if each.key in seen):
        given = answers.given.get(question.key)
        was, now = question.proposals(before), question.proposals(answers)
        if given and given.value in was and given.value not in now and was != now:
            left = {key: answer for key, answer in answers.given.items() if key != question.key}
            answers, seen = replace(answers, given=left), seen - {question.key}
    return replace(state, answers=answers, seen=seen)


def _first(items: Sequence[Any]) -> str:
    """Return a list in words; of a long one its first items, and how many more there are."""
    more = len(items) - _MOST_SHOWN
    return ", ".join(map(str, items[:_MOST_SHOWN])) + (f" and {more} more" if more > 0 else "")


def _start(key: str) -> str:
    """Return the longest beginning of a key that a chapter names; '' for what is never asked."""
    starts = (start for chapter in CHAPTERS for start in chapter.keys if f"{key}.".startswith(f"{start}."))
    return max(starts, key=len, default="")


def _chapter(key: str) -> Chapter | None:
    return next((chapter for chapter in CHAPTERS if _start(key) in chapter.keys), None)


def _names_last(questions: list[Question], derived: list[Question]) -> list[Question]:
    """Return the questions of one chapter in order: the base domain, what follows from it, and the rest."""
    first = [each for each in questions if each.key == "domains.base"]
    return [*first, *derived, *(each for each in questions if each not in derived and each not in first)]


def _lines(text: str, named: Callable[[str], str]) -> str:
    """Return how long a document is, and what it is, where that can be told."""
    count = len(text.strip().splitlines())
    lines = f"{count} line{'' if count == 1 else 's'}"
    try:
        what = named(text)
    except (ValueError, FormatError):
        what = ""
    return f"{lines}: {what}" if what else lines


def _tidied(text: str) -> str:
    """Return a pasted document without what a terminal or a mail put around it: blanks at the ends of PEM lines."""
    lines = text.strip("\ufeff \t\r\n").splitlines()
    if lines and lines[0].startswith("-----"):
        lines = [line.strip() for line in lines if line.strip()]
    return "\n".join(lines) + "\n"


def _unquoted(path: str) -> str:
    """Return a path without the quotes around it, as shells and file managers hand one over."""
    is_quoted = len(path) > 2 and path[0] == path[-1] and path[0] in "'\""
    return path[1:-1] if is_quoted else path


def _refuse_controls(text: str) -> None:
    """Raise FormatError for a control character in a hidden text, where nobody sees that it slipped in."""
    for number, character in enumerate(text, 1):
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise FormatError(
                f"Character {number} is a control character.", "Type it again; such a secret can be read from a file."
            )


def _not_empty(text: str) -> Fault | None:
    return None if text else Fault("This is empty.")
