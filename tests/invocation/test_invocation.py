"""How a command that a message names is typed: with the program and the options of the run, and only a command."""

from __future__ import annotations

import pytest

from wizard.invocation import typed

PROGRAM, OPTIONS = "../bin/matrix-wizard", " --tree 'my tree' --identity key.txt"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("To see them: matrix-wizard show", f"To see them: {PROGRAM} show{OPTIONS}"),
        (
            "Let another in: matrix-wizard vault recipients add KEY",
            f"Let another in: {PROGRAM} vault recipients add{OPTIONS} KEY",
        ),
        ("What it means: matrix-wizard explain li-open", f"What it means: {PROGRAM} explain li-open"),
        ("(matrix-wizard blank), matrix-wizard setup", f"({PROGRAM} blank{OPTIONS}), {PROGRAM} setup{OPTIONS}"),
    ],
)
def test_program_and_options_are_put_in_behind_the_verb(text: str, expected: str) -> None:
    assert typed(text, PROGRAM, OPTIONS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "older versions of matrix-wizard refuse it",
        "matrix-wizard shows nothing",
        "deployment/.matrix-wizard check",
        "matrix-wizard show --identity FILE",
        "matrix-wizard vault guard --tree DIR",
        "matrix-wizard schema",
        "not-matrix-wizard setup",
    ],
)
def test_anything_else_stays(text: str) -> None:
    assert typed(text, PROGRAM, OPTIONS) == text
