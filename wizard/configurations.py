"""Configurations: which text of a tree which server reads as its configuration, and in which containers that runs.

Pure. A text is known by the container that it is mounted in, by the name that its server gives it, or by its keys; what
Synapse makes of several is told by ``homeserver``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from wizard import catalogue, manifests, yamltypes
from wizard.manifests import Node, Path, Scalar
from wizard.pods import Container, Pod
from wizard.resources import Entry, Leaf, Resource, may_be_one


@dataclass(frozen=True)
class Server:
    """A server: its name, its image, how its configuration may be called, how it is where nothing in the tree reads it,
    and what a text must hold to be taken for one.

    ``keys``: what has one of each of these sets on top is a configuration whatever it is called, a file without objects
    too; where there are none no keys tell. ``parts``: what stands between the name and the value of a line."""

    name: str
    image: re.Pattern[str]
    called: re.Pattern[str]
    alone: re.Pattern[str]
    holds: re.Pattern[str]
    keys: tuple[frozenset[str], ...] = ()
    parts: re.Pattern[str] = re.compile(r"\s+")


def _server(name: str, image: str, called: str, alone: str, holds: str = "", *keys: str) -> Server:
    image, sets = rf"(?:^|/)(?:{image})(?:[:@]|$)", tuple(frozenset(each.split()) for each in keys)
    return Server(name, re.compile(image), re.compile(called), re.compile(alone), re.compile(holds, re.MULTILINE), sets)


_YAML = r".*\.ya?ml"
SYNAPSE = _server(
    "Synapse",
    r"(?:matrix-)?synapse",
    _YAML,
    catalogue.HOMESERVER_FILE,
    "",
    # Nothing else that it reads has both; of the second, one stands in every configuration that it starts with.
    "server_name",
    "listeners database signing_key_path signing_key public_baseurl",
)
COTURN = replace(_server("coturn", "coturn", r"turnserver\.conf", r"turnserver\.conf"), parts=re.compile("[ =]+"))
LIVEKIT = _server("LiveKit", "livekit-server", _YAML, r"livekit\.ya?ml", r"^(?:rtc|keys|key_file|turn):")
SYGNAL = _server("Sygnal", "sygnal", _YAML, r"sygnal\.ya?ml", r"^[ \t]+type:[ \t]*[\"']?(?:apns|gcm)\b")
_CONF = r"(?:redis|valkey)[\w-]*\.conf"
REDIS = _server("Redis", r"(?:redis|valkey)(?:-stack-server)?", _CONF, _CONF)
_CFG = r"haproxy[\w-]*\.cfg"
HAPROXY = _server("HAProxy", r"haproxy(?:-\w+)?", _CFG, _CFG)


@dataclass(frozen=True, eq=False)
class Configuration:
    """One text that *server* reads, the entry that pods know it by, and the containers that run the server with that.

    It is ``leaf``; where that is None, all of ``resource``, which is no object and of which kustomize makes that entry,
    or nobody knows who what."""

    server: Server
    resource: Resource
    leaf: Leaf | None
    entry: Entry
    containers: tuple[Container, ...] = ()

    @property
    def text(self) -> str:
        """The text itself."""
        return self.leaf.text if self.leaf else self.resource.manifest.text

    @property
    def key(self) -> str:
        """Its name in the object, or that of its file."""
        return self.entry.key

    @property
    def where(self) -> str:
        """The object and its name there, for people."""
        return f"{self.resource.ref}, {self.key}" if self.resource.kind else self.resource.ref

    @cached_property
    def root(self) -> Node | None:
        """What it says, where it is YAML."""
        return manifests.root_of(self.text) if self.leaf else self.resource.node

    @cached_property
    def settings(self) -> Mapping[Path, Scalar]:
        """Its settings by their paths, where it is YAML."""
        return dict(manifests.walk(self.root)) if self.root is not None else {}

    def get(self, *path: str) -> Node | None:
        """Return what stands at *path*, or None."""
        return manifests.get(self.root, path) if self.root is not None else None

    def value(self, *path: str) -> str:
        """Return the text of one setting, '' where there is none, or null."""
        node = self.get(*path)
        is_null = isinstance(node, Scalar) and not node.style and yamltypes.pyyaml(node.value) == "nothing"
        return node.value if isinstance(node, Scalar) and not is_null else ""

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield each line that is neither empty nor a comment, trimmed, and where it begins in the text."""
        at = 0
        for line in self.text.splitlines(keepends=True):
            bare = line.strip()
            if bare and not bare.startswith(("#", ";")):
                yield at + line.index(bare), bare
            at += len(line)

    def options(self) -> Iterator[tuple[int, str, str]]:
        """Yield each such line as an option: where it begins, its name in lower case, and what stands behind that."""
        for offset, bare in self.lines():
            name, *rest = self.server.parts.split(bare, 1)
            yield offset, name.lower(), "".join(rest)

    def position(self, offset: int = 0) -> str:
        """Return ``file:line:column`` of the character *offset* of the text."""
        return self.leaf.position(offset) if self.leaf else self.resource.manifest.position(offset)

    def place(self, *path: str) -> str:
        """Return ``file:line:column`` of the setting at *path*; where it is not set, of the nearest above it."""
        nodes = (self.get(*path[:count]) for count in range(len(path), -1, -1))
        return self.position(next((node.start for node in nodes if node is not None), 0))


def of(
    server: Server,
    resources: Iterable[Resource],
    containers: Iterable[Container],
    generated: Mapping[str, Iterable[Entry]],
) -> Iterator[Configuration]:
    """Yield what *server* reads among *resources*: entries of Secrets and ConfigMaps, and files without objects.

    *generated*: the entries that kustomize makes of files, by their paths. A pod in which any container mounts the
    object counts: an init container may fill in its text before. Go templates are left out: Helm decides what they say.
    """
    mounting = _mounting(server, containers)
    for resource in (each for each in resources if not each.manifest.actions):
        objects: dict[tuple[str, str, str], dict[Path, Entry]] = {}
        for path, entry in _entries(resource, generated):
            objects.setdefault(entry[:3], {})[path] = entry
        for (kind, namespace, name), entries in objects.items():
            running = tuple(
                each
                for pod in mounting.get((kind, name), ())
                if may_be_one(pod.workload.namespace, namespace)
                for each in pod.containers
                if not each.is_init and server.image.search(each.image)
            )
            yield from _texts(server, resource, entries, running)


def _mounting(server: Server, containers: Iterable[Container]) -> dict[tuple[str, str], list[Pod]]:
    """Return the pods that run *server*, by the kind and name of each object that any of their containers mounts."""
    found: dict[tuple[str, str], list[Pod]] = {}
    for pod in dict.fromkeys(each.pod for each in containers if server.image.search(each.image)):
        for name in pod.objects:
            found.setdefault(name, []).append(pod)
    return found


def _texts(
    server: Server, resource: Resource, entries: Mapping[Path, Entry], running: tuple[Container, ...]
) -> Iterator[Configuration]:
    """Yield the texts of *resource* by their names or their keys; it is looked into for those alone.

    What stands beside a configuration that is known by its keys, and may be one by its name, is one as well."""
    called, may_tell = server.called if running else server.alone, _may_tell(server, resource)
    if not may_tell and not any(called.fullmatch(each.key) for each in entries.values()):
        return
    is_whole = not resource.kind and not resource.manifest.is_text
    leaves = [(entry, None if is_whole else resource.leaves.get(path)) for path, entry in entries.items()]
    texts = [Configuration(server, resource, leaf, entry, running) for entry, leaf in leaves if leaf or is_whole]
    told = [each for each in texts if may_tell and _is_told(each)]
    called = server.called if told else called
    for each in texts:
        if each in told or (called.fullmatch(each.key) and server.holds.search(each.text)):
            yield each


def _entries(resource: Resource, generated: Mapping[str, Iterable[Entry]]) -> Iterator[tuple[Path, Entry]]:
    """Yield the entries of a Secret or ConfigMap by their paths, and those that kustomize makes of a file."""
    if not resource.kind:
        path = resource.manifest.path
        yield from (((), each) for each in generated.get(path) or [Entry("", "", "", path.rpartition("/")[2])])
    for section in ("data", "stringData") if resource.kind else ():
        node = resource.get(section)
        for key, _ in node.entries if isinstance(node, manifests.Mapping) else ():
            if isinstance(key, Scalar):
                entry = Entry(resource.kind, resource.namespace, resource.name, key.value)
                yield (section, manifests.key_step(key.value)), entry


def _may_tell(server: Server, resource: Resource) -> bool:
    """Whether the text of *resource* does not rule out a configuration: one in base64 is known by a name that tells."""
    text, start, end = resource.manifest.text, resource.node.start, resource.node.end
    encoded = (".yaml", ".yml") if resource.kind == "Secret" else ()
    return any(text.find(word, start, end) >= 0 for words in server.keys[:1] for word in (*words, *encoded))


def _is_told(each: Configuration) -> bool:
    """Whether *each* has what tells that it is its server's, on top."""
    if not each.server.keys or not all(any(key in each.text for key in keys) for keys in each.server.keys):
        return False
    return all(any(each.get(key) is not None for key in keys) for keys in each.server.keys)
