"""What can be read of a generation: the live one's reads, of another one."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventstore.generations import RegisteredGeneration
from projections.relational.reads import RelationalReader
from services.deadline import Deadline
from services.past.generations import NamedGeneration, PastGenerations
from services.reasoning.ask import AskService
from services.search.search import SearchPassages
from services.storage.chunk import ReadChunk
from services.storage.listing import Listing
from services.storage.parts import ListParts
from services.storage.reading import ReadDocument
from services.storage.show import Show

KEPT = 8
"""Generations whose reads are kept open, with what they remember of texts."""
READ_MODELS = ("relational", "graph", "vector")


@dataclass(frozen=True)
class Reads:
    """Of one generation of all read models. Rights are the caller's of today; nothing that is asked is recorded."""

    relational: RelationalReader
    show: Show
    listing: Listing
    parts: ListParts
    chunks: ReadChunk
    reading: ReadDocument
    search: SearchPassages
    ask: AskService


class PastReads:
    """Opens the reads of a generation when it is asked first, and keeps those of KEPT. No two share what they keep."""

    def __init__(
        self, generations: PastGenerations, open_reads: Callable[[Mapping[str, RegisteredGeneration]], Reads]
    ) -> None:
        self._generations = generations
        self._open = open_reads
        self._opened: OrderedDict[tuple[str, ...], Reads] = OrderedDict()

    async def of(self, name: str, *, deadline: Deadline) -> Reads:
        """Of the generation of this name.

        Raises UnknownGenerationError, IncompleteGenerationError, StoreUnavailableError, DeadlineExceededError.
        """
        return (await self.with_generation(name, deadline=deadline))[1]

    async def with_generation(self, name: str, *, deadline: Deadline) -> tuple[NamedGeneration, Reads]:
        """The same, and what is known of the generation."""
        found = await self._generations.find(name, deadline=deadline)
        key = tuple(found.part(one).id for one in READ_MODELS)
        reads = self._opened.pop(key, None) or self._open(found.parts)
        self._opened[key] = reads
        if len(self._opened) > KEPT:
            self._opened.popitem(last=False)
        return found, reads
