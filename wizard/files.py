"""Single files, written whole or not at all and private from birth. Knows nothing of trees, vaults or keys.

Every function raises OSError as the system gives it; the hands above turn it into words.
"""

from __future__ import annotations

import errno
import fcntl
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


def stage(path: Path, data: bytes, like: os.stat_result | None, private: bool, infix: str = "") -> Path:
    """Write *data* complete and fsynced beside *path*, and return the staged path, ready to be renamed to it.

    It has the owner and mode of *like* (None: a new file, mode by umask); *private* takes group's and others' access.
    *infix* stands in its name, for those who may meet the staged file of another run.
    """
    staged = path.with_name(f"{path.name}{infix}{STAGED}")
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


def seen_from(place: Path, path: str, beside: Path = Path()) -> str:
    """Return *path*, which counts from the directory *beside*, as it is named from the directory *place*.

    An absolute path and one in somebody's home (``~``) are the same from everywhere, and returned as they are.
    """
    if path.startswith(("/", "~")):
        return path
    seen = os.path.relpath(_real(beside / path), os.path.realpath(place))
    return f"./{seen}" if seen.startswith("~") else seen


def spelled_out(path: str) -> str:
    """Return *path* with the home directory that its ``~`` stands for, where this machine knows it."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path's own raises where there is no such user


def unused(path: Path) -> Path:
    """Return *path*, or where something has that name, the first like it (``name-2.yaml``) that nothing has."""
    names = (path, *(path.with_stem(f"{path.stem}-{number}") for number in range(2, 100)))
    return next((each for each in names if not os.path.lexists(each)), path)


def write_private(path: Path, data: bytes) -> None:
    """Make or replace a file atomically, mode 0600 from its first byte, durable on return.

    Other runs may do so at the same time, or have been killed at it."""
    write(path, data, private=True)


def write(path: Path, data: bytes, *, private: bool = False) -> None:
    """As ``write_private``, but for *private* with the mode of a new file, by umask."""
    staged = stage(path, data, None, private, infix=f".{os.urandom(8).hex()}")
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


def lock(directory: Path, *, wait: bool = False) -> int | None:
    """Lock a directory and return the descriptor that holds the lock until it is closed, or its process ends.

    None where another process has it, unless that is to be waited for (*wait*: only where it is held for an instant);
    OSError also where the system locks no directories (NFS).
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def unlock(descriptor: int) -> None:
    """Give up what `lock` returned."""
    os.close(descriptor)


def _real(path: Path) -> Path:
    """Return *path* as an absolute one without links above its name, which ``..`` would not lead back over."""
    return Path(os.path.realpath(path.parent), path.name)  # does not raise on a loop, as Path.resolve does before 3.13


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
