"""Key material by its places and by its looks: each fault beside its near miss."""

from __future__ import annotations

import base64
import textwrap

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checks.asking import found, told
from wizard import keys, mint


def secret(name: str, key: str, text: str) -> str:
    body = textwrap.indent(text.rstrip("\n") + "\n", "    ")
    return f"kind: Secret\nmetadata:\n  name: {name}\n  namespace: matrix\nstringData:\n  {key}: |\n{body}"


def signing_key() -> str:
    return mint.make(mint.Recipe("signing-key")).reveal()


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


RSA = rsa.generate_private_key(65537, 2048)
PLACES = [("synapse-secrets", "signing.key"), ("homeserver", "matrix.signing.key")]  # known, and by its looks
IDS = ["known", "looks"]


@pytest.mark.parametrize(("name", "key"), PLACES, ids=IDS)
def test_a_signing_key_with_a_hint_beside_it(name: str, key: str) -> None:
    line = signing_key()
    assert [each.id for each in found(secret(name, key, line))] == []
    hinted = secret(name, key, f"# Replace this\n{line}")
    assert [(each.id, each.severity) for each in found(hinted)] == [("key-hint", "error")]
    behind = secret("synapse-secrets", "signing.key", f"{line}\n# the old one is gone")
    assert told(behind, "key-hint") == ["a.yaml:8"]


@pytest.mark.parametrize(("name", "key"), PLACES, ids=IDS)
def test_a_signing_key_by_the_strict_rule(name: str, key: str) -> None:
    line, other = signing_key(), signing_key()
    short = line.rstrip("\n")[:-1]
    assert told(secret(name, key, short), "key-malformed") != []
    assert told(secret(name, key, f"{line}\n{other}"), "key-malformed") == [], "two lines while a rotation is open"
    assert told(secret(name, key, f"{line}\n{line}"), "key-malformed") != [], "two of one id"
    assert told(secret(name, key, line.replace("ed25519 ", "ed25519  ")), "key-malformed") != []


def test_another_key_of_a_secret_is_no_signing_key() -> None:
    assert [each.id for each in found(secret("ssh", "id", "ed25519 what ever"))] == []


def test_a_key_that_everybody_can_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed behind CVE-2026-24044 is not in this repository: a key of the test's own is put on the list."""
    line = signing_key()
    monkeypatch.setattr(keys, "_WEAK_VERIFY_KEYS", {keys.signing_key(line).verify_key})
    text = secret("synapse-secrets", "signing.key", line)
    assert [(each.id, each.severity) for each in found(text)] == [("key-known", "error")]


def test_the_rsa_key_of_key_vault() -> None:
    good = pem(RSA)
    hinted = good.replace("KEY-----\n", "KEY-----\n# Replace this\n", 1)
    assert [each.id for each in found(secret("key-vault-secrets", "RSA_PRIVATE_KEY", good))] == []
    assert told(secret("key-vault-secrets", "RSA_PRIVATE_KEY", hinted), "key-hint") == ["a.yaml:8"]
    other_header = good.replace("BEGIN PRIVATE", "BEGIN RSA PRIVATE").replace("END PRIVATE", "END RSA PRIVATE")
    assert told(secret("key-vault-secrets", "RSA_PRIVATE_KEY", other_header), "key-malformed") == ["a.yaml:7"]
    old_form = pem(RSA, PrivateFormat.TraditionalOpenSSL)
    assert [each.id for each in found(secret("key-vault-secrets", "RSA_PRIVATE_KEY", old_form))] == []
    short = pem(rsa.generate_private_key(65537, 1024))  # noqa: S505  # what the rule is about
    assert told(secret("key-vault-secrets", "RSA_PRIVATE_KEY", short), "rsa-short") == ["a.yaml:7"]


def test_apples_key_is_of_one_curve() -> None:
    name = "AuthKey_ABC123DEFG.p8"
    assert [each.id for each in found(secret("push", name, pem(ec.generate_private_key(ec.SECP256R1()))))] == []
    other = secret("push", name, pem(ec.generate_private_key(ec.SECP384R1())))
    assert told(other, "key-malformed") == ["a.yaml:6"]
    assert told(secret("push", name, pem(RSA)), "key-malformed") == ["a.yaml:6"]
    assert told(secret("push", "key.pem", pem(RSA)), "key-malformed") == [], "anybody's"


def test_googles_account_is_taken_whole() -> None:
    whole = '{"type": "service_account", "client_email": "a@b.c", "token_uri": "https://x.y/z", "private_key": %s}'
    escaped = '"' + pem(RSA).replace("\n", "\\n") + '"'
    assert [each.id for each in found(secret("sygnal-fcm", "account.json", whole % escaped))] == []
    twice = whole % escaped.replace("\\n", "\\\\n")
    assert told(secret("sygnal-fcm", "account.json", twice), "key-malformed") == ["a.yaml:6"]
    short = '{"type": "service_account"}'
    assert told(secret("sygnal-fcm", "account.json", short), "key-malformed") == ["a.yaml:6"]
    assert told(secret("sygnal-fcm", "settings.json", "{}"), "key-malformed") == []
    assert told(secret("gcs", "account.json", short), "key-malformed") == [], "somebody else's"


HASH = "." * 53
INGRESS = """---
kind: Ingress
metadata:
  name: web
  namespace: matrix
  annotations:
    PREFIX/auth-secret: who
    PREFIX/auth-type: basic
spec:
  ingressClassName: CLASS
  rules: [{host: a.chat-corp.net}]
"""


def guarded(line: str, prefix: str = "nginx.ingress.kubernetes.io", cls: str = "nginx") -> list[tuple[str, str]]:
    text = secret("who", "auth", line) + INGRESS.replace("PREFIX", prefix).replace("CLASS", cls)
    return [(each.id, each.severity) for each in found(text) if each.id.startswith("htpasswd")]


def test_the_scheme_of_a_password_file_is_one_that_its_proxy_verifies() -> None:
    apr1, yescrypt = "u:$apr1$abcdefgh$" + "." * 22, "u:$y$j9T$abcdefgh$" + "." * 43
    haproxy = {"prefix": "haproxy-ingress.github.io", "cls": "haproxy"}
    assert guarded(f"u:$2y$10${HASH}") == []
    assert guarded(f"# users\n\nu:$2y$10${HASH}") == []
    assert guarded(apr1) == [("htpasswd-scheme", "warning")]
    assert guarded(yescrypt) == [("htpasswd-scheme", "error")]
    assert guarded(apr1, **haproxy) == [("htpasswd-scheme", "error")]
    assert guarded(yescrypt, **haproxy) == []
    assert told(secret("who", "auth", yescrypt), "htpasswd-scheme") == [], "no Ingress asks for it"


def test_the_cost_of_a_password_file() -> None:
    assert guarded(f"u:$2y$11${HASH}") == []
    assert guarded(f"u:$2y$12${HASH}") == [("htpasswd-cost", "warning")]


def test_empty_lines_and_comments_of_a_password_file_are_passed_over() -> None:
    good = f"# made anew\nu:$2y$10${HASH}\n\nv:$2y$10${HASH}"
    assert told(secret("synapse-admin-auth", "auth", good), "key-malformed") == []
    assert told(secret("synapse-admin-auth", "auth", good + "\nw:plain"), "key-malformed") == ["a.yaml:7"]


def test_a_key_in_base64_is_told_as_that_alone() -> None:
    text = base64.b64encode(signing_key().encode()).decode()
    found_ids = [each.id for each in found(secret("synapse-secrets", "signing.key", text))]
    assert "base64-in-plain" in found_ids and "key-malformed" not in found_ids
