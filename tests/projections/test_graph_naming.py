"""What entities are called, counted by difference: the same as counted anew. No database."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from eventstore.keys import AggregateKey
from projections.changes import Change, Row
from projections.graph.naming import EntityKey, EntityNames, differences, naming_rows

NAMES = ("Ada", "ADA", "\u00c4da", "\uffee", "\U0001f600")
TABLES = ("mentions", "subjects", "relations")


def row(draw: st.DrawFn, table: str) -> Row:
    """A row that names one entity, or two."""
    entity, name, chunk = st.sampled_from(("e1", "e2", "e3")), st.sampled_from(NAMES), st.sampled_from(("c1", "c2"))
    match table:
        case "mentions":
            return ("t", "d", draw(chunk), draw(entity), draw(name), draw(st.sampled_from(("PERSON", "PLACE"))), 1)
        case "subjects":
            return ("t", "d", draw(chunk), draw(entity), draw(name), 0.5)
        case _:
            return ("t", "d", "r", draw(entity), draw(name), "met", draw(entity), draw(name), draw(chunk), 0, 1, 0.5)


@st.composite
def sections(draw: st.DrawFn) -> dict[str, Sequence[Row]]:
    """Some of the sections of a document, replaced by any rows."""
    tables = draw(st.sets(st.sampled_from(TABLES)))
    return {table: [row(draw, table) for _ in range(draw(st.integers(0, 3)))] for table in sorted(tables)}


def anew(rows: dict[str, Sequence[Row]]) -> dict[EntityKey, EntityNames]:
    """Counted from all the rows at once."""
    found = list(naming_rows([Change(AggregateKey("t", "document", "d"), 0, 1, rows)]))
    return {
        entity: EntityNames(
            Counter((one.name, one.type) for one in found if one.entity == entity),
            len({one.chunk_id for one in found if one.entity == entity}),
        )
        for entity in {one.entity for one in found}
    }


@given(st.lists(sections(), max_size=6))
def test_differences_add_up_to_what_is_there(steps: list[dict[str, Sequence[Row]]]) -> None:
    key = AggregateKey("t", "document", "d")
    stored: dict[str, Sequence[Row]] = {}
    kept: dict[EntityKey, EntityNames] = {}
    for version, step in enumerate(steps):
        change = Change(key, version, version + 1, step)
        before = naming_rows([Change(key, 0, version, stored)])
        for entity, difference in differences([change], before).items():
            kept[entity] = kept.get(entity, EntityNames()).plus(difference)
        stored |= step
        assert {entity: names for entity, names in kept.items() if names} == anew(stored)


def test_like_rows_in_the_place_of_others_are_no_difference() -> None:
    """Still the entity is named: its node is written."""
    key = AggregateKey("t", "document", "d")
    rows = {"mentions": [("t", "d", "c1", "e1", "Ada", "PERSON", 1)]}
    found = differences([Change(key, 1, 2, rows)], naming_rows([Change(key, 0, 1, rows)]))
    assert found == {("t", "e1"): EntityNames()}
    assert not any(found.values())


def test_the_most_frequent_name_wins_and_in_a_tie_the_first_by_its_bytes() -> None:
    """U+FFEE comes before U+1F600 in UTF-8, and behind it in UTF-16. A name counts under all of its types together."""
    assert EntityNames(Counter({("\U0001f600", "T"): 1, ("\uffee", ""): 1}), 2).name == "\uffee"
    names = EntityNames(Counter({("Ada", "PERSON"): 1, ("Ada", ""): 2, ("ADA", "PLACE"): 2}), 5)
    assert (names.name, names.type) == ("Ada", "PLACE")
    assert (EntityNames().name, EntityNames().type) == (None, None)
