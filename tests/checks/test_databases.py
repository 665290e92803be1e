"""Clients of CloudNativePG's clusters: the role and the database are made, and their password is one that is known."""

from __future__ import annotations

import pytest

from .asking import found, told


def cluster(more: str = "", secret: str = "      secret: {name: db}\n", name: str = "main") -> str:
    return (
        f"apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {{name: {name}, namespace: chat}}\nspec:\n"
        f"  bootstrap:\n    initdb:\n      database: synapse\n      owner: synapse_user\n{secret}{more}---\n"
    )


def settings(*lines: str, kind: str = "ConfigMap") -> str:
    section = "data" if kind == "ConfigMap" else "stringData"
    said = "".join(f"  {line}\n" for line in lines)
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: vault, namespace: chat}}\n{section}:\n{said}---\n"


VAULT = settings("DB_HOST: main-rw", "DB_USER: key_vault", "DB_NAME: keyvault")
ROLE = "  managed: {roles: [{name: key_vault, passwordSecret: {name: v}}]}\n"
DATABASE = (
    "apiVersion: postgresql.cnpg.io/v1\nkind: Database\nmetadata: {name: v, namespace: chat}\n"
    "spec: {cluster: {name: main}, name: keyvault, owner: key_vault}\n---\n"
)


def line(text: str, part: str) -> str:
    return f"a.yaml:{next(at for at, each in enumerate(text.splitlines(), 1) if part in each)}"


def test_a_role_and_a_database_that_nobody_makes_are_told_where_they_are_asked_for() -> None:
    text = cluster() + VAULT
    assert told(text, "role-unmade") == [line(text, "DB_USER"), line(text, "DB_NAME")]
    assert {each.severity for each in found(text) if each.id == "role-unmade"} == {"warning"}
    assert {each.severity for each in found(text + SYNAPSE) if each.id == "role-unmade"} == {"error"}, "it is Matrix's"
    text = cluster(ROLE) + VAULT
    assert told(text, "role-unmade") == [line(text, "DB_NAME")]
    assert told(cluster(ROLE) + DATABASE + VAULT, "role-unmade") == []


@pytest.mark.parametrize(
    "client",
    [
        settings("DB_HOST: main-rw.chat.svc.cluster.local", "DB_USER: nobody"),
        settings("PGHOST: main-ro", "PGUSER: nobody", kind="Secret"),
        settings("MAIN_DB_HOST: main-rw.chat", "MAIN_DB_USERNAME: nobody", "LI_DB_USER: somebody"),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: it, namespace: chat}\nspec:\n  containers:\n    - name: it\n"
        "      env:\n        - {name: PGHOST, value: main-rw}\n        - {name: PGUSER, value: nobody}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: chat}\ndata:\n  homeserver.yaml: |\n"
        "    server_name: corp.net\n    database:\n      args: {host: main-rw, user: nobody, dbname: synapse}\n",
    ],
)
def test_clients_of_every_shape_are_read(client: str) -> None:
    text = cluster() + client
    assert told(text, "role-unmade") == [line(text, "nobody")]
    assert told(cluster() + client.replace("nobody", "synapse_user"), "role-unmade") == []


@pytest.mark.parametrize(
    "text",
    [
        cluster().replace("initdb:", "recovery:") + VAULT,
        cluster("      import: {type: monolith}\n") + VAULT,
        cluster(name="other") + VAULT,
        cluster() + VAULT.replace("main-rw", "main-pooler-rw"),
        cluster() + VAULT.replace("main-rw", "main-rw.elsewhere"),
        cluster() + VAULT.replace("main-rw", "postgres.corp.net"),
        cluster() + VAULT.replace("DB_USER: key_vault", "DB_USER: ${ROLE}").replace("NAME: keyvault", "NAME: CHANGEME"),
        cluster() + VAULT + settings("a.sql: 'CREATE ROLE key_vault; CREATE DATABASE \"keyvault\";'"),
        cluster() + VAULT + settings("a.sql: 'CREATE ROLE :\"role\";'"),
        cluster() + VAULT + settings("a.sh: createuser $ROLE"),
        cluster() + VAULT + settings("INIT_POSTGRES_USER: key_vault"),
        cluster().replace("postgresql.cnpg.io", "cluster.x-k8s.io") + VAULT,
    ],
)
def test_what_may_be_made_otherwise_is_not_told(text: str) -> None:
    assert told(text, "role-unmade") == []


OWNER = settings("DB_HOST: main-rw", "DB_USER: synapse_user", "DB_NAME: synapse")


def test_a_password_that_the_operator_makes_up_is_told_where_a_client_does_not_read_it() -> None:
    text = cluster(secret="") + OWNER
    assert told(text, "owner-password-unknown") == [line(text, "database: synapse")]
    assert told(cluster() + OWNER, "owner-password-unknown") == []
    reading = settings("PASSWORD_FROM: main-app").replace("name: vault", "name: other")
    assert told(text + reading, "owner-password-unknown") == []
    assert told(cluster(secret="") + VAULT, "owner-password-unknown") == [], "it logs in as another role"
    assert told(cluster(secret="").replace("initdb:", "recovery:") + OWNER, "owner-password-unknown") == []
    bare = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: main, namespace: chat}\nspec: {}\n---\n"
    assert told(bare + OWNER.replace("synapse_user", "app"), "owner-password-unknown") == ["a.yaml:1"]


def test_no_name_of_a_role_in_a_secret_is_shown() -> None:
    text = cluster() + settings("DB_HOST: main-rw", "DB_USER: quite-secret", kind="Secret")
    (one,) = [each for each in found(text) if each.id == "role-unmade"]
    assert "quite-secret" not in one.message + one.fix
    assert "synapse_user" in one.fix


SYNAPSE = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  homeserver.yaml: 'server_name: corp.net'\n---\n"
)
SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: chat\n  labels: {cnpg.io/reload: 'false'}\n"
    "stringData: {username: synapse_user, password: aQ3xUv9LmT2kWz8RbN5y}\n---\n"
)


def test_a_secret_that_the_operator_does_not_watch_is_told_in_a_tree_of_matrix() -> None:
    text = cluster() + SECRET
    assert told(SYNAPSE + text, "cluster-unwatched") == [line(SYNAPSE + text, "  name: db")]
    assert told(SYNAPSE + text.replace("'false'", "'true'"), "cluster-unwatched") == []
    assert told(text, "cluster-unwatched") == []
    assert told(SYNAPSE + SECRET, "cluster-unwatched") == [], "it is no cluster's"
