"""What names a person, or whatever else has a name, and its erasure from all documents."""

from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.payload import Identifier, Name, Reason
from gateway.errors import MalformedRequestError
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from services.storage.naming import MOST_NAMES, Naming

MOST_DOCUMENTS = 1_000
"""In one request; who has more sends several, each erases its part."""
Names = Annotated[list[Name], Field(min_length=1, max_length=MOST_NAMES)]


class Subject(BaseModel):
    """By names, or ids of entities."""

    model_config = ConfigDict(strict=True, extra="forbid")

    names: Names


class SubjectToErase(BaseModel):
    """`documents`: the list that was shown; what is not on it stays."""

    model_config = ConfigDict(strict=True, extra="forbid")

    names: Names
    documents: Annotated[list[Identifier], Field(max_length=MOST_DOCUMENTS)]
    reason: Reason


class ErasedSubject(BaseModel):
    """How many questions, entities that nothing else names, and data keys went with the documents. `in_the_clear`:
    events that were recorded before events were sealed, which stay as they are. `left`: what names it and was not on
    the list."""

    model_config = ConfigDict(strict=True)

    documents: list[str]
    questions: int
    entities: int
    keys: int
    in_the_clear: int
    left: list[str]


async def find(request: Request, subject: Subject) -> Naming:
    """Every document and question that names a subject, as the log says, former versions and deleted ones included."""
    exchange = exchange_of(request.scope)
    naming = services_of(request).documents.naming
    return await naming.find(exchange.caller, subject.names, deadline=exchange.deadline)


async def erase(request: Request, subject: SubjectToErase) -> ErasedSubject:
    """Erase all documents of a list that name a subject, as a whole, and the questions that do. Nothing undoes it."""
    exchange = exchange_of(request.scope)
    if not subject.reason.strip():
        raise MalformedRequestError("reason: is missing; say why the subject is erased")
    done = await services_of(request).documents.subjects.erase(
        exchange.caller,
        subject.names,
        set(subject.documents),
        reason=subject.reason,
        correlation_id=exchange.correlation_id,
        deadline=exchange.deadline,
    )
    erasure = done.erasure
    return ErasedSubject(
        documents=list(erasure.documents),
        questions=erasure.questions,
        entities=erasure.entities,
        keys=erasure.keys,
        in_the_clear=erasure.in_the_clear,
        left=list(done.left),
    )


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
        raises=(400, 409),
        request={"names": ["Ada Lovelace"], "documents": ["articles/lovelace"], "reason": "she asked for it"},
        example={
            "documents": ["articles/lovelace"],
            "questions": 1,
            "entities": 2,
            "keys": 4,
            "in_the_clear": 0,
            "left": [],
        },
    ),
}
