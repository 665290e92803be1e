"""check: what is wrong with a tree, as findings. Useful on any tree, any day: it needs neither vault nor answers.

Pure: bytes in, findings out. What sites.lock tells (places, components that are off) is used where there is one. No
finding holds a value.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from wizard import (
    access,
    catalogue,
    clauses,
    entries,
    filling,
    keys,
    originals,
    placeholders,
    resources,
    search,
    sites,
    structure,
    weak,
)
from wizard import manifests as manifests_of
from wizard.answers import Answers
from wizard.controllers import Controller, Name
from wizard.errors import Problem
from wizard.lock import Lock
from wizard.placeholders import Placeholder
from wizard.resources import Manifest, Resource
from wizard.sites import Found, Scope, Site
from wizard.structure import Tree
from wizard.vault import LOCK, VAULT

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: rule id, severity, place (line and column from 1), what, and the way to mend it."""

    id: str
    severity: Severity
    file: str
    line: int
    column: int
    message: str
    fix: str


def check(tree: Tree, lock: Lock | None, keys_of_vault: int = 0) -> list[Finding]:
    """Return every finding about *tree*, sorted by place. *keys_of_vault*: how many open it; 0 where there is none."""
    records = lock.records if lock else ()
    manifests = tree.manifests(records)
    records = originals.moved(records, manifests)
    scope = Scope(Answers(), records, frozenset(lock.left_out if lock else ()))
    found = search.find(manifests, scope)
    rules: list[Iterable[Finding]] = [
        _unparsed(manifests),
        _left(manifests, found, scope),
        _differing(found.sites),
        _malformed(found.sites),
        _open_li(manifests, scope),
        _without_password(manifests),
        _weak(manifests),
        _unread(tree),
        _single_key(keys_of_vault),
    ]
    return sorted((finding for rule in rules for finding in rule), key=lambda each: (each.file, each.line, each.column))


def of_custody(*, has_vault: bool, has_lock: bool) -> Iterator[Finding]:
    """Yield a finding where of the vault and sites.lock, which belong together, one is gone."""
    if has_vault != has_lock:
        gone, there = (LOCK, VAULT) if has_vault else (VAULT, LOCK)
        anew = " Or have it written anew: matrix-wizard setup" if has_vault else ""
        fix = f"Bring it back from git or a backup.{anew}"
        yield Finding("vault-lost", "error", there, 1, 1, f"{gone} is gone, which belongs to this file.", fix)


def of_log(faults: Iterable[Problem]) -> Iterator[Finding]:
    """Yield a finding for each fault of the audit log, which ``audit.problems`` found with the vault's key."""
    for fault in faults:
        file, _, line = fault.where.partition(":")
        yield Finding("audit-log", "error", file, int(line or 1), 1, fault.what, fault.next)


def _single_key(keys_of_vault: int) -> Iterator[Finding]:
    if keys_of_vault == 1:
        message = "The vault opens with one key only: who loses that has lost every secret."
        fix = "matrix-wizard vault recipients add KEY"
        yield Finding("vault-single-key", "warning", VAULT, 1, 1, message, fix)


def _unparsed(manifests: Iterable[Manifest]) -> Iterator[Finding]:
    for manifest in manifests:
        for part in manifest.broken:
            message = f"This document is not valid YAML: {part.reason}."
            yield Finding("unparseable", "error", manifest.path, part.line, part.column, message, "Mend it by hand.")


def _left(manifests: Iterable[Manifest], found: Found, scope: Scope) -> Iterator[Finding]:
    """Placeholders of every spelling: in values, base64 and comments, where the checklist's grep finds one spelling."""
    told = set()
    for site in found.sites:
        if site.token:
            offset = site.start + max(site.around[site.start : site.end].find(site.token), 0)
            position = site.manifest.at(site.view, offset)
            told.add(position)
            yield _placeholder(position, site.token)
    for unknown in found.unknown:
        yield _placeholder(unknown.position, unknown.token)
    for refusal in found.refused:
        message = f"The placeholder {refusal.token} is left, and setup does not write there: {refusal.why}."
        yield _at(refusal.position, "placeholder-left", message, "Fill it in by hand.")
    for manifest in manifests:
        if not sites.is_left_out(manifest.path, scope):
            yield from _beside(manifest)
        for each in placeholders.find(manifest.text):
            position = manifest.position(each.start) if manifest.is_comment(each.start) else ""
            if position and position not in told and not _is_off(each, scope) and not _is_ours(manifest, each, scope):
                yield _placeholder(position, each.token, in_comment=True)


def _beside(manifest: Manifest) -> Iterator[Finding]:
    """Placeholders in keys, and in entries that a later one of the same key hides: no site can be there."""
    for resource in manifest.resources:
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
    message = f"The placeholder {token} is left."
    if in_comment:
        return _at(position, "placeholder-left", message, "Change or remove the comment by hand.", "warning")
    return _at(position, "placeholder-left", message, "matrix-wizard setup")


def _unread(tree: Tree) -> Iterator[Finding]:
    """Files that setup does not read, and that hold placeholders as far as can be seen."""
    for refusal in structure.unread(tree):
        what = f"The placeholder {refusal.token} is left: " if refusal.token else "It was not looked into: "
        yield _at(refusal.position, "not-read", f"{what}{refusal.why}.", "Fill it in by hand.", "warning")


def _weak(manifests: Iterable[Manifest]) -> Iterator[Finding]:
    for each in weak.find(manifests):
        if each.is_empty:
            yield _at(each.position, "secret-empty", f"{each.key} is empty.", "Fill it in, or remove it.", "warning")
        else:
            message = f"{each.key} is a default that everybody knows."
            yield _at(each.position, "weak-default", message, "Put a placeholder there, and run: matrix-wizard setup")


def _differing(found: Iterable[Site]) -> Iterator[Finding]:
    by_value: dict[str, list[Site]] = {}
    for site in found:
        if site.value and not site.token and (catalogue.is_kept(site.value) or site.value in _SAME_EVERYWHERE):
            by_value.setdefault(site.value, []).append(site)
    for name, group in by_value.items():
        first = filling.read(name, group[0].text)
        others = [site for site in group if filling.read(name, site.text) != first]
        for site in others[:1]:
            message = f"{name} has different values here and at {group[0].position}."
            yield _at(
                site.position,
                "secrets-differ",
                message,
                "Make them equal, or run with --adopt or --restore: matrix-wizard setup",
            )


_SAME_EVERYWHERE = frozenset({"server-name", "li-allowed-cidrs"})

# What reads each key the way its server does (FACTS 1, 3).
_PARSERS: dict[str, Callable[[str], object]] = {
    "signing-key": keys.signing_key,
    "key-vault-rsa-key": keys.rsa_key,
    "apns-key": keys.apns_key,
    "fcm-service-account": keys.service_account,
    "li-admin-htpasswd": lambda text: [keys.htpasswd_line(line) for line in text.splitlines()],
}


def _malformed(found: Iterable[Site]) -> Iterator[Finding]:
    for site in found:
        parse = _PARSERS.get(site.value)
        if parse is None or site.token or site.how == "comment":
            continue
        try:
            parse(filling.read(site.value, site.text))
        except ValueError as error:
            yield _at(
                site.position,
                "key-malformed",
                f"{site.value} cannot be read by its server: {error}",
                "Put the right key there, or a placeholder, and run: matrix-wizard setup",
            )


def _open_li(manifests: list[Manifest], scope: Scope) -> Iterator[Finding]:
    """LI hosts that no allow-list protects: absent, in vain, open to all, or not to be had (checklist 4; FACTS 4)."""
    hopeless = structure.unguarded(manifests, scope)
    lists = _middlewares(manifests)
    for resource in (each for manifest in manifests for each in manifest.resources):
        fault = hopeless.get(resource) or _fault(resource, lists)
        if fault:
            fix = "Restrict it by hand." if resource in hopeless else "matrix-wizard setup"
            yield _at(_place(resource), "li-open", f"{resource.ref}: {fault}", fix)


def _fault(resource: Resource, lists: Mapping[Name, list[str]]) -> str:
    """Return what is wrong with the allow-lists of an LI Ingress or IngressRoute, '' where nothing is."""
    if resource.instance != "li" or resource.manifest.actions:
        return ""
    faults = []
    if resource.kind == "Ingress":
        faults = [_annotation_fault(resource, each) for each in access.readers(resource) if each.allow_list]
    if access.is_router(resource):
        named = ([lists[name] for name in names & lists.keys()] for names in access.passed(resource))
        faults += map(_middleware_fault, named)
    return next(filter(None, faults), "")


def _middlewares(manifests: Iterable[Manifest]) -> dict[Name, list[str]]:
    """Return the ranges of every Middleware that is an allow-list, those of both spellings together."""
    found = {}
    for resource in (each for manifest in manifests for each in manifest.resources):
        keys = access.list_keys(resource)
        if keys:
            ranges = (entries.items(resource.get("spec", key, "sourceRange")) for key in keys)
            found[resource.namespace, resource.name] = [str(each) for some in ranges for each in some]
    return found


def _annotation_fault(ingress: Resource, controller: Controller) -> str:
    keys = (*controller.older, controller.allow_list, *controller.newer)
    path = access.ANNOTATIONS
    found = [leaf for leaf in ingress.leaves.values() if leaf.path[:-1] == path and leaf.path[-1] in keys]
    if len(found) > 1:
        return "it has two address allow-lists, of which the controller reads one."
    return _ranges_fault(found[0].text.split(",")) if found else _NO_LIST


def _middleware_fault(lists: list[list[str]]) -> str:
    """Return what is wrong with the allow-lists on one route: all of them must let an address pass."""
    faults = [_ranges_fault(ranges or [""]) for ranges in lists]
    return "" if "" in faults else next(iter(faults), _NO_LIST)


_NO_LIST = "it has no address allow-list, so that anyone can open this LI host."


def _ranges_fault(ranges: Iterable[str]) -> str:
    for item in ranges:
        if any(placeholders.find(item)):
            return ""  # told as a placeholder
        try:
            # haproxy-ingress excepts what stands behind a "!".
            network = ipaddress.ip_network(item.strip().removeprefix("!"), strict=False)
        except ValueError:
            return "an entry of its address allow-list is no address range, so that the list is not in force."
        if network.prefixlen == 0:
            return "its address allow-list lets everybody in."
    return ""


def _without_password(manifests: list[Manifest]) -> Iterator[Finding]:
    """LI admin pages whose controller asks for no password (checklist 4.3; FACTS 4)."""
    for resource in (each for manifest in manifests for each in manifest.resources):
        if resource.kind in ("Ingress", "IngressRoute") and clauses.is_li_admin(resource):
            readers = access.readers(resource)
            silent = [each for each in readers if not access.is_asked(each, resource, manifests)]
            if silent or not readers:
                who = silent[0].name if silent else "its controller"
                message = f"{resource.ref}: basic auth is not in force here, as far as is known of {who}."
                is_ours = any(each.auth for each in silent)
                fix = "matrix-wizard setup" if is_ours else "Have the controller ask for a password in its own way."
                yield _at(_place(resource), "li-no-password", message, fix)


def _place(resource: Resource) -> str:
    return resource.manifest.position(resource.node.start)


def _at(position: str, rule: str, message: str, fix: str, severity: Severity = "error") -> Finding:
    file, line, column = position.rsplit(":", 2)
    return Finding(rule, severity, file, int(line), int(column), message, fix)
