"""Entries are mended where that is certain: PyYAML reads it, every other byte is as it was, nothing is left to do."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from checks.asking import NOW
from scripts.reading import by_kubectl, by_pyyaml

from wizard import mends
from wizard.check import check
from wizard.mends import Mends
from wizard.structure import Tree
from wizard.survey import survey

NGINX = "nginx.ingress.kubernetes.io/"
RANGES = "185.60.112.0/24,91.198.174.192/32"


def mended(files: Mapping[str, str] | str) -> Mends:
    texts = {"a.yaml": files} if isinstance(files, str) else files
    seen = survey(Tree({path: text.encode() for path, text in texts.items()}), None, NOW)
    return mends.of(seen, list(check(seen)))


def ingress(notes: str, spec: str = "spec:\n  rules: []\n", name: str = "grafana") -> str:
    head = f"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n"
    return f"{head}{notes}{spec}"


def note(*lines: str) -> str:
    return "  annotations:\n" + "".join(f"    {line}\n" for line in lines)


def issuer(solver: str) -> str:
    return (
        "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: acme}\n"
        f"spec:\n  acme:\n    solvers:\n      - http01:\n          ingress:\n{solver}"
    )


LI = "spec:\n  ingressClassName: %s\n  rules:\n    - host: matrix-li.corp.net\n"
SECRET = (
    f"apiVersion: v1\nkind: Secret\nmetadata: {{name: users}}\nstringData:\n  auth: 'officer:$2y$10${'x' * 53}'\n---\n"
)
APPLIED = 'kubectl.kubernetes.io/last-applied-configuration: \'{"data": {"a": "Q29weQ=="}}\''
EXPORTED = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: it\n%stype: Opaque\nstringData: {a: quite-a-long-secret-text}\n"
)


class Case(NamedTuple):
    """A file, its lines that go and come, and the rule whose finding is put right by that."""

    rule: str
    text: str
    gone: list[str]
    come: list[str]


CASES = {
    "the class becomes a field": Case(
        "field-deprecated",
        ingress(note("a.net/b: c  # kept", "kubernetes.io/ingress.class: nginx # old", "d.net/e: f")),
        ["    kubernetes.io/ingress.class: nginx # old"],
        ['  ingressClassName: "nginx"'],
    ),
    "the class stands there already": Case(
        "field-deprecated",
        ingress(note("kubernetes.io/ingress.class: 'nginx'", "a.net/b: c"), "spec:\n  ingressClassName: nginx\n"),
        ["    kubernetes.io/ingress.class: 'nginx'"],
        [],
    ),
    "the class is the only annotation": Case(
        "field-deprecated",
        ingress(note("kubernetes.io/ingress.class: traefik")),
        ["  annotations:", "    kubernetes.io/ingress.class: traefik"],
        ['  ingressClassName: "traefik"'],
    ),
    "in braces": Case(
        "field-deprecated",
        ingress('  annotations: {"kubernetes.io/ingress.class": "nginx", a.net/b: "c"}\n', "spec: {rules: []}\n"),
        ['  annotations: {"kubernetes.io/ingress.class": "nginx", a.net/b: "c"}', "spec: {rules: []}"],
        ['  annotations: {a.net/b: "c"}', 'spec: {"ingressClassName": "nginx", rules: []}'],
    ),
    "a class of the tree's own": Case(
        "field-deprecated",
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: inside}\n"
        "spec: {controller: k8s.io/ingress-nginx}\n---\n"
        + ingress(note("kubernetes.io/ingress.class: inside", "a: b")),
        ["    kubernetes.io/ingress.class: inside"],
        ['  ingressClassName: "inside"'],
    ),
    "a solver": Case(
        "field-deprecated",
        issuer("            # of the edge\n            class: nginx # and no other\n            podTemplate: {}\n"),
        ["            class: nginx # and no other"],
        ["            ingressClassName: nginx # and no other"],
    ),
    "a list of HAProxy's former name": Case(
        "field-deprecated",
        ingress(note(f"'haproxy.org/whitelist': {RANGES}")),
        [f"    'haproxy.org/whitelist': {RANGES}"],
        [f"    'haproxy.org/allow-list': {RANGES}"],
    ),
    "a list in another controller's words": Case(
        "annotation-unread",
        ingress(note(f'{NGINX}whitelist-source-range: "{RANGES}"', "haproxy.org/timeout-server: 5s"), LI % "haproxy"),
        [f'    {NGINX}whitelist-source-range: "{RANGES}"'],
        [f'    haproxy.org/allow-list: "{RANGES}"'],
    ),
    "a slip": Case(
        "annotation-misspelt",
        ingress(note(f"{NGINX}proxy-body-sise: 8m")),
        [f"    {NGINX}proxy-body-sise: 8m"],
        [f"    {NGINX}proxy-body-size: 8m"],
    ),
    "a slip in a list": Case(
        "annotation-misspelt",
        ingress(note(f"{NGINX}whitelist-source-ranges: '{RANGES}'"), LI % "nginx"),
        [f"    {NGINX}whitelist-source-ranges: '{RANGES}'"],
        [f"    {NGINX}whitelist-source-range: '{RANGES}'"],
    ),
    "nobody is asked": Case(
        "auth-type-missing",
        SECRET + ingress(note(f"{NGINX}auth-secret: users")),
        [],
        [f'    {NGINX}auth-type: "basic"'],
    ),
    "an LI host of either or": Case(
        "li-either-or",
        ingress(
            note(f'{NGINX}whitelist-source-range: "{RANGES}"', f"{NGINX}auth-type: basic", f"{NGINX}satisfy: any"),
            LI % "nginx",
        ),
        [f"    {NGINX}satisfy: any"],
        [],
    ),
    "an LI host that is not logged": Case(
        "li-unlogged",
        ingress(note(f'{NGINX}enable-access-log: "false"', f'{NGINX}whitelist-source-range: "{RANGES}"'), LI % "nginx"),
        [f'    {NGINX}enable-access-log: "false"'],
        [],
    ),
    "a password that is not watched": Case(
        "cluster-unwatched",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {homeserver.yaml: 'server_name: corp.net'}\n---\n"
        "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\n"
        "spec: {bootstrap: {initdb: {owner: it, secret: {name: app}}}}\n---\n"
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ntype: kubernetes.io/basic-auth\n"
        "stringData: {username: it, password: quite-a-long-secret-text}\n",
        [],
        ["  labels:", '    cnpg.io/reload: "true"'],
    ),
    "a Secret as it was exported": Case(
        "secret-in-annotation", EXPORTED % note(APPLIED), ["  annotations:", f"    {APPLIED}"], []
    ),
}


def lines_of_diff(before: str, after: str) -> tuple[list[str], list[str]]:
    told = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    return [each[2:] for each in told if each[:2] == "- "], [each[2:] for each in told if each[:2] == "+ "]


@pytest.mark.parametrize("name", CASES)
def test_an_entry_is_mended_and_no_other_line_changes(name: str) -> None:
    case = CASES[name]
    made = mended(case.text)
    assert [each.finding.id for each in made.done] == [case.rule]
    after = made.after["a.yaml"].decode()
    assert lines_of_diff(case.text, after) == (case.gone, case.come)
    assert len(list(yaml.safe_load_all(after))) == len(list(yaml.safe_load_all(case.text)))
    again = mended(after)
    assert (again.done, dict(again.after)) == ((), {}), "there is nothing left to do"


@pytest.mark.parametrize("name", CASES)
def test_with_the_line_ends_of_windows_too(name: str) -> None:
    case = CASES[name]
    after = mended(case.text.replace("\n", "\r\n")).after["a.yaml"].decode()
    plain = mended(case.text).after["a.yaml"].decode()
    assert after == plain.replace("\n", "\r\n")


def loaded(text: str) -> Any:
    return list(yaml.safe_load_all(text))[-1]


def test_another_parser_reads_the_class_where_kubernetes_wants_it() -> None:
    for name in ("the class becomes a field", "in braces", "a class of the tree's own"):
        text = CASES[name].text
        before, after = loaded(text), loaded(mended(text).after["a.yaml"].decode())
        before["spec"]["ingressClassName"] = before["metadata"]["annotations"].pop("kubernetes.io/ingress.class")
        assert after == before


def test_kubectl_reads_each_mended_file_as_pyyaml_does(tmp_path: Path) -> None:
    files = {f"{at}.yaml": mended(case.text).after["a.yaml"] for at, case in enumerate(CASES.values())}
    for path, data in files.items():
        (tmp_path / path).write_bytes(data)
    read = by_kubectl(files, tmp_path)
    assert read.keys() == files.keys()
    for path, objects in read.items():
        for found, other in zip(objects, by_pyyaml(files)[path], strict=True):
            found["metadata"]["annotations"].pop("read-by")  # which was written by kubectl itself
            assert found["metadata"]["annotations"] == other["metadata"].pop("annotations", {})
            assert found["metadata"].pop("annotations") is not None
            assert found.get("spec") == other.get("spec") and found["metadata"] == other["metadata"]


@pytest.mark.parametrize(
    "text",
    [
        ingress(note("kubernetes.io/ingress.class: nginx"), "spec: {ingressClassName: internal}\n"),
        ingress(note("kubernetes.io/ingress.class: nginx-of-somebody")),
        ingress(note("kubernetes.io/ingress.class: nginx"), ""),
        ingress("  annotations: &all\n    kubernetes.io/ingress.class: nginx\n  labels: *all\n"),
        ingress(note("kubernetes.io/ingress.class: &class nginx"), "spec: {<<: {rules: []}}\n"),
        ingress(note("# of the edge", "kubernetes.io/ingress.class: nginx")),
        ingress(note("kubernetes.io/ingress.class: nginx", "kubernetes.io/ingress.class: nginx")),
        issuer("            class: nginx\n            name: it\n"),
        issuer("            class: alb\n"),
        ingress(note(f"haproxy.org/whitelist: {RANGES}", f"haproxy.org/allow-list: {RANGES}")),
        ingress(note(f"{NGINX}proxy-body-sise: 8m", f"{NGINX}proxy-body-size: 9m")),
        ingress(note(f'{NGINX}whitelist-source-range: "{RANGES}"'), LI % "traefik"),
        ingress(note(f"{NGINX}whitelist-source-range: '!{RANGES}'"), LI % "haproxy"),
        ingress(
            note(f'{NGINX}whitelist-source-range: "{RANGES}"', f"haproxy.org/allow-list: {RANGES}"), LI % "haproxy"
        ),
        SECRET.replace("$2y$", "md5:") + ingress(note(f"{NGINX}auth-secret: users")),
        ingress(note(f"{NGINX}auth-secret: users")),
        ingress(note("kubernetes.io/ingress.class: nginx"), "spec: {{ .Values.spec }}\n"),
    ],
)
def test_what_is_not_certain_is_left(text: str) -> None:
    made = mended(text)
    assert (made.done, dict(made.after)) == ((), {})


VALUES = "# ingress-nginx\ncontroller:\n  replicaCount: 2 # for now\n%s"
SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: c}\n"
    "spec:\n  type: LoadBalancer\n%s  selector: {app.kubernetes.io/name: ingress-nginx}\n"
)
LI_HOST = ingress(note(f'{NGINX}whitelist-source-range: "{RANGES}"'), LI % "nginx")


@pytest.mark.parametrize(
    ("text", "gone", "come"),
    [
        (VALUES % "  service:\n    externalTrafficPolicy: 'Cluster' # default\n",
         ["    externalTrafficPolicy: 'Cluster' # default"], ["    externalTrafficPolicy: 'Local' # default"]),
        (VALUES % "  service:\n    type: LoadBalancer\n", [], ['    externalTrafficPolicy: "Local"']),
        (VALUES % "", [], ["  service:", '    externalTrafficPolicy: "Local"']),
        (SERVICE % "  externalTrafficPolicy: Cluster\n",
         ["  externalTrafficPolicy: Cluster"], ["  externalTrafficPolicy: Local"]),
        (SERVICE % "", [], ['  externalTrafficPolicy: "Local"']),
    ],
)  # fmt: skip
def test_the_client_keeps_its_address(text: str, gone: list[str], come: list[str]) -> None:
    made = mended({"a.yaml": text, "li.yaml": LI_HOST})
    assert [each.finding.id for each in made.done] == ["li-address-lost"]
    after = made.after["a.yaml"].decode()
    assert lines_of_diff(text, after) == (gone, come)
    assert mended({"a.yaml": after, "li.yaml": LI_HOST}).done == ()


def test_several_entries_of_one_mapping_and_a_number_beside_them() -> None:
    notes = note("kubernetes.io/ingress.class: nginx", f"{NGINX}proxy-body-sise: 8m", f"{NGINX}proxy-read-timeout: 600")
    made = mended(ingress(notes))
    assert sorted(each.finding.id for each in made.done) == ["annotation-misspelt", "field-deprecated", "not-a-string"]
    after = loaded(made.after["a.yaml"].decode())
    assert after["metadata"]["annotations"] == {f"{NGINX}proxy-body-size": "8m", f"{NGINX}proxy-read-timeout": "600"}
    assert after["spec"] == {"ingressClassName": "nginx", "rules": []}


def test_the_diff_shows_neither_a_range_nor_a_secret() -> None:
    for name, case in CASES.items():
        told = "".join(mends.told(mended(case.text)))
        assert "\n-" in told or "\n+" in told, name
        for secret in (*RANGES.split(","), "Q29weQ", "quite-a-long", "x" * 53):
            assert secret not in told, name
