"""Events: one, those of an aggregate or of a request, all of them, and as they come."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sse_starlette import EventSourceResponse, ServerSentEvent

from contracts.envelope import Correlation, DomainEvent
from contracts.event_types import AggregateKind, EventType
from contracts.payload import Identifier, Reason
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of, shown
from gateway.parameters import Cursor, Limit
from gateway.streams import PING_S, SEND_LIMIT_S, STREAM_LIMIT_S
from services.corrections.undoing import undone_as_json
from services.deadline import Deadline
from services.operations.events import EventPage
from services.operations.tracing import traced
from services.positions import Position

Types = Annotated[list[EventType] | None, Query(max_length=64, description="Of these types alone; repeatable.")]


class EventView(BaseModel):
    """An event as JSON. `event_data` has the schema of its type, in docs/schemas. `timestamp` is its producer's time;
    `recorded_at` the log's, which never goes back from one event to the next."""

    event_id: UUID
    event_type: EventType
    schema_version: int
    aggregate_kind: AggregateKind
    aggregate_id: str
    aggregate_version: int
    event_data: dict[str, Any]
    metadata: dict[str, Any]
    timestamp: datetime
    recorded_at: datetime
    correlation_id: str
    causation_id: UUID | None
    position: Position

    @classmethod
    def of(cls, request: Request, event: DomainEvent) -> "EventView":
        """As it is stored."""
        assert event.position is not None, "stored events have a position"
        own = {"aggregate_kind": event.kind, "position": shown(request, event.position)}
        return cls.model_validate(event.model_dump(mode="json") | own)


class Events(BaseModel):
    """In order."""

    events: list[EventView]
    next: str | None

    @classmethod
    def of(cls, request: Request, page: EventPage) -> "Events":
        """A page."""
        return cls(events=[EventView.of(request, event) for event in page.events], next=page.next)


async def read_all(request: Request, limit: Limit = 100, cursor: Cursor = None, type: Types = None) -> Events:
    """The events of the caller's tenant, in the order of the log."""
    exchange = exchange_of(request.scope)
    page = await services_of(request).operations.events.after(
        exchange.caller, after=cursor, limit=limit, types=type, deadline=exchange.deadline
    )
    return Events.of(request, page)


async def read_one(request: Request, event_id: UUID) -> EventView:
    """One event."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).operations.events.get(exchange.caller, event_id, deadline=exchange.deadline)
    return EventView.of(request, found)


async def of_aggregate(
    request: Request,
    kind: AggregateKind,
    aggregate_id: Annotated[Identifier, Path()],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Events:
    """What happened to one aggregate, by version."""
    exchange = exchange_of(request.scope)
    page = await services_of(request).operations.events.of_aggregate(
        exchange.caller, kind, aggregate_id, after=cursor, limit=limit, deadline=exchange.deadline
    )
    return Events.of(request, page)


async def of_part(
    request: Request,
    part_id: Annotated[Identifier, Path(description="Id of a relation or chunk, percent-encoded.")],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Events:
    """What people corrected of one relation or chunk, and what of it was undone."""
    exchange = exchange_of(request.scope)
    page = await services_of(request).operations.events.of_part(
        exchange.caller, part_id, after=cursor, limit=limit, deadline=exchange.deadline
    )
    return Events.of(request, page)


async def of_request(
    request: Request, correlation_id: Annotated[Correlation, Path()], limit: Limit = 100, cursor: Cursor = None
) -> Events:
    """Everything that one request or delivery led to: its correlation is its trace id, else its request id."""
    exchange = exchange_of(request.scope)
    page = await services_of(request).operations.events.of_request(
        exchange.caller, correlation_id, after=cursor, limit=limit, deadline=exchange.deadline
    )
    return Events.of(request, page)


class StepKind(BaseModel):
    """Events of one type that follow from one of another type, or (`cause` is null) from none of this request.

    Seconds are from when the cause was recorded until this was."""

    event_type: str
    cause: str | None
    events: int
    shortest_s: float | None
    median_s: float | None
    longest_s: float | None


class StepView(BaseModel):
    """One event of a request, without what it says. `after_s`: from when its cause was recorded until it was."""

    event_id: UUID
    event_type: EventType
    aggregate_kind: AggregateKind
    aggregate_id: str
    aggregate_version: int
    position: Position
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    cause: UUID | None
    cause_type: str | None
    cause_of: str | None
    after_s: float | None


class ProjectedView(BaseModel):
    """How far a read model is with the request's events that it takes. `by`: when it had all of them, at the latest."""

    read_model: str
    events: int
    last: Position
    position: Position
    done: bool
    by: datetime | None


class TraceView(BaseModel):
    """A request's events as a tree: each step names its cause, which comes before it. `steps` are a page of them, in
    the order of the log; all else is of the whole request."""

    correlation_id: str
    events: int
    began: datetime
    ended: datetime
    kinds: list[StepKind]
    read_models: list[ProjectedView]
    steps: list[StepView]
    next: str | None


async def trace(
    request: Request,
    name: Annotated[
        Identifier,
        Path(description="A correlation, or the id of an event, document, entity or question, percent-encoded."),
    ],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> TraceView:
    """What one request or delivery led to, as a tree of causes with the time of each step, and how far the read models
    are with it. A document, entity or question stands for the request that changed it last."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).operations.traces.trace(
        exchange.caller, [name], after=cursor, limit=limit, deadline=exchange.deadline
    )
    return TraceView.model_validate(traced(found, lambda position: shown(request, position)))


class UndoneEvent(BaseModel):
    """The event that was undone, and of what; `position` is that of the last event that came of it."""

    event_id: UUID
    event_type: EventType
    kind: AggregateKind
    aggregate_id: str
    position: Position | None


class Undoing(BaseModel):
    """Why; it is kept with the event."""

    model_config = ConfigDict(strict=True, extra="forbid")

    reason: Reason


async def undo(request: Request, event_id: UUID, body: Undoing) -> UndoneEvent:
    """Have things as they were before this event, by a new one: a deletion or update of a document, a correction of a
    chunk, relation or chain, a decision on an entity. Refused where something newer lies upon it, which is named."""
    exchange = exchange_of(request.scope)
    done = await services_of(request).corrections.undoing.undo(
        exchange.caller, event_id, reason=body.reason, deadline=exchange.deadline
    )
    return UndoneEvent.model_validate(undone_as_json(done, lambda position: shown(request, position)))


async def stream(
    request: Request,
    after: Annotated[str | None, Query(max_length=64, description="A position; without one, from now.")] = None,
    type: Types = None,
    last_event_id: Annotated[str | None, Header(max_length=64, description="Goes on behind this position.")] = None,
) -> Response:
    """Events as they are appended (server-sent events): `id` is the position, `event` the type, `data` the event.

    A stream ends after some minutes; whoever comes again with `Last-Event-ID` misses none.
    """
    exchange, services = exchange_of(request.scope), services_of(request)
    events, caller = services.operations.events, exchange.caller
    head = await events.head(caller, deadline=Deadline.after(10.0))
    given = last_event_id if last_event_id is not None else after
    begin = head if given is None else services.positions.read(caller, given)
    stack = contextlib.ExitStack()
    stack.enter_context(services.streams.one(caller))

    async def messages() -> AsyncIterator[ServerSentEvent]:
        with stack:
            # The answer's head is seen at once, also where nothing happens.
            yield ServerSentEvent(comment="begins", id=str(shown(request, begin)), retry=1000)
            async for batch in events.tail(caller, after=begin, types=type, deadline=Deadline.after(STREAM_LIMIT_S)):
                for event in batch.events:
                    view = EventView.of(request, event)
                    yield ServerSentEvent(
                        data=view.model_dump_json(), event=str(event.event_type), id=str(view.position)
                    )
                if not batch.events:
                    yield ServerSentEvent(comment="quiet", id=str(shown(request, batch.position)))

    return EventSourceResponse(
        messages(), ping=PING_S, send_timeout=SEND_LIMIT_S, shutdown_event=services.streams.stopping
    )


TRACE = {
    "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "events": 1,
    "began": "2026-01-05T10:00:02.5Z",
    "ended": "2026-01-05T10:00:02.5Z",
    "kinds": [
        {
            "event_type": "DocumentDeleted",
            "cause": None,
            "events": 1,
            "shortest_s": None,
            "median_s": None,
            "longest_s": None,
        }
    ],
    "read_models": [
        {
            "read_model": "relational",
            "events": 1,
            "last": 20,
            "position": 20,
            "done": True,
            "by": "2026-01-05T10:00:02.9Z",
        }
    ],
    "steps": [
        {
            "event_id": "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11",
            "event_type": "DocumentDeleted",
            "aggregate_kind": "document",
            "aggregate_id": "articles/lovelace",
            "aggregate_version": 6,
            "position": 20,
            "actor": "ada",
            "occurred_at": "2026-01-05T10:00:00Z",
            "recorded_at": "2026-01-05T10:00:02.5Z",
            "cause": None,
            "cause_type": None,
            "cause_of": None,
            "after_s": None,
        }
    ],
    "next": None,
}

EVENT = {
    "event_id": "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11",
    "event_type": "DocumentDeleted",
    "schema_version": 1,
    "aggregate_kind": "document",
    "aggregate_id": "articles/lovelace",
    "aggregate_version": 6,
    "event_data": {"reason": None},
    "metadata": {"tenant": "default", "actor": "ada", "source": "http"},
    "timestamp": "2026-01-05T10:00:00Z",
    "recorded_at": "2026-01-05T10:00:02.5Z",
    "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "causation_id": None,
    "position": 20,
}
PAGE = {"events": [EVENT], "next": None}

HANDLERS = {
    "event_list": Handler(read_all, "events", "Read events.", raises=(400,), example=PAGE),
    "event_reader": Handler(read_one, "events", "Read an event.", raises=(404,), example=EVENT),
    "events_of_aggregate": Handler(
        of_aggregate, "events", "Read the events of an aggregate.", raises=(400, 404), example=PAGE
    ),
    "events_of_part": Handler(
        of_part,
        "events",
        "Read what people corrected of a relation or chunk.",
        raises=(400, 404),
        example={
            "events": [
                {
                    **EVENT,
                    "event_type": "RelationshipValidated",
                    "schema_version": 2,
                    "aggregate_version": 7,
                    "event_data": {
                        "relation_id": "r1",
                        "valid": False,
                        "reason": "her letters",
                        "statement": None,
                        "earlier": None,
                    },
                }
            ],
            "next": None,
        },
    ),
    "events_of_request": Handler(of_request, "events", "Read what a request led to.", raises=(400,), example=PAGE),
    "request_tracer": Handler(
        trace, "events", "Read what a request led to, as a tree of causes.", raises=(400, 404), example=TRACE
    ),
    "event_undoer": Handler(
        undo,
        "events",
        "Undo what an event did.",
        raises=(400, 404, 409),
        request={"reason": "It was the wrong file."},
        example={
            "event_id": "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11",
            "event_type": "DocumentDeleted",
            "kind": "document",
            "aggregate_id": "articles/lovelace",
            "position": 21,
        },
    ),
    "event_stream": Handler(
        stream,
        "events",
        "Follow events as they are appended.",
        raises=(400,),
        media_type="text/event-stream",
        example="id: 20\nevent: DocumentDeleted\ndata: {}\n\n",
    ),
}
