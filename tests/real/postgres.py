"""PostgreSQL as CloudNativePG would make it of a Cluster's manifest: roles, databases, TLS. Debian: postgresql."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from scripts.certificates import self_signed

from .loopback import HOST, Loopback, Process, postgres_programs
from .pods import texts

SUBSCRIBING = 160000  # since PostgreSQL 16 a role may create a subscription without being a superuser
# The superuser by the socket alone, as with the operator; all others by password.
HBA = """\
local all postgres trust
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""
# A password in a statement would stand in the log, where a test can look for it. So many tables are copied to LI at a
# time, since each copy is a few naps of one second.
SETTINGS = {
    "fsync": "off",
    "listen_addresses": HOST,
    "log_statement": "ddl",
    "max_connections": "150",
    "max_logical_replication_workers": "64",
    "max_replication_slots": "80",
    "max_sync_workers_per_subscription": "60",
    "max_wal_senders": "80",
    "max_worker_processes": "80",
    "shared_buffers": "32MB",
    "ssl": "on",
    "wal_level": "logical",
}


class Postgres:
    """The server of one Cluster."""

    container = "postgres"

    def __init__(self, ground: Loopback, name: str) -> None:
        self.ground, self.name = ground, name
        self.port = ground.port(name, 5432)
        self._home = ground.private / name
        self._process: Process | None = None

    def start(self) -> None:
        """Start it; the first time from nothing."""
        data = self._home / "data"
        is_new = not data.exists()
        if is_new:
            self._create(data)
        options = [word for key, text in SETTINGS.items() for word in ("-c", f"{key}={text}")]
        command = ["postgres", "-D", str(data), "-k", str(self._home), "-p", str(self.port), *options]
        self._process = self._spawn(*command)
        while is_new and not self.is_ready():
            assert not self._process.has_ended, self._process.log.read_text("utf-8", "replace")
            time.sleep(0.02)
        if is_new:
            self._populate()

    def stop(self) -> None:
        """End it with its sessions, as a fast shutdown does."""
        if self._process:
            self._process.stop(signal.SIGINT)

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.has_ended

    def is_ready(self) -> bool:
        """Say whether it takes connections."""
        try:
            with self.superuser():
                return True
        except psycopg.OperationalError:
            return False

    @contextmanager
    def superuser(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """Give a session of the superuser, by the socket."""
        where = {"host": str(self._home), "port": self.port, "dbname": database}
        with psycopg.connect(**where, user="postgres", autocommit=True) as session:  # type: ignore[arg-type]
            yield session

    def inside(self) -> tuple[dict[str, str], Path]:
        """Return the environment and the directory of a program that is run in the pod."""
        where = {"PGHOST": str(self._home), "PGPORT": str(self.port)}
        return self.ground.environment(self.name) | where, self.ground.home(self.name)

    def moved(self, argument: str) -> str:
        return argument

    @property
    def _manifest(self) -> dict[str, Any]:
        return self.ground.objects["Cluster", self.name]

    def _create(self, data: Path) -> None:
        self._home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self._home, "postgres", "postgres")
        how = ["--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]
        made = self._spawn("initdb", "-D", str(data), "-U", "postgres", *how)
        assert made.wait() == 0, made.log.read_text("utf-8", "replace")
        certificate, key = self_signed(["localhost"])
        for name, text in (("pg_hba.conf", HBA), ("server.crt", certificate), ("server.key", key)):
            (data / name).write_text(text)
            (data / name).chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(data / name, "postgres", "postgres")

    def _spawn(self, program: str, *arguments: str) -> Process:
        """Start a program of PostgreSQL, which refuses to run as root."""
        other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        command = [*other, str(postgres_programs() / program), *arguments]
        environment = self.ground.environment(self.name) | {"HOME": str(self._home)}  # libpq looks there, in a replica
        return Process(command, environment, self.ground.home(self.name))

    def _populate(self) -> None:
        first = self._manifest["spec"]["bootstrap"]["initdb"]
        databases = [(first["database"], first["owner"])]
        databases += [
            (each["spec"]["name"], each["spec"]["owner"])
            for (kind, _), each in self.ground.objects.items()
            if kind == "Database" and each["spec"]["cluster"]["name"] == self.name
        ]
        with self.superuser() as session:
            session.execute("SET log_statement = 'none'")  # as the operator, whose own statements leave no password
            self._role(session, first["owner"], first["secret"]["name"])
            for role in self._manifest["spec"].get("managed", {}).get("roles", []):
                self._role(session, role["name"], role["passwordSecret"]["name"], replication=role.get("replication"))
                for above in role.get("inRoles", []):
                    session.execute(_filled("GRANT {} TO {}", above, role["name"]))
            for database, owner in databases:
                session.execute(_filled("CREATE DATABASE {} OWNER {} TEMPLATE template0", database, owner))
            is_new = session.info.server_version >= SUBSCRIBING
        with self.superuser(first["database"]) as session:
            for statement in first.get("postInitApplicationSQL", []):
                is_old = "pg_create_subscription" in statement and not is_new
                session.execute(_filled("ALTER ROLE {} SUPERUSER", first["owner"]) if is_old else statement)

    def _role(self, session: psycopg.Connection, name: str, secret: str, *, replication: bool | None = None) -> None:
        login = texts(self.ground.objects["Secret", secret])
        assert login["username"] == name, "the operator refuses a Secret for another role"
        more = sql.SQL(" REPLICATION" if replication else "")
        create = sql.SQL("CREATE ROLE {} LOGIN{} PASSWORD {}")
        session.execute(create.format(sql.Identifier(name), more, sql.Literal(login["password"])))


def subscription(script: str, port: int) -> str:
    """Return the CREATE SUBSCRIPTION of a script, whose connection leads to main's server at *port* on loopback."""
    statement = script[script.index("CREATE SUBSCRIPTION") :].partition(";")[0]
    return statement.replace("host=matrix-postgresql-rw", f"host={HOST} port={port}")


def _filled(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))
