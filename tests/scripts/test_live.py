"""What a cluster's Secrets say is taken into a vault that lacks it: the real kubectl, a server on loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .apiserver import Server
from .conftest import Filled
from .runs import SOURCES, Deployment, Run, run
from .small import LayOut

CONF = "  conf: |\n    a=b\n    pw=CHANGEME_TURN_PASSWORD;\n"


@pytest.fixture
def lost(one: Filled, server: Server, tmp_path: Path) -> Deployment:
    """Return a tree that is blank, whose deployment runs in the cluster, and whose vault is lost."""
    server.apply(one.deployment.tree)
    deployment = one.deployment.copy(tmp_path / "lost")
    assert deployment.blank().code == 0
    for path in deployment.state.iterdir():
        path.unlink()
    deployment.pins.unlink()
    return deployment


def adopt(deployment: Deployment, *argv: str) -> Run:
    return deployment.run("vault", "adopt", "--live", *argv)


def test_a_lost_vault_is_filled_from_the_cluster(lost: Deployment, one: Filled, server: Server) -> None:
    done = adopt(lost, "--context", "prod", "--json")
    assert done.code == 0, done.text
    assert "context prod" in done.err
    taken = set(done.data["values"])
    assert len(taken) >= 14
    assert taken >= {"turn-secret", "signing-key", "key-vault-rsa-key", "li-admin-htpasswd", "li-form-secret"}
    asked = lost.setup()
    assert (asked.code, asked.err.count("new place")) == (3, 2), "only what is no Secret wants a word"
    assert asked.err.count("ConfigMap/matrix/sync-system-sql") == 4
    places = ("setup-main.sql", "setup-li.sql")
    filled = lost.setup(*(f"--accept-site=ConfigMap/matrix/sync-system-sql:data.{each}" for each in places))
    assert filled.code == 0, filled.text
    assert {name: lost.show(name).strip() for name in taken} == {name: one.values[name].strip() for name in taken}
    again = adopt(lost, "--context", "prod", "--json")
    assert again.data["values"] == []
    secrets = [path for path in server.asked if "/secrets" in path]
    assert secrets
    assert all(path.startswith("/api/v1/namespaces/matrix/secrets/") for path in secrets), "others' Secrets were read"
    log = (lost.state / "audit.log").read_text().splitlines()
    told = json.loads(log[0])
    assert (told["verb"], told["places"]) == ("adopt", ["prod"])
    texts = {one.values[name] for name in one.hidden}
    assert [text for text in texts if text in done.text + again.text] == []


def test_a_secret_that_only_its_placeholder_names_is_found_at_its_place(server: Server, lay_out: LayOut) -> None:
    small = lay_out(f"kind: Secret\nmetadata: {{name: mine, namespace: chat}}\nstringData:\n{CONF}")
    server.apply(small.tree)
    server.put("mine", "conf", "a=b\npw=Live/secret+1;\n", "chat")
    done = adopt(small, "--context", "prod")
    assert done.code == 0, done.text
    assert small.show("turn-password") == "Live/secret+1"


def test_two_texts_for_one_value_are_refused(lost: Deployment, server: Server) -> None:
    server.put("coturn-secrets", "TURN_SHARED_SECRET", "another-one-by-hand")
    before = lost.everything()
    refused = adopt(lost, "--context", "prod")
    assert refused.code == 3, refused.text
    for place in ("Secret/matrix/coturn-secrets", "Secret/matrix/synapse-secrets"):
        assert place in refused.err
    assert "another-one-by-hand" not in refused.text
    assert lost.everything() == before


def test_a_text_in_the_tree_counts_too(lost: Deployment) -> None:
    path = next(path for path, data in lost.files().items() if b"name: coturn-secrets" in data)
    data = (lost.tree / path).read_text()
    key = next(line for line in data.splitlines() if "TURN_SHARED_SECRET:" in line)
    lost.edit(path, key, key.partition(":")[0] + ": by-hand-in-the-tree")
    before = lost.everything()
    refused = adopt(lost, "--context", "prod")
    assert (refused.code, f"{path}:" in refused.err) == (3, True), refused.text
    assert lost.everything() == before


def test_what_the_vault_has_otherwise_is_told_and_taken_only_when_said(one: Filled, server: Server) -> None:
    deployment = one.deployment
    server.apply(deployment.tree)
    for name in ("coturn-secrets", "synapse-secrets"):
        for key in ("TURN_SHARED_SECRET", "TURN_SECRET"):
            if key in server.secrets["matrix", name]["data"]:
                server.put(name, key, "rotated-in-the-cluster")
    before = deployment.everything()
    told = adopt(deployment, "--context", "prod")
    assert (told.code, "turn-secret" in told.err, "--adopt" in told.err) == (0, True, True), told.text
    assert deployment.everything() == before
    done = adopt(deployment, "--context", "prod", "--adopt")
    assert done.code == 0, done.text
    assert deployment.show("turn-secret") == "rotated-in-the-cluster"
    plan = deployment.plan()
    assert "turn-secret stands here in its earlier generation" in plan.out
    assert one.values["turn-secret"] not in plan.text
    assert deployment.setup().code == 0
    server.apply(one.deployment.tree)
    for name, key in (("coturn-secrets", "TURN_SHARED_SECRET"), ("synapse-secrets", "TURN_SECRET")):
        server.put(name, key, one.values["turn-secret"])
    assert "earlier generation" in adopt(deployment, "--context", "prod").err


def test_the_context_has_to_be_named(lost: Deployment, server: Server) -> None:
    before = lost.everything()
    unnamed = adopt(lost)
    assert (unnamed.code, "--context prod" in unnamed.err) == (2, True), unnamed.text
    assert server.asked == []
    for context in ("wrong", "nowhere"):
        failed = adopt(lost, "--context", context)
        assert (failed.code, f"kubectl --context {context}: " in failed.err) == (2, True), failed.text
    assert lost.everything() == before
    assert not (lost.state / "vault.age").exists()


def test_only_the_namespace_that_is_named_is_read(lost: Deployment, server: Server) -> None:
    done = adopt(lost, "--context", "prod", "-n", "elsewhere")
    assert done.code == 0, done.text
    assert [path for path in server.asked if "/secrets" in path and "/matrix/" in path] == []
    assert "has no text for" in done.err


def test_without_kubectl_it_is_said(lost: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(lost.home))
    done = adopt(lost, "--context", "prod")
    assert (done.code, "no kubectl" in done.err) == (2, True), done.text
    assert run("vault", "adopt", "--tree", str(lost.tree)).code == 2


def test_sites_lock_without_its_vault_wants_a_word(one: Filled, server: Server) -> None:
    deployment = one.deployment
    server.apply(deployment.tree)
    assert deployment.blank().code == 0
    (deployment.state / "vault.age").unlink()
    before = deployment.everything()
    refused = adopt(deployment, "--context", "prod")
    assert (refused.code, deployment.everything()) == (3, before), refused.text
    done = adopt(deployment, "--context", "prod", "--new-deployment")
    assert done.code == 0, done.text
    asked = deployment.setup()
    assert (asked.code, asked.err.count("new place")) == (3, 2), "what sites.lock tells is nobody's consent"
    places = ("setup-main.sql", "setup-li.sql")
    filled = deployment.setup(*(f"--accept-site=ConfigMap/matrix/sync-system-sql:data.{each}" for each in places))
    assert filled.code == 0, filled.text
    assert deployment.show("turn-secret") == one.values["turn-secret"]
    assert deployment.blank().code == 0
    original = SOURCES["checklist"]
    assert deployment.files() == {
        path.relative_to(original).as_posix(): path.read_bytes() for path in original.rglob("*") if path.is_file()
    }
