"""Who gets at the LI instance: its hosts have an allow-list in force, and its admin page asks for a password."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping

from wizard import access, clauses, entries, placeholders, structure
from wizard.controllers import Controller, Name
from wizard.finding import Finding, at
from wizard.resources import Manifest, Resource
from wizard.sites import Scope
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what leaves the LI instance open."""
    yield from _open_li(survey.manifests, survey.scope)
    yield from _without_password(survey.manifests)


def _open_li(manifests: tuple[Manifest, ...], scope: Scope) -> Iterator[Finding]:
    """LI hosts that no allow-list protects: absent, in vain, open to all, or not to be had (checklist 4; FACTS 4)."""
    hopeless = structure.unguarded(manifests, scope)
    lists = _middlewares(manifests)
    for resource in (each for manifest in manifests for each in manifest.resources):
        fault = hopeless.get(resource) or _fault(resource, lists)
        if fault:
            fix = "Restrict it by hand." if resource in hopeless else "matrix-wizard setup"
            yield at(_place(resource), "li-open", f"{resource.ref}: {fault}", fix)


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


def _without_password(manifests: tuple[Manifest, ...]) -> Iterator[Finding]:
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
                yield at(_place(resource), "li-no-password", message, fix)


def _place(resource: Resource) -> str:
    return resource.manifest.position(resource.node.start)
