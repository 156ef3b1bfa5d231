"""The `Authorization` header of a request (RFC 9110, 11.6.2) with a bearer credential (RFC 6750, 2.1)."""

import re

from security.errors import InvalidCredentialError, MissingCredentialError

MAX_CHARACTERS = 8192
"""An access token has about 600; what is longer is not looked at."""

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE | re.ASCII)


def bearer_of(authorization: str | None) -> str:
    """The credential in the header's value. Raises MissingCredentialError, InvalidCredentialError."""
    if authorization is None or not authorization.strip():
        raise MissingCredentialError
    if len(authorization) > MAX_CHARACTERS:
        raise InvalidCredentialError("a header that is too long")
    match = _BEARER.fullmatch(authorization)
    if match is None:
        raise InvalidCredentialError("no bearer credential")
    return match[1]
