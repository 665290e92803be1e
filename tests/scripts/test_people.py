"""Whose keys open the vault: who is let in reads it with the age library, who is shut out no longer does, and no kill,
kept answer or typing error undoes that."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyrage
import pytest

from .runs import Deployment, Run, run
from .small import MINIMUM, LayOut, answer, secret, succeed

TREE = secret("redis", password="CHANGEME_REDIS_PASSWORD") + "---\n" + secret("turn", secret="CHANGEME_TURN_SECRET")
WRITING_CALLS = ("fchmod", "fsync", "mkdir", "open", "pwrite", "replace", "unlink", "write")


@pytest.fixture
def one(lay_out: LayOut) -> Deployment:
    """A filled tree whose vault opens with one key."""
    deployment = lay_out(TREE)
    succeed(deployment.setup())
    return deployment


class Person:
    """Somebody with an age key, in a file of age-keygen's form."""

    def __init__(self, home: Path, name: str) -> None:
        self.key = pyrage.x25519.Identity.generate()
        self.public = str(self.key.to_public())
        self.file = home / f"{name}.txt"
        self.file.write_text(f"# {name}\n{self.key}\n")
        self.file.chmod(0o600)


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    return Person(tmp_path, "ada")


def vault(deployment: Deployment) -> bytes:
    return (deployment.state / "vault.age").read_bytes()


def opened(deployment: Deployment, *people: Person) -> dict[str, Any]:
    """Return the vault as the age library opens it, for somebody else."""
    return dict(json.loads(pyrage.decrypt(vault(deployment), [each.key for each in people])))


def people(deployment: Deployment, *words: str, by: Path | None = None) -> Run:
    """Give a verb to the operator, or to whoever else holds the key *by*, in a home of their own."""
    if by is None:
        return deployment.run("vault", *words)
    return run("vault", *words, "--tree", str(deployment.tree), "--identity", str(by))


def keys(deployment: Deployment) -> dict[str, dict[str, str]]:
    listed = people(deployment, "recipients", "list", "--json")
    assert listed.code == 0, listed.err
    return {each["key"]: each for each in listed.data["recipients"]}


def findings(deployment: Deployment) -> list[str]:
    return [each["id"] for each in run("check", "--tree", str(deployment.tree), "--json").data["findings"]]


def test_who_is_let_in_opens_the_vault_and_the_warning_is_gone(one: Deployment, ada: Person) -> None:
    assert "vault-single-key" in findings(one)
    with pytest.raises(pyrage.DecryptError):
        opened(one, ada)
    added = people(one, "recipients", "add", ada.public, "--name", "Ada", "-y")
    assert added.code == 0, added.err
    assert "every secret" in added.err
    assert "redis-password" in opened(one, ada)["values"]
    assert (keys(one)[ada.public]["name"], keys(one)[ada.public]["kind"]) == ("Ada", "other")
    assert "vault-single-key" not in findings(one)
    before = one.everything()
    assert people(one, "recipients", "add", ada.public, "-y").code == 0
    assert one.everything() == before, "who is in already is not let in again"


def test_without_consent_nobody_is_let_in_or_shut_out(one: Deployment, ada: Person) -> None:
    before = one.everything()
    refused = people(one, "recipients", "add", ada.public)
    assert (refused.code, one.everything()) == (2, before)
    assert "-y" in refused.err
    succeed(people(one, "recipients", "add", ada.public, "--name", "Ada", "-y"))
    before = one.everything()
    for words in (("recipients", "remove", "Ada"), ("rekey",)):
        assert people(one, *words).code == 2
    assert one.everything() == before
    assert len(one.identity.read_text().splitlines()) == 3, "no key was made, either"


@pytest.mark.parametrize("key", ["age1nobody", "ssh-dss AAAA", "AGE-SECRET-KEY-1QQ", "-----BEGIN OPENSSH PRIVATE KEY"])
def test_what_is_no_public_key_is_refused_and_not_quoted(one: Deployment, key: str) -> None:
    before = one.everything()
    options = ("--tree", str(one.tree), "--identity", str(one.identity), "-y")
    refused = run("vault", "recipients", "add", *options, "--", key)
    assert refused.code == 2
    assert key not in refused.text
    assert "age1" in refused.err
    assert one.everything() == before


def test_who_is_shut_out_opens_only_what_was_there_before(one: Deployment, ada: Person) -> None:
    succeed(people(one, "recipients", "add", ada.public, "--name", "Ada", "-y"))
    copy = vault(one)
    gone = people(one, "recipients", "remove", "Ada", "-y", "--json")
    assert gone.code == 0, gone.err
    assert "unreads nothing" in gone.err
    with pytest.raises(pyrage.DecryptError):
        opened(one, ada)
    known = json.loads(pyrage.decrypt(copy, [ada.key]))["values"]
    assert {each["name"] for each in gone.data["values"]} == known.keys()
    made = {name: kept["generations"][-1]["made"] for name, kept in known.items()}
    assert {each["name"]: each["made"] for each in gone.data["values"]} == made
    assert gone.data["removed"]["until"] == keys(one)[ada.public]["until"] != ""
    listed = people(one, "recipients", "list").out
    (removed,) = [line for line in listed.splitlines() if ada.public in line]
    assert f"(removed on {gone.data['removed']['until'][:10]}; since " in removed
    (own,) = [line for line in listed.splitlines() if "the key in use here" in line]
    assert own.split()[0] in one.identity.read_text()
    assert people(one, "recipients", "list", "--json").data["own"] == [own.split()[0]]
    succeed(people(one, "recipients", "add", ada.public, "-y"))
    assert opened(one, ada)["id"] == json.loads(pyrage.decrypt(copy, [ada.key]))["id"]


def test_a_list_for_people_names_every_value_and_no_command_that_does_not_exist(one: Deployment, ada: Person) -> None:
    succeed(people(one, "recipients", "add", ada.public, "--name", "Ada", "-y"))
    gone = people(one, "recipients", "remove", ada.public, "-y")
    for name in ("redis-password", "turn-secret"):
        assert any(line.startswith(f"{name}  (since 20") for line in gone.out.splitlines())
    assert "matrix-wizard rotate" not in gone.text


def test_neither_the_last_key_nor_ones_own_is_removed(one: Deployment, ada: Person) -> None:
    (own,) = keys(one)
    before = one.everything()
    last = people(one, "recipients", "remove", own, "-y")
    assert (last.code, one.everything()) == (3, before)
    assert "recipients add" in last.err
    succeed(people(one, "recipients", "add", ada.public, "--name", "Ada", "-y"))
    before = one.everything()
    mine = people(one, "recipients", "remove", own, "-y")
    assert (mine.code, one.everything()) == (3, before)
    assert "vault rekey" in mine.err
    unknown = people(one, "recipients", "remove", "Eve", "-y")
    assert (unknown.code, one.everything()) == (2, before)
    succeed(people(one, "recipients", "remove", own, "-y", by=ada.file))
    assert run("show", "--tree", str(one.tree), "--identity", str(one.identity)).code == 3


def test_a_name_that_two_keys_have_removes_neither(one: Deployment, ada: Person, tmp_path: Path) -> None:
    other = Person(tmp_path, "other")
    for each in (ada, other):
        succeed(people(one, "recipients", "add", each.public, "--name", "Ada", "-y"))
    before = one.everything()
    refused = people(one, "recipients", "remove", "Ada", "-y")
    assert (refused.code, one.everything()) == (2, before)
    assert ada.public in refused.err
    assert other.public in refused.err


@pytest.mark.parametrize("kind", ["age", "ssh"])
def test_a_removed_key_does_not_come_back_by_the_answers(
    lay_out: LayOut, ada: Person, tmp_path: Path, kind: str
) -> None:
    key = ada.public
    if kind == "ssh":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
        key = (tmp_path / "id.pub").read_text().strip()  # with a comment
    deployment = lay_out(TREE, f"{MINIMUM}vault: {{recipients: ['{key}']}}\n")
    succeed(deployment.setup())
    sealed = vault(deployment)
    assert "vault-single-key" not in findings(deployment)
    succeed(people(deployment, "recipients", "remove", key, "-y"))
    assert "vault-single-key" in findings(deployment)
    succeed(deployment.run("setup", "--no-input", "--yes"))  # by the answers that the vault keeps
    assert "vault-single-key" in findings(deployment)
    assert key.split()[1 if kind == "ssh" else 0] not in deployment.run("answers").out
    again = deployment.setup()  # by the file, which names it still
    assert again.code == 2
    assert "was removed on" in again.err
    assert "recipients add" in again.err
    if kind == "ssh":  # the same key by another comment
        answer(deployment, f"{MINIMUM}vault: {{recipients: ['{key.rpartition(' ')[0]} another']}}\n")
        assert deployment.setup().code == 2
    answer(deployment, MINIMUM)
    succeed(deployment.setup())
    assert vault(deployment) != sealed
    assert "vault-single-key" in findings(deployment)


def test_a_new_key_opens_it_and_the_former_opens_only_older_copies(one: Deployment, ada: Person) -> None:
    succeed(people(one, "recipients", "add", ada.public, "-y"))
    assert run("show", "--tree", str(one.tree), "--identity", str(ada.file)).code == 0, "her seal is pinned"
    former, copy, value = one.identity.read_text(), vault(one), one.show("turn-secret")
    done = people(one, "rekey", "-y", "--json")
    assert done.code == 0, done.err
    assert one.identity.read_text().startswith(former), "what was in the file stays"
    lines = [line for line in one.identity.read_text().splitlines() if line.startswith("AGE-")]
    first, second = (pyrage.x25519.Identity.from_str(line) for line in lines)
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(vault(one), [first])
    assert (
        json.loads(pyrage.decrypt(copy, [first]))["values"]
        == json.loads(pyrage.decrypt(vault(one), [second]))["values"]
    )
    assert done.data["public"] == str(second.to_public())
    assert done.data["replaced"] == [str(first.to_public())]
    assert one.show("turn-secret") == value
    assert not one.identity.stat().st_mode & 0o077

    strange = run("show", "--tree", str(one.tree), "--identity", str(ada.file))
    assert strange.code == 3
    assert done.data["seal"] in strange.err
    assert "names the seal known here" in strange.err
    accept = ("--accept-seal", done.data["seal"])
    assert run("show", "--tree", str(one.tree), "--identity", str(ada.file), *accept).code == 0
    assert run("show", "--tree", str(one.tree), "--identity", str(ada.file)).code == 0

    (one.state / "vault.age").write_bytes(copy)
    rolled_back = one.run("show")
    assert rolled_back.code == 3, "the file holds the former key, too, and the vault before is refused all the same"
    assert "sealed otherwise" in rolled_back.err


def test_a_given_key_stays_and_the_new_one_goes_where_it_is_named(one: Deployment, ada: Person, tmp_path: Path) -> None:
    succeed(people(one, "recipients", "add", ada.public, "-y"))
    one.identity.unlink()
    lost = run("show", "--tree", str(one.tree))
    assert (lost.code, "--identity" in lost.err) == (2, True)
    before, key = one.everything(), ada.file.read_bytes()
    nowhere = people(one, "rekey", "-y", by=ada.file)
    assert (nowhere.code, "--new-identity FILE" in nowhere.err) == (2, True)
    taken = people(one, "rekey", "-y", "--new-identity", str(ada.file), by=ada.file)
    assert (taken.code, "exists" in taken.err.lower()) == (2, True)
    assert (one.everything(), ada.file.read_bytes()) == (before, key)
    new = tmp_path / "new.txt"
    done = people(one, "rekey", "-y", "--new-identity", str(new), "--json", by=ada.file)
    assert done.code == 0, done.err
    assert (done.data["key"], len(done.data["kept"]), done.data["replaced"]) == (str(new), 2, [])
    assert ada.public in done.data["kept"], "and the key of the machine that is lost, which wants to be removed"
    for each in (new, ada.file):
        assert run("show", "--tree", str(one.tree), "--identity", str(each)).code == 0, "no seal is to be accepted"
    assert opened(one, ada)["values"]


@pytest.mark.parametrize("ended", [False, True], ids=["killed", "and tried again"])
def test_a_rekey_that_is_killed_at_any_instant_leaves_a_vault_that_opens(one: Deployment, *, ended: bool) -> None:
    """At every call that changes the disk: no seal has to be accepted afterwards, and no key is lost."""
    value, at, code = one.show("turn-secret"), 0, 9
    while code == 9:
        at += 1
        copy = one.copy(one.home.with_name(f"copy-{at}"))
        code = _killed(copy, at)
        shown = copy.run("show", "turn-secret")
        assert shown.code == 0, f"killed at call {at}: {shown.err}"
        assert shown.out.strip() == value
        if ended:
            again = people(copy, "rekey", "-y")
            assert again.code == 0, f"killed at call {at}: {again.err}"
            assert copy.show("turn-secret") == value
        shutil.rmtree(copy.home)
    assert code == 0
    assert at > 40


def _killed(deployment: Deployment, at: int) -> int:
    """Run `vault rekey` in a process that ends at its *at*-th call that changes the disk; return its exit code."""
    if not (child := os.fork()):
        left = [at]

        def guarded(real: Any) -> Any:
            def call(*arguments: Any, **options: Any) -> Any:
                left[0] -= 1
                if left[0] == 0:
                    os._exit(9)
                return real(*arguments, **options)

            return call

        for name in WRITING_CALLS:
            setattr(os, name, guarded(getattr(os, name)))
        os._exit(people(deployment, "rekey", "-y").code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_drill_records_the_day_and_tells_a_wrong_key(one: Deployment, ada: Person, tmp_path: Path) -> None:
    succeed(people(one, "recipients", "add", ada.public, "--name", "safe", "-y"))
    before = one.everything()
    stranger = Person(tmp_path, "stranger")
    wrong = people(one, "drill", "--recovery", str(stranger.file))
    assert (wrong.code, one.everything()) == (3, before)
    assert "not one of this vault's" in wrong.err
    own = people(one, "drill", "--recovery", str(one.identity))
    assert (own.code, one.everything()) == (3, before)
    assert people(one, "drill").code == 2, "without a terminal there is nobody to type it"
    done = people(one, "drill", "--recovery", str(ada.file))
    assert done.code == 0, done.err
    assert "safe alone" in done.out
    assert keys(one)[ada.public]["drilled"] > "2026"
    assert f"tried {keys(one)[ada.public]['drilled'][:10]}" in people(one, "recipients", "list").out


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_ssh_key_opens_the_vault_and_stays_when_a_new_key_is_made(
    one: Deployment, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "ada@corp", "-f", path], check=True)
    public = path.with_suffix(".pub").read_text()
    succeed(people(one, "recipients", "add", public, "-y"))
    bare = " ".join(public.split()[:2])
    assert keys(one)[bare]["name"] == "ada@corp"
    assert run("show", "turn-secret", "--tree", str(one.tree), "--identity", str(path)).out.strip() == one.show(
        "turn-secret"
    )
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith("id")) == ["id", "id.pub"]
    done = people(one, "rekey", "-y", "--new-identity", str(tmp_path / "new.txt"), "--json", by=path)
    assert (done.code, done.data["replaced"]) == (0, []), done.err
    assert bare in [" ".join(each.split()[:2]) for each in done.data["kept"]]
    assert people(one, "recipients", "remove", "ada@corp", "-y", by=tmp_path / "new.txt").code == 0
    assert run("show", "--tree", str(one.tree), "--identity", str(path)).code == 3


@pytest.mark.parametrize("kind", [["ed25519"], ["rsa", "-m", "PEM"]], ids=" ".join)
def test_an_ssh_key_with_a_passphrase_is_told(one: Deployment, tmp_path: Path, kind: list[str]) -> None:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", *kind, "-N", "hunter22", "-f", path], check=True)
    refused = run("show", "--tree", str(one.tree), "--identity", str(path))
    assert refused.code == 3
    assert "has a passphrase of its own" in refused.err
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "ec"], check=True)
    refused = run("show", "--tree", str(one.tree), "--identity", str(tmp_path / "ec"))
    assert (refused.code, "ed25519" in refused.err) == (3, True)


def test_a_key_behind_a_passphrase_travels_with_the_tree(lay_out: LayOut, tmp_path: Path) -> None:
    deployment = lay_out(TREE)
    passphrase, wrong, short = (tmp_path / name for name in ("pass", "wrong", "short"))
    passphrase.write_text("six words from nowhere else\n")
    wrong.write_text("six words from somewhere\n")
    short.write_text("six words\n")
    tree, given = ("--tree", str(deployment.tree)), ("--passphrase-file", str(passphrase))
    first = ("setup", *tree, "--answers", str(deployment.answers), "--no-input", "--yes", "--passphrase")
    for option in ((), ("--passphrase-file", str(short)), ("--passphrase-file", str(tmp_path / "none"))):
        assert run(*first, *option).code == 2
        assert not deployment.state.exists()
    succeed(run(*first, *given))
    identity = deployment.state / "identity.age"
    assert identity.read_bytes().startswith(b"age-encryption.org/v1\n-> scrypt ")
    plain = pyrage.passphrase.decrypt(identity.read_bytes(), "six words from nowhere else").decode()
    key = pyrage.x25519.Identity.from_str(plain.splitlines()[-1])
    value = json.loads(pyrage.decrypt(vault(deployment), [key]))["values"]["turn-secret"]["generations"][0]["text"]
    identity.chmod(0o644)  # as git leaves it
    with passphrase.open() as file:
        shown = run("show", "turn-secret", *tree, "--passphrase-fd", str(file.fileno()))
    assert (shown.code, shown.out.strip()) == (0, value), shown.err
    passphrase.write_text("six words from nowhere else\r\n# for the deployment of the office\n")
    shown = run("show", "turn-secret", *tree, "--passphrase-file", str(passphrase))
    assert (shown.code, shown.out.strip()) == (0, value), "it is the first line, as of an export"
    empty = tmp_path / "empty"
    empty.write_text("\nsix words from nowhere else\n")
    for words in (
        ("show", "turn-secret", "--passphrase-file"),
        ("vault", "restore", str(identity), "--from-passphrase-file"),
    ):
        nothing = run(*words, str(empty), *tree)
        assert (nothing.code, "The first line is empty" in nothing.err) == (2, True), nothing.text
    before = deployment.everything()
    refused = run("show", "turn-secret", *tree, "--passphrase-file", str(wrong))
    assert (refused.code, "another one" in refused.err) == (3, True)
    refused = run("show", "turn-secret", *tree)
    assert (refused.code, "--passphrase-file" in refused.err) == (2, True)
    refused = run(*first, *given)
    assert (refused.code, "--passphrase" in refused.err) == (2, True)
    identity.write_bytes(identity.read_bytes()[:-3])
    refused = run("show", "turn-secret", *tree, *given)
    assert (refused.code, "damaged" in refused.err) == (3, True)
    identity.write_bytes(before[".matrix-wizard/identity.age"])
    assert deployment.everything() == before

    succeed(run("vault", "rekey", "-y", *tree, *given))
    assert run("show", "turn-secret", *tree, *given).out.strip() == value
    keys = pyrage.passphrase.decrypt(identity.read_bytes(), "six words from nowhere else").decode().splitlines()
    assert keys[2] == str(key), "for the copies from before"
    newest = pyrage.x25519.Identity.from_str(keys[-1])
    assert pyrage.decrypt(vault(deployment), [newest])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(vault(deployment), [key])


def test_answers_name_readers_of_a_new_vault_and_let_nobody_into_one_that_there_is(
    one: Deployment, ada: Person
) -> None:
    """An answers file may have come from the repository: a reader of every secret wants a yes that names it."""
    before = one.everything()
    refused = one.run("setup", "--no-input", "--yes", "--set", f"vault.recipients={ada.public}")
    assert (refused.code, f"--identity {one.identity} '{ada.public}'" in refused.err) == (2, True), refused.text
    assert one.everything() == before
    succeed(people(one, "recipients", "add", ada.public, "-y"))
    planned = one.run("plan", "--set", f"vault.recipients={ada.public}")
    assert planned.code == 0, planned.err
    assert "vault.recipients" not in planned.text, "the vault needs it, whatever the tree does"


def test_a_recovery_key_of_ones_own_is_tried_and_missed(one: Deployment, ada: Person) -> None:
    succeed(people(one, "recipients", "add", ada.public, "--recovery", "-y"))
    tried = people(one, "drill", "--recovery", str(ada.file))
    assert (tried.code, ada.public in tried.out) == (0, True), tried.text
    gone = people(one, "recipients", "remove", ada.public, "-y")
    assert gone.code == 0, gone.err
    assert "It is a recovery key." in gone.err
    assert "one key alone" in gone.err


def test_places_that_are_gone_are_missed_and_written_anew(one: Deployment) -> None:
    lock = one.state / "sites.lock"
    before = lock.read_bytes()
    lock.unlink()
    assert "vault-lost" in one.run("check").out
    succeed(one.run("setup", "--no-input", "--yes"))
    assert lock.read_bytes() == before
    assert "vault-lost" not in one.run("check").out


def test_who_is_shut_out_can_make_no_vault_that_is_taken_for_the_true_one(one: Deployment, ada: Person) -> None:
    """From an old copy she knows the seal and the key of the log; the public keys are no secret either."""
    succeed(people(one, "recipients", "add", ada.public, "-y"))
    hers = opened(one, ada)
    removed = people(one, "recipients", "remove", ada.public, "-y", "--json")
    assert removed.code == 0, removed.err
    with pytest.raises(pyrage.DecryptError):
        opened(one, ada)
    first = json.loads((one.state / "sites.lock").read_text().splitlines()[0])["vault"]
    own = one.identity.read_text().split("public key: ")[1].split()[0]
    forged = json.dumps({**hers, "revision": 99}).encode()
    true = vault(one)
    (one.state / "vault.age").write_bytes(pyrage.encrypt(forged, [pyrage.x25519.Recipient.from_str(own)]))
    refused = one.run("show")
    assert (refused.code, hers["id"]) == (3, first), refused.text
    assert "sealed otherwise" in refused.err
    (one.state / "vault.age").write_bytes(true)
    assert one.run("show").code == 0, "this machine knows the new seal"
    assert removed.data["seal"] in one.run("vault", "recipients", "list").out
    assert one.run("check").code == 0, "the log proves itself across the change of its key"
