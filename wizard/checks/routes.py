"""What of Synapse can be asked for from outside: its admin API is for those who may reach the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wizard import access, manifests
from wizard.configurations import SYNAPSE
from wizard.finding import Finding, at
from wizard.manifests import Node, Scalar, text_at
from wizard.pods import Container
from wizard.resources import Resource, may_be_one
from wizard.survey import Survey

_ADMIN = "/_synapse/admin"
_FIX = "Lead /_matrix and /_synapse/client there, and reach the admin API by kubectl port-forward."


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield the routes by which everybody reaches the admin API (FACTS 2; Synapse, docs/reverse_proxy.md)."""
    pods = [each for each in survey.containers if SYNAPSE.image.search(each.image) and not each.is_init]
    texts = {text or key for each in pods for key, text in each.labels.items()}
    services = [each for each in survey.called(texts, "Service") if _selects(each, pods)]
    by_host: dict[str, list[_Way]] = {}
    for resource in survey.of_kind("Ingress", "HTTPRoute", "IngressRoute") if services else ():
        for way in _ways(resource) if not resource.manifest.actions else ():
            if _leads_there(way.path):
                by_host.setdefault(way.host, []).append(way)
    for ways in by_host.values():
        longest = max(len(way.path) for way in ways)  # that one is taken
        for way in (each for each in ways if len(each.path) == longest and not _is_guarded(each.resource)):
            space = way.resource.namespace
            if any(each.name == way.service and may_be_one(space, each.namespace) for each in services):
                message = f"{way.resource.ref}: {_ADMIN} of Synapse can be asked for by everybody at this host."
                yield at(way.resource.manifest.position(way.node.start), "admin-api-public", message, _FIX)


def _selects(service: Resource, pods: Iterable[Container]) -> bool:
    wanted = manifests.texts(service.get("spec", "selector")).items()
    near = (each for each in pods if may_be_one(service.namespace, each.workload.namespace))
    return bool(wanted) and any(wanted <= each.labels.items() for each in near)


@dataclass(frozen=True, eq=False)
class _Way:
    """One route: its object, the host ('' for any), the path that it begins with, the Service, and where it stands."""

    resource: Resource
    host: str
    path: str
    service: str
    node: Node


def _ways(resource: Resource) -> Iterator[_Way]:
    """Yield the routes of *resource*, those to one path alone left out."""
    if resource.kind == "Ingress":
        for rule in manifests.items(resource.get("spec", "rules")):
            for each in manifests.items(manifests.get(rule, ("http", "paths"))):
                if text_at(each, "pathType") != "Exact":
                    name = text_at(each, "backend", "service", "name")
                    yield _Way(resource, text_at(rule, "host"), text_at(each, "path") or "/", name, each)
        return
    is_http = resource.kind == "HTTPRoute"
    for rule in manifests.items(resource.get("spec", "rules" if is_http else "routes")):
        behind = manifests.items(manifests.get(rule, ("backendRefs" if is_http else "services",)))
        for host, path in _of_gateway(resource, rule) if is_http else _of_traefik(rule):
            yield from (_Way(resource, host, path, text_at(each, "name"), rule) for each in behind)


def _of_gateway(resource: Resource, rule: Node) -> Iterator[tuple[str, str]]:
    """Yield hosts and paths of a rule; by default it is every path (gateway.networking.k8s.io/v1, HTTPRouteMatch)."""
    named = manifests.items(resource.get("spec", "hostnames"))
    matches = manifests.items(manifests.get(rule, ("matches",)))
    paths = [text_at(each, "path", "value") or "/" for each in matches if _is_by_prefix(each)] if matches else ["/"]
    for host in [each.value for each in named if isinstance(each, Scalar)] or [""]:
        yield from ((host, path) for path in paths)


def _is_by_prefix(match: Node) -> bool:
    is_one = any(manifests.get(match, (key,)) for key in ("headers", "queryParams", "method"))
    return not is_one and text_at(match, "path", "type") in ("", "PathPrefix")


_PREFIX, _HOST = (re.compile(rf"\b{each}\([`\"]([^`\"]*)[`\"]\)") for each in ("PathPrefix", "Host"))


def _of_traefik(rule: Node) -> Iterator[tuple[str, str]]:
    match = text_at(rule, "match")
    paths = _PREFIX.findall(match) or ([] if "Path" in match else ["/"])
    for host in _HOST.findall(match) if "!" not in match and "||" not in match else ():
        yield from ((host, path) for path in paths)


def _leads_there(path: str) -> bool:
    """Whether a request to the admin API may take a route of that *path*, a prefix or (ingress-nginx) a pattern."""
    bare = path.rstrip("/")
    if bare.startswith(f"{_ADMIN}/") or f"{_ADMIN}/".startswith(f"{bare}/"):
        return True
    try:
        return re.search(r"[(\[*|^$\\]", path) is not None and re.match(path, f"{_ADMIN}/v1/register") is not None
    except re.error:
        return False


_APART = re.compile(r"internal|private|intern\b|vpn|tailscale|\blan\b", re.IGNORECASE)


def _is_guarded(resource: Resource) -> bool:
    """Whether not everybody reaches what *resource* leads to, or somebody saw to that path: LI's have their rules."""
    said = access.notes(resource)
    is_seen = any(key in access.LIST_ANNOTATIONS or _ADMIN in text for key, text in said.items())
    listed = resource.manifest.edge.lists
    is_listed = access.is_router(resource) and all(names & listed.keys() for names in access.passed(resource))
    parents = [text_at(each, "name") for each in manifests.items(resource.get("spec", "parentRefs"))]
    entries = [each.value for each in manifests.items(resource.get("spec", "entryPoints")) if isinstance(each, Scalar)]
    is_apart = any(_APART.search(each) for each in (access.class_of(resource), *parents, *entries))
    return resource.instance == "li" or is_seen or is_listed or is_apart
