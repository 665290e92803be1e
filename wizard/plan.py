"""The plan: everything that a command would change, as data. The dry run is the write, stopped before the commit.

Pure: files, answers and vault in; new bytes, changes and the vault's next state out. Nothing here is shown or written,
and every text that could be a secret is masked in what is meant to be shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from wizard import catalogue, clauses, diff, filling, keys, lenses, originals, placeholders, resources, sites, values
from wizard.answers import Answers
from wizard.errors import Problem, RefusedError, UsageError
from wizard.filling import Consent, Fill
from wizard.lenses import Edit, View
from wizard.manifests import Scalar
from wizard.proof import prove
from wizard.resources import Manifest
from wizard.secret import MASK
from wizard.sites import Found, Scope, Site, Unknown
from wizard.values import ISSUERS, InTree, Value
from wizard.vault import Record, Vault, keep


@dataclass(frozen=True)
class Change:
    """One site that gets another text: where, which value, both texts as they may be shown, and why."""

    value: str
    position: str
    place: str
    before: str
    after: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What a command would do to a tree and its vault.

    ``before`` and ``after`` are bytes by file, None where there is no such file. ``diff`` is a unified diff with every
    secret masked. ``private`` names the files that receive a secret. ``notes`` are remarks that stop nothing.
    """

    verb: str
    changes: tuple[Change, ...]
    before: Mapping[str, bytes | None] = field(repr=False)
    after: Mapping[str, bytes | None] = field(repr=False)
    vault: Vault = field(repr=False)
    diff: str = ""
    private: frozenset[str] = frozenset()
    notes: tuple[Problem, ...] = ()
    made: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    from_bundle: bool = False
    skipped: int = 0  # documents left out because they are not valid YAML

    @property
    def is_empty(self) -> bool:
        """Whether no byte of the tree would change."""
        return all(self.before.get(path) == data for path, data in self.after.items())


@dataclass(frozen=True)
class Tree:
    """What a plan is made from: the files of the tree, and those that come from the bundled tree and are new.

    ``ours``: files of the tree that are the bundled tree's own, byte for byte; their places need no further consent.
    """

    files: Mapping[str, bytes] = field(repr=False)
    created: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    ours: frozenset[str] = frozenset()
    from_bundle: bool = False

    def manifests(self, records: Iterable[Record]) -> list[Manifest]:
        """Return the manifests worth parsing: those with a placeholder, a record, or an object that something reads."""
        every, recorded = {**self.files, **self.created}, {record.file for record in records}
        wanted = [path for path in sorted(every) if path.endswith(resources.SUFFIXES)]
        read = (resources.read(path, every[path]) for path in wanted if path in recorded or _is_wanted(every[path]))
        return [manifest for manifest in read if manifest]


def fill(tree: Tree, answers: Answers, vault: Vault, consent: Consent, made: str) -> Plan:
    """Return setup's plan: every site and clause of *tree* as *answers* and *vault* want it.

    *made* is the time of new generations (ISO 8601, UTC). UsageError where an answer or a decision is missing,
    RefusedError where the tree as it stands cannot be filled; both name every cause at once.
    """
    standing = tree.manifests(vault.records)
    consent = replace(consent, files=tree.ours | tree.created.keys())
    unparsed = _unparsed(standing, vault.records, consent)
    before, off = _withdrawn(standing, answers, vault)
    vault = replace(vault, records=tuple(record for record in vault.records if record not in off))
    arranged, structure = _arranged(before, answers, vault.records)
    found = sites.find(arranged, Scope(answers, vault.records))
    known, former = _resolved(arranged, found, answers, vault, consent)
    fills = filling.fills(found, known, vault, former, consent)
    edits = {manifest: filling.edits(manifest, fills) for manifest in arranged}
    after = [_rewritten(manifest, edits[manifest]) for manifest in arranged]
    for manifest, new in zip(arranged, after, strict=True):
        if new is not manifest:
            prove(manifest, new, edits[manifest], found.sites)
    _refuse_certificate(answers, known, after, made)
    records = _records(before, after, found, structure, vault)
    if not tree.from_bundle:
        records += tuple(Record("", path, "", (), "", kind="created") for path in tree.created)
    needed = values.questions(site.value for site in found.sites) | _questions_of_clauses(arranged)
    return Plan(
        "setup",
        (*_changes(fills, known, structure), *(_switched_off(record) for record in off)),
        {**{manifest.path: manifest.data for manifest in standing}, **dict.fromkeys(tree.created)},
        {
            **tree.created,
            **{record.file: None for record in off if record.kind == "created"},
            **{manifest.path: manifest.data for manifest in after},
        },
        replace(
            _next_vault(vault, known, records, made),
            answers=answers.to_json(),
            left_out=tuple(sorted(found.left_out)),
            from_bundle=vault.from_bundle or tree.from_bundle,
        ),
        diff=_diff(standing, after, Scope(answers, vault.records), Scope(answers, records), _renewed(known, vault)),
        private=frozenset(fill.site.manifest.path for fill in fills if filling.is_kept(fill.site.value)),
        notes=(*unparsed, *map(_not_found, found.lost), *_in_plain_sight(found), *answers.notes(needed)),
        made=tuple(sorted(name for name, value in known.items() if value.why == "made")),
        left_out=found.left_out,
        from_bundle=tree.from_bundle,
        skipped=len(unparsed) if consent.skip_unparseable else 0,
    )


def needs(tree: Tree, answers: Answers, vault: Vault) -> tuple[frozenset[str], tuple[Unknown, ...]]:
    """Return the keys of every answer that *tree* can use, optional ones too, and the placeholders left to decide.

    The tree decides the questions (DESIGN, law 12): nothing is asked that no site, clause or document needs.
    """
    manifests = tree.manifests(vault.records)
    every = Scope(answers, vault.records, frozenset())
    names = {site.value for site in sites.find(manifests, every).sites if site.value}
    asked = values.questions(names) | _questions_of_clauses(manifests)
    return frozenset(asked), sites.find(manifests, Scope(answers, vault.records)).unknown


def take_back(tree: Tree, vault: Vault) -> Plan:
    """Return blank's plan: every site back at its original text, and what was added taken out again."""
    before = {manifest.path: manifest for manifest in tree.manifests(vault.records)}
    blanked = originals.blank(before.values(), vault.records, _texts(vault))
    after = {path: before[path].encode(text) if text is not None else None for path, text in blanked.texts.items()}
    found = sites.find(before.values(), Scope(Answers.from_json(vault.answers), vault.records)).sites
    changes = tuple(
        Change(site.value, site.position, site.place, _shown(site), site.record.original, "blank")
        for site in found
        if site.record and site.text != site.record.original
    )
    notes = tuple(map(_not_found, blanked.lost))
    return Plan("blank", changes, {path: before[path].data for path in after}, after, vault, notes=notes)


def _questions_of_clauses(manifests: Iterable[Manifest]) -> set[str]:
    """Return the keys of the answers that the clauses of *manifests* can use, in whatever state they are."""
    every = [resource for manifest in manifests for resource in manifest.resources]
    wanted = {clause.value for resource in every for clause in clauses.of(resource) if clause.value}
    if clauses.mail_home(every):
        wanted |= {option.value for option in clauses.MAIL}
    asked = values.questions(wanted)
    return asked | {"tls.certificate", "tls.private_key"} if "tls.mode" in asked else asked


_WANTED_KINDS = "|".join(sorted({"Secret", "ConfigMap", "List", "ClusterIssuer", "Issuer"} | clauses.KINDS))
_WANTED = re.compile(rf"""kind["']?\s*:\s*["']?(?:{_WANTED_KINDS})""".encode())


def _is_wanted(data: bytes) -> bool:
    return placeholders.may_hold(data) or _WANTED.search(data) is not None


def _unparsed(before: Iterable[Manifest], records: Iterable[Record], consent: Consent) -> list[Problem]:
    """Return a note for each document that does not parse; RefusedError where one holds a site (unless skipped)."""
    recorded = {record.file for record in records}
    notes: list[Problem] = []
    refused: list[Problem] = []
    for manifest in before:
        for part in manifest.broken:
            holds = manifest.path in recorded or any(placeholders.find(manifest.text[part.start : part.end]))
            where = f"{manifest.path}:{part.line}:{part.column}"
            problem = Problem(
                f"This document is not valid YAML: {part.reason}.",
                where,
                "Mend it, or leave it out of this run with --skip-unparseable." if holds else "Mend it.",
            )
            (refused if holds and not consent.skip_unparseable else notes).append(problem)
    if refused:
        raise RefusedError(*refused)
    return notes


def _withdrawn(standing: list[Manifest], answers: Answers, vault: Vault) -> tuple[list[Manifest], list[Record]]:
    """Return the manifests with what belongs to components switched off since put back, and the records of that."""
    off = originals.of_parts(vault.records, Scope(answers).is_off)
    texts = originals.blank(standing, off, _texts(vault)).texts if off else {}
    made = []
    for manifest in standing:
        text = texts.get(manifest.path, manifest.text)
        if text == manifest.text:
            made.append(manifest)
        elif text is not None:
            made.append(Manifest(manifest.path, manifest.encode(text), text, manifest.bom))
    return made, off


def _arranged(
    before: list[Manifest], answers: Answers, records: tuple[Record, ...]
) -> tuple[list[Manifest], list[Record]]:
    """Return the manifests with the structure of every clause, and how that is taken back."""
    scope = Scope(answers, records)
    made = [
        arrangement
        for manifest in before
        for resource in manifest.resources
        if not any(map(scope.is_off, catalogue.parts_of(manifest.path, resource.name)))
        for arrangement in clauses.arrange(resource, scope.setting)
    ]
    if answers.uses("smtp"):
        home = clauses.mail_home(resource for manifest in before for resource in manifest.resources)
        made += clauses.arrange_mail(home, scope.setting) if home else []
    by_manifest: dict[str, dict[View, list[Edit]]] = {}
    new = []
    for each in made:
        view = each.leaf.view if each.leaf else each.resource.manifest.root
        by_manifest.setdefault(each.resource.manifest.path, {}).setdefault(view, []).append(each.change.edit)
        new += [originals.record_of_change(each.resource, undo, records) for undo in each.change.undo]
    return [_rewritten(manifest, by_manifest.get(manifest.path, {})) for manifest in before], new


def _rewritten(manifest: Manifest, edits: Mapping[View, Sequence[Edit]]) -> Manifest:
    if not any(edits.values()):
        return manifest
    text = lenses.apply(manifest.text, lenses.render(edits))
    return Manifest(manifest.path, manifest.encode(text), text, manifest.bom)


def _resolved(
    arranged: list[Manifest], found: Found, answers: Answers, vault: Vault, consent: Consent
) -> tuple[dict[str, Value], dict[str, str]]:
    """Return the values that the sites need, and the texts that the answers of the last run gave."""
    names = {site.value for site in found.sites if site.value}
    problems = [*map(_undecided, found.unknown), *answers.problems(values.questions(names))]
    if problems:
        raise UsageError(*problems, paste=_stanza(found.unknown, answers))
    issuers = _issuers(arranged)
    before = values.answered(names, Answers.from_json(vault.answers), InTree({}, issuers)) if vault.answers else {}
    former = {name: value.plain for name, value in before.items()}
    taken = filling.in_tree(found, vault, former, consent)
    known = values.resolve(names, answers, vault.values, InTree(taken.texts, issuers))
    unanswered = {site.value: site for site in found.sites if site.token and site.value and site.value not in known}
    if unanswered:
        raise UsageError(*(_unanswered(site) for site in unanswered.values()))
    return known, former


def _refuse_certificate(answers: Answers, known: Mapping[str, Value], after: Iterable[Manifest], made: str) -> None:
    """Raise UsageError unless a key given now fits its certificate, and that every host of the tree's ingresses."""
    if "tls-private-key" not in known or "tls.private_key" not in answers.secrets():
        return
    ingresses = (each for manifest in after for each in manifest.resources if each.kind == "Ingress")
    names = sorted({host for ingress in ingresses for host in clauses.hosts(ingress)})
    try:
        keys.tls_pair(answers["tls.certificate"], known["tls-private-key"].plain, names, datetime.fromisoformat(made))
    except ValueError as error:
        where = answers.given["tls.certificate"].where
        raise UsageError(Problem(str(error), where, "Give the certificate for these hosts and its own key.")) from None


def _issuers(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return the name of the tree's own issuer for each ``tls.mode`` (FACTS 6)."""
    found: dict[str, str] = {}
    for resource in (each for manifest in manifests for each in manifest.resources if each.kind == "ClusterIssuer"):
        server = resource.get("spec", "acme", "server")
        address = server.value if isinstance(server, Scalar) else ""
        mode = "letsencrypt-staging" if "staging" in address else "letsencrypt" if address else "selfsigned"
        is_first = mode not in found
        if is_first or resource.name == ISSUERS[mode]:
            found[mode] = resource.name
    return found


def _undecided(unknown: Unknown) -> Problem:
    what = f"The placeholder {unknown.token} is in no catalogue, and what it stands for is not guessed."
    return Problem(
        what, unknown.position, f"Decide it under placeholders: in the answers file; it stands at {unknown.place}"
    )


def _stanza(unknown: Iterable[Unknown], answers: Answers) -> str:
    """Return the ``placeholders:`` section that would decide *unknown*: by token if it names a role, else by place."""
    lines = {}
    for each in unknown:
        key = each.token if each.role else f"{each.token} @ {each.place}"
        base = answers["domains.base"]
        name = f"{each.role}.{base}" if each.family == "host" and base else ""
        lines[json.dumps(key, ensure_ascii=False)] = f"{{value: {name}}}" if name else "{generate: password}"
    return "\n".join(["placeholders:", *(f"  {key}: {decision}" for key, decision in lines.items())]) if lines else ""


def _unanswered(site: Site) -> Problem:
    row = catalogue.BY_NAME.get(site.value)
    key = row.answer if row else ""
    next_step = f"Write {key} into the answers file, or give --set {key}=…" if key else "Name another value for it."
    return Problem(f"The tree needs {site.value} here, and there is no answer for it.", site.position, next_step)


def _not_found(record: Record) -> Problem:
    what = f"{record.value or 'A clause'} was written here and its place is gone; nothing was guessed."
    return Problem(what, f"{record.file}: {record.document} {'.'.join(record.path)}")


def _in_plain_sight(found: Found) -> list[Problem]:
    """Return a note for each secret that a ConfigMap shows to everybody who may read ConfigMaps (DESIGN, law 13)."""
    shown = {
        (site.value, site.document): site
        for site in found.sites
        if site.leaf and site.leaf.resource.kind == "ConfigMap" and filling.is_kept(site.value)
    }
    what = "{} stands in plain text in a ConfigMap here; a Secret would be its place."
    return [Problem(what.format(name), site.position) for (name, _), site in shown.items() if name]


def _changes(fills: Iterable[Fill], known: Mapping[str, Value], structure: Iterable[Record]) -> tuple[Change, ...]:
    made = []
    for fill in fills:
        site = fill.site
        if site.text != fill.new:
            after = MASK if _is_hidden(site) else fill.new
            why = known[site.value].why if site.value in known else "comment"
            made.append(Change(site.value, site.position, site.place, _shown(site), after, why))
    for record in structure:
        what = "commented out" if record.kind == "commented" else "changed" if record.original else "added"
        place = f"{record.document}:{'.'.join(record.path)}"
        made.append(Change("", record.file, place, "", record.path[-1] if record.path else "", what))
    return tuple(made)


def _switched_off(record: Record) -> Change:
    place = f"{record.document}:{'.'.join(record.path)}"
    return Change(record.value, record.file, place, "", record.original, "switched off")


def _is_hidden(site: Site) -> bool:
    return filling.is_masked(site.value) and site.how != "comment"


def _shown(site: Site) -> str:
    """Return what stands in *site* as it may be shown."""
    return MASK if _is_hidden(site) and not site.token else site.text


def _records(
    before: list[Manifest], after: list[Manifest], found: Found, structure: list[Record], vault: Vault
) -> tuple[Record, ...]:
    """Return the records of the filled tree, and prove that they lead back to the tree as it was."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Site]] = {}
    for site in found.sites:
        groups.setdefault((site.manifest.path, site.document, site.path), []).append(site)
    fresh = [originals.record_of(site, group) for group in groups.values() for site in group]
    carried = [record for record in vault.records if record.kind not in ("site", "comment", "kept")]
    by_key = {originals.key(record): record for record in [*found.lost, *carried, *fresh, *structure, *found.kept]}
    records = list(by_key.values())
    was = {manifest.path: manifest for manifest in before}
    start = originals.blank(before, vault.records, {}).texts if vault.records else {}
    for manifest in after:
        baseline = resources.read(
            manifest.path, was[manifest.path].encode(start.get(manifest.path) or was[manifest.path].text)
        )
        blanked = _blanked(manifest, records)
        if baseline and blanked.text != baseline.text:
            records += originals.sources(baseline, blanked, records)
            if _blanked(manifest, records).text != baseline.text:
                raise RefusedError(
                    Problem("This file could not be put back to the byte, so it is not written.", manifest.path)
                )
    return tuple(sorted(records, key=lambda record: repr(originals.key(record))))


def _blanked(manifest: Manifest, records: list[Record]) -> Manifest:
    own = [record for record in records if record.file == manifest.path and record.kind != "created"]
    text = originals.blank([manifest], own, {}).texts.get(manifest.path)
    return Manifest(manifest.path, b"", manifest.text if text is None else text, manifest.bom)


def _next_vault(vault: Vault, known: Mapping[str, Value], records: tuple[Record, ...], made: str) -> Vault:
    for name, value in known.items():
        if filling.is_kept(name) and value.why != "kept":
            vault = keep(vault, name, values.generation(value, values.inputs_of(name, known), made))
    return replace(vault, records=records)


def _texts(vault: Vault) -> dict[str, frozenset[str]]:
    return {
        name: frozenset(generation.text.reveal() for generation in kept.generations)
        for name, kept in vault.values.items()
    }


def _renewed(known: Mapping[str, Value], vault: Vault) -> frozenset[str]:
    return frozenset(name for name, value in known.items() if name in vault.values and value.why != "kept")


def _diff(before: list[Manifest], after: list[Manifest], was: Scope, now: Scope, renewed: frozenset[str]) -> str:
    new_by_path = {manifest.path: manifest for manifest in after}
    both = [(old, new_by_path[old.path]) for old in before if old.path in new_by_path]
    pairs = [(old, new) for old, new in both if old.text != new.text]
    old_sites = sites.find((old for old, _ in pairs), was).sites
    new_sites = sites.find((new for _, new in pairs), now).sites

    def hidden(site: Site) -> str | None:
        return MASK if _is_hidden(site) and not site.token else None

    def shown(site: Site) -> str | None:
        return diff.CHANGED if site.value in renewed and hidden(site) else hidden(site)

    return "".join(
        diff.unified(old.path, diff.masked(old, old_sites, hidden), diff.masked(new, new_sites, shown))
        for old, new in pairs
    )
