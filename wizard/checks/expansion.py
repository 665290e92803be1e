"""References to variables in configurations whose servers expand none: they stay as they are (FACTS 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard.configurations import COTURN, LIVEKIT, REDIS, SYGNAL, SYNAPSE, Configuration
from wizard.finding import Finding, at
from wizard.pods import Container
from wizard.survey import Survey

_REFERENCE = re.compile(r"\$\{(\w+)\}")
_RENDERING = re.compile(r"\b(?:envsubst|sed|gomplate|perl|awk|python3?|jinja2?|yq)\b")
_MODULES = re.compile(r"\bpython3?\s+-m\s+synapse\S*")  # how Synapse itself is started


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield the references that reach a server as they stand, though its container has that variable."""
    for config in survey.of_server(LIVEKIT):
        fix = 'Give keys in LIVEKIT_KEYS ("key: secret"), and the password of Redis in REDIS_PASSWORD.'
        for offset, _ in _references(config, survey):
            message = f"{config.resource.ref}: LiveKit expands no variables: it takes this text as it stands."
            yield at(config.position(offset), "livekit-not-expanded", message, fix)
    for server in (SYNAPSE, SYGNAL, COTURN, REDIS):
        for config in survey.of_server(server):
            for offset, name in _references(config, survey):
                if any(_has(each, name, config) for each in config.containers):
                    ref = config.resource.ref
                    message = f"{ref}: {server.name} expands no variables: {name} never gets here."
                    fix = "Have it read the secret from a file, or an init container write this text."
                    yield at(config.position(offset), "variable-not-expanded", message, fix)


def _references(config: Configuration, survey: Survey) -> Iterator[tuple[int, str]]:
    """Yield where a reference begins its line, and its name; none where something else may fill the text in before."""
    found = [(offset, _REFERENCE.search(bare.partition(" #")[0])) for offset, bare in config.lines()]
    told = [(offset, match[1]) for offset, match in found if match is not None]
    words = [_MODULES.sub("", survey.words_of_pod(each)) for each in config.containers] if told else []
    if words and not any(map(_RENDERING.search, words)):
        yield from told


def _has(container: Container, name: str, config: Configuration) -> bool:
    """Whether *container* has the variable *name*, and mounts the text itself."""
    is_mounted = (config.resource.kind, config.resource.name) in container.objects
    return is_mounted and any(each.name == name for each in container.variables)
