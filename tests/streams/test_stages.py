"""A document's way through the stages, on the real event store and with the real models."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from aggregates.document import Document
from contracts import ids, limits
from contracts.codec import MalformedEventError
from contracts.documents import (
    DocumentChunked,
    DocumentIngested,
    DocumentProcessed,
    EntitiesExtracted,
    RelationshipsDiscovered,
)
from contracts.envelope import DomainEvent
from contracts.topics import topics
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from eventstore.texts import TextStore
from inference.embedding import vector
from inference.model import digest_of
from inference.runner import Inference, InferenceSettings
from services.processing import stage as stages
from services.processing.chunking import Chunking
from services.processing.completion import Completion
from services.processing.embedder_input import embedder_input
from services.processing.entities import Entities
from services.processing.recent import RecentDocuments
from services.processing.relationships import Relationships
from services.processing.stage import StageOutput, StageRunner
from services.storage.intake import Intake
from streams.stage_handler import StageHandler
from tests.streams.pipeline import PARTITION, TEXT, TITLE, Pipeline, PresentOutputs, record

WAY = ["DocumentIngested", "DocumentChunked", "EntitiesExtracted", "RelationshipsDiscovered", "DocumentProcessed"]


@pytest.fixture(scope="module")
def loaded() -> Iterator[tuple[Inference, PresentOutputs]]:
    outputs = PresentOutputs()
    inference = Inference(InferenceSettings(chunk_tokens=100, chunk_overlap=20), outputs)
    yield inference, outputs
    inference.close()


@pytest.fixture
def inference(loaded: tuple[Inference, PresentOutputs], outputs: PresentOutputs) -> Inference:
    return loaded[0]


@pytest.fixture
def outputs(loaded: tuple[Inference, PresentOutputs], pool: PostgresPool) -> PresentOutputs:
    loaded[1].store, loaded[1].made = ModelOutputs(pool, PUBLIC_IDS), 0
    return loaded[1]


Stages = Callable[[bool], dict[str, StageHandler]]


@pytest.fixture
def made(commands: Commands, texts: TextStore, pool: PostgresPool, inference: Inference) -> Stages:
    """The stages in their order, each by itself or with the next one to hand on to."""

    def make(hand_on: bool) -> dict[str, StageHandler]:
        recent, positions = RecentDocuments(), ConsumerPositions(pool)
        then: StageRunner | None = None
        handlers: dict[str, StageHandler] = {}
        for stage in (
            Completion(texts, inference),
            Relationships(texts, inference),
            Entities(texts, inference),
            Chunking(texts, inference),
        ):
            then = StageRunner(stage, commands, recent, then=then if hand_on else None)
            handlers[stage.name] = StageHandler(then, positions, topics())
        return dict(reversed(handlers.items()))

    return make


@pytest.fixture
def handlers(made: Stages) -> dict[str, StageHandler]:
    return made(False)


@pytest.fixture
def pipeline(handlers: dict[str, StageHandler], reader: EventReader, intake: Intake) -> Pipeline:
    return Pipeline(handlers, reader, intake)


async def test_each_stage_follows_the_one_before(pipeline: Pipeline) -> None:
    ingested = await pipeline.submit()
    events = await pipeline.run()

    assert [event.event_type for event in events] == WAY
    assert [event.aggregate_version for event in events] == [1, 2, 3, 4, 5]
    for (earlier, later), name in zip(pairwise(events), pipeline.handlers, strict=True):
        assert later.causation_id == earlier.event_id
        assert (later.correlation_id, later.aggregate_id, later.tenant) == ("c1", "d1", "acme")
        assert (later.metadata.actor, later.metadata.source) == ("annals", name)
    assert isinstance(ingested.event_data, DocumentIngested)
    assert {getattr(event.event_data, "content", ingested.event_data.text.digest) for event in events} == {
        ingested.event_data.text.digest
    }


@pytest.fixture
def chain(made: Stages, reader: EventReader, intake: Intake) -> Pipeline:
    return Pipeline(made(True), reader, intake)


async def test_what_a_stage_hands_on_is_done_before_it_is_delivered(
    chain: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delivery of what sets the first stage off leads to the end, and the other ones find nothing to do."""
    await chain.submit(TEXT[:65])
    await chain.deliver("chunking")
    assert await chain.types() == WAY

    monkeypatch.setattr(StageRunner, "_work_on", None)  # whoever works fails
    await chain.deliver("entities", "relationships", "completion")
    assert await chain.types() == WAY


async def test_what_fails_ahead_is_the_failure_of_its_own_stage(
    chain: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ValueError("the model is broken")

    monkeypatch.setattr(Relationships, "work", fail)
    await chain.submit(TEXT[:65])
    await chain.deliver("chunking", "entities")
    assert await chain.types() == WAY[:3]
    with pytest.raises(ValueError, match="the model is broken"):
        await chain.deliver("relationships")
    monkeypatch.undo()
    await chain.deliver("relationships", "completion")
    assert await chain.types() == WAY


async def test_a_large_document_is_left_to_the_delivery(chain: Pipeline) -> None:
    """Nobody who has a small one waits for it."""
    await chain.submit("The soup was cold. " * (stages.LARGE_BYTES // 19 + 1))
    await chain.deliver("chunking")
    assert await chain.types() == WAY[:2]
    assert [event.event_type for event in await chain.run()] == WAY


async def test_neither_a_first_event_nor_what_a_stage_left_is_loaded(
    pipeline: Pipeline, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = Commands.load_in_batches

    def counted(self: Commands, keys: Iterable[AggregateKey], project: Any) -> Any:
        wanted = list(keys)
        loaded.extend(key.aggregate_id for key in wanted)
        return load(self, wanted, project)

    monkeypatch.setattr(Commands, "load_in_batches", counted)
    await pipeline.submit()
    assert [event.event_type for event in await pipeline.run()] == WAY
    assert loaded == []


async def test_what_somebody_else_wrote_meanwhile_is_loaded(pipeline: Pipeline) -> None:
    """What this process remembers of the document is older than the log: it is not used."""
    await pipeline.submit()
    await pipeline.deliver("chunking")
    before = await pipeline.events()
    await pipeline.submit("Grace Hopper met Ada Lovelace.")
    await pipeline.deliver("entities", only=before)
    assert (await pipeline.types())[2:] == ["DocumentUpdated"]
    events = await pipeline.run()
    assert [event.event_type for event in events][2:] == ["DocumentUpdated", *WAY[1:]]


async def test_the_parser_begins_while_chunks_are_embedded(pipeline: Pipeline, inference: Inference) -> None:
    await pipeline.submit()
    await pipeline.deliver("chunking")
    chunked = (await pipeline.events())[-1].event_data
    assert isinstance(chunked, DocumentChunked)
    texts = [TEXT[chunk.start : chunk.end] for chunk in chunked.chunks]
    found: dict[str, bytes] = {}
    async with asyncio.timeout(60):
        while len(found) < len({digest_of(text) for text in texts}):
            found = await inference.relations._store.get_many(
                inference.relations.revision, sorted({digest_of(text) for text in texts})
            )
            await asyncio.sleep(0.02)


async def test_chunks_are_stretches_of_the_text_and_have_vectors(
    pipeline: Pipeline, inference: Inference, pool: PostgresPool
) -> None:
    await pipeline.submit()
    await pipeline.deliver("chunking")
    chunked = (await pipeline.events())[-1].event_data

    assert isinstance(chunked, DocumentChunked) and len(chunked.chunks) > 3
    assert [chunk.index for chunk in chunked.chunks] == list(range(len(chunked.chunks)))
    # Texts that are equal within a document still are different chunks.
    assert len({chunk.chunk_id for chunk in chunked.chunks}) == len(chunked.chunks)
    assert len({chunk.digest for chunk in chunked.chunks}) < len(chunked.chunks)
    found = await ModelOutputs(pool, PUBLIC_IDS).get_many(
        chunked.embedder, [chunk.input_digest for chunk in chunked.chunks]
    )
    first = chunked.chunks[0]
    (expected,) = await inference.embed_queries([embedder_input(TITLE, TEXT[first.start : first.end])])
    assert float(vector(found[first.input_digest]) @ expected) > 0.999
    assert {chunk.input_digest for chunk in chunked.chunks} == set(found)


async def test_what_stands_over_a_chunk_is_embedded_with_it(
    pipeline: Pipeline, inference: Inference, pool: PostgresPool
) -> None:
    """A row far down a table is found by what its columns are called; where it is in the text stays what it is."""
    header, row = "| Ship | Master |", "| Petrel 70 | Ada Renn |"
    rows = "".join(f"| Petrel {number} | Ada Renn |\n" for number in range(90))
    text = f"# Tarrow\n\n## Crews\n\n{header}\n| --- | --- |\n{rows}"
    await pipeline.submit(text, title="Tarrow")
    await pipeline.deliver("chunking")
    chunked = (await pipeline.events())[-1].event_data
    assert isinstance(chunked, DocumentChunked)
    (chunk,) = [one for one in chunked.chunks if row in text[one.start : one.end]][:1]
    own = text[chunk.start : chunk.end]
    assert header not in own and chunk.digest == digest_of(own)
    read = f"Tarrow\nCrews\n{header}\n{own}"
    assert chunk.input_digest == digest_of(read)
    (expected,) = await inference.embed_queries([read])
    (found,) = (await ModelOutputs(pool, PUBLIC_IDS).get_many(chunked.embedder, [chunk.input_digest])).values()
    assert float(vector(found) @ expected) > 0.999


async def test_what_is_found_lies_in_the_documents_text(pipeline: Pipeline) -> None:
    # The names stand at the end, so that spans within a chunk and within the document differ.
    text = "The soup was cold. " * 100 + TEXT[:65]
    await pipeline.submit(text, title="A meeting")
    events = await pipeline.run()

    extracted, related, processed = (event.event_data for event in events[2:])
    assert isinstance(extracted, EntitiesExtracted) and isinstance(related, RelationshipsDiscovered)
    assert {mention.name for mention in extracted.mentions} >= {"Ada Lovelace", "Charles Babbage", "London"}
    for mention in extracted.mentions:
        assert text[mention.start : mention.end] == mention.name
        assert mention.entity_id == ids.entity_id("acme", mention.name)
        assert mention.start > 1800
    assert {alias.name for alias in extracted.aliases} == {"A meeting"}
    said = {(relation.subject, relation.predicate, relation.object) for relation in related.relations}
    assert ("Ada Lovelace", "meet", "Charles Babbage") in said
    for relation in related.relations:
        assert relation.object in text[relation.start : relation.end]
        assert relation.subject_id == ids.entity_id("acme", relation.subject)
    assert isinstance(processed, DocumentProcessed)
    assert processed.entities == len({mention.entity_id for mention in extracted.mentions})
    assert processed.relations == len(related.relations)


async def test_the_same_event_again_appends_nothing(pipeline: Pipeline) -> None:
    await pipeline.submit()
    done = await pipeline.run()
    assert await pipeline.run() == done
    await pipeline.deliver("chunking", only=[done[0], done[0]])
    assert await pipeline.events() == done


async def test_twice_in_one_batch_is_once(pipeline: Pipeline) -> None:
    event = await pipeline.submit()
    await pipeline.deliver("chunking", only=[event, event])
    assert await pipeline.types() == WAY[:2]


async def test_two_workers_at_once_append_one_result(pipeline: Pipeline) -> None:
    """As after a rebalance: both hold the event, both load the state before either appends."""
    event = await pipeline.submit()
    await asyncio.gather(*(pipeline.deliver("chunking", only=[event]) for _ in range(4)))
    assert await pipeline.types() == WAY[:2]


async def test_a_stale_event_appends_nothing(pipeline: Pipeline) -> None:
    old = await pipeline.submit("Ada met Charles in London.")
    new = await pipeline.submit("Ada met Charles in Paris.")
    await pipeline.deliver("chunking", only=[old])
    assert await pipeline.types() == ["DocumentIngested", "DocumentUpdated"]

    await pipeline.deliver("chunking", only=[old, new])
    assert (await pipeline.events())[-1].causation_id == new.event_id
    assert len(await pipeline.events()) == 3


async def test_a_change_on_the_way_starts_over_and_ends_once(pipeline: Pipeline) -> None:
    await pipeline.submit("Ada met Charles in London.")
    await pipeline.deliver("chunking", "entities")
    await pipeline.submit("Ada met Charles in Paris.")
    await pipeline.deliver("relationships", "completion")
    await pipeline.run()
    assert await pipeline.types() == [*WAY[:3], "DocumentUpdated", *WAY[1:]]


async def test_many_documents_in_one_batch_each_get_their_own(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "SLICE_BYTES", 150)
    for number, city in enumerate(["London", "Paris", "Rome", "Berlin", "Vienna"]):
        await pipeline.submit(f"Ada Lovelace met Charles Babbage in {city}.", f"d{number}")
    events = await pipeline.run()
    assert len(events) == 25
    found = {
        event.aggregate_id: {mention.name for mention in event.event_data.mentions}
        for event in events
        if isinstance(event.event_data, EntitiesExtracted)
    }
    for number, city in enumerate(["London", "Paris", "Rome", "Berlin", "Vienna"]):
        assert city in found[f"d{number}"]


async def test_the_next_documents_are_worked_on_while_the_last_ones_are_stored(
    pipeline: Pipeline, inference: Inference, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "SLICE_BYTES", 1)
    work, store_many = Chunking.work, commands.store_many
    begun, stored = 0, 0

    async def counted(self: Chunking, batch: Sequence[tuple[Document, DomainEvent]]) -> list[StageOutput]:
        nonlocal begun
        begun += 1
        return await work(self, batch)

    async def store_after(given: Sequence[Command]) -> None:
        nonlocal stored
        async with asyncio.timeout(30):
            while begun < min(stored + 2, 3):  # noqa: ASYNC110  # the consumer goes on beside it
                await asyncio.sleep(0.01)
        stored += 1
        await store_many(given)

    monkeypatch.setattr(Chunking, "work", counted)
    monkeypatch.setattr(commands, "store_many", store_after)
    for number in range(3):
        await pipeline.submit(f"Ada Lovelace met number {number}.", f"d{number}")
    await pipeline.deliver("chunking")
    assert (begun, stored) == (3, 3)
    assert (await pipeline.types()).count("DocumentChunked") == 3


async def test_what_was_worked_on_is_stored_though_the_next_documents_fail(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "SLICE_BYTES", 1)
    work = Chunking.work

    async def failing(self: Chunking, batch: Sequence[tuple[Document, DomainEvent]]) -> list[StageOutput]:
        if batch[0][0].document_id == "d1":
            raise RuntimeError("out of ideas")
        return await work(self, batch)

    monkeypatch.setattr(Chunking, "work", failing)
    for number in range(3):
        await pipeline.submit(f"Ada Lovelace met number {number}.", f"d{number}")
    with pytest.raises(RuntimeError, match="out of ideas"):
        await pipeline.deliver("chunking")
    assert [event.aggregate_id for event in await pipeline.events() if event.event_type == "DocumentChunked"] == ["d0"]


async def test_results_in_parts_set_the_next_stage_off_once_and_lead_to_the_same_end(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pipeline.submit(document_id="whole")
    whole = await pipeline.run()
    monkeypatch.setattr(limits, "PART_BYTES", 1)
    await pipeline.submit(document_id="parts")
    events = [event for event in await pipeline.run() if event.aggregate_id == "parts"]

    assert len(events) > len(whole)
    assert list(dict.fromkeys(str(event.event_type) for event in events)) == WAY
    assert [event.aggregate_version for event in events] == list(range(1, len(events) + 1))
    results = [[event for event in events if event.event_type == name] for name in WAY]
    for earlier, later in pairwise(results):
        assert {event.causation_id for event in later} == {earlier[-1].event_id}
    assert events[-1].event_data == whole[-1].event_data
    assert [event for event in await pipeline.run() if event.aggregate_id == "parts"] == events


async def test_model_outputs_are_kept_so_that_no_model_runs_twice(pipeline: Pipeline, outputs: PresentOutputs) -> None:
    await pipeline.submit()
    await pipeline.run()
    made = outputs.made
    assert made > 0

    await pipeline.submit(document_id="the same elsewhere")
    events = await pipeline.run()
    assert outputs.made == made
    assert [event.event_type for event in events[5:]] == WAY


async def test_of_an_update_chunks_that_did_not_change_keep_their_ids_and_models_see_the_new_one_alone(
    pipeline: Pipeline, outputs: PresentOutputs
) -> None:
    names = ("Ada", "Bob", "Cleo", "Dan", "Eve", "Finn")
    text = "\n\n".join(
        f"## {name}\n\n{name} lived in Lisse. " + f"{name} kept a mill by the river there. " * 8 for name in names
    )
    await pipeline.submit(text)
    first = chunked(await pipeline.run())
    assert len(first.chunks) >= len(names)
    made = outputs.made

    await pipeline.submit(text.replace("Cleo lived in Lisse", "Cleo lived in faraway Morvane"))
    second = chunked(await pipeline.run())
    kept = {chunk.chunk_id for chunk in first.chunks} & {chunk.chunk_id for chunk in second.chunks}
    assert len(first.chunks) == len(second.chunks) == len(kept) + 1
    # One vector and one analysis, of the chunk that is new.
    assert outputs.made - made == 2


def chunked(events: list[DomainEvent]) -> DocumentChunked:
    """The last chunks."""
    return next(event.event_data for event in reversed(events) if isinstance(event.event_data, DocumentChunked))


async def test_results_have_ids_that_can_be_worked_out_again(pipeline: Pipeline, inference: Inference) -> None:
    ingested = await pipeline.submit()
    await pipeline.deliver("chunking")
    revision = f"{inference.chunker.revision} {inference.embedder.revision}"
    expected: UUID = ids.event_id(ingested.event_id, "chunking", revision)
    assert (await pipeline.events())[-1].event_id == expected


async def test_the_position_is_remembered_and_never_goes_back(pipeline: Pipeline, pool: PostgresPool) -> None:
    event = await pipeline.submit("Ada.")
    await pipeline.deliver("chunking")
    await pipeline.handlers["chunking"].handle([], {PARTITION: 1000})
    await pipeline.deliver("chunking", only=[event])
    assert await ConsumerPositions(pool).of("chunking") == {PARTITION: 1000}


async def test_a_stage_decodes_what_sets_it_off_and_nothing_else(pipeline: Pipeline) -> None:
    message = record(await pipeline.submit("Ada."))
    chunking, entities = pipeline.handlers["chunking"], pipeline.handlers["entities"]
    assert entities.read(replace(message, value=b"not even JSON")) is None
    assert chunking.read(replace(message, value=None)) is None
    assert chunking.topics == entities.topics == ("annals.documents",)
    with pytest.raises(MalformedEventError, match="Invalid JSON"):
        chunking.read(replace(message, value=b"not even JSON"))
