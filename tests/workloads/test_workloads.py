"""What runs and what it reads: small trees of each kind, the trees at hand, and trees made at random."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wizard import resources, workloads
from wizard.resources import Manifest
from wizard.workloads import Reference

ROOT = Path(__file__).parents[2]
TREES = {
    "bundled": ROOT / "templates",
    "checklist": ROOT / "tests/trees/checklist",
    "dress": ROOT / "tests/trees/dress",
}
Read = set[tuple[str, str, tuple[str, ...] | None, str]]  # kind, name, keys, how


def tree(*texts: str) -> list[Manifest]:
    found = (resources.read(f"{number}.yaml", text.encode()) for number, text in enumerate(texts))
    return [each for each in found if each]


def on_disk(name: str) -> list[Manifest]:
    paths = (path for path in sorted(TREES[name].rglob("*")) if path.is_file() and resources.is_read(path.name))
    found = (resources.read(str(path.relative_to(TREES[name])), path.read_bytes()) for path in paths)
    return [each for each in found if each]


def thing(kind: str, spec: str, api: str = "apps/v1", name: str = "x", namespace: str = "matrix") -> str:
    return f"{{apiVersion: {api}, kind: {kind}, metadata: {{name: {name}, namespace: {namespace}}}, spec: {spec}}}\n"


def holder(kind: str, name: str, namespace: str = "matrix", **data: str) -> str:
    section = "stringData" if kind == "Secret" else "data"
    return yaml.safe_dump({"kind": kind, "metadata": {"name": name, "namespace": namespace}, section: data})


def read(references: Iterable[Reference]) -> Read:
    return {
        (each.kind, each.name, None if each.keys is None else tuple(sorted(each.keys)), each.how) for each in references
    }


def reads(text: str) -> Read:
    """Return what the only workload in *text* reads, no object twice in one way."""
    (found,) = workloads.of(tree(text))
    assert len({(each.kind, each.name, each.how) for each in found.references}) == len(found.references)
    return read(found.references)


ENV = "env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]"
POD = f"{{containers: [{{name: a, {ENV}}}]}}"
TEMPLATE = f"{{template: {{spec: {POD}}}}}"
S_K: Read = {("Secret", "s", ("k",), "env")}


@pytest.mark.parametrize(
    ("kind", "spec", "api", "target", "is_restarted"),
    [
        ("Deployment", TEMPLATE, "apps/v1", "deployment/x", True),
        ("StatefulSet", TEMPLATE, "apps/v1", "statefulset/x", True),
        ("DaemonSet", TEMPLATE, "apps/v1", "daemonset/x", True),
        ("ReplicaSet", TEMPLATE, "apps/v1", "replicaset/x", False),
        ("Pod", POD, "v1", "pod/x", False),
        ("Job", TEMPLATE, "batch/v1", "job/x", False),
        ("CronJob", f"{{jobTemplate: {{spec: {TEMPLATE}}}}}", "batch/v1", "cronjob/x", False),
        ("Rollout", TEMPLATE, "argoproj.io/v1alpha1", "rollout.argoproj.io/x", False),
        ("Cluster", f"{{{ENV}}}", "postgresql.cnpg.io/v1", "cluster.postgresql.cnpg.io/x", False),
        ("Pooler", TEMPLATE, "postgresql.cnpg.io/v1", "pooler.postgresql.cnpg.io/x", False),
        ("Tenant", f"{{{ENV}}}", "minio.min.io/v2", "tenant.minio.min.io/x", False),
    ],
)
def test_each_kind_that_runs_something(kind: str, spec: str, api: str, target: str, is_restarted: bool) -> None:
    (found,) = workloads.of(tree(thing(kind, spec, api)))
    assert read(found.references) == S_K
    assert (found.kind, found.namespace, found.name, found.instance) == (kind, "matrix", "x", "main")
    assert (found.target, found.is_restarted) == (target, is_restarted)


@pytest.mark.parametrize(
    "text",
    [
        thing("Cluster", f"{{{ENV}}}", "cluster.x-k8s.io/v1beta1"),
        thing("Tenant", f"{{{ENV}}}", "example.org/v1"),
        thing("Ingress", "{tls: [{secretName: s}]}", "networking.k8s.io/v1"),
        thing("ServiceAccount", "{}", "v1"),
        holder("Secret", "s", a="b"),
        "replicas: 1\n",
        f"kind: Deployment\nmetadata:\n  name: x\n  {{{{- toYaml .Values.labels | nindent 2 }}}}\nspec: {TEMPLATE}\n",
        f"kind: Deployment\nmetadata: {{generateName: x}}\nspec: {TEMPLATE}\n",
    ],
)
def test_what_runs_nothing_or_is_helms_is_no_workload(text: str) -> None:
    assert workloads.of(tree(text)) == ()


def test_what_runs_and_reads_nothing_is_one_all_the_same() -> None:
    empty = ("{}", "{template: }", "{template: {spec: [a]}}", "text", "{template: {spec: {containers: {a: b}}}}")
    assert [each.references for each in workloads.of(tree(*(thing("Deployment", one) for one in empty)))] == [()] * 5


@pytest.mark.parametrize(
    ("pod", "found"),
    [
        ("containers: [{env: [{name: A, value: b}, {name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}]}]",
         {("ConfigMap", "c", ("k",), "env")}),
        ("containers: [{envFrom: [{secretRef: {name: s}}, {prefix: A_, configMapRef: {name: c, optional: true}}]}]",
         {("Secret", "s", None, "env"), ("ConfigMap", "c", None, "env")}),
        (f"initContainers: [{{{ENV}}}]", S_K),
        (f"ephemeralContainers: [{{{ENV}}}]", S_K),
        (f"initContainers: [{{restartPolicy: Always, {ENV}}}]", S_K),
        ("containers: [{env: [{valueFrom: {secretKeyRef: {name: s, key: a}}}]}, "
         "{env: [{valueFrom: {secretKeyRef: {name: s, key: b, optional: true}}}]}]",
         {("Secret", "s", ("a", "b"), "env")}),
        ("containers: [{env: [{valueFrom: {secretKeyRef: {name: s, key: a}}}], envFrom: [{secretRef: {name: s}}]}]",
         {("Secret", "s", None, "env")}),
        ("containers: [{env: [{valueFrom: {secretKeyRef: {name: null, key: a}}}], envFrom: [{secretRef: }]}]", set()),
        ("imagePullSecrets: [{name: p}], containers: []", {("Secret", "p", None, "kubelet")}),
    ],
)  # fmt: skip
def test_what_containers_and_pods_read(pod: str, found: Read) -> None:
    assert reads(thing("Deployment", f"{{template: {{spec: {{{pod}}}}}}}")) == found


ITEMS = "items: [{key: a, path: a}, {key: b, path: d/b}, {key: c, path: d/c}]"


@pytest.mark.parametrize(
    ("mounts", "volume", "found"),
    [
        ("{name: v}", "secret: {secretName: s, optional: true}", {("Secret", "s", None, "volume")}),
        ("{name: v}", "configMap: {name: c}", {("ConfigMap", "c", None, "volume")}),
        ("{name: v}", "secret: {secretName: s, items: []}", {("Secret", "s", None, "volume")}),
        ("{name: v}", f"secret: {{secretName: s, {ITEMS}}}", {("Secret", "s", ("a", "b", "c"), "volume")}),
        ("{name: other}", f"secret: {{secretName: s, {ITEMS}}}", set()),
        ("", "csi: {nodePublishSecretRef: {name: n}}", set()),
        ("{name: v, subPath: k}", "secret: {secretName: s}", {("Secret", "s", ("k",), "subPath")}),
        ("{name: v, subPath: ./k}", "configMap: {name: c}", {("ConfigMap", "c", ("k",), "subPath")}),
        ("{name: v, subPath: ''}", "configMap: {name: c}", {("ConfigMap", "c", None, "volume")}),
        ("{name: v, subPath: d/b}", f"secret: {{secretName: s, {ITEMS}}}", {("Secret", "s", ("b",), "subPath")}),
        ("{name: v, subPath: d/}", f"secret: {{secretName: s, {ITEMS}}}", {("Secret", "s", ("b", "c"), "subPath")}),
        ("{name: v, subPath: d}", "secret: {secretName: s, items: [{key: a, path: d/a}, {key: b, path: db}]}",
         {("Secret", "s", ("a",), "subPath")}),
        ("{name: v, subPath: b}", f"secret: {{secretName: s, {ITEMS}}}", set()),
        ("{name: v, subPathExpr: $(X)}", f"secret: {{secretName: s, {ITEMS}}}",
         {("Secret", "s", ("a", "b", "c"), "subPath")}),
        ("{name: v, subPathExpr: $(X)}", "secret: {secretName: s}", {("Secret", "s", None, "subPath")}),
        ("{name: v, subPath: a}, {name: v, subPath: b}, {name: v}", "secret: {secretName: s}",
         {("Secret", "s", ("a", "b"), "subPath"), ("Secret", "s", None, "volume")}),
        ("{name: v}", "projected: {sources: [{secret: {name: s, items: [{key: a, path: x}]}}, {configMap: {name: c}}, "
         "{serviceAccountToken: {path: t}}, {secret: {name: t}}]}",
         {("Secret", "s", ("a",), "volume"), ("ConfigMap", "c", None, "volume"), ("Secret", "t", None, "volume")}),
        ("{name: v, subPath: x}", "projected: {sources: [{secret: {name: s, items: [{key: a, path: x}]}}, "
         "{configMap: {name: c, items: [{key: b, path: y}]}}]}",
         {("Secret", "s", ("a",), "subPath")}),
        ("{name: v}", "csi: {driver: d, nodePublishSecretRef: {name: n}}", {("Secret", "n", None, "kubelet")}),
        ("{name: v}", "azureFile: {secretName: n, shareName: x}", {("Secret", "n", None, "kubelet")}),
        ("{name: v}", "emptyDir: {}", set()),
    ],
)  # fmt: skip
def test_what_volumes_read(mounts: str, volume: str, found: Read) -> None:
    pod = f"{{containers: [{{}}, {{volumeMounts: [{mounts}]}}], volumes: [{{name: v, {volume}}}]}}"
    assert reads(thing("StatefulSet", f"{{template: {{spec: {pod}}}}}")) == found


def test_what_cloudnativepg_reads() -> None:
    spec = """
      enableSuperuserAccess: true
      superuserSecret: {name: super}
      imagePullSecrets: [{name: pull}]
      bootstrap:
        initdb: {secret: {name: app}, postInitSQLRefs: {secretRefs: [{name: once, key: sql}]}}
      certificates: {serverCASecret: ca, serverTLSSecret: tls, clientCASecret: null}
      managed: {roles: [{name: a}, {name: b, passwordSecret: {name: role-b}}]}
      backup:
        barmanObjectStore:
          endpointCA: {name: store-ca, key: ca.crt}
          s3Credentials: {inheritFromIAMRole: no, accessKeyId: {name: s3, key: i}, secretAccessKey: {name: s3, key: k}}
      externalClusters:
        - {name: main, password: {name: there, key: password}, sslRootCert: {name: there-tls, key: ca.crt}}
        - {name: old, barmanObjectStore: {azureCredentials: {storageKey: {name: azure, key: k}}}}
      monitoring: {customQueriesConfigMap: [{name: queries, key: q}]}
      env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}]
      envFrom: [{secretRef: {name: from}}]
      projectedVolumeTemplate: {sources: [{secret: {name: files, items: [{key: f, path: g}]}}]}
    """
    pair = ("password", "username")
    assert reads(f"apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {{name: x}}\nspec:{spec}") == {
        ("Secret", "super", pair, "operator"),
        ("Secret", "pull", None, "kubelet"),
        ("Secret", "app", pair, "operator"),
        ("Secret", "ca", None, "operator"),
        ("Secret", "tls", None, "operator"),
        ("Secret", "role-b", pair, "operator"),
        ("Secret", "store-ca", ("ca.crt",), "operator"),
        ("Secret", "s3", ("i", "k"), "operator"),
        ("Secret", "there", ("password",), "operator"),
        ("Secret", "there-tls", ("ca.crt",), "operator"),
        ("Secret", "azure", ("k",), "operator"),
        ("ConfigMap", "queries", ("q",), "operator"),
        ("ConfigMap", "c", ("k",), "env"),
        ("Secret", "from", None, "env"),
        ("Secret", "files", ("f",), "volume"),
    }


def test_what_a_pooler_and_an_object_store_read() -> None:
    pooler = thing("Pooler", "{pgbouncer: {authQuerySecret: {name: auth}}}", "postgresql.cnpg.io/v1")
    assert reads(pooler) == {("Secret", "auth", None, "operator")}
    gcs = "{configuration: {googleCredentials: {applicationCredentials: {name: gcs, key: json}}}}"
    store = thing("ObjectStore", gcs, "barmancloud.cnpg.io/v1")
    assert reads(store) == {("Secret", "gcs", ("json",), "operator")}


def test_what_a_minio_tenant_reads() -> None:
    spec = """
      configuration: {name: config}
      credsSecret: {name: old-config}
      imagePullSecret: {name: pull}
      users: [{name: user-a}, {name: user-b}]
      externalCaCertSecret: [{name: ca, type: kubernetes.io/tls}]
      env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]
      kes: {kesSecret: {name: kes}}
      additionalVolumes: [{name: v, secret: {secretName: files}}, {name: w, secret: {secretName: unused}}]
      additionalVolumeMounts: [{name: v, mountPath: /v}]
      sideCars:
        containers: [{name: c, envFrom: [{configMapRef: {name: from}}], volumeMounts: [{name: z, subPath: a}]}]
        volumes: [{name: z, configMap: {name: beside}}]
    """
    pair = ("CONSOLE_ACCESS_KEY", "CONSOLE_SECRET_KEY")
    assert reads(f"apiVersion: minio.min.io/v2\nkind: Tenant\nmetadata: {{name: x}}\nspec:{spec}") == {
        ("Secret", "config", None, "operator"),
        ("Secret", "old-config", None, "operator"),
        ("Secret", "pull", None, "kubelet"),
        ("Secret", "user-a", pair, "operator"),
        ("Secret", "user-b", pair, "operator"),
        ("Secret", "ca", None, "operator"),
        ("Secret", "s", ("k",), "env"),
        ("Secret", "kes", None, "operator"),
        ("Secret", "files", None, "volume"),
        ("ConfigMap", "from", None, "env"),
        ("ConfigMap", "beside", ("a",), "subPath"),
    }


def test_aliases_and_merge_keys_are_followed() -> None:
    text = """
kind: List
items:
- kind: Secret
  metadata: {name: &name s}
  stringData: {a: &word one, b: *word}
- kind: Deployment
  metadata: {name: a}
  spec:
    template: &template
      spec:
        containers:
        - &base
          env: &env [{name: A, valueFrom: {secretKeyRef: {name: *name, key: a}}}]
          volumeMounts: [{name: v}]
        - {<<: *base, volumeMounts: [{name: w}]}
        volumes: [{name: v, secret: {secretName: v}}, {name: w, secret: {secretName: w}}]
- kind: StatefulSet
  metadata: {name: b}
  spec: {template: *template}
- kind: Job
  metadata: {name: c}
  spec: {template: {spec: {containers: [{<<: [{env: *env}, *base], volumeMounts: &name []}], imagePullSecrets: *gone}}}
- kind: Job
  metadata: &self {name: d, <<: *self}
  spec: &own {<<: *own, template: {spec: {containers: &again [{envFrom: *again}]}}}
"""
    a, b, c, d = workloads.of(tree(text))
    env = ("Secret", "s", ("a",), "env")
    assert read(a.references) == read(b.references) == {
        env, ("Secret", "v", None, "volume"), ("Secret", "w", None, "volume")
    }  # fmt: skip
    assert (read(c.references), read(d.references)) == ({env}, set())
    changed = workloads.changed(tree(text), tree(text.replace("one", "two")))
    assert changed == {("Secret", "", "s"): {"a", "b"}}


def test_of_merged_entries_the_first_counts_and_a_quoted_sign_merges_nothing() -> None:
    def state(a: str, b: str, c: str) -> list[Manifest]:
        anchors = f"x: &a {{k: {a}}}\ny: &b {{k: {b}, l: m}}\nz: &c {{n: {c}}}\n"
        return tree(f"{anchors}kind: ConfigMap\nmetadata: {{name: c}}\ndata: {{<<: [*a, *b], '<<': *c}}\n")

    assert workloads.changed(state("1", "2", "3"), state("1", "9", "9")) == {}
    assert workloads.changed(state("1", "2", "3"), state("9", "2", "3")) == {("ConfigMap", "", "c"): {"k"}}


def test_merges_that_double_each_time_are_read_in_no_time_worth_naming() -> None:
    lines = [f"  l{n}: &l{n} {{<<: [*l{n - 1}, *l{n - 1}], k{n}: x}}\n" for n in range(1, 60)]
    text = f"kind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  l0: &l0 {{k0: x}}\n{''.join(lines)}  <<: *l59\n"
    found = workloads.changed([], tree(text))[("ConfigMap", "", "c")]
    assert found >= {f"k{n}" for n in range(60)}


def named(found: Iterable[tuple[workloads.Workload, tuple[Reference, ...]]]) -> set[tuple[str, str]]:
    return {(each.target, one.how) for each, by in found for one in by}


def test_who_reads_what_changed() -> None:
    def deployment(name: str, container: str, namespace: str = "matrix") -> str:
        volumes = "volumes: [{name: v, secret: {secretName: s}}]"
        return thing("Deployment", f"{{template: {{spec: {{containers: [{{{container}}}], {volumes}}}}}}}",
                     name=name, namespace=namespace)  # fmt: skip

    whole, other = "volumeMounts: [{name: v}]", ENV.replace("secret", "configMap")
    found = workloads.of(
        tree(
            deployment("env", ENV),
            deployment("whole", whole),
            deployment("both", f"{ENV}, volumeMounts: [{{name: v, subPath: j}}]"),
            deployment("config", other),
            deployment("elsewhere", whole, "staging"),
            deployment("anywhere", whole, "''"),
        )
    )

    def of(kind: str, namespace: str, name: str, *keys: str) -> set[tuple[str, str]]:
        return named(workloads.reading(found, {(kind, namespace, name): frozenset(keys)}))

    here = {("deployment/whole", "volume"), ("deployment/anywhere", "volume")}
    assert of("Secret", "matrix", "s", "k") == here | {("deployment/env", "env"), ("deployment/both", "env")}
    assert of("Secret", "matrix", "s", "j") == here | {("deployment/both", "subPath")}
    assert of("Secret", "", "s", "z") == here | {("deployment/elsewhere", "volume")}
    assert of("Secret", "staging", "s", "z") == here - {("deployment/whole", "volume")} | {
        ("deployment/elsewhere", "volume")
    }
    assert of("ConfigMap", "matrix", "s", "k") == {("deployment/config", "env")}
    assert of("Secret", "matrix", "s") == of("Secret", "matrix", "t", "k") == set()
    assert [each.name for each, _ in workloads.reading(found, {("Secret", "", "s"): frozenset("k")})] == [
        "env", "whole", "both", "elsewhere", "anywhere"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "keys"),
    [
        ("stringData: {a: b}", "stringData: {a: b}", set()),
        ("stringData: {a: b}", "stringData: {a: c, d: e}", {"a", "d"}),
        ("stringData: {a: b, d: e}", "stringData: {a: b}", {"d"}),
        ("stringData: {a: b}", "data: {a: Yg==}", set()),
        ("data: {a: Yg==}", "data: {a: 'Yg='}", {"a"}),
        ("data: {a: Yg==, c: Yg==}", "data: {a: Yw==, c: Yg==}\nstringData: {a: b}", set()),
        ("data: {a: Yg==}", "data: {a: '*Yg=='}", {"a"}),
        ("data: {a: YWJj}", 'data: {a: "YW\\nJj\\n"}', set()),
        ("data: {a: '/w=='}", "data: {a: '/g=='}", {"a"}),
        ("stringData: {a: |-\n  b\n}", "stringData: {a: 'b'}", set()),
        ("stringData: {a: ''}", "stringData: {a: null}", set()),
        ("stringData: {a: ''}", "stringData: {}", {"a"}),
        ("type: Opaque\nstringData: {a: b}", "stringData: {a: b}", set()),
    ],
)
def test_which_keys_of_a_secret_changed(before: str, after: str, keys: set[str]) -> None:
    head = "kind: Secret\nmetadata: {name: s, namespace: matrix}\n"
    blocks = [one.replace("{a: |-\n  b\n}", "\n  a: |-\n    b") for one in (before, after)]
    old, new = (tree(head + one) for one in blocks)
    assert workloads.changed(old, new) == ({("Secret", "matrix", "s"): keys} if keys else {})


def test_which_objects_changed() -> None:
    def all_of(**texts: str) -> list[Manifest]:
        return tree(*(holder("ConfigMap", name, name, a=text) for name, text in texts.items()))

    wanted = {("ConfigMap", name, name): {"a"} for name in ("changed", "gone", "new")}
    assert workloads.changed(all_of(same="1", changed="2", gone="3"), all_of(new="4", changed="5", same="1")) == wanted
    binary = "kind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\nbinaryData: {c: "
    assert workloads.changed(tree(binary + "Yg==}"), tree(binary + "Yw==}")) == {("ConfigMap", "", "c"): {"c"}}
    others = [thing("Deployment", TEMPLATE.replace("k}", f"{key}}}")) for key in "kl"]
    assert workloads.changed(tree(others[0]), tree(others[1])) == {}
    helms = [f"kind: Secret\nmetadata:\n  name: s\n  {{{{- x | y }}}}\nstringData: {{a: {word}}}\n" for word in "bc"]
    assert workloads.changed(tree(helms[0]), tree(helms[1])) == {}
    strange = 'kind: Secret\nmetadata: {name: s}\ndata: {a: "\\ud800", b: [c], d: \u00e9}\n'
    assert workloads.changed([], tree(strange)) == {("Secret", "", "s"): {"a", "b", "d"}}


def test_of_several_objects_of_one_name_each_counts_wherever_it_stands() -> None:
    one, two, three = (holder("Secret", "s", a=word) for word in ("1", "2", "3"))
    assert workloads.changed(tree(one, two), tree(two, one)) == {}
    assert workloads.changed(tree(one, two), tree(one, three)) == {("Secret", "matrix", "s"): {"a"}}
    assert workloads.changed(tree(one, one), tree(one)) == {("Secret", "matrix", "s"): {"a"}}


# --- the trees at hand, read once more by PyYAML: by the words of Kubernetes wherever they stand, not by kind


Entry = tuple[str, str, str | None]  # kind, name, key (None: all)
RUN = ("containers", "initContainers")


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(each)


def keyed(kind: str, source: Mapping[str, Any]) -> set[Entry]:
    name = source.get("name", source.get("secretName"))
    keys = [item["key"] for item in source.get("items") or ()] or [source.get("key")]
    return {(kind, name, key) for key in keys}


def of_oracle(document: Any) -> set[Entry]:
    """Return what *document* reads, as far as the kinds of sources that the trees at hand have go."""
    found: set[Entry] = set()
    mounts = [each for node in walk(document) for each in node.get("volumeMounts") or ()]
    for node in walk(document):
        for word, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap"), ("secretRef", "Secret"),
                           ("configMapRef", "ConfigMap"), ("accessKeyId", "Secret"), ("secretAccessKey", "Secret"),
                           ("configuration", "Secret")):  # fmt: skip
            if isinstance(node.get(word), dict):
                found |= keyed(kind, node[word])
        for word in ("passwordSecret", "secret"):
            if "owner" in node or "ensure" in node or "passwordSecret" in node:
                found |= {("Secret", node[word]["name"], key) for key in ("username", "password") if word in node}
        for volume in node.get("volumes") or ():
            sources = [volume, *(volume.get("projected") or {}).get("sources", ())]
            within = [mount.get("subPath") for mount in mounts if mount["name"] == volume["name"]]
            for kind, source in [("Secret", one["secret"]) for one in sources if "secret" in one] + [
                ("ConfigMap", one["configMap"]) for one in sources if "configMap" in one
            ]:
                taken = keyed(kind, source) if None in within else set()
                found |= taken | {(*one[:2], path) for one in keyed(kind, source) for path in within if path}
        if document["kind"] == "Tenant":
            words = ("CONSOLE_ACCESS_KEY", "CONSOLE_SECRET_KEY")
            found |= {("Secret", user["name"], key) for user in node.get("users") or () for key in words}
    return found


def documents(name: str) -> Iterator[dict[str, Any]]:
    paths = (path for path in sorted(TREES[name].rglob("*")) if path.suffix in (".yaml", ".yml", ".json"))
    for path in paths:
        for document in yaml.safe_load_all(path.read_text("utf-8-sig")):
            each = document if isinstance(document, dict) else {}
            yield from each["items"] if str(each.get("kind")).endswith("List") else [each]


@pytest.mark.parametrize("name", TREES)
def test_the_trees_at_hand_read_what_an_independent_reader_finds(name: str) -> None:
    running = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Cluster", "Tenant")
    wanted = {
        (each["kind"], each["metadata"]["name"]): of_oracle(each)
        for each in documents(name)
        if each.get("kind") in running
    }
    found = {
        (each.kind, each.name): {(one.kind, one.name, key) for one in each.references for key in one.keys or (None,)}
        for each in workloads.of(on_disk(name))
    }
    assert found == wanted
    assert sum(map(len, wanted.values())) > 10


def concerned(kind: str, name: str, key: str) -> set[tuple[str, str]]:
    changed = {(kind, "matrix", name): frozenset({key})}
    return named(workloads.reading(workloads.of(on_disk("bundled")), changed))


CLUSTERS = ("cluster.postgresql.cnpg.io/matrix-postgresql", "cluster.postgresql.cnpg.io/matrix-postgresql-li")


@pytest.mark.parametrize(
    ("name", "key", "found"),
    [
        ("synapse-secrets", "TURN_SECRET",
         {("statefulset/synapse-main", "volume"), ("statefulset/synapse-worker", "volume")}),
        ("redis-password", "password", {("statefulset/redis", "volume")}),
        ("synapse-li-secrets", "REDIS_PASSWORD", set()),
        ("synapse-li-secrets", "FORM_SECRET", {("deployment/synapse-li", "volume")}),
        ("coturn-secrets", "TURN_SHARED_SECRET", set()),
        ("minio-config", "config.env", {("tenant.minio.min.io/matrix-minio", "operator"),
                                        ("job/minio-buckets", "volume")}),
        ("minio-credentials", "secret-key", {(CLUSTERS[0], "operator"), (CLUSTERS[1], "operator"),
                                             ("job/minio-buckets", "volume")}),
        ("matrix-postgresql-li-app", "password", {(CLUSTERS[1], "operator")}),
    ],
)  # fmt: skip
def test_whom_a_change_in_the_bundled_tree_concerns(name: str, key: str, found: set[tuple[str, str]]) -> None:
    assert concerned("Secret", name, key) == found


# --- trees made at random, and an oracle that knows what it made

NAMES = st.sampled_from(["s", "t", "u"])
KEYS = st.sampled_from(["a", "b", "c"])
KINDS = {"Secret": ("secret", "secretName"), "ConfigMap": ("configMap", "name")}
WRAPPED = {"Deployment": 1, "StatefulSet": 1, "DaemonSet": 1, "ReplicaSet": 1, "Job": 1, "CronJob": 2, "Pod": 0}


@st.composite
def sources(draw: st.DrawFn, kind: str, is_projected: bool) -> dict[str, Any]:
    word, name = KINDS[kind]
    made: dict[str, Any] = {"name" if is_projected else name: draw(NAMES)}
    if draw(st.booleans()):
        made["items"] = [{"key": key, "path": f"d/{key}"} for key in draw(st.lists(KEYS, unique=True))]
    return {word: made}


def projected(draw: st.DrawFn) -> dict[str, Any]:
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), max_size=3))
    return {"projected": {"sources": [draw(sources(kind, True)) for kind in kinds]}}


@st.composite
def pods(draw: st.DrawFn) -> dict[str, Any]:
    kinds = draw(st.lists(st.sampled_from(["Secret", "ConfigMap", "projected", "emptyDir"]), max_size=3))
    volumes = []
    for number, kind in enumerate(kinds):
        made = {"emptyDir": {}} if kind == "emptyDir" else projected(draw) if kind == "projected" else None
        volumes.append({"name": f"v{number}", **(made or draw(sources(kind, False)))})

    def container() -> dict[str, Any]:
        refs = [(draw(st.sampled_from(list(KINDS))), draw(NAMES), draw(KEYS)) for _ in range(draw(st.integers(0, 2)))]
        env = [{"name": "E", "valueFrom": {f"{KINDS[k][0]}KeyRef": {"name": n, "key": key}}} for k, n, key in refs]
        froms = [{f"{KINDS[draw(st.sampled_from(list(KINDS)))][0]}Ref": {"name": draw(NAMES)}}]
        within = st.sampled_from(["", "a", "d", "d/a", "e"])
        mounts = [
            {"name": f"v{draw(st.integers(0, 3))}", "subPath": draw(within)} for _ in range(draw(st.integers(0, 3)))
        ]
        return {"env": env, "envFrom": froms[: draw(st.integers(0, 1))], "volumeMounts": mounts}

    return {
        "containers": [container() for _ in range(draw(st.integers(0, 2)))],
        "initContainers": [container() for _ in range(draw(st.integers(0, 1)))],
        "volumes": volumes,
        "imagePullSecrets": [{"name": draw(NAMES)}] if draw(st.booleans()) else None,
    }


def files_of(source: Mapping[str, Any]) -> dict[str, str] | None:
    return {item["path"]: item["key"] for item in source.get("items") or ()} or None


def oracle(pod: Mapping[str, Any], holders: Mapping[tuple[str, str], set[str]]) -> set[tuple[str, str, str, str]]:
    """Return each key (kind, name, key, how) that *pod* reads of *holders*, by laying out its files."""
    found: set[tuple[str, str, str, str]] = set()

    def take(kind: str, name: str, keys: Iterable[str], how: str) -> None:
        found.update((kind, name, key, how) for key in keys if key in holders[kind, name])

    for container in pod["containers"] + pod["initContainers"]:
        for each in container["env"]:
            (word, ref), *_ = each["valueFrom"].items()
            take("Secret" if "secret" in word else "ConfigMap", ref["name"], [ref["key"]], "env")
        for each in container["envFrom"]:
            (word, ref), *_ = each.items()
            kind = "Secret" if "secret" in word else "ConfigMap"
            take(kind, ref["name"], holders[kind, ref["name"]], "env")
        for mount in container["volumeMounts"]:
            for volume in (each for each in pod["volumes"] if each["name"] == mount["name"]):
                for source in (volume.get("projected") or {"sources": [volume]})["sources"]:
                    for kind, (word, _) in KINDS.items():
                        ref = source.get(word)
                        name = ref and ref.get("secretName", ref.get("name"))
                        layout = (files_of(ref) or {key: key for key in holders[kind, name]}) if ref else {}
                        prefix = mount["subPath"].split("/") if mount["subPath"] else []
                        inside = [key for path, key in layout.items() if path.split("/")[: len(prefix)] == prefix]
                        if ref:
                            take(kind, name, inside, "subPath" if prefix else "volume")
    for pull in pod["imagePullSecrets"] or ():
        take("Secret", pull["name"], holders["Secret", pull["name"]], "kubelet")
    return found


@given(
    kind=st.sampled_from(list(WRAPPED)),
    pod=pods(),
    is_flow=st.booleans(),
    held=st.fixed_dictionaries({(kind, name): st.sets(KEYS, min_size=1) for kind in KINDS for name in "stu"}),
    altered=st.sets(st.tuples(st.sampled_from(list(KINDS)), NAMES, KEYS)),
)
def test_a_change_concerns_those_who_read_it_and_no_others(
    kind: str,
    pod: dict[str, Any],
    is_flow: bool,
    held: dict[tuple[str, str], set[str]],
    altered: set[tuple[str, str, str]],
) -> None:
    spec = pod
    for _ in range(WRAPPED[kind]):
        spec = {"template": {"spec": pod}} if "template" not in spec else {"jobTemplate": {"spec": spec}}
    runner = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}

    def state(word: str) -> list[Manifest]:
        texts = [yaml.safe_dump(runner, default_flow_style=is_flow)]
        for (its, name), keys in held.items():
            now = {key: word if (its, name, key) in altered else "old" for key in sorted(keys)}
            data = {key: base64.b64encode(text.encode()).decode() for key, text in now.items()}
            body = {"data": data} if its == "Secret" else {"data": now}
            texts.append(yaml.safe_dump({"kind": its, "metadata": {"name": name}, **body}))
        return tree(*texts)

    before, after = state("old"), state("new")
    changed = workloads.changed(before, after)
    assert {(its, name, key) for (its, _, name), keys in changed.items() for key in keys} == {
        each for each in altered if each[2] in held[each[:2]]
    }
    found = workloads.reading(workloads.of(after), changed)
    touched = {
        (one.kind, one.name, key, one.how)
        for _, by in found
        for one in by
        for key in changed[one.kind, "", one.name]
        if one.keys is None or key in one.keys
    }
    assert touched == {each for each in oracle(pod, held) if each[:3] in altered}
    assert bool(found) == bool(touched)
