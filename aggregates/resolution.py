"""The Entity as rules for names see it: what they assign, and take back, where people have not decided."""

from aggregates.cause import Cause
from aggregates.entity import Entity
from contracts.entities import EntityAssigned, EntityReleased
from contracts.envelope import DomainEvent

RULES = "names/1"
"""Revision of the rules (aggregates/matching)."""


def assign(state: Entity | None, entity_id: str, assigned: EntityAssigned, cause: Cause) -> tuple[DomainEvent, ...]:
    """Call the entity the same as another. Nothing happens where people decided who it is, or refused the rules."""
    if assigned.into == entity_id or _is_decided(state):
        return ()
    before = None if state is None else state.decisions.assigned
    if before is not None and before[1].into == assigned.into:
        return ()
    return (cause.event(assigned, entity_id, 1 if state is None else state.version + 1),)


def release(state: Entity | None, cause: Cause) -> tuple[DomainEvent, ...]:
    """Take back what the rules assigned, if anything."""
    if state is None or state.decisions.assigned is None:
        return ()
    return (cause.event(EntityReleased(rules=RULES), state.entity_id, state.version + 1),)


def is_decided_by_people(state: Entity | None) -> bool:
    """Whether people decided anything of it; rules leave all that have its name as they are then."""
    return state is not None and bool(state.decisions.made)


def assigned_to(state: Entity | None) -> str | None:
    """To which entity the rules assigned it, whatever people decided since."""
    return None if state is None or state.decisions.assigned is None else state.decisions.assigned[1].into


def _is_decided(state: Entity | None) -> bool:
    if state is None:
        return False
    decisions = state.decisions
    return decisions.refused or decisions.merged_by_people is not None or bool(decisions.splits)
