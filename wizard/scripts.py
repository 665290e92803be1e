"""Where statements and commands can stand in a tree: in its files, and in what base64 hides in its Secrets. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.survey import Survey


def texts(survey: Survey) -> Iterator[bytes]:
    """Yield the bytes of each file as it stands, and of each text that a Secret holds in base64.

    In JSON, and between double quotes in YAML, a line end is still its escape, a backslash and a letter."""
    yield from survey.tree.files.values()
    for secret in survey.of_kind("Secret"):
        for leaf in secret.leaves.values():
            if leaf.is_encoded and leaf.nested is None:
                yield leaf.text.encode("utf-8", "replace")
