"""What a survey parses, and when: only the documents that somebody asks for, and a file's findings before the next."""

from __future__ import annotations

import json
import sys
from types import FrameType
from typing import Any

import pytest

from checks.asking import NOW, found, told
from wizard import onlyyou, resources, search
from wizard.checks import FAMILIES, LOOKS, left
from wizard.store import bundled
from wizard.structure import Tree
from wizard.survey import Survey, survey

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.shop.net
spec:
  description: Reached by https://<name>.example.com, or so
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {0}\nstringData:\n  key: CHANGEME_{0}\n"
BUNDLE = f"""\
# All in one
---
{DEFINITION}---
kind: Secret
apiVersion: v1
metadata: {{name: one, namespace: shop}}
stringData: {{key: CHANGEME_ONE}}
---
apiVersion: v1
"kind": Secret
metadata: {{name: one, namespace: shop}}
---
apiVersion: v1
kind: List
items:
  - {{kind: Secret, metadata: {{name: one, namespace: shop}}}}
  - {{kind: Service, metadata: {{name: two}}}}
---
just: values
...
---
---
apiVersion: v1
kind: Service  # in front of it all
metadata: {{name: two}}
"""


def _surveyed(files: dict[str, str]) -> Survey:
    return survey(Tree({path: text.encode() for path, text in files.items()}), None, NOW)


def test_what_no_rule_needs_is_not_parsed() -> None:
    seen = _surveyed(
        {"definition.yaml": DEFINITION, "role.yaml": "kind: Role\nmetadata: {name: a}\n", "s.yaml": SECRET.format("A")}
    )
    assert [each.line for each in left.findings(seen)] == [6]
    assert [each.name for each in seen.of_kind("Secret", "NetworkPolicy")] == ["A"]
    assert [each.path for each in seen.every if each.is_parsed] == ["s.yaml"]


def test_what_is_broken_is_told_where_nobody_needs_it() -> None:
    text = f"{SECRET.format('ONE')}---\n{DEFINITION}  broken: [\n"
    assert told(text, "unparseable") == [f"a.yaml:{text.count(chr(10)) + 1}"]
    alone = {"a.yaml": SECRET.format("ONE"), "b.yaml": "kind: [\n", "mkdocs.yaml": "plugins: [\n"}
    findings = [each for each in found(alone) if each.id == "unparseable"]
    assert [(each.file, each.line, each.severity) for each in findings] == [
        ("b.yaml", 2, "error"),
        ("mkdocs.yaml", 2, "warning"),
    ]


OTHERS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop-{0}, namespace: shop, labels: {{app: shop-{0}}}}}
spec:
  template:
    metadata: {{labels: {{app: shop-{0}}}}}
    spec:
      volumes: [{{name: config, configMap: {{name: shop-{0}}}}}]
      containers:
        - name: shop
          image: registry.shop.net/shop:1.{0}
          volumeMounts: [{{name: config, mountPath: /etc/config}}]
          env: [{{name: KEY, valueFrom: {{secretKeyRef: {{name: gone-{0}, key: key}}}}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: shop-{0}, namespace: shop}}
data: {{LEVEL: info}}
---
apiVersion: v1
kind: Service
metadata: {{name: shop-{0}, namespace: shop, labels: {{old: 0123}}}}
spec: {{selector: {{app: shop-{0}}}, selector: {{app: shop-{0}}}}}
"""


def test_what_is_seen_in_one_object_alone_is_told_and_nothing_else_of_it_is_kept() -> None:
    theirs = {f"shop/{number}.yaml": OTHERS.format(number).encode() for number in range(40)}
    beside = {"shop/secret.yaml": b"kind: Secret\nmetadata: {name: shop, namespace: shop}\nstringData: {a: b}\n"}
    ours = {f"matrix/{path}": data for path, data in bundled().items()}
    for looks in (LOOKS, ()):
        seen = survey(Tree({**ours, **theirs, **beside}), None, NOW, looks=looks)
        findings = [each for family in FAMILIES for each in family(seen) if each.file.startswith("shop/")]
        onlyyou.of(seen)
        for rule in ("reference-missing", "not-a-string", "key-twice"):
            assert sum(each.id == rule for each in findings) == len(theirs), rule
        assert [each.path for each in seen.every if each.is_parsed and each.path in theirs] == []


def test_the_first_finding_waits_for_no_later_file() -> None:
    text = "kind: ConfigMap\nmetadata: {name: a}\ndata: {word: CHANGEME_WORD}\n"
    seen = _surveyed({f"{each}.yaml": text for each in "abc"})
    told = left.findings(seen)
    assert next(told).file == "a.yaml"
    assert [each.path for each in seen.every if each.is_parsed] == ["a.yaml"]
    assert [each.file for each in told] == ["b.yaml", "c.yaml"]


def test_what_is_left_is_told_in_the_order_of_the_places() -> None:
    files = {f"{each}.yaml": f"# CHANGEME\n{SECRET.format(each.upper())}" for each in "cab"}
    places = [(each.file, each.line) for each in left.findings(_surveyed(files))]
    assert places == sorted(places)
    assert len(places) == 6


@pytest.mark.parametrize(
    "kinds", [{"Secret"}, {"Service"}, {""}, {"Secret", ""}, {"CustomResourceDefinition"}, {"Role"}]
)
def test_some_documents_alone_are_read_as_among_all(kinds: set[str]) -> None:
    some, every = resources.read("a.yaml", BUNDLE.encode()), resources.read("a.yaml", BUNDLE.encode())
    assert some is not None
    assert every is not None
    wanted = [each for each in every.resources if each.kind in kinds]
    apart = some.some(kinds)
    assert some.parsed < len(every.parts)
    assert [(each.ref, each.index, each.node) for each in apart] == [
        (each.ref, each.index, each.node) for each in wanted
    ]
    assert [each.span for each in apart] == [each.span for each in wanted]
    assert all(one is other for one, other in zip(apart, [r for r in some.resources if r.kind in kinds], strict=True))


def test_a_place_is_told_exactly_in_a_file_of_many_documents() -> None:
    places = [f"{each.file}:{each.line}:{each.column}" for each in found(BUNDLE) if each.id == "placeholder-left"]
    line = BUNDLE[: BUNDLE.index("CHANGEME_ONE")].count("\n") + 1
    column = BUNDLE.splitlines()[line - 1].index("CHANGEME_ONE") + 1
    assert places == [f"a.yaml:{line}:{column}"]


@pytest.mark.parametrize("kind", ["${KIND}", '"{{ .Values.kind }}"', '"<<"', "'@a'", "Se-cret", '"Secr\\u0065t"'])
def test_an_object_of_any_kind_has_its_number(kind: str) -> None:
    text = f"kind: {kind}\nmetadata: {{name: a}}\nspec: {{password: CHANGEME_A}}\n"
    (one, two) = [each for each in found(f"{text}---\n{text}") if each.id == "placeholder-left"]
    assert (one.line, two.line) == (3, 7)


def test_a_kind_that_is_no_plain_word_is_looked_into() -> None:
    secret = resources.read("a.yaml", b'apiVersion: v1\nkind: "\\x53ecret"\nmetadata: {name: a}\n')
    assert secret is not None
    assert [each.ref for each in secret.some({"Secret"})] == ["Secret//a"]


def test_a_number_among_twins_outlives_what_was_read() -> None:
    manifest = resources.read("a.yaml", f"{SECRET.format('A')}---\n{SECRET.format('A')}".encode())
    assert manifest is not None
    kept = manifest.some({"Secret"})
    manifest.forget()
    assert [each.ref for each in kept] == ["Secret//A", "Secret//A#2"]


# Objects that a rule asks for, and which nothing else of their file makes worth reading.
CRON = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: sync, namespace: matrix}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: li-sync}}, spec: {containers: [
  {name: s, image: a/b, env: [{name: PORT, value: 8008}]}]}}}}}
"""
KINDS = ("Job", "CronJob", "Pod", "Service", "Certificate", "ExternalSecret", "SealedSecret", "ServiceAccount")


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_found_by_its_kind_in_a_file_of_its_own(kind: str) -> None:
    seen = _surveyed({"a.yaml": f"kind: {kind}\nmetadata: {{name: it}}\n", "b.yaml": DEFINITION})
    assert [each.ref for each in seen.of_kind(kind)] == [f"{kind}//it"]


def test_what_is_told_does_not_depend_on_how_objects_share_files() -> None:
    policy = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: sync, namespace: matrix}\n"
        "spec: {podSelector: {matchLabels: {app: li-sync}}}\n"
    )
    pair = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: t, namespace: m}\ntype: kubernetes.io/tls\n"
        "stringData: {tls.crt: old, tls.key: old}\n"
    )
    maker = (
        "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: t, namespace: m}\nspec: {secretName: t}\n"
    )
    deployment = "kind: Deployment\nmetadata: {name: a, namespace: matrix}\n"
    every = [CRON, policy, pair, maker, deployment]
    apart = {each.id for each in found({f"{number}.yaml": text for number, text in enumerate(every)})}
    assert apart == {each.id for each in found("---\n".join(every))}
    assert "not-a-string" in apart
    assert apart.isdisjoint({"policy-idle", "tls-malformed"})


def _steps(text: str) -> int:
    """Return how many lines of the objects and of the search checking *text* takes, which no busy machine changes.

    Each item that a comprehension looks at counts as one."""
    files, taken = {resources.__file__, search.__file__}, 0

    def count(_frame: FrameType, _event: str, _what: Any) -> Any:
        nonlocal taken
        taken += 1
        return count

    before = sys.gettrace()
    sys.settrace(lambda frame, _event, _what: count if frame.f_code.co_filename in files else None)
    try:
        found(text)
    finally:
        sys.settrace(before)
    return taken


ITEM = "- {{kind: Secret, metadata: {{name: s{0}, namespace: m}}, stringData: {{k: CHANGEME_{0}}}}}\n"


@pytest.mark.parametrize(
    ("head", "each"),
    [
        ("kind: List\nitems:\n", ITEM),
        ("", "---\n" + SECRET),
        ("kind: Secret\nmetadata: {name: a}\nstringData:\n", "  MACAROON_SECRET_{0}: CHANGEME_{0}\n"),
    ],
    ids=["items", "documents", "entries"],
)
def test_twice_as_much_takes_twice_the_work(head: str, each: str) -> None:
    found(head + each.format(0))  # what is made once is made
    one, two = (_steps(head + "".join(map(each.format, range(count)))) for count in (100, 200))
    assert two < 2.2 * one


def _job(image: str, script: str) -> str:
    variable = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}
    container = {"name": "job", "image": image, "command": ["sh", "-c", script], "env": [variable]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    return json.dumps({"kind": "Job", "metadata": {"name": "job"}, "spec": {"template": {"spec": pod}}})


@pytest.mark.parametrize(
    ("rule", "image", "script"),
    [
        ("sed-breaks", "registry.shop.net/tools:1.0", "set -e\nsed -i s/@PW@/${DB_PASSWORD}/ /f"),
        ("sed-breaks", "registry.shop.net/tools:1.0", "set -e\tsed -i s/@PW@/${DB_PASSWORD}/ /f"),
        ("secret-in-words", "registry.shop.net/mc:1.0", "mc config host add store http://s:9000 root ${DB_PASSWORD}"),
    ],
)
def test_a_container_is_looked_at_by_any_of_its_words(rule: str, image: str, script: str) -> None:
    secret = "kind: Secret\nmetadata: {name: db}\nstringData: {password: a/b&c}\n"
    findings = [each.id for each in found({"job.json": _job(image, script), "db.yaml": secret})]
    assert rule in findings
    assert rule not in [each.id for each in found({"job.json": _job(image, "true"), "db.yaml": secret})]


def test_a_name_that_no_file_can_hold_is_named_nowhere() -> None:
    mounts, volume = [{"name": "c", "mountPath": "/c"}], {"name": "c", "configMap": {"name": "c\ud800"}}
    container = {"name": "s", "image": "matrixdotorg/synapse:v1", "volumeMounts": mounts}
    pod = {"metadata": {"labels": {"app": "a\ud800b"}}, "spec": {"containers": [container], "volumes": [volume]}}
    deployment = {"kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": pod}}
    beside = "kind: ConfigMap\nmetadata: {name: other}\n---\nkind: Service\nmetadata: {name: d}\nspec: {}\n"
    secret = {"kind": "Secret", "metadata": {"name": "s\ud800"}, "stringData": {"a": "bcdefgh"}}
    findings = found({"d.json": json.dumps(deployment), "b.yaml": beside, "s.json": json.dumps(secret)})
    assert "unparseable" not in [each.id for each in findings]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("data: {<name>: v}\n", True),
        ("data:\n  CHANGEME_KEY : v\n", True),
        ("data: {'a.example.com/b': v}\n", True),
        ("data: {xxxxa: v}\n", True),
        ("data: {key: <name>}\n", False),
        ("base: &b {a: v}\ndata: {<<: *b, key: CHANGEME_X}\n", False),
        (f"data: {{key: {'x' * 400_000}}}\n", False),  # each hit in the run would be followed to its end
        (f"data: {{key: {'<a' * 200_000}}}\n", False),
    ],
)
def test_a_key_with_a_word_of_a_placeholder_is_seen_in_one_pass(text: str, is_one: bool) -> None:
    manifest = resources.read("a.yaml", text.encode())
    assert manifest is not None
    assert manifest.has_keys is is_one
