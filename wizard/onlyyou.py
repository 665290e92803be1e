"""What no file shows and only the operator can see to: names, ports, the law, backups. Never a failure.

Pure: from the survey of a tree. It holds no secret and no confidential answer. Checklist 8.1, 8.3, 9 and 13.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wizard import access, afterwards, clauses, firewall, networkpolicies
from wizard.answers import Answers
from wizard.firewall import Port
from wizard.homeserver import Homeserver
from wizard.resources import Resource
from wizard.survey import NAMES, Survey


@dataclass(frozen=True)
class Duty:
    """One thing to see to: its id (kebab-case, stable), a sentence that says what is to be so, and of what, in lines.

    ``items`` are names, ports, objects or commands; there may be none."""

    id: str
    heading: str
    items: tuple[str, ...]


# One of those stands in all that `firewall` and `afterwards` know a relay by.
_RELAYING = re.compile(rb"coturn|turnserver|auth-secret|lt-cred-mech|livekit|rtc|turn:|turns:")
# What `firewall` looks for in files that hold no objects.
_VALUES = re.compile(rb"use-auth-secret|static-auth-secret|\brtc\b|livekit")
# Checklist 13, and 10.3's last line.
_LEGAL = (
    "the legal review of the LI instance",
    "who may use it, and who said so",
    "who reads its access logs, and how often",
    "how long its data is kept",
    "data protection",
)


def of(survey: Survey) -> tuple[Duty, ...]:
    """Return what only the operator can see to for the tree of *survey*: none where it runs nothing of Matrix."""
    routers = survey.of_kind("Ingress", "Gateway", "ClusterIssuer", "Secret", *access.ROUTES)
    used = [*routers, *survey.holding(_RELAYING, "ConfigMap", "Deployment", "StatefulSet", "DaemonSet")]
    used += survey.holding(_VALUES, "")
    twins = survey.homeservers_of("li")
    configured = [*survey.homeservers_of("main"), *twins]
    ports = firewall.ports(used)
    if not configured and all(port.what == "Ingress" for port in ports):
        return ()
    duties = (
        *_names(used),
        Duty("firewall-in", "Firewall: these ports are open to the internet.", tuple(_told(ports))),
        Duty(
            "firewall-out", "Firewall: the cluster reaches the internet by these.", tuple(_outgoing(used, configured))
        ),
        Duty("li-closed", _CLOSED, tuple(afterwards.li_requests(used))),
        Duty("legal", _SETTLED, _LEGAL if twins else ()),
        *_measured(survey),
    )
    return (*(each for each in duties if each.items), *_policies(survey))


def _policies(survey: Survey) -> Iterator[Duty]:
    """Yield what is to be seen to of NetworkPolicies where there are any; those of later phases are listed here."""
    if any(survey.of_kind("NetworkPolicy")):
        yield Duty("policies", "NetworkPolicies: the cluster's network plugin enforces them.", ())
        due = list(networkpolicies.due(survey.of_each(NAMES)))
        later = (each for each in networkpolicies.POLICIES if each.phase and each not in due)
        heading = "NetworkPolicies of later phases: each is in force before the servers that it is for."
        yield Duty("policies-later", heading, tuple(f"{each.name}  {each.phase}" for each in later))


_CLOSED = "LI: from an allowed address none of these says 403, from any other each does."
_SETTLED = "Law: before LI is deployed each of these is settled and written down."


def _names(used: list[Resource]) -> Iterator[Duty]:
    hosts = list(afterwards.hosts(used, Answers()))
    served = tuple(each.name for each in hosts if each.server == "ingress")
    relayed = tuple(each.name for each in hosts if each.server == "coturn")
    yield Duty("dns", "DNS: these names lead to the ingress controller.", served)
    yield Duty("dns-turn", "DNS: this name leads to coturn's node.", relayed)


def _told(ports: Iterable[Port]) -> Iterator[str]:
    """Yield ``UDP 3478, 49152-65535  coturn``: the ports of one protocol and purpose in one line."""
    numbers: dict[tuple[str, str], list[str]] = {}
    for port in ports:
        numbers.setdefault((port.protocol, port.what), []).append(port.number)
    yield from (f"{protocol} {', '.join(each)}  {what}" for (protocol, what), each in numbers.items())


def _outgoing(used: Iterable[Resource], configured: Iterable[Homeserver]) -> Iterator[str]:
    """Yield what the cluster has to reach (checklist 9.1), as far as the tree makes use of it."""
    if any(not each.is_empty_list("federation_domain_whitelist") for each in configured):
        yield "TCP 443, 8448  federation"
    if any(each.kind == "ClusterIssuer" and each.get("spec", "acme") for each in used):
        yield "TCP 443  certificates"
    yield "TCP and UDP 53  names"


def _measured(survey: Survey) -> Iterator[Duty]:
    """Yield what is to be tried of storage and backups (checklist 8)."""
    databases = [each for each in survey.of_kind("Cluster") if clauses.is_postgresql(each)]
    stores = [each for each in survey.of_kind("Tenant") if clauses.is_minio(each)]
    yield Duty("backups", "Backups: a restore of each has been tried.", tuple(each.ref for each in databases))
    measured = [f"{each.ref}  3,000 operations a second" for each in databases]
    measured += [f"{each.ref}  1,000 operations a second on each node" for each in stores]
    yield Duty("storage", "Storage: it has been measured that it is fast enough.", tuple(measured))
