"""Read models built anew, switched back, made of what other models say, and as they were."""

import asyncio
import copy
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.processing.present_reading import READ
from tests.faults.comparing import differences, found, wanted
from tests.faults.driving import Driver, Steps, seeds
from tests.faults.light import EMBEDDERS, EXTRACTORS
from tests.faults.plain import PlainTenant
from tests.faults.world import MODELS, TENANTS, World

BETWEEN_REPLAYS = 3
"""Steps: a replay costs more than any other one."""
MOST_MOMENTS = 20
some_models = st.sampled_from((*((one,) for one in MODELS), MODELS))


@dataclass(frozen=True)
class Moment:
    """What everybody knew when the log ended here."""

    position: int
    plain: dict[str, PlainTenant]


class ReadModelSteps(Driver):
    """While whatever happened is delivered, or is not."""

    def __init__(self, runner: asyncio.Runner, world: World, steps: Steps) -> None:
        super().__init__(runner, world, steps)
        self.moments: list[Moment] = []
        self.live = {**dict.fromkeys(READ, EXTRACTORS[0]), "vector": EMBEDDERS[0]}
        """Of which model's outputs each read model is made."""
        self.kept: dict[str, str] = {}
        """The same of the generations before, where there are any."""
        self.past: Moment | None = None
        """Of the generation of the past that is there."""

    @precondition(lambda self: self.since_replay >= BETWEEN_REPLAYS)
    @rule(names=some_models, catch_up=st.booleans(), seed=seeds)
    def replay(self, names: Sequence[str], catch_up: bool, seed: int) -> None:
        """Read models are built anew, whatever was delivered; one that was broken off is gone on with."""
        self._do(self.world.replay(names))
        self._replaced({name: self.live[name] for name in names})
        self._end_step("replay", catch_up, seed)

    @precondition(lambda self: self.since_replay >= BETWEEN_REPLAYS)
    @rule(names=some_models, after=st.integers(1, 8), catch_up=st.booleans(), seed=seeds)
    def break_off_replay(self, names: Sequence[str], after: int, catch_up: bool, seed: int) -> None:
        """A replay is called off when it has built some of it, if it is not done by then."""
        if self._do(self.world.break_off_replay(names, after)):
            self._replaced({name: self.live[name] for name in names})
        self._end_step("break off a replay", catch_up, seed)

    @precondition(lambda self: self.since_replay >= BETWEEN_REPLAYS and self.kept)
    @rule(names=some_models, catch_up=st.booleans(), seed=seeds)
    def go_back(self, names: Sequence[str], catch_up: bool, seed: int) -> None:
        """To the generations before, where there are any of all of these, and what shows entities goes together."""
        done = self._try(self.world.back(names))
        former = {name: made_of for name, made_of in self.kept.items() if name in names}
        together = len({{**self.live, **former}[name] for name in READ}) == 1
        assert (done is not None) == (former.keys() == set(names) and together)
        if done is not None:
            self._replaced(former)
        self._end_step("go back", catch_up, seed)

    @precondition(lambda self: self.since_replay >= BETWEEN_REPLAYS)
    @rule(embedder=st.sampled_from(EMBEDDERS), catch_up=st.booleans(), seed=seeds)
    def change_embedder(self, embedder: str, catch_up: bool, seed: int) -> None:
        """Another embedder takes over, or the one that serves is asked for again."""
        changed = self._do(self.world.change_embedder(embedder))
        assert changed.changed == (embedder != self.live["vector"])
        if changed.changed:
            self._replaced({"vector": embedder})
        self._end_step("change the embedder", catch_up, seed)

    @precondition(lambda self: self.since_replay >= BETWEEN_REPLAYS)
    @rule(
        extractor=st.sampled_from(EXTRACTORS),
        after=st.sampled_from((None, None, 1, 4, 8)),
        catch_up=st.booleans(),
        seed=seeds,
    )
    def change_entities(self, extractor: str, after: int | None, catch_up: bool, seed: int) -> None:
        """Another model finds entities, or the one that does is asked for again. Called off, as soon as it has
        reported more than `after` times, it leaves what is shown.
        """
        changed = self._do(self.world.change_entities(extractor, after))
        if changed is not None:
            assert changed.changed == (extractor != self.live[READ[0]])
        if changed is not None and changed.changed:
            self._replaced(dict.fromkeys(READ, extractor))
        self._end_step("change the model of entities", catch_up, seed)

    @precondition(lambda self: self.moments and self.since_replay >= BETWEEN_REPLAYS)
    @rule(number=seeds, drop=st.booleans(), seed=seeds)
    def as_of(self, number: int, drop: bool, seed: int) -> None:
        """All read models as they were at a moment; those that are there already still are so."""
        if self.past is None:
            self.past = self.moments[number % len(self.moments)]
            self._do(self.world.make_past(self.past.position))
        self._do(self._compare_past(self.past))
        if drop:
            self._do(self.world.drop_past())
            self.past = None
        self._end_step("as of", self.caught_up, seed)

    def _replaced(self, made_of: Mapping[str, str]) -> None:
        self.since_replay = 0
        self.kept |= {name: self.live[name] for name in made_of}
        self.live |= made_of
        for plain in self.plain.values():
            plain.shown = self.live[READ[0]]

    async def _compare_all(self, chance: random.Random) -> None:
        await super()._compare_all(chance)
        models = await self.world.stores.read.passages.models()
        assert models.keys() <= {self.live["vector"]}, f"{models} instead of {self.live['vector']}"
        self.moments.append(Moment(await self.world.stores.reader.head(), copy.deepcopy(self.plain)))
        del self.moments[:-MOST_MOMENTS]

    async def _compare_past(self, moment: Moment) -> None:
        readers = await self.world.past()
        for tenant in TENANTS:
            there = await found(readers, tenant)
            wrong = differences(there, wanted(moment.plain[tenant]))
            assert not wrong, f"{tenant} at {moment.position}: " + "\n".join(wrong)

    def _erased(self, tenant: str, documents: Collection[str], entities: set[str]) -> None:
        super()._erased(tenant, documents, entities)
        past = [] if self.past is None or self.past in self.moments else [self.past]
        for moment in (*self.moments, *past):
            moment.plain[tenant].erase(documents, entities)
