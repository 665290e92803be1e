"""A list in groups at every size: what is pointed at is in view, every choice is reached, and what an answer names."""

from __future__ import annotations

import os
import random
import sys

import pytest

from wizard import selection
from wizard.interview import Ask
from wizard.selection import Selection

LOOSE, FIRST, SECOND, LAST = ("loose",), ("apple", "apricot", "berry"), tuple(f"c{n:02}" for n in range(20)), ("zebra",)
ASK = Ask(
    "Which?",
    "several",
    choices={word: f"{word}   {word} is told" for word in (*LAST, *SECOND, *FIRST, *LOOSE)},
    groups={"First": FIRST, "Second": SECOND, "None": (), "Last": LAST},
    refused={"berry": "it is not ripe"},
)
SHOWN = (*LOOSE, *FIRST, *SECOND, *LAST)
LEGAL = tuple(word for word in SHOWN if word != "berry")


def begun(text: str = "") -> Selection:
    return selection.begun(Ask(ASK.label, ASK.form, text=text, choices=ASK.choices, groups=ASK.groups,
                               refused=ASK.refused), str)  # fmt: skip


def words_in(view: list[tuple[str, selection.Row]]) -> list[str]:
    return [row.word or row.heading for _, row in view]


def test_choices_stand_under_their_headings_and_an_empty_group_has_none() -> None:
    assert words_in(begun().view(100)) == ["loose", "First", *FIRST, "Second", *SECOND, "Last", "zebra"]


@pytest.mark.parametrize("height", [1, 2, 3, 4, 7, 28, 50])
def test_wherever_the_keys_lead_the_row_is_in_view_and_the_lines_are_full(height: int) -> None:
    seed = int(os.environ.get("SEED", random.randrange(2**32)))  # noqa: S311
    print(f"SEED={seed}", file=sys.stderr)
    chance = random.Random(seed)  # noqa: S311
    now = begun()
    for _ in range(500):
        step = chance.choice([-1, 1])
        now = chance.choice([now.moved(step), now.paged(step * chance.randint(1, 40)), now.found(chance.choice(SHOWN))])
        now = now.scrolled(height if chance.random() < 0.9 else chance.randint(1, 40)).scrolled(height)
        view = now.view(height)
        assert len(view) == min(height, len(now.rows))
        assert [row for mark, row in view if mark == "›"] == [now.row]
        assert now.row.word in SHOWN
        words = words_in(view)
        listed = words_in([("", row) for row in now.rows])
        assert (view[0][0] == "^") == (now.top > 0 and view[0][1] != now.row)
        assert (view[-1][0] == "v") == (words[-1] != listed[-1] and view[-1][1] != now.row)
        if height >= 3:  # of a choice that ends the group above the view, nothing but itself may be left
            assert {row.heading for _, row in view[1:] if row.word} - {""} <= set(words)


def test_down_and_page_down_lead_to_every_choice_and_show_each() -> None:
    now, passed = begun(), []
    for _ in SHOWN:
        passed.append(now.row.word)
        now = now.moved(1)
    assert passed == list(SHOWN)
    assert now.row.word == SHOWN[0]
    assert now.moved(-1).row.word == SHOWN[-1]
    for height in (2, 3, 5, 9):
        seen: set[str] = set()
        now = begun().scrolled(height)
        for _ in now.rows:
            seen |= set(words_in(now.view(height)))
            now = now.paged(max(1, height - 1)).scrolled(height)
        assert now.row.word == SHOWN[-1]
        assert set(SHOWN) - seen == set(), height


def test_what_is_chosen_is_told_in_the_order_shown_and_a_refused_one_never_is() -> None:
    now = begun("zebra, berry, unknown, apple")
    assert now.text == "apple, zebra"
    assert now.found(["berry"]).toggled().text == "apple, zebra"
    now = now.found(["c07"]).toggled()
    assert now.text == "apple, c07, zebra"
    assert now.toggled().text == "apple, zebra"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("1", ("loose",)),
        ("2, 5-7", ("apple", "c01", "c02", "c03")),
        ("5-7,2", ("apple", "c01", "c02", "c03")),
        (" 2 5 - 7 , ", ("apple", "c01", "c02", "c03")),
        ("2-2 2 apple", ("apple",)),
        ("zeb,LOOSE", ("loose", "zebra")),
        (f"1-{len(LEGAL)}", LEGAL),
        ("", ()),
    ],
)
def test_numbers_ranges_and_names_are_read(typed: str, words: tuple[str, ...]) -> None:
    assert selection.read(ASK, typed) == (", ".join(words), None)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("0", ["0 is not in the list."]),
        ("99", ["99 is not in the list."]),
        ("7-5", ["7-5 is not in the list."]),
        ("1-999999999999", ["1-999999999999 is not in the list."]),
        ("ap", ["ap begins apple and apricot."]),
        ("c", ["c begins c00 and 19 others."]),
        ("berry", ["berry cannot be chosen here: it is not ripe."]),
        (",", [", is no name in the list."]),
        ("apple, x, 0, ber", ["x is no name", "0 is not in the list.", "berry cannot be chosen here"]),
    ],
)
def test_all_that_is_wrong_is_told_with_what_is_legal_and_nothing_is_taken(typed: str, told: list[str]) -> None:
    words, fault = selection.read(ASK, typed)
    assert words == ""
    assert fault
    assert [each for each in told if each not in fault.what] == []
    assert fault.what.endswith(f"Type numbers from 1 to {len(LEGAL)}, as in 2, 5-7, or names.")


@pytest.mark.parametrize("sign", [" …", " ..."])
def test_a_line_is_cut_behind_a_word_and_never_too_long(sign: str) -> None:
    text = "worker-replication-secret  all Synapse workers restart together"
    for width in range(8, 70):
        short = selection.cut(text, width, sign)
        assert len(short) <= width
        if short == text:
            assert width >= len(text)
            continue
        kept = short.removesuffix(sign)
        assert kept != short
        assert text.startswith(kept)
        assert kept
        assert width < len("worker-replication-secret") + len(sign) or text[len(kept)] == " "
