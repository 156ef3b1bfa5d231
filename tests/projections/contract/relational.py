"""What a reader of the relational read model answers: counts, a document and all of it, documents by attributes."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import permutations

import pytest

from contracts.ids import entity_id
from projections.projector import Projector
from projections.relational.reads import (
    Counts,
    DocumentFilter,
    DocumentRow,
    EntityFilter,
    RelationalReader,
    RelationFilter,
)
from tests.projections.contract.folding import follow
from tests.projections.contract.hidden import SEEN, Parted
from tests.projections.history import History
from tests.projections.stories import Story

ONE = Story("one", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
TWO = Story("two", ("Cleo knew Dora.", "Edgar sleeps.", "Dora sang."), title="Market")


def elected(when: str) -> dict[str, object]:
    """What a relation says of who is mayor from then on."""
    return {"predicate": "mayor of", "time": f"in {when}", "valid_from": when}


MAYORS = [
    Story(f"mayor-{name}", (f"{name} leads Town.",), manners=(elected(when),))
    for name, when in (("Ada", "2001"), ("Bob", "2009-05"), ("Cleo", "2015"))
]


async def mayors(rows: RelationalReader) -> dict[str, tuple[str | None, str | None]]:
    """From when and until when each is mayor."""
    found = await rows.list_relations("default", RelationFilter(predicate="mayor of"), None, 99)
    return {one.subject: (one.valid_from, one.valid_until) for one in found if not one.negated and not one.modality}


async def everything(rows: RelationalReader, parted: Parted, collections: frozenset[str] | None) -> list[object]:
    """What every read says that is kept to collections."""
    tenant = parted.tenant
    found: list[object] = [await rows.counts(tenant, collections)]
    for wanted in (
        EntityFilter(collections=collections),
        EntityFilter(type="PERSON", collections=collections),
        EntityFilter(name_prefix="a", collections=collections),
    ):
        found.append(await rows.list_entities(tenant, wanted, None, 100))
        found.append(await rows.list_entities(tenant, wanted, ("B", ""), 2))
    for name in ("Ada", "Bob", "Cleo", "Dora"):
        own = RelationFilter(entity_id=entity_id(tenant, name), collections=collections)
        found.append(await rows.list_relations(tenant, own, None, 100))
    found.append(await rows.with_attributes(tenant, {}, None, collections))
    found.append(await rows.filter_statistics(tenant, {"sentences": 2}, 100, collections))
    ids = [story.document_id for story in parted.stories]
    found.append(await rows.having(tenant, ids, {"sentences": 2}, collections))
    found += [await rows.document(tenant, story.document_id, collections) for story in parted.seen]
    return found


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

    async def test_what_somebody_called_wrong_is_listed_and_not_counted(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE)
        wrong = ONE.related.relations[0].relation_id
        await history.judge_relation(ONE, wrong, valid=False)
        await follow(projector, history)
        for seen in (None, frozenset({""})):
            assert (await rows.counts("default", seen)).relations == len(ONE.related.relations) - 1
            one = RelationFilter(relation_id=wrong, collections=seen)
            assert [row.valid for row in await rows.list_relations("default", one, None, 10)] == [False]

        await history.undo_relation(ONE, wrong)
        await follow(projector, history)
        assert (await rows.counts("default")).relations == len(ONE.related.relations)

    async def test_chunks_that_were_merged_are_there_again_when_that_is_undone(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE)
        await follow(projector, history)
        before = await self.document(rows, ONE)
        await history.merge_chunks(ONE, 0, 1)
        await follow(projector, history)
        assert len((await self.document(rows, ONE)).chunks) == 1
        await history.restore_chunks(ONE, 0, 1)
        await follow(projector, history)
        assert await self.document(rows, ONE) == before

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

    async def test_documents_are_listed_by_id_in_pages(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        """In the order of code points: capital letters first, and what is behind a cursor is behind it."""
        stories = [Story(name, ("Ada sang.",), tenant="default") for name in ("b", "B", "é", "a/1", "a-1", "a")]
        await history.tell(*stories, Story("c", ("Bob sang.",), tenant="theirs"))
        await follow(projector, history)
        listed: list[str] = []
        while page := await rows.list_documents("default", DocumentFilter(), listed[-1] if listed else None, 2):
            assert len(page) <= 2
            listed += [one.document_id for one in page]
        assert listed == ["B", "a", "a-1", "a/1", "b", "é"]
        assert [one.document_id for one in await rows.list_documents("theirs", DocumentFilter(), None, 9)] == ["c"]

    async def test_a_listed_document_is_as_it_is_shown(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE)
        await follow(projector, history)
        [listed] = await rows.list_documents("default", DocumentFilter(), None, 9)
        shown = await self.document(rows, ONE)
        assert asdict(listed).items() <= asdict(shown).items()

        await history.delete(ONE)
        await follow(projector, history)
        assert await rows.list_documents("default", DocumentFilter(), None, 9) == []

    async def test_listed_documents_meet_every_condition(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        """Prefixes are taken as they are: no character of theirs has a meaning of its own."""
        await history.tell(
            ONE,
            Story("on_", ("Ada sang.", "Bob sang."), title="HARBOUR two"),
            Story("on%", ("Ada sang.",), title="Élan " + "x" * 1000),
        )
        await history.ingest(TWO)
        await follow(projector, history)

        async def listed(wanted: DocumentFilter, after: str | None = None) -> list[str]:
            return [one.document_id for one in await rows.list_documents("default", wanted, after, 9)]

        assert await listed(DocumentFilter(stage="ingested")) == ["two"]
        assert await listed(DocumentFilter(stage="processed")) == ["on%", "on_", "one"]
        assert await listed(DocumentFilter(id_prefix="on")) == ["on%", "on_", "one"]
        assert await listed(DocumentFilter(id_prefix="on_")) == ["on_"]
        assert await listed(DocumentFilter(id_prefix="on%")) == ["on%"]
        assert await listed(DocumentFilter(id_prefix="On")) == []
        assert await listed(DocumentFilter(id_prefix="on"), "on%") == ["on_", "one"]
        assert await listed(DocumentFilter(title_prefix="harbour")) == ["on_", "one"]
        assert await listed(DocumentFilter(title_prefix="HARBOUR T")) == ["on_"]
        assert await listed(DocumentFilter(title_prefix="éLAN " + "X" * 300)) == ["on%"]
        assert await listed(DocumentFilter(title_prefix="élan " + "x" * 300 + "y")) == []
        assert await listed(DocumentFilter(attributes={"sentences": [2]})) == ["on_", "one"]
        assert await listed(DocumentFilter(attributes={"sentences": ["1", 1, 3]})) == ["on%", "two"]
        assert await listed(DocumentFilter(attributes={"sentences": [2], "year": [2]})) == []
        assert await listed(DocumentFilter(attributes={"sentences": []})) == []
        every = DocumentFilter("processed", "on", "harbour", {"sentences": [2]})
        assert await listed(every) == ["on_", "one"]
        assert await listed(every, "on_") == ["one"]

    async def test_entities_are_listed_by_name_in_pages(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        """A name that another one begins with comes before it; what was merged is listed as what it became."""
        await history.tell(
            ONE, TWO, Story("three", ("adam sang.", "Ada sang."), title="Bobsled " + "run " * 250),
            Story("theirs", ("Zoe sang.",), tenant="theirs"),
        )  # fmt: skip
        await history.merge("Edgar", into="Dora")
        await follow(projector, history)

        async def listed(wanted: EntityFilter, limit: int) -> list[str]:
            names: list[str] = []
            after = None
            while page := await rows.list_entities("default", wanted, after, limit):
                assert len(page) <= limit
                names += [one.name.split()[0] for one in page]
                after = page[-1].name, page[-1].entity_id
            return names

        everyone = ["Ada", "Bob", "Bobsled", "Cleo", "Dora", "Harbour", "Market"]
        for limit in (1, 3, 100):
            assert await listed(EntityFilter(), limit) == everyone
        assert await listed(EntityFilter(name_prefix="bOb"), 1) == ["Bob", "Bobsled"]
        assert await listed(EntityFilter(name_prefix="bobsled " + "run " * 100), 1) == ["Bobsled"]
        assert await listed(EntityFilter(name_prefix="Bo_"), 1) == []
        assert await listed(EntityFilter(type="PERSON"), 2) == ["Ada", "Bob", "Cleo", "Dora"]
        assert await listed(EntityFilter(type="PERSON", name_prefix="d"), 2) == ["Dora"]
        [ada] = await rows.list_entities("default", EntityFilter(name_prefix="ada"), None, 9)
        assert (ada.entity_id, ada.type, ada.mentions, ada.documents) == (entity_id("default", "Ada"), "PERSON", 2, 2)

    async def test_a_relation_says_whether_and_when_it_is_so(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        denied = {"negated": True, "time": "last year"}
        may = {"modality": "may", "time": "until June 1998", "valid_until": "1998-06"}
        story = Story("manner", ONE.sentences, manners=(denied, may))
        await history.tell(story)
        await follow(projector, history)
        said = [
            (one.negated, one.modality, one.time, one.valid_from, one.valid_until, one.superseded_by)
            for one in sorted(await rows.list_relations("default", RelationFilter(), None, 9), key=lambda o: o.start)
        ]
        assert said == [
            (True, None, "last year", None, None, None),
            (False, "may", "until June 1998", None, "1998-06", None),
        ]
        shown = (await self.document(rows, story)).relations
        assert [(one["negated"], one["modality"], one["valid_until"]) for one in shown] == [
            (True, None, None),
            (False, "may", "1998-06"),
        ]

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    async def test_a_later_holder_ends_the_former_ones_time(
        self, rows: RelationalReader, projector: Projector, history: History, order: Sequence[int]
    ) -> None:
        """In whatever order the documents come; the former fact stays to be seen, with its time."""
        for number in order:
            await history.tell(MAYORS[number])
        await follow(projector, history)
        assert await mayors(rows) == {"Ada": ("2001", "2009-05"), "Bob": ("2009-05", "2015"), "Cleo": ("2015", None)}

    async def test_what_is_denied_rejected_or_gone_ends_nothing(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        await history.tell(*MAYORS)
        await history.judge_relation(MAYORS[1], MAYORS[1].related.relations[0].relation_id, valid=False)
        await follow(projector, history)
        assert (await mayors(rows))["Ada"] == ("2001", "2015")
        await history.delete(MAYORS[2])
        await follow(projector, history)
        assert (await mayors(rows))["Ada"] == ("2001", None)
        others: list[dict[str, object]] = [{"negated": True}, {"modality": "may"}, {"predicate": "friend of"}]
        for number, manner in enumerate(others):
            other = Story(f"other-{number}", ("Dora leads Town.",), manners=({**elected("2005"), **manner},))
            await history.tell(other)
        await follow(projector, history)
        assert (await mayors(rows))["Ada"] == ("2001", None)

    async def test_nobody_learns_of_an_end_from_what_he_may_not_see(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        seen = Story("a", ("Ada leads Town.",), manners=(elected("2001"),), collection="public")
        hidden = Story("b", ("Bob leads Town.",), manners=(elected("2009"),), collection="secret")
        await history.tell(seen, hidden)
        await follow(projector, history)
        public = frozenset({"public"})
        (one,) = await rows.list_relations("default", RelationFilter(collections=public), None, 9)
        assert (one.valid_from, one.valid_until, one.superseded_by) == ("2001", None, None)
        document = await rows.document("default", "a", public)
        assert document is not None and document.relations[0]["valid_until"] is None
        (one, _) = await rows.list_relations("default", RelationFilter(), None, 9)
        assert (one.valid_until, one.superseded_by) == ("2009", hidden.related.relations[0].relation_id)

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

    @pytest.mark.parametrize("seed", range(6))
    async def test_what_is_hidden_changes_nothing(
        self, rows: RelationalReader, projector: Projector, history: History, seed: int
    ) -> None:
        """Who may see some documents reads the same as where the others were never taken in."""
        parted = Parted.at_random(seed)
        await parted.decide(history, seed)
        await history.tell(*parted.seen)
        await follow(projector, history)
        before = await everything(rows, parted, SEEN)
        assert before[0] != Counts(documents=0, chunks=0, entities=0, relations=0, waiting=0)
        await history.tell(*parted.hidden)
        await follow(projector, history)
        assert await everything(rows, parted, SEEN) == before
        assert await everything(rows, parted, None) != before

    async def test_all_collections_together_are_everything(
        self, rows: RelationalReader, projector: Projector, history: History
    ) -> None:
        """Also as to names, types, counts and decisions."""
        parted = Parted.at_random(7)
        await history.tell(*parted.stories)
        await history.rename("Ada", "Augusta", tenant=parted.tenant)
        await history.judge("Bob", valid=False, tenant=parted.tenant)
        await follow(projector, history)
        whole = frozenset({"seen", "too", "hidden", ""})
        assert await everything(rows, parted, whole) == await everything(rows, parted, None)
        assert await rows.counts(parted.tenant, frozenset()) == Counts(0, 0, 0, 0, 0)
