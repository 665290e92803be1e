"""Whole runs and their audit log: what is written, what is not, and what check says of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .runs import Deployment, run
from .small import laid_out, succeed

TREE = """\
apiVersion: v1
kind: Secret
metadata: {name: redis-password, namespace: matrix}
stringData:
  password: CHANGEME_REDIS_PASSWORD
---
apiVersion: v1
kind: ConfigMap
metadata: {name: element, namespace: matrix}
data:
  host: matrix.example.com
"""


@pytest.fixture
def filled(tmp_path: Path) -> Deployment:
    deployment = laid_out(tmp_path, TREE)
    succeed(deployment.setup())
    return deployment


def entries(deployment: Deployment) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (deployment.state / "audit.log").read_text().splitlines()]


def findings(deployment: Deployment) -> list[str]:
    checked = deployment.run("check", "--json").data
    assert checked["audit_log"] == ""
    return [each["message"] for each in checked["findings"] if each["id"] == "audit-log"]


def test_each_operation_is_one_line_without_any_value(filled: Deployment) -> None:
    password = filled.show("redis-password")
    succeed(filled.blank())
    succeed(filled.setup())
    assert [each["verb"] for each in entries(filled)] == ["setup", "show", "blank", "setup"]
    assert password not in (filled.state / "audit.log").read_text()
    (value,) = entries(filled)[1]["values"]
    assert value.split()[0] == "redis-password"
    assert "Secret/matrix/redis-password:stringData.password" in entries(filled)[0]["places"]
    assert findings(filled) == []


def test_what_changes_nothing_and_reveals_nothing_leaves_no_line(filled: Deployment) -> None:
    before = filled.everything()
    for argv in (["check"], ["show"], ["plan"], ["answers"], ["vault", "recipients", "list"]):
        assert run(*argv, "--tree", str(filled.tree), "--identity", str(filled.identity)).code == 0, argv
    succeed(filled.setup())
    assert filled.show("matrix-host") == "matrix.chat-corp.net", "no secret"
    assert filled.everything() == before


def test_a_log_that_was_cut_or_changed_is_an_error_of_check_and_told_by_other_verbs(filled: Deployment) -> None:
    filled.show("redis-password")
    log = filled.state / "audit.log"
    whole = log.read_text()
    log.write_text(whole.replace('"show"', '"plan"'))
    assert any("was changed" in each for each in findings(filled))
    assert "was changed" in filled.run("show").err
    log.write_text(whole.splitlines(keepends=True)[1])
    assert filled.run("check").code == 1
    log.write_text(whole)
    assert findings(filled) == []


def test_an_older_vault_that_is_accepted_takes_in_what_the_log_has_beyond_it(filled: Deployment) -> None:
    vault = filled.state / "vault.age"
    older = vault.read_bytes()
    filled.show("redis-password")
    vault.write_bytes(older)
    assert filled.run("show", "redis-password").code == 3
    assert filled.run("show", "redis-password", "--accept-older").code == 0
    assert findings(filled) == []
    assert len((filled.state / "audit.log").read_text().splitlines()) == 3


def test_a_log_that_is_gone_is_an_error_of_check(filled: Deployment) -> None:
    filled.show("redis-password")
    (filled.state / "audit.log").unlink()
    checked = filled.run("check")
    assert checked.code == 1
    assert "error [audit-log] Entries are missing from the audit log" in checked.out
    assert findings(filled) == ["Entries are missing from the audit log: it has 1, and the vault knows of 2."]
    unverified = run("check", "--tree", str(filled.tree))
    assert "The audit log was not verified: it opens no vault unless --identity names its key." in unverified.out


def test_of_a_tree_that_was_never_filled_no_log_is_missed(tmp_path: Path) -> None:
    assert laid_out(tmp_path, TREE).run("check", "--json").data["audit_log"] is None


def test_without_a_key_check_says_that_the_log_was_not_verified(filled: Deployment) -> None:
    checked = run("check", "--tree", str(filled.tree))
    assert "The audit log was not verified: it opens no vault unless --identity names its key." in checked.out
    assert (
        run("check", "--tree", str(filled.tree), "--json").data["audit_log"]
        == "it opens no vault unless --identity names its key"
    )


def test_a_log_that_a_killed_run_did_not_reach_is_healed_by_the_next(filled: Deployment) -> None:
    """The vault takes its place first: a run killed right after it leaves the former log."""
    log = filled.state / "audit.log"
    before = log.read_text()
    filled.show("redis-password")
    after = log.read_text()
    log.write_text(before)
    assert findings(filled) == []
    filled.show("redis-password")
    assert log.read_text().startswith(after)
    assert findings(filled) == []


def test_nothing_is_revealed_where_the_log_cannot_be_written(filled: Deployment, tmp_path: Path) -> None:
    other = Deployment(tmp_path / "elsewhere")
    shutil.copytree(filled.home, other.home)
    (other.state / "audit.log").unlink()
    (other.state / "audit.log").mkdir()
    shown = other.run("show", "redis-password")
    assert shown.code == 3
    assert shown.out == ""
