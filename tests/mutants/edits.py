"""The ways in which a person changes a file: each returns what makes of the text of a file another one."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping

Texts = Mapping[str, str]
Edit = Callable[[str, Texts], str]  # the text of the file, and all texts of the tree by their paths


def swap(old: str, new: str) -> Edit:
    """Write *new* where *old* stands first."""

    def edit(text: str, _: Texts) -> str:
        assert old in text, f"{old!r} does not stand there"
        return text.replace(old, new, 1)

    return edit


def behind(mark: str, edit: Edit) -> Edit:
    """Make *edit* behind the first *mark*."""

    def edited(text: str, texts: Texts) -> str:
        before, found, after = text.partition(mark)
        assert found, f"{mark!r} does not stand there"
        return before + found + edit(after, texts)

    return edited


def given(key: str, scalar: str) -> Edit:
    """Write *scalar* behind the first *key* of one line."""
    return value(key, lambda _: scalar)


def value(key: str, of: Callable[[str], str]) -> Edit:
    """Write what *of* makes of the scalar that stands behind the first *key*."""

    def edit(text: str, _: Texts) -> str:
        found = re.search(rf"^([ \t]*{re.escape(key)}[ \t]*[:=][ \t]*)(.*)$", text, re.MULTILINE)
        assert found, f"{key} is not set there"
        return text[: found.start(2)] + of(found[2]) + text[found.end(2) :]

    return edit


def written(text: str, key: str) -> str:
    """Return the scalar behind the first *key* of *text*, as it is written."""
    found = re.search(rf"^[ \t]*{re.escape(key)}[ \t]*[:=][ \t]*(.*)$", text, re.MULTILINE)
    assert found, f"{key} is not set there"
    return found[1]


def copied(key: str, file: str, other: str) -> Edit:
    """Write behind *key* what stands behind *other* in *file*."""
    return lambda text, texts: given(key, written(texts[file], other))(text, texts)


def block(key: str, lines: str, indent: str = "    ") -> Edit:
    """Replace the text of the block scalar behind *key* by *lines*."""

    def edit(text: str, _: Texts) -> str:
        found = re.search(rf"^([ \t]*{re.escape(key)}: \|\n)((?:{indent}.*\n?|\n)+)", text, re.MULTILINE)
        assert found, f"{key} has no block of text"
        body = "".join(f"{indent}{line}\n" for line in lines.splitlines())
        return text[: found.start(2)] + body + text[found.end(2) :]

    return edit


def added(after: str, lines: str) -> Edit:
    """Write *lines* below the first line that holds *after*, whose indentation they take."""

    def edit(text: str, _: Texts) -> str:
        found = re.search(rf"^([ \t]*).*{re.escape(after)}.*\n", text, re.MULTILINE)
        assert found, f"{after!r} stands in no line"
        return text[: found.end()] + "".join(f"{found[1]}{line}\n" for line in lines.splitlines()) + text[found.end() :]

    return edit


def dropped(mark: str) -> Edit:
    """Take out the first line that holds *mark*."""

    def edit(text: str, _: Texts) -> str:
        found = re.search(rf"^.*{re.escape(mark)}.*\n", text, re.MULTILINE)
        assert found, f"{mark!r} stands in no line"
        return text[: found.start()] + text[found.end() :]

    return edit


def appended(lines: str) -> Edit:
    """Write *lines* at the end."""
    return lambda text, _: text.rstrip("\n") + "\n" + lines


def document(mark: str, becomes: Callable[[str], str]) -> Edit:
    """Replace the document that holds *mark* by what *becomes* makes of it; '' takes it out."""

    def edit(text: str, _: Texts) -> str:
        parts = text.split("\n---\n")
        at = next(number for number, part in enumerate(parts) if mark in part)
        parts[at : at + 1] = [new] if (new := becomes(parts[at])) else []
        return "\n---\n".join(parts)

    return edit


def both(*edits: Edit) -> Edit:
    """Make one edit after the other."""

    def edit(text: str, texts: Texts) -> str:
        for each in edits:
            text = each(text, texts)
        return text

    return edit


def encoded(scalar: str, *, end: str = "") -> str:
    """Return the base64 of a scalar in quotes, as a shell's ``echo`` (with *end*) or ``printf`` hands it on."""
    return f'"{base64.b64encode((scalar.strip(chr(34)) + end).encode()).decode()}"'
