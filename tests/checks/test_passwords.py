"""The password of LI's admin page: asked for, and to be had."""

from __future__ import annotations

import pytest

from .asking import told
from .lihosts import LISTED, admin, found, ingress, joined, line, secret

AT = "auth-secret: "


def severities(text: str) -> list[str]:
    return [each.severity for each in found(text) if each.id == "li-password-lost"]


def test_a_page_that_asks_for_no_password_is_told() -> None:
    assert told(joined(admin(auth_type=""), secret()), "li-no-password") == ["a.yaml:1"]
    assert told(joined(ingress("synapse-admin-li", LISTED), secret()), "li-no-password") == ["a.yaml:1"]
    assert found(joined(admin(), secret())) == []
    assert found(ingress()) == [], "other LI hosts ask for none"


def test_a_secret_without_the_key_is_told_where_it_is_named() -> None:
    text = joined(admin(), secret("htpasswd"))
    assert told(text, "li-password-lost") == [line(text, AT)]
    assert severities(text) == ["error"]
    assert found(joined(admin(auth_secret_type="auth-map"), secret("officer"))) == [], "there each key is a user"


def test_a_secret_in_base64_has_the_key() -> None:
    encoded = secret().replace("stringData:", "data:").replace(secret().partition("auth: ")[2], "b2ZmaWNlcjp4Cg==\n")
    assert told(joined(admin(), encoded), "li-password-lost") == []


def test_a_secret_of_another_namespace_is_not_found() -> None:
    text = joined(admin(), secret(namespace="default"))
    assert told(text, "li-password-lost") == [line(text, AT)]
    assert severities(text) == ["error"]
    unwritten = secret().replace(", namespace: matrix", "")
    assert found(joined(admin(), unwritten)) == [], "kubectl -n decides where it goes"


def test_a_secret_that_is_named_across_namespaces_is_doubtful() -> None:
    text = joined(admin(auth_secret="default/synapse-admin-auth"), secret(namespace="default"))
    assert told(text, "li-password-lost") == [line(text, AT)]
    assert severities(text) == ["warning"]
    assert found(joined(admin(auth_secret="matrix/synapse-admin-auth"), secret())) == []


def test_an_annotation_that_names_no_secret_is_an_error() -> None:
    text = joined(admin(auth_secret=""), secret())
    assert severities(text) == ["error"]


SEALED = (
    "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: synapse-admin-auth, namespace: matrix}\n"
)
EXTERNAL = (
    "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: x, namespace: matrix}\n"
    "spec: {target: {name: synapse-admin-auth}}\n"
)
GENERATED = (
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator: [{name: synapse-admin-auth}]\n"
)


def test_a_secret_that_only_kubectl_made_is_a_warning() -> None:
    text = admin()
    assert (told(text, "li-password-lost"), severities(text)) == ([line(text, AT)], ["warning"])


VAULTED = (
    "apiVersion: secrets.hashicorp.com/v1beta1\nkind: VaultStaticSecret\nmetadata: {name: x, namespace: matrix}\n"
    "spec: {destination: {name: synapse-admin-auth}}\n"
)


@pytest.mark.parametrize(
    "maker",
    [SEALED, EXTERNAL, GENERATED, GENERATED.partition("Kustomization\n")[2], VAULTED],
    ids=["sealed", "external", "generated", "of no kind", "vaulted"],
)
def test_a_secret_that_something_else_makes_is_not_missing(maker: str) -> None:
    assert told(joined(admin(), maker), "li-password-lost") == []


@pytest.mark.parametrize("name", ["YOUR_AUTH_SECRET", "${ADMIN_SECRET}"])
def test_a_name_that_is_to_be_filled_in_is_not_looked_up(name: str) -> None:
    assert told(admin(auth_secret=name), "li-password-lost") == []


def test_an_address_or_a_password_is_less_than_both() -> None:
    text = joined(admin(satisfy="any"), secret())
    assert told(text, "li-either-or") == [line(text, "satisfy")]
    assert told(text, "satisfy-any") == [], "one fault is told once"
    assert found(joined(admin(satisfy="all"), secret())) == []
    alone = ingress(notes={**LISTED, "nginx.ingress.kubernetes.io/satisfy": "any"})
    assert told(alone, "li-either-or") == [], "without a password the list is what is left"
