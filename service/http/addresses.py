"""What counts as one address of a client."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

_IPV6_NETWORK_BITS = 64


def network_of(host: str | None) -> str:
    """Return an address of IPv4 as it is, and of IPv6 the network, of which a client has all; empty for none.

    Args:
        host: address of the other end of a connection; None where it has none.
    """
    if host is None or ":" not in host:
        return host or ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> _IPV6_NETWORK_BITS << _IPV6_NETWORK_BITS))
