"""The age program opens what we seal and keep, and we open what it makes. Debian: age, openssh-client."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyrage
import pytest

from wizard import keystore, sealing, secondkey, vault
from wizard.errors import RefusedError
from wizard.keystore import Passphrases
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


def typed(passphrase: str, *command: str | Path) -> bytes:
    """Run age at a terminal, type the passphrase as often as it asks, and return what it wrote to the file."""
    child = pexpect.spawn(str(command[0]), list(map(str, command[1:])), timeout=120, encoding="utf-8")
    while child.expect(["passphrase[^:]*: ", pexpect.EOF]) == 0:
        child.sendline(passphrase)
    child.close()
    assert child.exitstatus == 0, child.before
    return Path(command[command.index("-o") + 1]).read_bytes()


def test_age_opens_our_vault_with_our_identity_behind_a_passphrase(tmp_path: Path) -> None:
    path, sealed, phrase = tmp_path / "identity.age", tmp_path / "vault.age", "six words from nowhere else"
    chosen = Passphrases(chosen=lambda: Secret(phrase))
    identity = keystore.create(ID, None, path, chosen, interactive=False)
    sealed.write_bytes(sealing.seal(small(identity.public)))
    plain = typed(phrase, "age", "-d", "-o", tmp_path / "plain", "-i", path, sealed)
    assert json.loads(plain)["id"] == ID
    newer = keystore.renew(identity, ID, interactive=False)
    sealed.write_bytes(sealing.seal(small(newer.public)))
    plain = typed(phrase, "age", "-d", "-o", tmp_path / "plain", "-i", path, sealed)
    assert json.loads(plain)["id"] == ID


@pytest.mark.parametrize("form", ["-p", "-p -a"])
def test_we_open_an_identity_that_age_put_behind_a_passphrase(tmp_path: Path, form: str) -> None:
    path, phrase = tmp_path / "identity.age", "six words from nowhere else"
    run("age-keygen", "-o", tmp_path / "key.txt")
    typed(phrase, "age", *form.split(), "-o", path, tmp_path / "key.txt")
    identity = keystore.load(None, path, given=Passphrases(lambda _: Secret(phrase)))
    assert identity.public == run("age-keygen", "-y", tmp_path / "key.txt").decode().strip()
    assert sealing.unseal(sealing.seal(small(identity.public)), *identity.secrets).id == ID
    with pytest.raises(RefusedError, match="another one") as caught:
        keystore.load(None, path, given=Passphrases(lambda _: Secret("six words from somewhere")))
    assert caught.value.__context__ is None
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RefusedError, match="damaged"):
        keystore.load(None, path, given=Passphrases(lambda _: Secret(phrase)))


def test_age_opens_the_vault_with_the_line_of_a_recovery_key(tmp_path: Path) -> None:
    secret, public = keystore.new_pair()
    sheet = tmp_path / "recovery.txt"
    sheet.write_text(f"{secret.reveal()}\n")
    assert run("age-keygen", "-y", sheet).decode().strip() == public
    (tmp_path / "vault.age").write_bytes(sealing.seal(small(keystore.new_pair()[1], public)))
    assert json.loads(run("age", "-d", "-i", sheet, tmp_path / "vault.age"))["id"] == ID
    shown = " ".join(secondkey.groups(secret)).lower()
    assert secondkey.read(f"age-secret-key- {shown}") == secret


@pytest.mark.parametrize("kind", [["ed25519"], ["rsa", "-b", "2048"], ["rsa", "-b", "2048", "-m", "PEM"]], ids=" ".join)
def test_we_open_with_an_ssh_key_what_age_encrypts_to_it(tmp_path: Path, kind: list[str]) -> None:
    run("ssh-keygen", "-q", "-t", *kind, "-N", "", "-f", tmp_path / "id")
    identity = keystore.load(None, tmp_path / "id")
    assert identity.public == " ".join((tmp_path / "id.pub").read_text().split()[:2])
    plain = run("age", "-d", "-i", tmp_path / "id", given=sealing.seal(small(identity.public)))
    sealed = run("age", "-R", tmp_path / "id.pub", given=plain)
    assert sealing.unseal(sealed, *identity.secrets).id == ID
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other")
    with pytest.raises(RefusedError, match="with this key"):
        sealing.unseal(sealed, *keystore.load(None, tmp_path / "other").secrets)


def test_the_keys_are_counted_in_headers_of_both_programs(tmp_path: Path) -> None:
    """Grease, which both add at random, is none of them."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id")
    run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", tmp_path / "rsa")
    keys = [keystore.new_pair()[1], keystore.new_pair()[1]]
    keys += [(tmp_path / f"{name}.pub").read_text().strip() for name in ("id", "rsa")]
    for number in range(1, 5):
        options = [word for key in keys[:number] for word in ("-r", key)]
        for more in ([], ["-a"]):
            assert sealing.count_keys(run("age", *more, *options, given=b"-> X25519 a\n")) == number
        assert {sealing.count_keys(sealing.seal(small(*keys[:number]))) for _ in range(30)} == {number}
    for none in (b"", b"-> X25519 a b\n", b"kind: Secret\n", b"-----BEGIN AGE ENCRYPTED FILE-----\n%%%\n"):
        assert sealing.count_keys(none) == 0


@pytest.mark.parametrize("identity", ["v1/identity.txt", "v2/identity.txt", "v2/recovery.txt"])
def test_age_opens_the_golden_vaults_and_shows_what_stands_in_their_trees(identity: str) -> None:
    vectors = Path(__file__).parents[1] / "vectors"
    home = (vectors / identity).parent
    payload = json.loads(run("age", "-d", "-i", vectors / identity, home / "vault.age"))
    assert f"v{payload['version']}" == home.name
    tree = (home / "main.yaml").read_text()
    texts = {name: kept["generations"][-1]["text"].strip() for name, kept in payload["values"].items()}
    assert texts.keys() >= {"redis-password", "signing-key", "smtp-password"}
    assert all(texts[name] in tree for name in ("redis-password", "signing-key", "smtp-password"))


def test_each_recipient_opens_it_ssh_keys_too(tmp_path: Path) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id")
    ssh, key = (tmp_path / "id.pub").read_text().strip(), pyrage.x25519.Identity.generate()
    (tmp_path / "vault.age").write_bytes(sealing.seal(small(str(key.to_public()), ssh)))
    assert json.loads(run("age", "-d", "-i", tmp_path / "id", tmp_path / "vault.age"))["id"] == ID
    assert sealing.unseal((tmp_path / "vault.age").read_bytes(), Secret(str(key))).id == ID
