"""Which gateway a command asks: the one that was named, or the one of the `annals up` of its data folder."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from annals.settings import Settings
from annals.supervision.state import read_state
from annals.token_file import read_admin_token
from contracts.errors import AnnalsError

TOKEN = "ANNALS_TOKEN"
LOCAL_TENANT = "default"
"""The tenant of the local administrator, whose token lies in the data folder."""


class PlainTextError(AnnalsError):
    """A token is not sent over http to another machine; use an https address."""


class NoTokenError(AnnalsError):
    """--server wants a token; set ANNALS_TOKEN to one that `annals keys create` made there."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway is, and what to show there."""

    url: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise PlainTextError


def named(server: str) -> Address:
    """The gateway at this address. Raises NoTokenError, PlainTextError."""
    token = os.environ.get(TOKEN, "")
    if not token:
        raise NoTokenError
    return Address(server.rstrip("/"), token)


def beside(settings: Settings) -> Address | None:
    """The gateway that runs for this data folder and speaks for this tenant; None where there is none."""
    if settings.tenant != LOCAL_TENANT:
        return None
    state = read_state(settings.data)
    if state is None or not state.ready or "gateway" not in state.addresses:
        return None
    token = read_admin_token(settings.data)
    return Address(state.addresses["gateway"], token) if token else None
