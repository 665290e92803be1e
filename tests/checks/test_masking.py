"""What a finding about LI shows of the addresses that are allowed: nothing but blocks that stand in every manual."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wizard.finding import Finding, masked, of_file, shape
from wizard.secret import MASK


def told(message: str, rule: str = "li-open") -> Finding:
    return masked(of_file("a.yaml", rule, message, message))


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("10.20.30.0/24 and 4.5.6.7, too.", f"{MASK} and {MASK}, too."),
        ("2a01:4f8::/32: it is wide.", f"{MASK}: it is wide."),
        ("It ends at 81.2.69.160.", f"It ends at {MASK}."),
    ],
)
def test_addresses_are_masked(message: str, shown: str) -> None:
    assert (told(message).message, told(message).fix) == (shown, shown)
    assert told(message, "weak-default").message == message
    assert "30" not in shape(of_file("a.yaml", "weak-default", message, ""))[3]


def test_what_is_kept_of_a_message_is_the_same_when_another_place_or_day_is_in_it() -> None:
    first, later = (
        of_file("a.yaml", "secrets-differ", f"It differs from b.yaml:{line}:5 since 9 days.", "") for line in (7, 12)
    )
    assert shape(first) == shape(later)
    assert shape(first) != shape(of_file("b.yaml", "secrets-differ", first.message, ""))
    assert shape(first) != shape(replace(first, severity="warning"))


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("pw2 is a default.", "pw2 is a default."),
        ("Secret/a-1: x stands here and in line 12; it is 5.", "Secret/a-1: x stands here and in line #; it is #."),
        (
            "12 files hold secrets (7 more), at b.yaml:3:14, since 1.27.3.",
            "# files hold secrets (# more), at b.yaml:#, since 1.27.3.",
        ),
    ],
)
def test_of_a_message_only_places_and_counts_are_taken_out(message: str, kept: str) -> None:
    assert shape(of_file("a.yaml", "weak-default", message, ""))[3] == kept


@pytest.mark.parametrize(
    "message",
    [
        "0.0.0.0/0 and ::/0 let everybody in.",
        "203.0.113.0/24 is of documentation, 10.0.0.0/8 private.",
        "It differs from deploy/a.yaml:12:3 at 12:30:45, since 1.27.3.",
        "Ingress/matrix-li/synapse-li: it has no list.",
    ],
)
def test_what_is_no_answer_stays(message: str) -> None:
    assert told(message).message == message
