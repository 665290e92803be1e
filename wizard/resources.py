"""Manifests and the Kubernetes objects in them: which object a text belongs to, and which instance the object serves.

Pure: bytes in, data out. Finding files is the store's work; deciding what a text means is ``sites``'.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from wizard import gotemplate, lenses, manifests, placeholders
from wizard.catalogue import LI_WORD
from wizard.controllers import Edge
from wizard.lenses import CannotHold, Edit, View, Whole, encoded, scalar
from wizard.lenses.region import Region
from wizard.manifests import Broken, Document, Node, Part, Path, Scalar, Sequence

_BOM = b"\xef\xbb\xbf"
# What stands behind the key of a kind: a plain word, or a kind that is spelled otherwise. No mapping or list is one.
_KIND_WORD = re.compile(rb"""kind["']?\s*:\s*["']?(?:([A-Za-z0-9]+)|[^\s{\[])""")
SPELLED_OTHERWISE = "?"

SUFFIXES = (".yaml", ".yml", ".json")
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")  # the names that kustomize looks for
# Files beside the manifests that are read as one text each, without objects: environments, configurations, keys.
# An environment may have a name behind its ending; one that is an example is for copying, and stays as it is.
_ENVIRONMENT = re.compile(r"(?:.*/)?\.env(?:\.(?!example|sample|template|dist|default)[\w-]+)?")
_TEXTS = (".env", ".cfg", ".cnf", ".conf", ".ini", ".key", ".pem", ".p8")
_LI_WORD = re.compile(LI_WORD)
_LI_IN_BYTES = re.compile(rb"li(?<![a-z0-9]li)(?![a-z0-9])")
# Words of a placeholder, in lower case; what may follow one in a key; and what stands behind a key.
_OPEN_WORDS = ("change", "replace", "your", "placeholder", "xxxx", "example.", "<")
_REST_OF_KEY, _BEHIND_KEY = re.compile(r"(?:\w|<\w)[\w.<>/-]*"), re.compile(r"[\"'][ \t]*:|[ \t]*:(?:\s|$)")
# Where that scan does not tell: behind base64, and behind the escapes of a document in double quotes.
_HIDDEN_KEY = re.compile(r"kind[\"']?[ \t]*:[ \t]*[\"']?Secret\b|\\\\[\"nu]")
# Where the hosts of a kind stand: a list in its spec, and the key of each item. Traefik's match is an expression.
_RULES = {"Ingress": ("rules", "host"), "IngressRoute": ("routes", "match")}
_MATCHED_HOSTS = re.compile(r"\bHost\(([^)]*)\)")
# What a reference to an object is made of.
_REFERENCE = (("metadata", "name"), ("metadata", "namespace"))
_INSTANCE_LABEL = "matrix.instance"  # the label of the checklist's own tree; it alone says "main" outright


@dataclass(frozen=True, eq=False)
class Manifest:
    """One file of a tree: its path (posix, relative to the tree) and its bytes, which are UTF-8.

    What is read of it is kept: its text, each document that was asked for, and the objects in that.
    """

    path: str
    data: bytes
    origin: tuple[Manifest, tuple[Edit, ...]] | None = None  # what it was made of, by which edits
    instances: Mapping[str, str] = field(default_factory=dict)  # as the answers say: by object, path or directory
    keyed: frozenset[tuple[str, Path]] = frozenset()  # mapping keys that hold a value: by object and path
    edge_of: Callable[[], Edge] = Edge  # tells what the whole tree says of its ingress controllers

    @cached_property
    def text(self) -> str:
        """Its text, without a byte order mark."""
        return self.data.decode("utf-8-sig")

    @property
    def bom(self) -> bool:
        """Whether a byte order mark begins the file."""
        return self.data.startswith(_BOM)

    @property
    def edge(self) -> Edge:
        """What the whole tree says of its ingress controllers."""
        return self.edge_of()

    @cached_property
    def is_text(self) -> bool:
        """Whether the file is one text without objects, such as an environment file."""
        return is_text(self.path)

    @cached_property
    def newline(self) -> str:
        """The line ending of the file: the first one in it, LF where it has none."""
        first = self.text.find("\n")
        return "\r\n" if first > 0 and self.text[first - 1] == "\r" else "\n"

    @cached_property
    def root(self) -> View:
        """The whole text as a view; edits of it are edits of the file's characters."""
        return View(Whole(self.text))

    @property
    def parts(self) -> list[Document | Broken]:
        """The documents of the file, and in their place what does not parse."""
        return self._read[0]

    @property
    def actions(self) -> list[tuple[int, int]]:
        """The spans of its actions where the file is a Go template, which is no YAML; none where it is YAML."""
        return [] if not self._is_whole and self._outline else self._read[1]

    def may_be_li(self) -> bool:
        """Say whether an object of the file can be the LI instance's: a fast scan that errs towards yes."""
        low = self.data.lower()
        is_named = bool(self.instances) or _LI_WORD.search(self.path.lower()) is not None
        return is_named or b"intercept" in low or _LI_IN_BYTES.search(low) is not None

    @cached_property
    def is_hinted(self) -> bool:
        """Whether the file can hold a placeholder at all: a fast scan that errs towards yes."""
        return placeholders.may_hold(self.data)

    @cached_property
    def is_expanded(self) -> bool:
        """Whether an action of a Go template stands anywhere in it: then Helm may expand what is written there, too."""
        return bool(gotemplate.actions(self.text))

    @cached_property
    def _read(self) -> tuple[list[Document | Broken], list[tuple[int, int]]]:
        if self.is_text:
            whole = Scalar(self.text, "|", 0, len(self.text), None, None, False)
            return [Document(whole, 0, 0, len(self.text))], []
        parts = manifests.parse(self.text)
        actions = gotemplate.actions(self.text) if any(isinstance(part, Broken) for part in parts) else []
        return (manifests.parse(gotemplate.mask(self.text)), actions) if actions else (parts, [])

    @cached_property
    def broken(self) -> list[Broken]:
        """The parts that are not valid YAML."""
        is_sound = not self._is_whole and bool(self._outline)
        return [] if is_sound else [part for part in self.parts if isinstance(part, Broken)]

    @cached_property
    def resources(self) -> list[Resource]:
        """The objects of the file; the items of a ``List`` are objects of their own."""
        documents = (part for part in self.parts if isinstance(part, Document))
        return [resource for each in documents for resource in self._objects(each)]

    def some(self, kinds: Set[str]) -> list[Resource]:
        """Return the objects of these *kinds*; only documents that are, or may be, of one of them are parsed.

        The kind '' is that of documents that are no objects.
        """
        found = self.where(lambda kind, _: kind in kinds) if self.may_hold(kinds) else ()
        return [each for each in found if each.kind in kinds]

    def may_hold(self, kinds: Set[str]) -> bool:
        """Say whether objects of these *kinds* can be in the file: a fast scan that errs towards yes."""
        if self._is_whole or SPELLED_OTHERWISE in self.kinds or not self.kinds.isdisjoint(kinds):
            return True
        return "" in kinds and (self.is_text or _objects_told(self.data) < self.data.count(b"\n---") + 1)

    def where(self, is_wanted: Callable[[str, str], bool]) -> list[Resource]:
        """Return the objects in the documents that are wanted by their kind and their source.

        All are, of which no line tells the kind, and all of a file of which something does not parse.
        """
        if not self._is_whole and "_outline" not in vars(self):
            self._read_all(is_wanted)
        if self._is_whole or not self._outline:
            return self.resources
        found: list[Resource] = []
        index = 0
        for number, part in enumerate(self._outline):
            if part.kind and not is_wanted(part.kind, self.text[part.start : part.end]):
                index += 1
                continue
            if number not in self._read_parts:
                self._read_parts[number] = manifests.parse_part(self.text, part, index)
            documents = self._read_parts[number]
            for each in documents:
                found += self._objects(each) if isinstance(each, Document) else ()
            index += len(documents)
        return found

    def _read_all(self, is_wanted: Callable[[str, str], bool]) -> None:
        """Parse the documents where all of them are wanted: then nobody has to go through the file for its outline."""
        parts = [] if self.is_text else manifests.parts(self.text)
        if all(each.kind and is_wanted(each.kind, self.text[each.start : each.end]) for each in parts):
            read = {at: manifests.parse_part(self.text, each, at) for at, each in enumerate(parts)}
            if not any(isinstance(each, Broken) for documents in read.values() for each in documents):
                vars(self).update(_outline=parts, _read_parts=read)

    def twin(self, resource: Resource) -> int:
        """Return which of the objects of its kind, namespace and name *resource* is here, from 1."""
        if resource.kind not in self._twins:
            # Not by ``some``, which looks for kinds that are words: in an exercise or a template this may be any text.
            alike = (each for each in self.where(lambda kind, _: kind == resource.kind) if each.kind == resource.kind)
            self._twins[resource.kind] = _twins(alike)
        return self._twins[resource.kind][resource.place]

    @property
    def is_parsed(self) -> bool:
        """Whether any object of the file was asked for so far."""
        return self.parsed > 0

    @property
    def parsed(self) -> int:
        """How many documents of the file were parsed so far."""
        return len(self.parts) if self._is_whole else sum(map(len, vars(self).get("_read_parts", {}).values()))

    def forget(self) -> None:
        """Drop what was read of the file, of which nobody has kept anything: it is read again if it is asked for.

        Its outline stays, which is small, and for which the parser went through all of it."""
        for resource in (each for held in vars(self).get("_held", {}).values() for each in held):
            vars(resource).pop("leaves", None)  # each names its object: only the collector of cycles would find them
        for name in ("text", "_read", "_read_parts", "_held", "_twins", "resources", "root"):
            vars(self).pop(name, None)

    @property
    def _is_whole(self) -> bool:
        """Whether the file was parsed as a whole."""
        return "_read" in vars(self)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """All that the file calls a kind, of an object of its own or of another; found without parsing it.

        SPELLED_OTHERWISE stands for any kind that is no plain word."""
        return frozenset(word.decode() or SPELLED_OTHERWISE for word in _KIND_WORD.findall(self.data))

    @cached_property
    def _outline(self) -> list[Part]:
        """What can be told of each document without parsing it; nothing where one of them does not parse."""
        return [] if self.is_text else manifests.outline(self.text)

    @cached_property
    def _held(self) -> dict[int, list[Resource]]:
        """The objects that were asked for, by the number of their document."""
        return {}

    @cached_property
    def _twins(self) -> dict[str, dict[tuple[int, int], int]]:
        """The number of each object among its twins by its place, for each kind that was asked for: all are counted
        at once, for a file may hold thousands."""
        return {}

    @cached_property
    def _read_parts(self) -> dict[int, list[Document | Broken]]:
        """What was parsed alone, by the number of its part."""
        return {}

    def _objects(self, document: Document) -> list[Resource]:
        if document.index not in self._held:
            self._held[document.index] = list(_resources(self, document.index, document.root))
        return self._held[document.index]

    def is_comment(self, offset: int) -> bool:
        """Whether the character *offset* stands behind a ``#`` that opens a comment, as far as its line tells."""
        before = self.text[self.text.rfind("\n", 0, offset) + 1 : offset]
        return re.search(r"(?:^|[ \t])#", before) is not None

    def owner(self, offset: int) -> str:
        """Return the reference of the one object in whose document the character *offset* stands, else ''."""
        part = next((part for part in self.parts if part.start <= offset < part.end), None)
        inside = [resource.ref for resource in self.resources if part and resource.index == part.index]
        return inside[0] if len(inside) == 1 else ""

    def at(self, view: View, offset: int) -> str:
        """Return ``file:line:column`` of the character *offset* of *view*'s text, as near as its lenses can tell."""
        here: View | None = view
        while here is not None:
            lens = here.lens
            if isinstance(lens, Region):
                starts = lens.reading.starts
                offset = lens.start + (starts[offset] if offset < len(starts) else lens.reading.origin)
            elif not isinstance(lens, Whole):
                offset = 0  # base64: where its text begins
            here = here.outer
        return self.position(offset)

    def span(self, view: View, start: int, end: int) -> tuple[int, int]:
        """Return where the characters [start, end) of *view*'s text stand in the file; in base64, where all of it does.

        They are at least one character."""
        here: View | None = view
        while here is not None:
            lens = here.lens
            if isinstance(lens, Region):
                start, end = lens.start + lens.reading.starts[start], lens.start + lens.reading.ends[end - 1]
            elif here.outer is not None:
                start, end = 0, len(here.outer.text)
            here = here.outer
        return start, end

    def with_text(self, text: str, edits: tuple[Edit, ...] | None = None) -> Manifest:
        """Return the same file with another *text*; *edits*, where given, are what made it of this one.

        Positions of what those made are told as the file stands on disk.
        """
        origin = None if edits is None else (self, edits)
        return replace(self, data=self.encode(text), origin=origin, keyed=self.keyed | self._held_keys)

    @cached_property
    def has_keys(self) -> bool:
        """Whether a mapping key of the file is, or may be, the place of a value: others are no leaves."""
        is_open = self.is_hinted and _has_open_key(self.text)
        may_hide = b"Secret" in self.data or b"\\" in self.data
        return bool(self.keyed) or is_open or (may_hide and _HIDDEN_KEY.search(self.text) is not None)

    @property
    def _held_keys(self) -> frozenset[tuple[str, Path]]:
        every = ((each.ref, path) for each in self.resources for path in each.leaves) if self.has_keys else ()
        return frozenset((ref, path) for ref, path in every if is_key(path))

    def at_edge(self, edge: Callable[[], Edge]) -> Manifest:
        """Return the same manifest as one of a tree with that *edge*; it is not parsed again."""
        same = replace(self, edge_of=edge)
        vars(same).update({name: vars(self)[name] for name in ("text", "_read") if name in vars(self)})
        return same

    def encode(self, text: str) -> bytes:
        """Return *text* as this file's bytes: UTF-8, with the byte order mark that it had."""
        return (_BOM if self.bom else b"") + text.encode()

    def position(self, offset: int) -> str:
        """Return ``file:line:column`` (both from 1) of a character *offset*, as the file stands on disk."""
        if self.origin is not None:
            return self.origin[0].position(_before(self.origin[1], offset))
        return ":".join(map(str, (self.path, *manifests.line_and_column(self.text, offset))))


@dataclass(frozen=True, eq=False)
class Resource:
    """One object: a document, or an item of a ``List``; a document that is no object has an empty kind."""

    manifest: Manifest
    index: int
    node: Node
    kind: str
    name: str
    namespace: str
    labels: dict[str, str]

    @cached_property
    def twin(self) -> int:
        """Which of the objects of its kind, namespace and name in its file it is, from 1."""
        return self.manifest.twin(self)

    @property
    def place(self) -> tuple[int, int]:
        """Its place in its file, which no other object has: the number of its document, and where it begins."""
        return self.index, self.node.start

    @cached_property
    def ref(self) -> str:
        """``Kind/namespace/name``; for a document that is no object its file and its place in it, ``values.yaml#1``.

        The second of two objects of one name in a file ends in ``#2``.
        """
        if not self.kind:
            return f"{self.manifest.path}#{self.index + 1}"
        return f"{self.kind}/{self.namespace}/{self.name}" + (f"#{self.twin}" if self.twin > 1 else "")

    @property
    def span(self) -> tuple[int, int]:
        """Where its document stands in the file's text, the line that parts it from the one before included."""
        return next((part.start, part.end) for part in self.manifest.parts if part.index == self.index)

    @property
    def instance(self) -> str:
        """``li`` or ``main``, see ``assignment``."""
        return self.assignment[0]

    @cached_property
    def assignment(self) -> tuple[str, str]:
        """The instance, and what says so: the answers first, then any label, the name, the namespace, the path, or
        hosts that are all LI's. Where nothing does it is main's, by ''.
        """
        if answered := self._answered_instance():
            return answered, "answers"
        if _INSTANCE_LABEL in self.labels:
            return ("li" if _LI_WORD.search(self.labels[_INSTANCE_LABEL].lower()) else "main"), "label"
        signals = [("label", label) for label in self.labels.values()]
        signals += [("name", self.name), ("namespace", self.namespace), ("path", self.manifest.path)]
        by = next((what for what, signal in signals if _LI_WORD.search(signal.lower())), "")
        if not by and self.hosts and self.li_hosts == self.hosts:
            by = "host"
        return ("li" if by else "main"), by

    def _answered_instance(self) -> str:
        """Return what the answers say: of the object itself, else of its file or of the nearest directory."""
        named = self.manifest.instances
        path = self.manifest.path
        above = [path, *(f"{path[:at]}/" for at in range(len(path) - 1, 0, -1) if path[at] == "/")]
        return next((named[key] for key in (self.ref, *above) if key in named), "")

    @cached_property
    def hosts(self) -> list[str]:
        """The host names of an Ingress's or IngressRoute's rules, as they stand in the tree; none for other kinds."""
        rules, key = _RULES.get(self.kind, ("", ""))
        items = self.get("spec", rules) if rules else None
        found = (manifests.get(item, (key,)) for item in items.items) if isinstance(items, Sequence) else ()
        texts = [node.value for node in found if isinstance(node, Scalar)]
        matched = (host for text in texts for hosts in _MATCHED_HOSTS.findall(text) for host in hosts.split(","))
        return texts if key == "host" else [host.strip(" `\"'") for host in matched]

    @property
    def li_hosts(self) -> list[str]:
        """Those of its hosts whose first label says that they are the LI instance's."""
        return [host for host in self.hosts if _LI_WORD.search(host.partition(".")[0].lower())]

    @cached_property
    def leaves(self) -> dict[Path, Leaf]:
        """Every scalar of the object by its path, embedded documents entered (their paths go on after ``~``)."""
        is_numbered = self.is_numbered if self.manifest.has_keys else None
        outer = (Leaf(self, path, scalar) for path, scalar in manifests.walk(self.node, is_numbered))
        return {leaf.path: leaf for each in outer for leaf in (each, *each.inside)}

    @cached_property
    def is_guarded(self) -> bool:
        """Whether sops encrypted the object: its checksum covers every value (FACTS 7)."""
        return self.get("sops", "mac") is not None

    def is_numbered(self, path: Path, number: int, key: Scalar) -> bool:
        """Say whether the *key* of an entry holds a value, or a placeholder for one (see ``manifests.walk``)."""
        return (self.ref, (*path, f"[!{number}]")) in self.manifest.keyed or any(placeholders.find(key.value))

    def entry(self, key: str) -> Leaf | None:
        """Return the entry *key* of a Secret or ConfigMap as it is read: ``stringData``'s stands over ``data``'s."""
        found = (self.leaves.get((section, manifests.key_step(key))) for section in ("stringData", "data"))
        return next((each for each in found if each is not None), None)

    def get(self, *path: str) -> Node | None:
        """Return the node at *path* in the object itself (not in embedded documents), or None."""
        return manifests.get(self.node, path)

    def text(self, *path: str) -> str:
        """Return the text of the scalar at *path* in the object itself, "" where there is none."""
        return manifests.text_at(self.node, *path)


class Entry(NamedTuple):
    """An entry of a Secret or ConfigMap, as pods name it; all '' but the key where it is in none."""

    kind: str
    namespace: str
    name: str
    key: str


class Written(NamedTuple):
    """A text and a span in it, in characters."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Leaf:
    """One scalar of an object, or of a document embedded in one, seen as the text that its reader gets.

    ``scalar`` is the scalar of the file that holds it, ``nested`` the view into it where the leaf is an embedded one.
    """

    resource: Resource
    path: Path
    scalar: Scalar
    nested: View | None = None

    @cached_property
    def text(self) -> str:
        """The text: decoded from its YAML style, and from base64 under ``data:`` of a Secret where it is that."""
        if self.nested is not None:
            return self.nested.text
        if self.is_encoded:
            with suppress(CannotHold):
                return encoded.lens(self.scalar.value).text
        return self.scalar.value

    @cached_property
    def view(self) -> View:
        """The stack of lenses from the file down to the text. CannotHold where the scalar cannot be edited safely."""
        if self.nested is not None:
            return self.nested
        manifest = self.resource.manifest
        if manifest.is_text:
            return manifest.root
        outer = View(scalar.lens(manifest.text, self.scalar, self.scalar.flow, manifest.newline))
        if not self.is_encoded or not self.scalar.value:
            return outer
        try:
            return View(encoded.lens(outer.text), outer)
        except CannotHold:
            return View(encoded.raw(outer.text), outer)

    def position(self, offset: int = 0) -> str:
        """Return ``file:line:column`` of the character *offset* of the text, as near as its scalar can be read."""
        manifest = self.resource.manifest
        with suppress(CannotHold):
            return manifest.at(self.view, offset)
        return manifest.position(self.scalar.start)

    @cached_property
    def inside(self) -> list[Leaf]:
        """The leaves of the document that the text is, none where it is no document or stands in one already."""
        if self.nested is not None or not self._is_document() or self._is_in_template():
            return []
        with suppress(CannotHold):
            found = lenses.inside(
                self.view, self.called, self._is_numbered if self.resource.manifest.has_keys else None
            )
            return [Leaf(self.resource, (*self.path, *path), self.scalar, view) for path, view in found]
        return []

    def _is_numbered(self, path: Path, number: int, key: Scalar) -> bool:
        return self.resource.is_numbered((*self.path, *path), number, key)

    def covers(self, offset: int) -> bool:
        """Whether the character *offset* of the text belongs to a scalar of the document inside it."""
        views = (leaf.view for leaf in self.inside)
        regions = ((view if isinstance(view.lens, Region) or view.outer is None else view.outer).lens for view in views)
        return any(isinstance(region, Region) and region.start <= offset < region.end for region in regions)

    @property
    def key(self) -> str:
        """The last mapping key on the path, '' where there is none."""
        return next((step for step in reversed(self.path) if not step.startswith(("[", "~"))), "")

    @property
    def called(self) -> str:
        """The name that tells the format of the text: the last key, or the file's name for a file that is one text."""
        manifest = self.resource.manifest
        if not manifest.is_text or self.nested is not None:
            return self.key
        return ".env" if _ENVIRONMENT.fullmatch(manifest.path) else manifest.path.rpartition("/")[2]

    @property
    def written(self) -> Written:
        """Where the scalar stands as it is written: in its file, or in the document that holds it."""
        here = self.nested
        while here is not None and here.outer is not None:
            if isinstance(here.lens, Region):
                return Written(here.outer.text, here.lens.start, here.lens.end)
            here = here.outer
        return Written(self.resource.manifest.text, self.scalar.start, self.scalar.end)

    @cached_property
    def refusal(self) -> str:
        """Why nothing is written here, whatever stands here; '' where something may be."""
        if self.resource.kind and self.path in _REFERENCE:
            return "by this name the places of the object are remembered; fill it in by hand, before the first run"
        if self.resource.is_guarded:
            return "sops guards this file by a checksum over every value; change it with sops"
        if self._is_in_template():
            return "this file is a Go template, in which only a quoted value on one line, without {{ }}, can be edited"
        if self.nested is not None and self._is_document() and lenses.inside(self.nested, self.key):
            return "it stands in a document within another document, which is deeper than one can be edited safely"
        return ""

    def _is_document(self) -> bool:
        is_file = self.nested is None and self.resource.manifest.is_text
        return is_file or "\n" in self.text.strip() or self.text.lstrip()[:1] in ("{", "[")

    def _is_in_template(self) -> bool:
        manifest, start, end = self.resource.manifest, self.scalar.start, self.scalar.end
        if not manifest.actions:
            return False
        is_apart = not any(begin < end and start < stop for begin, stop in manifest.actions)
        return not (is_apart and self.scalar.style in ("'", '"') and "\n" not in manifest.text[start:end])

    @property
    def is_secret(self) -> bool:
        """Whether this is a value of a ``kind: Secret``."""
        is_entry = self.resource.kind == "Secret" and self.path[:1] in (("data",), ("stringData",))
        return is_entry and not is_key(self.path)

    @property
    def is_encoded(self) -> bool:
        """Whether its reader takes the scalar for base64: ``data:`` of a Secret."""
        return self.is_secret and self.path[:1] == ("data",)


def may_be_one(namespace: str, other: str) -> bool:
    """Say whether two namespaces are, or may be, the same: where one is not written, ``kubectl -n`` decides."""
    return namespace == other or "" in (namespace, other)


def is_text(path: str) -> bool:
    """Say whether the file at *path* is read as one text, without objects."""
    return path.endswith(_TEXTS) or _ENVIRONMENT.fullmatch(path) is not None


def is_read(path: str) -> bool:
    """Say whether the file at *path* is one of those that are read at all: a manifest, or a text beside them."""
    return path.endswith(SUFFIXES) or path.rpartition("/")[2] in KUSTOMIZATIONS or is_text(path)


def is_key(path: Path) -> bool:
    """Say whether *path* is that of a mapping's key, and not of a value."""
    return path[-1:] != () and path[-1].startswith("[!")


def read(
    path: str,
    data: bytes,
    instances: Mapping[str, str] | None = None,
    keyed: frozenset[tuple[str, Path]] = frozenset(),
) -> Manifest | None:
    """Return the manifest of *data*, or None where it is not UTF-8 text.

    *instances*: as the answers name them; *keyed*: the keys that hold a value, by object and path.
    """
    try:
        data.isascii() or data.decode()
    except UnicodeDecodeError:
        return None
    return Manifest(path, data, instances=instances or {}, keyed=keyed)


def _has_open_key(text: str) -> bool:
    """Say whether a key in *text* has a word of a placeholder in it. A word is found ten times as fast as a pattern."""
    low = text.lower()
    for word in _OPEN_WORDS:
        at = low.find(word)
        while at >= 0:
            rest = _REST_OF_KEY.match(low, at)
            if rest is None:  # a bracket with no word behind it
                at = low.find(word, at + 1)
            elif _BEHIND_KEY.match(low, rest.end()):
                return True
            else:
                at = low.find(word, rest.end())  # what begins in between ends there, too
    return False


def _objects_told(data: bytes) -> int:
    """Return how many documents of *data* tell their kind in a line of its own."""
    return data.count(b"\nkind:") + data.startswith((b"kind:", _BOM + b"kind:"))


def _twins(alike: Iterable[Resource]) -> dict[tuple[int, int], int]:
    """Return which of its namespace and name each object of one kind is, from 1, by its place."""
    counts = Counter[tuple[str, str]]()
    found = {}
    for each in alike:
        counts[each.namespace, each.name] += 1
        found[each.place] = counts[each.namespace, each.name]
    return found


def _before(edits: Iterable[Edit], offset: int) -> int:
    """Return where the character *offset* stood before *edits*; what they brought stands where it was put."""
    shift = 0
    for edit in sorted(edits, key=lambda each: (each.start, each.end)):
        start = edit.start + shift
        if offset < start:
            break
        if offset < start + len(edit.new):
            return edit.start
        shift += len(edit.new) - (edit.end - edit.start)
    return offset - shift


def _resources(manifest: Manifest, index: int, node: Node) -> Iterator[Resource]:
    kind, items = manifests.text_at(node, "kind"), manifests.get(node, ("items",))
    if kind.endswith("List") and isinstance(items, Sequence):
        for item in items.items:
            yield from _resources(manifest, index, item)
        return
    yield Resource(
        manifest,
        index,
        node,
        kind,
        manifests.text_at(node, "metadata", "name"),
        manifests.text_at(node, "metadata", "namespace"),
        manifests.texts(manifests.get(node, ("metadata", "labels"))),
    )
