"""Payloads of the Entity aggregate: what people decide about an entity that documents name, and what rules do."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.event_types import EventType
from contracts.payload import EntityKind, Identifier, Items, Name, Payload, Reason, Revision, Share

MOST_ALIASES = 100


class EntityUpdated(Payload):
    """The entity's name, type and further names were set; where there is none, documents say what it is."""

    event_type: ClassVar[EventType] = EventType.ENTITY_UPDATED
    schema_version: ClassVar[int] = 2
    name: Name | None = None
    type: EntityKind | None = None
    aliases: Annotated[Items[Name], Field(max_length=MOST_ALIASES)] = ()
    reason: Reason | None = None


class EntityMerged(Payload):
    """This entity is the same as `into`."""

    event_type: ClassVar[EventType] = EventType.ENTITY_MERGED
    into: Identifier
    reason: Reason | None = None


class EntityValidated(Payload):
    """Somebody judged that the entity is, or is not, a real one."""

    event_type: ClassVar[EventType] = EventType.ENTITY_VALIDATED
    schema_version: ClassVar[int] = 2
    valid: bool
    confidence: Share
    reason: Reason | None = None


class EntitySplit(Payload):
    """What some documents call by this entity's name is another one, `into`. Which they are their MentionsReassigned of
    the same correlation say: an id in here would outlive the document's erasure.
    """

    event_type: ClassVar[EventType] = EventType.ENTITY_SPLIT
    schema_version: ClassVar[int] = 2
    into: Identifier
    reason: Reason | None = None


class EntityDecisionUndone(Payload):
    """A decision on this entity, its event number `version`, holds no longer."""

    event_type: ClassVar[EventType] = EventType.ENTITY_DECISION_UNDONE
    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="number of the event within the entity")]
    reason: Reason | None = None


class EntityAssigned(Payload):
    """By what documents say, this entity is the same as `into`. What people decide comes before it.

    `rule` says so of their names; `context` is the cosine of the contexts that it rests on, if on any.
    """

    event_type: ClassVar[EventType] = EventType.ENTITY_ASSIGNED
    into: Identifier
    rules: Revision
    rule: Reason
    confidence: Share
    context: Share | None = None


class EntityReleased(Payload):
    """By what documents say now, this entity is no longer the same as the one that it was assigned to."""

    event_type: ClassVar[EventType] = EventType.ENTITY_RELEASED
    rules: Revision
