"""The software of a filled tree as a cluster on loopback, with a `kubectl` that works on it.

    with Cluster(tree, root) as cluster:
        cluster.start("matrix-postgresql")       # and what it needs; all of it: start_all()
        cluster.port("matrix-postgresql", 5432)  # by the number that the tree gives it

Set `cluster.environment` for whatever calls kubectl. What was never started is not run: its restarts succeed at once.
"""

from __future__ import annotations

import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from scripts.apiserver import KINDS, serving
from scripts.certificates import self_signed

from . import pods
from .kubectl import Failure, Kubectl
from .layouts import BUNDLED, Layout
from .loopback import Loopback
from .postgres import Postgres
from .workloads import INGRESS, Ingress, Program

PATIENCE = 90  # seconds until something that was started must answer


class Cluster:
    """The cluster of one tree: what is applied, what runs, and every command that kubectl was given."""

    context, namespace = "prod", "matrix"

    def __init__(self, tree: Path, root: Path, layout: Layout = BUNDLED) -> None:
        self.tree, self.root, self.layout = tree, root, layout

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.root.mkdir(parents=True, exist_ok=True)
            self.ground = Loopback(self.root, {})
            stack.callback(self.ground.remove)
            self._programs: dict[str, Program] = {}
            self._locks = {name: threading.Lock() for name in self.layout.parts}
            self._deleted: set[str] = set()
            self._served, self.kubeconfig = stack.enter_context(serving(self.root, self_signed(["localhost"])))
            for each in pods.objects(self.tree).values():
                self.keep(each)
            self._kubectl = Kubectl(self, self.ground.private / "kubectl")
            stack.callback(self._stop_all)
            stack.callback(self._kubectl.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a program finds this cluster's kubectl."""
        path = os.pathsep.join([str(self._kubectl.directory), os.environ["PATH"]])
        return {"PATH": path, "KUBECONFIG": str(self.kubeconfig)}

    @property
    def applied(self) -> pods.Objects:
        """What is applied now, by kind and name."""
        return self.ground.objects

    @property
    def commands(self) -> list[list[str]]:
        """The arguments of each command that kubectl was given, in order."""
        return self._kubectl.commands

    def fail_at(self, number: int, *, after: bool = False) -> None:
        """Make the changing command (apply, exec, restart, delete) that is *number* from now (1: the next) fail.

        Nothing of it is done; with *after* all of it, and kubectl fails all the same.
        """
        self._kubectl.failures.append(Failure(re.compile(""), number, after))

    def fail_on(self, pattern: str, *, after: bool = False) -> None:
        """Make the next changing command fail likewise that has *pattern* in its arguments, one space between them."""
        self._kubectl.failures.append(Failure(re.compile(pattern), 1, after))

    def start(self, *names: str) -> None:
        """Start workloads by name, with what they need, and wait until they answer."""
        with ThreadPoolExecutor(max_workers=len(self.layout.parts)) as pool:
            list(pool.map(self._start, names))

    def start_all(self) -> None:
        """Start everything that can be run here."""
        self.start(*self.layout.parts)

    def stop(self, name: str) -> None:
        """Stop a workload, as a node that fails would; `start` brings it back with what is applied then."""
        self._programs.pop(name).stop()

    def port(self, name: str, number: int) -> int:
        """Return the port on loopback of the workload *name* for *number*, its port in the tree."""
        return self.ground.port(name, number)

    def postgres(self, name: str) -> Postgres:
        """Return one of the two PostgreSQL servers, started."""
        self.start(name)
        found = self._programs[name]
        assert isinstance(found, Postgres)
        return found

    def query(self, name: str, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Return the rows of one statement of the superuser's on one of the two PostgreSQL servers."""
        with self.postgres(name).superuser(database) as session:
            done = session.execute(statement.encode())
            return done.fetchall() if done.description else []

    def log(self, name: str) -> str:
        """Return what a workload's programs have printed."""
        file = self.root / name / "server.log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def text(self, kind: str, name: str, key: str) -> str:
        """Return one text of the Secret or ConfigMap as it is applied."""
        return pods.texts(self.applied[kind, name])[key]

    def secret(self, value: str) -> str:
        """Return the secret *value* as Synapse is given it now."""
        name, key = self.layout.secrets[value]
        return self.text("Secret", name, key)

    def keep(self, given: dict[str, Any]) -> None:
        """Take an object as applied. A Job that was deleted runs anew if it was run before."""
        kind, name = given["kind"], given["metadata"]["name"]
        self.ground.objects[kind, name] = given
        self._served.keep(given)
        if (ingress := self._programs.get(INGRESS)) and isinstance(ingress, Ingress):
            ingress.refresh()
        if kind == "Job" and name in self._deleted:
            self._deleted.remove(name)
            self._programs[name].start()

    def drop(self, kind: str, name: str) -> None:
        """Delete an object, and end it where it is a Job that was started."""
        given = self.ground.objects.pop((kind, name))
        self._served.drop(KINDS[given["apiVersion"]][kind][0], given["metadata"]["namespace"], name)
        if program := self._programs.get(name):
            program.stop()
            self._deleted.add(name)

    def running(self, name: str) -> Program | None:
        """Return a workload that was started, or None."""
        return self._programs.get(name)

    def reach(self, name: str) -> Program | None:
        """Return a workload, started if it can be run here, or None."""
        part = self.layout.parts.get(name)
        if part is None or not part.has_shell:
            return None
        self.start(name)
        return self._programs[name]

    def _start(self, name: str) -> None:
        part = self.layout.parts[name]
        if part.needs:
            self.start(*part.needs)
        with self._locks[name]:
            if name in self._programs:
                return
            program = part.make(self.ground, name)
            self._programs[name] = program
            program.start()
            end = time.monotonic() + PATIENCE
            while not program.is_ready():
                assert not program.has_ended, f"{name} ended:\n{self.log(name)}"
                assert time.monotonic() < end, f"{name} does not answer:\n{self.log(name)}"
                time.sleep(0.05)

    def _stop_all(self) -> None:
        for name in [*self.layout.parts][::-1]:  # LI's PostgreSQL before main's, which else waits for its subscriber
            if name in self._programs:
                self._programs[name].stop()
