"""The secrets of a tree in another dress open PostgreSQL and Redis, each its own. Debian: postgresql, redis-server.

The bundled tree's are proven on a whole cluster (test_cluster); this one has no workloads for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from .filled import Fill, Filled
from .loopback import HOST, Loopback, postgres_programs, wait_until
from .postgres import Postgres, subscription
from .servers import Redis, free_port, running

MAIN, LI = "matrix-postgresql", "matrix-postgresql-li"
KINDS = ("Cluster", "Secret")


@pytest.fixture(scope="module")
def tree(filled_once: Fill, needs: Callable[..., None]) -> Filled:
    needs("redis-server", "setpriv", str(postgres_programs() / "postgres"))
    return filled_once("dress")


@pytest.fixture(scope="module")
def servers(tree: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Postgres]]:
    """Both servers, as CloudNativePG would make them."""
    every = {(kind, name): each for kind in KINDS for name, each in tree.every(kind).items()}
    ground = Loopback(tmp_path_factory.mktemp("databases"), every)
    made = {name: Postgres(ground, name) for name in (MAIN, LI)}
    try:
        for each in made.values():
            each.start()
        yield made
    finally:
        for each in reversed(made.values()):  # main waits for its subscriber
            each.stop()
        ground.remove()


def roles(tree: Filled, name: str) -> dict[str, str]:
    """Return the password of each role of a Cluster."""
    spec = tree.every("Cluster")[name]["spec"]
    named = [spec["bootstrap"]["initdb"]["secret"], *(each["passwordSecret"] for each in _managed(spec))]
    logins = [tree.secret(each["name"]) for each in named]
    return {each["username"]: each["password"] for each in logins}


def _managed(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return list(spec.get("managed", {}).get("roles", []))


def login(server: Postgres, role: str, password: str) -> psycopg.Connection:
    where = {"host": HOST, "port": server.port, "dbname": "postgres", "sslmode": "require"}
    return psycopg.connect(**where, user=role, password=password)  # type: ignore[arg-type]


def test_each_role_logs_in_with_its_own_password_alone(tree: Filled, servers: dict[str, Postgres]) -> None:
    every = {(name, role): password for name in servers for role, password in roles(tree, name).items()}
    assert [role for _, role in every] == ["synapse", "key_vault", "replicator", "synapse_li"]
    for (name, role), password in every.items():
        login(servers[name], role, password).close()
        for wrong in (set(every.values()) - {password}) | {"", "changeme"}:
            with pytest.raises(psycopg.OperationalError):
                login(servers[name], role, wrong)


def test_every_copy_of_a_database_password_logs_in(tree: Filled, servers: dict[str, Postgres]) -> None:
    copies = {
        ("synapse-secrets", "DB_PASSWORD"): (MAIN, "synapse"),
        ("synapse-db-credentials", "password"): (MAIN, "synapse"),
        ("key-vault-secrets", "DB_PASSWORD"): (MAIN, "key_vault"),
        ("sync-system-secrets", "MAIN_DB_PASSWORD"): (MAIN, "replicator"),
        ("synapse-li-secrets", "DB_PASSWORD"): (LI, "synapse_li"),
        ("sync-system-secrets", "LI_DB_PASSWORD"): (LI, "synapse_li"),
    }
    for (secret, key), (name, role) in copies.items():
        login(servers[name], role, tree.secret(secret)[key]).close()
    address = tree.secret("sync-system-secrets")["MAIN_DB_URI"]
    host = f"{MAIN}-rw:5432"
    assert host in address
    psycopg.connect(address.replace(host, f"{HOST}:{servers[MAIN].port}")).close()


def test_the_subscription_of_the_tree_brings_rows_to_li(tree: Filled, servers: dict[str, Postgres]) -> None:
    """By the statement in the tree, whose connection string holds the password within two kinds of quotes."""
    subscribe = subscription(tree.config("sync-sql-li")["setup.sql"], servers[MAIN].port)
    password = roles(tree, MAIN)["replicator"]
    assert f"password=''{password}''" in subscribe
    with servers[MAIN].superuser("synapse") as main, servers[LI].superuser("synapse_li") as li:
        for each in (main, li):
            each.execute("CREATE TABLE rows (id int PRIMARY KEY)")
        main.execute("GRANT SELECT ON rows TO replicator")
        main.execute("CREATE PUBLICATION main FOR TABLE rows")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            li.execute(subscribe.replace(password, "another").encode())
        main.execute("ALTER ROLE replicator NOREPLICATION")
        with pytest.raises(psycopg.OperationalError, match="replication role"):
            li.execute(subscribe.encode())
        main.execute("ALTER ROLE replicator REPLICATION")
        li.execute(subscribe.encode())
        main.execute("INSERT INTO rows VALUES (7)")
        wait_until(lambda: li.execute("SELECT id FROM rows").fetchall() == [(7,)])
        li.execute("DROP SUBSCRIPTION li")


def test_every_copy_of_a_redis_password_opens_its_redis_alone(tree: Filled, tmp_path: Path) -> None:
    main = [tree.secret("redis-password")["password"], tree.secret("synapse-secrets")["REDIS_PASSWORD"]]
    li = [tree.secret("redis-li-secret")["password"], tree.secret("synapse-li-secrets")["REDIS_PASSWORD"]]
    for name, right, wrong in (("main", main, li), ("li", li, main)):
        home = tmp_path / name
        home.mkdir()
        port = free_port()
        (home / "redis.conf").write_text(f'bind {HOST}\nport {port}\nsave ""\nrequirepass "{right[0]}"\n')
        with running(home, lambda port=port: Redis(port).close(), "redis-server", "redis.conf"):  # type: ignore[misc]
            client = Redis(port)
            assert [client.knows(each) for each in [*right, *wrong]] == [True, True, False, False]
            client.close()
