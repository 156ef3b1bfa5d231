"""Looking up where a request would go, and whether it may: each address of a name is checked, and then used as it is.

A name is looked up once for each request: what it says the next time would not have been checked (DNS rebinding).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from contracts.errors import AnnalsError
from security.destinations import refusal

MOST_ADDRESSES = 16
MOST_PORT = 65_535

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class RefusedDestinationError(AnnalsError):
    """Nothing is sent there; give another address.

    The message is why, for whoever asked to put into his own.
    """


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system tells them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_port(port: int | None) -> bool:
    """Whether one can connect there; a resolver takes a larger number for another port."""
    return port is None or 1 <= port <= MOST_PORT


async def checked_addresses(
    scheme: str, host: str, port: int | None, *, private_allowed: bool, resolve: Resolve
) -> Sequence[str]:
    """Those of a host; all of them may be sent to. Raises RefusedDestinationError, OSError, UnicodeError."""
    found = list(await resolve(host, port or (443 if scheme == "https" else 80)))[:MOST_ADDRESSES]
    if not found:
        raise RefusedDestinationError("the name has no address")
    for address in found:
        fault = refusal(scheme, address, private_allowed=private_allowed)
        if fault is not None:
            raise RefusedDestinationError(fault)
    return found
