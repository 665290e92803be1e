"""The parcel: what a separate LI tree needs of the vault that has both instances, and nothing of main's own.

Packed by the sites that belong to the LI instance, and taken into the vault of the LI tree generation by generation, so
that both stay in step (DESIGN, law 6). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from shlex import quote
from typing import Any

from wizard import catalogue, filling, plan, search, structure, values
from wizard.answers import Answers
from wizard.codec import MalformedError, dump, from_json, load, to_json
from wizard.errors import Problem, RefusedError, refuse
from wizard.filling import NewInstance
from wizard.questions import BY_KEY
from wizard.sealing import Sealed
from wizard.secret import Secret
from wizard.sites import Scope, Site
from wizard.structure import Tree
from wizard.vault import ID, Generation, Kept, Record, Twin, Vault, export_seal, fingerprint

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
# What follows from others each time anew: it is packed as it stands, and not what it follows from.
_FOLLOWS = frozenset(values.DERIVATIONS) - values.RANDOM
# Every answer that a place or a clause of an LI instance can need; those on the vault itself are not among them.
_PACKABLE = values.questions(catalogue.BY_NAME) | {"tls.certificate", "tls.private_key", _SERVER_NAME}
_UNTOLD = {"source": ["prompt", ""]}  # in the place of a secret's source: the vault has it


@dataclass(frozen=True)
class Parcel:
    """The current generation of each value, and the ``answers`` as a vault keeps them. ``vault`` and ``revision`` tell
    what it was packed from, ``made`` when (ISO 8601, UTC), and ``seal`` proves it: anybody can encrypt to a public key,
    only who reads that vault knows the seal of its exports. ``places`` are those where main's operator has the values:
    in the LI tree they need no further consent."""

    vault: str
    revision: int
    made: str
    server_name: str
    answers: dict[str, Any] = field(repr=False)
    values: dict[str, Kept]
    seal: Secret
    places: tuple[Record, ...] = ()

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.vault) or not re.fullmatch(r"[0-9a-f]{64}", self.seal.reveal()):
            raise ValueError("the vault's id or the seal is none")

    @property
    def twin(self) -> Twin:
        """Whose export it is."""
        return Twin(self.vault, fingerprint(self.seal))


@dataclass(frozen=True)
class Taken:
    """A vault that took a parcel over, the names of the values that changed by it, what stayed otherwise, the keys of
    the answers that changed, and the new places."""

    vault: Vault
    names: tuple[str, ...]
    notes: tuple[Problem, ...]
    answers: tuple[str, ...]
    places: tuple[Record, ...]


def sealed(place: str) -> Sealed:
    """Return how the parcel at *place* is called where it is refused."""
    return Sealed("The export", place, _MEND)


def pack(tree: Tree, vault: Vault, made: str) -> Parcel:
    """Return the parcel for the LI instance of *tree*: what stands filled in there, and what that comes from.

    Neither a placeholder nor a label makes a value LI's: whoever writes to the tree can put one there. RefusedError
    where nothing is filled in, and for each object that is LI's now and was not when the operator consented to its
    places, or the other way round."""
    answers = Answers.from_json(vault.answers)
    manifests, followed = plan.followed(tree, vault)
    found = search.find(manifests, Scope(answers, followed.records))
    filled = [site for site in found.sites if site.value and site.record and not site.token]
    sites = [site for site in filled if site.leaf and site.leaf.resource.instance == "li"]
    if problems := [*map(_changed, filling.new_instances(filled)), *_unconsented(sites)]:
        raise RefusedError(*problems)
    names = {site.value for site in sites}
    kept = dict(sorted(_kept(names, answers, vault)))
    if not kept:
        what = "Nothing in this tree is the LI instance's and filled in, so there is nothing to export for it."
        fix = "Say what is LI's under instances: in the answers, and run: matrix-wizard setup"
        raise RefusedError(Problem(what, "", fix))
    own = [each for each in manifests if any(resource.instance == "li" for resource in each.resources)]
    keys = values.questions(names) | structure.questions(own) | {_SERVER_NAME}
    placed = {ref: "li" for ref, by in structure.li(manifests).items() if by not in ("label", "name", "namespace")}
    instances = {place: name for place, name in answers.instances.items() if name == "li"} | placed
    record = {
        "answers": dict(_answered(vault.answers.get("answers", {}), keys)),
        "placeholders": dict(_decided(vault.answers.get("placeholders", {}), sites)),
        **({"instances": instances} if instances else {}),
    }
    places = tuple(_place(site, number) for number, site in enumerate(sites) if site.value in kept)
    parcel = Parcel(vault.id, 0, made, str(answers[_SERVER_NAME]), record, kept, export_seal(vault.seal), places)
    return stamped(parcel, vault)


def stamped(parcel: Parcel, vault: Vault) -> Parcel:
    """Return *parcel* as one of *vault* at its revision: a vault may get its first seal when the export is logged."""
    return replace(parcel, revision=vault.revision, seal=export_seal(vault.seal))


def write(parcel: Parcel) -> bytes:
    """Return *parcel* as readable JSON (UTF-8), every secret open: it is to be encrypted at once."""
    return to_json({"about": ABOUT, "export": "li", "version": VERSION, **dump(parcel)}, indent=2).encode()


def read(plain: bytes, place: str) -> Parcel:
    """Read what ``write`` wrote; *place* names the file.

    RefusedError where it is something else, or newer, and for anything in it that ``pack`` packs for nobody."""
    data = from_json(plain)
    if not isinstance(data, dict) or data.pop("export", None) != "li":
        refuse("This file opens, but it is no export for LI.", "Name one that export --for li wrote.", place)
    data.pop("about", None)
    if data.pop("version", None) != VERSION:
        refuse("The export was made by a newer matrix-wizard.", "Install the newer matrix-wizard.", place)
    malformed = ""
    try:
        parcel: Parcel = load(Parcel, data)
    except MalformedError as error:
        malformed = str(error)
    if malformed:
        refuse(f"The export opens, but its text is not one's: {malformed}.", _MEND, place)
    if strange := sorted(set(_strange(parcel))):
        what = f"The export has what none for LI has: {', '.join(map(_plain, strange))}."
        refuse(what, "Ask who sent it: this file was not made by export --for li. Nothing was changed.", place)
    return parcel


def accept(vault: Vault, parcel: Parcel, seal: str) -> Vault:
    """Return *vault* with the seal and the vault of *parcel* pinned: from then on others are refused.

    *seal* is the fingerprint that the operator accepts ("": none). RefusedError where *parcel* is of another vault or
    has another seal than the pinned ones, or at the first import has another seal than the one named."""
    theirs = parcel.twin
    if vault.twin == theirs or seal == theirs.seal:
        return replace(vault, twin=theirs)
    ask = "Ask main's operator for the seal of the export, in person: export --for li tells it."
    if vault.twin is None:
        if seal not in ("", fingerprint(vault.seal)):
            what = f"This export has not the seal that you named, {seal}, but {theirs.seal}."
            raise RefusedError(Problem(what, "", f"{ask} Nothing was changed."))
        return replace(vault, twin=theirs)
    what = (
        f"This export is of the vault {theirs.vault} with the seal {theirs.seal}, and those before it were of "
        f"{vault.twin.vault} with {vault.twin.seal}. Whoever knows the public key here can make such a file."
    )
    raise RefusedError(Problem(what, "", f"{ask} If it is the same, accept it with --accept-seal {theirs.seal}."))


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
    changed = tuple(
        key
        for part, now in record.items()
        for key, answer in now.items()
        if (key, answer) not in vault.answers.get(part, {}).items()
    )
    names = tuple(name for name, kept in sorted(after.items()) if vault.values.get(name) != kept)
    known = {(each.value, each.document, each.path) for each in vault.records}
    places = tuple(each for each in parcel.places if (each.value, each.document, each.path) not in known)
    taken = replace(vault, values=after, answers=record, records=(*vault.records, *places))
    return Taken(taken, names, (*notes, *others), changed, places)


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


def told(taken: Taken, parcel: Parcel, before: Vault) -> tuple[str, ...]:
    """Return what the operator is told before *taken* takes the place of *before*: whose export it is, and all in it
    that is taken, by name."""
    twin = parcel.twin
    lines = [f"The export is of the vault {twin.vault}, revision {parcel.revision}; its seal is {twin.seal}."]
    if before.twin is None:
        lines.append("It is the first one here: compare its seal with main's operator. Others are refused afterwards.")
    lines += [f"Value taken: {name}" for name in taken.names]
    lines += [f"Answer taken: {key}" for key in taken.answers]
    lines += [f"Place where {each.value} may stand: {each.document}:{'.'.join(each.path)}" for each in taken.places]
    return tuple(map(_plain, lines))


_CONSENT = "If that is right: matrix-wizard setup --accept-site {}. Else look at what was changed or pulled."


def _changed(found: NewInstance) -> Problem:
    return Problem(found.told, found.position, _CONSENT.format(quote(found.document)))


def _unconsented(sites: Iterable[Site]) -> Iterator[Problem]:
    """Yield a problem for each object among the LI instance's *sites* of which no consent as LI's is remembered."""
    unknown = (site for site in sites if site.record and site.record.instance in ("any", "none"))
    for site in {site.document: site for site in reversed(list(unknown))}.values():
        by = site.leaf.resource.assignment[1] if site.leaf else ""
        what = f"{site.document} is LI's by its {by} now, and no consent to that is remembered."
        yield Problem(what, site.position, _CONSENT.format(quote(site.document)))


def _kept(names: Iterable[str], answers: Answers, vault: Vault) -> Iterator[tuple[str, Kept]]:
    """Yield what *vault* keeps of *names* and of what they are made from, and what follows from a secret as a text.

    Such a text goes by the generation that it follows from, so that it changes when that does."""
    needed = values.closure(names, _FOLLOWS)
    for name in needed & vault.values.keys():
        yield name, Kept(name, (vault.values[name].current,))
    for name in needed & _FOLLOWS - vault.values.keys():
        inputs = [vault.values[each].current for each in catalogue.BY_NAME[name].inputs if each in vault.values]
        known = values.answered([name], answers, values.InTree({}, {}), vault.values)
        if inputs and name in known:
            yield name, Kept(name, (replace(inputs[0], text=Secret(known[name].plain)),))


def _is_packable(key: str) -> bool:
    """Say whether the answer *key* can be one that an LI instance needs, or the section of one."""
    return key in _PACKABLE or any(BY_KEY[each].section == key for each in _PACKABLE)


def _strange(parcel: Parcel) -> Iterator[str]:
    """Yield the name of everything in *parcel* that ``pack`` packs for nobody, whatever the tree."""
    for part, record in parcel.answers.items():
        if part not in ("answers", "placeholders", "instances") or not isinstance(record, dict):
            yield part
            continue
        for key, answer in record.items():
            is_secret = part == "answers" and key in BY_KEY and BY_KEY[key].secret
            source = answer.get("source", _UNTOLD["source"]) if isinstance(answer, dict) else _UNTOLD["source"]
            is_known = {
                "answers": _is_packable(key),
                "placeholders": isinstance(answer, dict),
                "instances": answer == "li",
            }
            if not is_known[part] or source != _UNTOLD["source"] or (is_secret and answer != _UNTOLD):
                yield key
    for name, kept in parcel.values.items():
        if not (catalogue.is_kept(name) or name in _FOLLOWS) or kept.name != name or len(kept.generations) != 1:
            yield name
    for place in parcel.places:
        if place != Record(place.value, place.file, place.document, place.path, "", index=place.index, kind="off"):
            yield place.document
        elif place.value not in parcel.values:
            yield place.value


def _plain(text: str) -> str:
    """Return a text of the export as it may be shown: no control or direction mark in it steers the terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _place(site: Site, number: int) -> Record:
    """Return the record of a place where a value may stand, as of a component that is off: nothing of its original."""
    return Record(site.value, site.manifest.path, site.document, site.path, "", index=number, kind="off")


def _answered(record: Mapping[str, Any], keys: Iterable[str]) -> Iterable[tuple[str, Any]]:
    """Yield those of the answers of a vault that *keys* name, with their sections; of a secret none of its sources."""
    wanted = set(keys) | {BY_KEY[key].section for key in keys}
    for key, answer in record.items():
        if key in wanted and _is_packable(key):
            yield key, _UNTOLD if key in BY_KEY and BY_KEY[key].secret else answer


def _decided(record: Mapping[str, Any], sites: Iterable[Site]) -> Iterable[tuple[str, Any]]:
    """Yield those of the decisions of a vault that one of *sites* goes by; of a secret none of its sources."""
    here = {(site.token or (site.record.original if site.record else ""), site.place) for site in sites}
    for key, decision in record.items():
        token, _, place = key.partition(" @ ")
        if any(token == each and place in ("", at) for each, at in here):
            yield key, {**decision, **_UNTOLD} if "source" in decision else decision


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
