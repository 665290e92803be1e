"""A vault that is lost or cannot be opened is never a reason for fresh secrets; without a key nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyrage import x25519

from .conftest import Filled
from .faults import errors
from .runs import Deployment, Run, run

Spoil = Callable[[Deployment], None]


def lose_the_vault(deployment: Deployment) -> None:
    (deployment.state / "vault.age").unlink()


def cut_the_vault(deployment: Deployment) -> None:
    vault = deployment.state / "vault.age"
    vault.write_bytes(vault.read_bytes()[:-40])


def empty_the_vault(deployment: Deployment) -> None:
    (deployment.state / "vault.age").write_bytes(b"")


def turn_one_bit(deployment: Deployment) -> None:
    vault = deployment.state / "vault.age"
    data = bytearray(vault.read_bytes())
    data[-20] ^= 1
    vault.write_bytes(data)


def bring_another_key(deployment: Deployment) -> None:
    deployment.identity.write_text(f"{x25519.Identity.generate()}\n")


def let_others_read_the_key(deployment: Deployment) -> None:
    deployment.identity.chmod(0o644)


def break_the_key(deployment: Deployment) -> None:
    deployment.identity.write_text("AGE-SECRET-KEY-1NOTONE\n")


def lose_the_key(deployment: Deployment) -> None:
    deployment.identity.unlink()


def spoil_the_lock(deployment: Deployment) -> None:
    (deployment.state / "sites.lock").write_bytes(b"<<<<<<< ours\n")


SPOILED: list[Spoil] = [
    lose_the_vault, cut_the_vault, empty_the_vault, turn_one_bit, bring_another_key, let_others_read_the_key,
    break_the_key, lose_the_key,
]  # fmt: skip


def every_verb(deployment: Deployment) -> list[Run]:
    return [
        deployment.setup(),
        deployment.setup("--set", "domains.turn=voice.chat-corp.net"),
        deployment.plan(),
        deployment.blank(),
        deployment.run("show"),
        deployment.run("show", "turn-secret"),
    ]


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_a_vault_that_cannot_be_opened_stops_every_verb(one: Filled, spoil: Spoil) -> None:
    deployment = one.deployment
    spoil(deployment)
    before, times = deployment.everything(), deployment.times()
    runs = every_verb(deployment)
    assert [each.code for each in runs] == [3] * len(runs), [each.err for each in runs]
    assert all(each.err.strip() and not each.out for each in runs)
    assert deployment.everything() == before
    assert deployment.times() == times
    assert deployment.identity.exists() == (spoil is not lose_the_key)
    found = [each.split()[1] for each in errors(deployment.run("check", "--json").data, one.tree)]
    seen: dict[Spoil, list[str]] = {lose_the_vault: ["vault-lost"], empty_the_vault: ["vault-damaged"]}
    assert found == seen.get(spoil, []), "check needs no key, and misses only a vault that is none"


def test_a_lock_that_cannot_be_read_stops_setup(one: Filled) -> None:
    spoil_the_lock(one.deployment)
    before = one.deployment.everything()
    refused = one.deployment.setup()
    assert refused.code == 3, refused.err
    checked = one.deployment.run("check", "--json")
    assert checked.code == 1, checked.err
    found = [each for each in checked.data["findings"] if each["id"] == "lock-damaged"]
    assert [(each["file"], each["line"]) for each in found] == [(".matrix-wizard/sites.lock", 1)]
    assert one.deployment.everything() == before


def test_a_vault_of_another_tree_is_refused(one: Filled, empty: Callable[..., Deployment]) -> None:
    other = empty("checklist", name="other")
    assert other.setup().code == 0
    (one.deployment.state / "vault.age").write_bytes((other.state / "vault.age").read_bytes())
    before = one.deployment.everything()
    refused = one.deployment.run("setup", "--no-input", "-y", "--identity", str(other.identity))
    assert refused.code == 3, refused.err
    assert one.deployment.everything() == before


def test_only_a_new_deployment_starts_anew(one: Filled) -> None:
    lose_the_vault(one.deployment)
    refused = one.deployment.setup()
    assert "--new-deployment" in refused.err
    assert "vault.age" in refused.err


@pytest.mark.parametrize("tree", ["bundled", "checklist"])
def test_without_a_place_for_the_key_nothing_is_written(empty: Callable[..., Deployment], tree: str) -> None:
    deployment = empty(tree)
    before = deployment.everything() if tree != "bundled" else {}
    stopped = run("setup", "--answers", str(deployment.answers), "--tree", str(deployment.tree), "--no-input", "-y")
    assert stopped.code == 2
    assert "--identity" in stopped.err
    if tree == "bundled":
        assert not deployment.tree.exists()
    else:
        assert deployment.everything() == before


def test_without_the_key_of_a_vault_nothing_is_changed(one: Filled) -> None:
    before = one.deployment.everything()
    for verb in ("setup", "blank"):
        stopped = run(verb, "--tree", str(one.deployment.tree), "--no-input", "-y")
        assert stopped.code == 2
        assert "--identity" in stopped.err
    assert one.deployment.everything() == before


def test_the_environment_may_name_the_key(one: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATRIX_WIZARD_IDENTITY", str(one.deployment.identity))
    monkeypatch.setenv("MATRIX_WIZARD_TREE", str(one.deployment.tree))
    assert run("show", "turn-secret").out.strip() == one.values["turn-secret"]


def test_an_identity_in_a_directory_that_is_missing_writes_nothing(
    empty: Callable[..., Deployment], tmp_path: Path
) -> None:
    deployment = empty("checklist")
    before = deployment.everything()
    stopped = run("setup", "--answers", str(deployment.answers), "--tree", str(deployment.tree), "--no-input", "-y",
                  "--identity", str(tmp_path / "no/such/place.txt"))  # fmt: skip
    assert stopped.code == 2
    assert deployment.everything() == before
