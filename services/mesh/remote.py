"""The three services where they run in other processes: the same interfaces, over RPC."""

from services.caller import Caller
from services.deadline import Deadline
from services.mesh.rpc_client import RpcClient
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
from services.requests import check
from services.storage.interface import StoreDocumentRequest, StoreDocumentResponse


class RemoteAiProcessing:
    """Implements `services.processing.interface.AiProcessing`."""

    def __init__(self, client: RpcClient) -> None:
        self._client = client

    async def extract_entities(
        self, caller: Caller, request: EntityExtractionRequest, deadline: Deadline
    ) -> EntityExtractionResponse:
        """What the text names."""
        check(request)
        answer: EntityExtractionResponse = await self._client.call("extract_entities", caller, request, deadline)
        return answer

    async def create_chunks(
        self, caller: Caller, request: SemanticChunkingRequest, deadline: Deadline
    ) -> SemanticChunkingResponse:
        """Cut as the stage `chunking` cuts."""
        check(request)
        answer: SemanticChunkingResponse = await self._client.call("create_chunks", caller, request, deadline)
        return answer

    async def map_relationships(
        self, caller: Caller, request: RelationshipMappingRequest, deadline: Deadline
    ) -> RelationshipMappingResponse:
        """Who does what to whom."""
        check(request)
        answer: RelationshipMappingResponse = await self._client.call("map_relationships", caller, request, deadline)
        return answer


class RemoteStorage:
    """Implements `services.storage.interface.Storage`."""

    def __init__(self, client: RpcClient) -> None:
        self._client = client

    async def store_document(
        self, caller: Caller, request: StoreDocumentRequest, deadline: Deadline
    ) -> StoreDocumentResponse:
        """Store it in all stores or in none."""
        check(request)
        answer: StoreDocumentResponse = await self._client.call("store_document", caller, request, deadline)
        return answer


class RemoteReasoning:
    """Implements `services.reasoning.interface.Reasoning`."""

    def __init__(self, client: RpcClient) -> None:
        self._client = client

    async def query(self, caller: Caller, request: ReasoningQueryRequest, deadline: Deadline) -> ReasoningQueryResponse:
        """Answer from the caller's documents."""
        check(request)
        answer: ReasoningQueryResponse = await self._client.call("query", caller, request, deadline)
        return answer

    async def embed(self, caller: Caller, request: EmbeddingRequest, deadline: Deadline) -> EmbeddingResponse:
        """By the one embedder of the service."""
        check(request)
        answer: EmbeddingResponse = await self._client.call("embed", caller, request, deadline)
        return answer
