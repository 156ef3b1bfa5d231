"""Where the gateway listens: on loopback, else with TLS, or where somebody says that it may do without."""

import asyncio
import socket
from dataclasses import dataclass

from annals.addresses import is_loopback
from annals.embedded.broker import free_port
from annals.settings import Settings
from contracts.errors import AnnalsError

DEFAULT_PORT = 8420
STOP_LIMIT_S = 20.0
"""How long requests may take that are being answered when the end comes; live streams are cut off before."""
STOP_GRACE_S = 25.0


class GatewayAddressError(AnnalsError):
    """The gateway cannot listen there; set gateway_host and gateway_port to an address that it may have."""


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """`port` is a number that can be connected to."""

    host: str
    port: int
    tls: bool

    @classmethod
    def of(cls, settings: Settings) -> "GatewayAddress":
        """As the settings have it. Raises GatewayAddressError."""
        check(settings)
        return cls(settings.gateway_host, _port(settings), settings.gateway_certificate is not None)

    @property
    def url(self) -> str:
        """For clients on this machine, where it listens on all addresses."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"{'https' if self.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def ready(self) -> None:
        """Returns once it takes connections; raises OSError while it does not."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        _, writer = await asyncio.open_connection(host, self.port)
        writer.close()


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


def _port(settings: Settings) -> int:
    wanted = settings.gateway_port
    if wanted == 0:
        return free_port()
    try:
        family = socket.AF_INET6 if ":" in settings.gateway_host else socket.AF_INET
        with socket.create_server((settings.gateway_host, wanted or DEFAULT_PORT), family=family):
            return wanted or DEFAULT_PORT
    except OSError as error:
        if wanted is None:
            return free_port()
        raise GatewayAddressError(
            f"the gateway cannot listen at {settings.gateway_host}:{wanted} ({error.strerror or error}); "
            "set gateway_port to another port, or to 0 for a free one"
        ) from error
