"""Single files, written whole or not at all and private from birth. Knows nothing of trees, vaults or keys.

Every function raises OSError as the system gives it; the hands above turn it into words.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

STAGED = ".mwtmp"  # no suffix that kubectl, or a glob for manifests, would read
_MOST = 16 * 1024 * 1024  # bytes; no key, answers file or record is near it
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_private(path: Path, data: bytes) -> None:
    """Make a new file, mode 0600 from its first byte. FileExistsError if there is one; on failure none is left."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _fill(descriptor, data)
        sync_directory(path.parent)
    except BaseException:
        path.unlink()
        raise


def stage(path: Path, data: bytes, like: os.stat_result | None, private: bool) -> Path:
    """Write *data* complete and fsynced beside *path*, and return the staged path, ready to be renamed to it.

    It has the owner and mode of *like* (None: a new file, mode by umask); *private* takes group's and others' access.
    """
    staged = path.with_name(path.name + STAGED)
    born = 0o666 if like is None and not private else 0o600
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, born)
    try:
        if like is not None:
            _dress(descriptor, like, private)
        _fill(descriptor, data)
    except BaseException:
        staged.unlink()
        raise
    return staged


def read(path: Path) -> bytes:
    """Return the bytes of a file that a person named; its errors (OSError) are the caller's to word.

    One that is larger than 16 MiB, or without an end (``/dev/zero``), is EFBIG.
    """
    with path.open("rb") as file:
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def write_private(path: Path, data: bytes) -> None:
    """Make or replace a file atomically, mode 0600 from its first byte, durable on return."""
    staged = stage(path, data, None, private=True)
    try:
        staged.replace(path)
    except BaseException:
        staged.unlink()
        raise
    sync_directory(path.parent)


def is_owner_only(path: Path) -> bool:
    """Whether neither group nor others may read, write or run the file."""
    return not path.stat().st_mode & _OTHERS


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: a rename is not, until its directory is written."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file.fileno(), rest) :]
        os.fsync(file.fileno())


def _dress(descriptor: int, like: os.stat_result, private: bool) -> None:
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (like.st_uid, like.st_gid) and os.geteuid() == 0:
        os.fchown(descriptor, like.st_uid, like.st_gid)  # under sudo the operator's file stays the operator's
    os.fchmod(descriptor, stat.S_IMODE(like.st_mode) & ~(_OTHERS if private else 0))
