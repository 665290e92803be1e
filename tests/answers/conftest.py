"""Key material as vendors hand it out, made afresh for each run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="session")
def apns_key() -> str:
    """Return an APNs key as Apple's .p8 file holds it."""
    return _pem(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="session")
def service_account() -> str:
    """Return a service account as Google's JSON file holds it."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "chat",
            "private_key_id": "1",
            "private_key": _pem(rsa.generate_private_key(65537, 2048)),
            "client_email": "push@chat.iam.gserviceaccount.com",
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    )


@pytest.fixture
def beside(tmp_path: Path, apns_key: str, service_account: str) -> Path:
    """Return a directory with the files that the answers of the tests name."""
    (tmp_path / "AuthKey.p8").write_text(apns_key)
    (tmp_path / "p384.p8").write_text(_pem(ec.generate_private_key(ec.SECP384R1())))
    (tmp_path / "fcm.json").write_text(service_account)
    (tmp_path / "not-one.json").write_text('{"type": "authorized_user"}')
    (tmp_path / "grafana.txt").write_text("g'r\"a\n")
    return tmp_path
