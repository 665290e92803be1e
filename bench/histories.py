"""Random histories of one vault: what operators do to it, each with its line in the log."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pyrage

from wizard import audit
from wizard.audit import Deed
from wizard.secret import Secret
from wizard.vault import (
    Generation,
    Recipient,
    Record,
    Vault,
    joined,
    keep,
    new_audit,
    new_generation_id,
    new_seal,
)

ID = "0123456789abcdef0123456789abcdef"
NAMES = ("redis-password", "turn-password", "form-secret", "signing-key", "smtp-password")


@dataclass(frozen=True)
class Branch:
    """The vault of one branch and the text of its log."""

    vault: Vault
    log: str


def begun(public: str) -> Branch:
    return Branch(Vault(ID, (Recipient(public, "2026-01-01", "own"),), seal=new_seal(), audit=new_audit()), "")


def lived(branch: Branch, chance: random.Random, steps: int) -> Branch:
    """Return *branch* after some random operations."""
    for _ in range(steps):
        deed = chance.choice((_replaced, _replaced, _moved, _answered, _let_in, _compromised))
        vault = deed(branch.vault, chance)
        assert vault.audit is not None
        now = f"2026-02-{chance.randrange(1, 29):02}T00:00:00Z"
        proved = audit.entered(vault.audit, Deed(deed.__name__), now, "ops", "laptop")
        branch = Branch(replace(vault, audit=proved, revision=vault.revision + 1), audit.healed(branch.log, proved))
    return branch


def _replaced(vault: Vault, chance: random.Random) -> Vault:
    text = Secret(f"text {chance.randrange(10**9)}")
    made = f"2026-02-{chance.randrange(1, 29):02}T00:00:00Z"
    return keep(vault, chance.choice(NAMES), Generation(new_generation_id(), "current", made, "made", text))


def _compromised(vault: Vault, chance: random.Random) -> Vault:
    name = chance.choice(NAMES)
    if name not in vault.values:
        return vault
    old = vault.values[name].current.id
    new = Generation(new_generation_id(), "current", "2026-03-01T00:00:00Z", "made", Secret("after"))
    vault = keep(vault, name, new)
    kept = vault.values[name]
    marked = tuple(replace(each, state="compromised") if each.id == old else each for each in kept.generations)
    return replace(vault, values={**vault.values, name: replace(kept, generations=marked)})


def _moved(vault: Vault, chance: random.Random) -> Vault:
    records = list(vault.records)
    if records and chance.random() < 0.4:
        records.pop(chance.randrange(len(records)))
    new = Record(
        chance.choice(NAMES), f"{chance.randrange(9)}.yaml", "Secret/m/s", ("data", chance.choice("abc")), "CHANGEME"
    )
    return replace(vault, records=tuple({(each.file, each.path): each for each in [*records, new]}.values()))


def _answered(vault: Vault, chance: random.Random) -> Vault:
    part = {**vault.answers.get("answers", {}), f"smtp.{chance.choice('abcd')}": chance.randrange(3)}
    return replace(vault, answers={**vault.answers, "answers": part})


def _let_in(vault: Vault, chance: random.Random) -> Vault:
    others = [each for each in vault.recipients if each.kind == "other" and not each.until]
    if others and chance.random() < 0.5:
        gone = chance.choice(others)
        return replace(
            vault,
            recipients=tuple(replace(each, until="2026-02-20") if each == gone else each for each in vault.recipients),
        )
    key = str(pyrage.x25519.Identity.generate().to_public())  # a real one: the vault is encrypted to it
    return joined(vault, Recipient(key, f"2026-02-{chance.randrange(1, 29):02}"))
