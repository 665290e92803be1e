"""Pods: the containers of what a tree runs, each with its image, words and variables, and what stands at its paths.

Pure. What Kubernetes itself makes of a pod's spec is core/v1 of its API; what is in an image is not known here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from wizard import workloads
from wizard.manifests import Node, Scalar
from wizard.resources import Entry
from wizard.workloads import Reader, Workload

OTHER = "other"
_VERSION = re.compile(r":v?([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?(?=[-@+]|$)")  # longer ones are no versions
_SOURCES = (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap"))
_WHOLE = (("secretRef", "Secret"), ("configMapRef", "ConfigMap"))


@dataclass(frozen=True)
class Source:
    """What stands at a path, or in a variable: an entry of a Secret or ConfigMap.

    ``kind`` is OTHER where that is not known, ``key`` is '' where the object has no such entry, or all of them.
    ``mode``: the permissions of the file as they are written, '' for the default."""

    kind: str
    name: str = ""
    key: str = ""
    mode: str = ""


@dataclass(frozen=True)
class Variable:
    """One variable of a container: where it is set, its text where that stands there, and from what it comes else."""

    name: str
    node: Node
    text: str
    source: Source | None


@dataclass(frozen=True)
class _Mount:
    path: str
    within: str
    source: Source
    items: dict[str, tuple[str, str]]

    def at(self, path: str) -> Source:
        """Return what it brings to *path*, which is below its own."""
        if self.source.kind == OTHER:
            return self.source
        key = posixpath.normpath(posixpath.join(self.within, posixpath.relpath(path, self.path)))
        key, mode = self.items.get(key, ("", "")) if self.items else (key, "")
        return Source(self.source.kind, self.source.name, key, mode or self.source.mode)


@dataclass(frozen=True, eq=False)
class Pod:
    """The pod that a workload runs, one or several times alike: its spec, and what reads that."""

    workload: Workload
    reader: Reader
    spec: Node

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """Its containers, the init containers first."""
        keys = (("initContainers.*", True), ("containers.*", False))
        return tuple(Container(self, node, is_init) for key, is_init in keys for node in self.reader.at(self.spec, key))

    @cached_property
    def objects(self) -> frozenset[tuple[str, str]]:
        """The kind and name of each Secret and ConfigMap that is mounted in any of them."""
        return frozenset[tuple[str, str]]().union(*(each.objects for each in self.containers))

    @cached_property
    def lines(self) -> str:
        """The words of all of them, those of each in a line."""
        return "\n".join(each.line for each in self.containers)


@dataclass(frozen=True, eq=False)
class Container:
    """One container, or init container, of a pod."""

    pod: Pod
    node: Node
    is_init: bool

    @property
    def workload(self) -> Workload:
        """What runs it."""
        return self.pod.workload

    @property
    def reader(self) -> Reader:
        """What reads it."""
        return self.pod.reader

    @cached_property
    def name(self) -> str:
        """Its name."""
        return self.reader.text(self.node, "name")

    @cached_property
    def labels(self) -> dict[str, str]:
        """The labels of its pod, by which Services and policies select it."""
        resource = self.workload.resource
        above = () if resource.kind == "Pod" else ("spec", "template")
        entries = self.reader.entries(resource.get(*above, "metadata", "labels"))
        return {key: value.value for key, value in entries.items() if isinstance(value, Scalar)}

    @cached_property
    def image(self) -> str:
        """Its image, as it is written."""
        return self.reader.text(self.node, "image")

    @cached_property
    def version(self) -> tuple[int, ...] | None:
        """The version that the image's tag names, as three numbers; None where the tag is none (``latest``)."""
        found = _VERSION.search(self.image)
        return tuple(int(each or 0) for each in found.groups()) if found else None

    @cached_property
    def words(self) -> tuple[Scalar, ...]:
        """The words of its command and of its arguments."""
        found = (each for key in ("command.*", "args.*") for each in self.reader.at(self.node, key))
        return tuple(each for each in found if isinstance(each, Scalar))

    @cached_property
    def line(self) -> str:
        """Its words in one text."""
        return " ".join(each.value for each in self.words)

    @cached_property
    def has_command(self) -> bool:
        """Whether the image's own entry point is not run."""
        return any(True for _ in self.reader.at(self.node, "command.*"))

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """The variables that it is given one by one, in their order."""
        return tuple(self._variable(each) for each in self.reader.at(self.node, "env.*"))

    @cached_property
    def whole(self) -> tuple[Source, ...]:
        """The Secrets and ConfigMaps whose entries are all its variables."""
        found = (
            (kind, self.reader.text(node, "name"))
            for key, kind in _WHOLE
            for node in self.reader.at(self.node, f"envFrom.*.{key}")
        )
        return tuple(Source(kind, name) for kind, name in found)

    def source_of(self, variable: str) -> Source | None:
        """Return the entry of an object that the *variable* comes from, as far as its name tells."""
        own = next((each for each in reversed(self.variables) if each.name == variable), None)
        if own is not None:
            return own.source
        return Source(self.whole[-1].kind, self.whole[-1].name, variable) if len(self.whole) == 1 else None

    def at(self, path: str) -> Source | None:
        """Return what stands at an absolute *path*; None where nothing is mounted there, so that the image decides."""
        every = self.all_at(path)
        found = [each for each in every if each.key or each.kind == OTHER]
        return Source(OTHER) if len(found) > 1 else next(iter(found or every), None)

    def all_at(self, path: str) -> list[Source]:
        """Return what may stand at an absolute *path*: one, several where a projected volume brings them together.

        Their ``key`` is '' where they bring no such file."""
        path = posixpath.normpath(path)
        return [each.at(path) for each in self._over(path)]

    def _over(self, path: str) -> list[_Mount]:
        """Return the mounts that bring what is at *path*, one but for a projected volume."""
        over = [each for each in self._mounts if path == each.path or path.startswith(f"{each.path.rstrip('/')}/")]
        longest = max((len(each.path) for each in over), default=0)
        return [each for each in over if len(each.path) == longest]

    def paths_of(self, entry: Entry) -> Iterator[str]:
        """Yield the paths at which *entry* is mounted."""
        kind, _, name, key = entry
        for mount in (each for each in self._mounts if (each.source.kind, each.source.name) == (kind, name)):
            for file in [path for path, item in mount.items.items() if item[0] == key] if mount.items else [key]:
                rest = file if mount.within == "." else file.removeprefix(mount.within)
                path = posixpath.normpath(f"{mount.path}/{rest}")
                if mount.at(path).key == key and mount in self._over(path):
                    yield path

    def position(self, node: Node | None = None) -> str:
        """Return ``file:line:column`` of *node*, or of the container."""
        return self.workload.resource.manifest.position((node or self.node).start)

    @cached_property
    def objects(self) -> frozenset[tuple[str, str]]:
        """The kind and name of each Secret and ConfigMap that is mounted in it."""
        return frozenset((each.source.kind, each.source.name) for each in self._mounts)

    def _variable(self, node: Node) -> Variable:
        source = None
        for key, kind in _SOURCES:
            for each in self.reader.at(node, f"valueFrom.{key}"):
                source = Source(kind, self.reader.text(each, "name"), self.reader.text(each, "key"))
        return Variable(self.reader.text(node, "name"), node, self.reader.text(node, "value"), source)

    @cached_property
    def _mounts(self) -> tuple[_Mount, ...]:
        volumes = {self.reader.text(each, "name"): each for each in self.reader.at(self.pod.spec, "volumes.*")}
        return tuple(
            mount
            for each in self.reader.at(self.node, "volumeMounts.*")
            for mount in self._of_volume(each, volumes.get(self.reader.text(each, "name")))
        )

    def _of_volume(self, node: Node, volume: Node | None) -> Iterator[_Mount]:
        """Yield what mounting *volume* by *node* brings: of a projected volume each of its sources."""
        projected = next(iter(self.reader.at(volume, "projected")), None)
        for each in [volume] if projected is None else self.reader.at(projected, "sources.*"):
            yield self._mount(node, each, self.reader.text(projected, "defaultMode"))

    def _mount(self, node: Node, volume: Node | None, mode: str) -> _Mount:
        path = posixpath.normpath(self.reader.text(node, "mountPath"))
        within = self.reader.text(node, "subPath") or "."
        for key, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
            for each in self.reader.at(volume, key) if "$(" not in self.reader.text(node, "subPathExpr") else ():
                own = self.reader.text(each, "defaultMode") or mode
                source = Source(kind, self.reader.text(each, "secretName", "name"), mode=own)
                items = {
                    posixpath.normpath(self.reader.text(one, "path")): (
                        self.reader.text(one, "key"),
                        self.reader.text(one, "mode"),
                    )
                    for one in self.reader.at(each, "items.*")
                }
                return _Mount(path, within, source, items)
        return _Mount(path, within, Source(OTHER), {})


def containers(each: Workload) -> tuple[Container, ...]:
    """Return the containers of *each*, its init containers first; none where an operator makes its pods."""
    found = workloads.pod(each)
    return Pod(each, *found).containers if found is not None else ()


def octal(mode: str) -> int:
    """Return the permissions that a ``defaultMode`` writes: YAML 1.1 reads 0400 as octal, and 256 as it stands."""
    digits = mode.removeprefix("0o")
    try:
        return int(digits, 8) if mode.startswith("0") else int(mode)
    except ValueError:
        return 0o644
