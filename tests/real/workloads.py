"""What runs of a tree as processes on loopback: its pods and Jobs, nginx as the controller, a Redis beside it.

Debian: nginx, redis-server.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from . import objectstore
from .loopback import HOST, Loopback, Process
from .pods import Container, containers, laid_out, texts

INGRESS, PROTECTED = "ingress-nginx", "synapse-admin-li"  # the controller, and the Ingress that it serves here


class Program(Protocol):
    """Something of a cluster that runs."""

    container: str

    def start(self) -> None:
        """Start it with what is applied now; it need not answer yet."""

    def stop(self) -> None:
        """End it."""

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""

    def is_ready(self) -> bool:
        """Say whether it answers its readiness probe, or, of a Job, is complete."""

    def inside(self) -> tuple[dict[str, str], Path]:
        """Return the environment and the directory of a program that is run in the pod."""

    def moved(self, argument: str) -> str:
        """Return an argument of such a program with the pod's paths and ports as they are here."""


@dataclass(frozen=True)
class Row:
    """A workload: its kind, the container that is run, what makes its command of what was laid out, and which of its
    init containers are run before."""

    kind: str
    container: str
    command: Callable[[Loopback, str, Path, list[str]], list[str]]
    inits: tuple[str, ...] = ()


class _One:
    """What is one process."""

    _process: Process | None = None

    def stop(self) -> None:
        if self._process:
            self._process.stop()

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.has_ended


class Pod(_One):
    """One pod of a workload."""

    def __init__(self, ground: Loopback, name: str, row: Row) -> None:
        self.ground, self.name, self.row = ground, name, row
        self.container = self.row.container
        self.root = ground.home(name) / "pod"
        self._laid_out: Container | None = None

    def start(self) -> None:
        for each in self.row.inits:
            self._initialize(each)
        one = laid_out(self.ground.objects, (self.row.kind, self.name), self.container, self.root)
        command = self.row.command(self.ground, self.name, self.root, one.arguments)
        environment = one.environment | self.ground.environment(self.name)
        if user := environment.get("AWS_ACCESS_KEY_ID"):
            environment["AWS_ACCESS_KEY_ID"] = objectstore.access_key(user)
        self._laid_out, self._process = one, Process(command, environment, self.ground.home(self.name))

    def _initialize(self, container: str) -> None:
        one = laid_out(self.ground.objects, (self.row.kind, self.name), container, self.root)
        made = Process(one.arguments, one.environment | self.ground.environment(self.name), self.ground.home(self.name))
        assert made.wait() == 0, made.log.read_text("utf-8", "replace")

    def is_ready(self) -> bool:
        manifest = containers(self.ground.objects, (self.row.kind, self.name))[self.container]
        ports = {port["name"]: port["containerPort"] for port in manifest["ports"]}
        return not self.has_ended and self._answers(manifest["readinessProbe"], ports)

    def inside(self) -> tuple[dict[str, str], Path]:
        assert self._laid_out, f"{self.name} does not run"
        return self._laid_out.environment | self.ground.environment(self.name), self.ground.home(self.name)

    def moved(self, argument: str) -> str:
        assert self._laid_out, f"{self.name} does not run"
        ports = containers(self.ground.objects, (self.row.kind, self.name))[self.container]["ports"]
        if argument in {str(each["containerPort"]) for each in ports}:
            return str(self.ground.port(self.name, int(argument)))
        return self._laid_out.moved(argument)

    def _answers(self, probe: dict[str, Any], ports: dict[str, int]) -> bool:
        if "exec" in probe:
            environment, home = self.inside()
            command = [self.moved(word) for word in probe["exec"]["command"]]
            return subprocess.run(command, env=environment, cwd=home, capture_output=True, check=False).returncode == 0
        how = probe.get("httpGet") or probe["tcpSocket"]
        port = self.ground.port(self.name, ports[how["port"]])
        if "path" not in how:
            return _is_open(port)
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}{how['path']}", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Job:
    """A Job: its containers one after the other, tried again until all have succeeded."""

    def __init__(self, ground: Loopback, name: str) -> None:
        self.ground, self.name = ground, name
        self.container = ""
        self._stopped, self._complete = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._process: Process | None = None
        self._starting = threading.Lock()

    def start(self) -> None:
        self._stopped.clear()
        self._complete.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        with self._starting:
            self._stopped.set()
        if self._process:
            self._process.stop()
        if self._thread:
            self._thread.join()

    @property
    def has_ended(self) -> bool:
        return False  # it is tried again

    def is_ready(self) -> bool:
        return self._complete.is_set()

    def inside(self) -> tuple[dict[str, str], Path]:
        raise NotImplementedError("nobody is let into a Job")

    def moved(self, argument: str) -> str:
        raise NotImplementedError("nobody is let into a Job")

    def _run(self) -> None:
        while not self._stopped.is_set():
            if all(map(self._succeeds, containers(self.ground.objects, ("Job", self.name)))):
                self._complete.set()
                return
            self._stopped.wait(0.2)

    def _succeeds(self, container: str) -> bool:
        home = self.ground.home(self.name)
        one = laid_out(self.ground.objects, ("Job", self.name), container, home / "pod")
        environment = _moved_hosts(self.ground, one.environment) | self.ground.environment(self.name)
        with self._starting:
            if self._stopped.is_set():
                return False
            self._process = Process(one.arguments, environment, home)
        return self._process.wait() == 0


class Ingress(_One):
    """nginx as the ingress controller sets it up for a host behind basic authentication, with a page behind it."""

    container = "controller"

    def __init__(self, ground: Loopback, name: str) -> None:
        self.ground, self.home = ground, ground.home(name)
        self.port = ground.port(name, 80)

    def start(self) -> None:
        self.refresh()
        (self.home / "page").mkdir(exist_ok=True)
        (self.home / "page/index.html").write_text("inside\n")
        (self.home / "nginx.conf").write_text(f"""\
daemon off; master_process off; pid {self.home}/pid; error_log stderr; events {{}}
http {{
  access_log off;
  client_body_temp_path {self.home}/body; proxy_temp_path {self.home}/proxy; fastcgi_temp_path {self.home}/fastcgi;
  uwsgi_temp_path {self.home}/uwsgi; scgi_temp_path {self.home}/scgi;
  server {{
    listen {HOST}:{self.port}; root {self.home}/page;
    auth_basic "LI"; auth_basic_user_file {self.home}/auth;
  }}
}}
""")
        command = ["nginx", "-p", str(self.home), "-c", str(self.home / "nginx.conf"), "-e", "stderr"]
        environment = self.ground.environment(INGRESS)
        environment["PATH"] += f"{os.pathsep}/usr/sbin"
        self._process = Process(command, environment, self.home)

    def refresh(self) -> None:
        """Take the password file that is applied; the controller watches it, and nginx reads it at each request."""
        annotations = self.ground.objects["Ingress", PROTECTED]["metadata"]["annotations"]
        secret = annotations["nginx.ingress.kubernetes.io/auth-secret"]
        staged = self.home / "auth.new"
        staged.write_text(texts(self.ground.objects["Secret", secret])["auth"])
        staged.replace(self.home / "auth")

    def is_ready(self) -> bool:
        return _is_open(self.port)

    def inside(self) -> tuple[dict[str, str], Path]:
        return self.ground.environment(INGRESS), self.home

    def moved(self, argument: str) -> str:
        return argument


class RedisElsewhere(_One):
    """A Redis that the tree does not run, as its operator sets it up with the password of a Secret."""

    container = "redis"

    def __init__(self, ground: Loopback, name: str, secret: str) -> None:
        self.ground, self.name, self.secret = ground, name, secret
        self.port = ground.port(name, 6379)

    def start(self) -> None:
        home = self.ground.home(self.name)
        password = texts(self.ground.objects["Secret", self.secret])["password"]
        (home / "redis.conf").write_text(f'bind {HOST}\nport {self.port}\nsave ""\nrequirepass "{password}"\n')
        self._process = Process(["redis-server", "redis.conf"], self.ground.environment(self.name), home)

    def is_ready(self) -> bool:
        return _is_open(self.port)

    def inside(self) -> tuple[dict[str, str], Path]:
        raise NotImplementedError("nobody is let into what the tree does not run")

    def moved(self, argument: str) -> str:
        raise NotImplementedError("nobody is let into what the tree does not run")


def _is_open(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 5).close()
    except OSError:
        return False
    return True


def _moved_hosts(ground: Loopback, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment with each database's host, and its port, on loopback."""
    moved = dict(environment)
    for name, text in environment.items():
        if name.endswith("HOST"):
            host, port = ground.address(text, 5432)
            moved |= {name: host, name.removesuffix("HOST") + "PORT": str(port)}
    return moved
