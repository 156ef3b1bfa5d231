"""Read models as they were: made under a name, read as today's are, gone when they expire."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from annals.composition.stores import Stores
from annals.composition.use_cases import UseCases
from eventstore.generations import GenerationExistsError
from projections.relational.reads import DocumentFilter, EntityFilter, RelationFilter
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from services.past.generations import IncompleteGenerationError, UnknownGenerationError
from services.search.results import SearchRequest
from services.storage.show import EntityView
from tests.projections.history import History
from tests.projections.stories import Story
from tests.services.past.making import ALL, CALLER, live_on, make, soon
from tests.support.access import allowed

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")


async def test_every_read_is_of_then(stores: Stores, use_cases: UseCases, history: History) -> None:
    await history.tell(HARBOUR)
    position = await history.reader.head()
    await history.delete(HARBOUR)
    await history.tell(MARKET)
    await live_on(stores, history)
    made = await make(use_cases, "monday", position)
    assert (made.name, made.position, set(made.parts)) == ("monday", position, set(ALL))

    reads = await use_cases.past.reads.of("monday", deadline=soon())
    listed = await reads.listing.documents(CALLER, DocumentFilter(), after=None, limit=9, deadline=soon())
    assert [one.document_id for one in listed.documents] == ["harbour"]
    named = await reads.listing.entities(CALLER, EntityFilter(), after=None, limit=9, deadline=soon())
    assert [one.name for one in named.entities] == ["Ada", "Bob", "Cleo", "Harbour"]
    stated = await reads.parts.relations(CALLER, RelationFilter(), after=None, limit=9, deadline=soon())
    assert {one.document_id for one in stated.relations} == {"harbour"}
    texts = await reads.parts.chunks(CALLER, "harbour", after=None, limit=9, deadline=soon())
    assert [one.text for one in texts.chunks] == list(HARBOUR.sentences)
    shown = await reads.show.show(CALLER, ["Cleo"], soon())
    assert isinstance(shown, EntityView) and shown.edges
    assert (await reads.reading.get(CALLER, "harbour", deadline=soon())).document.title == "Harbour"
    found = await reads.search.search(CALLER, SearchRequest("Cleo", "text"), after=None, limit=9, deadline=soon())
    assert [one.passage.document_id for one in found.passages] == ["harbour"]
    status = await use_cases.past.status(CALLER, "monday", deadline=soon())
    assert (status.counts.documents, status.generation.position) == (1, position)

    live = await use_cases.storage.listing.documents(CALLER, DocumentFilter(), after=None, limit=9, deadline=soon())
    assert [one.document_id for one in live.documents] == ["market"]
    with pytest.raises(NotFoundError):
        await use_cases.storage.show.show(CALLER, ["harbour"], soon())


async def test_rights_are_the_caller_s_own(stores: Stores, use_cases: UseCases, history: History) -> None:
    await history.tell(HARBOUR)
    await make(use_cases, "monday", await history.reader.head())
    nobody = replace(CALLER, access=allowed())
    reads = await use_cases.past.reads.of("monday", deadline=soon())
    with pytest.raises(AccessDeniedError):
        await reads.listing.documents(nobody, DocumentFilter(), after=None, limit=9, deadline=soon())
    with pytest.raises(AccessDeniedError):
        await use_cases.past.status(nobody, "monday", deadline=soon())
    with pytest.raises(AccessDeniedError):
        await use_cases.past.generations.make(nobody, "other", 1, ALL, lambda _: None, deadline=soon())
    other = replace(CALLER, tenant="other")
    page = await reads.listing.documents(other, DocumentFilter(), after=None, limit=9, deadline=soon())
    assert page.documents == ()


async def test_a_time_is_the_last_position_by_then(use_cases: UseCases, history: History) -> None:
    """Also where numbers between two positions are nobody's."""
    for story in (HARBOUR, MARKET):
        await history.tell(story)
    gap = "UPDATE annals.stored_events SET notification_id = notification_id + 1000 WHERE notification_id > 4"
    await history.pool.execute(gap)
    rows = await history.pool.fetch("SELECT notification_id, recorded_at FROM annals.stored_events ORDER BY 1")
    for row in rows:
        for time in (row["recorded_at"], row["recorded_at"] - timedelta(microseconds=1)):
            expected = max((one["notification_id"] for one in rows if one["recorded_at"] <= time), default=0)
            assert await history.reader.position_at(time) == expected
    assert await history.reader.position_at(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert await history.reader.position_at(datetime.now(UTC)) == rows[-1]["notification_id"]


async def test_by_time(use_cases: UseCases, history: History) -> None:
    await history.tell(HARBOUR)
    first = await history.reader.recorded_at(await history.reader.head())
    assert first is not None
    await history.tell(MARKET)
    made = await make(use_cases, "then", first)
    assert made.recorded_at == first
    assert (await use_cases.past.status(CALLER, "then", deadline=soon())).counts.documents == 1
    before = await make(use_cases, "before", first - timedelta(days=1))
    assert (before.position, before.recorded_at) == (0, None)
    assert (await use_cases.past.status(CALLER, "before", deadline=soon())).counts.documents == 0


@pytest.mark.parametrize("name", ["", "Monday", "1st", "a b", "a" * 33, "live", "next", "verify", "x;drop", "ä"])
async def test_a_name_that_cannot_be_one_is_refused(use_cases: UseCases, history: History, name: str) -> None:
    with pytest.raises(InvalidRequestError, match="cannot name a generation; take a letter"):
        await make(use_cases, name, 0)


async def test_what_cannot_be_made_is_refused(use_cases: UseCases, history: History) -> None:
    await history.tell(HARBOUR)
    await make(use_cases, "monday", 1)
    with pytest.raises(GenerationExistsError, match="there is a generation 'monday' as of position 1; choose another"):
        await make(use_cases, "monday", 2)
    with pytest.raises(InvalidRequestError, match="the log ends at position"):
        await make(use_cases, "late", await history.reader.head() + 1)
    with pytest.raises(InvalidRequestError, match="is yet to come"):
        await make(use_cases, "late", datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(UnknownGenerationError, match="there is no generation 'late'; annals generations lists"):
        await use_cases.past.reads.of("late", deadline=soon())


async def test_one_that_expires_is_gone_at_once_and_its_name_free(
    use_cases: UseCases, stores: Stores, history: History
) -> None:
    await history.tell(HARBOUR)
    await make(use_cases, "monday", 1, expires_s=3600)
    await use_cases.past.reads.of("monday", deadline=soon())
    await history.pool.execute("UPDATE annals.generations SET expires_at = now() WHERE purpose = 'monday'")
    with pytest.raises(UnknownGenerationError):
        await use_cases.past.reads.of("monday", deadline=soon())
    again = await make(use_cases, "monday", 2)
    assert again.position == 2
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'graph%'"
    assert await history.pool.fetchval(schemas) == 2


async def test_of_one_read_model_alone_only_that_can_be_asked(use_cases: UseCases, history: History) -> None:
    await history.tell(HARBOUR)
    await use_cases.past.generations.make(CALLER, "graphs", 1, ("graph",), lambda _: None, deadline=soon())
    with pytest.raises(IncompleteGenerationError, match="has no relational read model; make one of all"):
        await use_cases.past.reads.of("graphs", deadline=soon())
