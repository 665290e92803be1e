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

from wizard import access, catalogue, clauses, makers, placeholders, workloads
from wizard.finding import Finding, at
from wizard.makers import Made
from wizard.manifests import Mapping, Scalar
from wizard.resources import Manifest, Resource, may_be_one
from wizard.survey import Look, Survey
from wizard.workloads import Mention


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield each reference to what is not there, and each Secret to which there is none."""
    seen = survey.of_each(LOOK)
    objects = tuple(each for each in seen if isinstance(each, _Object))
    held = _Held(objects, makers.made(survey.holding(makers.MARK, *makers.KINDS)))
    used = set[tuple[str, str]]()
    for one in (each for each in seen if isinstance(each, _Namer)):
        told = set[tuple[str, str, str]]()  # of an object that names another one several times once
        for mention in one.mentions:
            used.add((mention.kind, mention.name))
            what = (mention.kind, mention.name, mention.key)
            broken = list(_broken(one, mention, held)) if what not in told else []
            told |= {what} if broken else set()
            yield from broken
    yield from _unused(survey, held, {name for kind, name in used if kind == "Secret"})


# --- what is kept of each object


@dataclass(frozen=True)
class _Object:
    """A Secret or ConfigMap: ``at`` is where its name stands, and ``keys`` are None where not all can be told.

    ``is_for_a_reader``: it is a Secret, and of use by its name alone."""

    manifest: Manifest
    ref: str
    kind: str
    namespace: str
    name: str
    at: int
    keys: frozenset[str] | None
    is_for_a_reader: bool


@dataclass(frozen=True)
class _Namer:
    """An object that names others. ``is_issued``: somebody makes the Secrets that it names."""

    manifest: Manifest
    ref: str
    namespace: str
    mentions: tuple[Mention, ...]
    is_issued: bool


def _of_one(resource: Resource) -> Iterator[_Object | _Namer]:
    if resource.kind in _HELD:
        name = resource.get("metadata", "name")
        start = name.start if name is not None else resource.node.start
        is_for_a_reader = resource.kind == "Secret" and _is_for_a_reader(resource)
        what = (resource.manifest, resource.ref, resource.kind, resource.namespace, resource.name)
        yield _Object(*what, start, _keys(resource), is_for_a_reader)
    elif mentions := (*workloads.mentions(resource), *_annotated(resource)):
        is_issued = resource.kind in ("Ingress", "Gateway") and any(each in access.notes(resource) for each in _ISSUED)
        yield _Namer(resource.manifest, resource.ref, resource.namespace, mentions, is_issued)


_HELD = frozenset({"Secret", "ConfigMap"})
LOOK = Look(_HELD | workloads.NAMING, _of_one)


def _keys(resource: Resource) -> frozenset[str] | None:
    """Return the keys of *resource*; None where not all of them can be told."""
    sections = [resource.get(section) for section in ("data", "stringData", "binaryData")]
    if resource.manifest.actions or any(each is not None and not isinstance(each, Mapping) for each in sections):
        return None
    keys = [key for each in sections if isinstance(each, Mapping) for key, _ in each.entries]
    words = frozenset(key.value for key in keys if isinstance(key, Scalar))
    return None if not words or "<<" in words else words  # what is empty others fill, and what is merged is not read


# --- what there is


@dataclass(frozen=True)
class _Held:
    """The Secrets and ConfigMaps of a tree, and what others have made."""

    objects: tuple[_Object, ...]
    made: Made

    @cached_property
    def by_name(self) -> dict[tuple[str, str], list[_Object]]:
        """The objects by kind and name."""
        found: dict[tuple[str, str], list[_Object]] = {}
        for each in self.objects:
            found.setdefault((each.kind, each.name), []).append(each)
        return found

    @cached_property
    def homes(self) -> frozenset[str]:
        """The namespaces in which Secrets of Matrix stand."""
        ours = (each for each in self.objects if catalogue.is_named(each.kind, each.name, _OF_ANYBODY))
        return frozenset(each.namespace for each in ours)

    def meant(self, mention: Mention) -> list[_Object]:
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
    def names(self) -> dict[tuple[str, str], dict[str, _Object]]:
        """The objects by their names, for each kind and namespace."""
        found: dict[tuple[str, str], dict[str, _Object]] = {}
        for each in self.objects:
            found.setdefault((each.kind, each.namespace), {})[each.name] = each
        return found


_MANY = 300  # names that are not compared with each one that is missing: it would take longer than all the rest
_OF_ANYBODY = frozenset({"redis-password", "livekit-redis-password", "minio-root-password", "s3-password"})


def _keys_of(objects: Iterable[_Object]) -> frozenset[str] | None:
    """Return the keys of *objects*, which are one; None where not all of them can be told."""
    found = [each.keys for each in objects]
    return None if None in found else frozenset().union(*(each for each in found if each is not None))


# --- what is named


def _annotated(resource: Resource) -> Iterator[Mention]:
    """Yield the Secrets that the annotations of an Ingress name: ``[namespace/]name``, and the key of a password file.

    Those of LI's admin page have a rule of their own."""
    if resource.kind != "Ingress" or resource.manifest.actions or clauses.is_li_admin(resource):
        return
    for controller in access.readers(resource):
        node = resource.get(*access.ANNOTATIONS, controller.auth.get("secret", ""))
        if isinstance(node, Scalar) and node.value and (controller.asks in access.notes(resource)):
            namespace, name = access.secret_of(resource, node.value)
            yield Mention("Secret", namespace, name, "", node.start, "operator", True)
            if access.notes(resource).get(f"{controller.auth['secret']}-type", "auth-file") == "auth-file":
                yield Mention("Secret", namespace, name, "auth", node.start, "operator", True)


def _broken(one: _Namer, mention: Mention, held: _Held) -> Iterator[Finding]:
    """Yield a finding where what *mention* of *one* is about is not there."""
    if (
        not mention.needed
        or held.made.has(mention.name)
        or placeholders.is_open(mention.name)
        or placeholders.is_open(mention.key)
    ):
        return
    found = held.meant(mention)
    if found and mention.key:
        keys = _keys_of(found)
        if keys is not None and mention.key not in keys:
            yield _keyless(one, mention, found[0], is_sure=_are_of_one(one, mention, found, held))
    elif not found and not mention.key and not _is_elsewhere(one, mention, held):
        yield _missing(one, mention, held)


# What Kubernetes and its distributions put into each namespace.
_EVERYWHERE = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"})
# By these cert-manager makes the Secret that an Ingress or a Gateway names.
_ISSUED = ("cert-manager.io/issuer", "cert-manager.io/cluster-issuer", "kubernetes.io/tls-acme")


def _is_elsewhere(one: _Namer, mention: Mention, held: _Held) -> bool:
    """Whether the object named may well be in no file: others make it, or its namespace has none of its kind."""
    spaces = {namespace for kind, namespace in held.names if kind == mention.kind}
    is_here = bool(spaces & {mention.namespace, ""}) if mention.namespace else bool(spaces)
    has_any = is_here or (mention.kind, mention.name) in held.by_name
    return mention.name in _EVERYWHERE or one.is_issued or not has_any


def _missing(one: _Namer, mention: Mention, held: _Held) -> Finding:
    near = held.near(mention)
    is_sure = near and _is_ours(one, mention, held) and mention.how != "kubelet"
    message = f"{one.ref} names {mention.kind} {mention.name}, which no file of the tree has."
    fix = f"Name one that is there. If it was made otherwise: kubectl get {mention.kind.lower()} {mention.name}"
    if near:
        message, fix = f"{message} Is {near} meant?", f"Write its name and namespace here, or give it these: {near}"
    return at(one.manifest.position(mention.at), "reference-missing", message, fix, None if is_sure else "warning")


def _is_ours(one: _Namer, mention: Mention, held: _Held) -> bool:
    """Whether the namespace that *mention* is about may be one in which Secrets of Matrix stand."""
    namespace = mention.namespace or one.namespace
    return bool(held.homes & {namespace, ""}) or (namespace == "" and bool(held.homes))


def _are_of_one(one: _Namer, mention: Mention, found: Iterable[_Object], held: _Held) -> bool:
    """Whether the objects that were *found* by their name are what *one* will meet.

    In a tree of many deployments that write no namespace two of them may well have one name."""
    is_written = any(each.namespace and each.namespace == mention.namespace for each in found)
    is_beside = any(each.manifest.path == one.manifest.path for each in found)
    return is_written or is_beside or _is_ours(one, mention, held)


def _keyless(one: _Namer, mention: Mention, found: _Object, *, is_sure: bool) -> Finding:
    keys = sorted(found.keys or ())
    like = difflib.get_close_matches(mention.key, keys, 1, 0.6)
    message = f"{one.ref} reads the key {mention.key} of {found.ref}, which has none of that name."
    fix = f"Write {like[0]} here." if like else f"Add {mention.key} to {found.ref}, or name a key that it has."
    position = one.manifest.position(mention.at)
    return at(position, "reference-key-missing", message, fix, None if is_sure else "warning")


# --- what nobody names


_OPAQUE = frozenset({"", "Opaque", "kubernetes.io/basic-auth"})
_PLAIN = ("app.kubernetes.io/", "helm.sh/", "kubectl.kubernetes.io/", "kustomize.config.k8s.io/")
_COMMENT = re.compile(rb"(?m)(?:^|[ \t])#[^\n]*")
_PROSE = (".md", ".rst", ".txt", ".adoc")


def _unused(survey: Survey, held: _Held, used: set[str]) -> Iterator[Finding]:
    """Yield the Secrets whose name stands nowhere else in the tree, where most others are used by theirs."""
    secrets = [each for each in held.objects if each.kind == "Secret"]
    idle = [each for each in secrets if each.name not in used and each.is_for_a_reader]
    idle = [each for each in idle if not held.made.has(each.name)]
    if len(idle) > sum(each.name in used for each in secrets):
        return  # a tree of Secrets alone: their readers are somewhere else
    own = Counter(each.name for each in secrets)
    named = _occurrences(survey.tree.files, {each.name for each in idle}) if idle else Counter()
    for secret in (each for each in idle if named[each.name] <= own[each.name]):
        message = f"{secret.ref} is named nowhere: nothing of the tree reads it."
        fix = f"Name it where it is to be read. If nothing reads it, remove it here, and: {_deletion(secret)}"
        yield at(secret.manifest.position(secret.at), "secret-unused", message, fix)


def _deletion(secret: _Object) -> str:
    return f"kubectl delete secret {secret.name}" + (f" -n {secret.namespace}" if secret.namespace else "")


def _is_for_a_reader(secret: Resource) -> bool:
    """Whether *secret* is of use by its name alone: controllers find others by a type, a label or an annotation."""
    marks = [*secret.labels, *access.notes(secret)]
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
    words = {name.encode("utf-8", "surrogatepass") for name in names}
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
