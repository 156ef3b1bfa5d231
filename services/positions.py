"""Positions of the log as callers see them.

A position counts the events of all tenants: two of them tell how much happened in between. Whoever runs the
installation sees the number. For everybody else it is sealed (AES-SIV, RFC 5297), anew each time, so that no two can be
compared, and is good for the own tenant alone. Sent back, either is the same position.
"""

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from contracts.errors import AnnalsError
from services.caller import Caller

Position = int | str
"""A number for whoever runs the installation, sealed for others."""

MAX_POSITION = 2**63 - 1
NONCE_BYTES = 12
CHARACTERS = 48
"""Of a sealed position: the nonce, 16 bytes of authentication and 8 of the position, in base 64."""


class WrongPositionError(AnnalsError):
    """This is no position that you were given; send one back as it came."""


class ShownPositions:
    """With the key of the log, which all processes over it share."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes."""
        self._cipher = AESSIV(key)

    def shown(self, caller: Caller, position: int) -> Position:
        """As this caller sees it."""
        return position if _runs_the_installation(caller) else self.sealed(caller.tenant, position)

    def read(self, caller: Caller, text: str) -> int:
        """The position that this caller sent. Raises WrongPositionError."""
        if _runs_the_installation(caller) and text.isascii() and text.isdigit():
            # Longer than a number that Python reads at once: before it is read.
            if len(text) > len(str(MAX_POSITION)) or int(text) > MAX_POSITION:
                raise WrongPositionError()
            return int(text)
        return self.opened(caller.tenant, text)

    def sealed(self, tenant: str, position: int) -> str:
        """For anybody of this tenant."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        data = self._cipher.encrypt(position.to_bytes(8), [tenant.encode(), nonce])
        return base64.urlsafe_b64encode(nonce + data).decode()

    def opened(self, tenant: str, text: str) -> int:
        """Raises WrongPositionError."""
        try:
            data = base64.b64decode(text, altchars=b"-_", validate=True)
            whole = len(text) == CHARACTERS
            opened = self._cipher.decrypt(data[NONCE_BYTES:], [tenant.encode(), data[:NONCE_BYTES]]) if whole else b""
        except (binascii.Error, ValueError, InvalidTag):
            raise WrongPositionError() from None
        if not whole:
            raise WrongPositionError()
        return int.from_bytes(opened)


def _runs_the_installation(caller: Caller) -> bool:
    return caller.access.decide("system", "read").allowed
