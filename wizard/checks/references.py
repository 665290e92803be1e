"""Whether the Secrets and ConfigMaps that objects name are there, with the keys that they name; and who is unnamed."""

from __future__ import annotations

import difflib
import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Files
from dataclasses import dataclass
from functools import cached_property

from wizard import access, catalogue, clauses, makers, manifests, placeholders, workloads
from wizard.finding import Finding, at
from wizard.makers import Made
from wizard.manifests import Mapping, Scalar
from wizard.resources import Resource, may_be_one
from wizard.survey import Survey
from wizard.workloads import Mention


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield each reference to what is not there, and each Secret to which there is none."""
    held = _Held(tuple(survey.of_kind("Secret", "ConfigMap")), makers.made(survey.holding(makers.MARK, *makers.KINDS)))
    used = set[tuple[str, str]]()
    for resource in survey.holding(_NAMING, *workloads.NAMING):
        told = set[tuple[str, str, str]]()  # of an object that names another one several times once
        for mention in (*workloads.mentions(resource), *_annotated(resource)):
            used.add((mention.kind, mention.name))
            what = (mention.kind, mention.name, mention.key)
            broken = list(_broken(resource, mention, held)) if what not in told else []
            told |= {what} if broken else set()
            yield from broken
    yield from _unused(survey, held, {name for kind, name in used if kind == "Secret"})


_NAMING = re.compile(rb"""kind["']?\s*:\s*["']?(?:""" + "|".join(sorted(workloads.NAMING)).encode() + rb""")\b""")


# --- what there is


@dataclass(frozen=True)
class _Held:
    """The Secrets and ConfigMaps of a tree, and what others have made."""

    objects: tuple[Resource, ...]
    made: Made

    @cached_property
    def by_name(self) -> dict[tuple[str, str], list[Resource]]:
        """The objects by kind and name."""
        found: dict[tuple[str, str], list[Resource]] = {}
        for each in self.objects:
            found.setdefault((each.kind, each.name), []).append(each)
        return found

    @cached_property
    def homes(self) -> frozenset[str]:
        """The namespaces in which Secrets of Matrix stand."""
        ours = (each for each in self.objects if catalogue.is_named(each.kind, each.name, _OF_ANYBODY))
        return frozenset(each.namespace for each in ours)

    def meant(self, mention: Mention) -> list[Resource]:
        """Return the objects that *mention* is about; where a namespace is not written it may be the other's."""
        found = self.by_name.get((mention.kind, mention.name), [])
        return [each for each in found if may_be_one(each.namespace, mention.namespace)]

    def near(self, mention: Mention) -> str:
        """Return the object that *mention* probably means, '' where none is like it."""
        others = self.by_name.get((mention.kind, mention.name), [])
        if others:
            return others[0].ref
        names = self.names.get((mention.kind, mention.namespace), {})
        like = difflib.get_close_matches(mention.name, names, 1, 0.85) if len(names) < _MANY else []
        return names[like[0]].ref if like else ""

    @cached_property
    def names(self) -> dict[tuple[str, str], dict[str, Resource]]:
        """The objects by their names, for each kind and namespace."""
        found: dict[tuple[str, str], dict[str, Resource]] = {}
        for each in self.objects:
            found.setdefault((each.kind, each.namespace), {})[each.name] = each
        return found


_MANY = 300  # names that are not compared with each one that is missing: it would take longer than all the rest
_OF_ANYBODY = frozenset({"redis-password", "livekit-redis-password", "minio-root-password", "s3-password"})


def _keys(objects: Iterable[Resource]) -> frozenset[str] | None:
    """Return the keys of *objects*, which are one; None where not all of them can be told."""
    found = set[str]()
    for resource in objects:
        sections = [resource.get(section) for section in ("data", "stringData", "binaryData")]
        if resource.manifest.actions or any(each is not None and not isinstance(each, Mapping) for each in sections):
            return None
        keys = [key for each in sections if isinstance(each, Mapping) for key, _ in each.entries]
        words = {key.value for key in keys if isinstance(key, Scalar)}
        if not words or "<<" in words:
            return None  # what is empty somebody else fills, and what is merged is not read here
        found |= words
    return frozenset(found)


# --- what is named


def _annotated(resource: Resource) -> Iterator[Mention]:
    """Yield the Secrets that the annotations of an Ingress name: ``[namespace/]name``, and the key of a password file.

    Those of LI's admin page have a rule of their own."""
    if resource.kind != "Ingress" or resource.manifest.actions or clauses.is_li_admin(resource):
        return
    for controller in access.readers(resource):
        node = resource.get(*access.ANNOTATIONS, controller.auth.get("secret", ""))
        if isinstance(node, Scalar) and node.value and (controller.asks in _notes(resource)):
            namespace, _, name = node.value.rpartition("/")
            namespace = namespace or resource.namespace
            yield Mention("Secret", namespace, name, "", node.start, "operator", True)
            if _notes(resource).get(f"{controller.auth['secret']}-type", "auth-file") == "auth-file":
                yield Mention("Secret", namespace, name, "auth", node.start, "operator", True)


def _notes(resource: Resource) -> dict[str, str]:
    return manifests.texts(resource.get(*access.ANNOTATIONS))


def _broken(resource: Resource, mention: Mention, held: _Held) -> Iterator[Finding]:
    """Yield a finding where what *mention* is about is not there."""
    if (
        not mention.needed
        or held.made.has(mention.name)
        or placeholders.is_open(mention.name)
        or placeholders.is_open(mention.key)
    ):
        return
    found, position = held.meant(mention), resource.manifest.position(mention.at)
    if found and mention.key:
        keys = _keys(found)
        if keys is not None and mention.key not in keys:
            yield _keyless(resource, mention, found[0], position, is_sure=_are_of_one(resource, mention, found, held))
    elif not found and not mention.key and not _is_elsewhere(resource, mention, held):
        yield _missing(resource, mention, held, position)


# What Kubernetes and its distributions put into each namespace.
_EVERYWHERE = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"})
# By these cert-manager makes the Secret that an Ingress or a Gateway names.
_ISSUED = ("cert-manager.io/issuer", "cert-manager.io/cluster-issuer", "kubernetes.io/tls-acme")


def _is_elsewhere(resource: Resource, mention: Mention, held: _Held) -> bool:
    """Whether the object named may well be in no file: others make it, or its namespace has none of its kind."""
    is_issued = resource.kind in ("Ingress", "Gateway") and any(each in _notes(resource) for each in _ISSUED)
    spaces = {namespace for kind, namespace in held.names if kind == mention.kind}
    is_here = bool(spaces & {mention.namespace, ""}) if mention.namespace else bool(spaces)
    has_any = is_here or (mention.kind, mention.name) in held.by_name
    return mention.name in _EVERYWHERE or is_issued or not has_any


def _missing(resource: Resource, mention: Mention, held: _Held, position: str) -> Finding:
    near = held.near(mention)
    is_sure = near and _is_ours(resource, mention, held) and mention.how != "kubelet"
    message = f"{resource.ref} names {mention.kind} {mention.name}, which no file of the tree has."
    fix = f"Name one that is there. If it was made otherwise: kubectl get {mention.kind.lower()} {mention.name}"
    if near:
        message, fix = f"{message} Is {near} meant?", f"Write its name and namespace here, or give it these: {near}"
    return at(position, "reference-missing", message, fix, None if is_sure else "warning")


def _is_ours(resource: Resource, mention: Mention, held: _Held) -> bool:
    """Whether the namespace that *mention* is about may be one in which Secrets of Matrix stand."""
    namespace = mention.namespace or resource.namespace
    return bool(held.homes & {namespace, ""}) or (namespace == "" and bool(held.homes))


def _are_of_one(resource: Resource, mention: Mention, found: Iterable[Resource], held: _Held) -> bool:
    """Whether the objects that were *found* by their name are what *resource* will meet.

    In a tree of many deployments that write no namespace two of them may well have one name."""
    is_written = any(each.namespace and each.namespace == mention.namespace for each in found)
    is_beside = any(each.manifest.path == resource.manifest.path for each in found)
    return is_written or is_beside or _is_ours(resource, mention, held)


def _keyless(resource: Resource, mention: Mention, found: Resource, position: str, *, is_sure: bool) -> Finding:
    keys = sorted(_keys([found]) or ())
    like = difflib.get_close_matches(mention.key, keys, 1, 0.6)
    message = f"{resource.ref} reads the key {mention.key} of {found.ref}, which has none of that name."
    fix = f"Write {like[0]} here." if like else f"Add {mention.key} to {found.ref}, or name a key that it has."
    return at(position, "reference-key-missing", message, fix, None if is_sure else "warning")


# --- what nobody names


_OPAQUE = frozenset({"", "Opaque", "kubernetes.io/basic-auth"})
_PLAIN = ("app.kubernetes.io/", "helm.sh/", "kubectl.kubernetes.io/", "kustomize.config.k8s.io/")
_COMMENT = re.compile(rb"(?m)(?:^|[ \t])#[^\n]*")
_PROSE = (".md", ".rst", ".txt", ".adoc")


def _unused(survey: Survey, held: _Held, used: set[str]) -> Iterator[Finding]:
    """Yield the Secrets whose name stands nowhere else in the tree, where most others are used by theirs."""
    secrets = [each for each in held.objects if each.kind == "Secret"]
    idle = [each for each in secrets if each.name not in used and _is_for_a_reader(each)]
    idle = [each for each in idle if not held.made.has(each.name)]
    if len(idle) > sum(each.name in used for each in secrets):
        return  # a tree of Secrets alone: their readers are somewhere else
    own = Counter(each.name for each in secrets)
    named = _occurrences(survey.tree.files, {each.name for each in idle}) if idle else Counter()
    for secret in (each for each in idle if named[each.name] <= own[each.name]):
        message = f"{secret.ref} is named nowhere: nothing of the tree reads it."
        fix = f"Name it where it is to be read. If nothing reads it, remove it here, and: {_deletion(secret)}"
        name = secret.get("metadata", "name")
        start = name.start if name is not None else secret.node.start
        yield at(secret.manifest.position(start), "secret-unused", message, fix)


def _deletion(secret: Resource) -> str:
    return f"kubectl delete secret {secret.name}" + (f" -n {secret.namespace}" if secret.namespace else "")


def _is_for_a_reader(secret: Resource) -> bool:
    """Whether *secret* is of use by its name alone: controllers find others by a type, a label or an annotation."""
    marks = [*secret.labels, *_notes(secret)]
    is_found = any("/" in each and not each.startswith(_PLAIN) for each in marks)
    is_plain = secret.text("type") in _OPAQUE
    return (
        bool(secret.name)
        and is_plain
        and not is_found
        and not secret.manifest.actions
        and not placeholders.is_open(secret.name)
    )


def _occurrences(files: Files[str, bytes], names: set[str]) -> Counter[str]:
    """Return how often each of *names* stands in the files as a word of its own, outside of comments and prose."""
    words = {name.encode() for name in names}
    found = Counter[str]()
    for path, data in files.items():
        if not path.endswith(_PROSE) and _counted(data, words):
            found.update(_counted(_COMMENT.sub(b"", data), words))
    return found


def _counted(data: bytes, names: set[bytes]) -> Counter[str]:
    """Return how often each of *names* is a word of *data*, or what a word begins with in front of a point."""
    found = Counter[str]()
    for word, count in Counter(data.translate(_APART).split()).items():
        name = word if word in names else _in_front(word, names) if b"." in word else b""
        if name:
            found[name.decode()] += count
    return found


def _in_front(word: bytes, names: set[bytes]) -> bytes:
    """Return the longest of *names* that *word* begins with in front of a point, as that of a host does."""
    start = word[: _LONGEST + 1]
    ends = (end for end in range(len(start) - 1, 0, -1) if start[end : end + 1] == b".")
    return next((start[:end] for end in ends if start[:end] in names), b"")


_IN_WORDS = frozenset(string.ascii_letters + string.digits + "_.-")
_APART = bytes(each if chr(each) in _IN_WORDS else 0x20 for each in range(256))  # all that is in no word is a space
_LONGEST = 253  # the most characters of a name (Kubernetes documentation, "Object Names and IDs")
