"""Base64 that is missing, broken, or one too many: each beside its near miss."""

from __future__ import annotations

import base64
import json

import pytest

from checks.asking import found, told
from wizard import mint


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(section: str, *entries: str, name: str = "app", more: str = "") -> str:
    lines = "".join(f"  {entry}\n" for entry in entries)
    return f"kind: Secret\nmetadata:\n  name: {name}\n  namespace: matrix\n{more}{section}:\n{lines}"


def signing_key() -> str:
    return mint.make(mint.Recipe("signing-key")).reveal().rstrip("\n")


KEY = "signing.key"
POD = """---
kind: Deployment
metadata: {name: app, namespace: matrix}
spec:
  template:
    spec:
      containers:
        - name: app
          image: app:1
          READ
"""
BY_VARIABLE = POD.replace("READ", "env: [{name: P, valueFrom: {secretKeyRef: {name: app, key: password}}}]")
BY_ENVIRONMENT = POD.replace("READ", "envFrom: [{secretRef: {name: app}}]")
BY_OTHER_KEY = BY_VARIABLE.replace("key: password", "key: other")


def test_data_that_is_no_base64_is_an_error_and_open_texts_are_none() -> None:
    broken = secret("data", "a: c2VjcmV0", "b: s3cret!pass", "c: c2VjcmV0Cg", "d: ''")
    assert told(broken, "base64-missing") == ["a.yaml:7", "a.yaml:8"], "b is raw, c lacks its padding"
    near = secret("data", "a: ${FROM_CI}", "b: <path:kv/data/x#y>", "c: CHANGEME_PASSWORD", "d: ENC[AES256_GCM,x]")
    assert told(near, "base64-missing") == []
    near = secret("data", "a: $FROM_CI", "b: '<from the store>'", "c: __FROM_CI__")
    assert told(near, "base64-missing") == []
    assert told(secret("stringData", "b: s3cret!pass"), "base64-missing") == []
    assert told(secret("data", "b: {{ .Values.password | b64enc }}", "c: s3cret!"), "base64-missing") == []


def test_folded_base64_is_refused_by_the_server_and_a_literal_block_only_by_others() -> None:
    text = encoded("a secret that is long enough to be broken in two")
    half = len(text) // 2
    folded = secret("data", f"a: {text[:half]}", f"   {text[half:]}")
    (finding,) = [each for each in found(folded) if each.id == "base64-wrapped"]
    assert (finding.severity, finding.line) == ("error", 6)
    literal = secret("data", "a: |", f"  {text[:half]}", f"  {text[half:]}")
    (finding,) = [each for each in found(literal) if each.id == "base64-wrapped"]
    assert (finding.severity, finding.line) == ("warning", 6)
    assert told(secret("data", "a: |", f"  {text}"), "base64-wrapped") == [], "one line, with a line end behind it"
    assert told(secret("data", f'a: "{text[:half]}\\', f'    {text[half:]}"'), "base64-wrapped") == []


def test_base64_in_string_data_is_an_error_where_the_text_has_one_form() -> None:
    key = signing_key()
    broken = secret("stringData", f"{KEY}: {encoded(key)}", name="synapse-secrets")
    (finding,) = [each for each in found(broken) if each.id == "base64-in-plain"]
    assert (finding.severity, finding.line) == ("error", 6) and "a signing key" in finding.message
    assert told(secret("stringData", f"{KEY}: {key}", name="synapse-secrets"), "base64-in-plain") == []
    assert told(secret("data", f"{KEY}: {encoded(key)}", name="synapse-secrets"), "base64-twice") == []
    twice = secret("data", f"{KEY}: {encoded(encoded(key))}", name="synapse-secrets")
    assert told(twice, "base64-twice") == ["a.yaml:6"] and told(twice, "base64-in-plain") == []
    assert [each.severity for each in found(twice) if each.id == "base64-twice"] == ["error"]


def test_a_copy_that_is_encoded_twice_is_named_so() -> None:
    word = mint.make(mint.Recipe("password", 40)).reveal()
    one = secret("stringData", f"DB_PASSWORD: {word}", name="synapse-secrets")

    def other(text: str) -> str:
        return secret("data", f"password: {text}", name="synapse-db-credentials")

    twice = {"a.yaml": one, "b.yaml": other(encoded(encoded(word)))}
    assert told(twice, "base64-twice") == ["b.yaml:6"] and told(twice, "base64-in-plain") == []
    once = {"a.yaml": one, "b.yaml": other(encoded(word))}
    assert told(once, "base64-twice") == [] and told(once, "base64-in-plain") == []


def test_base64_of_any_text_is_a_warning_unless_its_key_says_so_or_it_is_random() -> None:
    text = encoded("a pass phrase of ours")
    assert [(each.id, each.severity) for each in found(secret("stringData", f"token: {text}"))] == [
        ("base64-in-plain", "warning")
    ]
    assert told(secret("stringData", f"TOKEN_BASE64: {text}"), "base64-in-plain") == []
    assert (
        told(secret("stringData", f"token: {base64.b64encode(bytes(range(120, 152))).decode()}"), "base64-in-plain")
        == []
    )
    assert told(secret("data", f"token: {encoded(encoded('a pass phrase of ours'))}"), "base64-twice") == ["a.yaml:6"]


def test_made_passwords_are_never_taken_for_base64() -> None:
    words = [mint.make(mint.Recipe("password", 40)).reveal() for _ in range(300)]
    assert (
        told(secret("stringData", *(f"p{number}: {word}" for number, word in enumerate(words))), "base64-in-plain")
        == []
    )


def test_a_copy_that_is_the_base64_of_the_other_copy() -> None:
    """The checklist's own command for stringData (FACTS 10, 2.2): sed with the output of base64."""
    password = mint.make(mint.Recipe("password", 40)).reveal()
    main = secret("stringData", f"DB_PASSWORD: {password}", name="synapse-secrets")
    other = secret("stringData", f"password: {encoded(password)}", name="synapse-db-credentials")
    assert told({"a.yaml": main, "b.yaml": other}, "base64-in-plain") == ["b.yaml:6"]
    other = secret("data", f"password: {encoded(password)}", name="synapse-db-credentials")
    assert told({"a.yaml": main, "b.yaml": other}, "base64-in-plain") == []


@pytest.mark.parametrize(
    ("tree", "lines"),
    [
        (secret("data", f"password: {encoded('swordfish-9')}") + BY_VARIABLE, []),
        (secret("data", f"password: {encoded('swordfish-9' + chr(10))}") + BY_VARIABLE, ["a.yaml:6"]),
        (secret("data", f"password: {encoded('swordfish-9' + chr(10))}") + BY_ENVIRONMENT, ["a.yaml:6"]),
        (secret("data", f"password: {encoded('swordfish-9' + chr(10))}") + BY_OTHER_KEY, []),
        (secret("data", f"password: {encoded('one' + chr(10) + 'two' + chr(10))}") + BY_VARIABLE, []),
        (secret("stringData", "password: |", "  swordfish-9") + BY_VARIABLE, ["a.yaml:6"]),
        (secret("stringData", "a.key: |", "  swordfish-9") + BY_ENVIRONMENT, []),
        (secret("stringData", "password: |-", "  swordfish-9") + BY_VARIABLE, []),
        (secret("stringData", "password: |", "  swordfish-9", more="type: kubernetes.io/basic-auth\n"), ["a.yaml:7"]),
    ],
    ids=["none", "variable", "envFrom", "another", "lines", "block", "file", "stripped", "basic-auth"],
)  # fmt: skip
def test_a_line_end_in_a_secret_that_its_reader_keeps(tree: str, lines: list[str]) -> None:
    assert told(tree, "trailing-newline") == lines


def test_no_finding_holds_what_it_is_about() -> None:
    password, key = mint.make(mint.Recipe("password", 40)).reveal(), signing_key()
    tree = secret("stringData", f"{KEY}: {encoded(key)}", f"DB_PASSWORD: {encoded(password)}", name="synapse-secrets")
    tree += "---\n" + secret("data", f"password: {password}!", name="synapse-db-credentials")
    said = json.dumps([(each.message, each.fix) for each in found(tree)])
    assert not any(text in said for text in (password, encoded(password), key, encoded(key)))
