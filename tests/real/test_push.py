"""Sygnal's own libraries take what its pod mounts: aioapns the key of Apple, google-auth the service account of Google.

Sygnal itself is not to be had as a package. Its configuration is assembled as by its pod, with the tree's own script;
which options go to which library is read from its source (sygnal/apnspushkin.py:143-197, gcmpushkin.py:150-210).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.auth.exceptions import GoogleAuthError

from .filled import Filled
from .pods import Objects, laid_out, objects

SYGNAL = ("Deployment", "sygnal")
PARTS = {"sygnal-apns", "sygnal-fcm"}
APNS_FILE = {"keyfile", "key_id", "team_id", "topic"}  # beside no certfile, which would win
Mutant = Callable[[str], str]


@pytest.fixture
def tree(bundled: Filled) -> Objects:
    return objects(bundled.deployment.tree)


def apps(tree: Objects, root: Path) -> dict[str, Any]:
    """Return Sygnal's apps, as the pod's init container assembles them of what is mounted."""
    for container in ("sygnal", "assemble"):
        one = laid_out(tree, SYGNAL, container, root)
    assert one.arguments[0] == "python"
    script = root / "etc/sygnal/base/assemble.py"
    subprocess.run([sys.executable, str(script)], check=True, capture_output=True)
    config = yaml.safe_load((root / "etc/sygnal/full/sygnal.yaml").read_text())
    assert config["http"]["port"] == 5000
    return dict(config["apps"])


def apple_sees(app: dict[str, Any], public: Any) -> dict[str, Any]:
    """Sign as aioapns does for Apple, and return the token's claims and header as Apple would read them."""
    from aioapns import APNs
    from aioapns.connection import APNsKeyConnectionPool, JWTAuthorizationHeaderProvider

    assert not app.keys() - APNS_FILE - {"type", "platform"}
    assert app["platform"] in ("production", "prod", "sandbox")
    given = {"key": Path(app["keyfile"]).read_text(), **{name: app[name] for name in APNS_FILE - {"keyfile"}}}

    async def made() -> APNsKeyConnectionPool:
        pool = APNs(**given, use_sandbox=app["platform"] == "sandbox").pool
        assert isinstance(pool, APNsKeyConnectionPool)
        return pool

    pool = asyncio.run(made())
    header = JWTAuthorizationHeaderProvider(pool.key, pool.key_id, pool.team_id)
    token = str(header.get_header()).removeprefix("bearer ")  # type: ignore[no-untyped-call]
    return {**jwt.decode(token, public, algorithms=["ES256"]), **jwt.get_unverified_header(token)}


def google_sees(app: dict[str, Any], public: Any) -> dict[str, Any]:
    """Sign as google-auth does for Google's token service, and return the claims as it would read them."""
    from google.oauth2.service_account import Credentials

    assert app["api_version"] == "v1"
    scopes = ["https://www.googleapis.com/auth/firebase.messaging"]
    loaded = Credentials.from_service_account_file(app["service_account_file"], scopes=scopes)  # type: ignore[no-untyped-call]
    assertion = loaded._make_authorization_grant_assertion()
    return dict(jwt.decode(assertion, public, algorithms=["RS256"], audience="https://oauth2.googleapis.com/token"))


def given(bundled: Filled, name: str) -> str:
    return (bundled.deployment.answers.parent / name).read_text()


def test_apple_and_google_see_what_was_given(bundled: Filled, tree: Objects, tmp_path: Path) -> None:
    found = apps(tree, tmp_path)
    assert {name: app["type"] for name, app in found.items()} == {"*ios*": "apns", "*android*": "gcm"}
    key = load_pem_private_key(given(bundled, "AuthKey.p8").encode(), None).public_key()
    told = apple_sees(found["*ios*"], key)
    assert (told["kid"], told["iss"], told["alg"]) == ("ABC123DEFG", "TEAM123456", "ES256")
    assert found["*ios*"]["topic"] == "net.chat-corp.app"
    account = json.loads(given(bundled, "fcm.json"))
    claims = google_sees(found["*android*"], load_pem_private_key(account["private_key"].encode(), None).public_key())
    assert claims["iss"] == account["client_email"]
    assert found["*android*"]["project_id"] == account["project_id"]


@pytest.mark.parametrize("left_out", sorted(PARTS))
def test_either_may_be_left_out(tree: Objects, left_out: str, tmp_path: Path) -> None:
    kept = {key: each for key, each in tree.items() if key != ("Secret", left_out)}
    (app,) = apps(kept, tmp_path).values()
    assert app["type"] == ("gcm" if left_out == "sygnal-apns" else "apns")
    none = {key: each for key, each in tree.items() if key[1] not in PARTS}
    assert apps(none, tmp_path / "none") == {}


BROKEN_KEYS: dict[str, Mutant] = {
    "the placeholder": lambda _: "-----BEGIN PRIVATE KEY-----\nCHANGEME_APNS_PRIVATE_KEY\n-----END PRIVATE KEY-----\n",
    "armour of another form": lambda key: key.replace("PRIVATE KEY", "RSA PRIVATE KEY"),
    "armour inside armour": lambda key: f"-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n",
    "no armour": lambda key: "".join(key.splitlines()[1:-1]),
    "a line lost": lambda key: "\n".join(key.splitlines()[:1] + key.splitlines()[2:]),
    "lines that became one": lambda key: key.replace("\n", "\\n"),
}


@pytest.mark.parametrize("how", BROKEN_KEYS)
def test_aioapns_refuses_a_broken_key(bundled: Filled, tree: Objects, how: str, tmp_path: Path) -> None:
    app = apps(tree, tmp_path)["*ios*"]
    file = Path(app["keyfile"])
    file.write_text(BROKEN_KEYS[how](file.read_text()))
    key = load_pem_private_key(given(bundled, "AuthKey.p8").encode(), None).public_key()
    with pytest.raises((ValueError, TypeError, jwt.InvalidKeyError)):
        apple_sees(app, key)


BROKEN_ACCOUNTS: dict[str, Mutant] = {
    "line ends within": lambda text: text.replace("\\n", "\n"),
    "escaped twice": lambda text: text.replace("\\n", "\\\\n"),
    "the placeholder": lambda text: json.dumps({**json.loads(text), "private_key": "CHANGEME_FCM_PRIVATE_KEY"}),
    "no address": lambda text: text.replace("client_email", "client_mail"),
    "the legacy key": lambda _: '"AAAAexample:APA91b"',
}


@pytest.mark.parametrize("how", BROKEN_ACCOUNTS)
def test_google_auth_refuses_a_broken_account(tree: Objects, how: str, tmp_path: Path) -> None:
    app = apps(tree, tmp_path)["*android*"]
    file = Path(app["service_account_file"])
    account = json.loads(file.read_text())
    public = load_pem_private_key(account["private_key"].encode(), None).public_key()
    file.write_text(BROKEN_ACCOUNTS[how](file.read_text()))
    with pytest.raises((ValueError, TypeError, AttributeError, GoogleAuthError)):
        google_sees(app, public)
