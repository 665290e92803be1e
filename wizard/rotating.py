"""The verbs that renew secrets: rotate, its two halves, undo, and how old everything is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wizard import (
    guard,
    host,
    keys,
    oldkeys,
    opening,
    procedures,
    renewal,
    rotation,
    runsheet,
    stepping,
)
from wizard.answers import Answers
from wizard.errors import Problem, RefusedError, StoppedError, UsageError
from wizard.interview import Ask, Fault
from wizard.opening import Opened, Where
from wizard.outcome import Age, Outcome, Rotated, Status
from wizard.procedures import Class
from wizard.rotation import Choice, Renewed
from wizard.structure import Tree
from wizard.vault import Vault


@dataclass(frozen=True)
class Wishes:
    """What rotate is told: which values, in which of its ways, and the consents given beforehand.

    ``older_than``: days; ``typed``: the names of guarded values, typed to confirm them; ``context``: kubectl's."""

    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    older_than: int | None = None
    known_to: str = ""
    way: str = "rotate"  # or "begin", "finish", "compromise"
    typed: tuple[str, ...] = ()
    context: str = ""
    yes: bool = False
    dry_run: bool = False
    keep_modes: bool = False
    allow_tracked: bool = False


class Review(Protocol):
    """Shows a rotation before consent is asked."""

    def __call__(self, rotated: Rotated) -> None:
        """Show *rotated*."""


def rotate(where: Where, wishes: Wishes, review: Review) -> Rotated:
    """Give the chosen values a new generation everywhere in the tree; return the steps that bring it to the cluster.

    Nothing chosen: at a terminal it is asked. UsageError for what is unknown, RefusedError for what may not be now;
    StoppedError without consent."""
    with opening.nothing_written():
        opened = stepping.confirmed(opening.opened(where), wishes.context)
        names = _chosen(where, opened.vault, wishes)
        _refuse(opened.vault, names, wishes)
        _confirm_guarded(where, names, wishes)
        if "key-vault-rsa-key" in names and wishes.way != "finish":
            where.say("Making an RSA key: a few seconds …")
        return _done(where, opened, wishes, _renewed(opened.vault, names, wishes.way), review)


def undo(where: Where, wishes: Wishes, review: Review) -> Rotated:
    """Set what the last change renewed back to its earlier generation, and return the steps that take back those taken.

    Other edits of the tree stay. UsageError where there is nothing to undo; RefusedError where it may not be."""
    with opening.nothing_written():
        opened = stepping.confirmed(opening.opened(where), wishes.context)
        last = opened.vault.sheets[-1] if opened.vault.sheets else None
        if last is None or not last.replaced:
            what = "There is no rotation to undo."
            raise UsageError(Problem(what, "", "Another answer is given to matrix-wizard setup; blank takes all out."))
        if last.verb == "undo":  # to take that back is a rotation, with the steps of one
            what = "The last change is an undo itself, and no more than one change is taken back."
            names = " ".join(dict.fromkeys(each.name for each in last.replaced))
            raise UsageError(Problem(what, "", f"Another new one: matrix-wizard rotate {names}"))
        renewed = rotation.undone(opened.vault, last, host.now())
        if oldkeys.SIGNING_KEY in renewed.values:
            where.say("The begun rotation of the signing key is given up; its public key stays among the old ones.")
        return _done(where, opened, replace(wishes, way="undo"), renewed, review)


def status(where: Where, most_days: int | None) -> Status:
    """Return the age of every secret, what is due after *most_days*, half-way, or open, and facts about keys."""
    opened = opening.opened(where)
    vault, now = opened.vault, datetime.fromisoformat(host.now())
    ages = tuple(_age(vault, name, now, most_days) for name in rotation.rotatable(vault))
    return Status(ages, stepping.standing(where, vault), _facts(vault), most_days or 0)


def _age(vault: Vault, name: str, now: datetime, most_days: int | None) -> Age:
    current, retiring = vault.values[name].current, vault.values[name].retiring
    days = (now - datetime.fromisoformat(current.made)).days
    kind = procedures.of(name).kind
    is_due = most_days is not None and current.made < _days_ago(most_days)
    half = current.made if retiring else ""
    return Age(name, current.made, days, kind.value, half, rotation.open_steps(vault, name), is_due)


def _facts(vault: Vault) -> dict[str, str]:
    """Return what is public about the keys of *vault*, by value."""
    found: dict[str, str] = {}
    signing = vault.values.get(oldkeys.SIGNING_KEY)
    for each in [signing.current, *([signing.retiring] if signing.retiring else [])] if signing else []:
        try:
            key = keys.signing_key(each.text.reveal())
        except ValueError:
            continue
        said = "signs" if each.state == "current" else "is still published"
        found[f"{oldkeys.SIGNING_KEY} ed25519:{key.id}"] = f"{said}; public key {key.verify_key}"
    for old in oldkeys.of(vault):
        found[f"{oldkeys.SIGNING_KEY} ed25519:{old.id}"] = (
            f"an old one; what it signed counts until {_day(old.expired)}"
        )
    if rsa := vault.values.get("key-vault-rsa-key"):
        found["key-vault-rsa-key"] = f"{keys.rsa_key(rsa.current.text.reveal())} bits"
    return found


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment / 1000, tz=UTC):%Y-%m-%d}"


def _chosen(where: Where, vault: Vault, wishes: Wishes) -> tuple[str, ...]:
    before = "" if wishes.older_than is None else _days_ago(wishes.older_than)
    choice = Choice(wishes.names, wishes.kinds, before, wishes.known_to)
    if wishes.way == "finish" and choice.is_empty:
        names = rotation.half_way(vault)
        if not names:
            raise UsageError(Problem("No rotation has begun.", "", "matrix-wizard rotate NAME --begin begins one."))
        return names
    if not choice.is_empty:
        names, apart = rotation.chosen(vault, choice), [] if wishes.names else rotation.apart(vault, choice)
        if not names:
            what = "Nothing is rotated by that." if apart else "No secret is meant by that."
            raise UsageError(Problem(what, "", "matrix-wizard status lists all with their ages."), *apart)
        for each in apart:
            where.say(f"Not rotated by this: {each.what} {each.next}")
        return names
    if where.terminal is None:
        fix = (
            f"matrix-wizard rotate NAME…; or --class, --older-than, --known-to. "
            f"The names are {', '.join(rotation.rotatable(vault))}."
        )
        raise UsageError(Problem("Nothing is rotated that was not named.", "", fix))
    return _asked(where, vault)


def _days_ago(days: int) -> str:
    """Return the moment *days* before now (ISO 8601, UTC); the earliest that there is, if that is further back."""
    try:
        moment = datetime.fromisoformat(host.now()) - timedelta(days=days)
    except OverflowError:
        moment = datetime.min
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _asked(where: Where, vault: Vault) -> tuple[str, ...]:
    """Return what the operator chooses from the list of all, of which nothing is chosen beforehand."""
    known = rotation.rotatable(vault)
    groups = {
        kind.title: tuple(name for name in known if procedures.of(name).kind is kind)
        for kind in Class
        if any(procedures.of(name).kind is kind for name in known)
    }
    refused = {name: f"changed at {procedures.of(name).issuer}" for name in known if procedures.of(name).issuer}
    objections = ((name, rotation.objections(vault, [name])) for name in known)
    refused |= {name: each[0].what.rstrip(".") for name, each in objections if each and name not in refused}
    choices = {name: f"{name}  {procedures.of(name).notice}" for name in known}
    ask = Ask(
        "What should get a new value?", "several", "Nothing is chosen beforehand; all others stay byte for byte.",
        choices=choices, groups=groups, refused=refused, title="Rotate", judge=_judge,
    )  # fmt: skip
    if where.terminal is None:
        raise ValueError("a question wants a terminal")
    return tuple(filter(None, where.terminal.ask(ask).split(", ")))


def _judge(text: str) -> Fault | None:
    return None if text.strip() else Fault("Choose one at least, or stop with Ctrl-C.")


def _refuse(vault: Vault, names: Sequence[str], wishes: Wishes) -> None:
    if wishes.way == "finish":
        problems = [
            Problem(f"{name} has open steps of its beginning.", "", "Take them first: matrix-wizard next.")
            for name in names
            if rotation.open_steps(vault, name)
        ]
    else:
        overlapping, exposed = wishes.way == "begin", wishes.way == "compromise"
        problems = rotation.objections(vault, names, overlapping=overlapping, exposed=exposed)
    if problems:
        raise RefusedError(*problems)


def _confirm_guarded(where: Where, names: Sequence[str], wishes: Wishes) -> None:
    """Have the name of each guarded value typed. UsageError where nobody can type it, StoppedError for another text."""
    guarded = [name for name in names if procedures.of(name).kind is Class.GUARDED and name not in wishes.typed]
    if wishes.way == "finish" or wishes.dry_run or not guarded:
        return
    if where.terminal is None:
        problems = (
            Problem(f"{name}: {procedures.of(name).notice}.", "", f"If that is meant: --confirm {name}")
            for name in guarded
        )
        raise UsageError(*problems)
    for name in guarded:
        where.say(f"{name}: {procedures.of(name).notice}.")
        if where.terminal.ask(Ask(f"Type its name to go on ({name})", "text")).strip() != name:
            raise StoppedError(opening.STOPPED)


def _renewed(vault: Vault, names: Sequence[str], way: str) -> Renewed:
    ways = {
        "rotate": rotation.switched,
        "begin": rotation.begun,
        "finish": rotation.finished,
        "compromise": rotation.compromised,
    }
    return ways[way](vault, names, host.now())


def _done(where: Where, opened: Opened, wishes: Wishes, renewed: Renewed, review: Review) -> Rotated:
    """Draw the plan, show it, and write it once it is agreed to."""
    instances = Answers.from_json(opened.vault.answers).instances
    made = renewal.renew(wishes.way, Tree(opened.tree.files, instances=instances), opened.vault, renewed.values)
    made = guard.seen(made, opened.tree.root, where.tree)
    now = runsheet.situation(made, opened.tree.files)
    sheet = runsheet.of(now, renewed.replaced, host.now())
    earlier = stepping.kept(opened.vault)
    if wishes.way == "undo":
        undone = opened.vault.sheets[-1]
        sheet = runsheet.reversed_for(sheet, undone)
        earlier = tuple(each for each in earlier if each.id != undone.id)
    made = replace(made, vault=replace(made.vault, sheets=(*earlier, sheet)))
    known = rotation.rotatable(made.vault)
    names = [name for name in dict.fromkeys(each.name for each in renewed.replaced) if name in known]
    rotated = Rotated(
        Outcome(made, False, where.tree, where.options),
        sheet,
        runsheet.consequence(now, names, sheet),
        stepping.place_of(where, made.vault),
        bool(made.vault.context),
        _finish(names) if wishes.way == "begin" else "",
    )
    if wishes.dry_run:
        return rotated
    if not wishes.allow_tracked:
        guard.refuse(made, opened.tree.root)
    review(rotated)
    opening.agree(where, "Write now?", yes=wishes.yes)
    written = opening.write(where, opened, rotated.outcome, wishes.keep_modes)
    return replace(rotated, outcome=written)


def _finish(names: Sequence[str]) -> str:
    waits = {procedures.of(name).wait for name in names if procedures.of(name).wait}
    return "; ".join(sorted(waits)) or "once the steps are through"
