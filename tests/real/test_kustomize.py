"""kubectl builds the tree as templates/README.md says, whatever part is left out of it, and check finds nothing."""

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
from scripts.runs import ROOT, Deployment, originals

from wizard.catalogue import COMPONENTS

from .filled import ALLOWED, Filled, fill

ANSWERS = EVERYTHING.replace("185.60.112.0/24", ALLOWED)
PHASES = ("infrastructure/", "main-instance/", "li-instance/")
# What is left out, by the names of its objects, and the sections of the answers that are not there then.
OPTIONAL = tuple(path for each in COMPONENTS if each.name != "letsencrypt" for path in each.files)
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
    """Run the README's lines in the tree."""
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
    standing = [each for path, found in tree.objects.items() if path.startswith(PHASES) for each in found]
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
    """As an operator's own tree, since the bundled one always has it."""
    deployment = Deployment(tmp_path)
    left_out = ("li-instance/", "infrastructure/01-postgresql/li-cluster.yaml", *OPTIONAL)
    for path, data in originals("bundled").items():
        if not path.startswith(left_out):
            (deployment.tree / path).parent.mkdir(parents=True, exist_ok=True)
            (deployment.tree / path).write_bytes(data)
    deployment.answers.parent.mkdir()
    deployment.answers.write_text("domains: {base: chat-corp.net}\ntls: {email: ops@chat-corp.net}\n")
    done = deployment.setup()
    assert done.code == 0, done.err
    names = assert_built(Filled("bundled", deployment))
    assert {name for name in names if re.search(r"\bli\b|sync-system", name)} == POLICIES_OF_LI


def test_kubectl_refuses_an_object_that_is_there_twice(tmp_path: Path) -> None:
    tree = fill(tmp_path, "bundled", without(without(ANSWERS, "push"), "livekit")).deployment.tree
    shutil.copy(tree / "main-instance/01-synapse/secrets.yaml", tree / "main-instance/01-synapse/copy.yaml")
    assert "already registered id" in built(tree).stderr
    (tree / "main-instance/01-synapse/copy.yaml").write_text("kind: Secret\nmetadata: {name: a")
    assert built(tree).returncode != 0
