"""What a producer, in any language, writes to the inbox topic: a `DocumentIngested` that still holds its text."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from contracts.codec import MalformedEventError, canonical, plain
from contracts.envelope import Correlation, Tenant, UtcTime
from contracts.limits import MAX_ATTRIBUTES_BYTES
from contracts.payload import Attributes, Identifier, Part, Party, Scalar, Text, Title, Uri
from contracts.text import is_blank

MOST_AHEAD = timedelta(days=1)
"""A producer's clock may be ahead by so much."""


class InboxDocument(Part):
    """The document itself. The text must hold more than white space."""

    title: Title
    text: Text = Field(min_length=1)
    uri: Uri | None = None
    attributes: Attributes = Field(
        default_factory=dict, description=f"at most {MAX_ATTRIBUTES_BYTES} bytes of JSON without spaces"
    )

    @field_validator("text")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if is_blank(value):
            raise ValueError("holds only white space and invisible characters; send the document's text")
        return value

    @field_validator("attributes")
    @classmethod
    def _not_too_much(cls, value: dict[str, Scalar]) -> dict[str, Scalar]:
        size = len(canonical(value))
        if size > MAX_ATTRIBUTES_BYTES:
            raise ValueError(f"take {size:,} bytes as JSON and the limit is {MAX_ATTRIBUTES_BYTES:,}; send less")
        return value


class InboxMetadata(Part):
    """Whose document it is (the topic's only tenant where none is named), and who says so: the producer's own claim."""

    tenant: Tenant | None = None
    actor: Party = "unknown"
    source: Party | None = None


class InboxEvent(BaseModel):
    """The envelope a producer fills in; `aggregate_id` makes it the same document.

    Taken once for each tenant, `aggregate_id` and `event_id`.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    event_id: UUID
    event_type: Literal["DocumentIngested"]
    schema_version: Literal[1] = 1
    aggregate_id: Identifier
    aggregate_version: Annotated[int, Field(ge=0)] | None = None
    event_data: InboxDocument
    metadata: InboxMetadata = InboxMetadata()
    timestamp: UtcTime
    correlation_id: Correlation | None = None
    causation_id: UUID | None = None
    position: None = None

    @field_validator("timestamp")
    @classmethod
    def _not_to_come(cls, value: datetime) -> datetime:
        if value - datetime.now(UTC) > MOST_AHEAD:
            raise ValueError(f"{value:%Y-%m-%d %H:%M} UTC is more than a day ahead of the clock here; set yours")
        return value

    @property
    def occurred(self) -> datetime:
        """When it happened, as its producer says, in UTC."""
        return self.timestamp


class ForeignTenantError(MalformedEventError):
    """The inbox does not speak for the message's tenant; write to that tenant's inbox."""


def decode_inbox(raw: bytes | None) -> InboxEvent:
    """Read one inbox message. Raises MalformedEventError with what is wrong and where."""
    if not raw:
        raise MalformedEventError("message is empty; send a DocumentIngested event as JSON")
    try:
        return InboxEvent.model_validate_json(raw)
    except ValidationError as error:
        raise MalformedEventError(plain(error)) from None


class _Claimed(BaseModel):
    """The two fields of a message that say whose it is, read alone."""

    aggregate_id: Any = None
    metadata: Any = None


_TENANT: TypeAdapter[str] = TypeAdapter(Tenant)
_DOCUMENT: TypeAdapter[str] = TypeAdapter(Identifier)


def claimed(raw: bytes | None) -> tuple[str | None, str | None]:
    """Tenant and document that a message names, also one that is malformed otherwise; None for what cannot be read."""
    try:
        message = _Claimed.model_validate_json(raw or b"")
    except ValidationError:
        return None, None
    named = message.metadata.get("tenant") if isinstance(message.metadata, dict) else None
    return _valid(_TENANT, named), _valid(_DOCUMENT, message.aggregate_id)


def _valid(kind: TypeAdapter[str], value: object) -> str | None:
    try:
        return kind.validate_python(value, strict=True)
    except ValidationError:
        return None
