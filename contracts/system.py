"""Payloads of the Model and System aggregates: what runs, and how it fares."""

from typing import ClassVar, Literal

from contracts.event_types import EventType
from contracts.payload import Count, Payload, Reason, Revision

Task = Literal["embedding", "entities", "relations"]
Health = Literal["healthy", "degraded", "down"]


class ModelLoaded(Payload):
    """A model was loaded for a task for the first time."""

    event_type: ClassVar[EventType] = EventType.MODEL_LOADED
    task: Task
    revision: Revision


class ModelUpdated(Payload):
    """Another revision took over a task. `reason`: why, where somebody changed it and said so."""

    event_type: ClassVar[EventType] = EventType.MODEL_UPDATED
    schema_version: ClassVar[int] = 2
    task: Task
    previous: Revision
    revision: Revision
    reason: Reason | None = None


class CacheCleared(Payload):
    """The kept outputs of one revision were thrown away."""

    event_type: ClassVar[EventType] = EventType.CACHE_CLEARED
    revision: Revision
    entries: Count
    reason: Reason | None = None


class SystemHealthChanged(Payload):
    """A process or server went away, came back, or is struggling."""

    event_type: ClassVar[EventType] = EventType.SYSTEM_HEALTH_CHANGED
    previous: Health
    health: Health
    detail: Reason | None = None
