"""What stands inside a text: the leaves of an embedded document, or the quoting around a span of free text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from wizard.lenses import (
    conninfo,
    coturn,
    encoded,
    environment,
    haproxy,
    ini,
    jsontext,
    redisconf,
    scalar,
    shell,
    sql,
    text,
    url,
)
from wizard.lenses.region import CannotHold, Region, View
from wizard.lenses.words import Word
from wizard.manifests import Document, IsNumbered, Mapping, Path, Scalar, parse, walk

_YAML = (".yaml", ".yml")
_CREDENTIALS = ".dockerconfigjson"
_JSON = (".json", _CREDENTIALS)
_ENVIRONMENT = (".env",)
SCRIPT = "script.sh"  # the name of a script that has none, such as a container's command

# What these grammars read is a datum to the end.
_DATA = (Word, conninfo.Value, coturn.Value, ini.Value, redisconf.Rule, url.Part)

# The languages of texts that are no document: by the name that a text has, or by its first line below that.
_LANGUAGES: tuple[tuple[re.Pattern[str], Callable[[str, int, int], Region | None]], ...] = (
    (re.compile(r"(?:.*[-_.])?(?:redis|sentinel)(?:[-_.].*)?\.conf\n.*"), redisconf.around),
    (re.compile(r".*\.acl\n.*"), redisconf.around_rule),
    (re.compile(r"(?:.*[-_.])?haproxy(?:[-_.].*)?\.cfg\n.*"), haproxy.around),
    (re.compile(r"(?:.*[-_.])?(?:turnserver|coturn)(?:[-_.].*)?\.conf\n.*"), coturn.around),
    (re.compile(r".*\.(?:ini|cnf)\n.*"), ini.around),
    (re.compile(r".*\.(?:sh|bash)\n.*|.*\n#!.*\b(?:ba|da|a|k)?sh\b.*"), shell.around),
)


def inside(view: View, name: str, is_numbered: IsNumbered | None = None) -> list[tuple[Path, View]]:
    """Return the leaves of the document that *view*'s text is, each with its path and its view within *view*.

    *name* is the key it stands under (``homeserver.yaml``): an ending decides the format, without one the text does.
    Paths begin with ``~`` (``~1`` for the second of several YAML documents). A text that is no document has no
    leaves: ``at`` is for those. Keys are leaves where *is_numbered* says so, see ``manifests.walk``.
    """
    ending = PurePosixPath(name.lower()).suffix or (name.lower() if name.startswith(".") else "")
    if ending in _JSON:
        leaves = _json(view.text, is_numbered)
    elif ending in _YAML:
        leaves = _yaml(view.text, is_numbered, is_sure=True)
    elif ending in _ENVIRONMENT:
        leaves = _environment(view.text)
    elif ending:
        leaves = []
    else:
        leaves = _json(view.text, is_numbered) or _yaml(view.text, is_numbered, is_sure=False)
        leaves = leaves or _whole_environment(view.text)
    views = [(path, View(region, view)) for path, region in leaves]
    if ending == _CREDENTIALS:
        return [(path, _decoded(each) if _is_login(path) else each) for path, each in views]
    return views


def at(view: View, start: int, end: int, name: str = "") -> tuple[View, int, int]:
    """Return the innermost quoting around [start, end) of *view*'s text, and the span in that view's own text.

    *name*, of the key or file that the text stands under, tells its language, and with it the quoting of the word or
    value around the span. Looked for in there, and in text of no known language, are SQL strings, a libpq connection
    string, and the parts of URLs, one within another. A span that is all of a text needs no other view than that
    text's. Otherwise, unless its reader takes the text as it is, the view is free text over the innermost one, whose
    offsets are the same and which takes only safe characters.
    """
    is_datum, is_text = _is_password(view, start), False
    quotings = _in_language(view.text, start, end, name)
    while (start, end) != (0, len(view.text)):
        found = next(((region, span) for region in quotings if (span := _inward(region, start, end))), None)
        if found is None:
            is_text = not is_datum
            break
        region, (start, end) = found
        view = View(region, view)
        is_datum, is_text = _is_datum(region), _is_read_again(region)
        quotings = _quotings(view.text)
    return (View(text.lens(view.text), view) if is_text else view), start, end


def _in_language(free: str, start: int, end: int, name: str) -> Iterator[Region]:
    """Yield the lens of *free*'s own language around the span, if it is known, and then what may stand in any text."""
    label = f"{name.lower()}\n{free[:80].partition(chr(10))[0]}"
    around = next((around for pattern, around in _LANGUAGES if pattern.fullmatch(label)), None)
    region = around(free, start, end) if around else None
    if region is not None:
        yield region
    yield from _quotings(free)


def _quotings(free: str) -> Iterator[Region]:
    yield from sql.literals(free)
    yield from (region for _, region in conninfo.values(free))
    yield from url.parts(free)


def _is_datum(region: Region) -> bool:
    """Whether its reader takes every part of the region's text as it is; an SQL string may hold a text of any kind."""
    return isinstance(region.grammar, _DATA) and not _is_read_again(region)


def _is_read_again(region: Region) -> bool:
    """Whether the region is a word in which the reader gives characters a meaning, all of it or not."""
    return isinstance(region.grammar, Word) and not region.grammar.is_datum


def _inward(region: Region, start: int, end: int) -> tuple[int, int] | None:
    """Translate a span of the outer text to the region's text; None unless it holds whole characters of it.

    Quotes in the span that belong to no character, as a value brings them along, are none of the region's text.
    """
    try:
        reading = region.reading
    except CannotHold:
        return None
    if start < end and (start, end) == (region.start, region.end):
        return 0, len(reading.text)  # the quotes with all that they hold
    first, last = start - region.start, end - region.start
    before, behind = bisect_right(reading.ends, first), bisect_right(reading.ends, last)
    cut = (at for at, edge in ((before, first), (behind, last)) for at in reading.starts[at : at + 1] if at < edge)
    is_inside = 0 <= first < last <= region.end - region.start
    return (before, behind) if is_inside and before < behind and not any(True for _ in cut) else None


def _json(whole: str, is_numbered: IsNumbered | None) -> list[tuple[Path, Region]]:
    if whole.lstrip()[:1] not in ("{", "["):
        return []
    try:
        return [(("~", *path), region) for path, region in jsontext.strings(whole, _below("~", is_numbered))]
    except CannotHold:
        return []


def _is_login(path: Path) -> bool:
    """Whether *path* is that of ``user:password`` in base64, as image pulls read it (Kubernetes documentation, "Pull
    an Image from a Private Registry").
    """
    return len(path) == 4 and path[1] == "auths" and path[3] == "auth"


def _decoded(outer: View) -> View:
    """Return the view of the login that *outer* holds in base64, or should; a text that is no login stays as it is."""
    try:
        decoded = View(encoded.lens(outer.text), outer)
    except CannotHold:
        decoded = View(encoded.raw(outer.text), outer)
    return decoded if ":" in decoded.text else outer


def _is_password(view: View, start: int) -> bool:
    """Whether *start* is in the password of a registry login, whose reader takes all behind the first colon for it."""
    if not isinstance(view.lens, encoded.Encoded | encoded.Unencoded) or view.outer is None:
        return False
    outer = view.outer.lens
    return isinstance(outer, Region) and isinstance(outer.grammar, jsontext.String) and ":" in view.text[:start]


def _below(entry: str, is_numbered: IsNumbered | None) -> IsNumbered | None:
    """Return *is_numbered* for paths that are told from *entry* on."""
    return is_numbered and (lambda path, number, key: is_numbered((entry, *path), number, key))


def _yaml(whole: str, is_numbered: IsNumbered | None, *, is_sure: bool) -> list[tuple[Path, Region]]:
    """The scalars of YAML text. Unless it *is_sure* to be YAML it must be a block mapping whose scalars all read."""
    found = parse(whole)
    documents = [document for document in found if isinstance(document, Document)]
    if len(documents) != len(found) or not (is_sure or _looks_like_yaml(whole, documents)):
        return []
    newline = "\r\n" if "\r\n" in whole else "\n"
    leaves: list[tuple[Path, Region]] = []
    for document in documents:
        entry = f"~{document.index}" if document.index else "~"
        for path, node in walk(document.root, _below(entry, is_numbered)):
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
