"""An account or an address as threats are told of it: whether it is blocked now."""

from collections.abc import Iterable
from dataclasses import dataclass

from aggregates.cause import Cause
from contracts.envelope import DomainEvent
from contracts.threats import IdentityBlocked, IdentityUnblocked, ThreatDetected


@dataclass(frozen=True, slots=True)
class Identity:
    """State of one identity."""

    id: str
    version: int
    blocked: bool

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "Identity | None" = None) -> "Identity | None":
        """The state after `events`, which go on from `state`."""
        for event in events:
            before = state is not None and state.blocked
            blocked = isinstance(event.event_data, IdentityBlocked) or (
                before and not isinstance(event.event_data, IdentityUnblocked)
            )
            state = Identity(event.aggregate_id, event.aggregate_version, blocked)
        return state


def report(
    state: Identity | None, identity_id: str, threat: ThreatDetected, block_s: int | None, cause: Cause
) -> tuple[DomainEvent, ...]:
    """Tell of a threat; with `block_s` the identity is blocked for so long, from now on."""
    version = 1 if state is None else state.version + 1
    events = [cause.event(threat, identity_id, version)]
    if block_s is not None:
        blocked = IdentityBlocked(seconds=block_s, explanation=threat.explanation)
        events.append(cause.event(blocked, identity_id, version + 1))
    return tuple(events)


def unblock(state: Identity | None, explanation: str, cause: Cause) -> tuple[DomainEvent, ...]:
    """End the block, if there is one."""
    if state is None or not state.blocked:
        return ()
    return (cause.event(IdentityUnblocked(explanation=explanation), state.id, state.version + 1),)
