"""Documents as they were left: the last ones, bounded by their bytes."""

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
    for name, version, size in kept:
        one = document(name, version, size)
        recent.keep(one)
        last.pop(name, None)
        if size <= LARGEST_BYTES:
            last[name] = one
    known, taken = [], 0
    for one in reversed(list(last.values())):
        taken += OWN_BYTES + one.text.bytes
        if taken <= room:
            known.append(one)
        else:
            break
    assert [found for found in (recent.get(key(name)) for name in last) if found is not None] == known[::-1]


def test_what_is_forgotten_is_not_known() -> None:
    recent = RecentDocuments()
    recent.keep(document(1, 1))
    recent.forget(key(1))
    assert recent.get(key(1)) is None
