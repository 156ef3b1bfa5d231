"""The live generation, beside which others are built."""

from projections.vector.opensearch.generation import OpenSearchGeneration
from projections.vector.opensearch.store import OpenSearchVectorStore


class LiveOpenSearchVectorStore(OpenSearchVectorStore):
    """Implements `projections.store.LiveStore`."""

    def generation(self, purpose: str) -> OpenSearchGeneration:
        """Another index."""
        return OpenSearchGeneration(self, purpose)
