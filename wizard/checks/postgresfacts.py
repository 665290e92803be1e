"""What PostgreSQL does with its scripts and parameters: statements that fail, passwords in its log (FACTS 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wizard.configurations import SYNAPSE
from wizard.finding import Finding, at
from wizard.manifests import Scalar
from wizard.resources import Leaf, Resource
from wizard.scripts import texts
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
    yield from _logged_elsewhere(survey)
    for cluster in clusters:
        yield from _not_logical(cluster, scripts)
        yield from _read_only(cluster, scripts, survey)


@dataclass(frozen=True)
class _Script:
    """A text with statements in it: where it stands, and itself without comments, of the same length."""

    leaf: Leaf
    text: str

    def find(self, pattern: str) -> Iterator[re.Match[str]]:
        return re.finditer(pattern, self.text, re.IGNORECASE | re.DOTALL)

    def position(self, offset: int) -> str:
        return self.leaf.position(offset)


_VERBS = re.compile(rb"(?i)create|alter")  # as fast as a scan can be
_STATEMENTS = re.compile(rb"(?i)CREATE\s+(?:SUBSCRIPTION|PUBLICATION|ROLE|USER)|ALTER\s+(?:ROLE|USER|SUBSCRIPTION)")
_COMMENT = re.compile(r"--[^\n]*")
_ROLE = r"\b(?:CREATE|ALTER)\s+(?:ROLE|USER)\s+(?:IF\s+EXISTS\s+)?(?::?\"[^\"]*\"|[^\s;'\"]+)"  # up to its name
_PUBLICATION = r"\bCREATE\s+PUBLICATION\b"


def _scripts(survey: Survey) -> Iterator[_Script]:
    for resource in (*survey.holding(_VERBS, "ConfigMap"), *survey.of_kind("Secret")):
        for path, leaf in resource.leaves.items() if not resource.manifest.actions else ():
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
        yield at(place, "passwords-logged", message, _UNLOGGED)


_LOG = re.compile(r"(?m)^(?!\s*#).*?\blog_statement\s*=\s*'?(?:ddl|mod|all)\b")
_LOGGING = re.compile(rb"log_statement")


def _logged_elsewhere(survey: Survey) -> Iterator[Finding]:
    """The same in postgresql.conf, and in the words of a server of one's own (PostgreSQL, "Setting Parameters")."""
    for resource in survey.holding(_LOGGING, "ConfigMap", "Deployment", "StatefulSet"):
        for leaf in resource.leaves.values() if not resource.manifest.actions else ():
            match = _LOG.search(leaf.text) if leaf.nested is None else None
            if match is not None:
                message = f"{resource.ref}: log_statement writes the passwords of CREATE and ALTER ROLE into the log."
                place = leaf.position(leaf.text.index("log_statement", match.start()))
                yield at(place, "passwords-logged", message, _UNLOGGED)


_UNLOGGED = "Leave it out, or set it to none; passwords in Secrets are unaffected."


def _not_logical(cluster: Resource, scripts: Iterable[_Script]) -> Iterator[Finding]:
    node = cluster.get("spec", "postgresql", "parameters", "wal_level")
    is_published = any(True for script in scripts for _ in script.find(_PUBLICATION))
    if is_published and cluster.instance == "main" and isinstance(node, Scalar) and node.value != "logical":
        message = f"{cluster.ref}: wal_level is not logical, so that no subscription can follow a publication."
        yield at(cluster.manifest.position(node.start), "wal-level", message, "Set wal_level: logical.")


_YES = frozenset({"on", "true", "yes", "1"})  # PostgreSQL, "Setting Parameters", of which a short form will do
_ANYWAY = re.compile(rb"(?i)default_transaction_read_only\s*(?:=|TO)\s*(?:off|false|no|0)|transaction\s+read\s+write")


def _read_only(cluster: Resource, scripts: Iterable[_Script], survey: Survey) -> Iterator[Finding]:
    """Sessions that may only read, and a script that makes or changes a subscription: it may not ([E], FACTS 3)."""
    node = cluster.get("spec", "postgresql", "parameters", "default_transaction_read_only")
    is_changed = any(True for script in scripts for _ in script.find(r"\b(?:CREATE|ALTER)\s+SUBSCRIPTION\b"))
    is_on = isinstance(node, Scalar) and node.value.lower() in _YES
    if node and is_on and is_changed and not any(_ANYWAY.search(data) for data in texts(survey)):
        message = f"{cluster.ref}: default_transaction_read_only forbids the statements about subscriptions, too."
        fix = "Give the script the way past it: PGOPTIONS='-c default_transaction_read_only=off'."
        yield at(cluster.manifest.position(node.start), "read-only-blocks", message, fix)
