"""Another model of entities, or of relations, takes over while documents come in and are read."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path

import pytest

from aggregates.cause import RefusedError
from annals.composition.inference import open_inference
from annals.composition.readings import rereading
from annals.composition.storage import storage_of
from contracts.documents import DocumentReread
from contracts.event_types import EventType
from contracts.readings import models_of, reading_of
from contracts.system import ModelUpdated
from eventstore.errors import MissingTextError
from eventstore.texts import TextKey
from inference.extractors import ExtractorName
from inference.model import InferenceError, NothingKept
from inference.runner import Inference
from projections.fold_workers import FoldWorkers, Named
from projections.folding import FoldJob, Made
from projections.relational.reads import RelationFilter
from services.corrections.relations import CorrectRelations
from services.operations.changing_reading import ChangedReading, ReadingTask
from services.processing.completion import Completion
from services.processing.present_reading import READ, following_reading
from services.processing.recent import RecentDocuments
from services.processing.stragglers import CompletionRunner
from tests.inference.tiny import make_classifier
from tests.projections.stories import Story
from tests.support.knowledge import RememberedAudit
from tests.support.readings import CALLER, World, opened, soon, story

FIRST = {("Ada0", "PERSON"), ("Sefrik", "PERSON"), ("Varn", "PERSON"), ("Lisse", "PERSON")}
THEN = {("Sefrik", "PERSON"), ("Varn", "PERSON"), ("Lisse", "PLACE-NAME")}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> ExtractorName:
    return ExtractorName(str(make_classifier(tmp_path_factory.mktemp("models") / "classifier")))


@pytest.fixture
async def world(dsn: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(dsn, tmp_path) as one:
        yield one


def completing_by(world: World, inference: Inference) -> CompletionRunner:
    """The last stage of a worker whose models are these."""
    stores = world.stores
    return CompletionRunner(
        Completion(stores.texts, inference),
        stores.commands,
        RecentDocuments(),
        world.which,
        following_reading(inference, world.which),
        inference,
        rereading(stores),
    )


async def reread(world: World) -> list[DocumentReread]:
    """Every reading that the log has."""
    events = await world.stores.reader.of_types([EventType.DOCUMENT_REREAD], 0, 10_000, 10_000)
    return [event.event_data for event in events if isinstance(event.event_data, DocumentReread)]


@pytest.mark.pipeline
async def test_it_takes_over_in_every_read_model_at_once_and_goes_back(world: World, classifier: ExtractorName) -> None:
    await world.tell(story(0))
    assert await world.named() == await world.named("graph") == FIRST
    changed = await world.to(classifier, reason="it knows places")
    assert changed == ChangedReading("entities", changed.revision, world.own[0], changed=True)
    assert changed.revision.startswith("classifier@")
    assert await world.named() == await world.named("graph") == THEN
    assert await world.same() == [None, None, None]
    assert models_of(await world.which.present() or "") == (changed.revision, world.own[1])

    # What comes in after it, and a process that embeds or reads.
    inference = open_inference(world.stores.settings, NothingKept())
    try:
        await following_reading(inference, world.which)()
        assert (inference.entities.revision, inference.relations.revision) == (changed.revision, world.own[1])
    finally:
        inference.close()
    await world.tell(story(1))
    assert ("Ada1", "PERSON") in await world.named()

    # Of the documents that came in meanwhile nothing is left to be read by the former one.
    read = len(await reread(world))
    await world.rebuilding.back(CALLER, ["relational", "graph"], deadline=soon())
    assert await world.named() == await world.named("graph") == FIRST | {("Ada1", "PERSON")}
    assert await world.same() == [None, None, None]
    assert len(await reread(world)) == read
    events = await world.stores.reader.of_aggregate("default", "model", "entities")
    updates = [event.event_data for event in events if isinstance(event.event_data, ModelUpdated)]
    assert [(one.previous, one.revision, one.reason) for one in updates] == [
        (world.own[0], changed.revision, "it knows places"),
        (changed.revision, world.own[0], "back to what was live before"),
    ]
    assert events[-1].metadata.actor == "ada"
    await world.to(classifier)
    assert await world.named() == THEN, "what came in since was read, too"


@pytest.mark.pipeline
async def test_killed_it_leaves_what_was_shown_and_goes_on_where_it_stood(
    world: World, classifier: ExtractorName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.processing.rereading.PAGE", 2)
    await world.tell(*map(story, range(5)))
    first = await world.named()

    def killed(done: int) -> None:
        if done >= 4:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.to(classifier, killed)
    await world.follow()
    assert await world.named() == await world.named("graph") == first
    assert await world.same() == [None, None, None]
    assert len(await reread(world)) == 4
    await world.tell(story(5))
    await world.to(classifier)
    assert await world.named() == await world.named("graph") == THEN
    assert len(await reread(world)) == 6, "each was read once"
    assert await world.same() == [None, None, None]
    assert not (await world.to(classifier)).changed


@pytest.mark.pipeline
async def test_before_any_other_model_took_over_each_read_model_goes_back_alone(
    world: World, classifier: ExtractorName
) -> None:
    """Whatever began: what is kept from before shows what was found first, as what is live does."""
    await world.tell(story(0))
    await world.rebuilding.replay(CALLER, ["relational", "graph"], lambda _: None, deadline=soon())

    def killed(_: int) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.to(classifier, killed)
    assert await world.rebuilding.back(CALLER, ["graph"], deadline=soon()) == ["graph"]
    await world.to(classifier)
    assert await world.named() == await world.named("graph") == THEN
    with pytest.raises(RefusedError, match="go back with both"):
        await world.rebuilding.back(CALLER, ["graph"], deadline=soon())
    await world.rebuilding.back(CALLER, ["relational", "graph"], deadline=soon())
    assert await world.named() == await world.named("graph") == FIRST
    assert await world.same() == [None, None, None]


@pytest.mark.pipeline
async def test_processes_that_fold_show_it_too(
    dsn: str, tmp_path: Path, classifier: ExtractorName, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, begun = FoldWorkers.made, list[Named]()

    def noted(self: FoldWorkers, models: Named, job: FoldJob, aggregates: int) -> AsyncGenerator[Made, None] | None:
        if (folding := made(self, models, job, aggregates)) is not None:
            begun.append(models)
        return folding

    monkeypatch.setattr(FoldWorkers, "made", noted)
    monkeypatch.setattr("annals.composition.folding.LEAST", 0)
    async with opened(dsn, tmp_path, replay_workers=2) as world:
        await world.tell(story(0))
        changed = await world.to(classifier)
        reading = reading_of(changed.revision, world.own[1])
        assert begun == [[("relational", reading), ("graph", reading)]]
        assert await world.named() == await world.named("graph") == THEN
        assert await world.same() == [None, None, None]


@pytest.mark.pipeline
async def test_what_cannot_be_had_is_refused_in_one_line(world: World, classifier: ExtractorName) -> None:
    await world.tell(story(0))
    tasks: list[tuple[ReadingTask, ExtractorName]] = [
        ("entities", ExtractorName("xx_no_model")),
        ("relations", classifier),
    ]
    for task, name in tasks:
        with pytest.raises(InferenceError) as refused:
            await world.to(name, task=task)
        assert "\n" not in str(refused.value)
    assert await reread(world) == []


@pytest.mark.pipeline
async def test_another_model_of_relations_takes_over(world: World, tmp_path: Path) -> None:
    import spacy

    spacy.blank("en").to_disk(tmp_path / "nothing")
    await world.tell(story(0))
    relations = "SELECT count(*) FROM {}.relations"
    assert [await world.stores.pool.fetchval(relations.format(name)) for name in READ] == [1, 1]
    changed = await world.to(ExtractorName(str(tmp_path / "nothing")), task="relations")
    assert (changed.task, changed.previous) == ("relations", world.own[1])
    assert [await world.stores.pool.fetchval(relations.format(name)) for name in READ] == [0, 0]
    assert await world.same() == [None, None, None]


@pytest.mark.pipeline
async def test_what_people_decided_holds_and_an_as_of_shows_what_served_then(
    world: World, classifier: ExtractorName
) -> None:
    first = story(0)
    await world.tell(first)
    (relation,) = first.related.relations
    await world.history.judge_relation(first, relation.relation_id, valid=False)
    await world.follow()
    before = await world.stores.reader.head()
    await world.to(classifier)
    (found,) = await reread(world)
    assert await world.serving.at(before) is None
    assert await world.serving.at(await world.stores.reader.head()) == await world.which.present()
    # One that the parser states, too, is judged as it was; one that it does not is there no more.
    shown = await world.stores.pool.fetch("SELECT relation_id, valid FROM relational.relations")
    stated = {one.relation_id for one in found.relations}
    assert {row["relation_id"] for row in shown} == stated
    assert {row["relation_id"]: row["valid"] for row in shown}.get(relation.relation_id) in (None, False)
    with pytest.raises(RefusedError, match="go back with both"):
        await world.rebuilding.back(CALLER, ["graph"], deadline=soon())
    assert await world.same() == [None, None, None]


@pytest.mark.pipeline
async def test_a_relation_that_another_model_alone_found_is_decided_on(world: World, classifier: ExtractorName) -> None:
    first, stores = story(0), world.stores
    await world.tell(first)
    await world.to(classifier)
    (found,) = await reread(world)
    before = {one.relation_id for one in first.related.relations}
    own = next(one for one in found.relations if one.relation_id not in before)
    relations = CorrectRelations(stores.commands, stores.reader, stores.read.relational, stores.read.passages)

    async def shown() -> tuple[str, bool | None]:
        await world.follow()
        (relation,) = await stores.read.relational.list_relations(
            CALLER.tenant, RelationFilter(relation_id=own.relation_id), None, 2
        )
        return relation.predicate, relation.valid

    assert await shown() == (own.predicate, None)
    await relations.judge(CALLER, own.relation_id, valid=False, deadline=soon())
    await relations.correct(CALLER, own.relation_id, predicate="dwells", deadline=soon())
    assert await shown() == ("dwells", False)
    await relations.undo(CALLER, own.relation_id, deadline=soon())
    assert await shown() == (own.predicate, None)
    assert await world.same() == [None, None, None]


@pytest.mark.pipeline
async def test_what_a_worker_had_begun_on_before_is_read_once_it_is_processed(
    world: World, classifier: ExtractorName
) -> None:
    stores, late = world.stores, story(1)
    await world.tell(story(0))
    for step in (world.history.ingest, world.history.chunk, world.history.extract):
        await step(late)
    related = (await world.history.relate(late))[-1]
    inference = open_inference(stores.settings, stores.outputs)
    try:
        completing = completing_by(world, inference)
        await world.to(classifier)
        assert len(await reread(world)) == 1, "the last look is behind"
        await completing.run([related])
        await world.follow()
        assert len(await reread(world)) == 2
        assert await world.named() == await world.named("graph") == THEN
        await completing.run([related])
        assert len(await reread(world)) == 2, "delivered again, it is read once"
        assert await world.same() == [None, None, None]
    finally:
        inference.close()


@pytest.mark.pipeline
async def test_where_no_model_took_over_nothing_is_read_again(world: World) -> None:
    inference = open_inference(world.stores.settings, NothingKept())
    for step in (world.history.ingest, world.history.chunk, world.history.extract):
        await step(story(0))
    try:
        completing = completing_by(world, inference)
        await completing.run([(await world.history.relate(story(0)))[-1]])
        await world.follow()
        assert await reread(world) == [] and await world.named() == FIRST
    finally:
        inference.close()


@pytest.mark.pipeline
async def test_a_document_that_is_erased_while_it_is_read_is_passed_over(
    world: World, classifier: ExtractorName, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.tell(story(0), Story("erased", ("Bob knew Sefrik .",), ""))
    texts = world.stores.texts
    get_many, erasing = texts.get_many, storage_of(world.stores, RememberedAudit()).erasing

    async def get_once_erased(keys: Sequence[TextKey]) -> dict[TextKey, str]:
        monkeypatch.setattr(texts, "get_many", get_many)
        erased = erasing.erase(CALLER, [["erased"]], reason="asked for", correlation_id="e", deadline=soon())
        async with asyncio.TaskGroup() as group:
            done = group.create_task(erased)
            while not done.done():
                await world.follow()
        return await get_many(keys)

    monkeypatch.setattr(texts, "get_many", get_once_erased)
    await world.to(classifier)
    assert await world.named() == await world.named("graph") == THEN
    assert len(await reread(world)) == 1
    assert await world.same() == [None, None, None]


@pytest.mark.pipeline
async def test_a_text_that_is_lost_is_said_to_be(world: World, classifier: ExtractorName) -> None:
    await world.tell(story(0))
    await world.stores.pool.execute("DELETE FROM annals.texts")
    with pytest.raises(MissingTextError, match="d0"):
        await world.to(classifier)
