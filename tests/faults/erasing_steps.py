"""Documents, and whoever has a name, erased: nothing of them is left in any table, and the log's chain is whole."""

import asyncio
import random
from collections.abc import Callable, Collection, Coroutine
from typing import Any, TypeVar
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from eventstore.erasures import Erasures
from eventstore.errors import StoreUnavailableError
from tests.faults.driving import DOCUMENTS, PEOPLE, Driver, Steps, documents, id_of, seeds, tenants, words_of
from tests.faults.told import names_in
from tests.faults.world import World, caller

Result = TypeVar("Result")
breaking = st.sampled_from((None, None, "names_behind", "in_the_clear", "erase", "forget_outputs", "finished"))
"""What an erasure asks the event store, where it is broken off the first time; None: it is not."""


class ErasingSteps(Driver):
    """Documents that are there, that were deleted, or that were erased before."""

    def __init__(self, runner: asyncio.Runner, world: World, steps: Steps) -> None:
        super().__init__(runner, world, steps)
        self.erased: set[tuple[str, str]] = set()
        """Tenants and documents, also those that were taken in again since."""

    def end_well(self) -> None:
        """And nothing of what was erased has come back, whatever was delivered once more."""
        super().end_well()
        gone = [one for one in self.erased if id_of(*one) not in self.plain[one[0]].held]
        self._nothing_left(gone)

    @precondition(lambda self: self.caught_up and self.deliveries)
    @rule(tenant=tenants, document=documents, broken=breaking, seed=seeds)
    def erase(self, tenant: str, document: str, broken: str | None, seed: int) -> None:
        """A document, with what only it names."""
        chance, own = random.Random(seed), id_of(tenant, document)
        known = any(one[:2] == (tenant, own) for one in self.deliveries)
        entities = self.plain[tenant].only_in([own])
        if known:
            self._break_off(lambda: self.world.erase(tenant, own, chance), broken)
        done = self._try(self.world.erase(tenant, own, chance))
        assert (done is not None) == known
        if done is not None:
            assert done.documents == (own,) and not done.in_the_clear
            self._gone(tenant, [own], entities)
        self._end_step("erase", True, seed)

    @precondition(lambda self: self.caught_up)
    @rule(tenant=tenants, name=st.sampled_from(PEOPLE), broken=breaking, seed=seeds)
    def erase_subject(self, tenant: str, name: str, broken: str | None, seed: int) -> None:
        """Everybody of a name: each document that ever named her."""
        chance, plain = random.Random(seed), self.plain[tenant]
        naming = self._do(self.world.storage.naming.find(caller(tenant), [name], deadline=self._deadline()))
        shown = [one.document_id for one in naming.documents]
        said = {
            document
            for document, held in plain.held.items()
            if any(name in names_in(" ".join((told.title, told.text))) for told in held)
        }
        assert said <= set(shown) <= plain.held.keys()
        entities = plain.only_in(shown, naming.entities)
        self._break_off(lambda: self.world.erase_subject(tenant, name, shown, chance), broken)
        done = self._do(self.world.erase_subject(tenant, name, shown, chance))
        assert broken is not None or set(done.erasure.documents) == set(shown)
        assert not done.left and not done.erasure.in_the_clear
        self._gone(tenant, shown, entities)
        left = self._do(self.world.storage.naming.find(caller(tenant), [name], deadline=self._deadline()))
        assert not left.documents
        self._end_step("erase a subject", True, seed)

    def _break_off(self, erase: Callable[[], Coroutine[Any, Any, Result]], broken: str | None) -> None:
        if broken is not None:
            with patch.object(Erasures, broken, _unavailable):
                try:
                    self._do(erase())
                except StoreUnavailableError:
                    return
            raise AssertionError(f"it goes on without {broken}")

    def _gone(self, tenant: str, erased: Collection[str], entities: set[str]) -> None:
        self._erased(tenant, erased, entities)
        self._do(self.world.forgotten(tenant, entities))
        gone = [(tenant, one) for one in DOCUMENTS if id_of(tenant, one) in erased]
        self.erased.update(gone)
        self._nothing_left(gone)
        self._verify_log()

    def _nothing_left(self, documents: Collection[tuple[str, str]]) -> None:
        words = [word for one in documents for word in words_of(*one)]
        left = self._do(self.world.left(words)) if words else []
        assert not left, "\n".join(left)


async def _unavailable(*_: Any) -> None:
    raise StoreUnavailableError("PostgreSQL went away; it is asked again")
