"""Known secrets looked for in a tree, in git, and in what a cluster, a shell and a log keep. Real git, real commits."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from .conftest import Filled
from .runs import ROOT, Deployment, Run
from .small import MINIMUM, SMTP, LayOut, config, secret, succeed
from .test_git import git

pytestmark = pytest.mark.usefixtures("own_settings")

NAME = "turn-secret"
TREE = {
    "main.yaml": secret("synapse-secrets", TURN="CHANGEME_TURN_SECRET", REDIS_PASSWORD="CHANGEME_REDIS_PASSWORD"),
    "turn.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: coturn-secrets, namespace: matrix}\n"
    f"data:\n  TURN_SECRET: {base64.b64encode(b'CHANGEME_TURN_SECRET').decode()}\n",
    "mail.yaml": config(
        "synapse-config", "email:\n  smtp_host: CHANGEME_SMTP_HOST\n  smtp_pass: CHANGEME_SMTP_PASSWORD"
    ),
}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture(name="own_settings")
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run git as it comes, and with a name."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A. Person")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "person@chat-corp.net")


@pytest.fixture
def kept(lay_out: LayOut) -> Deployment:
    """Return a filled tree in a repository that does not track it."""
    deployment = lay_out(TREE, MINIMUM + SMTP)
    git(deployment.home, "init", "-qb", "main")
    (deployment.home / "README").write_text("Nothing\n")
    git(deployment.home, "add", "README")
    git(deployment.home, "commit", "-qm", "The beginning")
    succeed(deployment.setup())
    return deployment


def hunt(deployment: Deployment, *argv: str) -> Run:
    """Hunt, for people and as JSON; return the latter, proven to tell the same and to show no secret."""
    people, machines = (deployment.run("hunt", *argv, *more) for more in ((), ("--json",)))
    assert people.code == machines.code
    assert "Traceback" not in people.text
    if machines.code in (0, 1):
        places = sum(1 for line in people.out.splitlines() if " generation " in line)
        assert places == len(machines.data["found"])
    shown = people.text + machines.text
    for name in deployment.masked_names():
        for spelled in spellings(deployment.show(name)):
            assert spelled not in shown, f"{name} is shown"
    return machines


def spellings(text: str) -> set[str]:
    octets = text.encode()
    encoded = {base64.b64encode(b"x" * shift + octets).decode()[4:-4] for shift in range(3)}
    return {each for each in (text.strip(), quote(text, safe=""), octets.hex(), *encoded) if len(each) > 7}


def found(run: Run, *keys: str) -> list[Any]:
    assert run.code == 1, run.text
    return [tuple(each[key] for key in keys) for each in run.data["found"]]


def test_where_it_stands_as_it_should_nothing_is_found(kept: Deployment) -> None:
    before = kept.everything()
    assert kept.run("hunt", "--all").code == 0
    assert kept.everything() == before, "hunt writes nothing, and no line of the log"
    done = hunt(kept, NAME)
    assert done.code == 0, done.text
    assert done.data["found"] == []
    assert done.data["places"] == {NAME: ["main.yaml:5:9", "turn.yaml:5:16"]}
    assert done.data["searched"]["git_objects"] == 2
    everything = hunt(kept, "--all")
    assert (everything.code, set(everything.data["places"])) == (0, {NAME, "redis-password", "smtp-password"})
    assert all(everything.data["places"].values())


@pytest.mark.parametrize("name", ["bundled", "checklist", "dress"])
def test_in_whole_trees_no_secret_is_found_but_where_it_should_be(
    name: str, fill: Callable[[str, str], Filled], tmp_path: Path
) -> None:
    """Keys of several lines, embedded documents, base64 and given passwords among them."""
    deployment = fill(name, "everything").deployment.copy(tmp_path / "copy")
    done = deployment.run("hunt", "--all", "--json", "--in", str(ROOT / "templates"), "--in", str(ROOT / "wizard"))
    assert done.code == 0, [(each["value"], each["file"], each["line"]) for each in done.data["found"]]
    unplaced = {value for value, places in done.data["places"].items() if not places}
    listed = {each["name"] for each in deployment.run("show", "--json").data["values"] if each["sites"]}
    assert unplaced & listed == set()


def test_a_copy_in_the_tree_is_found_at_its_line(kept: Deployment) -> None:
    text = kept.show(NAME)
    kept.edit("main.yaml", text, f"{text}  # was {text}")
    (kept.tree / "notes").mkdir()
    (kept.tree / "notes" / "todo.txt").write_text(f"one\ntwo\n\ttell ops: {text}\n")
    (kept.tree / "image.png").write_bytes(b"\x89PNG\0\0" + text.encode() + b"\0")
    map_of = config("web", f"url: https://u:{text}@chat-corp.net/", key="web.yaml")
    (kept.tree / "web.yaml").write_text(map_of)
    done = hunt(kept, NAME)
    assert found(done, "kind", "file", "line", "encoding") == [
        ("file", "image.png", 1, "plain"),
        ("file", "main.yaml", 5, "plain"),
        ("file", "web.yaml", 6, "plain"),
        ("file", "notes/todo.txt", 3, "plain"),
    ]
    lines = [(kept.tree / each["file"]).read_bytes().split(b"\n")[each["line"] - 1] for each in done.data["found"]]
    columns = [line.decode("utf-8", "replace").rindex(text) + 1 for line in lines]
    assert [each["column"] for each in done.data["found"]] == columns
    assert len(done.data["places"][NAME]) == 2
    shown = kept.run("hunt", NAME, "-q").out
    assert "notes/todo.txt:3:12: current generation " in shown


PLANTS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda text: text,
    "base64 0": lambda text: base64.b64encode(b"abc" + text + b"\n"),
    "base64 1": lambda text: base64.b64encode(b"pass" + text),
    "base64 2": lambda text: base64.urlsafe_b64encode(b"token" + text + b"!!"),
    "base64 wrapped": lambda text: base64.encodebytes(b"x" * 41 + text + b"y" * 60),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(b"p:" + text)),
    "URL": lambda text: b"https://u:" + b"".join(b"%%%02X" % each for each in text) + b"@host/",
    "JSON": lambda text: b'"' + b"".join(b"\\u%04x" % each for each in text) + b'"',
    "quoted": lambda text: b"$'" + b"".join(b"\\x%02x" % each for each in text) + b"'",
    "hexadecimal": lambda text: binascii.hexlify(text, ":"),
    "UTF-16": lambda text: text.decode().encode("utf-16"),
}


@pytest.mark.parametrize("encoding", PLANTS)
def test_every_encoding_is_found_in_an_old_commit_of_a_file_that_is_gone(kept: Deployment, encoding: str) -> None:
    (kept.home / "deep").mkdir()
    plant = kept.home / "deep" / "Ünder a name.yaml"
    plant.write_bytes(b"one\ntwo: " + PLANTS[encoding](kept.show(NAME).encode()))
    git(kept.home, "add", "deep")
    git(kept.home, "commit", "-qm", "In")
    commit = git(kept.home, "rev-parse", "HEAD").stdout.strip()
    git(kept.home, "rm", "-q", str(plant))
    git(kept.home, "commit", "-qm", "Out")
    git(kept.home, "gc", "-q")
    where = found(hunt(kept, NAME), "kind", "commit", "file", "reach", "versions")
    assert where == [("blob", commit, "deep/Ünder a name.yaml", "history", 1)]


def test_branches_stashes_messages_tags_the_index_and_what_was_amended_are_searched(kept: Deployment) -> None:
    text, home = kept.show(NAME), kept.home
    plant = home / "plant.txt"

    def planted(where: str) -> None:
        plant.write_text(f"{where}\n{text}\n")
        git(home, "add", "plant.txt")

    git(home, "checkout", "-qb", "other")
    planted("branch")
    git(home, "commit", "-qm", "On a branch")
    git(home, "checkout", "-q", "main")
    planted("stash")
    git(home, "stash", "-q")
    planted("amended")
    git(home, "commit", "-qm", f"Subject\n\nWith {text} in it")
    git(home, "rm", "-q", "plant.txt")
    git(home, "commit", "-q", "--amend", "--allow-empty", "-m", "Nothing")
    git(home, "reflog", "expire", "--expire=now", "--all")
    planted("tag")
    git(home, "commit", "-qm", "Tagged")
    git(home, "tag", "-a", "v1", "-m", f"One\nTwo {text}")
    planted("index")
    plant.unlink()
    done = found(hunt(kept, NAME), "kind", "file", "line", "reach")
    blobs = [each for each in done if each[0] == "blob"]
    assert blobs == [("blob", "plant.txt", 2, "head")], "one line for one file"
    assert hunt(kept, NAME).data["found"][0]["versions"] == 5
    assert sorted(each for each in done if each[0] != "blob") == [
        ("commit", "", 3, "unreachable"),
        ("tag", "", 2, "history"),
    ]


@pytest.mark.parametrize("reach", ["head", "history", "index", "unreachable"])
def test_how_far_git_still_has_it_is_told(kept: Deployment, reach: str) -> None:
    plant = kept.home / "plant.txt"
    plant.write_text(kept.show(NAME))
    git(kept.home, "add", "plant.txt")
    if reach == "unreachable":
        git(kept.home, "rm", "-q", "--cached", "plant.txt")
    elif reach != "index":
        git(kept.home, "commit", "-qm", "In")
    if reach == "history":
        git(kept.home, "rm", "-q", "plant.txt")
        git(kept.home, "commit", "-qm", "Out")
    assert found(hunt(kept, NAME), "reach") == [(reach,)]
    assert hunt(kept, NAME, "--no-history").data["searched"]["git_objects"] is None


def test_a_secret_that_only_a_merge_brought_is_found_with_it(kept: Deployment) -> None:
    git(kept.home, "checkout", "-qb", "other")
    git(kept.home, "commit", "-qm", "A", "--allow-empty")
    git(kept.home, "checkout", "-q", "main")
    git(kept.home, "commit", "-qm", "B", "--allow-empty")
    git(kept.home, "merge", "-q", "--no-commit", "other")
    (kept.home / "evil.txt").write_text(kept.show(NAME))
    git(kept.home, "add", "evil.txt")
    git(kept.home, "commit", "-qm", "Merged")
    commit = git(kept.home, "rev-parse", "HEAD").stdout.strip()
    assert found(hunt(kept, NAME), "file", "commit") == [("evil.txt", commit)]


def test_an_earlier_generation_is_found_and_asks_for_no_rotation(kept: Deployment) -> None:
    former = kept.show(NAME)
    (kept.home / "old.log").write_text(f"x\nlogin with {former}\n")
    for path in ("main.yaml", "turn.yaml"):
        data = (kept.tree / path).read_text()
        new = "An0therSecretThatSomebodyTyped"
        before, after = (base64.b64encode(each.encode()).decode() for each in (former, new))
        (kept.tree / path).write_text(data.replace(former, new).replace(before, after))
    succeed(kept.setup("--adopt"))
    done = kept.run("hunt", NAME, "--in", str(kept.home / "old.log"), "--json")
    assert found(done, "kind", "state", "line") == [("source", "past", 2)]
    assert done.data["rotate"] == []
    assert former not in done.text
    (kept.home / "new.log").write_text(kept.show(NAME))
    done = hunt(kept, NAME, "--in", str(kept.home / "new.log"))
    assert found(done, "state") == [("current",)]
    tree, identity = (str(each) for each in (kept.tree, kept.identity))
    assert done.data["rotate"][0].endswith(f"rotate {NAME} --compromised --tree {tree} --identity {identity}")


def test_a_shells_history_a_compressed_log_and_a_directory_are_searched(kept: Deployment) -> None:
    text, logs = kept.show(NAME), kept.home / "logs"
    (logs / "deep").mkdir(parents=True)
    long = "".join(f"{number} nothing here\n" for number in range(400_000))  # of more than one piece
    (logs / "deep" / "app.log.1.gz").write_bytes(gzip.compress(f"{long}turn={text}\n".encode()))
    (logs / "none.log").write_text(long)
    (logs / "lines.json").write_text(f'{{"a": 1}}\n{{"kind": "x", "b": "{text}"}}\n')
    history = kept.home / ".bash_history"
    history.write_text(f"ls\nturnadmin -s '{text}'\nls\nexport T={text}\n")
    done = hunt(kept, NAME, "--in", str(logs), "--in", str(history))
    assert sorted(found(done, "kind", "file", "line")) == sorted([
        ("source", str(logs / "deep" / "app.log.1.gz"), 400_001),
        ("source", str(logs / "lines.json"), 2),
        ("source", str(history), 2),
        ("source", str(history), 4),
    ])  # fmt: skip
    assert done.data["searched"]["sources"] == 4


def test_stdin_is_searched(kept: Deployment) -> None:
    command = [sys.executable, "-m", "wizard", "hunt", NAME, "--json", "--in", "-"]
    command += ["--tree", str(kept.tree), "--identity", str(kept.identity)]
    text = f"one\n{kept.show(NAME)}\n".encode()
    done = subprocess.run(command, input=text, capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 1, done.stderr
    assert [(each["file"], each["line"]) for each in json.loads(done.stdout)["found"]] == [("-", 2)]


def live(name: str, kind: str = "Secret", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "matrix", **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


def test_what_a_cluster_gives_out_is_told_by_object_and_field(
    kept: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = kept.show(NAME)
    encoded = base64.b64encode(text.encode()).decode()
    applied = live("synapse-secrets", stringData={"TURN": text, "OTHER": "else"})
    again = live("coturn-secrets", data={"TURN_SECRET": encoded})
    items = [
        live("synapse-secrets", data={"TURN": encoded}, metadata={"annotations": {LAST_APPLIED: json.dumps(applied)}}),
        live("coturn-secrets", data={"TURN_SECRET": encoded, "copy": encoded},
             metadata={"annotations": {LAST_APPLIED: json.dumps(again)}}),
        live("synapse-secrets", data={"TURN": encoded}, metadata={"namespace": "staging"}),
        live("old", kind="ConfigMap", data={"homeserver.yaml": f"a: b\nturn_shared_secret: '{text}'\n"}),
        live("bin", kind="ConfigMap", binaryData={"x": base64.b64encode(b"\0\1" + text.encode()).decode()}),
        live("web", kind="Deployment", spec={"containers": [{"args": ["-s", text]}]}),
    ]  # fmt: skip
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=4).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    people = kept.run("hunt", NAME, "--in", "-")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    done = kept.run("hunt", NAME, "--in", "-", "--json")
    annotation = f'metadata.annotations["{LAST_APPLIED}"]'
    assert sorted(found(done, "object", "field")) == sorted([
        ("Secret/matrix/synapse-secrets", f"{annotation} > stringData.TURN"),
        ("Secret/matrix/coturn-secrets", "data.copy"),
        ("Secret/matrix/coturn-secrets", f"{annotation} > data.TURN_SECRET"),
        ("Secret/staging/synapse-secrets", "data.TURN"),
        ("ConfigMap/matrix/old", 'data["homeserver.yaml"]'),
        ("ConfigMap/matrix/bin", "binaryData.x"),
        ("Deployment/matrix/web", "spec.containers[0].args[1]"),
    ])  # fmt: skip
    assert "Secret/matrix/synapse-secrets data.TURN" in done.data["places"][NAME]
    for name in ("synapse-secrets", "coturn-secrets"):
        assert f"kubectl annotate --namespace matrix secret {name} {LAST_APPLIED}-" in people.out
    assert [each for each in spellings(text) if each in people.text + done.text] == []


def test_what_cannot_be_searched_for_is_said(kept: Deployment) -> None:
    wrong = kept.run("hunt", "turn-sekret")
    assert (wrong.code, "Did you mean turn-secret?" in wrong.err) == (2, True)
    both = kept.run("hunt", NAME, "--all")
    assert (both.code, kept.run("hunt").code) == (2, 2)
    missing = kept.run("hunt", NAME, "--in", str(kept.home / "no"), "--in", str(kept.home / "nor"))
    assert (missing.code, missing.err.count("There is no such file")) == (2, 2)


@pytest.mark.parametrize("password", ["short-1", "aaaaaaaaaaaaaaaaaa", "minioadmin"])
def test_a_password_that_stands_anywhere_is_refused(lay_out: LayOut, password: str) -> None:
    deployment = lay_out(TREE, MINIMUM + SMTP)
    (deployment.answers.parent / "given.txt").write_text(password)
    succeed(deployment.setup())
    refused = deployment.run("hunt", "smtp-password")
    assert (refused.code, "cannot be searched for" in refused.err) == (2, True), refused.text
    assert password not in refused.text
    other = deployment.run("hunt", "--all")
    assert (other.code, "smtp-password cannot be searched for" in other.err) == (0, True)


def test_what_cannot_be_read_is_told_and_is_no_all_clear(kept: Deployment) -> None:
    damaged = kept.home / "damaged.gz"
    damaged.write_bytes(gzip.compress(os.urandom(4000))[:2000])
    done = kept.run("hunt", NAME, "--in", str(damaged))
    assert (done.code, "damaged.gz: It cannot be read" in done.err) == (1, True), done.text


def test_the_secret_is_in_no_argument_of_git(kept: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept.home / "plant.txt").write_text(kept.show(NAME))
    git(kept.home, "add", "plant.txt")
    log, real = kept.home / "argv.log", shutil.which("git")
    (kept.home / "bin").mkdir()
    wrapper = kept.home / "bin" / "git"
    wrapper.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {log}\nenv >> {log}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
    assert kept.run("hunt", NAME).code == 1
    told = log.read_text()
    assert "cat-file" in told
    assert [each for each in spellings(kept.show(NAME)) if each in told] == []
