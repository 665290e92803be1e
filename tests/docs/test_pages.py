"""The pages hold together: links lead somewhere, commands parse, examples run, and no machine is named."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from wizard import catalogue, cli

from .pages import DOCS, PAGES, ROOT, blocks

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r'(?:matrix-wizard|make run ARGS="([^"]*)")(.*)')


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_readme_leads_with_commands_that_make_knows() -> None:
    first, *_ = blocks((ROOT / "README.md").read_text("utf-8"), "sh")
    targets = re.findall(r"^make (\w+)", first, re.MULTILINE)
    assert targets == ["run", "test"]
    assert set(targets) <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in _LINK.findall(path.read_text("utf-8")):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path.is_dir():
            waiting += [each for each in path.glob("*.md") if each not in reached]
        elif path not in reached and path.suffix == ".md":
            reached.add(path)
            links = (link.partition("#")[0] for link in _LINK.findall(path.read_text("utf-8")) if ":" not in link)
            waiting += [(path.parent / link).resolve() for link in links if link]
    assert set(PAGES) - reached == set()


def commands() -> list[str]:
    """Return every command line of ours in the pages' shell blocks and in their text."""
    found = []
    for path in PAGES:
        text = path.read_text("utf-8")
        for line in "\n".join(blocks(text, "sh")).splitlines() + re.findall(r"`(matrix-wizard [^`]+)`", text):
            called = _COMMAND.match(line)
            if called:
                found.append(re.split(r" [#|>]", called[1] or called[2])[0].strip())
    return found


@pytest.mark.parametrize("line", sorted(set(commands()) - {"", "…"}))
def test_every_command_line_is_understood(line: str) -> None:
    """Parsed by the program's own commands; one that is unknown, or an option that is, raises."""
    context = cli.app.make_context("matrix-wizard", ["check"], resilient_parsing=True)
    name, *arguments = shlex.split(line)
    if name.startswith("-"):
        assert any(name in option.opts for option in cli.app.get_params(context))
        return
    command = cli.app.get_command(context, name)
    assert command is not None, name
    assert isinstance(command.make_context(name, arguments, parent=context), click.Context)


def found(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the ids of what check finds."""
    capsys.readouterr()
    assert cli.main(["check", "--json"]) == 0
    return [each["id"] for each in json.loads(capsys.readouterr().out)["findings"]]


# What check tells of the examples: that their vault has one key.
FOUND = ["vault-single-key"]


def test_the_example_of_the_readme_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    [answers] = blocks(readme, "yaml")
    [line] = re.findall(r'make run ARGS="(setup[^"]*)"', readme)
    monkeypatch.chdir(tmp_path)
    Path("answers.yaml").write_text(answers, "utf-8")
    assert cli.main(shlex.split(line)) == 0
    first = {path: path.read_bytes() for path in Path("deployment").rglob("*") if path.is_file()}
    assert cli.main(shlex.split(line)) == 0
    assert {path: path.read_bytes() for path in Path("deployment").rglob("*") if path.is_file()} == first
    assert found(capsys) == FOUND
    assert b"chat-corp.net" in first[Path("deployment/main-instance/01-synapse/configmap.yaml")]
    assert all(
        not path.stat().st_mode & 0o077 for path in (Path("identity.txt"), *Path("deployment").rglob("vault.age"))
    )


def test_the_example_answers_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the secret files that it names, each of the real kind."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (tmp_path / "answers.yaml").write_bytes((DOCS / "answers.yaml").read_bytes())
    (secrets / "smtp-password.txt").write_text('p@ss "w#rd\n', "utf-8")
    pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (secrets / "AuthKey_ABC123DEFG.p8").write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(*pem))
    account = {
        "type": "service_account",
        "project_id": "chat-corp",
        "private_key_id": "0" * 40,
        "private_key": rsa.generate_private_key(65537, 2048).private_bytes(*pem).decode(),
        "client_email": "push@chat-corp.iam.gserviceaccount.com",
        "client_id": "1234567890",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    (secrets / "fcm-service-account.json").write_text(json.dumps(account), "utf-8")
    monkeypatch.chdir(tmp_path)
    arguments = "--answers answers.yaml --tree deployment --identity identity.txt --no-input --yes"
    assert cli.main(["setup", *arguments.split()]) == 0
    assert found(capsys) == FOUND
    assert Path("deployment/main-instance/07-sygnal/fcm-secret.yaml").is_file()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_names_this_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    assert str(ROOT) not in text
    assert re.search(r"/(?:root|home|work|tmp|Users)/", text) is None


def test_same_as_names_values_that_exist() -> None:
    text = "".join(path.read_text("utf-8") for path in PAGES)
    assert set(re.findall(r"same_as: ([a-z0-9-]+)", text)) <= catalogue.BY_NAME.keys()
