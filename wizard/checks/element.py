"""Where Element and the admin page send their user: to Synapse of their own instance, under the name of that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from wizard import access, placeholders
from wizard.finding import Finding, at
from wizard.homeserver import Homeserver
from wizard.resources import Leaf
from wizard.survey import Survey

# Element Web, docs/config.md, "Homeserver configuration"; synapse-admin, docs/config.md.
_SERVER = ("default_server_config", "m.homeserver")
_OF_ADMIN = "restrictBaseUrl"
_MARK = re.compile(rb"homeserver|restrictBaseUrl")


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield the addresses and names in Element's configuration that are not those of Synapse of its instance."""
    objects = (*survey.holding(_MARK, "ConfigMap"), *survey.of_kind("Secret"))  # base64 hides every word of these
    told = [leaf for each in objects for leaf in each.leaves.values()]
    told = [leaf for leaf in told if leaf.path[-3:-1] == _SERVER or leaf.key == _OF_ADMIN]
    told = [leaf for leaf in told if leaf.nested is not None and not leaf.resource.manifest.actions]
    served = {host.lower() for each in survey.of_kind(*access.WAYS) for host in each.hosts} if told else set[str]()
    for leaf in (each for each in told if not placeholders.is_open(each.text)):
        own, others = survey.homeservers_of("main"), survey.homeservers_of("li")
        if leaf.resource.instance == "li":
            own, others = others, own
        if leaf.key in ("base_url", _OF_ADMIN):
            yield from _elsewhere(leaf, own, others, served)
        elif leaf.key == "server_name":
            yield from _misnamed(leaf, own)


def _elsewhere(
    leaf: Leaf, own: Iterable[Homeserver], others: Iterable[Homeserver], served: set[str]
) -> Iterator[Finding]:
    """An address that is the other instance's, or that is nobody's in this tree."""
    host, here, there = _host(leaf.text), _texts(own, "public_baseurl", _host), _texts(others, "public_baseurl", _host)
    is_li = leaf.resource.instance == "li"
    if here is None or not host or host in here:
        return
    fix = f"Write https://{', https://'.join(sorted(here))} there, as public_baseurl has it."
    if there and host in there:
        whose, other = ("LI's", "main's") if is_li else ("Main's", "LI's")
        page = "admin page" if leaf.key == _OF_ADMIN else "Element"
        message = f"{leaf.resource.ref}: {whose} {page} leads to {other} Synapse."
        yield at(leaf.position(), "li-element-main" if is_li else "element-elsewhere", message, fix)
    elif here and host not in served:
        message = f"{leaf.resource.ref}: {leaf.key} is not the address of Synapse, and no host of the tree."
        yield at(leaf.position(), "element-elsewhere", message, fix, "warning")


def _misnamed(leaf: Leaf, own: Iterable[Homeserver]) -> Iterator[Finding]:
    names = _texts(own, "server_name", str.lower)
    if names and leaf.text.strip().lower() not in names:
        message = f"{leaf.resource.ref}: server_name is not that of Synapse, {', '.join(sorted(names))}."
        yield at(leaf.position(), "element-elsewhere", message, "Write the name that Synapse has.", "warning")


def _texts(servers: Iterable[Homeserver], option: str, read: Callable[[str], str]) -> set[str] | None:
    """Return what *servers* have as *option*; None where one does not tell it."""
    found = [each.value(option).strip() for each in servers]
    return None if any(not each or placeholders.is_open(each) for each in found) else {read(each) for each in found}


def _host(url: str) -> str:
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""
