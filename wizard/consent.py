"""Consent at a terminal: what only the operator can say of a tree, asked one by one; a general yes never covers it.

New places for existing secrets and objects that change their instance (a pulled change may be hostile), and texts
edited by hand (DESIGN, laws 4 and 6).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wizard.errors import Problem, RefusedError, StoppedError
from wizard.filling import Consent, Drift, NewInstance, NewPlace, UndecidedError
from wizard.interview import Ask, Terminal
from wizard.questions import BY_KEY

_ADOPT, _STOP = "adopt", "stop"
_LONGEST = 60  # characters of an open text that are shown


def asked(terminal: Terminal, undecided: UndecidedError, consent: Consent) -> tuple[Consent, dict[str, Any]]:
    """Return *consent* with what was answered to everything that is *undecided*, and what is an answer from now on, by
    its key: texts edited by hand that are taken as such.

    RefusedError with every place and object that was declined; StoppedError where a text edited by hand is left
    undecided.
    """
    drift = {each.value: each for each in reversed(undecided.about) if isinstance(each, Drift)}  # at its first place
    decided = {name: _of_drift(terminal, each) for name, each in sorted(drift.items())}
    if _STOP in decided.values():
        raise StoppedError(Problem("Stopped. Nothing was written."))
    places: dict[str, list[NewPlace]] = {}
    for each in undecided.about:
        if isinstance(each, NewPlace):
            places.setdefault(each.place, []).append(each)
    problems: list[Problem] = []
    objects = [each for each in undecided.about if isinstance(each, NewInstance)]
    for each in objects:
        if not _is_the_others(terminal, each):
            fix = "Put its label, name and file back as they were, or say whose it is under instances: in the answers."
            problems.append(Problem(f"{each.told} You declined that.", each.position, fix))
    for found in places.values():
        if not _is_wanted(terminal, found):
            what = "{} would be written to a new place, which you declined."
            fix = "Take the placeholder out, or decide what it stands for under placeholders: in the answers."
            problems += (Problem(what.format(each.value), each.position, fix) for each in found)
    if problems:
        raise RefusedError(*problems)
    taken = (each for name, each in drift.items() if each.answer and decided[name] == _ADOPT)
    answers = {each.answer: BY_KEY[each.answer].read(each.text) for each in taken}
    granted = consent.granted | places.keys() | {each.document for each in objects}
    return replace(consent, granted=granted, decided={**consent.decided, **decided}), answers


def _is_wanted(terminal: Terminal, found: list[NewPlace]) -> bool:
    names = " and ".join(dict.fromkeys(each.value for each in found))
    first = found[0]
    label = _plain(f"Write {names} to a new place, {first.place}?")
    help_ = _plain(f"{first.position}: it stands elsewhere already. No stops here; nothing is written then.")
    return terminal.ask(Ask(label, "yes", help_, text="no")) == "yes"


def _is_the_others(terminal: Terminal, found: NewInstance) -> bool:
    owner = {"main": "main's", "li": "LI's"}[found.now]
    label = _plain(f"{found.told} Let it be {owner}?")
    help_ = _plain(
        f"{found.position}: what LI's objects hold goes to the LI team. No stops here; nothing is written then."
    )
    return terminal.ask(Ask(label, "yes", help_, text="no")) == "yes"


def _of_drift(terminal: Terminal, found: Drift) -> str:
    choices = {
        _ADOPT: "Adopt      take what stands there into the vault, and to its other places",
        "restore": "Restore    put the vault's back" if found.kept else "Restore    put the answer back",
        _STOP: "Stop       nothing is written",
    }
    if found.answer:
        choices[_ADOPT] = f"Adopt      take what stands there as the answer ({found.answer}), to all its places"
    elif not found.kept or found.others:
        del choices[_ADOPT]  # it breaks the rules of its answer; or of two texts nobody knows which is meant
    what = f"{found.value} was edited by hand at {found.position}, and is {found.shown[:_LONGEST]} there now."
    if found.others:
        places = ", ".join((found.position, *found.others))
        what = f"{found.value} was edited by hand in {len(found.others) + 1} ways, at {places}."
    label = _plain(what)
    return terminal.ask(Ask(label, "choice", text=_STOP, choices=choices, title=found.value))


def _plain(text: str) -> str:
    """Return a text out of the tree as it may be shown: no control or direction mark of a hostile name steers it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
