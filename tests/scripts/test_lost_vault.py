"""Never fresh secrets by accident: whatever is wrong with the vault, tree and vault stay, and a way out is told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pyrage
import pytest

from wizard.vault import VERSION

from .conftest import Fill, Filled
from .faults import errors
from .runs import Deployment, originals, run
from .small import LayOut, secret

OTHER = pyrage.x25519.Identity.generate()
Spoil = Callable[[Deployment, Deployment], None]


def vault(deployment: Deployment) -> Path:
    return deployment.state / "vault.age"


def own(deployment: Deployment) -> pyrage.x25519.Identity:
    line = next(line for line in deployment.identity.read_text().splitlines() if line.startswith("AGE"))
    return pyrage.x25519.Identity.from_str(line)


def seal(deployment: Deployment, plain: bytes) -> None:
    vault(deployment).write_bytes(pyrage.encrypt(plain, [own(deployment).to_public()]))


def lost(one: Deployment, _: Deployment) -> None:
    vault(one).unlink()


def lost_with_its_key(one: Deployment, _: Deployment) -> None:
    vault(one).unlink()
    one.identity.unlink()


def damaged(one: Deployment, _: Deployment) -> None:
    data = bytearray(vault(one).read_bytes())
    data[len(data) // 2] ^= 1
    vault(one).write_bytes(data)


def damaged_in_its_header(one: Deployment, _: Deployment) -> None:
    data = vault(one).read_bytes()
    vault(one).write_bytes(data.replace(b"-> X25519 ", b"-> X25518 ", 1))


def truncated(one: Deployment, _: Deployment) -> None:
    vault(one).write_bytes(vault(one).read_bytes()[:-100])


def truncated_in_its_header(one: Deployment, _: Deployment) -> None:
    vault(one).write_bytes(vault(one).read_bytes()[:60])


def no_age_file(one: Deployment, _: Deployment) -> None:
    vault(one).write_bytes(b"<<<<<<< ours\nage-encryption.org/v1\n")


def no_vault_inside(one: Deployment, _: Deployment) -> None:
    seal(one, b'{"version": 2}')


def newer(one: Deployment, _: Deployment) -> None:
    inside = json.loads(pyrage.decrypt(vault(one).read_bytes(), [own(one)]))
    seal(one, json.dumps({**inside, "version": VERSION + 1}).encode())


def of_a_newer_age(one: Deployment, _: Deployment) -> None:
    vault(one).write_bytes(vault(one).read_bytes().replace(b"age-encryption.org/v1", b"age-encryption.org/v2", 1))


def of_another_key(one: Deployment, _: Deployment) -> None:
    one.identity.write_text(f"{OTHER}\n")


def key_is_gone(one: Deployment, _: Deployment) -> None:
    one.identity.unlink()


def of_another_tree(one: Deployment, other: Deployment) -> None:
    """One operator, one key for both trees: the vault opens, and is another's."""
    inside = json.loads(pyrage.decrypt(vault(other).read_bytes(), [own(other)]))
    seal(one, json.dumps(inside).encode())
    one.pins.unlink()  # on a machine that has seen neither


# What each message must say, and what must be offered to be tried.
WAYS: Mapping[Spoil, tuple[str, str]] = {
    lost: ("its vault is gone", "vault adopt --tree"),
    lost_with_its_key: ("its vault is gone", "git or a backup"),
    damaged: ("damaged", "earlier copy of the vault"),
    damaged_in_its_header: ("", "earlier copy of the vault"),
    truncated: ("cut short", "earlier copy of the vault"),
    truncated_in_its_header: ("cut short", "earlier copy of the vault"),
    no_age_file: ("not an age file", "earlier copy of the vault"),
    no_vault_inside: ("not a vault's", "earlier copy of the vault"),
    newer: ("newer matrix-wizard", "Install the newer"),
    of_a_newer_age: ("version that is not known", "Install the newer"),
    of_another_key: ("cannot be opened with this key", "--identity"),
    key_is_gone: ("does not exist", "Name the one it was made with"),
    of_another_tree: ("another tree's vault", "sites.lock"),
}


@pytest.mark.parametrize("spoil", WAYS, ids=lambda spoil: spoil.__name__)
def test_nothing_is_written_and_a_way_out_is_told(one: Filled, fill: Fill, spoil: Spoil) -> None:
    deployment = one.deployment
    spoil(deployment, fill("dress", "everything").deployment)
    before, times, had_key = deployment.everything(), deployment.times(), deployment.identity.exists()
    what, way = WAYS[spoil]
    for done in (
        deployment.setup(),
        deployment.setup("--adopt", "--accept-new-sites"),
        deployment.plan(),
        deployment.blank(),
        deployment.run("show", "turn-secret"),
        deployment.run("export", "--backup", str(deployment.home / "b.age"), "--to", str(OTHER.to_public())),
        deployment.run("vault", "import", str(deployment.identity)),
    ):
        assert done.code == 3, done.text
        assert what in done.err
        assert way in done.err
        assert not done.out
    assert (deployment.everything(), deployment.times()) == (before, times)
    assert deployment.identity.exists() == had_key, "an identity was made beside a vault, or where one was"
    assert not (deployment.home / "b.age").exists()


def test_a_new_deployment_is_never_begun_over_a_vault(one: Filled) -> None:
    damaged(one.deployment, one.deployment)
    before = one.deployment.everything()
    refused = one.deployment.setup("--new-deployment")
    assert (refused.code, one.deployment.everything()) == (3, before), refused.text


def test_the_first_key_is_made_once_and_the_last_words_say_to_keep_it(empty: Callable[..., Deployment]) -> None:
    deployment = empty("checklist")
    done = deployment.setup()
    assert done.code == 0, done.text
    assert str(deployment.identity) in done.err
    assert "Keep it safe" in done.err
    assert deployment.identity.stat().st_mode & 0o777 == 0o600
    again = deployment.setup()
    assert "Keep it safe" not in again.text


def test_a_filled_tree_whose_vault_is_lost_is_taken_over(full: Filled) -> None:
    """With sites.lock alone: every secret that stands in the tree is kept, no byte changes, and blank still works."""
    deployment, before = full.deployment, full.deployment.files()
    vault(deployment).unlink()
    taken = deployment.setup("--new-deployment", "--json")
    assert taken.code == 0, taken.text
    assert deployment.files() == before
    stand = {name for name in full.hidden if full.values[name].strip().encode() in b"".join(before.values())}
    assert {name: deployment.show(name).strip() for name in stand} == {
        name: full.values[name].strip() for name in stand
    }
    assert set(taken.data["made"]) <= full.hidden - stand
    assert deployment.blank().code == 0


SMALL = {
    "main.yaml": secret("coturn-secrets", TURN_SHARED_SECRET="CHANGEME_TURN_SECRET"),
    "li.yaml": secret("synapse-li-secrets", SIGNING_KEY="CHANGEME_SIGNING_KEY"),
}
PULLED = "pulled.yaml"


def test_no_line_of_sites_lock_is_a_consent_for_what_stands_in_the_tree(lay_out: LayOut) -> None:
    """Of a lost vault: whoever may write to the repository has added an object, and its line."""
    deployment = lay_out(SMALL)
    assert deployment.setup().code == 0
    turn = deployment.show("turn-secret")
    vault(deployment).unlink()
    lock = deployment.state / "sites.lock"
    (deployment.tree / PULLED).write_text(SMALL["main.yaml"].replace("coturn-secrets", "li-secrets"))
    line = next(each for each in lock.read_text().splitlines() if "turn-secret" in each)
    lock.write_text(lock.read_text() + line.replace("main.yaml", PULLED).replace("coturn-secrets", "li-secrets") + "\n")
    before = deployment.everything()
    refused = deployment.setup("--new-deployment")
    assert (refused.code, deployment.everything()) == (3, before), refused.text
    place = "Secret/matrix/li-secrets:stringData.TURN_SHARED_SECRET"
    assert f"{PULLED}:5:23: turn-secret would be written to a new place, {place}" in refused.err
    (deployment.tree / PULLED).unlink()
    assert deployment.setup("--new-deployment").code == 0
    assert deployment.show("turn-secret") == turn
    (deployment.tree / PULLED).write_text(before[PULLED].decode())
    asked = deployment.setup()
    assert (asked.code, place in asked.err) == (3, True), "nor is it one for a later run"
    assert deployment.setup("--accept-site", place).code == 0


def test_the_log_of_a_lost_vault_is_kept_beside_the_new_one(lay_out: LayOut) -> None:
    deployment = lay_out(SMALL)
    assert deployment.setup().code == 0
    log = (deployment.state / "audit.log").read_text()
    for name in ("audit-of-another-vault.log", "audit-of-another-vault-2.log"):
        vault(deployment).unlink()
        done = deployment.setup("--new-deployment")
        assert done.code == 0, done.text
        assert f".matrix-wizard/{name}" in done.err
        assert (deployment.state / name).read_text() == log
        assert [each["id"] for each in deployment.run("check", "--json").data["findings"] if "log" in each["id"]] == []
        log = (deployment.state / "audit.log").read_text()
        assert len(log.splitlines()) == 1
    subprocess.run(["git", "init", "-q"], cwd=deployment.tree, check=True)
    ignored = ["git", "check-ignore", ".matrix-wizard/audit-of-another-vault.log"]
    assert subprocess.run(ignored, cwd=deployment.tree, check=False).returncode == 1, "it goes into git with the rest"


def test_a_tree_that_comes_with_nothing_is_taken_over(one: Filled) -> None:
    deployment, before = one.deployment, one.deployment.files()
    for path in deployment.state.iterdir():
        path.unlink()
    deployment.identity.unlink()
    deployment.pins.unlink()
    assert deployment.setup().code == 0
    assert deployment.files() == before
    assert deployment.show("signing-key").strip() == one.values["signing-key"].strip()


def test_a_half_filled_tree_is_carried_to_its_other_places(empty: Callable[..., Deployment]) -> None:
    deployment = empty("checklist")
    path = next(path for path, data in deployment.files().items() if b"name: coturn-secrets" in data)
    text = (deployment.tree / path).read_text()
    line = next(line for line in text.splitlines() if "TURN_SHARED_SECRET:" in line)
    deployment.edit(path, line, line.partition(":")[0] + ": ByHandSinceLastYear")
    assert deployment.setup().code == 0
    assert deployment.show("turn-secret") == "ByHandSinceLastYear"
    assert sum(data.count(b"ByHandSinceLastYear") for data in deployment.files().values()) >= 2


def test_an_earlier_generation_is_told_and_never_called_drift(one: Filled) -> None:
    deployment = one.deployment
    places = [path for path, data in deployment.files().items() if one.values["turn-secret"].encode() in data]
    filled = deployment.files()
    for path in places:
        deployment.edit(path, one.values["turn-secret"], "SecondOfTheTurnSecrets")
    assert deployment.setup("--adopt").code == 0
    (deployment.tree / places[0]).write_bytes(filled[places[0]])  # an older branch, say
    inside = json.loads(pyrage.decrypt(vault(deployment).read_bytes(), [own(deployment)]))
    first, second = inside["values"]["turn-secret"]["generations"]
    plan = deployment.plan()
    assert plan.code == 0, plan.text
    told = next(line for line in plan.out.splitlines() if "earlier generation" in line)
    for part in (places[0], first["id"], first["made"][:10], second["id"], second["made"][:10], "turn-secret"):
        assert part in told
    assert "--adopt" not in plan.text
    for text in (one.values["turn-secret"], "SecondOfTheTurnSecrets"):
        assert text not in plan.text
    assert deployment.setup().code == 0
    assert "earlier generation" not in deployment.plan().out
    assert b"SecondOfTheTurnSecrets" in deployment.files()[places[0]]
    assert errors(run("check", "--json", "--tree", str(deployment.tree)).data, one.tree) == []


def test_a_tree_that_was_taken_over_goes_back_to_the_placeholders_that_sites_lock_shows(one: Filled) -> None:
    """What is masked there nobody knows without the vault: comments, and the prose that stood where the RSA key is."""
    deployment = one.deployment
    vault(deployment).unlink()
    assert deployment.setup("--new-deployment").code == 0
    assert deployment.blank().code == 0
    wanted, stands = originals("checklist"), deployment.files()
    assert stands.keys() == wanted.keys()
    lines = {path: (wanted[path].decode().splitlines(), stands[path].decode().splitlines()) for path in wanted}
    gone = {line.strip() for was, now in lines.values() for line in set(was) - set(now)}
    assert {line for line in gone if not line.startswith("#")} == {
        "CHANGEME_GENERATE_RSA_2048_BIT_PRIVATE_KEY",
        "Generate it with: openssl genrsa -out key_vault_rsa.pem 2048",
        "and put the whole content of the file here.",
    }
