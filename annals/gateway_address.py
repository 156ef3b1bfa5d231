"""Where the gateway listens: on loopback, else with TLS, or where somebody says that it may do without."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from annals.addresses import is_loopback
from annals.settings import Settings
from contracts.errors import AnnalsError
from external.listening import listening_at, url_of

DEFAULT_PORT = 8420
STOP_LIMIT_S = 20.0
"""How long requests may take that are being answered when the end comes; live streams are cut off before."""
STOP_GRACE_S = 25.0


class GatewayAddressError(AnnalsError):
    """The gateway cannot listen there; set gateway_host and gateway_port to an address that it may have."""


INHERITED = "ANNALS_SUPERVISOR_SOCKET"
"""The variable by which a gateway gets the number of the socket that its supervisor listens at for it."""
LISTENED = 2048
"""Connections that wait to be taken, while the gateway starts or is started again."""
READY_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """`socket` listens there: nobody else can, and whoever answers there is whom it was given to."""

    host: str
    port: int
    tls: bool
    socket: socket.socket

    @classmethod
    def of(cls, settings: Settings) -> "GatewayAddress":
        """As the settings have it, or at the socket that this process was given. Raises GatewayAddressError."""
        check(settings)
        given = os.environ.get(INHERITED)
        listening = socket.socket(fileno=int(given)) if given is not None else _listening(settings)
        host, tls = settings.gateway_host, settings.gateway_certificate is not None
        return cls(host, listening.getsockname()[1], tls, listening)

    @contextlib.contextmanager
    def listening(self) -> Iterator["GatewayAddress"]:
        """For the length of the block."""
        with self.socket:
            yield self

    @property
    def url(self) -> str:
        """For clients on this machine, where it listens on all addresses."""
        return url_of(self._client_host, self.port, tls=self.tls)

    async def ready(self) -> None:
        """Returns once the gateway answers; raises OSError (TimeoutError, too) while it does not."""
        async with asyncio.timeout(READY_LIMIT_S):
            reader, writer = await asyncio.open_connection(
                self._client_host, self.port, ssl=_any() if self.tls else None
            )
            try:
                writer.write(b"GET /health/live HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
                status = await reader.readline()
            finally:
                writer.close()
        if status.split()[1:2] != [b"200"]:
            raise OSError(f"the gateway answered {status[:100]!r}")

    @property
    def _client_host(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)


def _any() -> ssl.SSLContext:
    """For a certificate of whatever name: it is our own socket."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def check(settings: Settings) -> None:
    """Raises GatewayAddressError where whoever listens on the way would read tokens."""
    if (settings.gateway_certificate is None) != (settings.gateway_key is None):
        raise GatewayAddressError("TLS needs both gateway_certificate and gateway_key; set both or neither")
    if (
        settings.gateway_certificate is None
        and not settings.gateway_plaintext
        and not is_loopback(settings.gateway_host)
    ):
        raise GatewayAddressError(
            f"the gateway does not listen at {settings.gateway_host} without TLS; set gateway_certificate and "
            "gateway_key, or gateway_plaintext where a proxy in front of it has TLS"
        )


def _listening(settings: Settings) -> socket.socket:
    """At the wanted port; where none was wanted, at the usual one or, where that is taken, at a free one."""
    wanted = settings.gateway_port
    for port in (DEFAULT_PORT, 0) if wanted is None else (wanted,):
        try:
            return listening_at(settings.gateway_host, port, LISTENED)
        except OSError as error:
            refused = error
    raise GatewayAddressError(
        f"the gateway cannot listen at {settings.gateway_host}:{wanted or DEFAULT_PORT} "
        f"({refused.strerror or refused}); set gateway_port to another port, or to 0 for a free one"
    ) from refused
