"""Sockets of servers, over IPv4 and IPv6."""

import socket

import pytest

from external.listening import listening_at, url_of


@pytest.mark.parametrize(("host", "url"), [("127.0.0.1", "https://127.0.0.1:"), ("::1", "https://[::1]:")])
def test_a_client_connects_and_is_answered_at_once(host: str, url: str) -> None:
    try:
        listening = listening_at(host, 0, 8)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with listening:
        port = listening.getsockname()[1]
        assert url_of(host, port, tls=True) == f"{url}{port}"
        with socket.create_connection((host, port), 5), listening.accept()[0] as taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_that_is_taken_is_refused() -> None:
    with listening_at("127.0.0.1", 0, 8) as first, pytest.raises(OSError, match="in use"):
        listening_at("127.0.0.1", first.getsockname()[1], 8)
