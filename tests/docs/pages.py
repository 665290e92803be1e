"""Reading the pages under docs/ as a reader does: by heading, table and fenced block."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    """Return the text of ``docs/NAME``."""
    return (DOCS / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """Return what stands under *heading* (its words, without the marks), up to the next of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert found, f"no heading {heading}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> list[list[str]]:
    """Return the body rows of every table in *text*, each as its cells."""
    lines = text.splitlines()
    rules = [number for number, line in enumerate(lines) if re.fullmatch(r"\|(?: ?-+ ?\|)+", line)]
    heads = {number - 1 for number in rules}
    bodies = (line for number, line in enumerate(lines) if line.startswith("|") and number not in {*heads, *rules})
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in bodies]


def code(cell: str) -> list[str]:
    """Return the texts in backticks of *cell*."""
    return re.findall(r"`([^`]+)`", cell)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of *language*."""
    return [body for name, body in _FENCE.findall(text) if name == language]
