"""The ground that a cluster's programs stand on: loopback with free ports, directories of their own, own processes."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from scripts.certificates import self_signed

from .pods import Objects
from .servers import free_port

HOST, MAIL = "127.0.0.1", "smtp.chat-corp.net"
# Services whose name is not that of the workload behind them; the operator of PostgreSQL makes these.
SERVICES = {"matrix-postgresql-rw": "matrix-postgresql", "matrix-postgresql-li-rw": "matrix-postgresql-li"}


def wait_until(holds: Callable[[], bool]) -> None:
    """Ask again and again until what a server brings about in its own time holds; fail after a minute."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


class Loopback:
    """What is applied, the ports of the workloads, and two directories.

    *root* is the test's own and keeps the logs. *private* is short, since the path of a socket may have 107 bytes,
    open to another user, since PostgreSQL refuses to run as root, and gone at the end.
    """

    def __init__(self, root: Path, objects: Objects) -> None:
        self.root, self.objects = root, objects
        self.private = Path(tempfile.mkdtemp(prefix="mw-"))
        self.private.chmod(0o711)
        self._ports: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()
        self.store: int | None = None  # the port of the object store, where one runs
        # The mail server's certificate, which the programs trust alone.
        certificate, key = self_signed([MAIL])
        self.trusted, self.mail_key = self.private / "trusted.crt", self.private / "mail.key"
        self.trusted.write_text(certificate)
        self.mail_key.write_text(key)
        # The tree's scripts wait ten seconds at a time for what is there sooner here.
        script(self.private / "bin/sleep", "exec /bin/sleep 0.1")

    def remove(self) -> None:
        """Remove the private directory."""
        shutil.rmtree(self.private)

    def port(self, name: str, number: int) -> int:
        """Return the port that stands for port *number* of the workload *name*, the same after each restart."""
        with self._lock:
            if (name, number) not in self._ports:
                self._ports[name, number] = _free_port(set(self._ports.values()))
            return self._ports[name, number]

    def address(self, host: str, number: int) -> tuple[str, int]:
        """Return where a service is on loopback, given its name inside the cluster, short or long."""
        service = host.partition(".")[0]
        return HOST, self.port(SERVICES.get(service, service), number)

    def home(self, name: str) -> Path:
        """Return the directory of the workload *name*, below the test's own."""
        home = self.root / name
        home.mkdir(parents=True, exist_ok=True)
        return home

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment of the workload's programs, in which nothing of the caller's own is left."""
        path = [str(self.home(name) / "bin"), str(self.private / "bin"), str(postgres_programs()), os.environ["PATH"]]
        trusted = {"SSL_CERT_FILE": str(self.trusted)}
        return {"PATH": os.pathsep.join(path), "HOME": str(self.home(name)), "LANG": "C.UTF-8", **trusted}


class Process:
    """One process, ended by itself and waited for."""

    def __init__(self, command: list[str], environment: dict[str, str], home: Path) -> None:
        self.log = home / "server.log"
        with self.log.open("ab") as out:
            self._popen = subprocess.Popen(
                command,
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        return self._popen.poll() is not None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and end it where it does not in ten seconds."""
        self._popen.send_signal(how)
        try:
            self._popen.wait(10)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def wait(self) -> int:
        """Return its exit code, once it has ended."""
        return self._popen.wait()


def script(path: Path, body: str) -> None:
    """Write a program for the shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@functools.cache
def postgres_programs() -> Path:
    """Return the directory with the programs of the newest PostgreSQL that Debian installed."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    return newest.parent if newest else Path("/usr/lib/postgresql/bin")


def _free_port(taken: set[int]) -> int:
    """Return a port that is free for TCP and UDP."""
    while True:
        port = free_port()
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, port))
            if port not in taken:
                return port
