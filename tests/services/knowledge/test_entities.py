"""Decisions on entities: by any name, each seen in the read models, refused in one clear line, undone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from aggregates.cause import RefusedError
from contracts.access import Permission
from contracts.ids import entity_id
from eventstore.keys import AggregateKey
from projections.graph.model import LAYOUT as GRAPH
from projections.graph.model import GraphModel
from projections.graph.postgres import PostgresGraph
from projections.graph.reads import Entity
from projections.postgres.store import PostgresStore
from projections.projector import Projector
from projections.relational.entity_lookup import EntityLookup
from projections.relational.model import LAYOUT, RelationalModel
from projections.relational.postgres import PostgresRelational
from projections.relational.reads import EntityFilter, EntitySummary, RelationFilter
from projections.relational.review import ReviewReader
from security.access import FULL_ACCESS
from services.caller import Caller
from services.cursors import WrongCursorError
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from services.knowledge.entities import EntityService
from services.knowledge.errors import AmbiguousNameError
from services.knowledge.review import Review
from tests.projections.contract.folding import digests, follow
from tests.projections.history import History, open_history
from tests.projections.stories import Story
from tests.support.access import allowed

ADA = Caller("default", "ada", "test", FULL_ACCESS)
ONE = Story("one", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
TWO = Story("two", ("Cleo knew Dora.", "Edgar sleeps."), title="Market")
THREE = Story("three", ("Cleo left Zoe.",), title="Station")


def soon() -> Deadline:
    """For what does not take long."""
    return Deadline.after(20)


def own_id(name: str) -> str:
    """The id that follows from a name."""
    return entity_id("default", name)


@dataclass
class Given:
    """Three documents, and what reads them."""

    history: History
    service: EntityService
    rows: PostgresRelational
    graph: PostgresGraph
    projectors: tuple[Projector, ...]
    stores: tuple[PostgresStore, ...]

    async def follow(self) -> None:
        """The read models get what was decided."""
        for projector in self.projectors:
            await follow(projector, self.history)

    async def named(self, name: str) -> list[Entity]:
        """As the graph has it."""
        await self.follow()
        return await self.graph.find("default", [name])

    async def listed(self, prefix: str = "") -> list[EntitySummary]:
        """As the list has it."""
        await self.follow()
        return await self.rows.list_entities("default", EntityFilter(name_prefix=prefix), None, 100)

    async def content(self) -> list[dict[str, str]]:
        """What is in the read models, but for the versions."""
        await self.follow()
        return [
            {part: digest for part, digest in (await digests(store)).items() if part != "versions"}
            for store in self.stores
        ]


@pytest.fixture
async def given(dsn: str) -> AsyncIterator[Given]:
    async with open_history(dsn) as history:
        stores = PostgresStore(history.pool, LAYOUT), PostgresStore(history.pool, GRAPH)
        for store in stores:
            await store.open()
        projectors = (
            Projector(RelationalModel(), stores[0], history.reader),
            Projector(GraphModel(), stores[1], history.reader),
        )
        service = EntityService(history.commands, history.reader, EntityLookup(history.pool), history.pool)
        opened = Given(
            history, service, PostgresRelational(history.pool), PostgresGraph(history.pool), projectors, stores
        )
        await history.tell(ONE, TWO, THREE)
        await opened.follow()
        yield opened


async def test_a_new_name_is_found_and_listed_and_the_old_one_still_found(given: Given) -> None:
    change = await given.service.rename(ADA, "bob", name="Robert Tables", reason="his passport", deadline=soon())
    assert (change.entity_id, change.position is not None) == (own_id("Bob"), True)
    for name in ("Robert Tables", "Bob"):
        assert [one.name for one in await given.named(name)] == ["Robert Tables"]
    assert [one.name for one in await given.listed("rob")] == ["Robert Tables"]
    again = await given.service.rename(ADA, "Robert Tables", name="Robert Tables", deadline=soon())
    assert again.position is None

    await given.service.undo(ADA, "Robert Tables", reason="a forgery", deadline=soon())
    assert [one.name for one in await given.named("Bob")] == ["Bob"]
    assert await given.named("Robert Tables") == []
    shown = await given.service.show(ADA, "Bob", deadline=soon())
    assert [(one.what, one.reason, one.in_force) for one in shown.decisions] == [
        ("named 'Robert Tables'", "his passport", False),
        ("undone: decision 1", "a forgery", False),
    ]


async def test_an_alias_finds_the_entity_until_it_is_removed(given: Given) -> None:
    await given.service.add_alias(ADA, "Bob", "Bobby", deadline=soon())
    await given.follow()
    assert (await given.service.show(ADA, "bobby", deadline=soon())).aliases == ("Bobby",)
    await given.service.remove_alias(ADA, "Bobby", "Bobby", deadline=soon())
    await given.follow()
    with pytest.raises(NotFoundError, match="there is no entity 'Bobby'; `annals entity list` shows what there is"):
        await given.service.show(ADA, "Bobby", deadline=soon())


async def test_a_merged_entity_answers_under_its_target_everywhere(given: Given) -> None:
    counts = await given.rows.counts("default")
    await given.service.merge(ADA, "Cleo", "Bob", reason="her pen name", deadline=soon())
    assert [(one.name, one.passages) for one in await given.named("Cleo")] == [("Bob", 4)]
    (bob,) = await given.listed("bob")
    assert (bob.mentions, bob.documents) == (5, 3)
    assert await given.listed("cleo") == []
    assert (await given.rows.counts("default")).entities == counts.entities - 1
    relations = await given.rows.list_relations("default", RelationFilter(entity_id=own_id("Bob")), None, 100)
    assert {one.predicate for one in relations} == {"met", "saw", "knew", "left"}
    document = await given.rows.document("default", "one")
    assert document is not None
    assert [(one["name"], one["mentions"]) for one in document.entities] == [("Bob", 3), ("Ada", 1)]
    shown = await given.service.show(ADA, "Cleo", deadline=soon())
    assert (shown.name, shown.mentions, shown.documents) == ("Bob", 5, 3)
    assert [one.name for one in shown.members] == ["Cleo"]


async def test_merging_and_undoing_it_leaves_the_read_models_as_they_were(given: Given) -> None:
    before = await given.content()
    await given.service.merge(ADA, "Cleo", "Bob", deadline=soon())
    assert await given.content() != before
    await given.service.undo(ADA, "Cleo", deadline=soon())
    assert await given.content() == before


async def test_circles_and_oneself_are_refused(given: Given) -> None:
    await given.service.merge(ADA, "Ada", "Bob", deadline=soon())
    await given.service.merge(ADA, "Bob", "Cleo", deadline=soon())
    await given.follow()
    for target in ("Ada", "Bob"):
        with pytest.raises(RefusedError, match=f"Cleo cannot be merged into {target}, which was merged into it; undo"):
            await given.service.merge(ADA, "Cleo", target, deadline=soon())
    with pytest.raises(RefusedError, match="cannot be merged into itself; name two entities"):
        await given.service.merge(ADA, "Dora", "dora", deadline=soon())
    with pytest.raises(NotFoundError, match="there is no entity 'Nobody'"):
        await given.service.merge(ADA, "Dora", "Nobody", deadline=soon())
    # Who is the same stays so.
    assert (await given.service.merge(ADA, "Ada", "Cleo", deadline=soon())).position is None


async def test_merging_what_is_merged_merges_all_of_it(given: Given) -> None:
    await given.service.merge(ADA, "Ada", "Bob", deadline=soon())
    await given.service.merge(ADA, "Ada", "Dora", deadline=soon())
    for name in ("Ada", "Bob", "Dora"):
        assert [one.name for one in await given.named(name)] == ["Dora"]


async def test_a_chain_of_a_thousand_merges_is_followed_in_the_log(given: Given) -> None:
    await given.history.merge_one_into_the_next([*(f"N{number}" for number in range(1000)), "Zoe"])
    await given.follow()
    with pytest.raises(RefusedError, match="which was merged into it"):
        await given.service.merge(ADA, "Zoe", own_id("N0"), deadline=Deadline.after(60))
    await given.service.merge(ADA, own_id("N0"), "Bob", deadline=Deadline.after(60))
    assert [one.name for one in await given.named("N7")] == ["Bob"]


async def test_a_rejected_entity_is_shown_as_such_and_counted_no_more(given: Given) -> None:
    counts = await given.rows.counts("default")
    await given.service.validate(ADA, "Edgar", valid=False, reason="a cat", deadline=soon())
    assert await given.named("Edgar") == []
    assert [(one.name, one.valid) for one in await given.listed("edgar")] == [("Edgar", False)]
    assert (await given.rows.counts("default")).entities == counts.entities - 1
    await given.service.validate(ADA, "Edgar", valid=True, deadline=soon())
    assert [one.name for one in await given.named("Edgar")] == ["Edgar"]
    with pytest.raises(InvalidRequestError, match="confidence"):
        await given.service.validate(ADA, "Edgar", valid=True, confidence=2.0, deadline=soon())


async def test_documents_are_split_off_for_good_until_that_is_undone(given: Given) -> None:
    before = await given.content()
    change = await given.service.split(ADA, "Cleo", [["three"]], name="Cleo the cat", reason="a cat", deadline=soon())
    assert change.into is not None
    (cat,) = await given.named("Cleo the cat")
    assert (cat.entity_id, cat.passages) == (change.into, 1)
    (cleo,) = await given.named("Cleo")
    assert cleo.passages == 2
    assert {one.mentions for one in await given.listed("cleo")} == {1, 2}
    relations = await given.rows.list_relations("default", RelationFilter(entity_id=change.into), None, 100)
    assert [one.predicate for one in relations] == ["left"]

    # Taken in again, it still means the cat.
    await given.history.tell(Story("three", ("Cleo left Zoe.", "Zoe wept."), title="Station"))
    await given.history.tell(THREE)
    assert [one.passages for one in await given.named("Cleo the cat")] == [1]

    await given.service.undo(ADA, "Cleo", reason="no cat", deadline=soon())
    assert await given.named("Cleo the cat") == []
    assert [one.passages for one in await given.named("Cleo")] == [3]
    after = await given.content()
    assert [{part: digest for part, digest in one.items() if part not in ("documents", "states")} for one in after] == [
        {part: digest for part, digest in one.items() if part not in ("documents", "states")} for one in before
    ]


async def test_a_split_that_is_undone_while_its_document_is_deleted_is_over_when_that_comes_back(given: Given) -> None:
    await given.service.split(ADA, "Cleo", [["three"]], name="Cleo the cat", deadline=soon())
    await given.history.delete(THREE)
    await given.follow()
    await given.service.undo(ADA, "Cleo", reason="no cat", deadline=soon())
    logged = await given.history.reader.documents.ids("default", "", "", 10, None)
    assert logged == ["one", "two"], "it is deleted all the same"

    await given.history.tell(THREE)
    assert [one.passages for one in await given.named("Cleo")] == [3]
    assert {one.mentions for one in await given.listed("cleo")} == {3}


async def test_a_split_of_a_document_on_its_way_makes_that_no_processed_one(given: Given) -> None:
    await given.history.ingest(Story("three", ("Cleo left Zoe.", "Zoe wept."), title="Station"))
    await given.service.split(ADA, "Cleo", [["three"]], deadline=soon())
    key = AggregateKey("default", "document", "three")
    last = (await given.history.reader.last.of([key]))[key]
    assert (last.event_type, last.version) == ("DocumentUpdated", 7), "the version is that of the split all the same"


async def test_a_split_names_documents_that_speak_of_it(given: Given) -> None:
    with pytest.raises(NotFoundError, match="document 'one' says nothing of Dora"):
        await given.service.split(ADA, "Dora", [["two"], ["one"]], deadline=soon())
    with pytest.raises(InvalidRequestError, match="Dora was merged into nothing; name the documents"):
        await given.service.split(ADA, "Dora", deadline=soon())


async def test_a_split_without_documents_parts_what_was_merged(given: Given) -> None:
    await given.service.merge(ADA, "Cleo", "Bob", deadline=soon())
    await given.follow()
    await given.service.split(ADA, "Cleo", deadline=soon())
    assert [one.name for one in await given.named("Cleo")] == ["Cleo"]


async def test_a_split_that_others_were_merged_into_since_is_not_undone(given: Given) -> None:
    change = await given.service.split(ADA, "Cleo", [["three"]], name="Cleo the cat", deadline=soon())
    await given.follow()
    await given.service.merge(ADA, "Zoe", "Cleo the cat", deadline=soon())
    await given.follow()
    with pytest.raises(RefusedError, match=f"entity {change.into} came of that split, and was split or merged with"):
        await given.service.undo(ADA, "Cleo", deadline=soon())


async def test_an_ambiguous_name_is_refused_with_the_candidates(given: Given) -> None:
    await given.service.rename(ADA, "Dora", name="Edgar", deadline=soon())
    await given.follow()
    with pytest.raises(AmbiguousNameError, match="2 entities are called 'Edgar'; name one by its id: ") as refused:
        await given.service.rename(ADA, "Edgar", name="Edward", deadline=soon())
    for name in ("Dora", "Edgar"):
        assert f"{own_id(name)} (Edgar, " in str(refused.value)
    await given.service.rename(ADA, own_id("Edgar"), name="Edward", deadline=soon())
    assert [one.entity_id for one in await given.named("Edward")] == [own_id("Edgar")]


async def test_what_is_least_sure_comes_first_until_it_is_judged(given: Given) -> None:
    review = Review(ReviewReader(given.history.pool))
    found = await review.least_sure(ADA, limit=100, deadline=soon())
    assert [one.confidence for one in found] == sorted(one.confidence for one in found)
    assert {one.kind for one in found} == {"entity", "relation"}
    bob = next(one for one in found if one.id == own_id("Bob"))
    assert (bob.what, bob.document_id, bob.todo[1]) == ("Bob (PERSON)", "one", f"annals entity reject {bob.id}")

    await given.service.validate(ADA, "Bob", valid=True, deadline=soon())
    await given.service.merge(ADA, "Cleo", "Dora", deadline=soon())
    await given.history.judge_relation(TWO, TWO.related.relations[0].relation_id, valid=True)
    await given.follow()
    left = {one.id for one in await review.least_sure(ADA, limit=100, deadline=soon())}
    assert {one.id for one in found} - left == {
        own_id("Bob"), own_id("Cleo"), TWO.related.relations[0].relation_id
    }  # fmt: skip
    entities = await review.least_sure(ADA, kind="entity", limit=2, deadline=soon())
    assert [one.kind for one in entities] == ["entity", "entity"]


async def test_who_sees_some_documents_alone_decides_nothing(given: Given) -> None:
    with pytest.raises(AccessDeniedError, match="eve may not write entities"):
        await given.service.merge(Caller("default", "eve", "test", allowed()), "Ada", "Bob", deadline=soon())


async def test_however_many_decide_at_once_each_has_his_turn(given: Given) -> None:
    """More of them than there are connections, of which whoever has the turn needs another one."""
    many = [f"Bobby {number}" for number in range(3 * given.history.pool.get_max_size())]
    await asyncio.gather(*(given.service.add_alias(ADA, "Bob", one, deadline=soon()) for one in many))
    await given.follow()
    assert sorted((await given.service.show(ADA, "Bob", deadline=soon())).aliases) == sorted(many)


@pytest.mark.parametrize("blank", [" ", "\u200b", "\t\n"])
async def test_a_name_that_nobody_can_see_is_none(given: Given, blank: str) -> None:
    said = "holds nothing that can be seen; give another one"
    with pytest.raises(InvalidRequestError, match=f"the name {said}"):
        await given.service.rename(ADA, "Bob", name=blank, deadline=soon())
    with pytest.raises(InvalidRequestError, match=f"the type {said}"):
        await given.service.rename(ADA, "Bob", kind=blank, deadline=soon())
    with pytest.raises(InvalidRequestError, match=f"the alias {said}"):
        await given.service.add_alias(ADA, "Bob", blank, deadline=soon())
    with pytest.raises(InvalidRequestError, match=f"the name {said}"):
        await given.service.split(ADA, "Cleo", [["three"]], name=blank, deadline=soon())
    assert (await given.service.show(ADA, "Bob", deadline=soon())).decisions == []


@pytest.mark.parametrize("odd", ["", " ", "\x1b[2J", "x" * 5000, "' OR 1=1 --", "%", "\ufffd"])
async def test_a_name_that_nothing_has_is_not_found(given: Given, odd: str) -> None:
    for work in (
        given.service.show(ADA, odd, deadline=soon()),
        given.service.rename(ADA, odd, name="X", deadline=soon()),
        given.service.merge(ADA, odd, "Bob", deadline=soon()),
        given.service.merge(ADA, "Bob", odd, deadline=soon()),
        given.service.split(ADA, odd, [["one"]], deadline=soon()),
        given.service.undo(ADA, odd, deadline=soon()),
    ):
        with pytest.raises(NotFoundError, match="there is no entity"):
            await work


async def test_a_reason_that_is_too_long_and_too_many_documents_are_wrong_requests(given: Given) -> None:
    await given.service.rename(ADA, "Bob", name="Robert", deadline=soon())
    await given.service.merge(ADA, "Cleo", "Dora", deadline=soon())
    await given.follow()
    for work in (
        given.service.undo(ADA, "Bob", reason="x" * 1025, deadline=soon()),
        given.service.split(ADA, "Cleo", reason="x" * 1025, deadline=soon()),
        given.service.split(ADA, "Cleo", [["three"]] * 501, deadline=soon()),
    ):
        with pytest.raises(InvalidRequestError):
            await work


async def test_a_review_names_entities_as_documents_that_may_be_seen_name_them(given: Given) -> None:
    secret = Story("secret", ("FALK met FALK.", "FALK saw Xerxes."), title="Vault", collection="secret")
    await given.history.tell(secret, Story("open", ("Falk met Gus.",), title="Quay", collection="open"))
    await given.follow()
    review = Review(ReviewReader(given.history.pool))
    (falk,) = [one for one in await review.least_sure(ADA, limit=100, deadline=soon()) if one.id == own_id("Falk")]
    assert falk.what == "FALK (PERSON)"
    seen = Permission.model_validate({"resource": "documents", "action": "read", "collections": ("open",)})
    eve = Caller("default", "eve", "test", allowed(seen, "entities:read", "relations:read", tenant="default"))
    found = await review.least_sure(eve, limit=100, deadline=soon())
    assert {one.document_id for one in found} == {"open"}
    assert {one.what for one in found} == {"Falk (PERSON)", "Gus (PERSON)", "Falk | met | Gus"}


async def test_tenants_do_not_meet(given: Given) -> None:
    with pytest.raises(NotFoundError):
        await given.service.rename(
            Caller("foreign", "eve", "test", FULL_ACCESS), own_id("Bob"), name="X", deadline=soon()
        )


async def test_what_rules_assign_is_seen_like_a_merge_and_leaves_nothing_when_released(given: Given) -> None:
    before = await given.content()
    await given.history.assign("Cleo", into="Zoe")
    (found,) = await given.named("Cleo")
    assert (found.entity_id, found.name) == (own_id("Zoe"), "Zoe")
    assert "Cleo" not in [one.name for one in await given.listed()]
    shown = await given.service.show(ADA, "Zoe", deadline=soon())
    assert [one.name for one in shown.members] == ["Cleo"]
    await given.history.release("Cleo")
    assert await given.content() == before


@pytest.mark.parametrize("by", ["undo", "split"])
async def test_people_undo_what_rules_assigned_for_good(given: Given, by: str) -> None:
    before = await given.content()
    await given.history.assign("Cleo", into="Zoe")
    await given.follow()
    if by == "undo":
        await given.service.undo(ADA, "Cleo", reason="two people", deadline=soon())
    else:
        await given.service.split(ADA, "Cleo", reason="two people", deadline=soon())
    assert await given.history.assign("Cleo", into="Zoe") == []
    assert await given.content() == before
    shown = await given.service.show(ADA, "Cleo", deadline=soon())
    assert [(one.what, one.reason, one.in_force) for one in shown.decisions] == [
        (f"assigned to {own_id('Zoe')} by its name (same name) with confidence 0.99", None, False),
        ("undone: decision 1", "two people", False),
    ]


async def test_who_is_assigned_already_is_not_merged_the_other_way_round(given: Given) -> None:
    await given.history.assign("Cleo", into="Zoe")
    await given.follow()
    with pytest.raises(RefusedError, match="which was merged into it; undo that first"):
        await given.service.merge(ADA, "Zoe", "Cleo", deadline=soon())


async def test_members_come_in_pages(given: Given) -> None:
    names = [f"M{letter}" for letter in "edcba"]
    await given.history.tell(Story("many", tuple(f"{name} met Bob." for name in names)))
    await given.follow()
    for name in names:
        await given.service.merge(ADA, name, "Bob", deadline=soon())
    await given.follow()
    seen, after = list[str](), None
    while True:
        shown = await given.service.show(ADA, "Bob", after=after, limit=2, deadline=soon())
        assert len(shown.members) <= 2
        seen += [one.name for one in shown.members]
        after = shown.next
        if after is None:
            break
    assert seen == sorted(names)
    with pytest.raises(WrongCursorError):
        await given.service.show(ADA, "Bob", after="none", deadline=soon())


async def test_a_reason_of_nothing_but_spaces_is_none_and_others_are_trimmed(given: Given) -> None:
    await given.service.rename(ADA, "Bob", name="Robert", reason=" \u200b\t", deadline=soon())
    await given.service.add_alias(ADA, "Bob", "Rob", reason=" his friends ", deadline=soon())
    await given.service.merge(ADA, "Cleo", "Dora", reason="", deadline=soon())
    bob = await given.history.reader.of_aggregate("default", "entity", own_id("Bob"))
    cleo = await given.history.reader.of_aggregate("default", "entity", own_id("Cleo"))
    assert [event.event_data.model_dump()["reason"] for event in (*bob, *cleo)] == [None, "his friends", None]
