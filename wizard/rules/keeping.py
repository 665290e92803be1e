"""Rules: what is safe to keep: in git, on disk, in the vault."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
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
