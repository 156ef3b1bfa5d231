"""What names a person, or whatever else has a name, and its erasure from all documents."""

import contextlib
from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.payload import Identifier, Name, Reason
from gateway.erasures import RESOURCE, begin, waiting
from gateway.errors import MalformedRequestError
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from gateway.job_views import JOB, JobView, followed
from gateway.jobs import TooManyJobsError
from services.errors import NotFoundError
from services.storage.naming import MOST_NAMES, Naming

ErasureJobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Names = Annotated[list[Name], Field(min_length=1, max_length=MOST_NAMES)]


class Subject(BaseModel):
    """By names, or ids of entities."""

    model_config = ConfigDict(strict=True, extra="forbid")

    names: Names


class SubjectToErase(BaseModel):
    """`documents`: the list that was shown; what is not on it stays."""

    model_config = ConfigDict(strict=True, extra="forbid")

    names: Names
    documents: list[Identifier]
    reason: Reason


async def find(request: Request, subject: Subject) -> Naming:
    """Every document and question that names a subject, as the log says, former versions and deleted ones included."""
    exchange = exchange_of(request.scope)
    naming = services_of(request).documents.naming
    return await naming.find(exchange.caller, subject.names, deadline=exchange.deadline)


async def erase(request: Request, response: Response, subject: SubjectToErase) -> JobView:
    """Erase all documents of a list that name a subject, as a whole, and the questions that do; a job that is looked at
    by its id, and goes on by itself where the gateway is stopped. Nothing undoes it. The same subject is erased once at
    a time. Its result: the `documents` that are erased, counts of what went with them, and those that are `left`: they
    name the subject, and were not on the list.
    """
    exchange, services = exchange_of(request.scope), services_of(request)
    if not subject.reason.strip():
        raise MalformedRequestError("reason: is missing; say why the subject is erased")
    asked = await services.documents.asked_erasures.ask(
        exchange.caller, subject.names, subject.documents, reason=subject.reason, deadline=exchange.deadline
    )
    response.headers["location"] = f"/api/v1/subjects/jobs/{asked.id.hex}"
    with contextlib.suppress(TooManyJobsError):
        return JobView.of(begin(services.jobs, services.documents.asked_erasures, asked))
    # It has its turn when others ended.
    return JobView.of(waiting(asked))


async def job(request: Request, job_id: ErasureJobId) -> JobView:
    """How far the erasure of a subject is."""
    exchange, services = exchange_of(request.scope), services_of(request)
    with contextlib.suppress(NotFoundError):
        return JobView.of(services.jobs.get(exchange.caller, job_id, RESOURCE))
    asked = services.documents.asked_erasures
    return JobView.of(waiting(await asked.status(exchange.caller, UUID(job_id), deadline=exchange.deadline)))


async def stream(request: Request, job_id: ErasureJobId) -> Response:
    """The erasure of a subject as it goes on, as other jobs are followed, by the gateway that is at work on it."""
    return followed(request, services_of(request).jobs.get(exchange_of(request.scope).caller, job_id, RESOURCE))


async def cancel(request: Request, job_id: ErasureJobId) -> JobView:
    """Break off the erasure of a subject: what is erased stays so, and the rest stays. One that ended stays as it
    ended."""
    exchange, services = exchange_of(request.scope), services_of(request)
    asked = services.documents.asked_erasures
    with contextlib.suppress(NotFoundError):
        # First, so that nobody goes on with it.
        await asked.call_off(exchange.caller, UUID(job_id), deadline=exchange.deadline)
    return JobView.of(await services.jobs.cancel(exchange.caller, job_id, RESOURCE))


_EXAMPLE = {**JOB, "id": "5f1c9a620d534c618c0b0a52c39ff4f1", "kind": "erase subject", "total": 1}

HANDLERS = {
    "subject_finder": Handler(
        find,
        "documents",
        "Find what names a person.",
        raises=(400,),
        request={"names": ["Ada Lovelace"]},
        example={
            "names": ["Ada Lovelace", "Lady Lovelace"],
            "documents": [
                {
                    "document_id": "articles/lovelace",
                    "title": "Ada Lovelace",
                    "deleted": False,
                    "mentions": 3,
                    "texts": 2,
                    "described": True,
                }
            ],
            "questions": ["5f1c9a62-0d53-4c61-8c0b-0a52c39ff4f1"],
            "entities": ["6e1f5fd1-4a37-5e0b-b8c8-6d0f6c9d3f6b"],
        },
    ),
    "subject_eraser": Handler(
        erase,
        "documents",
        "Erase a person from all documents.",
        status=202,
        raises=(400,),
        request={"names": ["Ada Lovelace"], "documents": ["articles/lovelace"], "reason": "she asked for it"},
        example=_EXAMPLE,
    ),
    "subject_job": Handler(
        job,
        "documents",
        "How far the erasure of a person is.",
        raises=(404,),
        example={
            **_EXAMPLE,
            "state": "done",
            "done": 1,
            "result": {
                "documents": ["articles/lovelace"],
                "questions": 1,
                "entities": 2,
                "keys": 4,
                "in_the_clear": 0,
                "left": [],
            },
        },
    ),
    "subject_job_stream": Handler(
        stream,
        "documents",
        "Follow the erasure of a person.",
        raises=(404,),
        media_type="text/event-stream",
        example="event: done\ndata: {}\n\n",
    ),
    "subject_job_canceller": Handler(
        cancel,
        "documents",
        "Break off the erasure of a person.",
        raises=(404,),
        example={**_EXAMPLE, "state": "cancelled"},
    ),
}
