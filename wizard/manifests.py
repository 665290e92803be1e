"""Parse manifests to located nodes: where every key and scalar of a YAML text stands, exact to the character.

Knows nothing of files, values or edits, and never writes YAML. The text comes decoded and without a BOM; all
offsets count characters of that text (DESIGN, law 1: parse to locate).
"""

from __future__ import annotations

import gc
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Path = tuple[str, ...]

# A line of `---` always parts documents; directives stand at the start of a text or behind `...` (YAML 1.1, 4.1).
_PART = re.compile(r"\n---(?=[ \t\r\n]|\Z)")
_END = re.compile(r"^\.\.\.(?:[ \t][^\n]*|\r)?\n", re.MULTILINE)
_NO_CONTENT = r"[ \t]*(?:#[^\n]*)?\r?\n"
_DIRECTIVES = re.compile(rf"(?:{_NO_CONTENT})*%[^\n]*\n(?:%[^\n]*\n|{_NO_CONTENT})*")
# On text that is no YAML the pure parser stumbles in these ways too.
_STUMBLES = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)
_ESCAPED = ("[", "~", "\\")


class Scalar(NamedTuple):
    """A scalar: its decoded value, style (``''`` plain, ``'`` ``"`` ``|`` ``>``) and span [start, end) in the text.

    The span is the parser's: it includes anchor and tag, and for block scalars header, comment and trailing blank
    lines. A value that is absent (``key:``) has the value ``''`` and an empty span. ``flow``: inside ``[]`` or ``{}``.
    """

    value: str
    style: str
    start: int
    end: int
    tag: str | None
    anchor: str | None
    flow: bool

    def __repr__(self) -> str:
        return f"Scalar({self.start}:{self.end})"


class Mapping(NamedTuple):
    """A mapping: keys and values by turns in source order, duplicates kept; ``flow`` when written with braces."""

    children: tuple[Node, ...]
    flow: bool
    start: int
    end: int
    tag: str | None
    anchor: str | None

    @property
    def entries(self) -> tuple[tuple[Node, Node], ...]:
        """The (key, value) pairs. Paired when asked for: a parse that keeps every pair is a tenth slower."""
        return tuple(zip(self.children[::2], self.children[1::2], strict=True))

    def __repr__(self) -> str:
        return f"Mapping({self.start}:{self.end})"


class Sequence(NamedTuple):
    """A sequence: its items in source order; ``flow`` when written with brackets."""

    items: tuple[Node, ...]
    flow: bool
    start: int
    end: int
    tag: str | None
    anchor: str | None

    def __repr__(self) -> str:
        return f"Sequence({self.start}:{self.end})"


class Alias(NamedTuple):
    """An alias ``*name``; the anchored node itself stands elsewhere and is not repeated here."""

    name: str
    start: int
    end: int

    def __repr__(self) -> str:
        return f"Alias({self.start}:{self.end})"


Node = Scalar | Mapping | Sequence | Alias


@dataclass(frozen=True)
class Document:
    """One document of a text: its root node, its place among the text's documents (from 0) and its span."""

    root: Node = field(repr=False)
    index: int
    start: int
    end: int

    @property
    def kind(self) -> str:
        """The document's ``kind``, or ``''``."""
        return text_at(self.root, "kind")

    @property
    def name(self) -> str:
        """The document's ``metadata.name``, or ``''``."""
        return text_at(self.root, "metadata", "name")

    @property
    def namespace(self) -> str:
        """The document's ``metadata.namespace``, or ``''``."""
        return text_at(self.root, "metadata", "namespace")

    @property
    def labels(self) -> dict[str, str]:
        """The scalar entries of the document's ``metadata.labels``."""
        return texts(get(self.root, ("metadata", "labels")))

    @property
    def ref(self) -> str:
        """``Kind/namespace/name``: how people and locators name the document."""
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Broken:
    """A document that does not parse: where (line and column from 1) and why, without any text of the source."""

    index: int
    start: int
    end: int
    line: int
    column: int
    reason: str


@dataclass(frozen=True)
class Part:
    """The span of one document of a text, and its ``kind`` as a line of its own tells it; '' where it has to be parsed.

    One with a kind is exactly one document; another may be several, or none.
    """

    start: int
    end: int
    kind: str


def outline(text: str) -> list[Part]:
    """Return the parts of *text* (no BOM), which are not parsed; none where the parser refuses one of them.

    The parser goes through all of it, but makes nothing of it: that takes a tenth of the time.
    """
    import _ruamel_yaml as libyaml  # type: ignore[import-not-found]  # the compiled half of ruamel.yaml
    from ruamel.yaml.error import YAMLError

    try:
        libyaml.CParser(text).raw_parse()
    except (YAMLError, UnicodeEncodeError):
        return []
    return parts(text)


def parts(text: str) -> list[Part]:
    """Return the parts of *text* (no BOM), as its lines tell: whether they parse is not known."""
    return [Part(start, end, _kind_of(text, start, end)) for start, end in _parts(text)]


def parse_part(text: str, part: Part, index: int) -> list[Document | Broken]:
    """Return the documents of one *part* of *text*; *index* is how many documents stand before it."""
    with _uncollected():
        return _read_part(text, part.start, part.end, index)


def parse(text: str) -> list[Document | Broken]:
    """Return every document of *text* (no BOM), each parsed alone; empty ones are left out.

    A document that no parser accepts is ``Broken`` and hides none of the others. Nothing is raised for bad YAML.
    """
    spans = list(_parts(text))
    found: list[Document | Broken] = []
    with _uncollected():
        whole = _read_whole(text, [start for start, _ in spans]) if len(spans) > 1 else None
        for i, (start, end) in enumerate(spans):
            found += _documents(whole[i], start, end, len(found)) if whole else _read_part(text, start, end, len(found))
    return found


# Whether the entry of this number, of the mapping at this path, is known by its number: its key may be a value.
IsNumbered = Callable[[Path, int, Scalar], bool]


def root_of(text: str) -> Node | None:
    """Return the root of the one document that *text* is; None where it is none, several, or no valid YAML."""
    parts = parse(text)
    only = parts[0] if len(parts) == 1 else None
    return only.root if isinstance(only, Document) else None


def walk(node: Node, is_numbered: IsNumbered | None = None) -> Iterator[tuple[Path, Scalar]]:
    """Yield every scalar value at or below *node* with its path, in source order; keys and aliases are no values.

    Of an entry that *is_numbered* the key is yielded too, as ``[!0]``, and its value stands at ``[?0]``, so that no
    path holds such a key.
    """
    stack: list[tuple[Path, Node]] = [((), node)]
    while stack:
        path, here = stack.pop()
        if isinstance(here, Scalar):
            yield path, here
            continue
        steps = list(children(here))
        if is_numbered is not None and isinstance(here, Mapping):
            steps = list(_numbered(path, here, steps, is_numbered))
        stack += reversed([((*path, step), child) for step, child in steps])


def keys(node: Node) -> Iterator[Scalar]:
    """Yield every scalar key of the mappings below *node*, in no particular order."""
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, Mapping):
            yield from (key for key, _ in here.entries if isinstance(key, Scalar))
        stack += [child for _, child in children(here)]


def items(node: Node | None) -> tuple[Node, ...]:
    """Return the items of a list; none where *node* is no list."""
    return node.items if isinstance(node, Sequence) else ()


def get(node: Node, path: Path) -> Node | None:
    """Return the node at *path* below *node*, or None. Of duplicate keys the last one counts, as for most loaders."""
    for step in path:
        found = _child(node, step)
        if found is None:
            return None
        node = found
    return node


def text_at(node: Node | None, *path: str) -> str:
    """Return the text of the scalar at *path* below *node*, '' where there is none."""
    found = get(node, path) if node is not None else None
    return found.value if isinstance(found, Scalar) else ""


def _child(node: Node, step: str) -> Node | None:
    """Return what stands one *step* below *node*; a plain key is looked for without naming all others."""
    if not isinstance(node, Mapping) or step.startswith(_ESCAPED):
        return dict(children(node)).get(step)
    every = node.children
    for i in range(len(every) - 2, -1, -2):
        key = every[i]
        if isinstance(key, Scalar) and key.value == step:
            return every[i + 1]
    return None


def texts(node: Node | None) -> dict[str, str]:
    """Return the entries of a mapping that are scalars, key and value; none where *node* is no mapping."""
    entries = node.entries if isinstance(node, Mapping) else ()
    return {key.value: text.value for key, text in entries if isinstance(key, Scalar) and isinstance(text, Scalar)}


def fits(pattern: Path, path: Path) -> bool:
    """Say whether *path* is one that *pattern* stands for, in which ``*`` is any one step."""
    return len(pattern) == len(path) and all(want in ("*", step) for want, step in zip(pattern, path, strict=True))


def key_step(key: str) -> str:
    """Return the path step of a mapping key: as it is, or escaped where it could be taken for another kind of step."""
    return "\\" + key if key.startswith(_ESCAPED) else key


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return line and column (both from 1, in characters) of a character *offset* into *text*."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause the cycle collector: nodes form no cycles, and scanning them would take as long as parsing them.

    Freezing and unfreezing files the new nodes with the old objects, unscanned.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans between `---` lines; directives belong to the document behind them."""
    start = 0
    for match in _PART.finditer(text):
        end = match.start() + 1
        if "%" in (before := text[start:end]) and (directives := _directives(before, first=start == 0)) is not None:
            end = start + directives
        if end > start:
            yield start, end
        start = end
    yield start, len(text)


_KIND = re.compile(r"\nkind:[ \t]+([\"']?)([A-Za-z][A-Za-z0-9]*)\1[ \t]*(?:#[^\n]*)?\r?(?=\n|\Z)")
_OTHERWISE = ("\n...", '\n"kind"', "\n'kind'", "\nkind ", "\nkind\t")  # several documents, or a kind in other words


def _kind_of(text: str, start: int, end: int) -> str:
    """Return the kind that the one line ``kind: …`` of a part tells; '' where there is none, or room for doubt."""
    found = _KIND.search(text, start, end)
    is_plain = found is not None and text.count("\nkind:", start, end) == 1 and not text.startswith("kind", start)
    if found is None or not is_plain or any(text.find(each, start, end) >= 0 for each in _OTHERWISE):
        return ""
    return "" if found[2].endswith("List") else found[2]  # whose items are objects of their own


def _directives(part: str, *, first: bool) -> int | None:
    """Return where the directives at the end of *part* begin: at its own start, or behind its last `...`."""
    ends = [match.end() for match in _END.finditer(part)]
    begin = ends[-1] if ends else 0 if first else None
    return begin if begin is not None and _DIRECTIVES.fullmatch(part, begin) else None


def _read_whole(text: str, starts: list[int]) -> list[list[tuple[int, Node]]] | None:
    """Read all parts of *text*, which begin at *starts*, as one stream: the roots of each, None if one is broken.

    A parser for each of many small documents costs as much as reading them.
    """
    from ruamel.yaml.error import YAMLError

    try:
        roots = _build_fast(text, 0)
    except (YAMLError, UnicodeEncodeError):
        return None
    found: list[list[tuple[int, Node]]] = [[] for _ in starts]
    for at, root in roots:
        found[bisect_right(starts, at) - 1].append((at, root))
    return found


def _read_part(text: str, start: int, end: int, index: int) -> list[Document | Broken]:
    from ruamel.yaml.error import YAMLError

    part = text[start:end]
    try:
        roots = _build_fast(part, start)
    except (YAMLError, UnicodeEncodeError) as error:
        try:
            roots = _build_pure(part, start)
        except (YAMLError, *_STUMBLES):
            at = start + _position(error, part)
            return [Broken(index, start, end, *line_and_column(text, at), _reason(error))]
    return _documents(roots, start, end, index)


def _documents(roots: list[tuple[int, Node]], start: int, end: int, index: int) -> list[Document | Broken]:
    """Return the documents of *roots*, all that stand in the part [start, end); empty ones are left out."""
    real = [(at, root) for at, root in roots if not _is_empty(root)]
    starts = [start, *(at for at, _ in real[1:]), end]
    return [Document(root, index + i, starts[i], starts[i + 1]) for i, (_, root) in enumerate(real)]


def _build_fast(part: str, base: int) -> list[tuple[int, Node]]:
    import _ruamel_yaml as libyaml  # the compiled half of ruamel.yaml; its CParser keeps the marks

    return _build(libyaml.CParser(part).get_event, libyaml, base)


def _build_pure(part: str, base: int) -> list[tuple[int, Node]]:
    """Read what the bundled libyaml refuses, such as ``{image: nginx:1.2}`` (DESIGN, law 1)."""
    from ruamel.yaml import YAML, events

    return _build(YAML(typ="safe", pure=True).parse(part).__next__, events, base)


def _build(next_event: Callable[[], Any], kinds: Any, base: int) -> list[tuple[int, Node]]:
    """Build the nodes of all documents from events; *base* makes their marks absolute. One loop, for its speed."""
    scalar, alias = kinds.ScalarEvent, kinds.AliasEvent
    mapping, mapping_end = kinds.MappingStartEvent, kinds.MappingEndEvent
    sequence, sequence_end = kinds.SequenceStartEvent, kinds.SequenceEndEvent
    make: Callable[..., Any] = tuple.__new__
    roots: list[tuple[int, Node]] = []
    nodes: list[Any] = []
    stack: list[tuple[list[Any], Any, bool]] = []
    flow, began = False, base
    while True:
        event = next_event()
        kind = type(event)
        if kind is scalar:
            start, end = event.start_mark.index, event.end_mark.index
            if base:  # an addition makes two more numbers, also where it adds nothing
                start, end = start + base, end + base
            tag = event.ctag and event.tag  # the text of a tag is made anew by each read
            nodes.append(make(Scalar, (event.value, event.style or "", start, end, tag, event.anchor, flow)))
        elif kind is mapping or kind is sequence:
            stack.append((nodes, event, flow))
            nodes = []
            if event.flow_style:
                flow = True
        elif kind is mapping_end or kind is sequence_end:
            children = tuple(nodes)
            nodes, opened, outer = stack.pop()
            start, end = base + opened.start_mark.index, base + event.end_mark.index
            node = Mapping if kind is mapping_end else Sequence
            nodes.append(make(node, (children, flow, start, end, opened.ctag and opened.tag, opened.anchor)))
            flow = outer
        elif kind is alias:
            nodes.append(Alias(event.anchor, base + event.start_mark.index, base + event.end_mark.index))
        elif kind is kinds.DocumentStartEvent:
            began = base + event.start_mark.index
        elif kind is kinds.DocumentEndEvent:
            roots.append((began, nodes.pop()))
        elif kind is kinds.StreamEndEvent:
            return roots


def children(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield the values of a mapping under their keys' steps, the items of a sequence under theirs."""
    if isinstance(node, Mapping):
        # A key that is no scalar cannot be named by a path: its position stands for it.
        pairs = iter(node.children)
        for i, (key, value) in enumerate(zip(pairs, pairs, strict=True)):
            yield (key_step(key.value) if isinstance(key, Scalar) else f"[?{i}]"), value
    elif isinstance(node, Sequence):
        names = [_name(item) for item in node.items]
        named = all(names) and len(set(names)) == len(names)
        for i, (name, item) in enumerate(zip(names, node.items, strict=True)):
            yield (f"[name={name}]" if named else f"[{i}]"), item


def _numbered(
    path: Path, mapping: Mapping, steps: Iterable[tuple[str, Node]], is_numbered: IsNumbered
) -> Iterator[tuple[str, Node]]:
    for number, (step, value) in enumerate(steps):
        key = mapping.children[2 * number]
        if isinstance(key, Scalar) and is_numbered(path, number, key):
            yield f"[!{number}]", key
            yield f"[?{number}]", value
        else:
            yield step, value


def _name(item: Node) -> str:
    """The scalar under an item's one key ``name``; ``''`` when there is none."""
    entries = item.entries if isinstance(item, Mapping) else ()
    names = [v.value for k, v in entries if isinstance(k, Scalar) and k.value == "name" and isinstance(v, Scalar)]
    return names[0] if len(names) == 1 else ""


def _is_empty(root: Node) -> bool:
    return isinstance(root, Scalar) and root.style == "" and root.value == "" and root.start == root.end


def _position(error: Any, part: str) -> int:
    """The offset in *part* at which libyaml stopped."""
    if isinstance(error, UnicodeEncodeError):
        return error.start
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return min(int(mark.index), len(part))
    # The reader counts bytes of UTF-8, and stops at the first character that YAML does not allow.
    stopped = int(getattr(error, "position", 0) or 0)
    return len(part.encode("utf-8", "surrogatepass")[:stopped].decode("utf-8", "ignore"))


def _reason(error: Any) -> str:
    """libyaml's words are constants and hold no text of the source; its snippets and marks are left out."""
    words = [str(w) for w in (getattr(error, "context", None), getattr(error, "problem", None)) if w]
    return ", ".join(words) or str(getattr(error, "reason", "") or "this text is not YAML")
