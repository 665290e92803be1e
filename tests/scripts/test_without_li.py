"""A deployment without the LI instance: what is its own is not made, and where it stands it is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import MINIMUM, Filled
from .runs import SOURCES, Deployment

NONE = "lawful_intercept.instance=none"
OWN = ("li-instance/", "infrastructure/01-postgresql/li-cluster.yaml")


def files_of_li(deployment: Deployment) -> dict[str, bytes]:
    return {path: data for path, data in deployment.files().items() if path.startswith(OWN)}


def test_a_new_tree_without_li_has_nothing_of_it_and_is_ready(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.answers.parent.mkdir()
    answers = MINIMUM.replace("{allowed_cidrs: [185.60.112.0/24]}", "{instance: none}")
    deployment.answers.write_text(answers)
    done = deployment.setup()
    assert done.code == 0, done.err
    assert files_of_li(deployment) == {}
    told = deployment.run("show", "--json").out + done.out
    assert "redis-password" in told
    assert "li-" not in told.replace("li-instance-isolation", "").replace("synapse-media-li", "")
    assert ("-li.chat-corp.net" in done.out, "legal sign-off" in done.out) == (False, False)
    checked = deployment.run("check", "--json")
    assert (checked.code, checked.data["ready"]) == (0, True), checked.out
    assert [each["id"] for each in checked.data["findings"] if each["id"] != "vault-single-key"] == []


def test_the_ranges_are_wanted_only_where_li_stands(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.answers.parent.mkdir()
    for given in ("{}", "{instance: here}"):
        deployment.answers.write_text(MINIMUM.replace("{allowed_cidrs: [185.60.112.0/24]}", given))
        refused = deployment.setup()
        assert (refused.code, "lawful_intercept.allowed_cidrs is missing" in refused.err) == (2, True)
    assert not deployment.tree.exists()


def test_li_that_stands_is_emptied_and_no_longer_applied_and_comes_back_as_it_was(full: Filled) -> None:
    deployment = full.deployment
    before, held = deployment.files(), deployment.show("li-db-password")
    off = deployment.setup("--set", NONE, "--json")
    assert off.code == 0, off.err
    if full.tree == "bundled":
        assert files_of_li(deployment) == {
            path: (SOURCES["bundled"] / path).read_bytes() for path in files_of_li(deployment)
        }
    assert not any(held.encode() in data for data in deployment.files().values())
    checked = deployment.run("check", "--json")
    assert {each["severity"] for each in checked.data["findings"] if each["file"].startswith(OWN)} <= {"warning"}
    skipped = {each["path"] for each in off.data["afterwards"]["not_applied"]}
    assert full.tree == "dress" or "li-instance/" in skipped
    assert deployment.setup("--set", "lawful_intercept.instance=null").code == 0
    assert {path: data for path, data in deployment.files().items() if before.get(path) != data} == {}


@pytest.mark.parametrize("tree", ["checklist"])
def test_in_a_tree_of_ones_own_li_is_left_alone(tree: str, tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.answers.parent.mkdir()
    for path in SOURCES[tree].rglob("*"):
        if path.is_file():
            target = deployment.tree / path.relative_to(SOURCES[tree])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    before = files_of_li(deployment)
    deployment.answers.write_text(MINIMUM.replace("{allowed_cidrs: [185.60.112.0/24]}", "{instance: none}"))
    done = deployment.setup("--json")
    assert done.code == 0, done.err
    assert files_of_li(deployment) == before
    assert done.data["left_out"]["li"] > 20
    found = [each for each in deployment.run("check", "--json").data["findings"] if each["file"].startswith(OWN)]
    assert {(each["id"], each["severity"]) for each in found} == {("placeholder-left", "warning")}  # in comments
