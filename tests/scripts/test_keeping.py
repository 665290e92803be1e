"""check on a filled tree as its operator keeps it: in git, with open modes, with old secrets."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta

from wizard import host, sealing
from wizard.check import of_ages
from wizard.secret import Secret

from .conftest import Filled
from .runs import Deployment


def _found(deployment: Deployment, rule: str, *argv: str) -> list[str]:
    checked = deployment.run("check", "--json", *argv)
    assert checked.code in (0, 1), checked.err
    return [f"{each['file']} {each['message']}" for each in checked.data["findings"] if each["id"] == rule]


def _git(deployment: Deployment, *words: str) -> None:
    subprocess.run(["git", *words], cwd=deployment.tree, check=True, capture_output=True)


def test_what_git_has_is_told_until_it_is_blank_there(one: Filled) -> None:
    deployment = one.deployment
    _git(deployment, "init", "-q")
    assert _found(deployment, "secret-in-git") == [], "nothing is added"
    _git(deployment, "add", "-A")
    told = _found(deployment, "secret-in-git")
    assert [each for each in told if each.startswith("infrastructure/02-redis/redis-secret.yaml ")]
    assert all("in clear" in each for each in told)
    assert deployment.blank().code == 0
    _git(deployment, "add", "-A")
    assert deployment.setup("--allow-tracked").code == 0
    assert _found(deployment, "secret-in-git") == [], "filled again, and git has the placeholders"


def test_open_modes_are_one_warning_and_setup_leaves_none(one: Filled) -> None:
    deployment = one.deployment
    assert _found(deployment, "open-to-all") == []
    files = [path for path in deployment.tree.rglob("*.yaml") if path.stat().st_mode & 0o077 == 0]
    for path in files:
        path.chmod(0o644)
    (told,) = _found(deployment, "open-to-all")
    assert f"{len(files)} files hold secrets" in told


def test_an_old_secret_is_told_where_an_age_is_asked_for(one: Filled) -> None:
    deployment = one.deployment
    assert _found(deployment, "secret-too-old", "--max-age", "1") == []
    key = Secret(next(line for line in deployment.identity.read_text().splitlines() if line.startswith("AGE-")))
    vault = sealing.unseal((deployment.state / "vault.age").read_bytes(), key)
    later = (datetime.fromisoformat(host.now()) + timedelta(days=400)).isoformat()
    told = [each.message for each in of_ages(vault, 365, later)]
    assert [each for each in told if each.startswith("turn-secret is 4")]
    assert len(told) > 5
    assert [*of_ages(vault, 401, later)] == []


def test_an_age_cannot_be_told_without_the_key(one: Filled) -> None:
    deployment = one.deployment
    deployment.identity.rename(deployment.home / "away.txt")
    assert deployment.run("check", "--max-age", "365").code in (2, 3)
