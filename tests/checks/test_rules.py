"""The table of rules holds together: what a finding may be called, and what stands beside each row."""

from wizard import rules


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
