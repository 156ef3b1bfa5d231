"""What all steps of the state machine share: a world that is open, a plain model beside it, and the end of a step."""

import asyncio
import random
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from contracts.documents import ChunkMerged, ChunkUpdated, DocumentProcessed, DocumentReread, EntitiesExtracted
from contracts.errors import AnnalsError
from services.deadline import Deadline
from tests.faults.comparing import differences, found_live, wanted
from tests.faults.plain import PlainTenant
from tests.faults.told import Told
from tests.faults.world import LIMIT_S, MODELS, TENANTS, World

Result = TypeVar("Result")

DOCUMENTS = ("harbour", "market", "cellar")
TITLES = ("Harbour", "Ada", "Market Day")
PEOPLE = ("Ada", "Bob", "Cleo", "Catherine", "Katherine")
"""Rules take the last two for one."""
SENTENCES = (
    *(f"{one} met {other}." for one, other in permutations(PEOPLE, 2)),
    *(f"{one} slept very well." for one in PEOPLE),
)
NEW_NAMES = ("Bob the Baker", "Lady Ada", "Cleo")

tenants = st.sampled_from(TENANTS)
documents = st.sampled_from(DOCUMENTS)
contents = st.builds(
    Told, st.sampled_from(TITLES), st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3, unique=True).map(tuple)
)
endings = st.integers(1, 2)
seeds = st.integers(0, 2**32 - 1)
delivered = st.sampled_from((True, True, False))


@dataclass
class Steps:
    """How many there were, by their names."""

    taken: dict[str, int] = field(default_factory=dict)

    def count(self, name: str) -> None:
        """One more."""
        self.taken[name] = self.taken.get(name, 0) + 1

    @property
    def total(self) -> int:
        """Of all names."""
        return sum(self.taken.values())


def id_of(tenant: str, document: str) -> str:
    """No other tenant has a document of this id."""
    return f"{tenant}-{document}"


def with_word(tenant: str, document: str, told: Told, ending: int) -> Told:
    """With a sentence before that has a word which no other document has."""
    return Told(told.title, (f"they said {tenant}{document}{ending} very loudly.", *told.sentences))


def words_of(tenant: str, document: str) -> list[str]:
    """What only this document holds: its id, and its word, however it ends."""
    return [id_of(tenant, document), f"{tenant}{document}"]


class Driver(RuleBasedStateMachine):
    """Drives a world that is open, and a plain model beside it."""

    def __init__(self, runner: asyncio.Runner, world: World, steps: Steps) -> None:
        super().__init__()
        self._runner = runner
        self.world = world
        self.steps = steps
        self.plain = {tenant: PlainTenant(tenant) for tenant in TENANTS}
        self.deliveries: list[tuple[str, str, Told, UUID]] = []
        self.caught_up = True
        self.since_replay = 0
        self.followed = 0
        """Events of the log of which the plain model knows what they say of chunks."""

    def end_well(self) -> None:
        """At the end everything is delivered, every read model verified, and the log."""
        self._do(self._compare_all(random.Random(len(self.deliveries))))
        self._do(self._verify(*MODELS))
        self._verify_log()

    def _end_step(self, name: str, catch_up: bool, seed: int) -> None:
        """Everything is delivered, or some of it; what is there then is right."""
        self.steps.count(name)
        self.since_replay += 1
        chance = random.Random(seed)
        self.caught_up = catch_up
        if catch_up:
            self._do(self._compare_all(chance))
        else:
            self._do(self.world.deliver_some(chance))
            self._do(self._follow_log())
        self._do(self._verify(chance.choice(MODELS)))

    async def _compare_all(self, chance: random.Random) -> None:
        await self.world.deliver_all(chance)
        await self._follow_log()
        for tenant, plain in self.plain.items():
            plain.assigned = await self.world.assignments(tenant)
            there = await found_live(self.world.stores, tenant)
            assert not (wrong := differences(there, wanted(plain))), f"{tenant}: " + "\n".join(wrong)

    async def _follow_log(self) -> None:
        """Which content was read by which model, and processed, before another one came, and by which events chunks
        were made, the log says.
        """
        await self.world.read_log()
        for event in self.world.log[self.followed :]:
            plain = self.plain.get(event.tenant)
            cut = None if plain is None else plain.cuts.get(event.aggregate_id)
            match event.event_data:
                case EntitiesExtracted(model=model) if plain is not None and cut is not None:
                    plain.read(event.aggregate_id, model, first=True)
                case DocumentReread(entity_model=model) if plain is not None and cut is not None:
                    plain.read(event.aggregate_id, model, first=False)
                case DocumentProcessed() if cut is not None:
                    cut.processed()
                case ChunkUpdated(chunk=chunk) | ChunkMerged(chunk=chunk) if cut is not None:
                    cut.events.setdefault(chunk.chunk_id, set()).add(event.event_id)
        self.followed = len(self.world.log)

    async def _verify(self, *names: str) -> None:
        assert not (wrong := await self.world.differences(names)), "\n".join(wrong)

    def _verify_log(self) -> None:
        fault = self._do(self.world.fault_of_log())
        assert fault is None, fault

    def _erased(self, tenant: str, documents: Collection[str], entities: set[str]) -> None:
        self.plain[tenant].erase(documents, entities)

    def _entity(self, tenant: str, number: int) -> str:
        """One of those that are there, merged ones and split ones too, or one that is not."""
        plain = self.plain[tenant]
        split = [one.to for made in plain.decided.values() for one in made if one.what == "split"]
        known = [*(plain.id_of(name) for name in (*PEOPLE, *TITLES[::2], "well")), *split]
        return known[number % len(known)]

    def _made(self, tenant: str, aggregate: str, *types: str) -> UUID | None:
        """The event of one of these types that the last thing that was done left of an aggregate."""
        new = self._do(self.world.read_log())
        own = [one for one in new if (one.tenant, one.aggregate_id) == (tenant, aggregate) and one.event_type in types]
        assert len(own) <= 1, [str(one.event_type) for one in own]
        return own[0].event_id if own else None

    def _head(self) -> int:
        return self._do(self.world.stores.reader.head())

    def _do(self, doing: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(doing)

    def _try(self, doing: Coroutine[Any, Any, Result]) -> Result | None:
        """None where it was refused; then the log is as it was."""
        head = self._head()
        try:
            return self._do(doing)
        except AnnalsError:
            assert self._head() == head, "what was refused left an event"
            return None

    def _deadline(self) -> Deadline:
        async def after() -> Deadline:
            return Deadline.after(LIMIT_S)

        return self._do(after())
