"""What stands inside a text: the leaves of an embedded document, or the quoting around a span of free text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from wizard.lenses import conninfo, environment, jsontext, scalar, sql, text, url
from wizard.lenses.region import CannotHold, Region, View
from wizard.manifests import Document, Mapping, Path, Scalar, parse, walk

_YAML = (".yaml", ".yml")
_JSON = (".json", ".dockerconfigjson")
_ENVIRONMENT = (".env",)


def inside(view: View, name: str) -> list[tuple[Path, View]]:
    """Return the leaves of the document that *view*'s text is, each with its path and its view within *view*.

    *name* is the key it stands under (``homeserver.yaml``): an ending decides the format, without one the text does.
    Paths begin with ``~`` (``~1`` for the second of several YAML documents). A text that is no document has no
    leaves: ``at`` is for those.
    """
    ending = PurePosixPath(name.lower()).suffix or (name.lower() if name.startswith(".") else "")
    if ending in _JSON:
        leaves = _json(view.text)
    elif ending in _YAML:
        leaves = _yaml(view.text, is_sure=True)
    elif ending in _ENVIRONMENT:
        leaves = _environment(view.text)
    elif ending:
        leaves = []
    else:
        leaves = _json(view.text) or _yaml(view.text, is_sure=False) or _whole_environment(view.text)
    return [(path, View(region, view)) for path, region in leaves]


def at(view: View, start: int, end: int) -> tuple[View, int, int]:
    """Return the innermost quoting around [start, end) of *view*'s text, and the span in that view's own text.

    Looked for are SQL strings, a libpq connection string, and the parts of URLs, one within another. A span that is
    all of a text needs no other view than that text's. Otherwise the view is free text over the innermost one, whose
    offsets are the same and which takes only safe characters.
    """
    is_datum = False
    while (start, end) != (0, len(view.text)):
        found = next(((region, span) for region in _quotings(view.text) if (span := _inward(region, start, end))), None)
        if found is None:
            return (view if is_datum else View(text.lens(view.text), view)), start, end
        region, (start, end) = found
        view = View(region, view)
        # What a connection string or a URL quotes is a datum to the end; an SQL string may hold a text of any kind.
        is_datum = isinstance(region.grammar, conninfo.Value | url.Part)
    return view, start, end


def _quotings(free: str) -> Iterator[Region]:
    yield from sql.literals(free)
    yield from (region for _, region in conninfo.values(free))
    yield from url.parts(free)


def _inward(region: Region, start: int, end: int) -> tuple[int, int] | None:
    """Translate a span of the outer text to the region's text; None unless it consists of whole characters of it."""
    try:
        reading = region.reading
    except CannotHold:
        return None
    if start < end and (start, end) == (region.start, region.end):
        return 0, len(reading.text)  # the quotes with all that they hold
    starts, ends = list(reading.starts), list(reading.ends)
    first, last = start - region.start, end - region.start
    if first < last and first in starts and last in ends:
        return starts.index(first), len(ends) - ends[::-1].index(last)
    return None


def _json(whole: str) -> list[tuple[Path, Region]]:
    if whole.lstrip()[:1] not in ("{", "["):
        return []
    try:
        return [(("~", *path), region) for path, region in jsontext.strings(whole)]
    except CannotHold:
        return []


def _yaml(whole: str, *, is_sure: bool) -> list[tuple[Path, Region]]:
    """The scalars of YAML text. Unless it *is_sure* to be YAML it must be a block mapping whose scalars all read."""
    found = parse(whole)
    documents = [document for document in found if isinstance(document, Document)]
    if len(documents) != len(found) or not (is_sure or _looks_like_yaml(whole, documents)):
        return []
    newline = "\r\n" if "\r\n" in whole else "\n"
    leaves: list[tuple[Path, Region]] = []
    for document in documents:
        entry = f"~{document.index}" if document.index else "~"
        for path, node in walk(document.root):
            try:
                leaves.append(((entry, *path), scalar.lens(whole, node, node.flow, newline)))
            except CannotHold:
                if not is_sure:
                    return []
    return leaves


def _looks_like_yaml(whole: str, documents: list[Document]) -> bool:
    root = documents[0].root if len(documents) == 1 and "\n" in whole.strip() else None
    entries = root.entries if isinstance(root, Mapping) and not root.flow else ()
    return any(isinstance(value, Scalar) and value.value for _, value in entries)


def _environment(whole: str) -> list[tuple[Path, Region]]:
    return [(("~", key), region) for key, region in environment.values(whole)]


def _whole_environment(whole: str) -> list[tuple[Path, Region]]:
    return _environment(whole) if environment.is_environment(whole) else []
