"""A question may call something by a name that no text has: one that people gave, or one of what was merged into it."""

from contracts.ids import entity_id
from projections.graph.decided import Decided
from projections.graph.reads import GraphSnapshot
from reasoning.index import Index
from reasoning.other_names import OtherNames
from tests.reasoning.town import TENANT, TOWN, passages_of, snapshot_of

VOSS = entity_id(TENANT, "Mirela Voss")
QUESTION = "Where did Dame Sibyl grow up?"


def called_otherwise() -> GraphSnapshot:
    """As people see it who gave the writer a title."""
    decided = Decided(names={VOSS: ("Dame Sibyl",)})
    said = snapshot_of(TOWN)
    return decided.snapshot(said.subjects, said.mentions, said.statements)


def test_what_the_question_calls_it_stands_where_a_text_has_another_name() -> None:
    text = "It was written by Mirela Voss in one winter."
    assert OtherNames(called_otherwise(), QUESTION).found(text) == [
        (text.index("Mirela"), frozenset({"dame", "sibyl"}))
    ]


def test_nothing_is_meant_by_names_that_the_question_does_not_have() -> None:
    for snapshot, question in (
        (called_otherwise(), "Where did Mirela Crane grow up?"),
        (called_otherwise(), ""),
        (snapshot_of(TOWN), QUESTION),
    ):
        assert not OtherNames(snapshot, question)


def test_an_index_finds_passages_and_sentences_by_the_other_name() -> None:
    index = Index(passages_of(TOWN), called_otherwise(), question=QUESTION)
    lantern, voss = index.numbers["lantern"], index.numbers["voss"]
    assert {lantern, voss} <= set(index.holding("sibyl").tolist())
    assert index.title_meant(voss) == {"dame", "sibyl"}
    assert index.title_meant(lantern) == frozenset()
    first, second = index.sentences_of(lantern)
    assert "sibyl" not in first[2] and "sibyl" in second[2]
    assert "sibyl" in index.sentence_at(lantern, second[0])[2]
