"""The pictures are what the program shows today."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from .pages import DOCS
from .pictures import drawn

SHOWN = re.compile(r"https://[^\s]*")  # what is a text on a screen is fetched by nobody
SAID = {
    "fault": ("Write only the name: chat-corp.net", "At hand: your domain"),
    "paste": ("EC P-256 private key pasted]", "SMTP password"),
    "review": ("7/7 Review", "can never be changed", "y write"),
    "after": ("--server-side", "3478", "--answers answers.yaml"),
}


def test_the_pictures_are_drawn_from_the_program_and_name_no_address(tmp_path: Path) -> None:
    pictures = drawn(tmp_path)
    assert pictures.keys() == SAID.keys()
    for name, svg in pictures.items():
        file = (DOCS / "pictures" / f"{name}.svg").read_text("utf-8")
        assert file == svg, f"docs/pictures/{name}.svg is of another day: make docs"
        root = ElementTree.fromstring(svg)  # noqa: S314 (our own)
        text = " ".join("".join(root.itertext()).split())
        assert [line for line in SAID[name] if line not in text] == []
        assert set(re.findall(r"\w+://[^\"' <]*", svg.replace("&#160;", " "))) - {"http://www.w3.org/2000/svg"} <= set(
            SHOWN.findall(text)
        )
        assert "@font-face" not in svg
