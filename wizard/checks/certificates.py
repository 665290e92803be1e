"""Certificates that a person gave: each with its own key, its chain and its time, and for the hosts that use it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from wizard import keys, manifests, placeholders
from wizard.finding import Finding, at
from wizard.manifests import Node, Sequence
from wizard.resources import Leaf, Resource
from wizard.survey import Survey

_SOON = timedelta(days=30)
# By these annotations cert-manager makes the Secret that an Ingress names, and what stands in it does not count.
_ISSUERS = ("cert-manager.io/cluster-issuer", "cert-manager.io/issuer", "kubernetes.io/tls-acme")
_RULES = {
    "key": "tls-key-differs",
    "chain": "tls-chain",
    "names": "tls-names",
    "expired": "tls-expired",
    "early": "tls-not-yet",
}


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is wrong with the certificates that stand in Secrets, at the time of the survey."""
    routers = [*survey.of_kind("Ingress", "IngressRoute")]
    made = {*_made(survey, routers)}
    for secret in survey.of_kind("Secret"):
        both = [secret.entry(key) for key in ("tls.crt", "tls.key")]
        certificate, key = (each if each and _is_given(each) else None for each in both)
        if certificate and key and not {(secret.namespace, secret.name), ("", secret.name)} & made:
            hosts = {host for router in routers for host in _hosts(router, secret)}
            yield from _pair(certificate, key, sorted(hosts), datetime.fromisoformat(survey.now))


def _made(survey: Survey, routers: list[Resource]) -> Iterator[tuple[str, str]]:
    """Yield namespace and name of the Secrets that cert-manager writes."""
    for certificate in survey.of_kind("Certificate"):
        yield certificate.namespace, certificate.text("spec", "secretName")
    for router in routers:
        if any(router.get("metadata", "annotations", each) is not None for each in _ISSUERS):
            yield from ((router.namespace, manifests.text_at(each, "secretName")) for each in _entries(router))


def _is_given(leaf: Leaf) -> bool:
    """Whether somebody has put a text there: one that no other program is to fill in, or to decrypt."""
    is_open = placeholders.is_open(leaf.text)
    return leaf.text.strip() != "" and not is_open and not leaf.resource.manifest.is_expanded


def _pair(certificate: Leaf, key: Leaf, hosts: list[str], now: datetime) -> Iterator[Finding]:
    secret, where = certificate.resource, _position(certificate)
    try:
        faults = keys.tls_faults(certificate.text, key.text, hosts, now)
        ends, lacks_issuer = keys.expires(certificate.text), keys.lacks_issuer(certificate.text)
    except ValueError as error:
        place = _position(key) if "private key" in str(error) else where
        yield at(place, "tls-malformed", f"{secret.ref}: {error}", _fix(secret))
        return
    for fault in faults:
        place = _position(key) if fault.about == "key" else where
        yield at(place, _RULES[fault.about], f"{secret.ref}: {fault.text}", _fix(secret))
    if lacks_issuer:
        message = f"{secret.ref}: tls.crt ends in a certificate of which the issuer is not in the file."
        yield at(where, "tls-chain", message, "Append the certificate of its issuer (fullchain.pem).", "warning")
    if now < ends <= now + _SOON:
        message = f"{secret.ref}: the certificate expires on {ends:%Y-%m-%d}, in {(ends - now).days} days."
        yield at(where, "tls-expiring", message, _fix(secret))


def _fix(secret: Resource) -> str:
    files = "--cert=fullchain.pem --key=privkey.pem"
    return f"Make the Secret anew: kubectl create secret tls {secret.name} {files} --dry-run=client -o yaml"


def _position(leaf: Leaf) -> str:
    return leaf.resource.manifest.position(leaf.scalar.start)


def _hosts(router: Resource, secret: Resource) -> Iterator[str]:
    """Yield the hosts that *router* serves with the certificate in *secret*: those of its ``tls:``, else all."""
    if secret.namespace and router.namespace and secret.namespace != router.namespace:
        return
    for entry in _entries(router):
        if manifests.text_at(entry, "secretName") == secret.name:
            named = manifests.get(entry, ("hosts",))
            hosts = [manifests.text_at(each) for each in named.items] if isinstance(named, Sequence) else router.hosts
            yield from (each for each in hosts if each and not _is_open(each))


def _is_open(host: str) -> bool:
    return placeholders.is_open(host) or "{" in host


def _entries(router: Resource) -> tuple[Node, ...]:
    node = router.get("spec", "tls")
    if isinstance(node, Sequence):
        return node.items
    return (node,) if isinstance(node, manifests.Mapping) else ()
