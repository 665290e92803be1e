"""The password of the LI admin page: it is asked for, besides the address, and its Secret holds what is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from wizard import access, clauses, entries, makers, manifests, placeholders
from wizard.controllers import CONTROLLERS
from wizard.finding import Finding, at
from wizard.manifests import Node, Scalar
from wizard.resources import Resource, may_be_one
from wizard.rules import Severity
from wizard.survey import Survey

_NGINX = CONTROLLERS[0]
_SATISFY = "nginx.ingress.kubernetes.io/satisfy"
_SHAPE = "nginx.ingress.kubernetes.io/auth-secret-type"
_KEY = "auth"  # of the Secret, unless its keys are users (FACTS 4)
_BY_HAND = "kubectl create secret generic {name} --from-file=auth{namespace}"


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is wrong with the password of the LI admin page (checklist 4.3; FACTS 4)."""
    for resource in survey.of_kind("Ingress", "IngressRoute"):
        if clauses.is_li_admin(resource):
            yield from _without_password(resource, survey)
            yield from _lost(resource, survey)
        if resource.instance == "li":
            yield from _either(resource)


def _without_password(resource: Resource, survey: Survey) -> Iterator[Finding]:
    readers = access.readers(resource)
    silent = [each for each in readers if not access.is_asked(each, resource, survey.manifests)]
    if silent or not readers:
        who = silent[0].name if silent else "its controller"
        message = f"{resource.ref}: basic auth is not in force here, as far as is known of {who}."
        is_ours = any(each.auth for each in silent)
        fix = "matrix-wizard setup" if is_ours else "Have the controller ask for a password in its own way."
        yield at(resource.manifest.position(resource.node.start), "li-no-password", message, fix)


def _lost(ingress: Resource, survey: Survey) -> Iterator[Finding]:
    """A password that is asked for, and that nobody can give: its Secret is elsewhere, or has it under another key."""
    for reader in access.readers(ingress):
        name = reader.auth.get("secret", "")
        if not name or not access.is_asked(reader, ingress, survey.manifests):
            continue
        node = _note(ingress, name)
        if node is None:
            message = f"{ingress.ref} asks for a password, and {name} does not say which: {reader.name} denies all."
            yield _at(ingress, None, message, "matrix-wizard setup")
        elif not placeholders.is_open(node.value):
            yield from _of_secret(ingress, node, survey)


def _of_secret(ingress: Resource, node: Scalar, survey: Survey) -> Iterator[Finding]:
    space, name = access.secret_of(ingress, node.value)
    named = [each for each in survey.of_kind("Secret") if each.name == name]
    here = [each for each in named if may_be_one(space, each.namespace)]
    if not may_be_one(space, ingress.namespace):
        message = f"{ingress.ref} takes its password from a Secret of another namespace, which is refused by default."
        fix = f"Have the Secret in the namespace of the Ingress, and write: {_key(ingress, node)}: {name}"
        yield _at(ingress, node, message, fix, "warning")
    elif here:
        shape = _note(ingress, _SHAPE)
        is_file = shape is None or shape.value.strip() != "auth-map"
        if is_file and not any(_holds(each) for each in here):
            message = f"{here[0].ref} has no key {_KEY}, which {ingress.ref} takes its password from: it denies all."
            yield _at(ingress, node, message, f"Have the lines of htpasswd under the key {_KEY}.")
    elif named:
        message = f"{named[0].ref} is in another namespace than {ingress.ref}, which takes its password from it."
        yield _at(ingress, node, message, f"Write in it: namespace: {ingress.namespace}")
    elif not makers.made(survey.holding(makers.MARK, *makers.KINDS)).has(name):
        message = f"{ingress.ref} takes its password from a Secret that is not in the tree."
        namespace = f" -n {ingress.namespace}" if ingress.namespace else ""
        yield _at(ingress, node, message, _BY_HAND.format(name=name, namespace=namespace), "warning")


def _either(ingress: Resource) -> Iterator[Finding]:
    """An LI host that lets in by its allow-list or by a password: nginx asks for both by default (FACTS 4)."""
    node = _note(ingress, _SATISFY)
    is_asked = _NGINX in access.readers(ingress) and _note(ingress, _NGINX.asks) is not None
    if node is not None and node.value.strip() == "any" and is_asked:
        message = f"{ingress.ref}: {_SATISFY} lets in whoever has the address or the password."
        yield at(ingress.manifest.position(node.start), "li-either-or", message, f"Remove the line {_SATISFY}.")


def _holds(secret: Resource) -> bool:
    if secret.manifest.actions:
        return True  # Helm decides what is in it
    nodes = (secret.get(section) for section in ("data", "stringData"))
    return any(_KEY in entries.keys(node) for node in nodes if isinstance(node, manifests.Mapping))


def _key(ingress: Resource, node: Node) -> str:
    notes = ingress.get(*access.ANNOTATIONS)
    pairs = notes.entries if isinstance(notes, manifests.Mapping) else ()
    return next(key.value for key, value in pairs if value is node and isinstance(key, Scalar))


def _note(resource: Resource, key: str) -> Scalar | None:
    node = resource.get(*access.ANNOTATIONS, key)
    return node if isinstance(node, Scalar) else None


def _at(ingress: Resource, node: Node | None, message: str, fix: str, severity: Severity | None = None) -> Finding:
    return at(ingress.manifest.position((node or ingress.node).start), "li-password-lost", message, fix, severity)
