"""The formats of addresses and address ranges, as in formats: text in, value out, or what to write instead."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from wizard.formats import FormatError, Kind, host_name, line

# RFC 5737, RFC 3849, RFC 9637: addresses that only documents use.
_DOCUMENTATION = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)
_WIDEST = {4: 8, 6: 16}  # a wider range than this lets in a large part of all addresses
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # RFC 4291: the whole of IPv4 once more

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def host(text: str) -> str:
    """Return a host: a name of one label or more (``smtp.svc``), or an IP address."""
    text = line(text)
    address = _address(text.removeprefix("[").removesuffix("]"))
    if address:
        _refuse_documentation(address, ipaddress.ip_network(address))
        return str(address)
    return host_name(text)


def allowed_range(text: str) -> str:
    """Return an address range that may reach LI, as CIDR; a single address becomes /32 or /128 (FACTS 4)."""
    network = _network(line(text))
    if network.prefixlen == 0:
        raise FormatError(f"{network} opens LI to everyone.", "Write the ranges of those who may reach it.")
    if network.prefixlen < _WIDEST[network.version]:
        raise FormatError(
            f"{network} is too wide: it covers {network.num_addresses:,} addresses.",
            f"Write ranges of /{_WIDEST[network.version]} or narrower.",
        )
    if _within(network, _MAPPED) or _within(_MAPPED, network):
        raise FormatError(f"{network} holds IPv4 addresses in IPv6 spelling.", "Write them as IPv4 ranges.")
    _refuse_documentation(network, network)
    return str(network)


def pool(text: str) -> str:
    """Return a range of a MetalLB address pool: a CIDR, or ``first-last`` (metallb.io, IPAddressPool)."""
    text = line(text)
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not dash:
        network = _network(text)
        if network.prefixlen < _WIDEST[network.version]:
            raise FormatError(
                f"{network} is too wide for a pool.", "Write the addresses that the load balancer may take."
            )
        _refuse_documentation(network, network)
        return str(network)
    low, high = _address(first), _address(last)
    if low is None or high is None or low.version != high.version or int(low) > int(high):
        raise FormatError(
            f"{text} is not a range of addresses.", "Write a CIDR, or the first and the last joined by a dash."
        )
    _refuse_documentation(low, ipaddress.ip_network(low))
    return f"{low}-{high}"


def public_address(text: str) -> str:
    """Return an IP address that the internet can reach; coturn gives it to every caller (UX 2)."""
    text = line(text)
    address = _address(text)
    if address is None:
        raise FormatError(f"{text} is not an IP address.", "Write the public address, without a prefix or port.")
    _refuse_documentation(address, ipaddress.ip_network(address))
    if not address.is_global or address.is_multicast:
        raise FormatError(f"{address} is private or reserved: callers cannot reach it.", "Write the public address.")
    return str(address)


def remarks(ranges: Sequence[str]) -> Iterator[str]:
    """Yield what is unusual, though legal, in ranges that `allowed_range` returned: one inside another, or very wide.

    Ranges are named by their number, for they are confidential. Wide is more than a /16 of IPv4 or a /32 of IPv6.
    """
    networks = [ipaddress.ip_network(text) for text in ranges]
    for number, network in enumerate(networks, start=1):
        if network.prefixlen < 2 * _WIDEST[network.version]:
            yield f"Range {number} is wide: {network.num_addresses:,} addresses may reach LI."
        for other_number, other in enumerate(networks, start=1):
            if other != network and _within(network, other):
                yield f"Range {number} lies within range {other_number} and adds nothing."


HOST = Kind("host name or address", host)
ALLOWED_RANGES = Kind("list of address ranges (CIDR)", allowed_range, list)
POOL = Kind("list of address ranges", pool, list)
PUBLIC_ADDRESS = Kind("public IP address", public_address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> _Network:
    """Return the network of a CIDR or address; host bits are refused with both meanings, for only the writer knows."""
    try:
        interface = ipaddress.ip_interface(text if "%" not in text else "")
    except ValueError:
        raise FormatError(
            f"{text} is not an address range.", "Write it as 185.60.112.0/24 or 2a02:ec80:300::/48."
        ) from None
    network = interface.network
    if interface.ip != network.network_address and network.prefixlen:
        raise FormatError(
            f"{text} has host bits set.",
            f"One machine is {interface.ip}/{interface.max_prefixlen}, the whole range {network}.",
        )
    return network


def _refuse_documentation(shown: object, network: _Network) -> None:
    if any(_within(network, reserved) for reserved in _DOCUMENTATION):
        raise FormatError(f"{shown} is an address that only documents use.", "Write your own.")


def _within(inner: _Network, outer: _Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
