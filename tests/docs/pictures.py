"""The README's pictures of the terminal: the real program is driven as in tests/prompt, its screens drawn as SVG.

What differs from run to run or from release to release on them is replaced by a fixed text.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

from prompt.conftest import KEY_ID, OFFER, ONE_KEY, at_review, make_keys, script
from prompt.screens import PASTE, PASTED, Screens
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.text import Text

from wizard import __version__

COLUMNS, ROWS = 80, 60
_OUTSIDE = re.compile(r"@font-face \{\{.*?\}\}\s*|<!--.*?-->\s*", re.DOTALL)
_STEADY = {r"\ba_[A-Za-z0-9]{4}\b": "a_Xk2f", rf"(?<=^matrix-wizard ){re.escape(__version__)}(?= )": "0.1.0"}
_COLORS = {"brown": "yellow", "brightblack": "bright_black", "brightbrown": "bright_yellow"}


def drawn(home: Path) -> dict[str, str]:
    """Return the SVG texts by name, of a first install in the empty directory *home*."""
    make_keys(home)
    path = str(Path(sys.executable).parent)  # so that the program calls itself as it is called where it is installed
    options: dict[str, Any] = {"rows": ROWS, "columns": COLUMNS, "PATH": f"{path}:/usr/bin:/bin"}
    first = Screens(home, **options)
    first.answer("Base domain", "https://chat-corp.net/\r")
    _whole(first, "(Tab takes it)")
    pictures = {"fault": _svg(first, "matrix-wizard")}
    first.send("\t\r")
    for label, keys, _ in script()[1:]:
        if label == "APNs key file (.p8)":
            first.at(label)
            first.send(PASTE + (home / f"AuthKey_{KEY_ID}.p8").read_text() + PASTED)
            _whole(first, "pasted]")
            pictures["paste"] = _svg(first, "a key is pasted", start="3/7 Mail")
        # Pasted, the key has no name that would tell its id.
        first.answer(label, {"APNs key file (.p8)": "\r", "APNs key id": f"{KEY_ID}\r"}.get(label, keys))
    _whole(first, "Write now?")
    pictures["review"] = _svg(first, "the review", start="7/7 Review")
    first.send("n\r")
    first.end()
    shutil.rmtree(home / ".local")
    last = at_review(home, "setup", "--identity", "key.txt", **{**options, "rows": 3 * ROWS})
    last.answer("Write now?", "y\r")
    for label, keys in ONE_KEY:
        last.answer(label, keys)
    last.answer(OFFER, "y\r")
    last.end()
    pictures["after"] = _svg(last, "what is left to do", start="DNS: point these names")
    return pictures


def _whole(screens: Screens, shown: str) -> None:
    """Wait until a text is shown, and what is drawn after it: the keys stand last, at the end of the screen."""
    screens.until(lambda screen: shown in screen and screen.rstrip().endswith("Ctrl-C stop"))


def _svg(screens: Screens, title: str, start: str = "") -> str:
    """Return the screen from the line that begins with *start* on."""
    lines = [_text(screens, row) for row in range(screens.screen.lines)]
    begin = next(row for row, line in enumerate(lines) if line.plain.startswith(start))
    end = max(row for row, line in enumerate(lines) if line.plain.strip()) + 1
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    for line in lines[begin:end]:
        console.print(line, no_wrap=True, crop=True)
    code = _OUTSIDE.sub("", CONSOLE_SVG_FORMAT)
    return console.export_svg(title=title, code_format=code, unique_id=f"mw-{title.replace(' ', '-')}") + "\n"


def _text(screens: Screens, row: int) -> Text:
    cells = [screens.screen.buffer[row][column] for column in range(COLUMNS)]
    plain = "".join(cell.data for cell in cells)
    for pattern, fixed in _STEADY.items():
        plain = re.sub(pattern, fixed, plain)
    text, place = Text(), 0
    for (color, bold), run in groupby(cells, lambda cell: (cell.fg, cell.bold)):
        length = len(list(run))
        style = Style(color=_color(color), bold=bold)
        text.append(plain[place : place + length], style)
        place += length
    text.rstrip()
    return text


def _color(name: str) -> str | None:
    if name == "default":
        return None
    return _COLORS.get(name, name if name.isalpha() else f"#{name}")
