"""What is searched for traces besides git: files, directories and stdin, in pieces, as they are read.

Reads and never writes. What is compressed by gzip is read as what it holds, whatever its name.
"""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from wizard import host
from wizard.errors import Problem, UsageError

STDIN = Path("-")
_PIECE = 1 << 22  # octets
_GZIP = b"\x1f\x8b"  # RFC 1952, 2.3.1


def files(root: Path, *, without: tuple[str, ...] = ()) -> Iterator[Path]:
    """Yield *root* where it is a file, else every file below it, in order; no link is followed, no device read.

    *without* are names of directories that are not entered."""
    if not root.is_dir():
        yield root
        return
    for directory, below, names in os.walk(root):
        below[:] = sorted(name for name in below if name not in without)
        for name in sorted(names):
            path = Path(directory, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def refuse_missing(paths: tuple[Path, ...]) -> None:
    """Raise UsageError, naming all of *paths* that are not there."""
    missing = [Problem("There is no such file or directory.", str(path)) for path in paths if not _is_there(path)]
    if missing:
        raise UsageError(*missing)


def pieces(path: Path) -> Iterator[bytes]:
    """Yield what the file *path* (stdin for ``-``) holds, in pieces of some MiB, the first one empty for an empty file.

    OSError as the system gives it, and for damaged compression."""
    with _opened(path) as file:
        head = file.read(len(_GZIP))
        rest = cast(BinaryIO, _Behind(head, file))
        source = cast(BinaryIO, gzip.GzipFile(fileobj=rest)) if head == _GZIP else rest
        try:
            while piece := source.read(_PIECE):
                yield piece
        except (EOFError, zlib.error):
            raise OSError(0, "its compression is damaged") from None


class _Behind:
    """A stream with what was read ahead of it put back, for readers that ask for octets by number alone."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head, self._file = head, file

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* octets."""
        head, self._head = self._head, b""
        return head + self._file.read(size - len(head) if size >= 0 else -1)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield host.standard_input()
        return
    with path.open("rb") as file:
        yield file


def _is_there(path: Path) -> bool:
    return path == STDIN or path.exists()
