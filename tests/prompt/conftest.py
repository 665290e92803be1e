"""A home for each run, with the keys that the answers name; nothing of the caller's own home or keyring."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from keyring.backends.fail import Keyring
from scripts.conftest import service_account

from .screens import DOWN, Screens

PASSWORD = "Xy7zzy 'quoted' $5 #1"
KEY_ID = "ABC123DEFG"
ONE_KEY = (("Which shall it be?", DOWN + DOWN + "\r"), ("Type skip to go on with only one key", "skip\r"))
OFFER = "Write answers.yaml, for the same again without questions?"


@pytest.fixture(autouse=True, scope="package")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give what runs in this process, too, a home of its own and no keyring."""
    home, backend = tmp_path_factory.mktemp("home"), keyring.get_keyring()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(home))
        environment.setenv("XDG_DATA_HOME", str(home / "data"))
        keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
        yield
        keyring.set_keyring(backend)


@pytest.fixture(scope="package")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with an APNs key, named as Apple names it, and a service account."""
    home = tmp_path_factory.mktemp("keys")
    make_keys(home)
    return home


def make_keys(home: Path) -> None:
    """Make the key files that the script names."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home / f"AuthKey_{KEY_ID}.p8").write_bytes(pem)
    (home / "fcm.json").write_text(json.dumps(service_account(), indent=2) + "\n")


@pytest.fixture
def home(tmp_path: Path, key_files: Path) -> Path:
    return shutil.copytree(key_files, tmp_path / "home")


@pytest.fixture
def seed() -> int:
    """Return the seed of what is random in a test; printed, and taken from SEED where that is set."""
    number = int(os.environ.get("SEED", random.randrange(2**32)))  # noqa: S311
    print(f"SEED={number}", file=sys.stderr)
    return number


def script() -> list[tuple[str, str, str]]:
    """Return a first install with everything asked: labels, keys, and what stands in the field on the way back.

    A hidden field and a document that was pasted stand empty then.
    """
    return [
        ("Base domain", "chat-corp.net\r", "chat-corp.net"),
        ("These names follow from chat-corp.net:", "\r", "use them"),
        ("Server name", "\r", "chat-corp.net"),
        ("Addresses that may reach LI", "185.60.112.0/24\r185.60.113.7\r\r", "185.60.113.7/32"),
        ("Shall Synapse send mail?", "y\r", "(Y/n)"),
        ("SMTP host", "mail.chat-corp.net\r", "mail.chat-corp.net"),
        ("SMTP security", "\r", "starttls"),
        ("SMTP port", "\x152525\r", "2525"),
        ("SMTP user", "robot\r", "robot"),
        ("SMTP password", f"{PASSWORD}\r", ""),
        ("Sender of mail", "\x15Chat <robot@chat-corp.net>\r", "Chat <robot@chat-corp.net>"),
        ("Shall iPhones get push messages (APNs)?", "y\r", "(Y/n)"),
        ("APNs key file (.p8)", f"AuthKey_{KEY_ID}.p8\r", f"AuthKey_{KEY_ID}.p8"),
        ("APNs key id", "\r", KEY_ID),  # it is proposed: the name of the file tells it
        ("Apple team id", "TEAM123456\r", "TEAM123456"),
        ("Bundle identifier", "net.chat-corp.app\r", "net.chat-corp.app"),
        ("Shall Android phones get push messages (FCM)?", "y\r", "(Y/n)"),
        ("FCM service account file (JSON)", "fcm.json\r", "fcm.json"),
        ("Certificates", "\r", "letsencrypt"),
        ("E-mail address for Let's Encrypt", "ops@chat-corp.net\r", "ops@chat-corp.net"),
        ("Public address of the TURN server", "185.60.113.10\r", "185.60.113.10"),
        ("Shall group calls run over LiveKit?", "y\r", "(Y/n)"),
        ("LiveKit", "\r", "livekit.chat-corp.net"),
        ("Address pool of MetalLB", "185.60.113.32/28\r\r", "185.60.113.32/28"),
        ("Storage class", "ceph-block\r", "ceph-block"),
        ("Keep backups of the main database for", "14d\r", "14d"),
        ("Keep backups of the LI database for", "90d\r", "90d"),
    ]


def at_review(home: Path, *words: str, **options: int) -> Screens:
    """Return a run in which everything was answered and the review stands."""
    screens = Screens(home, *words, **options)  # type: ignore[arg-type]
    for label, keys, _ in script():
        screens.answer(label, keys)
    screens.at("Write now?")
    return screens


def agree(screens: Screens, sheet: str = "") -> int:
    """Consent, pass over the second key, and answer whether an answers file is wanted (Enter alone: no).

    Return the exit code."""
    screens.answer("Write now?", "y\r")
    for label, keys in ONE_KEY:
        screens.answer(label, keys)
    screens.answer(OFFER, f"{sheet}\r")
    return screens.end()
