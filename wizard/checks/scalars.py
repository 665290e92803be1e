"""What YAML makes of a text without quotes: a number, a boolean or a date, and to each parser another one (FACTS 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard import catalogue, manifests, placeholders, yamltypes
from wizard.configurations import Configuration
from wizard.finding import Finding, at
from wizard.manifests import Mapping, Node, Scalar
from wizard.resources import Leaf, Resource
from wizard.sites import Site
from wizard.survey import Look, Survey

# The maps that the API server takes texts only in, by kind; those of all kinds, and of every pod, are below.
_TEXTS = {"Secret": ("data", "stringData"), "ConfigMap": ("data", "binaryData")}
_PODS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet")
_OTHERS = ("Ingress", "Service", "Namespace", "ServiceAccount", "PersistentVolumeClaim", "Certificate", "ClusterIssuer")
_NOTES = ("annotations", "labels")
_NO_TEXT = frozenset({"a number", "a boolean"})

# Options of Synapse's that it takes a text for: it stops at anything else, or signs with another text (FACTS 2).
_OPTIONS = frozenset(
    {
        "macaroon-secret", "registration-secret", "form-secret", "worker-replication-secret", "turn-secret",
        "li-macaroon-secret", "li-registration-secret", "li-form-secret", "synapse-db-password", "li-db-password",
        "redis-password", "li-redis-password",
    }
)  # fmt: skip
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)|\$\(([A-Za-z_]\w*)\)")
_BREAKS = re.compile(r":(?:\s|\Z)|\s#|\A[-?:,\[\]{}#&*!|>'\"%@`\s]|\s\Z|\n")


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what YAML takes for something else than the text that was meant."""
    yield from survey.of_each(LOOK)
    held = _held(survey)
    for site in survey.found.sites:
        if site.how != "comment" and site.leaf is not None and not site.token:
            yield from _misread(site, site.leaf)
    for text in dict.fromkeys(text for home in survey.homeservers for text in home.texts):
        yield from _substituted(text, held)


def _of_one(resource: Resource) -> Iterator[Finding]:
    if not resource.manifest.is_expanded:
        yield from _refused(resource)
        yield from _renamed(resource)


LOOK = Look(frozenset({*_TEXTS, *_PODS, *_OTHERS}), _of_one)


def _refused(resource: Resource) -> Iterator[Finding]:
    """Numbers and booleans where the API server takes a text [E, FACTS 3], and what parsers disagree on in Secrets."""
    for name, scalar in sorted(_texts(resource), key=lambda each: each[1].start):
        if scalar.style or scalar.tag:
            continue
        fix = "Put it in double quotes."
        if (taken := yamltypes.kubectl(scalar.value)) in _NO_TEXT:
            message = f"{resource.ref}: {name} is {taken} to kubectl, and the API server takes only a text there."
            yield at(resource.manifest.position(scalar.start), "not-a-string", message, fix)
        elif resource.kind == "Secret" and (other := yamltypes.pyyaml(scalar.value)) not in ("a text", "nothing"):
            message = f"{resource.ref}: {name} is a text to kubectl and {other} to other YAML parsers."
            yield at(resource.manifest.position(scalar.start), "parsers-disagree", message, fix)


def _texts(resource: Resource) -> Iterator[tuple[str, Scalar]]:
    """Yield each scalar that the API server takes a text for, with what it is called: an entry, a note, a variable."""
    for section in _TEXTS.get(resource.kind, ()):
        yield from _entries(resource.get(section))
    nodes = [resource.node]
    while nodes:
        node = nodes.pop()
        children = node.children if isinstance(node, Mapping) else ()
        for number in range(0, len(children), 2):
            key, value = children[number], children[number + 1]
            if isinstance(value, Scalar) or not isinstance(key, Scalar):
                continue
            nodes.append(value)
            if key.value == "metadata":
                for notes in (manifests.get(value, (section,)) for section in _NOTES):
                    yield from _entries(notes)
            elif key.value == "env" and resource.kind in _PODS:
                for variable in manifests.items(value):
                    name, text = (manifests.get(variable, (step,)) for step in ("name", "value"))
                    if isinstance(text, Scalar):
                        yield f"env {name.value if isinstance(name, Scalar) else ''}", text
        nodes += manifests.items(node)


def _entries(node: Node | None) -> Iterator[tuple[str, Scalar]]:
    """Yield the scalars of a mapping by their keys; none where *node* is none."""
    for key, value in node.entries if isinstance(node, Mapping) else ():
        if isinstance(key, Scalar) and isinstance(value, Scalar):
            yield key.value, value


def _renamed(resource: Resource) -> Iterator[Finding]:
    """Keys that kubectl takes for booleans: ``y:`` arrives as the key ``true`` [E]."""
    for section in _TEXTS.get(resource.kind, ()):
        node = resource.get(section)
        for key, _ in node.entries if isinstance(node, Mapping) else ():
            if isinstance(key, Scalar) and not key.style and not key.tag and _is_boolean(key.value):
                meant = "true" if key.value.lower() in ("y", "yes", "on") else "false"
                message = f"{resource.ref}: the key {key.value} is a boolean to kubectl, which names it {meant}."
                where = resource.manifest.position(key.start)
                yield at(where, "key-misread", message, f'Put it in double quotes: "{key.value}":')


def _is_boolean(key: str) -> bool:
    return yamltypes.kubectl(key) == "a boolean" and key not in ("true", "false")


def _misread(site: Site, leaf: Leaf) -> Iterator[Finding]:
    """Secrets of Synapse's configuration, and of Helm's values, that stand there as a number or a boolean."""
    is_values = leaf.nested is None and leaf.resource.kind == ""
    if not _is_plain(leaf) or not (leaf.nested is not None or is_values) or not _is_secret(site):
        return
    taken = yamltypes.pyyaml(leaf.text)
    if site.value in _OPTIONS and _is_synapses(leaf) and taken not in ("a text", "nothing"):
        message = f"{site.value} is {taken} to Synapse, which wants a text: it stops, or signs with another secret."
        yield at(site.position, "secret-misread", message, "Put it in double quotes.")
    elif is_values and yamltypes.kubectl(leaf.text) in _NO_TEXT:
        message = f"{site.value} is {yamltypes.kubectl(leaf.text)} to Helm, whose templates may write another text."
        yield at(site.position, "secret-misread", message, "Put it in double quotes.", "warning")


def _is_secret(site: Site) -> bool:
    row = catalogue.BY_NAME.get(site.value)
    return row is not None and row.kind is catalogue.Kind.SECRET


def _is_plain(leaf: Leaf) -> bool:
    """Whether the scalar stands without quotes, in a document of its own or in one of YAML."""
    here = leaf.written
    return bool(leaf.text) and here.text[here.start : here.end] == leaf.text and not leaf.resource.manifest.is_text


def _is_synapses(leaf: Leaf) -> bool:
    """Whether the text is YAML that Synapse reads: its main file, or one that is merged into it."""
    at_document = next((number for number, step in enumerate(leaf.path) if step.startswith("~")), 0)
    file = leaf.path[at_document - 1] if at_document else leaf.resource.manifest.path
    return file.endswith((".yaml", ".yml"))


def _held(survey: Survey) -> dict[str, list[Leaf]]:
    """Return what Secrets hold under each key, where that is known: what a variable of that name may bring."""
    held: dict[str, list[Leaf]] = {}
    for secret in survey.of_kind("Secret"):
        for leaf in secret.leaves.values():
            if leaf.is_secret and leaf.nested is None and leaf.text and not placeholders.is_open(leaf.text):
                held.setdefault(leaf.key, []).append(leaf)
    return held


def _substituted(text: Configuration, held: dict[str, list[Leaf]]) -> Iterator[Finding]:
    """``${NAME}`` without quotes in Synapse's configuration, where the text that takes its place is no text then."""
    home = text.resource.namespace, text.resource.instance
    for path, scalar in text.settings.items():
        match = _VARIABLE.fullmatch(scalar.value) if not scalar.style else None
        name = next(filter(None, match.groups())) if match else ""
        for other in held.get(name, ()):
            taken = yamltypes.pyyaml(other.text)
            is_here = (other.resource.namespace, other.resource.instance) == home
            if is_here and (taken != "a text" or _BREAKS.search(other.text)):
                what = taken if taken != "a text" else "broken YAML, or another text"
                key = next((step for step in reversed(path) if not step.startswith("[")), text.key)
                message = (
                    f"{key} takes {name} without quotes, and what {other.resource.ref} holds there becomes {what}."
                )
                yield at(text.place(*path), "unquoted-variable", message, f'Put it in double quotes: "${{{name}}}"')
