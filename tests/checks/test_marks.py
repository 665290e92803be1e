"""What a rule accepts it finds, in whatever spelling: no scan of the bytes passes by what the rule would have told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from wizard import weak

from .asking import found, told
from .lihosts import ALONE, ingress, joined, synapse
from .test_databases import OWNER, VAULT, cluster
from .test_element import BOTH, MAIN, element
from .test_references import EXTERNAL, MATRIX, WHOLE
from .test_serverfacts import READ_ONLY, TENANT, entry, pod
from .test_synapsefacts import synapse as of_synapse

SYNAPSE = pod("matrixdotorg/synapse:v1.163.2")


def hidden(key: str, text: str, name: str = "it", namespace: str = "matrix") -> str:
    """Return a Secret with *text* in base64."""
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"data: {{{key}: {base64.b64encode(text.encode()).decode()}}}\n"
    )


def in_base64(config: str) -> str:
    """Return the Secret that holds in base64 what a ConfigMap of Element's says."""
    text = "".join(line.strip() for line in config.partition("config.json: |\n")[2].removesuffix("---\n").splitlines())
    return hidden("config.json", text, "element-li", "m")


@pytest.mark.parametrize(
    ("files", "rule", "place"),
    [
        (
            {"a.yaml": SYNAPSE, "values.yaml": "image:\n  registry: docker.io/bitnami\n  repository: redis\n"},
            "image-gone",
            "values.yaml:3",
        ),
        (
            {"redis-values.yaml": "architecture: standalone\nauth: {enabled: false}\n"},
            "redis-open",
            "redis-values.yaml:2",
        ),
        (
            {"redis/values.json": '{"architecture": "standalone",\n"auth": {"enabled": false}}\n'},
            "redis-open",
            "redis/values.json:2",
        ),
        (
            {"li.yaml": ingress(), "ingress-nginx-values.yaml": "controller: {service: {type: LoadBalancer}}\n"},
            "li-address-lost",
            "ingress-nginx-values.yaml:1",
        ),
        (
            {"li.yaml": ingress(), "values.yaml": "controller:\n  allowSnippetAnnotations: true\n"},
            "li-address-lost",
            "values.yaml:2",
        ),
        ({"a.yaml": TENANT + hidden("url", "http://minio.matrix.svc:9000")}, "minio-url", "a.yaml:12"),
        (
            {
                "a.yaml": TENANT,
                "b.json": '{"apiVersion": "v1", "kind": "ConfigMap",\n"metadata": {"name": "it"},\n'
                '"data": {"url": "http:\\/\\/minio.matrix.svc:9000"}}\n',
            },
            "minio-url",
            "b.json:3",
        ),
        (
            {"a.yaml": TENANT + entry("config.json", '{"url": "http:\\/\\/minio.matrix.svc:9000\\/a"}')},
            "minio-url",
            "a.yaml:15",
        ),
        ({"a.yaml": BOTH, "b.yaml": in_base64(element("li", MAIN))}, "li-element-main", "b.yaml:4"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_fault_is_told_however_it_is_spelled(files: dict[str, str], rule: str, place: str) -> None:
    assert told(files, rule) == [place]


POLICY = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "a", "namespace": "matrix"}}


def test_a_policy_of_another_kind_is_one_in_json_and_behind_an_anchor() -> None:
    li = {"li.yaml": joined(synapse())}
    assert told(li, "policy-missing") == ["li.yaml:1"]
    assert told({**li, "b.json": json.dumps(POLICY)}, "policy-missing") == []
    assert told({**li, "b.json": json.dumps(POLICY, separators=(",", ":"))}, "policy-missing") == []
    anchored = "apiVersion: cilium.io/v2\nkind: &k CiliumNetworkPolicy\nmetadata: {name: a, namespace: matrix}\n"
    assert told({**li, "b.yaml": anchored}, "policy-missing") == []


@pytest.mark.parametrize("kind", ["&k ExternalSecret", "!!str ExternalSecret", '&k "ExternalSecret"'])
def test_a_secret_that_an_object_has_made_is_not_missing(kind: str) -> None:
    files = {**WHOLE, "secret.yaml": MATRIX}
    assert told(files, "reference-missing") == ["app.yaml:13"]
    maker = EXTERNAL.replace("kind: ExternalSecret", f"kind: {kind}")
    assert maker != EXTERNAL and told({**files, "maker.yaml": maker}, "reference-missing") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("foo: {adminPassword: admin}\n", 1),
        ("foo: {adminPassword: admin, b: c}\n", 1),
        ("adminPassword: admin", 1),
        ("adminPassword: &a admin\n", 1),
        ("adminPassword: !!str admin\n", 1),
        ("adminPassword: !!str &a 'admin'\n", 1),
        ("adminPassword:\n  admin\n", 2),
        ("adminPassword: >-\n  admin\n", 2),
        ("adminPasswordString: admin\n", 1),
        ("apiToken: changeit\n", 1),
        ("clientSecret: changeit\n", 1),
        ("api/key: changeit\n", 1),
        ('{"signing__key":"changeit"}\n', 1),
        ("a: |\n  requirepass redis\n  port 6379\n", 2),
    ],
)
def test_a_well_known_text_is_told_in_a_file_without_objects(text: str, line: int) -> None:
    assert told({"values.yaml": text}, "weak-default") == [f"values.yaml:{line}"]


def test_a_scan_for_well_known_texts_passes_by_what_names_a_secret() -> None:
    assert not weak.may_hold(
        b"  passwordSecretRef:\n    default: a\n  token: administrator-of-all\n  pass: the-secret\n"
    )


@pytest.mark.parametrize("key", ["API__KEY", "api/key", "api-.-key", "API_SECURE_KEY", "signing key"])
def test_a_well_known_text_is_told_by_a_key_of_any_separators(key: str) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  {key}: changeit\n"
    assert told(text, "weak-default") == ["a.yaml:5"]
    assert told(text.replace("changeit", "Tq7vXh2LmW9c"), "weak-default") == []


def in_json(text: str) -> str:
    """Return a ConfigMap in JSON with *text*, whose line ends are escapes there."""
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it", "namespace": "chat"}}
    return json.dumps({**head, "data": {"a.sql": text}})


@pytest.mark.parametrize(
    ("text", "unmade"),
    [
        ("SELECT 1;\nCREATE ROLE key_vault LOGIN;\nCREATE DATABASE keyvault;\n", 0),
        ('CREATE ROLE\n  key_vault\nLOGIN;\nCREATE\nDATABASE "keyvault";\n', 0),
        ("CREATE ROLE key_vault\n", 1),
        ("createuser $ROLE\n", 0),
        ("SELECT 1;\n", 2),
    ],
)
@pytest.mark.parametrize("spelled", [in_json, lambda text: hidden("a.sql", text)], ids=["json", "base64"])
def test_a_role_that_a_script_makes_is_not_unmade_however_the_script_is_spelled(
    text: str, unmade: int, spelled: Callable[[str], str]
) -> None:
    assert len(told({"a.yaml": cluster() + VAULT, "b.yaml": spelled(text)}, "role-unmade")) == unmade


def test_a_script_in_base64_may_say_what_lets_a_statement_pass() -> None:
    tree = {"a.yaml": READ_ONLY + entry("a.sql", "ALTER SUBSCRIPTION s ENABLE;")}
    assert told(tree, "read-only-blocks") == ["a.yaml:7"]
    way = hidden("a.sh", "psql -c 'SET default_transaction_read_only = off'")
    assert told({**tree, "b.yaml": way}, "read-only-blocks") == []
    tree = {"a.yaml": cluster(secret="") + OWNER}
    assert len(told(tree, "owner-password-unknown")) == 1
    assert told({**tree, "b.yaml": hidden("a.sh", "kubectl get secret main-app")}, "owner-password-unknown") == []


BACKED_UP = (
    "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: %s, namespace: matrix}\n"
    "spec: {backup: {retentionPolicy: %sd}}\n"
)
LONG = "9" * 5000  # digits: more than Python makes a number of


def kept(days: str, instance: str) -> str:
    """Return the configuration of an instance that keeps media for so many *days*."""
    return synapse(f"{ALONE}\nmedia_retention: {{local_media_lifetime: {days}d}}", instance)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (
            joined(kept(LONG, "li"), kept("7", "main")),
            [],
        ),
        (
            joined(kept("7", "li"), kept(LONG, "main")),
            ["li-retention"],
        ),
        (
            joined(*(BACKED_UP % (name, of) for name, of in (("main-db", 30), ("li-db", LONG)))),
            [],
        ),
        (of_synapse("server_name: corp.net\nform_secret_path: /data/form", tag=f"v1.{LONG}.0"), []),
    ],
    ids=["li", "main", "backups", "image"],
)
def test_a_number_of_thousands_of_digits_is_looked_at(text: str, rules: list[str]) -> None:
    assert [each.id for each in found(text) if each.id == "li-retention"] == rules


@pytest.mark.parametrize(
    ("script", "rule"),
    [
        ("A1=b\n" * 100_000 + "true; envsubst < a > b\n", "command-missing"),
        ("redis-cli " * 100_000 + "; redis-cli -a $PASS", "secret-in-words"),
        ("mc ls " * 100_000 + "; mc alias set a $PASS", "secret-in-words"),
    ],
    ids=["envsubst", "redis-cli", "mc"],
)
def test_a_long_script_is_gone_through_once(script: str, rule: str) -> None:
    """Of a search that takes the square of the length nobody would see the end."""
    env = "env: [{name: PASS, valueFrom: {secretKeyRef: {name: keys, key: word}}}]"
    text = pod("matrixdotorg/synapse:v1.163.2", f"command: [sh, -c, {json.dumps(script)}]\n{env}")
    assert len(told(text, rule)) == 1
