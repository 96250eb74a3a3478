"""What counts as one address, where connections and wrong tokens are counted."""

from __future__ import annotations

import pytest

from service.http.addresses import network_of


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("not:an:address", "not:an:address"),
        (None, ""),
    ],
)
def test_address_of_ipv6_is_its_network(host: str | None, expected: str) -> None:
    """A client of IPv6 has all addresses of a network, and would count as somebody else with each."""
    assert expected == network_of(host)
