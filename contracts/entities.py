"""Payloads of the Entity aggregate: what people decide about an entity that documents name."""

from typing import ClassVar

from pydantic import Field

from contracts.event_types import EventType
from contracts.payload import Identifier, Items, Name, Payload, Share


class EntityUpdated(Payload):
    """The entity's name and type were set, whatever the documents say."""

    event_type: ClassVar[EventType] = EventType.ENTITY_UPDATED
    name: Name
    type: str = Field(min_length=1, max_length=64)
    aliases: Items[Name] = ()


class EntityMerged(Payload):
    """This entity is the same as `into`."""

    event_type: ClassVar[EventType] = EventType.ENTITY_MERGED
    into: Identifier
    reason: str | None = Field(default=None, max_length=1024)


class EntityValidated(Payload):
    """Somebody judged that the entity is, or is not, a real one."""

    event_type: ClassVar[EventType] = EventType.ENTITY_VALIDATED
    valid: bool
    confidence: Share
