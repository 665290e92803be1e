"""The allow-lists of the LI hosts: in force on each, of ranges that make sense, and the same on all."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from wizard import access, entries, networks, placeholders, structure
from wizard.controllers import Controller, Name
from wizard.finding import Finding, at
from wizard.manifests import Node, Scalar
from wizard.networks import Network
from wizard.resources import Resource
from wizard.survey import Survey

_ROUTERS = ("Ingress", *sorted(access.ROUTES))


@dataclass(frozen=True, eq=False)
class _List:
    """An allow-list: where it stands, and its entries as they stand there."""

    position: str
    items: tuple[str, ...]


_Middlewares = Mapping[Name, _List]


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what leaves the LI hosts open, or lets in whom it should not."""
    routers = list(survey.of_kind(*_ROUTERS))
    named = _middlewares(survey.of_kind("Middleware"))
    yield from _open_li(survey, routers, named)
    lists = {each: found for each in routers if (found := list(_lists(each, named)))}
    told = set[tuple[str, ...]]()
    for router, found in lists.items():
        is_public = _is_public(router, survey)
        for each in found:
            if each.items not in told:  # the hosts of one deployment have one list: it is told where it stands first
                told.add(each.items)
                yield from _of_ranges(router, each, is_public=is_public)
    yield from _differing(lists)


def _open_li(survey: Survey, routers: Iterable[Resource], named: _Middlewares) -> Iterator[Finding]:
    """LI hosts that no allow-list protects: absent, in vain, open to all, or not to be had (checklist 4; FACTS 4)."""
    hopeless = structure.unguarded(survey.manifests, survey.scope)
    for resource in routers:
        fault = hopeless.get(resource) or _fault(resource, named)
        if fault:
            fix = "Restrict it by hand." if resource in hopeless else "matrix-wizard setup"
            place = resource.manifest.position(resource.node.start)
            yield at(place, "li-open", f"{resource.ref}: {fault}", fix)


def _fault(resource: Resource, named: _Middlewares) -> str:
    """Return what is wrong with the allow-lists of an LI Ingress or IngressRoute, '' where nothing is."""
    if resource.instance != "li" or resource.manifest.actions:
        return ""
    faults = []
    if resource.kind == "Ingress":
        faults = [_annotation_fault(resource, each) for each in access.readers(resource) if each.allow_list]
    if access.is_router(resource):
        found = ([named[name] for name in names & named.keys()] for names in access.passed(resource))
        faults += map(_middleware_fault, found)
    return next(filter(None, faults), "")


def _lists(resource: Resource, named: _Middlewares) -> Iterator[_List]:
    """Yield the allow-lists through which *resource* leads to LI hosts; of one that is told as open none."""
    if resource.instance != "li" or _fault(resource, named):
        return
    if resource.kind == "Ingress":
        for reader in access.readers(resource):
            for key, node in _annotations(resource, reader):
                yield _List(resource.manifest.position(node.start), _parted(node, key))
    if access.is_router(resource):
        names = set[Name]().union(*access.passed(resource))
        yield from (each for name, each in named.items() if name in names)


def _annotations(ingress: Resource, reader: Controller) -> Iterator[tuple[str, Scalar]]:
    for key in (*reader.older, reader.allow_list, *reader.newer):
        node = ingress.get(*access.ANNOTATIONS, key) if key else None
        if isinstance(node, Scalar):
            yield key, node


def _parted(node: Scalar, key: str) -> tuple[str, ...]:
    # haproxy-ingress excepts what stands behind a "!".
    words = (word.strip() for word in node.value.split(","))
    return tuple(word for word in words if not (word.startswith("!") and key.startswith("haproxy-ingress")))


def _middlewares(middlewares: Iterable[Resource]) -> dict[Name, _List]:
    """Return every Middleware that is an allow-list, the ranges of both spellings together."""
    found = {}
    for resource in middlewares:
        nodes = [resource.get("spec", key, "sourceRange") for key in access.list_keys(resource)]
        if nodes:
            ranges = tuple(str(each) for node in nodes for each in entries.items(node))
            found[resource.namespace, resource.name] = _List(_place(resource, nodes), ranges)
    return found


def _place(resource: Resource, nodes: Iterable[Node | None]) -> str:
    first = next((node.start for node in nodes if node), resource.node.start)
    return resource.manifest.position(first)


def _annotation_fault(ingress: Resource, controller: Controller) -> str:
    keys = (*controller.older, controller.allow_list, *controller.newer)
    path = access.ANNOTATIONS
    found = [leaf for leaf in ingress.leaves.values() if leaf.path[:-1] == path and leaf.path[-1] in keys]
    if len(found) > 1:
        return "it has two address allow-lists, of which the controller reads one."
    return _ranges_fault(found[0].text.split(",")) if found else _NO_LIST


def _middleware_fault(lists: list[_List]) -> str:
    """Return what is wrong with the allow-lists on one route: all of them must let an address pass."""
    faults = [_ranges_fault(each.items or [""]) for each in lists]
    return "" if "" in faults else next(iter(faults), _NO_LIST)


_NO_LIST = "it has no address allow-list, so that anyone can open this LI host."


def _ranges_fault(ranges: Iterable[str]) -> str:
    for item in ranges:
        if placeholders.is_open(item):
            return ""  # told as a placeholder, or for another program to fill in
        network = _network(item.strip().removeprefix("!"))
        if network is None:
            return "an entry of its address allow-list is no address range, so that the list is not in force."
        if network.prefixlen == 0:
            return "its address allow-list lets everybody in."
    return ""


def _of_ranges(router: Resource, found: _List, *, is_public: bool) -> Iterator[Finding]:
    """Ranges that are too wide, or that let in nobody whom they should. They are confidential: told by their number."""
    for number, item in enumerate(found.items, 1):
        network = None if placeholders.is_open(item) else _network(item)
        if network is None:
            continue
        what = f"{router.ref}: entry {number} of its address allow-list"
        if networks.is_too_wide(network):
            yield at(found.position, "li-wide", f"{what} lets in a large part of all addresses.", _NARROWER)
        elif networks.is_wide(network):
            yield at(found.position, "li-wide", f"{what} is wide.", _NARROWER, "warning")
        if networks.is_no_clients(network):
            yield at(found.position, "li-range-unused", f"{what} holds addresses that no client has.", _OTHERS)
        elif is_public and not network.is_global:
            yield at(found.position, "li-private", f"{what} is private, and the host is on the internet.", _OTHERS)


_OTHERS = "matrix-wizard setup --set lawful_intercept.allowed_cidrs=RANGE,… with the ranges of those who may reach it"
_NARROWER = f"{_OTHERS}; of /16 (IPv6: /32) or narrower where that can be"


def _differing(lists: Mapping[Resource, list[_List]]) -> Iterator[Finding]:
    """LI hosts that let in others than the first one does."""
    first: tuple[Resource, frozenset[Network]] | None = None
    for router, found in lists.items():
        ranges = [_network(item) for item in found[0].items if not placeholders.is_open(item)]
        held = frozenset(each for each in ranges if each)
        if len(found) > 1 or len(held) < len(set(found[0].items)):
            continue
        if first is None:
            first = router, held
        elif held != first[1]:
            message = f"{router.ref} lets in other address ranges than {first[0].ref} does."
            yield at(
                found[0].position, "li-lists-differ", message, "Write the same ranges on both: matrix-wizard setup"
            )


def _is_public(router: Resource, survey: Survey) -> bool:
    """Whether the host is on the internet, as far as the tree tells: whoever issues its certificate asks it by HTTP.

    RFC 8555, 8.3."""
    name = router.text(*access.ANNOTATIONS, "cert-manager.io/cluster-issuer")
    return any(each.name == name and "http01" in _solvers(each) for each in survey.of_kind("ClusterIssuer"))


def _solvers(issuer: Resource) -> set[str]:
    acme = ("spec", "acme", "solvers")
    return {step for leaf in issuer.leaves.values() if leaf.path[:3] == acme for step in leaf.path[3:]}


def _network(item: str) -> Network | None:
    try:
        return ipaddress.ip_network(item.strip(), strict=False)
    except ValueError:
        return None
