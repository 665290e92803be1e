"""The commands of the checklist's section 10, as a person runs them, beside check: it tells whatever they tell."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from mutants.bases import Base
from mutants.mistakes import MISTAKES, Mistake

# Section 10.1, but for the third: that prints every secret and asks a person whether all of it looks like base64.
GREPS = (
    'grep -rn "CHANGEME" deployment/',
    'grep -rn "example.com" deployment/ | grep -v docs | grep -v README',
)
PLACEHOLDERS = [each for each in MISTAKES if each.rule == "placeholder-left"]


def grepped(texts: Mapping[str, str], home: Path) -> set[tuple[str, int]]:
    """Return file and line of all that the checklist's commands print about the tree."""
    for path, text in texts.items():
        file = home / "deployment" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    found = set()
    for command in GREPS:
        run = subprocess.run(["sh", "-c", command], cwd=home, capture_output=True, text=True, check=False)
        assert run.stderr == "" and run.returncode in (0, 1)
        for line in run.stdout.splitlines():
            path, number, _ = line.removeprefix("deployment/").split(":", 2)
            found.add((path, int(number)))
    return found


def told(base: Base, changed: Mapping[str, str]) -> set[tuple[str, int]]:
    return {(each.file, each.line) for each in base.findings(changed) if each.id == "placeholder-left"}


def test_nothing_is_left_in_the_tree_by_hand(tree_by_hand: Base, tmp_path: Path) -> None:
    assert grepped(tree_by_hand.texts, tmp_path) == set()


def test_nothing_is_left_in_the_provisioned_tree(provisioned_tree: Base, tmp_path: Path) -> None:
    assert grepped(provisioned_tree.texts, tmp_path) == set()


@pytest.mark.parametrize("mistake", PLACEHOLDERS, ids=lambda each: each.name)
def test_check_tells_what_the_commands_tell(mistake: Mistake, tree_by_hand: Base, tmp_path: Path) -> None:
    changed = {mistake.file: mistake.edit(tree_by_hand.texts[mistake.file], tree_by_hand.texts)}
    lines = grepped({**tree_by_hand.texts, **changed}, tmp_path)
    found = told(tree_by_hand, changed)
    assert found and lines <= found


def test_the_commands_miss_what_check_tells(tree_by_hand: Base, tmp_path: Path) -> None:
    """Spellings that they do not look for, and what is encoded."""
    changed: dict[str, str] = {}
    for each in PLACEHOLDERS:
        if each.file not in changed:
            changed[each.file] = each.edit(tree_by_hand.texts[each.file], tree_by_hand.texts)
    theirs, ours = grepped({**tree_by_hand.texts, **changed}, tmp_path), told(tree_by_hand, changed)
    assert theirs and theirs < ours


def test_the_commands_find_something_at_all(tmp_path: Path) -> None:
    texts = {"a/b.yaml": "one: 1\ntwo: CHANGEME\n", "docs/c.yaml": "example.com\n", "d.yaml": "host: a.example.com\n"}
    assert grepped(texts, tmp_path) == {("a/b.yaml", 2), ("d.yaml", 1)}
