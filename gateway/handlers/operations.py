"""For operators: dead letters, reprocessing, and read models as they are and built anew."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.payload import Identifier, Reason
from eventstore.dead_letters import DeadLetter, Status
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of, shown
from gateway.parameters import Prefer
from gateway.preferences import until_processed
from services.operations.dead_letters import Retry
from services.operations.reprocessing import Reprocessed
from services.positions import Position
from services.storage.waiting import DocumentProgress

LetterId = Annotated[int, Field(ge=1, le=2**62)]
Ids = Annotated[list[LetterId], Field(min_length=1, max_length=1000)]


class Letter(BaseModel):
    """A message that was set aside. Its body is not shown: it holds what its sender wrote.

    `partition` and `offset` are for whoever runs the installation: they count the messages of all tenants.
    """

    id: int
    consumer: str
    topic: str
    partition: int | None
    offset: int | None
    aggregate_id: str | None
    event_id: str | None
    position: Position | None
    error: str
    cause: str
    attempts: int
    status: Status
    reason: str | None
    created_at: datetime | None

    @classmethod
    def of(cls, request: Request, letter: DeadLetter) -> "Letter":
        """Without what is for the relay alone."""
        assert letter.id is not None, "it is stored"
        whole = exchange_of(request.scope).caller.access.decide("system", "read").allowed
        return cls(
            id=letter.id,
            consumer=letter.consumer,
            topic=letter.topic,
            partition=letter.partition if whole else None,
            offset=letter.offset if whole else None,
            aggregate_id=letter.aggregate_id,
            event_id=letter.event_id,
            position=None if letter.position is None else shown(request, letter.position),
            error=letter.error,
            cause=letter.cause,
            attempts=letter.attempts,
            status=letter.status,
            reason=letter.reason,
            created_at=letter.created_at,
        )


class Letters(BaseModel):
    """The newest first."""

    letters: list[Letter]


class LettersToRetry(BaseModel):
    """Without `ids`, all that are not done with."""

    model_config = ConfigDict(strict=True, extra="forbid")

    ids: Ids | None = None


class LettersToDrop(BaseModel):
    """`reason` is kept with them."""

    model_config = ConfigDict(strict=True, extra="forbid")

    ids: Ids
    reason: Annotated[Reason, Field(min_length=1)]


class Dropped(BaseModel):
    """Those that were not done with."""

    ids: list[int]


class Wanted(BaseModel):
    """Documents, by their ids."""

    model_config = ConfigDict(strict=True, extra="forbid")

    documents: Annotated[list[Identifier], Field(min_length=1, max_length=1000)]


class ToReprocess(Wanted):
    """Documents that stand still."""


async def list_letters(
    request: Request,
    status: Annotated[Status | None, Query(description="Without one, all.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Letters:
    """Messages of the caller's tenant that could not be processed."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).operations.dead_letters.newest(
        exchange.caller, status, limit, all_tenants=False, deadline=exchange.deadline
    )
    return Letters(letters=[Letter.of(request, letter) for letter in found.letters])


async def read_letter(request: Request, letter_id: LetterId) -> Letter:
    """One of them."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).operations.dead_letters.get(
        exchange.caller, letter_id, all_tenants=False, deadline=exchange.deadline
    )
    return Letter.of(request, found)


async def retry_letters(request: Request, wanted: LettersToRetry) -> Retry:
    """Have these processed once more, and say what became of them; what is not known in time is still being tried."""
    exchange = exchange_of(request.scope)
    return await services_of(request).operations.dead_letters.retry(
        exchange.caller, wanted.ids, all_tenants=False, deadline=exchange.shorter_deadline
    )


async def drop_letters(request: Request, wanted: LettersToDrop) -> Dropped:
    """Give these up."""
    exchange = exchange_of(request.scope)
    done = await services_of(request).operations.dead_letters.drop(
        exchange.caller, wanted.ids, wanted.reason, all_tenants=False, deadline=exchange.deadline
    )
    return Dropped(ids=list(done))


async def progress(request: Request, response: Response, wanted: Wanted, prefer: Prefer = None) -> DocumentProgress:
    """How far documents are: done, set aside with the cause, or waiting. Those that are not there are done."""
    exchange, waiting = exchange_of(request.scope), services_of(request).documents.waiting
    if (applied := await until_processed(exchange, waiting, wanted.documents, prefer)) is not None:
        response.headers["preference-applied"] = applied
    return await waiting.progress(exchange.caller, wanted.documents, deadline=exchange.deadline)


async def reprocess(request: Request, wanted: ToReprocess) -> Reprocessed:
    """Have the stages look at documents once more, where something is left to be done."""
    exchange = exchange_of(request.scope)
    return await services_of(request).operations.reprocess.reprocess(
        exchange.caller, wanted.documents, deadline=exchange.deadline
    )


LETTER = {
    "id": 7,
    "consumer": "chunking",
    "topic": "annals.documents",
    "partition": 2,
    "offset": 41,
    "aggregate_id": "articles/lovelace",
    "event_id": "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11",
    "position": 12,
    "error": "InferenceError",
    "cause": "the model cannot be loaded",
    "attempts": 1,
    "status": "open",
    "reason": None,
    "created_at": "2026-01-05T10:00:00Z",
}

HANDLERS = {
    "dead_letter_list": Handler(list_letters, "dead letters", "List dead letters.", example={"letters": [LETTER]}),
    "dead_letter_reader": Handler(read_letter, "dead letters", "Read a dead letter.", raises=(404,), example=LETTER),
    "dead_letter_retrier": Handler(
        retry_letters,
        "dead letters",
        "Try dead letters again.",
        request={"ids": [7]},
        example={"letters": [{"letter_id": 7, "outcome": "resolved", "cause": None}], "missing": []},
    ),
    "dead_letter_dropper": Handler(
        drop_letters,
        "dead letters",
        "Give dead letters up.",
        request={"ids": [7], "reason": "was a test"},
        example={"ids": [7]},
    ),
    "progress_reader": Handler(
        progress,
        "processing",
        "How far documents are.",
        request={"documents": ["articles/lovelace", "articles/babbage"]},
        example={"done": ["articles/lovelace"], "failed": {}, "waiting": ["articles/babbage"]},
    ),
    "reprocessor": Handler(
        reprocess,
        "processing",
        "Have documents that stand still go on.",
        request={"documents": ["articles/lovelace"]},
        example={"asked": ["articles/lovelace"], "finished": [], "unknown": []},
    ),
}
