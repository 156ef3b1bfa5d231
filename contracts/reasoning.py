"""Payloads of the ReasoningQuery aggregate: a question, its answer, and what became of them."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.event_types import EventType
from contracts.payload import Count, Digest, Identifier, Items, Offset, Part, Payload, Question, Reason, Share, Text

MAX_SOURCES = 50
ANSWER_CHARACTERS = 16_384
CHAIN_CHARACTERS = 2_000


class Source(Part):
    """A passage that supports an answer: a span of a document's text."""

    document_id: Identifier
    chunk_id: Identifier
    start: Offset
    end: Offset
    score: float


class ReasoningQueryExecuted(Payload):
    """A question was asked and answered, or found to have no evidence (`answer` is then null)."""

    event_type: ClassVar[EventType] = EventType.REASONING_QUERY_EXECUTED
    question: Question
    answer: Annotated[Text, Field(max_length=ANSWER_CHARACTERS)] | None
    confidence: Share
    sources: Items[Source] = Field(max_length=MAX_SOURCES)
    chains: Items[Annotated[Text, Field(max_length=CHAIN_CHARACTERS)]] = Field(max_length=MAX_SOURCES)
    knowledge: Digest = Field(description="names the state of the read models that answered")
    cached: bool
    milliseconds: Count


class ReasoningResultCached(Payload):
    """The answer was sure enough (specification 1.2: confidence over 0.8) to be kept."""

    event_type: ClassVar[EventType] = EventType.REASONING_RESULT_CACHED
    key: Digest
    confidence: Share


class ReasoningChainValidated(Payload):
    """Somebody judged one chain of an answer."""

    event_type: ClassVar[EventType] = EventType.REASONING_CHAIN_VALIDATED
    chain: Count
    valid: bool
    reason: Reason | None = None
