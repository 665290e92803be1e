"""The questions at a terminal, one after another. It decides nothing: rows say what is asked, formats what is legal.

Prompts go to the terminal even when stdout is redirected (UX 3). Call only where `is_terminal()` is true.
"""

from __future__ import annotations

import difflib
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wizard.answerfile import ReadFile, read_text
from wizard.answers import Answers, Decision
from wizard.errors import Problem, StoppedError
from wizard.formats import FormatError
from wizard.mint import Recipe
from wizard.questions import SECTIONS, Question, never
from wizard.secret import Secret

if TYPE_CHECKING:
    import questionary

_TYPED = ("prompt", "")
_POINTER = ">"  # ASCII, so that a C locale shows it
_MEANINGS = {
    "value": "a value that may be seen",
    "secret": "a secret, typed without being shown",
    "generate": "a secret, made here",
    "same_as": "the same as another value, by its name",
    "split": "a secret of its own at each of these places, made here",
    "keep": "no placeholder: leave it as it stands",
}


def is_terminal() -> bool:
    """Tell whether a person can be asked: keys come from a terminal, and a terminal shows the prompts."""
    return sys.stdin.isatty() and (sys.stdout.isatty() or sys.stderr.isatty())


def interview(needed: Sequence[Question], given: Answers, read_file: ReadFile) -> Answers:
    """Return the answers given, and those to the needed questions that they leave open.

    Key files are asked for by path and read by ``read_file``. StoppedError at Ctrl-C or Ctrl-D.
    """
    answers = _names(needed, given)
    for question in needed:
        section = question.section
        if section and section not in answers.given:
            answers = answers.with_answer(section, confirm(SECTIONS[section]))
        if question.key not in answers.given and _is_due(question, answers):
            answers = _answer(question, answers, read_file)
    return answers


def confirm(text: str, *, default: bool = False) -> bool:
    """Ask for a yes or no, ended by Enter; Enter alone is the default. StoppedError at Ctrl-C or Ctrl-D."""
    import questionary

    return bool(_ask(questionary.confirm(text, default=default, auto_enter=False, output=_output())))


@dataclass(frozen=True)
class Open:
    """An unknown placeholder to ask about: ``key`` as in `Decision`, and what is known of it.

    ``recipe`` is what its own spelling asks for; "split" is offered where it ``is_group`` of several places; ``names``
    are those of the values that it may be the same as.
    """

    key: str
    recipe: Recipe | None = None
    is_secret: bool = False
    is_group: bool = False
    names: Collection[str] = ()


def placeholder(text: str, about: Open) -> Decision:
    """Ask what an unknown placeholder is. StoppedError at Ctrl-C or Ctrl-D."""
    key, recipe = about.key, about.recipe
    made = f"{_MEANINGS['generate']} ({recipe.kind}{f', {recipe.size}' if recipe.size else ''})" if recipe else ""
    choices = {**_MEANINGS, **({"generate": made} if made else {})}
    if not about.is_group:
        del choices["split"]
    meaning = _select(text, choices, "generate" if about.is_secret else "value")
    if meaning == "value":
        return Decision(key, "value", _text("Value", _not_empty))
    if meaning == "secret":
        return Decision(key, "value", Secret(_text("Secret", _not_empty, hidden=True)), source=_TYPED)
    if meaning == "same_as":
        return Decision(key, meaning, _text("Name of the other value", _name_among(about.names)))
    if meaning == "generate" and recipe:
        return Decision(key, meaning, recipe.kind, recipe.size)
    return Decision(key, meaning)


def _names(needed: Sequence[Question], given: Answers) -> Answers:
    """Ask for the base domain, what follows from it as one, and the server name, which has no default here."""
    due = {question.key: question for question in needed if question.key not in given.given}
    answers = given
    if "domains.base" in due:
        answers = _answer(due["domains.base"], answers, _no_file)
        derived = [question for question in due.values() if question.derived_from == "domains.base"]
        listed = "\n".join(f"  {question.prompt}: {answers[question.key]}" for question in derived)
        follow = f"These names follow from {answers['domains.base']}:\n{listed}\nUse them?"
        if derived and not confirm(follow, default=True):
            for question in derived:
                answers = _answer(question, answers, _no_file)
    if "domains.server_name" in due:
        answers = _server_name(due["domains.server_name"], answers)
    return answers


def _server_name(question: Question, answers: Answers) -> Answers:
    forms = [answers[key] for key in ("domains.base", "domains.matrix") if answers[key]]
    shown = {name: f"{name}   (users are @name:{name})" for name in forms} | {"": "another one"}
    chosen = _select(_titled(question), shown) or _text(question.prompt, _verdict(question, answers))
    return answers.with_answer(question.key, question.read(chosen))


def _is_due(question: Question, answers: Answers) -> bool:
    """Tell whether to ask: what is required, what has a default to look at, and what anybody may leave empty."""
    if question.section and not answers.uses(question.section):
        return False
    required = question.required_when(answers)
    if answers.answered(question.key):
        return question.asked and not question.key.startswith("domains.")
    return required or (question.asked and question.required_when is never)


def _answer(question: Question, answers: Answers, read_file: ReadFile) -> Answers:
    """Ask one question until its answer is legal, and return the answers with it; an empty one leaves it open."""
    if question.kind.choices:
        words = {word: word for word in question.kind.choices}
        chosen = _select(_titled(question), words, str(answers[question.key]))
        return answers.with_answer(question.key, question.read(chosen))
    if question.kind.is_document:
        path = _text(_titled(question), _verdict(question, answers, read_file))
        value = question.read(read_text(path.strip(), read_file))
        return answers.with_answer(question.key, Secret(value) if question.secret else value, ("file", path.strip()))
    default = answers[question.key]
    typed = _text(
        _titled(question), _verdict(question, answers), "" if default is None else str(default), hidden=question.secret
    )
    if question.secret:
        return answers.with_answer(question.key, Secret(question.read(typed)), _TYPED)
    if _may_stay_open(question, typed):
        return answers
    return answers.with_answer(question.key, question.read(typed))


def _verdict(question: Question, answers: Answers, read_file: ReadFile | None = None) -> Callable[[str], bool | str]:
    """Return questionary's validator for one question: True, or what is wrong and what to write instead."""

    def verdict(text: str) -> bool | str:
        if _may_stay_open(question, text):
            return True
        try:
            value = question.read(read_text(text.strip(), read_file) if read_file else text)
        except FormatError as error:
            return _wrapped(f"{error.what} {error.instead}")
        before = answers.problems(())
        new = [each for each in answers.with_answer(question.key, value).problems(()) if each not in before]
        return _wrapped(f"{new[0].what} {new[0].next}") if new else True

    return verdict


def _may_stay_open(question: Question, text: str) -> bool:
    return question.required_when is never and question.default is None and not text.strip()


def _not_empty(text: str) -> bool | str:
    return bool(text) or "This is empty."


def _name_among(names: Collection[str]) -> Callable[[str], bool | str]:
    def verdict(text: str) -> bool | str:
        near = difflib.get_close_matches(text, names, 1)
        hint = f" Did you mean {near[0]}?" if near else " matrix-wizard show lists them."
        return text in names or _wrapped(f"There is no value called {text}.{hint}")

    return verdict


def _no_file(path: str) -> bytes:
    raise FileNotFoundError(path)


def _titled(question: Question) -> str:
    return f"{question.prompt}\n{_wrapped(question.help, '  ')}\n "


def _wrapped(text: str, indent: str = "") -> str:
    """Return *text* in lines that the terminal does not cut: the advice stands at the end."""
    width = max(shutil.get_terminal_size().columns - 1, 20)  # characters
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _text(title: str, verdict: Callable[[str], bool | str], default: str = "", *, hidden: bool = False) -> str:
    import questionary
    from prompt_toolkit.filters import to_filter

    ask = questionary.password if hidden else questionary.text
    question = ask(title, default=default, validate=verdict, validate_while_typing=False, output=_output())
    for window in question.application.layout.find_all_windows():
        window.dont_extend_height = to_filter(True)  # so that what is wrong stands right under the field (UX 4)
        if window.height == 1:
            window.height = None  # and is shown whole
    return str(_ask(question))


def _select(title: str, choices: dict[str, str], default: str | None = None) -> str:
    import questionary

    rows = [questionary.Choice(shown, value=word) for word, shown in choices.items()]
    return str(_ask(questionary.select(title, rows, default=default, pointer=_POINTER, output=_output())))


def _ask(question: questionary.Question) -> Any:
    """Run one prompt; Ctrl-C and Ctrl-D end it as StoppedError, and Ctrl-Z does not slip into the text (UX 1)."""
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings

    bindings = KeyBindings()

    @bindings.add("c-d", eager=True)
    def stop(event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError())

    @bindings.add("c-z", eager=True)
    def ignore(_: KeyPressEvent) -> None: ...

    own = question.application.key_bindings
    question.application.key_bindings = merge_key_bindings([own, bindings] if own else [bindings])
    try:
        return question.unsafe_ask()
    except (KeyboardInterrupt, EOFError):
        raise StoppedError(Problem("Stopped. Nothing was written.")) from None


def _output() -> Any:
    from prompt_toolkit.output import create_output

    return create_output(always_prefer_tty=True)
