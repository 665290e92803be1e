"""Pieces of a tree with LI hosts, each as one document, from which a test breaks one thing."""

from __future__ import annotations

from collections.abc import Mapping

from wizard import rules
from wizard.finding import Finding

from . import asking

NGINX = "nginx.ingress.kubernetes.io/"
RANGES = "185.60.112.0/24, 91.198.174.192/32"
LISTED = {f"{NGINX}whitelist-source-range": RANGES}
ASKING = {f"{NGINX}auth-type": "basic", f"{NGINX}auth-secret": "synapse-admin-auth"}


def found(files: Mapping[str, str] | str) -> list[Finding]:
    """Return the findings about who gets at LI; what else is wrong with so small a tree is told elsewhere: also that
    it has no policies."""
    every = (each for each in asking.found(files) if each.id != "policy-missing")
    return [each for each in every if rules.BY_ID[each.id].group == "li access"]


def joined(*documents: str) -> str:
    """Return the text of a file of *documents*."""
    return "---\n".join(documents)


def line(text: str, part: str) -> str:
    """Return ``a.yaml:LINE`` of the first line of *text* that holds *part*."""
    return f"a.yaml:{next(at for at, each in enumerate(text.splitlines(), 1) if part in each)}"


def ingress(
    name: str = "synapse-li", notes: Mapping[str, str] = LISTED, klass: str = "nginx", namespace: str = "matrix"
) -> str:
    """Return an Ingress: of LI's server, of another LI host, or (*name* without li) of main."""
    host = {"synapse-li": "matrix-li", "synapse-admin-li": "admin-li"}.get(name, name)
    said = "".join(f"    {key}: '{text}'\n" for key, text in notes.items())
    return (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
        f"metadata:\n  name: {name}\n  namespace: {namespace}\n  annotations:\n{said or '    a.net/b: c'}\n"
        f"spec:\n  ingressClassName: {klass}\n  rules:\n    - host: {host}.corp.net\n"
    )


def admin(**notes: str) -> str:
    """Return LI's admin Ingress with a list and a password; *notes* are annotations of ingress-nginx, '' for none."""
    said = {f"{NGINX}{key.replace('_', '-')}": text for key, text in notes.items()}
    every = {**LISTED, **ASKING, **said}
    return ingress("synapse-admin-li", {key: text for key, text in every.items() if text})


def secret(key: str = "auth", namespace: str = "matrix", name: str = "synapse-admin-auth") -> str:
    """Return the Secret of the admin's password; its hash is of no password."""
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"stringData:\n  {key}: 'officer:$2y$10${'x' * 53}'\n"
    )


def issuer(solver: str = "http01: {ingress: {ingressClassName: nginx}}") -> str:
    """Return a ClusterIssuer that proves hosts by *solver*."""
    return (
        "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: acme}\n"
        f"spec: {{acme: {{server: 'https://ca.corp.net/', solvers: [{{{solver}}}]}}}}\n"
    )


def synapse(more: str = "", instance: str = "li", namespace: str = "matrix") -> str:
    """Return the configuration of an instance's Synapse with the lines *more*."""
    name = "synapse-li-config" if instance == "li" else "synapse-config"
    lines = "".join(f"    {each}\n" for each in more.splitlines())
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata:\n"
        f"  homeserver.yaml: |\n    server_name: corp.net\n    signing_key_path: /keys/signing.key\n{lines}"
    )


ALONE = "federation_domain_whitelist: []"
