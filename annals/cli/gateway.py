"""Which gateway a command asks: the one that was named, or the one of the `annals up` of its data folder."""

import os

from annals.settings import Settings
from annals.supervision.state import read_state
from annals.token_file import read_admin_token
from client.address import Address
from contracts.errors import AnnalsError
from security.local_administrator import TENANT

TOKEN_VARIABLE = "ANNALS_TOKEN"


class NoTokenError(AnnalsError):
    """A gateway elsewhere wants a token; set ANNALS_TOKEN to one that `annals keys create` made there."""


def named(server: str) -> Address:
    """The gateway at this address. Raises NoTokenError, PlainTextError."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise NoTokenError
    return Address(server.rstrip("/"), token)


def beside(settings: Settings) -> Address | None:
    """The gateway that runs for this data folder and speaks for this tenant; None where there is none.

    It speaks for the tenant of the local administrator, whose token lies in the folder.
    """
    if settings.tenant != TENANT:
        return None
    state = read_state(settings.data)
    if state is None or not state.ready or "gateway" not in state.addresses:
        return None
    token = read_admin_token(settings.data)
    return Address(state.addresses["gateway"], token) if token else None
