"""The vault's key in files and with the keyrings that keyring itself ships for the days when there is none."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import keyring
import pyrage
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from wizard import keystore, sealing
from wizard.errors import RefusedError, UsageError, WizardError
from wizard.vault import Recipient, Vault

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def headless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without a keyring, and a home of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


def words(error: WizardError) -> str:
    return " ".join(f"{problem.what} {problem.where} {problem.next}" for problem in error.problems)


def test_a_named_file_is_made_private_and_opens_the_vault(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    identity = keystore.create(ID, path, interactive=False)
    assert path.stat().st_mode & 0o777 == 0o600
    assert sealing.unseal(sealing.seal(Vault(ID, (Recipient(identity.public),))), *identity.secrets).id == ID
    assert path.read_text().splitlines()[1] == f"# public key: {identity.public}"
    assert keystore.load(ID, path) == keystore.load(None, path) == identity
    assert keystore.create(ID, path, interactive=False) == identity, "a file that exists is used, never overwritten"


@pytest.mark.parametrize("text", ["", "# nothing\n", "hunter2hunter2\n", "AGE-SECRET-KEY-1XYZ\n", "\xff\xfe"])
def test_a_file_without_a_key_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.txt"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(RefusedError) as caught:
        keystore.load(ID, path)
    assert str(path) in words(caught.value)
    assert not text.strip() or text.strip() not in words(caught.value)
    assert caught.value.__context__ is None


def test_a_file_may_hold_the_keys_of_earlier_days_too(tmp_path: Path) -> None:
    path, newest = tmp_path / "key.txt", pyrage.x25519.Identity.generate()
    first = keystore.create(ID, path, interactive=False)
    path.write_text(f"{path.read_text()}# later\n{newest}\n")
    both = keystore.load(ID, path)
    assert both.public == str(newest.to_public()), "the newest stands last"
    for public in (first.public, both.public):
        assert sealing.unseal(sealing.seal(Vault(ID, (Recipient(public),))), *both.secrets).id == ID


def test_a_line_that_is_no_key_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    keystore.create(ID, path, interactive=False)
    path.write_text(path.read_text() + "hunter2 is no key\n")
    with pytest.raises(RefusedError, match="something else than age keys") as caught:
        keystore.load(ID, path)
    assert "hunter2" not in words(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "my key.txt"
    identity = keystore.create(ID, path, interactive=False)
    path.chmod(mode)
    with pytest.raises(RefusedError) as caught:
        keystore.create(ID, path, interactive=False)
    (problem,) = caught.value.problems
    subprocess.run(["sh", "-c", problem.next], check=True)
    assert keystore.load(ID, path) == identity


def test_a_missing_file_is_never_made_for_a_vault_that_exists(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="does not exist"):
        keystore.load(ID, tmp_path / "key.txt")
    assert not (tmp_path / "key.txt").exists()
    for path in (tmp_path / "no" / "key.txt", Path("/proc/key.txt")):
        with pytest.raises(UsageError, match="cannot be kept there"):
            keystore.create(ID, path, interactive=False)
    with pytest.raises(RefusedError, match="cannot be read"):
        keystore.load(ID, tmp_path)


def test_without_a_keyring_the_users_own_directory_serves_who_sits_at_a_terminal(tmp_path: Path) -> None:
    identity = keystore.create(ID, interactive=True)
    path = keystore.identity_file(ID)
    assert identity.where == str(path)
    assert path == tmp_path / f"data/matrix-wizard/identities/{ID}.txt"
    assert [parent.stat().st_mode & 0o777 for parent in (path, *path.parents[:2])] == [0o600, 0o700, 0o700]
    assert keystore.load(ID) == identity
    with pytest.raises(UsageError):
        keystore.create(ID, interactive=True)
    assert keystore.load(ID) == identity


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
def test_without_a_keyring_and_a_terminal_the_key_must_be_named(tmp_path: Path, backend: type[KeyringBackend]) -> None:
    keyring.set_keyring(backend())
    deeds: list[Callable[[], object]] = [partial(keystore.create, ID, interactive=False)]
    deeds += [partial(keystore.load, vault_id) for vault_id in (ID, None)]
    for deed in deeds:
        with pytest.raises(UsageError) as caught:
            deed()
        assert "--identity FILE" in words(caught.value)
        assert "MATRIX_WIZARD_IDENTITY" in words(caught.value)
    assert not (tmp_path / "data").exists()
    assert keystore.create(ID, interactive=True).where == str(keystore.identity_file(ID))


class Holding(KeyringBackend):
    """A keyring that works."""

    priority = 1.0

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


def test_a_key_that_went_into_a_file_while_the_keyring_was_locked_is_found_beside_it() -> None:
    holding = Holding()
    keyring.set_keyring(holding)
    first = keystore.create(ID, interactive=True)
    assert first.where == keystore.KEYRING
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    with pytest.raises(UsageError, match="nowhere to keep"):
        keystore.renew(first, ID, interactive=True)  # it is the keyring's, and would be two places' then
    assert not keystore.identity_file(ID).exists()
    second = keystore.renew(None, ID, interactive=True)
    assert second.where == str(keystore.identity_file(ID))
    third = keystore.renew(None, ID, interactive=True)
    assert third.publics[0] == second.public
    keyring.set_keyring(holding)
    found = keystore.load(ID)
    assert found.where == keystore.KEYRING
    for each in (first, second, third):
        assert sealing.unseal(sealing.seal(Vault(ID, (Recipient(each.public),))), *found.secrets).id == ID


class Waiting(KeyringBackend):
    """A keyring whose window nobody sees, until the test is over."""

    priority = 1.0

    def __init__(self) -> None:
        self.is_over = threading.Event()

    def get_password(self, *_: str) -> str | None:
        self.is_over.wait()
        return None

    def set_password(self, *_: str) -> None:
        self.is_over.wait()

    def delete_password(self, *_: str) -> None:
        self.is_over.wait()


class Broken(Waiting):
    """A plugin that fails in its own way, with the secret in its words."""

    def get_password(self, *given: str) -> str | None:
        raise LookupError("hunter2hunter2", given)

    def set_password(self, *given: str) -> None:
        raise LookupError("hunter2hunter2", given)


@pytest.mark.parametrize(("backend", "reason"), [(Waiting, "did not answer"), (Broken, "LookupError")])
def test_a_keyring_that_never_answers_or_breaks_is_gone_without(
    monkeypatch: pytest.MonkeyPatch, backend: type[Waiting], reason: str
) -> None:
    monkeypatch.setattr(keystore, "_PATIENCE", 0.2)
    waiting, others = backend(), set(threading.enumerate())
    keyring.set_keyring(waiting)
    deeds: list[Callable[[], object]] = [partial(keystore.create, ID, interactive=False), partial(keystore.load, ID)]
    for deed in deeds:
        with pytest.raises(UsageError) as caught:
            deed()
        assert reason in words(caught.value)
        assert "hunter2" not in words(caught.value)
        assert "AGE-SECRET" not in words(caught.value)
    waiting.is_over.set()
    for thread in set(threading.enumerate()) - others:
        thread.join()


def test_a_home_that_is_not_known_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert keystore.identity_file(ID) == Path(f"/home/somebody/.local/share/matrix-wizard/identities/{ID}.txt")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert keystore.identity_file(ID).is_relative_to("/home/somebody")
    if not (child := os.fork()):
        os.environ.pop("HOME")
        os.setuid(54321) if os.geteuid() == 0 else os.environ.update(HOME="")
        try:
            keystore.identity_file(ID)
        except UsageError:
            os._exit(2)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in ((2,) if os.geteuid() == 0 else (0, 2))


def test_a_plain_key_beside_the_vault_is_not_used(tmp_path: Path) -> None:
    """Whoever may write to the repository could put one there, with a vault of their own that it opens."""
    planted = tmp_path / "identity.age"
    keystore.create(ID, planted, interactive=False)
    with pytest.raises(RefusedError, match="no passphrase protects") as caught:
        keystore.load(ID, None, planted)
    assert "chmod" not in words(caught.value)
