"""The live generation, beside which others are built."""

from projections.store import LiveGeneration
from projections.vector.opensearch.generation import OpenSearchGeneration
from projections.vector.opensearch.index import SCHEMA_VERSION, id_of
from projections.vector.opensearch.store import OpenSearchVectorStore


class LiveOpenSearchVectorStore(OpenSearchVectorStore):
    """Implements `projections.store.LiveStore`."""

    @property
    def schema_version(self) -> int:
        """Of the generations that it makes."""
        return SCHEMA_VERSION

    async def live(self) -> LiveGeneration | None:
        """The one whose index the alias leads to."""
        index = await self.index()
        return None if index is None else LiveGeneration(id_of(self.name, index), await self.found_version())

    async def live_id(self) -> str | None:
        """That of the index which the alias leads to."""
        index = await self.index()
        return None if index is None else id_of(self.name, index)

    def generation(self, generation_id: str) -> OpenSearchGeneration:
        """Another index."""
        return OpenSearchGeneration(self, generation_id)
