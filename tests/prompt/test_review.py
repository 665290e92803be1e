"""The review and what comes after it: a number changes a line, d shows the plan, the same again, and a second run."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from ruamel.yaml import YAML

from .conftest import PASSWORD, agree, at_review, script
from .screens import BACK, CTRL_C, DOWN, ROOT, Screens


def run(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wizard", *words],
        cwd=home,
        env={**os.environ, "HOME": str(home), "XDG_DATA_HOME": "", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def number(screens: Screens, label: str) -> str:
    """Return the number of the line of the review with a label."""
    lines = [line for line in screens.shown.split("\n") if f" {label} " in f"{line} "]
    return lines[-1].split()[0]


def snapshot(tree: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def test_a_number_changes_that_line_and_asks_for_what_it_brings_up(home: Path) -> None:
    screens = at_review(home, rows=60)
    screens.answer("Write now?", f"{number(screens, 'SMTP host')}\r")
    screens.answer("SMTP host", "\x15post.chat-corp.net\r")
    screens.until("post.chat-corp.net")
    screens.answer("Write now?", f"{number(screens, 'Certificates')}\r")
    screens.answer("Certificates", DOWN + DOWN + DOWN + "\r")  # self-signed: no e-mail address is wanted
    screens.at("Write now?")
    assert "E-mail address" not in screens.shown.rpartition("Review")[2]
    screens.answer("Write now?", f"{number(screens, 'Mail')}\r")
    screens.answer("Shall Synapse send mail?", "n\r")
    screens.at("Write now?")
    assert "post.chat-corp.net" not in screens.shown.rpartition("Review")[2]
    assert agree(screens) == 0
    written = "".join(path.read_text() for path in (home / "deployment").rglob("*.yaml"))
    assert "post.chat-corp.net" not in written
    assert PASSWORD not in written


def test_back_at_a_line_of_the_review_changes_nothing(home: Path) -> None:
    screens = at_review(home, rows=60)
    screens.answer("Write now?", f"{number(screens, 'Storage class')}\r")
    screens.answer("Storage class", "\x15other", BACK)
    screens.at("Write now?")
    assert "ceph-block" in screens.shown.rpartition("Review")[2]


@pytest.mark.parametrize("typed", ["", "0", "99", "yes", "-1", "q"])
def test_anything_else_at_the_review_is_told(home: Path, typed: str) -> None:
    screens = at_review(home, rows=60)
    screens.answer("Write now?", f"{typed}\r")
    screens.until("! Type d, n, y or a number up to 27.")
    assert not (home / "deployment").exists()


def test_d_shows_every_change_with_secrets_masked_and_consent_is_still_asked(home: Path) -> None:
    screens = at_review(home, rows=60)
    screens.answer("Write now?", "d\r")
    screens.until("Write now? d")
    screens.at("Write now?")
    assert "+++ b/main-instance/" in screens.scrolled
    assert "••••••••" in screens.scrolled
    assert not (home / "deployment").exists()
    screens.send(CTRL_C)
    assert screens.end() == 130


def test_a_certificate_that_does_not_fit_is_told_at_the_review_and_can_be_changed(home: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days",
         "9", "-subj", "/CN=other", "-addext", "subjectAltName=DNS:other.net"],
        cwd=home, check=True, capture_output=True,
    )  # fmt: skip
    screens = Screens(home, rows=60)
    for label, keys, _ in script():
        if label == "E-mail address for Let's Encrypt":
            screens.answer("Certificate file", "cert.pem\r")
            screens.answer("Private key file of the certificate", "key.pem\r")
        else:
            screens.answer(label, DOWN + DOWN + "\r" if label == "Certificates" else keys)
    screens.at("Which line is to change?")
    assert "does not name" in screens.scrolled
    screens.send("y\r")
    screens.until("! Type n or a number")
    screens.send(f"\x15{number(screens, 'Certificates')}\r")
    screens.answer("Certificates", "\x1b[A" * 2 + "\r")
    screens.answer("E-mail address for Let's Encrypt", "ops@chat-corp.net\r")
    assert agree(screens) == 0


def test_the_same_again_needs_no_question(home: Path) -> None:
    screens = at_review(home)
    assert agree(screens, "y") == 0
    after = " ".join(screens.scrolled.split())
    for told in ("--server-side --field-manager=matrix-wizard", "3478", "403", "vault.age", "li-admin-password"):
        assert told in after
    sheet = home / "answers.yaml"
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    assert PASSWORD not in sheet.read_text()
    assert YAML(typ="safe").load(sheet)["domains"]["base"] == "chat-corp.net"
    before = snapshot(home / "deployment")
    again = run(home, "setup", "--answers", "answers.yaml", "--no-input", "--yes")
    assert (again.returncode, snapshot(home / "deployment")) == (0, before), again.stderr


def test_a_second_run_asks_no_question_again_but_offers_a_choice(home: Path) -> None:
    assert agree(at_review(home)) == 0
    before = snapshot(home / "deployment")
    screens = Screens(home)
    screens.until("is set up for chat-corp.net")
    screens.at("What is to be done?")
    screens.send("\r")  # change answers
    screens.at("Which line is to change?")
    assert " Server name " not in screens.shown  # it can never be changed
    screens.send("n\r")
    assert screens.end() == 0
    assert snapshot(home / "deployment") == before
    screens = Screens(home)
    screens.answer("What is to be done?", "\r")
    screens.at("Which line is to change?")
    screens.send(f"{number(screens, 'Storage class')}\r")
    screens.answer("Storage class", "\x15local-path\r")
    screens.answer("Write now?", "y\r")
    assert screens.end() == 0
    changed = {path for path, data in snapshot(home / "deployment").items() if before.get(path) != data}
    assert changed
    assert all("local-path" in path.read_text() for path in changed if path.suffix == ".yaml")


@pytest.mark.parametrize(("downs", "code"), [(2, 0), (3, 130)], ids=["check", "leave"])
def test_the_other_choices_of_a_second_run_write_nothing(home: Path, downs: int, code: int) -> None:
    assert agree(at_review(home)) == 0
    before = snapshot(home / "deployment")
    screens = Screens(home)
    screens.answer("What is to be done?", DOWN * downs + "\r")
    assert screens.end() == code
    assert snapshot(home / "deployment") == before


def test_a_key_that_takes_long_is_announced(home: Path) -> None:
    screens = at_review(home, "setup", "--set", "key_vault.rsa_bits=4096")
    assert "4096 bits" in " ".join(screens.scrolled.split())
    assert agree(screens) == 0
    shown = run(home, "show", "key-vault-rsa-key")
    key = load_pem_private_key(shown.stdout.encode(), None)
    assert getattr(key, "key_size", 0) == 4096


UNKNOWN = """\
apiVersion: v1
kind: Secret
metadata: {name: grafana, namespace: matrix}
stringData:
  admin-password: CHANGEME_GRAFANA_ADMIN_PASSWORD
  token: CHANGEME_GRAFANA_TOKEN
---
apiVersion: v1
kind: ConfigMap
metadata: {name: grafana, namespace: matrix}
data:
  motto: CHANGEME_GRAFANA_MOTTO
"""


def test_placeholders_that_no_catalogue_knows_are_asked_about_and_can_be_gone_back_to(home: Path) -> None:
    (home / "deployment").mkdir()
    manifest = home / "deployment" / "grafana.yaml"
    manifest.write_text(UNKNOWN)
    screens = Screens(home)
    password, token, motto = (
        f"CHANGEME_GRAFANA_{name} is in no catalogue. What is it?" for name in ("ADMIN_PASSWORD", "TOKEN", "MOTTO")
    )
    screens.answer(password, "\r")  # a secret, made here
    screens.answer(token, "\x1b[A\r")
    screens.answer("Secret", "t0p-secret\r")
    screens.answer(motto, BACK)
    screens.answer("Secret", BACK)
    screens.answer(token, "\r")
    screens.answer("Secret", "t0p-secret-2\r")
    screens.answer(motto, "\r")
    screens.answer("Value", "Hello: world\r")
    screens.at("Write now?")
    assert agree(screens) == 0
    secret, config = YAML(typ="safe").load_all(manifest.read_text())
    assert len(secret["stringData"]["admin-password"]) == 40
    assert secret["stringData"]["token"] == "t0p-secret-2"
    assert config["data"]["motto"] == "Hello: world"
    assert "t0p-secret" not in screens.everything


def test_a_placeholder_is_the_same_as_another_one_or_is_kept(home: Path) -> None:
    (home / "deployment").mkdir()
    manifest = home / "deployment" / "grafana.yaml"
    manifest.write_text(UNKNOWN)
    screens = Screens(home)
    password, token, motto = (f"CHANGEME_GRAFANA_{name}" for name in ("ADMIN_PASSWORD", "TOKEN", "MOTTO"))
    screens.answer(f"{password} is in no catalogue. What is it?", "\r")
    screens.answer(f"{token} is in no catalogue. What is it?", DOWN + "\r")
    screens.answer("Name of the other value", "CHANGEME_GRAFANA_ADMIN_PASWORD\r")
    screens.until("(Tab takes it)")
    screens.send("\t\r")
    screens.answer(f"{motto} is in no catalogue. What is it?", "\x1b[A\r")  # the last choice: leave it
    assert agree(screens) == 0
    secret, config = YAML(typ="safe").load_all(manifest.read_text())
    assert len(secret["stringData"]["token"]) == 40
    assert secret["stringData"]["token"] == secret["stringData"]["admin-password"]
    assert config["data"]["motto"] == motto


def test_the_server_name_of_the_first_run_outlives_another_base_domain(home: Path) -> None:
    """Its answer was one of those proposed, which are others once the base domain is: it stays all the same."""
    assert agree(at_review(home)) == 0
    screens = Screens(home, rows=60)
    screens.answer("What is to be done?", "\r")
    screens.answer("Which line is to change?", "1\r")
    screens.answer("Base domain", "\x15new-corp.net\r")
    screens.at("Write now?")
    screens.until("(below new-corp.net)")
    screens.answer("Write now?", "y\r")
    assert screens.end() == 0
    assert run(home, "show", "server-name").stdout.strip() == "chat-corp.net"
    written = "".join(path.read_text() for path in (home / "deployment").rglob("*.yaml"))
    names = set(re.findall(r"^ *server_name: *\"?([^\"\s]+)", written, re.MULTILINE))
    assert names == {"chat-corp.net"}
    assert "matrix.new-corp.net" in written
