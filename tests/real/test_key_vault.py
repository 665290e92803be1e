"""key_vault's side of its contract: what the pod is given is what Django and `cryptography` take.

The service itself is the operator's own build; templates/README.md says what every build of it is given. A program that
holds to that stands for it here: Django's own check of a deployment, PostgreSQL's own reader, and RSA.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from scripts.runs import ROOT

from .filled import Filled
from .pods import Container, laid_out, objects

POD = ("Deployment", "key-vault")
RECOVERY_KEY = b"EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d"
PADDING = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)
SETTINGS = """\
import os
SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
DEBUG = os.environ.get("DJANGO_DEBUG", "false") != "false"
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "key-vault").split(",")
MIDDLEWARE = [f"django.middleware.{each}" for each in (
    "security.SecurityMiddleware", "csrf.CsrfViewMiddleware", "clickjacking.XFrameOptionsMiddleware")]
CSRF_COOKIE_SECURE = True
SECURE_HSTS_SECONDS = 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SSL_REDIRECT = True
"""
Mutant = Callable[[str], str]


def checked(secret_key: str, home: Path, **environment: str) -> str:
    """Return what `check --deploy` of Django has against a deployment with this key, '' where nothing."""
    (home / "contract.py").write_text(SETTINGS)
    command = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING", "--settings", "contract"]
    variables = {"PYTHONPATH": str(home), "DJANGO_SECRET_KEY": secret_key, **environment}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert secret_key == "" or secret_key not in done.stdout + done.stderr
    return "" if done.returncode == 0 else done.stderr


def decrypted(file: Path, public: RSAPublicKey) -> bytes:
    """Return a recovery key that somebody encrypted, as key_vault decrypts it. ValueError where its key is none."""
    encrypted = public.encrypt(RECOVERY_KEY, PADDING)
    private = load_pem_private_key(file.read_bytes(), None)
    return bytes(private.decrypt(encrypted, PADDING))  # type: ignore[union-attr]


@pytest.fixture
def pod(bundled: Filled, tmp_path: Path) -> Container:
    return laid_out(objects(bundled.deployment.tree), POD, "key-vault", tmp_path / "pod")


def test_the_pod_is_given_what_the_contract_names(bundled: Filled, pod: Container, tmp_path: Path) -> None:
    words = (ROOT / "templates/README.md").read_text().partition("is given")[2].partition("environment")[0]
    named = set(re.findall(r"`([A-Z_]+)`", words))
    assert len(named) == 8
    assert named | {"RSA_PRIVATE_KEY_FILE"} <= pod.environment.keys()
    assert pod.environment["DB_PASSWORD"] == bundled.secret("matrix-postgresql-key-vault")["password"]
    assert pod.environment["DB_USER"] == bundled.secret("matrix-postgresql-key-vault")["username"]
    assert pod.environment["API_KEY"] == bundled.secret("synapse-secrets")["KEY_VAULT_API_KEY"]
    mounted = [path.name for path in (tmp_path / "pod/run/secrets/key-vault").iterdir()]
    assert mounted == ["RSA_PRIVATE_KEY"], "the other secrets are in the environment, and stand in no file"
    assert Path(pod.environment["RSA_PRIVATE_KEY_FILE"]).is_file()


def test_django_has_nothing_against_the_key_as_the_pod_gets_it(pod: Container, tmp_path: Path) -> None:
    others = {name: text for name, text in pod.environment.items() if name.startswith("DJANGO_")}
    assert checked(others.pop("DJANGO_SECRET_KEY"), tmp_path, **others) == ""


def test_django_has_nothing_against_the_key_of_any_dress(dressed: Filled, tmp_path: Path) -> None:
    assert checked(dressed.secret("key-vault-secrets")["DJANGO_SECRET_KEY"], tmp_path) == ""


@pytest.mark.parametrize("key", ["", "CHANGEME_DJANGO_SECRET_KEY", "django-insecure-" + "k3y" * 20, "ab" * 40])
def test_django_refuses_another_key(key: str, tmp_path: Path) -> None:
    assert re.search(r"security\.W009|SECRET_KEY setting must not be empty", checked(key, tmp_path))


def test_a_recovery_key_that_somebody_encrypted_is_decrypted(dressed: Filled, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(dressed.secret("key-vault-secrets")["RSA_PRIVATE_KEY"])
    public = load_pem_private_key(dressed.deployment.show("key-vault-rsa-key").encode(), None).public_key()
    assert isinstance(public, RSAPublicKey)
    assert decrypted(file, public) == RECOVERY_KEY


@pytest.mark.parametrize("tree", ["bundled", "dress"])
def test_openssl_decrypts_it_too(filled_once: Callable[[str], Filled], tree: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(filled_once(tree).secret("key-vault-secrets")["RSA_PRIVATE_KEY"])
    scheme = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"]
    both = ["openssl", "pkeyutl", "-inkey", str(file), *scheme]
    encrypted = subprocess.run([*both, "-encrypt"], input=RECOVERY_KEY, capture_output=True, check=True).stdout
    done = subprocess.run([*both, "-decrypt"], input=encrypted, capture_output=True, check=True)
    assert done.stdout == RECOVERY_KEY


def _other_armour(key: str) -> str:
    is_traditional = "BEGIN RSA" in key
    return key.replace("RSA PRIVATE", "PRIVATE") if is_traditional else key.replace(" PRIVATE", " RSA PRIVATE")


BROKEN: dict[str, Mutant] = {
    "armour of the other form": _other_armour,
    "prose inside the armour": lambda key: key.replace("KEY-----\n", "KEY-----\n# Replace this\n", 1),
    "base64 of the whole": lambda key: base64.b64encode(key.encode()).decode(),
    "armour twice": lambda key: f"-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n",
    "the placeholder": lambda _: "-----BEGIN PRIVATE KEY-----\nCHANGEME\n-----END PRIVATE KEY-----\n",
    "line ends spelled out": lambda key: key.replace("\n", "\\n"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_key_is_refused(dressed: Filled, how: str, tmp_path: Path) -> None:
    text = dressed.secret("key-vault-secrets")["RSA_PRIVATE_KEY"]
    public = load_pem_private_key(text.encode(), None).public_key()
    assert isinstance(public, RSAPublicKey)
    file = tmp_path / "key"
    file.write_text(BROKEN[how](text))
    with pytest.raises(ValueError):
        decrypted(file, public)


def test_another_key_decrypts_nothing(dressed: Filled, filled_once: Callable[[str], Filled], tmp_path: Path) -> None:
    other = filled_once("dress" if dressed.name == "bundled" else "bundled")
    file = tmp_path / "key"
    file.write_text(dressed.former.get("key-vault-rsa-key") or other.secret("key-vault-secrets")["RSA_PRIVATE_KEY"])
    public = load_pem_private_key(dressed.secret("key-vault-secrets")["RSA_PRIVATE_KEY"].encode(), None).public_key()
    assert isinstance(public, RSAPublicKey)
    with pytest.raises(ValueError):
        decrypted(file, public)
