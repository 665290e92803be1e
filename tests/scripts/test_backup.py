"""A backup opens with age alone and puts a lost vault back; nothing newer, and nobody else's, is ever overwritten."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from wizard import audit
from wizard.secret import Secret
from wizard.vault import Audit

from .conftest import Fill, Filled
from .runs import Deployment, Run

KEY = pyrage.x25519.Identity.generate()
PASSPHRASE = "five words of mine, typed"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return the file of a key that is not the vault's."""
    path = tmp_path / "offline.txt"
    path.write_text(f"# kept elsewhere\n{KEY}\n")
    path.chmod(0o600)
    return path


def back_up(deployment: Deployment, *options: str) -> Path:
    out = deployment.home / "backup.age"
    done = deployment.run("export", "--backup", str(out), *(options or ("--to", str(KEY.to_public()))))
    assert done.code == 0, done.text
    return out


def lose(deployment: Deployment) -> None:
    for path in deployment.state.iterdir():
        path.unlink()


def restore(deployment: Deployment, *argv: object) -> Run:
    return deployment.run("vault", "restore", *map(str, argv))


def proven(deployment: Deployment) -> list[str]:
    """Return the verbs that changed something, from the audit log, every line of which the vault's own key proves."""
    data = json.loads(pyrage.decrypt((deployment.state / "vault.age").read_bytes(), [own(deployment)]))["audit"]
    text = (deployment.state / "audit.log").read_text()
    known = Audit(Secret(data["key"]), tuple(data["heads"]), data["count"], tuple(data["last"]))
    assert audit.problems(text, known) == []
    verbs = [json.loads(line)["verb"] for line in text.splitlines()]
    return [verb for verb in verbs if verb != "show"]  # the fixture looks at every secret


def own(deployment: Deployment) -> pyrage.x25519.Identity:
    line = next(line for line in deployment.identity.read_text().splitlines() if line.startswith("AGE"))
    return pyrage.x25519.Identity.from_str(line)


def test_a_backup_opens_without_us_and_has_everything(one: Filled) -> None:
    out = back_up(one.deployment)
    assert out.stat().st_mode & 0o777 == 0o600
    whole = json.loads(pyrage.decrypt(out.read_bytes(), [KEY]))
    vault = json.loads(pyrage.decrypt((one.deployment.state / "vault.age").read_bytes(), [own(one.deployment)]))
    assert whole["vault"] == vault
    assert whole["sites_lock"] == (one.deployment.state / "sites.lock").read_text()
    assert whole["audit_log"] == (one.deployment.state / "audit.log").read_text()
    told = json.loads(whole["audit_log"].splitlines()[-1])
    assert (told["verb"], told["places"]) == ("export", [str(KEY.to_public())])
    assert {each.split()[0] for each in told["values"]} == set(vault["values"])
    texts = [each["generations"][-1]["text"] for each in vault["values"].values()]
    assert [text for text in texts if text.encode() in out.read_bytes()] == []
    assert sorted(proven(one.deployment)) == ["export", "setup"]


def test_a_lost_vault_comes_back_for_its_own_recipients(one: Filled, key: Path) -> None:
    deployment = one.deployment
    before, out = deployment.everything(), back_up(deployment)
    lose(deployment)
    done = restore(deployment, out, "--key", key)
    assert done.code == 0, done.text
    vault = (deployment.state / "vault.age").read_bytes()
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(vault, [KEY])
    after = deployment.everything()
    assert after[".matrix-wizard/sites.lock"] == before[".matrix-wizard/sites.lock"]
    assert sorted(proven(deployment)) == ["export", "restore", "setup"]
    assert deployment.values() == one.values
    again = deployment.setup()
    assert "No byte was changed" in again.out, again.text


def test_it_comes_back_where_only_the_key_of_the_backup_is(one: Filled, key: Path) -> None:
    out = back_up(one.deployment)
    lose(one.deployment)
    hidden = one.deployment.identity.rename(one.deployment.home / "elsewhere.txt")
    done = one.deployment.run("vault", "restore", str(out), "--key", str(key))
    assert (done.code, "cannot be remembered" in done.err) == (0, False), done.text
    hidden.rename(one.deployment.identity)
    assert one.deployment.values() == one.values


def test_a_passphrase_opens_one_too(one: Filled, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text(f"{PASSPHRASE}\r\nanything else\n")
    out = back_up(one.deployment, "--to-passphrase-file", str(words))
    assert json.loads(pyrage.passphrase.decrypt(out.read_bytes(), PASSPHRASE))["backup"] == 1
    lose(one.deployment)
    unasked = restore(one.deployment, out)
    assert (unasked.code, "--from-passphrase-file" in unasked.err) == (2, True), unasked.text
    (tmp_path / "others.txt").write_text("not these\n")
    wrong = restore(one.deployment, out, "--from-passphrase-file", tmp_path / "others.txt")
    assert (wrong.code, list(one.deployment.state.iterdir())) == (3, [])
    done = restore(one.deployment, out, "--from-passphrase-file", words)
    assert done.code == 0, done.text
    assert one.deployment.values() == one.values
    assert PASSPHRASE not in unasked.text + wrong.text + done.text


def test_an_export_is_one_of_two_and_not_both(one: Filled) -> None:
    out = one.deployment.home / "both.age"
    for words, told in ((("--backup", "--for", "li"), "not both"), ((), "Say what to export")):
        refused = one.deployment.run("export", *words, str(out), "--to", "age1anything")
        assert (refused.code, told in refused.err, out.exists()) == (2, True, False), refused.text


def test_what_was_logged_after_the_backup_stays_in_the_log(one: Filled, key: Path) -> None:
    out = back_up(one.deployment)
    assert one.deployment.setup("--set", "domains.turn=voice.chat-corp.net").code == 0
    (one.deployment.state / "vault.age").unlink()
    refused = restore(one.deployment, out, "--key", key)
    assert (refused.code, "--accept-older" in refused.err) == (3, True), "what was done since would be lost unseen"
    done = restore(one.deployment, out, "--key", key, "--accept-older")
    assert done.code == 0, done.text
    assert sorted(proven(one.deployment)) == ["export", "restore", "setup", "setup"]  # within one second, in any order


def newer(one: Filled, _: Filled) -> None:
    assert one.deployment.setup("--set", "domains.turn=voice.chat-corp.net").code == 0


def of_another_tree(one: Filled, other: Filled) -> None:
    for name in ("vault.age", "sites.lock"):
        (one.deployment.state / name).write_bytes((other.deployment.state / name).read_bytes())


def cut_short(one: Filled, _: Filled) -> None:
    vault = one.deployment.state / "vault.age"
    vault.write_bytes(vault.read_bytes()[:-50])


@pytest.mark.parametrize("spoil", [newer, of_another_tree, cut_short])
def test_nothing_is_overwritten_without_a_word(
    one: Filled, fill: Fill, key: Path, spoil: Callable[[Filled, Filled], None]
) -> None:
    deployment, out = one.deployment, back_up(one.deployment)
    spoil(one, fill("dress", "everything"))
    before = deployment.everything()
    refused = restore(deployment, out, "--key", key)
    assert refused.code == 3, refused.text
    assert "revision" in refused.err
    assert "--over" in refused.err
    assert deployment.everything() == before
    done = restore(deployment, out, "--key", key, "--over")
    assert done.code == 0, done.text
    assert deployment.show("turn-secret") == one.values["turn-secret"]
    assert (deployment.state / "replaced.age").read_bytes() == before[".matrix-wizard/vault.age"]


def test_a_vault_of_another_branch_is_not_overwritten_by_a_later_revision(one: Filled, key: Path) -> None:
    deployment = one.deployment
    branch = {path: path.read_bytes() for path in deployment.tree.rglob("*") if path.is_file()}
    newer(one, one)
    newer_out = back_up(deployment)
    for file, stood in branch.items():
        file.write_bytes(stood)
    old = one.values["redis-password"].encode()
    for path, data in deployment.files().items():
        (deployment.tree / path).write_bytes(data.replace(old, b"OnlyHere000111222333444555666777888999000"))
    rotated = deployment.setup("--adopt", "--accept-older")
    assert rotated.code == 0, rotated.text
    before = deployment.everything()
    refused = restore(deployment, newer_out, "--key", key)
    assert (refused.code, "redis-password" in refused.err, "--over" in refused.err) == (3, True, True), refused.text
    assert deployment.everything() == before
    assert restore(deployment, newer_out, "--key", key, "--over").code == 0
    assert (deployment.state / "replaced.age").read_bytes() == before[".matrix-wizard/vault.age"]


def test_both_revisions_are_named(one: Filled, key: Path) -> None:
    out = back_up(one.deployment)
    newer(one, one)
    told = re.search(r"revision (\d+), and (\d+) there", restore(one.deployment, out, "--key", key).err)
    assert told
    assert int(told[1]) == int(told[2]) + 1


BAD_EXPORTS = [
    ((), 2), (("--to", "nobody"), 3), (("--to", "age1…", "--to-passphrase"), 2), (("--to-passphrase",), 2),
    (("--to-passphrase-file", "no-such-file"), 2),
]  # fmt: skip


@pytest.mark.parametrize(("options", "code"), BAD_EXPORTS)
def test_an_export_that_cannot_be_changes_nothing(one: Filled, options: tuple[str, ...], code: int) -> None:
    before, out = one.deployment.everything(), one.deployment.home / "backup.age"
    done = one.deployment.run("export", "--backup", str(out), *options)
    assert (done.code, bool(done.err), done.out) == (code, True, ""), done.text
    assert (one.deployment.everything(), out.exists()) == (before, False)


def test_an_existing_file_is_left_as_it_is(one: Filled) -> None:
    before, out = one.deployment.everything(), one.deployment.home / "backup.age"
    out.write_bytes(b"mine")
    done = one.deployment.run("export", "--backup", str(out), "--to", str(KEY.to_public()))
    assert (done.code, out.read_bytes(), one.deployment.everything()) == (2, b"mine", before)


def test_what_is_no_backup_is_refused(one: Filled, key: Path) -> None:
    file = one.deployment.home / "file.age"
    whole = json.loads(pyrage.decrypt(back_up(one.deployment).read_bytes(), [KEY]))
    before = one.deployment.everything()
    for plain in (
        b"{}",
        b"text",
        json.dumps({**whole, "backup": 2}).encode(),
        json.dumps({**whole, "vault": 1}).encode(),
    ):
        file.write_bytes(pyrage.encrypt(plain, [KEY.to_public()]))
        done = restore(one.deployment, file, "--key", key, "--over")
        assert done.code == 3, done.text
        assert one.deployment.everything() == before
    file.write_bytes(pyrage.encrypt(b"{}", [KEY.to_public()])[:-1])
    assert restore(one.deployment, file, "--key", key).code == 3
    assert restore(one.deployment, one.deployment.home / "none.age").code == 2
    assert one.deployment.everything() == before


def test_a_passphrase_that_is_soon_guessed_is_refused(one: Filled, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("eleven char\n")
    out = tmp_path / "guessed.age"
    done = one.deployment.run("export", "--backup", str(out), "--to-passphrase-file", str(tmp_path / "short.txt"))
    assert (done.code, "12 characters" in done.err) == (2, True), done.text
    assert not out.exists()


def test_a_secret_key_on_the_wrong_line_is_not_shown(one: Filled, tmp_path: Path) -> None:
    secret = str(pyrage.x25519.Identity.generate())
    done = one.deployment.run("export", "--backup", str(tmp_path / "out.age"), "--to", secret)
    assert done.code == 3
    assert secret not in done.text
    assert "no public key" in done.err
