"""What can be read from the relational read model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is, of one tenant. `waiting`: documents that are not processed yet."""

    documents: int
    chunks: int
    entities: int
    relations: int
    waiting: int


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as dashboards show it."""

    document_id: str
    title: str
    uri: str | None
    attributes: dict[str, Any]
    digest: str
    characters: int
    bytes: int
    taken_at: datetime
    stage: str
    since: datetime
    chunks: Sequence[dict[str, Any]]
    entities: Sequence[dict[str, Any]]
    relations: Sequence[dict[str, Any]]


class RelationalReader(Protocol):
    """Reads rows. Every method raises StoreUnavailableError when the database is away."""

    async def counts(self, tenant: str) -> Counts:
        """How much there is."""
        ...

    async def unprocessed(self, tenant: str, limit: int) -> list[tuple[str, datetime]]:
        """Documents that are not processed yet, with the time of their last event; the longest waiting first."""
        ...

    async def document(self, tenant: str, document_id: str) -> DocumentRow | None:
        """One document with what was found in it."""
        ...

    async def with_attributes(self, tenant: str, attributes: dict[str, Any], limit: int) -> list[str]:
        """Ids of the documents that have all of these attributes, by id; at most `limit`."""
        ...

    async def having(self, tenant: str, document_ids: Sequence[str], attributes: dict[str, Any]) -> set[str]:
        """Those of these documents that have all of these attributes."""
        ...
