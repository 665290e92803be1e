"""Rotation: which values are to get a new generation, what forbids it, and their generations afterwards.

Pure but for the new secrets, which ``mint`` makes. What becomes of the tree is ``renewal``'s, what of the cluster
``runsheet``'s.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wizard import catalogue, mint, oldkeys, overlap, procedures, values
from wizard.answers import Answers
from wizard.errors import Problem, RefusedError, UsageError
from wizard.mint import Recipe
from wizard.procedures import Class
from wizard.secret import Secret
from wizard.values import fingerprint
from wizard.vault import Generation, Kept, Recipient, Replaced, Sheet, Vault, bare, new_generation_id

_NEXT_USER = "-next"  # behind the name of the user who has the new password while the old one is taken as well
_HTPASSWD = "li-admin-htpasswd"


@dataclass(frozen=True)
class Renewed:
    """The values of an operation as they are afterwards, by name, and which generation took the place of which."""

    values: Mapping[str, Kept]
    replaced: tuple[Replaced, ...]


@dataclass(frozen=True)
class Choice:
    """By what values are chosen: their names, or all that are of a class, older than a day, or known to somebody.

    ``before`` is a moment (ISO 8601, UTC); ``known_to`` a public key or the name of a recipient."""

    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    before: str = ""
    known_to: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return self == Choice()


def rotatable(vault: Vault) -> tuple[str, ...]:
    """Return the names of the values of *vault* that have places in the tree and can be rotated by name, sorted.

    A derived value goes with what it is made of, and is not among them."""
    placed = {record.value for record in vault.records if record.kind == "site"}
    placed |= {name for each in placed for name in _inputs(each)}
    return tuple(sorted(name for name in vault.values if name in placed and not _is_derived(name)))


def chosen(vault: Vault, choice: Choice) -> tuple[str, ...]:
    """Return the names that *choice* means, in the order of the catalogue. UsageError for what is not known.

    A name that was said is returned whatever its class; the other ways never choose what is given or guarded, nor what
    the answers gave. UsageError also where both were said."""
    known = rotatable(vault)
    problems = [problem for name in choice.names if (problem := _unknown(name, known))]
    problems += [
        Problem(f"There is no class called {kind}.", "", f"The classes are {', '.join(each.value for each in Class)}.")
        for kind in choice.kinds
        if kind not in {each.value for each in Class}
    ]
    if choice.names and choice != Choice(choice.names):
        what = "Secrets are named, or chosen by --class, --older-than and --known-to, and not both."
        problems.append(Problem(what, "", "Leave out the names, or those options."))
    if problems:
        raise UsageError(*problems)
    if choice.names:
        return _ordered(choice.names)
    meant = _meant(vault, choice)
    return tuple(name for name in meant if name in known and not _is_apart(vault, name))


def apart(vault: Vault, choice: Choice) -> list[Problem]:
    """Return what *choice* means without naming it, and rotation does not renew unnamed: each with the way to do it.

    With what ``chosen`` returns these are all that it means."""
    known, renewed = rotatable(vault), chosen(vault, choice)
    return [_apart(vault, name, known) for name in _meant(vault, choice) if name not in renewed]


def readable(vault: Vault, who: str) -> tuple[str, ...]:
    """Return the names of all values whose current generation the recipient *who* could read. UsageError for nobody.

    A derived value is not among them: it is renewed with what it is made of."""
    return _meant(vault, Choice(known_to=who))


def _meant(vault: Vault, choice: Choice) -> tuple[str, ...]:
    """Return the names of the values that *choice* means by anything but their names, in the order of the catalogue."""
    holder = _recipient(vault, choice.known_to) if choice.known_to else None
    wanted = [name for name in vault.values if not _is_derived(name)]
    wanted = [name for name in wanted if not choice.kinds or procedures.of(name).kind.value in choice.kinds]
    wanted = [name for name in wanted if not choice.before or vault.values[name].current.made < choice.before]
    wanted = [name for name in wanted if holder is None or _could_read(holder, vault.values[name])]
    return _ordered(wanted)


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Return *names* once each, as the catalogue has them: an administrator's password comes before its users'."""
    order = {row.name: at for at, row in enumerate(catalogue.ROWS)}
    return tuple(sorted(set(names), key=lambda name: (order.get(name, len(order)), name)))


def _is_apart(vault: Vault, name: str) -> bool:
    """Whether the value is renewed only by its name, or not here at all."""
    return procedures.of(name).kind is Class.GUARDED or _given(Answers.from_json(vault.answers), name) is not None


def _apart(vault: Vault, name: str, known: Sequence[str]) -> Problem:
    if given := _given(Answers.from_json(vault.answers), name):
        return given
    if name not in known:
        what = f"{name} is in the vault, and no place in the tree holds it."
        return Problem(what, "", "Where it is still in use, change it there.")
    procedure = procedures.of(name)
    halves = " --begin, and later --finish" if procedure.overlap == "lines" else ""
    return Problem(f"{name} is rotated only by its name.", "", f"matrix-wizard rotate {name}{halves}.")


def objections(
    vault: Vault, names: Iterable[str], *, overlapping: bool = False, exposed: bool = False
) -> list[Problem]:
    """Return what forbids to rotate *names* now: given ones, open steps, what is half-way, a want of overlap.

    *overlapping*: both generations are to be accepted for a while; *exposed*: the present one is compromised."""
    answers = Answers.from_json(vault.answers)
    return [
        problem
        for name in names
        for problem in _objections(vault, answers, name, overlapping=overlapping, exposed=exposed)
    ]


def _objections(vault: Vault, answers: Answers, name: str, *, overlapping: bool, exposed: bool) -> Iterator[Problem]:
    procedure, kept = procedures.of(name), vault.values[name]
    if given := _given(answers, name):
        yield given
        return
    if steps := open_steps(vault, name):
        what = f"{name} has {steps} open step{'s' if steps > 1 else ''} of its last change."
        yield Problem(what, "", "Take them first: matrix-wizard next.")
    if kept.retiring and not exposed:
        what = f"The rotation of {name} has begun on {kept.current.made[:10]} and is half-way."
        yield Problem(what, "", f"End it first: matrix-wizard rotate {name} --finish, or matrix-wizard undo.")
    if overlapping and not procedure.overlap:
        what = f"{name} cannot be begun: what reads it takes one value at a time."
        yield Problem(what, "", f"Rotate it at once: matrix-wizard rotate {name}.")
    if overlapping and procedure.overlap == "setting" and not _has_setting(vault, name):
        what = f"{name} cannot be begun: no configuration in the tree holds it in a line of its own, for a second one."
        yield Problem(what, "", f"Rotate it at once: matrix-wizard rotate {name}.")
    if not overlapping and not exposed and procedure.overlap == "lines":
        what = f"{name} is rotated in two steps, or what was signed before could not be verified."
        yield Problem(what, "", f"matrix-wizard rotate {name} --begin, and later --finish.")


def _given(answers: Answers, name: str) -> Problem | None:
    """Return why the value *name* is not made here, and where it is changed; None where it is made here."""
    procedure, row = procedures.of(name), catalogue.BY_NAME.get(name)
    if procedure.kind is Class.GIVEN:
        key = row.answer if row else ""
        fix = f"Change it there, then: matrix-wizard setup --set '{key}={{file: PATH}}'."
        return Problem(f"{name} is not made here: it is changed at {procedure.issuer}.", "", fix)
    if row and row.answer and row.answer in answers.secrets():
        fix = f"Give another one: matrix-wizard setup --set '{row.answer}={{file: PATH}}'."
        return Problem(f"{name} was given by the answers, and is not made here.", "", fix)
    if row is None and _recipe(name, answers) is None:
        fix = "Decide it by generate: in the answers file, or give another value there."
        return Problem(f"{name} was given by the answers, and nothing says how to make one.", "", fix)
    return None


def open_steps(vault: Vault, name: str) -> int:
    """Return how many steps are open that have to do with the value *name*: of its change, or of a rebuild."""

    def concerns(sheet: Sheet) -> bool:
        renewed = (each.name for each in sheet.replaced)
        read = (each.rpartition(" ")[0] for step in sheet.steps for each in step.uses)
        return name in renewed or name in read

    sheets = filter(concerns, vault.sheets)
    return sum(not step.done for sheet in sheets for step in sheet.steps)


def switched(vault: Vault, names: Sequence[str], made: str) -> Renewed:
    """Return *names* with a new current generation each; what was current is past."""
    return _renewed(vault, names, made, "past")


def begun(vault: Vault, names: Sequence[str], made: str) -> Renewed:
    """Return *names* with a new current generation each; what was current is accepted beside it, and retires."""
    return _renewed(vault, names, made, "retiring")


def compromised(vault: Vault, names: Sequence[str], made: str) -> Renewed:
    """Return *names* with a new current generation each; every one that was still accepted is never to come back."""
    return _renewed(vault, names, made, "compromised")


def finished(vault: Vault, names: Sequence[str], made: str) -> Renewed:
    """Return *names* without the generations that were accepted beside the current ones. UsageError for none."""
    problems = [
        Problem(f"The rotation of {name} has not begun.", "", f"matrix-wizard rotate {name} --begin begins it.")
        for name in names
        if not vault.values[name].retiring
    ]
    if problems:
        raise UsageError(*problems)
    new = {name: _ended(vault.values[name], made) for name in names}
    replaced = tuple(
        Replaced(name, each.id, kept.current.id)
        for name, kept in new.items()
        for each in vault.values[name].generations
        if each.state == "retiring"
    )
    return _with_derived(vault, new, replaced, made)


def half_way(vault: Vault) -> tuple[str, ...]:
    """Return the names of the values whose rotation has begun and is not finished, sorted."""
    return tuple(sorted(name for name, kept in vault.values.items() if kept.retiring and not _is_derived(name)))


def undone(vault: Vault, sheet: Sheet, made: str) -> Renewed:
    """Return the values that *sheet* replaced at the generations that they had before.

    A signing key whose rotation has begun is given up, and not undone: its public key was shown to the world, and is
    kept among the old ones (FACTS 1). RefusedError where that may not be."""
    problems: list[Problem] = []
    new: dict[str, Kept] = {}
    for each in sheet.replaced:
        if _is_derived(each.name):
            continue
        kept = vault.values.get(each.name)
        before = next((one for one in kept.generations if one.id == each.before), None) if kept else None
        if kept is None or before is None or kept.current.id != each.after:
            what = f"{each.name} was changed again since."
            problems.append(Problem(what, "", f"Rotate it instead: matrix-wizard rotate {each.name}."))
        elif before.state == "compromised":
            what = f"The earlier generation of {each.name} is compromised, and never comes back."
            problems.append(Problem(what, "", f"Rotate it instead: matrix-wizard rotate {each.name}."))
        elif each.name == oldkeys.SIGNING_KEY and before.state == "past":
            what = "The earlier signing key was given up and published as an old one: it does not come back."
            problems.append(Problem(what, "", "Rotate it instead: matrix-wizard rotate signing-key --begin."))
        elif sheet.verb == "finish":
            again = (replace(one, state="retiring", until="") if one == before else one for one in kept.generations)
            new[each.name] = Kept(each.name, tuple(again))
        else:
            new[each.name] = _set_back(kept, before, made)
    if problems:
        raise RefusedError(*problems)
    is_ended = sheet.verb == "finish"  # what is current stays so
    back = tuple(
        each if is_ended else Replaced(each.name, each.after, each.before)
        for each in sheet.replaced
        if each.name in new
    )
    return _with_derived(vault, new, back, made)


def _renewed(vault: Vault, names: Sequence[str], made: str, state: str) -> Renewed:
    answers = Answers.from_json(vault.answers)
    new: dict[str, Kept] = {}
    replaced: list[Replaced] = []
    for name in names:
        kept = vault.values[name]
        text = _made(name, kept, answers)
        fresh = Generation(new_generation_id(), "current", made, _WHY[state], text)
        new[name] = Kept(name, (*(_left(each, state, made) for each in kept.generations), fresh))
        replaced.append(Replaced(name, kept.current.id, fresh.id))
    return _with_derived(vault, new, tuple(replaced), made)


_WHY = {"past": "rotated", "retiring": "rotated", "compromised": "compromised"}


def _left(each: Generation, state: str, made: str) -> Generation:
    """Return what becomes of an earlier generation when a new one is made, by the *state* that the current one gets."""
    if each.state == "current":
        return replace(each, state=state, until="" if state == "retiring" else made)  # type: ignore[arg-type]
    if each.state == "retiring" and state != "retiring":
        return replace(each, state=state, until=made)  # type: ignore[arg-type]
    return each


def _ended(kept: Kept, made: str) -> Kept:
    ended = (replace(each, state="past", until=made) if each.state == "retiring" else each for each in kept.generations)
    return Kept(kept.name, tuple(ended))


def _set_back(kept: Kept, before: Generation, made: str) -> Kept:
    def state(each: Generation) -> Generation:
        if each.id == before.id:
            return replace(each, state="current", until="")
        return replace(each, state="past", until=made) if each.state == "current" else each

    return Kept(kept.name, tuple(map(state, kept.generations)))


def _made(name: str, kept: Kept, answers: Answers) -> Secret:
    if name == oldkeys.SIGNING_KEY:
        return mint.signing_key(oldkeys.used_ids(kept))
    recipe = _recipe(name, answers)
    if recipe is None:
        raise ValueError(f"{name} cannot be made")
    return mint.make(recipe)


def _recipe(name: str, answers: Answers) -> Recipe | None:
    row = catalogue.BY_NAME.get(name)
    if row is not None:
        size = answers["key_vault.rsa_bits"] if row.make == "rsa" else row.size
        return Recipe(row.make, size or None) if row.make else None
    decision = answers.decisions.get(name) or answers.decisions.get(name.partition(" @ ")[0])
    if decision and decision.action in ("generate", "split"):
        kind = values.reveal(decision.text) if decision.action == "generate" and decision.text else "password"
        return Recipe(kind, decision.length)
    return None


def _with_derived(vault: Vault, new: dict[str, Kept], replaced: tuple[Replaced, ...], made: str) -> Renewed:
    """Return the same with the values that are made at random of those, such as a line of a password file."""
    password = new.get("li-admin-password")
    line = vault.values.get(_HTPASSWD)
    if password is None or line is None:
        return Renewed(new, replaced)
    answers = Answers.from_json(vault.answers)
    user = str(answers["lawful_intercept.admin_user"])
    text = _lines(user, password, line)
    inputs = fingerprint(user, password.current.text)
    fresh = Generation(new_generation_id(), "current", made, "derived", text, inputs)
    earlier = (
        replace(each, state="past", until=made) if each.state == "current" else each for each in line.generations
    )
    kept = Kept(_HTPASSWD, (*earlier, fresh))
    return Renewed({**new, _HTPASSWD: kept}, (*replaced, Replaced(_HTPASSWD, line.current.id, fresh.id)))


def _lines(user: str, password: Kept, line: Kept) -> Secret:
    """Return the text of the password file: nginx takes the first line of a user, so the new one has another user."""
    if not password.retiring:
        return mint.htpasswd(user, password.current.text)
    before = line.current.text.reveal().strip("\n")
    return Secret(f"{before}\n{mint.htpasswd(user + _NEXT_USER, password.current.text).reveal()}")


def _unknown(name: str, known: Sequence[str]) -> Problem | None:
    if name in known:
        return None
    if name in procedures.NEVER:
        return Problem(f"{name} is never rotated. {procedures.NEVER[name]}")
    if _is_derived(name):
        of = ", ".join(_inputs(name))
        return Problem(f"{name} is made of {of}.", "", f"Rotate {of}.")
    near = difflib.get_close_matches(name, [*known, *procedures.NEVER], 1)
    fix = f"Did you mean {near[0]}?" if near else f"The names are {', '.join(known)}."
    return Problem(f"There is no secret called {name} in this tree.", "", fix)


def _recipient(vault: Vault, who: str) -> Recipient:
    found = [each for each in vault.recipients if bare(each.key) == bare(who) or (each.name and each.name == who)]
    if not found:
        listing = "matrix-wizard vault recipients list shows them."
        raise UsageError(Problem(f"Nobody called {who} opens the vault, or ever did.", "", listing))
    return max(found, key=lambda each: (not each.until, each.until))


def _could_read(holder: Recipient, kept: Kept) -> bool:
    # To the second: what was made in that of the removal may have been read.
    return not holder.until or kept.current.made <= holder.until


def _is_derived(name: str) -> bool:
    row = catalogue.BY_NAME.get(name)
    return row is not None and row.kind is catalogue.Kind.DERIVED


def _inputs(name: str) -> tuple[str, ...]:
    row = catalogue.BY_NAME.get(name)
    inputs = row.inputs if row else ()
    return tuple(each for each in inputs if catalogue.is_kept(each))


def _has_setting(vault: Vault, name: str) -> bool:
    return any(record.value == name and overlap.is_repeated(record) for record in vault.records)
