"""The Entity: what people decide about a thing that documents name, and what of it was undone.

Decisions of one kind lie upon one another: the last one is in force, and undoing it brings back the one before.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aggregates.cause import Cause, RefusedError
from contracts.entities import (
    MOST_ALIASES,
    EntityAssigned,
    EntityDecisionUndone,
    EntityMerged,
    EntitySplit,
    EntityUpdated,
    EntityValidated,
)
from contracts.entity_decisions import NO_DECISIONS, EntityDecision, EntityDecisions
from contracts.envelope import DomainEvent


@dataclass(frozen=True, slots=True)
class Entity:
    """State of one entity's decisions. An entity that nobody decided on has no state."""

    entity_id: str
    version: int
    decisions: EntityDecisions = NO_DECISIONS

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "Entity | None" = None) -> "Entity | None":
        """The state after `events`, which go on from `state`."""
        for event in events:
            before = NO_DECISIONS if state is None else state.decisions
            after = before.after(event.aggregate_version, event.event_data)
            state = Entity(event.aggregate_id, event.aggregate_version, after)
        return state

    @property
    def merged_into(self) -> str | None:
        """The entity that it is the same as."""
        return self.decisions.merged_into


def update(state: Entity | None, entity_id: str, change: EntityUpdated, cause: Cause) -> tuple[DomainEvent, ...]:
    """Set name, type and further names; the same again changes nothing. Raises RefusedError when merged already."""
    _refuse_if_merged(state)
    if (present(state).name, present(state).type, present(state).aliases) == (change.name, change.type, change.aliases):
        return ()
    return (cause.event(change, entity_id, _next(state)),)


def rename(
    state: Entity | None, entity_id: str, name: str | None, kind: str | None, reason: str | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """Set the name, the type or both; None leaves it as it is. Raises RefusedError when merged already."""
    now = present(state)
    change = EntityUpdated(name=name or now.name, type=kind or now.type, aliases=now.aliases, reason=reason)
    return update(state, entity_id, change, cause)


def add_alias(
    state: Entity | None, entity_id: str, alias: str, reason: str | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """One more name; one that it has changes nothing. Raises RefusedError when merged, or where it has enough."""
    now = present(state)
    if alias in now.aliases:
        _refuse_if_merged(state)
        return ()
    if len(now.aliases) >= MOST_ALIASES:
        raise RefusedError(f"entity {entity_id} has {MOST_ALIASES} aliases; remove one first")
    change = EntityUpdated(name=now.name, type=now.type, aliases=(*now.aliases, alias), reason=reason)
    return update(state, entity_id, change, cause)


def remove_alias(
    state: Entity | None, entity_id: str, alias: str, reason: str | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """One name less. Raises RefusedError for one that nobody gave it, and when merged already."""
    now = present(state)
    _refuse_if_merged(state)
    if alias not in now.aliases:
        has = ", ".join(map(repr, now.aliases)) or "none"
        raise RefusedError(f"entity {entity_id} was not given the alias {alias!r}; it has {has}")
    left = tuple(one for one in now.aliases if one != alias)
    return update(state, entity_id, EntityUpdated(name=now.name, type=now.type, aliases=left, reason=reason), cause)


def merge(state: Entity | None, entity_id: str, merge: EntityMerged, cause: Cause) -> tuple[DomainEvent, ...]:
    """Call the entity the same as another, whatever rules say. Raises RefusedError for itself, or when merged already.

    By people, that is.
    """
    if merge.into == entity_id:
        raise RefusedError(f"entity {entity_id} cannot be merged into itself")
    if state is not None and state.decisions.merged_by_people is not None:
        if state.merged_into == merge.into:
            return ()
        _refuse_if_merged(state)
    return (cause.event(merge, entity_id, _next(state)),)


def validate(state: Entity | None, entity_id: str, judgement: EntityValidated, cause: Cause) -> tuple[DomainEvent, ...]:
    """Judge the entity; the same judgement again changes nothing. Raises RefusedError when merged already."""
    _refuse_if_merged(state)
    before = None if state is None else state.decisions.validated
    if before is not None and (before.valid, before.confidence) == (judgement.valid, judgement.confidence):
        return ()
    return (cause.event(judgement, entity_id, _next(state)),)


def split(state: Entity | None, entity_id: str, split: EntitySplit, cause: Cause) -> tuple[DomainEvent, ...]:
    """Take what documents say out of the entity, into another. A merged one has mentions of its own, so it may be."""
    if split.into == entity_id:
        raise RefusedError(f"entity {entity_id} cannot be split into itself")
    return (cause.event(split, entity_id, _next(state)),)


def undo(
    state: Entity | None, entity_id: str, version: int | None, reason: str | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """Undo a decision, the last one where no version is given. Raises RefusedError where `undoable` does."""
    undone, _ = undoable(state, entity_id, version)
    return (cause.event(EntityDecisionUndone(version=undone, reason=reason), entity_id, _next(state)),)


def undo_all(state: Entity | None, entity_id: str, reason: str | None, cause: Cause) -> tuple[DomainEvent, ...]:
    """Undo every decision that is in force, the last one first."""
    events: list[DomainEvent] = []
    while state is not None and state.decisions.made:
        undone = undo(state, entity_id, None, reason, cause)
        state = Entity.project(undone, state)
        events.extend(undone)
    return tuple(events)


def undoable(state: Entity | None, entity_id: str, version: int | None) -> tuple[int, EntityDecision | EntityAssigned]:
    """The decision that would be undone. Raises RefusedError where there is none, or a later one lies upon it.

    What rules decided may be undone, too, where people decided nothing since; the rules do not decide it again.
    """
    assigned = None if state is None else state.decisions.assigned
    if assigned is not None and (version == assigned[0] or (version is None and state and not state.decisions.made)):
        return assigned
    if state is None or not state.decisions.made:
        raise RefusedError(f"nothing that was decided on entity {entity_id} is in force; there is nothing to undo")
    if version is None:
        return state.decisions.made[-1]
    found = next((one for one in state.decisions.made if one[0] == version), None)
    if found is None:
        inforce = ", ".join(str(one) for one, _ in state.decisions.made)
        raise RefusedError(f"decision {version} on entity {entity_id} is not in force; those in force are {inforce}")
    if not isinstance(found[1], EntitySplit):
        later = next((at for at, one in state.decisions.made if at > version and type(one) is type(found[1])), None)
        if later is not None:
            raise RefusedError(f"decision {later} on entity {entity_id} came after {version}; undo that one first")
    return found


def present(state: Entity | None) -> EntityUpdated:
    """Name, type and further names in force; nothing where nobody decided."""
    return (None if state is None else state.decisions.updated) or EntityUpdated()


def _next(state: Entity | None) -> int:
    return 1 if state is None else state.version + 1


def _refuse_if_merged(state: Entity | None) -> None:
    if state is not None and state.merged_into is not None:
        raise RefusedError(f"entity {state.entity_id} was merged into {state.merged_into}; decide on that one")
