"""What the use cases of entities give."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.entities import (
    EntityAssigned,
    EntityDecisionUndone,
    EntityMerged,
    EntityReleased,
    EntitySplit,
    EntityUpdated,
    EntityValidated,
)
from contracts.entity_decisions import NO_DECISIONS
from contracts.envelope import DomainEvent


@dataclass(frozen=True, slots=True)
class EntityChange:
    """`position`: of the last event that came of it, None where nothing changed. `into`: the other entity, if any."""

    entity_id: str
    name: str
    position: int | None
    into: str | None = None


@dataclass(frozen=True, slots=True)
class MadeDecision:
    """What somebody decided; `version` is what it is undone by. `in_force`: nobody undid it, or decided anew."""

    version: int
    what: str
    reason: str | None
    actor: str
    at: datetime
    in_force: bool


@dataclass(frozen=True, slots=True)
class Member:
    """An entity that was merged into another."""

    entity_id: str
    name: str


@dataclass(frozen=True, slots=True)
class EntityDetail:
    """An entity with what was merged into it, and what people decided on it; the oldest decision first.

    `next`: the cursor of the page of members behind, None where this is the last one.
    """

    entity_id: str
    name: str
    type: str | None
    mentions: int
    documents: int
    valid: bool | None
    aliases: Sequence[str]
    members: Sequence[Member]
    decisions: Sequence[MadeDecision]
    next: str | None = None


def made_decisions(events: Sequence[DomainEvent]) -> list[MadeDecision]:
    """Each event of an entity as it reads."""
    decisions = NO_DECISIONS
    for event in events:
        decisions = decisions.after(event.aggregate_version, event.event_data)
    in_force = decisions.in_force
    return [
        MadeDecision(
            version=event.aggregate_version,
            what=_told(event),
            reason=getattr(event.event_data, "reason", None),
            actor=event.metadata.actor,
            at=event.timestamp,
            in_force=event.aggregate_version in in_force,
        )
        for event in events
    ]


def _told(event: DomainEvent) -> str:
    match event.event_data:
        case EntityUpdated(name=name, type=kind, aliases=aliases):
            said = [f"named {name!r}"] if name else []
            said += [f"of type {kind}"] if kind else []
            said += [f"also called {', '.join(map(repr, aliases))}"] if aliases else []
            return ", ".join(said) or "called as documents call it"
        case EntityMerged(into=into):
            return f"merged into {into}"
        case EntityValidated(valid=valid, confidence=confidence):
            return f"{'validated' if valid else 'rejected'} with confidence {confidence:g}"
        case EntitySplit(into=into):
            return f"split: what some documents call so is {into}"
        case EntityAssigned(into=into, rule=rule, confidence=confidence):
            return f"assigned to {into} by its name ({rule}) with confidence {confidence:g}"
        case EntityReleased():
            return "by itself again, as documents call it now"
        case EntityDecisionUndone(version=version):
            return f"undone: decision {version}"
        case _:
            return str(event.event_type)
