"""Two whole trees without a fault: one that the program has filled, and one that was filled by hand, without it."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import bcrypt
import keyring
import pytest
from checks.asking import NOW
from checks.authority import issue
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from keyring.backends.fail import Keyring
from scripts.certificates import pem
from scripts.conftest import EVERYTHING, LI_ADMIN_PASSWORD, SMTP_PASSWORD, new_deployment, service_account
from scripts.runs import originals

from wizard import mends
from wizard.check import check
from wizard.finding import Finding
from wizard.lock import Lock
from wizard.lock import read as read_lock
from wizard.resources import Manifest
from wizard.structure import Tree
from wizard.survey import Survey, survey

STATE = ".matrix-wizard/"


@dataclass(frozen=True)
class Base:
    """A tree as texts by their paths, and its sites.lock where it has one."""

    texts: Mapping[str, str] = field(repr=False)
    lock: Lock | None = field(default=None, repr=False)

    def findings(self, changed: Mapping[str, str]) -> list[Finding]:
        """Return what check finds when the files *changed* are other ones."""
        return list(check(self._survey(changed)))

    def mended(self, changed: Mapping[str, str]) -> dict[str, str]:
        """Return the files *changed* as check --fix leaves them, and whatever other ones it edits."""
        seen = self._survey(changed)
        after = mends.of(seen, check(seen)).after
        return {**changed, **{path: data.decode() for path, data in after.items()}}

    def _survey(self, changed: Mapping[str, str]) -> Survey:
        """Return the survey of the tree with the files *changed*; a file that has not changed is parsed once.

        A file is as it was if its bytes and what the tree says of its ingress controllers are."""
        files = {path: text.encode() for path, text in {**self.texts, **changed}.items()}
        seen = survey(Tree(files, instances=self.lock.instances if self.lock else {}), self.lock, NOW)
        return replace(seen, every=tuple(map(self._known, seen.every)))

    def _known(self, manifest: Manifest) -> Manifest:
        known = self._manifests.setdefault(manifest.path, manifest)
        return known if (known.data, known.edge) == (manifest.data, manifest.edge) else manifest

    @cached_property
    def _manifests(self) -> dict[str, Manifest]:
        return {}


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Run without a keyring, and in a home of one's own."""
    backend = keyring.get_keyring()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(home))
        environment.setenv("XDG_DATA_HOME", str(home / "data"))
        keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
        yield
    keyring.set_keyring(backend)


def provisioned(home: Path) -> Base:
    """Return the bundled tree as setup fills it below *home*, with everything switched on."""
    keys = home / "keys"
    keys.mkdir(parents=True)
    (keys / "AuthKey.p8").write_text(pem(ec.generate_private_key(ec.SECP256R1())))
    (keys / "fcm.json").write_text(json.dumps(service_account(), indent=2) + "\n")
    (keys / "smtp-password.txt").write_text(SMTP_PASSWORD + "\n", "utf-8")
    (keys / "li-admin.txt").write_text(LI_ADMIN_PASSWORD + "\n")
    with _alone(home):
        deployment = new_deployment(home / "deployment", keys, "bundled", EVERYTHING)
        run = deployment.setup()
    assert run.code == 0, run.err
    everything = deployment.everything()
    lock = read_lock(everything[f"{STATE}sites.lock"].decode())
    texts = {path: data.decode() for path, data in everything.items() if not path.startswith(STATE)}
    return Base(texts, lock)


def by_hand(seed: int) -> Base:
    """Return the bundled tree as a person fills it with an editor and openssl, with texts made from *seed*.

    The hosts of the main instance have a certificate of one's own (checklist 6.2), those of LI have cert-manager's."""
    texts = {path: data.decode() for path, data in originals("bundled").items()}
    for token, value in _values(random.Random(seed)):  # noqa: S311
        texts = {path: text.replace(token, value) for path, text in texts.items()}
    for path in ("02-element-web", "03-haproxy", "04-livekit"):
        file = f"main-instance/{path}/deployment.yaml"
        texts[file] = _with_own_certificate(texts[file])
    return Base(texts)


def _with_own_certificate(text: str) -> str:
    lines = [line for line in text.split("\n") if "cert-manager.io/cluster-issuer" not in line]
    lines = [
        "      secretName: matrix-tls" if "      secretName: " in line and "-tls" in line else line for line in lines
    ]
    return "\n".join(lines)


_HOST = "firma-chat.de"


def _values(source: random.Random) -> Iterator[tuple[str, str]]:
    """Yield each token of the templates and what is written in its place, a longer token before one that begins it."""

    def password(length: int = 32) -> str:
        return "".join(source.choices(string.ascii_letters + string.digits, k=length))

    signing = f"ed25519 a_{password(4)} {base64.b64encode(source.randbytes(32)).decode().rstrip('=')}"
    redis, turn, s3 = password(), password(), password()
    authority = issue("ca")
    certificate = issue("matrix", authority, [f"{host}.{_HOST}" for host in ("matrix", "element", "livekit")])
    rsa_key = rsa.generate_private_key(65537, 2048)
    yield "CHANGE_ME_GENERATE_SECURE_PASSWORD_32_CHARS", password()
    yield "CHANGE_ME_GENERATE_SECURE_PASSWORD", redis
    yield "CHANGEME_SECURE_REDIS_PASSWORD", redis
    yield "CHANGE_ME_GENERATE_SECURE_S3_PASSWORD", s3
    yield "CHANGEME_SECURE_S3_PASSWORD", s3
    yield "CHANGE_TO_COTURN_SHARED_SECRET", turn
    yield "CHANGEME_SECURE_TURN_SECRET", turn
    yield "CHANGEME_DJANGO_SECRET_KEY_GENERATE_SECURE_RANDOM_STRING", password(64)
    yield "CHANGEME_GENERATE_USING_SYNAPSE_GENERATE_COMMAND", signing
    yield "CHANGEME_COPY_FROM_MAIN_SIGNING_KEY", signing
    for name in (
        *("TURN_PASSWORD", "REPLICATION_PASSWORD", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"),
        *(f"SECURE_{each}" for each in ("DB_PASSWORD", "LI_DB_PASSWORD", "KEY_VAULT_DB_PASSWORD", "KEY_VAULT_API_KEY")),
        *(f"SECURE_{each}_SECRET" for each in ("REPLICATION", "MACAROON", "REGISTRATION", "FORM")),
        *(f"SECURE_LI_{each}_SECRET" for each in ("MACAROON", "REGISTRATION", "FORM")),
    ):
        yield f"CHANGEME_{name}", password()
    yield "CHANGEME_GENERATE_HTPASSWD", bcrypt.hashpw(password().encode(), bcrypt.gensalt(10, b"2a")).decode()
    yield "CHANGEME_GENERATE_RSA_2048_BIT_PRIVATE_KEY", _body(rsa_key, PrivateFormat.TraditionalOpenSSL)
    yield "CHANGEME_APNS_PRIVATE_KEY", _body(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8)
    yield "CHANGEME_TLS_CERTIFICATE", _indented(certificate.crt + authority.crt)
    yield "CHANGEME_TLS_PRIVATE_KEY", _indented(certificate.pem)
    account = service_account()
    yield "CHANGEME_FCM_PRIVATE_KEY_ID", account["private_key_id"]
    yield "CHANGEME_FCM_PRIVATE_KEY", json.dumps(account["private_key"])[1:-1]
    yield "CHANGEME_FCM_CLIENT_EMAIL", account["client_email"]
    yield "CHANGEME_FCM_CLIENT_ID", account["client_id"]
    yield "CHANGEME_FCM_PROJECT_ID", account["project_id"]
    yield "CHANGEME_APNS_KEY_ID", "K1E2Y3I4D5"
    yield "CHANGEME_APNS_TEAM_ID", "T1E2A3M4I5"
    yield "CHANGEME_APNS_TOPIC", "de.firma-chat.app"
    yield "CHANGEME_APNS_PLATFORM", "production"
    yield "CHANGEME_METALLB_POOL", "185.60.113.32/28"
    yield "YOUR_SMTP_PASSWORD", password()
    yield "YOUR_LAW_ENFORCEMENT_IPS", "185.60.112.0/24,91.198.174.192/32"
    yield "example.com", _HOST


def _body(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, form: PrivateFormat) -> str:
    """Return the lines of *key* between the first and the last, which stand in the template."""
    lines = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode().split("\n")
    return _indented("\n".join(lines[1:-2]))


def _indented(text: str) -> str:
    return text.strip().replace("\n", "\n    ")
