"""The vault as an ordinary age file: sealed for its recipients, and opened with one key or refused in plain words.

Bytes in, bytes out: it knows no file and keeps no key (DESIGN, law 8).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

from wizard.codec import MalformedError, dump, load, to_json
from wizard.errors import Problem, RefusedError
from wizard.secret import Secret
from wizard.vault import VAULT, VERSION, Vault

ABOUT = (
    "This is the vault of matrix-wizard: every answer, every secret with its earlier generations, and every place it "
    "was written to. It is encrypted with age (age-encryption.org) to the recipients listed here; "
    "`age -d -i IDENTITY vault.age` opens it without matrix-wizard."
)

_MAGIC = b"age-encryption.org/"  # first line of each age file, then its version (age-encryption.org/v1)
_ARMOUR = b"-----BEGIN AGE ENCRYPTED FILE-----"  # `age -a`; not ours, but as good
_HEADER_END = b"\n--- "
_STANZAS = (b"-> X25519 ", b"-> ssh-ed25519 ", b"-> ssh-rsa ")
_LEAST_BODY = 16 + 16  # octets: nonce, and the tag of an empty chunk (age-encryption.org/v1)
_NO_MATCH = "No matching keys found"  # pyrage 1.4 has one class for all failures; only the text tells this one apart
_RESTORE = "Put an earlier copy of the vault in its place (git has one if it was committed); nothing was changed."


def seal(vault: Vault) -> bytes:
    """Return the vault as an age file for all its recipients. Raises RefusedError for one that is no public key."""
    import pyrage

    if not vault.keys:
        raise ValueError("a vault without recipients could never be opened")
    payload = {"about": ABOUT, "version": VERSION, **dump(replace(vault, version=VERSION))}
    sealed: bytes = pyrage.encrypt(to_json(payload, indent=2).encode(), [_recipient(key) for key in vault.keys])
    return sealed


def unseal(data: bytes, *identities: Secret) -> Vault:
    """Open an age file made by ``seal``, by this or an earlier version, with one of *identities* (AGE-SECRET-KEY-1…,
    or the text of an SSH private key).

    ``version`` of the result tells the format it had; it is written in today's.

    Raises RefusedError, one sentence for each cause: cut short, damaged, not age, another key, newer, malformed."""
    payload = _parse(_decrypt(data, identities))
    version = payload.pop("version", None)
    payload.pop("about", None)
    if type(version) is int and version > VERSION:
        _refuse(
            f"The vault was written by a newer matrix-wizard (its format is {version}, this one reads {VERSION}).",
            "Install the newer matrix-wizard; nothing was changed.",
        )
    if version == 1 and type(version) is int and isinstance(payload.get("recipients"), list):
        payload["recipients"] = [{"key": key} for key in payload["recipients"]]
    malformed = ""
    try:
        vault: Vault = load(Vault, {**payload, "version": version})
    except MalformedError as error:
        malformed = str(error)
    if malformed:
        _refuse(f"The vault opens, but its text is not a vault's: {malformed}.", _RESTORE)
    return vault


def count_keys(data: bytes) -> int:
    """Return how many keys open an age file, read from its header alone; 0 for what is none.

    A stanza each (age-encryption.org/v1); those that age and its kin add to keep readers honest ("grease") are none."""
    if data.startswith(_ARMOUR):
        try:
            data = base64.b64decode(b"".join(line for line in data.splitlines() if not line.startswith(b"-----")))
        except ValueError:
            return 0
    header = data.partition(_HEADER_END)[0] if data.startswith(_MAGIC) else b""
    return sum(line.startswith(_STANZAS) for line in header.split(b"\n"))


def _refuse(what: str, then: str, where: str = VAULT) -> NoReturn:
    raise RefusedError(Problem(what, where, then))


def _recipient(key: str) -> Any:
    import pyrage

    read = pyrage.ssh.Recipient.from_str if key.startswith("ssh-") else pyrage.x25519.Recipient.from_str
    try:
        return read(key)
    except pyrage.RecipientError:
        readable = None
    return readable or _refuse(f"“{key}” is no public key that age knows.", "Give an age1… or an ssh-ed25519 key.", key)


def _decrypt(data: bytes, identities: Sequence[Secret]) -> bytes:
    """Each failure is refused outside its handler: the cause may quote what it could not read."""
    import pyrage

    _refuse_foreign(data)
    try:
        keys = [_key(identity.reveal()) for identity in identities]
    except pyrage.IdentityError:
        keys = []
    if not keys:
        _refuse("The key that was given is not an age secret key.", "Name the vault's key with --identity FILE.")
    try:
        plain: bytes = pyrage.decrypt(data, keys)
    except pyrage.DecryptError as error:
        is_other_key = str(error) == _NO_MATCH
    else:
        return plain
    if is_other_key:
        _refuse("The vault cannot be opened with this key.", "Name the key that it was made for with --identity FILE.")
    _refuse("The vault is damaged or was cut short.", _RESTORE)


def _key(text: str) -> Any:
    import pyrage

    is_ssh = text.lstrip().startswith("-----BEGIN")
    return pyrage.ssh.Identity.from_buffer(text.encode()) if is_ssh else pyrage.x25519.Identity.from_str(text)


def _refuse_foreign(data: bytes) -> None:
    if data.startswith(_ARMOUR):
        return
    header, _, body = data.partition(_HEADER_END)
    first, newline, _ = data.partition(b"\n")
    if newline and first.startswith(_MAGIC) and first.rstrip() != _MAGIC + b"v1":
        _refuse("The vault is an age file of a version that is not known here.", "Install the newer matrix-wizard.")
    if not data.startswith(_MAGIC[: len(data)]):
        _refuse("The vault is not an age file.", _RESTORE)
    if header == data or len(body.partition(b"\n")[2]) < _LEAST_BODY:
        _refuse("The vault was cut short.", _RESTORE)


def _parse(plain: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(plain)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        _refuse("The vault opens, but its text is not a vault's: it is not a JSON object.", _RESTORE)
    return payload
