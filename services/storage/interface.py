"""What the storage service is asked and says (specification 1.2); the local and the remote one are alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Protocol
from uuid import UUID, uuid4

from pydantic import Field

from contracts.payload import Attributes, Identifier, Text, Title, Uri
from services.caller import Caller
from services.deadline import Deadline
from services.storage.intake import Outcome

TEXT_CHARACTERS = 8_388_608
"""What no setting allows more than; the setting `max_document_bytes` is less."""


@dataclass(frozen=True, slots=True)
class StoreDocumentRequest:
    """A document. `document_id` makes it the same document, `delivery_id` the same delivery of it, stored once.

    `expected_version`: the version that it must have before, 0 for one that must be new; None for any.
    """

    document_id: Identifier
    title: Title
    text: Annotated[Text, Field(max_length=TEXT_CHARACTERS)]
    uri: Uri | None = None
    attributes: Attributes = field(default_factory=dict)
    delivery_id: UUID = field(default_factory=uuid4)
    expected_version: Annotated[int, Field(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class StorageLocation:
    """The log or a read model, how far in the log it is, and whether it has this document as it was just stored.

    `position` is None where the store does not say it in time.
    """

    store: str
    position: int | None
    current: bool


@dataclass(frozen=True, slots=True)
class StoreDocumentResponse:
    """The log has the document, so every store will.

    `processing_metadata`: `outcome` (ingested, updated, unchanged, duplicate), `version` of the document and its
    `position` in the log, `correlation_id` of the events, and `milliseconds`.
    """

    document_id: str
    outcome: Outcome
    storage_locations: tuple[StorageLocation, ...]
    processing_metadata: Mapping[str, str | int]


class Storage(Protocol):
    """Raises AccessDeniedError, InvalidRequestError, DocumentTooLargeError, VersionMismatchError, OverloadedError,
    StoreUnavailableError, ConflictError, DeadlineExceededError; a remote one ServiceUnavailableError, too.
    """

    async def store_document(
        self, caller: Caller, request: StoreDocumentRequest, deadline: Deadline
    ) -> StoreDocumentResponse:
        """Store it in all stores or in none."""
        ...
