"""The age program opens what we seal and keep, and we open what it makes. Debian: age, openssh-client."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from wizard import keystore, sealing, vault
from wizard.errors import RefusedError
from wizard.secret import Secret
from wizard.vault import Generation, Recipient, Vault

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None]) -> None:
    needs("age", "age-keygen", "ssh-keygen")


def small(*recipients: str) -> Vault:
    generation = Generation("1", "current", "2026-03-01T12:00:00Z", "made", Secret("kX4pbz2hvNq8rQ"))
    return vault.keep(Vault(ID, tuple(map(Recipient, recipients))), "redis-password", generation)


def run(*command: str | Path, given: bytes | None = None) -> bytes:
    return subprocess.run(list(map(str, command)), input=given, capture_output=True, check=True).stdout


def test_age_opens_our_vault_with_our_key_file_and_shows_readable_text(tmp_path: Path) -> None:
    path, sealed = tmp_path / "key.txt", tmp_path / "vault.age"
    identity = keystore.create(ID, path, interactive=False)
    sealed.write_bytes(sealing.seal(small(identity.public)))
    plain = run("age", "-d", "-i", path, sealed)
    payload = json.loads(plain)
    assert next(iter(payload)) == "about"
    assert "age -d -i" in payload["about"]
    assert payload["values"]["redis-password"]["generations"][0]["text"] == "kX4pbz2hvNq8rQ"
    assert plain.count(b"\n") > 10
    assert run("age-keygen", "-y", path).decode().strip() == identity.public


def test_we_open_what_age_encrypts_with_a_file_of_age_keygen(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    run("age-keygen", "-o", path)
    identity = keystore.load(ID, path)
    assert f"# public key: {identity.public}\n" in path.read_text()
    ours = small(identity.public)
    (tmp_path / "ours.age").write_bytes(sealing.seal(ours))
    plain = run("age", "-d", "-i", path, tmp_path / "ours.age")
    assert sealing.unseal(run("age", "-r", identity.public, given=plain), *identity.secrets) == ours
    assert sealing.unseal(run("age", "-a", "-r", identity.public, given=plain), *identity.secrets) == ours
    with pytest.raises(RefusedError, match="not a vault's"):
        sealing.unseal(run("age", "-r", identity.public, given=b"{}"), *identity.secrets)


def test_each_recipient_opens_it_ssh_keys_too(tmp_path: Path) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id")
    ssh, key = (tmp_path / "id.pub").read_text().strip(), pyrage.x25519.Identity.generate()
    (tmp_path / "vault.age").write_bytes(sealing.seal(small(str(key.to_public()), ssh)))
    assert json.loads(run("age", "-d", "-i", tmp_path / "id", tmp_path / "vault.age"))["id"] == ID
    assert sealing.unseal((tmp_path / "vault.age").read_bytes(), Secret(str(key))).id == ID
