"""The guided run, from the opening lines to the consent: what is said and asked, and when a plan is made of it.

The terminal is handed to it, and so is what makes a plan; it writes nothing but the answers kept for a resume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from wizard import __version__, fields, host, interview, resume, review
from wizard.answerfile import ReadFile
from wizard.answers import Answers
from wizard.errors import Problem, StoppedError, UsageError
from wizard.interview import Ask, BackError, Fault, Field, Interview, State, Terminal
from wizard.outcome import Checked, Outcome
from wizard.plan import Needs
from wizard.questions import SECTIONS
from wizard.sites import Unknown, groups
from wizard.vault import Vault

_REVIEW = "Review"
_SERVER_NAME = "domains.server_name"


@dataclass
class Guide:
    """One guided run: the terminal, the tree, what is needed and what was given beforehand.

    ``unknown`` finds the placeholders that given answers leave undecided. ``is_first``: the tree has no vault yet.
    ``unkept`` says why answers cannot be kept for another run, empty where they can.
    """

    terminal: Terminal
    tree: Path
    needs: Needs
    given: Answers
    unknown: Callable[[Answers], Sequence[Unknown]]
    read_file: ReadFile
    is_first: bool
    is_bundled: bool = False
    unkept: str = ""
    _decisions: dict[frozenset[str], list[Field]] = field(default_factory=dict, init=False)
    _is_kept: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._fields = fields.fields(self.needs.keys, self.read_file, () if self.is_first else (_SERVER_NAME,))
        self._settled = self._settled_before()
        due = (each.chapter for each in self._fields if each.is_due(State(self.given)))
        self._titles = [*dict.fromkeys(due), *([fields.PLACEHOLDERS] if self.needs.unknown else []), _REVIEW]

    def asks(self, *, change: bool = False) -> bool:
        """Tell whether anything is to be typed: what is open, or on a *change* any line of the review."""
        return change or self._is_open(self._begun)

    def interview(self, *, change: bool = False) -> State:
        """Ask what is open, after the opening lines and the offer to go on where one stopped; nothing on a *change*."""
        state = self._begun
        if change or not self._is_open(state):
            return state
        if self.is_first:
            self._open(state)
            state = self._resumed(state)
        return self._interview.run(state)

    def consent(
        self,
        state: State,
        draw: Callable[[Answers], tuple[Answers, Outcome]],
        is_done: Callable[[Outcome], bool],
        show: Callable[[Outcome], None],
        *,
        change: bool = False,
    ) -> Outcome:
        """Return what was agreed to, drawn from the answers by *draw*, which also gives those that it was drawn from:
        a text edited by hand may be one of them now. *show* shows all of it.

        Where it *is_done*, there is nothing to agree to, and only a *change* is reviewed. StoppedError where nobody
        agrees. A UsageError of *draw*, which another answer may mend, is told and asked about.
        """
        while True:
            state, drawn = self._attempt(state, draw)
            is_ready = drawn is not None and not is_done(drawn)
            if drawn is not None and not is_ready and not change:
                return drawn
            self._review(state, drawn)
            rows = self._rows(state)
            try:
                answer = self.terminal.ask(_question(len(rows), is_ready))
                while answer == "d" and drawn is not None:
                    show(drawn)
                    answer = self.terminal.ask(_question(len(rows), is_ready))
            except BackError:
                state = self._interview.from_last(state)
                continue
            if answer == "y" and drawn is not None:
                return drawn
            if answer == "n":
                if drawn is not None and not is_ready:
                    return drawn
                raise self.stopped()
            state = self._changed(state, rows[int(answer) - 1][0])

    def stopped(self) -> StoppedError:
        """Return the error of a run that was stopped: it says whether the answers are kept."""
        kept = " Your answers are kept for the next run; secrets are not." if self._is_kept else ""
        kept = " No answer could be kept, either." if self.unkept and self.is_first else kept
        return StoppedError(Problem(f"Stopped. Nothing was written.{kept}"))

    def _attempt(
        self, state: State, draw: Callable[[Answers], tuple[Answers, Outcome]]
    ) -> tuple[State, Outcome | None]:
        problems: Sequence[Problem] = state.answers.problems((), fields.label)
        try:
            if not problems:
                answers, drawn = draw(state.answers)
                return replace(state, answers=answers), drawn
        except UsageError as error:
            problems = error.problems
        for problem in problems:
            self.terminal.say(f"! {interview.told(problem)}", "warning")
        return state, None

    def _review(self, state: State, drawn: Outcome | None) -> None:
        self.terminal.say(f"\n{self._titles.index(_REVIEW) + 1}/{len(self._titles)} {_REVIEW}", "heading")
        rows = [(label, text) for _, label, text in self._rows(state)]
        self.terminal.say(review.answered(rows, self.terminal.width))
        if drawn is None:
            return
        made = drawn.plan
        self.terminal.say("\n".join(("", *review.planned(made, self.tree), *review.about(made))))
        name = str(state.answers[_SERVER_NAME] or "") if _SERVER_NAME in self.needs.keys else ""
        told = review.warnings(made, name) if self.is_first else review.left(made)
        for warning in (*told, *(doubt.what for doubt in state.answers.doubts())):
            self.terminal.say(f"! {warning}", "warning")

    def _changed(self, state: State, chosen: Field) -> State:
        """Return the state after one line of the review was asked anew; unchanged on Back."""
        try:
            return self._interview.change(state, chosen)
        except BackError:
            return state

    @property
    def _begun(self) -> State:
        return State(self.given, seen=frozenset() if self.is_first else self._settled)

    @property
    def _interview(self) -> Interview:
        return Interview(self._course, self.terminal, self._keep, self._titles, self._settled)

    def _course(self, state: State) -> list[Field]:
        """Return the fields: those of the registry, and once these are answered what no catalogue knows."""
        if any(each.key not in state.seen | self._settled and each.is_due(state) for each in self._fields):
            return self._fields
        on = frozenset(section for section in SECTIONS if state.answers.uses(section))
        if on not in self._decisions:
            undecided = replace(state.answers, decisions=self.given.decisions)
            self._decisions[on] = fields.decisions(self.unknown(undecided))
        return [*self._fields, *self._decisions[on]]

    def _rows(self, state: State) -> list[tuple[Field, str, str]]:
        return fields.rows(self._course(state), state)

    def _settled_before(self) -> frozenset[str]:
        """Return the keys of what need not be asked: given already, and on a later run all that is not missing."""
        state = State(self.given)
        if self.is_first:
            given = {key for key, answer in self.given.given.items() if not answer.is_reset}
            return frozenset(given) | fields.named(self._fields, given)
        missing = {problem.what.split()[0] for problem in self.given.problems(self.needs.keys)}
        return frozenset(each.key for each in self._fields if each.key not in missing and each.is_due(state))

    def _is_open(self, state: State) -> bool:
        return any(each.key not in self._settled and each.is_due(state) for each in self._course(state))

    def _open(self, state: State) -> None:
        """Say what will be asked, made and written, and what to have at hand."""
        what = "new, made from the bundled tree" if self.is_bundled else "not filled in yet"
        asked = sum(each.key not in self._settled and each.is_due(state) for each in self._fields)
        asked += len(groups(self.needs.unknown))
        self.terminal.say(f"matrix-wizard {__version__}    tree: {self.tree} ({what})", "heading")
        kept = (
            f"nothing is kept for another run ({self.unkept})"
            if self.unkept
            else "your answers are kept, secrets are not"
        )
        self.terminal.say(
            f"I ask {review.count(asked, 'question')} or a few more, make up to "
            f"{review.count(self.needs.secrets, 'secret')}, keys included, and write up to "
            f"{review.count(self.needs.files, 'file')}. Nothing is written until you agree. Ctrl-C stops; {kept}."
        )
        self.terminal.say(fields.opening(self._titles, asked))

    def _resumed(self, state: State) -> State:
        """Return the state of a run that was stopped, if there is one and it is wanted."""
        data = resume.load(self.tree)
        if data is None:
            return state
        kept = interview.resumed(data, self.given)
        count = len(kept.seen)
        ask = Ask(f"A run of {_ago(data['at'])} was stopped: {review.count(count, 'answer')} kept. Go on there?", "yes",
                  "Secrets and keys are asked again. No begins anew.", text="yes")  # fmt: skip
        if count and self.terminal.ask(ask) == "yes":
            self._is_kept = True
            return kept
        resume.forget(self.tree)
        return state

    def _keep(self, state: State) -> None:
        if self.is_first:
            self._is_kept = resume.keep(self.tree, interview.record(state))


# What can be done with a tree that is set up, by the words that ``choose`` returns.
CHOICES = {
    "next": "Go on            the next open step of the run sheet",
    "setup": "Set up again     fill in what is open, keep every secret",
    "change": "Change answers   look at them all; no secret is made anew",
    "rotate": "Rotate secrets   choose which, see what it means",
    "check": "Check only       and list what is found",
    "end": "Leave it         nothing is written",
}


def choose(terminal: Terminal, tree: Path, vault: Vault, checked: Checked) -> str:
    """Tell how a tree that is set up stands, and return what the operator wants, which is one of ``CHOICES``.

    StoppedError where that is nothing.
    """
    name = Answers.from_json(vault.answers)[_SERVER_NAME]
    since = f"{vault.journal.made[:10]}, " if vault.journal else ""
    places = review.count(sum(record.kind == "site" for record in vault.records), "place") + " hold its values"
    errors = checked.errors
    state = f"check finds {review.count(errors, 'error')}" if errors else "check finds no error"
    terminal.say(f"{tree} is set up for {name or 'its server'} ({since}{places}; {state}).", "heading")
    steps = sum(not step.done for sheet in vault.sheets for step in sheet.steps)
    choices = {word: text for word, text in CHOICES.items() if steps or word != "next"}
    first = "next" if steps else "setup" if errors else "change"
    if steps:
        terminal.say(f"{review.count(steps, 'step')} of the last rotation {'is' if steps == 1 else 'are'} open.")
    ask = Ask("What is to be done?", "choice", text=first, choices=choices, echo=lambda _: "")
    chosen = terminal.ask(ask)
    if chosen == "end":
        raise StoppedError(Problem("Nothing was written."))
    return chosen


def _question(count: int, is_ready: bool) -> Ask:
    """Return the question for consent; where there is no plan, only another answer or the end can be chosen."""
    words = ["y write", "d show every change, secrets masked"] if is_ready else []
    legal = {"y", "d", "n"} if is_ready else {"n"}

    def judge(text: str) -> Fault | None:
        word = text.strip().lower()
        is_line = word.isdecimal() and 1 <= int(word) <= count
        listed = ", ".join(sorted(legal))
        return None if word in legal or is_line else Fault(f"Type {listed} or a number up to {count}.")

    return Ask(
        "Write now?" if is_ready else "Which line is to change?",
        "text",
        " · ".join([*words, "n stop here", f"1-{count} change that line"]),
        judge=judge,
        normal=lambda text: text.strip().lower(),
        may_go_back=True,
    )


def _ago(moment: str) -> str:
    """Return how long a moment (ISO 8601, UTC) is past, in words."""
    try:
        seconds = (datetime.fromisoformat(host.now()) - datetime.fromisoformat(moment)).total_seconds()
    except (ValueError, TypeError):
        return "an unknown time"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{review.count(int(seconds // size), unit)} ago"
    return "a moment ago"
