"""Which network addresses belong to the Internet at large: whatever a stranger names is called there and nowhere else."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

# ipaddress.is_global answers True for multicast, NAT64, 6to4 and more; so the list is our own.
_DENIED_V4 = [
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
# Of IPv6 only global unicast is called, less what stands for other networks in it. That leaves out loopback, mapped
# and compatible IPv4, NAT64, unique local, site-local, link-local and multicast.
_GLOBAL_V6 = ip_network("2000::/3")
_DENIED_V6 = [
    ip_network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo and kin, examples, 6to4, examples
]


def is_public(address: str) -> bool:
    """Whether `address` (of IPv4 or IPv6, a zone is refused) is one of the public internet."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _DENIED_V4)
    if parsed.scope_id is not None or parsed not in _GLOBAL_V6:
        return False
    return not any(parsed in network for network in _DENIED_V6)
