"""How the processes of Synapse are started: files that they pass by, workers that nobody tells anything."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from wizard import homeserver
from wizard.configurations import SYNAPSE
from wizard.finding import Finding, at
from wizard.homeserver import Homeserver
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield the files that a process does not read, and the workers that do not start."""
    yield from dict.fromkeys(each for home in survey.homeservers for each in _unheard(home))
    yield from _passed_by(survey)


_MAIN = ("", "synapse.app.homeserver")


def _unheard(home: Homeserver) -> Iterator[Finding]:
    """A worker without Redis, by which alone it hears of what others write (Synapse, synapse/server.py)."""
    line = " ".join(each.line for each in home.containers)
    is_worker = home.value("worker_app") not in _MAIN or "synapse.app.generic_worker" in line
    if home.containers and is_worker and home.is_told("redis", "enabled") and not home.is_on("redis", "enabled"):
        text = home.source("redis")
        where = home.containers[0].workload.resource.ref
        message = f"{text.resource.ref}: without redis.enabled the worker {where} does not start."
        fix = "Write redis: {enabled: true, host: …} for the main process and all workers."
        yield at(text.place("redis", "enabled"), "worker-without-redis", message, fix)


def _passed_by(survey: Survey) -> Iterator[Finding]:
    """Files in a directory of --config-path that do not end in .yaml (FACTS 2; synapse/config/_base.py)."""
    for text in survey.of_server(SYNAPSE):
        for container in text.containers if not text.key.endswith(".yaml") else ():
            named = homeserver.config_paths(container)
            files = container.paths_of(text.entry)
            if any(posixpath.dirname(file) in named and not file.endswith(".yaml") for file in files):
                message = (
                    f"{text.resource.ref}: Synapse does not read {text.key}: of a directory .yaml files alone count."
                )
                yield at(text.position(), "config-passed-by", message, "Have its name end in .yaml.")
                break
