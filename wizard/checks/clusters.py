"""Whether CloudNativePG takes the Secret that it is given for a role, and looks at it when it changes (FACTS 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wizard import placeholders, servers
from wizard.configurations import SYNAPSE
from wizard.finding import Finding, at
from wizard.resources import Resource
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield each user name that is not the name of the role whose Secret it stands in, and what is not looked at."""
    secrets: list[Resource] | None = None
    told = set[Resource]()
    for owner in survey.of_kind("Cluster", "DatabaseRole"):
        for role, name in servers.given(owner):
            secrets = list(survey.of_kind("Secret")) if secrets is None else secrets
            given = list(_given(owner, name, secrets))
            yield from _misnamed(owner, role, given)
            if survey.of_server(SYNAPSE):  # whose passwords are rotated by what this program tells
                yield from (_unwatched(each, owner) for each in given if each not in told and not _is_watched(each))
                told.update(given)


def _given(owner: Resource, name: str, secrets: Iterable[Resource]) -> Iterator[Resource]:
    """Yield the Secrets that *owner* means by *name*."""
    for secret in secrets:
        is_near = owner.namespace in ("", secret.namespace or owner.namespace)
        if name == secret.name and is_near and not secret.manifest.actions:
            yield secret


_RELOAD = "cnpg.io/reload"


def _is_watched(secret: Resource) -> bool:
    return secret.labels.get(_RELOAD) == "true"


def _unwatched(secret: Resource, owner: Resource) -> Finding:
    message = f"{secret.ref}: {owner.ref} does not look at it when it changes, but some time later."
    name = secret.get("metadata", "name") or secret.node
    fix = f'Add the label {_RELOAD}: "true".'
    return at(secret.manifest.position(name.start), "cluster-unwatched", message, fix)


def _misnamed(owner: Resource, role: str, secrets: Iterable[Resource]) -> Iterator[Finding]:
    for secret in secrets:
        user = secret.entry("username") if role else None
        if (
            user is not None
            and not placeholders.is_open(user.text)
            and not placeholders.is_open(role)
            and user.text != role
        ):
            message = f"{secret.ref}: username is not {role}, the role that {owner.ref} gives it to."
            fix = f"Write {role} here. Encoded, under data: printf %s {role} | base64"
            yield at(secret.manifest.position(user.scalar.start), "cluster-username", message, fix)
