"""An extractive question-answering model from a folder: spans of the texts, with their probabilities."""

from pathlib import Path

import pytest

from inference.model import InferenceError
from inference.question_answering import SPANS, AnswerReader
from inference.reranking import Reranker
from tests.inference.tiny_pairs import make_reader, make_reranker

pytestmark = pytest.mark.pipeline

QUESTION = "Who built the bridge?"
BRIDGE = "The bridge of Lisse was built by Sefrik Varn."
MARKET = "The market of Lisse was opened by Ona Tell."
OTHER = "the market of Lisse . "
LESSONS = [
    (QUESTION, BRIDGE, "Sefrik Varn"),
    (QUESTION, MARKET, ""),
    ("Who opened the market?", MARKET, "Ona Tell"),
    ("Who opened the market?", BRIDGE, ""),
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> AnswerReader:
    return AnswerReader(str(make_reader(tmp_path_factory.mktemp("models") / "reader", LESSONS)), dtype="float32")


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    return Reranker(str(ranking_model(tmp_path_factory.mktemp("models") / "reranker")), dtype="float32")


def ranking_model(folder: Path, classes: int = 1) -> Path:
    lessons = [(question, text, bool(answer)) for question, text, answer in LESSONS]
    lessons += [(QUESTION, OTHER * 15 + BRIDGE, True), (QUESTION, OTHER * 20, False)]
    return make_reranker(folder, lessons, classes=classes)


def test_a_span_is_the_texts_own_and_its_probability_says_where_the_answer_is(reader: AnswerReader) -> None:
    with_answer, without = reader.read(QUESTION, [BRIDGE, MARKET])
    best = with_answer[0]
    assert BRIDGE[best.start : best.end] == "Sefrik Varn" and best.probability > 0.9
    assert all(span.probability < 0.1 for span in without)
    assert MARKET[slice(*reader.read("Who opened the market?", [MARKET])[0][0][:2])] == "Ona Tell"


def test_spans_are_few_and_each_once_and_their_probabilities_no_more_than_one(reader: AnswerReader) -> None:
    for spans in reader.read(QUESTION, [BRIDGE, MARKET, "bridge"]):
        assert len({span[:2] for span in spans}) == len(spans) <= SPANS
        assert sum(span.probability for span in spans) <= 1.0 + 1e-6
        assert [span.probability for span in spans] == sorted((span.probability for span in spans), reverse=True)
        assert all(span.end > span.start for span in spans)


def test_a_text_longer_than_the_model_reads_is_read_in_windows(reader: AnswerReader) -> None:
    """Each of them is as likely to hold the answer as the others."""
    text = OTHER * 60 + BRIDGE
    best = reader.read(QUESTION, [text])[0][0]
    assert text[best.start : best.end] in {"Sefrik", "Varn", "Sefrik Varn"}


def test_what_is_beside_a_text_changes_nothing(reader: AnswerReader) -> None:
    """Padding is not read."""
    alone = reader.read(QUESTION, [BRIDGE])[0]
    beside = reader.read(QUESTION, [f"{MARKET} {MARKET}", BRIDGE, ""])[1]
    assert [span[:2] for span in alone] == [span[:2] for span in beside]
    assert [span.probability for span in alone] == pytest.approx([span.probability for span in beside], abs=1e-4)


def test_nothing_is_read_in_nothing(reader: AnswerReader) -> None:
    assert reader.read(QUESTION, []) == []
    assert reader.read(QUESTION, ["", "  \n"]) == [[], []]


def test_a_question_that_leaves_a_text_no_room_is_refused_in_one_line(reader: AnswerReader, reranker: Reranker) -> None:
    for run in (reader.read, reranker.scores):
        with pytest.raises(InferenceError, match="ask a shorter one") as refused:
            run("bridge " * 200, [BRIDGE])
        assert "\n" not in str(refused.value)


def test_a_reranker_tells_which_text_fits(reranker: Reranker, tmp_path: Path) -> None:
    for model in (reranker, Reranker(str(ranking_model(tmp_path / "two", classes=2)), dtype="float32")):
        fits, other, blank = model.scores(QUESTION, [BRIDGE, MARKET, " "])
        assert fits > other > blank
        assert model.scores("Who opened the market?", [BRIDGE, MARKET]) != [fits, other]
        long, all_other = model.scores(QUESTION, [OTHER * 60 + BRIDGE, OTHER * 60])
        assert long > all_other, "its best window counts"
    assert reranker.scores(QUESTION, []) == []


def test_a_classifier_of_many_classes_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(InferenceError, match="3 classes"):
        Reranker(str(ranking_model(tmp_path / "three", classes=3)))


def test_a_model_without_the_layer_that_answers_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    """Random numbers would take its place, and answers be random."""
    for make, what in ((AnswerReader, "question answering"), (Reranker, "sequence classification")):
        with pytest.raises(InferenceError, match=f"was not trained for {what}"):
            make(str(tiny_encoder))


def test_a_model_has_a_revision_of_its_content(reader: AnswerReader, reranker: Reranker) -> None:
    assert reader.revision.startswith("reader@") and reranker.revision.startswith("reranker@")
