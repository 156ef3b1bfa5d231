"""Operations on a world whose database fails in the middle of them: tried until they are done, then looked for.

What may be raised meanwhile is that the database is unavailable, and nothing else: anything else would make a dead
letter of a sound message, or be told to a caller as his own fault. Each document's events in the log are those that
were asked for, each once and in their order.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from eventstore.errors import StoreUnavailableError
from services.deadline import Deadline
from services.errors import NotFoundError
from tests.faults.comparing import differences, found_live, wanted
from tests.faults.driving import DOCUMENTS, NEW_NAMES, PEOPLE, SENTENCES, TITLES
from tests.faults.light import EXTRACTORS
from tests.faults.plain import PlainTenant
from tests.faults.told import Decision, Told
from tests.faults.world import LIMIT_S, MODELS, TENANTS, World, caller

Result = TypeVar("Result")
TRIES = 50
DOCUMENT_EVENTS = ("DocumentIngested", "DocumentUpdated", "DocumentDeleted")


class Storm:
    """`between` is awaited after each try that failed: there a fault may be ended."""

    def __init__(
        self, world: World, chance: random.Random, between: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    ) -> None:
        self.world = world
        self.chance = chance
        self._between = between
        self.plain = {tenant: PlainTenant(tenant) for tenant in TENANTS}
        self.happened: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.deliveries = 0
        self.failures = 0
        self.padding = 0
        """Sentences that say nothing, where documents are to be large."""

    async def something(self) -> str:
        """One operation, until it is done; and what it should lead to."""
        tenant, document = self.chance.choice(TENANTS), self.chance.choice(DOCUMENTS)
        doing = self.chance.choice(("submit", "submit", "send", "delete", "rename"))
        plain = self.plain[tenant]
        if doing in ("submit", "send"):
            told, delivery = self._content(), self._delivery()
            way = self.world.submit if doing == "submit" else self.world.send
            await self.insist(lambda: way(tenant, document, told, delivery))
            if plain.told.get(document) != told:
                self.happened[tenant, document].append(
                    "DocumentUpdated" if document in plain.told else "DocumentIngested"
                )
            plain.tell(document, told)
            plain.read(document, EXTRACTORS[0], first=True)
        elif doing == "delete":
            await self.insist(lambda: self._delete(tenant, document))
            if document in plain.told:
                self.happened[tenant, document].append("DocumentDeleted")
            plain.forget(document)
        else:
            entity, name = plain.id_of(self.chance.choice(PEOPLE)), self.chance.choice(NEW_NAMES)
            end = plain.end(entity)
            if end in plain.entities():
                await self.insist(lambda: self._rename(tenant, entity, name))
                before = plain.last(end, "rename")
                if before is None or before.to != name:
                    plain.decide(end, Decision("rename", name))
        return doing

    async def insist(self, act: Callable[[], Awaitable[Result]]) -> Result:
        """Again until it is done. Raises at once what says anything but that the database is unavailable."""
        for _ in range(TRIES):
            try:
                return await act()
            except StoreUnavailableError:
                self.failures += 1
                await self._between()
        return await act()

    async def check(self, *, verify: bool) -> None:
        """Nothing is lost, doubled, in another order or stale: in the log, and in the read models."""
        await self.world.deliver_all(self.chance)
        there: dict[tuple[str, str], list[str]] = defaultdict(list)
        for event in self.world.log:
            if event.event_type in DOCUMENT_EVENTS:
                there[event.tenant, event.aggregate_id].append(str(event.event_type))
        assert there == {key: events for key, events in self.happened.items() if events}
        times = [event.recorded_at for event in self.world.log]
        assert None not in times and times == sorted(times), "the log's own time went back"  # type: ignore[type-var]
        for tenant, plain in self.plain.items():
            plain.assigned = await self.world.assignments(tenant)
            wrong = differences(await found_live(self.world.stores, tenant), wanted(plain))
            assert not wrong, f"{tenant}: " + "\n".join(wrong)
        if verify:
            assert await self.world.differences(MODELS) == []

    async def _delete(self, tenant: str, document: str) -> None:
        try:
            await self.world.storage.deletion.delete(
                caller(tenant), [[document]], reason=None, correlation_id="c", deadline=Deadline.after(LIMIT_S)
            )
        except NotFoundError:
            assert not self.happened[tenant, document]

    async def _rename(self, tenant: str, entity: str, name: str) -> None:
        await self.world.entities.rename(caller(tenant), entity, name=name, deadline=Deadline.after(LIMIT_S))

    def _delivery(self) -> UUID:
        self.deliveries += 1
        return UUID(int=self.deliveries)

    def _content(self) -> Told:
        sentences = self.chance.sample(SENTENCES, self.chance.randint(1, 3))
        sentences += [f"Ada slept very {self.chance.randbytes(30).hex()}." for _ in range(self.padding)]
        return Told(self.chance.choice(TITLES), tuple(sentences))
