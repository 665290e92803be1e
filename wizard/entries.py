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
from wizard.manifests import Alias, Document, Mapping, Node, Path, Scalar, Sequence, get, parse

_STEP = "  "


@dataclass(frozen=True)
class Body:
    """Where the entries of a block mapping stand: the span of its lines, and the blanks before each of its keys.

    ``held``: the spans of its entries. A ``#`` in one of them belongs to the entry, or is no comment at all.
    """

    start: int
    end: int
    indent: str
    held: tuple[tuple[int, int], ...] = ()


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

    By kind: "entry" the entry at ``path`` (its lines, or its part of a flow mapping), "commented" the comment that it
    became, which is the ``nth`` comment (from 0) in that mapping with this key, "node" the source of the node.
    """

    kind: Literal["entry", "commented", "node"]
    path: Path
    original: str
    nth: int = 0


@dataclass(frozen=True)
class Change:
    """One edit of the text and how each entry that it touches is taken back."""

    edit: Edit
    undo: tuple[Undo, ...]


class Wanted(NamedTuple):
    """An entry that must stand: the spellings of its key, and the data that stands there where it is new.

    The spelling that its reader prefers comes last; ``new`` is the one to write, the first where it is not named.
    ``exact``: the data stands there in any case, whatever stands there now. ``among``: the data is one item of the list
    that stands there (a sequence, or a text with commas), the first where it is not in it yet.
    """

    keys: tuple[str, ...]
    data: Any
    exact: bool = False
    among: bool = False
    new: str = ""

    @property
    def written(self) -> Any:
        """The data as it stands there where nothing else does."""
        return [self.data] if self.among and not isinstance(self.data, str) else self.data


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
        first = node.entries[0][0]
        held = tuple((key.start, max(key.end, _content_end(text, value))) for key, value in node.entries)
        start = _line_start(text, first.start)
        # What stands above a key behind a dash belongs to the item before it.
        start = start if text[start : first.start].strip() else _comments_above(text, start)
        indent = _indent(text, first)
        end = _body_end(text, _line_end(text, held[-1][1]), indent)
        return Body(start, end, " " * indent, held)
    key = _key_of(root, parent)
    if key is None or key.flow or not _is_absent(node):
        return None
    start = _line_end(text, key.end)
    indent = _indent(text, key)
    end = _body_end(text, start, indent + 1)
    first_comment = re.match(r"(?:[ \t]*\r?\n)*([ \t]*)#", text[start:end])
    own = " " * indent
    # Tabs never indent a key, though they may stand before a comment.
    blanks = first_comment[1] if first_comment and "\t" not in first_comment[1] else ""
    return Body(start, end, blanks if len(blanks) > len(own) else own + _STEP)


def commented(text: str, within: Body, names: tuple[str, ...]) -> list[Commented]:
    """Return the entries in *within* that are commented out and whose key is one of *names*, in their order."""
    any_name = "|".join(re.escape(name) for name in names)
    pattern = rf"^[ \t]*(?:#[ \t]*)+([\"']?)({any_name})\1[ \t]*:[ \t]*([^\r\n]*?)[ \t]*(?:\r?\n|\Z)"
    matches = re.compile(pattern, re.MULTILINE).finditer(text, within.start, within.end)
    return [
        Commented(match.start(), match.end(), match[2], match[3])
        for match in matches
        if not any(start <= match.start() < end for start, end in within.held)
    ]


def add(text: str, root: Node, parent: Path, entries: Data[str, Any], *, is_alone: bool = False) -> Change | None:
    """Return the change that adds *entries* to the mapping at *parent*, missing mappings on the way included.

    None where *parent* leads through something that is no mapping. *is_alone*: all that stands there now goes.
    """
    node, newline = get(root, parent), _newline(text)
    inside = ", ".join(f"{flow(key)}: {flow(value)}" for key, value in entries.items())
    made = tuple(Undo("entry", (*parent, key), "") for key in entries)
    if isinstance(node, Mapping) and (node.flow or not node.entries):
        at = text.index("{", node.start) + 1  # behind an anchor or a tag
        return Change(Edit(at, at, inside + (", " if node.entries and not is_alone else "")), made)
    if isinstance(node, Scalar) and not _is_absent(node) and _is_null(node):
        edit = Edit(node.start, node.end, f"{{{inside}}}")
        return Change(edit, (Undo("node", parent, text[node.start : node.end]),))
    where = body(text, root, parent)
    if where is not None:
        at = _insertion(text, node, where)
        lines = [f"{where.indent}{key}:{block(value, where.indent, newline)}" for key, value in entries.items()]
        # A last line without an end gets one before the new lines, which then end as that line did.
        new = newline.join(["", *lines]) if at and text[at - 1] != "\n" else newline.join([*lines, ""])
        return Change(Edit(at, at, new), made)
    if node is not None or not parent or parent[-1].startswith("["):
        return None
    return add(text, root, parent[:-1], {parent[-1]: dict(entries)})


def replace(text: str, root: Node, path: Path, data: list[Any]) -> Change | None:
    """Return the change that puts the list *data* in the place of the value at *path*; None where there is no entry.

    A block sequence stays one, with its dashes where they are.
    """
    key, node, span = _key_of(root, path), get(root, path), lines_of(text, root, path)
    if key is None or node is None or (_is_absent(node) and span is None):
        return None
    undo = Undo("entry", path, text[slice(*span)]) if span else Undo("node", path, text[node.start : node.end])
    if isinstance(node, Sequence) and not node.flow and node.items and data:
        start, end = text.rindex("-", 0, node.items[0].start), _content_end(text, node)
        dash = f"{_newline(text)}{' ' * (start - _line_start(text, start))}- "
        return Change(Edit(start, end, "- " + dash.join(map(flow, data))), (undo,))
    if _is_absent(node):
        at = text.index(":", key.end) + 1
        return Change(Edit(at, at, " " + flow(data)), (undo,))
    end = _content_end(text, node)
    return Change(Edit(node.start, end, flow(data)), (undo,))


def include(text: str, root: Node, path: Path, item: Any) -> Change | None:
    """Return the change that puts *item* before the others of the list at *path*; None where there is no list.

    A text is a list of words parted by commas, what is null an empty one. What stands there already stays as it is
    written.
    """
    node, span, newline = get(root, path), lines_of(text, root, path), _newline(text)
    if node is None or isinstance(node, Mapping | Alias) or (_is_absent(node) and span is None):
        return None
    undo = Undo("entry", path, text[slice(*span)]) if span else Undo("node", path, text[node.start : node.end])
    if isinstance(node, Sequence):
        if node.flow or not node.items:
            at = text.index("[", node.start) + 1  # behind an anchor or a tag
            return Change(Edit(at, at, flow(item) + (", " if node.items else "")), (undo,))
        at = text.rindex("-", 0, node.items[0].start)
        indent = " " * (at - _line_start(text, at))
        return Change(Edit(at, at, f"- {_item(item, indent, newline)}{newline}{indent}"), (undo,))
    if _is_null(node) or not node.value.strip():
        whole = flow(item if isinstance(item, str) else [item])
        key = _key_of(root, path)
        if key and _is_absent(node):
            at = text.index(":", key.end) + 1
            return Change(Edit(at, at, f" {whole}"), (undo,))
        return Change(Edit(node.start, node.end, whole), (undo,))
    if not isinstance(item, str):
        return None
    is_quoted, is_bare = node.style in ("'", '"'), node.anchor is None and node.tag is None
    if is_bare and (is_quoted or (node.style == "" and not node.flow)):
        at = node.start + is_quoted
        return Change(Edit(at, at, f"{item},"), (undo,))
    return Change(Edit(node.start, _content_end(text, node), flow(f"{item},{node.value.strip()}")), (undo,))


def items(node: Node | None) -> list[Any]:
    """Return the items of the list that *node* is: a sequence, or a text with commas; none where it is neither."""
    if isinstance(node, Scalar):
        return [word for part in node.value.split(",") if (word := part.strip())] if not _is_null(node) else []
    found = plain(node) if isinstance(node, Sequence) else []
    return list(found)


def lines_of(text: str, root: Node, path: Path) -> tuple[int, int] | None:
    """Return the span of the whole lines of the block entry at *path*, line end included.

    None if there is none, or where its first line is not its own: behind the dash of a list item.
    """
    key, mapping = _key_of(root, path), get(root, path[:-1])
    if key is None or not isinstance(mapping, Mapping) or mapping.flow:
        return None
    start = _line_start(text, key.start)
    value = mapping.entries[keys(mapping)[path[-1]]][1]
    return (
        None if text[start : key.start].strip() else (start, _line_end(text, max(key.end, _content_end(text, value))))
    )


def parts_of(text: str, root: Node, parent: Path, names: Iterable[str]) -> list[tuple[int, int]]:
    """Return the spans to take out so that the flow mapping at *parent* loses the entries *names*, commas included.

    A comma and a blank behind an entry go with it; with the last ones the comma before.
    """
    mapping = get(root, parent)
    if not isinstance(mapping, Mapping) or not mapping.flow:
        return []
    gone = [keys(mapping)[name] for name in names if name in keys(mapping)]
    starts = [key.start for key, _ in mapping.entries]
    ends = [max(key.end, value.end) for key, value in mapping.entries]
    last = max((at for at in range(len(starts)) if at not in gone), default=-1)
    spans = [(starts[at], _behind_comma(text, ends[at])) for at in sorted(gone) if at < last]
    if any(at > last for at in gone):
        spans.append((ends[last], ends[-1]) if last >= 0 else (starts[0], _behind_comma(text, ends[-1])))
    return spans


def lines_after(text: str, start: int, count: int) -> int:
    """Return the offset behind *count* lines of *text* from the line start *start*; one at least."""
    end = start
    for _ in range(max(count, 1)):
        end = _line_end(text, end)
    return end


def as_comment(lines: str) -> str:
    """Return *lines* as comments, each behind its own indentation."""
    return re.sub(r"^([ \t]*)(?=\S)", r"\1# ", lines, flags=re.MULTILINE)


def comment_out(text: str, root: Node, path: Path) -> Change | None:
    """Return the change that turns the block entry at *path* into comments; None if there is none."""
    span, where = lines_of(text, root, path), body(text, root, path[:-1])
    if span is None or where is None:
        return None
    lines = text[slice(*span)]
    nth = sum(hit.start < span[0] for hit in commented(text, where, path[-1:]))
    return Change(Edit(*span, as_comment(lines)), (Undo("commented", path, lines, nth),))


def ensure(text: str, root: Node, parent: Path, wanted: Iterable[Wanted], unwanted: Iterable[str]) -> list[Change]:
    """Return the changes after which the mapping at *parent* has one entry for each of *wanted* and none of *unwanted*.

    What is commented out is enabled with what it says, unless that is a list of which only one item is wanted; of
    several spellings the one that the reader prefers stays. A flow mapping cannot hold comments: what it is not to have
    is taken out of it. What cannot be made is left out: the caller sees it in the edited text.
    """
    node = get(root, parent)
    present = keys(node) if isinstance(node, Mapping) else {}
    where = body(text, root, parent)
    missing: dict[str, Any] = {}
    spare = [name for name in unwanted if name in present]
    changes: list[Change | None] = []
    for want in wanted:
        found = [name for name in want.keys if name in present]
        spare += found[:-1]
        here = get(root, (*parent, found[-1])) if found else None
        if found and want.among:
            is_in = want.data in items(here)
            changes.append(None if is_in else include(text, root, (*parent, found[-1]), want.data))
        elif found:
            if _is_to_replace(here, want.data, exact=want.exact):
                changes.append(replace(text, root, (*parent, found[-1]), want.data))
        elif where and not want.among and (line := _enabled(text, where, want.keys, want.data, exact=want.exact)):
            hit, new = line
            undo = Undo("entry", (*parent, hit.key), text[hit.start : hit.end])
            changes.append(Change(Edit(hit.start, hit.end, new), (undo,)))
        else:
            missing[want.new or want.keys[0]] = want.written
    if spare and isinstance(node, Mapping) and node.flow:
        parts = [Edit(*span, "") for span in parts_of(text, root, parent, spare)]
        changes += [Change(part, (Undo("node", parent, text[node.start : node.end]),)) for part in parts]
    else:
        changes += [comment_out(text, root, (*parent, name)) for name in spare]
    changes.append(add(text, root, parent, missing, is_alone=not present.keys() - set(spare)) if missing else None)
    return [change for change in changes if change]


def plain(node: Node) -> Any:
    """Return what *node* holds as dicts, lists and texts; an alias as its name behind a star."""
    if isinstance(node, Mapping):
        return {key.value: plain(value) for key, value in node.entries if isinstance(key, Scalar)}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else f"*{node.name}"


def _is_to_replace(node: Node | None, data: Any, *, exact: bool) -> bool:
    """Whether the list *data* is to stand in the place of *node*: another list, or (not *exact*) none at all."""
    if node is None or not isinstance(data, list):
        return False
    return plain(node) != data if exact else _is_null(node) or plain(node) == []


def _enabled(text: str, where: Body, names: tuple[str, ...], data: Any, *, exact: bool) -> tuple[Commented, str] | None:
    """Return the first commented entry that can be enabled, and the line (or lines) that it becomes."""
    for hit in commented(text, where, names):
        said = _said(hit.rest)
        if said is None or _is_null(said) or exact:
            value = None if hit.rest and said is None else block(data, where.indent, _newline(text))
        else:
            value = " " + hit.rest if isinstance(said, Sequence) == isinstance(data, list) else None
        if value is not None:
            ending = _newline(text) if text[hit.end - 1 : hit.end] == "\n" else ""
            return hit, f"{where.indent}{hit.key}:{value}{ending}"
    return None


def _said(rest: str) -> Node | None:
    """Return the value that *rest* of a commented entry's line stands for; None where it is no value."""
    found = parse(f"key: {rest}\n")
    root = found[0].root if len(found) == 1 and isinstance(found[0], Document) else None
    node = get(root, ("key",)) if isinstance(root, Mapping) and len(root.entries) == 1 else None
    is_block = isinstance(node, Scalar) and node.style in ("|", ">")
    return None if is_block or isinstance(node, Alias) else node


def _newline(text: str) -> str:
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def _behind_comma(text: str, at: int) -> int:
    comma = re.compile(r"\s*, ?").match(text, at)
    return comma.end() if comma else at


def _item(value: Any, indent: str, newline: str) -> str:
    if isinstance(value, dict) and value:
        return block(value, indent, newline).removeprefix(newline + indent + _STEP)
    return flow(value)


def _is_absent(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.start == node.end


def _is_null(node: Node) -> bool:
    """Whether *node* is null, absent or spelled out (YAML 1.1, tag:yaml.org,2002:null)."""
    return isinstance(node, Scalar) and node.style == "" and node.value in ("", "~", "null", "Null", "NULL")


def _key_of(root: Node, path: Path) -> Scalar | None:
    mapping = get(root, path[:-1]) if path else None
    if not isinstance(mapping, Mapping) or path[-1] not in keys(mapping):
        return None
    key = mapping.entries[keys(mapping)[path[-1]]][0]
    return key if isinstance(key, Scalar) else None


def _indent(text: str, node: Node) -> int:
    """The characters before the node in its line."""
    return node.start - _line_start(text, node.start)


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
        if not re.match(r"[ \t]*(?:#|\r?\n)", text[above:start]):
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
