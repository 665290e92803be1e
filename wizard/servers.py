"""Servers: which server of a tree checks a value, and where it runs, so that it can be told of another one.

Pure. CloudNativePG's clusters name the Secret of each role (FACTS 3); elsewhere images and environments tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from wizard import homeserver, manifests, pods
from wizard.configurations import SYNAPSE
from wizard.manifests import Scalar, text_at
from wizard.pods import Container
from wizard.resources import Resource, may_be_one
from wizard.workloads import Workload

# Where the value stands: the keys of Secrets and ConfigMaps, by kind, namespace and name of those.
Places = Mapping[tuple[str, str, str], frozenset[str]]


@dataclass(frozen=True)
class Role:
    """A role of PostgreSQL: ``target`` is what ``kubectl exec`` takes, ``container`` '' for its only one.

    ``database``: one that the role may connect to. ``superuser``: whom the local socket lets in without password.
    ``host``: where the server asks for passwords within its pod, '' for the pod's own name: the official image trusts
    whoever comes from localhost (docker-entrypoint.sh, pg_setup_hba_conf, after initdb's own rules)."""

    namespace: str
    target: str
    container: str
    name: str
    database: str
    instance: str
    superuser: str = "postgres"
    host: str = ""


@dataclass(frozen=True)
class Redis:
    """One Redis server: a pod of its own for each of several, and whether it is given its password by environment."""

    namespace: str
    target: str
    container: str
    by_environment: bool


@dataclass(frozen=True)
class Tenant:
    """A MinIO tenant: its name, the StatefulSets that its operator makes, and, for a user's secret, the access key."""

    namespace: str
    name: str
    sets: tuple[str, ...]
    user: str = ""


def roles(workloads: Iterable[Workload], places: Places) -> tuple[Role, ...]:
    """Return the roles whose password stands at *places*, in the order of the tree."""
    every = list(workloads)
    found = [role for each in every if each.kind == "Cluster" for role in _of_cluster(each.resource, places)]
    found += [role for each in every if each.is_restarted and (role := _of_image(each, places))]
    return tuple(dict.fromkeys(found))


_CNPG = "postgresql.cnpg.io"


def given(owner: Resource) -> Iterator[tuple[str, str]]:
    """Yield the name of each role of *owner*, a Cluster or DatabaseRole of CloudNativePG, and that of its Secret.

    Either is '' where it is not written; nothing is yielded for another kind or a Go template."""
    if owner.text("apiVersion").partition("/")[0] != _CNPG or owner.manifest.actions:
        return
    if owner.kind == "DatabaseRole":
        yield owner.text("spec", "name"), owner.text("spec", "passwordSecret", "name")
    for way in ("initdb", "recovery", "pg_basebackup") if owner.kind == "Cluster" else ():
        start = owner.get("spec", "bootstrap", way)
        # The operator's defaults (CloudNativePG 1.27, API reference, BootstrapInitDB): the owner is called as the
        # database, and that "app". What a cluster that is copied calls its own is in the copy.
        name = text_at(start, "owner") or text_at(start, "database") or ("app" if way == "initdb" else "")
        yield name, text_at(start, "secret", "name")
    for role in manifests.items(owner.get("spec", "managed", "roles")):
        yield text_at(role, "name"), text_at(role, "passwordSecret", "name")


def databases(workloads: Iterable[Workload], instance: str) -> tuple[Role, ...]:
    """Return the owner of the database of each CloudNativePG cluster of *instance* ("main" or "li")."""
    clusters = (each.resource for each in workloads if each.kind == "Cluster" and each.instance == instance)
    return tuple(role for cluster in clusters for role in _owner(cluster, None))


def redis(workloads: Iterable[Workload], places: Places) -> tuple[Redis, ...]:
    """Return the Redis servers that read *places*, one for each of their pods."""
    found: list[Redis] = []
    for each in workloads:
        container = next((one for one in _containers(each) if _REDIS.search(one.image + one.line)), None)
        by = [one for one in each.references if _is_at(one.kind, each.namespace, one.name, one.keys, places)]
        if container is None or not by or not each.is_restarted:
            continue
        is_given = any(one.how in ("env", "subPath") for one in by)
        found += [Redis(each.namespace, pod, container.name, is_given) for pod in _pods(each)]
    return tuple(found)


def tenants(workloads: Iterable[Workload], places: Places) -> tuple[Tenant, ...]:
    """Return the MinIO tenants that read *places*, each once for each user whose secret that is, else for its root."""
    found: list[Tenant] = []
    for each in workloads:
        if each.kind != "Tenant":
            continue
        pools = manifests.items(each.resource.get("spec", "pools"))
        sets = tuple(f"statefulset/{each.name}-{text_at(pool, 'name')}" for pool in pools if text_at(pool, "name"))
        users = {text_at(user, "name") for user in manifests.items(each.resource.get("spec", "users"))}
        for one in each.references:
            if _is_at(one.kind, each.namespace, one.name, one.keys, places):
                found.append(Tenant(each.namespace, each.name, sets, one.name if one.name in users else ""))
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Job:
    """A Job that tells MinIO of its users when it runs, and the file that it stands in."""

    namespace: str
    name: str
    file: str


def minio_jobs(workloads: Iterable[Workload], places: Places) -> tuple[Job, ...]:
    """Return the Jobs that run MinIO's client and read *places*."""
    found = (
        each for each in workloads if each.kind == "Job" and any(_MC.search(one.image) for one in _containers(each))
    )
    return tuple(
        Job(each.namespace, each.name, each.resource.manifest.path)
        for each in found
        if any(_is_at(one.kind, each.namespace, one.name, one.keys, places) for one in each.references)
    )


_MC = re.compile(r"(?:^|/)mc(?:[:@]|$)")


@dataclass(frozen=True)
class MainProcess:
    """A main process of Synapse: where it runs, and the port of its HTTP listener."""

    namespace: str
    target: str
    container: str
    port: str
    instance: str


def main_processes(workloads: Iterable[Workload]) -> tuple[MainProcess, ...]:
    """Return the main processes of Synapse, main's first; workers are none."""
    found = [one for each in workloads if each.is_restarted and (one := _main_process(each))]
    return tuple(sorted(found, key=lambda each: each.instance != "main"))


def _main_process(each: Workload) -> MainProcess | None:
    for container in _containers(each):
        if SYNAPSE.image.search(container.image) and homeserver.is_main(container):
            ports = container.reader.at(container.node, "ports.*")
            named = {text_at(port, "name"): text_at(port, "containerPort") for port in ports}
            port = named.get("http") or named.get("client") or _PORT
            return MainProcess(each.namespace, each.target, container.name, port, each.instance)
    return None


_PORT = "8008"  # of Synapse's generated configuration
_REDIS = re.compile(r"(?:^|/)(?:redis|valkey|keydb)(?:-server)?(?:[:@]|$)|\bredis-server\b|\bvalkey-server\b")
_POSTGRES = re.compile(r"(?:^|/)(?:postgres|postgresql|postgis|timescaledb)(?:[:@]|$)")


def _containers(each: Workload) -> list[Container]:
    return [one for one in pods.containers(each) if not one.is_init]


def _of_cluster(cluster: Resource, places: Places) -> Iterator[Role]:
    yield from _owner(cluster, places)
    owner = next(iter(_owner(cluster, None)), None)
    for role in manifests.items(cluster.get("spec", "managed", "roles")):
        secret = text_at(role, "passwordSecret", "name")
        if secret and owner and _is_at("Secret", cluster.namespace, secret, frozenset({"password"}), places):
            yield replace(owner, name=text_at(role, "name"))


def _owner(cluster: Resource, places: Places | None) -> Iterator[Role]:
    """Yield the owner of the cluster's database where *places* (None: whatever they are) hold its password."""
    owner = cluster.get("spec", "bootstrap", "initdb")
    name, database = (text_at(owner, "owner"), text_at(owner, "database"))
    secret = text_at(owner, "secret", "name")
    is_here = places is None or (
        bool(secret) and _is_at("Secret", cluster.namespace, secret, frozenset({"password"}), places)
    )
    if is_here:
        # The operator's defaults (CloudNativePG, "Bootstrap an empty cluster").
        database = database or name or "app"
        target = f"svc/{cluster.name}-rw"
        # Its pg_hba asks everybody but the local socket (CloudNativePG, "PostgreSQL Configuration", pg_hba).
        instance = cluster.instance
        yield Role(cluster.namespace, target, "postgres", name or database, database, instance, host="localhost")


def _of_image(each: Workload, places: Places) -> Role | None:
    """Return the role of a PostgreSQL that takes its first password from the environment, as the official image."""
    for container in _containers(each):
        by = (one for one in each.references if _is_at(one.kind, each.namespace, one.name, one.keys, places))
        if _POSTGRES.search(container.image) and any(one.how in ("env", "volume") for one in by):
            variables = {one.name: one.text for one in container.variables}
            role = variables.get("POSTGRES_USER") or "postgres"
            database = variables.get("POSTGRES_DB") or role
            return Role(each.namespace, each.target, container.name, role, database, each.instance, role)
    return None


def _pods(each: Workload) -> list[str]:
    replicas = each.resource.get("spec", "replicas")
    count = int(replicas.value) if isinstance(replicas, Scalar) and replicas.value.isdecimal() else 1
    return [f"pod/{each.name}-{at}" for at in range(count)] if each.kind == "StatefulSet" else [each.target]


def _is_at(kind: str, namespace: str, name: str, keys: frozenset[str] | None, places: Places) -> bool:
    return any(
        (kind, name) == (other, called) and may_be_one(namespace, where) and (keys is None or keys & held)
        for (other, where, called), held in places.items()
    )
