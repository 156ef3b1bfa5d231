import pytest

from contracts.reasoning import ANSWER_CHARACTERS, CHAIN_CHARACTERS
from projections.vector.reads import Hit
from reasoning.answer import answer_of, confidence_of
from reasoning.chains import chains_of
from reasoning.index import Index
from reasoning.path_ranking import Ranking, rank
from tests.reasoning.town import index_of

QUESTION = "Who is mayor of the town where the writer of The Glass Lantern grew up?"
NEAR = [Hit("lantern", 0.6), Hit("voss", 0.4), Hit("orlinga", 0.3), Hit("bread", 0.1)]


def ranked(index: Index, question: str, near: list[Hit]) -> Ranking:
    """With nothing from a search by words."""
    return rank(index, question, near, [])


def test_the_answer_is_the_sentence_that_says_what_is_asked() -> None:
    index = index_of()
    ranking = ranked(index, QUESTION, NEAR)
    assert answer_of(index, QUESTION, ranking, ranking.best(3)) == "Its mayor since 2011 is Hanno Brill."


def test_a_question_of_names_alone_is_compared_whole() -> None:
    index = index_of()
    ranking = ranked(index, "Mirela Voss?", [Hit("voss", 0.9), Hit("bread", 0.1)])
    assert answer_of(index, "Mirela Voss?", ranking, [index.numbers["voss"]]) == "Mirela Voss was a writer."


def test_without_sources_there_is_no_answer() -> None:
    index = index_of()
    ranking = ranked(index, QUESTION, NEAR)
    assert answer_of(index, QUESTION, ranking, []) is None
    assert confidence_of(index, ranking, []) == 0.0


def test_sources_that_cover_more_of_the_question_are_surer() -> None:
    index = index_of()
    ranking = ranked(index, QUESTION, NEAR)
    alone, together = ([index.numbers[key] for key in keys] for keys in (["lantern"], ["lantern", "voss", "orlinga"]))
    assert 0.0 < confidence_of(index, ranking, alone) < confidence_of(index, ranking, together) <= 1.0


@pytest.mark.parametrize("cosine", [-0.2, 0.0, 0.3])
def test_what_is_like_in_neither_meaning_nor_words_is_no_evidence(cosine: float) -> None:
    index = index_of()
    ranking = ranked(index, "Which kraken sank the galleon?", [Hit("moth", cosine)])
    assert confidence_of(index, ranking, ranking.best(3)) == 0.0


def test_a_chain_names_each_step() -> None:
    index = index_of()
    ranking = ranked(index, QUESTION, NEAR)
    sources = [index.numbers[key] for key in ("lantern", "voss", "orlinga")]
    assert chains_of(index, QUESTION, ranking, sources) == (
        "question -> Glass Lantern -> The Glass Lantern -> Mirela Voss -> Mirela Voss -> Orlinga -> Orlinga",
    )


def test_a_passage_reached_by_likeness_alone_has_a_short_chain() -> None:
    index = index_of()
    ranking = ranked(index, "How is sour dough baked?", [Hit("bread", 0.8)])
    assert chains_of(index, "How is sour dough baked?", ranking, [index.numbers["bread"]]) == ("question -> Rye bread",)


def test_answer_and_chains_fit_into_their_event_whatever_the_text_is() -> None:
    """A passage of one endless word is one token to an embedder, however long it is."""
    town = {"endless": ("T" * 1024, "x" * 2_000_000), "voss": ("V" * 1024, "Mirela Voss wrote " + "y" * 2_000_000)}
    index = index_of(town)
    ranking = ranked(index, "What did Mirela Voss write?", [Hit("voss", 0.9), Hit("endless", 0.8)])
    sources = ranking.best(2)
    answer = answer_of(index, "What did Mirela Voss write?", ranking, sources)
    assert answer is not None and len(answer) == ANSWER_CHARACTERS and answer.endswith("...")
    chains = chains_of(index, "What did Mirela Voss write?", ranking, sources)
    assert chains and all(len(chain) <= CHAIN_CHARACTERS for chain in chains)
