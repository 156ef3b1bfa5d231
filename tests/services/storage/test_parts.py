"""Pages of relations and of a document's chunks, of what the caller may see and of nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from contracts.documents import DocumentContent
from contracts.ids import entity_id
from projections.postgres.store import PostgresStore
from projections.projector import Projector
from projections.relational.model import LAYOUT, RelationalModel
from projections.relational.postgres import PostgresRelational
from projections.relational.reads import RelationFilter
from projections.vector.model import VectorModel
from projections.vector.postgres import PostgresPassages, VectorStore
from security.access import FULL_ACCESS, FullAccess
from security.reach import Reach, Rule
from services.caller import Caller
from services.cursors import WrongCursorError
from services.deadline import Deadline, DeadlineExceededError
from services.errors import AccessDeniedError, NotFoundError
from services.storage.parts import ListParts
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.stories import Story

OURS = Caller("ours", "ada", "test", FULL_ACCESS)
THEIRS = Caller("theirs", "eve", "test", FULL_ACCESS)


@dataclass(frozen=True)
class Filed(Story):
    """A story of a collection."""

    collection: str = ""

    @property
    def content(self) -> DocumentContent:
        """With the collection as an attribute."""
        attributes = {"collection": self.collection} if self.collection else {}
        return super().content.model_copy(update={"attributes": attributes})


LETTERS = Filed("a", ("Ada met Bob.", "Bob saw Cleo.", "Cleo knew Ada."), tenant="ours", collection="letters")
DIARY = Filed("b", ("Ada left Dan.",), tenant="ours", collection="diary")
LOOSE = Filed("c", ("Eve met Ada.",), tenant="ours")
ALIEN = Filed("a", ("Ada met Xerxes.",), tenant="theirs")


def soon() -> Deadline:
    """For what does not take long."""
    return Deadline.after(20)


class Narrow(FullAccess):
    """Documents that one rule names."""

    def __init__(self, rule: Rule) -> None:
        self._reach = Reach((rule,))

    def reach(self, resource: str, action: str) -> Reach:
        """These."""
        return self._reach


class Denied(FullAccess):
    """Nothing."""

    def decide(self, resource: str, action: str, attributes: Any = None) -> Any:
        """No."""
        return type(super().decide(resource, action))(False, reason="not his")


def narrowed(rule: Rule) -> Caller:
    """Of our tenant, for what the rule names."""
    return Caller("ours", "dan", "test", Narrow(rule))


@pytest.fixture
async def parts(history: History) -> ListParts:
    """Three documents of ours and one of theirs, in both read models."""
    rows, vectors = PostgresStore(history.pool, LAYOUT), VectorStore(history.pool)
    await rows.open()
    await vectors.open()
    await history.tell(LETTERS, DIARY, LOOSE, ALIEN)
    await follow(Projector(RelationalModel(), rows, history.reader), history)
    await follow(Projector(VectorModel(history.texts, history.outputs), vectors, history.reader), history)
    return ListParts(PostgresRelational(history.pool), PostgresPassages(history.pool))


async def all_of(page: Callable[[str | None], Awaitable[tuple[tuple[Any, ...], str | None]]], limit: int) -> list[Any]:
    """What the pages hold; all but the last are full, and none is empty."""
    found: list[Any] = []
    after: str | None = None
    while True:
        items, after = await page(after)
        assert 0 < len(items) <= limit and (after is None or len(items) == limit)
        found += items
        if after is None:
            return found


async def said(parts: ListParts, caller: Caller, limit: int = 100, **wanted: Any) -> set[str]:
    """Relations in words."""

    async def page(after: str | None) -> tuple[tuple[Any, ...], str | None]:
        one = await parts.relations(caller, RelationFilter(**wanted), after=after, limit=limit, deadline=soon())
        return one.relations, one.next

    found = await all_of(page, limit)
    assert len({(one.document_id, one.relation_id) for one in found}) == len(found)
    return {f"{one.subject} {one.predicate} {one.object}" for one in found}


OF_ADA = {"Ada met Bob", "Cleo knew Ada", "Ada left Dan", "Eve met Ada"}


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_relations(parts: ListParts, limit: int) -> None:
    assert await said(parts, OURS, limit) == OF_ADA | {"Bob saw Cleo"}
    assert await said(parts, OURS, limit, document_id="b") == {"Ada left Dan"}
    assert await said(parts, OURS, limit, entity_id=entity_id("ours", "Ada")) == OF_ADA
    assert await said(parts, OURS, limit, predicate="met") == {"Ada met Bob", "Eve met Ada"}
    assert await said(parts, OURS, limit, document_id="a", predicate="knew") == {"Cleo knew Ada"}
    assert await said(parts, THEIRS, limit) == {"Ada met Xerxes"}


async def test_relations_of_what_was_merged_into_an_entity(parts: ListParts, history: History) -> None:
    await history.merge("Bob", into="Cleo", tenant="ours")
    await follow(Projector(RelationalModel(), PostgresStore(history.pool, LAYOUT), history.reader), history)
    assert await said(parts, OURS, entity_id=entity_id("ours", "Cleo")) == {
        "Ada met Bob",
        "Bob saw Cleo",
        "Cleo knew Ada",
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_chunks_of_a_document(parts: ListParts, limit: int) -> None:
    async def page(after: str | None) -> tuple[tuple[Any, ...], str | None]:
        one = await parts.chunks(OURS, "a", after=after, limit=limit, deadline=soon())
        return one.chunks, one.next

    found = await all_of(page, limit)
    assert [one.text for one in found] == list(LETTERS.sentences)
    assert [LETTERS.text[one.start : one.end] for one in found] == list(LETTERS.sentences)


async def test_who_may_see_some_collections_sees_no_others(parts: ListParts) -> None:
    letters = narrowed(Rule(frozenset({"letters"}), frozenset()))
    assert await said(parts, letters) == {"Ada met Bob", "Bob saw Cleo", "Cleo knew Ada"}
    assert (await parts.relations(letters, RelationFilter("b"), after=None, limit=9, deadline=soon())).relations == ()
    wanted = RelationFilter(collections=frozenset({"diary"}))
    assert (await parts.relations(letters, wanted, after=None, limit=9, deadline=soon())).relations == ()
    assert len((await parts.chunks(letters, "a", after=None, limit=9, deadline=soon())).chunks) == 3
    for document_id in ("b", "c"):
        with pytest.raises(NotFoundError):
            await parts.chunks(letters, document_id, after=None, limit=9, deadline=soon())


async def test_who_may_not_see_texts_sees_nothing_of_them(parts: ListParts) -> None:
    blind = narrowed(Rule(None, frozenset({"text"})))
    assert (await parts.relations(blind, RelationFilter(), after=None, limit=9, deadline=soon())).relations == ()
    with pytest.raises(NotFoundError):
        await parts.chunks(blind, "a", after=None, limit=9, deadline=soon())


async def test_who_may_not(parts: ListParts) -> None:
    nobody = Caller("ours", "eve", "test", Denied())
    with pytest.raises(AccessDeniedError):
        await parts.relations(nobody, RelationFilter(), after=None, limit=9, deadline=soon())
    with pytest.raises(AccessDeniedError):
        await parts.chunks(nobody, "a", after=None, limit=9, deadline=soon())


async def test_a_document_that_is_not_there(parts: ListParts) -> None:
    for caller, document_id in ((THEIRS, "b"), (OURS, "nobody")):
        with pytest.raises(NotFoundError, match=document_id):
            await parts.chunks(caller, document_id, after=None, limit=9, deadline=soon())


async def test_a_cursor_of_another_list(parts: ListParts) -> None:
    relations = await parts.relations(OURS, RelationFilter(), after=None, limit=1, deadline=soon())
    chunks = await parts.chunks(OURS, "a", after=None, limit=1, deadline=soon())
    with pytest.raises(WrongCursorError):
        await parts.chunks(OURS, "a", after=relations.next, limit=1, deadline=soon())
    with pytest.raises(WrongCursorError):
        await parts.chunks(OURS, "b", after=chunks.next, limit=1, deadline=soon())
    with pytest.raises(WrongCursorError):
        await parts.relations(OURS, RelationFilter(), after=chunks.next, limit=1, deadline=soon())


async def test_a_page_ends_at_its_deadline(parts: ListParts) -> None:
    with pytest.raises(DeadlineExceededError):
        await parts.relations(OURS, RelationFilter(), after=None, limit=1, deadline=Deadline.after(0))
    with pytest.raises(DeadlineExceededError):
        await parts.chunks(OURS, "a", after=None, limit=1, deadline=Deadline.after(0))
