"""Given a town whose answer is come to in steps, when a person calls an entity on the way none, then no chain leads
through it."""

from collections.abc import Sequence

import pytest

from contracts.ids import entity_id
from projections.graph.decided import Decided
from projections.graph.reads import GraphSnapshot, Mention, Subject
from reasoning.embedder import OneEmbedder
from reasoning.engine import Reasoner
from reasoning.results import Answer
from tests.reasoning.test_same_everywhere import HashedEmbedder
from tests.reasoning.town import TENANT, TownReaders

QUESTION = "Who is mayor of the town where the writer of The Glass Lantern grew up?"


class DecidedReaders(TownReaders):
    """The town, as it is read where these entities were called none."""

    def __init__(self, *rejected: str) -> None:
        super().__init__(HashedEmbedder())
        self._rejected = {entity_id(TENANT, name) for name in rejected}
        self._decided = Decided.of_rows((one, None, (), False) for one in self._rejected)

    async def named(self, tenant: str, keys: Sequence[str], most: int) -> list[Subject]:
        """Of those that are left."""
        found = await super().named(tenant, keys, most)
        return [one for one in found if one.entity_id not in self._rejected]

    async def mentioned(self, tenant: str, keys: Sequence[str], most: int) -> list[Mention]:
        """Of those that are left."""
        found = await super().mentioned(tenant, keys, most)
        return [one for one in found if one.entity_id not in self._rejected]

    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """As people decided."""
        said = await super().around(tenant, chunk_ids)
        return self._decided.snapshot(said.subjects, said.mentions, said.statements)


async def asked(*rejected: str) -> Answer:
    """With these called no entities."""
    readers = DecidedReaders(*rejected)
    return await Reasoner(readers, readers, OneEmbedder(HashedEmbedder())).ask(TENANT, QUESTION)


async def test_the_answer_is_come_to_in_steps() -> None:
    answer = await asked()
    assert [step.found for step in answer.steps] == ["Mirela Voss", "Orlinga", "Hanno Brill"]


@pytest.mark.parametrize("rejected", [("Mirela Voss",), ("Orlinga",), ("Mirela Voss", "Orlinga")])
async def test_no_chain_leads_through_what_was_rejected(rejected: tuple[str, ...]) -> None:
    answer = await asked(*rejected)
    assert not set(rejected) & {step.found for step in answer.steps[:-1]}
    assert not any(f"-> {name} (" in chain for name in rejected for chain in answer.chains)


async def test_a_rejected_entity_of_another_name_changes_nothing() -> None:
    answer, before = await asked("Rye bread"), await asked()
    assert (answer.answer, answer.steps, answer.chains) == (before.answer, before.steps, before.chains)
