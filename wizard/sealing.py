"""The vault as an ordinary age file: sealed for its recipients, and opened with one key or refused in plain words.

Bytes in, bytes out: it knows no file and keeps no key (DESIGN, law 8).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from wizard.codec import MalformedError, dump, from_json, load, to_json
from wizard.errors import Problem, RefusedError, refuse
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
_ARMOUR_END = b"-----END AGE ENCRYPTED FILE-----"
# Octets of a payload (C2SP, age.md, "Payload"): a nonce, then chunks of the text, each with its tag. All but the last
# one are full, and that is empty only where it is the first one.
_NONCE, _CHUNK, _TAG = 16, 64 * 1024, 16
_MAC = re.compile(rb"[A-Za-z0-9+/]{43}")  # of the header: 32 octets as base64 without padding
_NO_MATCH = "No matching keys found"  # pyrage 1.4 has one class for all failures; only the text tells this one apart
_RESTORE = (
    "Put an earlier copy of the vault in its place, with the sites.lock and audit.log beside it (git has them if they "
    "were committed), or restore a backup (matrix-wizard vault restore FILE). Nothing was changed."
)


@dataclass(frozen=True)
class Sealed:
    """What an age file is called in a refusal, where it lies, and what to do about one that is damaged."""

    called: str
    where: str
    mend: str


_THE_VAULT = Sealed("The vault", VAULT, _RESTORE)


def seal(vault: Vault) -> bytes:
    """Return the vault as an age file for all its recipients. Raises RefusedError for one that is no public key."""
    if not vault.keys:
        raise ValueError("a vault without recipients could never be opened")
    return encrypted(to_json(payload(vault), indent=2).encode(), vault.keys)


def unseal(data: bytes, *identities: Secret) -> Vault:
    """Open an age file made by ``seal``, by this or an earlier version, with one of *identities* (AGE-SECRET-KEY-1…,
    or the text of an SSH private key).

    ``version`` of the result tells the format it had; it is written in today's.

    Raises RefusedError, one sentence for each cause: cut short, damaged, not age, another key, newer, malformed."""
    return vault_of(_parse(decrypted(data, identities)))


def payload(vault: Vault) -> dict[str, Any]:
    """Return the text of a vault as JSON data, its format and what it is told first."""
    return {"about": ABOUT, "version": VERSION, **dump(replace(vault, version=VERSION))}


def vault_of(text: Mapping[str, Any]) -> Vault:
    """Return the vault that ``payload``, of this or an earlier version, made *text* of. Raises RefusedError."""
    payload = dict(text)
    version = payload.pop("version", None)
    payload.pop("about", None)
    if type(version) is int and version > VERSION:
        refuse(
            f"The vault was written by a newer matrix-wizard (its format is {version}, this one reads {VERSION}).",
            "Install the newer matrix-wizard; nothing was changed.",
            VAULT,
        )
    if version == 1 and type(version) is int and isinstance(payload.get("recipients"), list):
        payload["recipients"] = [{"key": key} for key in payload["recipients"]]
    malformed = f"there is no format {version}" if type(version) is int and version < 1 else ""
    try:
        vault: Vault = load(Vault, {**payload, "version": version})
    except MalformedError as error:
        malformed = str(error)
    if malformed:
        refuse(f"The vault opens, but its text is not a vault's: {malformed}.", _RESTORE, VAULT)
    return vault


def count_keys(data: bytes) -> int:
    """Return how many keys open an age file, read from its header alone; 0 for what is none.

    A stanza each (age-encryption.org/v1); those that age and its kin add to keep readers honest ("grease") are none."""
    data = _bare(data)
    header = data.partition(_HEADER_END)[0] if data.startswith(_MAGIC) else b""
    return sum(line.startswith(_STANZAS) for line in header.split(b"\n"))


def faults(data: bytes) -> tuple[Problem, ...]:
    """Return what is wrong with a vault as far as its header tells, without a key: no age file, or cut short."""
    try:
        _refuse_foreign(data, _THE_VAULT)
    except RefusedError as error:
        return error.problems
    return ()


def encrypted(plain: bytes, keys: Sequence[str]) -> bytes:
    """Return *plain* as an age file for the public *keys*. Raises RefusedError for one that is no public key."""
    import pyrage

    sealed: bytes = pyrage.encrypt(plain, [_recipient(key) for key in keys])
    return sealed


def locked(plain: bytes, passphrase: Secret) -> bytes:
    """Return *plain* as an age file that *passphrase* opens (scrypt: it takes a second or two)."""
    import pyrage

    sealed: bytes = pyrage.passphrase.encrypt(plain, passphrase.reveal())
    return sealed


def is_locked(data: bytes) -> bool:
    """Say whether a passphrase opens the age file *data*, and no key (age-encryption.org/v1: its scrypt stanza)."""
    if data.startswith(_ARMOUR):
        lines = data.split(b"\n")[1:4]  # 192 octets: its stanza is the only one, and the first
        with suppress(ValueError):
            data = base64.b64decode(b"".join(line.strip() for line in lines))
    return b"\n-> scrypt " in data.partition(_HEADER_END)[0]


def decrypted(data: bytes, identities: Sequence[Secret], of: Sealed = _THE_VAULT) -> bytes:
    """Return what stands in the age file *data*, opened with one of *identities*. Raises RefusedError as ``unseal``.

    Each failure is refused outside its handler: the cause may quote what it could not read."""
    import pyrage

    _refuse_foreign(data, of)
    try:
        keys = [_key(identity.reveal()) for identity in identities]
    except pyrage.IdentityError:
        keys = []
    if not keys:
        refuse("The key that was given is not an age secret key.", "Name the vault's key with --identity FILE.", VAULT)
    try:
        plain: bytes = pyrage.decrypt(data, keys)
    except pyrage.DecryptError as error:
        is_other_key = str(error) == _NO_MATCH
    else:
        return plain
    if is_other_key:
        name_it = (
            "Name the key that it was made for with --identity FILE. One that was removed, or replaced by a rekey, "
            "opens it no more: ask whom it lets in. If this one should open it, the file is damaged. "
        )
        refuse(f"{of.called} cannot be opened with this key.", name_it + of.mend, of.where)
    raise RefusedError(Problem(f"{of.called} is damaged or was cut short.", of.where, of.mend))


def unlocked(data: bytes, passphrase: Secret, of: Sealed) -> bytes:
    """Return what stands in the age file *data*, opened with *passphrase*. RefusedError as ``decrypted``."""
    import pyrage

    _refuse_foreign(data, of)
    try:
        plain: bytes = pyrage.passphrase.decrypt(data, passphrase.reveal())
    except pyrage.DecryptError:
        plain = b""
    if not plain:
        refuse(f"{of.called} cannot be opened with this passphrase, or is damaged.", of.mend, of.where)
    return plain


def _recipient(key: str) -> Any:
    import pyrage

    read = pyrage.ssh.Recipient.from_str if key.startswith("ssh-") else pyrage.x25519.Recipient.from_str
    try:
        return read(key)
    except pyrage.RecipientError:
        readable = None
    # What else was given may be the secret half, or a password on the wrong line: only what begins like a key is shown.
    shown = f"“{key}”" if key.startswith(("age1", "ssh-")) else "What was given as a recipient"
    return readable or refuse(f"{shown} is no public key that age knows.", "Give an age1… or an ssh-ed25519 key.", "")


def _key(text: str) -> Any:
    import pyrage

    is_ssh = text.lstrip().startswith("-----BEGIN")
    return pyrage.ssh.Identity.from_buffer(text.encode()) if is_ssh else pyrage.x25519.Identity.from_str(text)


def _refuse_foreign(data: bytes, of: Sealed) -> None:
    data = _bare(data)
    _, _, body = data.partition(_HEADER_END)
    first, newline, _ = data.partition(b"\n")
    if newline and first.startswith(_MAGIC) and first.rstrip() != _MAGIC + b"v1":
        what = f"{of.called} is an age file of a version that is not known here."
        refuse(what, "Install the newer matrix-wizard.", of.where)
    if not data.startswith(_MAGIC[: len(data)]):
        refuse(f"{of.called} is not an age file.", of.mend, of.where)
    mac, is_ended, text = body.partition(b"\n")
    if not is_ended or not _is_payload(len(text)):
        refuse(f"{of.called} was cut short.", of.mend, of.where)
    if not _MAC.fullmatch(mac):
        refuse(f"{of.called} is damaged: its header does not end as that of an age file.", of.mend, of.where)


def _bare(data: bytes) -> bytes:
    """Return an age file without its armour; empty where the armour does not end, or is not base64."""
    if not data.startswith(_ARMOUR):
        return data
    is_ended = data.rstrip().endswith(_ARMOUR_END)
    body = b"".join(data.removeprefix(_ARMOUR).partition(_ARMOUR_END)[0].split())
    try:
        return base64.b64decode(body, validate=True) if is_ended else b""
    except ValueError:
        return b""


def _is_payload(length: int) -> bool:
    """Say whether a payload of *length* octets can be whole: what was cut off between two chunks only the key tells."""
    last = (length - _NONCE) % (_CHUNK + _TAG)
    is_first = length - _NONCE == last
    return length >= _NONCE + _TAG and (last == 0 or last > _TAG or (last == _TAG and is_first))


def _parse(plain: bytes) -> dict[str, Any]:
    payload = from_json(plain)
    if not isinstance(payload, dict):
        refuse("The vault opens, but its text is not a vault's: it is not a JSON object.", _RESTORE, VAULT)
    return payload
