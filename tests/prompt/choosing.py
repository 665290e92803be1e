"""A program that asks for several of many, as `rotate` does, and leaves what it was given in ``chosen.json``.

Started by its path: ``choosing.py [--plain] [WORD, WORD …]``, the words being chosen at first.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from wizard.errors import StoppedError
from wizard.interview import Ask, BackError, Fault
from wizard.lines import Lines
from wizard.prompt import Screen

LABEL = "What should get a new value?"
RESTART, STEP, NOT_HERE = "Takes effect at the next restart", "Needs a step that I print", "Not made here"
NOTES = {
    "turn-secret": "Synapse and coturn restart together; calls drop",
    "worker-secret": "all Synapse workers restart together",
    "macaroon-secret": "guests sign in again; old unsubscribe links die",
    "form-secret": "open forms are lost",
    **{f"token-{number:02}": f"bridge {number} restarts together with Synapse" for number in range(1, 15)},
    "postgresql-main": "the database must learn it before Synapse restarts, or every request of every user fails",
    "postgresql-li": "the same for the LI instance",
    "signing-key": "other servers know this one by it",
    "redis-password": "Redis must learn it first",
    "minio-secret": "buckets are not reached until MinIO knows it",
    "apns-key": "pushes to iPhones",
    "smtp-password": "outgoing mail",
}
REFUSED = {
    "signing-key": "not offered",
    "apns-key": "at Apple; see docs/guide.md",
    "smtp-password": "at your mail provider",
}
WORDS = tuple(NOTES)
GROUPS = {RESTART: WORDS[:18], STEP: WORDS[18:23], NOT_HERE: WORDS[23:]}
CHOICES = {word: f"{word:<17}{note}" for word, note in NOTES.items()}


def asked(text: str = "") -> Ask:
    """Return the question."""
    return Ask(
        LABEL,
        "several",
        "Nothing is preselected.",
        "Each gets a new value in the vault and in the tree. What must restart then is told in a list.",
        text,
        CHOICES,
        GROUPS,
        REFUSED,
        judge=lambda text: None if text else Fault("Nothing is chosen. Choose at least one, or stop."),
        doubt=lambda text: "This destroys what Redis holds." if "redis" in text else "",
        may_go_back=True,
        title="Rotate",
    )


def main(words: list[str]) -> None:
    """Ask until the question is answered or stopped; on the way back keep what was chosen."""
    terminal = Lines() if "--plain" in words else Screen()
    text = " ".join(word for word in words if word != "--plain")
    went_back = False
    with terminal.session():
        while True:
            try:
                answer = terminal.ask(asked(text))
                break
            except BackError as back:
                text, went_back = back.text.reveal() if back.text else text, True
                terminal.say("Went back.")
            except StoppedError as stopped:
                terminal.say(str(stopped))
                sys.exit(130)
    Path("chosen.json").write_text(json.dumps({"answer": answer, "back": went_back}), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
