"""Originals: what stood at every site before it was filled, and the edits that put it back.

``blank(setup(tree)) == tree``, byte for byte (DESIGN, law 5). Pure; a record that can no longer be followed is
reported, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from wizard import catalogue, entries, lenses, manifests, sites
from wizard.entries import Undo
from wizard.lenses import Edit, View
from wizard.manifests import Path
from wizard.resources import Manifest, Resource
from wizard.sites import FILLED_IN, Site
from wizard.vault import Kind, Record

STRUCTURAL = frozenset({"entry", "commented", "node"})


@dataclass(frozen=True)
class Blanked:
    """Texts by file with every site at its original (None: the file was made here and goes), and what was not found."""

    texts: Mapping[str, str | None]
    lost: tuple[Record, ...]


def record_of(site: Site, others: Iterable[Site]) -> Record:
    """Return the record of *site* as it stands before it is filled; *others* are all sites of the same text."""
    if site.record is not None:
        return replace(site.record, file=site.manifest.path)
    spans = [(each.start, each.end) for each in others]
    pattern, index, nth = sites.hole(site.around, spans, (site.start, site.end))
    kind: Kind = "comment" if site.how == "comment" else "site"
    place = (site.manifest.path, site.document, site.path)
    return Record(site.value, *place, site.around[site.start : site.end], pattern, index, nth, kind=kind)


def record_of_change(resource: Resource, undo: Undo, earlier: Iterable[Record]) -> Record:
    """Return the record of a structural change; what *earlier* says stood there first stays the original."""
    made = Record("", resource.manifest.path, resource.ref, undo.path, undo.original, kind=undo.kind)
    same = next((each for each in earlier if each.kind in STRUCTURAL and key(each)[:3] == key(made)[:3]), None)
    return replace(made, original=same.original) if same else made


def key(record: Record) -> tuple[object, ...]:
    """Return what two records of one site have in common: file, object, path, and the hole."""
    kind = "structure" if record.kind in STRUCTURAL else record.kind
    return record.file, record.document, record.path, kind, record.hole, record.index, record.nth


def of_parts(records: Iterable[Record], is_off: Callable[[str], bool]) -> list[Record]:
    """Return the records of what belongs to components that are switched off: theirs, and what covers theirs."""
    records = list(records)
    theirs = [record for record in records if any(map(is_off, _parts(record)))]
    return [each for each in records if each in theirs or any(_covers(each, record) for record in theirs)]


def blank(tree: Iterable[Manifest], records: Iterable[Record], expected: Mapping[str, frozenset[str]]) -> Blanked:
    """Return the texts of *tree* with all *records* put back; *expected* are the texts a value may have, by name."""
    records = list(records)
    by_file = {manifest.path: manifest for manifest in tree}
    homes = {resource.ref: resource for manifest in by_file.values() for resource in manifest.resources}
    edits: dict[str, dict[View, list[Edit]]] = {}
    lost = []
    for record in records:
        if record.kind in ("created", "kept") or _is_covered(record, records):
            continue
        manifest = by_file.get(record.file)
        resource = _resource(manifest, record.document) or homes.get(record.document)
        known = frozenset({record.original, FILLED_IN}) | expected.get(record.value, frozenset())
        found = _restore(record, manifest, resource, known)
        if found is None:
            lost.append(record)
        else:
            path = resource.manifest.path if resource else record.file
            edits.setdefault(path, {}).setdefault(found[0], []).append(found[1])
    texts: dict[str, str | None] = {record.file: None for record in records if record.kind == "created"}
    for path, by_view in edits.items():
        texts[path] = lenses.apply(
            by_file[path].text, lenses.render({view: _distinct(each) for view, each in by_view.items()})
        )
    return Blanked(texts, tuple(lost))


def sources(before: Manifest, blanked: Manifest, records: Iterable[Record]) -> list[Record]:
    """Return records for the scalars of *before* that putting back their sites does not restore to the byte.

    *blanked* is what putting back gives; each such scalar is kept as its source, which covers its sites.
    """
    found = []
    touched = {
        (record.document, record.path) for record in records if record.kind == "site" and record.file == before.path
    }
    after = {resource.ref: resource for resource in blanked.resources}
    for resource in before.resources:
        for path, scalar in manifests.walk(resource.node):
            is_touched = any(ref == resource.ref and inner[: len(path)] == path for ref, inner in touched)
            other = after[resource.ref].get(*path) if is_touched and resource.ref in after else None
            source = before.text[scalar.start : scalar.end]
            if is_touched and (other is None or blanked.text[other.start : other.end] != source):
                found.append(Record("", before.path, resource.ref, path, source, kind="source"))
    return found


def _parts(record: Record) -> list[str]:
    made = [part.name for part in catalogue.COMPONENTS if record.kind == "created" and record.file in part.files]
    return [*catalogue.parts_of_value(record.value), *catalogue.parts_of(record.file, record.document), *made]


def _is_covered(record: Record, records: Iterable[Record]) -> bool:
    return record.kind not in STRUCTURAL and any(_covers(other, record) for other in records)


def _covers(other: Record, record: Record) -> bool:
    """Whether putting *other* back puts *record* back too."""
    same = (other.file, other.document) == (record.file, record.document)
    within = record.path[: len(other.path)] == other.path
    is_outer = other.kind in STRUCTURAL or (other.kind == "source" and record.kind != "source")
    return same and within and is_outer and other is not record


def _resource(manifest: Manifest | None, ref: str) -> Resource | None:
    return next((each for each in manifest.resources if each.ref == ref), None) if manifest else None


def _restore(
    record: Record, manifest: Manifest | None, resource: Resource | None, known: frozenset[str]
) -> tuple[View, Edit] | None:
    """Return the edit that puts *record* back, and the view whose text it edits."""
    if resource is None:
        span = sites.locate(record, manifest.text, known) if manifest and record.kind == "comment" else None
        return (manifest.root, Edit(*span, record.original)) if manifest and span else None
    if record.kind in ("site", "comment"):
        leaf = resource.leaves.get(record.path)
        span = sites.locate(record, leaf.text, known) if leaf else None
        return (leaf.view, Edit(*span, record.original)) if leaf and span else None
    if record.kind == "source":
        node = resource.get(*record.path)
        return (resource.manifest.root, Edit(node.start, node.end, record.original)) if node else None
    return _restore_structure(record, resource)


def _restore_structure(record: Record, resource: Resource) -> tuple[View, Edit] | None:
    """Do the same for an entry or a node, which may stand in a document embedded in a scalar of *resource*."""
    view, root, path = resource.manifest.root, resource.node, record.path
    if "~" in path:
        at = path.index("~")
        leaf = resource.leaves.get(path[:at])
        inner = manifests.parse(leaf.text) if leaf else []
        if leaf is None or len(inner) != 1 or isinstance(inner[0], manifests.Broken):
            return None
        view, root, path = leaf.view, inner[0].root, path[at + 1 :]
    span = _structure(record, view.text, root, path)
    return (view, Edit(*span, record.original)) if span else None


def _structure(record: Record, text: str, root: manifests.Node, path: Path) -> tuple[int, int] | None:
    if record.kind == "node":
        node = manifests.get(root, path)
        return (node.start, node.end) if node else None
    if record.kind == "commented":
        where = entries.body(text, root, path[:-1])
        hit = entries.commented(text, where, path[-1:]) if where else None
        lines = record.original.count("\n")
        return (hit.start, entries.lines_after(text, hit.start, lines)) if hit else None
    span = entries.lines_of(text, root, path)
    if span and not record.original and span[1] == len(text) and not text.endswith("\n") and span[0]:
        return span[0] - (2 if text[: span[0]].endswith("\r\n") else 1), span[1]  # the line end came with the entry
    return span


def _distinct(edits: Iterable[Edit]) -> list[Edit]:
    return list(dict.fromkeys(edits))
