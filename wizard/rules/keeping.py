"""Rules: what is safe to keep: in git, on disk, in the vault."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "vault-lost", "safe to keep", "error", "Of the vault and sites.lock one is gone.",
        "They belong together. Without the vault no secret can be told, rotated or brought back.", "DESIGN, laws 5, 8",
        "The vault holds every secret, sites.lock where each one stands; they are written together and belong under "
        "version control together. One of them is gone: deleted, left out of a commit, or lost in a merge. git log -- "
        ".matrix-wizard shows when. While the vault is away setup makes no fresh secrets, since those would lock you "
        "out of what is running.",
    ),
    Rule(
        "vault-single-key", "safe to keep", "warning", "The vault opens with one key only.",
        "Who loses that key has lost every secret of the deployment.", "DESIGN, law 8",
        "The vault is an age file, and one key opens it. A broken disk, or a colleague who leaves, is then the loss "
        "of every secret, the server's signing key among them. Add a colleague's key or a recovery key that lies on "
        "paper, and try the latter with matrix-wizard vault drill.",
    ),
    Rule(
        "open-steps", "safe to keep", "warning", "A step of a run sheet is open.",
        "The tree has a value that the cluster may not have yet: what restarts by chance reads the new one before its "
        "server knows it.",
        "FACTS 11; docs/decisions/0012",
        "A rotation changed the tree, and the cluster has not been brought all the way: a database still has the old "
        "password, or a server has not restarted. As long as that is so, any restart by chance can fail. "
        "matrix-wizard next shows the first open step with its command, and closes it once its proof holds. This is "
        "told where the vault's key is named, since the run sheet is in the vault.",
    ),
    Rule(
        "audit-log", "safe to keep", "error", "The audit log is not what the vault proves.",
        "Lines were changed, added or dropped by somebody who cannot read the vault.", "docs/decisions/0011",
        "Every change of the vault adds a line to the audit log, and the vault keeps what proves the whole of it. "
        "This log was edited, shortened or mixed with another one, by a merge at best. Compare it with git's history "
        "of the file and bring the right one back. This finding can not be ignored: whoever can change the log could "
        "write that, too.",
        may_be_ignored=False,
    ),
    Rule(
        "ignore-unused", "safe to keep", "warning", "An ignore that nothing is met of.",
        "What it was meant for is mended or has moved, and the next fault at this place would pass unseen.",
        "docs/decisions/0014",
        "An ignore stands in a comment, for its line or the next one, or in .matrix-wizard/ignore for whole files. "
        "Once the finding is gone the ignore is of no use and does harm: another secret in that line would not be "
        "told. Take the comment or the line of the list out; git keeps who wrote it and why.",
        may_be_ignored=False,
    ),
)  # fmt: skip
