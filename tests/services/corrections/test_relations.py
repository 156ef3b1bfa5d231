"""A relation with its sentence: to each as much of it as he may read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from security.access import FULL_ACCESS
from services.caller import Caller
from services.corrections.relations import CorrectRelations
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from tests.projections.stories import Story
from tests.support.access import allowed
from tests.support.knowledge import open_knowledge

TOWN = Story("town", ("Ada met Bob.",), tenant="ours")
MET = TOWN.related.relations[0].relation_id
ADA = Caller("ours", "ada", "test", FULL_ACCESS)


def soon() -> Deadline:
    return Deadline.after(30)


def who_may(*permissions: str) -> Caller:
    return Caller("ours", "eve", "test", allowed(*permissions))


@pytest.fixture
async def relations(dsn: str, tmp_path: Path) -> AsyncIterator[CorrectRelations]:
    async with open_knowledge(dsn, tmp_path) as knowledge:
        await knowledge.tell(TOWN)
        stores = knowledge.stores
        yield CorrectRelations(stores.commands, stores.reader, stores.read.relational, stores.read.passages)


async def test_its_sentence_is_for_whoever_may_read_chunks(relations: CorrectRelations) -> None:
    for caller in (ADA, who_may("documents:read", "relations:read", "chunks:read")):
        found = await relations.show(caller, MET, deadline=soon())
        assert (found.relation.predicate, found.sentence) == ("met", "Ada met Bob")
    found = await relations.show(who_may("documents:read", "relations:read"), MET, deadline=soon())
    assert (found.relation.predicate, found.sentence) == ("met", None)
    with pytest.raises(AccessDeniedError):
        await relations.show(who_may("documents:read", "chunks:read"), MET, deadline=soon())


async def test_of_another_tenant_it_is_not_there(relations: CorrectRelations) -> None:
    foreign = Caller("theirs", "eve", "test", FULL_ACCESS)
    for work in (
        relations.show(foreign, MET, deadline=soon()),
        relations.correct(foreign, MET, predicate="left", deadline=soon()),
        relations.judge(foreign, MET, valid=False, deadline=soon()),
        relations.undo(foreign, MET, deadline=soon()),
    ):
        with pytest.raises(NotFoundError, match="there is no relation"):
            await work


@pytest.mark.parametrize("predicate", ["", " ", "x" * 257])
async def test_a_predicate_says_something(relations: CorrectRelations, predicate: str) -> None:
    with pytest.raises(InvalidRequestError, match="a predicate has 1 to 256 characters; give another one"):
        await relations.correct(ADA, MET, predicate=predicate, deadline=soon())
