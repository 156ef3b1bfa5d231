"""Scopes as somebody asks for them."""

from collections.abc import Collection

from security.scopes import checked_scopes
from services.errors import InvalidRequestError

MAX_SCOPES = 64


def narrowed(scopes: Collection[str] | None) -> tuple[str, ...] | None:
    """The scopes in order, each once; None, for all that the account may do, stays None.

    Raises WrongScopeError, and InvalidRequestError for an empty list: it would allow nothing at all.
    """
    if scopes is None:
        return None
    if not 0 < len(set(scopes)) <= MAX_SCOPES:
        raise InvalidRequestError(f"there are 1 to {MAX_SCOPES} scopes, or none given for all that the account may do")
    return checked_scopes(scopes)
