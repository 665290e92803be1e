"""What this machine knows: the time, the user, the environment and where a user's data lives. Writes nothing."""

from __future__ import annotations

import io
import locale
import os
import pwd
import signal
import sys
import termios
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from wizard.errors import Problem, UsageError


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the second: ``2026-03-01T12:00:00Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def name() -> str:
    """Return the host's name."""
    return os.uname().nodename


def user() -> str:
    """Return the name of the user, or the number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def spare(module: str, platform: str) -> None:
    """Have an import of *module* fail at once anywhere but on *platform* (as ``sys.platform``), where alone it works.

    None in ``sys.modules`` does that (Python, "The import system", 5.3.1)."""
    if sys.platform != platform:
        sys.modules.setdefault(module, None)  # type: ignore[arg-type]


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


@contextmanager
def unechoed() -> Iterator[None]:
    """Within it the terminal at stdin shows nothing that is typed, and Ctrl-Z does not leave it so to the shell."""
    descriptor = sys.stdin.fileno()
    modes = termios.tcgetattr(descriptor)

    def end(number: int, _: object) -> None:
        """Go as the signal wants it, but leave nothing that was typed unseen to the shell, which would show it."""
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, modes)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    handlers: dict[signal.Signals, Any] = {signal.SIGTSTP: signal.SIG_IGN, signal.SIGHUP: end, signal.SIGTERM: end}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, [*modes[:3], modes[3] & ~termios.ECHO, *modes[4:]])
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)
        for number, handler in before.items():
            signal.signal(number, handler)


def drop_typed_ahead() -> None:
    """Drop what was typed at the terminal at stdin and is not read yet."""
    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def environment(variable: str) -> str | None:
    """Return an environment variable; empty counts as not set, as in the XDG specification."""
    return os.environ.get(variable) or None


def environment_without(variables: Iterable[str]) -> dict[str, str]:
    """Return the environment for another program, without some *variables*."""
    return {name: value for name, value in os.environ.items() if name not in frozenset(variables)}


def program() -> tuple[str, ...]:
    """Return the words that start this program from any directory, whatever a ``wizard`` in that may be.

    ``-P`` keeps the directory it is started in from being searched for modules (Python 3.11)."""
    return (sys.executable, "-P", "-m", "wizard")


def standing() -> Path:
    """Return where the operator stands, as seen from the working directory.

    git starts hooks, merge drivers and aliases at the top of the work tree, and tells by GIT_PREFIX from which
    directory below that it was called itself (git-rev-parse(1), --show-prefix)."""
    return Path(environment("GIT_PREFIX") or "")


def may_run(path: Path) -> bool:
    """Tell whether the user may execute the file *path*."""
    return os.access(path, os.X_OK)


def is_terminal() -> bool:
    """Tell whether a person can be asked: keys come from a terminal, and a terminal shows the prompts."""
    return shows(sys.stdin) and (shows(sys.stdout) or shows(sys.stderr))


def standard_input() -> BinaryIO:
    """Return stdin as octets; what was closed before the start (``<&-``) is empty."""
    return sys.stdin.buffer if sys.stdin is not None else io.BytesIO()


def shows(stream: TextIO | None) -> bool:
    """Tell whether a stream is a terminal; one that was closed before the start (``>&-``) is None, and is none."""
    return stream is not None and stream.isatty()


def size() -> os.terminal_size:
    """Return columns and lines of the terminal at stdin, wherever stdout goes; 80x24 where it does not know them."""
    try:
        found = os.get_terminal_size(sys.stdin.fileno())
    except OSError:
        found = os.terminal_size((0, 0))
    return found if all(found) else os.terminal_size((80, 24))  # a serial line says 0x0


def can_move_cursor() -> bool:
    """Tell whether the terminal is more than a line printer, by ``TERM`` (terminfo(5): dumb has no cursor motion)."""
    return environment("TERM") not in (None, "dumb", "unknown")


# Glyphs beyond ASCII that our own sentences use, and what says the same in ASCII.
_PLAIN = str.maketrans({"›": ">", "·": "-", "•": "*", "…": "...", "→": "->", "–": "-", "“": '"', "”": '"', "’": "'"})


def glyphs(text: str) -> str:
    """Return a sentence of ours as the locale can show it: with ASCII in the place of dots, arrows and quotes.

    Asked is the locale itself: Python writes UTF-8 under ``LC_ALL=C`` whatever the terminal can show (PEP 540).
    """
    return text if locale.getencoding().lower().replace("-", "") == "utf8" else text.translate(_PLAIN)


def data_home() -> Path:
    """Return ``$XDG_DATA_HOME``, else ``~/.local/share``; as `state_home`."""
    return _home("XDG_DATA_HOME", ".local/share")


def state_home() -> Path:
    """Return ``$XDG_STATE_HOME``, else ``~/.local/state`` (XDG Base Directory: a relative path there is ignored).

    UsageError where no home directory is known.
    """
    return _home("XDG_STATE_HOME", ".local/state")


def _home(variable: str, below: str) -> Path:
    named = environment(variable)
    if named and Path(named).is_absolute():
        return Path(named)
    try:
        return Path.home() / below
    except RuntimeError:
        problem = Problem("No home directory is known.", "HOME", "Set HOME, or name the key with --identity FILE.")
    raise UsageError(problem)
