"""What is longer than a line or a screen: commands to be taken from it, the pager, and texts of 3,000 letters."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .conftest import OFFER, ONE_KEY, at_review, script
from .screens import CTRL_U, Screens
from .test_terminals import at_line, is_asked, tells_keys

KEYS = "Space next page, b back, q leaves"
DIFF = "+++ b/main-instance/"
CUT_MASK = re.compile(r"(?<!•)•{1,7}(?!•)")


def whole_mask(screen: str) -> None:
    assert "••••••••" in screen
    assert not CUT_MASK.search(screen)


def test_commands_on_a_narrow_screen_can_be_taken_to_a_shell(home: Path) -> None:
    screens = at_review(home, columns=60)
    screens.answer("Write now?", "y\r")
    for label, keys in ONE_KEY:
        screens.answer(label, keys)
    screens.until(lambda screen: is_asked(OFFER, screen))
    screens.send("\r")
    assert screens.end() == 0
    after = "\n".join(line.rstrip() for line in screens.scrolled.split("\n"))
    assert max(map(len, after.split("\n"))) <= 60
    applied = after.partition("Apply, in this order, once check says ready:\n")[2].partition("\nNot applied")[0]
    tried = after.partition("each does:\n")[2].partition("\nKeep the vault")[0]
    echo = 'kubectl() { printf \'%s|\' "$@"; echo; }; curl() { kubectl "$@"; }; cd "$1"\n'
    shell = subprocess.run(
        ["/bin/sh", "-c", echo + applied + tried, "sh", str(home)], capture_output=True, text=True, check=True
    )
    assert shell.stderr == ""
    commands = [line.split("|")[:-1] for line in shell.stdout.splitlines()]
    applies = [words for words in commands if words[0] == "apply"]
    assert len(applies) > 4
    for words in applies:
        assert words[1:3] == ["--server-side", "--field-manager=matrix-wizard"]
        assert (home / words[-1]).exists()
    requests = [words for words in commands if words[0] != "apply"]
    assert {words[2] for words in requests} == {"-w"}
    assert {words[3] for words in requests} == {r"%{http_code}\n"}
    assert {words[-1] for words in requests} == {
        f"https://{name}-li.chat-corp.net/" for name in ("admin", "element", "matrix")
    }
    for told in ("(no Kubernetes objects,", "chat-corp.net. 86400 IN SRV", "legal sign-off"):
        assert told in " ".join(after.split())


@pytest.mark.parametrize(
    "environment", [{"PAGER": "less"}, {"PAGER": ""}, {"PAGER": "less -i", "LESS": "-j2"}], ids=["less", "none", "own"]
)
def test_the_pager_says_how_it_is_left_and_cuts_no_mask(home: Path, environment: dict[str, str]) -> None:
    screens = at_review(home, rows=30, columns=60, **environment)  # type: ignore[arg-type]
    screens.answer("Write now?", "d\r")
    seen = {""}
    for _ in range(3):
        screens.until(lambda screen: screen not in seen and screen.rstrip().rpartition("\n")[2].startswith(KEYS))
        seen.add(screens.shown)
        whole_mask(screens.shown)
        screens.send(" ")
    screens.send("G")
    screens.until(f"{KEYS} (end)")
    screens.send("q")
    screens.at("Write now?")
    screens.send("n\r")
    assert screens.end() == 130


@pytest.mark.parametrize("pager", ["more", "no-such-pager --at-all", "'unclosed"])
def test_another_pager_is_used_and_one_that_is_not_there_is_done_without(home: Path, pager: str) -> None:
    screens = at_review(home, rows=30, columns=60, PAGER=pager)  # type: ignore[arg-type]
    screens.answer("Write now?", "d\r")
    if pager == "more":
        screens.until("--More--")
        whole_mask(screens.shown)
        screens.send("q")
    else:
        screens.until(lambda _: DIFF in screens.scrolled)
    screens.at("Write now?")
    assert (DIFF in screens.scrolled) == (pager != "more")
    assert not CUT_MASK.search(screens.scrolled)


def test_plain_lines_have_no_pager(home: Path) -> None:
    screens = Screens(home, "--plain", rows=50, PAGER="less")
    for label, keys, _ in script():
        at_line(screens, label)
        screens.send(keys.removeprefix(CTRL_U))
    at_line(screens, "Write now?")
    screens.send("d\r")
    screens.until(lambda screen: DIFF in screens.scrolled and screen.rstrip().endswith("\n>"))
    assert "\x1b" not in screens.everything


@pytest.mark.parametrize(("rows", "columns"), [(40, 100), (12, 40), (8, 25)])
def test_a_text_of_three_thousand_letters_can_be_typed_judged_and_mended(home: Path, rows: int, columns: int) -> None:
    screens = Screens(home, rows=rows, columns=columns)
    screens.until(lambda screen: is_asked("Base domain", screen))
    screens.send("chat" + "x" * 2990 + "ending")
    screens.until(lambda screen: "xending" in re.sub(r"\s", "", screen) and tells_keys(screen))
    screens.send("\r")
    screens.until(lambda screen: "is not" in " ".join(screen.split()))
    said = " ".join(screens.shown.split()).partition("!")[2]
    assert "chatxx" in said
    assert "…" in said
    assert "ending is not a host name. Write letters, digits, - and dots only." in said
    screens.send("\x7f")
    screens.until(lambda screen: "xendin" in (packed := re.sub(r"\s", "", screen)) and "xending" not in packed)
    screens.send(CTRL_U, "chat-corp.net\r")
    screens.until(lambda screen: is_asked("These names follow from chat-corp.net:", screen))
    left = screens.scrolled if rows == 40 else screens.shown
    assert "xxx" not in left
