"""Several of many in a real pseudo-terminal: chosen by Space, scrolled, refused in words; and in plain lines."""

from __future__ import annotations

import json
import random
import re
import shlex
import sys
from pathlib import Path

import pytest

from .choosing import GROUPS, LABEL, NOTES, REFUSED, STEP, WORDS
from .screens import BACK, CTRL_C, CTRL_Z, DOWN, ESCAPE, PASTE, PASTED, UP, Screens
from .test_terminals import COLOUR, at_line

PAGE_UP, PAGE_DOWN, HOME, END, BACKSPACE = "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x7f"
PROGRAM = shlex.join([sys.executable, str(Path(__file__).with_name("choosing.py"))])
LETTERS = "! No choice begins so. Backspace forgets the letters."


def run(home: Path, words: str = "", **options: str | int) -> Screens:
    screens = Screens(home, under=f"{PROGRAM} {words}", **options)  # type: ignore[arg-type]
    if "--plain" in words:
        at_line(screens, "  Type numbers or names, as in 2, 5-7. < goes back, ? tells more, Ctrl-C stops.")
    else:
        on(screens, WORDS[0])
    return screens


def pointed(screen: str) -> str:
    """Return the word of the row that is pointed at."""
    found = re.findall(r"^[›>] (?:\[[ x]\]| - ) (\S+)", screen, re.MULTILINE)
    return str(found[0]) if len(found) == 1 else ""


def shown_words(screen: str) -> list[str]:
    return re.findall(r"(?:\[[ x]\]| - ) (\S+)", screen)


def is_page(screen: str) -> bool:
    """Whether the rows are those of one page: while they are drawn anew some are still those of the one before."""
    words, every = shown_words(screen), list(WORDS)
    return bool(words) and words == every[every.index(words[0]) :][: len(words)]


def on(screens: Screens, word: str) -> str:
    return screens.until(lambda screen: pointed(screen) == word)


def chosen(screens: Screens, count: int) -> str:
    return screens.until(f"({count} chosen)")


def answer(home: Path, screens: Screens) -> str:
    assert screens.end() == 0
    return str(json.loads((home / "chosen.json").read_text())["answer"])


def test_space_chooses_enter_accepts_and_one_line_is_left(home: Path) -> None:
    screens = run(home)
    lines = [line.strip() for line in screens.until(STEP).split("\n")]  # the rows come one after the other
    assert "[x]" not in screens.shown  # nothing is preselected
    assert lines.index(STEP) == lines.index(f"[ ] {WORDS[17]:<17}{NOTES[WORDS[17]]}") + 1
    screens.send("redis")
    on(screens, "redis-password")
    screens.send(UP, UP, UP, " ")
    chosen(screens, 1)
    screens.send(HOME, " ", DOWN, " ")
    chosen(screens, 3)
    screens.send(" ")
    chosen(screens, 2)
    # The label and the rows are drawn one after the other.
    screens.until(lambda screen: "worker-secret" in screen and "[x] worker-secret" not in screen)
    screens.send("\r")
    assert answer(home, screens) == "turn-secret, postgresql-main"
    assert screens.shown.strip() == "Rotate: turn-secret, postgresql-main"


@pytest.mark.parametrize(("rows", "columns"), [(40, 100), (12, 40), (6, 30), (4, 25)])
def test_every_row_is_reached_and_told_whole_on_any_terminal(home: Path, rows: int, columns: int) -> None:
    screens = run(home, rows=rows, columns=columns)
    for word in WORDS:
        told = f"{word} {NOTES[word]}" + (f" ({REFUSED[word]})" if word in REFUSED else "")
        wanted = ["(0 chosen)", "Space choose"] + ([told] if rows >= 6 and (rows > 6 or len(told) <= 70) else [])
        screens.until(
            lambda screen, word=word, wanted=wanted: (
                pointed(screen) == word  # type: ignore[misc]
                and not [each for each in wanted if each not in " ".join(screen.split())]
            )
        )
        screens.send(DOWN)
    on(screens, WORDS[0])
    screens.send(UP)
    on(screens, WORDS[-1])
    if rows == 12:  # where there is one line for the list, the pointer stands in it
        assert re.search(r"^\^ ", screens.shown, re.MULTILINE)
    screens.send(HOME, " ")
    chosen(screens, 1)
    screens.until(lambda screen: pointed(screen) == WORDS[0] and is_page(screen))
    seen = set()
    for _ in WORDS:
        seen |= set(shown_words(screens.shown))
        if pointed(screens.shown) == WORDS[-1]:
            break
        before = pointed(screens.shown)
        screens.send(PAGE_DOWN)
        screens.until(
            lambda screen, before=before: pointed(screen) not in ("", before) and is_page(screen)  # type: ignore[misc]
        )
    assert rows < 6 or seen == set(WORDS)
    screens.send(PAGE_UP)
    screens.until(lambda screen: pointed(screen) not in ("", WORDS[-1]))
    screens.send(END)
    on(screens, WORDS[-1])
    screens.send("\r")
    assert answer(home, screens) == "turn-secret"


def test_what_scrolls_away_keeps_its_heading_in_view(home: Path) -> None:
    screens = run(home, rows=12, columns=40)
    for heading, words in GROUPS.items():
        for word in words:
            assert heading in on(screens, word)
            screens.send(DOWN)


def test_a_resize_leaves_the_row_in_view_and_what_is_chosen(home: Path) -> None:
    screens = run(home)
    screens.send("minio", " ")
    chosen(screens, 1)
    for rows, columns in ((12, 40), (6, 30), (40, 100), (7, 60), (30, 100)):
        screens.resize(rows, columns)
        screens.send(DOWN)
        screens.until(lambda screen: pointed(screen) == "apns-key" and "Space choose" in screen)
        screens.send(UP)
        shown = on(screens, "minio-secret")
        assert "› [x] minio-secret" in shown
        assert "(1 chosen)" in " ".join(shown.split())
    screens.send("\r")
    assert answer(home, screens) == "minio-secret"


def test_what_cannot_be_chosen_says_why(home: Path) -> None:
    screens = run(home)
    screens.send("apns")
    shown = on(screens, "apns-key")
    assert "›  -  apns-key         pushes to iPhones (at Apple; see docs/guide.md)" in shown
    screens.send(" ")
    screens.until("! apns-key cannot be chosen here: at Apple; see docs/guide.md.")
    chosen(screens, 0)
    screens.send("\r")
    screens.until("! Nothing is chosen. Choose at least one, or stop.")
    screens.send(UP)
    screens.until(lambda screen: "!" not in screen)
    screens.send(CTRL_C)
    screens.until("Stopped. Nothing was written.")
    assert screens.end() == 130


def test_a_doubt_asks_for_a_second_enter(home: Path) -> None:
    screens = run(home)
    screens.send("redis", " ", "\r")
    screens.until("! This destroys what Redis holds. Enter once more keeps it.")
    screens.send("\r")
    assert answer(home, screens) == "redis-password"


def test_no_letter_chooses_and_those_that_begin_nothing_stop_space_and_enter(home: Path) -> None:
    screens = run(home)
    for letters in ("a", "i", "A", "*", "\x01"):  # in other lists these choose everything, or turn it over
        screens.send(letters, BACKSPACE)
    screens.send("mini")
    on(screens, "minio-secret")
    chosen(screens, 0)
    screens.send("x")
    screens.until(LETTERS)
    screens.send(" ", "m", " ", "\r")  # Enter forgets the letters, no more
    screens.until(lambda screen: LETTERS not in screen)
    on(screens, "minio-secret")
    chosen(screens, 0)
    screens.send(CTRL_Z, f"{PASTE}turn \r{PASTED}", "f", " ")
    shown = chosen(screens, 1)
    assert pointed(shown) == "form-secret"
    screens.send("\r")
    assert answer(home, screens) == "form-secret"


@pytest.mark.parametrize("key", [BACK, ESCAPE])
def test_back_keeps_what_is_chosen_for_the_way_forward(home: Path, key: str) -> None:
    screens = run(home)
    screens.send("worker", " ", key)
    screens.until("Went back.")
    screens.until(lambda screen: "[x] worker-secret" in screen.partition("Went back.")[2] and "(1 chosen)" in screen)
    screens.send("\r")
    assert answer(home, screens) == "worker-secret"
    assert json.loads((home / "chosen.json").read_text())["back"] is True


def test_more_is_told_and_goes_again(home: Path) -> None:
    screens = run(home, rows=12, columns=40)
    screens.send("?")
    screens.until(lambda screen: "What must restart then is told in a list." in " ".join(screen.split()))
    on(screens, WORDS[0])
    screens.send("?")
    screens.until(lambda screen: "What must restart" not in " ".join(screen.split()) and "? more" in screen)
    screens.send(CTRL_C)
    assert screens.end() == 130


def test_neither_colour_nor_a_locale_beyond_ascii_is_needed(home: Path) -> None:
    screens = run(home, "turn-secret, form-secret", rows=12, columns=40, LC_ALL="C", LANG="", NO_COLOR="1")
    shown = chosen(screens, 2)
    assert "> [x] turn-secret" in shown
    screens.send("worker", " ", END)
    on(screens, WORDS[-1])
    screens.send("\r")
    assert answer(home, screens) == "turn-secret, worker-secret, form-secret"
    assert screens.everything.isascii()
    assert not COLOUR.search(screens.everything)


def test_any_keys_at_any_size_choose_what_the_screen_says(home: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    screens = run(home, rows=chance.randint(5, 45), columns=chance.randint(30, 110))
    wanted: set[str] = set()
    for _ in range(30):
        word = chance.choice([each for each in WORDS if each not in REFUSED])
        screens.send(*(chance.choice([UP, DOWN, PAGE_UP, PAGE_DOWN, HOME, END]) for _ in range(chance.randint(1, 6))))
        screens.send(word, " ")
        wanted ^= {word}
        screens.until(lambda screen, word=word: pointed(screen) == word)  # type: ignore[misc]
        screens.until(f"({len(wanted)} chosen)")
        if chance.random() < 0.3:
            screens.resize(chance.randint(5, 45), chance.randint(30, 110))
    screens.send(HOME, *([] if wanted else [" "]), "\r", *(["\r"] if "redis-password" in wanted else []))
    assert answer(home, screens) == ", ".join(word for word in WORDS if word in (wanted or {WORDS[0]}))


def answered(screens: Screens, typed: str, *told: str) -> None:
    before = len(screens.scrolled.rstrip())
    screens.send(f"{typed}\r")
    screens.until(
        lambda screen: (
            screen.rstrip().rpartition("\n")[2].startswith(">")
            and not [each for each in told if each not in " ".join(screens.scrolled[before:].split())]
        )
    )


def test_plain_lines_number_what_can_be_chosen_and_read_numbers_ranges_and_names(home: Path) -> None:
    screens = run(home, "--plain", rows=60)
    lines = [" ".join(line.split()) for line in screens.shown.split("\n")]
    assert lines.index(STEP) == lines.index(f"18. token-14 {NOTES['token-14']}") + 1
    assert (
        lines.index("21. redis-password Redis must learn it first")
        == lines.index("- signing-key other servers know this one by it (not offered)") + 1
    )
    assert f"- apns-key {NOTES['apns-key']} (at Apple; see docs/guide.md)" in lines
    legal = "Type numbers from 1 to 22, as in 2, 5-7, or names."
    answered(screens, "23, 0, tok, nothing, apns", "! 23 is not in the list. 0 is not in the list.",
             "tok begins token-01 and 13 others.", "nothing is no name in the list.",
             "apns-key cannot be chosen here: at Apple; see docs/guide.md.", legal)  # fmt: skip
    answered(screens, "", "! Nothing is chosen. Choose at least one, or stop.")
    answered(screens, "-", "! Nothing is chosen.")
    answered(screens, "?", "What must restart then is told in a list.")
    answered(screens, "<", "Went back.")
    answered(screens, "21", "This destroys what Redis holds. Enter once more keeps it.", "> [21]")
    screens.send("2, 5-7 minio\r")
    assert answer(home, screens) == "worker-secret, token-01, token-02, token-03, minio-secret"
    assert "\x1b" not in screens.everything
    assert "Rotate: worker-secret, token-01" in screens.scrolled


def test_plain_lines_propose_the_numbers_of_what_is_chosen_already(home: Path) -> None:
    screens = Screens(home, under=f"{PROGRAM} --plain form-secret, turn-secret", rows=60)
    screens.until("> [1, 4]")
    assert LABEL in screens.shown
    answered(screens, "-", "! Nothing is chosen.", "> [1, 4]")
    screens.send("\r")
    assert answer(home, screens) == "turn-secret, form-secret"
