"""The cluster on loopback itself: what starts, who is let in, and what each form of kubectl does.

What Synapse, coturn, HAProxy and the mail server are asked is asked of the bundled tree and of the same secrets in
another dress alike.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path

import bcrypt
import psycopg
import pytest
import yaml
from scripts.certificates import self_signed
from scripts.conftest import new_deployment
from scripts.runs import Deployment

from . import clients, objectstore, pods
from .clients import Client
from .cluster import Cluster
from .layouts import BUNDLED, DRESS, LAYOUTS
from .loopback import HOST, postgres_programs, wait_until
from .mailserver import Mailbox, Rules, command
from .operator import Operator
from .postgres import subscription
from .servers import Redis, running

MAIN, LI = "matrix-postgresql", "matrix-postgresql-li"
ON = ("--context", "prod", "-n", "matrix")
APPLY = ("apply", "--server-side", "--field-manager=matrix-wizard")
ANSWERS = """
domains: {base: chat-corp.net}
lawful_intercept: {allowed_cidrs: [185.60.112.0/24]}
tls: {email: ops@chat-corp.net}
smtp:
  host: smtp.chat-corp.net
  user: matrix@chat-corp.net
  password: {file: smtp.txt}
  from: Matrix <matrix@chat-corp.net>
"""
DRESS_ALONE = pytest.mark.parametrize("served", ["dress"], indirect=True)
BUNDLED_ALONE = pytest.mark.parametrize("served", ["bundled"], indirect=True)
PASSWORD, MAIL_PASSWORD = "of-a-person", 'it\'s "q" \\ $HOME %(app)s #x: yé'
Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module", autouse=True)
def software(needs: Callable[..., None]) -> None:
    programs = ("haproxy", "nginx", "redis-server", "redis-cli", "setpriv", "turnserver")
    needs(*programs, str(postgres_programs() / "postgres"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Deployment]:
    """Return what fills the tree of a name, once."""

    @functools.cache
    def make(name: str) -> Deployment:
        home = tmp_path_factory.mktemp(f"filled-{name}")
        (home / "given").mkdir()
        (home / "given/smtp.txt").write_text(MAIL_PASSWORD)
        deployment = new_deployment(home / name, home / "given", name, ANSWERS)
        done = deployment.setup()
        assert done.code == 0, done.err
        return deployment

    return make


@pytest.fixture
def deployment(filled: Callable[[str], Deployment], tmp_path: Path) -> Deployment:
    return filled("bundled").copy(tmp_path / "deployment")


@pytest.fixture
def cluster(deployment: Deployment, tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(deployment.tree, tmp_path / "cluster") as cluster:
        yield cluster


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return kubectl_of(cluster)


def kubectl_of(cluster: Cluster) -> Kubectl:
    """Return what runs the kubectl that is found on the PATH."""

    def run(*argv: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        program = shutil.which("kubectl", path=cluster.environment["PATH"])
        assert program
        environment = {**os.environ, **cluster.environment}
        return subprocess.run(
            [program, *argv], env=environment, input=stdin, cwd=cwd, capture_output=True, text=True, check=False
        )

    return run


def login(cluster: Cluster, name: str, role: str, password: str) -> AbstractContextManager[psycopg.Connection]:
    port = cluster.port(name, 5432)
    database = {"replication_user": "synapse"}.get(role, role)
    where = f"host=127.0.0.1 port={port} user={role} dbname={database} sslmode=require"
    return psycopg.connect(where, password=password)


@pytest.fixture(scope="module", params=["bundled", "dress"])
def served(
    request: pytest.FixtureRequest, filled: Callable[[str], Deployment], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Cluster, Mailbox]]:
    """A cluster in which everything runs, with its mail server; each test changes secrets of its own."""
    home = tmp_path_factory.mktemp("whole")
    tree, layout = filled(request.param).copy(home / "deployment").tree, LAYOUTS[request.param]
    with Cluster(tree, home / "cluster", layout) as cluster, ExitStack() as stack:
        post = cluster.ground.home("post")
        box, port = Mailbox(post), cluster.port("smtp", 587)  # which is its own as long as it serves there
        box.follow(rules(cluster))
        reached = running(post, lambda: socket.create_connection((HOST, port), 5).close(), *command(post, port))
        stack.enter_context(reached)
        if layout is BUNDLED:  # the other keeps media on a volume
            serve_store(cluster, stack)
        cluster.start_all()
        main = cluster.port(layout.main, 8008)
        secret = cluster.secret("registration-secret")
        clients.register(main, "alice", PASSWORD, secret)
        clients.register(main, "root", PASSWORD, secret, is_admin=True)
        root = clients.access_token(main, "root", PASSWORD)
        clients.add_email(main, root, "@alice:matrix.chat-corp.net", "a@alice.net")
        if layout is DRESS:  # whose own statement copies what its operator publishes
            copy_to_li(cluster)
        yield cluster, box


def copy_to_li(cluster: Cluster) -> None:
    """Do by hand what the tree in another dress has no Job for, with its own statement."""
    cluster.query(MAIN, "GRANT SELECT ON users, account_validity TO replicator", "synapse")
    cluster.query(MAIN, "CREATE PUBLICATION main FOR TABLE users, account_validity", "synapse")
    script = cluster.text("ConfigMap", "sync-sql-li", "setup.sql")
    cluster.query(LI, subscription(script, cluster.port(MAIN, 5432)), "synapse_li")


def serve_store(cluster: Cluster, stack: ExitStack) -> None:
    """Run the object store with the tree's buckets and user."""
    given = pods.texts(cluster.applied["Secret", "minio-credentials"])
    pair = given["CONSOLE_ACCESS_KEY"], given["CONSOLE_SECRET_KEY"]
    cluster.ground.store = stack.enter_context(objectstore.serving(cluster.ground.home("swift"), *pair))
    for bucket in cluster.applied["Tenant", "matrix-minio"]["spec"]["buckets"]:
        objectstore.client(cluster.ground.store, *pair).create_bucket(Bucket=bucket["name"])


@pytest.fixture
def whole(served: tuple[Cluster, Mailbox]) -> Cluster:
    """The cluster in which everything runs."""
    return served[0]


@pytest.fixture
def mailbox(served: tuple[Cluster, Mailbox]) -> Mailbox:
    """Its mail server, empty and by the rules of the tree."""
    cluster, box = served
    box.follow(rules(cluster))
    return box


def rules(cluster: Cluster) -> Rules:
    certificate, key = str(cluster.ground.trusted), str(cluster.ground.mail_key)
    return Rules("matrix@chat-corp.net", MAIL_PASSWORD, certificate, key)


def change(cluster: Cluster, path: Path, name: str, **texts: str) -> None:
    """Apply a Secret in which these texts are others."""
    secret = cluster.applied["Secret", name]
    one = written(path / f"{name}.yaml", {**secret, "stringData": {**secret.get("stringData", {}), **texts}})
    done = kubectl_of(cluster)(*ON, *APPLY, "-f", one)
    assert done.returncode == 0, done.stderr


def change_secret(cluster: Cluster, path: Path, value: str, text: str) -> None:
    """Give Synapse another secret *value*, which it takes when it is restarted."""
    name, key = cluster.layout.secrets[value]
    change(cluster, path, name, **{key: text})


def restart(cluster: Cluster, *names: str) -> None:
    """Restart workloads, whatever kinds they are of."""
    kinds = {name: kind for kind, name in cluster.applied if kind in ("Deployment", "StatefulSet")}
    roll(cluster, *(f"{kinds[name]}/{name}".lower() for name in names))


def roll(cluster: Cluster, *targets: str) -> None:
    kubectl = kubectl_of(cluster)
    assert kubectl(*ON, "rollout", "restart", *targets).returncode == 0
    for target in targets:
        done = kubectl(*ON, "rollout", "status", target, "--timeout=2m")
        assert done.returncode == 0, done.stderr + cluster.log(target.partition("/")[2])


def written(path: Path, *objects: object) -> str:
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


def test_the_roles_of_postgresql_have_the_trees_passwords_and_no_other(cluster: Cluster) -> None:
    cluster.start(MAIN, LI)
    roles = {(MAIN, "synapse"): "app", (MAIN, "key_vault"): "key-vault", (MAIN, "replication_user"): "replication"}
    passwords = {key: cluster.text("Secret", f"{MAIN}-{name}", "password") for key, name in roles.items()}
    passwords[LI, "synapse_li"] = cluster.text("Secret", f"{LI}-app", "password")
    assert len(set(passwords.values())) == 4
    for (name, role), password in passwords.items():
        with login(cluster, name, role, password) as session:
            assert session.execute("SELECT current_user").fetchone() == (role,)
        for wrong in ({*passwords.values()} - {password}).pop(), "":
            with pytest.raises(psycopg.OperationalError):
                login(cluster, name, role, wrong)
        assert password not in cluster.log(name)
    assert cluster.query(MAIN, "SHOW wal_level") == [("logical",)]
    assert cluster.query(MAIN, "SELECT datcollate FROM pg_database WHERE datname = 'synapse'") == [("C",)]
    assert cluster.running("synapse-main") is cluster.running("redis") is None


def test_a_password_is_changed_by_two_lines_of_stdin(cluster: Cluster, kubectl: Kubectl) -> None:
    old, new = cluster.text("Secret", f"{MAIN}-app", "password"), "new-one"
    statement = ("--", "psql", "-X", "-U", "postgres", "-c", r"\password synapse")
    done = kubectl(*ON, "exec", "-i", "svc/matrix-postgresql-rw", *statement, stdin=f"{new}\n{new}\n")
    assert done.returncode == 0, done.stderr
    login(cluster, MAIN, "synapse", new).__exit__(None, None, None)
    with pytest.raises(psycopg.OperationalError):
        login(cluster, MAIN, "synapse", old)
    assert new not in cluster.log(MAIN), "psql sends what the password is proved by, not the password"
    assert "ALTER USER synapse PASSWORD 'SCRAM-SHA-256$" in cluster.log(MAIN)
    differing = kubectl(*ON, "exec", "-i", "svc/matrix-postgresql-rw", *statement, stdin="one\ntwo\n")
    assert differing.returncode != 0
    asked = ("--", "psql", "-X", "-h", "localhost", "-U", "synapse", "-w", "-Atc", "SELECT 1")
    assert kubectl(*ON, "exec", "-i", "pod/matrix-postgresql-1", "-c", "postgres", *asked).returncode == 2
    assert kubectl(*ON, "exec", "svc/matrix-postgresql-rw", "--", "psql", "-XAtU", "postgres", "-c", "SELECT 7").stdout
    assert [new in word for argv in cluster.commands for word in argv].count(True) == 0
    assert len(cluster.commands) == 4


def test_a_server_that_is_away_refuses_nobody_and_keeps_its_data(cluster: Cluster) -> None:
    cluster.start(MAIN)
    cluster.query(MAIN, "ALTER ROLE synapse PASSWORD 'changed'")
    with Client(clients.postgres(cluster.port(MAIN, 5432), "synapse", "synapse", lambda: "changed")) as client:
        cluster.stop(MAIN)
        assert {each.what for each in client.wait(2)} == {"unreachable"}
        cluster.start(MAIN)
        assert {each.what for each in client.wait(2)} == {"synapse"}
    assert client.refusals == 0
    assert client.outages >= 2


def test_redis_takes_what_is_applied_when_it_is_restarted(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    cluster.start("redis")
    secret = yaml.safe_load((cluster.tree / "infrastructure/02-redis/redis-secret.yaml").read_text())
    old, new = secret["stringData"]["password"], "new"
    attempt = clients.redis(cluster.port("redis", 6379), lambda: [new, old])
    secret["stringData"] = {"password": new, "redis.conf": f'requirepass "{new}"\n'}
    with Client(attempt) as client:
        assert {each.what for each in client.wait(2)} == {"1"}
        assert kubectl(*ON, *APPLY, "-f", written(tmp_path / "new.yaml", secret)).returncode == 0
        assert {each.what for each in client.wait(2)} == {"1"}, "applying alone restarts nothing"
        assert kubectl(*ON, "rollout", "restart", "statefulset/redis").returncode == 0
        assert kubectl(*ON, "rollout", "status", "statefulset/redis", "--timeout=20s").returncode == 0
        assert {each.what for each in client.wait(2)} == {"0"}
        assert client.refusals == 0
        assert client.successes + client.outages == len(client.window)
    before = clients.redis(cluster.port("redis", 6379), lambda: [old])
    with Client(before) as client:
        assert client.refusals == len(client.window) > 0
    ping = 'REDISCLI_AUTH="$(cat /run/secrets/redis/password)" redis-cli ping'
    for target in ("statefulset/redis", "pod/redis-0", "svc/redis"):
        assert kubectl(*ON, "exec", "-i", target, "-c", "redis", "--", "sh", "-c", ping).stdout == "PONG\n"
    both = f"AUTH {new}\nACL SETUSER default >{old}\n"
    assert kubectl(*ON, "exec", "-i", "pod/redis-0", "--", "redis-cli", stdin=both).stdout.split() == ["OK", "OK"]
    assert before() == "0"


def test_the_real_kubectl_reads_what_was_applied(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    assert kubectl("config", "current-context").stdout == "prod\n"
    changed = {**cluster.applied["Secret", "coturn-secrets"], "stringData": {"TURN_SHARED_SECRET": "t"}}
    file = written(tmp_path / "one.yaml", changed)
    applied = kubectl(*ON, *APPLY, "--force-conflicts", "-f", "one.yaml", "-f", file, cwd=tmp_path)
    assert applied.returncode == 0, applied.stderr
    read = kubectl("--context", "prod", "--namespace", "matrix", "get", "secrets", "coturn-secrets", "-o", "json")
    assert json.loads(read.stdout)["data"] == {"TURN_SHARED_SECRET": "dA=="}
    for each in ("deployment/coturn", "statefulset/redis", "job/sync-system-setup", "cm/synapse-config"):
        assert kubectl(*ON, "get", each, "-o", "name").stdout.endswith(f"/{each.partition('/')[2]}\n"), each
    for context, name in (("prod", "absent"), ("wrong", "coturn-secrets")):
        assert kubectl("--context", context, "-n", "matrix", "get", "secret", name).returncode == 1


def test_what_the_harness_does_not_know_fails(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    secret = cluster.applied["Secret", "redis-password"]
    file = written(tmp_path / "other.yaml", {**secret, "metadata": {"name": "redis-password", "namespace": "other"}})
    mine = written(tmp_path / "mine.yaml", {**secret, "stringData": {"password": "not-to-be-kept"}})
    wrong = ("--context", "wrong", "-n", "matrix")
    for argv in [
        (*wrong, *APPLY, "-f", mine),
        ("-n", "matrix", *APPLY, "-f", mine),
        ("--context", "prod", *APPLY, "-f", mine),
        (*ON, "apply", "-f", mine),
        (*ON, *APPLY, "-f", file),
        (*ON, *APPLY, "-f", mine, "-f", str(tmp_path / "absent.yaml")),
        (*ON, *APPLY, "-R", "-f", mine),
        (*ON, "create", "-f", mine),
        (*ON, "delete", "secret", "redis-password", "--ignore-not-found"),
        (*ON, "delete", "job", "sync-system-setup"),
        (*ON, "exec", "-i", "statefulset/absent", "--", "true"),
        (*ON, "exec", "-i", "deployment/key-vault", "--", "true"),
        (*ON, "exec", "-i", "pod/redis-0", "-c", "absent", "--", "true"),
        (*ON, "exec", "-i", "-t", "pod/redis-0", "--", "true"),
        (*ON, "exec", "-i", "pod/redis-0", "true"),
        (*ON, "rollout", "restart", "statefulset/absent"),
        (*ON, "rollout", "restart", "statefulset", "redis"),
        (*ON, "rollout", "undo", "statefulset/redis"),
        (*ON, "wait", "--for=condition=complete", "job/absent", "--timeout=1s"),
        (*ON, "rollout", "status", "statefulset/redis", "--timeout=soon"),
        (),
    ]:
        done = kubectl(*argv)
        assert (done.returncode, done.stdout) == (1, ""), argv
        assert done.stderr.strip(), argv
    assert cluster.applied["Secret", "redis-password"] == secret
    assert ("Job", "sync-system-setup") in cluster.applied


def test_a_program_in_a_pod_has_no_terminal_and_its_exit_code_comes_back(kubectl: Kubectl) -> None:
    asked = kubectl(
        *ON, "exec", "-i", "statefulset/redis", "--", "sh", "-c", "cat; (: < /dev/tty) || exit 42", stdin="in"
    )
    assert (asked.returncode, asked.stdout) == (42, "in")
    leads = (sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())")
    assert kubectl(*ON, "exec", "-i", "statefulset/redis", "--", *leads).stdout == "True\n"
    closed = kubectl(*ON, "exec", "statefulset/redis", "--", "cat", stdin="in")
    assert (closed.returncode, closed.stdout) == (0, "")
    assert kubectl(*ON, "exec", "-i", "statefulset/redis", "--", "no-such-program").returncode == 1


def test_commands_fail_as_ordered(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    cluster.start("redis")
    secret = cluster.applied["Secret", "redis-password"]

    def apply(password: str) -> int:
        one = {**secret, "stringData": {"password": password, "redis.conf": f'requirepass "{password}"\n'}}
        return kubectl(*ON, *APPLY, "-f", written(tmp_path / "secret.yaml", one)).returncode

    def kept() -> str:
        return cluster.text("Secret", "redis-password", "password")

    cluster.fail_at(2)
    assert (apply("a"), kubectl("config", "current-context").returncode, apply("b"), kept()) == (0, 0, 1, "a")
    assert (apply("c"), kept()) == (0, "c")
    cluster.fail_at(1, after=True)
    assert (apply("d"), kept()) == (1, "d")
    cluster.fail_on("rollout restart .*/redis")
    assert (apply("e"), kept()) == (0, "e")
    restart = (*ON, "rollout", "restart", "statefulset/redis")
    accepted = clients.redis(cluster.port("redis", 6379), lambda: ["e"])
    assert kubectl(*restart).returncode == 1
    with pytest.raises(clients.RefusedError):
        accepted()
    assert kubectl(*restart).returncode == 0
    assert kubectl(*ON, "rollout", "status", "statefulset/redis").returncode == 0
    assert accepted() == "0"


def test_a_workload_that_cannot_start_is_not_rolled_out(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    cluster.start("redis")
    broken = {**cluster.applied["ConfigMap", "redis-config"], "data": {"redis.conf": "no-such-option 1\n"}}
    assert kubectl(*ON, *APPLY, "-f", written(tmp_path / "broken.yaml", broken)).returncode == 0
    assert kubectl(*ON, "rollout", "restart", "statefulset/redis").returncode == 0
    status = kubectl(*ON, "rollout", "status", "statefulset/redis", "--timeout=60s")
    assert (status.returncode, "is not ready" in status.stderr) == (1, True), status.stderr
    assert "no-such-option" in cluster.log("redis")


def test_what_was_not_started_is_restarted_without_being_run(cluster: Cluster, kubectl: Kubectl) -> None:
    for target in ("statefulset/synapse-main", "deployment/key-vault"):
        assert kubectl(*ON, "rollout", "restart", target).returncode == 0
        assert kubectl(*ON, "rollout", "status", target, "--timeout=1s").returncode == 0
    assert cluster.running("synapse-main") is None


def test_nothing_is_left(deployment: Deployment, tmp_path: Path) -> None:
    with Cluster(deployment.tree, tmp_path / "cluster") as cluster:
        cluster.start(MAIN, "redis")
        private = cluster.ground.private
        running = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(private) in path.read_text("utf-8")]
        assert running
    assert not private.exists()
    assert [path for path in running if path.exists() and str(private) in path.read_text("utf-8")] == []


def test_each_server_takes_the_trees_secrets_and_no_other(whole: Cluster) -> None:
    assert_served(whole)


def assert_served(whole: Cluster) -> None:
    """Each server takes the secrets that are applied and no others, and main and LI publish one key."""
    main, li = whole.port(whole.layout.main, 8008), whole.port("synapse-li", 8008)
    worker = whole.port("synapse-worker", 8083)
    turn, admin = whole.port("coturn", 3478), whole.port("ingress-nginx", 80)
    database = whole.port(MAIN, 5432)
    secret = {
        "turn": whole.text("Secret", "coturn-secrets", "TURN_SHARED_SECRET"),
        "database": whole.text("Secret", f"{MAIN}-app", "password"),
        "redis": whole.text("Secret", "redis-password", "password"),
    }
    right = {
        clients.postgres(database, "synapse", "synapse", lambda: secret["database"]): "synapse",
        clients.redis(whole.port("redis", 6379), lambda: ["wrong", secret["redis"]]): "1",
        clients.turn(turn, lambda: secret["turn"]): "a relay",
        clients.turn_from_synapse(main, clients.access_token(main, "alice", PASSWORD), turn): "a relay",
        clients.matrix_login(main, "alice", lambda: PASSWORD): "@alice:matrix.chat-corp.net",
        clients.matrix_login(worker, "alice", lambda: PASSWORD): "@alice:matrix.chat-corp.net",
    }
    assert [attempt() for attempt in right] == list(right.values())
    for wrong in [
        clients.postgres(database, "synapse", "synapse", lambda: "wrong"),
        clients.redis(whole.port("redis", 6379), lambda: ["wrong"]),
        clients.turn(turn, lambda: "wrong"),
        clients.matrix_login(main, "alice", lambda: "wrong"),
        clients.basic_auth(admin, "admin", lambda: "wrong"),
    ]:
        with pytest.raises(clients.RefusedError):
            wrong()
    registering = whole.secret("registration-secret"), whole.secret("li-registration-secret")
    clients.register(main, f"u{secrets.token_hex(8)}", PASSWORD, registering[0])
    for port, others in ((main, registering[1]), (li, registering[0])):
        for wrong_secret in ("wrong", others):
            with pytest.raises(clients.RefusedError):
                clients.register(port, "mallory", PASSWORD, wrong_secret)
    key = whole.text("Secret", "synapse-secrets", "signing.key").split()[1]
    assert {clients.server_keys(main)(), clients.server_keys(li)()} == {f"ed25519:{key}"}
    published = [clients.published(port)["verify_keys"] for port in (main, li)]
    assert published[0] == published[1], "the same key, not only the same id"


def test_what_comes_from_outside_reaches_synapse_by_its_own_name_alone(whole: Cluster) -> None:
    """Through HAProxy, whose backends are the servers that run."""
    port, main = whole.port("haproxy", 8080), whole.port(whole.layout.main, 8008)

    def outside(path: str, host: str = "matrix.chat-corp.net") -> bytes:
        with closing(http.client.HTTPConnection(HOST, port, timeout=30)) as client:
            client.request("GET", path, headers={"Host": host})
            answer = client.getresponse()
            told = answer.read()
        return told if answer.status == 200 else str(answer.status).encode()

    wait_until(lambda: outside("/_matrix/client/versions") != b"503")  # it looks after its servers
    assert json.loads(outside("/_matrix/key/v2/server"))["verify_keys"] == clients.published(main)["verify_keys"]
    assert outside("/_synapse/admin/v1/register") == b"403"
    other = b"421" if whole.layout is BUNDLED else b"503"
    assert outside("/_matrix/key/v2/server", "matrix-li.chat-corp.net") == other


def subscribers(cluster: Cluster) -> dict[str, int]:
    """Return how many connections of Synapse's each Redis lets hear of writes."""
    found = {}
    for name in cluster.layout.subscribers:
        password = cluster.secret({"redis": "redis-password"}.get(name, "li-redis-password"))
        with closing(Redis(cluster.port(name, 6379))) as client:
            assert client.knows(password)
            assert client.ask("PUBSUB", "NUMSUB", "matrix.chat-corp.net") == b"*2"
            found[name] = int([client.file.readline() for _ in range(3)][-1][1:])
    return found


def test_processes_of_synapse_hear_of_each_other_by_the_redis_password_alone(whole: Cluster, tmp_path: Path) -> None:
    right = whole.secret("redis-password")
    wait_until(lambda: subscribers(whole) == whole.layout.subscribers)
    change_secret(whole, tmp_path, "redis-password", "another")
    restart(whole, "synapse-worker")
    wait_until(lambda: "WRONGPASS" in whole.log("synapse-worker"))
    change_secret(whole, tmp_path, "redis-password", right)
    assert subscribers(whole) == {**whole.layout.subscribers, "redis": 1}
    restart(whole, "synapse-worker")
    wait_until(lambda: subscribers(whole) == whole.layout.subscribers)


def test_rows_stream_from_main_to_li(whole: Cluster) -> None:
    assert_streams(whole, "x")


@BUNDLED_ALONE
def test_what_main_says_stands_over_what_li_wrote(whole: Cluster) -> None:
    main_wins = "SELECT count(*) > 100 FROM pg_trigger WHERE tgname = 'main_wins'"
    assert whole.query(LI, main_wins, "synapse_li") == [(True,)]


def test_a_person_of_main_logs_in_on_li(whole: Cluster) -> None:
    port = whole.port("synapse-li", 8008)
    wait_until(lambda: whole.query(LI, "SELECT 1 FROM users WHERE name LIKE '@alice:%'", "synapse_li") == [(1,)])
    roll(whole, "deployment/synapse-li")
    assert clients.matrix_login(port, "alice", lambda: PASSWORD)() == "@alice:matrix.chat-corp.net"


@BUNDLED_ALONE
def test_every_copy_of_the_redis_password_opens_redis(whole: Cluster) -> None:
    copies = {("redis-password", "password"), ("synapse-secrets", "REDIS_PASSWORD"),
              ("synapse-li-secrets", "REDIS_PASSWORD")}  # fmt: skip
    every = {(name, key) for kind, name in whole.applied if kind == "Secret"
             for key in pods.texts(whole.applied[kind, name]) if "redis" in f"{name} {key}".lower()}  # fmt: skip
    assert every - {("redis-password", "redis.conf")} == copies
    texts = [whole.text("Secret", name, key) for name, key in copies]
    assert [clients.redis(whole.port("redis", 6379), lambda each=each: [each])() for each in texts] == ["0"] * 3  # type: ignore[misc]


@BUNDLED_ALONE
def test_main_says_where_it_is_found(whole: Cluster) -> None:
    main, li = whole.port(whole.layout.main, 8008), whole.port("synapse-li", 8008)
    assert clients.found(main, "/.well-known/matrix/server") == {"m.server": "matrix.chat-corp.net:443"}
    assert clients.found(main, "/.well-known/matrix/client") == {
        "m.homeserver": {"base_url": "https://matrix.chat-corp.net/"}
    }
    assert clients.found(li, "/.well-known/matrix/server") is None


def test_li_is_asked_by_no_other_server_and_nobody_makes_an_account(whole: Cluster) -> None:
    main, li = whole.port(whole.layout.main, 8008), whole.port("synapse-li", 8008)
    assert clients.found(main, "/_matrix/federation/v1/version")["server"]["name"] == "Synapse"
    assert clients.found(li, "/_matrix/federation/v1/version") is None
    assert [clients.may_register(port) for port in (main, li)] == [False, False]


def test_mail_leaves_by_tls_with_the_password_as_it_was_given(whole: Cluster, mailbox: Mailbox) -> None:
    main = whole.port(whole.layout.main, 8008)
    clients.ask_for_mail(main, "a@alice.net")
    ((recipients, mail),) = mailbox.mails
    assert (recipients, mail["From"]) == (["a@alice.net"], "Matrix <matrix@chat-corp.net>")
    assert mailbox.logins == [("matrix@chat-corp.net", True)]
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    link = b"https://matrix.chat-corp.net/_synapse/client/password_reset/email/submit_token?token="
    assert all(isinstance(part, bytes) and link in part for part in parts)


@pytest.mark.parametrize("how", ["another password", "no TLS", "the certificate of another"])
def test_mail_does_not_leave_where_anything_is_wrong(
    whole: Cluster, mailbox: Mailbox, tmp_path: Path, how: str
) -> None:
    changed = rules(whole)
    if how == "another password":
        changed.password += "x"
    changed.offers_tls = how != "no TLS"
    if how == "the certificate of another":
        changed.certificate, changed.key = str(tmp_path / "crt"), str(tmp_path / "key")
        for path, text in zip((changed.certificate, changed.key), self_signed(["smtp.chat-corp.net"]), strict=True):
            Path(path).write_text(text)
    mailbox.follow(changed)
    with pytest.raises(OSError, match=r"no mail: 500|timed out"):  # a handshake that failed is not told to who waits
        clients.ask_for_mail(whole.port(whole.layout.main, 8008), "a@alice.net", patience=5)
    wait_until(lambda: mailbox.ended > 0)
    assert mailbox.mails == []
    assert [is_right for _, is_right in mailbox.logins] == ([False] if how == "another password" else [])


@BUNDLED_ALONE
def test_the_password_of_the_admin_page_changes_without_a_restart(whole: Cluster, tmp_path: Path) -> None:
    given = {"password": "one"}
    for password in ("one", "two"):
        line = f"admin:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n"
        change(whole, tmp_path, "synapse-admin-auth", auth=line.replace("$2b$", "$2y$"))
        given["password"] = password
        page = clients.basic_auth(whole.port("ingress-nginx", 80), "admin", lambda: given["password"])
        assert page() == "inside"
        given["password"] = "another"
        with pytest.raises(clients.RefusedError):
            page()


def test_synapse_and_coturn_take_what_is_applied_when_they_are_restarted(whole: Cluster, tmp_path: Path) -> None:
    main, turn = whole.port(whole.layout.main, 8008), whole.port("coturn", 3478)
    relay = clients.turn_from_synapse(main, clients.access_token(main, "alice", PASSWORD), turn)
    old, of_coturn = whole.secret("turn-secret"), pods.texts(whole.applied["Secret", "coturn-secrets"])
    change_secret(whole, tmp_path, "turn-secret", "t2")
    change_secret(whole, tmp_path, "registration-secret", "r2")
    change(whole, tmp_path, "coturn-secrets", **{key: text.replace(old, "t2") for key, text in of_coturn.items()})
    with Client(clients.turn(turn, lambda: old)) as before, Client(relay) as person:
        restart(whole, "coturn")
        assert {each.what for each in before.wait(2)} == {"refused"}
        assert {each.what for each in person.wait(2)} == {"refused"}
        restart(whole, whole.layout.main, "synapse-worker")
        assert {each.what for each in person.wait(2)} == {"a relay"}
        assert before.successes > 0
        assert [each.ok for each in before.window] == sorted((each.ok for each in before.window), reverse=True)
    clients.register(main, "bob", PASSWORD, "r2")


@BUNDLED_ALONE
def test_media_goes_to_the_bucket_with_the_pods_own_pair(whole: Cluster, tmp_path: Path) -> None:
    main = whole.port("synapse-main", 8008)
    token = clients.access_token(main, "alice", PASSWORD)
    given = pods.texts(whole.applied["Secret", "minio-credentials"])
    assert whole.ground.store
    store = objectstore.client(whole.ground.store, given["access-key"], given["secret-key"])
    name = clients.upload(main, token, b"a picture")
    kept = {
        each["Key"].replace("/", ""): each["Key"] for each in store.list_objects(Bucket="synapse-media")["Contents"]
    }
    (key,) = (key for text, key in kept.items() if text.endswith(name))
    assert store.get_object(Bucket="synapse-media", Key=key)["Body"].read() == b"a picture"
    right = whole.text("Secret", "synapse-secrets", "S3_SECRET_KEY")
    change(whole, tmp_path, "synapse-secrets", S3_SECRET_KEY="another")
    roll(whole, "statefulset/synapse-main")
    with pytest.raises(OSError, match="not kept: 500"):
        clients.upload(main, token, b"another picture")
    change(whole, tmp_path, "synapse-secrets", S3_SECRET_KEY=right)
    roll(whole, "statefulset/synapse-main")


def test_a_worker_with_another_replication_secret_joins_nothing(whole: Cluster, tmp_path: Path) -> None:
    through_worker = clients.matrix_login(whole.port("synapse-worker", 8083), "alice", lambda: PASSWORD)
    change_secret(whole, tmp_path, "worker-replication-secret", "another")
    restart(whole, "synapse-worker")
    with pytest.raises(OSError, match="login: 500"):
        through_worker()
    restart(whole, whole.layout.main)
    assert through_worker() == "@alice:matrix.chat-corp.net"


RENEWED = ("form-secret", "macaroon-secret", "registration-secret", "turn-secret", "worker-replication-secret",
           "synapse-db-password", "key-vault-db-password", "li-form-secret", "li-macaroon-secret",
           "li-registration-secret", "li-db-password", "replication-password", "redis-password",
           "li-redis-password")  # fmt: skip


def set_user(cluster: Cluster, server: str, password: str, rule: str) -> None:
    """Change what a Redis knows of its one user, as a person who is let in by a password."""
    with closing(Redis(cluster.port(server, 6379))) as client:
        assert client.knows(password)
        assert client.ask("ACL", "SETUSER", "default", rule) == b"+OK"


@DRESS_ALONE
def test_a_rotation_is_driven_in_another_dress(whole: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in whole.environment.items():
        monkeypatch.setenv(name, value)
    operator = Operator(Deployment(whole.tree.parent), whole)
    old = {name: operator.show(name) for name in RENEWED}
    new = operator.rotate(*RENEWED)
    servers = {"redis-password": "redis", "li-redis-password": "redis-li"}
    for name, server in servers.items():  # which the tree does not run, so that a person tells them
        (step, *_) = operator.steps()
        assert step["action"] == "note"
        assert f"new {name} " in step["title"]
        set_user(whole, server, old[name], f">{new[name]}")
        operator.run("next", "--done")
    operator.drive()
    for name, server in servers.items():
        set_user(whole, server, new[name], f"<{old[name]}")
    assert_served(whole)
    assert_streams(whole, "rotated")
    wait_until(lambda: subscribers(whole) == whole.layout.subscribers)
    given = whole.layout.secrets.keys() & new.keys()
    assert {name: whole.secret(name) for name in given} == {name: new[name] for name in given}
    main, li = whole.port(whole.layout.main, 8008), whole.port("synapse-li", 8008)
    clients.register(li, "agent", PASSWORD, new["li-registration-secret"])
    refused = [
        lambda: clients.register(main, "mallory", PASSWORD, old["registration-secret"]),
        lambda: clients.register(li, "mallory", PASSWORD, old["li-registration-secret"]),
        clients.turn(whole.port("coturn", 3478), lambda: old["turn-secret"]),
        clients.redis(whole.port("redis", 6379), lambda: [old["redis-password"]]),
        clients.redis(whole.port("redis-li", 6379), lambda: [old["li-redis-password"]]),
        clients.postgres(whole.port(MAIN, 5432), "synapse", "synapse", lambda: old["synapse-db-password"]),
        clients.postgres(whole.port(MAIN, 5432), "key_vault", "postgres", lambda: old["key-vault-db-password"]),
        clients.postgres(whole.port(LI, 5432), "synapse_li", "synapse_li", lambda: old["li-db-password"]),
        clients.postgres(whole.port(MAIN, 5432), "replicator", "synapse", lambda: old["replication-password"]),
    ]
    for wrong in refused:
        with pytest.raises(clients.RefusedError):
            wrong()
    operator.assert_silent()


@BUNDLED_ALONE
def test_li_must_have_mains_name_and_mains_pepper(whole: Cluster, tmp_path: Path) -> None:
    kubectl, config = kubectl_of(whole), whole.applied["ConfigMap", "synapse-li-config"]
    on_li = clients.matrix_login(whole.port("synapse-li", 8008), "alice", lambda: PASSWORD)

    def applied(old: str, new: str) -> None:
        text = config["data"]["homeserver.yaml"]
        assert text.count(old) == 1
        other = {**config, "data": {**config["data"], "homeserver.yaml": text.replace(old, new)}}
        assert kubectl(*ON, *APPLY, "-f", written(tmp_path / "li.yaml", other)).returncode == 0

    wait_until(lambda: whole.query(LI, "SELECT 1 FROM users WHERE name LIKE '@alice:%'", "synapse_li") == [(1,)])
    applied("password_config:", "password_config:\n  pepper: another")
    roll(whole, "deployment/synapse-li")
    with pytest.raises(clients.RefusedError):
        on_li()
    applied('server_name: "matrix.chat-corp.net"', 'server_name: "li.chat-corp.net"')
    assert kubectl(*ON, "rollout", "restart", "deployment/synapse-li").returncode == 0
    assert kubectl(*ON, "rollout", "status", "deployment/synapse-li", "--timeout=60s").returncode == 1
    assert "Found users in database not native to li.chat-corp.net" in whole.log("synapse-li")
    applied("password_config:", "password_config:")
    roll(whole, "deployment/synapse-li")
    assert on_li() == "@alice:matrix.chat-corp.net"


@BUNDLED_ALONE
def test_the_sync_job_takes_a_new_password_of_the_replication(whole: Cluster, tmp_path: Path) -> None:
    kubectl, new = kubectl_of(whole), "replication-2"
    statement = ("--", "psql", "-X", "-U", "postgres", "-c", r"\password replication_user")
    done = kubectl(*ON, "exec", "-i", "svc/matrix-postgresql-rw", *statement, stdin=f"{new}\n{new}\n")
    assert done.returncode == 0, done.stderr
    whole.query(MAIN, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    wait_until(lambda: "password authentication failed" in whole.log(LI))
    job = ("job/sync-system-setup", "--timeout=2s")
    assert kubectl(*ON, "wait", "--for=condition=complete", *job).returncode == 0, "the earlier one is complete"
    manifest = whole.applied["Job", "sync-system-setup"]
    file = written(tmp_path / "job.yaml", manifest)
    other = {**manifest, "spec": {**manifest["spec"], "template": {}}}
    assert "immutable" in kubectl(*ON, *APPLY, "-f", written(tmp_path / "other.yaml", other)).stderr
    for password, code in (("wrong", 1), (new, 0)):
        change(whole, tmp_path, "sync-system-secrets", MAIN_DB_PASSWORD=password)
        assert kubectl(*ON, "delete", "job", "sync-system-setup", "--ignore-not-found").returncode == 0
        assert kubectl(*ON, "get", "job/sync-system-setup").returncode == 1
        assert kubectl(*ON, "delete", "job", "sync-system-setup", "--ignore-not-found").returncode == 0
        assert kubectl(*ON, *APPLY, "-f", file).returncode == 0
        timeout = f"--timeout={2 if code else 60}s"
        assert kubectl(*ON, "wait", "--for=condition=complete", "job/sync-system-setup", timeout).returncode == code
    assert_streams(whole, "y")


def assert_streams(cluster: Cluster, user: str) -> None:
    """Write a row on main, and see it arrive on LI."""
    row = {"user_id": user, "expiration_ts_ms": 7, "email_sent": False}
    insert = "INSERT INTO account_validity SELECT * FROM json_populate_record(NULL::account_validity, '{}')"
    cluster.query(MAIN, insert.format(json.dumps(row)), "synapse")
    arrived = "SELECT user_id FROM account_validity"
    wait_until(lambda: (user,) in cluster.query(LI, arrived, "synapse_li"))
