"""Authentication that refuses who is blocked for a while."""

from typing import Protocol

from security.errors import BlockedError
from security.local_administrator import ACCOUNT, TENANT
from security.principal import Principal
from services.deadline import Deadline
from services.security.identification import AskAlong
from services.security.threats import ThreatDetector, is_loopback


class Authentication(Protocol):
    """From what a request brings to who sends it."""

    async def authenticate(
        self, authorization: str | None, client: str, deadline: Deadline, along: AskAlong | None = None
    ) -> Principal:
        """Raises AuthenticationError, StoreUnavailableError, DeadlineExceededError.

        `along` is called with a principal that is known from before, to see whether he still is.
        """
        ...


class GuardedAuthentication:
    """A blocked address is refused before its credential is looked at.

    The local administrator is let in from this machine all the same, so that somebody can always end a block.
    """

    def __init__(self, authentication: Authentication, detector: ThreatDetector) -> None:
        self._authentication, self._detector = authentication, detector

    async def authenticate(
        self, authorization: str | None, client: str, deadline: Deadline, along: AskAlong | None = None
    ) -> Principal:
        """See Authentication. Raises BlockedError too."""
        blocked: BlockedError | None = None
        try:
            self._detector.check(client)
        except BlockedError as error:
            if not is_loopback(client):
                raise
            blocked = error
        principal = await self._authentication.authenticate(authorization, client, deadline, along)
        if blocked is not None and (principal.tenant, principal.id) != (TENANT, ACCOUNT):
            raise blocked
        self._detector.check(principal)
        return principal
