"""What YAML makes of texts without quotes: each fault beside its near miss, and our tables beside the real parsers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks.asking import found, told
from wizard import yamltypes

FORMS = """
1e5 1e+5 1.5e3 12:30 1:2:3.5 017 08 0o17 123_456 1__2 0x1F 0b1 .5 5. +1 -1 -0 1_000.5 2020-01-01 12:60 00 -08 1:20:30.15
2001-12-14t21:59:43.10-05:00 y Y n yes No ON off TRUE null ~ Null = 0x1p-2 1E400 1,000 12e03 685_230.15 0o 0x 1. 1.e5
+.5 _1 1_ a1 b-c 10.0.0.1 10.0.0.0/8 1.2.3 v1 12a 1e5x 0xG 12:ab 2020-13 12-34 e5 1-2 a_b true1 Inf nan infinity 1d 5m
100Mi 0123 09 1e 0_1 0x_1 1_e5 . -.5 +0x1F -0b1 0B1 0X1F 0O17 yES 1.5.2 .5e3 1e-5 .e5 +y ._5 .5_0 -_1 1.0:30 -12:30 0_
0o_1 0:30 08_1 +. -.e3 0b_ 0x1_F ._ -._5 +._5 1_e400 -1e999 0x11111111111111111111 1e308"""
EACH = FORMS.split()
PYYAML = {"int": "a number", "float": "a number", "bool": "a boolean", "null": "nothing", "timestamp": "a date"}


def of_json(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    return "nothing" if value is None else "a number" if isinstance(value, int | float) else "a text"


def test_the_types_are_those_of_the_real_parsers(tmp_path: Path) -> None:
    manifest = tmp_path / "x.yaml"
    data = "".join(f"  k{number}: {form}\n" for number, form in enumerate(EACH))
    manifest.write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n{data}")
    command = ["kubectl", "annotate", "--local", "-o", "json", "-f", str(manifest), "a=b"]
    read = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["data"]
    assert {form: yamltypes.kubectl(form) for form in EACH} == {
        form: of_json(read[f"k{number}"]) for number, form in enumerate(EACH)
    }
    loader: Any = yaml.SafeLoader("")
    tags = {form: loader.resolve(yaml.ScalarNode, form, (True, False)).rpartition(":")[2] for form in EACH}
    assert {form: yamltypes.pyyaml(form) for form in EACH} == {
        form: PYYAML.get(tag, "a text") for form, tag in tags.items()
    }


def secret(*entries: str, name: str = "app", kind: str = "Secret", section: str = "stringData") -> str:
    lines = "".join(f"  {entry}\n" for entry in entries)
    return f"kind: {kind}\nmetadata:\n  name: {name}\n  namespace: matrix\n{section}:\n{lines}"


@pytest.mark.parametrize("form", ["1e5", "0123", "0x1F", "1_000", ".5", "y", "on", "No", "1234567890", ".inf"])
def test_a_text_that_kubectl_takes_for_something_else(form: str) -> None:
    assert told(secret(f"password: {form}"), "not-a-string") == ["a.yaml:6"]
    assert told(secret(f"setting: {form}", kind="ConfigMap", section="data"), "not-a-string") == ["a.yaml:6"]
    assert told(secret(f'password: "{form}"'), "not-a-string") == []
    assert told(secret(f"password: !!str {form}"), "not-a-string") == []
    assert told(secret(f"password: {form}x."), "not-a-string") == []


def test_what_is_nothing_is_an_empty_text_to_the_api_server() -> None:
    assert told(secret("a: ~", "b:", "c: null"), "not-a-string") == []


DEPLOYMENT = """kind: Deployment
metadata:
  name: app
  annotations:
    revision: 3
spec:
  replicas: 2
  template:
    metadata:
      labels:
        version: 1.5
    spec:
      containers:
        - name: app
          env:
            - name: PORT
              value: 8080
            - name: QUOTED
              value: "8080"
          ports:
            - containerPort: 8080
"""


def test_annotations_labels_and_variables_are_texts_and_counts_are_not() -> None:
    assert told(DEPLOYMENT, "not-a-string") == ["a.yaml:5", "a.yaml:11", "a.yaml:17"]
    assert any("env PORT" in each.message for each in found(DEPLOYMENT))
    assert told(DEPLOYMENT.replace("kind: Deployment", "kind: Widget"), "not-a-string") == []
    other = DEPLOYMENT.replace("  replicas: 2", "  strategy: {annotations: {weight: 2}}")
    assert told(other, "not-a-string") == ["a.yaml:5", "a.yaml:11", "a.yaml:17"], "somebody's field of that name"
    assert told(DEPLOYMENT + "x: {{ .Values.x }}\n", "not-a-string") == [], "Helm writes that file anew"


def test_a_key_that_is_a_boolean() -> None:
    assert told(secret("on: text", "only: text"), "key-misread") == ["a.yaml:6"]
    assert told(secret('"on": text', "true: text"), "key-misread") == []


def test_what_only_some_parsers_take_for_a_text() -> None:
    assert told(secret("pin: 12:30", "day: 2024-05-01", "word: 12:ab"), "parsers-disagree") == ["a.yaml:6", "a.yaml:7"]
    assert told(secret("pin: '12:30'"), "parsers-disagree") == []
    assert told(secret("day: 2024-05-01", kind="ConfigMap", section="data"), "parsers-disagree") == []


def homeserver(*options: str) -> str:
    lines = "".join(f"    {option}\n" for option in ("server_name: chat-corp.net", *options))
    return secret("homeserver.yaml: |", kind="ConfigMap", section="data", name="synapse-config") + lines


def test_a_secret_that_synapse_reads_as_a_number() -> None:
    assert told(homeserver("macaroon_secret_key: 12345678901234567890"), "secret-misread") == ["a.yaml:8"]
    assert told(homeserver("macaroon_secret_key: '12345678901234567890'"), "secret-misread") == []
    assert told(homeserver("macaroon_secret_key: 1234567890123456789e"), "secret-misread") == []
    assert told(homeserver("database:", "  args:", "    password: 0123"), "secret-misread") == ["a.yaml:10"]
    assert told(homeserver("form_secret: 1e5"), "secret-misread") == [], "a text to PyYAML, and so to Synapse"
    alone = "server_name: chat-corp.net\nform_secret: 98765432109876543210\n"
    assert told({"homeserver.yaml": alone + "# password: changeme\n"}, "secret-misread") == ["homeserver.yaml:2"]


@pytest.mark.parametrize(
    ("variable", "text", "lines"),
    [
        ("${DB_PASSWORD}", "12345678901234567890", ["a.yaml:10"]),
        ("${DB_PASSWORD}", "sword #fish of the sea", ["a.yaml:10"]),
        ('"${DB_PASSWORD}"', "12345678901234567890", []),
        ("${DB_PASSWORD}", "swordfish-of-the-sea-9", []),
        ("${OTHER}", "12345678901234567890", []),
        ("${DB_PASSWORD}", "CHANGEME_DB_PASSWORD", []),
    ],
)
def test_a_variable_without_quotes(variable: str, text: str, lines: list[str]) -> None:
    tree = homeserver("database:", "  args:", f"    password: {variable}")
    tree += "---\n" + secret(f'DB_PASSWORD: "{text}"', name="synapse-secrets")
    assert told(tree, "unquoted-variable") == lines
