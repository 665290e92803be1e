"""What can go wrong by the operator's or the machine's doing: one class per exit code, each a list of problems.

A mistake is not a bug (DESIGN, law 14): everything here is shown as calm sentences and never as a traceback.
Anything else that escapes is a bug and gets exit code 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what, where (``file:line:column`` or a name) and what to write or type instead.

    No field may hold a secret: problems are printed, logged and returned as JSON.
    """

    what: str
    where: str = ""
    next: str = ""


class WizardError(Exception):
    """An expected failure; ``problems`` holds every one that was found, so that all are shown at once.

    ``paste``: a text that mends several of them at once, ready to be pasted into a file. ``options``: those of the
    run, for the commands that the problems name; None until the door puts them in.
    """

    exit_code = 2

    def __init__(self, *problems: Problem, paste: str = "") -> None:
        super().__init__("; ".join(problem.what for problem in problems))
        self.problems = problems
        self.paste = paste
        self.options: str | None = None


class UsageError(WizardError):
    """The command line, the answers or another input is wrong or missing (exit 2)."""


class RefusedError(WizardError):
    """The tree or the vault as it stands was refused; nothing was written (exit 3)."""

    exit_code = 3


def refuse(what: str, then: str, where: str) -> NoReturn:
    """Raise RefusedError with one problem: *what* is wrong, *where*, and what to do *then*."""
    raise RefusedError(Problem(what, where, then))


class WriteFailedError(WizardError):
    """Writing failed part-way; everything was put back as it was (exit 4)."""

    exit_code = 4


class StoppedError(WizardError):
    """The operator stopped the run (Ctrl-C, end of input, or no consent); nothing was written (exit 130)."""

    exit_code = 130
