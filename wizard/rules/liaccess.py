"""Rules: who gets at the LI instance, and what it may do."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
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
)  # fmt: skip
