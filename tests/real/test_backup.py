"""The age program opens our exports, and we restore what it encrypts. Debian: age."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from wizard import backup, sealing
from wizard.backup import Backup
from wizard.secret import Secret
from wizard.vault import Recipient, Vault


def run(*command: str | Path, given: bytes | None = None) -> bytes:
    return subprocess.run(list(map(str, command)), input=given, capture_output=True, check=True).stdout


def test_age_opens_a_backup_and_makes_one(needs: Callable[..., None], tmp_path: Path) -> None:
    needs("age", "age-keygen")
    run("age-keygen", "-o", tmp_path / "key.txt")
    public = run("age-keygen", "-y", tmp_path / "key.txt").decode().strip()
    ours = Backup("2026-03-01T12:00:00Z", Vault("ab" * 16, (Recipient(public),)), "{}\n", "\udcff\n")
    (tmp_path / "backup.age").write_bytes(sealing.encrypted(backup.write(ours), (public,)))
    plain = run("age", "-d", "-i", tmp_path / "key.txt", tmp_path / "backup.age")
    assert json.loads(plain)["vault"]["id"] == "ab" * 16
    secret = Secret((tmp_path / "key.txt").read_text().splitlines()[-1])
    of = backup.sealed("backup.age")
    for theirs in (run("age", "-r", public, given=plain), run("age", "-a", "-r", public, given=plain)):
        assert not sealing.is_locked(theirs)
        assert backup.read(sealing.decrypted(theirs, [secret], of), "backup.age") == ours


def test_a_passphrase_is_told_from_a_key() -> None:
    armoured = sealing.locked(b"text", Secret("words"))
    assert sealing.is_locked(armoured)
    assert sealing.unlocked(armoured, Secret("words"), backup.sealed("x")) == b"text"
