"""Mends: what of check's findings can be put right mechanically, and the edits that do. A table by the ids of rules.

Pure: files and findings in, edited files out. A mend of a text changes how it is written and never which one is meant;
whole entries are for ``entrymends``. Where something is not certain, the finding is left. Nothing here that is shown
holds a value.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from wizard import access, annotationnames, base64text, diff, entrymends, lenses, structure
from wizard.checks import keeping
from wizard.entrymends import Deed, Place
from wizard.errors import Problem, RefusedError
from wizard.finding import Finding
from wizard.lenses import CannotHold, Edit, View
from wizard.manifests import Path
from wizard.resources import Leaf, Manifest, Resource
from wizard.secret import MASK
from wizard.sites import Site
from wizard.survey import Survey


@dataclass(frozen=True)
class Mended:
    """A finding that is put right: which one, and what is done to its place."""

    finding: Finding
    what: str


@dataclass(frozen=True)
class Mends:
    """What is put right in a tree: the new bytes by file, those before, and each finding. ``diff`` is masked.

    Files that are ``private`` lose group's and others' access; where that is all, their bytes are the same."""

    done: tuple[Mended, ...]
    after: Mapping[str, bytes] = field(repr=False)
    before: Mapping[str, bytes] = field(repr=False)
    diff: str = field(default="", repr=False)
    private: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Row:
    """How the findings of one rule are mended: the new scalar (None: not certain), and whether its reader's text stays.

    A new text is written only where no record follows the old one; ``quotes``: the same text, in double quotes."""

    what: str
    new: Callable[[Leaf, Finding], str | None]
    is_same: bool = False
    quotes: bool = False


def _joined(leaf: Leaf, _: Finding) -> str | None:
    return "".join(leaf.scalar.value.split())


def _once(leaf: Leaf, finding: Finding) -> str | None:
    return "".join(leaf.text.split()) if finding.severity == "error" and leaf.is_encoded else None


def _decoded(leaf: Leaf, finding: Finding) -> str | None:
    text = base64text.plain(leaf.scalar.value)
    if leaf.is_encoded or finding.severity != "error" or not text:
        return None
    return text if "\n" in text.strip("\n") else text.rstrip("\r\n")


def _encoded(leaf: Leaf, _: Finding) -> str | None:
    """What has a character of no base64 in it was meant as it stands; the rest may be base64 that was cut off."""
    text = leaf.scalar.value
    is_plain = re.search(r"[^A-Za-z0-9+/=\s]", text) is not None
    return _base64(text if "\n" in text.strip("\n") else text.rstrip("\r\n")) if is_plain else None


def _stripped(leaf: Leaf, _: Finding) -> str | None:
    text = leaf.text.rstrip("\r\n")
    return _base64(text) if leaf.is_encoded else text


def _quoted(leaf: Leaf, _: Finding) -> str | None:
    text, scalar = leaf.scalar.value, leaf.scalar
    stands = leaf.resource.manifest.text[scalar.start : scalar.end]
    is_plain = scalar.style == "" and stands == text and not set(text) & set('"\\\n')
    return f'"{text}"' if is_plain else None


_TABLE: dict[str, _Row] = {
    "base64-wrapped": _Row("its base64 is written on one line", _joined, is_same=True),
    "base64-twice": _Row("one of two layers of base64 is taken off", _once),
    "base64-in-plain": _Row("the text itself is written", _decoded),
    "base64-missing": _Row("the text is written as base64", _encoded),
    "trailing-newline": _Row("the line end is taken off", _stripped),
    "not-a-string": _Row("it is put in double quotes", _quoted, is_same=True, quotes=True),
    "parsers-disagree": _Row("it is put in double quotes", _quoted, is_same=True, quotes=True),
}


_OPEN = "open-to-all"  # which is mended in the modes of files, not in their text


def of(survey: Survey, findings: Iterable[Finding]) -> Mends:
    """Return what of *findings*, which are those about the tree of *survey*, is put right; the first of each place.

    RefusedError where an edited file does not read as it is to."""
    recorded = {(each.document, each.path) for each in survey.scope.records}
    told = list(findings)
    wanted = [each for each in told if each.id in _TABLE]
    about = [each for each in told if each.id in entrymends.RULES]
    files = {each.file for each in (*wanted, *about)}
    manifests = [each for each in survey.every if each.path in files]
    # Some findings are told where the text begins, behind a quote.
    leaves = {place: leaf for manifest in manifests for where, leaf in _scalars(manifest) for place in _at(where, leaf)}
    edits: dict[str, dict[View, list[Edit]]] = {}
    news: dict[Leaf, str] = {}
    done = []
    for each in wanted:
        row, leaf = _TABLE[each.id], leaves.get(_position(each))
        if leaf is None or leaf in news or leaf.refusal or not (row.is_same or _is_free(leaf, recorded)):
            continue
        new = row.new(leaf, each)
        edit = _edit(leaf, new, quotes=row.quotes) if new is not None else None
        if new is not None and edit is not None:
            edits.setdefault(each.file, {}).setdefault(edit[0], []).append(edit[1])
            news[leaf] = leaf.scalar.value if row.quotes else edit[1].new
            done.append(Mended(each, row.what))
    after, drawn = {}, []
    for manifest in manifests:
        made = structure.rewritten(manifest, edits.get(manifest.path, {}))
        _prove(manifest, made, news)
        for each, number, deed in _deeds(survey, manifest, about, leaves, recorded):
            mended = entrymends.made(made, number, deed)
            if mended is not None:
                made = mended
                done.append(Mended(each, deed.what))
        if made is not manifest:
            after[manifest.path] = made.data
            drawn.append(_drawn(manifest, made, news))
    is_open = [each for each in told if each.id == _OPEN]
    private = keeping.open_files(survey) if is_open else ()
    done += [Mended(each, f"others may no longer read {', '.join(private)}") for each in is_open]
    before = {path: survey.tree.files[path] for path in (*after, *private)}
    return Mends(tuple(done), before | after, before, "".join(drawn), frozenset(private))


def _at(where: str, leaf: Leaf) -> tuple[str, str]:
    return where, leaf.position()


def _position(found: Finding) -> str:
    return f"{found.file}:{found.line}:{found.column}"


def _deeds(
    survey: Survey,
    manifest: Manifest,
    about: Iterable[Finding],
    leaves: Mapping[str, Leaf],
    recorded: set[tuple[str, Path]],
) -> Iterator[tuple[Finding, int, Deed]]:
    """Yield what is done to entries of *manifest*: the finding, the number of the object in the file, and the deed.

    An entry that a record follows, or in which one does, is setup's to change."""
    objects = {manifest.position(each.node.start): each for each in manifest.resources}
    for found in about:
        leaf = leaves.get(_position(found))
        resource = leaf.resource if leaf else objects.get(_position(found))
        if resource is None or resource.manifest is not manifest:
            continue
        deed = entrymends.deed(found.id, Place(survey, resource, leaf))
        if deed is not None and not any(_is_recorded(resource, path, recorded) for path in deed.paths):
            yield found, manifest.resources.index(resource), deed


def told(made: Mends) -> Iterator[str]:
    """Yield the plan as lines for people: each place, what is done there, and the masked diff."""
    for each in made.done:
        found = each.finding
        yield f"{found.file}:{found.line}:{found.column}: [{found.id}] {each.what}."
    yield f"\n{made.diff}"


def _scalars(manifest: Manifest) -> Iterator[tuple[str, Leaf]]:
    for resource in manifest.resources:
        for leaf in resource.leaves.values():
            if leaf.nested is None:
                yield manifest.position(leaf.scalar.start), leaf


def _is_free(leaf: Leaf, recorded: set[tuple[str, Path]]) -> bool:
    """Whether no record follows the text of *leaf*, or one in it: such a text is setup's to change."""
    return not _is_recorded(leaf.resource, leaf.path, recorded)


def _is_recorded(resource: Resource, path: Path, recorded: set[tuple[str, Path]]) -> bool:
    return any(document == resource.ref and each[: len(path)] == path for document, each in recorded)


def _edit(leaf: Leaf, new: str, *, quotes: bool) -> tuple[View, Edit] | None:
    """Return the edit that writes *new* as the scalar of *leaf*, and its view; None where that cannot be written."""
    if quotes:
        return leaf.resource.manifest.root, Edit(leaf.scalar.start, leaf.scalar.end, new)
    try:
        view = leaf.view
        view = view.outer if view.outer is not None else view
        is_kept = leaf.is_encoded and leaf.scalar.value.endswith("\n")  # the API server's decoder skips a line end
        edit = Edit(0, len(view.text), new + ("\n" if is_kept else ""))
        lenses.render({view: [edit]})
    except CannotHold:
        return None
    return view, edit


def _prove(before: Manifest, after: Manifest, news: Mapping[Leaf, str]) -> None:
    """Raise RefusedError unless *after* reads as *before*, but for the new scalars."""
    old, new = (list(_scalars(each)) for each in (before, after))
    wanted = [news.get(leaf, leaf.scalar.value) for _, leaf in old]
    found = [leaf.scalar.value for _, leaf in new]
    if [leaf.path for _, leaf in old] != [leaf.path for _, leaf in new] or wanted != found:
        what = "A mend of this file would not read as it is to."
        raise RefusedError(Problem(what, before.path, "Mend it by hand; nothing was written."))


def _drawn(before: Manifest, after: Manifest, news: Mapping[Leaf, str]) -> str:
    """Return the masked diff of one file; besides secrets it shows no address range of an allow-list."""
    changed = {(leaf.resource.ref, leaf.path) for leaf in news if leaf.is_secret}
    sites = [
        [
            Site("", manifest, leaf, 0, len(leaf.text), "record")
            for _, leaf in _scalars(manifest)
            if (leaf.resource.ref, leaf.path) in changed or _is_hidden(leaf)
        ]
        for manifest in (before, after)
    ]

    def mask(site: Site) -> str:
        leaf = site.leaf
        is_new = leaf is not None and leaf.resource.manifest is after and (leaf.resource.ref, leaf.path) in changed
        return diff.CHANGED if is_new else MASK

    return diff.unified(before.path, diff.masked(before, sites[0], mask), diff.masked(after, sites[1], mask))


def _is_hidden(leaf: Leaf) -> bool:
    """Whether *leaf* is no secret and not to be shown: ranges of an allow-list, or a Secret as it was applied once."""
    is_range = leaf.resource.kind == "Middleware" and "sourceRange" in leaf.path
    meant = {leaf.key, annotationnames.meant(leaf.key)} if leaf.path[:-1] == access.ANNOTATIONS else set()
    return is_range or keeping.APPLIED in meant or not meant.isdisjoint(access.LIST_ANNOTATIONS)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
