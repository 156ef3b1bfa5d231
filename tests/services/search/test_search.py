"""Searches over the embedded stores: what is found, in which order, in pages, and by whom."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.access import Permission
from security.access import FULL_ACCESS
from services.caller import Caller
from services.citations import Citations
from services.cursors import WrongCursorError
from services.deadline import Deadline, DeadlineExceededError
from services.errors import NotFoundError
from services.reasoning.interface import EmbeddingRequest, EmbeddingResponse
from services.search.results import MODES, FoundPassage, Mode, SearchPage, SearchRequest
from services.search.search import SearchPassages
from tests.projections.stories import Story
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

LAMPS = Story(
    "lamps",
    ("Ada met Bob.", "The glass lamp was lit.", "A lamp of glass burned at night."),
    title="Lamps",
    tenant="ours",
    attributes=(("type", "letter"), ("year", 1931), ("language", "en")),
    uri="https://archive.example/lamps",
)
SHIPS = Story(
    "ships",
    ("Bob met Cleo.", "Ships carried lamps and glass."),
    title="Ships",
    tenant="ours",
    collection="sea",
    attributes=(("type", "note"), ("language", "en")),
)
FOREIGN = Story("foreign", ("The glass lamp was lit.",), tenant="theirs")
ADA = Caller("ours", "ada", "test", FULL_ACCESS)


@pytest.fixture
async def knowledge(dsn: str, tmp_path: Path) -> AsyncIterator[Knowledge]:
    async with open_knowledge(dsn, tmp_path) as opened:
        await opened.tell(LAMPS, SHIPS, FOREIGN)
        yield opened


async def page(
    knowledge: Knowledge,
    query: str = "",
    mode: Mode = "text",
    *,
    caller: Caller = ADA,
    like: str | None = None,
    facets: tuple[str, ...] = (),
    after: str | None = None,
    limit: int = 50,
) -> SearchPage:
    request = SearchRequest(query, mode, like, facets)
    return await knowledge.search.search(caller, request, after=after, limit=limit, deadline=Deadline.after(30))


async def texts(knowledge: Knowledge, query: str, mode: Mode = "text", caller: Caller = ADA) -> set[str]:
    return {one.passage.text for one in (await page(knowledge, query, mode, caller=caller)).passages}


MET, LIT, BURNED = LAMPS.sentences
BOB, CARRIED = SHIPS.sentences


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lamp", {MET, LIT, BURNED, CARRIED}),
        ('"glass lamp"', {LIT}),
        ('"lamp of glass" lit', {BURNED}),
        ("carr*", {CARRIED}),
        ("lamp -night -carr*", {MET, LIT}),
        ("glass document:ships", {CARRIED}),
        ("glass type:letter", {LIT, BURNED}),
        ("glass type:letter type:note", {LIT, BURNED, CARRIED}),
        ("glass language:de", set()),
        ("glass meta:year=1931", {LIT, BURNED}),
        ("glass collection:sea", {CARRIED}),
        ("glass source:https://archive", {LIT, BURNED}),
        ("glass after:2001-01-01", {LIT, BURNED, CARRIED}),
        ("glass before:2001-01-01", set()),
        ("type:note", {BOB, CARRIED}),
        ("elephant", set()),
        ("???", set()),
        ("", set()),
    ],
)
async def test_words_and_conditions(knowledge: Knowledge, query: str, found: set[str]) -> None:
    assert await texts(knowledge, query) == found


@pytest.mark.parametrize("mode", ["vector", "hybrid"])
async def test_phrases_negation_and_conditions_hold_whatever_the_mode(knowledge: Knowledge, mode: Mode) -> None:
    assert await texts(knowledge, "glass", mode) == {*LAMPS.sentences, *SHIPS.sentences}
    assert await texts(knowledge, '"glass lamp"', mode) == {LIT}
    assert await texts(knowledge, "glass -lamp -lamps", mode) == {BOB}
    assert await texts(knowledge, "glass type:note", mode) == {BOB, CARRIED}


async def test_the_graph_leads_from_the_entities_that_are_named_to_what_is_near(knowledge: Knowledge) -> None:
    found = (await page(knowledge, "where is Ada now", "graph")).passages
    assert found[0].passage.text == MET, "it names her"
    assert found[0].passage.score > found[-1].passage.score
    assert await texts(knowledge, "nobody", "graph") == set()
    assert await texts(knowledge, "Ada type:note", "graph") <= {BOB, CARRIED}


async def test_pages_go_on_where_the_last_one_ended(knowledge: Knowledge) -> None:
    for mode in MODES[:3]:
        whole = (await page(knowledge, "glass", mode)).passages
        seen: list[FoundPassage] = []
        after = None
        while True:
            one = await page(knowledge, "glass", mode, after=after, limit=2)
            assert one.found == len(whole) and not one.truncated
            seen += one.passages
            after = one.next
            if after is None:
                break
        assert tuple(seen) == whole
    cursor = (await page(knowledge, "glass", limit=1)).next
    for wrong in (page(knowledge, "lamp", after=cursor), page(knowledge, "glass", "vector", after=cursor)):
        with pytest.raises(WrongCursorError):
            await wrong


async def test_highlights_show_why(knowledge: Knowledge) -> None:
    found = (await page(knowledge, '"glass lamp" light*')).passages
    assert found == ()
    (one,) = (await page(knowledge, '"glass lamp" burns')).passages
    assert [one.passage.text[start:end] for start, end in one.highlights] == ["glass lamp"]
    marked = {
        one.passage.text: [one.passage.text[start:end] for start, end in one.highlights]
        for one in (await page(knowledge, "burning lamp")).passages
    }
    assert marked[BURNED] == ["lamp", "burned"] and marked[CARRIED] == ["lamps"]


async def test_facets_count_documents(knowledge: Knowledge) -> None:
    found = await page(knowledge, "glass", facets=("type", "year", "nowhere"))
    assert found.facets == {"type": {"letter": 1, "note": 1}, "year": {"1931": 1}, "nowhere": {}}


async def test_more_like_this_leaves_it_out(knowledge: Knowledge) -> None:
    for mode in ("hybrid", "text", "vector"):
        found = await page(knowledge, like="lamps", mode=mode)
        assert {one.passage.document_id for one in found.passages} == {"ships"}
    chunk = LAMPS.chunks[1].chunk_id
    assert {one.passage.text for one in (await page(knowledge, like=chunk)).passages} == {CARRIED}
    assert (await page(knowledge, "type:letter", like="lamps")).passages == ()
    for nothing in ("foreign", FOREIGN.chunks[0].chunk_id, "\x00", "\ud800"):
        with pytest.raises(NotFoundError):
            await page(knowledge, like=nothing)


async def test_only_what_is_within_reach_is_found(knowledge: Knowledge) -> None:
    def only(masked: tuple[str, ...] = ()) -> Caller:
        seen = {"resource": "documents", "action": "read", "collections": ("sea",), "masked_fields": masked}
        return Caller("ours", "eve", "test", allowed(Permission.model_validate(seen), "search:*"))

    for mode in MODES:
        assert set() != await texts(knowledge, "glass Bob", mode, only()) <= {BOB, CARRIED}
        assert await texts(knowledge, "glass Bob", mode, only(("text",))) == set()
    assert await texts(knowledge, "glass type:note", caller=only()) == {CARRIED}
    assert await texts(knowledge, "glass type:note", caller=only(("attributes.type",))) == set()
    facets = (await page(knowledge, "glass", caller=only(("attributes",)), facets=("type",))).facets
    assert facets == {"type": {}}
    with pytest.raises(NotFoundError):
        await page(knowledge, like="lamps", caller=only())


async def test_a_search_ends_by_its_deadline(knowledge: Knowledge) -> None:
    class Hanging:
        async def embed(self, caller: Caller, request: EmbeddingRequest, deadline: Deadline) -> EmbeddingResponse:
            await asyncio.Event().wait()
            raise AssertionError

    read = knowledge.stores.read
    search = SearchPassages(read.passages, read.graph, read.relational, Hanging(), Citations(knowledge.stores.texts))
    began = time.monotonic()
    with pytest.raises(DeadlineExceededError, match=r"searching took longer than 0\.2 s"):
        await search.search(ADA, SearchRequest("glass"), after=None, limit=5, deadline=Deadline.after(0.2))
    assert time.monotonic() - began < 2


TYPED = st.text(st.sampled_from("ab:-\"*= '\\()&|!<>~^é\u0130\x00\x01\ud800?/+.1") | st.characters(), max_size=60)
HARD = [
    'What\'s "B=128" & (C++ !',
    "???",
    " ".join(f"word{number}" for number in range(600)),
    "a:b:c" * 50,
    "' OR 1=1 --",
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TYPED | st.sampled_from(HARD), st.sampled_from(MODES))
async def test_nothing_that_is_typed_makes_it_fail(knowledge: Knowledge, typed: str, mode: Mode) -> None:
    await page(knowledge, typed, mode, facets=(typed,))
