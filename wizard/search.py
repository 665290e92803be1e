"""Search: one walk over a tree that finds its sites by record, by placeholder, by clause, or by a known place.

Nothing is guessed: what stays unknown is reported (DESIGN, laws 4 and 5). Pure; reads no value and writes nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from wizard import catalogue, clauses, consumed, contexts, holes, lenses, mail, meanings, placeholders, resources
from wizard.answers import Decision
from wizard.catalogue import Kind, Owns, Row
from wizard.consumed import Consumed
from wizard.errors import Problem
from wizard.lenses import CannotHold
from wizard.manifests import Scalar
from wizard.placeholders import Placeholder
from wizard.resources import Leaf, Manifest, Resource
from wizard.sites import FILLED_IN, Found, How, Refusal, Scope, Site, Unknown, is_left_out, place
from wizard.vault import Record

# A URL with a password of its own, which no placeholder and no variable stands for: from behind its scheme on.
_HELD = re.compile(r"://[^\s/:@]*:(?![${<%])[^\s/@\"']+@")


def find(manifests: Iterable[Manifest], scope: Scope) -> Found:
    """Return the sites of *manifests* and what could not be decided about them, in the order of the files."""
    manifests = list(manifests)
    every = [resource for manifest in manifests for resource in manifest.resources]
    lis = (each.name for each in every if each.kind == "Secret" and each.instance == "li")
    walk = Walk(scope, mail.home_of(every), consumed.find(manifests), catalogue.own_services(lis))
    found = [walk.through(manifest, manifest.resources) for manifest in manifests]
    return joined(found, scope, clauses.of_lists(every))


def joined(found: Iterable[Found], scope: Scope, listed: frozenset[str]) -> Found:
    """Return what was *found* in each manifest of a tree as one, with the records of *scope* that are nowhere in it.

    *listed*: the values of the lists that clauses write as a whole.
    """
    found = list(found)
    sites = tuple(site for each in found for site in each.sites)
    located = {id(site.record) for site in sites if site.record}
    left_out: dict[str, int] = {}
    for each in found:
        for part, count in each.left_out.items():
            left_out[part] = left_out.get(part, 0) + count
    return Found(
        sites,
        tuple(unknown for each in found for unknown in each.unknown),
        tuple(each for each in scope.records if each.kind in ("site", "comment") and id(each) not in located),
        tuple(record for each in found for record in each.kept),
        left_out,
        tuple(refusal for each in found for refusal in each.refused),
        tuple(note for each in found for note in each.notes),
        listed,
    )


@dataclass(frozen=True)
class Walk:
    """A search that goes from manifest to manifest, with what it has to know of the whole tree before it begins.

    ``home``: the leaf of the mail block; ``own``: what the LI instance has for itself.
    """

    scope: Scope
    home: Leaf | None
    consumed: Consumed
    own: Container[str]

    def through(self, manifest: Manifest, resources: Iterable[Resource]) -> Found:
        """Return what stands in the *resources* of *manifest*, and in its comments."""
        search = _Search(self.scope, self.home, self.consumed, self.own)
        resources = list(resources)
        for resource in resources:
            search.resource(resource, self._records.get((manifest.path, resource.ref), ()))
        refs = {resource.ref for resource in resources} | {""}
        outside = [record for ref in refs for record in self._records.get((manifest.path, ref), ()) if not record.path]
        if not manifest.is_text:
            search.comments(manifest, resources, outside)
        return search.found

    @cached_property
    def _records(self) -> Mapping[tuple[str, str], list[Record]]:
        by_object: dict[tuple[str, str], list[Record]] = {}
        for record in self.scope.records:
            by_object.setdefault((record.file, record.document), []).append(record)
        return by_object


def _token(text: str) -> str:
    """Return the placeholder that *text* is, '' where a value stands there, be it one with such a word in it."""
    return next(placeholders.find(text)).token if placeholders.is_wholly(text) else ""


def _content_start(manifest: Manifest, scalar: Scalar) -> int:
    """Return where the content of *scalar* begins: the header of a block has a comment that belongs to the file."""
    if scalar.style not in ("|", ">") or manifest.is_text:
        return scalar.start
    end = manifest.text.find("\n", scalar.start, scalar.end)
    return end if end >= 0 else scalar.end


def _refused_at(leaf: Leaf, found: Placeholder) -> str:
    """Return ``file:line:column`` of *found* in a scalar that no lens reads."""
    manifest, start = leaf.resource.manifest, leaf.scalar.start
    if leaf.nested is not None:
        return manifest.at(leaf.nested, found.start)
    return manifest.position(max(manifest.text.find(found.token, start, leaf.scalar.end), start))


def _name(decision: Decision, token: str, leaf: Leaf) -> str:
    """Return the name of the value that *decision* gives to *token* in *leaf*."""
    if decision.action == "same_as":
        return str(decision.text)
    return f"{token} @ {place(leaf)}" if decision.action == "split" else decision.key


# The records of what stands within a scalar, and how a site that one of them found is told.
_HOW: dict[str, How] = {"site": "record", "comment": "comment", "retiring": "retiring"}


class _Search:
    """The search of one manifest; collects sites and what is undecided."""

    def __init__(self, scope: Scope, home: Leaf | None, consumed: Consumed, own: Container[str]) -> None:
        self.scope, self.mail, self.consumed, self.own = scope, home, consumed, own
        self.kept_before = [record for record in scope.records if record.kind == "kept"]
        self.sites: list[Site] = []
        self.unknown: list[Unknown] = []
        self.kept: list[Record] = []
        self.left_out: dict[str, int] = {}
        self.refused: list[Refusal] = []
        self.notes: list[Problem] = []

    def resource(self, resource: Resource, records: Iterable[Record]) -> None:
        """Search one object."""
        by_path: dict[tuple[str, ...], list[Record]] = {}
        for record in records:
            if record.kind in _HOW:
                by_path.setdefault(record.path, []).append(record)
        off = next(
            (part for part in catalogue.parts_of(resource.manifest.path, resource.name) if self.scope.is_off(part)), ""
        )
        owned = set[tuple[str, ...]]()
        for leaf in resource.leaves.values():
            if owned and any(leaf.path[:length] in owned for length in range(len(leaf.path) + 1)):
                continue  # inside a scalar that one value owns as a whole
            if off:
                self._leave_out(off, len(self._open(leaf)))
                continue
            if leaf.refusal:
                self._refuse(leaf, leaf.refusal)
            elif self._read(leaf, by_path.get(leaf.path, ())):
                owned.add(leaf.path)

    def _read(self, leaf: Leaf, records: Iterable[Record]) -> bool:
        """Search one scalar as ``_leaf`` does; what stands in one that no lens reads is refused, and so told."""
        before = len(self.sites)
        try:
            is_owned = self._leaf(leaf, records)
            if len(self.sites) > before:
                leaf.view  # noqa: B018 (for what it raises: a site without a view has no place to be told)
        except CannotHold as error:
            del self.sites[before:]
            self._refuse(leaf, error.reason)
            return False
        return is_owned

    @property
    def found(self) -> Found:
        """What was found so far."""
        undecided = (tuple(self.unknown), (), tuple(self.kept), self.left_out)
        return Found(tuple(self.sites), *undecided, tuple(self.refused), tuple(self.notes))

    def comments(self, manifest: Manifest, resources: Iterable[Resource], records: Iterable[Record]) -> None:
        """Search what stands in no scalar: comments, which only ever lose a placeholder's name."""
        text, taken = manifest.text, set[tuple[int, int]]()
        for record in records:
            span = holes.locate(record, text, self._expected(record)) if record.kind == "comment" else None
            if span and text[slice(*span)] in self._expected(record):
                taken.add(span)
                self.sites.append(Site("", manifest, None, *span, "comment", record=record))
        if not placeholders.may_hold_in_comment(manifest.data):
            return
        leaves = (leaf.scalar for each in resources for leaf in each.leaves.values())
        scalars = sorted({(_content_start(manifest, scalar), scalar.end) for scalar in leaves})
        for found in placeholders.find(text):
            at = bisect_right(scalars, (found.start, len(text)))
            inside = at > 0 and found.start < scalars[at - 1][1]  # scalars stand apart
            is_open = not inside and (found.start, found.end) not in taken and found.token not in self.consumed.tokens
            if placeholders.is_grepped(found.token) and is_open and manifest.is_comment(found.start):
                self._file_comment(manifest, found)

    def _decided_since(self, record: Record, leaf: Leaf, span: tuple[int, int]) -> str:
        """Return the value of *record*'s site at *span*, by another name where the answers decide it anew."""
        if record.kind == "comment":
            return record.value
        if record.value in catalogue.BY_NAME:
            return self._reassigned(record, leaf, span)
        decision = self.scope.decision(record.original, place(leaf))
        is_new = decision is not None and decision.action != "keep"
        return _name(decision, record.original, leaf) if decision and is_new else record.value

    def _reassigned(self, record: Record, leaf: Leaf, span: tuple[int, int]) -> str:
        """Return the value of *record*'s site: that of its twin where the answers now name another instance."""
        found = next(placeholders.find(record.original), None)
        if found is None or leaf.resource.assignment[1] != "answers":
            return record.value
        here = Placeholder(*span, found.token, found.family, found.role)
        row = meanings.meaning(here, leaf, contexts.key_of(leaf, here), self.own)
        return row.name if row and catalogue.are_twins(row.name, record.value) else record.value

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
        records = list(records)
        # Where all stand as they did before the first run, the lines they count to are theirs: see originals.
        counted = [(record, holes.locate(record, text)) for record in records if record.kind != "retiring"]
        is_blank = all(span and text[slice(*span)] in self._expected(record) for record, span in counted)
        for record in records:
            how = _HOW[record.kind]
            span = holes.locate(record, text, frozenset() if is_blank else self._expected(record))
            if span and how == "comment" and text[slice(*span)] not in self._expected(record):
                continue  # reworded by hand
            if span is not None and span not in spans:
                token = _token(text[slice(*span)]) if how == "record" else ""
                value = self._decided_since(record, leaf, span)
                self.sites.append(Site(value, leaf.resource.manifest, leaf, *span, how, token, record))
                spans.append(span)
        wanted = "" if resources.is_key(leaf.path) else clauses.value_at(leaf.resource, leaf.path, self.scope.setting)
        wanted = wanted or mail.value_at(leaf.resource, leaf.path, self.mail)
        if not spans and wanted:
            self._add(leaf, wanted, (0, len(text)), "clause", _token(text))
            spans.append((0, len(text)))
        for found in self._open(leaf):
            if not any(start <= found.start < end for start, end in spans):
                spans.append(self._placeholder(leaf, found))
        if not spans and not resources.is_key(leaf.path) and (marked := contexts.mark(leaf)):
            spans += self._marked(leaf, marked)
        if not resources.is_key(leaf.path):
            spans += self._recognised(leaf, spans)
        return (0, len(text)) in spans and len(text) > 0

    def _recognised(self, leaf: Leaf, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Find what somebody filled in by hand where a value is known to live, and return the spans that it takes.

        Beside spans that are *taken* only lines are left: of a configuration somebody may have filled in the half.
        """
        if leaf.inside:
            return []  # its scalars are leaves of their own
        lines = contexts.line_settings(leaf) if not leaf.is_secret else ()
        whole = [] if taken else [(leaf.key, 0, len(leaf.text.rstrip("\n")))]
        open_lines = (line for line in lines if not any(line[1] < end and start < line[2] for start, end in taken))
        found = [*whole, *open_lines]
        spans = []
        for key, start, end in found:
            text = leaf.text[start:end]
            is_value = text.strip() != "" and not placeholders.is_template(text)
            row = meanings.known_place(leaf, key, self.own) if is_value else None
            if row is None or self.scope.is_off(row.part) or not self._is_adopted(row):
                continue
            if placeholders.is_wholly(text):
                continue  # the tree fills it in itself
            span = self._span(row, leaf, start, end)
            self._add(leaf, row.name, span, "place", text if placeholders.is_like_one(text) else "")
            spans.append(span)
        if not spans and not taken and _HELD.search(leaf.text) and not contexts.is_prose(leaf):
            what = "A password stands in a URL here. It is left as it is: see that it is the one in use."
            self.notes.append(Problem(what, leaf.position()))
        return spans

    def _is_adopted(self, row: Row) -> bool:
        """Whether what stands at a place of *row* counts: an answer is compared where there is one, and never asked."""
        return row.kind is not Kind.ANSWER or self.scope.setting(row.answer) is not None

    def _open(self, leaf: Leaf) -> list[Placeholder]:
        """Return the placeholders of *leaf* that no scalar of an embedded document holds and no script consumes.

        Those whose value owns more than its token come first: what stands around them goes with them.
        """
        owning: list[Placeholder] = []
        others: list[Placeholder] = []
        for found in placeholders.find(leaf.text):
            owner = catalogue.by_role(found.role, leaf.resource.instance, self.own) if found.family == "token" else None
            owns_more = owner is not None and owner.owns is not Owns.TOKEN
            if self._is_none(leaf, found):
                continue
            is_here = not leaf.covers(found.start) or (owner is not None and owner.owns is Owns.DOCUMENT)
            # A secret may have such a word in it; one in capitals is a placeholder all the same, and is asked about.
            is_part = leaf.is_secret and found.token != found.token.upper() and placeholders.is_glued(leaf.text, found)
            if is_here and not is_part:
                (owning if owns_more and not contexts.is_comment(leaf, found.start) else others).append(found)
        return owning + others

    def _is_none(self, leaf: Leaf, found: Placeholder) -> bool:
        """Whether *found* only looks like a placeholder: the tree fills it in itself, or it is a name, or prose.

        What the answers say of this very place counts for more.
        """
        if self.scope.answers.decisions.get(f"{found.token} @ {place(leaf)}"):
            return False
        if self.consumed.takes(leaf, found) or contexts.is_prose(leaf) or contexts.is_name(leaf, found):
            return True
        if found.family != "address":
            return False
        # A reserved block as a whole, and any reserved address in a list of what to refuse, are what they say.
        words = placeholders.role(contexts.key_of(leaf, found))
        row = catalogue.by_role(words, leaf.resource.instance)
        if row and row.name in catalogue.ADDRESSES:
            return False
        return placeholders.is_reserved_block(found.token) or catalogue.REFUSING.search(words) is not None

    def _placeholder(self, leaf: Leaf, found: Placeholder) -> tuple[int, int]:
        """Decide one placeholder and return the span that it takes."""
        if contexts.is_comment(leaf, found.start):
            return self._in_comment(leaf, found)
        return self._decide(leaf, found, contexts.key_of(leaf, found))

    def _decide(self, leaf: Leaf, found: Placeholder, key: str) -> tuple[int, int]:
        """Decide a placeholder that is the value of *key*, and return the span that it takes."""
        row = meanings.meaning(found, leaf, key, self.own)
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
            self.unknown.append(self._open_question(leaf, found, key))
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
        elif self._may_neutralise(leaf, found):
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

    def _may_neutralise(self, leaf: Leaf, found: Placeholder) -> bool:
        """Whether a comment loses the name: where the checklist's final grep would trip on it, never in a script."""
        is_open = self.scope.decision(found.token, place(leaf)) is None
        return is_open and placeholders.is_grepped(found.token) and not contexts.is_script(leaf)

    def _marked(self, leaf: Leaf, found: Placeholder) -> list[tuple[int, int]]:
        """Decide a value that a comment behind it calls to change. One that was clearly made is kept, and told."""
        text = leaf.text
        if placeholders.is_template(text) or contexts.is_prose(leaf) or leaf.inside:
            return []  # behind the header of a document it speaks of what stands below
        says = f"The comment says {placeholders.shown(found.token)}"
        if placeholders.is_strong(text):
            what = f"{says}, and the value looks like one that was made: it is kept."
            self.notes.append(Problem(what, leaf.resource.manifest.position(leaf.scalar.start)))
            return []
        what = f"{says}: what stands here counts as a placeholder, and is replaced."
        self.notes.append(Problem(what, leaf.resource.manifest.position(leaf.scalar.start)))
        end = len(text.rstrip("\n"))
        return [self._decide(leaf, Placeholder(0, end, found.token, found.family, found.role), leaf.key)]

    def _refuse(self, leaf: Leaf, why: str) -> None:
        for found in placeholders.find(leaf.text):
            if not self._is_none(leaf, found) and not contexts.is_comment(leaf, found.start):
                self.refused.append(Refusal(found.token, _refused_at(leaf, found), why))

    def _open_question(self, leaf: Leaf, found: Placeholder, key: str) -> Unknown:
        where = leaf.resource.manifest.at(leaf.view, found.start)
        hint = placeholders.hint(found.token) or placeholders.hint(contexts.comment_beside(leaf, found))
        recipe = meanings.recipe(hint)
        is_secret = bool(
            leaf.is_secret or recipe or any(map(catalogue.SECRET_WORDS.search, (found.role, placeholders.role(key))))
        )
        instance = leaf.resource.instance
        return Unknown(found.token, place(leaf), where, found.family, found.role, key, instance, is_secret, recipe)

    def _is_kept(self, leaf: Leaf, token: str) -> bool:
        place_of = (leaf.resource.ref, leaf.path, token)
        return any((each.document, each.path, each.original) == place_of for each in self.kept_before)

    def _expected(self, record: Record) -> frozenset[str]:
        return frozenset({record.original, FILLED_IN} if record.kind == "comment" else {record.original})

    def _leave_out(self, part: str, count: int) -> None:
        if count:
            self.left_out[part] = self.left_out.get(part, 0) + count
