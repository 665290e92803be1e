"""The vault's key: an age identity in the OS keyring, in a file that only its owner may read, or behind a passphrase.

It fetches and keeps keys, and opens with them nothing but an identity that a passphrase protects. Where a key may be is
DESIGN, law 8; how keyrings fail, FACTS 8.
"""

from __future__ import annotations

import queue
import secrets
import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wizard import files, host, keys
from wizard.errors import Problem, RefusedError, UsageError
from wizard.secret import Secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "matrix-wizard"
KEYRING = "the keyring"

_PATIENCE = 60.0  # seconds; time to type a keyring's password into its own window, then we go on without it
_SECRET_KEY = "AGE-SECRET-KEY-1"  # the prefix of every X25519 identity (age-encryption.org/v1)
_BORROWED = "keyrings."  # keyrings.alt and keyrings.cryptfile keep plain text or ask at our terminal (FACTS 8)
_NAME_IT = "Name the key, or the recovery key, with --identity FILE or in MATRIX_WIZARD_IDENTITY."
# How an identity begins that a passphrase protects: it is an age file itself, as `age -p` makes it, with or without -a.
_AGE = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")
_WRONG = "Decryption failed"  # pyrage 1.4 has one class for all failures; only the text tells a wrong passphrase apart
_LEAST = 12  # characters of a passphrase: who has the file may try as many as scrypt and patience allow

# Why a keyring was of no use, by the error's name: keyring's own, raised by every backend (FACTS 8).
_REASONS = {
    "NoKeyringError": "this system has no keyring",
    "InitError": "it could not be opened",
    "KeyringLocked": "it is locked",
    "PasswordSetError": "it refuses to keep anything",
    "PasswordDeleteError": "it forgets nothing",
    "Empty": "it did not answer within a minute",
}
_UNLOCK = {"it is locked": "Unlock it, as logging in to the desktop does, and try again. Else: "}

_T = TypeVar("_T")


@dataclass(frozen=True)
class Identity:
    """The keys that open a vault, their public parts (age1… or ssh-…), both with the newest last, and where they lie,
    in words to show. ``file`` holds them (None: the keyring does), behind ``passphrase`` if there is one."""

    secrets: tuple[Secret, ...]
    publics: tuple[str, ...]
    where: str
    file: Path | None = None
    passphrase: Secret | None = None

    @property
    def public(self) -> str:
        """The public part of the newest key."""
        return self.publics[-1]


def _unknown(where: str) -> Secret:
    then = "Give it with --passphrase-file FILE or --passphrase-fd N, or give the command at a terminal."
    raise UsageError(Problem("A passphrase protects the vault's key.", where, then))


@dataclass(frozen=True)
class Passphrases:
    """How passphrases are had: ``known`` asks for, or reads, that of the key in the file it is told (UsageError where
    it cannot), ``chosen`` that of a key to be made; None where it is to have none."""

    known: Callable[[str], Secret] = _unknown
    chosen: Callable[[], Secret] | None = None


class _UnusableError(Exception):
    """The keyring cannot be used; the text says why and holds nothing of its answers."""


def load(
    vault_id: str | None, named: Path | None = None, beside: Path | None = None, given: Passphrases | None = None
) -> Identity:
    """Fetch the key of an existing vault: from *named*, else the keyring, else the user's own data directory, else the
    file *beside* the vault, which only a passphrase opens.

    *vault_id* is None where nothing tells whose the vault is: then the keyring is not asked. Raises RefusedError for a
    file that is missing, open to others or no key, and for a wrong passphrase, UsageError where there is no key.
    Returns within a minute, but for the time that somebody types."""
    given = given or Passphrases()
    if named is not None:
        return _from_file(named, given)
    reason, looked = "nothing says whose vault this is", ""
    if vault_id is not None:
        try:
            kept = _with_keyring(lambda keyring: keyring.get_password(SERVICE, vault_id))
            reason = "it holds no key of this vault"
        except _UnusableError as error:
            kept, reason = None, str(error)
        path = identity_file(vault_id)
        looked = f", and there is no file {path}"
        of_file = _from_file(path, given) if path.exists() else None
        if kept is not None:
            return _both(_in_keyring(kept), of_file)
        if of_file is not None:
            return of_file
    if beside is not None and beside.exists():
        return _in_tree(beside, given)
    what = f"The vault's key was not found: {_told(reason)}{looked}."
    raise UsageError(Problem(what, "", _UNLOCK.get(reason, "") + _NAME_IT))


def create(
    vault_id: str,
    named: Path | None = None,
    beside: Path | None = None,
    given: Passphrases | None = None,
    *,
    interactive: bool,
) -> Identity:
    """Make and keep the key of a new vault: in *named* (used as it is where it exists), else in the keyring, else,
    only if *interactive*, in the user's own data directory.

    With a passphrase it goes into *named*, else into *beside*. Raises what ``load`` does, and UsageError where a key
    cannot be kept or the passphrase is too short. Nothing that exists is overwritten."""
    given = given or Passphrases()
    path = named or (beside if given.chosen else None)
    if path is None:
        then = f"{_NAME_IT} A file that does not exist yet is made."
        return _for_user(vault_id, then, interactive=interactive)
    if path.exists():
        return _from_file(path, given)
    if given.chosen is None:
        return _to_file(path)
    passphrase = given.chosen()
    if fault := weakness(passphrase):
        raise UsageError(Problem(fault, "", "Choose a longer one."))
    if path == beside:
        _make_directory(path.parent)
    return _to_file(path, passphrase)


def renew(identity: Identity | None, vault_id: str, named: Path | None = None, *, interactive: bool) -> Identity:
    """Make and keep another key, as the newest: in the new file *named*, else where those of *identity* lie, which stay
    for what they once opened; of None, where a new vault's key would go.

    Raises what ``create`` does."""
    if named is not None:
        return _to_file(named)
    if identity is not None and identity.file is not None:
        return _added(identity)
    path = identity_file(vault_id)
    if identity is None and path.exists():
        return _added(_from_file(path, Passphrases()))
    may_be_file = interactive and identity is None  # what was in the keyring just now is kept there
    return _for_user(vault_id, "Name a new file for it with --new-identity FILE.", interactive=may_be_file)


def new_pair() -> tuple[Secret, str]:
    """Return a new X25519 identity (AGE-SECRET-KEY-1…), which is kept nowhere, and its public part (age1…)."""
    from pyrage import x25519

    made = x25519.Identity.generate()
    return Secret(str(made)), str(made.to_public())


def publics(*secrets: Secret) -> tuple[str, ...]:
    """Return the public part of each age identity. ValueError, which quotes nothing, where one is none."""
    from pyrage import IdentityError, x25519

    try:
        return tuple(str(x25519.Identity.from_str(each.reveal()).to_public()) for each in secrets)
    except IdentityError:
        wrong = ValueError("not an age secret key")
    raise wrong


def passphrase_in(source: Path) -> Secret:
    """Return the passphrase in the file or descriptor *source*: its first line, without the end of that line.

    UsageError for one that cannot be read, is empty, or is no text."""
    try:
        line = files.read(source).decode().partition("\n")[0].removesuffix("\r")
    except OSError as error:
        what = f"The passphrase cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        what = "The passphrase is not UTF-8 text."
    else:
        if line:
            return Secret(line)
        what = "The first line is empty: it is no passphrase."
    raise UsageError(Problem(what, str(source)))


def weakness(passphrase: Secret) -> str:
    """Return what is wrong with a new passphrase, in a sentence; "" where nothing is."""
    is_short = len(passphrase.reveal()) < _LEAST
    return f"A passphrase has {_LEAST} characters or more, since whoever gets the file may try." if is_short else ""


def absent() -> Identity:
    """Return what stands for the key of a vault that nobody here opens."""
    return Identity((), (), "")


def identity_file(vault_id: str) -> Path:
    """Return where the key of a vault lies when there is no keyring, by XDG."""
    return host.data_home() / SERVICE / "identities" / f"{vault_id}.txt"


def _told(reason: str) -> str:
    return reason.replace("it ", "the keyring ", 1) if reason.startswith("it ") else reason


def _keys(text: str) -> list[Secret]:
    """Return the keys in *text*, which is written as age-keygen writes it: a line each, comments and empty lines."""
    lines = [line.strip() for line in text.splitlines()]
    return [Secret(line) for line in lines if line and not line.startswith("#")]


def _text(secret: Secret, public: str) -> str:
    return f"# created: {host.now()}\n# public key: {public}\n{secret.reveal()}\n"


def _identity(text: str, where: str) -> tuple[tuple[Secret, ...], tuple[str, ...]]:
    """Return the keys that stand in *text*, and their public parts. RefusedError for anything else in it."""
    found = _keys(text)
    problem = Problem(f"It holds something else than age keys ({_SECRET_KEY}…).", where, _NAME_IT)
    if found and all(key.reveal().startswith(_SECRET_KEY) for key in found):
        try:
            return tuple(found), publics(*found)
        except ValueError:
            problem = Problem("What is kept there is not an age secret key.", where, _NAME_IT)
    raise RefusedError(problem)


def _both(keyring: Identity, of_file: Identity | None) -> Identity:
    """Return what is in the keyring with what went into a file on a day when the keyring was locked."""
    if of_file is None:
        return keyring
    secrets, public = (*of_file.secrets, *keyring.secrets), (*of_file.publics, *keyring.publics)
    return replace(keyring, secrets=secrets, publics=public)


def _in_keyring(kept: str) -> Identity:
    return Identity(*_identity(kept, KEYRING), KEYRING)


def _from_file(path: Path, given: Passphrases) -> Identity:
    """Read a file as age-keygen writes it (comments, empty lines and keys, the newest last), one of these that a
    passphrase protects, or an SSH key."""
    try:
        is_private, data = files.is_owner_only(path), files.read(path)
    except FileNotFoundError:
        problem = Problem("The file with the vault's key does not exist.", str(path), "Name the one it was made with.")
    except OSError as error:
        problem = Problem(f"The file with the vault's key cannot be read: {error.strerror}.", str(path), _NAME_IT)
    else:
        if data.startswith(_AGE):
            return _behind_passphrase(path, data, given.known(str(path)))
        if not is_private:
            then = f"chmod 600 {shlex.quote(str(path))}"
            raise RefusedError(Problem("Others may read the file with the vault's key.", str(path), then))
        text = data.decode("utf-8", "replace")
        if keys.is_ssh(text):
            return _ssh(path, text)
        return Identity(*_identity(text, str(path)), str(path), path)
    raise RefusedError(problem)


def _in_tree(path: Path, given: Passphrases) -> Identity:
    """Read a key that lies beside the vault. Only one behind a passphrase: whoever may write to the repository could
    put a plain one there that opens a vault of their own."""
    try:
        is_locked = files.read(path).startswith(_AGE)
    except OSError:
        is_locked = True  # what is wrong with it is told by who reads it
    if is_locked:
        return _from_file(path, given)
    what = "A key that no passphrase protects lies beside the vault. It is not used: anybody may have put it there."
    raise RefusedError(Problem(what, str(path), f"Remove it; a key of yours lies elsewhere. {_NAME_IT}"))


def _behind_passphrase(path: Path, data: bytes, passphrase: Secret) -> Identity:
    """Each failure is refused outside its handler: the cause may hold what it could not read."""
    import pyrage

    try:
        plain = pyrage.passphrase.decrypt(data, passphrase.reveal())
    except pyrage.DecryptError as error:
        is_wrong = str(error) == _WRONG
    else:
        secrets, public = _identity(plain.decode("utf-8", "replace"), str(path))
        return Identity(secrets, public, str(path), path, passphrase)
    what = "The passphrase is another one." if is_wrong else "The file with the vault's key is damaged, or is none."
    raise RefusedError(Problem(what, str(path), "Try again; nothing was changed." if is_wrong else _NAME_IT))


def _ssh(path: Path, text: str) -> Identity:
    try:
        public = keys.ssh_public(text)
    except keys.EncryptedError:
        problem = Problem(
            "This SSH key has a passphrase of its own, which is not asked for here.",
            str(path),
            "Name another key of the vault, or a copy of this one without its passphrase: ssh-keygen -p -f COPY.",
        )
    except ValueError:
        then = "Name an ssh-ed25519 or ssh-rsa key, or an age identity."
        problem = Problem("This SSH key is of a kind that age cannot use, or is damaged.", str(path), then)
    else:
        return Identity((Secret(text),), (public,), str(path), path)
    raise RefusedError(problem)


def _to_file(path: Path, passphrase: Secret | None = None) -> Identity:
    secret, public = new_pair()
    try:
        files.create_private(path, _locked(_text(secret, public), passphrase))
    except OSError as error:
        problem = Problem(f"The vault's key cannot be kept there: {error.strerror}.", str(path), _NAME_IT)
    else:
        return Identity((secret,), (public,), str(path), path, passphrase)
    raise UsageError(problem)


def _added(identity: Identity) -> Identity:
    """Return *identity* with a new key behind those in its file, every other line of which stays."""
    secret, public = new_pair()
    path = Path(identity.where).resolve()  # a link stays one
    try:
        if identity.passphrase:
            before = "".join(map(_text, identity.secrets, identity.publics))
        else:
            before = files.read(path).decode("utf-8", "replace").removesuffix("\n") + "\n"
        files.write_private(path, _locked(before + _text(secret, public), identity.passphrase))
    except OSError as error:
        problem = Problem(f"The vault's new key cannot be kept there: {error.strerror}.", str(path), _NAME_IT)
    else:
        return replace(identity, secrets=(*identity.secrets, secret), publics=(*identity.publics, public))
    raise UsageError(problem)


def _locked(text: str, passphrase: Secret | None) -> bytes:
    """Return the text of an identity file; with a *passphrase* as an age file. That takes about a second."""
    if passphrase is None:
        return text.encode()
    import pyrage

    data: bytes = pyrage.passphrase.encrypt(text.encode(), passphrase.reveal())
    return data


def _for_user(vault_id: str, otherwise: str, *, interactive: bool) -> Identity:
    try:
        return _in_keyring(_with_keyring(lambda keyring: _keep(keyring, vault_id, new_pair()[0])))
    except _UnusableError as error:
        reason = str(error)
    if not interactive:
        what = f"There is nowhere to keep the vault's key: {_told(reason)}."
        raise UsageError(Problem(what, "", _UNLOCK.get(reason, "") + otherwise))
    path = identity_file(vault_id)
    _make_private_directory(path.parent)
    return _to_file(path)


def _make_private_directory(path: Path) -> None:
    _make_directory(path.parent)
    _make_directory(path)


def _make_directory(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = Problem(f"The vault's key cannot be kept there: {error.strerror}.", str(path), _NAME_IT)
    else:
        return
    raise UsageError(problem)


def _keep(keyring: KeyringBackend, vault_id: str, secret: Secret) -> str:
    """Keep a key, behind those that are kept there, and return all of them, a line each.

    Proves the keyring with something worthless first: some take everything and keep nothing, or keep it for good."""
    probe, worthless = f"{vault_id}.probe", secrets.token_hex(8)
    keyring.set_password(SERVICE, probe, worthless)
    if keyring.get_password(SERVICE, probe) != worthless:
        raise _UnusableError("it does not give back what it was given")
    keyring.delete_password(SERVICE, probe)
    text = "\n".join(filter(None, (keyring.get_password(SERVICE, vault_id), secret.reveal())))
    keyring.set_password(SERVICE, vault_id, text)
    if keyring.get_password(SERVICE, vault_id) != text:
        raise _UnusableError("it does not give back what it was given")
    return text


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
    # Wherever it runs, this asks compiler and linker for a library of macOS, which is half of what a keyring costs.
    host.spare("keyring.backends.macOS.api", "darwin")
    import keyring

    backend = keyring.get_keyring()
    if type(backend).__module__.startswith(_BORROWED):
        raise _UnusableError("it is not the system's own")
    return backend
