"""Each mistake is found in the bundled tree that a person has filled: no sites.lock, no vault, no run before."""

from __future__ import annotations

import pytest

from mutants.bases import Base
from mutants.mistakes import MISTAKES
from mutants.rounds import Round, missed, rounds

ROUNDS = rounds(each for each in MISTAKES if "by hand" in each.bases)


def test_the_tree_has_no_fault(tree_by_hand: Base) -> None:
    assert tree_by_hand.lock is None
    assert tree_by_hand.findings({}) == []


@pytest.mark.parametrize("some", [pytest.param(each, id=f"{at:02}") for at, each in enumerate(ROUNDS)])
def test_each_mistake_is_found_and_named_by_its_rule(some: Round, tree_by_hand: Base) -> None:
    assert missed(tree_by_hand, some) == []
