"""The mistakes: what an operator does to which file, and the rule by which check names it."""

from __future__ import annotations

import base64
import json
import re
import textwrap
from dataclasses import dataclass, field

from checks.authority import issue
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from scripts.certificates import pem

from mutants.edits import (
    Edit,
    Texts,
    added,
    appended,
    behind,
    block,
    both,
    copied,
    document,
    dropped,
    encoded,
    given,
    swap,
    value,
    written,
)

MAIN = "main-instance/01-synapse"
SECRETS, CONFIG, PODS, MAIL = (f"{MAIN}/{name}.yaml" for name in ("secrets", "configmap", "deployment", "email-secret"))
ELEMENT, HAPROXY, LIVEKIT, COTURN, SYGNAL, KEY_VAULT = (
    f"main-instance/{name}/deployment.yaml"
    for name in ("02-element-web", "03-haproxy", "04-livekit", "06-coturn", "07-sygnal", "08-key-vault")
)
APNS, FCM = (f"main-instance/07-sygnal/{name}-secret.yaml" for name in ("apns", "fcm"))
LI, LI_ELEMENT, LI_ADMIN, SYNC = (
    f"li-instance/{name}/deployment.yaml"
    for name in ("01-synapse-li", "02-element-web-li", "03-synapse-admin-li", "04-sync-system")
)
DATABASE, LI_DATABASE = (f"infrastructure/01-postgresql/{name}-cluster.yaml" for name in ("main", "li"))
REDIS, REDIS_SECRET = "infrastructure/02-redis/redis.yaml", "infrastructure/02-redis/redis-secret.yaml"
MINIO, TENANT = "infrastructure/03-minio/secrets.yaml", "infrastructure/03-minio/tenant.yaml"
ACME, POLICIES, TLS = (
    f"infrastructure/04-networking/{name}.yaml" for name in ("cert-manager-install", "networkpolicies", "tls-secret")
)
NGINX, METALLB, LIVEKIT_VALUES = (f"values/{name}-values.yaml" for name in ("nginx-ingress", "metallb", "livekit"))

KUSTOMIZATION = "Kustomization"

LIST = "nginx.ingress.kubernetes.io/whitelist-source-range"


@dataclass(frozen=True)
class Mistake:
    """One mistake: its name, the file, how that is changed, and the rule that names it.

    ``at``: where it is found, if that is another file. ``is_error``: what the finding is. ``bases``: the trees that
    it can be made in."""

    name: str
    file: str
    edit: Edit = field(repr=False)
    rule: str
    is_error: bool = True
    at: str = ""
    bases: frozenset[str] = frozenset({"by hand", "provisioned"})

    @property
    def found_at(self) -> str:
        return self.at or self.file


def _warned(name: str, file: str, edit: Edit, rule: str, at: str = "") -> Mistake:
    return Mistake(name, file, edit, rule, False, at)


def _tls(name: str, edit: Edit, rule: str, *, is_error: bool = True) -> Mistake:
    """A mistake about the certificate given by hand, which setup leaves alone where Let's Encrypt makes them."""
    return Mistake(name, TLS, edit, rule, is_error, bases=frozenset({"by hand"}))


def _pem(bits: int) -> str:
    form = PrivateFormat.TraditionalOpenSSL
    return rsa.generate_private_key(65537, bits).private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def _ingress(edit: Edit) -> Edit:
    return behind("kind: Ingress\n", edit)


def _as_data(text: str) -> str:
    """Move a Secret of one-line entries from stringData: to data:, each encoded."""
    head, _, entries = text.partition("\nstringData:\n")
    lines = (re.sub(r": (\".*\"|\S+)$", lambda found: f": {encoded(found[1])}", line) for line in entries.split("\n"))
    return f"{head}\ndata:\n" + "\n".join(lines)


def _with_newline(text: str) -> str:
    """Encode the password as ``echo PASSWORD | base64`` does."""
    password = encoded(written(text, "password"), end="\n")
    return given("password", password)(_as_data(text), {})


def _wrapped(text: str, _: Texts) -> str:
    """The signing key as base64 in lines of 40, as ``base64`` without -w0 does."""
    body = re.search(r" +signing\.key: \|\n +(.*)\n", text)
    assert body
    whole = base64.b64encode(f"{body[1]}\n".encode()).decode()
    lines = "\n    ".join(textwrap.wrap(whole, 40))
    head = text.replace(body[0], "", 1)
    return head.replace("\nstringData:\n", f"\ndata:\n  signing.key: |\n    {lines}\nstringData:\n", 1)


def _tls_blocks(text: str) -> list[str]:
    """Return the certificates of tls.crt, each without what begins the first line."""
    body = text.partition("tls.crt: |\n")[2].partition("  tls.key")[0]
    return textwrap.dedent(body).split("-----BEGIN")[1:]


def _reversed(text: str, texts: Texts) -> str:
    """The issuer's certificate first: also said to be of another key and for no host, as servers read it."""
    chain = "".join(f"-----BEGIN{each}" for each in reversed(_tls_blocks(text)))
    return block("tls.crt", chain)(text, texts)


def _certificates(host: str, begins: int = -30, ends: int = 90) -> str:
    authority = issue("ca")
    hosts = [f"{name}.{host}" for name in ("matrix", "element", "livekit")]
    party = issue("matrix", authority, hosts, begins, ends)
    return party.crt + authority.crt


def _own_tls(begins: int, ends: int) -> Edit:
    authority = issue("ca", ends=900)
    party = issue("matrix", authority, [f"{name}.firma-chat.de" for name in _NAMES], begins, ends)
    return both(block("tls.crt", party.crt + authority.crt), block("tls.key", party.pem))


_NAMES = ("matrix", "element", "livekit")
_APPLIED = json.dumps({"kind": "Secret", "stringData": {"password": "not-the-one-of-today"}})
_VARIABLE = """\
---
apiVersion: v1
kind: Secret
metadata:
  name: synapse-worker-secret
  namespace: matrix
  labels:
    matrix.instance: main
type: Opaque
stringData:
  WORKER_SECRET: "48151623421815162342"
"""
# The signing key that the Helm tool gave everybody: what Go's math/rand gives first under the seed 0 (FACTS 1).
_KNOWN = bytes.fromhex("0194fdc2fa2ffcc041d3ff12045b73c86e4ff95ff662a5eee82abdf44a2d0b75")
_KNOWN_SEED = base64.b64encode(_KNOWN).decode().rstrip("=")
_OTHER = "bq7ZkT0xVn4mRc9sWd2hLf6yPa8uGe3J"  # a password that stands nowhere else

LEFT = (
    Mistake(
        "a password was commented out before it was filled in",
        KEY_VAULT,
        added("DB_PORT:", '# DB_PASSWORD: "CHANGEME_SECURE_KEY_VAULT_DB_PASSWORD"'),
        "placeholder-left",
    ),
    Mistake(
        "a password was overlooked", SECRETS, given("FORM_SECRET", '"CHANGEME_SECURE_FORM_SECRET"'), "placeholder-left"
    ),
    Mistake("a password is CHANGEME alone", SYNC, given("S3_SECRET_KEY", "CHANGEME"), "placeholder-left"),
    Mistake(
        "a placeholder was encoded",
        SECRETS,
        swap("\nstringData:\n", '\ndata:\n  EXTRA: "Q0hBTkdFTUVfU0VDVVJFX1BBU1NXT1JE"\nstringData:\n'),
        "placeholder-left",
    ),
    Mistake(
        "an older spelling was overlooked",
        REDIS_SECRET,
        given("password", '"CHANGE_ME_GENERATE_SECURE_PASSWORD"'),
        "placeholder-left",
    ),
    Mistake("YOUR_ was overlooked", MAIL, given("smtp_pass", '"YOUR_SMTP_PASSWORD"'), "placeholder-left"),
    Mistake(
        "CHANGE_TO_ was overlooked",
        LIVEKIT_VALUES,
        given("secret", '"CHANGE_TO_COTURN_SHARED_SECRET"'),
        "placeholder-left",
    ),
    Mistake("the list of LI was overlooked", LI_ELEMENT, given(LIST, '"YOUR_LAW_ENFORCEMENT_IPS"'), "placeholder-left"),
    Mistake(
        "the example domain is left",
        CONFIG,
        given("public_baseurl", '"https://matrix.example.com/"'),
        "placeholder-left",
    ),
    Mistake(
        "the example domain is left in an ACL",
        HAPROXY,
        value("acl homeserver hdr(host),field(1,", lambda _: ") -i matrix.example.com"),
        "placeholder-left",
    ),
    Mistake("the issuer's address is of example.com", ACME, given("email", "admin@example.com"), "placeholder-left"),
    Mistake(
        "the pool of addresses was overlooked",
        METALLB,
        given("addresses", '["CHANGEME_METALLB_POOL"]'),
        "placeholder-left",
    ),
    Mistake("APNs' topic was overlooked", APNS, given("topic", '"CHANGEME_APNS_TOPIC"'), "placeholder-left"),
    Mistake(
        "FCM's project was overlooked in the second place",
        FCM,
        behind("app.yaml", given("project_id", '"CHANGEME_FCM_PROJECT_ID"')),
        "placeholder-left",
    ),
    _warned(
        "a placeholder is left in a comment",
        DATABASE,
        swap("# initdb.secret", "# The database of matrix.example.com.\n# initdb.secret"),
        "placeholder-left",
    ),
    _warned(
        "a file of another format holds one", "notes/turn.env.j2", appended("TURN={{ x }} CHANGEME_TURN\n"), "not-read"
    ),
    Mistake("a password of the manual", SECRETS, given("DB_PASSWORD", '"changeit"'), "weak-default"),
    Mistake(
        "MinIO's own default",
        MINIO,
        swap('export MINIO_ROOT_PASSWORD="', 'export MINIO_ROOT_PASSWORD="minioadmin"\n    #"'),
        "weak-default",
    ),
    Mistake("password as the password", LI_DATABASE, given("password", "password"), "weak-default"),
    _warned("a secret was emptied", KEY_VAULT, given("API_KEY", '""'), "secret-empty"),
)

IN_STEP = (
    Mistake("a new Redis password in one place only", REDIS_SECRET, given("password", f'"{_OTHER}"'), "secrets-differ"),
    Mistake(
        "LiveKit was forgotten at a new Redis password",
        LIVEKIT,
        given("REDIS_PASSWORD", f'"{_OTHER}"'),
        "secrets-differ",
    ),
    Mistake("coturn alone has a new secret", COTURN, given("static-auth-secret", _OTHER), "secrets-differ"),
    Mistake("the owner's password differs", DATABASE, given("password", f'"{_OTHER}"'), "secrets-differ"),
    Mistake("the replication password differs", SYNC, given("MAIN_DB_PASSWORD", f'"{_OTHER}"'), "secrets-differ"),
    Mistake("key_vault has another API key than Synapse", KEY_VAULT, given("API_KEY", f'"{_OTHER}"'), "secrets-differ"),
    Mistake("a letter was lost in copying", MINIO, value("secret-key", lambda old: old[:-2] + '"'), "secrets-differ"),
    Mistake(
        "Element has another server_name",
        ELEMENT,
        given('"server_name"', '"matrix.firma.de"'),
        "secrets-differ",
        bases=frozenset({"provisioned"}),  # where sites.lock says that the server's name stands there
    ),
    Mistake(
        "LI has a signing key of its own",
        LI,
        block("signing.key", "ed25519 a_LIxx Y7xq8JrHW6Xo2Ck0bZrX2v6Qf1nB3mT5pL9sD4gE7hU"),
        "signing-keys-differ",
    ),
    Mistake("LI has a name of its own", LI, given("server_name", '"matrix-li.firma-chat.de"'), "server-names-differ"),
    Mistake(
        "LI has a pepper",
        LI,
        behind("kind: ConfigMap", added("password_config:", '  pepper: "vN3kQ8tYr2mZc7LpXs5bHd9wJf4gTa6E"')),
        "peppers-differ",
    ),
    Mistake(
        "main got a pepper, LI none",
        CONFIG,
        added("password_config:", '  pepper: "vN3kQ8tYr2mZc7LpXs5bHd9wJf4gTa6E"'),
        "peppers-differ",
        at=LI,
    ),
    Mistake(
        "LI has main's registration secret",
        LI,
        copied("REGISTRATION_SECRET", SECRETS, "REGISTRATION_SECRET"),
        "li-secret-shared",
    ),
    Mistake(
        "LI has main's macaroon secret", LI, copied("MACAROON_SECRET", SECRETS, "MACAROON_SECRET"), "li-secret-shared"
    ),
    Mistake("LI has main's form secret", LI, copied("FORM_SECRET", SECRETS, "FORM_SECRET"), "li-secret-shared"),
    Mistake(
        "the S3 user has root's password",
        MINIO,
        lambda text, texts: swap(written(text, "export MINIO_ROOT_PASSWORD"), written(text, "secret-key"))(text, texts),
        "minio-root-shared",
    ),
    Mistake(
        "two roles have one password",
        DATABASE,
        behind(
            "name: matrix-postgresql-replication",
            copied("password", DATABASE, "password"),
        ),
        "database-roles-share",
    ),
    _warned(
        "one secret serves twice",
        SECRETS,
        copied("FORM_SECRET", SECRETS, "MACAROON_SECRET"),
        "secret-of-two-purposes",
    ),
    Mistake("the Secret names postgres", LI_DATABASE, given("username", "postgres"), "cluster-username"),
    Mistake(
        "a role was renamed in the Cluster",
        DATABASE,
        behind("roles:", swap("name: key_vault", "name: keyvault")),
        "cluster-username",
    ),
    Mistake(
        "LI uses main's Redis",
        LI,
        swap("redis:\n      enabled: false", "redis:\n      enabled: true\n      host: redis"),
        "li-shares-redis",
    ),
    Mistake(
        "a Secret was renamed",
        SECRETS,
        swap("name: synapse-secrets", "name: synapse-secret"),
        "reference-missing",
        at=PODS,
    ),
    Mistake(
        "a reference has a slip",
        KEY_VAULT,
        behind("secretKeyRef:", swap("key-vault-secrets", "key-vault-secret")),
        "reference-missing",
    ),
    Mistake(
        "a ConfigMap has another name than its mount",
        COTURN,
        swap("secretName: coturn-secrets", "secretName: coturn-secret"),
        "reference-missing",
    ),
    Mistake(
        "a Secret went to another namespace",
        REDIS_SECRET,
        swap("namespace: matrix", "namespace: redis"),
        "reference-missing",
        at=REDIS,
    ),
    Mistake("a key has another name", SYNC, given("key", "MAIN_DB_PASSWD"), "reference-key-missing"),
    Mistake(
        "an entry was renamed", KEY_VAULT, swap("  DJANGO_SECRET_KEY: ", "  SECRET_KEY: "), "reference-key-missing"
    ),
    _warned(
        "a Secret was left behind",
        REDIS_SECRET,
        appended(
            "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: redis-old\n  namespace: matrix\n"
            f"stringData:\n  password: {_OTHER}\n"
        ),
        "secret-unused",
    ),
)

WELL_FORMED = (
    Mistake(
        "a line of the kustomization was lost", "Kustomization", dropped("redis-secret.yaml"), "kustomization-list"
    ),
    Mistake("a bracket is not closed", METALLB, swap("]", ""), "unparseable"),
    Mistake("a tab indents", CONFIG, swap("data:\n  homeserver", "data:\n\thomeserver"), "unparseable"),
    Mistake("a quote is not closed", REDIS_SECRET, value("password", lambda old: old[:-1]), "unparseable"),
    Mistake(
        "a key was pasted a second time",
        SECRETS,
        added("FORM_SECRET:", 'FORM_SECRET: "bq7ZkT0xVn4mRc9sWd2hLf6yPa8uGe3J"'),
        "key-twice",
    ),
    _warned("an option stands twice", CONFIG, added("enable_registration:", "enable_registration: true"), "key-twice"),
    Mistake(
        "plain text under data:",
        MAIL,
        swap("stringData:", "data:"),
        "base64-missing",
        bases=frozenset({"by hand"}),  # the other's password has a sign in it that is another program's to fill in
    ),
    Mistake("plain text with signs under data:", KEY_VAULT, swap("stringData:", "data:"), "base64-missing"),
    _warned("base64 in several lines", SECRETS, _wrapped, "base64-wrapped"),
    Mistake(
        "base64 was folded",
        SECRETS,
        lambda text, texts: _wrapped(text, texts).replace("signing.key: |", "signing.key: >"),
        "base64-wrapped",
    ),
    Mistake("the checklist's sed: base64 in stringData", SECRETS, value("TURN_SECRET", encoded), "base64-in-plain"),
    Mistake(
        "base64 with a line end in stringData",
        REDIS_SECRET,
        value("password", lambda old: encoded(old, end="\n")),
        "base64-in-plain",
    ),
    Mistake(
        "base64 twice",
        DATABASE,
        document("name: matrix-postgresql-app\n", lambda text: value("password", encoded)(_as_data(text), {})),
        "base64-twice",
    ),
    _warned("echo without -n", DATABASE, document("name: matrix-postgresql-app\n", _with_newline), "trailing-newline"),
    Mistake("a number as a password", SYNC, given("S3_SECRET_KEY", "48151623421815162342"), "not-a-string"),
    Mistake("a port without quotes", KEY_VAULT, given("DB_PORT", "5432"), "not-a-string"),
    Mistake("a boolean without quotes", KEY_VAULT, given("DJANGO_DEBUG", "false"), "not-a-string"),
    Mistake("a variable without quotes", COTURN, behind("name: EXTERNAL_IP", given("value", "1")), "not-a-string"),
    Mistake(
        "an annotation without quotes",
        LI,
        given("nginx.ingress.kubernetes.io/proxy-read-timeout", "600"),
        "not-a-string",
    ),
    Mistake("the key y", KEY_VAULT, swap("  DB_HOST:", "  y: matrix\n  DB_HOST:"), "key-misread"),
    _warned("a password like a date", SYNC, given("S3_SECRET_KEY", "2026-11-27"), "parsers-disagree"),
    Mistake(
        "a secret of digits in homeserver.yaml",
        CONFIG,
        swap("turn_shared_secret_path: /run/secrets/synapse/TURN_SECRET", "turn_shared_secret: 48151623421815162342"),
        "secret-misread",
    ),
    Mistake(
        "a variable without quotes in homeserver.yaml",
        CONFIG,
        both(
            swap(
                "worker_replication_secret_path: /run/secrets/synapse/REPLICATION_SECRET",
                "worker_replication_secret: ${WORKER_SECRET}",
            ),
            appended(_VARIABLE),
        ),
        "unquoted-variable",
    ),
    Mistake(
        "a signing key without its last letters",
        SECRETS,
        lambda text, _: re.sub(r"(ed25519 \S+ \S+)\S{6}\n", r"\1\n", text, count=1),
        "key-malformed",
    ),
    Mistake("an RSA key where Apple gave an EC key", APNS, block("AuthKey.p8", _pem(2048)), "key-malformed"),
    Mistake(
        "an RSA key that lost a line",
        KEY_VAULT,
        lambda text, _: re.sub(r"(BEGIN RSA PRIVATE KEY-----\n)    .*\n", r"\1", text, count=1),
        "key-malformed",
    ),
    Mistake(
        "a service account with a comma too many",
        FCM,
        swap(
            '"token_uri": "https://oauth2.googleapis.com/token"', '"token_uri": "https://oauth2.googleapis.com/token",,'
        ),
        "key-malformed",
    ),
    Mistake(
        "a hint was left in the signing key",
        SECRETS,
        swap("signing.key: |\n", "signing.key: |\n    # made with generate_signing_key\n"),
        "key-hint",
    ),
    Mistake(
        "a hint was left in APNs' key",
        APNS,
        added("-----BEGIN PRIVATE KEY-----", "# paste the .p8 file here"),
        "key-hint",
    ),
    Mistake(
        "the signing key of an example",
        SECRETS,
        block("signing.key", f"ed25519 a_Test {_KNOWN_SEED}"),
        "key-known",
    ),
    Mistake("an RSA key of 1024 bits", KEY_VAULT, block("RSA_PRIVATE_KEY", _pem(1024)), "rsa-short"),
    Mistake(
        "htpasswd -d of an old manual",
        LI_ADMIN,
        block("auth", "admin:$apr1$wW5sYzKl$0V7H0Yk1z7xW0x6H9aGQ1."),
        "htpasswd-scheme",
        is_error=False,
    ),
    Mistake(
        "a password hashed by yescrypt",
        LI_ADMIN,
        block("auth", "admin:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"),
        "htpasswd-scheme",
    ),
    _warned(
        "bcrypt of cost 14", LI_ADMIN, lambda text, _: re.sub(r"\$2([aby])\$10\$", r"$2\1$14$", text), "htpasswd-cost"
    ),
    Mistake("a password in clear in htpasswd", LI_ADMIN, block("auth", "admin:Sommer-2026-in-Bonn"), "key-malformed"),
    _tls(
        "a key of another certificate",
        block("tls.key", pem(ec.generate_private_key(ec.SECP256R1()))),
        "tls-key-differs",
    ),
    _tls(
        "the key where the certificate belongs",
        block("tls.crt", pem(ec.generate_private_key(ec.SECP256R1()))),
        "tls-malformed",
    ),
    _tls("a certificate for another domain", block("tls.crt", _certificates("firma-chat.net")), "tls-names"),
    _tls("last year's certificate", _own_tls(-400, -35), "tls-expired"),
    _tls("a certificate of tomorrow", _own_tls(5, 95), "tls-not-yet"),
    _tls("a certificate for ten more days", _own_tls(-80, 10), "tls-expiring", is_error=False),
    _tls(
        "cert.pem in place of fullchain.pem",
        lambda text, texts: block("tls.crt", "-----BEGIN" + _tls_blocks(text)[0])(text, texts),
        "tls-chain",
        is_error=False,
    ),
    _tls("the chain the other way round", _reversed, "tls-chain"),
    Mistake(
        "an umlaut in a secret of a header",
        SECRETS,
        given("REPLICATION_SECRET", '"Gr\u00fc\u00dfe-aus-bq7ZkT0xVn4mRc9sWd2"'),
        "secret-refused",
    ),
    Mistake(
        "a password of six letters for MinIO",
        MINIO,
        value("export MINIO_ROOT_PASSWORD", lambda _: '"Bonn26"'),
        "secret-refused",
    ),
    _warned("a short password", SYNC, given("LI_DB_PASSWORD", '"Bonn2026"'), "secret-weak"),
    _warned(
        "a password of one letter",
        SECRETS,
        given("MACAROON_SECRET", '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"'),
        "secret-weak",
    ),
    _warned(
        "a key made by startproject",
        KEY_VAULT,
        given("DJANGO_SECRET_KEY", '"django-insecure-3k!9zq#v7w8x@t2n5m6b1c4d0f-g_h*j(l)p+r=s"'),
        "secret-weak",
    ),
    _warned("a short secret for LiveKit", LIVEKIT, given("API_SECRET", '"q8Zk3TxVn4mRc9sWd2hL"'), "secret-weak"),
)

ADDRESSES = (
    Mistake("the list was taken off for a test", LI, dropped(LIST), "li-open"),
    Mistake("the list was taken off the admin page", LI_ADMIN, dropped(LIST), "li-open"),
    Mistake("the list is commented out", LI_ELEMENT, swap(f"    {LIST}", f"    # {LIST}"), "li-open"),
    Mistake("open to all for a moment", LI, given(LIST, '"0.0.0.0/0"'), "li-open"),
    Mistake("an address with a slip", LI_ADMIN, given(LIST, '"185.60.112.0/33"'), "li-open"),
    Mistake("ranges parted by semicolons", LI_ADMIN, given(LIST, '"185.60.112.0/24; 91.198.174.192/32"'), "li-open"),
    Mistake("the annotation has a slip", LI, swap("whitelist-source-range", "whitelist-source-ranges"), "li-open"),
    Mistake(
        "a list in both spellings",
        LI,
        added(LIST, 'nginx.ingress.kubernetes.io/allowlist-source-range: "185.60.112.0/24"'),
        "li-open",
    ),
    Mistake("a range of half the internet", LI, given(LIST, '"128.0.0.0/1"'), "li-wide"),
    _warned("a wide range", LI, given(LIST, '"185.0.0.0/10"'), "li-wide"),
    _warned("a reserved range", LI, given(LIST, '"240.16.0.0/16"'), "li-range-unused"),
    _warned("the office's private range", LI, given(LIST, '"10.20.0.0/16"'), "li-private"),
    _warned(
        "a new range on one host only",
        LI_ELEMENT,
        value(LIST, lambda old: old[:-1] + ',85.13.128.0/24"'),
        "li-lists-differ",
    ),
    Mistake(
        "no password on the admin page", LI_ADMIN, dropped("nginx.ingress.kubernetes.io/auth-type"), "li-no-password"
    ),
    Mistake(
        "all of basic auth was taken out",
        LI_ADMIN,
        both(*(dropped(f"nginx.ingress.kubernetes.io/auth-{each}") for each in ("type", "secret", "realm"))),
        "li-no-password",
    ),
    Mistake(
        "the Secret of the password is not named",
        LI_ADMIN,
        dropped("nginx.ingress.kubernetes.io/auth-secret"),
        "li-password-lost",
    ),
    _warned(
        "the Secret of the password has another name",
        LI_ADMIN,
        swap("name: synapse-admin-auth", "name: synapse-admin-htpasswd"),
        "li-password-lost",
    ),
    Mistake("the password file has another key", LI_ADMIN, swap("  auth: |", "  htpasswd: |"), "li-password-lost"),
    Mistake(
        "the password is in another namespace",
        LI_ADMIN,
        swap("namespace: matrix", "namespace: matrix-li"),
        "li-password-lost",
    ),
    Mistake(
        "either address or password",
        LI_ADMIN,
        added("auth-type", "nginx.ingress.kubernetes.io/satisfy: any"),
        "li-either-or",
    ),
    Mistake("X-Forwarded-For is believed", NGINX, given("use-forwarded-headers", '"true"'), "li-address-forged"),
    Mistake(
        "X-Forwarded-For is believed from all",
        NGINX,
        swap('use-forwarded-headers: "false"', 'use-forwarded-headers: "true"\n    proxy-real-ip-cidr: 0.0.0.0/0'),
        "li-address-forged",
    ),
    Mistake(
        "real-ip from everybody", NGINX, added("use-proxy-protocol", 'enable-real-ip: "true"'), "li-address-forged"
    ),
    _warned("PROXY protocol from everybody", NGINX, given("use-proxy-protocol", '"true"'), "li-address-forged"),
    _warned("nodes replace the address", NGINX, given("externalTrafficPolicy", "Cluster"), "li-address-lost"),
    _warned("the policy was taken out", NGINX, dropped("externalTrafficPolicy"), "li-address-lost"),
    Mistake(
        "no access log for LI", LI, added(LIST, 'nginx.ingress.kubernetes.io/enable-access-log: "false"'), "li-unlogged"
    ),
    Mistake("no access log at all", NGINX, added("server-tokens", 'disable-access-log: "true"'), "li-unlogged"),
    _warned(
        "an annotation of Traefik",
        LI_ADMIN,
        added("auth-type", "traefik.ingress.kubernetes.io/router.priority: '10'"),
        "annotation-unread",
    ),
    Mistake(
        "an allow-list's annotation has a slip",
        LI_ELEMENT,
        swap("whitelist-source-range", "whitelist-source-ranges"),
        "annotation-misspelt",
    ),
    _warned(
        "an issuer's annotation has a slip",
        LI_ADMIN,
        swap("cert-manager.io/cluster-issuer", "cert-manager.io/cluster-isuer"),
        "annotation-misspelt",
    ),
    Mistake(
        "the middleware of another controller",
        LI_ADMIN,
        added("auth-type", "traefik.ingress.kubernetes.io/router.middlewares: matrix-li@kubernetescrd"),
        "annotation-unread",
    ),
)

LI_SERVER = (
    Mistake(
        "LI listens for federation",
        LI,
        both(swap("names: [client, keys]", "names: [client, federation]"), dropped("federation_domain_whitelist")),
        "li-federates",
    ),
    _warned("the whitelist was taken out", LI, dropped("federation_domain_whitelist"), "li-federates"),
    _warned("a partner was let in", LI, given("federation_domain_whitelist", "[matrix.org]"), "li-federates"),
    Mistake("registration at LI", LI, given("enable_registration", "true"), "li-registers"),
    Mistake("guests at LI", LI, given("allow_guest_access", "true"), "li-guests"),
    Mistake("LI's backups are dropped soon", LI_DATABASE, given("retentionPolicy", '"7d"'), "li-retention"),
    Mistake(
        "LI drops media",
        LI,
        added("url_preview_enabled", "media_retention:\n  local_media_lifetime: 90d"),
        "li-retention",
    ),
    Mistake(
        "LI drops messages",
        LI,
        added("url_preview_enabled", "retention:\n  enabled: true\n  default_policy:\n    max_lifetime: 1y"),
        "li-retention",
    ),
    _warned(
        "a policy was not written", POLICIES, document("name: li-instance-isolation", lambda _: ""), "policy-missing"
    ),
    _warned(
        "the first policy was not written", POLICIES, document("name: default-deny-all", lambda _: ""), "policy-missing"
    ),
    _warned(
        "a policy has a slip in its name", POLICIES, swap("name: redis-access", "name: redis-acces"), "policy-missing"
    ),
    _warned(
        "a policy for a label of before",
        POLICIES,
        behind(
            "name: postgresql-li-access",
            swap("cnpg.io/cluster: matrix-postgresql-li", "cnpg.io/cluster: postgresql-li"),
        ),
        "policy-idle",
    ),
    _warned(
        "a peer with a slip",
        POLICIES,
        behind("name: redis-access", swap("app.kubernetes.io/name: redis", "app.kubernetes.io/name: redis-master")),
        "policy-idle",
    ),
)

_PUBLICATION = "SELECT NOT EXISTS (SELECT FROM pg_publication"
_ALTER = f"ALTER ROLE replication_user PASSWORD '{_OTHER}';\n    "

KEEPING = (
    _warned(
        "the mail password in the ConfigMap",
        CONFIG,
        added("url_preview_enabled", f"email:\n  smtp_host: mail.firma-chat.de\n  smtp_pass: {_OTHER}"),
        "secret-in-configmap",
    ),
    _warned(
        "the turn secret in the ConfigMap",
        CONFIG,
        swap("turn_shared_secret_path: /run/secrets/synapse/TURN_SECRET", f'turn_shared_secret: "{_OTHER}"'),
        "secret-in-configmap",
    ),
    _warned(
        "Redis's password in the ConfigMap",
        REDIS,
        swap("bind * -::*", f"bind * -::*\n    requirepass {_OTHER}"),
        "secret-in-configmap",
    ),
    _warned(
        "a password in a SQL script",
        SYNC,
        swap(_PUBLICATION, _ALTER + _PUBLICATION),
        "secret-in-configmap",
    ),
    _warned(
        "a Secret as kubectl gives it back",
        REDIS_SECRET,
        swap(
            "  namespace: matrix\n",
            "  namespace: matrix\n  annotations:\n"
            f"    kubectl.kubernetes.io/last-applied-configuration: '{_APPLIED}'\n",
        ),
        "secret-in-annotation",
    ),
)

SYNAPSE = (
    Mistake(
        "a secret beside --no-secrets-in-config",
        LI,
        both(
            swap("form_secret_path: /run/secrets/synapse/FORM_SECRET", f'form_secret: "{_OTHER}"'),
            added("--config-path", "- --no-secrets-in-config"),
        ),
        "option-inline",
    ),
    Mistake("the mail file has another ending", MAIL, swap("email.yaml", "email.yml"), "config-passed-by"),
    Mistake(
        "Redis was switched off",
        CONFIG,
        behind("redis:", swap("enabled: true", "enabled: false")),
        "worker-without-redis",
    ),
    Mistake(
        "an older image of Synapse",
        PODS,
        lambda text, _: re.sub(r"matrixdotorg/synapse:v[\d.]+", "matrixdotorg/synapse:v1.118.0", text),
        "option-unknown",
        at=CONFIG,
    ),
    Mistake(
        "an option that does not exist",
        MAIL,
        swap("smtp_pass:", "smtp_pass_path: /run/secrets/smtp #"),
        "option-unknown",
    ),
    Mistake(
        "an older image of Sygnal",
        SYGNAL,
        lambda text, _: re.sub(r"sygnal:v[\d.]+", "sygnal:v0.12.0", text),
        "option-unknown",
        at=FCM,
    ),
    Mistake(
        "a secret and its file",
        CONFIG,
        added("macaroon_secret_key_path", f'macaroon_secret_key: "{_OTHER}"'),
        "option-twice",
    ),
    Mistake(
        "a path with a slip", CONFIG, given("signing_key_path", "/run/secret/synapse/signing.key"), "file-not-mounted"
    ),
    Mistake(
        "a file that the Secret does not have",
        CONFIG,
        given("form_secret_path", "/run/secrets/synapse/FORM_SECRETS"),
        "file-not-mounted",
    ),
    Mistake(
        "an item is missing from the mount",
        LI,
        both(dropped("- key: FORM_SECRET"), dropped("path: FORM_SECRET")),
        "file-not-mounted",
    ),
    Mistake(
        "a password file that all may read",
        CONFIG,
        swap("dbname: synapse", "dbname: synapse\n        passfile: /run/secrets/synapse/DB_PASSWORD"),
        "file-too-open",
    ),
    _warned(
        "the mail block in both files",
        CONFIG,
        added("url_preview_enabled", "email:\n  smtp_host: mail.firma-chat.de\n  enable_notifs: true"),
        "block-replaced",
        at=MAIL,
    ),
    _warned("no macaroon secret", CONFIG, dropped("macaroon_secret_key_path"), "macaroon-missing"),
    _warned("LI has no macaroon secret", LI, dropped("macaroon_secret_key_path"), "macaroon-missing"),
    Mistake("replication without a secret", CONFIG, dropped("worker_replication_secret_path:"), "replication-open"),
)

_SED = """\
      initContainers:
        - name: render
          image: docker.io/library/debian:12
          command: ["sh", "-c", "sed \\"s/@PASSWORD@/$DB_PASSWORD/\\" /in/homeserver.yaml > /out/homeserver.yaml"]
          env:
            - name: DB_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: key-vault-secrets
                  key: DB_PASSWORD
"""
_ENVSUBST = """\
        - name: render
          image: docker.io/matrixdotorg/synapse:v1.163.2
          command: ["sh", "-c", "envsubst < /in/homeserver.yaml > /out/homeserver.yaml"]
"""
_CONNINFO = """\
            - name: DATABASE
              value: "host=matrix-postgresql-rw user=key_vault password=$(DB_PASSWORD)"
"""
_PASSWORD = """\
          env:
            - name: PASSWORD
              valueFrom:
                secretKeyRef:
                  name: redis-password
                  key: password
"""
_URL = """\
            - name: DATABASE_URL
              value: "postgres://key_vault:$(DB_PASSWORD)@matrix-postgresql-rw/key_vault"
"""


_TURN_VARIABLE = """\
            - name: TURN_SHARED_SECRET
              valueFrom:
                secretKeyRef:
                  name: coturn-secrets
                  key: TURN_SHARED_SECRET
"""


def _init(container: str) -> Edit:
    return swap("      initContainers:\n", "      initContainers:\n" + container)


PODS_DO = (
    Mistake(
        "a password of two words in a connection string",
        KEY_VAULT,
        both(
            given("DB_PASSWORD", '"q8Zk3TxVn 4mRc9sWd2hLf6yPa8uGe3J"'),
            swap("          ports:\n", _CONNINFO + "          ports:\n"),
        ),
        "conninfo-breaks",
    ),
    Mistake(
        "a variable in homeserver.yaml, as if Synapse put it there",
        LI,
        swap("sslmode: require", "sslmode: require\n        password: ${PGPASSWORD}"),
        "variable-not-expanded",
    ),
    _warned(
        "the probe of an old manual",
        REDIS,
        both(
            swap('REDISCLI_AUTH="$(cat /run/secrets/redis/password)" redis-cli ping', "redis-cli -a $PASSWORD ping"),
            swap("          ports:\n", _PASSWORD + "          ports:\n"),
        ),
        "secret-in-words",
    ),
    Mistake("envsubst in an image without it", PODS, _init(_ENVSUBST), "command-missing"),
    Mistake(
        "a password by openssl rand -base64, put in by sed",
        KEY_VAULT,
        both(
            given("DB_PASSWORD", '"q8Zk/TxVn+4mRc9sWd2hLf6yPa8uGe3J"'),
            swap("      containers:\n", _SED + "      containers:\n"),
        ),
        "sed-breaks",
    ),
    Mistake(
        "a password with signs in a URL",
        KEY_VAULT,
        both(
            given("DB_PASSWORD", '"q8Zk/TxVn@4mRc9sWd2hLf6y:Pa8uGe3J"'),
            swap("          ports:\n", _URL + "          ports:\n"),
        ),
        "url-breaks",
    ),
    Mistake(
        "a variable above the one it uses",
        LIVEKIT,
        lambda text, _: _moved(text, "            - name: LIVEKIT_KEYS", "            - name: API_KEY"),
        "variable-undefined",
    ),
    _warned(
        "a password among the words of a command",
        LIVEKIT,
        given("args", '["--config", "/etc/livekit/livekit.yaml", "--redis-password", "$(REDIS_PASSWORD)"]'),
        "secret-in-words",
    ),
    # --- what kustomize builds
    Mistake(
        "a listed file that is called otherwise",
        KUSTOMIZATION,
        swap(f"  - {HAPROXY}\n", "  - main-instance/03-haproxy/haproxy.yaml\n"),
        "kustomization-list",
    ),
    Mistake("a file in use that is not listed", KUSTOMIZATION, swap(f"  - {COTURN}\n", ""), "kustomization-list"),
    Mistake(
        "chart values among the objects",
        KUSTOMIZATION,
        swap(f"  - {METALLB}\n", f"  - {METALLB}\n  - {NGINX}\n"),
        "kustomization-list",
    ),
    _warned(
        "an image of Bitnami",
        REDIS,
        swap("docker.io/library/redis:8.2.3-alpine", "docker.io/bitnami/redis:7.4.2"),
        "image-gone",
    ),
)


def _moved(text: str, mark: str, above: str) -> str:
    """Move the entry of a list that begins with the line *mark* (two lines) above the one with *above*."""
    found = re.search(rf"{re.escape(mark)}\n.*\n", text)
    assert found
    return text.replace(found[0], "", 1).replace(above, found[0] + above, 1)


CALLS = (
    Mistake("coturn without its secret", COTURN, dropped("static-auth-secret="), "coturn-no-secret"),
    Mistake(
        "coturn with users",
        COTURN,
        both(swap("    use-auth-secret\n", "    lt-cred-mech\n"), swap("static-auth-secret=", "user=turn:")),
        "turn-mechanism",
    ),
    _warned("both mechanisms", COTURN, added("use-auth-secret", "lt-cred-mech"), "turn-mechanism"),
    Mistake("a secret of many characters", COTURN, given("static-auth-secret", _OTHER * 40), "coturn-line"),
    _warned(
        "coturn relays inside",
        COTURN,
        lambda text, _: re.sub(r"    denied-peer-ip=.*\n", "", text),
        "coturn-relays-inside",
    ),
    Mistake(
        "-X as an include",
        COTURN,
        swap(
            "exec turnserver -c /etc/coturn/turnserver.conf",
            "exec turnserver -X /etc/coturn/secret.conf -c /etc/coturn/turnserver.conf",
        ),
        "coturn-external-ip",
    ),
    Mistake(
        "-X as an include, word by word",
        COTURN,
        lambda text, _: re.sub(
            r"command:\n +- sh\n +- -c\n +- exec turnserver.*",
            'command: ["turnserver", "-c", "/etc/coturn/turnserver.conf", "-X", "/run/secrets/coturn/extra.conf"]',
            text,
        ),
        "coturn-external-ip",
    ),
    _warned(
        "the secret in a variable of coturn",
        COTURN,
        behind(
            "name: coturn\n",
            swap(
                "          env:\n",
                "          env:\n" + _TURN_VARIABLE,
            ),
        ),
        "secret-never-read",
    ),
    Mistake(
        "references in LiveKit's file",
        LIVEKIT,
        swap("      db: 1", "      db: 1\n      password: ${REDIS_PASSWORD}"),
        "livekit-not-expanded",
    ),
    Mistake(
        "LIVEKIT_CONFIG as a path",
        LIVEKIT,
        swap(
            "            - name: NODE_IP",
            "            - name: LIVEKIT_CONFIG\n              value: /etc/livekit/livekit.yaml\n"
            "            - name: NODE_IP",
        ),
        "livekit-config-body",
    ),
    Mistake(
        "no blank in LIVEKIT_KEYS",
        LIVEKIT,
        swap("$(API_KEY): $(API_SECRET)", "$(API_KEY):$(API_SECRET)"),
        "livekit-keys-form",
    ),
    Mistake(
        "a certificate beside the key", APNS, added("keyfile:", "certfile: /run/secrets/apns/AuthKey.p8"), "apns-both"
    ),
    Mistake("the key named as a certificate", APNS, swap("keyfile:", "certfile:"), "apns-both"),
    Mistake("no topic", APNS, dropped("topic:"), "push-incomplete"),
    Mistake("a platform of another name", APNS, given("platform", '"live"'), "push-incomplete"),
    Mistake("the id in small letters", APNS, given("key_id", '"abc123defg"'), "apns-id"),
    Mistake("the team's name for its id", APNS, given("team_id", '"Firma GmbH"'), "apns-id"),
    Mistake(
        "FCM by the legacy API",
        FCM,
        both(
            dropped("api_version"),
            swap("service_account_file: /run/secrets/fcm/service-account.json", f"api_key: {_OTHER}"),
        ),
        "fcm-legacy",
    ),
    Mistake("no service account", FCM, dropped("service_account_file"), "push-incomplete"),
)

STORES = (
    Mistake(
        "LI's sessions only read",
        LI_DATABASE,
        added("max_connections", 'default_transaction_read_only: "on"'),
        "read-only-blocks",
    ),
    Mistake("a user of MinIO with a short name", MINIO, given("CONSOLE_ACCESS_KEY", '"s3"'), "minio-access-key"),
    _warned(
        "a chart's Redis without a password",
        "values/redis-livekit-values.yaml",
        behind("auth:", given("enabled", "false")),
        "redis-open",
    ),
    Mistake("key_vault's database as the checklist has it", KEY_VAULT, given("DB_NAME", "keyvault"), "role-unmade"),
    Mistake("key_vault logs in under another name", KEY_VAULT, given("DB_USER", "keyvault"), "role-unmade"),
    Mistake(
        "Synapse logs in as a role of before",
        CONFIG,
        behind("args:", swap("user: synapse", "user: synapse_user")),
        "role-unmade",
    ),
    Mistake(
        "the owner's Secret is not named",
        LI_DATABASE,
        both(
            swap("      secret:\n        name: matrix-postgresql-li-app\n", ""),
            swap("name: matrix-postgresql-li-app", "name: synapse-li-database"),
        ),
        "owner-password-unknown",
    ),
    _warned("a label was taken off", DATABASE, dropped("cnpg.io/reload"), "cluster-unwatched"),
    Mistake(
        "a subscription in a DO block",
        SYNC,
        swap(
            "      CREATE SUBSCRIPTION synapse_li CONNECTION :'conninfo' PUBLICATION synapse_li;",
            "      DO $$ BEGIN CREATE SUBSCRIPTION synapse_li CONNECTION 'host=x' PUBLICATION synapse_li; END $$;",
        ),
        "subscription-in-function",
    ),
    Mistake(
        "an empty password in SQL",
        SYNC,
        swap(
            "    SELECT NOT EXISTS (SELECT FROM pg_publication",
            "    ALTER ROLE synapse PASSWORD '';\n    SELECT NOT EXISTS (SELECT FROM pg_publication",
        ),
        "sql-empty-password",
    ),
    _warned(
        "a publication of all tables",
        SYNC,
        swap("CREATE PUBLICATION synapse_li;", "CREATE PUBLICATION synapse_li FOR ALL TABLES;"),
        "sql-needs-superuser",
    ),
    _warned(
        "tables without a key are published",
        SYNC,
        lambda text, texts: swap("CREATE PUBLICATION synapse_li;", "CREATE PUBLICATION synapse_li FOR ALL TABLES;")(
            re.sub("REPLICA IDENTITY FULL", "SET (fillfactor = 90)", text), texts
        ),
        "replica-identity-missing",
    ),
    _warned("statements are logged", DATABASE, added("wal_level", "log_statement: ddl"), "passwords-logged"),
    Mistake("the write-ahead log of before", DATABASE, given("wal_level", "replica"), "wal-level"),
    Mistake(
        "Redis without a password",
        REDIS_SECRET,
        lambda text, _: re.sub(r'requirepass ".*"', 'requirepass ""', text),
        "redis-open",
    ),
    Mistake(
        "a password of two words",
        REDIS_SECRET,
        lambda text, _: re.sub(r'requirepass "(.{9})(.*)"', r"requirepass \1 \2", text),
        "redis-line",
    ),
    _warned(
        "an ACL file beside requirepass",
        REDIS_SECRET,
        lambda text, _: re.sub(r"( +requirepass .*)", r"\1\n    aclfile /run/secrets/redis/users.acl", text),
        "redis-requirepass-ignored",
    ),
    _warned(
        "the operator makes the user",
        TENANT,
        swap("  mountPath: /export\n", "  mountPath: /export\n  users:\n    - name: minio-credentials\n"),
        "minio-users-admin",
    ),
    Mistake(
        "the port of MinIO's pods",
        CONFIG,
        swap("http://minio.matrix.svc.cluster.local", "http://minio.matrix.svc.cluster.local:9000"),
        "minio-url",
    ),
    Mistake("https for a MinIO without", DATABASE, swap("http://minio.", "https://minio."), "minio-url"),
    Mistake("MinIO with certificates after all", TENANT, given("requestAutoCert", "true"), "minio-url", at=CONFIG),
    Mistake(
        "a reference in config.env",
        MINIO,
        value("export MINIO_ROOT_PASSWORD", lambda _: '"$(MINIO_PASSWORD)"'),
        "minio-environment",
    ),
    Mistake(
        "half a pair of quotes in config.env",
        MINIO,
        value("export MINIO_ROOT_PASSWORD", lambda old: old[:-1]),
        "minio-environment",
    ),
)

_EITHER = f"""\
  annotations:
    nginx.ingress.kubernetes.io/auth-type: basic
    nginx.ingress.kubernetes.io/auth-secret: synapse-admin-auth
    nginx.ingress.kubernetes.io/satisfy: any
    {LIST}: 185.60.112.0/24
"""

EDGE = (
    Mistake("LI's Element leads to main", LI_ELEMENT, copied('"base_url"', ELEMENT, '"base_url"'), "li-element-main"),
    Mistake("main's Element leads to LI", ELEMENT, copied('"base_url"', LI_ELEMENT, '"base_url"'), "element-elsewhere"),
    _warned(
        "Element's address has a slip", ELEMENT, given('"base_url"', '"https://matrx.firma.de",'), "element-elsewhere"
    ),
    _warned(
        "all of Synapse is routed",
        HAPROXY,
        behind(
            "kind: Ingress",
            both(swap("/_synapse/client", "/_synapse"), behind("/_synapse", swap("haproxy", "synapse-main"))),
        ),
        "admin-api-public",
    ),
    _warned("a password or an address for Element", ELEMENT, swap("  annotations:\n", _EITHER), "satisfy-any"),
    _warned("a solver of before", ACME, swap("ingressClassName: nginx", "class: nginx"), "field-deprecated"),
    _warned(
        "the class as an annotation",
        ELEMENT,
        swap("  annotations:\n", "  annotations:\n    kubernetes.io/ingress.class: nginx\n"),
        "field-deprecated",
    ),
    Mistake(
        "auth-secret alone",
        LIVEKIT,
        added("proxy-send-timeout", "nginx.ingress.kubernetes.io/auth-secret: synapse-admin-auth"),
        "auth-type-missing",
    ),
    Mistake(
        "a hash of Apache's for HAProxy",
        HAPROXY,
        swap(
            "    frontend matrix\n",
            "    userlist stats\n        user admin password $apr1$wW5sYzKl$0V7H0Yk1z7xW0x6H9aGQ1.\n\n"
            "    frontend matrix\n",
        ),
        "haproxy-password",
    ),
)

MISTAKES = (
    *(*LEFT, *IN_STEP, *WELL_FORMED, *ADDRESSES, *LI_SERVER),
    *(*KEEPING, *SYNAPSE, *PODS_DO, *CALLS, *STORES, *EDGE),
)
