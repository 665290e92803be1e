"""The table of rules holds together: what a finding may be called, and what stands beside each row."""

from wizard import rules
from wizard.check import check
from wizard.structure import Tree
from wizard.survey import survey

from .asking import NOW


def test_an_id_is_one_row_and_each_says_why_and_from_where() -> None:
    assert len(rules.BY_ID) == len(rules.RULES)
    for each in rules.RULES:
        assert each.title.endswith(".") and each.why.endswith(".") and each.source, each.id
        assert each.group in rules.TITLES


def test_a_story_says_more_than_why() -> None:
    for each in rules.RULES:
        if each.story:
            assert 2 <= each.story.count(". ") + 1 <= 7 and each.story.endswith("."), each.id
            assert each.story not in each.why


def test_what_is_met_first_is_told_before_the_rest_is_looked_at() -> None:
    seen = survey(Tree({"a.yaml": b"kind: Secret\nstringData: {password: CHANGEME_TURN_SECRET}\n"}), None, NOW)
    assert next(check(seen)).id == "placeholder-left"
    assert "workloads" not in vars(seen), "what runs is asked for by later families"
