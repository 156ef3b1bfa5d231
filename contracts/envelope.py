"""The envelope around every event (specification 2.1, `DomainEvent`)."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
)

from contracts.event_types import KIND_OF, AggregateKind, EventType
from contracts.payload import Identifier, Part, Party, Payload
from contracts.registry import PAYLOADS

Tenant = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Correlation = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from None


UtcTime = Annotated[AwareDatetime, AfterValidator(_utc)]


class EventMetadata(Part):
    """Whose event it is, who caused it, and through what."""

    tenant: Tenant = "default"
    actor: Party = "unknown"
    source: Party = "unknown"


class DomainEvent(BaseModel):
    """One thing that happened to one aggregate. Frozen; equal by content.

    `aggregate_version` counts the aggregate's events from 1; `position` is its position in the whole log, and
    `recorded_at` the log's own time, which never goes back from one position to the next: both are set once the event
    is stored. `timestamp` is its producer's, and orders nothing.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    event_id: UUID
    event_type: Annotated[EventType, Field(strict=False)]
    schema_version: int = Field(ge=1)
    aggregate_id: Identifier
    aggregate_version: int = Field(ge=1)
    event_data: SerializeAsAny[Payload]
    metadata: EventMetadata
    timestamp: UtcTime
    correlation_id: Correlation
    causation_id: UUID | None = None
    position: int | None = Field(default=None, ge=1)
    recorded_at: UtcTime | None = None

    @field_validator("event_data", mode="wrap")
    @classmethod
    def _payload_of_type(cls, value: Any, _handler: Any, info: ValidationInfo) -> Payload:
        event_type, version = info.data.get("event_type"), info.data.get("schema_version")
        if event_type is None or version is None:
            raise ValueError("cannot be read without a valid event_type and schema_version")
        model = PAYLOADS[event_type]
        if version != model.schema_version:
            raise ValueError(
                f"{event_type} of schema_version {version} is not read here (newest: {model.schema_version})"
            )
        if isinstance(value, Payload):
            if type(value) is not model:
                raise ValueError(f"{event_type} carries {model.__name__}, not {type(value).__name__}")
            return value
        return model.model_validate(value)

    @property
    def kind(self) -> AggregateKind:
        """Kind of the aggregate that owns this event."""
        return KIND_OF[self.event_type]

    @property
    def tenant(self) -> str:
        """Whose event it is."""
        return self.metadata.tenant

    def at(self, position: int, recorded_at: datetime | None = None) -> "DomainEvent":
        """The same event, once stored at `position`."""
        return self.model_copy(update={"position": position, "recorded_at": recorded_at})


def new_event(
    payload: Payload,
    *,
    aggregate_id: str,
    aggregate_version: int,
    metadata: EventMetadata,
    correlation_id: str,
    causation_id: UUID | None = None,
    event_id: UUID | None = None,
    timestamp: datetime | None = None,
) -> DomainEvent:
    """Wrap `payload` into an event that is not stored yet."""
    return DomainEvent(
        event_id=event_id or uuid4(),
        event_type=payload.event_type,
        schema_version=payload.schema_version,
        aggregate_id=aggregate_id,
        aggregate_version=aggregate_version,
        event_data=payload,
        metadata=metadata,
        timestamp=timestamp or datetime.now(UTC),
        correlation_id=correlation_id,
        causation_id=causation_id,
    )
