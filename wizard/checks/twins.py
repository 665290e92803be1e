"""What the main instance and its LI twin must have in common, and what they must not: read in Synapse's own files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from wizard import catalogue, contexts, manifests, placeholders
from wizard.finding import Finding, at
from wizard.manifests import Scalar
from wizard.resources import Leaf, Resource
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what parts LI's Synapse from main's, or brings them together where they must be apart (FACTS 1, 2)."""
    servers = list(_servers(survey.of_kind("ConfigMap", "Secret")))
    mains = [each for each in servers if each.instance == "main"]
    for twin in (each for each in servers if each.instance == "li"):
        yield from _renamed(twin, mains)
        yield from _peppered(twin, mains)
        yield from _on_one_redis(twin, mains)


@dataclass(frozen=True)
class _Server:
    """A configuration of Synapse: the object that holds it, where it begins, and its settings by their dotted keys."""

    resource: Resource
    start: int
    settings: dict[str, Leaf] = field(repr=False)

    @property
    def instance(self) -> str:
        return self.resource.instance

    def text(self, key: str, default: str = "") -> str:
        """Return the text of the setting *key*, *default* where it is not set."""
        leaf = self.settings.get(key)
        return leaf.text if leaf is not None and leaf.text.lower() not in _NULLS else default

    def is_told(self, key: str) -> bool:
        """Whether the file itself says what *key* is, or that it is not set: no variable and no placeholder does."""
        text = self.text(key)
        return not placeholders.is_template(text) and not any(placeholders.find(text))

    def position(self, key: str = "") -> str:
        """``file:line:column`` of the setting *key*, of the file where it is not set."""
        leaf, manifest = self.settings.get(key), self.resource.manifest
        return manifest.at(leaf.view, 0) if leaf is not None else manifest.position(self.start)


def _servers(resources: Iterable[Resource]) -> Iterator[_Server]:
    for resource in resources:
        for name, node in _files(resource):
            if catalogue.by_setting(name, "server_name") is not None:
                yield _Server(resource, node.start, _settings(resource))


def _files(resource: Resource) -> Iterator[tuple[str, Scalar]]:
    """Yield the entries of a ConfigMap or Secret by their names."""
    for section in ("data", "stringData"):
        node = resource.get(section)
        for key, value in node.entries if isinstance(node, manifests.Mapping) else ():
            if isinstance(key, Scalar) and isinstance(value, Scalar):
                yield key.value, value


def _settings(resource: Resource) -> dict[str, Leaf]:
    """Return the settings in all YAML files of *resource*, which Synapse may be given together (FACTS 2).

    Those of homeserver.yaml stand over the others'."""
    found, main = dict[str, Leaf](), dict[str, Leaf]()
    for leaf in (each for each in resource.leaves.values() if each.nested):
        file, key = contexts.setting_of(leaf, leaf.key)
        if file.endswith((".yaml", ".yml")):
            (main if catalogue.by_setting(file, "server_name") else found)[key] = leaf
    return found | main


# --- what must be the same


def _renamed(twin: _Server, mains: Iterable[_Server]) -> Iterator[Finding]:
    """Synapse does not start on a database whose users are another server's (FACTS 1)."""
    known = [each for each in mains if each.text("server_name") and each.is_told("server_name")]
    name = twin.text("server_name")
    if known and name and twin.is_told("server_name") and name not in {each.text("server_name") for each in known}:
        message = (
            f"{twin.resource.ref}: server_name is {name} here, and {known[0].text('server_name')} in main's "
            f"configuration, at {known[0].position('server_name')}."
        )
        yield at(twin.position("server_name"), "server-names-differ", message, "Write main's name here.")


_PEPPER = "password_config.pepper"


def _peppered(twin: _Server, mains: Iterable[_Server]) -> Iterator[Finding]:
    """Synapse hashes passwords with the pepper, so that with another one each is wrong (FACTS 1)."""
    known = [each for each in mains if each.is_told(_PEPPER)]
    if known and twin.is_told(_PEPPER) and twin.text(_PEPPER) not in {each.text(_PEPPER) for each in known}:
        message = f"{twin.resource.ref}: {_PEPPER} is not main's, which is at {known[0].position(_PEPPER)}."
        fix = "Write main's password_config.pepper here; where main has none, remove this one. Never change main's."
        yield at(twin.position(_PEPPER), "peppers-differ", message, fix)


# --- what must not be


_NULLS = frozenset({"", "~", "null"})
_SERVICE = re.compile(r"([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?)?\.?")
_YES = frozenset({"true", "yes", "on"})  # PyYAML 6, which Synapse reads its configuration with


def _on_one_redis(twin: _Server, mains: Iterable[_Server]) -> Iterator[Finding]:
    """Processes of one server_name hear each other on one Redis, whichever of its databases they use (FACTS 2)."""
    here = _redis(twin)
    if here is None:
        return
    for main in mains:
        there = _redis(main)
        if there is not None and _is_one(here, there) and main.text("server_name") == twin.text("server_name"):
            message = f"{twin.resource.ref}: LI's Synapse uses the same Redis as main's, at {_at_redis(main)}."
            fix = "Write here: redis: {enabled: false}. Or give the LI instance a Redis of its own, and name it here."
            yield at(_at_redis(twin), "li-shares-redis", message, fix)
            return


def _redis(server: _Server) -> tuple[str, str, str] | None:
    """Return host, namespace and port of *server*'s Redis; None where it uses none, or none that can be told."""
    keys = ("redis.enabled", "redis.host", "redis.port", "redis.path", "server_name")
    is_told = all(map(server.is_told, keys[:-1])) and not placeholders.is_template(server.text("server_name"))
    host = server.text("redis.host", "localhost").lower()
    if server.text("redis.enabled").lower() not in _YES or server.text("redis.path") or not is_told:
        return None
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None  # each pod's own
    service = _SERVICE.fullmatch(host)
    name, namespace = (service[1], service[2] or server.resource.namespace) if service else (host, "")
    return name, namespace, server.text("redis.port", "6379")


def _is_one(here: tuple[str, str, str], there: tuple[str, str, str]) -> bool:
    is_in_reach = here[1] == there[1] or "" in (here[1], there[1])
    return (here[0], here[2]) == (there[0], there[2]) and is_in_reach


def _at_redis(server: _Server) -> str:
    return server.position("redis.host" if "redis.host" in server.settings else "redis.enabled")
