"""A separate LI tree gets what both instances share, nothing of main's own, and follows main's rotations."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest

from .conftest import Filled, service_account
from .reading import by_pyyaml
from .runs import SOURCES, Deployment, Run
from .small import MINIMUM, LayOut, secret

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
    return li.run("vault", "import", str(file), "--yes", *argv)


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


def test_a_quiet_import_tells_what_is_taken_and_the_seal_all_the_same(fill_checklist: Filled, li: Deployment) -> None:
    """They are what the operator compares, in person, and consents to; what takes long is not told."""
    out = fill_checklist.deployment.home / "li.age"
    made = fill_checklist.deployment.run("export", "--for", "li", str(out), "--to", str(KEY.to_public()), "--quiet")
    (seal,) = re.findall(r"The seal of this vault's exports is ([0-9a-f-]+)", made.err)
    done = take(li, out, "--quiet")
    assert done.code == 0, done.text
    assert f"its seal is {seal}" in done.err
    assert "Value taken: signing-key" in done.err
    li.pins.unlink()
    assert "its seal is " in li.run("show", "--quiet").err


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


def forge(whole: Any, file: Path) -> Path:
    """Write an export as anybody can who knows the LI team's public key."""
    file.write_bytes(pyrage.encrypt(json.dumps(whole).encode(), [KEY.to_public()]))
    return file


def vault_of(li: Deployment) -> Any:
    return json.loads(pyrage.decrypt((li.state / "vault.age").read_bytes(), [KEY]))


EVIL = str(pyrage.x25519.Identity.generate().to_public())
STRANGE: dict[str, Callable[[Any], object]] = {
    "vault.recipients": lambda whole: whole["answers"]["answers"].update({"vault.recipients": [EVIL]}),
    "lawful_intercept.admin_password": lambda whole: whole["answers"]["answers"].update(
        {"lawful_intercept.admin_password": {"source": ["file", "/etc/hostname"]}}
    ),
    "CHANGEME_X": lambda whole: whole["answers"]["placeholders"].update(
        {"CHANGEME_X": {"action": "value", "source": ["env", "HOME"]}}
    ),
    "recipients": lambda whole: whole["answers"].update({"recipients": {}}),
    "Secret/a/b": lambda whole: whole["answers"].update({"instances": {"Secret/a/b": "main"}}),
    "server-name": lambda whole: whole["values"].update({"server-name": whole["values"]["signing-key"]}),
    "ConfigMap/a/b": lambda whole: whole["places"].append(
        {"value": "signing-key", "file": "x.yaml", "document": "ConfigMap/a/b", "path": ["data", "x"], "original": ""}
    ),
    "turn-secret": lambda whole: whole["places"].append({**whole["places"][0], "value": "turn-secret"}),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_no_export_has_is_refused_by_name(one: Filled, li: Deployment, name: str) -> None:
    whole, before = plain(hand_over(one.deployment)), li.everything()
    STRANGE[name](whole)
    refused = take(li, forge(whole, li.home / "forged.age"))
    assert (refused.code, name in refused.err, li.everything()) == (3, True, before), refused.text


def test_the_seal_of_the_first_export_is_told_on_both_sides_and_another_is_refused(one: Filled, li: Deployment) -> None:
    out = li.home / "li.age"
    handed = one.deployment.run("export", "--for", "li", str(out), "--to", str(KEY.to_public()))
    seal = re.search(r"[0-9a-f]{4}(-[0-9a-f]{4}){5}", handed.err)
    assert seal, handed.text
    unlike = take(li, out, "--accept-seal", "0000-0000-0000-0000-0000-0000")
    assert (unlike.code, (li.state / "vault.age").exists()) == (3, False), unlike.text
    first = take(li, out)
    assert (first.code, seal[0] in first.err) == (0, True), first.text
    fill(li)
    before, whole = li.everything(), plain(out)
    assert vault_of(li)["twin"] == {"vault": whole["vault"], "seal": seal[0]}
    place = {**whole["places"][0], "document": "Secret/evil/evil", "value": "signing-key"}
    for forged in ({"seal": "0" * 64}, {"vault": "0" * 32}):
        file = forge({**whole, **forged, "places": [*whole["places"], place]}, li.home / "forged.age")
        refused = take(li, file)
        assert (refused.code, "--accept-seal" in refused.err, li.everything()) == (3, True, before), refused.text
    assert take(li, forge({**whole, "seal": ""}, li.home / "forged.age")).code == 3
    other = forge({**whole, "seal": "0" * 64}, li.home / "other.age")
    named = re.search(r"--accept-seal ([0-9a-f-]+)", take(li, other).err)
    assert named
    assert take(li, other, "--accept-seal", named[1]).code == 0
    assert (vault_of(li)["twin"]["seal"], take(li, out).code) == (named[1], 3)


def test_a_new_seal_of_main_is_told_and_accepted_once(one: Filled, li: Deployment) -> None:
    assert take(li, hand_over(one.deployment)).code == 0
    renewed = one.deployment.home / "renewed.txt"
    rekeyed = one.deployment.run("vault", "rekey", "--yes", "--new-identity", str(renewed))
    assert rekeyed.code == 0, rekeyed.text
    out, before = li.home / "second.age", li.everything()
    renewed.rename(one.deployment.identity)
    handed = one.deployment.run("export", "--for", "li", str(out), "--to", str(KEY.to_public()))
    seal = re.search(r"[0-9a-f]{4}(-[0-9a-f]{4}){5}", handed.err.partition("exports is ")[2])
    assert seal, handed.text
    refused = take(li, out)
    assert (refused.code, f"--accept-seal {seal[0]}" in refused.err, li.everything()) == (3, True, before), refused.text
    assert take(li, out, "--accept-seal", seal[0]).code == 0
    assert take(li, out).code == 0


def test_nothing_is_taken_without_consent_to_all_that_is_named(one: Filled, li: Deployment) -> None:
    out, before = hand_over(one.deployment), li.everything()
    refused = li.run("vault", "import", str(out))
    assert (refused.code, li.everything()) == (2, before), refused.text
    whole = plain(out)
    names = {*whole["values"], *whole["answers"]["answers"]}
    assert [name for name in names if name not in refused.err] == []
    assert [place for place in whole["places"] if ".".join(place["path"]) not in refused.err] == []


def labelled(name: str, **data: str) -> str:
    return secret(name, **data).replace("metadata: {", "metadata: {labels: {instance: li}, ")


def test_a_placeholder_that_was_pulled_takes_nothing_along(lay_out: LayOut) -> None:
    main = lay_out(
        {
            "main.yaml": secret("coturn-secrets", TURN_PASSWORD="CHANGEME_TURN_PASSWORD"),
            "li.yaml": labelled("synapse-li-secrets", SIGNING_KEY="CHANGEME_SIGNING_KEY"),
        }
    )
    assert main.setup().code == 0
    (main.tree / "pulled.yaml").write_text(labelled("more", TURN_PASSWORD="CHANGEME_TURN_PASSWORD"))
    out = hand_over(main)
    assert set(plain(out)["values"]) == {"signing-key"}
    assert main.show("turn-password") not in json.dumps(plain(out))


def test_what_follows_from_a_secret_is_packed_without_the_secret(lay_out: LayOut, tmp_path: Path) -> None:
    text = labelled("li-push", PROJECT="CHANGEME_FCM_PROJECT_ID")
    main = lay_out({
        "main.yaml": secret("fcm-credentials", **{"service-account.json": "CHANGEME_FCM_SERVICE_ACCOUNT_JSON"}),
        "li.yaml": text,
    }, f"{MINIMUM}push: {{fcm: {{service_account: {{file: fcm.json}}}}}}\n")  # fmt: skip
    account = service_account()
    (main.answers.parent / "fcm.json").write_text(json.dumps(account))
    done = main.setup()
    assert done.code == 0, done.text
    out = hand_over(main)
    assert set(plain(out)["values"]) == {"fcm-project-id"}
    packed = pyrage.decrypt(out.read_bytes(), [KEY]).decode()
    assert account["private_key"].splitlines()[1] not in packed
    assert account["client_email"] not in packed
    li = Deployment(tmp_path / "li")
    li.tree.mkdir(parents=True)
    (li.tree / "li.yaml").write_text(text)
    li.identity.write_text(f"{KEY}\n")
    li.identity.chmod(0o600)
    assert take(li, out).code == 0
    fill(li)
    (document,) = by_pyyaml(li.files())["li.yaml"]
    assert document["stringData"]["PROJECT"] == account["project_id"]
    stands = li.everything()
    assert take(li, hand_over(main, "again.age")).code == 0
    assert li.everything() == stands


MAINS = "Secret/matrix/coturn-secrets"


@pytest.fixture
def pair(lay_out: LayOut) -> Deployment:
    """Return a filled tree with one object of main's, and one of LI's."""
    main = lay_out({
        "apart/main.yaml": secret("coturn-secrets", TURN_PASSWORD="CHANGEME_TURN_PASSWORD"),
        "li.yaml": labelled("synapse-li-secrets", SIGNING_KEY="CHANGEME_SIGNING_KEY"),
    })  # fmt: skip
    assert main.setup().code == 0
    return main


def with_a_label(main: Deployment) -> str:
    main.edit("apart/main.yaml", "metadata: {", "metadata: {labels: {instance: li}, ")
    return "apart/main.yaml"


def in_another_directory(main: Deployment) -> str:
    (main.tree / "apart").rename(main.tree / "li")
    return "li/main.yaml"


def export(main: Deployment, name: str = "out.age") -> tuple[Run, Path]:
    out = main.home / name
    return main.run("export", "--for", "li", str(out), "--to", str(KEY.to_public())), out


@pytest.mark.parametrize("pull", [with_a_label, in_another_directory], ids=lambda pull: pull.__name__)
def test_what_was_mains_when_it_was_consented_to_goes_to_li_only_by_its_name(
    pair: Deployment, pull: Callable[[Deployment], str]
) -> None:
    file, before = pull(pair), pair.everything()
    for done in (export(pair)[0], pair.setup(), pair.setup("--accept-new-sites"), pair.plan()):
        assert done.code == 3, done.text
        assert f"{file}:5:18: {MAINS} was main's when its places were consented to, and is LI's now" in done.err
        assert f"--accept-site {MAINS}" in done.err
    assert (pair.everything(), export(pair)[1].exists()) == (before, False)
    assert pair.setup("--accept-site", MAINS).code == 0
    done, out = export(pair)
    assert done.code == 0, done.text
    assert set(plain(out)["values"]) == {"signing-key", "turn-password"}
    assert "No byte was changed" in pair.setup().out


def test_a_blank_object_that_is_lis_now_is_filled_only_by_its_name(pair: Deployment) -> None:
    assert pair.blank().code == 0
    with_a_label(pair)
    before = pair.everything()
    refused = pair.setup("--accept-new-sites")
    assert (refused.code, MAINS in refused.err, pair.everything()) == (3, True, before), refused.text


def test_what_was_lis_is_not_left_out_unnoticed(pair: Deployment) -> None:
    pair.edit("li.yaml", "labels: {instance: li}, ", "labels: {matrix.instance: main}, ")
    refused, out = export(pair)
    assert (refused.code, out.exists()) == (3, False), refused.text
    assert "Secret/matrix/synapse-li-secrets was LI's" in refused.err


def test_answers_that_were_changed_put_nothing_of_mains_among_lis(pair: Deployment) -> None:
    pair.answers.write_text(f"{MINIMUM}instances: {{{MAINS}: li}}\n")
    refused = pair.setup()
    assert (refused.code, f"--accept-site {MAINS}" in refused.err) == (3, True), refused.text
    done, out = export(pair)
    assert (done.code, set(plain(out)["values"])) == (0, {"signing-key"}), done.text


def test_a_vault_of_earlier_days_asks_once_whose_its_places_are(pair: Deployment) -> None:
    """It does not say whose each place was: nothing else asks for that, and an export does by name."""
    place = pair.state / "vault.age"
    vault = json.loads(pyrage.decrypt(place.read_bytes(), [own(pair)]))
    assert {each.pop("instance") for each in vault["records"]} == {"main", "li"}
    place.write_bytes(pyrage.encrypt(json.dumps(vault).encode(), [own(pair).to_public()]))
    before = pair.everything()
    assert "No byte was changed" in pair.setup().out
    refused, out = export(pair)
    assert (refused.code, out.exists(), pair.everything()) == (3, False, before), refused.text
    named = "Secret/matrix/synapse-li-secrets"
    assert re.search(rf"setup .*--accept-site {named}", refused.err)
    assert MAINS not in refused.err
    with_a_label(pair)
    assert MAINS in export(pair)[0].err, "nor is main's taken for LI's"
    pair.edit("apart/main.yaml", "metadata: {labels: {instance: li}, ", "metadata: {")
    assert pair.setup("--accept-site", named).code == 0
    done, out = export(pair)
    assert (done.code, set(plain(out)["values"])) == (0, {"signing-key"}), done.text


def test_a_copy_of_mains_secret_that_stands_in_an_object_of_lis_is_no_consent(lay_out: LayOut) -> None:
    pair = lay_out({
        "main.yaml": secret("coturn-secrets", TURN_SHARED_SECRET="CHANGEME_TURN_SECRET"),
        "li.yaml": labelled("synapse-li-secrets", SIGNING_KEY="CHANGEME_SIGNING_KEY"),
    })  # fmt: skip
    assert pair.setup().code == 0
    copied = labelled("coturn-secrets", TURN_SHARED_SECRET=pair.show("turn-secret"))
    (pair.tree / "copied.yaml").write_text(copied.replace("namespace: matrix", "namespace: apart"))
    assert pair.setup().code == 0
    refused, out = export(pair)
    assert (refused.code, out.exists()) == (3, False), refused.text
    assert "copied.yaml:5:23: Secret/apart/coturn-secrets is LI's by its label now" in refused.err
    assert pair.setup("--accept-site", "Secret/apart/coturn-secrets").code == 0
    done, out = export(pair)
    assert (done.code, set(plain(out)["values"])) == (0, {"signing-key", "turn-secret"}), done.text


def test_whose_a_place_was_is_not_for_sites_lock_to_say(pair: Deployment) -> None:
    lines = [json.loads(line) for line in (pair.state / "sites.lock").read_text().splitlines()]
    assert [line for line in lines if "instance" in line] == []
