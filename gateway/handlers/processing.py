"""Texts of callers through the models; nothing of them is kept."""

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from services.processing.interface import (
    EntityExtractionRequest,
    EntityExtractionResponse,
    RequestText,
    SemanticChunkingRequest,
    SemanticChunkingResponse,
)


class SomeText(BaseModel):
    """A text in any language that the models know."""

    model_config = ConfigDict(strict=True, extra="forbid")

    text: RequestText


async def extract_entities(request: Request, given: SomeText) -> EntityExtractionResponse:
    """What a text names, in the order of the text, by the models that documents are read with. Nothing is kept."""
    exchange = exchange_of(request.scope)
    models = await services_of(request).models(exchange.deadline)
    asked = EntityExtractionRequest(given.text)
    return await models.processing.extract_entities(exchange.caller, asked, exchange.deadline)


async def create_chunks(request: Request, given: SomeText) -> SemanticChunkingResponse:
    """A text cut as a document of this text would be: whole sentences, at most a number of tokens. Nothing is kept."""
    exchange = exchange_of(request.scope)
    models = await services_of(request).models(exchange.deadline)
    asked = SemanticChunkingRequest(given.text)
    return await models.processing.create_chunks(exchange.caller, asked, exchange.deadline)


TEXT = {"text": "Ada Lovelace met Charles Babbage in London."}

HANDLERS = {
    "entity_extractor": Handler(
        extract_entities,
        "entities",
        "Find what a text names.",
        request=TEXT,
        example={
            "entities": [{"name": "Ada Lovelace", "type": "person", "start": 0, "end": 12, "confidence": 0.92}],
            "processing_time": 0.021,
            "confidence_scores": {"Ada Lovelace": 0.92},
            "metadata": {"model": "en_core_web_sm@3.8.0", "characters": 43, "chunks": 1},
        },
    ),
    "semantic_chunker": Handler(
        create_chunks,
        "chunks",
        "Cut a text into chunks.",
        request=TEXT,
        example={
            "chunks": [{"index": 0, "start": 0, "end": 43, "tokens": 10, "text": TEXT["text"]}],
            "processing_time": 0.008,
            "metadata": {"model": "en_core_web_sm@3.8.0", "characters": 43, "chunks": 1},
        },
    ),
}
