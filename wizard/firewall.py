"""The firewall: which ports of a filled tree have to be reached from the internet, as its own configuration says.

Pure. The ports of LiveKit and coturn lead past the ingress, straight to their nodes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from wizard import access
from wizard.resources import Leaf, Resource

Settings = Mapping[str, str]


@dataclass(frozen=True)
class Port:
    """A port or a range of ports (``49152-65535``) to open, its protocol (TCP or UDP), and for what."""

    protocol: str
    number: str
    what: str


@dataclass(frozen=True)
class _Rule:
    """One port: its setting and default, or those of a range's ends; and whether the settings have it open."""

    protocol: str
    settings: tuple[tuple[str, str], ...]
    is_open: Callable[[Settings], bool] = lambda _: True

    def number(self, settings: Settings) -> str:
        given = (settings.get(name, "") for name, _ in self.settings)
        numbers = (
            one if _NUMBER.fullmatch(one) else default for one, (_, default) in zip(given, self.settings, strict=True)
        )
        return "-".join(numbers)


_NUMBER = re.compile(r"\d{1,5}(?:-\d{1,5})?")


def _unless(option: str) -> Callable[[Settings], bool]:
    return lambda settings: not _is_set(settings, option)


def _is_set(settings: Settings, option: str) -> bool:
    return settings.get(option, "no").lower() not in ("0", "false", "no", "off")


def _has_tls(settings: Settings) -> bool:
    return not _is_set(settings, "no-tls") and not settings.keys().isdisjoint(("tls-listening-port", "cert", "pkey"))


# Checklist 9.1 and what FACTS 10 adds to it; RFC 8656, 3 (3478, 5349); README.turnserver for options and defaults.
# Without a certificate turnserver opens no TLS port, whatever its default. Browsers do not speak DTLS to it.
_TURN = (
    _Rule("UDP", (("listening-port", "3478"),), _unless("no-udp")),
    _Rule("TCP", (("listening-port", "3478"),), _unless("no-tcp")),
    _Rule("TCP", (("tls-listening-port", "5349"),), _has_tls),
    _Rule("UDP", (("min-port", "49152"), ("max-port", "65535")), _unless("no-udp-relay")),
)
# LiveKit: config-sample.yaml, "rtc"; udp_port, where it is set, stands in for the range.
_RTC = (
    _Rule("TCP", (("tcp_port", "7881"),)),
    _Rule("UDP", (("udp_port", "7882"),), lambda settings: "udp_port" in settings),
    _Rule(
        "UDP", (("port_range_start", "50000"), ("port_range_end", "60000")), lambda settings: "udp_port" not in settings
    ),
)
# Checklist 9.1: the first is for certificates (ACME's HTTP challenge, RFC 8555, 8.3) and for whoever types no https.
_EDGE = (_Rule("TCP", (("http", "80"),)), _Rule("TCP", (("https", "443"),)))
_ENTRANCES = frozenset({"Ingress", "Gateway"}) | access.ROUTES

_TURN_IMAGE, _LIVEKIT_IMAGE = re.compile(r"\bcoturn\b"), re.compile(r"\blivekit-server\b")
_NAMED = re.compile(r"coturn|turnserver|-auth-secret|lt-cred-mech|livekit|rtc")
_TURN_FILE = re.compile(r"^(?:use-auth-secret|static-auth-secret|lt-cred-mech)\b", re.MULTILINE)
_LINE = re.compile(r"([A-Za-z][\w-]*)[ =]*(.*)", re.ASCII)  # of turnserver.conf, as `lenses.coturn` reads it


def ports(used: Iterable[Resource]) -> tuple[Port, ...]:
    """Return the ports to open for the objects that are *used*: of the ingress, of coturn, of LiveKit; each once."""
    used = list(used)
    speaking = _speaking(used)
    found = [*_opened(_EDGE, {}, "Ingress")] if any(each.kind in _ENTRANCES for each in used) else []
    turn = _turn(speaking)
    found += _opened(_TURN, turn, "coturn") if turn is not None else []
    rtc = list(_rtc(speaking))
    objects = [settings for resource, settings in rtc if resource.kind]
    for settings in objects:
        found += _opened(_RTC, settings, "LiveKit")
    what = "LiveKit, where its chart runs it" if objects else "LiveKit"
    known = {(port.protocol, port.number) for port in found}
    for _, settings in (each for each in rtc if not each[0].kind):
        found += (port for port in _opened(_RTC, settings, what) if (port.protocol, port.number) not in known)
    return tuple(dict.fromkeys(found))


def has_turn(used: Iterable[Resource]) -> bool:
    """Say whether a coturn is among the objects that are *used*."""
    return _turn(_speaking(used)) is not None


def _speaking(used: Iterable[Resource]) -> list[Resource]:
    """Return the objects that a scan of their file cannot rule out: only those are looked into."""
    used = list(used)
    files = {each.manifest for each in used}
    named = {each for each in files if _NAMED.search(each.path) or _NAMED.search(each.text)}
    return [each for each in used if each.manifest in named]


def _opened(rules: Iterable[_Rule], settings: Settings, what: str) -> Iterator[Port]:
    return (Port(rule.protocol, rule.number(settings), what) for rule in rules if rule.is_open(settings))


def _turn(used: Iterable[Resource]) -> Settings | None:
    """Return coturn's settings, those of its command line over those of its file; None where there is no coturn."""
    files, lines, is_there = dict[str, str](), dict[str, str](), False
    for resource in used:
        leaves = [leaf for leaf in resource.leaves.values() if leaf.nested is None]
        for leaf in leaves:
            if leaf.called == "turnserver.conf" or (
                resource.kind in ("ConfigMap", "Secret") and _TURN_FILE.search(leaf.text)
            ):
                is_there = True
                files |= _of_file(leaf.text)
        if _runs(leaves, _TURN_IMAGE):
            is_there = True
            lines |= _of_command_line(leaves)
    return files | lines if is_there else None


def _rtc(used: Iterable[Resource]) -> Iterator[tuple[Resource, Settings]]:
    """Yield LiveKit's ``rtc`` settings, with the object, or the chart values, that hold them."""
    without = []
    is_configured = False
    for resource in used:
        sections: dict[tuple[str, ...], dict[str, str]] = {}
        for path, leaf in resource.leaves.items():
            if path[-2:-1] == ("rtc",):
                sections.setdefault(path[:-1], {})[path[-1]] = leaf.text.strip()
        found = [section for section in sections.values() if section.keys() & _RTC_SETTINGS]
        yield from ((resource, section) for section in found)
        is_configured |= bool(found) and bool(resource.kind)
        if _runs(resource.leaves.values(), _LIVEKIT_IMAGE):
            without.append(resource)
    if without and not is_configured:
        yield without[0], {}


_RTC_SETTINGS = {name for rule in _RTC for name, _ in rule.settings}


def _runs(leaves: Iterable[Leaf], image: re.Pattern[str]) -> bool:
    return any(leaf.key == "image" and "containers" in leaf.path and image.search(leaf.text) for leaf in leaves)


def _of_file(text: str) -> dict[str, str]:
    """Return the settings in the lines of a turnserver.conf; one without a value is "yes"."""
    lines = (_LINE.match(line) for line in text.splitlines())
    return {line[1]: line[2].strip() or "yes" for line in lines if line}


def _of_command_line(leaves: Iterable[Leaf]) -> dict[str, str]:
    """Return the same of the long options of a container's command, be they words of a list or of a script."""
    words = [word for leaf in leaves if leaf.key in ("command", "args") for word in leaf.text.split()]
    found = {}
    for word, then in zip(words, [*words[1:], ""], strict=False):  # there may be none
        name, is_equation, value = word.lstrip("-").partition("=")
        if word.startswith("-"):
            found[name] = value if is_equation else "yes" if then.startswith("-") else then or "yes"
    return found
