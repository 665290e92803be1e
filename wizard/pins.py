"""What a user's runs remember of vaults: whose seal each had, how new it was, and how far its history went.

age does not say who encrypted a file: whoever knows the public keys can write a vault of their own in its place, or put
back an old one. Neither passes here unnoticed. The file holds fingerprints and numbers, no secret. It is one for all
keys: the vault's id stands in the repository, so that whoever writes there chooses which key is looked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from wizard import audit, files, host
from wizard.codec import MalformedError, dump, load, to_json
from wizard.errors import Problem, RefusedError, UsageError
from wizard.vault import LOG, VAULT, Vault, fingerprint

_T = TypeVar("_T")


@dataclass(frozen=True)
class Pin:
    """The fingerprint of a vault's seal, and the number of the newest revision that was accepted. ``next`` is that of
    the seal which a run here was about to give it, for a run that was killed just after. ``heads`` are the newest
    entries of its audit log: a revision alone counts the writings of one branch."""

    seal: str
    revision: int
    next: str = ""
    heads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pins:
    """The pins of all vaults that were opened, by the vault's id, and which vault each tree (by its path) had.

    ``carried`` are the files beside keys, one for each key in former days, that were taken over."""

    vaults: dict[str, Pin] = field(default_factory=dict)
    trees: dict[str, str] = field(default_factory=dict)
    carried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trust:
    """What the operator accepted beforehand: an older revision or another branch's, and a seal's fingerprint."""

    older: bool = False
    seal: str = ""


def place() -> Path:
    """Return the file in which all of it is remembered, by XDG. UsageError where no home directory is known."""
    return host.data_home() / "matrix-wizard" / "pins"


def known(key: Path | None = None) -> Pins:
    """Return what is remembered, with what lay beside the file *key* in former days; nothing where nothing is.

    RefusedError for what is damaged."""
    try:
        pins = _read(place())
    except UsageError:  # no home: told where it is to be written
        pins = Pins()
    former = key.absolute().with_name(f"{key.name}.pins") if key else None
    if former is None or str(former) in pins.carried or not former.exists():
        return pins
    old = _read(former)
    newer = {name: pin for name, pin in old.vaults.items() if pin.revision > pins.vaults.get(name, pin).revision}
    return Pins({**old.vaults, **pins.vaults, **newer}, {**old.trees, **pins.trees}, (*pins.carried, str(former)))


def _read(place: Path) -> Pins:
    try:
        data = json.loads(place.read_bytes())
        pins: Pins = load(Pins, data)
    except FileNotFoundError:
        return Pins()
    except (OSError, ValueError, RecursionError, MalformedError):
        problem = Problem(
            "What is remembered of the vaults cannot be read.",
            str(place),
            "Compare the vault's seal with a colleague's, then remove this file.",
        )
    else:
        return pins
    raise RefusedError(problem)


def accept(pins: Pins, vault: Vault, root: Path, trust: Trust, log: str = "") -> Pins:
    """Return *pins* with those of *vault*, as it was opened in the tree *root*, whose audit log is *log*.

    RefusedError where its seal is another than the pinned one, or it is an older revision, or its log does not lead
    back to what was pinned, or it is another vault than the one that this tree had, or at the first opening has another
    seal than the one named, unless *trust* accepts that. A vault of the first format has no seal, and is pinned when it
    is next written."""
    seal, pin = fingerprint(vault.seal), pins.vaults.get(vault.id)
    before, is_named = pins.trees.get(str(root), vault.id), trust.seal == (seal or "none")
    problems = []
    if pin and pin.seal != seal and not is_named and not (seal and pin.next == seal):
        problems.append(_other(vault, pin.seal, seal))
    elif before != vault.id and not is_named:
        problems.append(_another(seal))
    elif not pin and trust.seal and not is_named:
        problems.append(_unlike(trust.seal, seal))
    if pin and vault.revision < pin.revision and not trust.older:
        problems.append(_older(vault.revision, pin.revision))
    elif pin and not trust.older and not audit.reaches(vault.audit, log, pin.heads):
        problems.append(_apart(vault.revision, pin.revision))
    if problems:
        raise RefusedError(*problems)
    if not seal:
        return pins
    pinned = Pin(seal, vault.revision, heads=vault.audit.heads if vault.audit else ())
    return replace(pins, vaults={**pins.vaults, vault.id: pinned}, trees={**pins.trees, str(root): vault.id})


def foretold(pins: Pins, vault_id: str, seal: str) -> Pins:
    """Return *pins* with the fingerprint of the seal that a vault is about to have, too, if they know the vault."""
    pin = pins.vaults.get(vault_id)
    return replace(pins, vaults={**pins.vaults, vault_id: replace(pin, next=seal)}) if pin else pins


def beside(pins: Pins, new: Pins) -> Pins:
    """Return *pins* with what *new* says, where both know the same vault or tree."""
    return replace(pins, vaults={**pins.vaults, **new.vaults}, trees={**pins.trees, **new.trees})


def keep(before: Pins, new: Pins, key: Path | None = None) -> None:
    """Remember what *new* says otherwise than *before*, which ``known`` gave for *key*, for the user alone.

    What another run has remembered of the same vault or tree meanwhile stays: it opened, or wrote, what came after.
    OSError, or UsageError, where nothing can be remembered."""
    home = place().parent
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = None
    with suppress(OSError):  # NFS locks no directories: then two runs at once may forget what one of them saw
        lock = files.lock(home, wait=True)
    try:
        now = known(key)
        vaults = _changed(now.vaults, before.vaults, new.vaults)
        pins = Pins(vaults, _changed(now.trees, before.trees, new.trees), now.carried)
        files.write_private(place(), to_json(dump(pins), indent=2).encode() + b"\n")
    finally:
        if lock is not None:
            files.unlock(lock)


def _changed(now: Mapping[str, _T], before: Mapping[str, _T], new: Mapping[str, _T]) -> dict[str, _T]:
    """Return *now* with what *new* has otherwise than *before*, unless that is no more as it was before."""
    ours = {key: each for key, each in new.items() if each != before.get(key) and now.get(key) == before.get(key)}
    return {**now, **ours}


def _older(revision: int, newest: int) -> Problem:
    return Problem(
        f"The vault is older than the one last opened here: revision {revision}, {newest - revision} behind {newest}. "
        "What was changed since would be lost.",
        VAULT,
        "Bring the newer one back (git has it if it was committed), or go on from this one with --accept-older.",
    )


def _apart(revision: int, newest: int) -> Problem:
    return Problem(
        f"The vault (revision {revision}) does not follow from the one last opened here (revision {newest}): it is of "
        f"another branch, or {LOG} lacks the lines that lead there. What only the other one has would be lost.",
        VAULT,
        "Merge the two in git (matrix-wizard vault merge --install has git merge vaults), or bring the lines back; or "
        "go on from this one with --accept-older.",
    )


def _another(seal: str) -> Problem:
    return Problem(
        f"This is another vault than the one that this tree had when it was last opened here; its seal is "
        f"{seal or 'none'}.",
        VAULT,
        "Bring the tree's own vault back (git has it if it was committed). If another tree lies here now, ask for its "
        f"seal, in person, and accept it with --accept-seal {seal or 'none'}. Nothing was changed.",
    )


def _unlike(named: str, seal: str) -> Problem:
    return Problem(
        f"This vault has not the seal that you named, {named}, but {seal or 'none'}.",
        VAULT,
        "Ask whoever has the vault for its seal, in person. Nothing was changed.",
    )


def _other(vault: Vault, before: str, seal: str) -> Problem:
    names = "the seal known here" if before in vault.former_seals else "no seal known here"
    return Problem(
        f"This vault is sealed otherwise than the one last opened here: with {seal or 'none'}, and not {before}. "
        f"It names {names} as one before its own; but whoever may write to the repository can make such a file.",
        VAULT,
        "Ask whoever changed the vault for its seal, in person. If it is the same, accept it with "
        f"--accept-seal {seal or 'none'}. Nothing was changed.",
    )
