"""Exposure: which secrets stand in files that go into git, as far as the vault or sites.lock tells.

Pure. The vault's key is not needed to see that a place is filled: sites.lock tells where it is and what stood there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from wizard import catalogue, filling, originals, placeholders, search
from wizard.answers import Answers
from wizard.errors import Problem
from wizard.lock import Lock
from wizard.resources import Manifest
from wizard.secret import MASK
from wizard.sites import Scope, Site
from wizard.structure import Tree
from wizard.vault import Vault

_FIX = (
    "Take every secret out: matrix-wizard blank\n"
    "Stage the files again and commit. Then fill them in once more: matrix-wizard setup"
)


def of(vault: Vault, tracked: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the secrets that the filled tree of *vault* has in each of its *tracked* files."""
    names: dict[str, set[str]] = {}
    for record in vault.records:
        if record.kind == "site" and record.file in tracked and catalogue.is_kept(record.value):
            names.setdefault(record.file, set()).add(record.value)
    return {file: tuple(sorted(found)) for file, found in sorted(names.items())}


def staged(files: Mapping[str, bytes], lock: Lock) -> list[Problem]:
    """Return a problem for each place of *files* in which a secret stands instead of its original text.

    *files* are those that a commit would change, as they are staged. A place whose original or surroundings sites.lock
    withholds counts as filled where no placeholder is left, and so does a document with places that does not parse.
    """
    manifests = Tree(files, instances=lock.instances).manifests(lock.records)
    records = originals.moved(lock.records, manifests)
    found = search.find(manifests, Scope(Answers(), records, frozenset()))
    secrets = [site for site in found.sites if catalogue.is_kept(site.value) and site.how != "comment"]
    filled = {
        site.position: site.value
        for site in secrets
        if site.record and not site.token and _is_filled(site, site.record.original)
    }
    open_places = {(site.document, site.path) for site in found.sites if site.token}
    homes = {(each.path, resource.ref): resource for each in manifests for resource in each.resources}
    for record in found.lost:
        home = homes.get((record.file, record.document))
        leaf = home.leaves.get(record.path) if home else None
        is_hidden = record.hole == MASK and catalogue.is_kept(record.value)
        if leaf and is_hidden and (record.document, record.path) not in open_places:
            filled.setdefault(leaf.resource.manifest.position(leaf.scalar.start), record.value)
    what = "{} stands here in clear: this commit would publish it."
    problems = [Problem(what.format(value), position, _FIX) for position, value in filled.items()]
    return [*problems, *_unread(manifests, {record.file for record in records})]


def _is_filled(site: Site, original: str) -> bool:
    """Whether *site* holds another text than its *original*; where that is withheld, whether no placeholder is left."""
    if original == MASK:
        return not any(placeholders.find(site.text))
    return filling.read(site.value, site.text) != filling.read(site.value, original)


def _unread(manifests: Collection[Manifest], recorded: Collection[str]) -> list[Problem]:
    """Return a problem for each document that does not parse, in a file that has places of secrets."""
    what = "This document is not valid YAML: whether a secret stands in it cannot be told."
    parts = [(each.path, part) for each in manifests if each.path in recorded for part in each.broken]
    return [Problem(what, f"{path}:{part.line}:{part.column}", "Mend it first.") for path, part in parts]
