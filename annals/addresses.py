"""Addresses: checked before anything connects, and as they may be shown."""

import ipaddress
from urllib.parse import parse_qsl, urlencode, urlsplit


def without_password(address: str) -> str:
    """A URL without the passwords in it; anything that holds none stays as it is."""
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    shown = [(name, value) for name, value in query if "password" not in name.lower()]
    if parts.password is None and shown == query:
        return address
    login, _, host = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return parts._replace(netloc=f"{user}@{host}" if user else host, query=urlencode(shown, safe="/,")).geturl()


def reader_address(postgres: str, role: str, password: str, port: int | None) -> str:
    """Where a reader connects to: PostgreSQL's address with its own name and password.

    `port` is the one at which the embedded server listens, whose own address is a socket of ours.
    """
    parts = urlsplit(postgres)
    host = parts.netloc.rpartition("@")[2] or f"127.0.0.1:{port or 'PORT'}"
    shown = [(name, value) for name, value in parse_qsl(parts.query) if name.startswith("ssl") and name != "sslkey"]
    return parts._replace(netloc=f"{role}:{password}@{host}", query=urlencode(shown, safe="/,")).geturl()


def checked_url(address: str, *schemes: str) -> str:
    """The address as it is. Raises ValueError, without the address: it may hold a password."""
    example = f"{schemes[0]}://host:port"
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ValueError(
            f"is no address; write {example}, and @ : / ? # % in a password as %40 %3A %2F %3F %23 %25"
        ) from None
    if parts.scheme not in schemes or not (parts.netloc or parts.path.strip("/")):
        raise ValueError(f"is no address; write {example}")
    return address


def checked_bootstrap(servers: str) -> str:
    """Kafka's bootstrap servers as they are. Raises ValueError."""
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError("is no list of Kafka servers; write host:port,host:port")
    return servers


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def checked_network(network: str) -> str:
    """An address, or a network of them, as it is. Raises ValueError for what is none, and for the network of all."""
    if ipaddress.ip_network(network).prefixlen == 0:
        raise ValueError("holds every address there is; write the networks that proxies are in")
    return network
