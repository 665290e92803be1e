"""Renewal: the plan by which some values get another generation, and every place of theirs with them.

It is what rotation and undo share. Every other byte of the tree stays as it is, whatever stands there: only the places
of these values must be as the vault knows them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from wizard import catalogue, filling, oldkeys, overlap, plan, search, structure, union
from wizard.answers import Answers
from wizard.errors import Problem, RefusedError
from wizard.filling import Consent, Fill
from wizard.plan import Plan
from wizard.sites import Found, Scope, Site
from wizard.structure import Tree
from wizard.values import Value
from wizard.vault import Kept, Vault


def renew(verb: str, tree: Tree, vault: Vault, renewed: Mapping[str, Kept]) -> Plan:
    """Return the plan after which every place of the values in *renewed*, by name, is as that says.

    RefusedError, with every place at once, where one of them is not as *vault* has it: a placeholder, an earlier
    generation, a text of somebody else's, a new place or one that is gone."""
    if contested := union.undecided(vault, *renewed):
        raise RefusedError(*contested)
    standing, vault = plan.followed(tree, vault)
    answers = Answers.from_json(vault.answers)
    was = Scope(answers, vault.records)
    found = search.find(standing, was)
    moved = filling.new_instances(site for site in found.sites if site.value in renewed)
    if problems := [*_unready(found, renewed, vault), *_lost(found, renewed), *map(filling.other_instance, moved)]:
        raise RefusedError(*problems)
    after_vault = replace(vault, values={**vault.values, **renewed})
    arranged, added = structure.with_old_keys(standing, was, oldkeys.of(after_vault))
    held = overlap.arranged(arranged, after_vault)
    now = Scope(answers, held.records(vault.records))
    found = search.find(held.manifests, now)
    known = {name: _value(kept, verb) for name, kept in renewed.items()}
    others = frozenset(name for name, kept in renewed.items() if kept.current != vault.values[name].current)
    fills = [
        Fill(site, filling.render(known[site.value], site))
        for site in found.sites
        if site.value in known and site.how not in ("comment", "retiring")
    ]
    after = plan.filled(held.manifests, fills)
    new = [*plan.fresh(found, vault, Consent()), *added, *found.kept]
    records = plan.recorded(standing, after, new, found.lost, vault)
    if refused := list(_beyond(fills, known)):
        raise RefusedError(*refused)
    return Plan(
        verb,
        plan.changes(fills, known, [*added, *held.added]),
        {manifest.path: manifest.data for manifest in standing},
        {manifest.path: manifest.data for manifest in after},
        replace(after_vault, records=tuple(sorted(records, key=plan.order))),
        draw=partial(plan.drawn, standing, after, was, Scope(answers, records), others),
        private=frozenset(fill.site.manifest.path for fill in fills if catalogue.is_kept(fill.site.value)),
        made=tuple(sorted(others)),
    )


def unready(tree: Tree, vault: Vault, paths: Iterable[str]) -> list[Problem]:
    """Return why the files of *tree* at *paths* (with a final /: all below) must not reach a cluster as they stand.

    That is each place of theirs that setup filled and that is not as *vault* has it, a blanked one above all."""
    standing, vault = plan.followed(tree, vault)
    wanted = ["" if path == "./" else path for path in paths]
    mine = [each for each in standing if any(_is_within(each.path, path) for path in wanted)]
    found = search.find(standing, Scope(Answers.from_json(vault.answers), vault.records))
    here = {each.path for each in mine}
    filled = [site for site in found.sites if site.record is not None and site.manifest.path in here]
    known = [name for name in vault.values if catalogue.is_kept(name) or name not in catalogue.BY_NAME]
    blank = [site for site in filled if site.token and site.value not in known and site.how != "comment"]
    told = [*_unready(replace(found, sites=tuple(filled)), known, vault)]
    return [*told, *(_blank(site) for site in blank)]


def _is_within(path: str, source: str) -> bool:
    return path == source or (source.endswith("/") and path.startswith(source)) or source == ""


def _blank(site: Site) -> Problem:
    return Problem(f"{site.value} is not filled in here.", site.position, "matrix-wizard setup fills it in.")


_WHY = {"undo": "set back", "finish": "finished"}


def _value(kept: Kept, verb: str) -> Value:
    beside = kept.retiring.text if kept.retiring and overlap.is_joined(kept.name) else None
    return Value(kept.name, kept.current.text, _WHY.get(verb, kept.current.why), beside)


def _unready(found: Found, names: Iterable[str], vault: Vault) -> Iterator[Problem]:
    """Yield a problem for each place of *names* that does not hold what *vault* says."""
    for site in found.sites:
        if site.value not in names or site.how in ("comment", "retiring"):
            continue
        kept = vault.values[site.value]
        here = filling.read(site.value, site.text).strip("\n")
        if site.token:
            yield _blank(site)
        elif here == overlap.standing(kept):
            if site.record is None:
                what = f"{site.value} stands here, and the vault does not know of this place."
                yield Problem(what, site.position, "matrix-wizard setup takes it in.")
        elif earlier := filling.generation_at(site, kept):
            what = f"{site.value} stands here in its earlier generation {earlier.id} of {earlier.made[:10]}."
            yield Problem(what, site.position, "matrix-wizard setup brings it up to date.")
        else:
            what = f"{site.value} was edited by hand here: it is neither the vault's nor an earlier one."
            yield Problem(what, site.position, "Run matrix-wizard setup with --adopt or --restore first.")


def _lost(found: Found, names: Iterable[str]) -> Iterator[Problem]:
    for record in found.lost:
        if record.value in names and record.kind == "site":
            place = " ".join(filter(None, (record.document, ".".join(record.path))))
            what = f"{record.value} was written here ({place}), and its place is gone."
            yield Problem(what, record.file, "matrix-wizard setup tells what became of it.")


def _beyond(fills: Iterable[Fill], known: Mapping[str, Value]) -> Iterator[Problem]:
    """Yield a problem for each value that its consumers would not take, such as one set back from an earlier day."""
    first: dict[str, Site] = {}
    for fill in fills:
        first.setdefault(fill.site.value, fill.site)
    for name, site in first.items():
        row = catalogue.BY_NAME.get(name)
        if row and row.limit and not row.limit.admits(known[name].plain):
            yield Problem(f"{name} cannot stand here: {row.limit.rule}.", site.position, "Rotate it instead.")
