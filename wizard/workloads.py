"""Workloads: which objects of a tree run something, and which Secrets and ConfigMaps each of them reads.

Pure. A program goes on with what it read when it started; after a rotation this tells what has to start again.
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from wizard import manifests
from wizard.manifests import Alias, Document, Node, Scalar, Sequence
from wizard.resources import Manifest, Resource, may_be_one

# What differs: the keys, by the kind, namespace and name of the object that holds them.
Changed = Mapping[tuple[str, str, str], frozenset[str]]

# Who reads, and when again (FACTS 5):
#   env       a variable of a container, which stays as it is while the container runs
#   volume    files that follow after a while; most programs read them once
#   subPath   files that never follow
#   operator  the operator itself, which follows by its own rules
#   kubelet   the kubelet, when it pulls an image or mounts a volume: what runs already is not concerned
How = Literal["env", "volume", "subPath", "operator", "kubelet"]


@dataclass(frozen=True)
class Reference:
    """One object that a workload reads: its kind (Secret or ConfigMap) and name, and how it is read.

    ``keys``: those that are read, None for all. Of an object that is mounted whole each key counts: which of the files
    a program opens cannot be known.
    """

    kind: str
    name: str
    keys: frozenset[str] | None
    how: How


@dataclass(frozen=True)
class Workload:
    """One object that runs something, and what it reads: each object once for each way in which it does."""

    resource: Resource
    references: tuple[Reference, ...]

    @property
    def kind(self) -> str:
        """The kind of the object."""
        return self.resource.kind

    @property
    def namespace(self) -> str:
        """The namespace of the object, '' where none is written."""
        return self.resource.namespace

    @property
    def name(self) -> str:
        """The name of the object."""
        return self.resource.name

    @property
    def instance(self) -> str:
        """``main`` or ``li``."""
        return self.resource.instance

    @property
    def target(self) -> str:
        """The object as kubectl takes it, ``statefulset/synapse-main``; not quoted for a shell.

        The kind of an operator has its group with it, ``cluster.postgresql.cnpg.io/main``, since others use the word.
        """
        group = next((row.group for row in _rows(self.resource)), "")
        return f"{self.kind.lower()}{'.' if group else ''}{group}/{self.name}"

    @property
    def is_restarted(self) -> bool:
        """Whether ``kubectl rollout restart`` starts it again; it knows these three kinds."""
        return self.kind in ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class _Row:
    """Where references of one sort stand, as seen from a container, a volume or a spec.

    The path is parted by dots, ``*`` is each item of a list. The reference is a name, or a mapping with a name in it.
    ``keys``: those that its reader takes where the reference itself names none.
    """

    path: str
    how: How
    kind: str = "Secret"
    keys: frozenset[str] | None = None

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The keys on the path."""
        return tuple(step for step in self.path.split(".") if step != "*")


@dataclass(frozen=True)
class _Shape:
    """What reads in a spec: where its containers and volumes stand ('' is the spec itself), and what else it names."""

    containers: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    rows: tuple[_Row, ...] = ()


@dataclass(frozen=True)
class _Kind:
    """A kind that runs something, where its spec of that stands, and its group where it is not Kubernetes' own."""

    name: str
    path: str
    shape: _Shape
    group: str = ""


# Kubernetes API 1.34, core/v1: EnvVar and EnvFromSource, then Volume. A volume that no container mounts is not set up
# (kubelet, GetPodVolumeNames).
_ENVIRONMENT = (
    _Row("env.*.valueFrom.secretKeyRef", "env"),
    _Row("env.*.valueFrom.configMapKeyRef", "env", "ConfigMap"),
    _Row("envFrom.*.secretRef", "env"),
    _Row("envFrom.*.configMapRef", "env", "ConfigMap"),
)
_FILES = (
    _Row("secret", "volume"),
    _Row("configMap", "volume", "ConfigMap"),
    _Row("projected.sources.*.secret", "volume"),
    _Row("projected.sources.*.configMap", "volume", "ConfigMap"),
)
_MOUNTING = (
    _Row("csi.nodePublishSecretRef", "kubelet"),
    _Row("azureFile.secretName", "kubelet"),
    _Row("cephfs.secretRef", "kubelet"),
    _Row("flexVolume.secretRef", "kubelet"),
    _Row("iscsi.secretRef", "kubelet"),
    _Row("rbd.secretRef", "kubelet"),
    _Row("scaleIO.secretRef", "kubelet"),
    _Row("storageos.secretRef", "kubelet"),
)
_VOLUMES = (*_FILES, *_MOUNTING)
# The second is that of a MinIO Tenant.
_MOUNTS = ("volumeMounts.*", "additionalVolumeMounts.*")

_POD = _Shape(
    ("containers.*", "initContainers.*", "ephemeralContainers.*"),
    ("volumes.*",),
    (_Row("imagePullSecrets.*", "kubelet"),),
)

# CloudNativePG 1.27, API reference: ClusterSpec, BarmanObjectStoreConfiguration, PgBouncerSpec; FACTS 3 for the keys.
# What is run once, when a cluster is made (``postInit…Refs``), is not read again.
_BASIC_AUTH = frozenset({"username", "password"})
_OBJECT_STORE = (
    "endpointCA",
    "s3Credentials.accessKeyId",
    "s3Credentials.secretAccessKey",
    "s3Credentials.sessionToken",
    "s3Credentials.region",
    "azureCredentials.connectionString",
    "azureCredentials.storageAccount",
    "azureCredentials.storageKey",
    "azureCredentials.storageSasToken",
    "googleCredentials.applicationCredentials",
)
_CLUSTER = _Shape(
    containers=("",),
    rows=(
        _Row("imagePullSecrets.*", "kubelet"),
        _Row("projectedVolumeTemplate.sources.*.secret", "volume"),
        _Row("projectedVolumeTemplate.sources.*.configMap", "volume", "ConfigMap"),
        _Row("superuserSecret", "operator", keys=_BASIC_AUTH),
        _Row("bootstrap.initdb.secret", "operator", keys=_BASIC_AUTH),
        _Row("bootstrap.recovery.secret", "operator", keys=_BASIC_AUTH),
        _Row("bootstrap.pg_basebackup.secret", "operator", keys=_BASIC_AUTH),
        _Row("managed.roles.*.passwordSecret", "operator", keys=_BASIC_AUTH),
        _Row("certificates.serverCASecret", "operator"),
        _Row("certificates.serverTLSSecret", "operator"),
        _Row("certificates.replicationTLSSecret", "operator"),
        _Row("certificates.clientCASecret", "operator"),
        _Row("postgresql.ldap.bindSearchAuth.bindPassword", "operator"),
        _Row("monitoring.customQueriesSecret.*", "operator"),
        _Row("monitoring.customQueriesConfigMap.*", "operator", "ConfigMap"),
        _Row("externalClusters.*.password", "operator"),
        _Row("externalClusters.*.sslCert", "operator"),
        _Row("externalClusters.*.sslKey", "operator"),
        _Row("externalClusters.*.sslRootCert", "operator"),
        *(_Row(f"externalClusters.*.barmanObjectStore.{path}", "operator") for path in _OBJECT_STORE),
        *(_Row(f"backup.barmanObjectStore.{path}", "operator") for path in _OBJECT_STORE),
    ),
)
_POOLER = _Shape(
    rows=(
        _Row("authQuerySecret", "operator"),
        _Row("serverTLSSecret", "operator"),
        _Row("serverCASecret", "operator"),
        _Row("clientTLSSecret", "operator"),
        _Row("clientCASecret", "operator"),
    )
)
# The object store of CloudNativePG's Barman plug-in, by which the instances of its clusters write their backups.
_STORE = _Shape(rows=tuple(_Row(f"configuration.{path}", "operator") for path in _OBJECT_STORE))

# minio/operator 7, pkg/apis/minio.min.io/v2/types.go: TenantSpec, KESConfig, SideCars; FACTS 3 for the keys of users.
_TENANT = _Shape(
    ("", "kes", "initContainers.*", "sideCars.containers.*"),
    ("additionalVolumes.*", "sideCars.volumes.*"),
    (
        _Row("imagePullSecret", "kubelet"),
        _Row("configuration", "operator"),
        _Row("credsSecret", "operator"),
        _Row("users.*", "operator", keys=frozenset({"CONSOLE_ACCESS_KEY", "CONSOLE_SECRET_KEY"})),
        _Row("externalCertSecret.*", "operator"),
        _Row("externalCaCertSecret.*", "operator"),
        _Row("externalClientCertSecret", "operator"),
        _Row("externalClientCertSecrets.*", "operator"),
        _Row("kes.kesSecret", "operator"),
        _Row("kes.externalCertSecret", "operator"),
        _Row("kes.clientCertSecret", "operator"),
    ),
)

_CNPG, _BARMAN, _MINIO, _ARGO = "postgresql.cnpg.io", "barmancloud.cnpg.io", "minio.min.io", "argoproj.io"
_KINDS = (
    _Kind("Deployment", "spec.template.spec", _POD),
    _Kind("StatefulSet", "spec.template.spec", _POD),
    _Kind("DaemonSet", "spec.template.spec", _POD),
    _Kind("ReplicaSet", "spec.template.spec", _POD),
    _Kind("Pod", "spec", _POD),
    _Kind("Job", "spec.template.spec", _POD),
    _Kind("CronJob", "spec.jobTemplate.spec.template.spec", _POD),
    _Kind("Rollout", "spec.template.spec", _POD, _ARGO),
    _Kind("Cluster", "spec", _CLUSTER, _CNPG),
    _Kind("Pooler", "spec.template.spec", _POD, _CNPG),
    _Kind("Pooler", "spec.pgbouncer", _POOLER, _CNPG),
    _Kind("ObjectStore", "spec", _STORE, _BARMAN),
    _Kind("Tenant", "spec", _TENANT, _MINIO),
)

KINDS = frozenset(kind.name for kind in _KINDS)

# What runs nothing itself and names Secrets all the same: networking.k8s.io/v1, gateway.networking.k8s.io/v1, and
# Traefik's traefik.io/v1alpha1.
_NAMING = (
    _Kind("Ingress", "spec", _Shape(rows=(_Row("tls.*", "operator"),))),
    _Kind("IngressRoute", "spec", _Shape(rows=(_Row("tls", "operator"),))),
    _Kind("Gateway", "spec", _Shape(rows=(_Row("listeners.*.tls.certificateRefs.*", "operator"),))),
    _Kind(
        "Middleware",
        "spec",
        _Shape(rows=(_Row("basicAuth.secret", "operator"), _Row("digestAuth.secret", "operator"))),
    ),
    _Kind("ServiceAccount", "", _Shape(rows=(_Row("imagePullSecrets.*", "kubelet"), _Row("secrets.*", "kubelet")))),
)
NAMING = KINDS | {kind.name for kind in _NAMING}

# What the two kinds hold, and whether it is base64; a later one stands over an earlier one.
_HELD = {
    "Secret": (("data", True), ("stringData", False)),
    "ConfigMap": (("data", False), ("binaryData", True)),
}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})  # YAML 1.1, "null"


def of(tree: Iterable[Manifest]) -> tuple[Workload, ...]:
    """Return the workloads of *tree*, in its order; what is a Go template is left out, since Helm decides of it."""
    return tuple(Workload(each, _references(each)) for each in _applied(tree, KINDS) if _rows(each))


def pod(each: Workload) -> tuple[Reader, Node] | None:
    """Return the pod that *each* runs, by its spec (core/v1, PodSpec), and a reader of it; None for an operator's kind.

    That of a connection pool is none: its operator fills it up."""
    reader = Reader(each.resource)
    own = (kind for kind in _rows(each.resource) if kind.shape is _POD and kind.name != "Pooler")
    return next(((reader, spec) for kind in own for spec in reader.at(each.resource.node, kind.path)), None)


@dataclass(frozen=True)
class Mention:
    """One place where an object names a Secret or ConfigMap, or a key of it.

    ``key``: '' where it is about the object as a whole. ``at``: the offset of the name, or of the key, in the file.
    ``namespace``: where the object named stands, '' where that is not known. ``needed``: what names it cannot start
    without it, as far as can be told: it is not optional, and its volume is mounted."""

    kind: str
    namespace: str
    name: str
    key: str
    at: int
    how: How
    needed: bool


def mentions(resource: Resource) -> Iterator[Mention]:
    """Yield each place where *resource* names a Secret or ConfigMap; none in a Go template, where Helm decides."""
    if resource.manifest.actions:
        return
    reader = Reader(resource)
    kinds = [*_rows(resource), *(each for each in _NAMING if each.name == resource.kind)]
    for kind in kinds:
        for spec in reader.at(resource.node, kind.path):
            yield from _mentioned(reader, spec, kind.shape)


def reading(workloads: Iterable[Workload], changed: Changed) -> tuple[tuple[Workload, tuple[Reference, ...]], ...]:
    """Return those of *workloads* that read something that *changed*, each with the references by which it does.

    Where a namespace is not written it may be the other's: ``kubectl -n`` decides.
    """
    found = (
        (each, tuple(one for one in each.references if _is_met(one, each.namespace, changed))) for each in workloads
    )
    return tuple((each, by) for each, by in found if by)


def changed(before: Iterable[Manifest], after: Iterable[Manifest]) -> Changed:
    """Return which keys of which Secrets and ConfigMaps differ between two states of one tree.

    Values are compared as their readers get them, so that a text that is now base64 has not changed. Those of an object
    that stands in only one of the states all have. Go templates are left out.
    """
    old, new = held(before), held(after)
    differing = {name: _differing(old.get(name, {}), new.get(name, {})) for name in old | new}
    return {name: keys for name, keys in differing.items() if keys}


def held(tree: Iterable[Manifest]) -> dict[tuple[str, str, str], dict[str, list[bytes]]]:
    """Return the values of each key of the Secrets and ConfigMaps of *tree*, as their readers get them.

    By kind, namespace and name of the object; of several objects of one name all. Go templates are left out."""
    found: dict[tuple[str, str, str], dict[str, list[bytes]]] = {}
    for resource in _applied(tree, _HELD.keys()):
        reader, values = Reader(resource), dict[str, bytes]()
        for section, is_base64 in _HELD.get(resource.kind, ()):
            for key, node in reader.entries(reader.entries(resource.node).get(section)).items():
                text = reader.text(node, "")
                values[key] = _decoded(text) if is_base64 else text.encode("utf-8", "surrogatepass")
        known = found.setdefault((resource.kind, resource.namespace, resource.name), {}) if values else {}
        for key, value in values.items():
            known[key] = sorted([*known.get(key, []), value])
    return found


@dataclass(frozen=True, eq=False)
class Reader:
    """An object as Kubernetes reads it: aliases and merge keys of its document are followed."""

    resource: Resource
    known: dict[int, dict[str, Node]] = field(default_factory=dict)

    @cached_property
    def anchors(self) -> list[tuple[str, Node]]:
        """The anchored nodes of the document, the last ones first."""
        parts = self.resource.manifest.parts
        todo = [each.root for each in parts if isinstance(each, Document) and each.index == self.resource.index]
        found: list[tuple[str, Node]] = []
        while todo:
            node = todo.pop()
            if not isinstance(node, Alias) and node.anchor:
                found.append((node.anchor, node))
            todo += _children(node)
        return sorted(found, key=lambda each: each[1].start, reverse=True)

    def at(self, node: Node | None, path: str) -> Iterator[Node]:
        """Yield what stands at *path* below *node*; nulls do not."""
        found = [node]
        for step in path.split(".") if path else ():
            if step == "*":
                lists = (self.meant(each) for each in found)
                found = [item for each in lists if isinstance(each, Sequence) for item in each.items]
            else:
                found = [self.entries(each).get(step) for each in found]
        for each in map(self.meant, found):
            if each is not None and not (isinstance(each, Scalar) and each.style == "" and each.value in _NULLS):
                yield each

    def text(self, node: Node | None, *keys: str) -> str:
        """Return the first text among *keys* of *node*, '' where there is none."""
        found = (each for key in keys for each in self.at(node, key))
        return next((each.value for each in found if isinstance(each, Scalar)), "")

    def entries(self, node: Node | None) -> dict[str, Node]:
        """Return the entries of the mapping *node*, none where it is none. Its own stand over those that it merges."""
        mapping = self.meant(node)
        if not isinstance(mapping, manifests.Mapping):
            return {}
        if mapping.start not in self.known:
            found = self.known[mapping.start] = {}  # known before it is complete: one that merges itself ends here
            pairs = [(key, value) for key, value in mapping.entries if isinstance(key, Scalar)]
            for _, value in (pair for pair in pairs if _is_merge(pair[0])):
                merged = self.meant(value)
                for each in merged.items if isinstance(merged, Sequence) else (merged,):
                    found |= self.entries(each) | found
            found |= {key.value: value for key, value in pairs if not _is_merge(key)}
        return self.known[mapping.start]

    def meant(self, node: Node | None) -> Node | None:
        """Return *node*, or what it is an alias of: of several anchors of one name the last one before it."""
        if not isinstance(node, Alias):
            return node
        return next((each for name, each in self.anchors if name == node.name and each.start < node.start), None)

    def told(self, rows: Iterable[_Row]) -> list[_Row]:
        """Return those of *rows* whose keys all stand in the file: of others there is nothing in it to find."""
        text = self.resource.manifest.text
        is_plain = "\\" not in text  # behind an escape a key may be spelled otherwise
        return [row for row in rows if not is_plain or all(word in text for word in row.words)]

    def reference(self, row: _Row, node: Node) -> Reference | None:
        """Return the reference at *node*; None where it names nothing. *row* is a row of this module."""
        name = node.value if isinstance(node, Scalar) else self.text(node, "name", "secretName")
        key, items = self.text(node, "key"), self.items(node)
        keys = frozenset({key}) if key else frozenset(items.values()) if items else row.keys
        return Reference(row.kind, name, keys, row.how) if name else None

    def items(self, node: Node) -> dict[str, str]:
        """Return the keys that a source of a volume is narrowed down to, by their paths in it; none where it is not."""
        return {
            posixpath.normpath(self.text(each, "path")): self.text(each, "key") for each in self.at(node, "items.*")
        }


def _applied(tree: Iterable[Manifest], kinds: Set[str]) -> Iterator[Resource]:
    """Yield the objects of these *kinds* that can be applied as they stand: no template can, nor what has no name."""
    every = (resource for manifest in tree for resource in manifest.some(kinds))
    return (resource for resource in every if resource.name and not resource.manifest.actions)


def _rows(resource: Resource) -> list[_Kind]:
    group = resource.text("apiVersion").partition("/")[0]
    return [kind for kind in _KINDS if kind.name == resource.kind and kind.group in ("", group)]


def _references(resource: Resource) -> tuple[Reference, ...]:
    """Return what *resource* reads, the keys of one object that it reads in one way put together."""
    found: dict[tuple[str, str, How], frozenset[str] | None] = {}
    reader = Reader(resource)
    for kind in _rows(resource):
        for spec in reader.at(resource.node, kind.path):
            for each in _of_spec(reader, spec, kind.shape):
                name = (each.kind, each.name, each.how)
                before = found.get(name, frozenset())
                found[name] = None if before is None or each.keys is None else before | each.keys
    return tuple(Reference(kind, name, keys, how) for (kind, name, how), keys in found.items())


def _of_spec(reader: Reader, spec: Node, shape: _Shape) -> Iterator[Reference]:
    mounted: dict[str, dict[str, None]] = {}  # the paths in each volume that are mounted
    for container in (each for path in shape.containers for each in reader.at(spec, path)):
        yield from _of_rows(reader, container, reader.told(_ENVIRONMENT))
        for mount in (each for path in _MOUNTS for each in reader.at(container, path)):
            within = reader.text(mount, "subPathExpr", "subPath")
            mounted.setdefault(reader.text(mount, "name"), {})[posixpath.normpath(within)] = None
    for volume in (each for path in shape.volumes for each in reader.at(spec, path)):
        for within in mounted.get(reader.text(volume, "name"), ()):
            yield from _of_files(reader, volume, within)
            yield from _of_rows(reader, volume, reader.told(_MOUNTING))
    yield from _of_rows(reader, spec, reader.told(shape.rows))


def _of_rows(reader: Reader, node: Node, rows: Iterable[_Row]) -> Iterator[Reference]:
    for row in rows:
        for each in reader.at(node, row.path):
            if (reference := reader.reference(row, each)) is not None:
                yield reference


def _of_files(reader: Reader, volume: Node, within: str) -> Iterator[Reference]:
    """Yield what is read of *volume* where the path *within* it is mounted; ``.`` is all of it."""
    sources = ((row, source) for row in reader.told(_FILES) for source in reader.at(volume, row.path))
    for source, whole in ((source, reader.reference(row, source)) for row, source in sources):
        if whole is None or within == ".":
            found = whole
        elif "$(" in within:  # a variable of the container decides
            found = replace(whole, how="subPath")
        else:
            paths = reader.items(source) or {within: within}
            keys = frozenset(key for path, key in paths.items() if f"{path}/".startswith(f"{within}/"))
            found = replace(whole, keys=keys, how="subPath") if keys else None
        if found is not None:
            yield found


def _mentioned(reader: Reader, spec: Node, shape: _Shape) -> Iterator[Mention]:
    mounted: dict[str, list[Node]] = {}  # the mounts of each volume
    environment, volumes = reader.told(_ENVIRONMENT), reader.told(_VOLUMES)
    for container in (each for path in shape.containers for each in reader.at(spec, path)):
        yield from _mentions_of(reader, container, environment)
        for mount in (each for path in _MOUNTS for each in reader.at(container, path)) if volumes else ():
            mounted.setdefault(reader.text(mount, "name"), []).append(mount)
    for volume in (each for path in shape.volumes for each in reader.at(spec, path)) if volumes else ():
        mounts = mounted.get(reader.text(volume, "name"), [])
        yield from _mentions_of(reader, volume, volumes, needed=bool(mounts))
        for row in _FILES[:2]:
            for source in reader.at(volume, row.path):
                yield from _within(reader, row, source, mounts)
    yield from _mentions_of(reader, spec, reader.told(shape.rows))


def _mentions_of(reader: Reader, node: Node, rows: Iterable[_Row], *, needed: bool = True) -> Iterator[Mention]:
    for row in rows:
        for source in reader.at(node, row.path):
            yield from _mention(reader, row, source, needed)


def _mention(reader: Reader, row: _Row, source: Node, needed: bool) -> Iterator[Mention]:
    """Yield what is named at *source*: the object, then each key of it that is."""
    named = source if isinstance(source, Scalar) else next(_scalars(reader, source, "name", "secretName"), None)
    if named is None or reader.text(source, "kind") not in ("", row.kind):
        return
    namespace = reader.text(source, "namespace") or reader.resource.namespace
    is_needed = needed and reader.text(source, "optional").lower() != "true"
    yield Mention(row.kind, namespace, named.value, "", named.start, row.how, is_needed)
    items = (key for item in reader.at(source, "items.*") for key in _scalars(reader, item, "key"))
    for key in (*_scalars(reader, source, "key"), *items):
        yield Mention(row.kind, namespace, named.value, key.value, key.start, row.how, is_needed)
    for word in sorted(row.keys or ()):
        yield Mention(row.kind, namespace, named.value, word, named.start, row.how, is_needed)


def _within(reader: Reader, row: _Row, source: Node, mounts: Iterable[Node]) -> Iterator[Mention]:
    """Yield the keys of *source* that are mounted as single files, where nothing else says which keys it has."""
    name = reader.text(source, "name", "secretName")
    is_needed = reader.text(source, "optional").lower() != "true"
    for path in (each for mount in mounts for each in _scalars(reader, mount, "subPath")):
        key = posixpath.normpath(path.value)
        if name and "/" not in key and key != "." and not reader.items(source):
            namespace = reader.resource.namespace
            yield Mention(row.kind, namespace, name, key, path.start, "subPath", is_needed)


def _scalars(reader: Reader, node: Node, *keys: str) -> Iterator[Scalar]:
    """Yield the scalars at *keys* of *node* that are not empty."""
    found = (each for key in keys for each in reader.at(node, key))
    yield from (each for each in found if isinstance(each, Scalar) and each.value)


def _is_met(reference: Reference, namespace: str, changed: Changed) -> bool:
    return any(
        (kind, name) == (reference.kind, reference.name)
        and may_be_one(where, namespace)
        and bool(keys if reference.keys is None else keys & reference.keys)
        for (kind, where, name), keys in changed.items()
    )


def _differing(old: Mapping[str, list[bytes]], new: Mapping[str, list[bytes]]) -> frozenset[str]:
    return frozenset(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def _decoded(text: str) -> bytes:
    """Return what base64 *text* stands for; where it is none, itself."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return text.encode("utf-8", "surrogatepass")


def _is_merge(key: Scalar) -> bool:
    return key.value == "<<" and key.style == ""


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Sequence):
        return node.items
    return node.children if isinstance(node, manifests.Mapping) else ()
