"""The NetworkPolicies that the checklist names (9.3), as a table: what each is for, and when it is due. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Cluster", "Tenant", "Ingress")
HOME = "infrastructure/04-networking/networkpolicies.yaml"
LATER = re.compile(r"clamav|content-scanner|prometheus")  # of the phases for monitoring and antivirus


@dataclass(frozen=True)
class Policy:
    """One policy: its name, what it is for, and the objects that make it due: by kind and name; none for always.

    ``phase``: the later phase that it belongs to, '' for none."""

    name: str
    what: str
    about: re.Pattern[str] | None = None
    phase: str = ""


def _about(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


POLICIES = (
    Policy("default-deny-all", "it denies what no other one allows"),
    Policy("allow-dns", "it lets pods ask for names"),
    Policy("postgresql-access", "it says who reaches main's database", _about(r"^Cluster/(?!.*\bli\b)")),
    Policy("postgresql-li-access", "it says who reaches LI's database", _about(r"^Cluster/.*\bli\b")),
    Policy("redis-access", "it says who reaches Redis", _about(r"redis")),
    Policy("minio-access", "it says who reaches the object store", _about(r"^Tenant/")),
    Policy("key-vault-isolation", "it says who reaches key_vault", _about(r"key-?vault")),
    Policy(
        "li-instance-isolation",
        "it keeps other pods from LI, which they reach past allow-list and password",
        _about(r"\bli\b"),
    ),
    Policy("synapse-main-egress", "it says what main's Synapse reaches", _about(r"/synapse(?!.*\bli\b)")),
    Policy("allow-from-ingress", "it lets in the ingress controller", _about(r"^Ingress/")),
    Policy("allow-prometheus-scraping", "it lets in Prometheus", _about(r"prometheus"), "monitoring"),
    Policy("antivirus-access", "it says who reaches the scanner", _about(r"clamav|content-scanner"), "antivirus"),
)


def due(names: Collection[str]) -> Iterator[Policy]:
    """Yield the policies that a tree is to have whose objects of ``KINDS`` have these *names*: ``Kind/name``."""
    yield from (row for row in POLICIES if row.about is None or any(map(row.about.search, names)))
