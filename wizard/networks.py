"""The formats of addresses and address ranges, as in formats: text in, value out, or what to write instead."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from wizard.formats import FormatError, Kind, host_name, near, one_line, part, refuse

# RFC 5737, RFC 3849, RFC 9637: addresses that only documents use.
_DOCUMENTATION = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)
_WIDEST = {4: 8, 6: 16}  # a wider range than this lets in a large part of all addresses
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # RFC 4291: the whole of IPv4 once more
_MOST_CIDRS = 4  # that stand for a range written with a dash; more are no help to read
_DASH = r"[-\u2010-\u2015\u2212]"
# An IPv4 address, or an IPv6 address in brackets, in a URL, behind a user or before a port.
_WRAPPED = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:(?://)?)?(?:[^@/]*@)?(?:([0-9]+(?:\.[0-9]+){3})|\[([0-9a-f:.]+)\])(?::[0-9]+)?(?:/(?![0-9]).*|\?.*)?",
    re.IGNORECASE,
)
# Blanks separate ranges, too, except around the dash or slash of one and before a netmask.
_BETWEEN_RANGES = rf"[,\n]|(?<![\s,/])(?<!{_DASH})[^\S\n]+(?![\s/]|{_DASH}|255\.)"

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@one_line
def host(text: str) -> str:
    """Return a host: a name of one label or more (``smtp.svc``), or an IP address."""
    address = _address(text.removeprefix("[").removesuffix("]"))
    if address:
        _refuse_documentation(address, ipaddress.ip_network(address))
        return str(address)
    for inner in _unwrapped(text):
        host(inner)
        refuse(f"{text} is more than an address.", host, text, inner, advice="Write only the address: {}")
    return part(host_name, text, host, advice="Write only the name: {}")


@one_line
def allowed_range(text: str) -> str:
    """Return an address range that may reach LI, as CIDR; a single address becomes /32 or /128 (FACTS 4)."""
    ends = _ends(text)
    if ends:
        _refuse_dash(text, *ends)
    network = _network(text, allowed_range)
    if network.prefixlen == 0:
        raise FormatError(f"{network} opens LI to everyone.", "Write the ranges of those who may reach it.")
    if is_too_wide(network):
        raise FormatError(
            f"{network} is too wide: it covers {network.num_addresses:,} addresses.",
            f"Write ranges of /{_WIDEST[network.version]} or narrower.",
        )
    if _within(network, _MAPPED) or _within(_MAPPED, network):
        what = f"{network} holds IPv4 addresses in IPv6 spelling."
        refuse(what, allowed_range, text, *_unmapped(network), instead="Write them as IPv4 ranges.")
    _refuse_documentation(network, network)
    return str(network)


@one_line
def pool(text: str) -> str:
    """Return a range of a MetalLB address pool: a CIDR, or ``first-last`` (metallb.io, IPAddressPool)."""
    ends = _ends(text)
    if not ends and "-" not in text:
        network = _network(text, pool)
        if network.prefixlen < _WIDEST[network.version]:
            raise FormatError(
                f"{network} is too wide for a pool.", "Write the addresses that the load balancer may take."
            )
        _refuse_documentation(network, network)
        return str(network)
    first, _, last = (each.strip() for each in text.partition("-"))
    if not ends or (_address(first), _address(last)) != ends:
        what = f"{text} is not a range of addresses."
        others = [f"{ends[0]}-{ends[1]}"] if ends else []
        refuse(what, pool, text, *others, instead="Write a CIDR, or the first and the last joined by a dash.")
    _refuse_documentation(ends[0], ipaddress.ip_network(ends[0]))
    return f"{ends[0]}-{ends[1]}"


@one_line
def public_address(text: str) -> str:
    """Return an IP address that the internet can reach; coturn gives it to every caller (UX 2)."""
    address = _address(text)
    if address is None:
        others = [*_unwrapped(text), text.partition("/")[0], text.strip("[]")]
        instead = "Write the public address, without a prefix or port."
        refuse(f"{text} is not an IP address.", public_address, text, *others, instead=instead)
    _refuse_documentation(address, ipaddress.ip_network(address))
    for spelled in _unmapped(ipaddress.ip_network(address)):
        public_address(spelled.partition("/")[0])
        what = f"{address} is an IPv4 address in IPv6 spelling."
        refuse(what, public_address, text, spelled.partition("/")[0])
    if not address.is_global or address.is_multicast:
        raise FormatError(f"{address} is private or reserved: callers cannot reach it.", "Write the public address.")
    return str(address)


def count_addresses(ranges: tuple[str, ...]) -> str:
    """Return how much a list of ranges holds: ``2 ranges, 257 addresses in all``, each address counted once.

    Addresses of IPv6 are too many to tell anybody anything: of them the ranges are counted.
    """
    spans = sorted(_span(text) for text in ranges)
    addresses, reached = 0, -1
    for _, first, last in (span for span in spans if span[0] == 4):
        addresses += max(last - max(first, reached + 1) + 1, 0)
        reached = max(reached, last)
    wide = sum(version == 6 for version, _, _ in spans)
    if wide == len(spans):
        return f"{_plural(wide, 'range')} of IPv6"
    if wide:
        return (
            f"{_plural(len(spans), 'range')}, {_plural(addresses, 'IPv4 address')} and {_plural(wide, 'range')} of IPv6"
        )
    return f"{_plural(len(spans), 'range')}, {_plural(addresses, 'address')}{' in all' * (len(spans) > 1)}"


def remarks(ranges: Sequence[str]) -> Iterator[str]:
    """Yield what is unusual, though legal, in ranges that `allowed_range` returned: one inside another, or very wide.

    Ranges are named by their number, for they are confidential. Wide is more than a /16 of IPv4 or a /32 of IPv6.
    """
    networks = [ipaddress.ip_network(text) for text in ranges]
    for number, network in enumerate(networks, start=1):
        if is_wide(network):
            yield f"Range {number} is wide: {network.num_addresses:,} addresses may reach LI."
        for other_number, other in enumerate(networks, start=1):
            if other != network and _within(network, other):
                yield f"Range {number} lies within range {other_number} and adds nothing."


def is_too_wide(network: Network) -> bool:
    """Say whether *network* is a large part of all addresses, which no list of those who may reach LI holds."""
    return network.prefixlen < _WIDEST[network.version]


def is_wide(network: Network) -> bool:
    """Say whether *network* is wider than a /16 of IPv4 or a /32 of IPv6, which few own as a whole."""
    return network.prefixlen < 2 * _WIDEST[network.version]


def is_no_clients(network: Network) -> bool:
    """Say whether no client has an address of *network*: loopback, link-local, multicast, reserved, documentation."""
    kinds = (network.is_loopback, network.is_link_local, network.is_multicast, network.is_reserved)
    return any(kinds) or any(_within(network, reserved) for reserved in _DOCUMENTATION)


HOST = Kind("host name or address", host, example="smtp.chat-corp.net")
ALLOWED_RANGES = Kind(
    "list of address ranges (CIDR)",
    allowed_range,
    list,
    example="185.60.112.0/24",
    separator=_BETWEEN_RANGES,
    counted=count_addresses,
)
POOL = Kind(
    "list of address ranges",
    pool,
    list,
    example="185.60.113.32-185.60.113.40",
    separator=_BETWEEN_RANGES,
    counted=count_addresses,
)
PUBLIC_ADDRESS = Kind("public IP address", public_address, example="185.60.113.10")


def _address(text: str) -> _Address | None:
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str, read: Callable[[str], object]) -> Network:
    """Return the network of a CIDR or address; host bits are refused with both meanings, for only the writer knows."""
    try:
        interface = ipaddress.ip_interface(text if "%" not in text else "")
    except ValueError:
        instead = "Write it as 185.60.112.0/24 or 2a02:ec80:300::/48."
        refuse(f"{text} is not an address range.", read, text, *_meant(text), instead=instead)
    network = interface.network
    if interface.ip != network.network_address and network.prefixlen:
        machine = f"{interface.ip}/{interface.max_prefixlen}"
        raise FormatError(
            f"{text} has host bits set.",
            f"One machine is {machine}, the whole range {network}.",
            *near(read, text, machine, str(network)),
        )
    return network


def _meant(text: str) -> Iterator[str]:
    """Yield the ranges that a text which is none may mean."""
    yield re.sub(r"[\s\[\]\"';]", "", text)
    yield from _unwrapped(text)
    if masked := re.fullmatch(r"(\S+)\s+([0-9.]+)", text):  # as routers write it
        with contextlib.suppress(ValueError):
            yield ipaddress.ip_interface(f"{masked[1]}/{masked[2]}").with_prefixlen
    if re.fullmatch(r"(?:[0-9]+\.){1,3}\*(?:\.\*){0,2}", text):
        labels = text.split(".")
        yield ".".join([*(each.replace("*", "0") for each in labels), *["0"] * (4 - len(labels))]) + (
            f"/{8 * (len(labels) - text.count('*'))}"
        )


def _unwrapped(text: str) -> list[str]:
    """Return the address that stands in a URL, behind a user or before a port, or in brackets; empty for none."""
    inside = _WRAPPED.fullmatch(text)
    inner = (inside[1] or inside[2]) if inside else ""
    return [inner] if _address(inner) else []


def _unmapped(network: Network) -> list[str]:
    """Return the IPv4 range that a range of IPv6 spells; empty for none."""
    if not _within(network, _MAPPED):
        return []
    return [f"{ipaddress.IPv4Address(int(network.network_address) & 0xFFFFFFFF)}/{network.prefixlen - 96}"]


def _ends(text: str) -> tuple[_Address, _Address] | None:
    """Return the lower and the upper end of a range with a dash, however written (``10.0.0.1 – 9``); None for none."""
    first, *rest = re.split(rf"\s*{_DASH}\s*", text)
    if len(rest) != 1:
        return None
    short = first.rpartition(".")[0] + "." if rest[0].isdigit() else ""
    ends = _address(first), _address(short + rest[0])
    if ends[0] is None or ends[1] is None or ends[0].version != ends[1].version:
        return None
    return (ends[0], ends[1]) if int(ends[0]) <= int(ends[1]) else (ends[1], ends[0])


def _refuse_dash(text: str, first: _Address, last: _Address) -> NoReturn:
    """Refuse a range with a dash where CIDRs are meant, and suggest those that cover it exactly if they are few."""
    networks = list(itertools.islice(ipaddress.summarize_address_range(first, last), _MOST_CIDRS + 1))
    if len(networks) > _MOST_CIDRS:
        raise FormatError(f"{text} is not a CIDR.", "Write the ranges that cover it, as 185.60.112.0/24.")
    covering = ", ".join(allowed_range(str(network)) for network in networks)
    raise FormatError(f"{text} is not a CIDR.", f"Write {covering}.", covering)


def _span(text: str) -> tuple[int, int, int]:
    """Return the IP version and the first and last address, as numbers, of a CIDR or ``first-last``."""
    first, dash, last = text.partition("-")
    if dash:
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
        return low.version, int(low), int(high)
    network = ipaddress.ip_network(text)
    return network.version, int(network.network_address), int(network.broadcast_address)


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 'es' if noun.endswith('s') else 's'}"


def _refuse_documentation(shown: object, network: Network) -> None:
    if any(_within(network, reserved) for reserved in _DOCUMENTATION):
        raise FormatError(f"{shown} is an address that only documents use.", "Write your own.")


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
