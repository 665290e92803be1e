"""Makers: the objects of a tree that have Secrets and ConfigMaps made, which then stand in no file of it.

Facts are rows: a new operator is one row. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from wizard import manifests
from wizard.manifests import Node, Scalar, Sequence
from wizard.resources import Resource


@dataclass(frozen=True)
class _Maker:
    """A kind by whose objects others come to be, and where the names of those stand in it.

    The paths are parted by dots, ``*`` is each item of a list. ``around``: those that are called NAME-… or …NAME… come
    from it too, as the operator of a database or a chart calls what is its own."""

    kind: str
    paths: tuple[str, ...] = ("metadata.name",)
    around: bool = False


# As the reference of each kind's API says; of those with ``around`` the names are made by patterns of their own.
_MAKERS = (
    _Maker("ExternalSecret", ("metadata.name", "spec.target.name")),
    _Maker(
        "ClusterExternalSecret", ("metadata.name", "spec.externalSecretName", "spec.externalSecretSpec.target.name")
    ),
    _Maker("SealedSecret", ("metadata.name", "spec.template.metadata.name")),
    _Maker("SopsSecret", ("spec.secretTemplates.*.name",)),
    _Maker("Certificate", ("spec.secretName",)),
    _Maker("Issuer", ("spec.acme.privateKeySecretRef.name",)),
    _Maker("ClusterIssuer", ("spec.acme.privateKeySecretRef.name",)),
    _Maker("VaultStaticSecret", ("spec.destination.name",)),
    _Maker("VaultDynamicSecret", ("spec.destination.name",)),
    _Maker("VaultPKISecret", ("spec.destination.name",)),
    _Maker("VaultSecret"),
    _Maker("OnePasswordItem"),
    _Maker("BitwardenSecret", ("metadata.name", "spec.secretName")),
    _Maker("InfisicalSecret", ("spec.managedSecretReference.secretName",)),
    _Maker("AzureKeyVaultSecret", ("spec.output.secret.name",)),
    _Maker("SecretProviderClass", ("spec.secretObjects.*.secretName",)),
    _Maker("ObjectBucketClaim"),
    _Maker("Bundle"),
    _Maker("Kustomization", ("secretGenerator.*.name", "configMapGenerator.*.name", "metadata.name"), around=True),
    _Maker("", ("secretGenerator.*.name", "configMapGenerator.*.name"), around=True),  # kustomize: kind may be left out
    _Maker("Cluster", around=True),
    _Maker("Tenant", around=True),
    _Maker("postgresql", around=True),
    _Maker("PostgresCluster", around=True),
    _Maker("RabbitmqCluster", around=True),
    _Maker("Elasticsearch", around=True),
    _Maker("Kafka", around=True),
    _Maker("KafkaUser", around=True),
    _Maker("MongoDBCommunity", around=True),
    _Maker("MariaDB", around=True),
    _Maker("RedisFailover", around=True),
    _Maker("Keycloak", around=True),
    _Maker("Prometheus", around=True),
    _Maker("Alertmanager", around=True),
    _Maker("HelmRelease", ("metadata.name", "spec.releaseName", "spec.chart.spec.chart"), around=True),
    _Maker("HelmChart", ("metadata.name", "spec.chart"), around=True),
    _Maker("Application", ("metadata.name", "spec.source.chart", "spec.source.helm.releaseName"), around=True),
)
KINDS = tuple(each.kind for each in _MAKERS)
MARK = re.compile(
    rb"""kind["']?\s*:\s*(?:[&!]\S+\s+)*["']?(?:"""
    + "|".join(filter(None, KINDS)).encode()
    + rb""")\b|(?:secret|configMap)Generator\b"""
)


@dataclass(frozen=True)
class Made:
    """The names of what is made, and the words that stand in the names of what else is."""

    names: frozenset[str]
    around: frozenset[str]

    def has(self, name: str) -> bool:
        """Say whether an object called *name* is, or may be, made by one of the tree."""
        steps = re.split(r"([^a-z0-9])", name)
        spans = combinations(range(len(steps) + 1), 2)
        return name in self.names or any("".join(steps[start:end]) in self.around for start, end in spans)


def made(resources: Iterable[Resource]) -> Made:
    """Return what the objects *resources*, those of ``KINDS`` among them, have made."""
    names, around = set[str](), set[str]()
    for resource in resources:
        for row in (each for each in _MAKERS if each.kind == resource.kind):
            found = {text for path in row.paths for text in _texts([resource.node], path.split("."))}
            names |= found
            around |= found if row.around else set()
    return Made(frozenset(names), frozenset(around))


def _texts(nodes: Iterable[Node], steps: list[str]) -> Iterator[str]:
    found = list(nodes)
    for step in steps:
        if step == "*":
            found = [item for each in found if isinstance(each, Sequence) for item in each.items]
        else:
            found = [inner for each in found if (inner := manifests.get(each, (step,))) is not None]
    yield from (each.value for each in found if isinstance(each, Scalar) and each.value)
