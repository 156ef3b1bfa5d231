"""What one request or delivery led to: its events as a tree of causes, and how far the read models are with them."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python

from contracts.envelope import DomainEvent
from contracts.event_types import AggregateKind, EventType
from contracts.topics import Partition, Topics
from eventstore.causes import CauseOf, RequestCauses, StepCount
from eventstore.positions import ConsumerPositions, TimedPosition
from eventstore.reader import EventReader
from projections.graph.model import GraphModel
from projections.relational.model import RelationalModel
from projections.vector.model import VectorModel
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.operations.events import ReadEvents, Sight, sight_of
from services.operations.progress import followed_partitions
from services.positions import Position
from services.storage.lookup import find_aggregate, find_within

TRACE_LIMIT_S = 60.0
"""What an edge grants."""
MODELS = (RelationalModel, GraphModel, VectorModel)
_CORRELATION = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One event. `occurred_at` is its producer's time, `recorded_at` the log's.

    `cause` is the event that it follows from, of which `cause_type` and `after_s`, the seconds from when that was
    recorded until this was, are None where it cannot be seen: a message of an inbox, say.
    `cause_of` is the correlation of a cause that is of another request.
    """

    event_id: UUID
    event_type: EventType
    aggregate_kind: AggregateKind
    aggregate_id: str
    aggregate_version: int
    position: int
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    cause: UUID | None
    cause_type: str | None
    cause_of: str | None
    after_s: float | None


@dataclass(frozen=True, slots=True)
class Projected:
    """How far a read model is: at `position` of the log; it takes `events` of the request's, the last one at `last`.

    `done`: it has all of them, since `by` at the latest, where that is known.
    """

    read_model: str
    events: int
    last: int
    position: int
    done: bool
    by: datetime | None


@dataclass(frozen=True, slots=True)
class Trace:
    """`steps` are a page, in the order of the log, where a cause comes first; all else is of the whole request."""

    correlation_id: str
    events: int
    began: datetime
    ended: datetime
    kinds: tuple[StepCount, ...]
    read_models: tuple[Projected, ...]
    steps: tuple[TraceStep, ...]
    next: str | None


class TraceRequests:
    """Whoever sees some events alone has the trace of those (`ReadEvents`)."""

    def __init__(
        self,
        events: ReadEvents,
        reader: EventReader,
        causes: RequestCauses,
        positions: ConsumerPositions,
        topics: Topics,
    ) -> None:
        self._events = events
        self._reader = reader
        self._causes = causes
        self._positions = positions
        self._followed = followed_partitions(topics)

    async def trace(
        self, caller: Caller, names: Sequence[str], *, after: str | None, limit: int, deadline: Deadline
    ) -> Trace:
        """Of the first of `names` that is a correlation, an event's id, or the id of a document, entity or question,
        which stands for the request that changed it last.

        Raises AccessDeniedError, NotFoundError, WrongCursorError, StoreUnavailableError, DeadlineExceededError.
        """
        sight = sight_of(caller, None)
        async with deadline.enforce("tracing a request"):
            correlation_id = await self._correlation(caller, sight, names)
            kinds = await self._causes.steps(caller.tenant, correlation_id, sight.types, sight.collections)
            timed = await self._positions.timed()
        page = await self._events.of_request(caller, correlation_id, after=after, limit=limit, deadline=deadline)
        async with deadline.enforce("tracing a request"):
            wanted = {event.causation_id for event in page.events if event.causation_id is not None}
            causes = await self._causes.of(caller.tenant, wanted, sight.types, sight.collections)
        return Trace(
            correlation_id,
            events=sum(one.events for one in kinds),
            began=min(one.began for one in kinds),
            ended=max(one.ended for one in kinds),
            kinds=tuple(kinds),
            read_models=tuple(self._projected(timed, kinds)),
            steps=tuple(_step(event, correlation_id, causes) for event in page.events),
            next=page.next,
        )

    async def _correlation(self, caller: Caller, sight: Sight, names: Sequence[str]) -> str:
        for name in names:
            # Anything else is in no event.
            if _CORRELATION.fullmatch(name) and await self._reader.seen.of_request(
                caller.tenant, name, sight.types, sight.collections, 0, 1
            ):
                return name
            event_id = _uuid(name)
            found = await self._reader.seen.with_id(caller.tenant, event_id, sight.collections) if event_id else None
            if found is not None and found.event_type in sight.types:
                return found.correlation_id
        try:
            if sight.collections is None:
                key = await find_aggregate(self._reader, caller, names)
            else:
                key = await find_within(self._reader, caller, names, sight.collections)
        except NotFoundError:
            raise NotFoundError(
                f"there is no request, event, document, entity or question {names[0]!r}; "
                "`annals history` gives the events of a document with their ids and correlations"
            ) from None
        latest = (await self._reader.last.of([key]))[key]
        return (await self._reader.seen.of_aggregate(key, sight.collections, latest.version - 1, 1))[0].correlation_id

    def _projected(
        self, timed: Mapping[str, Mapping[Partition, TimedPosition]], kinds: Sequence[StepCount]
    ) -> list[Projected]:
        found = []
        for model in MODELS:
            own = [one for one in kinds if one.event_type in model.event_types]
            if own:
                last = max(one.position for one in own)
                at = [timed.get(model.name, {}).get(one, TimedPosition(0, None)) for one in self._followed[model.name]]
                position = min(one.position for one in at)
                done = position >= last
                events = sum(one.events for one in own)
                found.append(Projected(model.name, events, last, position, done, _latest(at) if done else None))
        return found


def traced(trace: Trace, shown: Callable[[int], Position]) -> dict[str, Any]:
    """As edges give it, as JSON, with positions as their caller may see them."""
    given: dict[str, Any] = to_jsonable_python(
        {
            "correlation_id": trace.correlation_id,
            "events": trace.events,
            "began": trace.began,
            "ended": trace.ended,
            "kinds": [
                {name: value for name, value in one._asdict().items() if name not in ("began", "ended", "position")}
                for one in trace.kinds
            ],
            "read_models": [
                asdict(one) | {"last": shown(one.last), "position": shown(one.position)} for one in trace.read_models
            ],
            "steps": [asdict(one) | {"position": shown(one.position)} for one in trace.steps],
            "next": trace.next,
        }
    )
    return given


def _latest(timed: Collection[TimedPosition]) -> datetime | None:
    """When the last partition came to where it is; None where that of one is not known."""
    times = [one.at for one in timed if one.at is not None]
    return max(times) if len(times) == len(timed) else None


def _step(event: DomainEvent, correlation_id: str, causes: Mapping[UUID, CauseOf]) -> TraceStep:
    assert event.position is not None and event.recorded_at is not None, "stored events have both"
    cause = None if event.causation_id is None else causes.get(event.causation_id)
    return TraceStep(
        event.event_id,
        event.event_type,
        event.kind,
        event.aggregate_id,
        event.aggregate_version,
        event.position,
        event.metadata.actor,
        event.timestamp,
        event.recorded_at,
        event.causation_id,
        None if cause is None else cause.event_type,
        None if cause is None or cause.correlation_id == correlation_id else cause.correlation_id,
        None if cause is None else (event.recorded_at - cause.recorded_at).total_seconds(),
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
