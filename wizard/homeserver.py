"""Homeserver configurations: where a tree configures Synapse, and what stands in it. Pure.

A text of a ConfigMap or Secret, or a file of its own (Synapse, docs/usage/configuration/config_documentation.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from wizard import entries, manifests
from wizard.manifests import Mapping, Node, Scalar, Sequence
from wizard.resources import Leaf, Resource

# Nothing else that Synapse reads has both: of the three at least one stands in every configuration that it starts with.
_BESIDE = frozenset({"listeners", "database", "signing_key_path", "signing_key", "public_baseurl"})
_TRUE = frozenset({"true", "yes", "on"})  # YAML 1.1, "bool", without regard to case


@dataclass(frozen=True, eq=False)
class Configuration:
    """One homeserver configuration: the object that holds it, the text there (None: the file itself), and its root."""

    resource: Resource
    leaf: Leaf | None = field(repr=False)
    root: Mapping = field(repr=False)

    @property
    def instance(self) -> str:
        """``main`` or ``li``."""
        return self.resource.instance

    @property
    def where(self) -> str:
        """The object and the key of its text, for people."""
        return f"{self.resource.ref}, {self.leaf.key}" if self.leaf else self.resource.ref

    def get(self, *path: str) -> Node | None:
        """Return the node at *path* of the configuration, or None."""
        return manifests.get(self.root, path)

    def text(self, *path: str) -> str:
        """Return the scalar at *path*, '' where there is none."""
        node = self.get(*path)
        return node.value if isinstance(node, Scalar) else ""

    def is_on(self, *path: str) -> bool:
        """Say whether the option at *path* is there and true."""
        return self.text(*path).lower() in _TRUE

    def is_empty_list(self, *path: str) -> bool:
        """Say whether a list without items stands at *path*."""
        node = self.get(*path)
        return isinstance(node, Sequence) and not node.items

    def position(self, node: Node | None = None) -> str:
        """Return ``file:line:column`` of *node*, of the configuration's begin where it is None."""
        start = (node or self.root).start
        manifest = self.resource.manifest
        return manifest.at(self.leaf.view, start) if self.leaf else manifest.position(start)


def configurations(resources: Iterable[Resource]) -> Iterator[Configuration]:
    """Yield the homeserver configurations in *resources*: ConfigMaps, Secrets, and documents that are no objects.

    Those in Go templates are left out: Helm decides what they say."""
    for resource in resources:
        if resource.manifest.actions or not _may_hold(resource):
            continue
        if not resource.kind:
            yield from _of_root(resource, None, resource.node)
        elif resource.kind in ("ConfigMap", "Secret"):
            for leaf in resource.leaves.values():
                if "~" not in leaf.path and "server_name" in leaf.text and not leaf.refusal:
                    yield from _of_root(resource, leaf, manifests.root_of(leaf.view.text))


def _may_hold(resource: Resource) -> bool:
    """Whether its text does not rule it out: a Secret may hold it in base64, under a name that tells."""
    text, start, end = resource.manifest.text, resource.node.start, resource.node.end
    words = ("server_name", ".yaml", ".yml") if resource.kind == "Secret" else ("server_name",)
    return any(text.find(word, start, end) >= 0 for word in words)


def _of_root(resource: Resource, leaf: Leaf | None, root: Node | None) -> Iterator[Configuration]:
    if isinstance(root, Mapping):
        keys = set(entries.keys(root))
        if "server_name" in keys and keys & _BESIDE:
            yield Configuration(resource, leaf, root)
