"""What stands at the edge: fields that are out of date, passwords that are not asked for, hashes that never match."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wizard import access, clauses, manifests, placeholders
from wizard.configurations import HAPROXY, SYNAPSE
from wizard.finding import Finding, at
from wizard.manifests import Path, text_at
from wizard.resources import Resource
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is out of date, or not in force, at the edge of a tree."""
    yield from _old_fields(survey)
    for ingress in survey.of_kind("Ingress"):
        if not ingress.manifest.actions:
            yield from _not_asked(ingress)
            yield from _any_of_both(ingress)
    for config in survey.of_server(HAPROXY):
        for offset, line in config.lines():
            fault = _hash_fault(line)
            if fault:
                message = f"{config.resource.ref}: {fault}"
                fix = "Write the password hashed by bcrypt ($2y$…), unquoted or in single quotes."
                yield at(config.position(offset), "haproxy-password", message, fix)
    yield from _gone(survey)


@dataclass(frozen=True)
class _Old:
    """A field, or a value of one, that its reader has replaced: where, and what to write instead."""

    kinds: tuple[str, ...]
    path: Path
    text: re.Pattern[str]
    now: str


_ANY = re.compile(r".+", re.DOTALL)
# FACTS 4, 6, 7; Kubernetes, Ingress ("Deprecated annotation", 1.18).
_OLD = (
    _Old(
        ("Issuer", "ClusterIssuer"), ("spec", "acme", "solvers", "*", "http01", "ingress", "class"), _ANY,
        "ingressClassName (cert-manager 1.12 or later)",
    ),
    # GKE's own controller reads the annotation alone (cloud.google.com, "GKE Ingress", "Ingress class").
    _Old(
        ("Ingress",), (*access.ANNOTATIONS, "kubernetes.io/ingress.class"), re.compile(r"(?!gce(?:-internal)?$).+"),
        "spec.ingressClassName",
    ),
    _Old(
        ("ExternalSecret", "SecretStore", "ClusterSecretStore", "ClusterExternalSecret"), ("apiVersion",),
        re.compile(r"external-secrets\.io/v1(?:alpha1|beta1)"), "external-secrets.io/v1",
    ),
    _Old(("Middleware",), ("spec", "ipWhiteList", "sourceRange", "[0]"), _ANY, "ipAllowList"),
    _Old(("Ingress",), (*access.ANNOTATIONS, "haproxy.org/whitelist"), _ANY, "haproxy.org/allow-list"),
)  # fmt: skip
_MARK = re.compile(rb"\bclass\b|external-secrets\.io/v1|ipWhiteList|haproxy\.org/whitelist")


def _old_fields(survey: Survey) -> Iterator[Finding]:
    kinds = {kind for each in _OLD for kind in each.kinds}
    for resource in survey.holding(_MARK, *sorted(kinds)):
        for old in (each for each in _OLD if resource.kind in each.kinds and not resource.manifest.actions):
            for path, leaf in resource.leaves.items():
                if manifests.fits(old.path, path) and old.text.fullmatch(leaf.text):
                    name = next(step for step in reversed(old.path) if not step.startswith("["))
                    message = f"{resource.ref}: {name} is out of date here."
                    yield at(
                        resource.manifest.position(leaf.scalar.start), "field-deprecated", message, f"Use {old.now}."
                    )


_NGINX = "nginx.ingress.kubernetes.io/"


def _not_asked(ingress: Resource) -> Iterator[Finding]:
    """An Ingress that names the Secret with its passwords, and asks for none (FACTS 4)."""
    is_off = access.note(ingress, f"{_NGINX}auth-secret") and not access.note(ingress, f"{_NGINX}auth-type")
    if is_off and not clauses.is_li_admin(ingress):  # those have a rule of their own
        leaf = ingress.leaves[(*access.ANNOTATIONS, f"{_NGINX}auth-secret")]
        message = f"{ingress.ref}: auth-secret without auth-type: nobody is asked for a password."
        fix = f'Add the annotation {_NGINX}auth-type: "basic".'
        yield at(ingress.manifest.position(leaf.scalar.start), "auth-type-missing", message, fix)


def _any_of_both(ingress: Resource) -> Iterator[Finding]:
    """An Ingress where an allowed address needs no password, and a password no allowed address (FACTS 4)."""
    if ingress.instance == "li":
        return  # those have a rule of their own, li-either-or
    listed = [
        each for each in ("allowlist-source-range", "whitelist-source-range") if access.note(ingress, _NGINX + each)
    ]
    if (
        listed
        and access.note(ingress, f"{_NGINX}auth-type")
        and access.note(ingress, f"{_NGINX}satisfy").strip() == "any"
    ):
        leaf = ingress.leaves[(*access.ANNOTATIONS, f"{_NGINX}satisfy")]
        message = (
            f"{ingress.ref}: satisfy: any lets in who has an allowed address or the password, not only who has both."
        )
        fix = f"Remove the annotation {_NGINX}satisfy."
        yield at(ingress.manifest.position(leaf.scalar.start), "satisfy-any", message, fix)


_USER = re.compile(r"^user\s+\S+\s+(?:insecure-)?password\s+(.+)$")


def _hash_fault(line: str) -> str:
    """Return what is wrong with a user's line of HAProxy, '' where nothing is (FACTS 3)."""
    match = _USER.match(line)
    if match is None or any(placeholders.find(match[1])):
        return ""
    text = match[1].strip()
    if text.lstrip("\"'").startswith("$apr1$"):
        return "HAProxy knows no $apr1$ (MD5 of Apache): this password never matches."
    if text.startswith('"') and re.search(r"(?<!\\)\$\w", text):
        return "HAProxy expands $ between double quotes: this hash is not what it compares."
    if text[:1] not in "\"'" and re.match(r"\S+#", text):
        return "HAProxy takes # for a comment: what stands behind it is cut off."
    return ""


# The versioned images moved to bitnamilegacy on 2025-08-28 (FACTS 10, 7.2).
_MOVED = re.compile(r"(?:^|docker\.io/)bitnami/[\w.-]+(?:[:@]|$)")


_BITNAMI = re.compile(rb"bitnami")  # the registry may stand in a field of its own, and so no slash behind it
_OWN_IMAGE = "Use the project's own image."


def _gone(survey: Survey) -> Iterator[Finding]:
    if not any(SYNAPSE.image.search(each.image) for each in survey.containers):
        return  # whose tree is not Matrix's has its own reasons
    for container in survey.containers:
        if _MOVED.search(container.image):
            message = f"{container.workload.resource.ref}: the image of {container.name} has left docker.io/bitnami."
            yield at(container.position(), "image-gone", message, _OWN_IMAGE)
    for values in survey.holding(_BITNAMI, "", "HelmRelease", "HelmChart", "Application"):
        for path, scalar in manifests.walk(values.node) if not values.manifest.actions else ():
            registry = text_at(manifests.get(values.node, path[:-1]), "registry")
            name = f"{registry}/{scalar.value}" if registry else scalar.value
            if path[-1:] == ("repository",) and _MOVED.match(name):
                message = f"{values.ref}: {scalar.value} has left docker.io/bitnami."
                yield at(values.manifest.position(scalar.start), "image-gone", message, _OWN_IMAGE)
