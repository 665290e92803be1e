"""Rules: what is left to fill in."""

from wizard.rules.rule import Rule

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
)  # fmt: skip
