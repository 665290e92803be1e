"""Afterwards: what only the operator can do once a tree is filled, and the next commands, as data.

Pure: from the bytes of the filled tree and the vault that was written with it. It holds no secret and no confidential
answer.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wizard import firewall, placeholders, resources, rollout
from wizard.answers import Answers
from wizard.firewall import Port
from wizard.resources import Resource
from wizard.rollout import Rollout
from wizard.sites import Scope
from wizard.vault import Vault

_ROUTERS = ("Ingress", "IngressRoute")  # the kinds whose hosts are known
# turn_uris of Synapse: RFC 7065, 3.1.
_TURN_URI = re.compile(r"turns?:([A-Za-z0-9.-]+)(?:[:?]|$)")
_ADDRESS = re.compile(r"[0-9.]+")  # IPv4, which DNS need not know
_STATUS = r"curl -sSo /dev/null -w '%{http_code}\n'"


@dataclass(frozen=True)
class Host:
    """A name that DNS must know: of the ingress, or of "coturn"; and its address, where the answers tell it."""

    name: str
    server: str
    address: str = ""


@dataclass(frozen=True)
class Afterwards:
    """What is left to do: DNS names, ports, requests that prove that LI is closed, whether LI wants a legal sign-off,
    the kubectl commands, and how many keys open the vault.
    """

    hosts: tuple[Host, ...]
    ports: tuple[Port, ...]
    li_requests: tuple[str, ...]
    has_li: bool
    rollout: Rollout
    recipients: int


def of(files: Mapping[str, bytes], vault: Vault, root: str) -> Afterwards:
    """Return what is left to do for the tree at *root* (as the operator names it) with *files*, its bytes as filled."""
    answers = Answers.from_json(vault.answers)
    scope = Scope(answers, vault.records)
    read = (
        resources.read(path, data, answers.instances)
        for path, data in sorted(files.items())
        if rollout.is_looked_at(path) or resources.is_text(path)
    )
    manifests = [each for each in read if each]
    used = [each for manifest in manifests for each in manifest.resources if not rollout.is_off(each, scope)]
    return Afterwards(
        tuple(hosts(used, answers)),
        firewall.ports(used),
        tuple(li_requests(used)),
        any(each.kind and each.instance == "li" for each in used),
        rollout.of(manifests, scope, root),
        len(vault.keys),
    )


def hosts(used: list[Resource], answers: Answers) -> Iterable[Host]:
    """Yield the names that the objects *used* serve; where calls are relayed it is coturn's own, which no ingress
    serves, and whose address the *answers* may tell."""
    names = _filled(host for each in used if each.kind in _ROUTERS for host in each.hosts)
    yield from (Host(name, "ingress") for name in names)
    if firewall.has_turn(used):
        turn = _filled(_turn_hosts(used)) or _filled([answers["domains.turn"]])
        address = answers["turn.external_ip"] or ""
        yield from (Host(name, "coturn", address) for name in turn if not _ADDRESS.fullmatch(name))


def li_requests(used: Iterable[Resource]) -> Iterable[str]:
    """Yield a command for each LI host that the objects *used* serve: it prints 403 where the allow-list shuts it."""
    names = _filled(host for each in used if each.kind in _ROUTERS for host in _li_hosts(each))
    yield from (f"{_STATUS} {shlex.quote(f'https://{host}/')}" for host in names if "*" not in host)


def _turn_hosts(used: Iterable[Resource]) -> Iterable[str]:
    """Yield the hosts that clients are told to relay by, as they stand in the tree: not all of them were asked for."""
    for each in used:
        if "turn" in each.manifest.text:
            found = (_TURN_URI.match(leaf.text) for leaf in each.leaves.values())
            yield from (uri[1].lower() for uri in found if uri)


def _li_hosts(router: Resource) -> list[str]:
    return router.hosts if router.instance == "li" else router.li_hosts


def _filled(hosts: Iterable[str | None]) -> list[str]:
    return sorted({host for host in hosts if host and not any(placeholders.find(host))})
