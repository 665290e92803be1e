"""Rotation in the running system: every sheet driven, printed and typed, failed and resumed, and taken back.

The servers are real and on loopback; clients keep logging in meanwhile, and count their refusals.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, NamedTuple, Self

import psycopg
import pytest
from scripts.runs import Deployment

from . import clients
from .clients import Attempt, Client, RefusedError
from .cluster import Cluster
from .loopback import HOST, postgres_programs, wait_until
from .operator import AGREED, Operator
from .pods import texts
from .servers import Redis

# Twisted and others warn of their own old ways; that is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")

MAIN, LI = "matrix-postgresql", "matrix-postgresql-li"
PEOPLE = "of-a-person"
SLOWLY = 0.5  # seconds between two logins with a person's password, whose hash costs Synapse a quarter of one
ANSWERS = """
domains: {base: chat-corp.net}
lawful_intercept: {allowed_cidrs: [185.60.112.0/24]}
tls: {email: ops@chat-corp.net}
"""
# The role and a database of each password that PostgreSQL checks, and its cluster.
ROLES = {
    "synapse-db-password": (MAIN, "synapse", "synapse"),
    "key-vault-db-password": (MAIN, "key_vault", "key_vault"),
    "replication-password": (MAIN, "replication_user", "synapse"),
    "li-db-password": (LI, "synapse_li", "synapse_li"),
}
# In which file below /run/secrets/synapse, or which variable, Synapse is given each secret.
FILES = {
    "form-secret": "FORM_SECRET",
    "macaroon-secret": "MACAROON_SECRET",
    "registration-secret": "REGISTRATION_SECRET",
    "turn-secret": "TURN_SECRET",
    "worker-replication-secret": "REPLICATION_SECRET",
    "redis-password": "REDIS_PASSWORD",
    "synapse-db-password": "PGPASSWORD",
    "li-form-secret": "FORM_SECRET",
    "li-macaroon-secret": "MACAROON_SECRET",
    "li-registration-secret": "REGISTRATION_SECRET",
    "li-db-password": "PGPASSWORD",
}


@pytest.fixture(scope="module", autouse=True)
def software(needs: Callable[..., None]) -> None:
    programs = ("bash", "haproxy", "nginx", "redis-server", "redis-cli", "setpriv", "turnserver")
    needs(*programs, str(postgres_programs() / "postgres"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = Deployment(tmp_path_factory.mktemp("filled"))
    deployment.answers.parent.mkdir()
    deployment.answers.write_text(ANSWERS)
    done = deployment.setup()
    assert done.code == 0, done.err
    return deployment


@pytest.fixture(scope="module")
def running(filled: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A cluster in which everything runs, with a person, an admin and a room."""
    home = tmp_path_factory.mktemp("running")
    deployment = filled.copy(home / "deployment")
    with Cluster(deployment.tree, home / "cluster") as cluster:
        cluster.start_all()
        secret = deployment.show("registration-secret")
        clients.register(cluster.port("synapse-main", 8008), "alice", PEOPLE, secret)
        clients.register(cluster.port("synapse-main", 8008), "root", PEOPLE, secret, is_admin=True)
        yield Operator(deployment, cluster)


@pytest.fixture(scope="module")
def servers(filled: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A cluster in which all runs but Synapse, so that a restart is soon done: for what is tried many times."""
    home = tmp_path_factory.mktemp("servers")
    deployment = filled.copy(home / "deployment")
    with Cluster(deployment.tree, home / "cluster") as cluster:
        cluster.start("sync-system-setup", "redis", "coturn", "ingress-nginx")
        cluster.stop("synapse-main")
        yield Operator(deployment, cluster)


@contextmanager
def at(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    for name, value in operator.cluster.environment.items():
        monkeypatch.setenv(name, value)
    yield operator
    assert operator.steps() == [], "the next test wants a cluster without open steps"
    operator.assert_silent()


@pytest.fixture
def whole(running: Operator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    with at(running, monkeypatch) as operator:
        yield operator


@pytest.fixture
def quick(servers: Operator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    with at(servers, monkeypatch) as operator:
        yield operator


class Seen(NamedTuple):
    """One attempt: how many commands kubectl had been given before and after it, and what came of it."""

    before: int
    after: int
    what: str


class Watch:
    """A client that keeps trying while secrets change, with what kubectl had been told meanwhile."""

    def __init__(self, cluster: Cluster, attempt: Attempt, pause: float = 0.1) -> None:
        self.cluster, self._attempt = cluster, attempt
        self.client = Client(self._try, pause)
        self.seen: list[Seen] = []

    def __enter__(self) -> Self:
        self.start = len(self.cluster.commands)
        self.client.__enter__()
        return self

    def __exit__(self, *reason: object) -> None:
        self.client.__exit__(*reason)

    def _try(self) -> str:
        before, what = len(self.cluster.commands), clients.UNREACHABLE
        try:
            what = self._attempt()
        except RefusedError:
            what = clients.REFUSED
            raise
        finally:
            self.seen.append(Seen(before, len(self.cluster.commands), what))
        return what

    def goes_on(self) -> None:
        """It gets in now."""
        assert all(each.ok for each in self.client.wait(2)), self.seen[-5:]

    def never_refused(self) -> None:
        """No attempt was refused, and the last ones got in."""
        self.goes_on()
        assert self.client.refusals == 0
        assert self.client.successes > 2

    def fails_only(self, first: str, last: str) -> None:
        """Whatever failed did so from the command *first* on, until those after *last* were given."""
        self.goes_on()
        given = [" ".join(argv) for argv in self.cluster.commands]
        begin = min(at for at, line in enumerate(given) if at >= self.start and first in line)
        end = max(at for at, line in enumerate(given) if at >= self.start and last in line)
        failed = [each for each in self.seen if each.what in (clients.REFUSED, clients.UNREACHABLE)]
        assert [each for each in failed if not (each.after > begin and each.before <= end + 1)] == []


def role(operator: Operator, name: str, password: Callable[[], str]) -> Attempt:
    """A login with the password *name* of a role of PostgreSQL's."""
    server, user, database = ROLES[name]
    return clients.postgres(operator.cluster.port(server, 5432), user, database, password)


def configured(operator: Operator, workload: str, name: str) -> Callable[[], str]:
    """Return what tells the secret that the running Synapse was given. OSError while it is given another."""
    file = operator.cluster.root / workload / "pod/run/secrets/synapse" / FILES[name]

    def read() -> str:
        if FILES[name] == "PGPASSWORD":
            program = operator.cluster.running(workload)
            assert program
            return program.inside()[0]["PGPASSWORD"]
        if text := file.read_text():
            return text
        raise OSError(f"{file} is being written")

    return read


def refused(attempt: Attempt) -> bool:
    try:
        attempt()
    except RefusedError:
        return True
    return False


def synapse(operator: Operator, workload: str = "synapse-main") -> Attempt:
    """A login of Alice's."""
    number = {"synapse-worker": 8083}.get(workload, 8008)
    return clients.matrix_login(operator.cluster.port(workload, number), "alice", lambda: PEOPLE)


def people_log_in(operator: Operator) -> None:
    """On main, by a worker, and on LI, with what was copied there."""
    wait_until(
        lambda: operator.cluster.query(LI, "SELECT 1 FROM users WHERE name LIKE '@alice:%'", "synapse_li") == [(1,)]
    )
    for workload in ("synapse-main", "synapse-worker", "synapse-li"):
        assert synapse(operator, workload)() == "@alice:matrix.chat-corp.net"


def streams(operator: Operator, user: str) -> None:
    """A row that is written on main arrives on LI."""
    insert = f"INSERT INTO account_validity (user_id, expiration_ts_ms, email_sent) VALUES ('{user}', 7, false)"  # noqa: S608
    operator.cluster.query(MAIN, insert, "synapse")
    arrived = "SELECT user_id FROM account_validity"
    wait_until(lambda: (user,) in operator.cluster.query(LI, arrived, "synapse_li"))


def in_force(operator: Operator, new: dict[str, str], old: dict[str, str]) -> None:
    """Each server takes what *new* says by name, and refuses what *old* does."""
    cluster = operator.cluster
    logins: dict[str, Callable[[str], Attempt]] = {
        name: lambda text, name=name: role(operator, name, lambda: text)  # type: ignore[misc]
        for name in ROLES
    }
    logins["redis-password"] = lambda text: clients.redis(cluster.port("redis", 6379), lambda: [text])
    logins["turn-secret"] = lambda text: clients.turn(cluster.port("coturn", 3478), lambda: text)
    logins["li-admin-password"] = lambda text: page(operator, lambda: ("admin", text))
    for name, login in logins.items():
        if name in new:
            assert not refused(login(new[name])), name
            assert refused(login(old[name])), name


def page(operator: Operator, login: Callable[[], tuple[str, str]]) -> Attempt:
    """The LI admin's page, by a user and a password."""
    port = operator.cluster.port("ingress-nginx", 80)
    return lambda: clients.basic_auth(port, login()[0], lambda: login()[1])()  # noqa: PLW0108 (the user changes, too)


def any_of(*attempts: Attempt) -> Attempt:
    """An attempt that goes well where one of *attempts* does, and tells which."""

    def attempt() -> str:
        for number, each in enumerate(attempts):
            if not refused(each):
                return str(number)
        raise RefusedError

    return attempt


def given(operator: Operator, new: dict[str, str]) -> None:
    """Each process of Synapse was started with what *new* says."""
    for name in new.keys() & FILES.keys():
        for workload in ("synapse-li",) if name.startswith("li-") else ("synapse-main", "synapse-worker"):
            assert configured(operator, workload, name)() == new[name], (workload, name)


def registers(operator: Operator, name: str, old: str) -> None:
    """The server of a registration secret takes the present one and refuses *old*."""
    port = operator.cluster.port("synapse-li" if name.startswith("li-") else "synapse-main", 8008)
    with pytest.raises(RefusedError):
        clients.register(port, "mallory", PEOPLE, old)
    if not name.startswith("li-"):  # whom LI registered, the copy from main would meet
        clients.register(port, f"u{time.monotonic_ns()}", PEOPLE, operator.show(name))


def test_redis_takes_both_while_its_clients_restart_and_refuses_nobody(whole: Operator) -> None:
    port, old = whole.cluster.port("redis", 6379), whole.show("redis-password")
    processes = [configured(whole, name, "redis-password") for name in ("synapse-main", "synapse-worker")]
    with ExitStack() as stack:
        watched = [stack.enter_context(Watch(whole.cluster, redis_of(port, each))) for each in processes]
        before = stack.enter_context(Watch(whole.cluster, clients.redis(port, lambda: [old])))
        people = stack.enter_context(Watch(whole.cluster, synapse(whole, "synapse-worker"), SLOWLY))
        new = whole.rotate("redis-password")
        whole.drive()
        for watch in watched:
            watch.never_refused()
        assert refused(clients.redis(port, lambda: [old]))
        people.goes_on()
        assert people.client.refusals == 0
        assert [each.ok for each in before.client.window] == sorted((s.ok for s in before.client.window), reverse=True)
    first = next(each for each in before.seen if each.what == clients.REFUSED)
    assert first.after >= len(whole.cluster.commands) - 4, "the old one is dropped in the last step"
    in_force(whole, new, {"redis-password": old})
    given(whole, new)


def redis_of(port: int, password: Callable[[], str]) -> Attempt:
    return clients.redis(port, lambda: [password()])


@pytest.mark.parametrize(
    ("name", "workload", "first"),
    [
        ("synapse-db-password", "synapse-main", r"\password synapse"),
        ("li-db-password", "synapse-li", r"\password synapse_li"),
    ],
)
def test_a_database_password_fails_in_the_announced_gap_alone(
    whole: Operator, name: str, workload: str, first: str
) -> None:
    old = {name: whole.show(name)}
    with ExitStack() as stack:
        server = stack.enter_context(Watch(whole.cluster, role(whole, name, configured(whole, workload, name))))
        people = stack.enter_context(Watch(whole.cluster, synapse(whole, workload), SLOWLY))
        new = whole.rotate(name)
        whole.drive()
        for watch in (server, people):
            watch.fails_only(first, "rollout status")
    in_force(whole, new, old)
    given(whole, new)
    people_log_in(whole)


def test_the_copy_to_li_goes_on_with_a_new_password(whole: Operator) -> None:
    name = "replication-password"
    old = {name: whole.show(name)}
    with Watch(whole.cluster, synapse(whole, "synapse-li"), SLOWLY) as people:
        new = whole.rotate(name)
        whole.drive()
        people.never_refused()
        assert people.client.outages == 0, "nothing restarts"
    in_force(whole, new, old)
    streams(whole, "@replicated:matrix.chat-corp.net")
    log = whole.cluster.root / LI / "server.log"
    assert new[name] not in log.read_text("utf-8", "replace")


def test_workers_and_main_have_the_new_replication_secret(whole: Operator) -> None:
    with ExitStack() as stack:
        watched = [
            stack.enter_context(Watch(whole.cluster, synapse(whole, name), SLOWLY))
            for name in ("synapse-main", "synapse-worker")
        ]
        new = whole.rotate("worker-replication-secret")
        whole.drive()
        for watch in watched:
            watch.fails_only("rollout restart", "rollout status")
    given(whole, new)
    assert synapse(whole, "synapse-worker")(), "a login there is told to main by the secret"


def test_turn_takes_the_old_and_the_new_secret_from_begin_to_finish(whole: Operator) -> None:
    cluster, name = whole.cluster, "turn-secret"
    main, coturn = cluster.port("synapse-main", 8008), cluster.port("coturn", 3478)
    old, token = whole.show(name), clients.access_token(main, "alice", PEOPLE)
    with ExitStack() as stack:
        person = stack.enter_context(Watch(cluster, clients.turn_from_synapse(main, token, coturn)))
        caller = stack.enter_context(Watch(cluster, clients.turn(coturn, lambda: old)))
        new = whole.rotate(name, way="--begin")
        assert refused(clients.turn(coturn, lambda: new[name]))
        cluster.fail_on("rollout restart statefulset/synapse-main")
        whole.drive(code=1)
        assert clients.turn(coturn, lambda: new[name])() == "a relay", "coturn takes it before Synapse gives it out"
        whole.drive()
        assert clients.turn(coturn, lambda: new[name])() == "a relay"
        given(whole, new)
        caller.never_refused()
        caller.client.__exit__()
        whole.rotate(name, way="--finish")
        whole.drive()
        person.never_refused()
    in_force(whole, new, {name: old})


def test_lis_administrators_have_two_users_from_begin_to_finish(whole: Operator) -> None:
    name, old = "li-admin-password", whole.show("li-admin-password")
    new = {name: old}
    every = any_of(
        page(whole, lambda: ("admin", old)),
        page(whole, lambda: ("admin-next", new[name])),
        page(whole, lambda: ("admin", new[name])),
    )
    with Watch(whole.cluster, every) as administrator:
        new |= whole.rotate(name, way="--begin")
        whole.drive()
        assert not refused(page(whole, lambda: ("admin", old)))
        assert not refused(page(whole, lambda: ("admin-next", new[name])))
        assert refused(page(whole, lambda: ("admin", new[name])))
        whole.rotate(name, way="--finish")
        whole.drive()
        assert refused(page(whole, lambda: ("admin-next", new[name])))
        administrator.never_refused()
    in_force(whole, new, {name: old})


class Room:
    """A room whose messages are signed as other servers would see them."""

    def __init__(self, operator: Operator) -> None:
        self._cluster = operator.cluster
        self.main, self.li = (self._cluster.port(name, 8008) for name in ("synapse-main", "synapse-li"))
        self.token = clients.access_token(self.main, "root", PEOPLE)
        self.id = clients.new_room(self.main, self.token)
        self._said = 0

    def say(self) -> str:
        """Send a message, and return the id of its event."""
        self._said += 1
        return clients.say(self.main, self.token, self.id, str(self._said))

    def signers(self, event: str) -> list[str]:
        """By which published keys of main and LI alike the event verifies, as main has it."""
        kept, version = self._cluster.query(
            MAIN,
            "SELECT json, room_version FROM event_json JOIN rooms USING (room_id) "  # noqa: S608 (an id of our own)
            f"WHERE event_id = '{event}'",
            "synapse",
        )[0]
        main, li = (
            clients.signers(json.loads(kept), version, clients.published(port)) for port in (self.main, self.li)
        )
        assert main == li
        return main


def ids(operator: Operator) -> list[str]:
    """The ids of the signing keys that the tree's main configuration holds, as a server publishes them."""
    return [f"ed25519:{line.split()[1]}" for line in operator.show("signing-key").splitlines()]


def keys_seen(watch: Watch) -> list[str]:
    """What was published, each once, in its order."""
    seen = [each.what for each in watch.client.window if each.ok]
    return [what for number, what in enumerate(seen) if number == 0 or seen[number - 1] != what]


def test_every_event_verifies_while_the_signing_key_changes_and_after_it_was_given_up(whole: Operator) -> None:
    room = Room(whole)
    (old,) = ids(whole)
    events = {room.say(): old}
    with ExitStack() as stack:
        published = [stack.enter_context(Watch(whole.cluster, clients.server_keys(p))) for p in (room.main, room.li)]
        whole.rotate("signing-key", way="--begin")
        (given_up,) = ids(whole)
        whole.drive()
        events[room.say()] = given_up
        whole.undo()
        events[room.say()] = given_up  # until the restart
        whole.drive()
        events[room.say()] = old
        whole.rotate("signing-key", way="--begin")
        (new,) = ids(whole)
        whole.drive()
        events[room.say()] = new
        whole.rotate("signing-key", way="--finish")
        whole.drive()
        events[room.say()] = new
        both = [" ".join(sorted(pair)) for pair in ((old, given_up), (old, new))]
        olds = " ".join(f"({each})" for each in sorted((old, given_up)))
        states = [old, both[0], f"{old} ({given_up})", f"{both[1]} ({given_up})", f"{new} {olds}"]
        for watch in published:
            watch.never_refused()
            assert keys_seen(watch) == states
    assert len({old, given_up, new}) == 3
    assert {event: room.signers(event) for event in events} == {event: [by] for event, by in events.items()}
    for port in (room.main, room.li):
        told = clients.published(port)["old_verify_keys"]
        assert told.keys() == {old, given_up}
        assert all(each["expired_ts"] > time.time() * 1000 for each in told.values())


def test_events_are_signed_anew_after_a_compromise(whole: Operator) -> None:
    room = Room(whole)
    (old,) = ids(whole)
    before = room.say()
    whole.rotate("signing-key", way="--compromised")
    between = room.say()
    assert room.signers(between) == [old]
    (new,) = ids(whole)
    for pattern in (r"\bapply\b", r"\brollout restart\b"):  # each step before that one fails once
        whole.cluster.fail_on(pattern, after=False)
        assert "ordered by the test" in whole.drive(code=1)
    told = whole.drive(code=1)
    assert "access token" in told
    assert [step["action"] for step in whole.steps()] == ["resign"]
    assert room.signers(between) == [], "it is later than the end of the key"
    whole.by_hand(resign=f"{room.token}\n")
    wait_until(lambda: new in room.signers(between))
    assert new in room.signers(before)
    assert room.signers(room.say()) == [new]
    assert "compromised" in whole.run("undo", *AGREED, code=3).err


REST = (
    "form-secret",
    "macaroon-secret",
    "registration-secret",
    "key-vault-api-key",
    "key-vault-db-password",
    "key-vault-rsa-key",
    "django-secret-key",
    "s3-password",
    "minio-root-password",
    "turn-password",
    "li-form-secret",
    "li-macaroon-secret",
    "li-registration-secret",
)
DRIVEN: tuple[str, ...] = ("redis-password", "synapse-db-password", "li-db-password", "replication-password")
DRIVEN += ("worker-replication-secret", "turn-secret", "li-admin-password")  # each in a test of its own


def test_all_other_secrets_are_in_force_after_one_drive(whole: Operator) -> None:
    old = {name: whole.show(name) for name in REST}
    with Watch(whole.cluster, synapse(whole), SLOWLY) as people:
        new = whole.rotate(*REST)
        whole.drive()
        people.fails_only("rollout restart", "rollout status")
        assert people.client.refusals == 0
    assert_whole(whole, new, old)


def assert_whole(operator: Operator, new: dict[str, str], old: dict[str, str]) -> None:
    """All servers are as *new* says, and *old* is nowhere in what is applied."""
    assert [name for name in new if new[name] == old[name]] == []
    in_force(operator, new, old)
    given(operator, new)
    for name in ("registration-secret", "li-registration-secret"):
        registers(operator, name, old[name])
    applied = [
        text
        for (kind, _), each in operator.cluster.applied.items()
        if kind == "Secret"
        for text in texts(each).values()
    ]
    assert not [name for name in old if any(old[name] in text for text in applied)]
    in_clear = new.keys() - {"key-vault-rsa-key", "li-admin-password"}
    assert [name for name in in_clear if not any(new[name] in text for text in applied)] == []
    people_log_in(operator)


def test_each_secret_of_the_tree_has_a_test_of_its_rotation(whole: Operator) -> None:
    listed = {each["name"] for each in whole.run("status", "--json").data["values"]}
    assert listed == {*REST, *DRIVEN, "signing-key"}


def test_bash_executes_the_printed_sheet_line_by_line(whole: Operator) -> None:
    """All secrets at once: the output of `rotate` itself, and then the steps are closed by their proofs."""
    names = (*REST, *DRIVEN)
    old = {name: whole.show(name) for name in names}
    printed = whole.typed("rotate", *names, "--confirm", "key-vault-rsa-key", *AGREED, "--context", "prod")
    commands = [line.strip() for line in printed.splitlines() if line.startswith(" " * 4)]
    assert len(commands) >= 15
    with Watch(whole.cluster, synapse(whole), SLOWLY) as people:
        for command in commands:
            whole.bash(command)
        people.fails_only(r"\password synapse", "rollout status")
    whole.close_by_hand()
    assert_whole(whole, {name: whole.show(name) for name in names}, old)
    streams(whole, "@typed:matrix.chat-corp.net")


def test_bash_takes_both_halves_of_what_overlaps(whole: Operator) -> None:
    names = ("redis-password", "turn-secret", "li-admin-password", "signing-key")
    cluster, old = whole.cluster, {name: whole.show(name) for name in names}
    redis, coturn = cluster.port("redis", 6379), cluster.port("coturn", 3478)
    room = Room(whole)
    events = [room.say()]
    both = [
        clients.redis(redis, lambda: [old["redis-password"]]),
        clients.turn(coturn, lambda: old["turn-secret"]),
        page(whole, lambda: ("admin", old["li-admin-password"])),
    ]
    process = configured(whole, "synapse-worker", "redis-password")
    with ExitStack() as stack:
        server = stack.enter_context(Watch(cluster, clients.redis(redis, lambda: [process()])))
        with ExitStack() as first:
            watched = [first.enter_context(Watch(cluster, attempt)) for attempt in both]
            new = whole.rotate(*names, way="--begin")
            whole.by_hand()
            for watch in (*watched, server):
                watch.never_refused()
        new_ones = [
            clients.redis(redis, lambda: [new["redis-password"]]),
            clients.turn(coturn, lambda: new["turn-secret"]),
            page(whole, lambda: ("admin-next", new["li-admin-password"])),
        ]
        assert [refused(each) for each in new_ones] == [False, False, False]
        whole.rotate(*names, way="--finish")
        whole.by_hand()
        server.never_refused()
    events.append(room.say())
    assert all(room.signers(event) for event in events)
    in_force(whole, {name: new[name] for name in names[:3]}, old)
    given(whole, {name: new[name] for name in names[:2]})


def test_a_compromised_redis_password_is_refused_before_anything_else(whole: Operator) -> None:
    port, old = whole.cluster.port("redis", 6379), whole.show("redis-password")
    start = len(whole.cluster.commands)
    with Watch(whole.cluster, clients.redis(port, lambda: [old])) as thief:
        new = whole.rotate("redis-password", way="--compromised")
        whole.drive()
        applied = next(at for at, argv in enumerate(whole.cluster.commands) if at >= start and "apply" in argv)
        assert {each.what for each in thief.seen if each.before > applied} == {clients.REFUSED}
    in_force(whole, new, {"redis-password": old})
    given(whole, new)
    people_log_in(whole)
    whole.run("undo", *AGREED, code=3)


def test_who_is_in_with_a_stolen_password_is_thrown_out(quick: Operator) -> None:
    server, user, database = ROLES["li-db-password"]
    where: dict[str, Any] = {"host": HOST, "port": quick.cluster.port(server, 5432), "dbname": database}
    with ExitStack() as stack:
        redis = stack.enter_context(closing(Redis(quick.cluster.port("redis", 6379))))
        assert redis.knows(quick.show("redis-password"))
        login: dict[str, Any] = {"user": user, "password": quick.show("li-db-password"), "sslmode": "require"}
        session = stack.enter_context(psycopg.connect(**where, **login, autocommit=True))
        quick.rotate("redis-password", "li-db-password", way="--compromised")
        assert session.execute("SELECT 1").fetchall() == [(1,)]
        assert redis.ask("PING") == b"+PONG"
        quick.drive()
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            session.execute("SELECT 1")
        assert not is_heard(redis)


def is_heard(redis: Redis) -> bool:
    try:
        return bool(redis.ask("PING"))
    except ConnectionError:
        return False


def test_a_restored_cluster_gets_the_values_of_the_vault(whole: Operator) -> None:
    cluster = whole.cluster
    for name, (server, user, _) in ROLES.items():
        cluster.query(server, f"ALTER ROLE {user} PASSWORD 'restored'")
        assert refused(role(whole, name, lambda name=name: whole.show(name))), name  # type: ignore[misc]
    cluster.query(MAIN, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    wait_until(lambda: "password authentication failed" in cluster.log(LI))
    redis = cluster.port("redis", 6379)
    other = f"AUTH {whole.show('redis-password')}\nACL SETUSER default resetpass >restored\n"
    whole.bash("kubectl --context prod -n matrix exec -i pod/redis-0 -- redis-cli", other)
    assert refused(clients.redis(redis, lambda: [whole.show("redis-password")]))
    whole.run("next", "--rebuild")
    told = whole.run("next", "--rebuild", code=3).err
    assert "open" in told
    whole.drive()
    kept = {name: whole.show(name) for name in (*ROLES, "redis-password", "turn-secret", "li-admin-password")}
    in_force(whole, kept, dict.fromkeys(kept, "restored"))
    people_log_in(whole)
    streams(whole, "@restored:matrix.chat-corp.net")


SERVERS = ("redis-password", "turn-secret", "synapse-db-password", "replication-password", "li-db-password")


class Order(NamedTuple):
    """A changing command of a sheet: which step it is of, and a pattern of it."""

    step: str
    pattern: str


def orders(operator: Operator) -> list[Order]:
    """Return the changing commands of the open sheet, in their order."""
    found = []
    for step in operator.steps():
        for line in step["commands"]:
            words = shlex.split(line.rpartition(" | ")[2])[1:]
            if "status" not in words:
                found.append(Order(step["step"], f"^{re.escape(' '.join(words))}$"))
    return found


def test_a_drive_that_fails_anywhere_goes_on_from_there(quick: Operator) -> None:
    """Each changing command of one sheet fails before its effect, and after it, and then does not."""
    old = {name: quick.show(name) for name in SERVERS}
    new = quick.rotate(*SERVERS)
    every = orders(quick)
    assert len(every) >= 8
    for order in every:
        for after in (False, True):
            quick.cluster.fail_on(order.pattern, after=after)
            told = quick.drive(code=1)
            assert "Mend that, and go on" in told
            assert "ordered by the test" in told
            assert quick.steps()[0]["step"] == order.step
    quick.drive()
    in_force(quick, new, old)
    streams(quick, "@resumed:matrix.chat-corp.net")


# One of each kind of step.
TAKEN_BACK = ("redis-password", "synapse-db-password", "replication-password")


def test_what_was_driven_in_part_is_undone_in_the_cluster_too(quick: Operator) -> None:
    """One sheet fails at each of its changing commands, in turn after the effect and before it, and is undone each
    time."""
    old, number, is_done = {name: quick.show(name) for name in TAKEN_BACK}, 0, False
    while not is_done:
        new = quick.rotate(*TAKEN_BACK)
        every = orders(quick)
        is_done = number == len(every)
        if is_done:
            quick.drive()
            in_force(quick, new, old)
        else:
            for order in every[max(number - 1, 0) : number + 1]:  # the pattern of one may be that of an earlier one
                quick.cluster.fail_on(order.pattern, after=bool(number % 2))
                quick.drive(code=1)
                assert quick.steps()[0]["step"] == order.step
        quick.undo()
        quick.drive()
        assert {name: quick.show(name) for name in TAKEN_BACK} == old
        in_force(quick, old, new)
        number += 1
    streams(quick, "@undone:matrix.chat-corp.net")


def test_both_halves_are_undone_on_the_servers(quick: Operator) -> None:
    names = ("redis-password", "turn-secret", "li-admin-password")
    redis, coturn = quick.cluster.port("redis", 6379), quick.cluster.port("coturn", 3478)
    old = {name: quick.show(name) for name in names}
    new = quick.rotate(*names, way="--begin")
    quick.drive()
    quick.rotate(*names, way="--finish")
    quick.drive()
    in_force(quick, new, old)
    quick.undo()
    quick.drive()
    for each in (old, new):
        assert not refused(clients.redis(redis, lambda: [each["redis-password"]]))  # noqa: B023
        assert not refused(clients.turn(coturn, lambda: each["turn-secret"]))  # noqa: B023
    quick.rotate(*names, way="--finish")
    quick.drive()
    in_force(quick, new, old)
    newest = quick.rotate(*names, way="--begin")
    quick.drive()
    quick.undo()
    quick.drive()
    in_force(quick, new, newest)


def test_another_context_is_refused_and_nothing_runs(quick: Operator) -> None:
    old = {name: quick.show(name) for name in SERVERS}
    quick.rotate("redis-password")
    before = [*quick.cluster.commands]
    config = quick.cluster.kubeconfig
    right = config.read_text()
    config.write_text(json.dumps({**json.loads(right), "current-context": "wrong"}))
    try:
        for argv in (("--drive", "--no-input"), ("--done",), ("--drive", "--no-input", "--context", "prod")):
            told = quick.run("next", *argv, code=3).err
            assert "current context is wrong" in told
            assert "kubectl config use-context prod" in told
        assert {" ".join(argv) for argv in quick.cluster.commands[len(before) :]} == {"config current-context"}
        in_force(quick, {"redis-password": old["redis-password"]}, {"redis-password": quick.show("redis-password")})
    finally:
        config.write_text(right)
    quick.drive()


def test_a_step_whose_proof_fails_stays_open_and_says_the_way_on(quick: Operator) -> None:
    quick.rotate("redis-password", "synapse-db-password")
    told = quick.run("next", "--done", code=1).err
    assert "Not so yet: Redis takes the new password" in told
    assert "matrix-wizard next" in told or " next" in told
    port = quick.cluster.port("redis", 6379)
    new = quick.show("redis-password")
    assert refused(clients.redis(port, lambda: [new]))
    quick.drive()
    assert not refused(clients.redis(port, lambda: [new]))
