"""What is well formed: documents that parse, and in which each key stands once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard import manifests
from wizard.configurations import Configuration
from wizard.finding import Finding, at
from wizard.manifests import Alias, Mapping, Node, Scalar, Sequence
from wizard.resources import Manifest, Resource
from wizard.rules import Severity
from wizard.survey import Look, Survey

# Whose settings matter here; a key of other kinds may be lost as well, and is its owner's.
_KINDS = frozenset(
    {
        "Secret",
        "ConfigMap",
        "Ingress",
        "IngressRoute",
        "Middleware",
        "Certificate",
        "ClusterIssuer",
        "Issuer",
        "NetworkPolicy",
        "Service",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Cluster",
        "Tenant",
    }
)
_HELD = frozenset({"Secret", "ConfigMap"})
# What makes YAML of a template before kubectl sees it: Jinja's statements, Helm's, and what Helm alone knows.
_STATEMENT = re.compile(
    r"\{%|\{\{-?\s*(?:if|range|with|end|else|include|define|template|toYaml)\b|\{\{[^}]*\.(?:Values|Release|Chart)\b"
)
_OBJECT = re.compile(r"^(?:apiVersion|kind|data|stringData)[ \t]*:", re.MULTILINE)


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is malformed."""
    yield from _unparsed(survey)
    yield from survey.of_each(LOOK)
    for text in dict.fromkeys(text for home in survey.homeservers for text in home.texts):
        yield from _twice_inside(text)


def _of_one(resource: Resource) -> Iterator[Finding]:
    if not resource.manifest.is_expanded:
        yield from _twice(resource)
        yield from _in_both_maps(resource)
        yield from _unanchored(resource)


LOOK = Look(_KINDS, _of_one)


def _unparsed(survey: Survey) -> Iterator[Finding]:
    """Every document that does not parse, also in files that no other rule reads: kubectl reads them all."""
    for manifest in survey.every:
        is_first = not manifest.is_parsed
        yield from _broken(manifest)
        if is_first:
            manifest.forget()


def _broken(manifest: Manifest) -> Iterator[Finding]:
    for part in manifest.broken:
        position = f"{manifest.path}:{part.line}:{part.column}"
        if _STATEMENT.search(manifest.text, part.start, part.end):
            message = f"This document is a template, and no valid YAML as it stands: {part.reason}."
            fix = "Check what its engine makes of it, or ignore this file, with that as the reason."
            yield at(position, "unparseable", message, fix, "warning")
        else:
            # What names no kind may be another tool's, whose dialect is not known here.
            severity: Severity | None = None if _OBJECT.search(manifest.text) else "warning"
            message = f"This document is not valid YAML: {part.reason}."
            yield at(position, "unparseable", message, "Mend it by hand.", severity)


def _unanchored(resource: Resource) -> Iterator[Finding]:
    """Aliases of no anchor before them, by which every reader refuses the document; a text that begins with * is one
    (YAML 1.2.2, 7.1)."""
    if "*" not in resource.manifest.text:
        return
    nodes: list[Node] = [resource.node]
    aliases: list[Alias] = []
    anchors: dict[str, int] = {}
    while nodes:
        node = nodes.pop()
        if isinstance(node, Alias):
            aliases.append(node)
        elif node.anchor:
            anchors[node.anchor] = min(node.start, anchors.get(node.anchor, node.start))
        nodes += node.children if isinstance(node, Mapping) else node.items if isinstance(node, Sequence) else ()
    for alias in sorted(aliases, key=lambda each: each.start):
        if anchors.get(alias.name, alias.start) >= alias.start:
            message = f"This document is not valid YAML: an alias of {resource.ref} names no anchor before it."
            fix = "Put a text that begins with * into quotes, or give the anchor."
            yield at(resource.manifest.position(alias.start), "unparseable", message, fix)


def _twice(resource: Resource) -> Iterator[Finding]:
    """Keys that stand twice: for kubectl the last one counts, in silence; kustomize refuses the file [E]."""
    manifest = resource.manifest
    for first, second, is_same in _repeated(resource.node):
        line, _ = manifests.line_and_column(manifest.text, first.start)
        message = f"{resource.ref}: the key {second.value} stands here and in line {line}; only one of them counts."
        severity: Severity | None = None if resource.kind in _HELD and not is_same else "warning"
        yield at(manifest.position(second.start), "key-twice", message, "Remove the one that is not meant.", severity)


def _repeated(root: Node) -> Iterator[tuple[Scalar, Scalar, bool]]:
    """Yield the first and the later key of each two that are one, and whether their values are the same scalar."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Mapping):
            keys = [key.value for key in node.children[::2] if isinstance(key, Scalar)]
            if len(keys) == len(set(keys)):
                nodes += node.children[1::2]
                continue
            seen: dict[str, tuple[Scalar, Node]] = {}
            for key, value in node.entries:
                if isinstance(key, Scalar) and key.value != "<<":
                    first, other = seen.setdefault(key.value, (key, value))
                    if first is not key:
                        yield first, key, _text(value) is not None and _text(value) == _text(other)
            nodes += node.children[1::2]
        elif isinstance(node, Sequence):
            nodes += node.items


def _text(node: Node) -> str | None:
    return node.value if isinstance(node, Scalar) else None


def _in_both_maps(resource: Resource) -> Iterator[Finding]:
    """Keys of a Secret under both ``data:`` and ``stringData:``, which wins (FACTS 5)."""
    if resource.kind != "Secret":
        return
    encoded = {leaf.key: leaf for leaf in resource.leaves.values() if leaf.is_encoded and leaf.nested is None}
    for leaf in resource.leaves.values():
        other = encoded.get(leaf.key) if leaf.is_secret and not leaf.is_encoded and leaf.nested is None else None
        if other is not None and other.text != leaf.text:
            where = resource.manifest.position(other.scalar.start)
            message = (
                f"{resource.ref}: {leaf.key} stands under data: and under stringData: with another text, which wins."
            )
            yield at(where, "key-twice", message, "Remove the one that is not meant.", "warning")


def _twice_inside(text: Configuration) -> Iterator[Finding]:
    """Options that stand twice in Synapse's configuration: PyYAML takes the last one, in silence."""
    for first, second, _ in _repeated(text.root) if text.root else ():
        line = text.position(first.start).rsplit(":", 2)[1]
        message = f"{text.resource.ref}: a key of {text.key} stands here and in line {line}; the last one counts."
        yield at(text.position(second.start), "key-twice", message, "Remove the one that is not meant.", "warning")
