"""Originals: what stood at every site before it was filled, and the edits that put it back.

``blank(setup(tree)) == tree``, byte for byte (DESIGN, law 5). Pure; a record that can no longer be followed is
reported, never guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wizard import catalogue, entries, holes, lenses, manifests, overlap
from wizard.entries import Undo
from wizard.lenses import Edit, View
from wizard.manifests import Path
from wizard.resources import Manifest, Resource
from wizard.sites import FILLED_IN, Found, Site
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
        return replace(site.record, file=site.manifest.path, value=site.value)
    spans = [(each.start, each.end) for each in others]
    pattern, index, nth = holes.of(site.around, spans, (site.start, site.end), comment=site.how == "comment")
    kind: Kind = "comment" if site.how == "comment" else "site"
    place = (site.manifest.path, site.document, site.path)
    return Record(site.value, *place, site.around[site.start : site.end], pattern, index, nth, kind=kind)


def record_of_file(path: str, data: bytes) -> Record:
    """Return the record of a file that is made here with *data*: it goes again while it is still that, blanked."""
    return Record("", path, "", (), _digest(data), kind="created")


def record_of_document(resource: Resource) -> Record:
    """Return the record of the document *resource* that was appended: it goes again while it is still that, blanked."""
    return Record("", resource.manifest.path, resource.ref, (), _digest(_document(resource)), kind="document")


def record_of_change(resource: Resource, undo: Undo, earlier: Iterable[Record]) -> Record:
    """Return the record of a structural change; what *earlier* says stood there first stays the original.

    The original is never what was filled in since: that may be a secret.
    """
    made = Record("", resource.manifest.path, resource.ref, undo.path, undo.original, nth=undo.nth, kind=undo.kind)
    of_object = [each for each in earlier if each.document in (made.document, "") and each.file == made.file]
    same = next((each for each in of_object if each.kind in STRUCTURAL and key(each)[:3] == key(made)[:3]), None)
    if same and same.kind != made.kind and "node" in (same.kind, made.kind):
        return same
    return replace(made, original=same.original if same else _as_it_was(resource, undo, of_object))


def key(record: Record) -> tuple[object, ...]:
    """Return what two records of one site have in common: file, object, path, and the hole."""
    kind = "structure" if record.kind in STRUCTURAL else record.kind
    nth = 0 if record.kind in STRUCTURAL else record.nth
    return record.file, record.document, record.path, kind, record.hole, record.index, nth


def moved(records: Iterable[Record], tree: Iterable[Manifest]) -> tuple[Record, ...]:
    """Return *records* with the files where their objects stand now; one in several files stays where it was."""
    records = list(records)
    by_path = {manifest.path: manifest for manifest in tree} if records else {}
    strayed = [each for each in records if each.document and not _stands(each, by_path.get(each.file))]
    kinds = {"", *(record.document.partition("/")[0] for record in strayed)}
    homes: dict[str, list[str]] = {}
    for path, manifest in by_path.items() if strayed else ():
        for resource in manifest.some(kinds):
            homes.setdefault(resource.ref, []).append(path)
    standing = by_path.keys()
    went: dict[str, set[str]] = {}
    for record in records:
        if record.file not in standing and len(homes.get(record.document, ())) == 1:
            went.setdefault(record.file, set()).add(homes[record.document][0])
    # What stands outside all objects goes where the objects of its file went.
    found = ((record, homes.get(record.document) or sorted(went.get(record.file, ()))) for record in records)
    return tuple(
        replace(record, file=files[0]) if len(files) == 1 and record.file != files[0] else record
        for record, files in found
    )


def _stands(record: Record, manifest: Manifest | None) -> bool:
    """Whether the object of *record* stands in its file."""
    kinds = {"", record.document.partition("/")[0]}
    return manifest is not None and any(each.ref == record.document for each in manifest.some(kinds))


def renumbered(
    records: Iterable[Record], tree: Iterable[Manifest], expected: Mapping[str, frozenset[str]]
) -> tuple[Record, ...]:
    """Return *records* with the keys that hold values, and what stands below them, at the numbers that they have now.

    A key that is nowhere in its mapping any more, or there twice, keeps the number that it had. *expected*: the texts
    that each value may have, by name.
    """
    records = list(records)
    homes = {(each.path, resource.ref): resource for each in tree for resource in each.resources}
    new: dict[tuple[str, str, Path], str] = {}
    for record in records:
        resource = homes.get((record.file, record.document))
        if resource and record.kind == "site" and record.path[-1:] and record.path[-1].startswith("[!"):
            number = _number(record, resource, frozenset({record.original}) | expected.get(record.value, frozenset()))
            if f"[!{number}]" != record.path[-1]:
                new[record.file, record.document, record.path] = f"{number}]"
    return tuple(replace(record, path=_at_new_numbers(record, new)) for record in records) if new else tuple(records)


def _number(record: Record, resource: Resource, known: frozenset[str]) -> int:
    """Return which entry of its mapping the key of *record* is now, the number in its path where that is unclear."""
    before = int(record.path[-1][len("[!") : -1])
    home = _inside(resource, record.path[:-1])
    mapping = manifests.get(home[1], home[2]) if home else None
    keys = mapping.children[::2] if isinstance(mapping, manifests.Mapping) else ()
    texts = [key.value if isinstance(key, manifests.Scalar) else "" for key in keys]
    spans = [holes.locate(record, text, known) for text in texts]
    hits = [
        at for at, (text, span) in enumerate(zip(texts, spans, strict=True)) if span and text[slice(*span)] in known
    ]
    return hits[0] if len(hits) == 1 and before not in hits else before


def _at_new_numbers(record: Record, new: Mapping[tuple[str, str, Path], str]) -> Path:
    path = record.path
    for at, step in enumerate(path):
        if step.startswith(("[!", "[?")):
            key = (record.file, record.document, (*record.path[:at], f"[!{step[2:]}"))
            path = (*path[:at], step[:2] + new.get(key, step[2:]), *path[at + 1 :])
    return path


def without_covered(found: Found, records: Iterable[Record]) -> Found:
    """Return *found* without the lost places whose entry is only commented out: that is taken back as a whole."""
    out = {(record.file, record.document, record.path) for record in records if record.kind == "commented"}
    lost = (record for record in found.lost if (record.file, record.document, record.path) not in out)
    return replace(found, lost=tuple(lost))


def of_parts(records: Iterable[Record], is_off: Callable[[str], bool]) -> list[Record]:
    """Return the records of what belongs to components that are switched off: theirs, and what covers theirs."""
    records = list(records)
    theirs = [record for record in records if any(map(is_off, _parts(record)))]
    return [each for each in records if each in theirs or any(_covers(each, record) for record in theirs)]


def of_changes(records: Iterable[Record], is_over: Callable[[Record], bool]) -> list[Record]:
    """Return the records of what is over, and of all that stands within it."""
    records = list(records)
    over = [record for record in records if is_over(record)]
    return [each for each in records if each in over or any(_covers(other, each) for other in over)]


def blank(tree: Iterable[Manifest], records: Iterable[Record], expected: Mapping[str, frozenset[str]]) -> Blanked:
    """Return the texts of *tree* with all *records* put back; *expected* are the texts a value may have, by name."""
    records = list(records)
    by_file = {manifest.path: manifest for manifest in tree}
    texts: dict[str, str | None] = {}
    lost: list[Record] = []
    # A structure within an entry is put back before that, for what it left behind may be a comment outside all lines.
    whole = [record for record in records if record.kind in ("node", "source")]
    outer = _outer(records)
    nested = [each for each in records if each.kind in STRUCTURAL and _is_covered(each, outer)]
    nested = [each for each in nested if not _is_covered(each, _outer(whole))]
    depths = sorted({len(record.path) for record in nested}, reverse=True)
    steps = [[record for record in nested if len(record.path) == depth] for depth in depths]
    for step in (*steps, [record for record in records if not _is_covered(record, outer)]):
        edits, gone = _edits(by_file, step, expected)
        lost += gone
        for path, by_view in edits.items():
            now = by_file[path]
            texts[path] = text = lenses.apply(now.text, lenses.render_whole(by_view, now.root))
            by_file[path] = now.with_text(text)
    for path, taken in _appended(by_file, records).items():
        now = by_file[path]
        texts[path] = text = lenses.apply(now.text, _joined(taken, now.text))
        by_file[path] = now.with_text(text)
    for record in records:
        made = by_file.get(record.file)
        if record.kind == "created" and (made is None or _digest(made.data) == record.original):
            texts[record.file] = None
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
        for path, scalar in ((leaf.path, leaf.scalar) for leaf in resource.leaves.values() if leaf.nested is None):
            is_touched = any(ref == resource.ref and inner[: len(path)] == path for ref, inner in touched)
            leaf = after[resource.ref].leaves.get(path) if is_touched and resource.ref in after else None
            other = leaf.scalar if leaf else None
            source = before.text[scalar.start : scalar.end]
            if is_touched and (other is None or blanked.text[other.start : other.end] != source):
                found.append(Record("", before.path, resource.ref, path, source, kind="source"))
    return found


def _appended(tree: Mapping[str, Manifest], records: Iterable[Record]) -> dict[str, list[Edit]]:
    """Return the edits that take out the documents that were appended and are still as they were then, by file."""
    edits: dict[str, list[Edit]] = {}
    for record in (each for each in records if each.kind == "document"):
        homes = (tree[record.file], *tree.values()) if record.file in tree else tuple(tree.values())
        resource = next((found for home in homes if (found := _resource(home, record.document))), None)
        if resource and _digest(_document(resource)) == record.original:
            start, end = resource.span
            edits.setdefault(resource.manifest.path, []).append(Edit(start, end, ""))
    return edits


def _document(resource: Resource) -> bytes:
    """Return the source of the document that *resource* is, without the line ends behind it."""
    return resource.manifest.text[slice(*resource.span)].rstrip("\r\n").encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _parts(record: Record) -> list[str]:
    made = [part.name for part in catalogue.COMPONENTS if record.kind == "created" and record.file in part.files]
    return [*catalogue.parts_of_value(record.value), *catalogue.parts_of(record.file, record.document), *made]


def _edits(
    by_file: Mapping[str, Manifest], records: Sequence[Record], expected: Mapping[str, frozenset[str]]
) -> tuple[dict[str, dict[View, list[Edit]]], list[Record]]:
    """Return the edits that put *records* back, by file and view, and the records whose place is gone."""
    homes = {resource.ref: resource for manifest in by_file.values() for resource in manifest.resources}
    edits: dict[str, dict[View, list[Edit]]] = {}
    lost = []
    strayed = _strayed(by_file, homes, records, expected)
    for record in records:
        if record.kind in ("created", "document", "kept", "off"):
            continue
        manifest = by_file.get(record.file)
        resource = _resource(manifest, record.document) or homes.get(record.document)
        is_there = record.kind in ("site", "comment") and record.path and _scalar(record) not in strayed
        found = _restore(record, manifest, resource, frozenset() if is_there else _known(record, expected))
        if found is None:
            lost.append(record)
        else:
            path = resource.manifest.path if resource else record.file
            edits.setdefault(path, {}).setdefault(found[0], []).append(found[1])
    return {
        path: {view: _joined(each, view.text) for view, each in views.items()} for path, views in edits.items()
    }, lost


def _strayed(
    by_file: Mapping[str, Manifest],
    homes: Mapping[str, Resource],
    records: Iterable[Record],
    expected: Mapping[str, frozenset[str]],
) -> set[tuple[str, str, Path]]:
    """Return the scalars in which some value no longer stands in the line that its record counts to.

    Only there is a line looked for by what it holds: among lines of one form that hold different values, those that
    hold one of them are fewer than the record counts.
    """
    strayed = set()
    for record in records:
        resource = _resource(by_file.get(record.file), record.document) or homes.get(record.document)
        leaf = resource.leaves.get(record.path) if resource and record.kind in ("site", "comment") else None
        span = holes.locate(record, leaf.text) if leaf else None
        is_told = record.value in expected or record.kind == "comment"  # of an answer nobody keeps what it was
        if leaf and (span is None or (is_told and leaf.text[slice(*span)] not in _known(record, expected))):
            strayed.add(_scalar(record))
    return strayed


def _scalar(record: Record) -> tuple[str, str, Path]:
    return record.file, record.document, record.path


def _known(record: Record, expected: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the texts that may stand at the place of *record*."""
    return frozenset({record.original, FILLED_IN}) | expected.get(record.value, frozenset())


def _as_it_was(resource: Resource, undo: Undo, earlier: Sequence[Record]) -> str:
    """Return the original of *undo* without what was filled into it since, as *earlier* tells."""
    home = _inside(resource, undo.path) if undo.original and earlier else None
    if home is None:
        return undo.original
    view, root, path = home
    start, end = _now(undo, view.text, root, path)
    outer = [record for record in earlier if not _is_covered(record, _outer(earlier))]
    by_view = _edits({resource.manifest.path: resource.manifest}, outer, {})[0].get(resource.manifest.path, {})
    if view != resource.manifest.root:
        by_view = {each: edits for each, edits in by_view.items() if each == view or _is_inside(each, view)}
    edits = lenses.render(by_view, until=view) if by_view else []
    moved = [
        Edit(each.start - start, each.end - start, each.new) for each in edits if start <= each.start <= each.end <= end
    ]
    return lenses.apply(undo.original, moved)


def _now(undo: Undo, text: str, root: manifests.Node, path: Path) -> tuple[int, int]:
    """Return the span of *text* that holds the original of *undo* before the change."""
    node = manifests.get(root, path) if undo.kind == "node" else None
    span = (node.start, node.end) if node else entries.lines_of(text, root, path)
    if span is None:
        where = entries.body(text, root, path[:-1])
        start = text.find(undo.original, where.start if where else 0)
        span = start, start + len(undo.original)
    return span


def _is_inside(view: View, outer: View) -> bool:
    return view.outer is not None and (view.outer == outer or _is_inside(view.outer, outer))


def _outer(records: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    """Return the records that may cover others, by file and object."""
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.kind in STRUCTURAL or record.kind == "source":
            found.setdefault((record.file, record.document), []).append(record)
    return found


def _is_covered(record: Record, outer: Mapping[tuple[str, str], list[Record]]) -> bool:
    return any(_covers(other, record) for other in outer.get((record.file, record.document), ()))


def _covers(other: Record, record: Record) -> bool:
    """Whether putting *other* back puts *record* back too."""
    same = (other.file, other.document) == (record.file, record.document)
    within = record.path[: len(other.path)] == other.path
    if record.kind in STRUCTURAL:
        return same and within and other.kind in (*STRUCTURAL, "source") and other.path != record.path
    is_outer = other.kind in STRUCTURAL or (other.kind == "source" and record.kind != "source")
    return same and within and is_outer and other is not record


def _resource(manifest: Manifest | None, ref: str) -> Resource | None:
    return next((each for each in manifest.resources if each.ref == ref), None) if manifest else None


def _restore(
    record: Record, manifest: Manifest | None, resource: Resource | None, known: frozenset[str]
) -> tuple[View, Edit] | None:
    """Return the edit that puts *record* back, and the view whose text it edits."""
    if record.kind == "comment" and not record.path:
        home = resource.manifest if resource else manifest
        span = holes.locate(record, home.text, known) if home else None
        is_ours = home is not None and span is not None and home.text[slice(*span)] in known
        return (home.root, Edit(*span, record.original)) if home and span and is_ours else None
    if resource is None:
        return None
    if record.kind == "retiring":
        leaf = resource.leaves.get(record.path)
        span = holes.locate(record, leaf.text) if leaf else None
        return (leaf.view, overlap.line_of(leaf.text, span)) if leaf and span else None
    if record.kind in ("site", "comment"):
        leaf = resource.leaves.get(record.path)
        span = holes.locate(record, leaf.text, known) if leaf else None
        return (leaf.view, Edit(*span, _ended(record, leaf.text))) if leaf and span else None
    if record.kind == "source":
        whole = resource.leaves.get(record.path)
        node = whole.scalar if whole else resource.get(*record.path)
        # What stood right behind its colon had no blank before it.
        if node is None:
            return None
        start = node.start if record.original else len(resource.manifest.text[: node.start].rstrip(" "))
        return resource.manifest.root, Edit(start, node.end, record.original)
    return _restore_structure(record, resource)


def _ended(record: Record, text: str) -> str:
    """Return the original of *record*, with a last line break where the whole *text* that it replaces has one."""
    if record.hole or not record.original.strip("\n"):
        return record.original
    return record.original.rstrip("\n") + text[len(text.rstrip("\n")) :]


def _restore_structure(record: Record, resource: Resource) -> tuple[View, Edit] | None:
    """Do the same for an entry or a node, which may stand in a document embedded in a scalar of *resource*."""
    home = _inside(resource, record.path)
    edit = _structure(record, home[0].text, *home[1:]) if home else None
    return (home[0], edit) if home and edit else None


def _inside(resource: Resource, path: Path) -> tuple[View, manifests.Node, Path] | None:
    """Return the view and the root node of the document that *path* ends in, and the rest of the path in it."""
    if "~" not in path:
        return resource.manifest.root, resource.node, path
    at = path.index("~")
    leaf = resource.leaves.get(path[:at])
    inner = manifests.parse(leaf.text) if leaf else []
    if leaf is None or len(inner) != 1 or isinstance(inner[0], manifests.Broken):
        return None
    return leaf.view, inner[0].root, path[at + 1 :]


def _structure(record: Record, text: str, root: manifests.Node, path: Path) -> Edit | None:
    if record.kind == "node":
        node = manifests.get(root, path)
        return Edit(node.start, node.end, record.original) if node else None
    if record.kind == "commented":
        where = entries.body(text, root, path[:-1])
        hits = entries.commented(text, where, path[-1:]) if where else []
        count = record.original.count("\n") + (not record.original.endswith("\n"))
        hit = hits[record.nth] if record.nth < len(hits) else None
        return _lines(text, hit.start, entries.lines_after(text, hit.start, count), record.original) if hit else None
    span = entries.lines_of(text, root, path)
    for part in entries.parts_of(text, root, path[:-1], path[-1:]):
        return Edit(*part, record.original)
    return _lines(text, *span, record.original) if span else None


def _lines(text: str, start: int, end: int, original: str) -> Edit:
    """Return the edit that puts the lines *original* back; the last one has a line end where the text now has one."""
    is_open = original and not original.endswith("\n")
    return Edit(start, end - (_break_before(text, end) if is_open else 0), original)


def _break_before(text: str, at: int) -> int:
    """Return the length of the line break that ends at *at*."""
    return 2 if text[at - 2 : at] == "\r\n" else 1 if text[at - 1 : at] == "\n" else 0


def _joined(edits: Iterable[Edit], text: str) -> list[Edit]:
    """Return *edits* of *text* without repetitions, and those that take out neighbours as one.

    Where the last lines go and none of them had a line end, the one before them came with them and goes too.
    """
    joined: list[Edit] = []
    for edit in sorted(dict.fromkeys(edits), key=lambda each: (each.start, -each.end)):
        last = joined[-1] if joined else None
        if last and last.new and edit.start < edit.end <= last.end:
            continue  # put back with the lines that it stands in
        if last and last.end >= edit.start and not last.new and not edit.new:
            joined[-1] = Edit(last.start, max(last.end, edit.end), "")
        else:
            joined.append(edit)
    if joined and joined[-1].end == len(text) and not joined[-1].new and not text.endswith("\n"):
        start = joined[-1].start
        joined[-1] = Edit(start - _break_before(text, start), len(text), "")
    return joined
