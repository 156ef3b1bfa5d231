"""What the AI processing service is asked and says (specification 1.2); the local and the remote one are alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import Field

from contracts.payload import Text
from services.caller import Caller
from services.deadline import Deadline

TEXT_CHARACTERS = 100_000
"""Of one request: some seconds of one core."""

RequestText = Annotated[Text, Field(min_length=1, max_length=TEXT_CHARACTERS, pattern=r"\S")]
Metadata = Mapping[str, str | int]
"""Which model made it (`model`), and the size of the text (`characters`, `chunks`)."""


@dataclass(frozen=True, slots=True)
class EntityExtractionRequest:
    """A text to find names in."""

    text: RequestText


@dataclass(frozen=True, slots=True)
class ExtractedEntity:
    """`text[start:end]`, in characters, names something of this type."""

    name: str
    type: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class EntityExtractionResponse:
    """Entities in the order of the text.

    `processing_time` in seconds; `confidence_scores`: of each name the highest.
    """

    entities: tuple[ExtractedEntity, ...]
    processing_time: float
    confidence_scores: Mapping[str, float]
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class SemanticChunkingRequest:
    """A text to be cut into chunks as a document of this text would be."""

    text: RequestText


@dataclass(frozen=True, slots=True)
class TextChunk:
    """`text[start:end]` of the request, of whole sentences; its length in the embedder's tokens."""

    index: int
    start: int
    end: int
    tokens: int
    text: str


@dataclass(frozen=True, slots=True)
class SemanticChunkingResponse:
    """Chunks in the order of the text; `processing_time` in seconds."""

    chunks: tuple[TextChunk, ...]
    processing_time: float
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class RelationshipMappingRequest:
    """A text to find statements in."""

    text: RequestText


@dataclass(frozen=True, slots=True)
class MappedRelationship:
    """`text[start:end]` states that the subject does, or is, something to the object; or denies it, if `negated`.

    `modality`, `time`, `valid_from` and `valid_until` are as in `contracts.documents.Relation`.
    """

    subject: str
    predicate: str
    object: str
    start: int
    end: int
    confidence: float
    negated: bool
    modality: str | None
    time: str | None
    valid_from: str | None
    valid_until: str | None


@dataclass(frozen=True, slots=True)
class RelationshipMappingResponse:
    """`confidence_scores`: of each predicate the highest; `processing_time` in seconds."""

    relationships: tuple[MappedRelationship, ...]
    processing_time: float
    confidence_scores: Mapping[str, float]
    metadata: Metadata


class AiProcessing(Protocol):
    """Nothing of what is sent is kept.

    Every method raises AccessDeniedError, InvalidRequestError, OverloadedError, DeadlineExceededError, InferenceError;
    a remote one ServiceUnavailableError, too.
    """

    async def extract_entities(
        self, caller: Caller, request: EntityExtractionRequest, deadline: Deadline
    ) -> EntityExtractionResponse:
        """What the text names."""
        ...

    async def create_chunks(
        self, caller: Caller, request: SemanticChunkingRequest, deadline: Deadline
    ) -> SemanticChunkingResponse:
        """Cut as the stage `chunking` cuts."""
        ...

    async def map_relationships(
        self, caller: Caller, request: RelationshipMappingRequest, deadline: Deadline
    ) -> RelationshipMappingResponse:
        """Who does what to whom, as the sentences say it."""
        ...
