"""Where nothing is sent on somebody's behalf: a table of addresses, as attackers write them."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis.strategies import ip_addresses

from security.destinations import refusal

PRIVATE = (
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.0.1", "100.64.0.1", "100.127.255.254", "198.18.0.1", "198.19.255.255", "192.0.0.8", "192.0.2.1"),
    *("198.51.100.7", "203.0.113.9", "192.88.99.1", "0.0.0.1"),
    *("::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "2001:db8::1", "100::1", "3fff::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:192.168.0.1", "::ffff:7f00:1", "::127.0.0.1", "::10.1.2.3"),
    *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2a00::5efe:10.0.0.1", "2a00::200:5efe:127.0.0.1", "5f00::1"),
)
NEVER = (
    *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"),
    *("::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::", "::169.254.169.254"),
    *("0.0.0.0", "::", "::ffff:0.0.0.0", "224.0.0.1", "239.255.255.250", "ff02::1", "::ffff:224.0.0.1"),
    *("240.0.0.1", "255.255.255.255", "", "localhost", "127.1", "0x7f000001", "2130706433", "127.0.0.1:80", "[::1]"),
)
PUBLIC = ("1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2a00:1450::8")


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_leave_and_then_no_tls(address: str) -> None:
    assert refusal("https", address, private_allowed=False) == "its address is private"
    assert refusal("https", address, private_allowed=True) is None
    assert refusal("http", address, private_allowed=False) is not None
    assert refusal("http", address, private_allowed=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_some_are_refused_whatever_is_allowed(address: str) -> None:
    for scheme in ("http", "https"):
        assert refusal(scheme, address, private_allowed=True) is not None
        assert refusal(scheme, address, private_allowed=False) is not None


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_need_tls(address: str) -> None:
    assert refusal("https", address, private_allowed=False) is None
    assert refusal("http", address, private_allowed=False) == "it needs https"
    assert refusal("http", address, private_allowed=True) == "it needs https"


@given(ip_addresses(v=4))
def test_an_address_is_refused_in_each_of_its_other_forms(address: object) -> None:
    plain = refusal("https", str(address), private_allowed=False)
    number = int(ip_address(str(address)))
    for other in (
        f"::ffff:{address}",
        str(ip_address(0x64FF9B << 96 | number)),
        str(ip_address(0x2002 << 112 | number << 80)),
    ):
        assert (refusal("https", other, private_allowed=False) is None) == (plain is None)
