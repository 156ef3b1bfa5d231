"""A relation with its sentence: to each as much of it as he may read."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from security.access import FULL_ACCESS
from services.caller import Caller
from services.corrections.relations import CorrectRelations
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from tests.projections.stories import Story
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

TOWN = Story("town", ("Ada met Bob.",), tenant="ours")
MET = TOWN.related.relations[0].relation_id
ADA = Caller("ours", "ada", "test", FULL_ACCESS)


def soon() -> Deadline:
    return Deadline.after(30)


def who_may(*permissions: str) -> Caller:
    return Caller("ours", "eve", "test", allowed(*permissions))


@pytest.fixture
async def knowledge(dsn: str, tmp_path: Path) -> AsyncIterator[Knowledge]:
    async with open_knowledge(dsn, tmp_path) as opened:
        await opened.tell(TOWN)
        yield opened


@pytest.fixture
def relations(knowledge: Knowledge) -> CorrectRelations:
    stores = knowledge.stores
    return CorrectRelations(stores.commands, stores.reader, stores.read.relational, stores.read.passages)


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


async def test_no_document_is_loaded_for_an_id_that_nobody_judged(
    knowledge: Knowledge, relations: CorrectRelations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends ids that there are none of shall not have every corrected document read for each."""
    await relations.judge(ADA, MET, valid=False, deadline=soon())
    # The document states it no more: the judgement waits.
    await knowledge.tell(Story("town", ("Ada slept.",), tenant="ours"))
    (waiting,) = (await relations.orphaned(ADA, deadline=soon())).orphaned
    assert waiting.judgement.relation_id == MET

    commands, asked = knowledge.stores.commands, list[object]()
    load = commands.load_in_batches

    def noted(keys: Any, project: Any) -> Any:
        asked.extend(keys := list(keys))
        return load(keys, project)

    monkeypatch.setattr(commands, "load_in_batches", noted)
    with pytest.raises(NotFoundError):
        await relations.undo(ADA, "0" * 32, deadline=soon())
    assert asked == []
    assert (await relations.undo(ADA, MET, deadline=soon())).changed
    assert (await relations.orphaned(ADA, deadline=soon())).orphaned == []


async def test_orphaned_judgements_come_in_pages(knowledge: Knowledge, relations: CorrectRelations) -> None:
    towns = [Story(f"town-{letter}", ("Ada met Bob.",), tenant="ours") for letter in "cab"]
    await knowledge.tell(*towns)
    for town in towns:
        await relations.judge(ADA, town.related.relations[0].relation_id, valid=False, deadline=soon())
    await knowledge.tell(*(Story(town.document_id, ("Ada slept.",), tenant="ours") for town in towns))
    seen, after = list[str](), None
    while True:
        page = await relations.orphaned(ADA, after=after, limit=2, deadline=soon())
        assert len(page.orphaned) <= 2
        seen += [one.document_id for one in page.orphaned]
        after = page.next
        if after is None:
            break
    assert seen == ["town-a", "town-b", "town-c"]


async def test_no_answer_rests_on_what_was_called_wrong_until_that_is_taken_back(
    knowledge: Knowledge, relations: CorrectRelations
) -> None:
    """Nor is one that was kept given again."""
    question = "Who met Bob?"
    before = await knowledge.ask.ask(ADA, question, 5, soon())
    await relations.judge(ADA, MET, valid=False, deadline=soon())
    await knowledge.follow()
    judged = await knowledge.ask.ask(ADA, question, 5, soon())
    await relations.undo(ADA, MET, deadline=soon())
    await knowledge.follow()
    after = await knowledge.ask.ask(ADA, question, 5, soon())
    assert (before.answer.answer, judged.answer.answer, after.answer.answer) == ("Ada", None, "Ada")
    assert before.answer.knowledge != judged.answer.knowledge
