"""What another model would have answered, asked while the present one serves."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import spacy

from aggregates.cause import RefusedError
from annals.composition.models import serving_models
from annals.composition.use_cases import UseCases, use_cases_over
from contracts.access import Permission
from contracts.event_types import EventType
from eventstore.generations import GenerationExistsError
from inference.embedders import EmbedderName
from inference.extractors import ExtractorName
from inference.model import InferenceError
from services.caller import Caller
from services.errors import AccessDeniedError, InvalidRequestError
from services.operations.previewing import Preview, PreviewTask
from tests.support.access import allowed
from tests.support.embedders import CALLER, Embedders, World, begin, make_embedders, opened, soon

pytestmark = pytest.mark.pipeline

QUESTIONS = ["Who lives in the bridge ?", "Where does Varn live?"]


@pytest.fixture(scope="module")
def embedders(tmp_path_factory: pytest.TempPathFactory) -> Embedders:
    return make_embedders(tmp_path_factory.mktemp("embedders"))


@pytest.fixture
def nothing(tmp_path: Path) -> ExtractorName:
    """A spaCy model that finds no relation."""
    spacy.blank("en").to_disk(tmp_path / "nothing")
    return ExtractorName(str(tmp_path / "nothing"))


@pytest.fixture
async def world(dsn: str, tmp_path: Path, embedders: Embedders) -> AsyncIterator[World]:
    """Two documents, which the settings' models serve."""
    async with opened(dsn, tmp_path, embedders) as one:
        await begin(one, embedders)
        await serving_models(one.stores).report(
            CALLER,
            {"entities": one.inference.entities.revision, "relations": one.inference.relations.revision},
            deadline=soon(),
        )
        await one.tell(*map(embedders.story, range(2)))
        yield one


@pytest.fixture
async def use_cases(world: World) -> AsyncIterator[UseCases]:
    async with use_cases_over(world.stores) as opened:
        yield opened


async def preview(
    use_cases: UseCases, task: PreviewTask, name: EmbedderName | ExtractorName, reported: list[int], **how: Any
) -> Preview:
    """This model's, of QUESTIONS."""
    return await use_cases.preview.preview(CALLER, task, name, QUESTIONS, reported.append, deadline=soon(), **how)


async def generations(world: World) -> list[tuple[str, str]]:
    """What is registered beside the live ones."""
    found = await world.stores.generations.registry.all()
    return [(one.read_model, one.purpose) for one in found if one.state != "live"]


async def reread(world: World) -> int:
    """How many readings the log has."""
    return (await world.stores.reader.seen.count_by_type(None)).get(EventType.DOCUMENT_REREAD, 0)


async def test_it_shows_whose_answers_would_differ_and_leaves_nothing(
    world: World, use_cases: UseCases, nothing: ExtractorName
) -> None:
    async def answer() -> str | None:
        return (await world.ask.ask(CALLER, QUESTIONS[0], 5, soon())).answer.answer

    before, reported = await answer(), list[int]()
    asked = (await world.stores.reader.seen.count_by_type(None))[EventType.REASONING_QUERY_EXECUTED]
    total = await use_cases.preview.total(CALLER, "relations", QUESTIONS, deadline=soon())
    found = await preview(use_cases, "relations", nothing, reported)
    (differs,) = found.differences
    assert (differs.question, differs.one) == (QUESTIONS[0], before)
    assert differs.other != before and 0 < differs.other_confidence < differs.one_confidence
    assert (found.asked, found.previous, found.generation) == (2, world.inference.relations.revision, None)
    assert found.revision != found.previous
    assert reported == sorted(reported) and reported[-1] >= total
    assert await generations(world) == [], "what was made is gone"
    assert (await world.stores.reader.seen.count_by_type(None))[EventType.REASONING_QUERY_EXECUTED] == asked
    assert await answer() == before and await world.same() == [None, None, None]

    # What it found is there for the change, after which the answers are those that were foreseen.
    assert await reread(world) == 2
    await use_cases.reading.change(CALLER, "relations", nothing, reported.append, deadline=soon())
    assert await reread(world) == 2
    assert await answer() == differs.other
    with pytest.raises(RefusedError, match="serves already"):
        await preview(use_cases, "relations", nothing, reported)


async def test_kept_it_can_be_asked_by_its_name(world: World, use_cases: UseCases, embedders: Embedders) -> None:
    reported: list[int] = []
    found = await preview(use_cases, "embedder", embedders.names[1], reported, keep="second")
    assert (found.revision, found.previous) == (embedders.revisions[1], embedders.revisions[0])
    kept = await use_cases.past.generations.find("second", deadline=soon())
    assert kept.part("vector").model_revision == found.revision
    assert kept.expires_at is not None and kept.position == found.position
    assert await world.serving() == embedders.revisions[0]
    with pytest.raises(GenerationExistsError):
        await preview(use_cases, "embedder", embedders.names[1], reported, keep="second")
    assert len(await generations(world)) == 3, "it stays as it was"


@pytest.mark.parametrize(("keep", "left"), [("second", 1), (None, 0)])
async def test_called_off_it_leaves_nothing(
    world: World, use_cases: UseCases, embedders: Embedders, keep: str | None, left: int
) -> None:
    """While the first question is asked, and right behind the last one."""
    calls: list[int] = []

    class CalledOff(list[int]):
        def append(self, done: int) -> None:
            calls.append(done)
            if len(calls) > len(complete) - 1 - left:
                raise asyncio.CancelledError

    complete: list[int] = []
    await preview(use_cases, "embedder", embedders.names[1], complete)
    with pytest.raises(asyncio.CancelledError):
        await preview(use_cases, "embedder", embedders.names[1], CalledOff(), keep=keep)
    assert await generations(world) == []
    assert await world.serving() == embedders.revisions[0]


async def test_what_cannot_be_done_is_refused_before_anything_is_made(
    world: World, use_cases: UseCases, embedders: Embedders
) -> None:
    service, second = use_cases.preview, embedders.names[1]

    async def refused(error: type[Exception], caller: Caller = CALLER, name: EmbedderName = second, **how: Any) -> str:
        given = {"questions": QUESTIONS, **how}
        with pytest.raises(error) as raised:
            await service.preview(caller, "embedder", name, report=lambda _: None, deadline=soon(), **given)
        return str(raised.value)

    assert "0 questions" in await refused(InvalidRequestError, questions=[])
    assert "1001 questions" in await refused(InvalidRequestError, questions=["Who?"] * 1001)
    assert "query: " in await refused(InvalidRequestError, questions=["Who?", "x" * 4097])
    assert "cannot name a generation" in await refused(InvalidRequestError, keep="Live")
    assert "serves already" in await refused(RefusedError, name=embedders.names[0])
    assert "\n" not in await refused(InferenceError, name=EmbedderName("nobody/has-such-a-model"))
    rights = ["previews:execute", "models:administer", "projections:execute", "reasoning:execute"]
    for missing in rights:
        access = allowed(*(one for one in rights if one != missing), tenant="default")
        await refused(AccessDeniedError, caller=Caller("default", "eve", "test", access))
    some = Permission(resource="documents", action="read", collections=("hr",))
    eve = Caller("default", "eve", "test", allowed(*rights, some, tenant="default"))
    assert "only some may be seen" in await refused(AccessDeniedError, caller=eve)
    assert await generations(world) == []
