"""Payloads of the Identity aggregate: an account or an address that behaves as it never did. Its id is `account/NAME`
of the event's tenant, or `address/ADDRESS`."""

from typing import ClassVar, Literal

from contracts.event_types import EventType
from contracts.payload import Count, Payload, Reason

ThreatKind = Literal["failures", "denials", "rate", "volume", "new_origin"]


class ThreatDetected(Payload):
    """Something is not as usual: `observed` of it in a window, where `limit` was to be expected at most."""

    event_type: ClassVar[EventType] = EventType.THREAT_DETECTED
    kind: ThreatKind
    observed: Count
    limit: Count
    explanation: Reason


class IdentityBlocked(Payload):
    """It is refused for so many seconds, after which that ends by itself."""

    event_type: ClassVar[EventType] = EventType.IDENTITY_BLOCKED
    seconds: Count
    explanation: Reason


class IdentityUnblocked(Payload):
    """It is refused no more: the time was over, or somebody ended the block."""

    event_type: ClassVar[EventType] = EventType.IDENTITY_UNBLOCKED
    explanation: Reason
