"""What this machine knows: the time, the user, the environment and where a user's data lives. Writes nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from wizard.errors import Problem, UsageError


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the second: ``2026-03-01T12:00:00Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def name() -> str:
    """Return the host's name."""
    return os.uname().nodename


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within it Ctrl-C does nothing: what takes milliseconds and must be whole is not worth a half."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread, which alone hears of it
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def environment(variable: str) -> str | None:
    """Return an environment variable; empty counts as not set, as in the XDG specification."""
    return os.environ.get(variable) or None


def data_home() -> Path:
    """Return ``$XDG_DATA_HOME``, else ``~/.local/share`` (XDG Base Directory: a relative path there is ignored).

    Raises UsageError where no home directory is known."""
    named = environment("XDG_DATA_HOME")
    if named and Path(named).is_absolute():
        return Path(named)
    try:
        return Path.home() / ".local" / "share"
    except RuntimeError:
        problem = Problem("No home directory is known.", "HOME", "Set HOME, or name the key with --identity FILE.")
    raise UsageError(problem)
