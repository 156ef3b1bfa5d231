"""What a command needs to know of documents that are stored, and what it does with them, wherever they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from annals.loading import Loaded, Refused


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """As the log has it; `digest` is that of its text (sha256), in hexadecimal."""

    document_id: str
    title: str
    uri: str | None
    digest: str
    attributes: Mapping[str, Any]


class Stored(Protocol):
    """Where documents are kept: the databases of this installation, or a gateway. Every method raises AnnalsError."""

    async def below(self, id_prefix: str) -> Sequence[StoredDocument]:
        """All documents whose ids begin so, as the log has them now."""
        ...

    async def lines_below(self, file_prefix: str) -> Sequence[StoredDocument]:
        """All documents that are lines of files whose addresses begin so, as the log has them now."""
        ...

    async def take(self, documents: Sequence[Loaded]) -> Sequence[str | Refused]:
        """For each its outcome, or why it was refused."""
        ...

    async def delete(self, document_ids: Sequence[str], reason: str) -> None:
        """Those that are there."""
        ...
