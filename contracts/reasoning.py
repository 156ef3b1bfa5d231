"""Payloads of the ReasoningQuery aggregate: a question, its answer, and what became of them."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.event_types import EventType
from contracts.payload import Count, Digest, Identifier, Items, Offset, Part, Payload, Question, Reason, Share, Text

MAX_SOURCES = 50
ANSWER_CHARACTERS = 16_384
CHAIN_CHARACTERS = 2_000
STEP_CHARACTERS = 256
MAX_STEPS = 8
MAX_CANDIDATES = 5
MAX_MODELS = 3
MODEL_CHARACTERS = 200


class Source(Part):
    """A passage that supports an answer: a span of a document's text."""

    document_id: Identifier
    chunk_id: Identifier
    start: Offset
    end: Offset
    score: float


class ReasoningStep(Part):
    """A step on the way to an answer: what was asked, what was found, and where the sentence is that says so."""

    asked: Annotated[Text, Field(max_length=STEP_CHARACTERS)]
    found: Annotated[Text, Field(max_length=STEP_CHARACTERS)]
    document_id: Identifier
    chunk_id: Identifier
    start: Offset
    end: Offset


class ReasoningCandidate(Part):
    """A span that may be the answer, its share of what speaks for any, and where its sentence is."""

    answer: Annotated[Text, Field(max_length=STEP_CHARACTERS)]
    support: Share
    document_id: Identifier
    chunk_id: Identifier
    start: Offset
    end: Offset


class ReasoningQueryExecuted(Payload):
    """A question was asked and answered, or found to have no evidence (`answer` is then null).

    `steps` lead to the answer, `candidates` are the best spans; `missing` says why there is none. `models` took part in
    the last step; `borne_out`: whether the sources bear out what a generative one said, null where none did. `key`:
    what the answer may be kept by, or was when it came from the cache.
    """

    event_type: ClassVar[EventType] = EventType.REASONING_QUERY_EXECUTED
    schema_version: ClassVar[int] = 4
    question: Question
    answer: Annotated[Text, Field(max_length=ANSWER_CHARACTERS)] | None
    confidence: Share
    sources: Items[Source] = Field(max_length=MAX_SOURCES)
    chains: Items[Annotated[Text, Field(max_length=CHAIN_CHARACTERS)]] = Field(max_length=MAX_SOURCES)
    steps: Items[ReasoningStep] = Field(default=(), max_length=MAX_STEPS)
    candidates: Items[ReasoningCandidate] = Field(default=(), max_length=MAX_CANDIDATES)
    missing: Annotated[Text, Field(max_length=CHAIN_CHARACTERS)] | None = None
    models: Items[Annotated[Text, Field(max_length=MODEL_CHARACTERS)]] = Field(default=(), max_length=MAX_MODELS)
    borne_out: bool | None = None
    knowledge: Digest = Field(description="names the state of the read models that answered")
    cached: bool
    key: Digest | None = None
    milliseconds: Count


class ReasoningResultCached(Payload):
    """The answer was sure enough (specification 1.2: confidence over 0.8) to be kept."""

    event_type: ClassVar[EventType] = EventType.REASONING_RESULT_CACHED
    key: Digest
    confidence: Share


class ReasoningChainValidated(Payload):
    """Somebody judged one chain of an answer; null in `valid`: he took his judgement back."""

    event_type: ClassVar[EventType] = EventType.REASONING_CHAIN_VALIDATED
    schema_version: ClassVar[int] = 2
    chain: Count
    valid: bool | None
    reason: Reason | None = None
