"""Rules: what is well formed: documents, encodings, key material."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "unparseable", "well formed", "error", "A document is not valid YAML.",
        "kubectl refuses the file, and nothing in it can be checked.", "YAML 1.2.2",
    ),
    Rule(
        "key-malformed", "well formed", "error", "Key material that its server cannot read.",
        "The server does not start, or starts with a key of its own making: a wrong signing key changes who it is.",
        "FACTS 1, 3",
    ),
)  # fmt: skip
