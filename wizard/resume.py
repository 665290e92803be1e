"""What an interview that was stopped leaves for the next time: its answers, in the user's own state directory.

A convenience: where it cannot be kept or read, nothing is lost but the typing. No secret is ever handed to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wizard import files, host
from wizard.errors import Problem, RefusedError, UsageError

_NAME = "interview.json"
_SCHEMA = 1


@contextmanager
def held(tree: Path) -> Iterator[str]:
    """Within it no other run asks about the tree at this path; it gives the reason why answers cannot be kept, "" for
    none. RefusedError while another run is within it."""
    try:
        place = _place(tree)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except UsageError:
        yield "no home directory is known"
        return
    except OSError as error:
        yield _reason(error, place.parent)
        return
    lock = None
    with suppress(OSError):  # NFS locks no directories: then nobody knows of the other run
        lock = files.lock(place.parent)
        if lock is None:
            what = "Another run is asking about this tree already."
            then = "Go on at its terminal; or end it, and give the same command again."
            raise RefusedError(Problem(what, str(tree), then))
    reason = _refusal(place)
    try:
        yield reason
    finally:
        if lock is not None:
            files.unlock(lock)


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


def _refusal(place: Path) -> str:
    """Return why nothing can be written at *place*, "" where something was; what a killed run had staged goes."""
    try:
        place.with_name(place.name + files.STAGED).unlink(missing_ok=True)
        files.stage(place, b"{}", None, private=True).unlink()
    except OSError as error:
        return _reason(error, place)
    return ""


def _reason(error: OSError, place: Path) -> str:
    return f"{error.filename or place}: {error.strerror}"


def _place(tree: Path) -> Path:
    name = hashlib.sha256(str(tree.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return host.state_home() / "matrix-wizard" / name / _NAME
