"""What MinIO does with its configuration: users that it refuses, addresses where it does not listen (FACTS 3, 10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard import placeholders
from wizard.finding import Finding, at
from wizard.manifests import Sequence
from wizard.resources import Leaf, Resource
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is not done as it is written."""
    for tenant in survey.holding(re.compile(rb"minio\.min\.io"), "Tenant"):
        yield from _users(tenant)
        yield from _scheme(tenant, survey)
    for secret in survey.of_kind("Secret"):
        yield from _environment(secret)
        yield from _access_key(secret)


def _users(tenant: Resource) -> Iterator[Finding]:
    node = tenant.get("spec", "users")
    if isinstance(node, Sequence) and node.items:
        message = f"{tenant.ref}: the operator gives these users the policy consoleAdmin, and never a later password."
        fix = "Make the users by a Job with mc admin user add, and attach a policy for their buckets."
        yield at(tenant.manifest.position(node.start), "minio-users-admin", message, fix)


_AUTO = "true"  # where nothing is said (minio/operator, pkg/apis/minio.min.io/v2/helper.go, AutoCert)


def _scheme(tenant: Resource, survey: Survey) -> Iterator[Finding]:
    """URLs of the operator's own Service by the wrong scheme or port: it listens on 443 with TLS, on 80 without."""
    auto = tenant.text("spec", "requestAutoCert").lower() or _AUTO
    own = survey.called({"minio"}, "Service")
    if (
        auto not in ("true", "false")
        or tenant.get("spec", "externalCertSecret")
        or any(each.name == "minio" and each.namespace in ("", tenant.namespace) for each in own)
    ):
        return
    right = ("https", ("", ":443")) if auto == "true" else ("http", ("", ":80"))
    slashes = r"\\?/\\?/"  # in JSON each may be escaped
    host = rf"minio(?:\.{re.escape(tenant.namespace)}(?:\.svc[\w.]*)?)?"
    url = re.compile(rf"\b(https?):{slashes}{host}(:\d+)?(?=[/\s\"',\\]|$)")
    kinds = ("ConfigMap", "Cluster", "Deployment", "StatefulSet", "Job", "CronJob", "ObjectStore")
    # Of Secrets, which are few, each is looked at: base64 hides the word.
    for resource in (*survey.holding(_HOST, *kinds), *survey.of_kind("Secret")):
        if resource.namespace not in ("", tenant.namespace) or resource.manifest.actions:
            continue
        for leaf in resource.leaves.values():
            for match in url.finditer(leaf.text) if leaf.nested is None else ():
                if match[1] != right[0] or (match[2] or "") not in right[1]:
                    message = f"{resource.ref}: the Service of {tenant.ref} does not listen there."
                    fix = f"Write {right[0]}://minio.{tenant.namespace}.svc.cluster.local, without a port."
                    yield at(leaf.position(match.start()), "minio-url", message, fix)


_HOST = re.compile(rb"minio")
_KEY_NAMES = frozenset({"CONSOLE_ACCESS_KEY", "MINIO_ROOT_USER", "MINIO_ACCESS_KEY"})
_ROOT_USER = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?(?:MINIO_ROOT_USER|MINIO_ACCESS_KEY)=[\"']?([^\"'\n]*)")


def _access_key(secret: Resource) -> Iterator[Finding]:
    """Names of MinIO's users that it refuses (minio, internal/auth/credentials.go; FACTS 3)."""
    for section in ("stringData", "data"):
        for name in sorted(_KEY_NAMES):
            leaf = secret.leaves.get((section, name))
            if leaf is not None:
                yield from _refused(leaf, leaf.text.strip(), 0)
        leaf = secret.leaves.get((section, "config.env"))
        for match in _ROOT_USER.finditer(leaf.text) if leaf is not None else ():
            yield from _refused(leaf, match[1].strip(), match.start(1)) if leaf else ()


def _refused(leaf: Leaf, text: str, offset: int) -> Iterator[Finding]:
    if text and not placeholders.is_open(text) and (len(text) < 3 or set(text) & set("=,")):
        message = f"{leaf.resource.ref}: {leaf.key} has an access key that MinIO refuses."
        yield at(
            leaf.position(offset), "minio-access-key", message, "Take three characters or more, without = and commas."
        )


def _environment(secret: Resource) -> Iterator[Finding]:
    """Lines of MinIO's config.env that its parser reads otherwise than a shell (FACTS 3)."""
    for section in ("stringData", "data"):
        leaf = secret.leaves.get((section, "config.env"))
        if leaf is None or "MINIO_" not in leaf.text:
            continue
        begin = 0
        for line in leaf.text.splitlines(keepends=True):
            fault = _fault(line.strip())
            if fault:
                place = leaf.position(begin + len(line) - len(line.lstrip()))
                fix = 'Write it as: export NAME="value"'
                yield at(place, "minio-environment", f"{secret.ref}: {fault}", fix)
            begin += len(line)


def _fault(line: str) -> str:
    if not line or line.startswith("#") or any(placeholders.find(line)):
        return ""
    name, equals, value = line.removeprefix("export").strip().partition("=")
    if not equals:
        return "a line of config.env has no '=': MinIO does not start."
    name = name if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) else "the value"
    if re.match(r"\$\(|\$\{?\w+\}?$", value.strip("\"'")):
        return f"MinIO expands nothing: {name} is this text as it stands."
    if value[:1] in "\"'" and value and (len(value) < 2 or value[-1] != value[0]):
        return f"the quotes around {name} do not match, so that they belong to the value."
    return ""
