"""Each mistake is found in the bundled tree that the program has filled, and its sites.lock lies beside it."""

from __future__ import annotations

import pytest

from mutants.bases import Base
from mutants.mistakes import MISTAKES
from mutants.rounds import Round, missed, rounds

ROUNDS = rounds(each for each in MISTAKES if "provisioned" in each.bases)


def test_the_tree_has_no_fault(provisioned_tree: Base) -> None:
    assert provisioned_tree.lock is not None
    assert provisioned_tree.findings({}) == []


@pytest.mark.parametrize("some", [pytest.param(each, id=f"{at:02}") for at, each in enumerate(ROUNDS)])
def test_each_mistake_is_found_and_named_by_its_rule(some: Round, provisioned_tree: Base) -> None:
    assert missed(provisioned_tree, some) == []
