"""Clauses: structures that must stand in a document, such as the allow-list of an LI ingress or the mail block.

A clause sees to the structure only: what is commented out is enabled, what is absent is added with a sample in the
value's place, and the sites so made are filled like all others. Pure: gives back edits and records, writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from wizard import access, entries, lenses, manifests
from wizard.access import ANNOTATIONS
from wizard.catalogue import AUTH_SECRET, TLS_SECRET
from wizard.controllers import CONTROLLERS, Controller
from wizard.entries import Change, Wanted
from wizard.errors import Problem, RefusedError
from wizard.manifests import Node, Path
from wizard.resources import Leaf, Manifest, Resource
from wizard.vault import Record


class State(Enum):
    """What an entry is to be under the answers given: there, out of force, or as the operator left it."""

    PRESENT = "present"
    ABSENT = "absent"
    AS_IT_WAS = "as it was"


Settings = Callable[[str], Any]  # the answer in effect for a dotted key, None where there is none
Data = str | int | bool | Callable[[Resource, Settings], Any]


@dataclass(frozen=True)
class Clause:
    """One entry that must (or must not) stand in the objects it applies to.

    ``parent``: the path of the mapping that holds it, ``*`` for every item of a sequence. ``older`` and ``newer``:
    other spellings of its key, kept where they are found; of several the reader prefers the newer ones. ``value``: the
    name of the value that stands there, '' for a constant, whose ``sample`` is then only written where the entry is
    absent. ``sample``: the data of a new entry, or what makes it. ``exact``: the sample is a list that stands there in
    any case, and no site fills it. ``among``: it is one item of the list that stands there.
    """

    name: str
    kinds: tuple[str, ...]
    applies: Callable[[Resource], bool]
    parent: Path
    key: str
    value: str
    sample: Data
    state: Callable[[Settings], State]
    older: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    exact: bool = False
    among: bool = False

    def wanted(self, resource: Resource, settings: Settings) -> Wanted:
        """Return the entry that *resource* is to have, with what it holds until its value is filled in."""
        data = self.sample(resource, settings) if callable(self.sample) else self.sample
        return Wanted(self.keys, data, self.exact, self.among, self.key)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every spelling of the key, the one that its reader prefers last."""
        return (*self.older, self.key, *self.newer)


@dataclass(frozen=True)
class Arrangement:
    """A structural change of one text: that of the object's file, or (``leaf``) of a document embedded in it."""

    resource: Resource
    leaf: Leaf | None
    change: Change


def _always(_: Settings) -> State:
    return State.PRESENT


def _when_answered(key: str) -> Callable[[Settings], State]:
    return lambda settings: State.AS_IT_WAS if settings(key) in (None, "", (), []) else State.PRESENT


def _unless_answered(key: str) -> Callable[[Settings], State]:
    return lambda settings: State.AS_IT_WAS if settings(key) in (None, "", (), []) else State.ABSENT


def _is_manual(settings: Settings) -> State:
    return State.PRESENT if settings("tls.mode") == "manual" else State.AS_IT_WAS


def _is_issued(settings: Settings) -> State:
    return State.ABSENT if settings("tls.mode") == "manual" else State.PRESENT


def _any(_: Resource) -> bool:
    return True


def _has_no_issuer(ingress: Resource) -> bool:
    """Whether no namespaced issuer is named, which cert-manager does not take together with a cluster's."""
    return ingress.get(*ANNOTATIONS, "cert-manager.io/issuer") is None


def _is_li(resource: Resource) -> bool:
    return resource.instance == "li"


def _is_main_cluster(resource: Resource) -> bool:
    return _cnpg()(resource) and not _is_li(resource)


def _is_li_cluster(resource: Resource) -> bool:
    return _cnpg()(resource) and _is_li(resource)


def _of(group: str) -> Callable[[Resource], bool]:
    """Whether an object is of the API *group*: other groups have a Cluster and a Tenant too."""
    return lambda resource: resource.text("apiVersion").startswith(f"{group}/")


def _cnpg(*path: str) -> Callable[[Resource], bool]:
    return lambda resource: _of("postgresql.cnpg.io")(resource) and (not path or resource.get(*path) is not None)


def _is_provisioned(claim: Resource) -> bool:
    """Whether a class provides for the claim: one that names its volume is bound by hand."""
    return not claim.text("spec", "volumeName")


def is_postgresql(resource: Resource) -> bool:
    """Say whether *resource* is a cluster of CloudNativePG."""
    return resource.kind == "Cluster" and _cnpg()(resource)


def is_minio(resource: Resource) -> bool:
    """Say whether *resource* is a tenant of MinIO's operator."""
    return resource.kind == "Tenant" and _of("minio.min.io")(resource)


def _is_sync(resource: Resource) -> bool:
    """Whether *resource* belongs to the sync system: by its label, or by its name."""
    return "sync-system" in (resource.labels.get("app.kubernetes.io/name"), resource.name[: len("sync-system")])


def is_li_admin(resource: Resource) -> bool:
    """Say whether *resource* leads to the LI instance's admin page: by its name, or by a host."""
    return _is_li(resource) and ("admin" in resource.name or any("admin" in host for host in resource.hosts))


def _read_by(controller: Controller, applies: Callable[[Resource], bool]) -> Callable[[Resource], bool]:
    return lambda ingress: applies(ingress) and controller in access.readers(ingress)


def _spelled(key: str) -> Callable[[Resource], bool]:
    """Whether a Middleware is LI's allow-list in that spelling."""
    return lambda middleware: access.is_li_list(middleware) and key in access.list_keys(middleware)


def _is_to_name_a_list(router: Resource) -> bool:
    return _is_li(router) and access.reference(router) != ""


def _reference(router: Resource, _: Settings) -> str:
    return access.reference(router)


def _item(route: Resource, _: Settings) -> dict[str, str]:
    return {"name": access.reference(route)}


def _tls_sample(ingress: Resource, _: Settings) -> list[Any]:
    return [{"hosts": ingress.hosts, "secretName": TLS_SECRET}]


def _ranges(_: Resource, settings: Settings) -> list[Any]:
    return list(settings("lawful_intercept.allowed_cidrs"))


def _pool(_: Resource, settings: Settings) -> list[Any]:
    return list(settings("network.metallb_pool"))


_AUTH = {"type": "basic", "secret": AUTH_SECRET, "realm": "Authentication Required - LI Access Only"}
_STORAGE = _when_answered("storage.class")
_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")
_POD = ("spec", "template", "spec")
_ENVIRONMENT = (*_POD, "containers", "*", "env")
_EXTERNAL_IP = (*_ENVIRONMENT, "[name=EXTERNAL_IP]")

CLAUSES: tuple[Clause, ...] = (
    # Checklist 4.1. An ingress without it is open to everyone. Each controller that (maybe) reads it gets its own.
    *(
        Clause(
            "li-allow-list", ("Ingress",), _read_by(each, _is_li), ANNOTATIONS, each.allow_list, "li-allowed-cidrs",
            access.LIST_SAMPLE, _always, older=each.older, newer=each.newer,
        )
        for each in CONTROLLERS if each.allow_list
    ),
    *(
        Clause(
            "li-allow-list", ("Middleware",), _spelled(key), ("spec", key), "sourceRange", "li-allowed-cidrs", _ranges,
            _when_answered("lawful_intercept.allowed_cidrs"), exact=True,
        )
        for key in access.LIST_KEYS
    ),
    Clause(
        "li-allow-list", ("Ingress",), _is_to_name_a_list, ANNOTATIONS, access.MIDDLEWARES, "", _reference, _always,
        among=True,
    ),
    Clause(
        "li-allow-list", ("IngressRoute",), _is_to_name_a_list, ("spec", "routes", "*"), "middlewares", "", _item,
        _always, among=True,
    ),
    # Checklist 4.3. Without the first of them there is no authentication, whatever the others say (FACTS 4).
    *(
        Clause("li-admin-auth", ("Ingress",), _read_by(each, is_li_admin), ANNOTATIONS, key, "", _AUTH[says], _always)
        for each in CONTROLLERS for says, key in each.auth.items()
    ),
    # Checklist 6: an issuer, or with manual certificates one Secret for all hosts and no issuer.
    Clause(
        "tls-issuer", ("Ingress",), _has_no_issuer, ANNOTATIONS, "cert-manager.io/cluster-issuer", "cluster-issuer",
        "letsencrypt-prod", _is_issued,
    ),
    Clause("tls-secret", ("Ingress",), _any, ("spec",), "tls", "", _tls_sample, _is_manual),
    Clause(
        "tls-secret", ("Ingress",), _any, ("spec", "tls", "*"), "secretName", "tls-secret-name", TLS_SECRET, _is_manual,
    ),
    # Checklist 8.1: every place where this tree's kinds name a storage class.
    Clause(
        "storage-class", ("Cluster",), _cnpg(), ("spec", "storage"), "storageClass", "storage-class", "standard",
        _STORAGE,
    ),
    Clause(
        "storage-class", ("Cluster",), _cnpg("spec", "walStorage"), ("spec", "walStorage"), "storageClass",
        "storage-class", "standard", _STORAGE,
    ),
    Clause(
        "storage-class", ("PersistentVolumeClaim",), _is_provisioned, ("spec",), "storageClassName", "storage-class",
        "standard", _STORAGE,
    ),
    Clause(
        "storage-class", ("StatefulSet",), _any, ("spec", "volumeClaimTemplates", "*", "spec"), "storageClassName",
        "storage-class", "standard", _STORAGE,
    ),
    Clause(
        "storage-class", ("Tenant",), _of("minio.min.io"), ("spec", "pools", "*", "volumeClaimTemplate", "spec"),
        "storageClassName", "storage-class", "standard", _STORAGE,
    ),
    # Checklist 7.3: where the manifest asks for it by environment. An entry with both keys is refused by the API.
    # Checklist 7.2: the URL may be another than the host's own.
    Clause(
        "livekit-url", _WORKLOADS, _any, (*_ENVIRONMENT, "[name=LIVEKIT_URL]"), "value", "livekit-url", "",
        _when_answered("livekit.url"),
    ),
    Clause(
        "turn-external-ip", _WORKLOADS, _any, _EXTERNAL_IP, "value", "turn-external-ip", "",
        _when_answered("turn.external_ip"),
    ),
    Clause(
        "turn-external-ip", _WORKLOADS, _any, _EXTERNAL_IP, "valueFrom", "", "", _unless_answered("turn.external_ip"),
    ),
    # Checklist 9.2: one item for each range (metallb.io/v1beta1, IPAddressPool).
    Clause(
        "metallb-pool", ("IPAddressPool",), _of("metallb.io"), ("spec",), "addresses", "metallb-pool", _pool,
        _when_answered("network.metallb_pool"), exact=True,
    ),
    # Checklist 8.3, 13.
    Clause(
        "backup-retention", ("Cluster",), _is_main_cluster, ("spec", "backup"), "retentionPolicy", "backup-retention",
        "30d", _when_answered("backups.retention"),
    ),
    Clause(
        "backup-retention", ("Cluster",), _is_li_cluster, ("spec", "backup"), "retentionPolicy", "li-backup-retention",
        "30d", _when_answered("backups.li_retention"),
    ),
    # Images of one's own: that of the container which is called so, and of all that the sync system runs.
    Clause(
        "key-vault-image", _WORKLOADS, _any, (*_POD, "containers", "[name=key-vault]"), "image", "key-vault-image", "",
        _when_answered("key_vault.image"),
    ),
    *(
        Clause(
            "sync-image", ("Job",), _is_sync, (*_POD, containers, "*"), "image", "sync-image", "",
            _when_answered("sync.image"),
        )
        for containers in ("initContainers", "containers")
    ),
    Clause(
        "sync-media-image", ("CronJob",), _is_sync, ("spec", "jobTemplate", *_POD, "containers", "*"), "image",
        "sync-media-image", "", _when_answered("sync.media_image"),
    ),
)  # fmt: skip

# Which records of a clause are over in each of its states: what makes the state so stays.
_OVER: dict[State, frozenset[str]] = {
    State.PRESENT: frozenset({"commented"}),
    State.ABSENT: frozenset({"site", "entry"}),
    State.AS_IT_WAS: frozenset({"site", "entry", "commented", "node", "source"}),
}
_BY_KEY = {key: [clause for clause in CLAUSES if key in clause.keys] for each in CLAUSES for key in each.keys}
KINDS = frozenset(kind for clause in CLAUSES for kind in clause.kinds)


def of(resource: Resource) -> list[Clause]:
    """Return the clauses that apply to *resource*."""
    return [clause for clause in CLAUSES if resource.kind in clause.kinds and clause.applies(resource)]


def value_at(resource: Resource, path: Path, settings: Settings) -> str:
    """Return the name of the value that a clause wants at *path*, '' where none does."""
    at_path = (
        clause for clause in _BY_KEY.get(path[-1] if path else "", ()) if manifests.fits(clause.parent, path[:-1])
    )
    for clause in at_path:
        if (
            resource.kind in clause.kinds
            and clause.applies(resource)
            and clause.state(settings) is State.PRESENT
            and not clause.exact
        ):
            return clause.value
    return ""


def lists(resource: Resource, settings: Settings) -> dict[str, Node]:
    """Return the lists that clauses write into *resource* as a whole, by the name of their value; none is a site."""
    wanted = [each for each in of(resource) if each.exact and each.state(settings) is State.PRESENT]
    found = ((each.value, resource.get(*each.parent, each.key)) for each in wanted)
    return {value: node for value, node in found if node}


def of_lists(resources: Iterable[Resource]) -> frozenset[str]:
    """Return the values of the lists that clauses can write as a whole into *resources*."""
    return frozenset(clause.value for resource in resources for clause in of(resource) if clause.exact)


def kinds_with_values(settings: Settings) -> frozenset[str]:
    """Return the kinds of objects in which the answers make some value stand as an entry of its own."""
    wanted = (each for each in CLAUSES if each.value and not each.exact and each.state(settings) is State.PRESENT)
    return frozenset(kind for each in wanted for kind in each.kinds)


def is_over(record: Record, settings: Settings) -> bool:
    """Say whether *record* tells of something that a clause wanted once and no longer wants: it is to be put back."""
    kind = record.document.partition("/")[0]
    return any(
        record.kind in _OVER[clause.state(settings)]
        if _is_at(clause, record.path)
        else record.kind == "node"
        and clause.state(settings) is State.AS_IT_WAS
        and manifests.fits(clause.parent, record.path)
        for clause in CLAUSES
        if kind in clause.kinds and record.path
    )


def arrange(resource: Resource, settings: Settings) -> list[Arrangement]:
    """Return the changes after which every clause that applies to *resource* has its structure.

    RefusedError where a mapping that must hold an entry cannot take it, such as one that is an alias.
    """
    groups: dict[Path, list[tuple[Clause, State]]] = {}
    for clause in of(resource):
        for parent in _parents(resource.node, clause.parent):
            groups.setdefault(parent, []).append((clause, clause.state(settings)))
    changes: list[Change] = []
    expected: list[tuple[Path, Wanted | None]] = []
    for parent, clauses in groups.items():
        wanted = [clause.wanted(resource, settings) for clause, state in clauses if state is State.PRESENT]
        unwanted = [key for clause, state in clauses if state is State.ABSENT for key in clause.keys]
        changes += entries.ensure(resource.manifest.text, resource.node, parent, wanted, unwanted)
        expected += [((*parent, each.keys[-1]), each) for each in wanted] + [((*parent, key), None) for key in unwanted]
    _prove(resource, changes, expected)
    return [Arrangement(resource, None, change) for change in changes]


def _prove(resource: Resource, changes: list[Change], expected: list[tuple[Path, Wanted | None]]) -> None:
    """Raise RefusedError unless the text reads as before after *changes*, but for the entries that are *expected*."""
    manifest = after = resource.manifest
    if changes:
        text = lenses.apply(manifest.text, [change.edit for change in changes])
        after = manifest.with_text(text)
    number = manifest.resources.index(resource)
    node = after.resources[number].node if len(after.resources) == len(manifest.resources) else None
    touched = {(number, *path[:-1], key) for path, want in expected for key in (want.keys if want else path[-1:])}
    failed = [path for path, want in expected if node is None or not _is_met(node, path, want, resource.node)]
    if not failed and changes and _leaves(manifest, touched) != _leaves(after, touched):
        failed = [path for path, _ in expected]
    if failed:
        raise RefusedError(*(unfit(resource, path) for path in failed))


def _is_met(node: Node, path: Path, want: Wanted | None, before: Node) -> bool:
    """Whether one spelling of the key stands there (none where nothing is wanted), with the data that it must have."""
    if want is None:
        return manifests.get(node, path) is None
    found = [each for key in want.keys if (each := manifests.get(node, (*path[:-1], key)))]
    if len(found) != 1 or not want.among:
        return len(found) == 1 and (not want.exact or entries.plain(found[0]) == want.data)
    were = entries.items(manifests.get(before, path))
    return entries.items(found[0]) == (were if want.data in were else [want.data, *were])


def _leaves(manifest: Manifest, touched: set[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
    """Return the scalars of *manifest* outside *touched*, by the number of their object and their path."""
    every = (
        ((number, *path), scalar.value)
        for number, resource in enumerate(manifest.resources)
        for path, scalar in manifests.walk(resource.node)
    )
    above = {path[:length] for path in touched for length in range(len(path))}
    return {
        path: value
        for path, value in every
        if path not in above and not any(path[:length] in touched for length in range(len(path) + 1))
    }


def unfit(resource: Resource, path: Path) -> Problem:
    """Return the problem that the entry at *path* of *resource* cannot be written where it belongs."""
    parent = next((resource.get(*path[:end]) for end in range(len(path), 0, -1) if resource.get(*path[:end])), None)
    return Problem(
        f"{path[-1]} cannot be put in order here in {resource.ref}.",
        resource.manifest.position((parent or resource.node).start),
        f"Write {'.'.join(path[:-1])} as a mapping of its own, in block style, with or without that entry.",
    )


def _is_at(clause: Clause, path: Path) -> bool:
    return path[-1] in clause.keys and manifests.fits(clause.parent, path[:-1])


def _parents(node: Node, pattern: Path) -> Iterator[Path]:
    """Yield the paths that *pattern* stands for: itself, or one for each item where it has a ``*``.

    A named item (``[name=x]``) is never made: without it there is no path.
    """
    if "*" not in pattern:
        if not pattern or not pattern[-1].startswith("[") or manifests.get(node, pattern) is not None:
            yield pattern
        return
    at = pattern.index("*")
    items = manifests.get(node, pattern[:at])
    if isinstance(items, manifests.Sequence):
        for step, item in manifests.children(items):
            for rest in _parents(item, pattern[at + 1 :]):
                yield (*pattern[:at], step, *rest)
