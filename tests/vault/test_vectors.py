"""Golden vaults of every format (tests/vectors) through the whole program: read, refused, and written anew."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml
from scripts.runs import Deployment, Run

from wizard.vault import VERSION

VECTORS = Path(__file__).parents[1] / "vectors"
FORMATS = sorted(path.name for path in VECTORS.iterdir() if path.is_dir())
# Where each secret stands in the filled tree: the object and its key.
PLACES = {
    "redis-password": ("redis-password", "password"),
    "smtp-password": ("synapse-secrets", "SMTP_PASSWORD"),
    "signing-key": ("synapse-secrets", "signing.key"),
    "turn-secret": ("synapse-secrets", "TURN_SHARED_SECRET"),
}
READING = (("plan",), ("show",), ("answers",), ("vault", "recipients", "list"), ("check",))
WRITING = (("setup", "--no-input", "--yes"), ("blank", "--no-input", "--yes"))

NEWER = f"now written in format {VERSION}; older versions"
Golden = Callable[[str], Deployment]


@pytest.fixture
def golden(tmp_path: Path) -> Golden:
    """Return what lays out the vault of a format with its tree and its key, as they lay then."""

    def lay_out(name: str) -> Deployment:
        deployment, source = Deployment(tmp_path / name), VECTORS / name
        deployment.state.mkdir(parents=True)
        for each in ("vault.age", "sites.lock", "audit.log"):
            if (source / each).exists():
                shutil.copyfile(source / each, deployment.state / each)
        shutil.copyfile(source / "main.yaml", deployment.tree / "main.yaml")
        for key in ("identity.txt", "recovery.txt"):
            if (source / key).exists():
                shutil.copyfile(source / key, deployment.home / key)
                (deployment.home / key).chmod(0o600)
        return deployment

    return lay_out


def payload(deployment: Deployment) -> dict[str, Any]:
    """Return what the age library alone finds in the vault."""
    key = pyrage.x25519.Identity.from_str(deployment.identity.read_text().splitlines()[-1])
    found: dict[str, Any] = json.loads(pyrage.decrypt((deployment.state / "vault.age").read_bytes(), [key]))
    return found


def forged(deployment: Deployment, **changes: Any) -> None:
    """Write the vault with some fields changed, as only who has its key can."""
    key = pyrage.x25519.Identity.from_str(deployment.identity.read_text().splitlines()[-1])
    text = json.dumps({**payload(deployment), **changes}).encode()
    (deployment.state / "vault.age").write_bytes(pyrage.encrypt(text, [key.to_public()]))


def in_tree(deployment: Deployment) -> dict[str, str]:
    """Return the secrets as PyYAML reads them in the filled tree."""
    objects = list(yaml.safe_load_all((deployment.tree / "main.yaml").read_text()))
    by_name = {each["metadata"]["name"]: each.get("stringData", {}) for each in objects}
    found = {name: by_name.get(of, {}).get(key) for name, (of, key) in PLACES.items()}
    # Half-way through a rotation the old key stands below the new one.
    return {name: text.strip().split("\n")[0] for name, text in found.items() if text}


def setup(deployment: Deployment, *words: str) -> Run:
    return deployment.run("setup", "--no-input", "--yes", *words)


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_read_and_no_reading_changes_a_byte(golden: Golden, name: str) -> None:
    deployment = golden(name)
    before = deployment.everything()
    assert f"v{payload(deployment)['version']}" == name
    for verb in READING:
        done = deployment.run(*verb)
        assert done.code == 0, done.err
    assert "Nothing to change." in deployment.run("plan").out
    secrets = in_tree(deployment)
    assert len(secrets) >= 3
    unchanged = setup(deployment)
    assert (unchanged.code, "No byte was changed" in unchanged.out, NEWER in unchanged.err) == (0, True, False)
    assert deployment.everything() == before
    kept = {each: one["generations"][-1]["text"].strip() for each, one in payload(deployment)["values"].items()}
    assert {each: deployment.show(each).strip() for each in kept} == kept == {**kept, **secrets}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("verb", WRITING, ids=" ".join)
def test_a_verb_that_writes_makes_it_todays_format_and_says_so_once(
    golden: Golden, name: str, verb: tuple[str, ...]
) -> None:
    deployment = golden(name)
    before, secrets = payload(deployment), in_tree(deployment)
    if verb[0] == "setup":
        (deployment.tree / "main.yaml").write_bytes((VECTORS / "v2" / "original.yaml").read_bytes())
    else:
        assert deployment.run("show").code == 0
    done = deployment.run(*verb)
    assert done.code == 0, done.err
    is_old = before["version"] < VERSION
    assert (NEWER in done.err) == is_old
    after = payload(deployment)
    assert (after["version"], after["id"], len(after["seal"])) == (VERSION, before["id"], 64)
    assert after["revision"] == before.get("revision", 0) + 1
    keys = [each if isinstance(each, str) else each["key"] for each in before["recipients"]]
    assert [each["key"] for each in after["recipients"]] == keys
    assert {each: after["values"][each] for each in before["values"]} == before["values"]
    assert setup(deployment).code == 0
    assert {each: text for each, text in in_tree(deployment).items() if each in secrets} == secrets
    again = deployment.run("blank", "--no-input", "--yes")
    assert (again.code, NEWER in again.err) == (0, False)
    assert setup(deployment).code == 0
    listed = deployment.run("vault", "recipients", "list", "--json").data
    assert [each["key"] for each in listed["recipients"]] == keys


def test_every_recipient_opens_it_and_blank_leads_back_to_the_first_day(golden: Golden) -> None:
    deployment = golden("v2")
    (deployment.home / "recovery.txt").rename(deployment.identity)
    assert deployment.show("turn-secret") == "Typed-by-hand-in-the-tree-42"
    assert deployment.run("blank", "--no-input", "--yes").code == 0
    assert deployment.files() == {"main.yaml": (VECTORS / "v2" / "original.yaml").read_bytes()}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("version", [VERSION + 1, 99])
def test_a_newer_format_is_refused_in_clear_words_by_every_verb(golden: Golden, name: str, version: int) -> None:
    deployment = golden(name)
    forged(deployment, version=version, invented={"since": "then"})
    before = deployment.everything()
    for verb in (*READING[:-1], *WRITING):
        done = deployment.run(*verb)
        assert (done.code, done.out) == (3, ""), verb
        assert f"newer matrix-wizard (its format is {version}" in done.err
        assert "Install the newer" in done.err
    assert deployment.everything() == before


def test_a_newer_lock_is_refused_and_a_finding_of_check(golden: Golden) -> None:
    deployment = golden("v2")
    lock = deployment.state / "sites.lock"
    lock.write_text(lock.read_text().replace('"version": 1', '"version": 99', 1))
    for verb in (*READING, *WRITING):
        done = deployment.run(*verb)
        code = 1 if verb[0] == "check" else 3  # which goes on with all other rules
        assert (done.code, "newer matrix-wizard" in " ".join(done.text.split())) == (code, True), verb


@pytest.mark.parametrize("version", [None, 0, -1, "2", 1.0, True, []])
def test_a_format_that_never_was_is_refused(golden: Golden, version: object) -> None:
    deployment = golden("v2")
    forged(deployment, version=version)
    before = deployment.everything()
    assert [deployment.run(*verb).code for verb in (READING[1], *WRITING)] == [3, 3, 3]
    assert deployment.everything() == before


@pytest.mark.parametrize("name", FORMATS)
def test_a_flipped_bit_or_a_lost_end_of_the_vault_is_noticed_wherever_it_is(golden: Golden, name: str) -> None:
    """A sample of places, by a seed that is printed; tests/vault/test_vault.py has every place of a small vault."""
    seed = int(os.environ.get("SEED", random.randrange(2**32)))  # noqa: S311
    print(f"SEED={seed}", file=sys.stderr)
    chance = random.Random(seed)  # noqa: S311
    deployment = golden(name)
    vault = deployment.state / "vault.age"
    whole = vault.read_bytes()
    header = whole.index(b"\n--- ") + 50
    for place in [*chance.sample(range(header), 20), *chance.sample(range(header, len(whole)), 20)]:
        flipped = whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :]
        for data in (flipped, whole[:place]):
            vault.write_bytes(data)
            before = deployment.everything()
            runs = [deployment.run(*verb) for verb in (WRITING[0], ("show", "redis-password"))]
            assert [(each.code, each.out) for each in runs] == [(3, ""), (3, "")], place
            assert deployment.everything() == before
    vault.write_bytes(whole)
    assert deployment.run("show").code == 0
