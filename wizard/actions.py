"""Actions: the kinds of steps of a run sheet, as a table: what each does, by which commands, and what proves it.

Pure. No secret is in a command: what a command must know stands on its standard input, and is made here from the texts
that it is handed. All of it was tried on PostgreSQL 15, Redis 7.0 and kubectl 1.32.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from wizard.rollout import FIELD_MANAGER
from wizard.vault import Step

About = Mapping[str, str]


@dataclass(frozen=True)
class Cluster:
    """Where the commands run: kubectl's context, and the tree's directory as the operator sees it."""

    context: str
    root: str


@dataclass(frozen=True)
class Command:
    """One command, without any secret, and what it reads: ``feed`` makes it from the texts of the step's secrets."""

    argv: tuple[str, ...]
    feed: Callable[[Sequence[str]], str] | None = None


# What a proof looks at: that the command ends well, that it is refused as a wrong password is, or what it prints.
Verdict = Literal["ends well", "is refused", "prints"]


@dataclass(frozen=True)
class Proof:
    """A command that shows whether a step is done: ``verdict``, with a pattern of what it prints or complains of.

    It may take a while to come true: it is tried again for ``patience`` seconds."""

    says: str
    command: Command
    verdict: Verdict = "ends well"
    pattern: str = ""
    patience: int = 0


@dataclass(frozen=True)
class Action:
    """One kind of step. ``is_yours``: no command does it. ``applied``: the cluster's objects are compared with the
    tree's afterwards. ``asks``: what the operator must hand over for its command, which nothing here knows."""

    title: Callable[[About], str]
    commands: Callable[[About, Cluster], list[Command]]
    proofs: Callable[[Step, Cluster], list[Proof]] = lambda _step, _cluster: []
    is_yours: bool = False
    applied: bool = False
    asks: str = ""


def of(step: Step) -> Action:
    """Return the row of *step*; KeyError for a kind that a newer version made, which the vault's format rules out."""
    return ACTIONS[step.action]


def listed(text: str) -> list[str]:
    """Return the items of a list that ``About`` holds, one a line."""
    return text.split("\n") if text else []


def _kubectl(cluster: Cluster, about: About, *words: str) -> tuple[str, ...]:
    where = ("-n", about["namespace"]) if about.get("namespace") else ()
    return ("kubectl", "--context", cluster.context, *where, *words)


def _exec(cluster: Cluster, about: About, *words: str) -> tuple[str, ...]:
    container = ("-c", about["container"]) if about.get("container") else ()
    return _kubectl(cluster, about, "exec", "-i", about["target"], *container, "--", *words)


def _apply(about: About, cluster: Cluster) -> list[Command]:
    sources = [("-k" if item.endswith("/") else "-f", _path(cluster, item)) for item in listed(about["files"])]
    by_kind = {flag: [word for each in sources if each[0] == flag for word in each] for flag in ("-f", "-k")}
    words = ("apply", "--server-side", f"--field-manager={FIELD_MANAGER}")
    return [Command(_kubectl(cluster, about, *words, *named)) for named in by_kind.values() if named]


def _path(cluster: Cluster, item: str) -> str:
    return posixpath.join(cluster.root, item.removesuffix("/")) if item != "./" else cluster.root


# psql hashes the password itself, so that neither the server's log nor pg_stat_statements ever has it; without a
# terminal it reads both of its questions' answers from standard input.
def _role(about: About, cluster: Cluster) -> list[Command]:
    words = _psql(about, "postgres", "-c", f"\\password {_identifier(about['role'])}")
    told = Command(_exec(cluster, about, *words), lambda texts: f"{texts[0]}\n{texts[0]}\n")
    ended = Command(_exec(cluster, about, *_psql(about, "postgres", "-c", _END_SESSIONS % _literal(about["role"]))))
    return [told, ended] if about.get("sessions") else [told]


# A new password ends no open session (PostgreSQL, "ALTER ROLE" and "Server Signaling Functions"). One that is still
# there after ten seconds fails the command; a constant divisor the planner would divide by at once.
_END_SESSIONS = (
    "SELECT CASE WHEN NOT bool_and(pg_terminate_backend(pid, 10000)) THEN 1 / (count(*) - count(*)) END "
    "FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()"
)


def _psql(about: About, database: str, *words: str) -> tuple[str, ...]:
    return (
        "psql",
        "-X",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-U",
        about.get("superuser", "postgres"),
        "-d",
        database,
        *words,
    )


def _identifier(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


_WRONG_PASSWORD = r"password authentication failed"  # PostgreSQL, auth_failed()


def _role_proofs(step: Step, cluster: Cluster) -> list[Proof]:
    # The password is read by the shell of the pod: no argument and no file there holds it.
    login = (
        "IFS= read -r PGPASSWORD; export PGPASSWORD; "
        'exec psql -X -w -h "${2:-$(hostname)}" -U "$0" -d "$1" -qtAc "SELECT 1"'
    )
    about = step.about
    host = (about["host"],) if about.get("host") else ()
    argv = _exec(cluster, about, "sh", "-c", login, about["role"], about["database"], *host)
    new = Proof(f"{about['role']} logs in with the new password", Command(argv, _line(0)), patience=30)
    old = Proof("the old one is refused", Command(argv, _line(1)), "is refused", _WRONG_PASSWORD, patience=30)
    return [new, old] if len(step.uses) > 1 else [new]


def _line(at: int) -> Callable[[Sequence[str]], str]:
    return lambda texts: f"{texts[at]}\n"


def _subscription(about: About, cluster: Cluster) -> list[Command]:
    words = _psql(about, about["database"], "-f", "-")
    return [Command(_exec(cluster, about, *words), lambda texts: _subscription_sql(about["role"], texts[0]))]


# Every subscription of this database that logs in as the role gets the new password in the place of the old, by the
# server itself: psql runs the statements that the query makes. What a value of a connection string is, libpq tells
# ("Connection Strings"). A superuser switches off for the session what would log them.
_NEW_CONNECTION = r"""SET log_statement = 'none'; SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET default_transaction_read_only = off;
SELECT format('ALTER SUBSCRIPTION %I CONNECTION %L', subname,
    regexp_replace(subconninfo, '\s*\mpassword\s*=\s*(?:''(?:[^''\\]|\\.)*''|[^\s'']+)', '', 'g') || @PASSWORD@)
FROM pg_subscription
WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND subconninfo ~ @USER@
\gexec
"""


def _subscription_sql(role: str, password: str) -> str:
    """Return the SQL that gives every subscription which logs in as *role* the new *password*, and nothing else."""
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    user = rf"(^|\s)user\s*=\s*'?{re.escape(role)}'?(\s|$)"
    return _NEW_CONNECTION.replace("@USER@", _literal(user)).replace("@PASSWORD@", _literal(f" password='{quoted}'"))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _subscription_proofs(step: Step, cluster: Cluster) -> list[Proof]:
    query = (
        "SELECT count(*) > 0 AND bool_and(pid IS NOT NULL AND latest_end_time IS NOT NULL) FROM pg_stat_subscription "
        "WHERE relid IS NULL"
    )
    words = _psql(step.about, step.about["database"], "-tA", "-c", query)
    return [Proof("the copy goes on", Command(_exec(cluster, step.about, *words)), "prints", r"^t$", patience=60)]


def _redis(*lines: str) -> Callable[[Sequence[str]], str]:
    """Return what makes the input of redis-cli: both passwords are tried, since either may be in force by then."""

    def feed(texts: Sequence[str]) -> str:
        known = [f"AUTH {_redis_word(text)}" for text in texts]
        said = [_redis_line(line, texts[0], old) for line in lines for old in _olds(line, texts)]
        return "".join(f"{line}\n" for line in (*known, *said))

    return feed


def _redis_line(line: str, new: str, old: str) -> str:
    words = {"NEW": _redis_word(f">{new}"), "OLD": _redis_word(f"<{old}"), "BARE": _redis_word(new)}
    return re.sub(r"NEW|OLD|BARE", lambda match: words[match[0]], line)


def _olds(line: str, texts: Sequence[str]) -> Sequence[str]:
    """Return for which texts *line* is said: of each old one by itself, since Redis refuses to drop one it has not."""
    return texts[1:] if "OLD" in line else texts[:1]


def _redis_word(text: str) -> str:
    """Return *text* as one argument of redis-cli (sdssplitargs): within double quotes, all else escaped."""
    return '"' + "".join(chr(byte) if chr(byte).isalnum() else f"\\x{byte:02x}" for byte in text.encode()) + '"'


def _accept(about: About, cluster: Cluster) -> list[Command]:
    return [Command(_exec(cluster, about, "redis-cli"), _redis("ACL SETUSER default NEW"))]


def _drop(about: About, cluster: Cluster) -> list[Command]:
    # A password that is dropped ends no connection that it opened (Redis, "ACL SETUSER" and "CLIENT KILL").
    ends = [f"CLIENT KILL TYPE {kind} SKIPME yes" for kind in ("normal", "pubsub")] if about.get("sessions") else []
    feed = _redis("ACL SETUSER default OLD", "CONFIG SET masterauth BARE", *ends)
    return [Command(_exec(cluster, about, "redis-cli"), feed)]


def _ping(step: Step, cluster: Cluster, at: int) -> Command:
    return Command(_exec(cluster, step.about, "redis-cli"), lambda texts: f"AUTH {_redis_word(texts[at])}\nPING\n")


def _accept_proofs(step: Step, cluster: Cluster) -> list[Proof]:
    return [Proof("Redis takes the new password", _ping(step, cluster, 0), "prints", "^PONG$")]


def _drop_proofs(step: Step, cluster: Cluster) -> list[Proof]:
    old = Proof("it refuses the old one", _ping(step, cluster, 1), "prints", "^(?:ERR )?WRONGPASS")
    return [*_accept_proofs(step, cluster), old]


def _restart(about: About, cluster: Cluster) -> list[Command]:
    targets = listed(about["workloads"])
    return [
        Command(_kubectl(cluster, about, "rollout", "restart", *targets)),
        *(_status(about, cluster, each) for each in targets),
    ]


def _status(about: About, cluster: Cluster, target: str) -> Command:
    return Command(_kubectl(cluster, about, "rollout", "status", target, "--timeout=10m"))


def _restart_proofs(step: Step, cluster: Cluster) -> list[Proof]:
    return [Proof(f"{each} is through", _status(step.about, cluster, each)) for each in listed(step.about["workloads"])]


def _job(about: About, cluster: Cluster) -> list[Command]:
    """Return the commands that run a Job again: its template can never change, so it goes first (Kubernetes, Job)."""
    return [
        Command(_kubectl(cluster, about, "delete", "job", about["job"], "--ignore-not-found")),
        *_apply(about, cluster),
        *(each.command for each in _job_proofs(Step("job", dict(about)), cluster)),
    ]


def _job_proofs(step: Step, cluster: Cluster) -> list[Proof]:
    words = ("wait", "--for=condition=complete", f"job/{step.about['job']}", "--timeout=10m")
    return [Proof("the Job is complete", Command(_kubectl(cluster, step.about, *words)))]


_ASKS_KEYS = (
    "import sys,urllib.request;"
    'sys.stdout.write(urllib.request.urlopen("http://localhost:"+sys.argv[1]+"/_matrix/key/v2/server").read().decode())'
)


def _published_proofs(step: Step, cluster: Cluster) -> list[Proof]:
    argv = _exec(cluster, step.about, "python", "-c", _ASKS_KEYS, step.about["port"])
    shown = [("verify_keys", each) for each in listed(step.about["current"])]
    shown += [("old_verify_keys", each) for each in listed(step.about.get("old", ""))]
    return [
        Proof(f"{each} stands under {where}", Command(argv), "prints", _entry(where, each), patience=30)
        for where, each in shown
    ]


def _entry(where: str, key: str) -> str:
    return rf'"{where}":\s*\{{(?:[^{{}}]|\{{[^{{}}]*\}})*"{re.escape(key)}"'


def _mc(about: About, _: Cluster) -> list[Command]:
    return [Command(("mc", "admin", "user", "add", about["tenant"], about["user"]), _line(0))]


def _mc_proofs(step: Step, _: Cluster) -> list[Proof]:
    argv = ("mc", "admin", "user", "info", step.about["tenant"], step.about["user"])
    return [Proof("MinIO knows the user", Command(argv))]


# Without before_ts: until its restart, after the rotation, Synapse went on to sign with the old key.
_RESIGNS = (
    "import json,sys,urllib.request;"
    'token=sys.stdin.readline().strip();body=json.dumps({"job_name":"event_resign","old_key":sys.argv[2]}).encode();'
    'request=urllib.request.Request("http://localhost:"+sys.argv[1]+"/_synapse/admin/v1/background_updates/start_job",'
    'body,{"Authorization":"Bearer "+token,"Content-Type":"application/json"});'
    "sys.stdout.write(urllib.request.urlopen(request).read().decode())"
)


def _resign(about: About, cluster: Cluster) -> list[Command]:
    words = ("python", "-c", _RESIGNS, about["port"], about["key"])
    return [Command(_exec(cluster, about, *words), _line(0))]


def _none(_about: About, _cluster: Cluster) -> list[Command]:
    return []


# Sources: FACTS 3 for each server, FACTS 5 and R10 for kubectl apply, FACTS 1 for the signing key.
ACTIONS: dict[str, Action] = {
    "apply": Action(lambda about: f"Apply {_count(about['files'], 'file')} of the tree", _apply, applied=True),
    "postgres-role": Action(
        lambda about: f"Give PostgreSQL the new password of the role {about['role']}{_ending(about)}",
        _role, _role_proofs,
    ),
    "postgres-subscription": Action(
        lambda about: f"Give the subscription to main the new password of {about['role']}",
        _subscription, _subscription_proofs,
    ),
    "redis-accept": Action(
        lambda about: f"Have Redis take the new password beside the old one ({about['target']})",
        _accept, _accept_proofs,
    ),
    "redis-drop": Action(
        lambda about: f"Have Redis refuse the old password ({about['target']}){_ending(about)}", _drop, _drop_proofs
    ),
    "minio-user": Action(
        lambda about: f"Give MinIO the new secret of {about['user']} (mc's alias of the tenant: {about['tenant']})",
        _mc, _mc_proofs,
    ),
    "job": Action(lambda about: f"Run the Job {about['job']} again, which tells MinIO", _job, _job_proofs),
    "restart": Action(
        lambda about: f"Restart {', '.join(listed(about['workloads']))}", _restart, _restart_proofs
    ),
    "published": Action(lambda about: f"See which keys {about['target']} publishes", _none, _published_proofs),
    "resign": Action(
        lambda about: f"Have Synapse sign its own events anew that {about['key'].split()[0]} signed", _resign,
        asks="An admin's access token",
    ),
    "note": Action(lambda about: about["text"], _none, is_yours=True),
}  # fmt: skip


def _ending(about: About) -> str:
    return ", and end its open sessions" if about.get("sessions") else ""


def _count(items: str, noun: str) -> str:
    number = len(listed(items))
    return f"{number} {noun}{'' if number == 1 else 's'}"


def applied_objects(about: About) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """Return the keys that an ``apply`` step changes, by kind, namespace and name of the object that holds them."""
    found: dict[str, list[str]] = json.loads(about.get("objects", "{}"))
    return {(*_three(name),): tuple(keys) for name, keys in found.items()}


def _three(name: str) -> tuple[str, str, str]:
    kind, namespace, rest = name.split("/", 2)
    return kind, namespace, rest
