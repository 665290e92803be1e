"""What an interview that was stopped leaves for the next time: its answers, in the user's own state directory.

A convenience: where it cannot be kept or read, nothing is lost but the typing. No secret is ever handed to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wizard import files, host
from wizard.errors import UsageError

_NAME = "interview.json"
_SCHEMA = 1


def keep(tree: Path, data: Mapping[str, Any]) -> bool:
    """Keep *data* (JSON types, no secret) for the tree at this path, readable by the user alone; tell whether it is."""
    text = json.dumps({"schema": _SCHEMA, "tree": str(tree.absolute()), "at": host.now(), **data}, indent=1)
    try:
        place = _place(tree)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write_private(place, text.encode())
    except (OSError, UsageError, UnicodeEncodeError):
        return False
    return True


def load(tree: Path) -> dict[str, Any] | None:
    """Return what `keep` kept, with ``at``, the time of it; None where there is nothing that can be read."""
    try:
        data = json.loads(files.read(_place(tree)))
    except (OSError, UsageError, ValueError, RecursionError):
        return None
    is_ours = isinstance(data, dict) and data.get("schema") == _SCHEMA and isinstance(data.get("at"), str)
    return data if is_ours else None


def forget(tree: Path) -> None:
    """Remove what was kept, if anything was."""
    try:
        _place(tree).unlink(missing_ok=True)
    except (OSError, UsageError):
        return


def _place(tree: Path) -> Path:
    name = hashlib.sha256(str(tree.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return host.state_home() / "matrix-wizard" / name / _NAME
