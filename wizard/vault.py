"""The vault: answers, values with their generations, sites and the journal, as data.

Its one job is that nothing kept is lost or changed between two runs (DESIGN, laws 5 to 8). It knows no file, clock or
environment; `sealing` makes it an age file, `lock` the readable copy of its sites. Random ids are made here; secrets
are not (see mint).
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wizard.secret import Secret

VERSION = 3  # of the format; 1 had neither seal nor log, and its recipients were plain keys; 2 no run sheets
VAULT = ".matrix-wizard/vault.age"
LOCK = ".matrix-wizard/sites.lock"
LOG = ".matrix-wizard/audit.log"
IGNORES = ".matrix-wizard/ignore"  # without .yaml, which kubectl -R would read
IDENTITY = ".matrix-wizard/identity.age"  # the vault's key where a passphrase protects it

UNSEALED = Secret("")  # the seal of a vault of the first format, which had none

State = Literal["pending", "current", "retiring", "past", "compromised"]
Holder = Literal["own", "recovery", "other"]
# Whose a place was when it was consented to; "any": a vault of earlier days, which did not note it; "none": nobody did.
Instance = Literal["main", "li", "any", "none"]
Kind = Literal[
    "site", "comment", "source", "entry", "commented", "node", "created", "document", "kept", "off", "retiring"
]

# The vault's id names a keyring entry and a file, and sites.lock may come from a stranger: nothing but hexadecimal.
ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Generation:
    """One version of a value. ``made`` is ISO 8601 in UTC, and so is ``until``: when it was replaced, or, still
    accepted beside another, when that is over ("": not yet, or before that was kept). ``inputs`` is a fingerprint of
    what a random derivation (an htpasswd line) was made from, so that it is kept while they are the same."""

    id: str
    state: State
    made: str
    why: str
    text: Secret
    inputs: str = ""
    until: str = ""


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

    @property
    def retiring(self) -> Generation | None:
        """The generation that servers still take beside the current one, the newest of several; None for none."""
        return next((each for each in reversed(self.generations) if each.state == "retiring"), None)


@dataclass(frozen=True)
class Record:
    """One site, found again by ``file`` (a hint), ``document`` ("Kind/namespace/name") and ``path``.

    ``hole`` says how the value stands in that scalar: "" is the whole text, else a line with □ for each hole, of which
    ``index`` is this one, in the ``nth`` of several equal lines (both from 0). ``original`` is the text that stood
    there. ``kind`` is what that text belongs to: a hole in a scalar ("site"), a "comment", the "source" of a scalar
    that its holes alone would not restore, the lines of a mapping's "entry" or of one that was "commented" out, a
    "node", a file that was "created", a "document" that was appended to one, a placeholder that is "kept" as it stands,
    the place of a value whose component is "off", or a line that was added for a "retiring" generation. ``instance`` is
    whose the object was when the operator consented to the value there: what an export for LI goes by."""

    value: str
    file: str
    document: str
    path: tuple[str, ...]
    original: str = field(repr=False)
    hole: str = ""
    index: int = 0
    nth: int = 0
    kind: Kind = "site"
    instance: Instance = "any"


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
class Recipient:
    """Somebody's key that opens the vault: ``key`` is an age or SSH public key, ``name`` what people call its holder.

    ``since`` and ``until`` tell when it began and ceased to be a recipient ("": it is one), ``drilled`` when it last
    opened the vault for trial. ``kind``: a key of one's "own" machine, the second one of a first run ("recovery"), or
    an "other"."""

    key: str
    since: str = ""
    kind: Holder = "other"
    name: str = ""
    until: str = ""
    drilled: str = ""


@dataclass(frozen=True)
class Audit:
    """What proves the audit log: the key of its HMACs, the ids of its newest entries and how many there are
    at least (the chain of the entries proves the rest).

    ``last`` are the newest lines themselves, so that a run that was killed before the log was written loses none.
    ``former`` are keys of earlier lines: from before a rekey, or from a branch on which the log was begun twice."""

    key: Secret
    heads: tuple[str, ...] = ()
    count: int = 0
    last: tuple[str, ...] = ()
    former: tuple[Secret, ...] = ()


@dataclass(frozen=True)
class Contest:
    """What two branches changed in different ways: the ids of two generations of the value ``name``, or, of the kind
    "answer", two JSON texts. It is undecided until an operator says which one is live."""

    name: str
    kind: Literal["value", "answer"]
    ours: str = field(repr=False)
    theirs: str = field(repr=False)


@dataclass(frozen=True)
class Step:
    """One step of a run sheet: the ``action`` (a row of ``actions``), and what it acts on, by name.

    ``uses``: the secrets that it reads or proves, each as "name generation": what is to be accepted first, then what is
    to be refused. ``done`` is when it was closed (ISO 8601, UTC; "": it is open), ``proven`` whether its proof held.
    ``tried`` is when its commands were begun, or said to be taken: an undo takes it back, closed or not."""

    action: str
    about: dict[str, str]
    uses: tuple[str, ...] = ()
    done: str = ""
    proven: bool = False
    tried: str = ""


@dataclass(frozen=True)
class Replaced:
    """A value that an operation gave another generation: the ids of the one ``before`` and the one ``after``."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Sheet:
    """The steps to take after an operation, in their order, and what it ``replaced``. No secret is in it."""

    id: str
    verb: str
    made: str
    replaced: tuple[Replaced, ...]
    steps: tuple[Step, ...]

    @property
    def is_open(self) -> bool:
        """Whether a step is left to be taken."""
        return any(not step.done for step in self.steps)


@dataclass(frozen=True)
class Twin:
    """Whose exports the vault of a separate LI tree takes: the id of main's ``vault``, and the fingerprint of the
    ``seal`` of its exports."""

    vault: str
    seal: str


@dataclass(frozen=True)
class Vault:
    """All that is kept. ``answers`` are JSON values by flat dotted key; ``left_out`` names the components that are
    switched off; ``from_bundle``: the tree was made from the bundled one.

    ``seal`` is random and known to readers alone, so that a vault that somebody else encrypted to the same recipients
    is noticed; ``former_seals`` are the fingerprints of those before it. ``revision`` counts the writings of the vault,
    ``version`` is that of its format. ``context`` is kubectl's for the cluster that the tree is applied to, once that
    was confirmed; ``sheets`` are the run sheets with open steps, and the last one."""

    id: str
    recipients: tuple[Recipient, ...]
    version: int = VERSION
    revision: int = 0
    seal: Secret = UNSEALED
    former_seals: tuple[str, ...] = ()
    answers: dict[str, Any] = field(default_factory=dict, repr=False)
    values: dict[str, Kept] = field(default_factory=dict)
    records: tuple[Record, ...] = ()
    left_out: tuple[str, ...] = ()
    from_bundle: bool = False
    journal: Journal | None = None
    audit: Audit | None = None
    contests: tuple[Contest, ...] = ()
    twin: Twin | None = None
    context: str = ""
    sheets: tuple[Sheet, ...] = ()

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.id):
            raise ValueError("a vault's id is 32 hexadecimal digits")
        if any(name != kept.name for name, kept in self.values.items()):
            raise ValueError("each value stands under its own name")

    @property
    def keys(self) -> tuple[str, ...]:
        """The public keys to which it is encrypted: those of all that are recipients now."""
        return tuple(each.key for each in self.recipients if not each.until)


def new_vault_id() -> str:
    """Return a random id for a vault: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def new_generation_id() -> str:
    """Return a random id for a generation: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def new_sheet_id() -> str:
    """Return a random id for a run sheet: 8 hexadecimal digits."""
    return secrets.token_hex(4)


def new_seal() -> Secret:
    """Return a random seal: 64 hexadecimal digits (256 bits)."""
    return Secret(secrets.token_hex(32))


def new_audit() -> Audit:
    """Return the beginning of an audit log, with a random key of 64 hexadecimal digits (256 bits)."""
    return Audit(Secret(secrets.token_hex(32)))


def rekeyed(audit: Audit) -> Audit:
    """Return *audit* with a new random key for the lines to come; those that there are stay proven by the former."""
    return dataclasses.replace(audit, key=new_audit().key, former=(*audit.former, audit.key))


def export_seal(seal: Secret) -> Secret:
    """Return what the exports for LI of a vault with this *seal* prove their writer by: 64 hexadecimal digits.

    It tells nothing of the vault's own seal (HMAC-SHA256, RFC 2104), and changes with it."""
    return Secret(hmac.digest(seal.reveal().encode(), b"matrix-wizard export for li", "sha256").hex())


def fingerprint(seal: Secret) -> str:
    """Return what may be told of a seal, to be compared by people: 24 hexadecimal digits (96 bits) in groups of four.

    "" for a vault of the first format, which has no seal."""
    if not seal.reveal():
        return ""
    digits = hashlib.sha256(b"matrix-wizard seal\0" + seal.reveal().encode()).hexdigest()[:24]
    return "-".join(digits[start : start + 4] for start in range(0, 24, 4))


def bare(key: str) -> str:
    """Return a public key as it is compared with others: without the comment of an SSH key."""
    return " ".join(key.split()[:2])


def joined(vault: Vault, *recipients: Recipient) -> Vault:
    """Return the vault with *recipients* added, but for keys that open it already; of SSH keys without the comment."""
    known = set(map(bare, vault.keys))
    new = {
        bare(each.key): dataclasses.replace(each, key=bare(each.key))
        for each in recipients
        if bare(each.key) not in known
    }
    return dataclasses.replace(vault, recipients=(*vault.recipients, *new.values()))


def keep(vault: Vault, name: str, generation: Generation) -> Vault:
    """Return the vault with *generation* added to value *name*; where it is current, the one before becomes past."""
    earlier = vault.values[name].generations if name in vault.values else ()
    if generation.state == "current":
        earlier = tuple(
            dataclasses.replace(one, state="past", until=generation.made) if one.state == "current" else one
            for one in earlier
        )
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


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
