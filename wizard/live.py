"""Live: what the Secrets of a cluster say of a tree's values. They are read as the tree's own would be, site by site.

Pure: the objects as the API serves them in, texts by value out.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wizard import catalogue, filling, originals, plan, resources, search
from wizard.answers import Answers
from wizard.errors import Problem, RefusedError
from wizard.resources import Manifest, Resource
from wizard.secret import Secret
from wizard.sites import Scope, Site
from wizard.structure import Tree
from wizard.vault import Generation, Kept, Record, Vault, keep, new_generation_id

# What the API takes for the name of a Secret and of a namespace (RFC 1123, as Kubernetes reads it).
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Wanted:
    """The Secrets of a tree by namespace ("": it names none), and the records of all sites in them."""

    names: Mapping[str, tuple[str, ...]]
    objects: tuple[Resource, ...]
    records: tuple[Record, ...]
    sites: tuple[Site, ...]


@dataclass(frozen=True)
class Taken:
    """A vault that took live texts over, the names of their values, and what else is to be told."""

    vault: Vault
    names: tuple[str, ...]
    notes: tuple[Problem, ...] = field(default=())


def wanted(tree: Tree, vault: Vault, namespace: str) -> Wanted:
    """Return what is to be looked for: the tree's Secrets that hold a value, of one *namespace* if that is named.

    An object without a namespace is one of *namespace*, or of the context's own."""
    manifests, followed = plan.followed(tree, vault)
    found = search.find(manifests, Scope(Answers.from_json(vault.answers), followed.records)).sites
    sites = [site for site in found if site.leaf and site.leaf.is_secret and catalogue.is_kept(site.value)]
    groups: dict[tuple[str, str, tuple[str, ...]], list[Site]] = {}
    for site in sites:
        groups.setdefault((site.manifest.path, site.document, site.path), []).append(site)
    objects = {id(site.leaf.resource): site.leaf.resource for site in sites if site.leaf}
    names: dict[str, list[str]] = {}
    for each in objects.values():
        home = each.namespace or namespace
        is_here = not namespace or home == namespace
        if is_here and _NAME.fullmatch(each.name) and (not home or _NAME.fullmatch(home)):
            names.setdefault(home, []).append(each.name)
    records = tuple(originals.record_of(site, group) for group in groups.values() for site in group)
    by_namespace = {home: tuple(sorted(set(each))) for home, each in sorted(names.items())}
    return Wanted(by_namespace, tuple(objects.values()), records, tuple(found))


def take(vault: Vault, want: Wanted, live: Mapping[str, Iterable[Mapping[str, Any]]], when: str, adopt: bool) -> Taken:
    """Return *vault* with the texts that the cluster has for values that it lacks; *live* is by namespace.

    A value that the vault has otherwise is told, and taken only where *adopt* says so. RefusedError with all places
    where one value has two texts. *when* is the time of new generations (ISO 8601, UTC)."""
    texts: dict[str, dict[str, list[str]]] = {}
    stands: list[Record] = []
    for each in want.objects:
        for home, items in live.items():
            item = next((item for item in items if item["metadata"]["name"] == each.name), None)
            if item is not None and each.namespace in ("", home):
                for site in _sites(each, item, want.records, vault):
                    text = filling.read(site.value, site.text).strip("\n")
                    texts.setdefault(site.value, {}).setdefault(text, []).append(site.place)
                    stands.append(
                        Record(site.value, each.manifest.path, each.ref, site.path, "", index=len(stands), kind="off")
                    )
    problems, notes, names = list[Problem](), list[Problem](), list[str]()
    for name, found in sorted(texts.items()):
        kept = vault.values.get(name)
        places = found if kept else _with_tree(name, found, want.sites)
        others = [text for text in found if not kept or text != _text(kept.current)]
        if len(places) > 1 and (adopt or not kept):
            problems.append(_two_texts(name, places))
        elif others and (adopt or not kept):
            vault = _adopted(vault, name, others[0], when)
            names.append(name)
        elif kept:
            notes += [_differs(kept, text, places[text][0]) for text in others]
    if problems:
        raise RefusedError(*problems)
    missing = sorted({each.value for each in want.records} - vault.values.keys())
    if missing:
        notes.append(
            Problem(f"The cluster has no text for {', '.join(missing)}: setup would make them anew, or ask for them.")
        )
    # Where the cluster has a value already, setup needs no consent to a new place, as for what was switched off.
    known = {(each.value, each.document, each.path) for each in vault.records if each.instance != "none"}
    new = (each for each in stands if (each.value, each.document, each.path) not in known and each.value in names)
    return Taken(replace(vault, records=(*vault.records, *new)), tuple(names), tuple(notes))


def _sites(each: Resource, item: Mapping[str, Any], records: Iterable[Record], vault: Vault) -> Iterable[Site]:
    """Yield the sites that hold a value in the live *item* of the tree's Secret *each*."""
    answers = Answers.from_json(vault.answers)
    own = [record for record in records if (record.file, record.document) == (each.manifest.path, each.ref)]
    for site in search.find([_manifest(each, item)], Scope(answers, tuple(own))).sites:
        if catalogue.is_kept(site.value) and site.leaf and site.leaf.is_secret and site.text.strip() and not site.token:
            yield site


def _manifest(each: Resource, item: Mapping[str, Any]) -> Manifest:
    """Return the live *item* as the manifest of the tree's Secret *each* would read: each entry in the block where the
    tree has it, so that records find it."""
    plain, encoded = {}, {}
    standing = {path[1] for path in each.leaves if path[:1] == ("stringData",) and len(path) > 1}
    for key, data in (item.get("data") or {}).items():
        try:
            text = base64.b64decode(data).decode()
        except ValueError:
            continue  # binary: no value of ours
        if key in standing:
            plain[key] = text
        else:
            encoded[key] = data
    metadata = {"name": each.name, "labels": each.labels, **({"namespace": each.namespace} if each.namespace else {})}
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": plain, "data": encoded}
    read = resources.read(each.manifest.path, json.dumps(made).encode(), each.manifest.instances)
    if read is None:
        raise ValueError("JSON is UTF-8")
    return read


def _with_tree(name: str, found: Mapping[str, list[str]], sites: Iterable[Site]) -> dict[str, list[str]]:
    """Return the places of each text of the value *name*, those in the tree itself among them."""
    every = {text: list(places) for text, places in found.items()}
    for site in sites:
        if site.value == name and not site.token and site.how != "comment":
            every.setdefault(filling.read(name, site.text).strip("\n"), []).append(site.position)
    return every


def _text(generation: Generation) -> str:
    return generation.text.reveal().strip("\n")


def _adopted(vault: Vault, name: str, text: str, when: str) -> Vault:
    """Return *vault* with *text* as the current one of *name*: a new generation, or an earlier one once more."""
    earlier = vault.values[name].generations if name in vault.values else ()
    known = next((each for each in earlier if _text(each) == text), None)
    if known is None:
        return keep(vault, name, Generation(new_generation_id(), "current", when, "adopted", Secret(text)))
    others = tuple(each for each in earlier if each.id != known.id)
    return keep(
        replace(vault, values={**vault.values, name: Kept(name, others)}), name, replace(known, state="current")
    )


def _two_texts(name: str, places: Mapping[str, list[str]]) -> Problem:
    listed = " and ".join(each[0] for each in places.values())
    return Problem(f"{name} has {len(places)} different texts.", listed, "Make them equal, then adopt again.")


def _differs(kept: Kept, text: str, place: str) -> Problem:
    earlier = next((each for each in kept.generations if _text(each) == text), None)
    told = "another than the vault's"
    if earlier:
        told = f"the vault's earlier generation {earlier.id} of {earlier.made[:10]}"
    return Problem(f"In the cluster {kept.name} is {told}. It is taken only with --adopt.", place)
