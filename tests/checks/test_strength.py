"""Secrets that are refused or easy to guess: each fault beside its near miss."""

from __future__ import annotations

import json
import secrets

import pytest

from checks.asking import found, told
from wizard import mint


def secret(key: str, text: str, name: str = "synapse-secrets") -> str:
    return f"kind: Secret\nmetadata:\n  name: {name}\n  namespace: matrix\nstringData:\n  {key}: {json.dumps(text)}\n"


def made(size: int = 40) -> str:
    return mint.make(mint.Recipe("password", size)).reveal()


@pytest.mark.parametrize(
    ("name", "key", "text", "near"),
    [
        ("minio-credentials", "CONSOLE_SECRET_KEY", "x7Gq9Lm", "x7Gq9Lm4"),
        ("synapse-secrets", "REPLICATION_SECRET", "two words of 30 characters k4", "two-words-of-30-characters-k4"),
        ("synapse-secrets", "REPLICATION_SECRET", "schl\u00fcssel-of-30-letters-k4", "schluessel-of-30-letters-k4"),
        ("coturn-secrets", "TURN_SECRET", "aB3" * 334, "aB3" * 333),
    ],
    ids=["minio", "blank", "ascii", "line"],
)  # fmt: skip
def test_what_a_server_refuses_is_an_error(name: str, key: str, text: str, near: str) -> None:
    assert told(secret(key, text, name), "secret-refused") == ["a.yaml:6"]
    assert told(secret(key, near, name), "secret-refused") == []


def test_lengths_below_those_of_the_servers_own_complaints() -> None:
    for name, key, least in (
        ("key-vault-secrets", "DJANGO_SECRET_KEY", 50),
        ("livekit-secrets", "API_SECRET", 32),
        ("synapse-secrets", "MACAROON_SECRET", 16),
    ):
        text = (made() + made())[:least]
        assert told(secret(key, text, name), "secret-weak") == [], name
        (finding,) = [each for each in found(secret(key, text[:-1], name)) if each.id == "secret-weak"]
        assert finding.severity == "warning" and str(least) in finding.message and text[:-1] not in finding.message


@pytest.mark.parametrize(
    "text",
    ["aaaaaaaaaaaaaaaaaaaaaaaa", "1111222233334444", "MatrixSynapse2024", "passwordpassword", "admin-password-2025!"],
)
def test_what_is_soon_guessed(text: str) -> None:
    assert told(secret("FORM_SECRET", text), "secret-weak") == ["a.yaml:6"]


def test_a_key_of_djangos_startproject() -> None:
    text = "django-insecure-" + made()
    assert told(secret("DJANGO_SECRET_KEY", text, "key-vault-secrets"), "secret-weak") == ["a.yaml:6"]


def test_what_a_machine_made_is_not_weak() -> None:
    for alphabet in ("0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "abcdefghijklmnopqrstuvwxyz0123456789"):
        for _ in range(20):
            text = "".join(secrets.choice(alphabet) for _ in range(20))
            assert told(secret("FORM_SECRET", text), "secret-weak") == [], text


def test_what_others_gave_and_what_is_open_is_not_judged() -> None:
    assert told(secret("TOKEN", "short", "somebody-elses"), "secret-weak") == []
    assert told(secret("FORM_SECRET", "${FORM_SECRET}"), "secret-weak") == []
    assert told(secret("FORM_SECRET", "CHANGEME"), "secret-weak") == []


@pytest.mark.parametrize("kind", ["ExternalSecret", "ClusterExternalSecret", "PushSecret"])
def test_the_name_of_a_key_is_no_secret(kind: str) -> None:
    external = f"kind: {kind}\nmetadata: {{name: a}}\nspec:\n  data:\n  - secretKey: password\n    password: password\n"
    assert told(external, "weak-default") == ["a.yaml:6"]
    assert told(external.replace(kind, "Widget"), "weak-default") == ["a.yaml:5", "a.yaml:6"]


def test_a_default_in_a_configuration_is_told_in_its_own_line() -> None:
    head = "kind: ConfigMap\nmetadata: {name: a}\ndata:\n  app.yaml: |\n    user: me\n    db:\n"
    assert told(f"{head}      password: 'changeit'\n", "weak-default") == ["a.yaml:7"]
