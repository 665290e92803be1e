"""The table of mistakes: enough of them, and none of check's rules without one."""

from __future__ import annotations

from mutants.mistakes import MISTAKES
from wizard import rules

# Rules that no edit of a manifest breaks, and where they are broken instead.
ELSEWHERE = {
    "vault-lost": "a file of the wizard's own is gone: tests/scripts",
    "vault-damaged": "a file of the wizard's own: tests/scripts/test_keeping.py",
    "vault-single-key": "what the vault's header tells: tests/scripts",
    "lock-damaged": "a file of the wizard's own: tests/scripts/test_keeping.py",
    "open-steps": "what the vault holds: tests/scripts/test_rotation.py",
    "audit-log": "what the vault proves: tests/scripts/test_audit.py",
    "secret-too-old": "what the vault holds, and --max-age: tests/scripts/test_keeping.py",
    "secret-in-git": "what git has: tests/scripts/test_keeping.py",
    "open-to-all": "the modes of files: tests/scripts/test_keeping.py",
    **dict.fromkeys(
        ("live-differs", "live-missing", "live-not-restarted", "live-last-applied"),
        "what a cluster has: tests/scripts/test_check_live.py",
    ),
    "ignore-unused": "a line for check itself: tests/scripts/test_check.py",
}


def test_there_are_many_mistakes_of_different_names() -> None:
    names = [each.name for each in MISTAKES]
    assert len(names) == len(set(names)) >= 150


def test_each_rule_has_a_mistake() -> None:
    assert {each.rule for each in MISTAKES} | ELSEWHERE.keys() == rules.BY_ID.keys()


def test_what_is_shown_elsewhere_is_not_shown_here() -> None:
    assert not {each.rule for each in MISTAKES} & ELSEWHERE.keys()
