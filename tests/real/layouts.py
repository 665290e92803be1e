"""What of a tree runs on loopback: for the bundled tree, and for the same secrets in another dress.

A row says by which command a workload's container is run of what was laid out; nothing but hosts, ports and the limits
of logins and relays is moved. Debian: redis-server, coturn, haproxy; Synapse is of the development requirements.
"""

from __future__ import annotations

import functools
import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .loopback import HOST, Loopback, script
from .postgres import Postgres
from .workloads import INGRESS, Ingress, Job, Pod, Program, RedisElsewhere, Row


@dataclass(frozen=True)
class Part:
    """Something that runs, by what makes it, what must run before it, and whether a program can be run in it."""

    make: Callable[[Loopback, str], Program]
    needs: tuple[str, ...] = ()
    has_shell: bool = True


@dataclass(frozen=True)
class Layout:
    """The parts of a tree by name, what it calls Synapse's main process, and where it gives Synapse a secret."""

    parts: Mapping[str, Part]
    main: str
    secrets: Mapping[str, tuple[str, str]]  # by the value's name, a Secret and its key
    subscribers: Mapping[str, int]  # how many processes of Synapse hear of writes by each Redis


def _redis(ground: Loopback, name: str, root: Path, arguments: list[str]) -> list[str]:
    port = str(ground.port(name, 6379))
    script(ground.home(name) / "bin/redis-cli", f'exec /usr/bin/redis-cli -p {port} "$@"')
    return [*arguments, "--port", port, "--bind", HOST, "--dir", str(root / "data")]


def _coturn(ground: Loopback, name: str, root: Path, arguments: list[str]) -> list[str]:
    """By the arguments that the image's entry point passes on, or, where a shell makes them, by the file alone."""
    given = arguments if arguments[0] == "-c" else ["-c", str(root / "etc/coturn/turnserver.conf")]
    where = [f"--listening-port={ground.port(name, 3478)}", f"--listening-ip={HOST}", f"--relay-ip={HOST}"]
    return ["turnserver", *given, *where, "--user-quota=0", "--total-quota=0", "--no-cli"]


def _haproxy(ground: Loopback, name: str, root: Path, _: list[str]) -> list[str]:
    (file,) = root.rglob("haproxy.cfg")

    def served(match: re.Match[str]) -> str:
        return f"{match[1]}{HOST}:{ground.port(name, int(match[2]))}"

    def behind(match: re.Match[str]) -> str:
        host, port = ground.address(match[2], int(match[3]))
        return f"{match[1]}{host}:{port}"

    text = re.sub(r"(?m)^(\s*bind )\*?:(\d+)", served, file.read_text())
    file.write_text(re.sub(r"(?m)^(\s*server(?:-template)? .*?)([\w.-]+):(\d+)", behind, text))
    return ["/usr/sbin/haproxy", "-db", "-f", str(file)]


def _synapse(ground: Loopback, name: str, root: Path, arguments: list[str]) -> list[str]:
    if (root / "etc/synapse/name").exists():  # an init container writes it
        (root / "etc/synapse/name/name.yaml").write_text(f'worker_name: "{name}-0"\n')
    for path in _config_paths(arguments):
        for file in path.glob("*.yaml") if path.is_dir() else [path]:
            if file.name != "log.yaml":
                file.write_text(yaml.safe_dump(_moved(ground, name, yaml.safe_load(file.read_text("utf-8")))))
    return [sys.executable, *arguments[arguments.index("-m") :]]


def _config_paths(arguments: list[str]) -> Iterator[Path]:
    for word, following in itertools.pairwise((*arguments, "")):
        option, _, joined = word.partition("=")
        if option in ("-c", "--config-path"):
            yield Path(joined or following)


def _moved(ground: Loopback, name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration of Synapse's with its listeners and its servers on loopback."""
    moved = {key: _MOVERS[key](ground, name, each) if key in _MOVERS else each for key, each in config.items()}
    if "server_name" in config:
        often = {"per_second": 1000, "burst_count": 1000}
        moved["rc_login"] = dict.fromkeys(("address", "account", "failed_attempts"), often)
    return moved


def _listeners(ground: Loopback, name: str, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    served = (each for each in given if each["type"] != "metrics")
    return [each | {"port": ground.port(name, each["port"]), "bind_addresses": [HOST]} for each in served]


def _at(ground: Loopback, server: dict[str, Any], port: int) -> dict[str, Any]:
    """Return what leads to a server, with its address on loopback; *port*: its port where none stands there."""
    if "host" not in server:
        return server
    host, number = ground.address(server["host"], server.get("port", port))
    return server | {"host": host, "port": number}


def _mail(ground: Loopback, _: str, given: dict[str, Any]) -> dict[str, Any]:
    """The certificate of the mail server is for the name that it had."""
    host, port = ground.address(given["smtp_host"], given["smtp_port"])
    return given | {"smtp_host": host, "smtp_port": port, "tlsname": given["smtp_host"]}


def _store(ground: Loopback, _: str, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The object store on loopback, or none where none runs."""
    if ground.store is None:
        return []
    where = {"endpoint_url": f"http://{HOST}:{ground.store}"}
    return [each | {"config": each["config"] | where} for each in given]


_MOVERS: dict[str, Callable[[Loopback, str, Any], Any]] = {
    "listeners": _listeners,
    "worker_listeners": _listeners,
    "database": lambda ground, _, given: given | {"args": _at(ground, given["args"], 5432)},
    "instance_map": lambda ground, _, given: {key: _at(ground, each, 0) for key, each in given.items()},
    "redis": lambda ground, _, given: _at(ground, given, 6379),
    "email": _mail,
    "media_storage_providers": _store,
}


def _pod(row: Row, *needs: str) -> Part:
    return Part(functools.partial(Pod, row=row), needs)


MAIN, LI = "matrix-postgresql", "matrix-postgresql-li"

BUNDLED = Layout(
    {
        MAIN: Part(Postgres),
        LI: Part(Postgres),
        INGRESS: Part(Ingress),
        "redis": _pod(Row("StatefulSet", "redis", _redis)),
        "coturn": _pod(Row("Deployment", "coturn", _coturn)),
        "synapse-main": _pod(Row("StatefulSet", "synapse", _synapse), MAIN, "redis"),
        "synapse-worker": _pod(Row("StatefulSet", "synapse", _synapse), "synapse-main"),
        "synapse-li": _pod(Row("Deployment", "synapse", _synapse), "sync-system-setup"),
        "haproxy": _pod(Row("Deployment", "haproxy", _haproxy), "synapse-main"),
        "sync-system-setup": Part(Job, (LI, "synapse-main"), has_shell=False),
    },
    "synapse-main",
    {
        "registration-secret": ("synapse-secrets", "REGISTRATION_SECRET"),
        "turn-secret": ("synapse-secrets", "TURN_SECRET"),
        "worker-replication-secret": ("synapse-secrets", "REPLICATION_SECRET"),
        "li-registration-secret": ("synapse-li-secrets", "REGISTRATION_SECRET"),
        "redis-password": ("synapse-secrets", "REDIS_PASSWORD"),
    },
    {"redis": 2},
)

_OF_VARIABLES = Row("Deployment", "synapse", _synapse, ("secrets",))
DRESS = Layout(
    {
        MAIN: Part(Postgres),
        LI: Part(Postgres),
        INGRESS: Part(Ingress),
        "redis": Part(functools.partial(RedisElsewhere, secret="redis-password"), has_shell=False),
        "redis-li": Part(functools.partial(RedisElsewhere, secret="redis-li-secret"), has_shell=False),
        "coturn": _pod(Row("Deployment", "coturn", _coturn)),
        "synapse": _pod(_OF_VARIABLES, MAIN, "redis"),
        "synapse-worker": _pod(_OF_VARIABLES, "synapse"),
        "synapse-li": _pod(Row("Deployment", "synapse", _synapse), LI, "redis-li"),
        "haproxy": _pod(Row("Deployment", "haproxy", _haproxy), "synapse"),
    },
    "synapse",
    {
        "registration-secret": ("synapse-secrets", "REGISTRATION_SHARED_SECRET"),
        "turn-secret": ("synapse-secrets", "TURN_SECRET"),
        "worker-replication-secret": ("synapse-secrets", "WORKER_REPLICATION_SECRET"),
        "li-registration-secret": ("synapse-li-secrets", "REGISTRATION_SHARED_SECRET"),
        "redis-password": ("synapse-secrets", "REDIS_PASSWORD"),
        "li-redis-password": ("synapse-li-secrets", "REDIS_PASSWORD"),
    },
    {"redis": 2, "redis-li": 1},
)
LAYOUTS = {"bundled": BUNDLED, "dress": DRESS}
