"""The pictures are what the program shows today."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pyrage
from prompt.conftest import KEY_ID, PASSWORD

from wizard.vault import VAULT

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
        joined = "".join(text.split())
        assert not any(secret in joined for secret in _secrets(tmp_path))  # none is told by a failure, either


def _secrets(home: Path) -> list[str]:
    """Return what was typed, pasted or made in the run and is nobody's to see, without blanks."""
    key = (home / f"AuthKey_{KEY_ID}.p8").read_text().splitlines()[1:-1]
    account = json.loads((home / "fcm.json").read_text())["private_key"].splitlines()[1:-1]
    identity = (home / "key.txt").read_text().splitlines()[-1]
    vault = pyrage.decrypt((home / "deployment" / VAULT).read_bytes(), [pyrage.x25519.Identity.from_str(identity)])
    kept = [made["text"] for value in json.loads(vault)["values"].values() for made in value["generations"]]
    return ["".join(secret.split()) for secret in (PASSWORD, identity, *key, *account, *kept)]
