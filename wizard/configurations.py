"""Configurations: which text of a tree which server reads as its configuration, and in which containers that runs.

Pure. A text is known by the container that it is mounted in, or by the name that its server gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from wizard import manifests
from wizard.manifests import Path, Scalar
from wizard.pods import Container
from wizard.resources import Leaf, Resource


@dataclass(frozen=True)
class Server:
    """A server: its name, its image, how its configuration may be called, how it is where nothing in the tree reads it,
    and what a text must hold to be taken for one."""

    name: str
    image: re.Pattern[str]
    called: re.Pattern[str]
    alone: re.Pattern[str]
    holds: re.Pattern[str]


def _server(name: str, image: str, called: str, alone: str, holds: str = "") -> Server:
    image = rf"(?:^|/)(?:{image})(?:[:@]|$)"
    return Server(name, re.compile(image), re.compile(called), re.compile(alone), re.compile(holds, re.MULTILINE))


_YAML = r".*\.ya?ml"
_OF_SYNAPSE = "server_name|public_baseurl|signing_key_path|worker_app|email|database|redis|listeners"
SYNAPSE = _server(
    "Synapse",
    r"(?:matrix-)?synapse",
    _YAML,
    r"homeserver\.ya?ml",
    rf"^(?:{_OF_SYNAPSE}|\w+_(?:secret|secret_key|private_key)(?:_path)?):",
)
COTURN = _server("coturn", "coturn", r"turnserver\.conf", r"turnserver\.conf")
LIVEKIT = _server("LiveKit", "livekit-server", _YAML, r"livekit\.ya?ml", r"^(?:rtc|keys|key_file|turn):")
SYGNAL = _server("Sygnal", "sygnal", _YAML, r"sygnal\.ya?ml", r"^[ \t]+type:[ \t]*[\"']?(?:apns|gcm)\b")
_CONF = r"(?:redis|valkey)[\w-]*\.conf"
REDIS = _server("Redis", r"(?:redis|valkey)(?:-stack-server)?", _CONF, _CONF)
_CFG = r"haproxy[\w-]*\.cfg"
HAPROXY = _server("HAProxy", r"haproxy(?:-\w+)?", _CFG, _CFG)


@dataclass(frozen=True, eq=False)
class Configuration:
    """One text that *server* reads, an entry of a Secret or ConfigMap, and the containers that run it with that."""

    server: Server
    leaf: Leaf
    containers: tuple[Container, ...]

    @property
    def resource(self) -> Resource:
        """The object that holds it."""
        return self.leaf.resource

    @property
    def text(self) -> str:
        """The text itself."""
        return self.leaf.text

    @property
    def key(self) -> str:
        """Its name in the object."""
        return self.leaf.key

    @cached_property
    def settings(self) -> Mapping[Path, Leaf]:
        """Its settings by their paths in it, where its format is known and it is well formed."""
        at = len(self.leaf.path) + 1
        return {each.path[at:]: each for each in self.leaf.inside}

    def value(self, *path: str) -> str:
        """Return the text of one setting, '' where there is none."""
        return self.settings[path].text if path in self.settings else ""

    def has(self, *path: str) -> bool:
        """Say whether there is anything at *path*, or below it."""
        return any(each[: len(path)] == path for each in self.settings)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield each line that is neither empty nor a comment, trimmed, and where it begins in the text."""
        at = 0
        for line in self.text.splitlines(keepends=True):
            bare = line.strip()
            if bare and not bare.startswith(("#", ";")):
                yield at + line.index(bare), bare
            at += len(line)

    def position(self, offset: int = 0) -> str:
        """Return ``file:line:column`` of the character *offset* of the text."""
        return self.leaf.position(offset)


def of(server: Server, objects: Iterable[Resource], containers: Iterable[Container]) -> Iterator[Configuration]:
    """Yield what *server* reads among the entries of *objects*, which are Secrets and ConfigMaps.

    A pod in which any container mounts the object counts: an init container may fill in its text before."""
    mounting = _mounting(server, containers)
    for resource in objects:
        if resource.manifest.actions:
            continue
        near = mounting.get((resource.kind, resource.name), ())
        running = tuple(
            each
            for pod in near
            if "" in (pod[0].workload.namespace, resource.namespace) or pod[0].workload.namespace == resource.namespace
            for each in pod
            if not each.is_init and server.image.search(each.image)
        )
        for leaf in _entries(resource, server.called if running else server.alone):
            if server.holds.search(leaf.text):
                yield Configuration(server, leaf, running)


def _mounting(server: Server, containers: Iterable[Container]) -> dict[tuple[str, str], list[list[Container]]]:
    """Return the pods that run *server*, by the kind and name of each object that any of their containers mounts."""
    pods: dict[Resource, list[Container]] = {}
    for each in containers:
        pods.setdefault(each.workload.resource, []).append(each)
    found: dict[tuple[str, str], list[list[Container]]] = {}
    for pod in pods.values():
        if any(server.image.search(each.image) for each in pod):
            for name in frozenset[tuple[str, str]]().union(*(each.objects for each in pod)):
                found.setdefault(name, []).append(pod)
    return found


def _entries(resource: Resource, called: re.Pattern[str]) -> Iterator[Leaf]:
    """Yield the entries of a Secret or ConfigMap by their names; the object is looked into for those alone."""
    for section in ("data", "stringData"):
        node = resource.get(section)
        for key, _ in node.entries if isinstance(node, manifests.Mapping) else ():
            leaf = None
            if isinstance(key, Scalar) and called.fullmatch(key.value):
                leaf = resource.leaves.get((section, manifests.key_step(key.value)))
            if leaf is not None:
                yield leaf
