"""plan writes nothing, and no secret is in any output but ``show NAME``, nor in sites.lock."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator

import pytest

from .conftest import RANGES, SMTP_PASSWORD, Filled
from .runs import MASK, Deployment, Run, originals

CHANGES = ("smtp.host=relay.chat-corp.net", "smtp.security=tls", "lawful_intercept.admin_user=officer",
           "lawful_intercept.allowed_cidrs=[185.60.112.0/24]")  # fmt: skip


@pytest.mark.parametrize("tree", ["bundled", "checklist", "dress"])
@pytest.mark.parametrize(
    "options", [("plan",), ("plan", "--json"), ("setup", "-n", "--no-input"), ("setup", "-n", "-y")]
)
def test_a_plan_writes_nothing_and_shows_no_given_secret(
    empty: Callable[..., Deployment], tree: str, options: tuple[str, ...]
) -> None:
    deployment = empty(tree, "everything")
    before = deployment.everything() if tree != "bundled" else {}
    verb, *more = options
    planned = deployment.run(verb, "--answers", str(deployment.answers), *more)
    assert planned.code == 0, planned.err
    assert len(planned.out) > 1000
    assert not deployment.identity.exists()
    if tree == "bundled":
        assert not deployment.tree.exists()
    else:
        assert deployment.everything() == before
    assert leaks(planned, given(deployment)) == []


def test_the_first_line_says_that_the_tree_is_the_bundled_one(empty: Callable[..., Deployment]) -> None:
    for new in (empty("bundled"), empty("bundled", name="made")):
        if new.home.name == "made":
            new.tree.mkdir()
        assert new.plan().out.splitlines()[0] == f"{new.tree} is made from the bundled tree."
    assert "bundled" not in empty("checklist").plan().out


def test_no_output_holds_a_secret(full: Filled) -> None:
    deployment, hidden = full.deployment, secrets(full)
    before, times = deployment.everything(), deployment.times()
    settings = [f"--set={setting}" for setting in CHANGES]
    runs = [
        full.first,
        deployment.plan(),
        deployment.plan(*settings),
        deployment.plan("--json", *settings),
        deployment.setup("--dry-run", *settings),
        deployment.run("check"),
        deployment.run("check", "--json"),
        deployment.run("show"),
        deployment.run("show", "--json"),
        deployment.run("show", "no-such-value"),
        deployment.run("blank", "-n"),
        deployment.run("blank", "-n", "--json"),
    ]
    assert deployment.everything() == before
    assert deployment.times() == times
    assert [place for number, each in enumerate(runs) for place in leaks(each, hidden, f"run {number}")] == []
    assert all(relevant.text for relevant in runs)

    runs = [deployment.setup(*settings), deployment.setup(*settings), deployment.blank(), deployment.setup("--json")]
    assert [each.code for each in runs] == [0, 0, 0, 0]
    assert [place for number, each in enumerate(runs) for place in leaks(each, hidden, f"then {number}")] == []


def test_the_record_in_the_tree_holds_no_secret_and_no_marker(full: Filled) -> None:
    lock = (full.deployment.state / "sites.lock").read_bytes()
    assert leaks(Run(0, lock.decode(), ""), secrets(full)) == []
    assert b"CHANGEME" not in lock
    assert len(lock.splitlines()) > 50
    encrypted = (full.deployment.state / "vault.age").read_bytes()
    assert encrypted.startswith(b"age-encryption.org/v1")
    assert not [name for name, piece in secrets(full) if piece.encode() in encrypted]


def test_a_message_about_drift_holds_no_secret(one: Filled) -> None:
    turn = one.values["turn-secret"]
    one.deployment.edit("main-instance/06-coturn/deployment.yaml", turn, "S0methingElse" * 3)
    before = one.deployment.everything()
    refused = one.deployment.setup()
    assert refused.code == 3
    assert "main-instance/06-coturn/deployment.yaml:22:" in refused.err
    assert leaks(refused, [*secrets(one), ("drift", "S0methingElse")]) == []
    found = one.deployment.run("check")
    assert found.code == 1
    assert leaks(found, [*secrets(one), ("drift", "S0methingElse")]) == []
    assert one.deployment.everything() == before


def test_a_shown_value_goes_to_a_private_file_or_a_pipe_only_when_it_is_asked_for(one: Filled) -> None:
    out = one.deployment.home / "out.txt"
    assert one.deployment.run("show", "turn-secret", "--out", str(out)).text == ""
    assert out.read_text().strip() == one.values["turn-secret"]
    assert out.stat().st_mode & 0o077 == 0
    listed = one.deployment.run("show", "--json").data["values"]
    assert {each["text"] for each in listed if each["name"] in one.hidden} == {MASK}


def test_files_with_secrets_lose_the_access_of_others(full: Filled) -> None:
    kept = [(name, piece) for name, piece in secrets(full) if name != "li-allowed-cidrs"]  # an answer, not a secret
    for path, data in full.deployment.files().items():
        mode = (full.deployment.tree / path).stat().st_mode & 0o077
        holds = [name for name, piece in kept if piece.encode() in data]
        assert not (holds and mode), (path, holds)
    for name in ("vault.age", "sites.lock"):
        assert os.stat(full.deployment.state / name)  # noqa: PTH116
    assert (full.deployment.state / "vault.age").stat().st_mode & 0o077 == 0
    assert full.deployment.identity.stat().st_mode & 0o077 == 0


def test_keep_modes_leaves_them(empty: Callable[..., Deployment]) -> None:
    deployment = empty("checklist")
    secret = deployment.tree / "main-instance/01-synapse/secrets.yaml"
    secret.chmod(0o644)
    assert deployment.setup("--keep-modes").code == 0
    assert secret.stat().st_mode & 0o777 == 0o644
    assert originals("checklist")["main-instance/01-synapse/secrets.yaml"] != secret.read_bytes()


def secrets(filled: Filled) -> list[tuple[str, str]]:
    """Return (name, text) of everything that must not be seen: each secret, its longer lines, its base64."""
    return [pair for name in sorted(filled.hidden) for pair in pieces(name, filled.values[name])]


def given(deployment: Deployment) -> list[tuple[str, str]]:
    beside = deployment.answers.parent
    names = ("AuthKey.p8", "fcm.json", "smtp-password.txt")
    return [pair for name in names for pair in pieces(name, (beside / name).read_text())] + [
        ("range", each) for each in RANGES
    ]


def pieces(name: str, text: str) -> Iterator[tuple[str, str]]:
    text = text.strip()
    # A field of a service account, or a PEM header, is no secret by itself.
    lines = [line.strip() for line in text.splitlines()] if "\n" in text else []
    whole = [text, base64.b64encode(text.encode()).decode(), base64.b64encode(f"{text}\n".encode()).decode()]
    for piece in [*whole, *(line for line in lines if len(line) > 40 and '":' not in line and "---" not in line)]:
        yield name, piece
    for range_ in text.split(", ") if name == "li-allowed-cidrs" else []:
        yield name, range_
    if '"private_key"' in text:
        yield name, text.partition("BEGIN PRIVATE KEY-----\\n")[2][:40]
    if text == SMTP_PASSWORD:
        yield name, "$e%d #x: {y}"


def leaks(run: Run, hidden: list[tuple[str, str]], label: str = "output") -> list[str]:
    return [f"{name} in {label}" for name, piece in hidden if piece in run.text]
