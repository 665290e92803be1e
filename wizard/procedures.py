"""How each value is rotated, as a table: its class, who notices, which server must be told, and what may overlap.

Facts are rows (DESIGN, law 11). Sources: FACTS 1 to 3 for the effects and limits, FACTS 11 for the classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

# How a server holds two generations at once. "lines": two lines of one text, the new one first. "users": two users of a
# password file. "setting": a second line of a configuration. "acl": in the running server only, never in the tree.
Overlap = Literal["", "lines", "users", "setting", "acl"]
# What must be told of a new value while it runs; '' where a restart is all that is needed.
Server = Literal["", "postgresql", "redis", "minio-user", "minio-root", "coturn"]


class Class(Enum):
    """What a rotation means for those who use the deployment (FACTS 11), by the word that ``--class`` takes."""

    HARMLESS = "harmless"
    OVERLAP = "overlap"
    SWITCH = "switch"
    NOTICED = "noticed"
    GUARDED = "guarded"
    GIVEN = "given"

    @property
    def title(self) -> str:
        """What the class means, as a heading."""
        return _TITLES[self]


_TITLES = {
    Class.HARMLESS: "Nobody notices; in force after a restart",
    Class.OVERLAP: "No gap: old and new are accepted side by side",
    Class.SWITCH: "A short gap until the steps are through",
    Class.NOTICED: "Users notice: announce it",
    Class.GUARDED: "Only by typing its name: data or trust can be lost",
    Class.GIVEN: "Not made here: its issuer changes it",
}


@dataclass(frozen=True)
class Procedure:
    """How one value is rotated.

    ``notice``: who notices what, for how long. ``overlap`` and ``server``: see above. ``wait``: what must pass before
    the old one may go. ``issuer``: where a given value is changed. ``told``: people who must be given the new one.
    """

    value: str
    kind: Class
    notice: str
    overlap: Overlap = ""
    server: Server = ""
    wait: str = ""
    issuer: str = ""
    told: str = ""


_ACL = "nobody: Redis takes both until its clients have restarted"
_MINIO = "media and backups fail from the change until the restarts are through"
_DATABASE = "its clients open no new connection from the change until they have restarted"

PROCEDURES: tuple[Procedure, ...] = (
    Procedure("redis-password", Class.OVERLAP, _ACL, "acl", "redis"),
    Procedure("li-redis-password", Class.OVERLAP, _ACL, "acl", "redis"),
    Procedure("livekit-redis-password", Class.OVERLAP, _ACL, "acl", "redis"),
    Procedure("minio-root-password", Class.SWITCH, "MinIO restarts: media wait for some seconds", server="minio-root"),
    Procedure("s3-password", Class.SWITCH, _MINIO, server="minio-user"),
    Procedure("li-s3-password", Class.SWITCH, _MINIO, server="minio-user"),
    Procedure("synapse-db-password", Class.SWITCH, _DATABASE, server="postgresql"),
    Procedure("li-db-password", Class.SWITCH, _DATABASE, server="postgresql"),
    Procedure("key-vault-db-password", Class.SWITCH, _DATABASE, server="postgresql"),
    Procedure(
        "replication-password", Class.SWITCH,
        "the copy to LI may pause until the subscription has the new one; nothing is lost", server="postgresql",
    ),
    Procedure(
        "worker-replication-secret", Class.SWITCH,
        "sending and other writes fail while Synapse's processes restart, all of them together",
    ),
    Procedure(
        "macaroon-secret", Class.NOTICED,
        "guests sign in again; logins by SSO in flight and unsubscribe links in old mails fail",
    ),
    Procedure("registration-secret", Class.HARMLESS, "only scripts that register users with the old one"),
    Procedure("form-secret", Class.HARMLESS, "only consent pages that are open in a browser"),
    Procedure("li-macaroon-secret", Class.HARMLESS, "only logins on LI that are in flight"),
    Procedure("li-registration-secret", Class.HARMLESS, "only scripts that register users on LI with the old one"),
    Procedure("li-form-secret", Class.HARMLESS, "only pages of LI that are open in a browser"),
    Procedure(
        "signing-key", Class.GUARDED, "nobody, if both steps are taken; other servers learn the new key by themselves",
        "lines", wait="until every process of Synapse has restarted, main and LI",
    ),
    Procedure(
        "turn-secret", Class.NOTICED,
        "calls whose credentials were issued before fail at their next refresh; none with --begin and --finish",
        "setting", "coturn",
        wait="until the credentials issued before have run out: turn_user_lifetime, an hour by default",
    ),
    Procedure("turn-password", Class.HARMLESS, "nobody: only coturn's own command line takes it"),
    Procedure("livekit-api-key", Class.SWITCH, "calls cannot be joined while LiveKit and its callers restart"),
    Procedure("livekit-api-secret", Class.SWITCH, "calls cannot be joined while LiveKit and its callers restart"),
    Procedure("key-vault-api-key", Class.SWITCH, "no recovery key is stored until Synapse and key_vault restarted"),
    Procedure("django-secret-key", Class.NOTICED, "key_vault's sessions and reset links end"),
    Procedure(
        "key-vault-rsa-key", Class.GUARDED,
        "every recovery key that is stored stays readable with the old key only: re-encrypt them before",
    ),
    Procedure(
        "li-admin-password", Class.SWITCH, "LI's administrators are asked for the new one", "users",
        wait="until LI's administrators have the new one", told="LI's administrators",
    ),
    Procedure("smtp-password", Class.GIVEN, "mail that is sent meanwhile waits", issuer="your mail provider"),
    Procedure(
        "apns-key", Class.GIVEN, "push to iPhones", issuer="Apple's developer account (Certificates, Identifiers, Keys)"
    ),
    Procedure(
        "fcm-service-account", Class.GIVEN, "push to Android",
        issuer="the Google Cloud console (IAM, Service Accounts, Keys)",
    ),
    Procedure("tls-private-key", Class.GIVEN, "none, if the certificate fits", issuer="who issues your certificates"),
)  # fmt: skip

# What is never rotated, by the names that people use for it, and why (FACTS 0, R6; FACTS 2).
NEVER: dict[str, str] = {
    "server-name": "It is a part of every user's and room's id, and can never change.",
    "server_name": "It is a part of every user's and room's id, and can never change.",
    "pepper": "Every password of every user would become invalid.",
    "password-pepper": "Every password of every user would become invalid.",
}

BY_VALUE = {each.value: each for each in PROCEDURES}


def of(name: str) -> Procedure:
    """Return how the value *name* is rotated; one that no row knows is switched by restarting what reads it."""
    return BY_VALUE.get(name) or Procedure(name, Class.SWITCH, "whatever reads it, until it has restarted")
