"""check compares a tree with a cluster: the real kubectl, a server on loopback that notes whatever is asked of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from .apiserver import MADE, Server, encoded
from .conftest import Filled
from .reading import reference
from .runs import Deployment, Run, run
from .small import LayOut

EARLY, LATE = "2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z"
TREE = """\
apiVersion: v1
kind: Secret
metadata: {name: turn, namespace: chat}
data:
  password: S25vd24tdG8tbm9ib2R5
stringData:
  realm: chat-corp.net
---
apiVersion: v1
kind: ConfigMap
metadata: {name: files, namespace: chat}
data:
  turn.conf: |
    a=b
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: coturn, namespace: chat}
spec:
  selector: {matchLabels: {app: coturn}, matchExpressions: [{key: tier, operator: Exists}]}
  template:
    metadata: {labels: {app: coturn, tier: edge}}
    spec:
      initContainers:
        - name: render
          image: busybox
          volumeMounts: [{name: files, mountPath: /in}]
      containers:
        - name: coturn
          image: registry.invalid/relay:1
          env:
            - name: TURN_PASSWORD
              valueFrom: {secretKeyRef: {name: turn, key: password}}
        - name: exporter
          image: exporter:1
      volumes:
        - name: files
          configMap: {name: files}
"""
SECRET, CONFIG, DEPLOYMENT = 1, 9, 16  # the lines of the three objects in it


def live(tree: Path, *argv: str) -> Run:
    return run("check", "--live", "--context", "prod", "--json", "--tree", str(tree), *argv)


def told(done: Run) -> list[tuple[str, int]]:
    """Return the findings about the cluster: rule and line."""
    return [(each["id"], each["line"]) for each in done.data["findings"] if each["id"].startswith("live-")]


@pytest.fixture
def small(lay_out: LayOut, server: Server) -> Deployment:
    """Return a tree that nobody has set up, and that is applied as it stands."""
    laid_out: Deployment = lay_out(TREE)
    server.apply(laid_out.tree)
    return laid_out


def owned(server: Server, key: str, time: str, name: str = "turn") -> None:
    """Have managedFields say that *key* of a Secret, or of the ConfigMap, was changed at *time*."""
    fields: dict[str, Any] = {"f:data": {".": {}, f"f:{key}": {}}, "f:metadata": {}}
    entry = {"manager": "somebody", "operation": "Update", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields}
    item = server.secrets.get(("chat", name)) or server.others["configmaps", "chat", name]
    item["metadata"].setdefault("managedFields", []).append(entry)


def started(server: Server, name: str, *, render: str = LATE, coturn: str = LATE, exporter: str = LATE) -> None:
    """Have a pod of the tree's workload run, its containers since then."""
    template = next(each for each in yaml.safe_load_all(TREE) if each["kind"] == "Deployment")["spec"]["template"]

    def status(container: str, state: str, since: str) -> dict[str, Any]:
        return {"name": container, "state": {state: {"startedAt": since}}}

    running = [status("coturn", "running", coturn), status("exporter", "running", exporter)]
    before = [status("render", "terminated", render)]
    server.keep({
        "apiVersion": "v1", "kind": "Pod", "metadata": {**template["metadata"], "name": name, "namespace": "chat"},
        "spec": template["spec"],
        "status": {"phase": "Running", "containerStatuses": running, "initContainerStatuses": before},
    })  # fmt: skip


def test_what_runs_as_the_tree_says_has_no_finding_and_nothing_is_changed(full: Filled, server: Server) -> None:
    tree = full.deployment.tree
    server.apply(tree, "matrix")
    before = full.deployment.everything()
    done = live(tree)
    assert told(done) == []
    assert done.data["findings"] == run("check", "--json", "--tree", str(tree)).data["findings"]
    assert (server.written, full.deployment.everything()) == ([], before)
    secrets = [path for path in server.asked if "/secrets" in path]
    assert secrets
    assert all(tuple(path.split("/")[-3::2]) in server.secrets for path in secrets), "others' Secrets were read"
    assert [path for path in server.asked if path.endswith("/pods")]


def test_an_empty_cluster_has_none_of_it(fill_checklist: Filled, server: Server) -> None:
    tree = fill_checklist.deployment.tree
    done = live(tree)
    missing = [each["message"].partition(" ")[0] for each in done.data["findings"] if each["id"] == "live-missing"]
    documents = (each for file in tree.rglob("*.yaml") for each in yaml.safe_load_all(file.read_text()))
    objects = [each for each in documents if isinstance(each, dict) and "kind" in each]
    assert (done.code, sorted(missing)) == (1, sorted(map(reference, objects)))
    assert server.asked


def test_a_key_that_differs_is_named_and_neither_text_is_told(small: Deployment, server: Server) -> None:
    assert told(live(small.tree)) == []
    server.put("turn", "password", "Edited-by-hand", "chat")
    server.secrets["chat", "turn"]["data"].pop("realm")
    server.others["configmaps", "chat", "files"]["data"]["turn.conf"] = "a=c\n"
    server.secrets["chat", "turn"]["data"]["added-by-a-controller"] = encoded("x")
    done = live(small.tree)
    assert told(done) == [("live-differs", 5), ("live-differs", 7), ("live-differs", 13)]
    first, second, _ = (each for each in done.data["findings"] if each["id"] == "live-differs")
    assert "Secret/chat/turn: key password has another text" in first["message"]
    assert "has no key realm" in second["message"]
    apply = f"kubectl --context prod apply --server-side --field-manager=matrix-wizard -f {small.tree}/main.yaml"
    assert first["fix"] == apply
    shown = done.text + run("check", "--live", "--context", "prod", "--tree", str(small.tree)).text
    for text in ("Edited-by-hand", "Known-to-nobody", "S25vd24", encoded("Edited-by-hand")):
        assert text not in shown


def test_objects_that_are_not_there_are_missing_but_for_those_that_go_by_themselves(
    lay_out: LayOut, server: Server
) -> None:
    job = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: once, namespace: chat}\nspec: {}\n"
    passing = job.replace("once", "passing").replace("{}", "{ttlSecondsAfterFinished: 60}")
    hook = job.replace("once,", "hook, annotations: {argocd.argoproj.io/hook: PreSync},")
    strange = "---\napiVersion: example.invalid/v1\nkind: Strange\nmetadata: {name: one}\n"
    tree = lay_out(TREE + job + passing + hook + strange).tree
    server.apply(tree)
    for name in ("once", "passing", "hook"):
        server.drop("jobs", "chat", name)
    del server.secrets["chat", "turn"]
    done = live(tree)
    lines = TREE.count("\n")
    assert told(done) == [("live-missing", SECRET), ("live-missing", lines + 2), ("live-missing", lines + 17)]
    assert "does not know its kind" in done.text


def test_a_workload_that_was_not_restarted_since_is_told_with_the_source_of_the_fact(
    small: Deployment, server: Server
) -> None:
    owned(server, "password", LATE)
    owned(server, "turn.conf", LATE, "files")
    started(server, "coturn-1")
    assert told(live(small.tree)) == []
    started(server, "coturn-0", coturn=EARLY, render=EARLY)
    done = live(small.tree)
    assert told(done) == [("live-not-restarted", DEPLOYMENT)] * 2
    by_env, by_file = (each for each in done.data["findings"] if each["id"] == "live-not-restarted")
    assert by_env["message"] == (
        "Deployment/chat/coturn: container coturn of pod coturn-0 started at 2026-03-01T08:00:00Z, and "
        "Secret/chat/turn, which it reads, changed at 2026-03-02T08:00:00Z (managedFields of somebody)."
    )
    assert "container render of pod coturn-0" in by_file["message"]
    assert by_env["fix"] == "kubectl --context prod -n chat rollout restart deployment/coturn"
    assert (by_env["severity"], done.code) == ("warning", 0)


def test_only_what_a_container_reads_counts(small: Deployment, server: Server) -> None:
    owned(server, "realm", LATE)
    owned(server, "password", MADE)
    started(server, "coturn-0", coturn=EARLY)
    assert told(live(small.tree)) == [], "another key changed"
    owned(server, "password", LATE)
    started(server, "coturn-0", exporter=EARLY)
    assert told(live(small.tree)) == [], "the exporter reads nothing, and coturn has started again"
    started(server, "coturn-0", coturn=EARLY)
    assert told(live(small.tree)) == [("live-not-restarted", DEPLOYMENT)]
    pod = server.others["pods", "chat", "coturn-0"]
    pod["metadata"]["deletionTimestamp"] = LATE
    assert told(live(small.tree)) == [], "it is about to end"
    del pod["metadata"]["deletionTimestamp"]
    pod["metadata"]["labels"] = {"app": "coturn"}
    assert told(live(small.tree)) == [], "it is no pod of this workload"


def test_without_managed_fields_the_creation_is_the_change(small: Deployment, server: Server) -> None:
    started(server, "coturn-0", coturn="2025-12-31T23:59:59Z")
    done = live(small.tree)
    assert told(done) == [("live-not-restarted", DEPLOYMENT)]
    late = next(each for each in done.data["findings"] if each["id"] == "live-not-restarted")
    assert f"changed at {MADE} (its creationTimestamp)" in late["message"]


def test_a_copy_of_the_secret_in_an_annotation_is_told(small: Deployment, server: Server) -> None:
    annotation = "kubectl.kubernetes.io/last-applied-configuration"
    metadata = server.secrets["chat", "turn"]["metadata"]
    metadata["annotations"] = {annotation: json.dumps({"kind": "Secret", "stringData": {"password": "In-the-open"}})}
    done = live(small.tree)
    assert told(done) == [("live-last-applied", SECRET)]
    fix = f"kubectl --context prod -n chat annotate secret turn {annotation}-"
    assert [each["fix"] for each in done.data["findings"] if each["id"] == "live-last-applied"] == [fix]
    assert "In-the-open" not in done.text
    metadata["annotations"] = {annotation: json.dumps({"kind": "Secret", "metadata": {}})}
    assert told(live(small.tree)) == []


def test_placeholders_are_told_as_such_alone(lay_out: LayOut, server: Server) -> None:
    tree = lay_out(TREE.replace("S25vd24tdG8tbm9ib2R5", "CHANGEME_TURN_PASSWORD").replace("a=b", "a=b\n    c=d")).tree
    server.apply(tree)
    server.put("turn", "password", "Known", "chat")
    server.others["configmaps", "chat", "files"]["data"]["turn.conf"] = "a=c\n"
    assert told(live(tree)) == [("live-differs", 13)]


def test_what_a_kustomization_changes_is_not_compared(lay_out: LayOut, server: Server) -> None:
    kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [main.yaml]\n"
    homeless = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: homeless}\ndata: {a: b}\n"
    tree = lay_out({"main.yaml": TREE + homeless, "kustomization.yaml": kustomization}).tree
    for change, count, home in (
        ("", 4, "default"),
        ("namespace: chat\n", 4, "chat"),
        ("namespace: elsewhere\n", 1, "elsewhere"),
        ("namePrefix: blue-\n", 0, ""),
    ):
        server.asked.clear()
        (tree / "kustomization.yaml").write_text(f"{kustomization}{change}")
        assert len(told(live(tree))) == count, change
        assert [path for path in server.asked if path.endswith("/homeless")] == (
            [f"/api/v1/namespaces/{home}/configmaps/homeless"] if home else []
        )
    assert server.written == []


def test_one_namespace_alone_is_looked_at_and_gives_a_home_to_what_names_none(lay_out: LayOut, server: Server) -> None:
    homeless = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: homeless}\ndata: {a: b}\n"
    tree = lay_out(TREE + homeless).tree
    assert told(live(tree, "-n", "other")) == [("live-missing", TREE.count("\n") + 2)]
    assert {path.split("/")[4] for path in server.asked if "/namespaces/" in path} == {"other"}


def test_another_cluster_than_the_confirmed_one_is_refused(one: Filled, server: Server) -> None:
    deployment = one.deployment
    server.apply(deployment.tree)
    unsaid = deployment.run("check", "--live")
    assert (unsaid.code, "--context prod" in unsaid.err) == (2, True), unsaid.text
    assert deployment.run("rotate", "form-secret", "--context", "prod", "--yes", "--no-input").code == 0
    before = deployment.everything()
    done = deployment.run("check", "--live", "--json")
    assert {rule for rule, _ in told(done)} == {"live-differs"}, "the rotation is not applied"
    other = deployment.run("check", "--live", "--context", "wrong")
    assert (other.code, "The cluster of this tree is prod" in other.err) == (3, True), other.text
    config = Path(os.environ["KUBECONFIG"])
    config.write_text(json.dumps({**json.loads(config.read_text()), "current-context": "wrong"}))
    server.asked.clear()
    elsewhere = deployment.run("check", "--live")
    assert (elsewhere.code, "kubectl's current context is wrong" in elsewhere.err) == (3, True), elsewhere.text
    assert (server.asked, server.written, deployment.everything()) == ([], [], before)


def test_what_stops_it_is_one_problem(
    small: Deployment, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tree = ("--tree", str(small.tree))
    for stray in ("--context", "-n"):
        assert run("check", stray, "prod", *tree).code == 2
    server.forbidden.add("pods")
    for context, words in (("prod", "forbidden"), ("wrong", "Unauthorized|logged in"), ("nowhere", "nowhere")):
        failed = run("check", "--live", "--context", context, *tree)
        assert (failed.code, "[live-" in failed.out) == (2, False), failed.text
        assert any(word in failed.err for word in words.split("|")), failed.err
        assert failed.err.count("kubectl could not do it") == 1
    monkeypatch.setenv("PATH", str(tmp_path))
    failed = run("check", "--live", "--context", "prod", *tree)
    assert (failed.code, "no kubectl" in failed.err) == (2, True), failed.text
    assert server.written == []
