"""How an aggregate is named outside the event store's own ids."""

from typing import NamedTuple

from contracts.brief_event import FoldableEvent
from contracts.event_types import AggregateKind


class AggregateKey(NamedTuple):
    """One aggregate of one tenant."""

    tenant: str
    kind: AggregateKind
    aggregate_id: str

    @classmethod
    def of(cls, event: FoldableEvent) -> "AggregateKey":
        """The aggregate whose event it is."""
        return cls(event.tenant, event.kind, event.aggregate_id)
