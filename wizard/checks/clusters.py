"""Whether CloudNativePG takes the Secret that it is given for a role: its user name must be the role's (FACTS 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wizard import manifests, placeholders
from wizard.finding import Finding, at
from wizard.manifests import Node, Scalar, Sequence
from wizard.resources import Leaf, Resource
from wizard.survey import Survey

_GROUP = "postgresql.cnpg.io"


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield each user name that is not the name of the role whose Secret it stands in."""
    secrets: list[Resource] | None = None
    for owner in survey.of_kind("Cluster", "DatabaseRole"):
        for role, name in _roles(owner) if _is_cnpg(owner) else ():
            secrets = list(survey.of_kind("Secret")) if secrets is None else secrets
            yield from _misnamed(owner, role, name, secrets)


def _is_cnpg(resource: Resource) -> bool:
    return _text(resource.node, "apiVersion").partition("/")[0] == _GROUP and not resource.manifest.actions


def _roles(owner: Resource) -> Iterator[tuple[str, str]]:
    """Yield the name of each role of *owner*, and the name of the Secret that it is given."""
    if owner.kind == "DatabaseRole":
        yield _text(owner.node, "spec", "name"), _text(owner.node, "spec", "passwordSecret", "name")
        return
    for way in ("initdb", "recovery", "pg_basebackup"):
        start = owner.get("spec", "bootstrap", way)
        # The operator's defaults (CloudNativePG 1.27, API reference, BootstrapInitDB): the owner is called as the
        # database, and that "app". What a cluster that is copied calls its own is in the copy.
        name = _text(start, "owner") or _text(start, "database") or ("app" if way == "initdb" else "")
        yield name, _text(start, "secret", "name")
    roles = owner.get("spec", "managed", "roles")
    for role in roles.items if isinstance(roles, Sequence) else ():
        yield _text(role, "name"), _text(role, "passwordSecret", "name")


def _misnamed(owner: Resource, role: str, name: str, secrets: Iterable[Resource]) -> Iterator[Finding]:
    for secret in secrets:
        is_read = name == secret.name and role and owner.namespace in ("", secret.namespace or owner.namespace)
        user = _username(secret) if is_read and not secret.manifest.actions else None
        if user is not None and not _is_open(user.text) and not _is_open(role) and user.text != role:
            message = f"{secret.ref}: username is {user.text}, and the role that {owner.ref} gives it to is {role}."
            fix = f"Write {role} here. Encoded, under data: printf %s {role} | base64"
            yield at(secret.manifest.position(user.scalar.start), "cluster-username", message, fix)


def _username(secret: Resource) -> Leaf | None:
    """Return the entry ``username`` as the operator reads it: that of ``stringData`` stands over ``data``'s."""
    return secret.leaves.get(("stringData", "username")) or secret.leaves.get(("data", "username"))


def _is_open(text: str) -> bool:
    return placeholders.is_template(text) or any(placeholders.find(text))


def _text(node: Node | None, *path: str) -> str:
    found = manifests.get(node, path) if node is not None else None
    return found.value if isinstance(found, Scalar) else ""
