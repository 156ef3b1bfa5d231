"""What services can be asked from afar: one table, which servers and clients read alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter

from services.processing.interface import (
    EntityExtractionRequest,
    EntityExtractionResponse,
    RelationshipMappingRequest,
    RelationshipMappingResponse,
    SemanticChunkingRequest,
    SemanticChunkingResponse,
)
from services.reasoning.interface import (
    EmbeddingRequest,
    EmbeddingResponse,
    ReasoningQueryRequest,
    ReasoningQueryResponse,
)
from services.storage.interface import StoreDocumentRequest, StoreDocumentResponse

VERSION = "1.0"
"""Of all requests and responses."""
PROCESSING, STORAGE, REASONING = "processing", "storage", "reasoning"


@dataclass(frozen=True)
class Operation:
    """`is_idempotent`: doing it twice is as doing it once, so that it may be sent again without knowing what became of
    the first. `limit_s`: no call is granted more.
    """

    service: str
    name: str
    request: type[Any]
    response: type[Any]
    limit_s: float
    is_idempotent: bool = True

    @cached_property
    def requests(self) -> TypeAdapter[Any]:
        """Reads and writes requests as JSON."""
        return TypeAdapter(self.request)

    @cached_property
    def responses(self) -> TypeAdapter[Any]:
        """Reads and writes responses as JSON."""
        return TypeAdapter(self.response)


OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation(PROCESSING, "extract_entities", EntityExtractionRequest, EntityExtractionResponse, 60.0),
        Operation(PROCESSING, "create_chunks", SemanticChunkingRequest, SemanticChunkingResponse, 60.0),
        Operation(PROCESSING, "map_relationships", RelationshipMappingRequest, RelationshipMappingResponse, 60.0),
        # By its delivery_id and its query_id, respectively.
        Operation(STORAGE, "store_document", StoreDocumentRequest, StoreDocumentResponse, 120.0),
        Operation(REASONING, "query", ReasoningQueryRequest, ReasoningQueryResponse, 120.0),
        Operation(REASONING, "embed", EmbeddingRequest, EmbeddingResponse, 60.0),
    )
}
SERVICES = tuple(dict.fromkeys(operation.service for operation in OPERATIONS.values()))


def operations_of(service: str) -> dict[str, Operation]:
    """By name."""
    return {name: operation for name, operation in OPERATIONS.items() if operation.service == service}
