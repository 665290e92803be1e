"""A separate LI tree gets what both instances share, nothing of main's own, and follows main's rotations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyrage
import pytest

from .conftest import Filled
from .reading import by_pyyaml
from .runs import SOURCES, Deployment, Run

KEY = pyrage.x25519.Identity.generate()
SHARED = {"redis-password", "s3-password", "signing-key", "replication-password"}
OWN = {"li-db-password", "li-macaroon-secret", "li-registration-secret", "li-form-secret"}


@pytest.fixture
def li(tmp_path: Path) -> Deployment:
    """Return a tree with the checklist's LI instance alone, and its team's key."""
    deployment = Deployment(tmp_path / "li")
    shutil.copytree(SOURCES["checklist"] / "li-instance", deployment.tree)
    deployment.identity.write_text(f"{KEY}\n")
    deployment.identity.chmod(0o600)
    return deployment


def hand_over(main: Deployment, name: str = "li.age") -> Path:
    out = main.home / name
    done = main.run("export", "--for", "li", str(out), "--to", str(KEY.to_public()))
    assert done.code == 0, done.text
    return out


def take(li: Deployment, file: Path, *argv: str) -> Run:
    return li.run("vault", "import", str(file), *argv)


def plain(file: Path) -> Any:
    return json.loads(pyrage.decrypt(file.read_bytes(), [KEY]))


def fill(li: Deployment) -> Run:
    done = li.run("setup", "--no-input", "--yes")
    assert done.code == 0, done.text
    return done


def generations(deployment: Deployment, key: pyrage.x25519.Identity) -> dict[str, list[dict[str, str]]]:
    vault = json.loads(pyrage.decrypt((deployment.state / "vault.age").read_bytes(), [key]))
    return {name: kept["generations"] for name, kept in vault["values"].items()}


def test_the_export_holds_no_secret_of_mains_own(full: Filled) -> None:
    """Every secret that no object of LI shows, as PyYAML reads the filled tree, is searched for in the opened file."""
    out = hand_over(full.deployment)
    text = pyrage.decrypt(out.read_bytes(), [KEY]).decode()
    objects = by_pyyaml(full.deployment.files())
    shown = json.dumps([each for path, each in objects.items() if "li-instance" in path or path.startswith("li/")])
    secrets = {name: full.values[name] for name in full.hidden - {"li-allowed-cidrs"}}
    of_main = {name for name, value in secrets.items() if json.dumps(value)[1:20] not in shown} - {"li-admin-password"}
    assert len(of_main) >= 8, of_main
    assert [name for name in of_main if json.dumps(secrets[name])[1:-1] in text or secrets[name] in text] == []
    assert set(plain(out)["values"]) >= {"signing-key", "li-form-secret", "li-admin-password"}
    assert set(plain(out)["values"]) & of_main == set()
    assert "smtp-password.txt" not in text, "a source of main's machine is nobody else's business"


def test_the_twins_are_filled_with_the_same(fill_checklist: Filled, li: Deployment) -> None:
    main = fill_checklist.deployment
    out = hand_over(main)
    done = take(li, out)
    assert done.code == 0, done.text
    fill(li)
    filled = li.files()
    assert filled == {
        path.removeprefix("li-instance/"): data
        for path, data in main.files().items()
        if path.startswith("li-instance/")
    }
    assert set(li.values()) >= SHARED | OWN
    before, theirs = generations(main, own(main)), generations(li, KEY)
    assert {name: each[-1]["id"] for name, each in theirs.items()} == {name: before[name][-1]["id"] for name in theirs}
    assert {each[-1]["why"] for each in theirs.values()} == {"imported"}
    stands = li.everything()
    again = take(li, out)
    assert (again.code, "Nothing was taken" in again.out) == (0, True), again.text
    assert li.everything() == stands


def own(deployment: Deployment) -> pyrage.x25519.Identity:
    line = next(line for line in deployment.identity.read_text().splitlines() if line.startswith("AGE"))
    return pyrage.x25519.Identity.from_str(line)


def rotate(main: Deployment, name: str, text: str) -> None:
    """Edit the secret in all its places by hand, and take that into the vault."""
    before = main.show(name)
    for path, data in main.files().items():
        (main.tree / path).write_bytes(data.replace(before.encode(), text.encode()))
    assert main.setup("--adopt").code == 0
    assert main.show(name) == text


def test_a_newer_export_rotates_the_twin_in_step(one: Filled, li: Deployment) -> None:
    first = hand_over(one.deployment, "first.age")
    assert take(li, first).code == 0
    fill(li)
    rotate(one.deployment, "redis-password", "Rotated000111222333444555666777888999000")
    second = hand_over(one.deployment, "second.age")
    done = take(li, second)
    assert (done.code, "1 value " in done.out) == (0, True), done.text
    fill(li)
    assert li.show("redis-password") == "Rotated000111222333444555666777888999000"
    assert one.values["redis-password"].encode() not in b"".join(li.files().values())
    states = [each["state"] for each in generations(li, KEY)["redis-password"]]
    assert states == ["past", "current"]
    stands = li.everything()
    older = take(li, first)
    assert older.code == 0
    assert "redis-password came in a newer export already" in older.err
    assert li.everything() == stands


def test_what_li_made_itself_stays_and_what_both_share_is_refused(one: Filled, li: Deployment) -> None:
    out = hand_over(one.deployment)
    li.answers.parent.mkdir()
    li.answers.write_text(one.deployment.answers.read_text())
    assert li.setup().code == 0
    made, before = li.values(), li.everything()
    refused = take(li, out)
    assert refused.code == 3, refused.text
    ids, theirs = generations(li, KEY), plain(out)["values"]
    for name in SHARED:
        assert name in refused.err
        assert ids[name][-1]["id"] in refused.err
        assert theirs[name]["generations"][0]["id"] in refused.err
    assert "--adopt" in refused.err
    assert li.everything() == before
    done = take(li, out, "--adopt")
    assert done.code == 0, done.text
    assert "li-form-secret is this tree's own" in done.err
    fill(li)
    now = li.values()
    assert {name: now[name] for name in SHARED} == {name: one.values[name] for name in SHARED}
    assert {name: now[name] for name in OWN} == {name: made[name] for name in OWN}


def test_a_tree_of_another_server_is_refused(one: Filled, li: Deployment) -> None:
    out = hand_over(one.deployment)
    li.answers.parent.mkdir()
    li.answers.write_text(one.deployment.answers.read_text().replace("chat-corp", "other-corp"))
    assert li.setup().code == 0
    before = li.everything()
    refused = take(li, out, "--adopt")
    assert (refused.code, "matrix.other-corp.net" in refused.err, "matrix.chat-corp.net" in refused.err) == (
        3,
        True,
        True,
    )
    assert li.everything() == before


def test_a_tree_without_a_vault_that_names_another_server_or_key_is_refused(one: Filled, li: Deployment) -> None:
    out = hand_over(one.deployment)
    config = "01-synapse-li/deployment.yaml"
    whole = li.files()[config]
    li.edit(config, "CHANGEME_COPY_FROM_MAIN_SIGNING_KEY", "ed25519 a_AbCd Rm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE")
    before = li.everything()
    refused = take(li, out)
    assert (refused.code, f"{config}:" in refused.err, "signing-key" in refused.err) == (3, True, True), refused.text
    assert li.everything() == before
    (li.tree / config).write_bytes(whole)
    names = [path for path, data in li.files().items() if b"server_name" in data]
    for path in names:
        data = li.files()[path]
        (li.tree / path).write_bytes(data.replace(b"matrix.example.com", b"matrix.other-corp.net"))
    before = li.everything()
    refused = take(li, out)
    assert (refused.code, "matrix.other-corp.net" in refused.err) == (3, True), refused.text
    assert li.everything() == before


def test_a_tree_without_li_has_nothing_to_export(one: Filled, tmp_path: Path, lay_out: Any) -> None:
    small = lay_out("kind: Secret\nmetadata: {name: coturn-secrets}\nstringData: {TURN_PASSWORD: CHANGEME}\n")
    assert small.setup().code == 0
    before = small.everything()
    refused = small.run("export", "--for", "li", str(tmp_path / "li.age"), "--to", str(KEY.to_public()))
    assert (refused.code, small.everything()) == (3, before), refused.text
    assert not (tmp_path / "li.age").exists()
    assert one.deployment.run("export", str(tmp_path / "li.age"), "--to", str(KEY.to_public())).code == 2


def test_what_is_no_export_is_refused(one: Filled, li: Deployment) -> None:
    whole = plain(hand_over(one.deployment))
    file, before = li.home / "file.age", li.everything()
    for text in ("{}", "x", json.dumps({**whole, "version": 2}), json.dumps({**whole, "values": 1})):
        file.write_bytes(pyrage.encrypt(text.encode(), [KEY.to_public()]))
        done = take(li, file)
        assert (done.code, li.everything()) == (3, before), done.text
    file.write_bytes(pyrage.encrypt(b"{}", [pyrage.x25519.Identity.generate().to_public()]))
    assert (take(li, file).code, li.everything()) == (3, before)
