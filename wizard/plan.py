"""The plan: everything that a command would change, as data. The dry run is the write, stopped before the commit.

Pure: files, answers and vault in; new bytes, changes and the vault's next state out. Nothing here is shown or written,
and every text that could be a secret is masked in what is meant to be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial

from wizard import catalogue, diff, filling, oldkeys, originals, overlap, search, structure, union, values, weak
from wizard import vault as vaults
from wizard.answers import Answers
from wizard.catalogue import Kind
from wizard.errors import Problem, RefusedError, UsageError
from wizard.filling import Consent, Fill, Settled
from wizard.proof import prove
from wizard.resources import Manifest
from wizard.secret import MASK
from wizard.sites import Found, Refusal, Scope, Site, Unknown
from wizard.structure import Tree
from wizard.values import Value
from wizard.vault import Generation, Recipient, Record, Vault, bare, joined, keep
from wizard.weak import Weak

_RECIPIENTS = "vault.recipients"
# Answers that count whatever the tree needs: the vault's own, and what leaves files out.
_COUNT_ANYWHERE = {_RECIPIENTS, "lawful_intercept.instance"}


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

    ``before`` and ``after`` are bytes by file, None where there is no such file. ``private`` names the files that
    receive a secret. ``notes`` are remarks that stop nothing, ``unneeded`` those on answers that the tree does not use.
    ``draw`` makes the diff.
    """

    verb: str
    changes: tuple[Change, ...]
    before: Mapping[str, bytes | None] = field(repr=False)
    after: Mapping[str, bytes | None] = field(repr=False)
    vault: Vault = field(repr=False)
    draw: Callable[[], str] = field(default=str, repr=False, compare=False)
    private: frozenset[str] = frozenset()
    notes: tuple[Problem, ...] = ()
    unneeded: tuple[Problem, ...] = ()
    made: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    from_bundle: bool = False
    skipped: int = 0  # documents left out because they are not valid YAML
    refused: tuple[Refusal, ...] = ()  # placeholders that are left, with the reason
    li: Mapping[str, str] = field(default_factory=dict)  # the objects of the LI instance, and what says so
    exposed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # secrets in files that git tracks, by file
    settled: tuple[Settled, ...] = ()  # what becomes of texts edited by hand
    exposed_as: tuple[str, ...] = ()  # these files as they are named from where the operator stands
    lost: tuple[Problem, ...] = ()  # what was edited by hand, and is in no vault once the plan is carried out

    @cached_property
    def diff(self) -> str:
        """A unified diff with every secret masked, drawn when it is asked for: a plan carried out shows none."""
        return self.draw()

    @cached_property
    def changed(self) -> dict[str, bytes | None]:
        """The new bytes of every file that changes, None for one that goes."""
        return {path: data for path, data in self.after.items() if self.before.get(path) != data}

    @property
    def is_empty(self) -> bool:
        """Whether no byte of the tree would change."""
        return not self.changed


def fill(tree: Tree, answers: Answers, vault: Vault, consent: Consent, made: str) -> Plan:
    """Return setup's plan: every site and clause of *tree* as *answers* and *vault* want it.

    *made* is the time of new generations (ISO 8601, UTC). UsageError where an answer or a decision is missing,
    RefusedError where the tree as it stands cannot be filled; both name every cause at once.
    """
    if contested := union.undecided(vault):
        raise RefusedError(*contested)
    standing, vault = followed(tree, vault)
    consent = replace(consent, files=tree.ours | tree.created.keys())
    unparsed, skipped = structure.unparsed(standing, vault.records, skip=consent.skip_unparseable)
    before, off = structure.withdrawn(standing, Scope(answers, vault.records), vaults.texts(vault))
    # Where a value stood before its component was switched off, it may stand again.
    dormant = [replace(record, kind="off") for record in off if record.kind == "site" and record.value]
    vault = replace(vault, records=(*(record for record in vault.records if record not in off), *dormant))
    consent = replace(consent, known=frozenset(each for each in vault.records if each.kind == "off"))
    gone = {record.file for record in off if record.kind == "created"}
    every = (each for each in tree.unparsed(vault.records) if each.path not in gone)
    arranged, added = structure.arranged(before, Scope(answers, vault.records), every, oldkeys.of(vault))
    held = overlap.arranged(arranged, vault)
    arranged, scope = held.manifests, Scope(answers, held.records(vault.records))
    consent = replace(consent, enabled=frozenset((record.document, record.path) for record in added))
    found = originals.without_covered(search.find(arranged, scope), [*scope.records, *added])
    resolved = filling.resolve(found, answers, vault, consent, structure.issuers(arranged))
    known, former = resolved.values, resolved.former
    fills = filling.fills(found, resolved, answers, vault, consent)
    after = filled(arranged, fills)
    filling.refuse_certificate(answers, known, structure.hosts(after), datetime.fromisoformat(made))
    new = fresh(found, vault, consent)
    records = recorded(before, after, [*new, *added, *found.kept], found.lost, vault)
    if not tree.from_bundle:
        records += tuple(originals.record_of_file(path, data) for path, data in tree.created.items())
    records = tuple(sorted(records, key=order))
    needed = values.questions(site.value for site in found.sites) | structure.questions(arranged) | _COUNT_ANYWHERE
    return Plan(
        "setup",
        (*changes(fills, known, added), *(_switched_off(record) for record in off)),
        {**{manifest.path: manifest.data for manifest in standing}, **dict.fromkeys(tree.created)},
        {
            **tree.created,
            **{record.file: None for record in off if record.kind == "created"},
            **{manifest.path: manifest.data for manifest in after},
        },
        replace(
            _next_vault(vault, known, records, made),
            answers=answers.to_json(),
            left_out=tuple(sorted({*found.left_out, *scope.said_off()})),
            from_bundle=vault.from_bundle or tree.from_bundle,
            recipients=_recipients(answers, vault, made),
        ),
        draw=partial(drawn, standing, after, scope, Scope(answers, records), _renewed(known, former, vault)),
        private=frozenset(
            fill.site.manifest.path for fill in fills if fill.site.value and catalogue.is_kept(fill.site.value)
        ),
        notes=(
            *unparsed,
            *map(_not_found, found.lost),
            *found.notes,
            *_spoken_of(structure.spoken_of(tree)),
            *map(_weak, weak.find(resource for manifest in arranged for resource in manifest.resources)),
            *_earlier(found, vault),
            *_open_li(after, scope),
            *_in_plain_sight(found),
        ),
        unneeded=(*answers.notes(needed), *_strange_instances(tree, arranged, answers)),
        made=tuple(sorted(name for name, value in known.items() if value.why == "made")),
        left_out=found.left_out,
        from_bundle=tree.from_bundle,
        skipped=skipped,
        refused=(*found.refused, *structure.unread(tree)),
        li=structure.li(arranged),
        settled=filling.settled(found, resolved, vault, consent),
    )


def order(record: Record) -> str:
    """Return what the vault's records are sorted by."""
    return repr(originals.key(record))


def followed(tree: Tree, vault: Vault) -> tuple[list[Manifest], Vault]:
    """Return the manifests of *tree*, and *vault* with its records where their objects and keys stand now."""
    standing = tree.manifests(vault.records)
    moved = originals.moved(vault.records, standing)
    records = originals.renumbered(moved, standing, vaults.texts(vault))
    return (standing if records == moved else tree.manifests(records)), replace(vault, records=records)


@dataclass(frozen=True)
class Needs:
    """What a tree asks for: ``keys`` of every answer that it can use, optional ones too, and the placeholders left to
    decide; how many ``secrets`` and keys are not there yet, and how many ``files`` have a site or are new."""

    keys: frozenset[str]
    unknown: tuple[Unknown, ...]
    secrets: int
    files: int


def needs(tree: Tree, answers: Answers, vault: Vault) -> Needs:
    """Return what *tree* needs to be filled in.

    The tree decides the questions (DESIGN, law 12): nothing is asked that no site, clause or document needs.
    """
    manifests = tree.manifests(vault.records)
    sites = search.find(manifests, Scope(answers, vault.records, frozenset())).sites
    names = {site.value for site in sites if site.value}
    rows = [catalogue.BY_NAME[name] for name in values.closure(names) if name in catalogue.BY_NAME]
    return Needs(
        frozenset(values.questions(names) | structure.questions(manifests)),
        undecided(manifests, answers, vault),
        sum(bool(row.make) and row.kind is not Kind.DERIVED and row.name not in vault.values for row in rows),
        len({site.manifest.path for site in sites} | tree.created.keys()),
    )


def undecided(manifests: Sequence[Manifest], answers: Answers, vault: Vault) -> tuple[Unknown, ...]:
    """Return the placeholders that no row and none of *answers* explains, in what the answers switch on."""
    return search.find(manifests, Scope(answers, vault.records)).unknown


def minted(made: Plan) -> dict[str, Generation]:
    """Return what a plan made at random, for the consent to the next plan of the same run."""
    kept = made.vault.values
    return {name: kept[name].current for name in {*made.made, *values.RANDOM} if name in kept}


def take_back(tree: Tree, vault: Vault) -> Plan:
    """Return blank's plan: every site back at its original text, and what was added taken out again."""
    standing, vault = followed(tree, vault)
    before = {manifest.path: manifest for manifest in standing}
    blanked = originals.blank(before.values(), vault.records, vaults.texts(vault))
    after = {
        path: before[path].encode(text) if text is not None else None
        for path, text in blanked.texts.items()
        if path in before
    }
    found = search.find(before.values(), Scope(Answers.from_json(vault.answers), vault.records)).sites
    taken_back = tuple(
        Change(
            site.value,
            site.position,
            site.place,
            _shown(site),
            filling.shown(site.value, site.record.original),
            "blank",
        )
        for site in found
        if site.record and site.text != site.record.original
    )
    lost = tuple(_unkept(site) for site in found if site.record and filling.is_unkept(site, vault))
    notes = tuple(map(_not_found, blanked.lost))
    return Plan("blank", taken_back, {path: before[path].data for path in after}, after, vault, notes=notes, lost=lost)


def _unkept(site: Site) -> Problem:
    what = "was edited by hand here and is not in the vault: putting the original text back loses it."
    fix = "Take it into the vault first: matrix-wizard setup --adopt\nOr lose it: matrix-wizard blank --restore"
    return Problem(f"{site.value} {what}", site.position, fix)


def _recipients(answers: Answers, vault: Vault, made: str) -> tuple[Recipient, ...]:
    """Return the vault's recipients; those of a new vault are the ones that the answers name.

    UsageError for a key that an existing vault does not open for: a new reader of every secret wants a yes that names
    it, and an answers file may have come from a repository."""
    named = answers[_RECIPIENTS] or ()
    known = set(map(bare, vault.keys))
    removed = {bare(each.key): each for each in vault.recipients if each.until and bare(each.key) not in known}
    problems = [
        Problem(
            f"vault.recipients names a key that was removed on {removed[bare(key)].until[:10]}: {key}.",
            answers.given[_RECIPIENTS].where,
            "Leave it out, or let it in again by name: matrix-wizard vault recipients add KEY",
        )
        for key in named
        if bare(key) in removed
    ]
    problems += [
        Problem(
            f"vault.recipients names a key that does not open this vault: {key}.",
            answers.given[_RECIPIENTS].where,
            f"If its holder is to read every secret: matrix-wizard vault recipients add '{key}'",
        )
        for key in named
        if known and bare(key) not in {*known, *removed}
    ]
    if problems:
        raise UsageError(*problems)
    return joined(vault, *(Recipient(key, made) for key in named)).recipients


def filled(arranged: list[Manifest], fills: list[Fill]) -> list[Manifest]:
    """Return the manifests with every site filled, each proved to read as the one before with just that changed.

    RefusedError with every place that cannot hold its text.
    """
    of_manifest: dict[Manifest, list[Fill]] = {manifest: [] for manifest in arranged}
    for fill in fills:
        of_manifest[fill.site.manifest].append(fill)
    after, problems = [], list[Problem]()
    for manifest, own in of_manifest.items():
        try:
            edits = filling.edits(manifest, own)
        except RefusedError as error:
            problems += error.problems
            continue
        new = structure.rewritten(manifest, edits)
        if new is not manifest:
            prove(manifest, new, edits, [fill.site for fill in own])
        after.append(new)
    if problems:
        raise RefusedError(*problems)
    return after


def _spoken_of(paths: list[str]) -> list[Problem]:
    listed = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    return [Problem(f"Texts and scripts that name placeholders stay as they are: {listed}.")] if paths else []


def _weak(found: Weak) -> Problem:
    what = "is empty" if found.is_empty else "is a default that everybody knows"
    return Problem(f"{found.key} {what}. It is left as it is.", found.position)


def _earlier(found: Found, vault: Vault) -> Iterable[Problem]:
    """Yield a note for each place where an earlier generation stands: which, since when it is replaced (law 6)."""
    for site in found.sites:
        kept = None if site.token else vault.values.get(site.value)
        earlier = kept and filling.generation_at(site, kept)
        if kept and earlier and earlier.id != kept.current.id:
            what = (
                f"{site.value} stands here in its earlier generation {earlier.id} of {earlier.made[:10]} "
                f"({earlier.state}); since {kept.current.made[:10]} {kept.current.id} is the current one."
            )
            yield Problem(what, site.position)


def _not_found(record: Record) -> Problem:
    what = record.value or ("A comment" if record.kind == "comment" else "A clause")
    place = " ".join(filter(None, (record.document, ".".join(record.path))))
    return Problem(f"{what} was written here ({place or 'outside all objects'}); its place is gone.", record.file)


def _open_li(after: list[Manifest], scope: Scope) -> list[Problem]:
    """Return a note for each LI host that stays open: it must never be passed over (checklist 4)."""
    found = structure.unguarded(after, scope)
    return [Problem(f"{each.ref}: {why}", each.manifest.position(each.node.start)) for each, why in found.items()]


def _strange_instances(tree: Tree, manifests: Iterable[Manifest], answers: Answers) -> Iterable[Problem]:
    """Yield a note for each name under ``instances:`` that no object, file or directory of the tree has."""
    named = {resource.ref for manifest in manifests for resource in manifest.resources} | tree.files.keys()
    for name in answers.instances:
        if name not in named and not (name.endswith("/") and any(path.startswith(name) for path in tree.files)):
            yield Problem(f"instances.{name}: nothing that is read here has this name.", answers.origin)


def _in_plain_sight(found: Found) -> list[Problem]:
    """Return a note for each secret that a ConfigMap shows to everybody who may read ConfigMaps (DESIGN, law 13)."""
    shown = {
        (site.value, site.document): site
        for site in found.sites
        if site.leaf and site.leaf.resource.kind == "ConfigMap" and catalogue.is_kept(site.value)
    }
    what = "{} stands in plain text in a ConfigMap here; a Secret would be its place."
    return [Problem(what.format(name), site.position) for (name, _), site in shown.items() if name]


def changes(fills: Iterable[Fill], known: Mapping[str, Value], added: Iterable[Record]) -> tuple[Change, ...]:
    """Return *fills* that change a text, and the structures that were *added*, as they may be shown."""
    added = list(added)
    made, fresh = [], {(record.document, record.path) for record in added if not record.original}
    for fill in fills:
        site = fill.site
        if site.text != fill.new:
            after = filling.shown(site.value, fill.new) if site.value else fill.new
            why = known[site.value].why if site.value in known else "comment"
            before = "" if (site.document, site.path) in fresh else _shown(site)
            made.append(Change(site.value, site.position, site.place, before, after, why))
    for record in added:
        is_new = not record.original or record.kind == "document"
        what = "commented out" if record.kind == "commented" else "added" if is_new else "changed"
        place = ":".join(filter(None, (record.document, ".".join(record.path))))
        made.append(Change("", record.file, place, "", record.path[-1] if record.path else record.document, what))
    return tuple(made)


def _switched_off(record: Record) -> Change:
    place = f"{record.document}:{'.'.join(record.path)}"
    after = filling.shown(record.value, record.original) if record.value else record.path[-1] if record.path else ""
    return Change(record.value, record.file, place, "", after, "switched off")


def _shown(site: Site) -> str:
    """Return what stands in *site* as it may be shown."""
    return filling.shown(site.value, site.text) if site.value else site.text


def fresh(found: Found, vault: Vault, consent: Consent) -> list[Record]:
    """Return the records of all sites, each with whose it was consented to be."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Site]] = {}
    for site in found.sites:
        groups.setdefault((site.manifest.path, site.document, site.path), []).append(site)
    return [
        replace(originals.record_of(site, group), instance=filling.instance_of(site, vault, consent))
        for group in groups.values()
        for site in group
    ]


def recorded(
    before: list[Manifest], after: list[Manifest], new: list[Record], lost: Iterable[Record], vault: Vault
) -> tuple[Record, ...]:
    """Return the records of the filled tree: the *new* ones, those that are *lost*, and what else the vault has.

    Proves that they lead back to the tree as it was."""
    here = {(record.value, record.document, record.path) for record in new}
    carried = [
        record
        for record in vault.records
        if record.kind not in ("site", "comment", "kept", "retiring")
        and not (record.kind == "off" and (record.value, record.document, record.path) in here)
    ]
    by_key = {originals.key(record): record for record in [*lost, *carried, *new]}
    records = list(by_key.values())
    was = {manifest.path: manifest for manifest in before}
    start = originals.blank(before, vault.records, {}).texts if vault.records else {}
    of_file: dict[str, list[Record]] = {}
    for record in records:
        of_file.setdefault(record.file, []).append(record)
    for manifest in after:
        text = start.get(manifest.path, was[manifest.path].text)
        if text is None:
            continue  # a file that was made here goes as a whole
        baseline = was[manifest.path].with_text(text)
        own = of_file.get(manifest.path, [])
        blanked = _blanked(manifest, own)
        if blanked.text == text:
            continue
        sources = originals.sources(baseline, blanked, own)
        records += sources
        if _blanked(manifest, own + sources).text != text:
            what = "This file could not be put back to the byte, so it is not written."
            raise RefusedError(Problem(what, manifest.path, "Please report it with the shape of the file."))
    return tuple(records)


def _blanked(manifest: Manifest, records: list[Record]) -> Manifest:
    kept = [record for record in records if record.kind != "created"]
    text = originals.blank([manifest], kept, {}).texts.get(manifest.path)
    return manifest.with_text(manifest.text if text is None else text)


def _next_vault(vault: Vault, known: Mapping[str, Value], records: tuple[Record, ...], made: str) -> Vault:
    for name, value in known.items():
        if catalogue.is_kept(name) and value.why != "kept":
            vault = keep(vault, name, values.generation(value, values.inputs_of(name, known), made))
    return replace(vault, records=records)


def _renewed(known: Mapping[str, Value], former: Mapping[str, str], vault: Vault) -> frozenset[str]:
    """Return the names whose text is another than the last run's."""
    replaced = {name for name, value in known.items() if name in vault.values and value.why != "kept"}
    return frozenset(replaced | {name for name, text in former.items() if name in known and known[name].plain != text})


def drawn(before: list[Manifest], after: list[Manifest], was: Scope, now: Scope, renewed: frozenset[str]) -> str:
    """Return the diff of two states of a tree with every secret masked; one that is *renewed* is told as changed."""
    new_by_path = {manifest.path: manifest for manifest in after}
    both = [(old, new_by_path[old.path]) for old in before if old.path in new_by_path]
    pairs = [(old, new) for old, new in both if old.text != new.text]
    old_sites = [*search.find((old for old, _ in pairs), was).sites, *structure.listed((old for old, _ in pairs), was)]
    new_sites = [*search.find((new for _, new in pairs), now).sites, *structure.listed((new for _, new in pairs), now)]

    def hidden(site: Site) -> str | None:
        stands = site.around[site.start : site.end]
        return MASK if site.value and filling.shown(site.value, stands) == MASK else None

    def shown(site: Site) -> str | None:
        is_new = site.value in renewed and site.how != "retiring"
        return diff.CHANGED if is_new and hidden(site) else hidden(site)

    return "".join(
        diff.unified(old.path, diff.masked(old, old_sites, hidden), diff.masked(new, new_sites, shown))
        for old, new in pairs
    )
