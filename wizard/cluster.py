"""The cluster, read by the operator's own `kubectl`: its context, and Secrets by name. It changes nothing there.

No secret is in an argument; what kubectl prints of one comes through a pipe and goes nowhere else.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from typing import Any

from wizard.errors import Problem, UsageError

_PATIENCE = "20s"  # for one request of kubectl's
_INSTALL = "Install kubectl, and see to it that it is on the PATH."


def current_context() -> str:
    """Return the name of kubectl's current context. UsageError where there is none, or no kubectl."""
    return _run("config", "current-context").strip()


def secrets(context: str, namespace: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return those Secrets called *names* that are in *namespace* ("": the context's own), as the API serves them.

    None but these is asked for. UsageError with kubectl's own words where it fails."""
    where = ["--namespace", namespace] if namespace else []
    options = ["--ignore-not-found", "--output", "json", "--request-timeout", _PATIENCE]
    text = _run("--context", context, *where, "get", "secrets", *options, "--", *names)
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
    raise UsageError(problem)
