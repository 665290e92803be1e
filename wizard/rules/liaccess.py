"""Rules: who gets at the LI instance, and what it may do."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "li-open", "li access", "error", "An LI host has no address allow-list in force.",
        "Without the annotation an Ingress is open to everybody, and an invalid entry may leave the former rules in "
        "force.",
        "checklist 4.1; FACTS 4",
        "The LI instance reads every room, so only named addresses may reach its hosts. An Ingress says so by an "
        "annotation of its controller (whitelist-source-range and its relatives), an IngressRoute by a Middleware; "
        "here there is none, it is commented out, it lets everybody in, or one entry is no address range, with which "
        "some controllers keep the former rules and others answer 503. setup writes it from the answer "
        "law_enforcement.allowed_cidrs. Try it afterwards: from an allowed address the host answers, from any other "
        "it says 403.",
    ),
    Rule(
        "li-no-password", "li access", "error", "The LI admin page asks for no password.",
        "The admin page reaches every user and room; the allow-list alone lets in whoever sits behind an allowed "
        "address.",
        "checklist 4.3; FACTS 4",
        "Behind the allow-list the admin page is to ask for a password as well, by basic auth in the ingress. Here "
        "the annotations for that are missing, or the controller that reads this Ingress has none. setup makes the "
        "password, its bcrypt line and the Secret, and adds the annotations of the controllers that it knows; for "
        "another controller the password has to be asked for in its own way. To read the password: matrix-wizard show "
        "li-admin-password.",
    ),
)  # fmt: skip
