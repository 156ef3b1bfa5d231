"""Sources are cited by file, page and headings, as far as who asks may know; a chunk is shown with what is around."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.access import Permission
from contracts.structure import structure_attributes
from projections.relational.reads import DocumentFilter
from reasoning.results import Citation
from security.access import FULL_ACCESS
from services.caller import Caller
from services.citations import Citations
from services.deadline import Deadline
from services.errors import AccessDeniedError, NotFoundError
from services.search.results import SearchRequest
from services.storage.chunk import AROUND, ChunkInContext
from tests.projections.stories import Story
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

QUESTION = "When was Ostermill founded?"
SENTENCES = ("Mills of the Morvane", "Early days", "Ostermill was founded in 1849.", "It burnt in 1901.")
TEXT = " ".join(SENTENCES)
STRUCTURE = structure_attributes(
    [(level, TEXT.index(said), TEXT.index(said) + len(said)) for level, said in ((1, SENTENCES[0]), (2, SENTENCES[1]))],
    [0, TEXT.index(SENTENCES[2]), TEXT.index("in 1849")],
)
REPORT = Story(
    "report",
    SENTENCES,
    "Ostermill",
    tenant="ours",
    collection="open",
    attributes=tuple(STRUCTURE.items()),
    uri="file:///papers/The%20mills.pdf",
)
PLAIN = Story("plain", ("Ostermill was founded in 1851.",), "Ostermill", tenant="ours")
THEIRS = Story("report", SENTENCES, "Ostermill", tenant="theirs", attributes=tuple(STRUCTURE.items()))
CITED = Citation("file:///papers/The%20mills.pdf", 2, 3, ("Mills of the Morvane", "Early days"))
ADA = Caller("ours", "ada", "test", FULL_ACCESS)


def soon() -> Deadline:
    return Deadline.after(30)


def masking(*fields: str) -> Caller:
    seen = {"resource": "documents", "action": "read", "masked_fields": fields}
    return Caller("ours", "eve", "test", allowed(Permission.model_validate(seen), "search:*", "chunks:*"))


@pytest.fixture
async def knowledge(dsn: str, tmp_path: Path) -> AsyncIterator[Knowledge]:
    async with open_knowledge(dsn, tmp_path) as opened:
        await opened.tell(REPORT, PLAIN, THEIRS)
        yield opened


async def found(knowledge: Knowledge, caller: Caller = ADA) -> dict[str, Citation | None]:
    page = await knowledge.search.search(
        caller, SearchRequest("founded", "text"), after=None, limit=10, deadline=soon()
    )
    return {one.passage.document_id: one.passage.citation for one in page.passages}


async def shown(knowledge: Knowledge, chunk_id: str, caller: Caller = ADA) -> ChunkInContext:
    return await knowledge.storage.chunks.read(caller, chunk_id, deadline=soon())


async def test_what_an_answer_rests_on_is_cited_also_where_it_was_kept(knowledge: Knowledge) -> None:
    first = await knowledge.ask.ask(ADA, QUESTION, 5, soon())
    await knowledge.stores.read.answers.keep("ours", first.key, first.query_id)
    kept = await knowledge.ask.ask(ADA, QUESTION, 5, soon())
    assert (first.cached, kept.cached) == (False, True)
    for answer in (first.answer, kept.answer):
        for parts in (answer.sources, answer.candidates):
            cited = {one.chunk_id: one.citation for one in parts}
            assert cited[REPORT.chunks[2].chunk_id] == CITED
            assert cited[PLAIN.chunks[0].chunk_id] == Citation("plain")
        assert answer.steps and all(step.citation is not None for step in answer.steps)


async def test_what_a_search_finds_is_cited(knowledge: Knowledge) -> None:
    assert await found(knowledge) == {"report": CITED, "plain": Citation("plain")}


@pytest.mark.parametrize(
    ("masked", "expected"),
    [
        (("uri",), Citation("report", 2, 3, CITED.headings)),
        (("attributes.pages",), Citation(CITED.file, None, None, CITED.headings)),
        (("attributes.headings",), Citation(CITED.file, 2, 3)),
        (("attributes",), Citation(CITED.file)),
    ],
)
async def test_what_is_masked_is_not_cited(knowledge: Knowledge, masked: tuple[str, ...], expected: Citation) -> None:
    caller = masking(*masked)
    assert (await found(knowledge, caller))["report"] == expected
    assert (await shown(knowledge, REPORT.chunks[2].chunk_id, caller)).citation == expected


async def test_a_chunk_is_shown_with_its_citation_and_what_is_around(knowledge: Knowledge) -> None:
    chunk = REPORT.chunks[2]
    expected = ChunkInContext(
        chunk.chunk_id,
        "report",
        "Ostermill",
        SENTENCES[2],
        chunk.start,
        chunk.end,
        CITED,
        before="Mills of the Morvane Early days",
        after="It burnt in 1901.",
    )
    assert await shown(knowledge, chunk.chunk_id) == expected
    assert await knowledge.storage.show.show(ADA, [chunk.chunk_id], soon()) == expected


async def test_what_stands_around_is_cut_between_words(knowledge: Knowledge) -> None:
    around = ("One mill after another " * 60).strip()
    long = Story("long", (around, "The last one.", around, "采" * 2 * AROUND, "End."), "Mills", tenant="ours")
    await knowledge.tell(long)
    middle = await shown(knowledge, long.chunks[1].chunk_id)
    for said in (middle.before, middle.after):
        assert AROUND - 40 < len(said) <= AROUND
        assert f" {said} " in f" {around} "
    assert (await shown(knowledge, long.chunks[4].chunk_id)).before == "采" * (AROUND - 1)


async def test_a_chunk_out_of_reach_is_not_there(knowledge: Knowledge) -> None:
    chunk = REPORT.chunks[2].chunk_id
    elsewhere = Permission.model_validate({"resource": "chunks", "action": "read", "collections": ("hr",)})
    for caller in (
        Caller("ours", "eve", "test", allowed(elsewhere)),
        masking("text"),
        Caller("others", "eve", "test", FULL_ACCESS),
    ):
        with pytest.raises(NotFoundError, match="there is no chunk"):
            await shown(knowledge, chunk, caller)
    with pytest.raises(NotFoundError, match="there is no chunk"):
        await shown(knowledge, THEIRS.chunks[2].chunk_id)
    with pytest.raises(AccessDeniedError):
        await shown(knowledge, chunk, Caller("ours", "eve", "test", allowed("search:*")))
    with pytest.raises(NotFoundError, match="no document, no chunk and no entity"):
        await knowledge.storage.show.show(
            Caller("ours", "eve", "test", allowed("documents:*", "entities:*")), [chunk], soon()
        )


async def test_headings_are_read_up_to_a_limit_and_pages_are_always_told(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.citations.READ_CHARACTERS", len(TEXT) - 1)
    assert (await found(knowledge))["report"] == Citation(CITED.file, 2, 3)


async def test_a_text_that_is_gone_has_no_headings(knowledge: Knowledge) -> None:
    rows = await knowledge.stores.read.relational.list_documents("ours", DocumentFilter(ids=["report"]), None, 1)
    await knowledge.stores.pool.execute("DELETE FROM annals.texts WHERE document_id = 'report'")
    chunk = REPORT.chunks[2]
    passage = (await knowledge.stores.read.passages.passages("ours", [chunk.chunk_id]))[chunk.chunk_id]
    assert await Citations(knowledge.stores.texts).of("ours", rows, [passage]) == [Citation(CITED.file, 2, 3)]
