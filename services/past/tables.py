"""A read model as it was, as the tables that it is exported as."""

from collections.abc import Callable

from eventstore.generations import RegisteredGeneration
from projections.exported import TableReader
from services.deadline import Deadline
from services.past.generations import PastGenerations


class PastTables:
    """`open_tables`: the reader of one generation of a read model."""

    def __init__(
        self, generations: PastGenerations, open_tables: Callable[[RegisteredGeneration], TableReader]
    ) -> None:
        self._generations = generations
        self._open = open_tables

    async def of(self, read_model: str, name: str, deadline: Deadline) -> TableReader:
        """Of one read model, in the generation of this name; others it need not have.

        Raises UnknownGenerationError, IncompleteGenerationError, StoreUnavailableError, DeadlineExceededError.
        """
        return self._open((await self._generations.find(name, deadline=deadline)).part(read_model))
