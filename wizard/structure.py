"""The structure of a tree before any value is filled in: its files, its clauses, and what is switched off.

Pure: which files are read at all, which come from the bundled tree, what is taken back because its component is off,
and what clauses add, enable or put out of force.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wizard import (
    access,
    catalogue,
    clauses,
    kustomizations,
    lenses,
    mail,
    oldkeys,
    originals,
    placeholders,
    resources,
    rollout,
    values,
    weak,
)
from wizard.clauses import Arrangement
from wizard.errors import Problem, RefusedError
from wizard.lenses import Edit, View
from wizard.manifests import Path, line_and_column
from wizard.oldkeys import OldKey
from wizard.resources import Manifest, Resource
from wizard.sites import Refusal, Scope, Site
from wizard.values import ISSUERS
from wizard.vault import Record


@dataclass(frozen=True)
class Tree:
    """What a plan is made from: the files of the tree, and those that come from the bundled tree and are new.

    ``ours``: files of the tree that are the bundled tree's own, byte for byte; their places need no further consent.
    """

    files: Mapping[str, bytes] = field(repr=False)
    created: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    ours: frozenset[str] = frozenset()
    from_bundle: bool = False
    instances: Mapping[str, str] = field(default_factory=dict)

    def manifests(self, records: Iterable[Record]) -> list[Manifest]:
        """Return the manifests worth parsing: those with a placeholder, a record, or an object that something reads."""
        records = list(records)
        return _at_its_edge(worth_parsing(self.unparsed(records), records))

    def unparsed(self, records: Iterable[Record]) -> list[Manifest]:
        """Return every manifest of the tree; none is parsed."""
        every = {**self.files, **self.created}
        keyed: dict[str, set[tuple[str, Path]]] = {}
        for record in records:
            if resources.is_key(record.path):
                keyed.setdefault(record.file, set()).add((record.document, record.path))
        read = (
            resources.read(path, every[path], self.instances, frozenset(keyed.get(path, ())))
            for path in sorted(every)
            if resources.is_read(path)
        )
        return [manifest for manifest in read if manifest]


def worth_parsing(tree: Iterable[Manifest], records: Iterable[Record]) -> Iterator[Manifest]:
    """Yield the manifests of *tree* with a placeholder, one of the *records*, or an object that something reads."""
    recorded = {record.file for record in records}
    return (each for each in tree if each.path in recorded or each.is_text or _is_wanted(each))


def tree(files: Mapping[str, bytes], bundled: Mapping[str, bytes], scope: Scope, is_ours: bool) -> Tree:
    """Return the tree of *files* with those of the *bundled* one that it needs: all where it is empty.

    *is_ours*: the tree was made from the bundled one, so that the files of a component switched on later are added.
    """
    created = {}
    for path, data in bundled.items():
        parts = [part.name for part in catalogue.COMPONENTS if path.startswith(part.files)]
        is_due = not files or (parts and (is_ours or parts[0] in catalogue.ADDED_TO_ANY_TREE))
        if is_due and path not in files and not any(map(scope.is_off, parts)):
            created[path] = data
    if not files:
        created |= _listing(created, scope)
    ours = frozenset(path for path, data in bundled.items() if files.get(path) == data)
    return Tree(files, created, ours, not files, scope.answers.instances)


def _listing(created: Mapping[str, bytes], scope: Scope) -> dict[str, bytes]:
    """Return the kustomizations among the files *created* as they list just those of them that are in use."""
    every = [each for path, data in created.items() if (each := resources.read(path, data))]
    arrangements = _kept_lists(every, every, scope)
    edits = {each.resource.manifest: [each.change.edit] for each in arrangements}
    return {each.path: rewritten(each, {each.root: own}).data for each, own in edits.items()}


def _kept_lists(among: Iterable[Manifest], every: Iterable[Manifest], scope: Scope) -> list[Arrangement]:
    """Return what puts the kustomizations in step that are kept here; if there is one, *every* manifest is parsed."""
    kept = [each for each in kustomizations.of(among) if kustomizations.is_kept(each)]
    applied = {path for path, why in rollout.reasons(every, scope).items() if not why} if kept else set[str]()
    return kustomizations.arrange(kept, applied)


# Prose and scripts are never changed, and name placeholders as a matter of course.
_PROSE = (".md", ".rst", ".txt", ".adoc", ".tpl", ".sh", ".bash", ".py", ".js", ".ts", ".go", ".html", ".css", ".svg")
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # byte order marks (Unicode 16.0, section 23.8)


def unread(tree: Tree) -> list[Refusal]:
    """Return the first placeholder in each file that nothing here reads, and why: its format, or its encoding."""
    found = []
    for path, data in sorted(tree.files.items()):
        name = path.rpartition("/")[2]
        if path.endswith(_PROSE) or "." not in name:
            continue
        if resources.is_read(path):
            found += _undecoded(path, data)
        elif placeholders.may_hold(data) and (manifest := resources.read(path, data)):
            first = next(placeholders.find(manifest.text), None)
            why = f"{path.rpartition('.')[2].upper()} is no format that is edited here"
            found += [Refusal(first.token, manifest.position(first.start), why)] if first else []
    return found


def spoken_of(tree: Tree) -> list[str]:
    """Return the texts for people and the scripts of *tree* that name a placeholder: they are never changed."""
    every = ((path, data) for path, data in sorted(tree.files.items()) if path.endswith(_PROSE))
    texts = ((path, resources.read(path, data)) for path, data in every if placeholders.may_hold(data))
    return [
        path for path, text in texts if text and any(each.family == "token" for each in placeholders.find(text.text))
    ]


def _undecoded(path: str, data: bytes) -> list[Refusal]:
    """Return the refusal of a manifest that is not UTF-8; '' stands for a placeholder that nobody could look for."""
    if resources.read(path, data) is not None and b"\0" not in data:
        return []
    encoding = _MARKS.get(data[:2], "")
    try:
        text = data.decode(encoding or "latin-1")
    except UnicodeDecodeError:
        text = ""
    first = next(placeholders.find(text), None)
    line, column = line_and_column(text, first.start) if first else (1, 1)
    what = encoding.upper() if encoding else "no UTF-8"
    return [Refusal(first.token if first else "", f"{path}:{line}:{column}", f"the file is {what}; write it as UTF-8")]


def unparsed(before: Iterable[Manifest], records: Iterable[Record], *, skip: bool) -> tuple[list[Problem], int]:
    """Return a note for each document that does not parse, and how many of them hold a site.

    RefusedError where one does, unless they are to be skipped (*skip*).
    """
    recorded = {record.file for record in records}
    notes: list[Problem] = []
    refused: list[Problem] = []
    skipped = 0
    for manifest in before:
        for part in manifest.broken:
            holds = manifest.path in recorded or any(placeholders.find(manifest.text[part.start : part.end]))
            where = f"{manifest.path}:{part.line}:{part.column}"
            problem = Problem(
                f"This document is not valid YAML: {part.reason}.",
                where,
                "Mend it, or leave it out of this run with --skip-unparseable." if holds else "Mend it.",
            )
            (refused if holds and not skip else notes).append(problem)
            skipped += holds
    if refused:
        raise RefusedError(*refused)
    return notes, skipped


def withdrawn(
    standing: list[Manifest], scope: Scope, expected: Mapping[str, frozenset[str]]
) -> tuple[list[Manifest], list[Record]]:
    """Return the manifests with what is switched off or wanted no more put back, and the records of that.

    *expected*: the texts that each value may have had.
    """
    live = [record for record in scope.records if record.kind != "off"]
    off = originals.of_parts(live, scope.is_off)
    over = originals.of_changes(live, lambda record: clauses.is_over(record, scope.setting))
    off += [record for record in over if record not in off]
    texts = originals.blank(standing, off, expected).texts if off else {}
    made = []
    for manifest in standing:
        text = texts.get(manifest.path, manifest.text)
        if text == manifest.text:
            made.append(manifest)
        elif text is not None:
            made.append(manifest.with_text(text))
    return made, off


def arranged(
    before: list[Manifest], scope: Scope, every: Iterable[Manifest], old_keys: Iterable[OldKey] = ()
) -> tuple[list[Manifest], list[Record]]:
    """Return the manifests with the structure of every clause and all *old_keys*, and how that is taken back.

    *every*: all manifests that the tree is to have; none is parsed unless a kustomization is to list them.
    """
    before, new = _with_allow_lists(before, scope)
    made = [
        arrangement for resource in _in_use(before, scope) for arrangement in clauses.arrange(resource, scope.setting)
    ]
    if not scope.is_off("smtp"):
        home = mail.home_of(resource for manifest in before for resource in manifest.resources)
        made += mail.arrange(home, scope.setting) if home else []
    made += oldkeys.arrange(_in_use(before, scope), old_keys)
    made += _kept_lists(before, every, scope)
    after, added = _made(before, made, scope)
    return after, [*new, *added]


def with_old_keys(
    before: list[Manifest], scope: Scope, old_keys: Iterable[OldKey]
) -> tuple[list[Manifest], list[Record]]:
    """Return the manifests with all *old_keys* in their homeserver configurations, and how that is taken back."""
    return _made(before, oldkeys.arrange(_in_use(before, scope), old_keys), scope)


def _made(before: list[Manifest], made: Iterable[Arrangement], scope: Scope) -> tuple[list[Manifest], list[Record]]:
    new = list[Record]()
    by_manifest: dict[str, dict[View, list[Edit]]] = {}
    for each in made:
        view = each.leaf.view if each.leaf else each.resource.manifest.root
        by_manifest.setdefault(each.resource.manifest.path, {}).setdefault(view, []).append(each.change.edit)
        new += [originals.record_of_change(each.resource, undo, scope.records) for undo in each.change.undo]
    return [rewritten(manifest, by_manifest.get(manifest.path, {})) for manifest in before], new


def _with_allow_lists(before: list[Manifest], scope: Scope) -> tuple[list[Manifest], list[Record]]:
    """Return the manifests with the Middlewares that LI's routers lack, and the records of those."""
    homes = access.wiring(_in_use(before, scope)).homes
    edits = {home: access.appended(home, namespaces) for home, namespaces in homes.items()}
    after = [rewritten(each, {each.root: [edit]} if (edit := edits.get(each)) else {}) for each in before]
    new = [
        originals.record_of_document(resource)
        for manifest, old in zip(after, before, strict=True)
        for resource in manifest.resources[len(old.resources) :]
    ]
    return (_at_its_edge(after), new) if new else (before, [])


def _at_its_edge(tree: Iterable[Manifest]) -> list[Manifest]:
    tree = list(tree)
    edge = access.edge(resource for manifest in tree for resource in manifest.resources)
    return [manifest.at_edge(lambda: edge) for manifest in tree]


def _in_use(tree: Iterable[Manifest], scope: Scope) -> list[Resource]:
    """Return the objects of *tree* but for those of components that are switched off.

    No structure is written into Go templates: their objects are left out, too.
    """
    every = (resource for manifest in tree for resource in manifest.resources if not manifest.actions)
    return [each for each in every if not _is_off(each, scope)]


def _is_off(resource: Resource, scope: Scope) -> bool:
    return any(map(scope.is_off, catalogue.parts_of(resource.manifest.path, resource.name)))


def unguarded(tree: Iterable[Manifest], scope: Scope) -> dict[Resource, str]:
    """Return the objects that lead to LI hosts and for which no allow-list can be written, each with the reason."""
    every = [each for manifest in tree for each in manifest.some(access.WAYS) if not _is_off(each, scope)]
    used = [each for each in every if not each.manifest.actions]
    hopeless = {resource: why for resource in used if (why := access.obstacle(resource))}
    rendered = (each for each in every if each.manifest.actions and access.is_open(each))
    hopeless |= dict.fromkeys(rendered, "it stands in a Go template, into which no allow-list is written.")
    return hopeless | dict(access.wiring(each for each in used if each not in hopeless).stuck)


def listed(tree: Iterable[Manifest], scope: Scope) -> list[Site]:
    """Return the items of the lists that clauses write as a whole, as sites: that is how they are shown."""
    return [
        Site(value, resource.manifest, leaf, 0, len(leaf.text), "clause")
        for manifest in tree
        for resource in manifest.resources
        for value, node in clauses.lists(resource, scope.setting).items()
        for leaf in resource.leaves.values()
        if node.start <= leaf.scalar.start and leaf.scalar.end <= node.end
    ]


def rewritten(manifest: Manifest, edits: Mapping[View, Sequence[Edit]]) -> Manifest:
    """Return *manifest* with *edits* made, itself where there are none."""
    if not any(edits.values()):
        return manifest
    try:
        done = lenses.render_whole(edits, manifest.root)
    except lenses.CannotHold as error:
        what = f"An edit of this file cannot be written where it belongs: {error.reason}."
        raise RefusedError(Problem(what, manifest.path, "Write the text there in a literal block (|).")) from None
    return manifest.with_text(lenses.apply(manifest.text, done), tuple(done))


def questions(manifests: Iterable[Manifest]) -> set[str]:
    """Return the keys of the answers that the clauses of *manifests* can use, in whatever state they are."""
    every = [resource for manifest in manifests for resource in manifest.resources]
    wanted = {clause.value for resource in every for clause in clauses.of(resource) if clause.value}
    if access.wiring(every).homes:
        wanted.add("li-allowed-cidrs")
    if mail.home_of(every):
        wanted |= {option.value for option in mail.OPTIONS}
    asked = values.questions(wanted)
    return asked | {"tls.certificate", "tls.private_key"} if "tls.mode" in asked else asked


def issuers(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return the name of the tree's own issuer for each ``tls.mode`` (FACTS 6)."""
    found: dict[str, str] = {}
    for resource in (each for manifest in manifests for each in manifest.resources if each.kind == "ClusterIssuer"):
        address = resource.text("spec", "acme", "server")
        mode = "letsencrypt-staging" if "staging" in address else "letsencrypt" if address else "selfsigned"
        is_first = mode not in found
        if is_first or resource.name == ISSUERS[mode]:
            found[mode] = resource.name
    return found


def li(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return the objects that belong to the LI instance, with what says so: "answers", "label", "name", …"""
    every = (resource for manifest in manifests for resource in manifest.resources if resource.kind)
    return {resource.ref: resource.assignment[1] for resource in every if resource.instance == "li"}


def hosts(manifests: Iterable[Manifest]) -> list[str]:
    """Return the host names of all Ingresses that are filled in; those of components that are off are not."""
    ingresses = (each for manifest in manifests for each in manifest.resources if each.kind == "Ingress")
    names = {host for ingress in ingresses for host in ingress.hosts}
    return sorted(name for name in names if not any(placeholders.find(name)))


_ALSO_READ = frozenset({"Secret", "ConfigMap", "List", "ClusterIssuer", "Issuer", "IngressClass", "NetworkPolicy"})
_WANTED_KINDS = "|".join(sorted(_ALSO_READ | access.ROUTES | clauses.KINDS))
_WANTED = re.compile(rf"""kind["']?\s*:\s*["']?(?:{_WANTED_KINDS})""".encode())


def _is_wanted(manifest: Manifest) -> bool:
    data = manifest.data
    is_read = _WANTED.search(data) is not None or kustomizations.MARK in data
    return is_read or manifest.is_hinted or weak.may_hold(data)
