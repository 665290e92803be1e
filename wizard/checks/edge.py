"""The edge before the LI hosts: whose address the controller sees, and what it logs.

ConfigMap options: kubernetes.github.io/ingress-nginx, "ConfigMap"; the chart's values: its values.yaml; FACTS 4.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wizard import access, manifests
from wizard.controllers import CONTROLLERS
from wizard.finding import Finding, at
from wizard.manifests import Path, Scalar
from wizard.resources import Resource
from wizard.survey import Survey

_NGINX = CONTROLLERS[0]
_FORWARDED, _REAL_IP, _PROXY = "use-forwarded-headers", "enable-real-ip", "use-proxy-protocol"
_TRUSTED = "proxy-real-ip-cidr"
_LOG = "nginx.ingress.kubernetes.io/enable-access-log"
# Options by which nothing is logged, by what each says then.
_SILENT = {"disable-access-log": "true", "disable-http-access-log": "true", "access-log-path": "/dev/null"}
# Where options and values stand: the controller's ConfigMap, a chart's values, and the objects that carry those.
_CARRIERS = ("", "HelmRelease", "HelmChart", "HelmChartConfig", "Application")
_TEXTS = (("valuesContent",), ("values",))  # of k3s, and of Argo CD
_OPTION = re.compile(rb"use-forwarded-headers|enable-real-ip|use-proxy-protocol|access-log")
# Whose chart it is may be told by the file's path alone; this key stands in all of them, if in a text in quotes.
_CHART = re.compile(rb"controller[\\\"']*\s*:")
_IS_NGINX = re.compile(r"ingress-nginx|nginx-ingress|use-forwarded-headers|allow-?snippet-?annotations", re.IGNORECASE)
_SERVICE = re.compile(rb"ingress-nginx")
_NAME, _NGINX_NAME = "app.kubernetes.io/name", "ingress-nginx"
_POLICY = "externalTrafficPolicy"


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what lets a client past the allow-lists of LI, and what hides it from the log."""
    ingresses = [each for each in survey.of_kind("Ingress") if not each.manifest.actions]
    guarded = [each for each in ingresses if each.instance == "li" and _NGINX in access.readers(each)]
    if guarded:
        options = list(_options(survey))
        yield from (each for found in options for each in _forged(found))
        yield from (each for found in options for each in _logless(found))
        yield from _lost(survey)
    for ingress in guarded:
        yield from _unlogged(ingress)


@dataclass(frozen=True)
class _Setting:
    """One setting: its text, and where it stands."""

    text: str
    position: str


@dataclass(frozen=True, eq=False)
class _Options:
    """The options of a controller in one place: the object, and each by its name."""

    resource: Resource
    named: Mapping[str, _Setting]

    def text(self, name: str) -> str:
        return self.named[name].text.strip() if name in self.named else ""

    def is_on(self, name: str) -> bool:
        return self.text(name).lower() == "true"


def _options(survey: Survey) -> Iterator[_Options]:
    for resource in survey.holding(_OPTION, "ConfigMap", *_CARRIERS):
        if resource.manifest.actions:
            continue
        found: dict[Path, dict[str, _Setting]] = {}
        for path, setting in _settings(resource).items():
            if path[-2:-1] == ("config",) or (resource.kind == "ConfigMap" and path[:-1] == ("data",)):
                found.setdefault(path[:-1], {})[path[-1]] = setting
        yield from (_Options(resource, named) for named in found.values())


def _settings(resource: Resource) -> dict[Path, _Setting]:
    """Return the scalars of *resource* by their paths, those of values that it carries as a text among them."""
    manifest = resource.manifest
    found = {}
    for path, scalar in manifests.walk(resource.node):
        found[path] = _Setting(scalar.value, manifest.position(scalar.start))
        leaf = resource.leaves.get(path) if path[-1:] in _TEXTS and "\n" in scalar.value else None
        if leaf is not None and not leaf.refusal:
            for part in manifests.parse(leaf.view.text):
                for inner, one in manifests.walk(part.root) if isinstance(part, manifests.Document) else ():
                    found[*path, *inner] = _Setting(one.value, manifest.at(leaf.view, one.start))
    return found


def _forged(options: _Options) -> Iterator[Finding]:
    """The client's address is taken from whoever says it: nginx's real_ip module trusts every address by default."""
    by = next((name for name in (_PROXY, _FORWARDED, _REAL_IP) if options.is_on(name)), "")
    if not by or not _trusts_all(options.text(_TRUSTED)):
        return
    whose = "PROXY protocol" if by == _PROXY else "X-Forwarded-For"
    message = f"{options.resource.ref}: {by} believes the {whose} of every client, which so passes any allow-list."
    fix = f'Write {by}: "false", or in {_TRUSTED} the ranges of the proxy that stands before the controller.'
    # Where a load balancer adds the protocol, only those who reach the controller past it can forge anything.
    yield at(options.named[by].position, "li-address-forged", message, fix, "warning" if by == _PROXY else None)


def _trusts_all(text: str) -> bool:
    items = [item.strip() for item in text.split(",") if item.strip()]
    return not items or any(_is_all(item) for item in items)


def _is_all(item: str) -> bool:
    try:
        return ipaddress.ip_network(item, strict=False).prefixlen == 0
    except ValueError:
        return False


def _logless(options: _Options) -> Iterator[Finding]:
    for name, off in _SILENT.items():
        if options.text(name).lower() == off:
            message = f"{options.resource.ref}: by {name} the controller logs no request, those of LI's hosts neither."
            yield at(options.named[name].position, "li-unlogged", message, f"Remove the line {name}.")


def _unlogged(ingress: Resource) -> Iterator[Finding]:
    node = ingress.get(*access.ANNOTATIONS, _LOG)
    if isinstance(node, Scalar) and node.value.strip().lower() == "false":
        message = f"{ingress.ref}: {_LOG} leaves no trace of who used this LI host."
        yield at(ingress.manifest.position(node.start), "li-unlogged", message, f"Remove the line {_LOG}.")


@dataclass(frozen=True)
class _Entrance:
    """A Service of the controller as the tree has it: where, of what, and its policy, '' for the default."""

    position: str
    ref: str
    policy: str


def _lost(survey: Survey) -> Iterator[Finding]:
    """Entrances that replace the client's address by a node's; a file that says nothing may lie over one that does."""
    found = [*_of_values(survey), *_of_services(survey)]
    is_kept = any(each.policy == "Local" for each in found)
    for each in found:
        if each.policy == "Cluster" or not (each.policy or is_kept):
            message = f"{each.ref}: without {_POLICY}: Local the allow-lists of LI see the address of a node."
            yield at(each.position, "li-address-lost", message, f"Write in the controller's service: {_POLICY}: Local")


def _of_values(survey: Survey) -> Iterator[_Entrance]:
    for resource in survey.holding(_CHART, *_CARRIERS):
        manifest = resource.manifest
        if manifest.actions or not (_IS_NGINX.search(manifest.path) or _IS_NGINX.search(manifest.text)):
            continue
        charts: dict[Path, dict[Path, _Setting]] = {}
        for path, setting in _settings(resource).items():
            if "controller" in path:
                start = path.index("controller") + 1
                charts.setdefault(path[:start], {})[path[start:]] = setting
        for settings in charts.values():
            if not _is_direct({path: each.text.lower() for path, each in settings.items()}):
                policy = settings.get(("service", _POLICY))
                place = policy or next(iter(settings.values()))
                yield _Entrance(place.position, resource.ref, policy.text if policy else "")


def _is_direct(settings: Mapping[Path, str]) -> bool:
    """Whether the controller hears its clients without such a Service, or from a proxy that names them."""
    is_on = [settings.get(path) == "true" for path in _DIRECT]
    is_other = settings.get(("service", "type")) == "clusterip" or settings.get(("service", "enabled")) == "false"
    return is_other or any(is_on)


_DIRECT = (("hostNetwork",), ("hostPort", "enabled"), ("config", _PROXY))


def _of_services(survey: Survey) -> Iterator[_Entrance]:
    for service in survey.holding(_SERVICE, "Service"):
        kind, selected = (service.get("spec", key) for key in ("type", "selector"))
        name = manifests.get(selected, (_NAME,)) if selected else None
        is_ours = isinstance(name, Scalar) and name.value == _NGINX_NAME
        if is_ours and isinstance(kind, Scalar) and kind.value in ("LoadBalancer", "NodePort"):
            node = service.get("spec", _POLICY) or service.node
            yield _Entrance(service.manifest.position(node.start), service.ref, service.text("spec", _POLICY))
