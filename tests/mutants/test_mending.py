"""check --fix takes back what it can of the mistakes: the rules no longer speak, and no other one begins to."""

from __future__ import annotations

import pytest

from mutants.bases import Base
from mutants.mistakes import MISTAKES
from mutants.rounds import Round, rounds

# The rules of which a finding may be put right.
RULES = {
    *("base64-missing", "base64-twice", "base64-in-plain", "base64-wrapped", "trailing-newline", "not-a-string"),
    *("parsers-disagree", "field-deprecated", "annotation-misspelt", "cluster-unwatched", "li-address-lost"),
    *("li-either-or", "li-unlogged", "secret-in-annotation", "auth-type-missing"),
}
ROUNDS = rounds(each for each in MISTAKES if each.rule in RULES)


def test_each_of_these_rules_has_a_mistake() -> None:
    assert {each.rule for some in ROUNDS for each in some} == RULES


@pytest.mark.parametrize("some", [pytest.param(each, id=f"{at:02}") for at, each in enumerate(ROUNDS)])
def test_mistakes_are_taken_back_where_there_is_one_answer(some: Round, tree_by_hand: Base) -> None:
    texts = tree_by_hand.texts
    broken = {each.file: each.edit(texts.get(each.file, ""), texts) for each in some}
    before = {each.id for each in tree_by_hand.findings(broken)}
    mended = tree_by_hand.mended(broken)
    after = {each.id for each in tree_by_hand.findings(mended)}
    assert [each.name for each in some if each.rule in after] == []
    assert after < before
    assert tree_by_hand.mended(mended) == mended, "a second time changes nothing"
