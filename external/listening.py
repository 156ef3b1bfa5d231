"""Where others connect to a process."""

import socket


def listening_at(host: str, port: int, waiting: int) -> socket.socket:
    """A socket that listens, at an address of IPv4 or of IPv6; `waiting`: connections that wait to be taken.

    Raises OSError where the address is taken, or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=waiting)
    # Each connection takes it over: head and body of an answer are two writes, and neither is to wait for the other's
    # acknowledgement. asyncio sets it only where the socket's protocol was named.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def url_of(host: str, port: int, *, tls: bool) -> str:
    """What a client calls it (RFC 3986, 3.2.2: an address of IPv6 in brackets)."""
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
