"""Documents as they were left: the last ones, bounded by their bytes."""

from collections.abc import Mapping
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from aggregates.document import Document
from contracts.documents import TextReference
from eventstore.keys import AggregateKey
from services.processing.recent import LARGEST_BYTES, OWN_BYTES, RecentDocuments


def document(name: int, version: int, size: int = 1) -> Document:
    return Document(
        tenant="t",
        document_id=f"d{name}",
        version=version,
        title="",
        text=TextReference(digest="a" * 64, characters=size, bytes=size),
        uri=None,
        attributes={},
        deleted=False,
        present=frozenset({UUID(int=1)}),
    )


def key(name: int) -> AggregateKey:
    return AggregateKey("t", "document", f"d{name}")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9), st.sampled_from([1, 3000, LARGEST_BYTES + 1]))))
def test_it_knows_the_last_state_of_the_last_ones(kept: list[tuple[int, int, int]]) -> None:
    room = 3 * (OWN_BYTES + 3000)
    recent = RecentDocuments(room)
    last: dict[int, Document] = {}
    all_fit = True
    for name, version, size in kept:
        one = document(name, version, size)
        recent.keep(one)
        last.pop(name, None)
        if size <= LARGEST_BYTES:
            last[name] = one
        all_fit = all_fit and taken(last) <= room
    known = {name: found for name in last if (found := recent.get(key(name))) is not None}
    assert list(known.items()) == list(last.items())[len(last) - len(known) :]
    assert taken(known) <= room
    assert known == last or not all_fit


def taken(documents: Mapping[int, Document]) -> int:
    """The bytes that they count for."""
    return sum(OWN_BYTES + one.text.bytes for one in documents.values())


def test_what_is_forgotten_is_not_known() -> None:
    recent = RecentDocuments()
    recent.keep(document(1, 1))
    recent.forget(key(1))
    assert recent.get(key(1)) is None
