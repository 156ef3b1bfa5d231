"""What there is and how far everything is, and which models serve."""

from datetime import datetime
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from contracts.system import Task
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from services.operations.status import Position, RelayLag, as_json


class StandsStill(BaseModel):
    """A document that waits before `stage` although nothing is in its way."""

    document_id: str
    stage: str
    since: datetime


class Status(BaseModel):
    """As `annals status --json`; null is what is not known, or not the caller's to know. `unknown`: why, by part.

    The numbers are the caller's tenant's. Log, stages, read models, databases and Kafka are all tenants', and told to
    operators alone.
    """

    documents: int | None
    waiting: int | None
    chunks: int | None
    entities: int | None
    relations: int | None
    dead_letters: int | None
    dead_letters_of_no_tenant: int | None
    events: dict[str, int] | None
    standing_still: list[StandsStill]
    paused: list[dict[str, Any]]
    position: int | None
    relay: RelayLag | None
    consumers: dict[str, Position]
    projections: dict[str, Position]
    databases: dict[str, dict[str, Any]]
    kafka: dict[str, Any] | None
    unknown: dict[str, str]


class ServingModel(BaseModel):
    """`revision` serves `task`, and did since the event of this `version`."""

    task: Task
    revision: str
    version: int


class StoredVectors(BaseModel):
    """Passages whose vectors an embedder of this revision made."""

    revision: str
    passages: int


class Models(BaseModel):
    """`coming`: the revision of the embedder whose vectors are being made, to take over. `stored`: more than one is
    mended by `POST /models/embedder`. `answering`: what the gateway's settings name for the last step of an answer,
    with what each does."""

    serving: list[ServingModel]
    coming: str | None
    stored: list[StoredVectors]
    answering: list[str]


async def status(request: Request) -> Status:
    """The whole installation for operators; for others what there is of their tenant."""
    exchange = exchange_of(request.scope)
    service = services_of(request).operations.status
    whole = exchange.caller.access.decide("system", "read").allowed
    read = service.read if whole else service.read_of_tenant
    return Status(**as_json(await read(exchange.caller, deadline=exchange.shorter_deadline)))


async def models(request: Request) -> Models:
    """Which revision serves each task, and which made the vectors that are stored."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).serving.overview(exchange.caller, deadline=exchange.deadline)
    return Models(
        serving=[ServingModel(task=one.task, revision=one.revision, version=one.version) for one in found.serving],
        coming=found.coming,
        stored=[StoredVectors(revision=revision, passages=count) for revision, count in found.stored.items()],
        answering=list(found.answering),
    )


EXAMPLE = {
    "documents": 12,
    "waiting": 0,
    "chunks": 31,
    "entities": 40,
    "relations": 22,
    "dead_letters": 0,
    "dead_letters_of_no_tenant": 0,
    "events": {"DocumentIngested": 12},
    "standing_still": [],
    "paused": [],
    "position": 120,
    "relay": {"lag": 0, "seconds": 0.0},
    "consumers": {"chunking": {"position": 120, "lag": 0, "seconds": 0.0}},
    "projections": {"graph": {"position": 120, "lag": 0, "seconds": 0.0}},
    "databases": {"postgres": {"health": "healthy", "answer_ms": 1.2}},
    "kafka": {"health": "healthy", "answer_ms": 3.0, "error": None},
    "unknown": {},
}

HANDLERS = {
    "status_reader": Handler(status, "system", "What there is, and how far everything is.", example=EXAMPLE),
    "model_list": Handler(
        models,
        "system",
        "Which models serve.",
        example={
            "serving": [{"task": "embedding", "revision": "minilm-l6@1", "version": 1}],
            "coming": None,
            "stored": [{"revision": "minilm-l6@1", "passages": 31}],
            "answering": ["reader: organisation/reader"],
        },
    ),
}
