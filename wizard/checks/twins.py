"""What the main instance and its LI twin must have in common, and what they must not: read in Synapse's own files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from wizard import placeholders
from wizard.finding import Finding, at
from wizard.homeserver import Homeserver
from wizard.resources import may_be_one
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what parts LI's Synapse from main's, or brings them together where they must be apart (FACTS 1, 2)."""
    yield from dict.fromkeys(
        finding
        for twin in survey.homeservers_of("li")
        for rule in (_renamed, _peppered, _on_one_redis)
        for finding in rule(twin, survey.homeservers_of("main"))
    )


# --- what must be the same


def _renamed(twin: Homeserver, mains: Iterable[Homeserver]) -> Iterator[Finding]:
    """Synapse does not start on a database whose users are another server's (FACTS 1)."""
    known = [each for each in mains if each.name and each.is_told("server_name")]
    if known and twin.name and twin.is_told("server_name") and twin.name not in {each.name for each in known}:
        message = (
            f"{twin.home.resource.ref}: server_name is {twin.name} here, and {known[0].name} in main's "
            f"configuration, at {known[0].place('server_name')}."
        )
        yield at(twin.place("server_name"), "server-names-differ", message, "Write main's name here.")


_PEPPER = ("password_config", "pepper")


def _peppered(twin: Homeserver, mains: Iterable[Homeserver]) -> Iterator[Finding]:
    """Synapse hashes passwords with the pepper, so that with another one each is wrong (FACTS 1)."""
    known = [each for each in mains if each.is_told(*_PEPPER)]
    if known and twin.is_told(*_PEPPER) and twin.value(*_PEPPER) not in {each.value(*_PEPPER) for each in known}:
        name, ref = ".".join(_PEPPER), twin.source(*_PEPPER).resource.ref
        message = f"{ref}: {name} is not main's, which is at {known[0].place(*_PEPPER)}."
        fix = "Write main's password_config.pepper here; where main has none, remove this one. Never change main's."
        yield at(twin.place(*_PEPPER), "peppers-differ", message, fix)


# --- what must not be


_SERVICE = re.compile(r"([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?)?\.?")


def _on_one_redis(twin: Homeserver, mains: Iterable[Homeserver]) -> Iterator[Finding]:
    """Processes of one server_name hear each other on one Redis, whichever of its databases they use (FACTS 2)."""
    here = _redis(twin)
    if here is None:
        return
    for main in mains:
        there = _redis(main)
        if there is not None and _is_one(here, there) and main.name == twin.name:
            ref = twin.source("redis").resource.ref
            message = f"{ref}: LI's Synapse uses the same Redis as main's, at {_at_redis(main)}."
            fix = "Write here: redis: {enabled: false}. Or give the LI instance a Redis of its own, and name it here."
            yield at(_at_redis(twin), "li-shares-redis", message, fix)
            return


def _redis(server: Homeserver) -> tuple[str, str, str] | None:
    """Return host, namespace and port of *server*'s Redis; None where it uses none, or none that can be told."""
    is_told = all(server.is_told("redis", key) for key in ("enabled", "host", "port", "path"))
    host = server.value("redis", "host").lower() or "localhost"
    is_used = server.is_on("redis", "enabled") and not server.value("redis", "path")
    if not is_used or not is_told or placeholders.is_template(server.name):
        return None
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None  # each pod's own
    service = _SERVICE.fullmatch(host)
    name, namespace = (service[1], service[2] or server.home.entry.namespace) if service else (host, "")
    return name, namespace, server.value("redis", "port") or "6379"


def _is_one(here: tuple[str, str, str], there: tuple[str, str, str]) -> bool:
    is_in_reach = may_be_one(here[1], there[1])
    return (here[0], here[2]) == (there[0], there[2]) and is_in_reach


def _at_redis(server: Homeserver) -> str:
    return server.place("redis", "host" if server.value("redis", "host") else "enabled")
