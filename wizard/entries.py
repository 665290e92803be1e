"""Entries of YAML mappings as lines of text: add one, enable a commented one, take one out of force.

Pure text work next to the parser's spans: every function gives back edits, and none ever dumps a document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Data
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from wizard.lenses import Edit
from wizard.manifests import Mapping, Node, Path, Scalar, Sequence, get

_STEP = "  "


@dataclass(frozen=True)
class Body:
    """Where the entries of a block mapping stand: the span of its lines, and the blanks before each of its keys."""

    start: int
    end: int
    indent: str


@dataclass(frozen=True)
class Commented:
    """An entry that is commented out: the span of its line (line end included), its key, and what follows the colon."""

    start: int
    end: int
    key: str
    rest: str


@dataclass(frozen=True)
class Undo:
    """How one change is taken back: what becomes ``original`` again.

    By kind: "entry" the lines of the entry at ``path``, "commented" the comment that it became, "node" the source of
    the node.
    """

    kind: Literal["entry", "commented", "node"]
    path: Path
    original: str


@dataclass(frozen=True)
class Change:
    """One edit of the text and how each entry that it touches is taken back."""

    edit: Edit
    undo: tuple[Undo, ...]


class Wanted(NamedTuple):
    """An entry that must stand: the spellings of its key, and the data that stands there where it is new.

    The spelling to write comes first, the one that its reader prefers last.
    """

    keys: tuple[str, ...]
    data: Any


def block(data: Any, indent: str, newline: str) -> str:
    """Return *data* (texts, numbers, booleans, lists, mappings) as the YAML that follows ``key:`` in block style."""
    if isinstance(data, dict) and data:
        return "".join(
            f"{newline}{indent}{_STEP}{key}:{block(value, indent + _STEP, newline)}" for key, value in data.items()
        )
    if isinstance(data, list) and data:
        return "".join(f"{newline}{indent}{_STEP}- {_item(value, indent + _STEP, newline)}" for value in data)
    return " " + flow(data)


def flow(data: Any) -> str:
    """Return *data* as flow-style YAML; it is JSON too, so that JSON manifests can take it."""
    return json.dumps(data, ensure_ascii=False)


def keys(mapping: Mapping) -> dict[str, int]:
    """Return the keys of *mapping* with the index of their (last) entry."""
    return {key.value: index for index, (key, _) in enumerate(mapping.entries) if isinstance(key, Scalar)}


def body(text: str, root: Node, parent: Path) -> Body | None:
    """Return the lines of the block mapping at *parent* below *root*; None for a flow mapping or where none can be.

    A key without a value counts as an empty mapping. Comments above the first key and behind the last are within.
    """
    node = get(root, parent)
    if isinstance(node, Mapping) and node.entries and not node.flow:
        column = node.entries[0][0].column - 1
        start = _comments_above(text, _line_start(text, node.start))
        return Body(start, _body_end(text, _line_end(text, node.start), column), " " * column)
    key = _key_of(root, parent)
    if key is None or not _is_null(node):
        return None
    start = _line_end(text, key.end)
    end = _body_end(text, start, key.column)
    first = re.match(r"(?:[ \t]*\r?\n)*([ \t]*)#", text[start:end])
    own = " " * (key.column - 1)
    indent = first[1] if first and len(first[1]) > len(own) else own + _STEP
    return Body(start, end, indent)


def commented(text: str, within: Body, names: tuple[str, ...]) -> Commented | None:
    """Return the first entry in *within* whose key is one of *names* and that is commented out, or None."""
    any_name = "|".join(re.escape(name) for name in names)
    pattern = rf"^[ \t]*#+[ \t]*([\"']?)({any_name})\1[ \t]*:[ \t]*([^\r\n]*?)[ \t]*(?:\r?\n|\Z)"
    match = re.compile(pattern, re.MULTILINE).search(text, within.start, within.end)
    return Commented(match.start(), match.end(), match[2], match[3]) if match else None


def add(text: str, root: Node, parent: Path, entries: Data[str, Any]) -> Change | None:
    """Return the change that adds *entries* to the mapping at *parent*, missing mappings on the way included.

    None where *parent* leads through something that is no mapping.
    """
    node, newline = get(root, parent), _newline(text)
    if isinstance(node, Mapping) and (node.flow or not node.entries):
        inside = ", ".join(f"{flow(key)}: {flow(value)}" for key, value in entries.items())
        edit = Edit(node.start + 1, node.start + 1, inside + (", " if node.entries else ""))
        return Change(edit, (Undo("node", parent, text[node.start : node.end]),))
    where = body(text, root, parent)
    if where is not None:
        at = _insertion(text, node, where)
        lines = [f"{where.indent}{key}:{block(value, where.indent, newline)}" for key, value in entries.items()]
        # A last line without an end gets one before the new lines, which then end as that line did.
        new = newline.join(["", *lines]) if at and text[at - 1] != "\n" else newline.join([*lines, ""])
        return Change(Edit(at, at, new), tuple(Undo("entry", (*parent, key), "") for key in entries))
    if node is not None or not parent:
        return None
    return add(text, root, parent[:-1], {parent[-1]: dict(entries)})


def lines_of(text: str, root: Node, path: Path) -> tuple[int, int] | None:
    """Return the span of the whole lines of the block entry at *path*, line end included; None if there is none."""
    mapping = get(root, path[:-1])
    if not isinstance(mapping, Mapping) or mapping.flow or path[-1] not in keys(mapping):
        return None
    key, value = mapping.entries[keys(mapping)[path[-1]]]
    end = max(key.end, _content_end(text, value))
    return _line_start(text, key.start), _line_end(text, end)


def lines_after(text: str, start: int, count: int) -> int:
    """Return the offset behind *count* lines of *text* from the line start *start*; one at least."""
    end = start
    for _ in range(max(count, 1)):
        end = _line_end(text, end)
    return end


def comment_out(text: str, root: Node, path: Path) -> Change | None:
    """Return the change that turns the entry at *path* into comments; None if there is none.

    A flow mapping cannot hold comments: the entry is taken out of it.
    """
    span = lines_of(text, root, path)
    if span is not None:
        lines = text[slice(*span)]
        new = re.sub(r"^([ \t]*)(?=\S)", r"\1# ", lines, flags=re.MULTILINE)
        return Change(Edit(*span, new), (Undo("commented", path, lines),))
    mapping = get(root, path[:-1])
    if not isinstance(mapping, Mapping) or path[-1] not in keys(mapping):
        return None
    at = keys(mapping)[path[-1]]
    ends = [mapping.start + 1, *(max(key.end, value.end) for key, value in mapping.entries)]
    start, end = ends[at], ends[at + 1]
    if at == 0 and len(mapping.entries) > 1:
        start, end = mapping.entries[0][0].start, mapping.entries[1][0].start
    source = text[mapping.start : mapping.end]
    without = source[: start - mapping.start] + source[end - mapping.start :]
    return Change(Edit(mapping.start, mapping.end, without), (Undo("node", path[:-1], source),))


def ensure(text: str, root: Node, parent: Path, wanted: Iterable[Wanted], unwanted: Iterable[str]) -> list[Change]:
    """Return the changes after which the mapping at *parent* has one entry for each of *wanted* and none of *unwanted*.

    What is commented out is enabled with what it says; of several spellings the one that the reader prefers stays.
    """
    newline = _newline(text)
    newline = _newline(text)
    node = get(root, parent)
    present = keys(node) if isinstance(node, Mapping) else {}
    where = body(text, root, parent)
    missing: dict[str, Any] = {}
    spare = [name for name in unwanted if name in present]
    changes = []
    for names, data in wanted:
        found = [name for name in names if name in present]
        spare += found[:-1]
        hit = commented(text, where, names) if where and not found else None
        if where and hit:
            original = text[hit.start : hit.end]
            value = " " + hit.rest if hit.rest else block(data, where.indent, newline)
            line = f"{where.indent}{hit.key}:{value}" + (newline if original.endswith("\n") else "")
            undo = Undo("entry", (*parent, hit.key), original)
            changes.append(Change(Edit(hit.start, hit.end, line), (undo,)))
        elif not found:
            missing[names[0]] = data
    changes += filter(None, (comment_out(text, root, (*parent, name)) for name in spare))
    added = add(text, root, parent, missing) if missing else None
    return [*changes, added] if added else changes


def _newline(text: str) -> str:
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def _item(value: Any, indent: str, newline: str) -> str:
    if isinstance(value, dict) and value:
        return block(value, indent, newline).removeprefix(newline + indent + _STEP)
    return flow(value)


def _is_null(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.start == node.end


def _key_of(root: Node, path: Path) -> Scalar | None:
    mapping = get(root, path[:-1]) if path else None
    if not isinstance(mapping, Mapping) or path[-1] not in keys(mapping):
        return None
    key = mapping.entries[keys(mapping)[path[-1]]][0]
    return key if isinstance(key, Scalar) else None


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    """Return the offset behind the line break that ends the line of *at*; the text's end where there is none."""
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _lines(text: str, start: int) -> Iterator[tuple[int, str]]:
    while start < len(text):
        end = _line_end(text, start)
        yield start, text[start:end]
        start = end


def _comments_above(text: str, start: int) -> int:
    while start > 0:
        above = _line_start(text, start - 1)
        if not re.match(r"[ \t]*#", text[above:start]):
            break
        start = above
    return start


def _body_end(text: str, start: int, column: int) -> int:
    """Return where the lines from *start* stop being blank, comment, or indented by *column* blanks and more."""
    for at, line in _lines(text, start):
        content = line.strip()
        if content and not content.startswith("#") and len(line) - len(line.lstrip(" ")) < column:
            return at
        if re.match(r"(?:---|\.\.\.)(?:\s|$)", line):
            return at
    return len(text)


def _content_end(text: str, node: Node) -> int:
    """Return the offset behind the last character of *node*, blank lines and line ends after it not counted."""
    if isinstance(node, Mapping) and not node.flow and node.entries:
        key, value = node.entries[-1]
        return max(key.end, _content_end(text, value))
    if isinstance(node, Sequence) and not node.flow and node.items:
        return _content_end(text, node.items[-1])
    end = node.end
    while end > node.start and text[end - 1] in " \t\r\n":
        end -= 1
    return end


def _insertion(text: str, node: Node | None, where: Body) -> int:
    """Return where a new entry goes: before the first key, or behind it where that key opens a list item."""
    if not isinstance(node, Mapping):
        return where.start
    key, value = node.entries[0]
    start = _line_start(text, key.start)
    if not text[start : key.start].strip():
        return start
    if len(node.entries) > 1:
        return _line_start(text, node.entries[1][0].start)
    return _line_end(text, max(key.end, _content_end(text, value)))
