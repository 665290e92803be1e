"""An operator who rotates secrets: by the program's own `--drive`, or by bash and the printed sheet.

Everything that was said is kept, with every secret that there was, so that a test can hold the two against each other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.runs import Deployment, Run

from .cluster import Cluster

PROGRAM = Path(sys.executable).with_name("matrix-wizard")
AGREED = ("--no-input", "--yes")


class Operator:
    """Runs the program on one deployment, whose cluster is *cluster*."""

    def __init__(self, deployment: Deployment, cluster: Cluster) -> None:
        self.deployment, self.cluster = deployment, cluster
        self._said: list[str] = []
        self._known: set[str] = set()

    def run(self, verb: str, *argv: str, code: int = 0) -> Run:
        """Run the program, which must end with *code*."""
        done = self.deployment.run(verb, *argv)
        self._said.append(done.text)
        assert done.code == code, done.text
        return done

    def show(self, name: str) -> str:
        """Return the current secret *name*."""
        text = self.deployment.show(name)
        self._known |= {line for line in text.splitlines() if len(line) > 8 and not line.startswith("-----")}
        return text

    def rotate(self, *names: str, way: str = "") -> dict[str, str]:
        """Rotate *names*, all guarded ones confirmed, and return their new secrets."""
        confirmed = [word for name in names for word in ("--confirm", name)]
        self.run("rotate", *names, *([way] if way else []), *confirmed, *AGREED, "--context", "prod")
        return {name: self.show(name) for name in names}

    def undo(self) -> None:
        """Undo the last change of the tree."""
        self.run("undo", *AGREED)

    def drive(self, code: int = 0) -> str:
        """Drive all open steps, and close those that only a person can take."""
        told = self.run("next", "--drive", "--no-input", code=code).text
        while not code and self.steps():
            assert {step["action"] for step in self.steps()} == {"note"}
            self.run("next", "--done")
        return told

    def steps(self) -> list[dict[str, Any]]:
        """Return the open steps, in their order."""
        found: list[dict[str, Any]] = self.run("next", "--json").data["open"]
        return found

    def typed(self, *argv: str) -> str:
        """Run the installed program as a shell would find it, and return what it printed."""
        where = ("--tree", str(self.deployment.tree), "--identity", str(self.deployment.identity))
        return self.bash(" ".join(["matrix-wizard", *argv, *where]))

    def bash(self, line: str, given: str = "") -> str:
        """Have bash execute a line, in which nothing may fail, and return what it printed."""
        environment = {**os.environ, **self.cluster.environment, "XDG_DATA_HOME": str(self.deployment.home / "data")}
        ours, _, rest = environment["PATH"].partition(os.pathsep)  # its kubectl, before all others
        environment["PATH"] = os.pathsep.join([ours, str(PROGRAM.parent), rest])
        command = ["bash", "-euo", "pipefail", "-c", line]
        done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True, check=False)
        self._said.append(done.stdout + done.stderr)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def by_hand(self, **given: str) -> None:
        """Take each open step by its printed commands and close it; *given*: what a step of an action asks for."""
        steps = json.loads(self.typed("next", "--json"))["open"]
        while steps:
            for line in steps[0]["commands"]:
                self.bash(line, given.get(steps[0]["action"], ""))
            steps = json.loads(self.typed("next", "--done", "--json"))["open"]

    def close_by_hand(self) -> None:
        """Close each open step, all of which were taken."""
        while json.loads(self.typed("next", "--done", "--json"))["open"]:
            pass

    def assert_silent(self) -> None:
        """No argument of a command, and nothing that was printed, held a secret, present or former."""
        said = [*self._said, json.dumps(self.cluster.commands)]
        said += [(self.deployment.state / name).read_text() for name in ("audit.log", "sites.lock")]
        assert not [number for number, text in enumerate(said) if any(each in text for each in self._known)]
