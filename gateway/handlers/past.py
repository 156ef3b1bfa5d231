"""Read models as they were, by the names of their generations."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel

from contracts.payload import GenerationName
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of, shown
from services.positions import Position


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


HANDLERS = {
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
