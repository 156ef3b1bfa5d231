"""The Entity: what people decide about a thing that documents name."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aggregates.cause import Cause, RefusedError
from contracts.entities import EntityMerged, EntityUpdated, EntityValidated
from contracts.envelope import DomainEvent


@dataclass(frozen=True, slots=True)
class Entity:
    """State of one entity's decisions. An entity that nobody decided on has no state."""

    entity_id: str
    version: int
    updated: EntityUpdated | None = None
    merged_into: str | None = None
    validated: EntityValidated | None = None

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "Entity | None" = None) -> "Entity | None":
        """The state after `events`, which go on from `state`."""
        for event in events:
            state = replace(state or Entity(event.aggregate_id, 0), version=event.aggregate_version)
            match event.event_data:
                case EntityUpdated() as updated:
                    state = replace(state, updated=updated)
                case EntityMerged() as merged:
                    state = replace(state, merged_into=merged.into)
                case EntityValidated() as validated:
                    state = replace(state, validated=validated)
        return state


def update(state: Entity | None, entity_id: str, change: EntityUpdated, cause: Cause) -> tuple[DomainEvent, ...]:
    """Set name and type; the same again changes nothing. Raises RefusedError when merged already."""
    _refuse_if_merged(state)
    if state is not None and state.updated == change:
        return ()
    return (cause.event(change, entity_id, _next(state)),)


def merge(state: Entity | None, entity_id: str, merge: EntityMerged, cause: Cause) -> tuple[DomainEvent, ...]:
    """Call the entity the same as another. Raises RefusedError for itself, or when merged already."""
    if merge.into == entity_id:
        raise RefusedError(f"entity {entity_id} cannot be merged into itself")
    if state is not None and state.merged_into == merge.into:
        return ()
    _refuse_if_merged(state)
    return (cause.event(merge, entity_id, _next(state)),)


def validate(state: Entity | None, entity_id: str, judgement: EntityValidated, cause: Cause) -> tuple[DomainEvent, ...]:
    """Judge the entity; the same judgement again changes nothing. Raises RefusedError when merged already."""
    _refuse_if_merged(state)
    if state is not None and state.validated == judgement:
        return ()
    return (cause.event(judgement, entity_id, _next(state)),)


def _next(state: Entity | None) -> int:
    return 1 if state is None else state.version + 1


def _refuse_if_merged(state: Entity | None) -> None:
    if state is not None and state.merged_into is not None:
        raise RefusedError(f"entity {state.entity_id} was merged into {state.merged_into}; decide on that one")
