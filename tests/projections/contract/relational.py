"""What a reader of the relational read model answers: counts, a document and all of it, documents by attributes."""

import pytest

from projections.projector import Projector
from projections.relational.reads import Counts, DocumentRow, RelationalReader
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.stories import Story

ONE = Story("one", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
TWO = Story("two", ("Cleo knew Dora.", "Edgar sleeps.", "Dora sang."), title="Market")


class RelationalReaderContract:
    """Subclass with fixtures `projector` and `rows`, over a read model that is open and empty."""

    @pytest.fixture
    async def projector(self, history: History) -> Projector:
        """Writes what the reader reads."""
        raise NotImplementedError

    @pytest.fixture
    def rows(self, history: History) -> RelationalReader:
        """The reader."""
        raise NotImplementedError

    async def document(self, rows: RelationalReader, story: Story) -> DocumentRow:
        """The document of a story, which is there."""
        found = await rows.document(story.tenant, story.document_id)
        assert found is not None
        return found

    async def test_counts_follow_what_happens(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        """Entities are people and titles; one that was merged is counted as what it became."""
        assert await rows.counts("default") == Counts(documents=0, chunks=0, entities=0, relations=0, waiting=0)
        await history.tell(ONE)
        await history.ingest(TWO)
        await follow(projector, history)
        assert await rows.counts("default") == Counts(documents=2, chunks=2, entities=4, relations=2, waiting=1)

        await history.tell(TWO)
        await history.merge("Edgar", into="Dora")
        await follow(projector, history)
        assert await rows.counts("default") == Counts(documents=2, chunks=5, entities=6, relations=3, waiting=0)

        await history.delete(TWO)
        await follow(projector, history)
        assert await rows.counts("default") == Counts(documents=1, chunks=2, entities=4, relations=2, waiting=0)

    async def test_a_document_shows_what_was_found_in_it(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        events = await history.tell(ONE)
        await history.judge_relation(ONE, ONE.related.relations[0].relation_id, valid=False)
        await follow(projector, history)
        found = await self.document(rows, ONE)

        content = ONE.content
        assert (found.document_id, found.title, found.uri) == ("one", "Harbour", None)
        assert found.attributes == {"sentences": 2}
        assert (found.digest, found.characters, found.bytes) == (
            content.text.digest,
            content.text.characters,
            content.text.bytes,
        )
        assert (found.stage, found.taken_at, found.since) == ("processed", events[0].timestamp, events[4].timestamp)
        assert [(one["chunk_id"], one["start"], one["end"], one["tokens"]) for one in found.chunks] == [
            (chunk.chunk_id, chunk.start, chunk.end, chunk.tokens) for chunk in ONE.chunks
        ]
        assert [(one["name"], one["type"], one["mentions"]) for one in found.entities] == [
            ("Bob", "PERSON", 2),
            ("Ada", "PERSON", 1),
            ("Cleo", "PERSON", 1),
        ]
        assert [(one["subject"], one["predicate"], one["object"], one["valid"]) for one in found.relations] == [
            ("Ada", "met", "Bob", False),
            ("Bob", "saw", "Cleo", None),
        ]

    async def test_a_document_shows_how_far_it_is(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        stages = []
        for step in (history.ingest, history.chunk, history.extract, history.relate, history.complete):
            await step(ONE)
            await follow(projector, history)
            stages.append((await self.document(rows, ONE)).stage)
        assert stages == ["ingested", "chunked", "extracted", "related", "processed"]

    async def test_what_is_not_there_is_none(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE)
        await history.delete(ONE)
        await follow(projector, history)
        assert await rows.document("default", "one") is None
        assert await rows.document("default", "two") is None

    async def test_documents_are_found_by_attributes(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        third = Story("three", ("Ada sang.", "Bob sang."))
        await history.tell(ONE, TWO, third)
        await follow(projector, history)
        wanted = {"sentences": 2}
        assert await rows.with_attributes("default", wanted, 5) == ["one", "three"]
        assert await rows.with_attributes("default", wanted, 1) == ["one"]
        for nobody_has in ({"sentences": "2"}, wanted | {"year": 1}):
            assert await rows.with_attributes("default", nobody_has, 5) == []
            assert await rows.having("default", ["one"], nobody_has) == set()
        assert await rows.with_attributes("other", wanted, 5) == []

        assert await rows.having("default", ["three", "two", "none"], wanted) == {"three"}
        assert await rows.having("default", [], wanted) == set()
        assert await rows.having("other", ["one"], wanted) == set()

    async def test_tenants_share_nothing(self, rows: RelationalReader, projector: Projector, history: History) -> None:
        theirs = Story("one", ("Zoe sleeps.",), title="Cellar", tenant="theirs")
        await history.tell(ONE, theirs)
        await history.rename("Bob", "Robert", tenant="theirs")
        await follow(projector, history)
        assert await rows.counts("default") == Counts(documents=1, chunks=2, entities=4, relations=2, waiting=0)
        assert await rows.counts("theirs") == Counts(documents=1, chunks=1, entities=3, relations=0, waiting=0)
        assert (await self.document(rows, theirs)).title == "Cellar"
        assert [one["name"] for one in (await self.document(rows, ONE)).entities] == ["Bob", "Ada", "Cleo"]

        await history.delete(theirs)
        await follow(projector, history)
        assert (await self.document(rows, ONE)).title == "Harbour"
