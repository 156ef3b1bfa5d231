"""What the chain asks others beside who somebody is: what he may do."""

from datetime import datetime
from typing import Protocol

from eventstore.access_version import Version
from security.access import Access
from security.principal import Principal


class Authorization(Protocol):
    """From who somebody is to what he may do now."""

    async def access_of(self, principal: Principal, address: str | None, now: datetime) -> Access:
        """Decisions about this principal, who was just authenticated. Raises StoreUnavailableError."""
        ...

    def access_at(self, principal: Principal, address: str | None, now: datetime, version: Version) -> Access | None:
        """The same as of a version of access; None where that is not in memory."""
        ...
