"""The table of rules: what each id of a finding means, how bad it is, why it matters, and from where that is known.

Facts are rows (DESIGN, law 11); the functions that find are in ``checks``. ``explain ID`` tells a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
# What a rule is about, as its findings are grouped for people.
Group = Literal["left", "in step", "well formed", "li access", "safe to keep", "server facts"]

TITLES: dict[Group, str] = {
    "left": "Left to fill in",
    "in step": "In step",
    "well formed": "Well formed",
    "li access": "Who gets at LI",
    "safe to keep": "Safe to keep",
    "server facts": "What the servers do with it",
}


@dataclass(frozen=True)
class Rule:
    """One rule: its id, its group, how bad it is, what it finds, why that matters, and the source of that.

    A finding may be less bad than its rule, and says so itself."""

    id: str
    group: Group
    severity: Severity
    title: str
    why: str
    source: str


RULES: tuple[Rule, ...] = (
    Rule(
        "placeholder-left", "left", "error", "A placeholder is not filled in.",
        "The server takes the placeholder for the value: everybody who has read the manifests knows that password, and "
        "a host under example.com is nobody's. The checklist's last grep looks for one spelling only.",
        "checklist 10.1; FACTS 10",
    ),
    Rule(
        "not-read", "left", "warning", "A file holds placeholders and is not read here.",
        "Its format is none that can be edited without harm, or it is no UTF-8 text, so nobody has filled it in.",
        "DESIGN, law 2",
    ),
    Rule(
        "weak-default", "left", "error", "A secret is a default that everybody knows.",
        "It stands in manuals, charts and images, and is the first that is tried.", "FACTS 0, R1",
    ),
    Rule(
        "secret-empty", "left", "warning", "A secret is empty.",
        "Most servers take an empty secret for none, and go on without any protection, or fall back to another one.",
        "FACTS 2, 3",
    ),
    Rule(
        "secrets-differ", "in step", "error", "Copies of one secret, or of one name, differ.",
        "One side refuses what the other one sends: logins, calls or media fail, often long after the change.",
        "FACTS 12",
    ),
    Rule(
        "unparseable", "well formed", "error", "A document is not valid YAML.",
        "kubectl refuses the file, and nothing in it can be checked.", "YAML 1.2.2",
    ),
    Rule(
        "key-malformed", "well formed", "error", "Key material that its server cannot read.",
        "The server does not start, or starts with a key of its own making: a wrong signing key changes who it is.",
        "FACTS 1, 3",
    ),
    Rule(
        "li-open", "li access", "error", "An LI host has no address allow-list in force.",
        "Without the annotation an Ingress is open to everybody, and an invalid entry may leave the former rules in "
        "force.",
        "checklist 4.1; FACTS 4",
    ),
    Rule(
        "li-no-password", "li access", "error", "The LI admin page asks for no password.",
        "The admin page reaches every user and room; the allow-list alone lets in whoever sits behind an allowed "
        "address.",
        "checklist 4.3; FACTS 4",
    ),
    Rule(
        "vault-lost", "safe to keep", "error", "Of the vault and sites.lock one is gone.",
        "They belong together. Without the vault no secret can be told, rotated or brought back.", "DESIGN, laws 5, 8",
    ),
    Rule(
        "vault-single-key", "safe to keep", "warning", "The vault opens with one key only.",
        "Who loses that key has lost every secret of the deployment.", "DESIGN, law 8",
    ),
    Rule(
        "open-steps", "safe to keep", "warning", "A step of a run sheet is open.",
        "The tree has a value that the cluster may not have yet: what restarts by chance reads the new one before its "
        "server knows it.",
        "FACTS 11; docs/decisions/0012",
    ),
    Rule(
        "audit-log", "safe to keep", "error", "The audit log is not what the vault proves.",
        "Lines were changed, added or dropped by somebody who cannot read the vault.", "docs/decisions/0011",
    ),
)  # fmt: skip

BY_ID = {each.id: each for each in RULES}
