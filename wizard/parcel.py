"""The parcel: what a separate LI tree needs of the vault that has both instances, and nothing of main's own.

Packed by the sites that belong to the LI instance, and taken into the vault of the LI tree generation by generation, so
that both stay in step (DESIGN, law 6). Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from wizard import catalogue, filling, plan, search, structure, values
from wizard.answers import Answers
from wizard.codec import MalformedError, dump, load, to_json
from wizard.errors import Problem, RefusedError
from wizard.questions import BY_KEY
from wizard.sealing import Sealed
from wizard.sites import Scope, Site
from wizard.structure import Tree
from wizard.vault import Generation, Kept, Record, Vault

VERSION = 1
ABOUT = (
    "This is what a separate LI tree needs of a vault of matrix-wizard: `matrix-wizard vault import FILE` takes it "
    "over. It holds nothing that main alone has."
)
IMPORTED = "imported"  # why a generation is there: it came in a parcel, and a newer one may take its place

_MEND = "Ask for another copy of the export; nothing was changed."
_SERVER_NAME = "domains.server_name"
# What the LI instance has in the place of main's, and its own administration: here its own tree may differ.
_OWN = frozenset(row.name for row in catalogue.ROWS if row.twin_of) | values.closure(["li-admin-htpasswd"])


@dataclass(frozen=True)
class Parcel:
    """The current generation of each value, and the ``answers`` as a vault keeps them. ``vault`` and ``revision`` tell
    what it was packed from, ``made`` when (ISO 8601, UTC). ``places`` are those where main's operator has the values:
    in the LI tree they need no further consent."""

    vault: str
    revision: int
    made: str
    server_name: str
    answers: dict[str, Any] = field(repr=False)
    values: dict[str, Kept]
    places: tuple[Record, ...] = ()


@dataclass(frozen=True)
class Taken:
    """A vault that took a parcel over, the names of the values that changed by it, and what stayed otherwise."""

    vault: Vault
    names: tuple[str, ...]
    notes: tuple[Problem, ...]


def sealed(place: str) -> Sealed:
    """Return how the parcel at *place* is called where it is refused."""
    return Sealed("The export", place, _MEND)


def pack(tree: Tree, vault: Vault, made: str) -> Parcel:
    """Return the parcel for the LI instance of *tree*. RefusedError where it has none that is filled in."""
    answers = Answers.from_json(vault.answers)
    manifests, followed = plan.followed(tree, vault)
    found = search.find(manifests, Scope(answers, followed.records))
    sites = [site for site in found.sites if site.value and site.leaf and site.leaf.resource.instance == "li"]
    names = values.closure(site.value for site in sites)
    kept = {name: Kept(name, (vault.values[name].current,)) for name in sorted(names & vault.values.keys())}
    if not kept:
        what = "Nothing in this tree is the LI instance's and filled in, so there is nothing to export for it."
        raise RefusedError(Problem(what, "", "Say what is LI's under instances: in the answers, and run setup."))
    own = [each for each in manifests if any(resource.instance == "li" for resource in each.resources)]
    keys = values.questions(names) | structure.questions(own) | {_SERVER_NAME}
    placed = {ref: "li" for ref, by in structure.li(manifests).items() if by not in ("label", "name", "namespace")}
    instances = {place: name for place, name in answers.instances.items() if name == "li"} | placed
    record = {
        "answers": dict(_answered(vault.answers.get("answers", {}), keys)),
        "placeholders": dict(_decided(vault.answers.get("placeholders", {}), sites)),
        **({"instances": instances} if instances else {}),
    }
    places = tuple(_place(site, number) for number, site in enumerate(sites) if site.value in kept and site.record)
    return Parcel(vault.id, vault.revision, made, str(answers[_SERVER_NAME]), record, kept, places)


def write(parcel: Parcel) -> bytes:
    """Return *parcel* as readable JSON (UTF-8), every secret open: it is to be encrypted at once."""
    return to_json({"about": ABOUT, "export": "li", "version": VERSION, **dump(parcel)}, indent=2).encode()


def read(plain: bytes, place: str) -> Parcel:
    """Read what ``write`` wrote; *place* names the file. RefusedError where it is something else, or newer."""
    try:
        data: Any = json.loads(plain)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or data.pop("export", None) != "li":
        _refuse("This file opens, but it is no export for LI.", "Name one that export --for li wrote.", place)
    data.pop("about", None)
    if data.pop("version", None) != VERSION:
        _refuse("The export was made by a newer matrix-wizard.", "Install the newer matrix-wizard.", place)
    malformed = ""
    try:
        parcel: Parcel = load(Parcel, data)
    except MalformedError as error:
        malformed = str(error)
    if malformed:
        _refuse(f"The export opens, but its text is not one's: {malformed}.", _MEND, place)
    return parcel


def take(vault: Vault, parcel: Parcel, *, adopt: bool) -> Taken:
    """Return *vault* with the values and answers of *parcel*. The same one again changes nothing.

    A value that came in an earlier parcel follows a newer one; one that the LI instance has for itself stays as the
    tree made it. Another that differs is refused with both generations, unless the parcel's is to be taken (*adopt*).
    RefusedError, too, where the server's name is another."""
    answers = Answers.from_json(vault.answers)
    if answers[_SERVER_NAME] not in (None, parcel.server_name):
        raise RefusedError(_other_server(answers[_SERVER_NAME], parcel, ""))
    after, notes, problems = dict(vault.values), list[Problem](), list[Problem]()
    for name, packed in sorted(parcel.values.items()):
        new, kept = replace(packed.current, why=IMPORTED), vault.values.get(name)
        if kept is None:
            after[name] = Kept(name, (new,))
        elif kept.current.id == new.id and kept.current.text == new.text:
            continue
        elif kept.current.text == new.text or (adopt and name not in _OWN):
            after[name] = _with_current(kept, new)
        elif kept.current.why == IMPORTED:
            if new.made < kept.current.made or any(each.id == new.id for each in kept.generations):
                notes.append(Problem(f"{name} came in a newer export already ({_told(kept.current)}), and stays."))
            else:
                after[name] = _with_current(kept, new)
        elif name in _OWN:
            notes.append(Problem(f"{name} is this tree's own ({_told(kept.current)}), and stays."))
        else:
            problems.append(_differs(name, kept.current, new))
    if problems:
        raise RefusedError(*problems)
    record, others = _overlaid(vault.answers, parcel.answers, adopt=adopt)
    names = tuple(name for name, kept in sorted(after.items()) if vault.values.get(name) != kept)
    known = {(each.value, each.document, each.path) for each in vault.records}
    places = tuple(each for each in parcel.places if (each.value, each.document, each.path) not in known)
    taken = replace(vault, values=after, answers=record, records=(*vault.records, *places))
    return Taken(taken, names, (*notes, *others))


def refuse_tree(tree: Tree, vault: Vault, parcel: Parcel) -> None:
    """Raise RefusedError where what stands in *tree* is at odds with *parcel*, which *vault* took over.

    Another server's name, or another text of a value that belongs to both; each with its place."""
    manifests, followed = plan.followed(tree, vault)
    sites = search.find(manifests, Scope(Answers.from_json(vault.answers), followed.records)).sites
    problems = []
    for site in sites:
        if site.token or site.how in ("comment", "clause"):
            continue
        if site.value == "server-name" and site.text not in (parcel.server_name, site.record and site.record.original):
            problems.append(_other_server(site.text, parcel, site.position))
        elif site.value in parcel.values and site.value not in _OWN:
            texts = {each.text.reveal().strip("\n") for each in vault.values[site.value].generations}
            if filling.read(site.value, site.text).strip("\n") not in texts:
                what = f"{site.value} stands here with another text than the export's."
                fix = "Put a placeholder here and import again, or take the export's with --adopt."
                problems.append(Problem(what, site.position, fix))
    if problems:
        raise RefusedError(*problems)


def _place(site: Site, number: int) -> Record:
    """Return the record of a place where a value may stand, as of a component that is off: nothing of its original."""
    return Record(site.value, site.manifest.path, site.document, site.path, "", index=number, kind="off")


def _answered(record: Mapping[str, Any], keys: Iterable[str]) -> Iterable[tuple[str, Any]]:
    """Yield those of the answers of a vault that *keys* name, with their sections; of a secret none of its sources."""
    wanted = set(keys) | {BY_KEY[key].section for key in keys}
    for key, answer in record.items():
        if key in wanted:
            yield key, {"source": ["prompt", ""]} if key in BY_KEY and BY_KEY[key].secret else answer


def _decided(record: Mapping[str, Any], sites: Iterable[Site]) -> Iterable[tuple[str, Any]]:
    """Yield those of the decisions of a vault that one of *sites* goes by; of a secret none of its sources."""
    here = {(site.token or (site.record.original if site.record else ""), site.place) for site in sites}
    for key, decision in record.items():
        token, _, place = key.partition(" @ ")
        if any(token == each and place in ("", at) for each, at in here):
            yield key, {**decision, "source": ["prompt", ""]} if "source" in decision else decision


def _with_current(kept: Kept, new: Generation) -> Kept:
    """Return *kept* with *new* as its current generation; one that it had by that id gives way."""
    others = (each for each in kept.generations if each.id != new.id)
    past = (replace(each, state="past") if each.state == "current" else each for each in others)
    return Kept(kept.name, (*past, new))


def _overlaid(
    record: Mapping[str, Any], packed: Mapping[str, Any], *, adopt: bool
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the answers of a vault with those of a parcel that it lacks, and a note for each that differs."""
    after, notes = dict(record), list[Problem]()
    for part, theirs in packed.items():
        ours = record.get(part, {})
        other = [key for key in theirs if key in ours and ours[key] != theirs[key] and not adopt]
        notes += [Problem(f"{key} is answered otherwise here than in the export, and stays.") for key in other]
        after[part] = {**ours, **{key: theirs[key] for key in theirs if key not in other}}
    return after, notes


def _told(generation: Generation) -> str:
    return f"generation {generation.id} of {generation.made[:10]}"


def _differs(name: str, ours: Generation, theirs: Generation) -> Problem:
    what = f"{name} is {_told(ours)} here, which came by no export, and {_told(theirs)} with another text in this one."
    return Problem(what, name, "Both instances need the same: take the export's with --adopt.")


def _other_server(ours: str, parcel: Parcel, where: str) -> Problem:
    what = f"The server's name is {ours} here, and {parcel.server_name} in the export. Both instances have one."
    return Problem(what, where, "Import into the LI tree of that server.")


def _refuse(what: str, then: str, where: str) -> NoReturn:
    raise RefusedError(Problem(what, where, then))
