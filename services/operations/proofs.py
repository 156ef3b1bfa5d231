"""A proof that one event is in the log, which anybody checks who has the public key: `examples/check_proof.py`."""

import base64
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from eventstore.chained_events import ChainedEvents
from eventstore.checkpoints import Checkpoints
from security.audit_chain import BEGINNING
from security.checkpoints import Checkpoint
from security.event_chain import ChainedEvent
from security.merkle import InclusionPath
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.operations.events import ReadEvents

PROOF_LIMIT_S = 600.0
"""What an edge grants: the hashes of all events are read."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Proof:
    """The event is the entry number `index` of the checkpoint's tree; `previous` is the hash that its own covers."""

    event: ChainedEvent
    previous: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint

    @property
    def described(self) -> dict[str, Any]:
        """As JSON: hashes in hexadecimal, the stored bytes in base64."""
        event = self.event
        return {
            "annals_proof": FORMAT,
            "event": {
                "position": event.position,
                "follows": event.follows,
                "recorded_at": event.recorded_at,
                "originator_id": str(event.originator_id),
                "originator_version": event.originator_version,
                "event_id": str(event.event_id),
                "event_type": event.topic,
                "tenant": event.tenant,
                "aggregate_id": event.aggregate_id,
                "correlation_id": event.correlation_id,
                "state": base64.b64encode(event.state).decode(),
            },
            "previous": self.previous.hex(),
            "index": self.index,
            "path": [one.hex() for one in self.path],
            "checkpoint": self.checkpoint.model_dump(mode="json"),
        }


class ProveEvent:
    """Raises AccessDeniedError, NotFoundError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, events: ReadEvents, chained: ChainedEvents, checkpoints: Checkpoints) -> None:
        self._events, self._chained, self._checkpoints = events, chained, checkpoints

    async def prove(self, caller: Caller, event_id: UUID, *, deadline: Deadline) -> Proof:
        """Of an event that the caller may read, by the newest checkpoint."""
        caller.require("events", "read")
        seen = await self._events.get(caller, event_id, deadline=deadline)
        assert seen.position is not None, "stored events have a position"
        async with deadline.enforce("proving an event"):
            newest = await self._checkpoints.newest()
            if newest is None or newest[0].position < seen.position:
                raise NotFoundError("no checkpoint was signed since that event was recorded; run `annals checkpoint`")
            checkpoint = newest[0]
            index = await self._chained.count(before=seen.position)
            path, previous, passed = InclusionPath(index, checkpoint.size), BEGINNING, 0
            async for page in self._checkpoints.hashes(0, checkpoint.position):
                for position, found in page:
                    path.add(found)
                    if passed < position < seen.position:
                        passed, previous = position, found
            event = await self._chained.at(seen.position)
            assert event is not None, "it was seen there"
        return Proof(event, previous, index, tuple(path.hashes), checkpoint)
