"""Rotation through the program's door, on all three trees: what changes, what stays, what comes back."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from wizard import host, keys, procedures
from wizard.procedures import Class

from .conftest import Fill, Filled
from .runs import Deployment

AGREED = ("--no-input", "--yes")


def rotate(deployment: Deployment, *argv: str, code: int = 0) -> str:
    done = deployment.run("rotate", *argv, *AGREED)
    assert done.code == code, done.err
    return done.out if code == 0 else done.err


def names(deployment: Deployment) -> list[str]:
    """Return the secrets that the tree has and that can be made anew."""
    listed = deployment.run("status", "--json")
    assert listed.code == 0, listed.err
    return [each["name"] for each in listed.data["values"] if each["kind"] != Class.GIVEN.value]


def close_all(deployment: Deployment) -> None:
    while deployment.run("next", "--json").data["open"]:
        done = deployment.run("next", "--done", "--unchecked")
        assert done.code == 0, done.err


def leaves(files: dict[str, bytes]) -> dict[tuple[str, ...], str]:
    """Return every scalar of the tree's manifests by file and path, as PyYAML reads them."""
    found: dict[tuple[str, ...], str] = {}

    def walk(node: object, path: tuple[str, ...]) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, (*path, str(key)))
        elif isinstance(node, list):
            for number, value in enumerate(node):
                walk(value, (*path, str(number)))
        else:
            found[path] = str(node)

    for name, data in files.items():
        if name.endswith((".yaml", ".yml")):
            for number, document in enumerate(yaml.safe_load_all(data)):
                walk(document, (name, str(number)))
    return found


def test_each_secret_is_renewed_everywhere_and_nothing_else_changes(full: Filled) -> None:
    """All secrets of the tree but the signing key; then all are undone."""
    deployment = full.deployment
    chosen = [name for name in names(deployment) if name != "signing-key"]
    before, shown = deployment.files(), {name: deployment.show(name) for name in chosen}
    rotate(deployment, *chosen, "--confirm", "key-vault-rsa-key")
    after, now = deployment.files(), {name: deployment.show(name) for name in chosen}
    old, new = leaves(before), leaves(after)
    assert old.keys() == new.keys()
    changed = {path for path in old if old[path] != new[path]}
    for name in chosen:
        assert now[name] != shown[name]
        held = {path for path in old if shown[name] in old[path] or encoded(shown[name]) in old[path]}
        is_text = name not in ("li-admin-password", "key-vault-rsa-key")  # a hash of it, and another form of it
        assert held <= changed
        assert bool(held) is is_text or not is_text
        assert not [path for path in new if shown[name] in new[path] or encoded(shown[name]) in new[path]]
        assert not is_text or all(now[name] in new[path] or encoded(now[name]) in new[path] for path in held)
    renewed = {path for path in old for name in chosen if now[name] in new[path] or encoded(now[name]) in new[path]}
    others = {path[-1] for path in changed - renewed}
    assert others <= {"auth", "RSA_PRIVATE_KEY", "key.pem", "private_key.pem"} | {
        path[-1] for path in changed if "BEGIN" in new[path]
    }
    again = deployment.setup("--json")
    assert (again.code, again.data["files"]) == (0, [])
    undone = deployment.run("undo", *AGREED)
    assert undone.code == 0, undone.err
    assert {path for path, text in leaves(deployment.files()).items() if text != old[path]} <= {
        path for path in old if "$2y$" in old[path]
    }
    assert {name: deployment.show(name) for name in chosen} == shown


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_dry_run_is_the_run_and_shows_no_secret(full: Filled) -> None:
    deployment = full.deployment
    before = deployment.everything()
    wanted = [each for each in names(deployment) if procedures.of(each).kind is not Class.GUARDED]
    drawn = deployment.run("rotate", *wanted, "--dry-run", "--no-input")
    assert drawn.code == 0, drawn.err
    assert "Nothing was written" in drawn.out
    assert not [
        name for name, text in full.values.items() if name in full.hidden and len(text) > 8 and text in drawn.text
    ]
    assert deployment.everything() == before
    as_data = deployment.run("rotate", *wanted, "--dry-run", "--no-input", "--json").data
    done = deployment.run("rotate", *wanted, *AGREED, "--json").data
    assert done["files"] == as_data["files"]
    steps = [[(step["action"], step["title"]) for step in each["sheet"]["steps"]] for each in (as_data, done)]
    assert steps[0] == steps[1] != []
    new = {name: deployment.show(name) for name in wanted}
    assert not [name for name, text in new.items() if text in json.dumps(done)]


@pytest.mark.parametrize("tree", ["bundled", "checklist", "dress"])
def test_blank_and_setup_are_exact_while_a_rotation_is_half_way(fill: Fill, tmp_path: Path, tree: str) -> None:
    deployment = fill(tree, "everything").deployment.copy(tmp_path / "copy")
    blanked = deployment.copy(tmp_path / "blanked")
    assert blanked.blank().code == 0
    begun = ["signing-key", "li-admin-password", *(["turn-secret"] if tree == "bundled" else [])]
    rotate(deployment, *begun, "--begin", "--confirm", "signing-key")
    half = deployment.files()
    for _ in range(2):
        assert deployment.blank().code == 0
        assert deployment.files() == blanked.files()
        assert deployment.setup().code == 0
        assert deployment.files() == half
    close_all(deployment)
    rotate(deployment, *begun, "--finish")
    ended = deployment.files()
    assert deployment.blank().code == 0
    assert deployment.files() == blanked.files()
    assert deployment.setup().code == 0
    assert deployment.files() == ended


def signing_keys(deployment: Deployment) -> dict[str, str]:
    """Return the texts of the tree that are signing keys, plain or in base64, by place."""
    found = {"/".join(path): text for path, text in leaves(deployment.files()).items()}
    start = base64.b64encode(b"ed25519 a_").decode()[:12]
    plain = {place: text for place, text in found.items() if text.startswith("ed25519 a_")}
    hidden = {place: text for place, text in found.items() if text.startswith(start)}
    return {**plain, **{place: base64.b64decode(text).decode() for place, text in hidden.items()}}


def every(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the objects of the tree, read by PyYAML."""
    files = (data for path, data in deployment.files().items() if path.endswith((".yaml", ".yml")))
    return [each for data in files for each in yaml.safe_load_all(data) if isinstance(each, dict)]


def configurations(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the homeserver configurations of the tree, read by PyYAML."""
    found = []
    for resource in every(deployment):
        texts = resource.get("data", {}).values() if resource.get("kind") == "ConfigMap" else ()
        for text in texts:
            read = yaml.safe_load(text) if isinstance(text, str) and "public_baseurl" in text else None
            if isinstance(read, dict) and "server_name" in read:
                found.append(read)
    return found


@pytest.mark.parametrize("tree", ["bundled", "checklist", "dress"])
def test_the_signing_key_goes_through_both_states_and_never_loses_its_public_half(
    fill: Fill, tmp_path: Path, tree: str
) -> None:
    deployment = fill(tree, "minimum").deployment.copy(tmp_path / "copy")
    old = deployment.show("signing-key").strip()
    assert "two steps" in rotate(deployment, "signing-key", "--confirm", "signing-key", code=3)
    assert "--confirm signing-key" in rotate(deployment, "signing-key", "--begin", code=2)
    rotate(deployment, "signing-key", "--begin", "--confirm", "signing-key")
    new = deployment.show("signing-key").strip()
    held = set(signing_keys(deployment).values())
    assert {text.strip() for text in held} == {f"{new}\n{old}"}
    assert len(signing_keys(deployment)) == 2, "main and LI"
    assert keys.signing_key(new).id != keys.signing_key(old).id
    assert all("old_signing_keys" not in each for each in configurations(deployment))
    close_all(deployment)
    rotate(deployment, "signing-key", "--finish")
    assert {text.strip() for text in signing_keys(deployment).values()} == {new}
    retired, read = keys.signing_key(old), configurations(deployment)
    assert len(read) >= 2
    for each in read:
        entry = each["old_signing_keys"][f"ed25519:{retired.id}"]
        assert entry["key"] == retired.verify_key
        assert isinstance(entry["expired_ts"], int)
        assert entry["expired_ts"] > 1_700_000_000_000  # milliseconds


def test_a_begun_signing_key_is_given_up_by_undo_and_its_public_half_stays(one: Filled) -> None:
    deployment = one.deployment
    old = deployment.show("signing-key").strip()
    rotate(deployment, "signing-key", "--begin", "--confirm", "signing-key")
    given_up = keys.signing_key(deployment.show("signing-key"))
    undone = deployment.run("undo", *AGREED)
    assert undone.code == 0, undone.err
    assert {text.strip() for text in signing_keys(deployment).values()} == {old}
    for each in configurations(deployment):
        ((name, entry),) = each["old_signing_keys"].items()
        assert (name, entry["key"]) == (f"ed25519:{given_up.id}", given_up.verify_key)
    rotate(deployment, "signing-key", "--begin", "--confirm", "signing-key")
    assert keys.signing_key(deployment.show("signing-key")).id != given_up.id


def test_what_is_compromised_never_comes_back(one: Filled) -> None:
    deployment = one.deployment
    rotate(deployment, "form-secret")
    assert deployment.run("undo", *AGREED).code == 0
    before = deployment.everything()
    again = deployment.run("undo", *AGREED)  # what the cluster never had would come without the steps of a rotation
    assert (again.code, "Another new one: " in again.err) == (2, True), again.err
    assert deployment.everything() == before
    rotate(deployment, "macaroon-secret", "--compromised")
    refused = deployment.run("undo", *AGREED)
    assert (refused.code, "compromised" in refused.err) == (3, True)
    close_all(deployment)
    rotate(deployment, "macaroon-secret")
    assert deployment.run("undo", *AGREED).code == 0
    close_all(deployment)
    rotate(deployment, "signing-key", "--compromised", "--confirm", "signing-key")
    assert len({text.strip() for text in signing_keys(deployment).values()}) == 1
    assert all("old_signing_keys" in each for each in configurations(deployment))
    actions = [step["action"] for step in deployment.run("next", "--json").data["open"]]
    assert actions.count("resign") <= 1


def test_a_value_with_open_steps_is_not_rotated_again_and_others_are(one: Filled) -> None:
    deployment = one.deployment
    rotate(deployment, "form-secret")
    before = deployment.everything()
    assert "open step" in rotate(deployment, "form-secret", "macaroon-secret", code=3)
    assert deployment.everything() == before
    rotate(deployment, "macaroon-secret")
    sheets = [step["step"].partition(".")[0] for step in deployment.run("next", "--json").data["open"]]
    assert sheets == sorted(sheets, key=sheets.index) and len(set(sheets)) == 2, "both, one after the other"
    assert f"Then {sheets.count(sheets[-1])} steps of rotate (20" in deployment.run("next").out
    close_all(deployment)
    rotate(deployment, "form-secret")


def test_every_place_that_is_not_as_the_vault_has_it_is_named_and_nothing_is_written(full: Filled) -> None:
    deployment = full.deployment
    secret = deployment.show("turn-secret")
    held = [path for path, data in deployment.files().items() if secret.encode() in data]
    deployment.edit(held[0], secret, "Edited-by-hand-in-this-place-42")
    before = deployment.everything()
    told = rotate(deployment, "turn-secret", code=3)
    assert f"{held[0]}:" in told
    assert "edited by hand" in told
    assert secret not in told
    assert "Edited-by-hand" not in told
    assert deployment.everything() == before
    rotate(deployment, "form-secret")  # another value is none of its business
    assert deployment.blank("--restore").code == 0
    assert "not filled in" in rotate(deployment, "macaroon-secret", code=3)


def test_undo_leaves_other_edits_alone_and_refuses_where_its_own_place_was_edited(one: Filled) -> None:
    deployment = one.deployment
    before, secret = deployment.files(), deployment.show("form-secret")
    rotate(deployment, "form-secret")
    path = next(path for path, data in deployment.files().items() if deployment.show("form-secret").encode() in data)
    other = next(each for each in deployment.files() if each != path and each.endswith(".yaml"))
    (deployment.tree / other).write_bytes(before[other] + b"# a remark of mine\n")
    assert deployment.run("undo", *AGREED).code == 0
    assert deployment.files() == {**before, other: before[other] + b"# a remark of mine\n"}
    rotate(deployment, "form-secret")
    deployment.edit(path, deployment.show("form-secret"), "Edited-by-hand-in-this-place-42")
    everything = deployment.everything()
    refused = deployment.run("undo", *AGREED)
    assert (refused.code, path in refused.err, secret in refused.err) == (3, True, False)
    assert deployment.everything() == everything


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("turn-secert",), 2, "Did you mean turn-secret?"),
        (("server-name",), 2, "can never change"),
        (("pepper",), 2, "never rotated"),
        (("li-admin-htpasswd",), 2, "Rotate li-admin-password"),
        (("smtp-password",), 2, "There is no secret called smtp-password"),
        ((), 2, "The names are django-secret-key, form-secret"),
        (("form-secret", "--class", "harmless"), 2, "not both"),
        (("--older-than", "99999999999"), 2, "No secret is meant"),
        (("--class", "guarded"), 2, "signing-key is rotated only by its name"),
        (("form-secret", "--begin"), 3, "one value at a time"),
        (("form-secret", "--finish"), 2, "has not begun"),
        (("--finish",), 2, "No rotation has begun"),
        (("--known-to", "nobody"), 2, "Nobody called nobody"),
        (("key-vault-rsa-key",), 2, "--confirm key-vault-rsa-key"),
        (("--older-than", "30"), 2, "No secret is meant"),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_nothing_is_written(one: Filled, argv: tuple[str, ...], code: int, said: str) -> None:
    before = one.deployment.everything()
    assert said in rotate(one.deployment, *argv, code=code)
    assert one.deployment.everything() == before


def test_given_secrets_are_told_with_where_their_issuer_changes_them(fill_checklist: Filled) -> None:
    told = rotate(fill_checklist.deployment, "apns-key", "smtp-password", code=3)
    assert "Apple's developer account" in told
    assert "--set 'smtp.password={file: PATH}'" in told


def test_values_are_chosen_by_class_and_by_who_could_read_them(one: Filled, tmp_path: Path) -> None:
    deployment = one.deployment
    made = deployment.run("rotate", "--class", "harmless", *AGREED, "--json").data
    harmless = {each for each in names(deployment) if procedures.of(each).kind is Class.HARMLESS}
    assert set(made["notices"]) == harmless != set()
    close_all(deployment)
    subprocess.run(["age-keygen", "-o", str(tmp_path / "alice.txt")], check=True, capture_output=True)
    public = re.search(r"age1\w+", (tmp_path / "alice.txt").read_text())
    assert public
    add = deployment.run("vault", "recipients", "add", public[0], "--name", "alice", "--yes")
    assert add.code == 0, add.err
    removed = deployment.run("vault", "recipients", "remove", "alice", "--yes", "--json")
    assert removed.code == 0, removed.err
    until = removed.data["removed"]["until"]
    while host.now() == until:  # what is made in the second of a removal counts as read
        pass
    everything = {each for each in names(deployment) if procedures.of(each).kind is not Class.GUARDED}
    known = deployment.run("rotate", "--known-to", "alice", *AGREED, "--json")
    assert known.code == 0, known.err
    assert set(known.data["notices"]) == everything
    apart = set(re.findall(r"Not rotated by this: (\S+)", known.err))
    assert everything | apart == {each["name"] for each in removed.data["values"]}
    assert {"signing-key", "key-vault-rsa-key", "smtp-password"} & apart == apart != set()
    close_all(deployment)
    told = rotate(deployment, "--known-to", "alice", code=2)
    assert "Nothing is rotated by that" in told
    assert all(name in told for name in apart)


@pytest.mark.usefixtures("kubectl")
def test_a_dry_run_and_a_refused_one_confirm_no_cluster(one: Filled) -> None:
    """The context is written with the rotation, or not at all; who confirms another than the current one is refused."""
    deployment = one.deployment
    before = deployment.everything()
    drawn = deployment.run("rotate", "form-secret", "--dry-run", "--no-input", "--context", "here")
    assert drawn.code == 0, drawn.err
    assert "--context here" in drawn.out
    assert deployment.run("rotate", "turn-secert", *AGREED, "--context", "here").code == 2
    assert deployment.run("rotate", "form-secret", *AGREED, "--context", "elsewhere").code == 3
    assert deployment.everything() == before
    assert deployment.run("rotate", "form-secret", *AGREED, "--context", "here").code == 0
    assert "--context here" in deployment.run("next").out


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a kubectl on the PATH whose current context is "here"; it logs what it is to do, and fails with a text."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    said, log = program.with_name("said"), program.with_name("log")
    says = f'echo "$*" >> {log}; cat {said} >&2; exit 1'
    program.write_text(f'#!/bin/sh\n[ "$*" = "config current-context" ] && echo here && exit\n{says}\n')
    program.chmod(0o755)
    said.write_text("no")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program.parent


def test_no_blanked_tree_reaches_the_cluster(one: Filled, kubectl: Path) -> None:
    """Nor one that a run left half written: the places are named, and no command is run."""
    deployment = one.deployment
    rotate(deployment, "form-secret")
    assert deployment.blank().code == 0
    for way in ("--drive", "--done"):
        refused = deployment.run("next", way, "--no-input", "--context", "here")
        assert refused.code == 3, refused.out
        assert "form-secret is not filled in here" in refused.err
    assert not (kubectl / "log").exists()
    assert deployment.setup().code == 0
    assert deployment.run("next", "--drive", "--no-input", "--context", "here").code == 1
    assert "apply" in (kubectl / "log").read_text()


def test_what_a_server_quotes_of_a_refused_object_is_masked(one: Filled, kubectl: Path) -> None:
    deployment = one.deployment
    rotate(deployment, "form-secret")
    secrets = [deployment.show("form-secret"), deployment.show("synapse-db-password")]
    quoted = " ".join(f"map[data:{each} {encoded(each)} {json.dumps(each)}]" for each in secrets)
    (kubectl / "said").write_text(f"The request is invalid: {quoted}")
    failed = deployment.run("next", "--drive", "--no-input", "--context", "here")
    assert (failed.code, "The request is invalid" in failed.err) == (1, True)
    assert not [each for each in secrets if each in failed.text or encoded(each).rstrip("=") in failed.text]


def test_a_server_that_the_tree_does_not_run_is_told_by_the_operator_before_anything_waits_for_it(
    fill: Fill, tmp_path: Path, kubectl: Path
) -> None:
    """This tree has a Redis and an object store elsewhere; driving stops there, with nothing restarted."""
    deployment = fill("dress", "minimum").deployment.copy(tmp_path / "copy")
    rotate(deployment, "redis-password", "s3-password")
    steps = deployment.run("next", "--json").data["open"]
    assert "Have Redis take the new redis-password" in steps[0]["title"]
    told = next(at for at, step in enumerate(steps) if "object store the new s3-password" in step["title"])
    assert "restart" not in [step["action"] for step in steps[:told]]
    driven = deployment.run("next", "--drive", "--no-input", "--context", "here")
    assert driven.code == 1
    assert "those after it wait for it" in driven.err
    assert not (kubectl / "log").exists()


def test_a_step_closed_without_any_proof_is_not_called_proven(fill: Fill, tmp_path: Path) -> None:
    deployment = fill("bundled", "minimum").deployment.copy(tmp_path / "copy")
    rotate(deployment, "li-admin-password")
    while deployment.run("next", "--json").data["open"][0]["action"] != "note":
        assert deployment.run("next", "--done", "--unchecked").code == 0
    assert deployment.run("next", "--done").code == 0
    last = json.loads((deployment.state / "audit.log").read_text().splitlines()[-1])
    assert "step unchecked" in last.values()


def test_check_names_the_open_steps_where_the_key_is_named(one: Filled) -> None:
    deployment = one.deployment
    rotate(deployment, "form-secret")
    titles = [step["title"] for step in deployment.run("next", "--json").data["open"]]
    found = [each for each in deployment.run("check", "--json").data["findings"] if each["id"] == "open-steps"]
    assert [each["message"].partition("is open: ")[2].rstrip(".") for each in found] == titles != []
    assert {each["severity"] for each in found} == {"warning"}
    close_all(deployment)
    assert "open-steps" not in deployment.run("check").out


def test_an_administrators_password_comes_first_and_every_restart_is_told_beforehand(
    fill: Fill, tmp_path: Path
) -> None:
    """MinIO's Job logs in as its root, whose new password MinIO knows once it has restarted."""
    deployment = fill("bundled", "minimum").deployment.copy(tmp_path / "copy")
    done = deployment.run("rotate", "s3-password", "minio-root-password", *AGREED, "--json").data
    steps = [(step["action"], step["title"]) for step in done["sheet"]["steps"]]
    root = next(at for at, (action, title) in enumerate(steps) if action == "restart" and "minio" in title)
    assert root < [action for action, _ in steps].index("job")
    told = {target for targets in done["restarts"].values() for target in targets}
    assert told == {
        target for action, title in steps if action == "restart" for target in re.findall(r"\w+/\S+\w", title)
    }
    assert "tenant.minio.min.io/matrix-minio" in done["operators"]


def test_status_tells_ages_what_is_due_and_what_is_half_way(one: Filled) -> None:
    deployment = one.deployment
    assert deployment.run("status", "--max-age", "1").code == 0
    rotate(deployment, "li-admin-password", "--begin")
    found = {each["name"]: each for each in deployment.run("status", "--json").data["values"]}
    assert found["li-admin-password"]["half_way"][:4].isdecimal()
    assert (found["li-admin-password"]["steps"] > 0, found["form-secret"]["steps"]) == (True, 0)
    told = deployment.run("status").out
    assert "half-way since" in told
    assert "ed25519:a_" in told


def test_what_a_command_reads_goes_to_a_pipe_only_and_the_sheet_holds_no_secret(fill: Fill, tmp_path: Path) -> None:
    deployment = fill("bundled", "minimum").deployment.copy(tmp_path / "copy")
    old = deployment.show("synapse-db-password")
    rotate(deployment, "synapse-db-password")
    steps = deployment.run("next", "--json").data["open"]
    role = next(step for step in steps if step["action"] == "postgres-role")
    fed = deployment.run("next", "--feed", role["step"])
    new = deployment.show("synapse-db-password")
    assert (fed.code, fed.out) == (0, f"{new}\n{new}\n")
    lock, log = (deployment.state / "sites.lock").read_text(), (deployment.state / "audit.log").read_text()
    assert not [text for text in (old, new) if text in json.dumps(steps) + lock + log]
    assert deployment.run("next", "--feed", "nonsense").code == 2
