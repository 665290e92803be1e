"""A `kubectl` for a cluster on loopback: the forms that it knows do there what they say, and all others fail.

The program on the PATH hands its arguments and its three standard streams over a socket to the test's own process.
`get` and `config` go on to the real kubectl, which asks the small API server.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml
from scripts.reading import KUBECTL

from . import pods
from .loopback import script
from .pods import Objects
from .workloads import Program

CLIENT = """\
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as there:
    there.connect(PATH)
    socket.send_fds(there, [json.dumps([os.getcwd(), *sys.argv[1:]]).encode()], [0, 1, 2])
    said = there.recv(16)
sys.exit(int(said) if said else 1)
"""
MESSAGE = 1 << 17  # bytes of one command line
SERVED = {"config", "get"}
APPLY = ["--server-side", "--field-manager=matrix-wizard"]
KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
UNBOUND = {"ClusterIssuer", "IngressClass", "Namespace", "StorageClass"}  # kinds that are in no namespace
ENDS = 3  # a program that has ended so often is not waited for any longer


class RefusedError(Exception):
    """What kubectl prints before it exits with 1."""


class Cluster(Protocol):
    """What a command may ask of the cluster."""

    context: str
    kubeconfig: Path

    @property
    def applied(self) -> Objects:
        """What is applied now, by kind and name."""

    def keep(self, given: dict[str, Any]) -> None:
        """Take an object as applied."""

    def drop(self, kind: str, name: str) -> None:
        """Delete an object."""

    def running(self, name: str) -> Program | None:
        """Return a workload that was started, or None."""

    def reach(self, name: str) -> Program | None:
        """Return a workload, started if it can be run here, or None."""


@dataclass
class Failure:
    """An order to fail: for which commands, the how manieth of them, and whether after its effect."""

    pattern: re.Pattern[str]
    left: int
    after: bool


@dataclass(frozen=True)
class Call:
    """One command: where it was given, what follows the context and the namespace, and its streams."""

    directory: Path
    namespace: str
    argv: list[str]
    streams: tuple[int, int, int] = field(repr=False)

    def say(self, text: str, stream: int = 1) -> None:
        """Print a line to stdout, or to another stream."""
        os.write(self.streams[stream], f"{text}\n".encode())


class Kubectl:
    """Answers the commands of the program that it puts into *directory*."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.cluster, self.directory = cluster, directory
        self.commands: list[list[str]] = []
        self.failures: list[Failure] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        directory.mkdir(parents=True)
        self._listener.bind(str(directory / "socket"))
        self._listener.listen(16)
        (directory / "client.py").write_text(CLIENT.replace("PATH", repr(str(directory / "socket"))))
        script(directory / "kubectl", f'exec {sys.executable} -IS {directory}/client.py "$@"')
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def close(self) -> None:
        """Answer no more commands, once those that were given are done."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            message, streams, _, _ = socket.recv_fds(connection, MESSAGE, 3)
            directory, *argv = json.loads(message)
            try:
                code = self._run(Path(directory), argv, (streams[0], streams[1], streams[2]))
            finally:
                for stream in streams:
                    os.close(stream)
            connection.send(str(code).encode())

    def _run(self, directory: Path, argv: list[str], streams: tuple[int, int, int]) -> int:
        with self._lock:
            self.commands.append(argv)
        try:
            given, rest = _given(argv)
            if rest and rest[0] in SERVED:
                return self._real(argv, streams)
            self._admit(given, rest)
            return self._mapped(Call(directory, given.get("-n", ""), rest, streams), argv)
        except RefusedError as refused:
            os.write(streams[2], f"{refused}\n".encode())
            return 1

    def _admit(self, given: dict[str, str], rest: list[str]) -> None:
        if given.keys() != {"--context", "-n"} and not (given.keys() == {"--context"} and rest[:1] == ["apply"]):
            raise RefusedError("this kubectl wants --context and -n, in this order, before all but get and config")
        if given["--context"] != self.cluster.context:
            raise RefusedError(f'error: context "{given["--context"]}" does not exist')

    def _mapped(self, call: Call, argv: list[str]) -> int:
        match call.argv:
            case ["apply", *options]:
                return self._change(argv, self._apply(call, options))
            case ["exec", *options]:
                return self._change(argv, self._exec(call, options))
            case ["rollout", "restart", *targets] if targets:
                return self._change(argv, self._restart(call, targets))
            case ["delete", "job", name, "--ignore-not-found"]:
                return self._change(argv, lambda: self._delete(call, name))
            case ["rollout", "status", target, *options] if len(options) <= 1:
                kind, name = self._workload(target)
                self._wait(name, _timeout(options))
                call.say(f'{kind.lower()} "{name}" successfully rolled out')
                return 0
            case ["wait", "--for=condition=complete", target, *options] if len(options) <= 1:
                name = self._job(target)
                self._wait(name, _timeout(options))
                call.say(f"job.batch/{name} condition met")
                return 0
        raise RefusedError(f"this kubectl does not know: {' '.join(call.argv)}")

    def _change(self, argv: list[str], effect: Callable[[], int]) -> int:
        with self._lock:
            failure = self._due(" ".join(argv))
        if failure and not failure.after:
            raise RefusedError("error: the connection to the server was lost (ordered by the test, nothing was done)")
        code = effect()
        if failure:
            raise RefusedError("error: the connection to the server was lost (ordered by the test, all was done)")
        return code

    def _due(self, command: str) -> Failure | None:
        for failure in [each for each in self.failures if each.pattern.search(command)]:
            failure.left -= 1
            if failure.left == 0:
                self.failures.remove(failure)
                return failure
        return None

    def _real(self, argv: list[str], streams: tuple[int, int, int]) -> int:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
        environment["KUBECONFIG"] = str(self.cluster.kubeconfig)
        stdin, stdout, stderr = streams
        command = [str(KUBECTL), *argv]
        return subprocess.run(
            command, env=environment, stdin=stdin, stdout=stdout, stderr=stderr, check=False
        ).returncode

    def _apply(self, call: Call, options: list[str]) -> Callable[[], int]:
        given = _given_by(call.directory, options)
        for each in given:
            _into(each, call.namespace)

        def effect() -> int:
            code = 0
            for each in given:
                kind, name = each["kind"], each["metadata"]["name"]
                old = self.cluster.applied.get((kind, name))
                if kind == "Job" and old and old["spec"]["template"] != each["spec"]["template"]:
                    call.say(f'The Job "{name}" is invalid: spec.template: field is immutable', 2)
                    code = 1
                    continue
                self.cluster.keep(each)
                call.say(f"{kind.lower()}/{name} serverside-applied")
            return code

        return effect

    def _exec(self, call: Call, options: list[str]) -> Callable[[], int]:
        if "--" not in options:
            raise RefusedError("this kubectl wants -- before the command of exec")
        at = options.index("--")
        words, command = options[:at], options[at + 1 :]
        stdin = call.streams[0] if "-i" in words else subprocess.DEVNULL
        match [word for word in words if word != "-i"]:
            case [target] | [target, "-c", _]:
                name = self._target(target)
            case _:
                raise RefusedError(f"this kubectl does not know: exec {' '.join(words)}")
        if not command:
            raise RefusedError("error: you must specify at least one command for the container")
        program = self.cluster.reach(name)
        if program is None:
            raise RefusedError(f"this kubectl cannot run a program in {target}")
        if "-c" in words and words[words.index("-c") + 1] != program.container:
            raise RefusedError(f"error: container {words[-1]} is not valid for pod {name}")

        def effect() -> int:
            environment, home = program.inside()
            argv = [program.moved(word) for word in command]
            try:
                # A session of its own has no controlling terminal, as in a pod: nothing can ask there but by stdin.
                code = subprocess.run(
                    argv,
                    env=environment,
                    cwd=home,
                    stdin=stdin,
                    stdout=call.streams[1],
                    stderr=call.streams[2],
                    start_new_session=True,
                    check=False,
                ).returncode
            except OSError as error:
                raise RefusedError(f"error: {command[0]}: {error.strerror}") from None
            if code:
                call.say(f"command terminated with exit code {code}", 2)
            return code

        return effect

    def _restart(self, call: Call, targets: list[str]) -> Callable[[], int]:
        workloads = [self._workload(target) for target in targets]

        def effect() -> int:
            for kind, name in workloads:
                program = self.cluster.running(name)
                if program:
                    program.stop()
                    program.start()
                call.say(f"{kind.lower()}.apps/{name} restarted")
            return 0

        return effect

    def _delete(self, call: Call, name: str) -> int:
        if ("Job", name) in self.cluster.applied:
            self.cluster.drop("Job", name)
            call.say(f'job.batch "{name}" deleted')
        return 0

    def _wait(self, name: str, seconds: float) -> None:
        """Wait until a workload that was started here is ready. As by the kubelet, what has ended is started again."""
        program = self.cluster.running(name)
        end, ended = time.monotonic() + seconds, 0
        while program and not program.is_ready():
            if program.has_ended:
                ended += 1
                if ended == ENDS:
                    raise RefusedError(f"error: {name} ended {ENDS} times and is not ready")
                program.start()
            if time.monotonic() > end:
                raise RefusedError(f"error: timed out waiting for {name}")
            time.sleep(0.05)

    def _workload(self, target: str) -> tuple[str, str]:
        kind, _, name = target.partition("/")
        if kind not in KINDS:
            raise RefusedError(f"this kubectl does not know: {target}")
        if (KINDS[kind], name) not in self.cluster.applied and (kind, name) not in _made(self.cluster.applied):
            raise RefusedError(f'Error from server (NotFound): {kind}s.apps "{name}" not found')
        return KINDS[kind], name

    def _job(self, target: str) -> str:
        kind, _, name = target.partition("/")
        if kind != "job" or ("Job", name) not in self.cluster.applied:
            raise RefusedError(f'Error from server (NotFound): jobs.batch "{name}" not found')
        return name

    def _target(self, target: str) -> str:
        """Return the workload that a target of exec is, or stands before, or is a pod of."""
        kind, _, name = target.partition("/")
        applied = self.cluster.applied
        match kind:
            case "svc" | "service" if ("Service", name) in applied:
                return name
            case "svc" | "service" if ("Cluster", name.removesuffix("-rw")) in applied and name.endswith("-rw"):
                return name.removesuffix("-rw")
            case "pod" if ("Cluster", name.removesuffix("-1")) in applied and name.endswith("-1"):
                return name.removesuffix("-1")
            case "pod" if ("StatefulSet", name.removesuffix("-0")) in applied and name.endswith("-0"):
                return name.removesuffix("-0")
            case "deployment" | "statefulset":
                return self._workload(target)[1]
        raise RefusedError(f'Error from server (NotFound): {kind} "{name}" not found')


def _given(argv: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the context and the namespace that come before the verb, and all that follows."""
    given, rest = {}, list(argv)
    for names in (("--context",), ("-n", "--namespace")):
        if len(rest) > 1 and rest[0] in names:
            given[names[0]], rest = rest[1], rest[2:]
    return given, rest


def _given_by(directory: Path, options: list[str]) -> list[Any]:
    """Return the objects that the options of apply name: in files, or in a directory that kustomize builds."""
    rest = options[2:] if options[:2] == APPLY else []
    if rest and rest[0] == "--force-conflicts":
        rest = rest[1:]
    if len(rest) == 2 and rest[0] == "-k":
        return _built(directory / rest[1])
    if not rest or len(rest) % 2 or set(rest[::2]) != {"-f"}:
        raise RefusedError(f"this kubectl does not know: apply {' '.join(options)}")
    return _read(directory, rest[1::2])


def _read(directory: Path, files: list[str]) -> list[Any]:
    given = []
    for file in files:
        try:
            given += pods.documents((directory / file).read_text("utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise RefusedError(f"error: {file}: {type(error).__name__}") from None
    return given


def _built(directory: Path) -> list[Any]:
    """Return what kubectl's own kustomize makes of a directory."""
    done = subprocess.run([str(KUBECTL), "kustomize", str(directory)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(done.stderr.strip())
    return pods.documents(done.stdout)


def _into(given: Any, namespace: str) -> None:
    """Give an object the namespace; RefusedError where it names another, or where there is none and it wants one."""
    if not isinstance(given, dict) or not {"apiVersion", "kind", "metadata"} <= given.keys():
        raise RefusedError("error: Object 'Kind' is missing")
    if given["kind"] in UNBOUND:
        return
    if not namespace:
        raise RefusedError(f"this kubectl wants -n before an apply of what is in a namespace: {given['kind']}")
    own = given["metadata"].setdefault("namespace", namespace)
    if own != namespace:
        raise RefusedError(
            f'error: the namespace from the provided object "{own}" does not match the namespace "{namespace}". '
            f"You must pass '--namespace={own}' to perform this operation."
        )


def _made(applied: Objects) -> set[tuple[str, str]]:
    """Return the StatefulSets that MinIO's operator makes of the Tenants, one for each pool."""
    tenants = [each for (kind, _), each in applied.items() if kind == "Tenant"]
    pools = [(each["metadata"]["name"], pool["name"]) for each in tenants for pool in each["spec"]["pools"]]
    return {("statefulset", f"{tenant}-{pool}") for tenant, pool in pools}


def _timeout(options: list[str]) -> float:
    """Return the seconds of ``--timeout``; without it, a time in which all that is run here answers."""
    if not options:
        return 120
    found = re.fullmatch(r"--timeout=(?:(\d+)m)?(?:(\d+)s)?", options[0])
    if not found:
        raise RefusedError(f"this kubectl does not know: {options[0]}")
    return int(found[1] or 0) * 60 + int(found[2] or 0)
