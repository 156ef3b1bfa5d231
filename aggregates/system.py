"""A part of the system, and how it fares. Its id is the part's name."""

from collections.abc import Iterable
from dataclasses import dataclass

from aggregates.cause import Cause
from contracts.envelope import DomainEvent
from contracts.system import Health, SystemHealthChanged


@dataclass(frozen=True, slots=True)
class SystemPart:
    """State of one part."""

    name: str
    version: int
    health: Health

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "SystemPart | None" = None) -> "SystemPart | None":
        """The state after `events`, which go on from `state`."""
        for event in events:
            if isinstance(event.event_data, SystemHealthChanged):
                state = SystemPart(event.aggregate_id, event.aggregate_version, event.event_data.health)
        return state


def change_health(
    state: SystemPart | None, name: str, health: Health, detail: str | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """Report how a part fares; a part is taken to be healthy until somebody says otherwise."""
    previous: Health = "healthy" if state is None else state.health
    if health == previous:
        return ()
    change = SystemHealthChanged(previous=previous, health=health, detail=detail)
    return (cause.event(change, name, 1 if state is None else state.version + 1),)
