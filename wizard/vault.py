"""The vault: answers, values with their generations, sites and the journal, as data.

Its one job is that nothing kept is lost or changed between two runs (DESIGN, laws 5 to 8). It knows no file, clock or
environment; `sealing` makes it an age file, `lock` the readable copy of its sites. Random ids are made here; secrets
are not (see mint).
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wizard.secret import Secret

VERSION = 1
VAULT = ".matrix-wizard/vault.age"
LOCK = ".matrix-wizard/sites.lock"

State = Literal["pending", "current", "retiring", "past", "compromised"]
Kind = Literal["site", "comment", "source", "entry", "commented", "node", "created", "document", "kept", "off"]

# The vault's id names a keyring entry and a file, and sites.lock may come from a stranger: nothing but hexadecimal.
ID = re.compile(r"[0-9a-f]{32}")


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
        if not ID.fullmatch(self.id):
            raise ValueError("a vault's id is 32 hexadecimal digits")
        if any(name != kept.name for name, kept in self.values.items()):
            raise ValueError("each value stands under its own name")


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


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
