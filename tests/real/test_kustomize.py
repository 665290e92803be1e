"""kubectl builds the tree as it stands, whatever part is left out of it, and check finds nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts.conftest import EVERYTHING
from scripts.reading import KUBECTL
from scripts.runs import ROOT

from .filled import ALLOWED, Filled, fill

ANSWERS = EVERYTHING.replace("185.60.112.0/24", ALLOWED)
NO_LI = "domains: {base: chat-corp.net}\nlawful_intercept: {instance: none}\ntls: {email: ops@chat-corp.net}\n"
# What is left out, by the names of its objects, and the sections of the answers that are not there then.
POLICIES_OF_LI = {"postgresql-li-access", "li-instance-isolation"}  # which select nothing then
PARTS = {
    "nothing": ("", ()),
    "mail": ("synapse-email", ("smtp",)),
    "push": ("sygnal|sygnal-.*", ("push",)),
    "push to Apple": ("sygnal-apns", ("  apns",)),
    "push to Android": ("sygnal-fcm", ("  fcm",)),
    "LiveKit": ("livekit|livekit-.*", ("livekit",)),
    "all that may be": ("synapse-email|(sygnal|livekit)(-.*)?", ("smtp", "push", "livekit")),
}


def without(answers: str, section: str) -> str:
    """Return the answers without a section: its key, with what is indented deeper."""
    depth = len(section) - len(section.lstrip())
    text, count = re.subn(rf"^{section}:.*\n(?: {{{depth + 1}}}.*\n)*", "", answers, flags=re.M)
    assert count == 1
    return text


def built(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run the README's line in the tree."""
    lines = (ROOT / "templates/README.md").read_text().partition("## With kustomize")[2].split("```")[1]
    script = lines.removeprefix("sh\n").replace("> /dev/null", "")
    environment = {**os.environ, "PATH": f"{KUBECTL.parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def objects(documents: Any) -> dict[tuple[str, str, str], Any]:
    """Return the objects by kind, namespace and name."""
    every = [each for each in documents if each]
    found = {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): each for each in every}
    assert len(found) == len(every)
    return found


def assert_built(tree: Filled) -> set[str]:
    """Kustomize builds just what stands in the tree, and check is content with it; returns the names of the objects."""
    done = built(tree.deployment.tree)
    assert done.returncode == 0, done.stderr
    standing = [each for found in tree.objects.values() for each in found if "kind" in each]
    found = objects(yaml.safe_load_all(done.stdout))
    assert found == objects(standing)
    told = tree.deployment.run("check", "--json")
    assert (told.code, told.data["ready"]) == (0, True), told.out
    return {name for _, _, name in found}


@pytest.mark.parametrize("part", PARTS)
def test_the_tree_is_built_without_a_part_too(part: str, tmp_path: Path) -> None:
    gone, sections = PARTS[part]
    answers = ANSWERS
    for section in sections:
        answers = without(answers, section)
    names = assert_built(fill(tmp_path, "bundled", answers))
    assert {name for name in names if gone and re.fullmatch(gone, name)} == set()
    assert {"synapse-main", "synapse-li", "haproxy", "coturn", "key-vault"} <= names


def test_the_tree_is_built_without_the_li_instance(tmp_path: Path) -> None:
    names = assert_built(fill(tmp_path, "bundled", NO_LI))
    assert {name for name in names if re.search(r"\bli\b|sync-system", name)} == POLICIES_OF_LI
    assert {"synapse-main", "haproxy", "coturn", "key-vault"} <= names


def test_the_list_follows_what_is_switched_on_and_off_and_what_an_operator_adds(tmp_path: Path) -> None:
    tree = fill(tmp_path, "bundled", without(ANSWERS, "livekit"))
    files = tree.deployment.tree
    was = (files / "Kustomization").read_bytes()
    names = assert_built(tree)
    for answer, more in (("livekit={}", {"livekit", "livekit-secrets"}), ("livekit=null", set())):
        assert tree.deployment.setup("--set", answer).code == 0
        now = assert_built(Filled("bundled", tree.deployment))
        assert (now >= names | more, bool(now - names)) == (True, bool(more))
    assert tree.deployment.setup("--set", "lawful_intercept.instance=none").code == 0
    done = built(files)
    left = {name for _, _, name in objects(yaml.safe_load_all(done.stdout))}
    assert (names - left) >= {"synapse-li", "matrix-postgresql-li", "synapse-admin-li", "sync-system-setup"}
    assert {name for name in left if re.search(r"\bli\b|sync-system", name)} == POLICIES_OF_LI
    assert "CHANGEME" not in done.stdout and "example.com" not in done.stdout
    assert tree.deployment.setup("--set", "lawful_intercept.instance=null").code == 0
    assert assert_built(Filled("bundled", tree.deployment)) == names
    assert sorted((files / "Kustomization").read_text().splitlines()) == sorted(was.decode().splitlines())

    (files / "main-instance/09-bots").mkdir()
    bot = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a-bot, namespace: matrix}\n"
    (files / "main-instance/09-bots/bot.yaml").write_text(bot)
    (files / "main-instance/06-coturn/deployment.yaml").unlink()
    told = tree.deployment.run("check", "--json")
    wrong = [each["message"] for each in told.data["findings"] if each["id"] == "kustomization-list"]
    assert wrong == [
        "main-instance/09-bots/bot.yaml is in use, and it is not listed here.",
        "main-instance/06-coturn/deployment.yaml is listed here, and there is no such file.",
    ]
    assert "06-coturn" in built(files).stderr
    assert tree.deployment.setup().code == 0
    found = objects(yaml.safe_load_all(built(files).stdout))
    assert {name for _, _, name in found} >= {"a-bot", "haproxy"}


def test_kubectl_applies_directories_past_the_kustomization(tmp_path: Path) -> None:
    """By its other names it would be taken for an object, which no API server knows."""
    tree = fill(tmp_path, "bundled", ANSWERS).deployment.tree
    command = [str(KUBECTL), "annotate", "--local", "-R", "-f", str(tree / "main-instance"), "-o", "name", "a=b"]
    for name, is_read in (("Kustomization", False), ("kustomization.yaml", True)):
        shutil.copy(tree / "Kustomization", tree / "main-instance" / name)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert ("kustomization.kustomize.config.k8s.io/matrix" in done.stdout) is is_read


def test_kubectl_refuses_an_object_that_is_there_twice(tmp_path: Path) -> None:
    tree = fill(tmp_path, "bundled", without(without(ANSWERS, "push"), "livekit")).deployment.tree
    shutil.copy(tree / "main-instance/01-synapse/secrets.yaml", tree / "main-instance/01-synapse/copy.yaml")
    with (tree / "Kustomization").open("a") as listing:
        listing.write("  - main-instance/01-synapse/copy.yaml\n")
    assert "already registered id" in built(tree).stderr
    (tree / "main-instance/01-synapse/copy.yaml").write_text("kind: Secret\nmetadata: {name: a")
    assert built(tree).returncode != 0
