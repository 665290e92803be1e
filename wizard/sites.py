"""Sites: the places of a tree that hold a value, found by record, by placeholder, by clause, or by a known place.

Token alone never decides (DESIGN, law 4): what a placeholder means follows from its words, its key, its object and the
instance. Nothing is guessed: what stays unknown is reported. Pure; reads no value and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from wizard import catalogue, clauses, holes, lenses, mail, placeholders
from wizard.answers import Answers, Decision
from wizard.catalogue import Owns, Row
from wizard.lenses import View
from wizard.placeholders import Placeholder
from wizard.questions import SECTIONS
from wizard.resources import Leaf, Manifest, Resource
from wizard.vault import Record

How = Literal["record", "token", "clause", "place", "comment"]

# What replaces a placeholder's name inside a comment, where no value may ever stand.
FILLED_IN = "(filled in)"


@dataclass(frozen=True, eq=False)
class Site:
    """One place that holds one value: [start, end) of the text of ``leaf``, or of the file for a comment without one.

    ``token`` is the placeholder that stands there now, '' where a value does; ``record`` the record it was found by.
    """

    value: str
    manifest: Manifest
    leaf: Leaf | None
    start: int
    end: int
    how: How
    token: str = ""
    record: Record | None = None

    @property
    def around(self) -> str:
        """The whole text that the site stands in; it may be a secret."""
        return self.leaf.text if self.leaf else self.manifest.text

    @property
    def view(self) -> View:
        """The view of the text that the site stands in. CannotHold where that cannot be edited safely."""
        return self.leaf.view if self.leaf else self.manifest.root

    @cached_property
    def inner(self) -> tuple[View, int, int]:
        """The innermost view around the site, a quoting within free text included, and the site's span in it."""
        whole = (self.start, self.end) == (0, len(self.around))
        if whole or self.how == "comment" or self.around.startswith("-----BEGIN ", self.start):
            return self.view, self.start, self.end
        return lenses.at(self.view, self.start, self.end)

    @property
    def text(self) -> str:
        """What stands in the site now, as its reader gets it; it may be a secret."""
        view, start, end = self.inner
        return view.text[start:end]

    @cached_property
    def position(self) -> str:
        """``file:line:column`` of the site's first character."""
        return self.manifest.at(self.view, self.start)

    @property
    def document(self) -> str:
        """The object's reference; for a comment of a file, that of the object in whose document it stands."""
        return self.leaf.resource.ref if self.leaf else self.manifest.owner(self.start)

    @property
    def path(self) -> tuple[str, ...]:
        """The path of the scalar in its object."""
        return self.leaf.path if self.leaf else ()

    @property
    def place(self) -> str:
        """How people and the answers file name the place: ``Kind/namespace/name:path``."""
        return place(self.leaf) if self.leaf else self.manifest.path


@dataclass(frozen=True)
class Unknown:
    """A placeholder that nothing decides: its spelling, its place, ``file:line:column``, and a decision to offer."""

    token: str
    place: str
    position: str
    family: str
    role: str

    @property
    def decision(self) -> str:
        """The key of the decision to ask for: by token where that names a role, else by place (DESIGN, law 4)."""
        return f"{self.token} @ {self.place}" if self.role in catalogue.GENERIC_ROLES else self.token


@dataclass(frozen=True)
class Found:
    """Everything that was found in a tree, and what of it is left alone or missing.

    ``listed``: the values of lists that clauses write as a whole: they have no sites, and want an answer all the same.
    """

    sites: tuple[Site, ...]
    unknown: tuple[Unknown, ...] = ()
    lost: tuple[Record, ...] = ()
    kept: tuple[Record, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scope:
    """What the search goes by: the answers (decisions, components, clauses) and the records of the vault.

    ``off``: the components that are switched off, where that is known otherwise than from the answers.
    """

    answers: Answers
    records: tuple[Record, ...] = ()
    off: frozenset[str] | None = None

    def setting(self, key: str) -> object:
        """Return the answer in effect for *key*."""
        return self.answers[key]

    def decision(self, token: str, where: str, *, is_known: bool = False) -> Decision | None:
        """Return what the answers say of *token* at the place *where*, or of it everywhere.

        A token without a role of its own, where the catalogue knows the place (*is_known*), is decided by place only.
        """
        at_place = self.answers.decisions.get(f"{token} @ {where}")
        is_bare = placeholders.role(token) in catalogue.GENERIC_ROLES
        return at_place or (None if is_known and is_bare else self.answers.decisions.get(token))

    def is_off(self, part: str) -> bool:
        """Say whether the optional component *part* is switched off."""
        if self.off is not None:
            return part in self.off
        return part in catalogue.SWITCHES and not any(map(self._holds, catalogue.SWITCHES[part].split("|")))

    def _holds(self, switch: str) -> bool:
        key, is_equation, wanted = switch.partition("=")
        if key in SECTIONS:
            return self.answers.uses(key)
        answer = self.answers[key]
        return answer == wanted if is_equation else answer not in (None, "", ())


def place(leaf: Leaf) -> str:
    """Return ``Kind/namespace/name:path`` of *leaf*."""
    return f"{leaf.resource.ref}:{'.'.join(leaf.path)}"


def find(manifests: Iterable[Manifest], scope: Scope) -> Found:
    """Return the sites of *manifests* and what could not be decided about them, in the order of the files."""
    manifests = list(manifests)
    home = mail.home_of(resource for manifest in manifests for resource in manifest.resources)
    search = _Search(scope, home, consumed(manifests))
    recorded: dict[tuple[str, str], list[Record]] = {}
    for record in scope.records:
        recorded.setdefault((record.file, record.document), []).append(record)
    for manifest in manifests:
        for resource in manifest.resources:
            search.resource(resource, recorded.get((manifest.path, resource.ref), ()))
        refs = {resource.ref for resource in manifest.resources} | {""}
        outside = [record for ref in refs for record in recorded.get((manifest.path, ref), ()) if not record.path]
        search.comments(manifest, outside)
    located = {id(site.record) for site in search.sites if site.record}
    lost = tuple(record for record in scope.records if record.kind in ("site", "comment") and id(record) not in located)
    every = (resource for manifest in manifests for resource in manifest.resources)
    listed = frozenset(clause.value for resource in every for clause in clauses.of(resource) if clause.exact)
    return Found(tuple(search.sites), tuple(search.unknown), lost, tuple(search.kept), search.left_out, listed)


def consumed(manifests: Iterable[Manifest]) -> frozenset[str]:
    """Return the tokens that a ``sed`` in the tree replaces at run time: they are the tree's own business."""
    leaves = (leaf for each in manifests for resource in each.resources for leaf in resource.leaves.values())
    lines = (line for leaf in leaves if "sed" in leaf.text for line in leaf.text.splitlines())
    return frozenset(token for line in lines if not _COMMENT_LINE.match(line) for _, token in _SED.findall(line))


def is_left_out(path: str, scope: Scope) -> bool:
    """Say whether the file *path* belongs to a component that is switched off."""
    return any(map(scope.is_off, catalogue.parts_of(path, "")))


def meaning(found: Placeholder, leaf: Leaf, key: str) -> Row | None:
    """Return the row that the placeholder *found* stands for under *key* (the last key before it), None if unknown."""
    kind, name, instance = leaf.resource.kind, leaf.resource.name, leaf.resource.instance
    if found.family == "token":
        named = catalogue.by_role(found.role, instance)
        known = catalogue.by_place(kind, name, key)
        return known if known and (named is None or found.role in catalogue.GENERIC_ROLES) else named
    if found.family == "email":
        return catalogue.BY_NAME["tls-email"] if kind in catalogue.EMAIL_KINDS and key == "email" else None
    words = placeholders.role(key)
    host = catalogue.by_host(found.role)
    is_homeserver = host is None or host.name in catalogue.HOMESERVER_NAMES
    is_name = words in catalogue.SERVER_NAME_KEYS and (host is None or host.name not in catalogue.OTHER_SERVERS)
    if leaf.path[-3:-1] == catalogue.ROOM_DIRECTORY or is_name or (words in catalogue.REALM_KEYS and is_homeserver):
        return catalogue.BY_NAME["server-name"]
    return host


_SED = re.compile(r"\bs([/|#@,])([A-Z][A-Z0-9_]*)\1")
# The key of a line in a text that is no document: `realm=…`, `server_name: …`, `requirepass "…"`.
_LINE_KEY = re.compile(r"^\s*(?:export\s+|set\s+)?[\"']?([A-Za-z][\w.-]*)(?:[\"']?\s*[=:]|[ \t]+[\"']?$)")
_COMMENT_LINE = re.compile(r"^\s*(?:#|--|//|;)")


def _is_comment(leaf: Leaf, offset: int) -> bool:
    """Whether the character *offset* of a text of several lines stands in a comment, as its format writes them."""
    before = leaf.text[leaf.text.rfind("\n", 0, offset) + 1 : offset]
    is_text = leaf.scalar.style in ("|", ">") or "\n" in leaf.text
    return is_text and (_COMMENT_LINE.match(before) is not None or (bool(leaf.inside) and "#" in before))


def _token(text: str) -> str:
    """Return the placeholder that *text* is, '' where a value stands there, be it one with such a word in it."""
    return next(placeholders.find(text)).token if placeholders.is_wholly(text) else ""


def _name(decision: Decision, token: str, leaf: Leaf) -> str:
    """Return the name of the value that *decision* gives to *token* in *leaf*."""
    if decision.action == "same_as":
        return str(decision.text)
    return f"{token} @ {place(leaf)}" if decision.action == "split" else decision.key


class _Search:
    """One walk over the tree; collects sites and what is undecided."""

    def __init__(self, scope: Scope, home: Leaf | None, consumed_tokens: frozenset[str]) -> None:
        self.scope, self.mail, self.consumed = scope, home, consumed_tokens
        self.kept_before = [record for record in scope.records if record.kind == "kept"]
        self.sites: list[Site] = []
        self.unknown: list[Unknown] = []
        self.kept: list[Record] = []
        self.left_out: dict[str, int] = {}

    def resource(self, resource: Resource, records: Iterable[Record]) -> None:
        """Search one object."""
        by_path: dict[tuple[str, ...], list[Record]] = {}
        for record in records:
            if record.kind in ("site", "comment"):
                by_path.setdefault(record.path, []).append(record)
        off = next(
            (part for part in catalogue.parts_of(resource.manifest.path, resource.name) if self.scope.is_off(part)), ""
        )
        owned: list[tuple[str, ...]] = []
        for leaf in resource.leaves.values():
            if any(leaf.path[: len(path)] == path for path in owned):
                continue  # inside a scalar that one value owns as a whole
            if off:
                self._leave_out(off, len(self._open(leaf)))
                continue
            if self._leaf(leaf, by_path.get(leaf.path, ())):
                owned.append(leaf.path)

    def comments(self, manifest: Manifest, records: Iterable[Record]) -> None:
        """Search what stands in no scalar: comments, which only ever lose a placeholder's name."""
        text, taken = manifest.text, set[tuple[int, int]]()
        for record in records:
            span = holes.locate(record, text, self._expected(record)) if record.kind == "comment" else None
            if span and text[slice(*span)] in self._expected(record):
                taken.add(span)
                self.sites.append(Site("", manifest, None, *span, "comment", record=record))
        scalars = [(leaf.scalar.start, leaf.scalar.end) for each in manifest.resources for leaf in each.leaves.values()]
        for found in placeholders.find(text):
            inside = any(start <= found.start < end for start, end in scalars)
            is_open = not inside and (found.start, found.end) not in taken and found.token not in self.consumed
            if found.family == "token" and is_open and manifest.is_comment(found.start):
                self._file_comment(manifest, found)

    def _decided_since(self, record: Record, leaf: Leaf) -> str:
        """Return the value of *record*'s site, by another name where the answers decide its placeholder anew."""
        if record.kind == "comment" or record.value in catalogue.BY_NAME:
            return record.value
        decision = self.scope.decision(record.original, place(leaf))
        is_new = decision is not None and decision.action != "keep"
        return _name(decision, record.original, leaf) if decision and is_new else record.value

    def _file_comment(self, manifest: Manifest, found: Placeholder) -> None:
        if not self._is_left_alone(manifest, found):
            self.sites.append(self._comment(manifest, None, found))

    def _leaf(self, leaf: Leaf, records: Iterable[Record]) -> bool:
        """Search one scalar; True when one value owns the whole of it."""
        text = leaf.text
        if self.scope.is_off("smtp") and mail.is_within(leaf.resource, leaf.path, self.mail):
            self._leave_out("smtp", len(self._open(leaf)))
            return False
        spans: list[tuple[int, int]] = []
        for record in records:
            how: How = "comment" if record.kind == "comment" else "record"
            span = holes.locate(record, text, self._expected(record))
            if span and how == "comment" and text[slice(*span)] not in self._expected(record):
                continue  # reworded by hand
            if span is not None and span not in spans:
                token = _token(text[slice(*span)]) if how == "record" else ""
                value = self._decided_since(record, leaf)
                self.sites.append(Site(value, leaf.resource.manifest, leaf, *span, how, token, record))
                spans.append(span)
        wanted = clauses.value_at(leaf.resource, leaf.path, self.scope.setting)
        wanted = wanted or mail.value_at(leaf.resource, leaf.path, self.mail)
        if not spans and wanted:
            self._add(leaf, wanted, (0, len(text)), "clause", _token(text))
            spans.append((0, len(text)))
        for found in self._open(leaf):
            if not any(start <= found.start < end for start, end in spans):
                spans.append(self._placeholder(leaf, found))
        if not spans and leaf.is_secret and text.strip() and not placeholders.is_template(text):
            row = catalogue.by_place(leaf.resource.kind, leaf.resource.name, leaf.key)
            if row and not self.scope.is_off(row.part) and not leaf.inside:
                span = self._span(row, leaf, 0, len(text.rstrip("\n")))
                self._add(leaf, row.name, span, "place", text if placeholders.is_like_one(text) else "")
                spans.append(span)
        return (0, len(text)) in spans and len(text) > 0

    def _open(self, leaf: Leaf) -> list[Placeholder]:
        """Return the placeholders of *leaf* that no scalar of an embedded document holds and no script consumes.

        Those whose value owns more than its token come first: what stands around them goes with them.
        """
        owning: list[Placeholder] = []
        others: list[Placeholder] = []
        for found in placeholders.find(leaf.text):
            owner = catalogue.by_role(found.role, leaf.resource.instance) if found.family == "token" else None
            owns_more = owner is not None and owner.owns is not Owns.TOKEN
            is_here = not leaf.covers(found.start) or (owner is not None and owner.owns is Owns.DOCUMENT)
            # A secret may have such a word in it; one in capitals is a placeholder all the same, and is asked about.
            is_part = leaf.is_secret and found.token != found.token.upper() and placeholders.is_glued(leaf.text, found)
            if is_here and not is_part and (leaf.is_secret or found.token not in self.consumed):
                (owning if owns_more and not _is_comment(leaf, found.start) else others).append(found)
        return owning + others

    def _placeholder(self, leaf: Leaf, found: Placeholder) -> tuple[int, int]:
        """Decide one placeholder and return the span that it takes."""
        text = leaf.text
        before = text[text.rfind("\n", 0, found.start) + 1 : found.start]
        key = leaf.key
        if _is_comment(leaf, found.start):
            return self._in_comment(leaf, found)
        if leaf.scalar.style in ("|", ">") or "\n" in text:
            line_key = _LINE_KEY.match(before)
            key = line_key[1] if line_key else key
        if found.family == "host" and re.search(r"[@#!][\w.=/+-]+:$", before):
            key = "server_name"  # a user id, room id or alias ends in the server's name
        row = meaning(found, leaf, key)
        decision = self.scope.decision(found.token, place(leaf), is_known=row is not None)
        row = None if decision else row
        whole = (found.start, found.end)
        if (decision and decision.action == "keep") or self._is_kept(leaf, found.token):
            self.kept.append(
                Record("", leaf.resource.manifest.path, leaf.resource.ref, leaf.path, found.token, kind="kept")
            )
        elif decision:
            name = _name(decision, found.token, leaf)
            same = catalogue.BY_NAME.get(name)
            span = self._span(same, leaf, found.start, found.end) if same else whole
            self._add(leaf, name, span, "token", found.token)
            return span
        elif row is None:
            self.unknown.append(self._open_question(leaf, found))
        elif self.scope.is_off(row.part):
            self._leave_out(row.part, 1)
        else:
            span = self._span(row, leaf, found.start, found.end)
            self._add(leaf, row.name, span, "token", found.token)
            return span
        return whole

    def _span(self, row: Row, leaf: Leaf, start: int, end: int) -> tuple[int, int]:
        """Return what *row* owns around [start, end): the token, the PEM block around it, or the whole text."""
        if row.owns in (Owns.SCALAR, Owns.DOCUMENT):
            return 0, len(leaf.text)
        if row.owns is Owns.ARMOUR:
            blocks = ((block.start, block.end) for block in lenses.pem_spans(leaf.text))
            return next((block for block in blocks if block[0] <= start < block[1]), (start, end))
        return start, end

    def _in_comment(self, leaf: Leaf, found: Placeholder) -> tuple[int, int]:
        if part := self._part_off(found):
            self._leave_out(part, 1)
        elif found.family == "token" and self.scope.decision(found.token, place(leaf)) is None:
            self.sites.append(self._comment(leaf.resource.manifest, leaf, found))
        return found.start, found.end

    def _comment(self, manifest: Manifest, leaf: Leaf | None, found: Placeholder) -> Site:
        return Site("", manifest, leaf, found.start, found.end, "comment", found.token)

    def _part_off(self, found: Placeholder) -> str:
        """Return the component that is switched off and alone needs what *found* names, '' where there is none."""
        row = catalogue.by_role(found.role, "main") if found.family == "token" else None
        return row.part if row and self.scope.is_off(row.part) else ""

    def _is_left_alone(self, manifest: Manifest, found: Placeholder) -> bool:
        if self._part_off(found):
            return True
        return is_left_out(manifest.path, self.scope) or self.scope.decision(found.token, manifest.path) is not None

    def _add(self, leaf: Leaf, value: str, span: tuple[int, int], how: How, token: str) -> None:
        self.sites.append(Site(value, leaf.resource.manifest, leaf, *span, how, token))

    def _open_question(self, leaf: Leaf, found: Placeholder) -> Unknown:
        where = leaf.resource.manifest.at(leaf.view, found.start)
        return Unknown(found.token, place(leaf), where, found.family, found.role)

    def _is_kept(self, leaf: Leaf, token: str) -> bool:
        place_of = (leaf.resource.ref, leaf.path, token)
        return any((each.document, each.path, each.original) == place_of for each in self.kept_before)

    def _expected(self, record: Record) -> frozenset[str]:
        return frozenset({record.original, FILLED_IN} if record.kind == "comment" else {record.original})

    def _leave_out(self, part: str, count: int) -> None:
        if count:
            self.left_out[part] = self.left_out.get(part, 0) + count
