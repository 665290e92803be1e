"""The table of values: what each one is, how it is made or answered, and where trees are known to hold it.

Facts are rows (DESIGN, law 11): a new secret is one row here and one token in ``templates/``.
Sources: the checklist's sections 2 to 9 for the values and their spellings, FACTS 12 for object and key names.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache


class Kind(Enum):
    """Who says what a value is: a person, this program, or other values."""

    ANSWER = "answer"
    SECRET = "secret"
    DERIVED = "derived"


class Owns(Enum):
    """How much of the text around its placeholder a value replaces (DESIGN, law 3)."""

    TOKEN = "token"
    ARMOUR = "armour"  # a PEM block with its header, footer and any prose between them
    SCALAR = "scalar"  # the whole text of the scalar, comment lines included
    DOCUMENT = "document"  # the same, where that text is a document with scalars of its own


@dataclass(frozen=True)
class Place:
    """A place where trees are known to hold a value: an object of *kind* whose name matches, and its last key."""

    name: str
    key: str
    kind: str = "Secret"

    def matches(self, kind: str, name: str, key: str) -> bool:
        """Say whether the last key *key* of object *kind*/*name* is this place (all three are str)."""
        return kind == self.kind and _whole(self.name, name) and _whole(self.key, key)


@dataclass(frozen=True)
class Limit:
    """What the consumers of a value take: a pattern over the whole text, and the rule in words."""

    pattern: str
    rule: str

    def admits(self, text: str) -> bool:
        """Say whether *text* is within the limit."""
        return re.fullmatch(self.pattern, text, re.DOTALL) is not None


@dataclass(frozen=True)
class Row:
    """One value.

    ``roles``: role words of a placeholder that name it (see ``placeholders.role``); ``hosts``: labels under a reserved
    domain that name it; ``places``: where it is known to live. ``twin_of``: in an LI document, a role of that value of
    main's means this one; with ``twin_where`` only where the LI instance has a Secret of such a name. ``make`` and
    ``size``: the kind of secret that ``mint`` makes, and its size in that kind's unit (0: its default). ``answer``: the
    dotted key of the question that gives it. ``inputs``: what it is derived from. ``owns``: what it replaces. ``part``:
    the optional component that alone needs it. ``confidential``: masked in every output unless it is asked for.
    ``limit``: what its consumers take of it; what is made here is always within it.
    """

    name: str
    kind: Kind
    roles: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    hosts: tuple[str, ...] = ()
    twin_of: str = ""
    twin_where: str = ""
    make: str = ""
    size: int = 0
    answer: str = ""
    inputs: tuple[str, ...] = ()
    owns: Owns = Owns.TOKEN
    part: str = ""
    confidential: bool = False
    limit: Limit | None = None


# 40 characters of 62 are 238 bits and pass every consumer, MinIO's ceiling of 40 included (FACTS 0, R1).
PASSWORD_LENGTH = 40
TLS_SECRET = "matrix-tls"  # the checklist's name for given certificates (6.2)
AUTH_SECRET = "synapse-admin-auth"  # and for the LI admin's password file (4.3)


def _secret(name: str, *roles: str, make: str = "password", size: int = PASSWORD_LENGTH, **more: object) -> Row:
    return Row(name, Kind.SECRET, roles, make=make, size=size, **more)  # type: ignore[arg-type]


def _answer(name: str, answer: str, *roles: str, **more: object) -> Row:
    return Row(name, Kind.ANSWER, roles, answer=answer, **more)  # type: ignore[arg-type]


# Synapse splits the header at a blank and decodes it as ASCII (FACTS 2).
_HEADER = Limit(r"[!-~]+", "it is sent in an HTTP header, so it may hold only ASCII characters, without blanks")
# coturn reads lines of 1023 bytes, the option's name in them (FACTS 3).
_COTURN_LINE = Limit(r"[^\r\n]{1,1000}", "coturn reads it from one line of at most 1000 characters")
_MINIO = Limit(r".{8,}", "MinIO takes no secret of fewer than 8 characters")  # FACTS 3

_SYNAPSE = r"synapse(-main)?-secrets?"
_SYNAPSE_LI = r"synapse-li-secrets?|li-synapse-secrets?"
_REDIS_KEY = r"password|redis-password|REDIS_PASSWORD|requirepass|masterauth"
_KEY_VAULT = r"key-?vault-secrets?"
_SYNC = r"sync-system-secrets?"

ROWS: tuple[Row, ...] = (
    # --- secrets of the infrastructure (checklist 2.2, 2.3)
    _secret(
        "redis-password",
        "REDIS_PASSWORD",
        places=(
            Place(r"redis(-password|-secret|-auth|-credentials)?", _REDIS_KEY),
            Place(rf"{_SYNAPSE}|{_SYNAPSE_LI}|livekit-secrets?", r"REDIS_PASSWORD"),
        ),
    ),
    _secret(
        "li-redis-password",
        "LI_REDIS_PASSWORD",
        "REDIS_LI_PASSWORD",
        twin_of="redis-password",
        twin_where=r"redis",
        places=(Place(r"(redis-li|li-redis)(-password|-secret|-auth)?", _REDIS_KEY),),
    ),
    _secret(
        "livekit-redis-password",
        "LIVEKIT_REDIS_PASSWORD",
        "REDIS_LIVEKIT_PASSWORD",
        places=(
            Place(
                r"(redis-livekit|livekit-redis)(-password|-secret|-auth)?", r"password|redis-password|REDIS_PASSWORD"
            ),
        ),
    ),
    _secret(
        "minio-root-password",
        "MINIO_ROOT_PASSWORD",
        places=(Place(r".*minio.*", r"MINIO_ROOT_PASSWORD"),),
        limit=_MINIO,
    ),
    _secret(
        "s3-password",
        "S3_PASSWORD",
        "S3_SECRET_KEY",
        "MINIO_S3_PASSWORD",
        places=(
            Place(r"minio-credentials|synapse-s3-credentials", r"CONSOLE_SECRET_KEY|secret-key|SECRET_KEY"),
            Place(rf"{_SYNAPSE}|{_SYNAPSE_LI}|{_SYNC}", r"S3_SECRET_KEY|S3_PASSWORD"),
        ),
        limit=_MINIO,
    ),
    _secret("li-s3-password", "LI_S3_PASSWORD", "LI_S3_SECRET_KEY", twin_of="s3-password", twin_where=r"minio"),
    # --- databases (2.4, 2.7, 2.8, 2.9)
    _secret(
        "synapse-db-password",
        "DB_PASSWORD",
        "SYNAPSE_DB_PASSWORD",
        "POSTGRES_PASSWORD",
        "POSTGRESQL_PASSWORD",
        places=(
            Place(_SYNAPSE, r"DB_PASSWORD"),
            Place(r"synapse-db-credentials|matrix-postgresql(-app|-credentials)?", r"password"),
        ),
    ),
    _secret(
        "li-db-password",
        "LI_DB_PASSWORD",
        "SYNAPSE_LI_DB_PASSWORD",
        twin_of="synapse-db-password",
        places=(
            Place(_SYNAPSE_LI, r"DB_PASSWORD"),
            Place(_SYNC, r"LI_DB_PASSWORD"),
            Place(r"synapse-li-db-credentials|matrix-postgresql-li(-app|-credentials)?", r"password"),
        ),
    ),
    # Its own role and database: the checklist's "same as step 2.4" is wrong for a separate user (FACTS 3, 10).
    _secret(
        "key-vault-db-password",
        "KEY_VAULT_DB_PASSWORD",
        "KEYVAULT_DB_PASSWORD",
        places=(Place(_KEY_VAULT, r"DB_PASSWORD|DATABASE_PASSWORD"),),
    ),
    _secret(
        "replication-password",
        "REPLICATION_PASSWORD",
        "REPLICATION_DB_PASSWORD",
        places=(Place(_SYNC, r"MAIN_DB_PASSWORD"),),
    ),
    # --- Synapse (2.4) and its LI twin (2.8), whose own three secrets must differ from main's
    _secret(
        "worker-replication-secret",
        "REPLICATION_SECRET",
        "WORKER_REPLICATION_SECRET",
        places=(Place(_SYNAPSE, r"(WORKER_)?REPLICATION_SECRET"),),
        limit=_HEADER,
    ),
    _secret(
        "macaroon-secret",
        "MACAROON_SECRET",
        "MACAROON_SECRET_KEY",
        places=(Place(_SYNAPSE, r"MACAROON_SECRET(_KEY)?"),),
    ),
    _secret(
        "registration-secret",
        "REGISTRATION_SECRET",
        "REGISTRATION_SHARED_SECRET",
        places=(Place(_SYNAPSE, r"REGISTRATION(_SHARED)?_SECRET"),),
    ),
    _secret("form-secret", "FORM_SECRET", places=(Place(_SYNAPSE, r"FORM_SECRET"),)),
    _secret(
        "li-macaroon-secret",
        "LI_MACAROON_SECRET",
        "LI_MACAROON_SECRET_KEY",
        twin_of="macaroon-secret",
        places=(Place(_SYNAPSE_LI, r"MACAROON_SECRET(_KEY)?"),),
    ),
    _secret(
        "li-registration-secret",
        "LI_REGISTRATION_SECRET",
        "LI_REGISTRATION_SHARED_SECRET",
        twin_of="registration-secret",
        places=(Place(_SYNAPSE_LI, r"REGISTRATION(_SHARED)?_SECRET"),),
    ),
    _secret(
        "li-form-secret",
        "LI_FORM_SECRET",
        twin_of="form-secret",
        places=(Place(_SYNAPSE_LI, r"FORM_SECRET"),),
    ),
    # One key for both instances, byte for byte (2.4, 2.8, 5); the true reason stands in FACTS 1.
    _secret(
        "signing-key",
        "SIGNING_KEY",
        "MAIN_SIGNING_KEY",
        "COPY_FROM_MAIN_SIGNING_KEY",
        "SYNAPSE_SIGNING_KEY",
        "SYNAPSE_COMMAND",
        "ED25519",
        make="signing-key",
        size=0,
        owns=Owns.SCALAR,
        places=(Place(rf"{_SYNAPSE}|{_SYNAPSE_LI}", r"signing[._-]key|SIGNING_KEY"),),
    ),
    # --- calls (2.4, 2.5, 7.2)
    _secret(
        "turn-secret",
        "TURN_SECRET",
        "TURN_SHARED_SECRET",
        "COTURN_SECRET",
        "COTURN_SHARED_SECRET",
        places=(
            Place(_SYNAPSE, r"TURN_(SHARED_)?SECRET"),
            Place(r"coturn-secrets?", r"TURN_(SHARED_)?SECRET"),
        ),
        limit=_COTURN_LINE,
    ),
    _secret(
        "turn-password",
        "TURN_PASSWORD",
        "COTURN_PASSWORD",
        places=(Place(r"coturn-secrets?", r"TURN_PASSWORD"),),
    ),
    _secret(
        "livekit-api-key",
        "LIVEKIT_API_KEY",
        "LIVEKIT_KEY",
        make="livekit-api-key",
        size=0,
        answer="livekit.api_key",
        part="livekit",
        places=(Place(r"livekit-secrets?", r"(LIVEKIT_)?API_KEY"),),
    ),
    _secret(
        "livekit-api-secret",
        "LIVEKIT_API_SECRET",
        "LIVEKIT_SECRET",
        answer="livekit.api_secret",
        part="livekit",
        places=(Place(r"livekit-secrets?", r"(LIVEKIT_)?API_SECRET"),),
    ),
    # --- key_vault (2.4, 2.7)
    _secret(
        "key-vault-api-key",
        "KEY_VAULT_API_KEY",
        "KEYVAULT_API_KEY",
        places=(Place(_SYNAPSE, r"KEY_VAULT_API_KEY"), Place(_KEY_VAULT, r"(KEY_VAULT_)?API_KEY")),
    ),
    _secret(
        "django-secret-key",
        "DJANGO_SECRET_KEY",
        make="django",
        size=0,
        places=(Place(_KEY_VAULT, r"(DJANGO_)?SECRET_KEY"),),
    ),
    _secret(
        "key-vault-rsa-key",
        "RSA_PRIVATE_KEY",
        "KEY_VAULT_RSA_KEY",
        "KEY_VAULT_RSA_PRIVATE_KEY",
        make="rsa",
        size=0,
        owns=Owns.ARMOUR,
        places=(Place(_KEY_VAULT, r"(RSA_|KEY_VAULT_)?(RSA_)?PRIVATE_KEY(\.pem)?|rsa[._-]key"),),
    ),
    # --- LI administration (4.3): the password itself is in no manifest, only its bcrypt line is
    _secret("li-admin-password", answer="lawful_intercept.admin_password"),
    Row(
        "li-admin-htpasswd",
        Kind.DERIVED,
        roles=("HTPASSWD", "HTPASSWD_HASH", "SYNAPSE_ADMIN_HTPASSWD", "LI_ADMIN_HTPASSWD"),
        places=(Place(r"synapse-admin(-li)?-auth", r"auth"),),
        make="htpasswd",
        inputs=("li-admin-user", "li-admin-password"),
        owns=Owns.SCALAR,
    ),
    _answer("li-admin-user", "lawful_intercept.admin_user"),
    # --- push (2.6): taken whole, as their issuers hand them out
    _secret("apns-key", "APNS_PRIVATE_KEY", "APNS_KEY", make="", answer="push.apns.key", owns=Owns.ARMOUR, part="apns"),
    _answer("apns-key-id", "push.apns.key_id", "APNS_KEY_ID", part="apns"),
    _answer("apns-team-id", "push.apns.team_id", "APNS_TEAM_ID", part="apns"),
    _answer("apns-topic", "push.apns.topic", "APNS_TOPIC", "APNS_BUNDLE_ID", part="apns"),
    _answer("apns-platform", "push.apns.platform", "APNS_PLATFORM", part="apns"),
    _secret(
        "fcm-service-account",
        "FCM_SERVICE_ACCOUNT",
        "FCM_SERVICE_ACCOUNT_JSON",
        "FCM_PRIVATE_KEY",
        "FCM_PRIVATE_KEY_ID",
        "FCM_CLIENT_EMAIL",
        "FCM_CLIENT_ID",
        make="",
        answer="push.fcm.service_account",
        owns=Owns.DOCUMENT,
        part="fcm",
    ),
    Row(
        "fcm-project-id",
        Kind.DERIVED,
        ("FCM_PROJECT_ID", "FIREBASE_PROJECT_ID"),
        inputs=("fcm-service-account",),
        part="fcm",
    ),
    # --- names (3.1, 3.2)
    _answer("base-domain", "domains.base", "DOMAIN", "BASE_DOMAIN", hosts=("",)),
    _answer("server-name", "domains.server_name", "SERVER_NAME", "MATRIX_SERVER_NAME"),
    _answer("matrix-host", "domains.matrix", "MATRIX_DOMAIN", "MATRIX_HOST", hosts=("matrix", "synapse", "homeserver")),
    _answer("element-host", "domains.element", "ELEMENT_DOMAIN", "ELEMENT_HOST", hosts=("element", "chat")),
    _answer("turn-host", "domains.turn", "TURN_DOMAIN", "TURN_HOST", hosts=("turn", "coturn")),
    _answer("livekit-host", "domains.livekit", "LIVEKIT_DOMAIN", "LIVEKIT_HOST", hosts=("livekit",)),
    _answer("li-matrix-host", "domains.li_matrix", "LI_MATRIX_DOMAIN", hosts=("matrix-li", "li-matrix", "synapse-li")),
    _answer(
        "li-element-host", "domains.li_element", "LI_ELEMENT_DOMAIN", hosts=("element-li", "li-element", "chat-li")
    ),
    _answer("li-admin-host", "domains.li_admin", "LI_ADMIN_DOMAIN", hosts=("admin-li", "li-admin", "synapse-admin-li")),
    _answer("livekit-url", "livekit.url", "LIVEKIT_URL", part="livekit"),
    # --- access, certificates, mail (4, 2.10, 6, 7.1)
    _answer(
        "li-allowed-cidrs",
        "lawful_intercept.allowed_cidrs",
        "LAW_ENFORCEMENT_IPS",
        "LI_ALLOWED_CIDRS",
        confidential=True,
    ),
    _answer("tls-mode", "tls.mode"),
    _answer("tls-email", "tls.email", "LETSENCRYPT_EMAIL", "ACME_EMAIL", "CERT_MANAGER_EMAIL", part="letsencrypt"),
    Row("cluster-issuer", Kind.DERIVED, inputs=("tls-mode",)),
    Row("tls-secret-name", Kind.DERIVED, part="tls-manual"),
    _answer("tls-certificate", "tls.certificate", "TLS_CERTIFICATE", part="tls-manual", owns=Owns.SCALAR),
    _secret(
        "tls-private-key", "TLS_PRIVATE_KEY", make="", answer="tls.private_key", part="tls-manual", owns=Owns.SCALAR
    ),
    _answer("smtp-host", "smtp.host", "SMTP_HOST", hosts=("smtp", "mail"), part="smtp"),
    _answer("smtp-port", "smtp.port", "SMTP_PORT", part="smtp"),
    _answer("smtp-security", "smtp.security", part="smtp"),
    # Synapse's own options for it (synapse/config/emailconfig.py): two of the three demand the first.
    Row("smtp-enable-tls", Kind.DERIVED, inputs=("smtp-security",), part="smtp"),
    Row("smtp-require-tls", Kind.DERIVED, inputs=("smtp-security",), part="smtp"),
    Row("smtp-force-tls", Kind.DERIVED, inputs=("smtp-security",), part="smtp"),
    _answer("smtp-user", "smtp.user", "SMTP_USER", "SMTP_USERNAME", part="smtp"),
    _secret("smtp-password", "SMTP_PASSWORD", "SMTP_PASS", make="", answer="smtp.password", part="smtp"),
    _answer("smtp-from", "smtp.from", "SMTP_FROM", part="smtp"),
    # --- the rest (7.3, 9.2, 8.1, 8.3)
    _answer("turn-external-ip", "turn.external_ip", "EXTERNAL_IP", "TURN_EXTERNAL_IP", "PUBLIC_IP"),
    _answer(
        "metallb-pool", "network.metallb_pool", "METALLB_POOL", "METALLB_RANGE", "METALLB_IP_RANGE", part="metallb"
    ),
    _answer("storage-class", "storage.class", "STORAGE_CLASS", "STORAGECLASS", "STORAGE_CLASS_NAME"),
    _answer("backup-retention", "backups.retention", "BACKUP_RETENTION"),
    _answer("key-vault-image", "key_vault.image"),
    _answer("sync-image", "sync.image"),
    _answer("sync-media-image", "sync.media_image"),
    _answer("li-backup-retention", "backups.li_retention", "LI_BACKUP_RETENTION", twin_of="backup-retention"),
)


@dataclass(frozen=True)
class Setting:
    """A setting of a server's own configuration that holds a value: the name of the file (a pattern) and the key.

    ``key`` is dotted where the file is YAML, and the word that begins a line where it is not. ``unless``: a pattern in
    the name or path of another server's configuration of the same kind.
    """

    value: str
    file: str
    key: str
    unless: str = ""


HOMESERVER_FILE = r"(?:.*[-_.])?homeserver(?:[-_.].*)?\.ya?ml"
_ANY_YAML = r".+\.ya?ml"
_REDIS_CONF = r"(?:.*[-_.])?redis(?:[-_.].*)?\.conf"

# Synapse's own names (FACTS 2), of which those that other programs use as well count in its main file only; coturn's.
SETTINGS: tuple[Setting, ...] = (
    Setting("server-name", HOMESERVER_FILE, "server_name"),
    Setting("synapse-db-password", HOMESERVER_FILE, "database.args.password"),
    Setting("redis-password", HOMESERVER_FILE, "redis.password"),
    Setting("macaroon-secret", _ANY_YAML, "macaroon_secret_key"),
    Setting("registration-secret", _ANY_YAML, "registration_shared_secret"),
    Setting("form-secret", _ANY_YAML, "form_secret"),
    Setting("worker-replication-secret", _ANY_YAML, "worker_replication_secret"),
    Setting("turn-secret", _ANY_YAML, "turn_shared_secret"),
    Setting("turn-secret", r"(?:turnserver|coturn)\.conf", "static-auth-secret"),
    Setting("redis-password", _REDIS_CONF, "requirepass", unless="livekit"),
    Setting("redis-password", _REDIS_CONF, "masterauth", unless="livekit"),
    Setting("livekit-redis-password", _REDIS_CONF, "requirepass", unless="^(?!.*livekit)"),
    Setting("livekit-redis-password", _REDIS_CONF, "masterauth", unless="^(?!.*livekit)"),
)

# Last keys under which a host of the main instance is the server's name, whatever its label (DESIGN, law 4; FACTS 12).
SERVER_NAME_KEYS = frozenset({"SERVER_NAME", "SYNAPSE_SERVER_NAME", "MATRIX_SERVER_NAME", "SERVERNAME"})
ROOM_DIRECTORY = ("room_directory", "servers")  # Element's list of servers, by name and not by host
# Keys under which it is so only where the host is the homeserver's: a TURN realm is any name the operator likes.
REALM_KEYS = frozenset({"REALM", "TURN_REALM"})
# Keys of issuers that hold the ACME contact.
EMAIL_KINDS = frozenset({"ClusterIssuer", "Issuer"})


# Roles that name no owner: which database a password is for, its key and object say (DESIGN, law 4).
GENERIC_ROLES = frozenset(
    [
        "",
        "PASSWORD",
        "SECRET",
        "KEY",
        "API_KEY",
        "SECRET_KEY",
        "DB_PASSWORD",
        "POSTGRES_PASSWORD",
        "PASS",
        "PASSPHRASE",
        "TOKEN",
        "API_TOKEN",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "CREDENTIALS",
        "AUTH",
        "USER",
        "USERNAME",
        "ADMIN_PASSWORD",
        "ROOT_PASSWORD",
        "USER_PASSWORD",
        "SECRET_TOKEN",
        "AUTH_TOKEN",
        "ACCESS_TOKEN",
        "NAME",
        "HOST",
        "HOSTNAME",
        "URL",
        "ID",
        "IP",
        "IP_ADDRESS",
        "DB_USER",
        "DB_HOST",
        "EMAIL",
        "DATA",
        "SERVER",
    ]
)
# Words of a key or a spelling that call for a secret, whatever it is for.
SECRET_WORDS = re.compile(r"(?:PASSWORD|PASSWD|PASSPHRASE|PASS|SECRET|TOKEN|KEY|SALT|SEED|PEPPER|CREDENTIALS)$")
ADDRESSES = frozenset({"turn-external-ip"})  # the values that a reserved address stands for, under a key of their own
# Keys of lists of addresses to refuse, such as Synapse's ip_range_blacklist or coturn's denied-peer-ip.
REFUSING = re.compile(r"DEN(?:Y|IED)|BLACKLIST|BLOCK|EXCEPT|EXCLUDE|BOGON|REJECT|RESERVED|IGNORE")
OTHER_SERVERS = frozenset({"turn-host", "livekit-host"})  # whose own name is no Matrix server's, whatever its key
# Values that a host under these labels stands for: the homeserver itself, by its own name or the base domain's.
HOMESERVER_NAMES = frozenset({"base-domain", "matrix-host", "li-matrix-host"})


# A name belongs to the lawful-intercept twin when "li" stands in it as a word of its own: synapse-li, li-instance.
LI_WORD = r"(?:^|[^a-z0-9])(?:li|lawful-?intercept)(?:[^a-z0-9]|$)"
LI = "li"  # the component that is the LI instance


@dataclass(frozen=True)
class Component:
    """An optional part of a deployment: what switches it on, and the files and objects that belong to it.

    ``switch``: a section of the answers (or several, by ``|``), a key that has an answer, or ``key=value``.
    ``files``: what the bundled tree leaves out without it. ``documents``: a pattern over file paths and object names.
    """

    name: str
    switch: str
    files: tuple[str, ...] = ()
    documents: str = ""


COMPONENTS: tuple[Component, ...] = (
    Component("smtp", "smtp", ("main-instance/01-synapse/email-secret.yaml",), r"synapse-email|email-secret"),
    Component("apns", "push.apns", ("main-instance/07-sygnal/apns-secret.yaml",), r"apns"),
    Component("fcm", "push.fcm", ("main-instance/07-sygnal/fcm-secret.yaml",), r"\bfcm\b"),
    Component("push", "push.apns|push.fcm", ("main-instance/07-sygnal/",), r"sygnal"),
    Component(
        "livekit",
        "livekit",
        ("main-instance/04-livekit/", "values/livekit-values.yaml", "values/redis-livekit-values.yaml"),
        r"livekit",
    ),
    Component(
        "letsencrypt",
        "tls.email|tls.mode=letsencrypt|tls.mode=letsencrypt-staging",
        ("infrastructure/04-networking/cert-manager-install.yaml",),
    ),
    Component("tls-manual", "tls.mode=manual", ("infrastructure/04-networking/tls-secret.yaml",)),
    Component("metallb", "network.metallb_pool", ("values/metallb-values.yaml",), r"metallb"),
    Component(
        LI,
        "lawful_intercept.instance=here",
        ("li-instance/", "infrastructure/01-postgresql/li-cluster.yaml"),
        rf"{LI_WORD}|sync-system",
    ),
)

ADDED_TO_ANY_TREE = frozenset({"tls-manual"})  # what is new in every tree that wants it; the rest is the bundled tree's
SWITCHES = {each.name: each.switch for each in COMPONENTS}
BY_NAME = {row.name: row for row in ROWS}
_BY_ROLE = {role: row for row in ROWS for role in row.roles}
_BY_HOST = {label: row for row in ROWS for label in row.hosts}
_PLACES = [place for row in ROWS for place in row.places]
_PLACE_KEYS = {
    each.kind: re.compile("|".join(sorted({f"(?:{place.key})" for place in _PLACES if place.kind == each.kind})))
    for each in _PLACES
}
_SETTINGS = {each.key: [other for other in SETTINGS if other.key == each.key] for each in SETTINGS}
_SETTING_PARTS = frozenset(frozenset(each.key.split(".")) for each in SETTINGS)
_VARIABLES = "|".join(sorted({place.key for place in _PLACES}))
_VARIABLE_NAME = re.compile(rf"""name["']?:\s+["']?(?:{_VARIABLES})["']?(?![\w.-])""")
_TWINS = {row.twin_of: row for row in ROWS if row.twin_of}


def own_services(li_secrets: Iterable[str]) -> frozenset[str]:
    """Return the values that the LI instance has for itself, by the names of its Secrets: those of its own Redis, say.

    Where it has none it shares main's (FACTS 12).
    """
    named = list(li_secrets)
    conditional = (row for row in ROWS if row.twin_where)
    return frozenset(row.name for row in conditional if any(re.search(row.twin_where, name) for name in named))


def twin(row: Row | None, instance: str, own: Container[str] = ()) -> Row | None:
    """Return what *row*, a value of main's, means in a document of *instance* ("main" or "li").

    *own*: as ``own_services`` gives it.
    """
    other = _TWINS.get(row.name) if row and instance == "li" else None
    return other if other and (not other.twin_where or other.name in own) else row


def are_twins(one: str, other: str) -> bool:
    """Say whether of the values *one* and *other* one is main's, and the other the LI instance's in its place."""
    return BY_NAME[one].twin_of == other or BY_NAME[other].twin_of == one


def by_role(role: str, instance: str, own: Container[str] = ()) -> Row | None:
    """Return the row that *role* names in a document of *instance* ("main" or "li"), or None where it names none."""
    return twin(_BY_ROLE.get(role), instance, own)


def by_setting(file: str, key: str, owner: str = "") -> Row | None:
    """Return the row of main's that the setting *key* of the configuration *file* holds, or None.

    *owner*: the name of the object that holds the file, and its path.
    """
    return _by_setting(file, key, owner) if key in _SETTINGS else None


@cache
def _by_setting(file: str, key: str, owner: str) -> Row | None:
    named = (each for each in _SETTINGS[key] if _whole(each.file, file))
    found = (each.value for each in named if not (each.unless and re.search(each.unless, owner)))
    return BY_NAME.get(next(found, ""))


def by_variable(name: str, role: str, workload: str) -> Row | None:
    """Return the row of the secret that the environment variable *name*, of the words *role*, holds, or None.

    In a container it is what the Secret of the *workload*'s own name would hold under that key; in an environment file
    (*workload* is '') what a placeholder of that role would mean.
    """
    if workload:
        return by_place("Secret", f"{workload}-secrets", name)
    row = None if role in GENERIC_ROLES else _BY_ROLE.get(role)
    return row if row and row.kind is Kind.SECRET else None  # a host or a port may be any program's


def by_host(label: str) -> Row | None:
    """Return the row of the host *label* (what stands before the reserved domain), or None where it is unknown."""
    return _BY_HOST.get(label)


@cache
def by_place(kind: str, name: str, key: str) -> Row | None:
    """Return the row known to live at the last key *key* of object *kind*/*name* (FACTS 12), or None."""
    if kind not in _PLACE_KEYS or not _PLACE_KEYS[kind].fullmatch(key):
        return None
    return next((row for row in ROWS if any(place.matches(kind, name, key) for place in row.places)), None)


def is_named(kind: str, name: str, but: Container[str]) -> bool:
    """Say whether the object *kind*/*name* is known as the place of any value, those called in *but* aside."""
    rows = (row for row in ROWS if row.name not in but)
    return any(place.kind == kind and _whole(place.name, name) for row in rows for place in row.places)


def may_hold_a_known_place(text: str) -> bool:
    """Say whether *text*, the source of an object that is no Secret, can hold a setting or a variable of a row.

    A scan that errs towards yes.
    """
    return _VARIABLE_NAME.search(text) is not None or any(all(part in text for part in each) for each in _SETTING_PARTS)


def parts_of(path: str, name: str) -> list[str]:
    """Return the optional components that the object *name* in the file *path* belongs to."""
    return [each.name for each in COMPONENTS if each.documents and re.search(each.documents, f"{path} {name}".lower())]


def parts_of_value(name: str) -> list[str]:
    """Return the optional component that alone needs the value *name*, as a list of one or none."""
    row = BY_NAME.get(name)
    return [row.part] if row and row.part else []


def is_masked(name: str) -> bool:
    """Say whether the texts of *name* are masked in every output: secrets, confidential answers."""
    row = BY_NAME.get(name)
    return row is None or row.confidential or row.kind is Kind.SECRET or row.make != ""


def is_kept(name: str) -> bool:
    """Say whether the vault keeps generations of *name*; the texts of all other values follow from the answers."""
    row = BY_NAME.get(name)
    return row is None or row.kind is Kind.SECRET or row.make != ""


def _whole(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None
