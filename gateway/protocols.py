"""What the chain asks others: who somebody is, and what he may do."""

from datetime import datetime
from typing import Protocol

from security.access import Access
from security.principal import Principal
from services.deadline import Deadline


class Authentication(Protocol):
    """From what a request brings to who sends it."""

    async def authenticate(self, authorization: str | None, client: str, deadline: Deadline) -> Principal:
        """`authorization`: the header; `client`: the address it came from. Raises AuthenticationError."""
        ...


class Authorization(Protocol):
    """From who somebody is to what he may do now."""

    async def access_of(self, principal: Principal, address: str | None, now: datetime) -> Access:
        """Decisions about this principal, who was just authenticated. Raises StoreUnavailableError."""
        ...
