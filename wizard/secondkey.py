"""The second key of a new vault: made here to be kept offline, or given, or passed over in so many words.

No vault has only one key: who loses that one has lost every secret. A key that is made here is shown once, and kept
nowhere; a part of it is asked back, so that what was written down is known to be right.
"""

from __future__ import annotations

import secrets

from wizard import formats, host, keystore
from wizard.formats import FormatError
from wizard.interview import Ask, BackError, Fault, Terminal
from wizard.secret import Secret
from wizard.vault import VAULT, Recipient

_GROUP = 6  # characters that are read and compared at a glance
_ROW = 5  # groups in a line
_PREFIX = "AGE-SECRET-KEY-"  # of each identity; what follows is read in groups
_SKIP = "skip"

_CHOICES = {
    "recovery": "Make a recovery key   shown once, to be printed or written down and kept offline",
    "given": "Add keys you have     age or SSH public keys, your own or a colleague's",
    "none": "None for now          then the vault is lost with its one key",
}


def asked(terminal: Terminal, vault_id: str) -> tuple[Recipient, ...]:
    """Return the further recipients of a new vault, as the operator wants them; none only where "skip" was typed.

    StoppedError at Ctrl-C."""
    terminal.say("\nA second key", "heading")
    terminal.say("The vault opens with a key of this machine. When that is lost, only a second one opens it.")
    terminal.say("Nothing is written before this is settled; Ctrl-C stops, and your answers are kept.")
    how = {"recovery": _recovery, "given": _given, "none": _skipped}
    chosen = "recovery"
    while True:
        chosen = terminal.ask(Ask("Which shall it be?", "choice", text=chosen, choices=_CHOICES, echo=lambda _: ""))
        try:
            return how[chosen](terminal, vault_id)
        except BackError:
            continue


def groups(identity: Secret) -> tuple[str, ...]:
    """Return what is secret of an age identity in groups of six characters, the last one shorter."""
    rest = identity.reveal().removeprefix(_PREFIX)
    return tuple(rest[start : start + _GROUP] for start in range(0, len(rest), _GROUP))


def read(text: str) -> Secret:
    """Return the age identity that somebody typed or scanned: blanks and the case of letters do not matter.

    FormatError, which quotes nothing, where it is none: its last characters prove the others."""
    identity = Secret("".join(text.split()).upper())
    try:
        keystore.publics(identity)
    except ValueError:
        wrong = FormatError("This is not a whole key: a character is missing or wrong.")
    else:
        return identity
    raise wrong


def _recovery(terminal: Terminal, vault_id: str) -> tuple[Recipient, ...]:
    identity, public = keystore.new_pair()
    now, parts = host.now(), groups(identity)
    wrong = ""
    while True:
        with terminal.aside():
            if wrong:
                terminal.say(f"{wrong}\n", "warning")  # on the main screen nobody would see it before the sheet is gone
            terminal.say(_sheet(identity, vault_id, now))
            terminal.ask(Ask("Enter hides it for good.", "text", may_go_back=True, echo=lambda _: ""))
        number = secrets.randbelow(len(parts) - 1) + 1  # the last one is too short to prove anything
        label = f"Group {number} of the key that you wrote down"
        typed = terminal.ask(Ask(label, "hidden", "Six characters.", may_go_back=True, echo=lambda _: ""))
        if typed.strip().upper() == parts[number - 1]:
            terminal.say(
                "The recovery key is right. Keep it offline; try it now and then:\n  matrix-wizard vault drill"
            )
            return (Recipient(public, now, "recovery"),)
        wrong = f"That was not group {number}. Here is the key once more."


def _sheet(identity: Secret, vault_id: str, now: str) -> str:
    """Return what is to be printed or written down, in lines that a terminal of 80 columns holds."""
    numbered = [f"{number:>2} {part:<{_GROUP}}" for number, part in enumerate(groups(identity), 1)]
    rows = ("  ".join(numbered[start : start + _ROW]) for start in range(0, len(numbered), _ROW))
    return "\n".join((
        f"RECOVERY KEY of matrix-wizard, made {now[:10]}",
        f"Vault {vault_id}",
        "",
        identity.reveal(),
        "",
        f"The same in groups, behind {_PREFIX}",
        *(f"  {row}" for row in rows),
        "",
        "Print it or write it down, and keep it away from this machine.",
        f"Its line, alone in a file, opens the vault ({VAULT}):",
        "  matrix-wizard show --identity FILE, or: age -d -i FILE vault.age",
        "It is shown only now, and kept nowhere.",
        "",
    ))  # fmt: skip


def _given(terminal: Terminal, _: str) -> tuple[Recipient, ...]:
    typed = terminal.ask(
        Ask(
            "Public keys that open the vault, too",
            "list",
            "One a line: age1…, or the line of an SSH key's .pub file.",
            judge=_misread,
            echo=lambda text: formats.count_items(tuple(_items(text))),
            may_go_back=True,
        )
    )
    return tuple(Recipient(key, host.now(), "recovery") for key in _items(typed))


def _items(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _misread(text: str) -> Fault | None:
    if not _items(text):
        return Fault("Type one key at least.")
    for item in _items(text):
        try:
            formats.recipient(item)
        except FormatError as error:
            return Fault(f"{error.what} {error.instead}")
    return None


def _skipped(terminal: Terminal, _: str) -> tuple[Recipient, ...]:
    def judge(text: str) -> Fault | None:
        is_typed = text.strip().lower() == _SKIP
        return None if is_typed else Fault(f"Type {_SKIP}, or go back and choose a second key.")

    help_ = "Without a second key nobody can help when this one is lost. check reminds you."
    terminal.ask(Ask(f"Type {_SKIP} to go on with only one key", "text", help_, judge=judge, may_go_back=True))
    return ()
