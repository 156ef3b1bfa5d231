"""Read models as they were, by the names of their generations."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.payload import GenerationName
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of, shown
from gateway.handlers.projections import ReadModelName, begun
from gateway.job_views import JOB, JobView
from gateway.jobs import Report
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import REBUILD_LIMIT_S
from services.past.generations import EXPIRES_S, check_name
from services.past.moments import MOST_S, moment_of
from services.positions import CHARACTERS, Position


class PastToMake(BaseModel):
    """`moment`: a position as it was shown, a time, a date, how long ago (`2h ago`), or `now`. `read_models`: without,
    all of them. `expires_seconds`: how long it is kept.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    name: GenerationName
    moment: Annotated[str, Field(min_length=1, max_length=64)]
    read_models: Annotated[list[ReadModelName], Field(min_length=1, max_length=len(READ_MODELS))] | None = None
    expires_seconds: Annotated[float, Field(ge=1, le=MOST_S)] = EXPIRES_S


class PastGeneration(BaseModel):
    """Read models as of a position of the log, whose last event was recorded at `recorded_at`; null before the first.

    The numbers are of what the caller may see.
    """

    name: str
    position: Position
    recorded_at: datetime | None
    expires_at: datetime | None
    documents: int
    waiting: int
    chunks: int
    entities: int
    relations: int


async def read(request: Request, name: Annotated[GenerationName, Path()]) -> PastGeneration:
    """A generation of the past, and how much there is in it."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).past.status(exchange.caller, name, deadline=exchange.deadline)
    counts = found.counts
    return PastGeneration(
        name=name,
        position=shown(request, found.generation.position),
        recorded_at=found.generation.recorded_at,
        expires_at=found.generation.expires_at,
        documents=counts.documents,
        waiting=counts.waiting,
        chunks=counts.chunks,
        entities=counts.entities,
        relations=counts.relations,
    )


async def make(request: Request, response: Response, wanted: PastToMake) -> JobView:
    """Make the read models as they were at a moment, beside today's; a job that is looked at by its id."""
    exchange, services = exchange_of(request.scope), services_of(request)
    check_name(wanted.name)
    is_position = wanted.moment.isdecimal() or len(wanted.moment) == CHARACTERS
    moment = (
        services.positions.read(exchange.caller, wanted.moment)
        if is_position
        else moment_of(wanted.moment, datetime.now(UTC))
    )
    names = list(dict.fromkeys(wanted.read_models or READ_MODELS))
    total = await services.operations.rebuilding.aggregates(names, deadline=exchange.deadline)

    async def work(report: Report) -> dict[str, Any]:
        made = await services.past.generations.make(
            exchange.caller,
            wanted.name,
            moment,
            names,
            report,
            expires_s=wanted.expires_seconds,
            deadline=Deadline.after(REBUILD_LIMIT_S),
        )
        return {
            "name": made.name,
            "position": services.positions.shown(exchange.caller, made.position),
            "recorded_at": None if made.recorded_at is None else made.recorded_at.isoformat(),
            "expires_at": None if made.expires_at is None else made.expires_at.isoformat(),
            "rows": made.rows,
        }

    return begun(response, services.jobs.start(exchange.caller, f"as of {wanted.name}", total, work))


HANDLERS = {
    "past_maker": Handler(
        make,
        "projections",
        "Make read models as they were.",
        status=202,
        request={"name": "monday", "moment": "2026-01-05T10:00+01:00"},
        example={**JOB, "kind": "as of monday"},
    ),
    "past_reader": Handler(
        read,
        "projections",
        "Read models as they were.",
        raises=(404,),
        example={
            "name": "monday",
            "position": 19,
            "recorded_at": "2026-01-05T10:00:00Z",
            "expires_at": "2026-01-06T10:00:00Z",
            "documents": 3,
            "waiting": 0,
            "chunks": 9,
            "entities": 12,
            "relations": 5,
        },
    ),
}
