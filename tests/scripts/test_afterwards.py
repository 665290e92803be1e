"""What setup says when it has written, on whole runs: each path and command holds. kubectl reads, and sends nothing."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from wizard import rollout

from .conftest import ANSWERS, Filled, new_deployment
from .reading import KUBECTL, by_pyyaml, every
from .runs import ROOT, Deployment, Run, run
from .small import MINIMUM, LayOut, config, ingress, secret, succeed
from .test_masking import leaks, secrets

README = ROOT / "templates/README.md"


def left(filled: Filled) -> dict[str, Any]:
    return dict(filled.first.data["afterwards"])


def read_by_kubectl(command: str) -> set[str]:
    """Return the names of the objects that kubectl finds at the paths of *command*, typed into a shell."""
    words = shlex.split(command)
    assert shlex.join(words[:4]) == rollout.APPLY
    if words[4] == "-k":
        line = [str(KUBECTL), "kustomize", words[5]]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        return {each["metadata"]["name"] for each in yaml.safe_load_all(done.stdout)}
    local = command.replace(rollout.APPLY, f"{shlex.quote(str(KUBECTL))} annotate --local -o name read-by=kubectl")
    done = subprocess.run(["bash", "-c", local], capture_output=True, text=True, check=True)
    return {line.rpartition("/")[2] for line in done.stdout.splitlines()}


def as_filled(filled: Filled) -> Deployment:
    """Return the tree where the first run's commands name it: they hold its path as it was typed then."""
    return Deployment(Path(filled.first.data["tree"]).parent)


def test_the_commands_apply_every_object_that_is_in_use(filled: Filled) -> None:
    deployment = as_filled(filled)
    told = left(filled)
    read = [read_by_kubectl(command) for command in told["apply"]]
    skipped = tuple(each["path"] for each in told["not_applied"] if "its kustomization" not in each["why"])
    used = {path: data for path, data in deployment.files().items() if not path.startswith(skipped or ("\0",))}
    objects = {
        item["metadata"]["name"]
        for document in (each for documents in by_pyyaml(used).values() for each in documents)
        for item in (document.get("items") or [document])
        if item.get("kind") and item.get("metadata")
    }
    assert set().union(*read) == objects
    assert all((deployment.tree / each["path"]).exists() for each in told["not_applied"])


def test_the_bundled_tree_is_applied_in_the_order_of_its_readme(filled: Filled) -> None:
    if filled.tree == "bundled":
        tree = filled.first.data["tree"]
        lines = re.findall(r"^(kubectl apply .*-f )(\S+)$", README.read_text("utf-8"), re.MULTILINE)
        wanted = [f"{words}{shlex.quote(f'{tree}/{path}')}" for words, path in lines]
        assert [each for each in left(filled)["apply"] if "/values/" not in each] == wanted
        pool = [each for each in left(filled)["apply"] if "/values/" in each]
        assert bool(pool) == (filled.level == "everything")


def test_the_ports_of_the_bundled_tree_are_those_of_its_readme(fill: Any) -> None:
    told = left(fill("bundled", "everything"))
    ports = {(each["protocol"], each["number"]) for each in told["ports"]}
    assert ports == {("TCP", "80"), ("TCP", "443"), ("TCP", "3478"), ("UDP", "3478"), ("UDP", "49152-65535"),
                     ("TCP", "7881"), ("UDP", "7882"), ("UDP", "50000-60000")}  # fmt: skip
    readme = README.read_text("utf-8").partition("## Ports to open")[2].partition("##")[0].replace("\u2013", "-")
    assert all(number in readme for _, number in ports)
    assert len(told["ports"]) == len(ports)
    charts = [each for each in told["ports"] if each["number"] == "50000-60000"]
    assert [each["what"] for each in charts] == ["LiveKit, where its chart runs it"]


def test_dns_names_are_those_of_the_ingresses_and_of_coturn(filled: Filled) -> None:
    told = left(filled)
    objects = by_pyyaml(
        {path: data for path, data in as_filled(filled).files().items() if path.endswith((".yaml", ".yml", ".json"))}
    )
    hosts = {rule["host"] for each in every(objects, "Ingress").values() for rule in each["spec"]["rules"]}
    names = {each["name"] for each in told["dns"] if each["server"] == "ingress"}
    assert names == {host for host in hosts if not host.endswith("example.com")}
    address = "185.60.113.10" if filled.level == "everything" else ""
    assert [each for each in told["dns"] if each["server"] != "ingress"] == [
        {"name": "turn.chat-corp.net", "server": "coturn", "address": address}
    ]
    refused = {shlex.split(each)[-1] for each in told["li_requests"]}
    assert refused == {f"https://{name}-li.chat-corp.net/" for name in ("matrix", "element", "admin")}
    assert told["legal_sign_off"] is True


def test_the_same_again_is_what_it_says(one: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(one.deployment.answers.parent)  # where there is an answers.yaml
    done = one.deployment.run("setup", "--set", "lawful_intercept.admin_user=officer", "--no-input", "--yes", "--json")
    assert done.code == 0, done.err
    assert len(done.data["afterwards"]["again"]) == 2
    again_as_told(one.deployment, done)


def again_as_told(deployment: Deployment, told: Run, code: int = 0) -> None:
    """Run what *told* says gives the same again."""
    before = deployment.files()
    for command in told.data["afterwards"]["again"]:
        again = run(*shlex.split(command)[1:])
        assert again.code in (0, code), again.err
    assert "No byte was changed" in again.out
    assert deployment.files() == before


def test_the_same_again_after_an_answers_file_is_that_file(lay_out: LayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    """But what --set gave besides stands in the vault alone."""
    deployment = lay_out(FLAT, MINIMUM)
    sheet = deployment.answers.rename(deployment.answers.with_name("my answers.yaml"))
    deployment.answers.write_text("theirs: 1\n")
    given = ("setup", "--answers", str(sheet), "--no-input", "--yes", "--json")
    told = deployment.run(*given)
    assert [shlex.split(each)[1:4] for each in told.data["afterwards"]["again"]] == [["setup", "--answers", str(sheet)]]
    again_as_told(deployment, told)
    succeed(deployment.blank())
    monkeypatch.chdir(deployment.answers.parent)
    told = deployment.run(*given, "--set", "lawful_intercept.admin_user=officer")
    assert [shlex.split(each)[1:4] for each in told.data["afterwards"]["again"]] == [
        ["answers", "--out", "answers-2.yaml"], ["setup", "--answers", "answers-2.yaml"]]  # fmt: skip
    again_as_told(deployment, told)
    assert deployment.answers.read_text() == "theirs: 1\n"


def test_the_same_again_leaves_out_what_was_left_out(lay_out: LayOut) -> None:
    deployment = lay_out({**FLAT, "broken.yaml": "a: [CHANGEME_TURN_SECRET\n"}, MINIMUM)
    told = deployment.setup("--skip-unparseable", "--json")
    assert told.code == 1, told.err
    again_as_told(deployment, told, code=1)


def test_the_text_says_what_the_data_say_in_whole_lines_where_it_goes_to_no_terminal(
    one: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    change = ("setup", "--no-input", "--yes", "--set")
    data = one.deployment.run(*change, "lawful_intercept.admin_user=officer", "--json").data["afterwards"]
    done = one.deployment.run(*change, "lawful_intercept.admin_user=other")
    assert leaks(done, secrets(one)) == []
    blocks = [block.splitlines() for block in done.out.split("\n\n")]
    listed = {line.strip() for block in blocks for line in block}
    assert {*data["apply"], *data["li_requests"], *(each["name"] for each in data["dns"])} <= listed
    assert {f"{each['path']}  ({each['why']})" for each in data["not_applied"]} <= listed
    assert [command for command in data["again"] if command not in listed] == []
    assert "UDP 3478, 49152-65535  coturn" in listed
    headings = [line for block in blocks[1:] for line in block if not line.startswith((" ", "Next: "))]
    assert [line for line in headings if len(line) >= 40], "only a terminal's lines are broken"
    assert one.deployment.identity.as_posix() in listed
    quiet = one.deployment.run(*change, "lawful_intercept.admin_user=third", "--quiet")
    assert (quiet.code, quiet.out) == (0, "")


def test_a_vault_with_one_key_asks_for_another(one: Filled) -> None:
    change = ("setup", "--no-input", "--yes", "--set")
    assert left(one)["recipients"] == 1
    told = one.deployment.run(*change, "lawful_intercept.admin_user=officer")
    (hint,) = [line.strip() for line in told.out.splitlines() if "recipients add" in line]
    colleague = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
    added = run(*shlex.split(hint.replace("age1…", colleague))[1:], "--yes")
    assert added.code == 0, added.err
    told = one.deployment.run(*change, "lawful_intercept.admin_user=other", "--json")
    assert told.data["afterwards"]["recipients"] == 2
    assert told.data["key"] == str(one.deployment.identity)
    assert "recipients add" not in one.deployment.run(*change, "lawful_intercept.admin_user=third").out


def test_nothing_is_said_before_anything_was_written(one: Filled) -> None:
    for told in (one.deployment.plan("--json"), one.deployment.setup("--json"), one.deployment.blank("--json")):
        assert told.code == 0, told.err
        assert told.data["afterwards"] is None
    assert "kubectl" not in one.deployment.setup("-n").out


FLAT = {
    "ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: matrix}\n",
    "synapse.yaml": secret("synapse-secrets", TURN_SECRET="CHANGEME"),
    "turn server.yaml": config("coturn", "static-auth-secret=CHANGEME\nmin-port=50000\n", "turnserver.conf"),
    "synapse-li.yaml": ingress(),
    "chart-values.yaml": "replicas: 1\n",
}  # fmt: skip


def test_a_flat_tree_is_applied_from_where_the_operator_stands(
    lay_out: LayOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named relative to there, through a shell, with blanks in its names."""
    deployment = lay_out(FLAT, MINIMUM)
    deployment.tree.rename(tmp_path / "my tree")
    monkeypatch.chdir(tmp_path)
    key = str(deployment.identity)
    given = ("--answers", str(deployment.answers), "--no-input", "--yes", "--identity", key, "--tree", "my tree")
    done = run("setup", *given, "--json")
    assert done.code == 0, done.err
    told = done.data["afterwards"]
    assert [shlex.split(each)[4:] for each in told["apply"]] == [
        ["-f", "my tree/ns.yaml"],
        ["-f", "my tree/synapse.yaml", "-f", "my tree/turn server.yaml"],
        ["-f", "my tree/synapse-li.yaml"],
    ]
    read = [read_by_kubectl(command) for command in told["apply"]]
    assert read == [{"matrix"}, {"synapse-secrets", "coturn"}, {"synapse-li"}]
    assert told["not_applied"] == [{"path": "chart-values.yaml", "why": "no Kubernetes objects, such as chart values"}]
    assert {each["number"] for each in told["ports"]} == {"80", "443", "3478", "50000-65535"}


def test_a_tree_without_li_wants_no_sign_off(lay_out: LayOut) -> None:
    deployment = lay_out({path: text for path, text in FLAT.items() if "li" not in path}, MINIMUM)
    done = deployment.setup()
    assert done.code == 0, done.err
    assert "legal" not in done.out
    assert "curl" not in done.out
    assert "DNS: point this name at the node of coturn." in done.out
    assert os.linesep.join(["  turn.chat-corp.net", ""]) in done.out


def test_a_new_deployment_is_told_all_of_it(tmp_path: Path, key_files: Path) -> None:
    done = new_deployment(tmp_path / "new", key_files, "bundled", ANSWERS["minimum"]).setup()
    assert done.code == 0, done.err
    wanted = ("DNS: ", "Firewall: ", "Apply, ", "Not applied ", "The LI instance ", "Then try ", "Keep the vault ",
              "No vault stays ", "The same again", "Next: ")  # fmt: skip
    found = [done.out.index(f"\n{heading}") for heading in wanted]
    assert found == sorted(found)
