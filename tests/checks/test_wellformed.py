"""Keys that stand twice: each fault beside its near miss."""

from __future__ import annotations

import pytest

from checks.asking import found, told

SECRET = """kind: Secret
metadata:
  name: app
  namespace: matrix
stringData:
  password: one-password
  other: two
  password: another
"""


def test_a_key_that_stands_twice_in_a_secret_is_told_with_both_lines() -> None:
    (finding,) = [each for each in found(SECRET) if each.id == "key-twice"]
    assert (finding.severity, finding.line, finding.column) == ("error", 8, 3)
    assert "Secret/matrix/app: the key password" in finding.message and "line 6" in finding.message
    assert "another" not in finding.message


def test_keys_of_two_mappings_and_of_two_documents_are_no_doubles() -> None:
    assert told(SECRET.replace("  password: another", "  Password: another"), "key-twice") == []
    assert told(SECRET.replace("  password: another", "---\n" + SECRET[:90]), "key-twice") == []
    merged = "kind: ConfigMap\nmetadata: {name: a}\na: &a {x: '1'}\nb: &b {y: '1'}\ndata:\n  <<: *a\n  <<: *b\n"
    assert told(merged, "key-twice") == []


def test_equal_doubles_and_those_of_other_kinds_are_warnings() -> None:
    equal = SECRET.replace("another", "one-password")
    deployment = "kind: Deployment\nmetadata:\n  name: a\n  labels: {a: b}\n  labels: {c: d}\n"
    assert [each.severity for each in found(equal) if each.id == "key-twice"] == ["warning"]
    assert [(each.severity, each.line) for each in found(deployment) if each.id == "key-twice"] == [("warning", 5)]
    assert told(deployment.replace("Deployment", "Widget"), "key-twice") == []


def test_templates_repeat_keys_in_their_branches() -> None:
    template = SECRET.replace("  other", "  {{- if .x }}\n  other").replace(
        "  password: an", "  {{- end }}\n  password: an"
    )
    assert told(template, "key-twice") == []


def test_a_key_in_both_maps_of_a_secret() -> None:
    both = SECRET.replace("  password: another", "data:\n  password: c3dvcmRmaXNo")
    assert [(each.severity, each.line) for each in found(both) if each.id == "key-twice"] == [("warning", 9)]
    same = both.replace("c3dvcmRmaXNo", "b25lLXBhc3N3b3Jk")
    assert told(same, "key-twice") == []


HOMESERVER = """kind: ConfigMap
metadata:
  name: synapse-config
data:
  homeserver.yaml: |
    server_name: chat-corp.net
    database:
      name: psycopg2
    enable_registration: false
    database:
      name: sqlite3
"""


def test_an_option_that_stands_twice_in_synapses_configuration() -> None:
    (finding,) = [each for each in found(HOMESERVER) if each.id == "key-twice"]
    assert (finding.severity, finding.line, finding.column) == ("warning", 10, 5) and "line 7" in finding.message
    assert told(HOMESERVER.replace("    database:\n      name: sqlite3\n", ""), "key-twice") == []
    assert told(HOMESERVER.replace("server_name", "name"), "key-twice") == [], "somebody else's configuration"


BROKEN = "kind: Deployment\nmetadata:\n  name: a\nspec:\n  key: value: twice\n"


@pytest.mark.parametrize(
    "statement",
    ["  {% if DEBUG %}\n", "  # {{- if .Values.debug }}\n", '  note: "{{ .Release.Name }}"\n', "  {{- toYaml .a }}\n"],
)
def test_what_another_program_makes_yaml_of_is_a_warning_where_it_is_none_yet(statement: str) -> None:
    findings = [each for each in found(BROKEN.replace("  name", f"{statement}  name")) if each.id == "unparseable"]
    assert [(each.severity, each.line) for each in findings] in ([("warning", 6)], [("warning", 3)])
    (other,) = [each for each in found(f"# {statement.strip()}\n---\n{BROKEN}") if each.id == "unparseable"]
    assert other.severity == "error", "a template in another document of the file is no excuse"


@pytest.mark.parametrize("text", [BROKEN, BROKEN.replace("value", '"{{ $labels.instance }}"')])
def test_a_broken_document_is_an_error_whatever_stands_in_its_texts(text: str) -> None:
    findings = [each for each in found(text) if each.id == "unparseable"]
    assert [(each.severity, each.line) for each in findings] == [("error", 5)]


@pytest.mark.parametrize("kind", ["???", "<KIND>", "Web-Site", "'a b'"])
def test_an_object_of_a_kind_that_is_no_word_is_read_as_any_other(kind: str) -> None:
    exercise = f"kind: {kind}\nmetadata:\n  name: a\nspec:\n  host: chat.example.com\n"
    assert told(exercise, "placeholder-left")[-1] == "a.yaml:5"


def test_an_alias_of_no_anchor_is_no_yaml_and_its_name_is_not_shown() -> None:
    text = (
        SECRET.replace("another", "*Xk29LmQp77ZtRw31Bn")
        .replace("two", "&two two")
        .replace("  password: one-", "  it: ")
    )
    (finding,) = [each for each in found(text) if each.id == "unparseable"]
    assert (finding.severity, finding.line, finding.column) == ("error", 8, 13)
    assert "Xk29" not in finding.message + finding.fix
    assert told(text.replace("*Xk29LmQp77ZtRw31Bn", "*two"), "unparseable") == []
    assert told(text.replace("*Xk29LmQp77ZtRw31Bn", "'*Xk29LmQp77ZtRw31Bn'"), "unparseable") == []
    later = text.replace("*Xk29LmQp77ZtRw31Bn", "*three\n  third: &three it")
    assert told(later, "unparseable") == ["a.yaml:8"], "an anchor behind it is none"
