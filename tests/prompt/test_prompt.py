"""The interview as keys on a wire: what is typed becomes the answers that a file would have given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input

from wizard import prompt
from wizard.answers import Answers
from wizard.catalogue import BY_NAME
from wizard.errors import StoppedError
from wizard.mint import Recipe
from wizard.questions import BY_KEY, SECTIONS
from wizard.secret import Secret

DOWN, ERASE, CTRL_C, CTRL_D, CTRL_Z = "\x1b[B", "\x15", "\x03", "\x04", "\x1a"


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    """Return the wire that keys are sent on."""
    with create_pipe_input() as wire, create_app_session(input=wire):
        yield wire


def interview(*needed: str, given: Answers | None = None) -> Answers:
    return prompt.interview([BY_KEY[key] for key in needed], given or Answers(), lambda path: Path(path).read_bytes())


def test_a_first_install_is_answered_whole(keys: PipeInput, tmp_path: Path) -> None:
    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key = tmp_path / "AuthKey.p8"
    key.write_text(pem)
    keys.send_text("chat-corp.net\r" + "\r" + "\r")  # base, derived names, server name: the first form
    keys.send_text("10.1.1.1, 10.2.0.0/16\r" + "\r" + "ops@chat-corp.net\r")  # ranges, mode, e-mail
    keys.send_text("y\r" + "smtp.chat-corp.net\r" + "\r\r")  # mail, host, security, port as proposed
    keys.send_text("matrix\r" + "p: '\"#\r" + "Matrix <m@chat-corp.net>\r")
    keys.send_text("y\r" + f"{key}\r" + "ABC123DEFG\r" + "TEAM123456\r" + "net.chat-corp.app\r")
    keys.send_text("\r" + "\r")  # no FCM, no LiveKit
    keys.send_text("\r" * 5)  # what may stay open
    answers = interview(*BY_KEY)
    assert answers.problems(BY_KEY) == []
    assert answers["domains.server_name"] == "chat-corp.net"
    assert answers["domains.matrix"] == "matrix.chat-corp.net"
    assert answers["lawful_intercept.allowed_cidrs"] == ("10.1.1.1/32", "10.2.0.0/16")
    assert answers["smtp.port"] == 587
    assert answers.secrets() == {"smtp.password": Secret("p: '\"#"), "push.apns.key": Secret(pem)}
    assert {section: answers.uses(section) for section in SECTIONS} == {
        "smtp": True,
        "push.apns": True,
        "push.fcm": False,
        "livekit": False,
    }


def test_what_was_answered_or_is_not_needed_is_not_asked(keys: PipeInput) -> None:
    given = Answers().with_answer("domains.base", "c.net").with_answer("tls.email", "o@c.net")
    keys.send_text(DOWN + "\r")
    answers = interview("domains.base", "domains.matrix", "domains.server_name", "tls.email", given=given)
    assert answers["domains.server_name"] == "matrix.c.net"


def test_a_wrong_answer_is_asked_again(keys: PipeInput) -> None:
    keys.send_text("https://c.net\r" + ERASE + "c.net\r")
    assert interview("domains.base")["domains.base"] == "c.net"


def test_an_answer_that_contradicts_another_is_told_at_its_field(keys: PipeInput) -> None:
    keys.send_text("30d\r" + "7d\r" + ERASE + "90d\r")
    assert interview("backups.retention", "backups.li_retention")["backups.li_retention"] == "90d"


def test_derived_names_are_edited_one_by_one(keys: PipeInput) -> None:
    keys.send_text("c.net\r" + "n\r" + ERASE + "hs.c.net\r" + "\r")
    answers = interview("domains.base", "domains.matrix", "domains.element")
    assert (answers["domains.matrix"], answers["domains.element"]) == ("hs.c.net", "element.c.net")


def test_ctrl_z_does_not_slip_into_a_password(keys: PipeInput) -> None:
    keys.send_text(f"pass{CTRL_Z}word\r")
    answers = interview("smtp.password", given=Answers().with_answer("smtp.user", "u"))
    assert answers.secrets() == {"smtp.password": Secret("password")}


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D, f"half{CTRL_D}"])
@pytest.mark.parametrize("needed", ["domains.base", "tls.mode", "smtp.host"])
def test_stopping_is_one_error_at_every_prompt(keys: PipeInput, key: str, needed: str) -> None:
    keys.send_text(key)
    with pytest.raises(StoppedError) as caught:
        interview(needed)
    assert caught.value.exit_code == 130


@pytest.mark.parametrize(("typed", "consent"), [("\r", False), ("n\r", False), ("y\r", True)])
def test_consent_is_a_typed_yes(keys: PipeInput, typed: str, consent: bool) -> None:
    keys.send_text(typed)
    assert prompt.confirm("Write now?") is consent


@pytest.mark.parametrize(
    ("typed", "action", "text"),
    [
        ("\r10.96.0.10\r", "value", "10.96.0.10"),
        (DOWN + "\rhidden\r", "value", Secret("hidden")),
        (DOWN * 2 + "\r", "generate", None),
        (DOWN * 3 + "\rform-secre\r\bet\r", "same_as", "form-secret"),
        (DOWN * 4 + "\r", "keep", None),
    ],
)
def test_an_unknown_placeholder_is_decided(keys: PipeInput, typed: str, action: str, text: object) -> None:
    keys.send_text(typed)
    decision = prompt.placeholder("What is CHANGEME_X?", prompt.Open("CHANGEME_X", names=BY_NAME))
    assert (decision.key, decision.action, decision.text) == ("CHANGEME_X", action, text)


@pytest.mark.parametrize(
    ("typed", "decided"),
    [
        ("\r", ("generate", "hex", 64)),
        (DOWN * 2 + "\r", ("split", None, None)),
        (DOWN * 3 + "\r", ("keep", None, None)),
    ],
)
def test_a_secret_asks_for_what_its_spelling_says(keys: PipeInput, typed: str, decided: tuple[object, ...]) -> None:
    keys.send_text(typed)
    made = prompt.placeholder(
        "What is it?", prompt.Open("CHANGEME_X", Recipe("hex", 64), is_secret=True, is_group=True)
    )
    assert (made.action, made.text, made.length) == decided
