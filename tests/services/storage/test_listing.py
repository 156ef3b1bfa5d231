"""Pages of documents and entities, each for its caller alone."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.postgres.store import PostgresStore
from projections.projector import Projector
from projections.relational.model import LAYOUT, RelationalModel
from projections.relational.postgres import PostgresRelational
from projections.relational.reads import DocumentFilter, EntityFilter
from security.access import FULL_ACCESS
from services.caller import Caller
from services.cursors import WrongCursorError, decoded, encoded
from services.deadline import Deadline
from services.storage.listing import Listing
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.stories import Story

OURS = Caller("ours", "ada", "test", FULL_ACCESS)


def soon() -> Deadline:
    return Deadline.after(20)


@pytest.fixture
async def listing(history: History) -> Listing:
    """Five documents of ours and one of theirs, each naming somebody."""
    store = PostgresStore(history.pool, LAYOUT)
    await store.open()
    await history.tell(*(Story(f"d{n}", (f"Name{n} sang.",), title="", tenant="ours") for n in range(5)))
    await history.tell(Story("d9", ("Name9 sang.",), title="", tenant="theirs"))
    await follow(Projector(RelationalModel(), store, history.reader), history)
    return Listing(PostgresRelational(history.pool))


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (5, [5]), (6, [5])])
async def test_pages_hold_everything_once(listing: Listing, limit: int, sizes: list[int]) -> None:
    """And none is empty: the last page has no cursor, also where it is full."""
    documents, entities = [], []
    after: str | None = None
    for number, size in enumerate(sizes, start=1):
        page = await listing.documents(OURS, DocumentFilter(), after=after, limit=limit, deadline=soon())
        assert len(page.documents) == size and (page.next is None) == (number == len(sizes))
        documents += [one.document_id for one in page.documents]
        after = page.next
    for _ in sizes:
        of_names = await listing.entities(OURS, EntityFilter(), after=after, limit=limit, deadline=soon())
        entities += [one.name for one in of_names.entities]
        after = of_names.next
    assert after is None
    assert documents == [f"d{n}" for n in range(5)]
    assert entities == [f"Name{n}" for n in range(5)]


async def test_what_goes_between_two_pages_moves_nothing(listing: Listing, history: History) -> None:
    """Also where it is the one that the cursor names."""
    first = await listing.documents(OURS, DocumentFilter(), after=None, limit=2, deadline=soon())
    await history.delete(Story("d1", ("Name1 sang.",), title="", tenant="ours"))
    await follow(Projector(RelationalModel(), PostgresStore(history.pool, LAYOUT), history.reader), history)
    second = await listing.documents(OURS, DocumentFilter(), after=first.next, limit=2, deadline=soon())
    assert [one.document_id for one in second.documents] == ["d2", "d3"]


async def test_a_cursor_is_of_one_list(listing: Listing) -> None:
    page = await listing.documents(OURS, DocumentFilter(), after=None, limit=1, deadline=soon())
    with pytest.raises(WrongCursorError, match="This is no cursor of this list"):
        await listing.entities(OURS, EntityFilter(), after=page.next, limit=1, deadline=soon())


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"x", b"[]", b'{"a":1}', b'["documents"]', b'["documents",1]', b'["documents","a","b"]', b"\xff",
        b'["documents","\\u0000"]', b'["documents","\\ud800"]', b"[" * 100_000,
    ],
)  # fmt: skip
async def test_what_is_no_cursor_is_refused(listing: Listing, raw: bytes) -> None:
    cursor = base64.urlsafe_b64encode(raw).decode()
    with pytest.raises(WrongCursorError):
        await listing.documents(OURS, DocumentFilter(), after=cursor, limit=1, deadline=soon())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_a_cursor_keeps_any_id(document_id: str) -> None:
    assert list(decoded("documents", encoded("documents", document_id), 1)) == [document_id]


@pytest.mark.parametrize("cursor", ["?", "é", "a", "YQ==YQ==", " "])
def test_what_is_no_base64_is_refused(cursor: str) -> None:
    with pytest.raises(WrongCursorError):
        decoded("documents", cursor, 1)
