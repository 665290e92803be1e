"""Whether CloudNativePG takes the Secret that it is given for a role: its user name must be the role's (FACTS 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wizard import placeholders, servers
from wizard.finding import Finding, at
from wizard.resources import Leaf, Resource
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield each user name that is not the name of the role whose Secret it stands in."""
    secrets: list[Resource] | None = None
    for owner in survey.of_kind("Cluster", "DatabaseRole"):
        for role, name in servers.given(owner):
            secrets = list(survey.of_kind("Secret")) if secrets is None else secrets
            yield from _misnamed(owner, role, name, secrets)


def _misnamed(owner: Resource, role: str, name: str, secrets: Iterable[Resource]) -> Iterator[Finding]:
    for secret in secrets:
        is_read = name == secret.name and role and owner.namespace in ("", secret.namespace or owner.namespace)
        user = _username(secret) if is_read and not secret.manifest.actions else None
        if (
            user is not None
            and not placeholders.is_open(user.text)
            and not placeholders.is_open(role)
            and user.text != role
        ):
            message = f"{secret.ref}: username is not {role}, the role that {owner.ref} gives it to."
            fix = f"Write {role} here. Encoded, under data: printf %s {role} | base64"
            yield at(secret.manifest.position(user.scalar.start), "cluster-username", message, fix)


def _username(secret: Resource) -> Leaf | None:
    """Return the entry ``username`` as the operator reads it: that of ``stringData`` stands over ``data``'s."""
    return secret.leaves.get(("stringData", "username")) or secret.leaves.get(("data", "username"))
