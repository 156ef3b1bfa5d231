"""What a model read beside what the words say: plain arithmetic, and the spans of a text."""

from hypothesis import given
from hypothesis import strategies as st

from inference.question_answering import ReadSpan
from projections.vector.reads import Hit
from reasoning.answer import answer_of
from reasoning.answering.read_spans import ALONE, agreed, probabilities, reading_of
from reasoning.index import Index
from reasoning.path_ranking import rank
from reasoning.reranked import reranked
from tests.reasoning.examples import articles
from tests.reasoning.town import index_of

QUESTION = "Where was Ines Marlowe born?"
INDEX = index_of(articles())
SHARES = st.floats(0.0, 1.0)


def read_in(index: Index, title: str, text: str, probability: float) -> dict[int, list[ReadSpan]]:
    """A span of an article, as a reader gives it."""
    number = next(i for i, one in enumerate(index.passages) if one.title == title)
    at = index.passages[number].text.index(text)
    return {number: [ReadSpan(at, at + len(text), probability)]}


def answered(read: dict[int, list[ReadSpan]], question: str = QUESTION):  # type: ignore[no-untyped-def]
    hits = [Hit("ines-marlowe", 0.9), Hit("brennick", 0.6), Hit("skerry-point-lighthouse", 0.5), Hit("tarrow", 0.4)]
    ranking = rank(INDEX, question, hits, hits)
    return answer_of(INDEX, question, ranking, ranking.best(10), read)


def test_without_a_reader_the_words_alone_answer() -> None:
    assert answered({}).text == "Brennick"


def test_where_both_agree_an_answer_is_no_less_sure_and_shares_add_up() -> None:
    words, both = answered({}), answered(read_in(INDEX, "Ines Marlowe", "Brennick", 0.95))
    assert both.text == "Brennick" and both.confidence >= words.confidence
    assert both.others[0].share > words.others[0].share
    assert sum(one.share for one in both.others) <= 1.0 + 1e-9


def test_a_sure_reader_is_believed_and_what_the_words_say_stays_a_candidate() -> None:
    found = answered(read_in(INDEX, "Ines Marlowe", "the Corran Institute", 0.98))
    assert [one.span.text for one in found.others[:2]] == ["Corran Institute", "Brennick"] or found.text in {
        "the Corran Institute",
        "Corran Institute",
    }
    assert found.confidence <= ALONE
    assert "Brennick" in {one.span.text for one in found.others}


def test_an_unsure_reader_changes_no_answer() -> None:
    assert answered(read_in(INDEX, "Tarrow", "1872", 0.05)).text == "Brennick"


def test_a_span_that_no_word_proposes_can_be_read_with_its_sentence() -> None:
    """Words without a date, where a date is asked for."""
    question = "When was Skerry Point Lighthouse first lit?"
    assert answered({}, question).text == "1887"
    found = answered(read_in(INDEX, "Skerry Point Lighthouse", "after the wreck of the steamship", 0.99), question)
    read = next(one for one in found.others if one.span.text == "after the wreck of the steamship")
    assert read.share >= 0.4 and "first lit in 1887" in read.span.sentence.text
    assert found.confidence <= ALONE


def test_what_crosses_sentences_or_is_no_text_is_left_out() -> None:
    number = next(i for i, one in enumerate(INDEX.passages) if one.title == "Ines Marlowe")
    words = answered({})
    for start, end in ((0, 400), (-5, 3), (10_000, 10_010), (60, 60)):
        assert answered({number: [ReadSpan(start, end, 0.99)]}).text == words.text


def test_the_title_is_read_before_a_text_that_does_not_begin_with_it() -> None:
    assert reading_of("Ada", "She wrote.") == ("Ada\nShe wrote.", 4)
    assert reading_of("Ada", "# Ada\n\nShe wrote.") == ("# Ada\n\nShe wrote.", 0)
    assert reading_of("", "She wrote.") == ("She wrote.", 0)


@given(SHARES, SHARES)
def test_confidence_lies_between_what_both_say_and_alone_is_never_sure(words: float, model: float) -> None:
    apart, together = agreed(words, model, same=False), agreed(words, model, same=True)
    assert 0.0 <= apart <= min(ALONE, max(words, model))
    assert words <= together <= max(words, model)
    assert apart <= together


@given(st.lists(st.tuples(st.sampled_from("abcdef"), SHARES), max_size=12))
def test_what_a_reader_believes_is_no_more_than_one(read: list[tuple[str, float]]) -> None:
    from reasoning.answering.read_spans import Placed

    spans = [Placed(None, None, (name,), probability) for name, probability in read]  # type: ignore[arg-type]
    found = probabilities(spans)
    assert sum(found.values()) <= 1.0 + 1e-9 and all(0.0 <= value <= 1.0 for value in found.values())


def test_a_reranker_moves_passages_and_no_scores() -> None:
    hits = [Hit(key, 0.9 - 0.05 * at) for at, key in enumerate(articles())]
    ranking = rank(INDEX, QUESTION, hits, hits)
    best = ranking.best(8)
    moved = reranked(ranking, best, [float(at) for at in range(8)])
    assert sorted(moved.scores.tolist()) == sorted(ranking.scores.tolist())
    assert set(moved.best(8)) == set(best) and moved.best(8) != best
    assert moved.best(8)[0] in (best[0], best[-1]), "both opinions count alike"
    assert reranked(ranking, best, [0.0] * 8).best(8) == best, "who cannot tell them apart moves none"
    assert reranked(ranking, best, [float(-at) for at in range(8)]).best(8) == best
