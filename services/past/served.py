"""Which models served at a position, by the read models that are made of what they say."""

from services.processing.present_embedder import VECTOR, ServingEmbedders
from services.processing.present_reading import ServingReadings


async def served_at(position: int, embedders: ServingEmbedders, readings: ServingReadings) -> dict[str, str]:
    """Revisions, and names of readings; what nobody said is left out. Raises StoreUnavailableError."""
    revisions = dict(await readings.revisions(position))
    embedder = await embedders.at(position)
    if embedder is not None:
        revisions[VECTOR] = embedder
    return revisions
