"""The vault: answers, values with their generations, sites and the journal, as data, and as an ordinary age file.

Its one job is that nothing kept is lost or changed between two runs (DESIGN, laws 5 to 8). It knows no file, clock or
environment: bytes in, bytes out. Random ids are made here; secrets are not (see mint).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from wizard import catalogue, placeholders
from wizard.codec import MalformedError, dump, load, to_json
from wizard.errors import Problem, RefusedError
from wizard.secret import MASK, Secret

VERSION = 1
VAULT = ".matrix-wizard/vault.age"
LOCK = ".matrix-wizard/sites.lock"

ABOUT = (
    "This is the vault of matrix-wizard: every answer, every secret with its earlier generations, and every place it "
    "was written to. It is encrypted with age (age-encryption.org) to the recipients listed here; "
    "`age -d -i IDENTITY vault.age` opens it without matrix-wizard."
)
LOCK_ABOUT = "Where matrix-wizard writes values, and the text that stood there before. No secret stands in this file."

State = Literal["pending", "current", "retiring", "past", "compromised"]
Kind = Literal["site", "comment", "source", "entry", "commented", "node", "created", "document", "kept", "off"]

# The vault's id names a keyring entry and a file, and sites.lock may come from a stranger: nothing but hexadecimal.
_ID = re.compile(r"[0-9a-f]{32}")
# The checklist's last step greps the tree for CHANGEME, CHANGE_ME, example.com and example.org: in each, this letter is
# written as an escape. Not the first, which could be the last digit of one (`\u001e` before `xample.com`).
_GREPPED = re.compile(r"(?<=c)h(?=ange_?me)|(?<=e)x(?=ample\.(?:com|org))", re.IGNORECASE | re.ASCII)
# In a Secret only such a line is shown around a hole: nothing, or a key.
_PLAIN_HOLE = re.compile(r"(?:-----BEGIN □)?|[ \t]*(?:export[ \t]+)?[\w.-]*[ \t]*[=:]?[ \t]*[\"']?□[\"']?[ \t]*")

# Elsewhere a line is withheld where it tells a password of its own: a URL's, a Redis user's, or one behind such a word.
_TELLING_HOLE = re.compile(
    r"://[^\s/@]*:[^\s/@□]+@|(?:^|\s)>[^\s□]"
    r"|(?i:pass|passw(?:or)?d|passphrase|secret|token|credentials?|[-_]key|auth)[\w.\"'-]*(?:\s*[=:]\s*|\s+)[\"']*[^\s\"'□$]"
)

# How the keys of all controllers' allow-lists end (FACTS 4): who may reach LI is nobody's business.
_ALLOW_LISTS = ("source-range", "sourceRange", "haproxy.org/allow-list", "haproxy.org/whitelist")

_MAGIC = b"age-encryption.org/"  # first line of each age file, then its version (age-encryption.org/v1)
_ARMOUR = b"-----BEGIN AGE ENCRYPTED FILE-----"  # `age -a`; not ours, but as good
_HEADER_END = b"\n--- "
_LEAST_BODY = 16 + 16  # octets: nonce, and the tag of an empty chunk (age-encryption.org/v1)
_NO_MATCH = "No matching keys found"  # pyrage 1.4 has one class for all failures; only the text tells this one apart


@dataclass(frozen=True)
class Generation:
    """One version of a value. ``made`` is ISO 8601 in UTC; ``inputs`` is a fingerprint of what a random derivation
    (an htpasswd line) was made from, so that it is kept while they are the same."""

    id: str
    state: State
    made: str
    why: str
    text: Secret
    inputs: str = ""


@dataclass(frozen=True)
class Kept:
    """A value as the vault keeps it: all its generations, oldest first, exactly one of them current."""

    name: str
    generations: tuple[Generation, ...]

    def __post_init__(self) -> None:
        if [generation.state for generation in self.generations].count("current") != 1:
            raise ValueError("a kept value has exactly one current generation")
        if len({generation.id for generation in self.generations}) != len(self.generations):
            raise ValueError("the generations of a value have different ids")

    @property
    def current(self) -> Generation:
        """The generation that sites show."""
        return next(generation for generation in self.generations if generation.state == "current")


@dataclass(frozen=True)
class Record:
    """One site, found again by ``file`` (a hint), ``document`` ("Kind/namespace/name") and ``path``.

    ``hole`` says how the value stands in that scalar: "" is the whole text, else a line with □ for each hole, of which
    ``index`` is this one, in the ``nth`` of several equal lines (both from 0). ``original`` is the text that stood
    there. ``kind`` is what that text belongs to: a hole in a scalar ("site"), a "comment", the "source" of a scalar
    that its holes alone would not restore, the lines of a mapping's "entry" or of one that was "commented" out, a
    "node", a file that was "created", a "document" that was appended to one, a placeholder that is "kept" as it stands,
    or the place of a value whose component is "off"."""

    value: str
    file: str
    document: str
    path: tuple[str, ...]
    original: str = field(repr=False)
    hole: str = ""
    index: int = 0
    nth: int = 0
    kind: Kind = "site"


@dataclass(frozen=True)
class JournalFile:
    """One file of an operation: SHA-256 (hexadecimal) before and after; None where there is no such file."""

    path: str
    before_sha256: str | None
    after_sha256: str | None


@dataclass(frozen=True)
class Journal:
    """The last operation that wrote the tree, kept so that the next run notices one that was cut short."""

    verb: str
    made: str
    files: tuple[JournalFile, ...]


@dataclass(frozen=True)
class Vault:
    """All that is kept. ``recipients`` are age or SSH public keys; ``answers`` are JSON values by flat dotted key;
    ``left_out`` names the components that are switched off; ``from_bundle``: the tree was made from the bundled one."""

    id: str
    recipients: tuple[str, ...]
    version: int = VERSION
    answers: dict[str, Any] = field(default_factory=dict, repr=False)
    values: dict[str, Kept] = field(default_factory=dict)
    records: tuple[Record, ...] = ()
    left_out: tuple[str, ...] = ()
    from_bundle: bool = False
    journal: Journal | None = None

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError("a vault's id is 32 hexadecimal digits")
        if any(name != kept.name for name, kept in self.values.items()):
            raise ValueError("each value stands under its own name")


@dataclass(frozen=True)
class Lock:
    """What sites.lock tells: whose it is, every site, and what is switched off. Where the text that stood there was
    itself a secret (an adopted tree), ``original`` is MASK; the vault has it."""

    vault_id: str
    records: tuple[Record, ...]
    left_out: tuple[str, ...]
    instances: dict[str, str] = field(default_factory=dict)


def new_vault_id() -> str:
    """Return a random id for a vault: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def new_generation_id() -> str:
    """Return a random id for a generation: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def keep(vault: Vault, name: str, generation: Generation) -> Vault:
    """Return the vault with *generation* added to value *name*; where it is current, the one before becomes past."""
    earlier = vault.values[name].generations if name in vault.values else ()
    if generation.state == "current":
        earlier = tuple(dataclasses.replace(one, state="past") if one.state == "current" else one for one in earlier)
    return dataclasses.replace(vault, values={**vault.values, name: Kept(name, (*earlier, generation))})


def texts(vault: Vault) -> dict[str, frozenset[str]]:
    """Return every text that each value has had, by name."""
    return {
        name: frozenset(generation.text.reveal() for generation in kept.generations)
        for name, kept in vault.values.items()
    }


def journal(verb: str, made: str, changes: Mapping[str, tuple[bytes | None, bytes | None]]) -> Journal:
    """Return the journal of an operation that turns each file's first bytes into its second (None: no file)."""
    files = (JournalFile(path, _digest(before), _digest(after)) for path, (before, after) in sorted(changes.items()))
    return Journal(verb, made, tuple(files))


def unfinished(vault: Vault, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the paths that the last operation did not reach: they still stand as before it in *files*.

    A file that is neither as before nor as after was edited since, and is the operator's own."""
    if vault.journal is None:
        return ()
    changed = (file for file in vault.journal.files if file.before_sha256 != file.after_sha256)
    return tuple(file.path for file in changed if _digest(files.get(file.path)) == file.before_sha256)


def seal(vault: Vault) -> bytes:
    """Return the vault as an age file for all its recipients. Raises RefusedError for one that is no public key."""
    import pyrage

    if not vault.recipients:
        raise ValueError("a vault without recipients could never be opened")
    payload = {"about": ABOUT, "version": vault.version, **dump(vault)}
    sealed: bytes = pyrage.encrypt(to_json(payload, indent=2).encode(), [_recipient(key) for key in vault.recipients])
    return sealed


def unseal(data: bytes, identity: Secret) -> Vault:
    """Open an age file made by ``seal`` with *identity* (AGE-SECRET-KEY-1…).

    Raises RefusedError, one sentence for each cause: cut short, damaged, not age, another key, newer, malformed."""
    payload = _parse(_decrypt(data, identity))
    version = payload.pop("version", None)
    payload.pop("about", None)
    if type(version) is int and version > VERSION:
        _refuse(
            f"The vault was written by a newer matrix-wizard (its format is {version}, this one reads {VERSION}).",
            "Install the newer matrix-wizard; nothing was changed.",
        )
    malformed = ""
    try:
        vault: Vault = load(Vault, {**payload, "version": version})
    except MalformedError as error:
        malformed = str(error)
    if malformed:
        _refuse(f"The vault opens, but its text is not a vault's: {malformed}.", _RESTORE)
    return vault


def lock_text(vault: Vault) -> str:
    """Return sites.lock: JSON Lines, the vault's id first, then one line for each component that is off, for each
    instance that the answers name, and for each site.

    Sorted, so that two operators' files merge line by line. No line holds a value of the vault."""
    records = sorted(map(_withheld, vault.records), key=_place)
    lines: list[dict[str, Any]] = [{"vault": vault.id, "version": VERSION, "about": LOCK_ABOUT}]
    lines += [{"left_out": name} for name in sorted(vault.left_out)]
    named = vault.answers.get("instances", {})
    lines += [{"of": place, "instance": instance} for place, instance in sorted(named.items())]
    lines += [dump(record) for record in records]
    return "".join(_GREPPED.sub(lambda letter: f"\\u{ord(letter[0]):04x}", to_json(line)) + "\n" for line in lines)


def read_lock(text: str) -> Lock:
    """Read what ``lock_text`` wrote. Raises RefusedError naming the line."""
    first, *rest = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()] or [(1, "")]
    head = _lock_line(*first)
    if type(head.get("version")) is int and head["version"] > VERSION:
        _refuse("sites.lock was written by a newer matrix-wizard.", "Install the newer matrix-wizard.", f"{LOCK}:1")
    if head.get("version") != VERSION or not _ID.fullmatch(str(head.get("vault"))):
        _refuse("The first line of sites.lock does not name a vault.", _RESTORE_LOCK, f"{LOCK}:1")
    records, left_out, instances = [], [], {}
    for number, line in rest:
        data = _lock_line(number, line)
        try:
            if "left_out" in data:
                left_out.append(load(str, data["left_out"], "left_out"))
            elif "instance" in data:
                instances[load(str, data.get("of"), "of")] = load(str, data["instance"], "instance")
            else:
                records.append(load(Record, data))
        except MalformedError as error:
            _refuse(f"A line of sites.lock is not a site: {error}.", _RESTORE_LOCK, f"{LOCK}:{number}")
    return Lock(head["vault"], tuple(records), tuple(left_out), instances)


_RESTORE = "Put an earlier copy of the vault in its place (git has one if it was committed); nothing was changed."
_RESTORE_LOCK = "Put an earlier copy in its place, or resolve the merge if one left its marks; nothing was changed."


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


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


def _decrypt(data: bytes, identity: Secret) -> bytes:
    """Each failure is refused outside its handler: the cause may quote what it could not read."""
    import pyrage

    _refuse_foreign(data)
    try:
        key = pyrage.x25519.Identity.from_str(identity.reveal())
    except pyrage.IdentityError:
        key = None
    if key is None:
        _refuse("The key that was given is not an age secret key.", "Name the vault's key with --identity FILE.")
    try:
        plain: bytes = pyrage.decrypt(data, [key])
    except pyrage.DecryptError as error:
        is_other_key = str(error) == _NO_MATCH
    else:
        return plain
    if is_other_key:
        _refuse("The vault cannot be opened with this key.", "Name the key that it was made for with --identity FILE.")
    _refuse("The vault is damaged or was cut short.", _RESTORE)


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


def _place(record: Record) -> tuple[Any, ...]:
    """The order of sites.lock: by place, and total, so that equal sets of sites give equal files."""
    return (record.file, record.document, record.path, record.hole, record.nth, record.index, to_json(dump(record)))


def _withheld(record: Record) -> Record:
    """Return *record* as the lock may show it: what could be a secret is masked, in the original and around a hole."""
    original = record.original if _is_public(record) else MASK
    return dataclasses.replace(record, original=original, hole=MASK if _is_telling(record) else record.hole)


def _is_telling(record: Record) -> bool:
    """Say whether the text around the hole of *record* may hold another secret."""
    if record.document.startswith("Secret/"):
        return not _PLAIN_HOLE.fullmatch(record.hole)
    return _TELLING_HOLE.search(f"{''.join(record.path[-1:])}={record.hole}") is not None


def _is_public(record: Record) -> bool:
    if record.original == "" or record.kind in ("created", "document", "kept"):
        return True
    if record.kind in ("site", "comment", "off"):
        is_open = record.value != "" and not catalogue.is_masked(record.value)
        return is_open or placeholders.is_wholly(record.original)
    is_list = record.path[-1:] and record.path[-1].endswith(_ALLOW_LISTS)
    if record.kind == "node" and any(key in record.original for key in _ALLOW_LISTS):
        return False  # a flow mapping with such a list among its entries
    is_clause = record.kind != "source" and record.path[:1] in (("metadata",), ("spec",))
    return bool(is_clause and (not is_list or any(placeholders.find(record.original))))


def _lock_line(number: int, line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        _refuse("A line of sites.lock is not a JSON object.", _RESTORE_LOCK, f"{LOCK}:{number}")
    return data
