"""The backup: a whole vault with sites.lock and the audit log as one JSON document, which is then encrypted.

Pure: text in, text out. That the file opens with the `age` program alone is what makes it a backup.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wizard import sealing
from wizard.codec import from_json, to_json
from wizard.errors import refuse
from wizard.sealing import Sealed
from wizard.vault import Vault

VERSION = 1
ABOUT = (
    "This is a backup of a vault of matrix-wizard, whole: `matrix-wizard vault restore FILE` puts it back. `vault` is "
    "what `age -d` shows of vault.age, `sites_lock` and `audit_log` are the texts of the files beside it."
)
_MEND = "Take another copy of the backup; nothing was changed."


@dataclass(frozen=True)
class Backup:
    """A vault, the text of sites.lock and that of audit.log; ``made`` is ISO 8601 in UTC."""

    made: str
    vault: Vault
    sites_lock: str
    audit_log: str = field(repr=False)


def sealed(place: str) -> Sealed:
    """Return how the backup at *place* is called where it is refused."""
    return Sealed("The backup", place, _MEND)


def write(backup: Backup) -> bytes:
    """Return *backup* as readable JSON (UTF-8), every secret open: it is to be encrypted at once."""
    data = {
        "about": ABOUT,
        "backup": VERSION,
        "made": backup.made,
        "vault": sealing.payload(backup.vault),
        "sites_lock": backup.sites_lock,
        "audit_log": backup.audit_log,
    }
    return to_json(data, indent=2).encode()


def read(plain: bytes, place: str) -> Backup:
    """Read what ``write`` wrote; *place* names the file. RefusedError where it is something else, or newer."""
    data = from_json(plain)
    version = data.get("backup") if isinstance(data, dict) else None
    if type(version) is int and version > VERSION:
        refuse("The backup was made by a newer matrix-wizard.", "Install the newer matrix-wizard.", place)
    texts = [data.get(key) for key in ("made", "sites_lock", "audit_log")] if version == VERSION else []
    if not texts or not all(isinstance(text, str) for text in texts) or not isinstance(data.get("vault"), dict):
        refuse("This file opens, but it is no backup of a vault.", "Name one that export --backup wrote.", place)
    return Backup(data["made"], sealing.vault_of(data["vault"]), data["sites_lock"], data["audit_log"])
