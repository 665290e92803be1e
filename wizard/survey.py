"""The survey of a tree: what every rule looks at, read and searched once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from wizard import configurations, originals, pods, resources, rollout, search, workloads
from wizard.answers import Answers
from wizard.configurations import Configuration, Server
from wizard.lock import Lock
from wizard.pods import Container
from wizard.resources import Manifest, Resource
from wizard.sites import Found, Scope
from wizard.structure import Tree
from wizard.workloads import Workload

# A word of those stands in every file with the configuration of a server, if only in the name of the object.
_CONFIGURING = re.compile(rb"(?i)synapse|homeserver|server_name|coturn|turnserver|livekit|sygnal|redis|valkey|haproxy")
_RUNNING = re.compile(rf"""kind["']?\s*:\s*["']?(?:{"|".join(sorted(workloads.KINDS))})\b""".encode())


@dataclass(frozen=True)
class Survey:
    """A tree as rules see it: its bytes, the manifests worth parsing, and the places that hold values.

    ``scope`` tells what is switched off, as sites.lock says; ``now`` is the time, ISO 8601 in UTC."""

    tree: Tree
    manifests: tuple[Manifest, ...]
    scope: Scope
    found: Found
    now: str

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Every object of the tree that is in use."""
        every = (each for manifest in self.manifests for each in manifest.resources)
        return tuple(each for each in every if each.kind and not rollout.is_off(each, self.scope))

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """Every object that runs something and is in use, whether or not other rules read its file."""
        known = {each.path for each in self.manifests}
        others = (path for path in sorted(self.tree.files) if path not in known and resources.is_read(path))
        running = ((path, self.tree.files[path]) for path in others if _RUNNING.search(self.tree.files[path]))
        further = (resources.read(path, data, self.tree.instances) for path, data in running)
        every = (*self.manifests, *(each for each in further if each is not None))
        return tuple(each for each in workloads.of(every) if not rollout.is_off(each.resource, self.scope))

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """Every container of what runs and is in use."""
        return tuple(each for workload in self.workloads for each in pods.containers(workload))

    def of_server(self, server: Server) -> Iterator[Configuration]:
        """Yield the texts that *server* reads as its configuration."""
        objects = self.holding(_CONFIGURING, "Secret", "ConfigMap")
        yield from configurations.of(server, objects, self.containers)

    def of_kind(self, *kinds: str) -> Iterator[Resource]:
        """Yield the objects of these kinds."""
        yield from (each for each in self.resources if each.kind in kinds)

    def holding(self, mark: re.Pattern[bytes], *kinds: str) -> Iterator[Resource]:
        """Yield the objects of these kinds in files whose bytes hold *mark*, whether or not other rules read those.

        The kind '' is that of documents that are no objects, such as the values of a chart."""
        known = {each.path: each for each in self.manifests}
        for path, data in sorted(self.tree.files.items()):
            if resources.is_read(path) and mark.search(data):
                manifest = known.get(path) or resources.read(path, data, self.tree.instances)
                every = manifest.resources if manifest else ()
                yield from (each for each in every if each.kind in kinds and not rollout.is_off(each, self.scope))


def survey(tree: Tree, lock: Lock | None, now: str) -> Survey:
    """Return the survey of *tree* at the time *now*; *lock* is its sites.lock, if it has one."""
    records = lock.records if lock else ()
    manifests = tree.manifests(records)
    records = originals.moved(records, manifests)
    scope = Scope(Answers(), records, frozenset(lock.left_out if lock else ()))
    return Survey(tree, tuple(manifests), scope, search.find(manifests, scope), now)
