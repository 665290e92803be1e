"""Rules: what is well formed: documents, encodings, key material."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "unparseable", "well formed", "error", "A document is not valid YAML.",
        "kubectl refuses the file, and nothing in it can be checked.", "YAML 1.2.2",
        "The document cannot be read as YAML, so kubectl refuses the whole file, and no rule has looked into this "
        "document; all other documents of the file are checked. Most often it is an indentation that is off by one, a "
        "tab, or a text with a colon that wants quotes. To see what a parser says: kubectl apply --dry-run=client -f "
        "FILE. A template of Helm's is read without its actions; one that only Helm can make YAML of may be ignored "
        "by its path, with that as the reason.",
    ),
    Rule(
        "key-malformed", "well formed", "error", "Key material that its server cannot read.",
        "The server does not start, or starts with a key of its own making: a wrong signing key changes who it is.",
        "FACTS 1, 3",
        "The text does not have the form that its server's own reader asks for: a signing key is one line of "
        "algorithm, version and unpadded base64; APNs wants an EC P-256 key in PKCS#8; FCM a service account's JSON; "
        "an htpasswd line a bcrypt hash. A comment left beside a signing key is enough to stop Synapse. Put the file "
        "that you were given there whole, or a placeholder and run setup, which makes it or asks for it. Never have "
        "Synapse generate another signing key: other servers would see a different server.",
    ),
)  # fmt: skip
