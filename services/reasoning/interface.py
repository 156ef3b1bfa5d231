"""What the reasoning service is asked and says (specification 1.2); the local and the remote one are alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Protocol
from uuid import UUID, uuid4

from pydantic import Field

from contracts.payload import GenerationName, Question
from contracts.reasoning import MAX_SOURCES
from reasoning.results import Candidate, ScoredPassage, Step
from services.caller import Caller
from services.deadline import Deadline


@dataclass(frozen=True, slots=True)
class ReasoningQueryRequest:
    """A question, and how many sources its answer has at most. `query_id` makes it the same asking, recorded once.

    `at`: the generation of the past that answers, or `live`, where nothing is recorded; None for the live one.
    """

    query: Annotated[Question, Field(pattern=r"\S")]
    max_sources: Annotated[int, Field(ge=1, le=MAX_SOURCES)] = 5
    query_id: UUID = field(default_factory=uuid4)
    at: GenerationName | None = None


@dataclass(frozen=True, slots=True)
class ReasoningMetadata:
    """How the answer came about.

    `query_hash`: the key that it is kept by, where its confidence is over 0.8; another one as soon as the knowledge
    changes. `timings`: milliseconds of each step (`rate_limit`, `cache`, `reasoning`, `generating` with
    a generative model, `documents` that it cites, `recording`). `recorded`: the log
    has the event. `knowledge` names the state of the read models.
    """

    query_id: str
    query_hash: str
    cached: bool
    recorded: bool
    knowledge: str
    timings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ReasoningQueryResponse:
    """`answer` is a span of a source, or follows from several. Where nothing supports one it is None, `missing` says
    why, and `sources` are the passages that speak of the question, if any do. `steps` lead to the answer, `candidates`
    are the best spans, best first; those that contradict the answer say so, and it is no surer than 0.5 then, unless
    clearly more documents bear it out.

    `models` took part in the last step, if any did. `borne_out`: whether the sources bear out what a generative one
    said; None where none did. `note`: what else a person should know, such as that it was away.
    """

    answer: str | None
    confidence: float
    reasoning_chains: tuple[str, ...]
    sources: tuple[ScoredPassage, ...]
    processing_metadata: ReasoningMetadata
    steps: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    missing: str | None = None
    models: tuple[str, ...] = ()
    borne_out: bool | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """A query whose vector is wanted."""

    query: Annotated[Question, Field(pattern=r"\S")]


@dataclass(frozen=True, slots=True)
class EmbeddingResponse:
    """`vector` has length 1; `revision` is the embedder's."""

    revision: str
    vector: tuple[float, ...]


class Reasoning(Protocol):
    """Raises AccessDeniedError, InvalidRequestError, TooManyQuestionsError, OverloadedError, StoreUnavailableError,
    InferenceError, DeadlineExceededError; a remote one ServiceUnavailableError, too.
    """

    async def query(self, caller: Caller, request: ReasoningQueryRequest, deadline: Deadline) -> ReasoningQueryResponse:
        """Answer from the caller's documents."""
        ...

    async def embed(self, caller: Caller, request: EmbeddingRequest, deadline: Deadline) -> EmbeddingResponse:
        """What a query means, in the space of the passages."""
        ...
