"""Rules: what is left to fill in."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "placeholder-left", "left", "error", "A placeholder is not filled in.",
        "The server takes the placeholder for the value: everybody who has read the manifests knows that password, and "
        "a host under example.com is nobody's. The checklist's last grep looks for one spelling only.",
        "checklist 10.1; FACTS 10",
        "Whoever wrote the manifests left a text for somebody to replace: CHANGEME_…, CHANGE_ME_…, YOUR_…, a host "
        "under example.com, a documentation address. It is found in values, in base64 under data:, in keys and, as a "
        "warning, in comments, where it does no harm but trips the checklist's last grep. Kubernetes takes it as it "
        "stands: the pod starts, and what is wrong shows only at the first login, call or certificate. setup fills in "
        "all that it knows in one run; what no catalogue knows is asked for, or decided in the answers file under "
        "placeholders:.",
    ),
    Rule(
        "not-read", "left", "warning", "A file holds placeholders and is not read here.",
        "Its format is none that can be edited without harm, or it is no UTF-8 text, so nobody has filled it in.",
        "DESIGN, law 2",
        "The file looks like one that holds placeholders, but its format cannot be changed character by character and "
        "proved afterwards: it is too large, binary, not UTF-8, or encrypted. So nobody looked further into it. Open "
        "it, fill in what is left, or convert it to UTF-8 YAML and run setup again.",
    ),
    Rule(
        "weak-default", "left", "error", "A secret is a default that everybody knows.",
        "It stands in manuals, charts and images, and is the first that is tried.", "FACTS 0, R1",
        "The text is one that manuals, charts and container images ship: minioadmin, password, postgres and their "
        "like. They are tried first, by whoever gets as far as the port. Put a placeholder in its place (CHANGEME_ "
        "and a word that says what it is), and setup makes a random one for every place at once. Where the value is "
        "in use already, rotate it: a database keeps its old password until it is told.",
    ),
    Rule(
        "secret-empty", "left", "warning", "A secret is empty.",
        "Most servers take an empty secret for none, and go on without any protection, or fall back to another one.",
        "FACTS 2, 3",
        "The key is there and its value is empty. Synapse without a macaroon secret falls back to another secret, and "
        "Redis with an empty requirepass asks for none. If the server is to have no such secret, remove the key, so "
        "that the manifest says so; else put a placeholder there and run setup.",
    ),
)  # fmt: skip
