"""Rules: what must be in step, and what must not be the same."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "secrets-differ", "in step", "error", "Copies of one secret, or of one name, differ.",
        "One side refuses what the other one sends: logins, calls or media fail, often long after the change.",
        "FACTS 12",
    ),
)  # fmt: skip
