"""Whether a cluster of CloudNativePG makes the role and the database that its clients ask for, with their password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from wizard import clauses, placeholders, pods, servers
from wizard.finding import Finding, at
from wizard.homeserver import Homeserver
from wizard.manifests import Node, text_at
from wizard.pods import Container
from wizard.resources import Leaf, Resource, may_be_one
from wizard.rules import Severity
from wizard.scripts import texts
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield the clients that ask for what no cluster makes, and the clusters that make up a password by themselves."""
    clusters = [each for each in survey.of_kind("Cluster") if clauses.is_postgresql(each) and not each.manifest.actions]
    if not clusters:
        return
    asked = [(client, home) for client in _clients(survey) if (home := _home(client, clusters))]
    # In a tree of others a client may be given what the tree does not show.
    severity: Severity | None = None if survey.homeservers else "warning"
    scripts = cache(lambda: _scripts(survey))
    for cluster in (each for each in clusters if _is_made_here(each)):
        made = _made(cluster, survey)
        near = [client for client, home in asked if home is cluster]
        # Of several processes that read one text each is a client.
        for said, message, fix in dict.fromkeys(one for client in near for one in _unmade(client, cluster, made)):
            if not scripts().may_make(said.text):
                yield at(said.position, "role-unmade", message, fix, severity)
        for owned in (each for each in near if each.role is not None and each.role.text == made.owner):
            if not _is_told(cluster, survey):
                yield _secretless(cluster, made.owner, owned, severity)
                break


# --- who asks


@dataclass(frozen=True)
class _Said:
    """One setting of a client: its key, its text, and where it stands."""

    key: str
    text: str
    position: str


@dataclass(frozen=True, eq=False)
class _Client:
    """What a client of a database is told: the host, and the role and the database where those are written, too."""

    resource: Resource
    host: _Said
    role: _Said | None
    database: _Said | None


# What one variable or entry is called, by what it says; libpq's own names among them (PostgreSQL, "Environment").
_NAMES = re.compile(
    r"(?P<of>(?:[A-Z0-9_]*_)?(?:DB|DATABASE|POSTGRES(?:QL)?|PG))_?"
    r"(?P<what>HOST(?:NAME)?|SERVER|USER(?:NAME)?|NAME|DB(?:NAME)?|DATABASE)"
)
_WHAT = {"HOST": "host", "SERVER": "host", "USER": "role", "NAME": "database", "DB": "database", "DATABASE": "database"}


def _clients(survey: Survey) -> Iterator[_Client]:
    for home in survey.homeservers:
        args = {key: _of_synapse(home, key) for key in _ARGUMENTS}
        host = args["host"]
        if host is not None and not home.get(*_ARGS, "sslkey"):
            yield _Client(home.source(*_ARGS).resource, host, args["user"], args["dbname"] or args["database"])
    for resource in survey.holding(_WORTH, "ConfigMap", "Secret"):
        entries = {path: leaf for path, leaf in resource.leaves.items() if len(path) == 2 and path[0] in _SECTIONS}
        yield from _named(resource, {path[1]: leaf for path, leaf in entries.items()})
    for container in (each for workload in survey.running(_WORTH) for each in pods.containers(workload)):
        names = {each.name: each.node for each in container.variables if each.text and _NAMES.fullmatch(each.name)}
        if names:
            yield from _named(container.workload.resource, _leaves(container, names))


def _leaves(container: Container, variables: Mapping[str, Node]) -> dict[str, Leaf]:
    """Return the leaves of *variables* that stand in *container* itself, by their names."""
    leaves = container.workload.resource.leaves.values()
    by_place = {leaf.scalar.start: leaf for leaf in leaves if leaf.nested is None and leaf.path[-1:] == ("value",)}
    found = ((name, text) for name, node in variables.items() for text in container.reader.at(node, "value"))
    return {name: by_place[text.start] for name, text in found if text.start in by_place}


_ARGS, _ARGUMENTS = ("database", "args"), ("host", "user", "dbname", "database")


def _of_synapse(home: Homeserver, key: str) -> _Said | None:
    text = home.value(*_ARGS, key)
    return _Said(key, text, home.place(*_ARGS, key)) if text else None


_SECTIONS = ("data", "stringData")
_WORTH = re.compile(rb"HOST|SERVER")  # in each of those names, in capitals


def _named(resource: Resource, leaves: Mapping[str, Leaf]) -> Iterator[_Client]:
    found: dict[str, dict[str, _Said]] = {}
    for name, leaf in leaves.items():
        match = _NAMES.fullmatch(name)
        if match is not None:
            what = next(value for key, value in _WHAT.items() if match["what"].startswith(key))
            found.setdefault(match["of"], {})[what] = _Said(name, leaf.text.strip(), leaf.position())
    for each in found.values():
        if "host" in each:
            yield _Client(resource, each["host"], each.get("role"), each.get("database"))


# The Services of a cluster (CloudNativePG, "Service Management").
_HOST = re.compile(r"([a-z0-9.-]+?)-(?:rw|ro|r)(?:\.([a-z0-9-]+)(?:\.svc(?:\.[\w.-]+)?)?)?\.?")


def _home(client: _Client, clusters: Iterable[Resource]) -> Resource | None:
    found = _HOST.fullmatch(client.host.text)
    if found is None:
        return None
    space = found[2] or client.resource.namespace
    named = (each for each in clusters if each.name == found[1])
    return next((each for each in named if may_be_one(space, each.namespace)), None)


# --- what is made


@dataclass(frozen=True)
class _Made:
    """The roles and the databases that an operator makes in a cluster, and the owner of the first one."""

    owner: str
    roles: frozenset[str]
    databases: frozenset[str]


def _is_made_here(cluster: Resource) -> bool:
    """Whether the cluster begins empty, and not as a copy of another one, whose roles and databases it has."""
    copies = (("recovery",), ("pg_basebackup",), ("initdb", "import"))
    return not any(cluster.get("spec", "bootstrap", *each) for each in copies)


def _made(cluster: Resource, survey: Survey) -> _Made:
    start = cluster.get("spec", "bootstrap", "initdb")
    # As in ``servers.given``: the owner is called as the database, and that "app".
    database = text_at(start, "database") or "app"
    owner = text_at(start, "owner") or database
    roles = {role for role, _ in servers.given(cluster)}
    databases = {database}
    for each in survey.of_kind("DatabaseRole", "Database"):
        is_of_it = each.text("spec", "cluster", "name") == cluster.name
        if is_of_it and each.text("apiVersion").startswith("postgresql.cnpg.io/"):
            (roles if each.kind == "DatabaseRole" else databases).add(each.text("spec", "name"))
    return _Made(owner, frozenset({owner, *roles} | _OWN), frozenset(databases | _OWN))


# Roles and databases that are in each cluster.
_OWN = frozenset({"postgres", "streaming_replica", "cnpg_pooler_pgbouncer", "template1"})
# Each blank may be several, and a line end the escape that it is in JSON.
_BLANKS = rb"(?:\s|\\[nrt])+"
_STATEMENT = re.compile(
    rb"""(?i)CREATE (?:ROLE|USER|DATABASE) (?:IF NOT EXISTS )?(?:\\?["'])?([^\s"';\\]+|\\)""".replace(b" ", _BLANKS)
)
# Programs and images that make what a variable names.
_COMMAND = re.compile(rb"\b(?:createuser|createdb)\b|postgres-init|INIT_POSTGRES|POSTGRES_SUPER")


@dataclass(frozen=True)
class _Scripts:
    """What scripts of a tree make by name, and whether one makes what is not known here."""

    names: frozenset[str]
    is_open: bool

    def may_make(self, name: str) -> bool:
        return self.is_open or name in self.names


def _scripts(survey: Survey) -> _Scripts:
    found, is_open = set[str](), False
    for data in texts(survey):
        # That word stands in all statements, and is found at once.
        statements = _STATEMENT.findall(data) if b"create" in data.lower() else []
        names = [name.decode("utf-8", "replace") for name in statements]
        is_open |= _COMMAND.search(data) is not None or not all(re.fullmatch(r"[\w-]+", name) for name in names)
        found.update(names)
    return _Scripts(frozenset(found), is_open)


def _unmade(client: _Client, cluster: Resource, made: _Made) -> Iterator[tuple[_Said, str, str]]:
    """A role or a database that a client asks for, and that its operator does not make (FACTS 3; 10, 2.7)."""
    role = ("role", client.role, made.roles, "under spec.managed.roles")
    database = ("database", client.database, made.databases, "by a Database object")
    for what, said, there, way in (role, database):
        if said is not None and said.text and not placeholders.is_open(said.text) and said.text not in there:
            message = f"{client.resource.ref}: {cluster.ref} makes no {what} of the name that {said.key} says here."
            fix = f"Name one that it makes ({', '.join(sorted(there - _OWN))}), or have it made {way}."
            yield said, message, fix


def _is_told(cluster: Resource, survey: Survey) -> bool:
    """Whether the password of its owner is given to *cluster*, or read from where its operator puts that."""
    if cluster.get("spec", "bootstrap", "initdb", "secret"):
        return True
    word = re.compile(rb"(?<![\w.-])" + re.escape(f"{cluster.name}-app".encode()) + rb"(?![\w-])")
    return any(word.search(data) for data in texts(survey))


def _secretless(cluster: Resource, owner: str, client: _Client, severity: Severity | None) -> Finding:
    """A cluster that makes up the password of its owner, which a client of the tree has from elsewhere (FACTS 3)."""
    node = cluster.get("spec", "bootstrap", "initdb") or cluster.node
    message = f"{cluster.ref} makes up the password of {owner}, which {client.resource.ref} does not get."
    fix = f"Name the Secret with username and password under spec.bootstrap.initdb.secret, or read {cluster.name}-app."
    return at(cluster.manifest.position(node.start), "owner-password-unknown", message, fix, severity)
