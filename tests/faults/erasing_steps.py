"""Documents, and whoever has a name, erased: nothing of them is left in any table, and the log's chain is whole."""

import random

from hypothesis.stateful import precondition, rule

from tests.faults.driving import Driver, documents, id_of, seeds, tenants, words_of


class ErasingSteps(Driver):
    """Documents that are there, that were deleted, or that were erased before."""

    @precondition(lambda self: self.caught_up and self.deliveries)
    @rule(tenant=tenants, document=documents, seed=seeds)
    def erase(self, tenant: str, document: str, seed: int) -> None:
        """A document, with what only it names."""
        plain, own = self.plain[tenant], id_of(tenant, document)
        known = any(one[:2] == (tenant, own) for one in self.deliveries)
        entities = plain.only_in([own])
        done = self._try(self.world.erase(tenant, own, random.Random(seed)))
        assert (done is not None) == known
        if done is not None:
            assert done.documents == (own,) and not done.in_the_clear
            plain.erase([own], entities)
            self._do(self.world.forgotten(tenant, entities))
            self._look_for(words_of(tenant, document))
        self._end_step("erase", True, seed)

    def _look_for(self, words: list[str]) -> None:
        left = self._do(self.world.left(words))
        assert not left, "\n".join(left)
        self._verify_log()
