"""Documents that come, change and go, and deliveries of them, late and again."""

import random
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults.driving import Driver, contents, delivered, documents, endings, id_of, seeds, tenants, with_word
from tests.faults.told import Told
from tests.faults.world import caller


class DocumentSteps(Driver):
    """By HTTP and by the inbox."""

    @rule(tenant=tenants, document=documents, told=contents, ending=endings, catch_up=delivered, seed=seeds)
    def submit(self, tenant: str, document: str, told: Told, ending: int, catch_up: bool, seed: int) -> None:
        """A document, for the first time or anew, by HTTP."""
        document, told = id_of(tenant, document), with_word(tenant, document, told, ending)
        before = self.plain[tenant].told.get(document)
        outcome = self._do(self.world.submit(tenant, document, told, self._delivery(tenant, document, told)))
        assert outcome == ("ingested" if before is None else "unchanged" if before == told else "updated")
        self._tell(tenant, document, told)
        self._end_step("submit", catch_up, seed)

    @rule(tenant=tenants, document=documents, told=contents, ending=endings, catch_up=delivered, seed=seeds)
    def send(self, tenant: str, document: str, told: Told, ending: int, catch_up: bool, seed: int) -> None:
        """The same by the inbox."""
        document, told = id_of(tenant, document), with_word(tenant, document, told, ending)
        self._do(self.world.send(tenant, document, told, self._delivery(tenant, document, told)))
        self._tell(tenant, document, told)
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
        plain, document = self.plain[tenant], id_of(tenant, document)
        known = any(one[:2] == (tenant, document) for one in self.deliveries)
        deletion = self.world.storage.deletion.delete(
            caller(tenant), [[document]], reason="asked for", correlation_id="c", deadline=self._deadline()
        )
        done = self._try(deletion)
        assert (done is not None) == known
        assert done is None or done.deleted == ((document,) if document in plain.told else ())
        plain.forget(document, self._made(tenant, document, "DocumentDeleted"))
        self._end_step("delete", catch_up, seed)

    @precondition(lambda self: self.deliveries)
    @rule(seed=seeds, times=st.integers(1, 3))
    def deliver_some(self, seed: int, times: int) -> None:
        """Events reach a handler in any order, some of them twice, none of them for good."""
        chance = random.Random(seed)
        for _ in range(times):
            self._do(self.world.deliver_some(chance))
        self._end_step("deliver some", False, seed)

    def _tell(self, tenant: str, document: str, told: Told) -> None:
        event = self._made(tenant, document, "DocumentIngested", "DocumentUpdated")
        assert (event is None) == (self.plain[tenant].told.get(document) == told)
        self.plain[tenant].tell(document, told, event)

    def _delivery(self, tenant: str, document: str, told: Told) -> UUID:
        delivery = UUID(int=len(self.deliveries) + 1)
        self.deliveries.append((tenant, document, told, delivery))
        return delivery
