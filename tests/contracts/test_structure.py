"""Headings and pages as attributes: what is written is read, within bounds, and tells where a character stands."""

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.structure import MAX_BYTES, Structure, structure_attributes, structure_of

TEXT = "# A\n\none\n\n## B\n\ntwo\n\n# C\n\nthree\n"
STRUCTURE = Structure(headings=((1, 2, 3), (2, 13, 14), (1, 23, 24)), pages=(0, 10, 21))


def test_a_character_has_a_page_and_headings_over_it() -> None:
    path = [
        [TEXT[start:end] for start, end in STRUCTURE.headings_over(TEXT.index(word))] for word in ("one", "two", "th")
    ]
    assert path == [["A"], ["A", "B"], ["C"]]
    assert [STRUCTURE.page_at(TEXT.index(word)) for word in ("one", "two", "three")] == [1, 2, 3]
    assert Structure().page_at(5) is None and Structure().headings_over(5) == ()
    assert Structure(pages=(3,)).page_at(0) is None


def test_what_begins_with_headings_stands_under_them() -> None:
    path = [
        [TEXT[start:end] for start, end in STRUCTURE.headings_of(TEXT, TEXT.index(begin))]
        for begin in ("# A", "A", "one", "## B", "# C", "three")
    ]
    assert path == [["A"], ["A"], ["A"], ["A", "B"], ["C"], ["C"]]
    several = "1. Life 1.1 Work. She wrote. Death"
    spans = [
        (level, several.index(word), several.index(word) + len(word)) for level, word in ((1, "Life"), (2, "Work"))
    ]
    assert Structure(headings=tuple(spans)).headings_of(several, 0) == ((3, 7), (12, 16))
    assert Structure(headings=((1, 2, 6), (2, 7, 11))).headings_of("# Life Work", 0) == ((2, 6), (7, 11))


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 10**6), st.integers(0, 10**6)), max_size=8),
    st.lists(st.integers(0, 10**6), max_size=8),
)
def test_what_is_written_is_read(headings: list[tuple[int, int, int]], pages: list[int]) -> None:
    found = structure_of(structure_attributes(headings, sorted(pages)))
    assert found == Structure(tuple(headings), tuple(sorted(pages)))


def test_it_is_bounded() -> None:
    headings = [(1 + number % 6, number * 10, number * 10 + 5) for number in range(20_000)]
    said = structure_attributes(headings, range(0, 10**6, 7))
    assert all(len(value) <= MAX_BYTES for value in said.values())
    found = structure_of(said)
    assert found.headings and {level for level, _, _ in found.headings} == {1}
    assert found.pages[:3] == (0, 7, 14)


def test_attributes_of_other_producers_say_nothing() -> None:
    for value in ("two", "1:2", "7:1-2", 3, None, True, "1:2-3 x"):
        assert structure_of({"headings": value, "pages": value if value != 3 else "1 b"}) == Structure()
    assert structure_of({}) == Structure()
