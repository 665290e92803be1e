"""Which role a password is of, and at which address of its own pod the server asks for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from wizard import actions, resources, servers, workloads
from wizard.actions import Cluster
from wizard.vault import Step

OFFICIAL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: pg, namespace: talk}
spec:
  template:
    spec:
      containers:
        - name: db
          image: docker.io/library/postgres:16.4
          env:
            - {name: POSTGRES_USER, value: matrix}
            - name: POSTGRES_PASSWORD
              valueFrom: {secretKeyRef: {name: keys, key: password}}
"""
CNPG = """
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: main, namespace: talk}
spec:
  bootstrap: {initdb: {owner: synapse, database: chat, secret: {name: keys}}}
  managed: {roles: [{name: vault, passwordSecret: {name: others}}]}
"""


def roles(text: str, secret: str = "keys") -> tuple[servers.Role, ...]:
    manifest = resources.read("tree.yaml", text.encode())
    assert manifest
    return servers.roles(workloads.of([manifest]), {("Secret", "talk", secret): frozenset({"password"})})


def test_a_role_is_told_from_the_image_or_from_the_cluster() -> None:
    (official,) = roles(OFFICIAL)
    assert (official.target, official.container, official.name, official.superuser) == (
        "statefulset/pg", "db", "matrix", "matrix",
    )  # fmt: skip
    (owner,), (managed,) = roles(CNPG), roles(CNPG, "others")
    assert (owner.target, owner.name, owner.database) == ("svc/main-rw", "synapse", "chat")
    assert (managed.target, managed.name, managed.database) == ("svc/main-rw", "vault", "chat")


@pytest.mark.parametrize(("text", "address"), [(OFFICIAL, "pg-0"), (CNPG, "localhost")], ids=["official", "cnpg"])
def test_the_login_that_proves_a_password_goes_where_one_is_asked_for(text: str, address: str, tmp_path: Path) -> None:
    """The official image trusts localhost, so that there any password would do."""
    (role,) = roles(text)
    about = {"namespace": "talk", "target": role.target, "role": role.name, "database": role.database}
    step = Step("postgres-role", {**about, **({"host": role.host} if role.host else {})}, ("a new", "a old"))
    (new, _) = actions.of(step).proofs(step, Cluster("prod", "tree"))
    for name, script in {"hostname": "echo pg-0", "psql": 'printf "%s\\n" "$PGPASSWORD" "$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o700)
    inside = new.command.argv[new.command.argv.index("--") + 1 :]
    assert new.command.feed
    done = subprocess.run(
        inside, input=new.command.feed(["The-new-one", "The-old-one"]), capture_output=True, text=True, check=True,
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    password, *words = done.stdout.split("\n")
    assert password == "The-new-one"
    assert words[words.index("-h") + 1] == address
    assert words[words.index("-U") + 1] == role.name


PROCESS = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: talk, namespace: talk}}
spec:
  template:
    spec:
      containers:
        - name: synapse
          image: {image}:v1.163.2
          ports: [{{name: http, containerPort: 8448}}]
          {words}
"""


@pytest.mark.parametrize(
    ("image", "words", "is_main"),
    [
        ("ghcr.io/element-hq/synapse", "command: [python, -m, synapse.app.homeserver, -c, /a.yaml]", True),
        ("ghcr.io/element-hq/synapse", "command: [python, -m, synapse.app.generic_worker, -c, /a.yaml]", False),
        ("registry.corp.net/matrix-synapse", "args: [-c, /a.yaml]", True),
        ("registry.corp.net/matrix-synapse", "args: [-c, /a.yaml, -c, /worker1.yaml]", False),
        ("docker.io/matrixdotorg/synapse", "env: []", True),
        ("docker.io/matrixdotorg/synapse", "env: [{name: SYNAPSE_WORKER, value: synapse.app.generic_worker}]", False),
        ("docker.io/matrixdotorg/synapse", "command: [register_new_matrix_user, -c, /a.yaml]", False),
        ("docker.io/matrixdotorg/synapse-s3-media", "env: []", False),
    ],
)
def test_a_main_process_of_synapse_is_told_from_its_workers_and_tools(image: str, words: str, is_main: bool) -> None:
    manifest = resources.read("tree.yaml", PROCESS.format(image=image, words=words).encode())
    assert manifest
    found = servers.main_processes(workloads.of([manifest]))
    assert [(each.target, each.container, each.port) for each in found] == [
        ("deployment/talk", "synapse", "8448")
    ] * is_main
