"""Questions."""

from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.payload import GenerationName, Question
from contracts.reasoning import MAX_SOURCES
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from services.reasoning.interface import ReasoningQueryRequest, ReasoningQueryResponse


class Query(BaseModel):
    """`max_sources`: how many sources the answer has at most. `at`: the generation of the past that answers.

    What was known then is answered from no cache, and the answer is not recorded.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    query: Annotated[Question, Field(pattern=r"\S")]
    max_sources: Annotated[int, Field(ge=1, le=MAX_SOURCES)] = 5
    at: GenerationName | None = None


async def answer(request: Request, query: Query) -> ReasoningQueryResponse:
    """Answer a question from the caller's documents, with the steps that lead to the answer and its sources,
    each cited by file, page and headings.

    `answer` is a span of a source, or follows from several; it is null where nothing supports one, and `missing` says
    why. Of `candidates` those that contradict it say so, with their documents' dates. Where a generative model words
    it, `borne_out` says whether the sources bear it out.
    """
    exchange = exchange_of(request.scope)
    models = await services_of(request).models(exchange.deadline)
    asked = ReasoningQueryRequest(query.query, query.max_sources, exchange.delivery_id, query.at)
    return await models.reasoning.query(exchange.caller, asked, exchange.deadline)


CITATION = {"file": "https://example.org/lovelace.pdf", "page": 3, "last_page": 3, "headings": ["Life", "Work"]}

HANDLERS = {
    "reasoning_engine": Handler(
        answer,
        "reasoning",
        "Ask a question.",
        raises=(404, 409),
        request={"query": "Who wrote the first program?", "max_sources": 3},
        example={
            "answer": "Ada Lovelace",
            "confidence": 0.87,
            "reasoning_chains": ["question -> Ada Lovelace (Ada Lovelace)"],
            "steps": [
                {
                    "asked": "person",
                    "found": "Ada Lovelace",
                    "sentence": "Ada Lovelace wrote the first program for the Analytical Engine.",
                    "title": "Ada Lovelace",
                    "document_id": "articles/lovelace",
                    "chunk_id": "5f0c",
                    "start": 0,
                    "end": 63,
                    "citation": CITATION,
                }
            ],
            "candidates": [
                {
                    "answer": "Ada Lovelace",
                    "support": 0.93,
                    "sentence": "Ada Lovelace wrote the first program for the Analytical Engine.",
                    "title": "Ada Lovelace",
                    "document_id": "articles/lovelace",
                    "chunk_id": "5f0c",
                    "start": 0,
                    "end": 63,
                    "documents": 1,
                    "contradicts": False,
                    "date": "2026-01-05",
                    "date_of": "said",
                    "citation": CITATION,
                }
            ],
            "missing": None,
            "models": [],
            "borne_out": None,
            "note": None,
            "sources": [
                {
                    "document_id": "articles/lovelace",
                    "title": "Ada Lovelace",
                    "chunk_id": "5f0c",
                    "start": 0,
                    "end": 63,
                    "text": "Ada Lovelace wrote the first program for the Analytical Engine.",
                    "score": 0.91,
                    "citation": CITATION,
                }
            ],
            "processing_metadata": {
                "query_id": "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11",
                "query_hash": "8b1a",
                "cached": False,
                "recorded": True,
                "knowledge": "c0ffee",
                "timings": {"cache": 1.2, "reasoning": 38.0, "recording": 4.1},
            },
        },
    )
}
