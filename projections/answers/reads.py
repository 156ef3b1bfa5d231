"""The reasoning cache, whichever database holds it."""

from typing import Protocol

KEPT_S = 30 * 24 * 3600
"""How long an answer is kept. Its key names the state of the knowledge, so age alone never makes it wrong."""


class AnswerCache(Protocol):
    """Which earlier question answers a key. Every method raises StoreUnavailableError when the database is away."""

    async def open(self) -> None:
        """Make it where there is none."""
        ...

    async def keep(self, tenant: str, key: str, query_id: str) -> None:
        """Remember a question for its key, for KEPT_S; the last one stays. Doing it twice changes nothing."""
        ...

    async def find(self, tenant: str, key: str) -> str | None:
        """Id of the question that was kept for this key."""
        ...


class NothingKept:
    """For answers that are given once."""

    async def open(self) -> None:
        """Nothing."""

    async def keep(self, tenant: str, key: str, query_id: str) -> None:
        """Nothing."""

    async def find(self, tenant: str, key: str) -> str | None:
        """None."""
        return None
