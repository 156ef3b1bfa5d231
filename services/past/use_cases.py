"""The use cases of the past, as edges are given them."""

from dataclasses import dataclass

from projections.relational.reads import Counts
from services.caller import Caller
from services.deadline import Deadline
from services.past.answers import CompareAnswers
from services.past.asking import AskPast
from services.past.differences import Compare
from services.past.generations import NamedGeneration, PastGenerations
from services.past.reads import PastReads


@dataclass(frozen=True, slots=True)
class PastStatus:
    """How much there is in a generation of what the caller may see."""

    generation: NamedGeneration
    counts: Counts


@dataclass(frozen=True)
class Past:
    """Read models as they were: made, read, asked, compared."""

    generations: PastGenerations
    reads: PastReads
    ask: AskPast
    compare: Compare
    compare_answers: CompareAnswers

    async def status(self, caller: Caller, name: str, *, deadline: Deadline) -> PastStatus:
        """Raises UnknownGenerationError, AccessDeniedError, StoreUnavailableError, DeadlineExceededError."""
        caller.require("documents", "read")
        generation, reads = await self.reads.with_generation(name, deadline=deadline)
        return PastStatus(generation, await reads.listing.counts(caller, deadline=deadline))
