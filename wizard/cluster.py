"""The cluster, by the operator's own `kubectl`: its context, objects by name, and the commands of a run sheet.

No secret is in an argument; what kubectl prints of one comes through a pipe and goes nowhere else.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from wizard.errors import Problem, UsageError

_PATIENCE = "20s"  # for one request of kubectl's
_UNKNOWN_KIND = "the server doesn't have a resource type"  # kubectl 1.37, k8s.io/cli-runtime/pkg/resource/builder.go
_INSTALL = "Install kubectl, and see to it that it is on the PATH."


@dataclass(frozen=True)
class Source:
    """Which cluster is read: kubectl's context, '' for the one that is taken unasked or asked for, and a namespace, ''
    for every one."""

    context: str = ""
    namespace: str = ""


def current_context() -> str:
    """Return the name of kubectl's current context. UsageError where there is none, or no kubectl."""
    return _run("config", "current-context").strip()


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code, and what it printed on both outputs; it may hold a secret."""

    code: int
    out: str
    err: str


def run(argv: Iterable[str], given: str | None) -> Done:
    """Run a command of a run sheet, with *given* on its standard input, and return how it ended.

    It has no terminal of its own to ask at. UsageError where there is no such program."""
    words = list(argv)
    try:
        done = subprocess.run(
            words,
            input=(given or "").encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
            start_new_session=True,
        )
    except FileNotFoundError:
        problem = Problem(f"There is no {words[0]} here.", words[0], f"Install {words[0]}, and put it on the PATH.")
    except OSError as error:
        problem = Problem(f"{words[0]} cannot be started: {error.strerror}.", words[0])
    else:
        return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
    raise UsageError(problem)


def holds(try_once: Callable[[], bool], patience: int) -> bool:
    """Say whether *try_once* comes true within *patience* seconds; it is tried once at least, and then each second."""
    end = time.monotonic() + patience
    while not try_once():
        if time.monotonic() >= end:
            return False
        time.sleep(1)
    return True


def secrets(context: str, namespace: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return those Secrets called *names* that are in *namespace*, as ``objects`` does."""
    return objects(context, namespace, "secrets", names)


def objects(context: str, namespace: str, kind: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return those objects of *kind* called *names* that are in *namespace* ("": the context's own), as the API serves.

    *kind*: as ``get`` takes it. None but these is asked for, and all that the API serves of them is given.
    UnknownKindError where the cluster has no such kind, UsageError with kubectl's own words where it fails."""
    return _listed(context, namespace, kind, "--ignore-not-found", "--show-managed-fields", "--", *names)


def pods(context: str, namespace: str, selector: str) -> list[dict[str, Any]]:
    """Return the pods in *namespace* that a label *selector* takes, as the API serves them; errors as ``objects``."""
    return _listed(context, namespace, "pods", "--selector", selector)


class UnknownKindError(UsageError):
    """The cluster has no such kind of objects."""


def _listed(context: str, namespace: str, kind: str, *more: str) -> list[dict[str, Any]]:
    where = ["--namespace", namespace] if namespace else []
    options = ["--output", "json", "--request-timeout", _PATIENCE]
    text = _run("--context", context, *where, "get", kind, *options, *more)
    try:
        found: dict[str, Any] = json.loads(text or '{"items": []}')
    except ValueError:
        raise UsageError(Problem("What kubectl gave is no JSON.", context)) from None
    return list(found["items"]) if "items" in found else [found]


def _run(*argv: str) -> str:
    try:
        done = subprocess.run(["kubectl", *argv], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        problem = Problem("There is no kubectl here.", "kubectl", _INSTALL)
    except OSError as error:
        problem = Problem(f"kubectl cannot be started: {error.strerror}.", "kubectl", _INSTALL)
    else:
        if done.returncode == 0:
            return done.stdout
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        where = " ".join(["kubectl", *argv[:2]])  # the context, if one was named
        problem = Problem(f"kubectl could not do it: {said}", where, "Name another context with --context.")
        if _UNKNOWN_KIND in said:
            raise UnknownKindError(problem)
    raise UsageError(problem)
