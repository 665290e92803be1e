"""Two vaults that grew apart from one, made one again: whatever either of them keeps is kept.

Generations are only ever added, so nothing has to be chosen but which one is live; where both sides chose, the operator
says it, and until then it is a contest. Pure.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from wizard import originals
from wizard.codec import to_json
from wizard.errors import Problem, RefusedError, UsageError
from wizard.questions import BY_KEY
from wizard.vault import (
    VAULT,
    VERSION,
    Audit,
    Contest,
    Generation,
    Kept,
    Recipient,
    Record,
    Replaced,
    Sheet,
    State,
    Step,
    Vault,
    fingerprint,
)

_T = TypeVar("_T")
_K = TypeVar("_K", bound=Hashable)

# The later of two states that two branches gave one generation: no merge makes a compromised secret good again.
_FINALITY: tuple[State, ...] = ("pending", "current", "retiring", "past", "compromised")
_NO_ANSWER = ""  # in the place of an answer's JSON text


def merge(base: Vault | None, ours: Vault, theirs: Vault) -> Vault:
    """Return the union of *ours* and *theirs*, which both come from *base* (None where that is not known).

    What one side changed is as that side has it. What both changed in different ways is in ``contests``, and the newer
    generation current until it is decided; of a place or a recipient, ours. RefusedError for two different vaults."""
    if ours.id != theirs.id:
        what = "These are the vaults of two deployments, and not two versions of one."
        raise RefusedError(Problem(what, VAULT, "Keep one of them (git checkout --ours or --theirs)."))
    before = base if base is not None and base.id == ours.id else Vault(ours.id, ())
    settled = _settled(before, ours, theirs)
    values, fought = _values(before, ours, theirs, settled)
    answers, disputed = _answers(before.answers, ours.answers, theirs.answers, settled)
    seal, other = _seal(before, ours, theirs)
    records = _three_way(_records(before), _records(ours), _records(theirs), _first)
    return Vault(
        id=ours.id,
        recipients=_recipients(before.recipients, ours.recipients, theirs.recipients),
        version=VERSION,
        revision=max(ours.revision, theirs.revision) + 1,
        seal=seal.seal,
        former_seals=tuple(
            each
            for each in dict.fromkeys((*ours.former_seals, *theirs.former_seals, fingerprint(other.seal)))
            if each not in ("", fingerprint(seal.seal))
        ),
        answers=answers,
        values=values,
        records=tuple(sorted(records.values(), key=lambda record: repr(originals.key(record)))),
        left_out=tuple(sorted(_sets(before.left_out, ours.left_out, theirs.left_out))),
        from_bundle=ours.from_bundle or theirs.from_bundle,
        journal=ours.journal,  # of the files that stand here, which theirs knows nothing about
        audit=_audit(before.audit, ours.audit, theirs.audit),
        contests=_contests(before, ours, theirs, [*fought, *disputed]),
        twin=theirs.twin if ours.twin == before.twin else ours.twin,
        context=theirs.context if ours.context == before.context else ours.context,
        sheets=_retargeted(_sheets(before.sheets, ours.sheets, theirs.sheets), values),
    )


def take(vault: Vault, name: str, choice: str) -> Vault:
    """Return *vault* with the contest about *name* decided for *choice*: "ours", "theirs" or the id of a generation.

    UsageError where there is no such contest, or no such side of it."""
    contest = next((each for each in vault.contests if each.name == name), None)
    if contest is None:
        listed = ", ".join(each.name for each in vault.contests)
        raise UsageError(Problem(f"Nothing is undecided about {name}.", "", f"Undecided: {listed or 'nothing'}."))
    sides = {"ours": contest.ours, "theirs": contest.theirs}
    chosen = sides.get(choice, choice)
    if chosen not in sides.values():
        fix = "Write ours or theirs" + (f", {contest.ours} or {contest.theirs}." if contest.kind == "value" else ".")
        raise UsageError(Problem(f"“{choice}” is no side of what is undecided about {name}.", "", fix))
    left = replace(vault, contests=tuple(each for each in vault.contests if each != contest))
    if contest.kind == "answer":
        section, _, key = name.partition(" ")
        part = {other: answer for other, answer in left.answers.get(section, {}).items() if other != key}
        part |= {key: json.loads(chosen)} if chosen != _NO_ANSWER else {}
        return replace(left, answers={**left.answers, section: part})
    kept = left.values[name]
    values = {**left.values, name: _with_current(kept.generations, name, chosen)}
    return replace(left, values=values, sheets=_retargeted(left.sheets, values))


def undecided(vault: Vault, *names: str) -> list[Problem]:
    """Return a problem for each contest of *vault*, or of what is called *names*: both sides told apart, never by the
    text of a secret or of a confidential answer."""
    found = []
    for each in vault.contests:
        if names and each.name not in names:
            continue
        sides = f"ours is {_told(vault, each, each.ours)}, theirs {_told(vault, each, each.theirs)}"
        what = f"{each.name} was changed on both sides of a merge: {sides}."
        take = f"matrix-wizard vault merge --take {shlex.quote(f'{each.name}=ours')}"
        found.append(Problem(what, VAULT, f"Say which one is in use, ours or theirs: {take}"))
    return found


def _told(vault: Vault, contest: Contest, side: str) -> str:
    if contest.kind == "answer":
        question = BY_KEY.get(contest.name.partition(" ")[2])
        is_hidden = question is not None and question.confidential and side != _NO_ANSWER
        return "another answer, not shown here" if is_hidden else side or "none"
    made = next(each for each in vault.values[contest.name].generations if each.id == side)
    return f"{made.id} ({made.why}, {made.made})"


def _settled(base: Vault, ours: Vault, theirs: Vault) -> frozenset[str]:
    """Return the names of contests of *base* that both sides decided: what stood there was neither's choice."""
    before, one, other = ({each.name for each in side.contests} for side in (base, ours, theirs))
    return frozenset(before - one - other)


def _values(base: Vault, ours: Vault, theirs: Vault, settled: frozenset[str]) -> tuple[dict[str, Kept], list[Contest]]:
    values, contests = {}, []
    for name in [*ours.values, *(name for name in theirs.values if name not in ours.values)]:
        sides = [side.values.get(name) for side in (base, ours, theirs)]
        first = sides[0].current.id if sides[0] and name not in settled else None
        values[name], contest = _kept(name, first, *sides)
        contests += [contest] if contest else []
    return values, contests


def _kept(
    name: str, first: str | None, base: Kept | None, ours: Kept | None, theirs: Kept | None
) -> tuple[Kept, Contest | None]:
    """Return a value with the generations of both sides, and what is undecided about it.

    *first* is the one that was current before; None where that is not known, or was nobody's choice."""
    if ours is None or theirs is None:
        return next(each for each in (ours, theirs) if each), None
    sides = [{each.id: each for each in (side.generations if side else ())} for side in (base, ours, theirs)]
    both = {**sides[1], **sides[2]}
    if any(sides[1][each].text != sides[2][each].text for each in sides[1].keys() & sides[2].keys()):
        what = f"Two generations of {name} bear one name and hold two texts."
        raise RefusedError(Problem(what, VAULT, "One of the two vaults was tampered with: keep the other."))
    merged = {each: _one(*(side.get(each) for side in sides)) for each in both}
    order = sorted(merged.values(), key=lambda each: (each.id not in sides[0], each.made, each.id))
    mine, other = ours.current.id, theirs.current.id
    chosen = _either(first, mine, other)
    contest = None
    if chosen is None or merged[chosen].state != "current":  # both chose, or one chose what the other has given up
        usable = [each for each in order if each.id in (mine, other) and each.state != "compromised"]
        chosen = (usable or [each for each in order if each.id in (mine, other)])[-1].id
        if len(usable) != 1 and merged[mine].text != merged[other].text:
            contest = Contest(name, "value", mine, other)
    return _with_current(tuple(order), name, chosen), contest


def _with_current(generations: Iterable[Generation], name: str, chosen: str) -> Kept:
    """Return the value with the generation *chosen* as its current one, and the one that was past."""

    generations = tuple(generations)
    since = next(each.made for each in generations if each.id == chosen)

    def settled(each: Generation) -> Generation:
        if each.id == chosen:
            return replace(each, state="current", until="")
        return replace(each, state="past", until=each.until or since) if each.state == "current" else each

    return Kept(name, tuple(map(settled, generations)))


def _one(base: Generation | None, ours: Generation | None, theirs: Generation | None) -> Generation:
    """Return one generation as both sides have it together: in force until the later end that either knows of."""
    there = [each for each in (ours, theirs) if each]
    state = _state(base, ours, theirs)
    ends = (each.until for each in there if state != "current")
    return replace(there[0], state=state, until=max(ends, default=""))


def _state(base: Generation | None, ours: Generation | None, theirs: Generation | None) -> State:
    """Return the state of one generation: as the side that changed it has it, or the later of two changes.

    What was once found compromised stays so, whatever a side says that brings an old vault back."""
    if any(each and each.state == "compromised" for each in (base, ours, theirs)):
        return "compromised"
    if ours is None or theirs is None:
        return next(each.state for each in (ours, theirs) if each)
    one = _either(base.state if base else None, ours.state, theirs.state)
    return one if one is not None else max((ours.state, theirs.state), key=_FINALITY.index)


def _answers(
    base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], settled: frozenset[str]
) -> tuple[dict[str, Any], list[Contest]]:
    """Return the answers of both, section by section and key by key; ours is in force where both changed one."""
    merged: dict[str, Any] = {}
    contests: list[Contest] = []
    for section in dict.fromkeys((*ours, *theirs)):
        sides = [
            {key: to_json(answer) for key, answer in side.get(section, {}).items()} for side in (base, ours, theirs)
        ]
        part: dict[str, Any] = {}
        for key in dict.fromkeys((*sides[1], *sides[2])):
            name = f"{section} {key}"
            before, one, other = (side.get(key, _NO_ANSWER) for side in sides)
            text = _either(None if name in settled else before, one, other)
            if text is None:
                contests.append(Contest(name, "answer", one, other))
                text = one
            part |= {key: json.loads(text)} if text != _NO_ANSWER else {}
        merged[section] = part
    return merged, contests


def _contests(base: Vault, ours: Vault, theirs: Vault, new: Iterable[Contest]) -> tuple[Contest, ...]:
    """Return the contests that neither side has decided, and the *new* ones in the place of older ones of the name."""
    before, one, other = ({each.name: each for each in side.contests} for side in (base, ours, theirs))
    return tuple((_three_way(before, one, other, _first) | {each.name: each for each in new}).values())


def _recipients(
    base: Iterable[Recipient], ours: Iterable[Recipient], theirs: Iterable[Recipient]
) -> tuple[Recipient, ...]:
    """Return everybody of both: who was removed on one side is removed, who was drilled on one is drilled."""

    def both(mine: Recipient, yours: Recipient) -> Recipient:
        return replace(mine, drilled=max(mine.drilled, yours.drilled))

    before, one, other = ({(each.key, each.since): each for each in side} for side in (base, ours, theirs))
    merged = _three_way(before, one, other, both)
    for key, row in merged.items():  # who is let in again has a new row: no old vault undoes a removal
        untils = (side[key].until for side in (before, one, other) if key in side)
        merged[key] = replace(row, until=min(filter(None, untils), default=""))
    shut_out = (_shut_out(one) | _shut_out(other)) - _shut_out(before)
    merged = {key: row for key, row in merged.items() if row.until or row.key not in shut_out}
    first: dict[str, tuple[str, str]] = {}
    for key, row in sorted(merged.items()):
        if not row.until:
            first.setdefault(row.key, key)
    return tuple(row for key, row in merged.items() if row.until or first[row.key] == key)


def _shut_out(rows: Mapping[tuple[str, str], Recipient]) -> set[str]:
    """Return the keys that do not open the vault any more."""
    return {row.key for row in rows.values()} - {row.key for row in rows.values() if not row.until}


def _seal(base: Vault, ours: Vault, theirs: Vault) -> tuple[Vault, Vault]:
    """Return the side whose seal is the merged vault's, and the other one."""
    if theirs.seal in (ours.seal, base.seal):
        return ours, theirs
    if ours.seal == base.seal:
        return theirs, ours
    return max((ours, theirs), (theirs, ours), key=lambda pair: pair[0].seal.reveal())


def _audit(base: Audit | None, ours: Audit | None, theirs: Audit | None) -> Audit | None:
    """Return what proves the lines of both logs: the newest of each side, and the keys of both."""
    if ours is None or theirs is None or ours == theirs:
        return ours or theirs
    before = base or Audit(ours.key)
    key, *others = sorted({ours.key, theirs.key}, key=lambda key: (key != before.key, key.reveal()))
    return Audit(
        key,
        tuple(sorted(_sets(before.heads, ours.heads, theirs.heads))),
        max(ours.count, theirs.count),  # at least: which lines are on both branches only the log itself tells
        tuple(sorted(_sets(before.last, ours.last, theirs.last))),
        tuple(sorted({*others, *ours.former, *theirs.former} - {key}, key=lambda each: each.reveal())),
    )


def _sheets(base: Iterable[Sheet], ours: Iterable[Sheet], theirs: Iterable[Sheet]) -> tuple[Sheet, ...]:
    """Return the run sheets of both, oldest first: a step that was taken on one side is taken."""

    def both(mine: Sheet, yours: Sheet) -> Sheet:
        pairs = zip(mine.steps, yours.steps, strict=True)
        return replace(mine, steps=tuple(max(pair, key=lambda step: (bool(step.done), step.tried)) for pair in pairs))

    before, one, other = ({each.id: each for each in side} for side in (base, ours, theirs))
    merged = _three_way(before, one, other, both).values()
    return tuple(sorted(merged, key=lambda each: (each.made, each.id)))


def _retargeted(sheets: Iterable[Sheet], values: Mapping[str, Kept]) -> tuple[Sheet, ...]:
    """Return *sheets*, of which each brings the cluster to the generations that are current in *values*.

    One that would bring another, which a merge has displaced, has all its steps open again: the cluster may have that
    other one, and is to lose it."""
    return tuple(_aimed(sheet, values) for sheet in sheets)


def _aimed(sheet: Sheet, values: Mapping[str, Kept]) -> Sheet:
    displaced = {
        each.name: each for each in sheet.replaced if each.name in values and values[each.name].current.id != each.after
    }
    if not displaced:
        return sheet
    current = {name: values[name].current.id for name in displaced}
    olds = {
        name: [one for one in (each.after, each.before) if one not in ("", current[name])]
        for name, each in displaced.items()
    }

    def uses(step: Step) -> tuple[str, ...]:
        names = dict.fromkeys(each.rpartition(" ")[0] for each in step.uses)
        new = {name: [f"{name} {one}" for one in (current[name], *olds[name])] for name in names if name in current}
        own = {name: [each for each in step.uses if each.rpartition(" ")[0] == name] for name in names}
        return tuple(dict.fromkeys(each for name in names for each in (*new.get(name, ()), *own[name])))

    replaced = tuple(
        Replaced(each.name, olds[each.name][0], current[each.name]) if each.name in displaced else each
        for each in sheet.replaced
    )
    steps = tuple(replace(step, uses=uses(step), done="", proven=False) for step in sheet.steps)
    return replace(sheet, replaced=replaced, steps=steps)


def _records(vault: Vault) -> dict[tuple[object, ...], Record]:
    return {originals.key(each): each for each in vault.records}


def _first(ours: _T, _: _T) -> _T:
    return ours


def _either(base: _T | None, ours: _T, theirs: _T) -> _T | None:
    """Return what the side that changed it has, None where both did in different ways."""
    if theirs in (ours, base):
        return ours
    return theirs if ours == base else None


def _sets(base: Iterable[_K], ours: Iterable[_K], theirs: Iterable[_K]) -> set[_K]:
    """Return what neither side took away from *base*, and what either added."""
    before, one, other = set(base), set(ours), set(theirs)
    return (one & other) | (one - before) | (other - before)


def _three_way(
    base: Mapping[_K, _T], ours: Mapping[_K, _T], theirs: Mapping[_K, _T], both: Callable[[_T, _T], _T]
) -> dict[_K, _T]:
    """Return the entries of both sides; *both* makes one of two that were changed. What was changed is not removed."""
    merged: dict[_K, _T] = {}
    for key in dict.fromkeys((*ours, *theirs)):
        before, one, other = (side.get(key) for side in (base, ours, theirs))
        if one is None or other is None:
            there = one if other is None else other
            if there is not None and there != before:
                merged[key] = there
        else:
            settled = _either(before, one, other)
            merged[key] = both(one, other) if settled is None else settled
    return merged
