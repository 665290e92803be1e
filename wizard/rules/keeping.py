"""Rules: what is safe to keep: in git, on disk, in the vault."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "vault-lost", "safe to keep", "error", "Of the vault and sites.lock one is gone.",
        "They belong together. Without the vault no secret can be told, rotated or brought back.", "DESIGN, laws 5, 8",
        "The vault holds every secret, sites.lock where each one stands; they are written together and belong under "
        "version control together. One of them is gone: deleted, left out of a commit, or lost in a merge. git log -- "
        ".matrix-wizard shows when. While the vault is away setup makes no fresh secrets, since those would lock you "
        "out of what is running. This finding can not be ignored: whoever took one of them away could write that, too.",
        may_be_ignored=False,
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
    Rule(
        "vault-damaged", "safe to keep", "error", "The vault is no age file, or is cut short.",
        "No key opens it: every secret, and every place of one, is lost unless there is a copy.", "DESIGN, law 8",
        "A merge, a transfer or a full disk has changed its bytes. This is seen without a key, from its header and "
        "from the lengths that its parts can have; whether the rest is whole only the key can tell. Put an earlier "
        "copy in its place from git or a backup (matrix-wizard vault restore FILE), and never start afresh beside it. "
        "This finding can not be ignored: whoever changed the vault could write that, too.",
        may_be_ignored=False,
    ),
    Rule(
        "lock-damaged", "safe to keep", "error", "sites.lock cannot be read.",
        "The places that it lists are not known without it: they are looked for anew, and what is switched "
        "off is not known.",
        "DESIGN, law 5",
        "Most often a merge has left its marks. Resolve it (matrix-wizard vault merge does, where git is "
        "told), or put an earlier copy in its place. The vault has the same list, and the next run that "
        "writes tells it anew.",
    ),
    Rule(
        "secret-too-old", "safe to keep", "warning", "A secret is older than it may be.",
        "The longer it is in use, the more people, logs and copies have seen it.", "FACTS 11",
        "Asked for by --max-age, which takes the vault's key. How old a secret is says when it was made or "
        "taken over here. matrix-wizard rotate tells what a new one costs before anything is written.",
    ),
    Rule(
        "secret-in-configmap", "safe to keep", "warning", "A secret stands in a ConfigMap.",
        "ConfigMaps are not encrypted at rest, are shown by every dashboard, and may be read by far more "
        "people than Secrets may.",
        "FACTS 2, 10",
        "Synapse's smtp_pass has no file of its own, but a second configuration file can come from a "
        "Secret. Statements can read their password by psql's \\getenv. coturn and Redis can have the file, "
        "or an included one, from a Secret. The finding names the way out of its case.",
    ),
    Rule(
        "secret-in-annotation", "safe to keep", "warning", "A Secret's values stand in an annotation once more.",
        "The annotation is neither masked nor rotated: kubectl describe and every export show the values in clear.",
        "FACTS 5, R10",
        "A client-side kubectl apply keeps what it was given in last-applied-configuration. The file was "
        "exported from a cluster in which that is so. Delete the annotation here and there, apply with "
        "--server-side and a --field-manager of its own, and rotate what was seen.",
    ),
    Rule(
        "secret-in-git", "safe to keep", "error", "git has a file with a secret in clear.",
        "Whoever has a clone has the secret, and the history keeps it after it is gone from the file.", "DESIGN, law 7",
        "The file in the index is byte for byte the one with the secret in it. Take the secrets out by "
        "matrix-wizard blank and commit that; matrix-wizard vault guard keeps the next commit from bringing "
        "them back. What was pushed is known to others: rotate it as compromised. matrix-wizard hunt finds "
        "what the history still holds. Files that a filter encrypts are not meant.",
    ),
    Rule(
        "open-to-all", "safe to keep", "warning", "Files with secrets may be read by every user of this machine.",
        "Any account, and any program that runs under one, can read them.", "FACTS 0, R11; DESIGN, law 9",
        "A checkout makes files as the umask says, which often lets all others read. setup takes that away "
        "from the files that it writes secrets to. It is one finding, however many files there are.",
    ),
)  # fmt: skip
