"""Clauses on manifests as people write them: what a controller would read afterwards, and the way back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wizard import clauses, lenses, originals, resources
from wizard.errors import RefusedError
from wizard.resources import Manifest

WHITE, ALLOW = (f"nginx.ingress.kubernetes.io/{name}-source-range" for name in ("whitelist", "allowlist"))
ISSUER = "cert-manager.io/cluster-issuer"
AUTH = {f"nginx.ingress.kubernetes.io/auth-{name}" for name in ("type", "secret", "realm")}


def manifest(text: str, path: str) -> Manifest:
    found = resources.read(path, text.encode())
    assert found is not None
    return found


def arranged(text: str, path: str = "a.yaml", **answers: Any) -> list[Any]:
    """The documents after the clauses of *answers* (dots as two underscores); asserts stability and the way back."""
    settings = {key.replace("__", "."): value for key, value in answers.items()}.get
    before = manifest(text, path)
    made = [each for resource in before.resources for each in clauses.arrange(resource, settings)]
    after = manifest(lenses.apply(text, [each.change.edit for each in made]), path)
    records = [originals.record_of_change(each.resource, undo, ()) for each in made for undo in each.change.undo]
    assert (originals.blank([after], records, {}).texts.get(path) or after.text) == text
    assert not [each for resource in after.resources for each in clauses.arrange(resource, settings)]
    return list(yaml.load_all(after.text, Loader=yaml.CSafeLoader))


def ingress(annotations: str, name: str = "synapse-li", spec: str = "  rules:\n  - host: a.example\n") -> str:
    return f"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n{annotations}spec:\n{spec}"


LISTS = {
    "commented": f"  annotations:\n    # {WHITE}: 10.0.0.0/8, 192.168.0.0/16  # theirs\n    x: y\n",
    "commented, the newer spelling": f"  annotations:\n    # {ALLOW}: YOUR_LAW_ENFORCEMENT_IPS\n    x: y\n",
    "commented, the only one": f"  annotations:\n    # {WHITE}: YOUR_LAW_ENFORCEMENT_IPS\n",
    "commented at the left": f"  annotations:\n    x: y\n#{WHITE}: a\n",
    "commented twice": f"  annotations:\n    # {WHITE}: a\n    # {ALLOW}: b\n    x: y\n",
    "commented in a snippet": f"  annotations:\n    snippet: |\n      # {WHITE}: a\n      deny all;\n",
    "both": f"  annotations:\n    {WHITE}: a\n    {ALLOW}: b\n",
    "both, the newer first": f'  annotations:\n    "{ALLOW}": b\n    x: y\n    {WHITE}: >-\n      a,\n      b\n',
    "both, in flow": f'  annotations: {{{WHITE}: a, "{ALLOW}": b}}\n',
    "absent": "  annotations:\n    x: y\n",
    "no annotations": "",
    "null": "  annotations:\n",
    "null, under a comment": "  # annotations:\n  annotations: # none\n\n",
    "spelled null": "  annotations: ~\n",
    "flow": "  annotations: {x: y}\n",
    "empty flow": "  annotations: {}\n",
    "null value": f"  annotations:\n    {WHITE}:\n    x: y\n",
    "anchored": "  annotations: &a\n    x: y\n",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", LISTS)
def test_an_li_ingress_ends_with_exactly_one_allow_list(shape: str, newline: str) -> None:
    text = ingress(LISTS[shape]).replace("\n", newline)
    before = (yaml.safe_load(text)["metadata"].get("annotations") or {}).keys()
    (after,) = arranged(text)
    found = after["metadata"]["annotations"]
    spellings = {WHITE, ALLOW} & found.keys()
    assert len(spellings) == 1
    assert spellings == ({ALLOW} if ALLOW in before or "newer spelling" in shape else {WHITE})
    assert before - {WHITE} <= found.keys()
    assert found[ISSUER]
    assert not AUTH & found.keys()
    assert after["spec"] == {"rules": [{"host": "a.example"}]}


def test_the_main_instance_gets_no_allow_list() -> None:
    (after,) = arranged(ingress("", "synapse"))
    assert after["metadata"] == {"name": "synapse", "annotations": {ISSUER: "letsencrypt-prod"}}


@pytest.mark.parametrize("dress", ["block", "commented", "json", "list"])
def test_the_li_admin_asks_for_a_password(dress: str) -> None:
    text = ingress("", "synapse-admin-li")
    if dress == "commented":
        text = ingress(
            "  annotations:\n    # nginx.ingress.kubernetes.io/auth-type: digest\n"
            "    # nginx.ingress.kubernetes.io/auth-secret:\n    #   other\n",
            "synapse-admin-li",
        )
    if dress == "json":
        text = json.dumps(yaml.safe_load(text), indent="\t")
    if dress == "list":
        text = json.dumps({"kind": "List", "items": [{"kind": "Secret"}, yaml.safe_load(text)]})
    (after,) = arranged(text)
    found = (after["items"][1] if dress == "list" else after)["metadata"]["annotations"]
    assert found.keys() == AUTH | {WHITE, ISSUER}
    assert found["nginx.ingress.kubernetes.io/auth-secret"] == "synapse-admin-auth"
    assert found["nginx.ingress.kubernetes.io/auth-type"] == ("digest" if dress == "commented" else "basic")


def test_an_ingress_is_known_for_the_admins_by_its_host() -> None:
    (after,) = arranged(ingress("", "console-li", "  rules:\n  - host: admin-li.example.com\n"))
    assert after["metadata"]["annotations"].keys() >= AUTH


@pytest.mark.parametrize(
    "annotations",
    ["  annotations: *a\n  labels: &a {x: y}\n", "  annotations: text\n", "  annotations: [a]\n"],
)
def test_an_allow_list_that_cannot_be_written_is_refused_with_its_place(annotations: str) -> None:
    text = ingress(annotations.replace("*a\n  labels: &a {x: y}", "*a")).replace(
        "kind: Ingress", "kind: Ingress\nx: &a {x: y}" if "*a" in annotations else "kind: Ingress"
    )
    with pytest.raises(RefusedError) as refused:
        arranged(text)
    assert all(problem.where.startswith("a.yaml:") for problem in refused.value.problems)
    assert "li" in str(refused.value.problems[0])


TLS = {
    "two, each with its own": "  tls:\n    - hosts: [a.example]\n      secretName: a-tls\n"
    "    - hosts:\n      - b.example\n",
    "at the key's column": "  tls:\n  - secretName: a-tls # own\n    hosts:\n    - a.example\n  - hosts: [b.example]\n",
    "in flow": "  tls: [{hosts: [a.example], secretName: a-tls}, {hosts: [b.example]}]\n",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", TLS)
def test_manual_certificates_need_no_issuer_and_a_secret_in_each_entry(shape: str, newline: str) -> None:
    rules = "  rules: [{host: a.example}, {host: b.example}]\n"
    text = ingress(f"  annotations:\n    {ISSUER}: own # ours\n", "a", rules + TLS[shape]).replace("\n", newline)
    (after,) = arranged(text, tls__mode="manual")
    assert [each["hosts"] for each in after["spec"]["tls"]] == [["a.example"], ["b.example"]]
    # The first has a name of its own: a site, which is filled like all others.
    assert [each["secretName"] for each in after["spec"]["tls"]] == ["a-tls", "matrix-tls"]
    assert not after["metadata"]["annotations"]
    resource = manifest(text, "a.yaml").resources[0]
    settings = {"tls.mode": "manual"}.get
    for number in range(2):
        path = ("spec", "tls", f"[{number}]", "secretName")
        assert clauses.value_at(resource, path, settings) == "tls-secret-name"
        assert clauses.value_at(resource, path, {"tls.mode": "letsencrypt"}.get) == ""
        assert clauses.value_at(resource, (*path[:-1], "hosts", "[0]"), settings) == ""


@pytest.mark.parametrize("tls", ["", "  tls:\n", "  tls: []\n", "  # tls:\n  #   - secretName: x\n", "  tls: ~\n"])
def test_manual_certificates_where_there_is_no_tls(tls: str) -> None:
    (after,) = arranged(ingress("", "a", tls + "  rules: [{host: a.example}, {http: {}}]\n"), tls__mode="manual")
    assert after["spec"]["tls"] == [{"hosts": ["a.example"], "secretName": "matrix-tls"}]


def test_a_comment_about_tls_deep_in_the_rules_is_left_alone() -> None:
    rules = "  rules:\n  - host: a.example\n    http:\n      # tls: [none]\n      paths: []\n"
    (after,) = arranged(ingress("", "a", rules), tls__mode="manual")
    assert after["spec"].keys() == {"rules", "tls"}


CNPG = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: matrix-postgresql%s}\nspec:\n"
STORAGE: dict[str, tuple[str, list[tuple[str | int, ...]]]] = {
    "claim": (
        "kind: PersistentVolumeClaim\nmetadata: {name: a}\nspec:\n  accessModes: [ReadWriteOnce]\n"
        "  # storageClassName: fast\n  resources:\n    requests:\n      storage: 1Gi\n",
        [("spec", "storageClassName")],
    ),
    "claim with a class": (
        "kind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {storageClassName: old}\n",
        [("spec", "storageClassName")],
    ),
    "templates": (
        "kind: StatefulSet\nmetadata: {name: a}\nspec:\n  volumeClaimTemplates:\n  - metadata: {name: x}\n"
        "    spec:\n      resources: {}\n  - metadata: {name: y}\n    spec: {resources: {}}\n",
        [("spec", "volumeClaimTemplates", number, "spec", "storageClassName") for number in (0, 1)],
    ),
    "cluster": (CNPG % "" + "  storage:\n    size: 1Gi\n", [("spec", "storage", "storageClass")]),
    "cluster with a log volume": (
        CNPG % "" + "  storage: {size: 1Gi}\n  walStorage:\n    # storageClass: fast\n    size: 1Gi",
        [("spec", "storage", "storageClass"), ("spec", "walStorage", "storageClass")],
    ),
    "tenant": (
        "apiVersion: minio.min.io/v2\nkind: Tenant\nmetadata: {name: a}\nspec:\n  pools:\n  - name: p\n"
        "    volumeClaimTemplate:\n      spec:\n        storageClassName: x\n  - name: q\n    volumeClaimTemplate:\n"
        "      metadata: {}\n      spec:\n        accessModes: []\n",
        [("spec", "pools", number, "volumeClaimTemplate", "spec", "storageClassName") for number in (0, 1)],
    ),
}


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", STORAGE)
def test_every_place_of_a_storage_class_is_there(shape: str, newline: str) -> None:
    text, places = STORAGE[shape]
    text = text.replace("\n", newline)
    (after,) = arranged(text, storage__class="fast-ssd")
    assert all(at(after, place) for place in places)
    assert arranged(text) == [yaml.load(text, Loader=yaml.CSafeLoader)]


@pytest.mark.parametrize(
    "text",
    [
        "kind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {volumeName: by-hand}\n",
        "apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nmetadata: {name: a}\nspec: {clusterNetwork: {}}\n",
        "apiVersion: example.org/v1\nkind: Tenant\nmetadata: {name: a}\nspec: {pools: [{volumeClaimTemplate: {}}]}\n",
        "kind: IPAddressPool\napiVersion: ipam.example.org/v1\nmetadata: {name: a}\nspec: {addresses: [10.0.0.1]}\n",
    ],
)
def test_objects_of_other_groups_are_left_alone(text: str) -> None:
    answers: dict[str, Any] = {
        "storage__class": "fast",
        "backups__retention": "7d",
        "network__metallb_pool": ("10.9.0.0/24",),
    }
    assert arranged(text, **answers) == [yaml.safe_load(text)]


def coturn(env: str) -> str:
    return (
        "kind: Deployment\nmetadata: {name: coturn}\nspec:\n  template:\n    spec:\n      containers:\n"
        f"      - name: coturn\n        env:\n{env}"
    )


@pytest.mark.parametrize(
    ("env", "stands"),
    [
        ("        - name: EXTERNAL_IP\n          value: ''\n", True),
        ("        - name: EXTERNAL_IP\n", True),
        ("        - name: EXTERNAL_IP", True),
        ("        - name: EXTERNAL_IP\n          # value: 192.0.2.1\n        - name: X\n", True),
        ("        - {name: EXTERNAL_IP}\n", True),
        ("        - name: EXTERNAL_IP\n          valueFrom:\n            fieldRef: {fieldPath: status.hostIP}\n", True),
        ("        - {name: EXTERNAL_IP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}\n", True),
        ("        - name: OTHER\n          value: ''\n", False),
    ],
)
def test_the_external_address_where_the_manifest_asks_for_it(env: str, *, stands: bool) -> None:
    text = coturn(env)
    (after,) = arranged(text, turn__external_ip="192.0.2.9")
    (first, *_) = after["spec"]["template"]["spec"]["containers"][0]["env"]
    assert (first["name"] == "EXTERNAL_IP") is stands
    assert first.keys() == {"name", "value"}
    assert arranged(text) == [yaml.safe_load(text)]


SYNC = """\
kind: Job
metadata: {name: sync-system-setup}
spec:
  template:
    spec:
      initContainers:
        - {name: wait, image: "a:1"}
      containers:
        - name: setup
          image: b:1
---
kind: CronJob
metadata: {name: copy, labels: {app.kubernetes.io/name: sync-system}}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: mc, image: "c:1"}]}}}}}
---
kind: Job
metadata: {name: other}
spec: {template: {spec: {containers: [{name: x, image: "d:1"}]}}}
"""
VAULT = """\
kind: Deployment
metadata: {name: key-vault}
spec:
  template:
    spec:
      containers:
        - name: proxy
          image: a:1
        - name: key-vault
"""


def test_images_of_ones_own_are_asked_for_where_they_run_and_nowhere_else() -> None:
    answers = {"sync.image": "psql:2", "sync.media_image": "mc:2", "key_vault.image": "vault:2"}
    given = {key.replace(".", "__"): value for key, value in answers.items()}
    found = {
        (clauses.value_at(resource, path, answers.get), ".".join(path))
        for text in (SYNC, yaml.safe_dump(arranged(VAULT, **given)[0]))
        for resource in manifest(text, "a.yaml").resources
        for path in resource.leaves
    }
    assert {each for each in found if each[0]} == {
        ("sync-image", "spec.template.spec.initContainers.[name=wait].image"),
        ("sync-image", "spec.template.spec.containers.[name=setup].image"),
        ("sync-media-image", "spec.jobTemplate.spec.template.spec.containers.[name=mc].image"),
        ("key-vault-image", "spec.template.spec.containers.[name=key-vault].image"),
    }
    assert arranged(SYNC) == list(yaml.safe_load_all(SYNC))
    assert arranged(VAULT) == [yaml.safe_load(VAULT)]


@pytest.mark.parametrize(
    "backup", ["", "  backup:\n", "  backup:\n    # retentionPolicy: 7d\n    target: x\n", "  backup: {}\n"]
)
def test_each_instance_has_its_own_retention(backup: str) -> None:
    text = f"{CNPG % ''}  instances: 1\n{backup}---\n{CNPG % '-li'}  instances: 1\n{backup}"
    main, li = arranged(text, backups__retention="30d")
    assert main["spec"]["backup"]["retentionPolicy"]
    assert "retentionPolicy" not in (li["spec"].get("backup") or {})
    main, li = arranged(text, backups__retention="30d", backups__li_retention="90d")
    assert main["spec"]["backup"]["retentionPolicy"]
    assert li["spec"]["backup"]["retentionPolicy"]


POOL = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: a}\nspec:\n"


@given(
    st.lists(st.sampled_from(["10.0.0.0/24", "192.0.2.1-192.0.2.9", "2a02:ec80:300::/64"]), min_size=1, unique=True),
    st.sampled_from(
        [
            '  addresses: ["CHANGEME_METALLB_POOL"]\n  autoAssign: true\n',
            "  addresses:\n    - CHANGEME_METALLB_POOL # a range\n  autoAssign: true\n",
            "  addresses:\n  - 192.168.1.240-192.168.1.250\n  - 192.168.2.0/24\n  autoAssign: true",
            "  # addresses: [CHANGEME_METALLB_POOL]\n  autoAssign: true\n",
            "  autoAssign: true\n  addresses:",
        ]
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_pool_ends_with_exactly_the_ranges_answered(ranges: list[str], spec: str, newline: str) -> None:
    text = (POOL + spec).replace("\n", newline)
    (after,) = arranged(text, network__metallb_pool=tuple(ranges))
    assert after["spec"] == {"addresses": ranges, "autoAssign": True}
    assert arranged(text) == [yaml.safe_load(text)]


def test_several_objects_in_one_file_keep_to_themselves() -> None:
    text = f"# head\n---\n{ingress('', 'b-li')}---\nkind: ConfigMap\ndata:\n  a: b\n---\n{ingress(LISTS['both'])}"
    first, config, last = arranged(text)
    assert WHITE in first["metadata"]["annotations"]
    assert config == {"kind": "ConfigMap", "data": {"a": "b"}}
    assert WHITE not in last["metadata"]["annotations"]
