"""What is left to fill in: placeholders of every spelling, well-known defaults, empty secrets, unread files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wizard import catalogue, placeholders, resources, sites, structure
from wizard import manifests as manifests_of
from wizard import weak as weak_ones
from wizard.finding import Finding, at
from wizard.placeholders import Placeholder
from wizard.resources import Manifest, Resource
from wizard.sites import Found, Scope
from wizard.structure import Tree
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is left to fill in, file by file as they are read, and then what nobody reads."""
    for manifest, searched, found in survey.searched():
        told = [*_left(manifest, searched, found, survey.scope), *_weak(searched)]
        yield from sorted(told, key=lambda each: (each.line, each.column))
    yield from _unread(survey.tree)


def _left(manifest: Manifest, searched: Iterable[Resource], found: Found, scope: Scope) -> Iterator[Finding]:
    """Placeholders of every spelling: in values, base64 and comments, where the checklist's grep finds one spelling."""
    told = set()
    for site in found.sites:
        if site.token:
            offset = site.start + max(site.around[site.start : site.end].find(site.token), 0)
            position = manifest.at(site.view, offset)
            told.add(position)
            yield _placeholder(position, site.token)
    for unknown in found.unknown:
        yield _placeholder(unknown.position, unknown.token)
    for refusal in found.refused:
        token = placeholders.shown(refusal.token)
        message = f"The placeholder {token} is left, and setup does not write there: {refusal.why}."
        yield at(refusal.position, "placeholder-left", message, "Fill it in by hand.")
    if manifest.is_hinted and not sites.is_left_out(manifest.path, scope):
        yield from _beside(manifest, searched)
    for each in placeholders.find(manifest.text) if placeholders.may_hold_in_comment(manifest.data) else ():
        position = manifest.position(each.start) if manifest.is_comment(each.start) else ""
        if position and position not in told and not _is_off(each, scope) and not _is_ours(manifest, each, scope):
            yield _placeholder(position, each.token, in_comment=True)


def _beside(manifest: Manifest, searched: Iterable[Resource]) -> Iterator[Finding]:
    """Placeholders in keys, and in entries that a later one of the same key hides: no site can be there."""
    for resource in searched:
        for path, scalar in manifests_of.walk(resource.node):
            leaf = resource.leaves.get(path)
            hidden = [] if leaf is not None and leaf.scalar is scalar else list(placeholders.find(scalar.value))
            yield from (_placeholder(manifest.position(scalar.start), each.token) for each in hidden)
        places = {leaf.scalar.start for leaf in resource.leaves.values() if resources.is_key(leaf.path)}
        for key in manifests_of.keys(resource.node):
            for each in placeholders.find(key.value) if key.start not in places else ():
                yield _placeholder(manifest.position(key.start), each.token)


def _is_ours(manifest: Manifest, found: Placeholder, scope: Scope) -> bool:
    """Whether *found* stands in a line that setup itself put out of force."""
    start, end = manifest.text.rfind("\n", 0, found.start) + 1, manifest.text.find("\n", found.end)
    line = manifest.text[start : end if end >= 0 else len(manifest.text)].strip().lstrip("# ")
    commented = (record.original for record in scope.records if record.kind == "commented")
    return any(line == out.strip() for original in commented for out in original.splitlines())


def _is_off(found: Placeholder, scope: Scope) -> bool:
    row = catalogue.by_host(found.role)
    return row is not None and scope.is_off(row.part)


def _placeholder(position: str, token: str, *, in_comment: bool = False) -> Finding:
    message = f"The placeholder {placeholders.shown(token)} is left."
    if in_comment:
        return at(position, "placeholder-left", message, "Change or remove the comment by hand.", "warning")
    return at(position, "placeholder-left", message, "matrix-wizard setup")


def _unread(tree: Tree) -> Iterator[Finding]:
    """Files that setup does not read, and that hold placeholders as far as can be seen."""
    for refusal in structure.unread(tree):
        what = (
            f"The placeholder {placeholders.shown(refusal.token)} is left: "
            if refusal.token
            else "It was not looked into: "
        )
        yield at(refusal.position, "not-read", f"{what}{refusal.why}.", "Fill it in by hand.", "warning")


def _weak(searched: Iterable[Resource]) -> Iterator[Finding]:
    for each in weak_ones.find(searched):
        if each.is_empty:
            yield at(each.position, "secret-empty", f"{each.key} is empty.", "Fill it in, or remove it.", "warning")
        else:
            message = f"{each.key} is a default that everybody knows."
            yield at(each.position, "weak-default", message, "Put a placeholder there, and run: matrix-wizard setup")
