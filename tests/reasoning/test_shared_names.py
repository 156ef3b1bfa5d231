"""Names that join passages which are about neither."""

import math

import pytest

from projections.graph.reads import Mention
from projections.vector.reads import Passage
from reasoning.links import Link, Name
from reasoning.shared_names import MOST, SHARED, SharedNames
from reasoning.texts import Text
from tests.reasoning.town import passages_of


def passages(*texts: str) -> list[Passage]:
    return passages_of({f"p{number}": ("", text) for number, text in enumerate(texts)})


def shared_names(
    held: list[Passage], named: list[Mention], aliases: frozenset[Name], spread: dict[str, int]
) -> SharedNames:
    return SharedNames(held, [Text(passage) for passage in held], named, aliases, spread)


def mentions(name: str, *numbers: int, entity_id: str = "e") -> list[Mention]:
    return [Mention(entity_id, name, f"p{number}", 1) for number in numbers]


def test_each_that_has_it_is_joined_with_all_others_at_the_name() -> None:
    held = passages("By Ada Holm.", "Ada Holm sang.", "Ada Holm and Ada Holm.", "None.")
    shared = shared_names(held, mentions("Ada Holm", 0, 1, 2), frozenset(), {})
    weight = SHARED / math.sqrt(3)
    assert list(shared.links(0, frozenset())) == [Link(1, weight, 3, 11), Link(2, weight, 3, 11)]
    assert [link.start for link in shared.links(2, frozenset())] == [0, 0]
    assert list(shared.links(3, frozenset())) == []


def test_neither_what_a_passage_is_about_nor_what_is_asked_for_nor_what_is_not_in_the_text() -> None:
    held = passages("Ada Holm.", "Ada Holm.")
    both = mentions("Ada Holm", 0, 1)
    name = ("ada", "holm")
    assert list(shared_names(held, both, frozenset({name}), {}).links(0, frozenset())) == []
    assert list(shared_names(held, both, frozenset(), {}).links(0, frozenset({name}))) == []
    assert list(shared_names(held, mentions("Bo Lind", 0, 1), frozenset(), {}).links(0, frozenset())) == []
    assert list(shared_names(held, mentions("Ada Holm", 0, 7), frozenset(), {}).links(0, frozenset())) == []


def test_two_names_of_one_entity_join_too() -> None:
    held = passages("Ada Holm sang.", "A. Holm sang.")
    merged = [*mentions("Ada Holm", 0), *mentions("A. Holm", 1)]
    assert [link.target for link in shared_names(held, merged, frozenset(), {}).links(0, frozenset())] == [1]


@pytest.mark.parametrize(("elsewhere", "joined"), [(0, 1), (MOST, 1), (MOST + 1, 0)])
def test_a_common_name_joins_nothing(elsewhere: int, joined: int) -> None:
    """Whether all that have it are here, or most of them elsewhere."""
    held = passages("Ada Holm.", "Ada Holm.")
    shared = shared_names(held, mentions("Ada Holm", 0, 1), frozenset(), {"e": elsewhere})
    links = list(shared.links(0, frozenset()))
    assert len(links) == joined
    assert all(link.weight == pytest.approx(SHARED / math.sqrt(max(2, elsewhere))) for link in links)
    many = passages(*["Ada Holm."] * (MOST + 1))
    assert list(shared_names(many, mentions("Ada Holm", *range(MOST + 1)), frozenset(), {}).links(0, frozenset())) == []
