"""The NetworkPolicies around LI: what is due and missing, and what selects nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from .asking import found, told
from .lihosts import joined, synapse

BUNDLED = Path(__file__).parents[2] / "templates"
POLICIES = "infrastructure/04-networking/networkpolicies.yaml"


def bundled() -> dict[str, str]:
    """Return the bundled tree, as it is before anything is filled in."""
    return {str(path.relative_to(BUNDLED)): path.read_text("utf-8") for path in sorted(BUNDLED.rglob("*.yaml"))}


def policy(name: str, selector: str, more: str = "", namespace: str = "matrix") -> str:
    return (
        f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec:\n  podSelector: {selector}\n{more}"
    )


def deployment(name: str, namespace: str = "matrix") -> str:
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec: {{template: {{metadata: {{labels: {{app: {name}}}}}}}}}\n"
    )


CLUSTER = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: main-db, namespace: matrix}\n"
LI = joined(synapse(), deployment("synapse-li"), CLUSTER)


def test_the_bundled_tree_has_all_that_is_due_and_each_selects_something() -> None:
    assert [each.message for each in found(bundled()) if each.id.startswith("policy-")] == []


@pytest.mark.parametrize(
    "name",
    [
        "default-deny-all",
        "allow-dns",
        "postgresql-access",
        "postgresql-li-access",
        "redis-access",
        "minio-access",
        "key-vault-isolation",
        "li-instance-isolation",
        "synapse-main-egress",
        "allow-from-ingress",
    ],
)
def test_each_policy_that_is_due_is_missed(name: str) -> None:
    files = bundled()
    files[POLICIES] = files[POLICIES].replace(f"  name: {name}\n", f"  name: {name}-2\n")
    (one,) = [each for each in found(files) if each.id == "policy-missing"]
    assert f"/{name} is missing" in one.message and one.file == POLICIES


@pytest.mark.parametrize(
    ("name", "server"), [("antivirus-access", "clamav"), ("allow-prometheus-scraping", "prometheus")]
)
def test_a_policy_of_a_later_phase_is_due_once_its_server_is_there(name: str, server: str) -> None:
    files = bundled()
    files[POLICIES] = files[POLICIES].replace(f"  name: {name}\n", f"  name: {name}-2\n")
    assert told(files, "policy-missing") == []
    assert len(told({**files, "later.yaml": deployment(server)}, "policy-missing")) == 1


def test_an_li_server_in_a_tree_without_any_policy_is_told_once() -> None:
    tree = {"a.yaml": synapse(), "b.yaml": deployment("synapse-li")}
    assert told(tree, "policy-missing") == ["a.yaml:1"]
    assert told({**tree, "a.yaml": synapse(instance="main")}, "policy-missing") == []
    other = policy("x", "{}").replace("NetworkPolicy", "CiliumNetworkPolicy")
    assert told({**tree, "c.yaml": other}, "policy-missing") == []


def test_policies_of_other_deployments_are_their_own_affair() -> None:
    alone = joined(policy("x", "{matchLabels: {app: gone}}"), deployment("shop"))
    assert found(alone) == []
    elsewhere = joined(LI, policy("x", "{matchLabels: {app: gone}}", namespace="shop"))
    assert [each.id for each in found(elsewhere) if each.id.startswith("policy-")] == []


@pytest.mark.parametrize(
    "selector",
    [
        "{matchLabels: {app: synapse}}",
        "{matchLabels: {app: synapse-li, cnpg.io/cluster: main-db}}",
        "{matchLabels: {cnpg.io/cluster: other-db}}",
        "{matchExpressions: [{key: app, operator: In, values: [synapse, element]}]}",
    ],
)
def test_a_policy_that_selects_no_pod_is_told_at_its_selector(selector: str) -> None:
    text = policy("isolation", selector)
    assert told({"a.yaml": text, "b.yaml": LI}, "policy-idle") == ["a.yaml:5"]


@pytest.mark.parametrize(
    "selector",
    [
        "{}",
        "{matchLabels: {app: synapse-li}}",
        "{matchLabels: {cnpg.io/cluster: main-db}}",
        "{matchExpressions: [{key: app, operator: In, values: [synapse, synapse-li]}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [synapse]}]}",
        "{matchLabels: {k8s-app: kube-dns}}",
        "{matchLabels: {app: clamav}}",
        "{matchLabels: {app: sygnal}}",
    ],
)
def test_a_policy_that_selects_something_or_what_is_not_known_here_is_not_told(selector: str) -> None:
    assert told({"a.yaml": policy("isolation", selector), "b.yaml": LI}, "policy-idle") == []


def test_a_peer_that_is_nobody_is_told_and_one_of_another_namespace_is_not() -> None:
    peer = "  ingress:\n    - from:\n        - podSelector: {matchLabels: {app: nobody}}\n"
    assert told({"a.yaml": policy("x", "{}", peer), "b.yaml": LI}, "policy-idle") == ["a.yaml:8"]
    far = f"{peer}          namespaceSelector: {{}}\n"
    assert told({"a.yaml": policy("x", "{}", far), "b.yaml": LI}, "policy-idle") == []


def test_labels_that_kustomize_adds_are_not_known_here() -> None:
    kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\ncommonLabels: {app: it}\n"
    files = {"a.yaml": policy("x", "{matchLabels: {app: it}}"), "b.yaml": LI}
    assert told(files, "policy-idle") == ["a.yaml:5"]
    assert told({**files, "kustomization.yaml": kustomization}, "policy-idle") == []
