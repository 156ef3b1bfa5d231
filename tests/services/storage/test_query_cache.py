"""Answers of cross-database queries are found while the content is the same, and only by who may have them."""

from hypothesis import given
from hypothesis import strategies as st

from services.storage import query_cache
from services.storage.query_cache import ANSWER_BYTES, ENTRIES, TENANTS, QueryCache


def test_an_answer_is_found_while_the_content_is_the_same() -> None:
    cache: QueryCache[str] = QueryCache()
    cache.put("t", "q", ("a", "b"), "answer", 6)
    assert cache.get("t", "q", ("a", "b")) == "answer"
    assert cache.get("t", "another", ("a", "b")) is None
    assert cache.get("t", "q", ("a", "c")) is None
    # The content of before does not come back.
    assert cache.get("t", "q", ("a", "b")) is None


def test_nothing_crosses_tenants() -> None:
    cache: QueryCache[str] = QueryCache()
    cache.put("ours", "q", ("a",), "answer", 6)
    assert cache.get("theirs", "q", ("a",)) is None


def test_what_was_not_asked_for_longest_goes_first() -> None:
    cache: QueryCache[int] = QueryCache()
    for number in range(ENTRIES):
        cache.put("t", number, ("a",), number, 1)
    assert cache.get("t", 0, ("a",)) == 0
    cache.put("t", "one more", ("a",), -1, 1)
    assert cache.get("t", 0, ("a",)) == 0
    assert cache.get("t", 1, ("a",)) is None


def test_who_asks_much_pushes_out_nobody_elses() -> None:
    cache: QueryCache[int] = QueryCache(max_bytes=100)
    cache.put("quiet", "q", ("a",), 7, 10)
    for number in range(1000):
        cache.put("noisy", number, ("a",), number, 10)
    assert cache.get("quiet", "q", ("a",)) == 7
    assert sum(cache.get("noisy", number, ("a",)) is not None for number in range(1000)) == 10


def test_a_large_answer_is_not_kept() -> None:
    cache: QueryCache[str] = QueryCache()
    cache.put("t", "q", ("a",), "large", ANSWER_BYTES + 1)
    assert cache.get("t", "q", ("a",)) is None


@given(
    st.lists(
        st.tuples(st.sampled_from("tuv"), st.integers(0, 5), st.integers(0, 2), st.integers(0, 60), st.booleans()),
        max_size=60,
    )
)
def test_what_is_found_was_put_for_this_content(steps: list[tuple[str, int, int, int, bool]]) -> None:
    cache: QueryCache[tuple[str, int, int]] = QueryCache(max_bytes=100)
    for tenant, query, content, size, asks in steps:
        if asks:
            assert cache.get(tenant, query, (str(content),)) in (None, (tenant, query, content))
        else:
            cache.put(tenant, query, (str(content),), (tenant, query, content), size)


def test_tenants_are_bounded() -> None:
    cache: QueryCache[int] = QueryCache()
    for number in range(TENANTS + 1):
        cache.put(f"t{number}", "q", ("a",), number, 1)
    assert cache.get("t0", "q", ("a",)) is None
    assert cache.get(f"t{query_cache.TENANTS}", "q", ("a",)) == TENANTS
