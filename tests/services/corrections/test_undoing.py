"""Changes undone by their events: what was before is there again, exactly, and what lies upon it is named."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from aggregates.cause import RefusedError
from annals.composition.knowledge import entities_of
from contracts.access import Permission
from contracts.envelope import DomainEvent
from contracts.ids import entity_id
from contracts.undoing import undone_in
from projections.relational.reads import RelationFilter
from security.access import FULL_ACCESS
from services.caller import Caller
from services.corrections.chains import JudgeChains
from services.corrections.chunks import CorrectChunks
from services.corrections.relations import CorrectRelations
from services.corrections.undoing import UndoEvents
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from services.processing.recutting import Recutting
from tests.projections.stories import Story
from tests.services.corrections.test_chunks import StoryModels
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

ADA = Caller("ours", "ada", "test", FULL_ACCESS)
TOWN = Story("town", ("Ada met Bob.", "Bob saw Cleo.", "Cleo left."), tenant="ours", collection="hr", uri="file:///a")
NEW = Story("town", ("Dan met Eve.",), title="Other", tenant="ours", collection="sales")
MET = TOWN.related.relations[0].relation_id
MISTAKE = "a mistake"


def soon() -> Deadline:
    return Deadline.after(30)


class Opened:
    """A document in every read model, and what corrects it and undoes that."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge, self.history, stores = knowledge, knowledge.history, knowledge.stores
        inference: Any = StoryModels(stores.outputs)
        self.entities = entities_of(stores)
        self.relations = CorrectRelations(stores.commands, stores.reader, stores.read.relational, stores.read.passages)
        self.chunks = CorrectChunks(
            stores.commands, stores.reader, stores.read.passages, Recutting(stores.texts, inference)
        )
        self.chains = JudgeChains(stores.commands, stores.reader)
        self.undoing = UndoEvents(stores.commands, stores.reader, stores.texts, self.entities, self.chunks, self.chains)

    async def last(self) -> DomainEvent:
        """The newest event."""
        return (await self.history.all())[-1]

    async def undo(self, event: DomainEvent | UUID, caller: Caller = ADA) -> None:
        event_id = event if isinstance(event, UUID) else event.event_id
        await self.undoing.undo(caller, event_id, reason=MISTAKE, deadline=soon())
        await self.knowledge.follow()

    async def process(self, story: Story) -> None:
        """The stages work on what the document holds; what models said of it is kept already."""
        for step in (self.history.chunk, self.history.extract, self.history.relate, self.history.complete):
            await step(story)
        await self.knowledge.follow()


def _timeless(row: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d[ T][\d:.]+(\+[\d:]+)?", "TIME", row)


@pytest.fixture
async def opened(dsn: str, tmp_path: Path) -> AsyncIterator[Opened]:
    async with open_knowledge(dsn, tmp_path) as knowledge:
        await knowledge.tell(TOWN)
        yield Opened(knowledge)


async def parts(opened: Opened) -> list[str]:
    """As `everything`, without the part that tells versions alone."""
    found = []
    for name, projection in opened.knowledge.stores.projections.items():
        async with projection.store.snapshot() as snapshot:
            for part in await snapshot.digests():
                if part != "versions":
                    found += [f"{name}.{part} {_timeless(row)}" async for row in snapshot.rows(part)]
    return sorted(found)


async def test_a_deletion_is_undone_and_everything_is_there_again(opened: Opened) -> None:
    await opened.relations.judge(ADA, MET, valid=False, reason="no", deadline=soon())
    await opened.knowledge.follow()
    before = await parts(opened)
    outputs = await opened.history.pool.fetchval("SELECT count(*) FROM annals.model_outputs")

    (deletion,) = await opened.history.delete(TOWN)
    await opened.knowledge.follow()
    assert await parts(opened) != before
    await opened.undo(deletion)
    event = await opened.last()
    assert event.event_type == "DocumentRestored" and event.causation_id == deletion.event_id
    assert event.metadata.actor == "ada" and event.event_data.model_dump()["reason"] == MISTAKE
    assert {**TOWN.content.model_dump(), "reason": MISTAKE} == event.event_data.model_dump()
    await opened.process(TOWN)
    assert await parts(opened) == before
    assert await opened.history.pool.fetchval("SELECT count(*) FROM annals.model_outputs") == outputs


async def test_updates_are_undone_one_by_one(opened: Opened) -> None:
    before = await parts(opened)
    await opened.knowledge.tell(NEW)
    first = next(one for one in await opened.history.all() if one.event_type == "DocumentUpdated")
    (deletion,) = await opened.history.delete(NEW)
    await opened.knowledge.follow()
    with pytest.raises(RefusedError, match=f"undo that first: annals undo {deletion.event_id}"):
        await opened.undo(first)
    await opened.undo(deletion)
    await opened.process(NEW)
    await opened.undo(first)
    await opened.process(TOWN)
    assert await parts(opened) == before
    with pytest.raises(RefusedError, match="was undone already, by event"):
        await opened.undo(first)


async def test_decisions_on_relations_are_undone_to_those_before(opened: Opened) -> None:
    before = await parts(opened)
    await opened.relations.judge(ADA, MET, valid=False, deadline=soon())
    wrong = await opened.last()
    await opened.relations.correct(ADA, MET, predicate="knew", deadline=soon())
    knew = await opened.last()
    await opened.knowledge.follow()
    between = await parts(opened)
    await opened.relations.correct(ADA, MET, predicate="married", deadline=soon())
    married = await opened.last()
    await opened.knowledge.follow()
    with pytest.raises(RefusedError, match=f"annals undo {married.event_id}"):
        await opened.undo(knew)
    await opened.undo(married)
    assert await parts(opened) == between
    await opened.undo(wrong)
    await opened.undo(knew)
    assert await parts(opened) == before
    found = [one.model_dump(mode="json") for one in await opened.history.of_document(TOWN)]
    assert set(undone_in(found)) == {str(one.event_id) for one in (married, wrong, knew)}


async def test_a_judgement_is_undone_where_the_document_states_the_same_again(opened: Opened) -> None:
    await opened.relations.judge(ADA, MET, valid=False, deadline=soon())
    wrong = await opened.last()
    await opened.knowledge.tell(Story("town", ("Gus sang.", "Ada met Bob."), tenant="ours"))
    await opened.undo(wrong)
    page = await opened.knowledge.stores.read.relational.list_relations("ours", RelationFilter(), None, 10)
    assert [one.valid for one in page] == [None]


async def test_chunks_and_chains_are_undone(opened: Opened) -> None:
    before = await parts(opened)
    first, second, _ = TOWN.chunks
    await opened.chunks.merge(ADA, [first.chunk_id, second.chunk_id], deadline=soon())
    merged = await opened.last()
    await opened.knowledge.follow()
    await opened.undo(merged)
    assert (await opened.last()).causation_id == merged.event_id
    assert await parts(opened) == before
    with pytest.raises(RefusedError, match="was undone already"):
        await opened.undo(merged)

    await opened.history.ask("q1", tenant="ours", documents=("town",), chains=("one",))
    await opened.chains.judge(ADA, "q1", 0, valid=False, reason="no", deadline=soon())
    wrong = await opened.last()
    await opened.chains.judge(ADA, "q1", 0, valid=True, deadline=soon())
    right = await opened.last()
    await opened.undo(right)
    assert (await opened.last()).event_data.model_dump()["valid"] is False
    await opened.undo(wrong)
    assert (await opened.last()).event_data.model_dump()["valid"] is None


async def test_decisions_on_entities_are_undone(opened: Opened) -> None:
    before = await parts(opened)
    await opened.entities.merge(ADA, "Bob", "Cleo", reason="same", deadline=soon())
    merged = await opened.last()
    await opened.knowledge.follow()
    await opened.entities.rename(ADA, "Cleo", name="Cleopatra", deadline=soon())
    renamed = await opened.last()
    await opened.knowledge.follow()
    await opened.undo(renamed)
    await opened.undo(merged)
    last = await opened.last()
    assert (last.event_type, last.causation_id) == ("EntityDecisionUndone", merged.event_id)
    assert last.event_data.model_dump()["reason"] == MISTAKE
    assert await parts(opened) == before
    own = await opened.history.reader.of_aggregate("ours", "entity", entity_id("ours", "Bob"))
    assert undone_in([one.model_dump(mode="json") for one in own]) == {str(merged.event_id): str(last.event_id)}
    with pytest.raises(RefusedError):
        await opened.undo(merged)


@pytest.mark.parametrize(
    ("event_type", "said"),
    [
        ("DocumentIngested", "is not undone; annals delete town"),
        ("DocumentChunked", "is nothing that somebody decided; see what was: annals history town"),
        ("DocumentProcessed", "is nothing that somebody decided"),
    ],
)
async def test_what_cannot_be_undone_is_said_with_what_can_be_done(opened: Opened, event_type: str, said: str) -> None:
    event = next(one for one in await opened.history.all() if one.event_type == event_type)
    with pytest.raises(RefusedError, match=re.escape(said)):
        await opened.undo(event)


async def test_an_undoing_is_not_undone(opened: Opened) -> None:
    (deletion,) = await opened.history.delete(TOWN)
    await opened.knowledge.follow()
    await opened.undo(deletion)
    with pytest.raises(RefusedError, match=f"it undid event {deletion.event_id}; make that change again"):
        await opened.undo(await opened.last())


async def test_a_text_that_is_not_kept_any_more_is_not_brought_back(opened: Opened) -> None:
    (deletion,) = await opened.history.delete(TOWN)
    await opened.history.pool.execute("DELETE FROM annals.texts")
    with pytest.raises(RefusedError, match="is not kept any more; take it in again"):
        await opened.undo(deletion)
    assert (await opened.last()).event_id == deletion.event_id


async def test_a_reason_is_needed_and_the_event_is_one_s_own(opened: Opened) -> None:
    (deletion,) = await opened.history.delete(TOWN)
    with pytest.raises(InvalidRequestError, match="give a reason"):
        await opened.undoing.undo(ADA, deletion.event_id, reason=" ", deadline=soon())
    for caller, event_id in (
        (Caller("theirs", "zoe", "test", FULL_ACCESS), deletion.event_id),
        (ADA, uuid4()),
        (_only("sales", "read", "write"), deletion.event_id),
    ):
        with pytest.raises(NotFoundError, match="there is no event"):
            await opened.undo(event_id, caller)


async def test_whoever_may_not_write_it_undoes_nothing(opened: Opened) -> None:
    await opened.relations.judge(ADA, MET, valid=False, deadline=soon())
    judged = await opened.last()
    (deletion,) = await opened.history.delete(TOWN)
    await opened.knowledge.follow()
    for event in (judged, deletion):
        with pytest.raises(AccessDeniedError):
            await opened.undo(event, Caller("ours", "eve", "test", allowed("documents:read", "events:read")))
        with pytest.raises((AccessDeniedError, NotFoundError)):
            await opened.undo(event, _only("hr", "read"))
    assert (await opened.last()).event_id == deletion.event_id
    await opened.undo(deletion, _only("hr", "read", "write"))
    assert (await opened.last()).event_type == "DocumentRestored"


async def test_an_update_that_moved_it_out_of_reach_is_not_undone_into_it(opened: Opened) -> None:
    await opened.knowledge.tell(NEW)
    update = next(one for one in await opened.history.all() if one.event_type == "DocumentUpdated")
    with pytest.raises((AccessDeniedError, NotFoundError)):
        await opened.undo(update, _only("sales", "read", "write"))


def _only(collection: str, *actions: str) -> Caller:
    documents = [
        Permission.model_validate({"resource": "documents", "action": action, "collections": (collection,)})
        for action in actions
    ]
    return Caller("ours", "eve", "test", allowed(*documents, "events:*", "relations:*", "chunks:*"))
