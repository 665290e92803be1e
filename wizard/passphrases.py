"""How the passphrase of a vault's key is had: read from a file or a descriptor, or asked for at the terminal."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from wizard.errors import Problem, UsageError
from wizard.interview import Ask, Fault, Terminal
from wizard.keystore import Passphrases, passphrase_in, weakness
from wizard.secret import Secret


def given(
    file: Path | None, descriptor: int | None, terminal: Callable[[], Terminal] | None, *, is_wanted: bool
) -> Passphrases:
    """Return how passphrases are had: from *file*, else from *descriptor*, else by asking at the *terminal*.

    One that was named to be read is a new key's, too; where a new key *is_wanted* to have one, it is asked for twice.
    It is read when it is needed first, at once where it is wanted. UsageError for one that cannot be read, or that is
    wanted where there is nobody to ask."""
    source = file or (Path(f"/dev/fd/{descriptor}") if descriptor is not None else None)
    if source:
        read = functools.cache(functools.partial(passphrase_in, source))  # a pipe gives it only once
        if is_wanted:
            read()
        return Passphrases(lambda _: read(), read)
    if terminal is not None:
        return Passphrases(
            functools.partial(_known, terminal), functools.partial(_chosen, terminal) if is_wanted else None
        )
    if is_wanted:
        what = "There is nobody to ask for the passphrase."
        raise UsageError(Problem(what, "", "Give it with --passphrase-file FILE or --passphrase-fd N."))
    return Passphrases()


def _known(terminal: Callable[[], Terminal], place: str) -> Secret:
    ask = Ask(f"Passphrase of {place}", "hidden", "It takes a second or more to open.", echo=lambda _: "")
    return Secret(terminal().ask(ask))


def _chosen(terminal: Callable[[], Terminal]) -> Secret:
    def weak(text: str) -> Fault | None:
        fault = weakness(Secret(text))
        return Fault(fault) if fault else None

    def other(text: str) -> Fault | None:
        return None if text == first else Fault("This is not the same. Ctrl-C stops, and nothing is written.")

    help_ = "Six words or more, from nowhere else. Each opening of the vault then takes a second or more."
    at = terminal()
    first = at.ask(Ask("Passphrase for the vault's key", "hidden", help_, judge=weak, echo=lambda _: ""))
    at.ask(Ask("The same once more", "hidden", judge=other, echo=lambda _: ""))
    return Secret(first)
