"""Everything that may happen, in any order: documents, decisions, replays, deliveries (Hypothesis state machine).

After each step the read models hold what a plain model says, and what the log says.
"""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from contracts.errors import AnnalsError
from services.deadline import Deadline
from tests.faults.comparing import differences, found, wanted
from tests.faults.plain import Decision, PlainTenant, Told
from tests.faults.world import LIMIT_S, MODELS, TENANTS, World, caller

Result = TypeVar("Result")

DOCUMENTS = ("harbour", "market", "cellar")
TITLES = ("Harbour", "Ada", "Market Day")
PEOPLE = ("Ada", "Bob", "Cleo", "Catherine", "Katherine")
"""Rules take the last two for one."""
SENTENCES = (
    *(f"{one} met {other}." for one, other in permutations(PEOPLE, 2)),
    *(f"{one} slept very well." for one in PEOPLE),
)
BETWEEN_REPLAYS = 3
"""Steps: a replay costs more than any other one."""
NEW_NAMES = ("Bob the Baker", "Lady Ada", "Cleo")

tenants = st.sampled_from(TENANTS)
documents = st.sampled_from(DOCUMENTS)
contents = st.builds(
    Told, st.sampled_from(TITLES), st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=4, unique=True).map(tuple)
)
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


class AnnalsMachine(RuleBasedStateMachine):
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

    # Documents.

    @rule(tenant=tenants, document=documents, told=contents, catch_up=delivered, seed=seeds)
    def submit(self, tenant: str, document: str, told: Told, catch_up: bool, seed: int) -> None:
        """A document, for the first time or anew, by HTTP."""
        before = self.plain[tenant].told.get(document)
        outcome = self._do(self.world.submit(tenant, document, told, self._delivery(tenant, document, told)))
        assert outcome == ("ingested" if before is None else "unchanged" if before == told else "updated")
        self.plain[tenant].tell(document, told)
        self._end_step("submit", catch_up, seed)

    @rule(tenant=tenants, document=documents, told=contents, catch_up=delivered, seed=seeds)
    def send(self, tenant: str, document: str, told: Told, catch_up: bool, seed: int) -> None:
        """The same by the inbox."""
        self._do(self.world.send(tenant, document, told, self._delivery(tenant, document, told)))
        self.plain[tenant].tell(document, told)
        self._end_step("send", catch_up, seed)

    @precondition(lambda self: self.deliveries)
    @rule(number=seeds, catch_up=delivered, seed=seeds)
    def submit_again(self, number: int, catch_up: bool, seed: int) -> None:
        """A delivery that was taken in comes again, however old it is: nothing happens."""
        head = self._head()
        assert self._do(self.world.submit(*self.deliveries[number % len(self.deliveries)])) == "duplicate"
        assert self._head() == head, "a delivery was taken in twice"
        self._end_step("submit again", catch_up, seed)

    @precondition(lambda self: any(self.world.inbox.values()))
    @rule(tenant=tenants, chance=seeds, catch_up=delivered, seed=seeds)
    def deliver_inbox_again(self, tenant: str, chance: int, catch_up: bool, seed: int) -> None:
        """Messages of the inbox come again, in any order: nothing happens."""
        head, sent = self._head(), self.world.inbox[tenant]
        again = random.Random(chance).choices(range(len(sent)), k=3) if sent else []
        self._do(self.world.receive(tenant, again))
        assert self._head() == head, "a delivery was taken in twice"
        self._end_step("deliver inbox again", catch_up, seed)

    @rule(tenant=tenants, document=documents, catch_up=delivered, seed=seeds)
    def delete(self, tenant: str, document: str, catch_up: bool, seed: int) -> None:
        """A document, whether it is there or not."""
        plain = self.plain[tenant]
        known = any(one[:2] == (tenant, document) for one in self.deliveries)
        deletion = self.world.deletion.delete(
            caller(tenant), [[document]], reason="asked for", correlation_id="c", deadline=self._deadline()
        )
        done = self._try(deletion)
        assert (done is not None) == known
        assert done is None or done.deleted == ((document,) if document in plain.told else ())
        plain.forget(document)
        self._end_step("delete", catch_up, seed)

    # Decisions of people.

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, name=st.sampled_from(NEW_NAMES), seed=seeds)
    def rename(self, tenant: str, one: int, name: str, seed: int) -> None:
        """An entity, or what it became."""
        plain, entity = self.plain[tenant], self._entity(tenant, one)
        done = self._try(self.world.entities.rename(caller(tenant), entity, name=name, deadline=self._deadline()))
        end = plain.end(entity)
        assert (done is not None) == (end in plain.entities())
        if done is not None:
            before = plain.last(end, "rename")
            assert (done.entity_id, done.position is None) == (end, before is not None and before.to == name)
            if done.position is not None:
                plain.decide(end, Decision("rename", name))
        self._end_step("rename", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, valid=st.booleans(), seed=seeds)
    def judge(self, tenant: str, one: int, valid: bool, seed: int) -> None:
        """Say that an entity is none, or that it is one."""
        plain, entity = self.plain[tenant], self._entity(tenant, one)
        done = self._try(self.world.entities.validate(caller(tenant), entity, valid=valid, deadline=self._deadline()))
        end = plain.end(entity)
        assert (done is not None) == (end in plain.entities())
        if done is not None and done.position is not None:
            plain.decide(end, Decision("judge", valid=valid))
        self._end_step("judge", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, other=seeds, seed=seeds)
    def merge(self, tenant: str, one: int, other: int, seed: int) -> None:
        """Call two entities the same."""
        plain = self.plain[tenant]
        entity, into = self._entity(tenant, one), self._entity(tenant, other)
        done = self._try(self.world.entities.merge(caller(tenant), entity, into, deadline=self._deadline()))
        known = {entity, into} <= plain.entities().keys()
        assert (done is not None) == (known and entity != into and entity not in plain.way(into))
        if done is not None:
            same = plain.end(entity) == plain.end(into)
            assert (done.position is None) == same
            if not same:
                plain.decide(plain.end(entity), Decision("merge", into))
        self._end_step("merge", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, document=documents, seed=seeds)
    def split(self, tenant: str, one: int, document: str, seed: int) -> None:
        """A document means somebody else by this name."""
        plain, entity = self.plain[tenant], self._entity(tenant, one)
        done = self._try(self.world.entities.split(caller(tenant), entity, [[document]], deadline=self._deadline()))
        owners = {n.entity for n in plain.namings() if n.document_id == document} & {entity, *plain.members(entity)}
        assert (done is not None) == (entity in plain.entities() and len(owners) == 1)
        if done is not None:
            assert done.into is not None and {done.entity_id} == owners
            plain.decide(done.entity_id, Decision("split", done.into, documents=frozenset({document})))
        self._end_step("split", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, seed=seeds)
    def undo(self, tenant: str, one: int, seed: int) -> None:
        """The last decision on an entity."""
        plain, entity = self.plain[tenant], self._entity(tenant, one)
        made = plain.decided.get(entity) or []
        possible = entity in plain.entities() and bool(made or entity in plain.assigned)
        if possible and made and made[-1].what == "split":
            into = made[-1].to
            grown = plain.members(into) or any(d.what == "split" for d in plain.decided.get(into, ()))
            possible = not grown
        done = self._try(self.world.entities.undo(caller(tenant), entity, deadline=self._deadline()))
        assert (done is not None) == possible
        if done is not None:
            plain.undo(entity)
        self._end_step("undo", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, one=seeds, valid=st.booleans(), seed=seeds)
    def judge_relation(self, tenant: str, one: int, valid: bool, seed: int) -> None:
        """Call a relation right or wrong."""
        there = sorted(self._do(self._relations(tenant)))
        if there:
            relation, document, triple = there[one % len(there)]
            self._do(self.world.relations.judge(caller(tenant), relation, valid=valid, deadline=self._deadline()))
            self.plain[tenant].judged[document, triple] = valid
        self._end_step("judge a relation", True, seed)

    # Deliveries and replays.

    @precondition(lambda self: self.deliveries)
    @rule(seed=seeds, times=st.integers(1, 3))
    def deliver_some(self, seed: int, times: int) -> None:
        """Events reach a handler in any order, some of them twice, none of them for good."""
        chance = random.Random(seed)
        for _ in range(times):
            self._do(self.world.deliver_some(chance))
        self._end_step("deliver some", False, seed)

    @precondition(lambda self: self.since_replay >= BETWEEN_REPLAYS)
    @rule(names=st.sampled_from((*((one,) for one in MODELS), MODELS)), catch_up=st.booleans(), seed=seeds)
    def replay(self, names: Sequence[str], catch_up: bool, seed: int) -> None:
        """Read models are built anew, whatever was delivered."""
        self._do(self.world.replay(names))
        self.since_replay = 0
        self._end_step("replay", catch_up, seed)

    # What all steps share.

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
        self._do(self._verify(chance.choice(MODELS)))

    def end_well(self) -> None:
        """At the end everything is delivered, and every read model verified."""
        self._do(self._compare_all(random.Random(len(self.deliveries))))
        self._do(self._verify(*MODELS))

    async def _compare_all(self, chance: random.Random) -> None:
        await self.world.deliver_all(chance)
        for tenant, plain in self.plain.items():
            plain.assigned = await self.world.assignments(tenant)
            there = await found(self.world.stores, tenant)
            assert not (wrong := differences(there, wanted(plain))), f"{tenant}: " + "\n".join(wrong)

    async def _verify(self, *names: str) -> None:
        assert not (wrong := await self.world.differences(names)), "\n".join(wrong)

    async def _relations(self, tenant: str) -> list[tuple[str, str, tuple[str, str, str]]]:
        rows = await self.world.stores.pool.fetch(
            "SELECT relation_id, document_id, subject, predicate, object FROM relational.relations WHERE tenant = $1",
            tenant,
        )
        return [(row[0], row[1], (row[2], row[3], row[4])) for row in rows]

    def _entity(self, tenant: str, number: int) -> str:
        """One of those that are there, merged ones and split ones too, or one that is not."""
        plain = self.plain[tenant]
        split = [one.to for made in plain.decided.values() for one in made if one.what == "split"]
        known = [*(plain.id_of(name) for name in (*PEOPLE, *TITLES[::2])), *split]
        return known[number % len(known)]

    def _delivery(self, tenant: str, document: str, told: Told) -> UUID:
        delivery = UUID(int=len(self.deliveries) + 1)
        self.deliveries.append((tenant, document, told, delivery))
        return delivery

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
