"""Rotation in the running system: every sheet driven, printed and typed, failed and resumed, and taken back.

The servers are real and on loopback; clients keep logging in meanwhile, and count their refusals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripts.runs import Deployment

from . import clients
from .cluster import Cluster
from .loopback import postgres_programs

MAIN, LI = "matrix-postgresql", "matrix-postgresql-li"
ANSWERS = """
domains: {base: chat-corp.net}
lawful_intercept: {allowed_cidrs: [185.60.112.0/24]}
tls: {email: ops@chat-corp.net}
"""
AGREED = ("--no-input", "--yes")


@pytest.fixture(scope="module", autouse=True)
def software(needs: Callable[..., None]) -> None:
    needs("nginx", "redis-server", "redis-cli", "setpriv", "turnserver", str(postgres_programs() / "postgres"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = Deployment(tmp_path_factory.mktemp("filled"))
    deployment.answers.parent.mkdir()
    deployment.answers.write_text(ANSWERS)
    done = deployment.setup()
    assert done.code == 0, done.err
    return deployment


@pytest.fixture
def deployment(filled: Deployment, tmp_path: Path) -> Deployment:
    return filled.copy(tmp_path / "deployment")


@pytest.fixture
def cluster(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with Cluster(deployment.tree, tmp_path / "cluster") as cluster:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        yield cluster


def rotate(deployment: Deployment, *argv: str) -> dict[str, object]:
    done = deployment.run("rotate", *argv, *AGREED, "--context", "prod", "--json")
    assert done.code == 0, done.err
    found: dict[str, object] = done.data
    return found


def drive(deployment: Deployment, code: int = 0) -> str:
    done = deployment.run("next", "--drive", "--no-input")
    assert done.code == code, done.text
    return done.text


def no_secret(cluster: Cluster, deployment: Deployment, *others: str) -> None:
    """No argument of any command held a secret, present or former."""
    said = json.dumps(cluster.commands)
    texts = [*others, *(text for name, text in deployment.values().items() if name in deployment.masked_names())]
    assert not [text for text in texts if len(text) > 8 and text in said]


def test_a_database_password_changes_in_the_announced_gap_and_the_copy_to_li_goes_on(
    cluster: Cluster, deployment: Deployment
) -> None:
    cluster.start(MAIN, LI, "sync-system-setup")
    old = {name: deployment.show(name) for name in ("synapse-db-password", "replication-password")}
    rotate(deployment, *old)
    told = drive(deployment)
    assert "No step is open" in told
    new = {name: deployment.show(name) for name in old}
    for name, role in (("synapse-db-password", "synapse"), ("replication-password", "replication_user")):
        port = cluster.port(MAIN, 5432)
        assert clients.postgres(port, role, "postgres", lambda name=name: new[name])() == role  # type: ignore[misc]
        with pytest.raises(clients.RefusedError):
            clients.postgres(port, role, "postgres", lambda name=name: old[name])()  # type: ignore[misc]
    no_secret(cluster, deployment, *old.values())
