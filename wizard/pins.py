"""What is remembered of vaults beside the key that opened them: whose seal each had, and how new it was.

age does not say who encrypted a file: whoever knows the public keys can write a vault of their own in its place, or put
back an old one. Neither passes here unnoticed. The file holds fingerprints and numbers, no secret.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from wizard import files
from wizard.codec import MalformedError, dump, load, to_json
from wizard.errors import Problem, RefusedError
from wizard.vault import VAULT, Vault, fingerprint


@dataclass(frozen=True)
class Pin:
    """The fingerprint of a vault's seal, and the number of the newest revision that was accepted. ``next`` is that of
    the seal which a run here was about to give it, for a run that was killed just after."""

    seal: str
    revision: int
    next: str = ""


@dataclass(frozen=True)
class Pins:
    """The pins of all vaults that one key opens, by the vault's id, and which vault each tree (by its path) had."""

    vaults: dict[str, Pin] = field(default_factory=dict)
    trees: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trust:
    """What the operator accepted beforehand: an older revision, and the seal with this fingerprint."""

    older: bool = False
    seal: str = ""


def known(place: Path) -> Pins:
    """Return the pins in the file *place*; none where there is no such file. RefusedError for one that is damaged."""
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


def accept(pins: Pins, vault: Vault, root: Path, trust: Trust) -> Pins:
    """Return *pins* with those of *vault*, as it was opened in the tree *root*.

    RefusedError where its seal is another than the pinned one, or it is an older revision, or another vault than the
    one that this tree had, or at the first opening has another seal than the one named, unless *trust* accepts that.
    A vault of the first format has no seal, and is pinned when it is next written."""
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
    if problems:
        raise RefusedError(*problems)
    if not seal:
        return pins
    pinned = Pin(seal, vault.revision)
    return replace(pins, vaults={**pins.vaults, vault.id: pinned}, trees={**pins.trees, str(root): vault.id})


def foretold(pins: Pins, vault_id: str, seal: str) -> Pins:
    """Return *pins* with the fingerprint of the seal that a vault is about to have, too, if they know the vault."""
    pin = pins.vaults.get(vault_id)
    return replace(pins, vaults={**pins.vaults, vault_id: replace(pin, next=seal)}) if pin else pins


def beside(pins: Pins, new: Pins) -> Pins:
    """Return *pins* with what *new* says, where both know the same vault or tree."""
    return Pins({**pins.vaults, **new.vaults}, {**pins.trees, **new.trees})


def keep(place: Path, pins: Pins) -> None:
    """Write *pins* to the file *place*, for its owner alone. OSError where that cannot be."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # of a key in the keyring nothing else lies there
    files.write_private(place, to_json(dump(pins), indent=2).encode() + b"\n")


def _older(revision: int, newest: int) -> Problem:
    return Problem(
        f"The vault is older than the one last opened here: revision {revision}, {newest - revision} behind {newest}. "
        "What was changed since would be lost.",
        VAULT,
        "Bring the newer one back (git has it if it was committed), or go on from this one with --accept-older.",
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
