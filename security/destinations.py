"""Which addresses Annals may connect to on somebody's behalf: none of the network that it runs in (SSRF, CWE-918)."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_NAT64 = ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
_COMPATIBLE = ip_network("::/96")
_TEREDO = ip_network("2001::/32")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""Before the IPv4 address in the lower half of an IPv6 address (RFC 5214, 6.1)."""

_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15"),
        *("fc00::/7", "fec0::/10", "100::/64", "5f00::/16", "2001::/23", "3fff::/20"),
    )
)
"""Beside what Python's `is_global` says (IANA's registries of special-purpose addresses)."""

_METADATA = frozenset(
    ip_address(address)
    for address in (
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
    )
)
"""Where clouds tell a machine its own credentials, or are its host."""


def refusal(scheme: str, address: str, *, private_allowed: bool) -> str | None:
    """Why nothing is sent to this IP address with this scheme; None where it may be.

    `private_allowed` lets in addresses of the network that Annals runs in, and to those http. Metadata, multicast,
    unspecified and reserved addresses are refused always.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "its address is none"
    every = _within(parsed)
    if any(one in _METADATA for one in every):
        return "its address tells a machine its own credentials"
    if any(_is_nobody(one) for one in every):
        return "its address is multicast, unspecified or reserved"
    public = all(_is_public(one) for one in every)
    if not public and not private_allowed:
        return "its address is private"
    if scheme != "https" and (public or not private_allowed):
        return "it needs https"
    return None


def _within(address: Address) -> tuple[Address, ...]:
    """The address, and the IPv4 address that it leads to where it carries one."""
    if isinstance(address, IPv4Address):
        return (address,)
    found: list[Address] = [address]
    value = int(address)
    if address.ipv4_mapped is not None:
        # It is the very same address.
        return (address.ipv4_mapped,)
    if address in _NAT64 or (address in _COMPATIBLE and value > 1):
        found.append(IPv4Address(value & 0xFFFFFFFF))
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if (value >> 32) & 0xFFFFFFFF in _ISATAP:
        found.append(IPv4Address(value & 0xFFFFFFFF))
    return tuple(found)


def _is_nobody(address: Address) -> bool:
    if address.is_multicast or address.is_unspecified:
        return True
    return isinstance(address, IPv4Address) and address.is_reserved


def _is_public(address: Address) -> bool:
    if address in _NAT64:
        # As public as the IPv4 address within.
        return True
    if address in _LOCAL_NAT64 or address in _TEREDO or address in _COMPATIBLE:
        return False
    return address.is_global and not any(address in one for one in _NOT_PUBLIC if one.version == address.version)
