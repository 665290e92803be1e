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
    mains = survey.homeservers_of("main")
    named = [each for each in mains if each.name and each.is_told("server_name")]
    salted = [each for each in mains if each.is_told(*_PEPPER)]
    using = [(each, redis) for each in mains if (redis := _redis(each)) is not None]
    yield from dict.fromkeys(
        finding
        for twin in survey.homeservers_of("li")
        for finding in (*_renamed(twin, named), *_peppered(twin, salted), *_on_one_redis(twin, using))
    )


# --- what must be the same


def _renamed(twin: Homeserver, known: list[Homeserver]) -> Iterator[Finding]:
    """Synapse does not start on a database whose users are another server's (FACTS 1)."""
    if known and twin.name and twin.is_told("server_name") and twin.name not in {each.name for each in known}:
        message = (
            f"{twin.home.resource.ref}: server_name is {twin.name} here, and {known[0].name} in main's "
            f"configuration, at {known[0].place('server_name')}."
        )
        yield at(twin.place("server_name"), "server-names-differ", message, "Write main's name here.")


_PEPPER = ("password_config", "pepper")


def _peppered(twin: Homeserver, known: list[Homeserver]) -> Iterator[Finding]:
    """Synapse hashes passwords with the pepper, so that with another one each is wrong (FACTS 1)."""
    if known and twin.is_told(*_PEPPER) and twin.value(*_PEPPER) not in {each.value(*_PEPPER) for each in known}:
        name, ref = ".".join(_PEPPER), twin.source(*_PEPPER).resource.ref
        message = f"{ref}: {name} is not main's, which is at {known[0].place(*_PEPPER)}."
        fix = "Write main's password_config.pepper here; where main has none, remove this one. Never change main's."
        yield at(twin.place(*_PEPPER), "peppers-differ", message, fix)


# --- what must not be


_Redis = tuple[str, str, str]  # its host, the namespace of that, and its port
_SERVICE = re.compile(r"([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?)?\.?")


def _on_one_redis(twin: Homeserver, mains: Iterable[tuple[Homeserver, _Redis]]) -> Iterator[Finding]:
    """Processes of one server_name hear each other on one Redis, whichever of its databases they use (FACTS 2)."""
    here = _redis(twin)
    for main, there in mains if here else ():
        if here and main.name == twin.name and _is_one(here, there):
            ref = twin.source("redis").resource.ref
            message = f"{ref}: LI's Synapse uses the same Redis as main's, at {_at_redis(main)}."
            fix = "Write here: redis: {enabled: false}. Or give the LI instance a Redis of its own, and name it here."
            yield at(_at_redis(twin), "li-shares-redis", message, fix)
            return


def _redis(server: Homeserver) -> _Redis | None:
    """Return *server*'s Redis; None where it uses none, or none that can be told."""
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


def _is_one(here: _Redis, there: _Redis) -> bool:
    is_in_reach = may_be_one(here[1], there[1])
    return (here[0], here[2]) == (there[0], there[2]) and is_in_reach


def _at_redis(server: Homeserver) -> str:
    return server.place("redis", "host" if server.value("redis", "host") else "enabled")
