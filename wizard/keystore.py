"""The vault's key: an age identity in the OS keyring, or in a file that only its owner may read.

It fetches and keeps keys and opens nothing with them. Where a key may be is DESIGN, law 8; how keyrings fail, FACTS 8.
"""

from __future__ import annotations

import queue
import secrets
import shlex
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wizard import files, host
from wizard.errors import Problem, RefusedError, UsageError
from wizard.secret import Secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "matrix-wizard"
KEYRING = "the keyring"

_PATIENCE = 60.0  # seconds; time to type a keyring's password into its own window, then we go on without it
_SECRET_KEY = "AGE-SECRET-KEY-1"  # the prefix of every X25519 identity (age-encryption.org/v1)
_BORROWED = "keyrings."  # keyrings.alt and keyrings.cryptfile keep plain text or ask at our terminal (FACTS 8)
_NAME_IT = "Name the key with --identity FILE, or in MATRIX_WIZARD_IDENTITY."

# Why a keyring was of no use, by the error's name: keyring's own, raised by every backend (FACTS 8).
_REASONS = {
    "NoKeyringError": "this system has no keyring",
    "InitError": "it could not be opened",
    "KeyringLocked": "it is locked",
    "PasswordSetError": "it refuses to keep anything",
    "PasswordDeleteError": "it forgets nothing",
    "Empty": "it did not answer within a minute",
}

_T = TypeVar("_T")


@dataclass(frozen=True)
class Identity:
    """The keys that open a vault, the public part (age1…) of the newest, which stands last, and where they lie, in
    words to show. ``pins`` is the file beside them in which is remembered what they opened (see pins)."""

    secrets: tuple[Secret, ...]
    public: str
    where: str
    pins: Path


class _UnusableError(Exception):
    """The keyring cannot be used; the text says why and holds nothing of its answers."""


def load(vault_id: str | None, named: Path | None = None) -> Identity:
    """Fetch the key of an existing vault: from *named*, else the keyring, else the user's own data directory.

    *vault_id* is None where nothing tells whose the vault is: then only a named key will do. Raises RefusedError for a
    file that is missing, open to others or no key, UsageError where there is no key. Returns within a minute."""
    if named is not None:
        return _from_file(named)
    reason = "nothing says whose vault this is"
    if vault_id is not None:
        try:
            kept = _with_keyring(lambda keyring: keyring.get_password(SERVICE, vault_id))
            reason = "it holds no key of this vault"
        except _UnusableError as error:
            kept, reason = None, str(error)
        if kept is not None:
            return _identity(_keys(kept), KEYRING, _pins(identity_file(vault_id)))
        if (path := identity_file(vault_id)).exists():
            return _from_file(path)
    raise UsageError(Problem(f"The vault's key was not found: {_in_keyring(reason)}.", "", _NAME_IT))


def create(vault_id: str, named: Path | None = None, *, interactive: bool) -> Identity:
    """Make and keep the key of a new vault: in *named* (used as it is where it exists), else in the keyring, else,
    only if *interactive*, in the user's own data directory.

    Raises what ``load`` does, and UsageError where a key cannot be kept. Nothing that exists is overwritten."""
    if named is not None:
        return _from_file(named) if named.exists() else _to_file(named)
    identity = _generate(KEYRING, _pins(identity_file(vault_id)))
    try:
        _with_keyring(lambda keyring: _keep(keyring, vault_id, identity.secrets[-1]))
    except _UnusableError as error:
        if not interactive:
            what = f"There is nowhere to keep the vault's key: {_in_keyring(str(error))}."
            raise UsageError(Problem(what, "", f"{_NAME_IT} A file that does not exist yet is made.")) from None
    else:
        return identity
    path = identity_file(vault_id)
    _make_private_directory(path.parent)
    return _to_file(path)


def identity_file(vault_id: str) -> Path:
    """Return where the key of a vault lies when there is no keyring, by XDG."""
    return host.data_home() / SERVICE / "identities" / f"{vault_id}.txt"


def _in_keyring(reason: str) -> str:
    return reason.replace("it ", "the keyring ", 1) if reason.startswith("it ") else reason


def _pins(path: Path) -> Path:
    return path.with_name(f"{path.name}.pins")


def _keys(text: str) -> list[Secret]:
    """Return the keys in *text*, which is written as age-keygen writes it: a line each, comments and empty lines."""
    lines = [line.strip() for line in text.splitlines()]
    return [Secret(line) for line in lines if line and not line.startswith("#")]


def _generate(where: str, pins: Path) -> Identity:
    from pyrage import x25519

    return _identity([Secret(str(x25519.Identity.generate()))], where, pins)


def _identity(keys: Sequence[Secret], where: str, pins: Path) -> Identity:
    from pyrage import IdentityError, x25519

    try:
        public = [str(x25519.Identity.from_str(key.reveal()).to_public()) for key in keys]
        return Identity(tuple(keys), public[-1], where, pins)
    except IdentityError:
        problem = Problem("What is kept there is not an age secret key.", where, _NAME_IT)
    raise RefusedError(problem)


def _from_file(path: Path) -> Identity:
    """Read a file as age-keygen writes it: comments, empty lines and keys, the newest last."""
    try:
        is_private, text = files.is_owner_only(path), path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        problem = Problem("The file with the vault's key does not exist.", str(path), "Name the one it was made with.")
    except OSError as error:
        problem = Problem(f"The file with the vault's key cannot be read: {error.strerror}.", str(path), _NAME_IT)
    else:
        if not is_private:
            then = f"chmod 600 {shlex.quote(str(path))}"
            raise RefusedError(Problem("Others may read the file with the vault's key.", str(path), then))
        keys = _keys(text)
        if keys and all(key.reveal().startswith(_SECRET_KEY) for key in keys):
            return _identity(keys, str(path), _pins(path))
        problem = Problem(f"The file holds something else than age keys ({_SECRET_KEY}…).", str(path), _NAME_IT)
    raise RefusedError(problem)


def _to_file(path: Path) -> Identity:
    identity = _generate(str(path), _pins(path))
    text = f"# created: {host.now()}\n# public key: {identity.public}\n{identity.secrets[-1].reveal()}\n"
    try:
        files.create_private(path, text.encode())
    except OSError as error:
        problem = Problem(f"The vault's key cannot be kept there: {error.strerror}.", str(path), _NAME_IT)
    else:
        return identity
    raise UsageError(problem)


def _make_private_directory(path: Path) -> None:
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = Problem(f"The vault's key cannot be kept there: {error.strerror}.", str(path), _NAME_IT)
    else:
        return
    raise UsageError(problem)


def _keep(keyring: KeyringBackend, vault_id: str, secret: Secret) -> None:
    """Prove the keyring with something worthless first: some take everything and keep nothing, or keep it for good."""
    probe, worthless = f"{vault_id}.probe", secrets.token_hex(8)
    keyring.set_password(SERVICE, probe, worthless)
    if keyring.get_password(SERVICE, probe) != worthless:
        raise _UnusableError("it does not give back what it was given")
    keyring.delete_password(SERVICE, probe)
    keyring.set_password(SERVICE, vault_id, secret.reveal())
    if keyring.get_password(SERVICE, vault_id) != secret.reveal():
        raise _UnusableError("it does not give back what it was given")


def _with_keyring(ask: Callable[[KeyringBackend], _T]) -> _T:
    """Ask the system's keyring, at most for _PATIENCE; raises _UnusableError with the reason.

    In a thread of its own, since some backends wait for a window that nobody sees."""
    answers: queue.SimpleQueue[tuple[_T | None, str]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((ask(_backend()), ""))
        except _UnusableError as error:
            answers.put((None, str(error)))
        except Exception as error:  # a backend may be anybody's plugin and raise anything
            answers.put((None, _REASONS.get(type(error).__name__, f"it failed ({type(error).__name__})")))

    threading.Thread(target=work, daemon=True).start()
    try:
        answer, reason = answers.get(timeout=_PATIENCE)
    except queue.Empty:
        answer, reason = None, _REASONS["Empty"]
    if reason:
        raise _UnusableError(reason) from None
    return answer  # type: ignore[return-value]


def _backend() -> KeyringBackend:
    import keyring

    backend = keyring.get_keyring()
    if type(backend).__module__.startswith(_BORROWED):
        raise _UnusableError("it is not the system's own")
    return backend
