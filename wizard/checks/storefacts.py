"""What databases, Redis and MinIO do with their configuration: statements that fail, lines that are not read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from wizard import placeholders
from wizard.configurations import REDIS, SYNAPSE, Configuration
from wizard.finding import Finding, at
from wizard.manifests import Scalar, Sequence
from wizard.resources import Leaf, Resource
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is not done as it is written."""
    scripts = [*_scripts(survey)]
    clusters = [*survey.holding(re.compile(rb"postgresql\.cnpg\.io"), "Cluster")]
    for script in scripts:
        yield from _in_function(script)
        yield from _empty_password(script)
    yield from _for_superusers(scripts, clusters)
    if survey.of_server(SYNAPSE):
        yield from _without_identity(scripts)
    for cluster in clusters:
        yield from _logged(cluster)
        yield from _not_logical(cluster, scripts)
    for config in survey.of_server(REDIS):
        yield from _redis(config)
        yield from _unguarded(config, survey)
    for tenant in survey.holding(re.compile(rb"minio\.min\.io"), "Tenant"):
        yield from _users(tenant)
        yield from _scheme(tenant, survey)
    for secret in survey.of_kind("Secret"):
        yield from _environment(secret)


# --- PostgreSQL (FACTS 3)


@dataclass(frozen=True)
class _Script:
    """A text with statements in it: where it stands, and itself without comments, of the same length."""

    leaf: Leaf
    text: str

    def find(self, pattern: str) -> Iterator[re.Match[str]]:
        return re.finditer(pattern, self.text, re.IGNORECASE | re.DOTALL)

    def position(self, offset: int) -> str:
        return self.leaf.position(offset)


_STATEMENTS = re.compile(rb"(?i)CREATE\s+(?:SUBSCRIPTION|PUBLICATION|ROLE|USER)|ALTER\s+(?:ROLE|USER)")
_COMMENT = re.compile(r"--[^\n]*")
_ROLE = r"\b(?:CREATE|ALTER)\s+(?:ROLE|USER)\s+(?:IF\s+EXISTS\s+)?(?::?\"[^\"]*\"|[^\s;'\"]+)"  # up to its name
_PUBLICATION = r"\bCREATE\s+PUBLICATION\b"


def _scripts(survey: Survey) -> Iterator[_Script]:
    is_told = cache(lambda manifest: _STATEMENTS.search(manifest.data) is not None)
    for resource in survey.of_kind("ConfigMap", "Secret"):
        is_worth_it = resource.kind == "Secret" or is_told(resource.manifest)
        for path, leaf in resource.leaves.items() if is_worth_it and not resource.manifest.actions else ():
            is_entry = path[:1] in (("data",), ("stringData",)) and leaf.nested is None
            if is_entry and _STATEMENTS.search(leaf.text.encode("utf-8", "replace")):
                yield _Script(leaf, _COMMENT.sub(lambda match: " " * len(match[0]), leaf.text))


def _in_function(script: _Script) -> Iterator[Finding]:
    """A subscription that makes its slot cannot be created in a block, which is a function (PostgreSQL 15, [E])."""
    for block in script.find(r"\bDO\s+(?:LANGUAGE\s+\w+\s+)?(\$\w*\$).*?\1"):
        for statement in re.finditer(r"\bCREATE\s+SUBSCRIPTION\b[^;]*", block[0], re.IGNORECASE):
            if not re.search(r"\b(?:create_slot|connect)\s*=\s*(?:false|off|0)\b", statement[0], re.IGNORECASE):
                message = f"{script.leaf.resource.ref}: CREATE SUBSCRIPTION cannot run in a DO block: the script fails."
                fix = "Take it out of the block; psql's \\if with \\gset asks whether it is there already."
                place = script.position(block.start() + statement.start())
                yield at(place, "subscription-in-function", message, fix)


def _empty_password(script: _Script) -> Iterator[Finding]:
    for match in script.find(r"\b(?:CREATE|ALTER)\s+(?:ROLE|USER)\b[^;]*?\bPASSWORD\s+''(?!')"):
        message = f"{script.leaf.resource.ref}: an empty PASSWORD clears it: the role cannot log in."
        place = script.position(match.end() - len("PASSWORD ''"))
        yield at(place, "sql-empty-password", message, "Give it one, or leave PASSWORD out.")


def _for_superusers(scripts: Iterable[_Script], clusters: Iterable[Resource]) -> Iterator[Finding]:
    """Statements for superusers, where the operator of every cluster keeps that role to itself."""
    open_to = ("true", "yes", "on")
    closed = [each for each in clusters if each.text("spec", "enableSuperuserAccess") not in open_to]
    run_by_operator = "\n".join(each.manifest.text for each in clusters)
    if not closed or len(closed) != len([*clusters]):
        return
    for script in scripts:
        if re.search(rf"name:\s*[\"']?{re.escape(script.leaf.resource.name)}[\"']?\s*$", run_by_operator, re.MULTILINE):
            continue
        for match in script.find(rf"\bFOR\s+ALL\s+TABLES\b|{_ROLE}\s(?:'[^']*'|\"[^\"]*\"|[^;'\"])*?\bREPLICATION\b"):
            what = "FOR ALL TABLES" if match[0][:3].upper() == "FOR" else "a role with REPLICATION"
            message = f"{script.leaf.resource.ref}: {what} takes a superuser, whom no cluster of this tree lets in."
            fix = (
                "Name the tables: the owner of them may publish those."
                if what == "FOR ALL TABLES"
                else "Declare the role under spec.managed.roles of the Cluster."
            )
            yield at(script.position(match.start()), "sql-needs-superuser", message, fix)


def _without_identity(scripts: Iterable[_Script]) -> Iterator[Finding]:
    """All of Synapse's tables published, some of which have no key: those then refuse UPDATE and DELETE on main."""
    scripts = tuple(scripts)
    if any(re.search(r"REPLICA\s+IDENTITY", each.text, re.IGNORECASE) for each in scripts):
        return
    for script in scripts:
        for match in script.find(rf"{_PUBLICATION}[^;]*?\bFOR\s+ALL\s+TABLES\b"):
            message = (
                f"{script.leaf.resource.ref}: tables without a primary key are published without REPLICA IDENTITY."
            )
            fix = "Before it, run ALTER TABLE … REPLICA IDENTITY FULL for each table without a primary key."
            yield at(script.position(match.start()), "replica-identity-missing", message, fix)


def _logged(cluster: Resource) -> Iterator[Finding]:
    node = cluster.get("spec", "postgresql", "parameters", "log_statement")
    if isinstance(node, Scalar) and node.value in ("ddl", "mod", "all"):
        message = f"{cluster.ref}: log_statement writes the passwords of CREATE and ALTER ROLE into the log."
        place = cluster.manifest.position(node.start)
        yield at(
            place, "passwords-logged", message, "Leave it out, or set it to none; passwords in Secrets are unaffected."
        )


def _not_logical(cluster: Resource, scripts: Iterable[_Script]) -> Iterator[Finding]:
    node = cluster.get("spec", "postgresql", "parameters", "wal_level")
    is_published = any(True for script in scripts for _ in script.find(_PUBLICATION))
    if is_published and cluster.instance == "main" and isinstance(node, Scalar) and node.value != "logical":
        message = f"{cluster.ref}: wal_level is not logical, so that no subscription can follow a publication."
        yield at(cluster.manifest.position(node.start), "wal-level", message, "Set wal_level: logical.")


# --- Redis (FACTS 3)

_ONE_WORD = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\'|[^'])*'|[^\s\"']+")


def _redis(config: Configuration) -> Iterator[Finding]:
    words = [(offset, *bare.partition(" ")[::2]) for offset, bare in config.lines()]
    lines = [(offset, name.lower(), rest.strip()) for offset, name, rest in words]
    names = {name for _, name, _ in lines}
    for offset, name, rest in lines:
        if name not in ("requirepass", "masterauth") or any(placeholders.find(rest)) or placeholders.is_template(rest):
            continue
        if rest in ('""', "''") and name == "requirepass":
            message = f"{config.resource.ref}: requirepass is empty: Redis asks for no password."
            yield at(config.position(offset), "redis-open", message, "Give it one: matrix-wizard rotate redis-password")
        elif not _ONE_WORD.fullmatch(rest):
            message = f"{config.resource.ref}: {name} has not one word behind it: Redis does not start."
            fix = "Use letters and digits only, or put it into double quotes."
            yield at(config.position(offset), "redis-line", message, fix)
        elif name == "requirepass" and "aclfile" in names:
            message = f"{config.resource.ref}: with an aclfile Redis ignores requirepass."
            fix = "Give the password in the ACL file (user default on >… ~* &* +@all), and take this line out."
            yield at(config.position(offset), "redis-requirepass-ignored", message, fix)


_LOOPBACK = re.compile(r"-?(?:127\.[\d.]+|::1|localhost)")
# What gives Redis a password elsewhere, or another way to know its clients; a sentinel holds no data.
_GUARDS = frozenset({"requirepass", "user", "aclfile", "include", "sentinel", "tls-port"})


def _unguarded(config: Configuration, survey: Survey) -> Iterator[Finding]:
    """No password at all, and its protection against that switched off (redis.conf, protected-mode)."""
    lines = {bare.split()[0].lower(): (offset, bare.split()[1:]) for offset, bare in config.lines()}
    offset, mode = lines.get("protected-mode", (0, []))
    bound = lines.get("bind", (0, ["*"]))[1]
    pods = {each.workload.resource for each in config.containers}
    beside = [each.line for each in survey.containers if each.workload.resource in pods]
    beside += [leaf.text for leaf in config.resource.leaves.values() if leaf.nested is None]
    is_guarded = lines.keys() & _GUARDS or any(re.search(r"requirepass|aclfile|--user\b", each) for each in beside)
    if mode == ["no"] and not is_guarded and not all(map(_LOOPBACK.fullmatch, bound)):
        message = f"{config.resource.ref}: no requirepass, and protected-mode is no: Redis answers everybody."
        fix = "Add a line requirepass … to a file from a Secret, and name that in an include line."
        yield at(config.position(offset), "redis-open", message, fix)


# --- MinIO (FACTS 3, 10)


def _users(tenant: Resource) -> Iterator[Finding]:
    node = tenant.get("spec", "users")
    if isinstance(node, Sequence) and node.items:
        message = f"{tenant.ref}: the operator gives these users the policy consoleAdmin, and never a later password."
        fix = "Make the users by a Job with mc admin user add, and attach a policy for their buckets."
        yield at(tenant.manifest.position(node.start), "minio-users-admin", message, fix)


def _scheme(tenant: Resource, survey: Survey) -> Iterator[Finding]:
    """URLs of the operator's own Service by the wrong scheme or port: it listens on 443 with TLS, on 80 without."""
    auto = tenant.text("spec", "requestAutoCert")
    own = (each for each in survey.holding(re.compile(rb"kind:\s*[\"']?Service\b"), "Service"))
    if (
        auto not in ("true", "false")
        or tenant.get("spec", "externalCertSecret")
        or any(each.name == "minio" and each.namespace in ("", tenant.namespace) for each in own)
    ):
        return
    right = ("https", ("", ":443")) if auto == "true" else ("http", ("", ":80"))
    url = re.compile(rf"\b(https?)://minio(?:\.{re.escape(tenant.namespace)}(?:\.svc[\w.]*)?)?(:\d+)?(?=[/\s\"',]|$)")
    kinds = ("ConfigMap", "Secret", "Cluster", "Deployment", "StatefulSet", "Job", "CronJob", "ObjectStore")
    for resource in survey.holding(re.compile(rb"https?://minio\b"), *kinds):
        if resource.namespace not in ("", tenant.namespace) or resource.manifest.actions:
            continue
        for leaf in resource.leaves.values():
            for match in url.finditer(leaf.text) if leaf.nested is None else ():
                if match[1] != right[0] or (match[2] or "") not in right[1]:
                    message = f"{resource.ref}: the Service of {tenant.ref} does not listen there."
                    fix = f"Write {right[0]}://minio.{tenant.namespace}.svc.cluster.local, without a port."
                    yield at(leaf.position(match.start()), "minio-url", message, fix)


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
