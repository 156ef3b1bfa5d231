"""Payloads of the Entity aggregate: what people decide about an entity that documents name."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.event_types import EventType
from contracts.payload import EntityKind, Identifier, Items, Name, Payload, Reason, Share


class EntityUpdated(Payload):
    """The entity's name and type were set, whatever the documents say."""

    event_type: ClassVar[EventType] = EventType.ENTITY_UPDATED
    name: Name
    type: EntityKind
    aliases: Annotated[Items[Name], Field(max_length=100)] = ()


class EntityMerged(Payload):
    """This entity is the same as `into`."""

    event_type: ClassVar[EventType] = EventType.ENTITY_MERGED
    into: Identifier
    reason: Reason | None = None


class EntityValidated(Payload):
    """Somebody judged that the entity is, or is not, a real one."""

    event_type: ClassVar[EventType] = EventType.ENTITY_VALIDATED
    valid: bool
    confidence: Share
