"""What is known of a question's passages while they are found: of these alone, and each asked once."""

from projections.graph.reads import GraphSnapshot, Mention, Subject, WrongRelation
from projections.vector.reads import Hit, Passage
from reasoning.part import Part, ReadPassages, combined


def passage(key: str) -> Passage:
    return Passage(key, f"document of {key}", key.title(), f"{key} is told of.", 0, 10)


def said(*keys: str, rejected: tuple[str, ...] = ()) -> GraphSnapshot:
    """Each passage is about itself and mentions Orlinga."""
    return GraphSnapshot(
        [Subject(f"e-{key}", key.title(), key, 1.0) for key in keys],
        [Mention("e-orlinga", "Orlinga", key, 1) for key in keys],
        [],
        rejected,
        [WrongRelation("a", "is", "b", key, 0, 1) for key in keys],
    )


def read(*keys: str) -> ReadPassages:
    return ReadPassages({key: passage(key) for key in keys}, said(*keys), [Hit(key, 0.5) for key in keys])


def part_of(*keys: str) -> Part:
    part = Part()
    part.add(read(*keys))
    part.weigh({key: 1.0 - 0.1 * number for number, key in enumerate(keys)})
    return part


def test_some_of_what_was_read_is_these_passages_and_what_they_say() -> None:
    some = read("lamp", "other").some(["lamp", "gone"])
    assert list(some.passages) == ["lamp"] and some.near == [Hit("lamp", 0.5)]
    own = some.said
    assert [one.chunk_id for one in own.subjects] == [one.chunk_id for one in own.mentions] == ["lamp"]
    assert [one.chunk_id for one in own.wrong] == ["lamp"]


def test_passages_that_are_not_there_are_worth_nothing() -> None:
    part = part_of("lamp")
    part.weigh({"lamp": 0.5, "gone": 0.9})
    assert part.worth == {"lamp": 1.0}


def test_a_passage_is_set_out_from_once_the_strongest_first() -> None:
    part = part_of("one", "two", "three")
    assert part.expand(2) == ["one", "two"]
    assert part.expand(2) == ["three"]
    assert part.expand(2) == []


def test_an_entity_and_a_name_are_counted_once() -> None:
    part = part_of("one")
    assert part.uncounted() == (["e-one", "e-orlinga"], ["one"])
    part.add(read("two"))
    part.add(read("three"))
    assert part.uncounted() == (["e-three", "e-two"], ["three", "two"])
    assert part.uncounted() == ([], [])


def test_passages_that_share_a_name_are_counted_by_it() -> None:
    part = part_of("one")
    part.count({"e-one": 3}, [Subject("e-one", "One", "one", 1.0), Subject("e-other", "One", "other", 1.0)])
    part.count({}, [Subject("e-one", "One", "one", 1.0)])
    assert part.spread == {"e-one": 3}
    assert part.shared == {("one",): 2}


def test_what_one_part_calls_no_entity_may_be_the_name_of_one_in_another() -> None:
    together = combined([said("one", rejected=("Two", "Three")), said("two")])
    assert together.rejected == ["Three"]
    assert [one.chunk_id for one in together.subjects] == ["one", "two"]
    assert combined([]) == GraphSnapshot([], [], [], [], [])
