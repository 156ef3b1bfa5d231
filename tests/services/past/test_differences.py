"""What differs between two generations, and which event made it so."""

from dataclasses import replace

import pytest

from annals.composition.stores import Stores
from annals.composition.use_cases import UseCases
from contracts.ids import entity_id
from services.errors import AccessDeniedError
from services.past.differences import KINDS, Difference
from services.past.generations import UnknownGenerationError
from tests.projections.history import History
from tests.projections.stories import Story
from tests.services.past.making import CALLER, live_on, make, soon
from tests.support.access import allowed

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
MARKET = Story("market", ("Dora met Edgar.",), title="Market")
CELLAR = Story("cellar", ("Fay met Gus.",), title="Cellar")
TOWN = Story("town", ("Hal met Ivy.",), title="Town")


async def differences(use_cases: UseCases, one: str, other: str, *, limit: int = 1000) -> list[Difference]:
    """All of them, page by page."""
    found: list[Difference] = []
    after = None
    while True:
        page = await use_cases.past.compare.differences(
            CALLER, one, other, KINDS, after=after, limit=limit, deadline=soon()
        )
        assert len(page.differences) <= limit
        found += page.differences
        after = page.next
        if after is None:
            return found


@pytest.fixture
async def monday(use_cases: UseCases, stores: Stores, history: History) -> str:
    """A generation after which much happens: one document comes, one goes, one changes, one stays as it is."""
    await history.tell(HARBOUR, MARKET, TOWN)
    position = await history.reader.head()
    await history.tell(CELLAR)
    await history.delete(MARKET)
    await history.tell(replace(HARBOUR, title="Port", sentences=("Ada met Bob.",)))
    await history.judge_relation(TOWN, TOWN.related.relations[0].relation_id, valid=False)
    await history.rename("Hal", "Harold")
    await live_on(stores, history)
    await make(use_cases, "monday", position)
    return "monday"


async def test_each_difference_is_told_with_its_event(use_cases: UseCases, history: History, monday: str) -> None:
    found = {(one.kind, one.id): one for one in await differences(use_cases, monday, "live")}
    documents = {one.id: one for one in found.values() if one.kind == "documents"}
    assert {one.id: one.change for one in documents.values()} == {
        "cellar": "added",
        "market": "removed",
        "harbour": "changed",
    }
    made = {one.id: one.made_by.event_type for one in documents.values() if one.made_by is not None}
    assert made == {"cellar": "DocumentIngested", "market": "DocumentDeleted", "harbour": "DocumentUpdated"}
    harbour = documents["harbour"]
    assert harbour.one is not None and harbour.other is not None
    assert (harbour.one["title"], harbour.other["title"]) == ("Harbour", "Port")
    assert "stage" not in harbour.one, "what is the same is not told"
    event = harbour.made_by
    assert event is not None and event.actor == "ada" and event.aggregate_id == "harbour"
    (stored,) = [one for one in await history.all() if one.position == event.position]
    assert (str(stored.event_id), stored.recorded_at) == (event.event_id, event.recorded_at)

    hal = found["entities", entity_id("default", "Hal")]
    assert (hal.change, hal.name) == ("changed", "Harold")
    assert hal.made_by is not None and hal.made_by.event_type == "EntityUpdated"
    gone = found["entities", entity_id("default", "Cleo")]
    assert gone.change == "removed" and gone.made_by is not None
    assert gone.made_by.aggregate_id == "harbour"
    dora = found["entities", entity_id("default", "Dora")]
    assert dora.made_by is not None and dora.made_by.event_type == "DocumentDeleted"
    assert ("entities", entity_id("default", "Ivy")) not in found

    judged = found["relations", TOWN.related.relations[0].relation_id]
    assert (judged.change, judged.one, judged.other) == ("changed", {"valid": None}, {"valid": False})
    assert judged.made_by is not None and judged.made_by.event_type == "RelationshipValidated"


async def test_pages_are_the_whole_and_the_other_way_round_is_its_mirror(use_cases: UseCases, monday: str) -> None:
    whole = await differences(use_cases, monday, "live")
    assert await differences(use_cases, monday, "live", limit=1) == whole
    assert await differences(use_cases, monday, "live", limit=3) == whole
    back = await differences(use_cases, "live", monday)
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert [(one.id, turned[one.change], one.other, one.one) for one in back] == [
        (one.id, one.change, one.one, one.other) for one in whole
    ]
    assert [one.made_by for one in back] == [one.made_by for one in whole]


async def test_what_is_the_same_differs_in_nothing(
    use_cases: UseCases, stores: Stores, history: History, monday: str
) -> None:
    await make(use_cases, "now", await history.reader.head())
    assert await differences(use_cases, "now", "live") == []
    assert await differences(use_cases, monday, monday) == []
    assert await differences(use_cases, monday, "now") == await differences(use_cases, monday, "live")


async def test_of_one_s_own_tenant_alone_and_of_all_of_it(use_cases: UseCases, monday: str) -> None:
    other = replace(CALLER, tenant="other")
    page = await use_cases.past.compare.differences(other, monday, "live", after=None, limit=9, deadline=soon())
    assert page.differences == ()
    some = replace(CALLER, access=allowed("documents:read", "entities:read", "relations:read"))
    with pytest.raises(AccessDeniedError, match="may not read events"):
        await use_cases.past.compare.differences(some, monday, "live", after=None, limit=9, deadline=soon())


async def test_an_unknown_side_is_told(use_cases: UseCases, monday: str) -> None:
    for pair in (("nowhere", "live"), (monday, "nowhere")):
        with pytest.raises(UnknownGenerationError, match="there is no generation 'nowhere'"):
            await differences(use_cases, *pair)
