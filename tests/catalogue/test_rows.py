"""The table of values agrees with itself, with the questions, with what can be made, and with the trees' own tables."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from wizard import catalogue, mint, placeholders, questions, values
from wizard.catalogue import BY_NAME, COMPONENTS, GENERIC_ROLES, ROWS, Kind

TREES = Path(__file__).parents[1] / "trees"


def test_each_name_role_and_host_means_one_value() -> None:
    for listed in (
        [row.name for row in ROWS],
        [role for row in ROWS for role in row.roles],
        [host for row in ROWS for host in row.hosts],
        [row.twin_of for row in ROWS if row.twin_of],
    ):
        assert [each for each, count in Counter(listed).items() if count > 1] == []


def test_each_role_can_come_of_a_token() -> None:
    for row in ROWS:
        for role in row.roles:
            assert placeholders.role(role) == role, row.name


def test_each_row_is_made_of_what_there_is() -> None:
    for row in ROWS:
        assert set(row.inputs) <= BY_NAME.keys(), row.name
        assert not row.answer or row.answer in questions.BY_KEY, row.name
        assert not row.twin_of or row.twin_of in BY_NAME, row.name
        assert not row.part or row.part in {each.name for each in COMPONENTS}, row.name
        assert (row.kind is Kind.DERIVED) == (row.name in values.DERIVATIONS), row.name
        assert row.kind is not Kind.ANSWER or row.answer, row.name
        assert row.kind is not Kind.SECRET or row.make or row.answer, row.name


def test_no_value_is_made_of_itself() -> None:
    def above(name: str, seen: tuple[str, ...]) -> None:
        assert name not in seen
        for each in BY_NAME[name].inputs:
            above(each, (*seen, name))

    for row in ROWS:
        above(row.name, ())


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.make and row.kind is Kind.SECRET and row.make != "rsa"], ids=str
)
def test_each_secret_can_be_made_and_no_two_are_alike(row: catalogue.Row) -> None:
    one, other = (mint.make(mint.Recipe(row.make, row.size or None)).reveal() for _ in range(2))
    assert one != other
    assert len(one) >= 40 or row.make == "livekit-api-key"


def test_a_secret_a_person_gives_is_asked_for_as_one() -> None:
    for row in ROWS:
        if row.kind is Kind.SECRET and row.answer:
            assert questions.BY_KEY[row.answer].secret, row.name


# FACTS 12: the places that hold one secret, spelled out.
MAP = {
    "synapse-db-password": ["synapse-secrets/DB_PASSWORD", "synapse-db-credentials/password"],
    "li-db-password": ["synapse-li-secrets/DB_PASSWORD", "sync-system-secrets/LI_DB_PASSWORD"],
    "replication-password": ["sync-system-secrets/MAIN_DB_PASSWORD"],
    "key-vault-db-password": ["key-vault-secrets/DB_PASSWORD"],
    "redis-password": [
        "redis-password/password", "synapse-secrets/REDIS_PASSWORD", "synapse-li-secrets/REDIS_PASSWORD",
        "livekit-secrets/REDIS_PASSWORD",
    ],
    "s3-password": [
        "minio-credentials/CONSOLE_SECRET_KEY", "minio-credentials/secret-key", "synapse-secrets/S3_SECRET_KEY",
        "synapse-s3-credentials/secret-key", "synapse-li-secrets/S3_SECRET_KEY", "sync-system-secrets/S3_SECRET_KEY",
    ],
    "turn-secret": ["synapse-secrets/TURN_SECRET", "coturn-secrets/TURN_SHARED_SECRET"],
    "key-vault-api-key": ["synapse-secrets/KEY_VAULT_API_KEY", "key-vault-secrets/API_KEY"],
    "signing-key": ["synapse-secrets/signing.key", "synapse-li-secrets/signing.key"],
    "macaroon-secret": ["synapse-secrets/MACAROON_SECRET"],
    "li-macaroon-secret": ["synapse-li-secrets/MACAROON_SECRET"],
    "registration-secret": ["synapse-secrets/REGISTRATION_SECRET"],
    "li-registration-secret": ["synapse-li-secrets/REGISTRATION_SECRET"],
    "form-secret": ["synapse-secrets/FORM_SECRET"],
    "li-form-secret": ["synapse-li-secrets/FORM_SECRET"],
    "li-admin-htpasswd": ["synapse-admin-auth/auth"],
    "django-secret-key": ["key-vault-secrets/DJANGO_SECRET_KEY"],
    "key-vault-rsa-key": ["key-vault-secrets/RSA_PRIVATE_KEY"],
}  # fmt: skip


@pytest.mark.parametrize("name", MAP)
def test_each_known_place_holds_its_value_and_no_other_kind_does(name: str) -> None:
    for place in MAP[name]:
        holder, key = place.split("/")
        found = catalogue.by_place("Secret", holder, key)
        assert found is not None
        assert found.name == name, place
        assert catalogue.by_place("ConfigMap", holder, key) is None
        assert catalogue.by_place("Secret", f"other-{holder}-x", key) is None
        owners = [row.name for row in ROWS if any(each.matches("Secret", holder, key) for each in row.places)]
        assert owners == [name]


def test_a_token_that_names_a_role_means_what_the_trees_tables_say() -> None:
    lines = (TREES / "README.md").read_text().splitlines()
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split(" | ")]
        for line in lines
        if re.match(r"\| \S+ \| \d+ ", line)
    ]
    seen = 0
    for file, _, document, _, token, value in rows:
        role = placeholders.role(token)
        if "example." in token or role in GENERIC_ROLES or value not in BY_NAME:
            continue
        instance = "li" if re.search(r"(^|[/-])li([/-]|$)", f"{file} {document}") else "main"
        found = catalogue.by_role(role, instance)
        is_file = document.startswith("Secret") and "fcm" in value
        assert found is not None or is_file, token
        assert is_file or (found and found.name == value) or "LI" in value.upper(), (file, token, found)
        seen += 1
    assert seen > 60


def test_the_twin_has_values_of_its_own() -> None:
    for role in ("DB_PASSWORD", "MACAROON_SECRET", "REGISTRATION_SECRET", "FORM_SECRET", "BACKUP_RETENTION"):
        main, li = (catalogue.by_role(role, instance) for instance in ("main", "li"))
        assert main is not None
        assert li is not None
        assert li.twin_of == main.name
    for role in ("REDIS_PASSWORD", "SIGNING_KEY", "S3_PASSWORD"):
        assert catalogue.by_role(role, "li") is catalogue.by_role(role, "main")


@pytest.mark.parametrize(
    ("path", "name", "parts"),
    [
        ("main-instance/07-sygnal/deployment.yaml", "sygnal", ["push"]),
        ("main-instance/07-sygnal/apns-secret.yaml", "sygnal-apns", ["apns", "push"]),
        ("main-instance/04-livekit/deployment.yaml", "livekit", ["livekit"]),
        ("values/metallb-values.yaml", "matrix", ["metallb"]),
        ("main-instance/01-synapse/secrets.yaml", "synapse-secrets", []),
        ("li-instance/01-synapse-li/deployment.yaml", "synapse-li", ["li"]),
    ],
)
def test_what_belongs_to_an_optional_component(path: str, name: str, parts: list[str]) -> None:
    assert catalogue.parts_of(path, name) == parts
    for part in parts:
        assert catalogue.SWITCHES[part]
