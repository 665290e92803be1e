"""What servers do with their configuration: a tree that breaks each rule, and the same one mended in one spot."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from checks.asking import found, told


class Case(NamedTuple):
    """A tree in one file that breaks *rule* at *line*, and the one change that mends it."""

    rule: str
    line: int
    text: str
    old: str
    new: str


def pod(image: str, more: str = "", *, init: str = "", volumes: str = "", kind: str = "Deployment") -> str:
    """Return a workload of one container, whose own entries are *more*; its image stands in line 8."""
    return f"""\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: it, namespace: matrix}}
spec:
  template:
    spec:
      containers:
        - image: {image}
          name: it
{_indented(more, 10)}{_indented(init, 6)}{_indented(volumes, 6)}"""


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


def entry(key: str, text: str, *, kind: str = "ConfigMap", name: str = "config") -> str:
    """Return an object whose one entry begins in line 7."""
    section = "stringData" if kind == "Secret" else "data"
    head = f"apiVersion: v1\nkind: {kind}\nmetadata:\n  {{name: {name}, namespace: matrix}}\n{section}:\n  {key}: |\n"
    return head + _indented(text, 4)


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: matrix}\nstringData: {word: %s}\n---\n"
FROM_SECRET = "- {name: WORD, valueFrom: {secretKeyRef: {name: keys, key: word}}}"
FROM_PASS = "{name: PASS, valueFrom: {secretKeyRef: {name: keys, key: word}}}"
MOUNTED = "volumeMounts: [{name: config, mountPath: /config}]"
VOLUME = "volumes: [{name: config, configMap: {name: config}}]"


def mounted(image: str, more: str = "") -> str:
    """Return a workload, as further document, that has the ConfigMap config at /config."""
    return "---\n" + pod(image, f"{MOUNTED}\n{more}", volumes=VOLUME)


COTURN, LIVEKIT = "docker.io/coturn/coturn:4.6.2", "livekit/livekit-server:v1.9.0"
DENIED = "denied-peer-ip=10.0.0.0-10.255.255.255"
APPS = "http: {port: 5000}\napps:\n  net.pangolin.chat:\n    type: "
APNS = (
    APPS + "apns\n    keyfile: /keys/a.p8\n    key_id: ABCDE12345\n    team_id: ABCDE12345\n    topic: net.pangolin\n"
)
GCM = APPS + "gcm\n    api_version: v1\n    project_id: pangolin\n    service_account_file: /keys/a.json\n"
CLUSTER = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: main, namespace: matrix}
spec:
  enableSuperuserAccess: false
  postgresql:
    parameters: {log_statement: ddl, wal_level: replica}
---
"""
BLOCK = "DO $$\nBEGIN\n  -- CREATE SUBSCRIPTION\n  CREATE SUBSCRIPTION s CONNECTION 'host=a' PUBLICATION p;\nEND $$;"
TENANT = """\
apiVersion: minio.min.io/v2
kind: Tenant
metadata: {name: minio, namespace: matrix}
spec:
  requestAutoCert: true
  users:
    - name: keys
---
"""
READ_ONLY = CLUSTER.replace("{log_statement: ddl, wal_level: replica}", "{default_transaction_read_only: 'on'}")
USERS = "apiVersion: v1\nkind: Secret\nmetadata: {name: s3}\nstringData: {CONSOLE_ACCESS_KEY: a=bc}\n"
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: grafana
  annotations:
    nginx.ingress.kubernetes.io/auth-secret: users
    nginx.ingress.kubernetes.io/auth-type: basic
    nginx.ingress.kubernetes.io/allowlist-source-range: 10.1.0.0/16
    nginx.ingress.kubernetes.io/satisfy: any
"""
ISSUER = """\
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: le}
spec: {acme: {solvers: [{http01: {ingress: {
  class: nginx}}}]}}
"""

CASES = [
    Case(
        "command-missing",
        10,
        pod("matrixdotorg/synapse:v1.163.2", "args: [envsubst < a > b]"),
        "args: [",
        "args: [apt-get install -y gettext; ",
    ),
    Case(
        "command-missing",
        10,
        pod("busybox:1.36", "command: [sh, -c, 'envsubst < a > b']"),
        "busybox:1.36",
        "nginx:1.27",
    ),
    Case(
        "command-missing",
        10,
        pod("busybox:1.36", "command: [sh, -c, 'A=b envsubst < a > b']"),
        "A=b envsubst",
        "cp a b # not: cat a | envsubst",
    ),
    Case(
        "command-missing",
        10,
        pod("busybox:1.36", "command: [sh, -c, 'true && envsubst < a > b']"),
        "true && envsubst < a",
        "command -v envsubst && envsubst < a",
    ),
    Case(
        "sed-breaks",
        4,
        SECRET % "ab/cd" + pod("redis:7", f"command: [sh, -c, 'sed \"s/X/${{WORD}}/\" a']\nenv:\n  {FROM_SECRET}"),
        "ab/cd",
        "abxcd",
    ),
    Case(
        "sed-breaks",
        4,
        SECRET % '"ab&cd"' + pod("redis:7", f"command: [sh, -c, 'sed \"s|X|$WORD|\" a']\nenv:\n  {FROM_SECRET}"),
        "ab&cd",
        "ab/cd",
    ),
    Case(
        "url-breaks",
        4,
        SECRET % "ab@cd"
        + pod("x/y:1", f"env:\n  {FROM_SECRET}\n  - {{name: URL, value: 'postgres://u:$(WORD)@db/x'}}"),
        "ab@cd",
        "ab%40cd",
    ),
    Case("url-breaks", 4, SECRET % "'postgres://u:ab/cd@db:5432/x?sslmode=require'", "ab/cd", "ab%2Fcd"),
    Case("url-breaks", 4, SECRET % "redis://:ab@cd@redis:6379/0", "ab@cd", "ab:cd"),
    Case(
        "variable-undefined",
        11,
        pod(LIVEKIT, f"env:\n  - {{name: URL, value: 'x $(WORD)'}}\n  {FROM_SECRET}"),
        "$(WORD)",
        "$$(WORD)",
    ),
    Case("variable-undefined", 10, pod(LIVEKIT, "args: ['--key=$(WORD)']"), "$(WORD)", "$(REDIS_SERVICE_HOST)"),
    Case(
        "secret-in-words",
        10,
        pod("redis:7", f"args: ['--requirepass', '$(WORDPASS)']\nenv:\n  {FROM_SECRET.replace('WORD,', 'WORDPASS,')}"),
        "$(WORDPASS)",
        "x",
    ),
    Case(
        "secret-in-words",
        10,
        pod("redis:7", f"command: [sh, -c, 'redis-cli -h a -a \"$PASS\" ping']\nenv: [{FROM_PASS}]"),
        '-a "$PASS"',
        "ping; echo $PASS",
    ),
    Case(
        "secret-in-words",
        12,
        pod(
            "redis:7",
            f"env: [{FROM_PASS}]\nlivenessProbe:\n  exec: {{command: [sh, -c, 'redis-cli -a ${{PASS}} ping']}}",
        ),
        "-a ${PASS}",
        "",
    ),
    Case(
        "secret-in-words",
        10,
        pod("minio/mc:latest", f"command: [sh, -c, 'mc alias set m http://m user $PASS']\nenv: [{FROM_PASS}]"),
        "m http://m user $PASS",
        "m http://m; echo $PASS",
    ),
    Case(
        "secret-in-words",
        10,
        pod("httpd:2", f"args: ['htpasswd -nbB user \"$PASS\"']\nenv: [{FROM_PASS}]"),
        "-nbB",
        "-niB",
    ),
    Case(
        "conninfo-breaks",
        4,
        SECRET % "ab cd"
        + pod("x/y:1", f"env:\n  {FROM_SECRET}\n  - {{name: DSN, value: 'host=db user=u password=$(WORD)'}}"),
        "ab cd",
        "ab/cd@=e",
    ),
    Case(
        "conninfo-breaks",
        4,
        SECRET % "'ab\\\\cd'" + pod("x/y:1", f"args: ['psql \"host=db password=$WORD\"']\nenv: [{FROM_SECRET[2:]}]"),
        "password=$WORD",
        "user=$WORD",
    ),
    Case(
        "variable-not-expanded",
        12,
        entry("sygnal.yaml", APNS.replace("key_id: ABCDE12345", "key_id: ${WORD}"))
        + mounted("matrixdotorg/sygnal:v0.15.0", f"env: [{FROM_SECRET[2:]}]"),
        "name: WORD",
        "name: OTHER",
    ),
    Case(
        "variable-not-expanded",
        8,
        entry("turnserver.conf", "use-auth-secret\nstatic-auth-secret=${WORD}")
        + mounted(COTURN, f"env: [{FROM_SECRET[2:]}]"),
        "volumeMounts:",
        "command: [sh, -c, 'envsubst < /config/a > /b; turnserver -c /b']\n          volumeMounts:",
    ),
    Case(
        "variable-not-expanded",
        7,
        entry("redis.conf", "requirepass ${WORD}") + mounted("redis:7", f"env: [{FROM_SECRET[2:]}]"),
        "requirepass",
        "# requirepass",
    ),
    Case(
        "coturn-no-secret",
        7,
        entry("turnserver.conf", f"use-auth-secret\n{DENIED}") + mounted(COTURN),
        DENIED,
        DENIED + "\n    static-auth-secret=a",
    ),
    Case(
        "coturn-no-secret",
        7,
        entry("turnserver.conf", f"use-auth-secret\n{DENIED}") + mounted(COTURN),
        "image: ",
        "args: ['--static-auth-secret=$(S)']\n          image: ",
    ),
    Case(
        "coturn-no-secret",
        8,
        entry("turnserver.conf", f"# static-auth-secret=north\nuse-auth-secret\n{DENIED}") + mounted(COTURN),
        "# static-auth-secret",
        "static-auth-secret",
    ),
    Case(  # a blank parts a name from its value as well
        "coturn-no-secret",
        7,
        entry("turnserver.conf", f"use-auth-secret\n{DENIED.replace('=', ' ')}") + mounted(COTURN),
        DENIED.replace("=", " "),
        f"{DENIED.replace('=', ' ')}\n    static-auth-secret a",
    ),
    Case(
        "coturn-relays-inside",
        7,
        entry("turnserver.conf", "realm corp.net"),
        "realm corp.net",
        f"realm corp.net\n    {DENIED.replace('=', ' ')}",
    ),
    Case(
        "turn-mechanism",
        8,
        entry("turnserver.conf", f"static-auth-secret=a\nlt-cred-mech\nuse-auth-secret\n{DENIED}"),
        "lt-cred-mech",
        "# lt-cred-mech",
    ),
    Case(
        "turn-mechanism",
        7,
        entry("turnserver.conf", f"lt-cred-mech\n{DENIED}")
        + "---\n"
        + entry("homeserver.yaml", "server_name: a.pangolin.net\nturn_shared_secret: a", name="b"),
        "turn_shared_secret",
        "turn_username",
    ),
    Case(
        "coturn-line", 7, entry("turnserver.conf", f"static-auth-secret={'a' * 1005}\n{DENIED}"), "a" * 1005, "a" * 1004
    ),
    Case("coturn-relays-inside", 7, entry("turnserver.conf", f"realm=a\n# {DENIED}"), f"# {DENIED}", DENIED),
    Case(
        "coturn-relays-inside",
        7,
        entry("turnserver.conf", "realm=a") + mounted(COTURN, "args: ['-c', /config/turnserver.conf, '--verbose']"),
        "--verbose",
        f"--{DENIED}",
    ),
    Case(
        "secret-never-read",
        11,
        pod(COTURN, "envFrom:\n  - secretRef: {name: keys}\nargs: ['-n']"),
        "-n",
        "--static-auth-secret=$(WORD)",
    ),
    Case(
        "coturn-external-ip",
        10,
        pod(COTURN, "command: [turnserver, -X, /run/secret.conf]"),
        "/run/secret.conf",
        "203.0.114.7",
    ),
    Case(
        "coturn-external-ip",
        10,
        pod(COTURN, "command: [sh, -c, 'exec turnserver -c /a.conf -X /run/secret.conf']"),
        "exec turnserver -c /a.conf -X",
        "curl -X PUT http://a; exec turnserver -c",
    ),
    Case(
        "coturn-no-secret",
        7,
        entry("turnserver.conf", f"use-auth-secret\nuserdb=/tmp/turndb\n{DENIED}") + mounted(COTURN),
        "userdb=/tmp/turndb",
        "userdb=/var/lib/coturn/turndb",  # which somebody may have filled
    ),
    Case(
        "secret-never-read",
        11,
        pod(COTURN, f"env:\n  {FROM_SECRET}\nargs: ['-n']"),
        "-n",
        "--static-auth-secret=$(WORD)",
    ),
    Case(
        "livekit-not-expanded",
        9,
        entry("livekit.yaml", "port: 7880\nkeys:\n  ${KEY}: ${WORD}") + mounted(LIVEKIT),
        "${KEY}: ${WORD}",
        "APIabc: abc",
    ),
    Case(
        "livekit-config-body",
        11,
        pod(LIVEKIT, "env:\n  - {name: LIVEKIT_CONFIG, value: /config/a.yaml}"),
        "/config/a.yaml",
        "'port: 7880'",
    ),
    Case(
        "livekit-keys-form",
        11,
        pod(LIVEKIT, "env:\n  - {name: LIVEKIT_KEYS, value: '$(A):$(B)'}"),
        "$(A):$(B)",
        "$(A): $(B)",
    ),
    Case(
        "livekit-keys-form",
        11,
        pod(LIVEKIT, "env:\n  - {name: LIVEKIT_KEYS, value: 'APIa: 48151623421815162342481516234218'}"),
        "APIa: 4",
        "APIa: a4",
    ),
    Case(
        "apns-both",
        11,
        entry("sygnal.yaml", APNS.replace("    keyfile", "    certfile: /keys/a.p8\n    keyfile")),
        "    certfile: /keys/a.p8\n",
        "    platform: prod\n",
    ),
    Case(
        "push-incomplete",
        10,
        entry("sygnal.yaml", APNS.replace("    topic: net.pangolin\n", "")),
        "team_id",
        "topic: a\n        team_id",
    ),
    Case(
        "push-incomplete",
        10,
        entry("sygnal.yaml", GCM.replace("    project_id: pangolin\n", "")),
        "api_version",
        "project_id: a\n        api_version",
    ),
    Case(  # a file of apps alone
        "push-incomplete",
        8,
        entry("app.yaml", "net.pangolin:\n  type: apns\n  keyfile: /a\n  key_id: ABCDE12345\n  team_id: ABCDE12345")
        + mounted("matrixdotorg/sygnal:v0.14.0"),
        "type: apns",
        "type: webpush",
    ),
    Case(
        "fcm-legacy",
        9,
        entry("app.yaml", "net.pangolin:\n  type: gcm\n  api_key: a") + mounted("matrixdotorg/sygnal:v0.14.0"),
        "type: gcm",
        "type: webpush",
    ),
    Case(
        "option-unknown",
        10,
        entry("app.yaml", "net.pangolin:\n  type: gcm\n  api_version: v1\n  service_account_file: /a")
        + mounted("matrixdotorg/sygnal:v0.13.0"),
        "v0.13.0",
        "v0.14.0",
    ),
    Case(
        "apns-id",
        12,
        entry("sygnal.yaml", APNS.replace("key_id: ABCDE12345", "key_id: ID_FROM_SECRET")),
        "ID_FROM_SECRET",
        "ABCDE67890",
    ),
    Case(
        "fcm-legacy",
        11,
        entry("sygnal.yaml", APPS + "gcm\n    api_key: /keys/a.json"),
        "api_key: /keys/a.json",
        "api_version: v1\n        project_id: a\n        service_account_file: /a",
    ),
    Case(
        "option-unknown", 13, entry("sygnal.yaml", GCM) + mounted("matrixdotorg/sygnal:v0.13.0"), "v0.13.0", "v0.14.0"
    ),
    Case(
        "subscription-in-function",
        10,
        entry("a.sql", BLOCK),
        "PUBLICATION p",
        "PUBLICATION p WITH (create_slot = false)",
    ),
    Case("subscription-in-function", 10, entry("a.sql", BLOCK), "DO $$", "SELECT 1;"),
    Case("sql-empty-password", 7, entry("a.sql", "ALTER ROLE a PASSWORD ''; SELECT 1;"), "''", "'it''s'"),
    Case(
        "sql-needs-superuser",
        15,
        CLUSTER + entry("a.sql", "CREATE PUBLICATION p FOR ALL TABLES;"),
        "Access: false",
        "Access: true",
    ),
    Case(
        "sql-needs-superuser",
        15,
        CLUSTER + entry("a.sql", "CREATE ROLE a LOGIN REPLICATION;"),
        "REPLICATION",
        "NOREPLICATION",
    ),
    Case(
        "sql-needs-superuser",
        15,
        CLUSTER + entry("a.sql", "CREATE USER replication LOGIN REPLICATION PASSWORD :'pw';"),
        "LOGIN REPLICATION",
        "LOGIN",
    ),
    Case(
        "sql-needs-superuser",
        15,
        CLUSTER + entry("a.sql", "ALTER USER \"replication\" REPLICATION PASSWORD 'replication';"),
        "REPLICATION PASSWORD",
        "PASSWORD",
    ),
    Case(
        "replica-identity-missing",
        7,
        entry("a.sql", "CREATE PUBLICATION p FOR ALL TABLES;")
        + "---\n"
        + entry("homeserver.yaml", "server_name: a.pangolin.net\nreport_stats: false", name="b"),
        "CREATE",
        "ALTER TABLE a REPLICA IDENTITY FULL; CREATE",
    ),
    Case("passwords-logged", 7, CLUSTER, "ddl", "none"),
    Case(
        "read-only-blocks",
        7,
        READ_ONLY + entry("a.sql", "ALTER SUBSCRIPTION s ENABLE;"),
        "read_only: 'on'",
        "read_only: 'off'",
    ),
    Case(
        "read-only-blocks",
        7,
        READ_ONLY + entry("a.sql", "CREATE SUBSCRIPTION s CONNECTION 'host=a' PUBLICATION p;"),
        "CREATE",
        "SET default_transaction_read_only = off; CREATE",
    ),
    Case(
        "passwords-logged",
        8,
        entry("postgresql.conf", "wal_level = logical\nlog_statement = 'mod'"),
        "log_statement",
        "# log_statement",
    ),
    Case(
        "passwords-logged", 10, pod("postgres:17", "args: [-c, log_statement=ddl]"), "statement=ddl", "statement=none"
    ),
    Case("wal-level", 7, CLUSTER + entry("a.sql", "CREATE PUBLICATION p FOR TABLE a;"), "replica}", "logical}"),
    Case("wal-level", 7, CLUSTER + entry("a.sql", "CREATE PUBLICATION p FOR TABLE a;"), "CREATE", "-- CREATE"),
    Case("redis-open", 7, entry("redis.conf", 'requirepass ""'), '""', "abcdef"),
    Case("redis-open", 8, entry("redis.conf", "bind 10.1.2.3\nprotected-mode no"), "10.1.2.3", "127.0.0.1 -::1"),
    Case("redis-open", 7, entry("redis.conf", "protected-mode no\nport 6379"), "port 6379", "requirepass abcdef"),
    Case("redis-open", 7, entry("redis.conf", "protected-mode no\nport 6379"), "port 6379", "include /run/it"),
    Case("redis-open", 7, entry("redis.conf", "protected-mode no\nport 6379"), "mode no", "mode yes"),
    Case(
        "redis-open",
        7,
        entry("redis.conf", "protected-mode no") + mounted("redis:7", "args: [/config/redis.conf, '--port', '6379']"),
        "'--port', '6379'",
        "--requirepass, $(WORD)",
    ),
    Case("redis-line", 7, entry("redis.conf", "requirepass ab cd"), "ab cd", '"ab cd"'),
    Case("redis-line", 7, entry("redis.conf", "masterauth ab'cd"), "ab'cd", "ab#cd"),
    Case("redis-line", 8, entry("users.acl", "user a on >abc ~* &* +@all\nuser b on >ab cd ~* +@all"), "ab cd", "abcd"),
    Case("redis-line", 7, entry("users.acl", "# of main\nuser a on nopass (+get ~a*) -@all"), "# of main", ""),
    Case(
        "redis-open",
        3,
        "# of redis\narchitecture: standalone\nauth: {enabled: false}\nimage: {repository: library/redis}\n",
        "enabled: false",
        "enabled: true",
    ),
    Case(
        "redis-open",
        2,
        "redis:\n  auth: {enabled: false}\n  architecture: standalone\n",
        "redis:",
        "other: # of redis",
    ),
    Case("redis-requirepass-ignored", 7, entry("redis.conf", "requirepass abc\naclfile /a"), "aclfile", "# aclfile"),
    Case("minio-users-admin", 7, TENANT, "users:\n    - name: keys", "users: []"),
    Case(
        "minio-url",
        15,
        TENANT + entry("a.sh", "mc ls http://minio.matrix.svc:9000/a"),
        "http://minio.matrix.svc:9000",
        "https://minio.matrix.svc",
    ),
    Case(
        "minio-url",
        15,
        TENANT.replace("  requestAutoCert: true\n", "  mountPath: /export\n") + entry("a.sh", "mc ls http://minio/a"),
        "mountPath: /export",
        "requestAutoCert: false",
    ),
    Case(
        "minio-url",
        15,
        TENANT + entry("a.sh", "mc ls http://minio/a"),
        "apiVersion: minio",
        "kind: Service\nmetadata: {name: minio}\n---\napiVersion: minio",
    ),
    Case("minio-environment", 7, entry("config.env", 'export MINIO_ROOT_USER="a', kind="Secret"), '="a', '="a"'),
    Case("minio-environment", 7, entry("config.env", "export MINIO_ROOT_USER=${A}", kind="Secret"), "${A}", "a$A.b"),
    Case("minio-access-key", 7, entry("config.env", 'export MINIO_ROOT_USER="ab"', kind="Secret"), '"ab"', '"abc"'),
    Case("minio-access-key", 4, USERS, "CONSOLE_ACCESS_KEY: a=bc", "CONSOLE_ACCESS_KEY: abc"),
    Case("minio-access-key", 4, USERS, "CONSOLE_ACCESS_KEY: a=bc", "CONSOLE_ACCESS_KEY: CHANGEME"),
    Case("field-deprecated", 5, ISSUER, "class", "ingressClassName"),
    Case(
        "field-deprecated",
        6,
        INGRESS.replace("nginx.ingress.kubernetes.io/auth-secret: users", "kubernetes.io/ingress.class: nginx"),
        "ingress.class: nginx",
        "ingress.class: gce",
    ),
    Case(
        "field-deprecated",
        1,
        "apiVersion: external-secrets.io/v1beta1\nkind: ExternalSecret\nmetadata: {name: a}\n",
        "v1beta1",
        "v1",
    ),
    Case(
        "auth-type-missing",
        6,
        INGRESS.replace("    nginx.ingress.kubernetes.io/auth-type: basic\n", ""),
        "auth-secret: users",
        "auth-type: basic",
    ),
    Case("satisfy-any", 9, INGRESS, "satisfy: any", "satisfy: all"),
    Case("haproxy-password", 7, entry("haproxy.cfg", "user a password $apr1$abc$defgh"), "$apr1$", "$2y$"),
    Case(
        "haproxy-password", 7, entry("haproxy.cfg", 'user a password "$6$abc$defgh"'), '"$6$abc$defgh"', "$6$abc$defgh"
    ),
    Case("haproxy-password", 7, entry("haproxy.cfg", "user a insecure-password ab#cd"), "ab#cd", "'ab#cd'"),
    Case(
        "image-gone",
        11,
        pod("matrixdotorg/synapse:v1.163.2") + "---\nimage: {repository: bitnami/redis}\n",
        "bitnami/redis",
        "bitnamilegacy/redis",
    ),
    Case(
        "image-gone",
        11,
        pod("matrixdotorg/synapse:v1.163.2") + "---\nimage: {registry: docker.io, repository: bitnami/redis}\n",
        "docker.io",
        "mirror.corp.net",
    ),
    Case(
        "image-gone",
        8,
        pod("docker.io/bitnami/redis:7.2", init="initContainers: [{name: s, image: 'matrixdotorg/synapse:v1.163.2'}]"),
        "docker.io/bitnami",
        "docker.io/bitnamilegacy",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{each.rule}-{at}" for at, each in enumerate(CASES)])
def test_a_rule_finds_its_fault_where_it_stands_and_nothing_once_it_is_mended(case: Case) -> None:
    assert case.text.count(case.old), "the mending must change something"
    assert told(case.text, case.rule) == [f"a.yaml:{case.line}"]
    assert told(case.text.replace(case.old, case.new), case.rule) == []


def test_either_or_is_told_once_where_it_is_li() -> None:
    li = INGRESS.replace("grafana", "synapse-li").replace(
        "  annotations:", "  labels: {matrix.instance: li}\n  annotations:"
    )
    ids = [each.id for each in found(li + "spec: {ingressClassName: nginx, rules: [{host: matrix-li.corp.net}]}\n")]
    assert "li-either-or" in ids and "satisfy-any" not in ids


def test_a_key_file_that_others_may_read_is_told() -> None:
    config = entry("livekit.yaml", "port: 7880\nkey_file: /keys/k") + "---\n"
    secret = "volumes: [{name: config, configMap: {name: config}}, {name: k, secret: {secretName: k%s}}]"
    mounts = "volumeMounts: [{name: config, mountPath: /c}, {name: k, mountPath: /keys}]"
    assert told(config + pod(LIVEKIT, mounts, volumes=secret % ""), "file-too-open") == ["a.yaml:8"]
    assert told(config + pod(LIVEKIT, mounts, volumes=secret % ", defaultMode: 0440"), "file-too-open") == []


def test_no_message_holds_the_secret_that_it_is_about() -> None:
    secrets = ("ab/cd", "ab&cd", "ab@cd", "ab cd", "ab'cd", "ab#cd", "$apr1$abc", "$6$abc")
    for case in CASES:
        said = "".join(each.message + each.fix for each in found(case.text))
        assert [each for each in secrets if each in said] == []
