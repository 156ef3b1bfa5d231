"""The default analyser on plain sentences: what is named, who does what to whom, and where the text says so."""

import pytest

from inference.analysis import Analysis, EntitySpan, NameSpan, RelationSpan, decode, encode
from inference.model import InferenceError
from inference.spacy_analysis import NOT_THINGS, SpacyAnalyser, revision_of

CURIE = "Marie Curie discovered polonium. She was born in Warsaw and she won the Nobel Prize in 1911."
MEETING = "In 1903 Ada Lovelace met Charles Babbage in London."
TOUR = "Ada Lovelace visited Paris, London and the  United\nStates."
STATEMENTS = [CURIE, MEETING, TOUR, "Warsaw is the capital of Poland."]


def analysis(analyser: SpacyAnalyser, text: str) -> Analysis:
    return decode(analyser.run([text])[0])


def said(found: Analysis) -> set[tuple[str, str, str]]:
    return {(relation.subject.name, relation.predicate, relation.object.name) for relation in found.relations}


@pytest.mark.parametrize("text", STATEMENTS)
def test_spans_are_the_texts_own(analyser: SpacyAnalyser, text: str) -> None:
    found = analysis(analyser, text)

    assert found.entities and found.relations
    for entity in found.entities:
        assert " ".join(text[entity.start : entity.end].split()) == entity.name
        assert 0.0 < entity.confidence <= 1.0
    names = {(entity.start, entity.end, entity.name) for entity in found.entities}
    for relation in found.relations:
        assert 0 <= relation.start <= min(relation.subject.start, relation.object.start)
        assert max(relation.subject.end, relation.object.end) <= relation.end <= len(text)
        assert 0.0 < relation.confidence <= 1.0
        assert relation.object in names
        assert relation.subject in names or text[relation.subject.start : relation.subject.end] in {"She", "she"}


def test_people_and_places_are_found_and_dates_are_no_things(analyser: SpacyAnalyser) -> None:
    found = {entity.name: entity.type for entity in analysis(analyser, MEETING).entities}
    assert found == {"Ada Lovelace": "PERSON", "Charles Babbage": "PERSON", "London": "GPE"}
    assert not NOT_THINGS & set(found.values())


def test_a_leading_article_is_no_part_of_a_name(analyser: SpacyAnalyser) -> None:
    names = {entity.name for entity in analysis(analyser, TOUR).entities}
    assert "United States" in names and not any(name.lower().startswith("the ") for name in names)


def test_subject_predicate_and_object(analyser: SpacyAnalyser) -> None:
    assert said(analysis(analyser, MEETING)) == {
        ("Ada Lovelace", "meet", "Charles Babbage"),
        ("Ada Lovelace", "meet in", "London"),
    }
    assert said(analysis(analyser, STATEMENTS[3])) == {("Warsaw", "capital of", "Poland")}


def test_what_is_joined_by_and_is_said_of_each(analyser: SpacyAnalyser) -> None:
    assert said(analysis(analyser, TOUR)) >= {
        ("Ada Lovelace", "visit", "Paris"),
        ("Ada Lovelace", "visit", "London"),
    }


def test_a_pronoun_means_what_the_text_is_about_and_is_less_sure(analyser: SpacyAnalyser) -> None:
    found = analysis(analyser, CURIE)
    assert said(found) == {("Marie Curie", "born in", "Warsaw"), ("Marie Curie", "win", "Nobel Prize")}
    (named,) = analysis(analyser, "Marie Curie won the Nobel Prize.").relations
    (resolved,) = (relation for relation in found.relations if relation.predicate == "win")
    assert resolved.confidence < named.confidence


@pytest.mark.parametrize(
    ("text", "subject"),
    [(CURIE, "Marie Curie"), (MEETING, "Ada Lovelace"), ("The soup was cold.", None), ("", None)],
)
def test_the_subject_of_the_first_sentence(analyser: SpacyAnalyser, text: str, subject: str | None) -> None:
    assert analysis(analyser, text).subject == subject


def test_each_text_is_analysed_for_itself(analyser: SpacyAnalyser) -> None:
    together = analyser.run([*STATEMENTS, "", *STATEMENTS])
    assert together == [analyser.run([text])[0] for text in [*STATEMENTS, "", *STATEMENTS]]
    assert decode(together[len(STATEMENTS)]) == Analysis()


def test_what_was_encoded_comes_back() -> None:
    found = Analysis(
        entities=(EntitySpan(0, 4, "B\u00f6ll", "PERSON", 0.857),),
        relations=(
            RelationSpan(
                NameSpan(0, 4, "B\u00f6ll"),
                "write in",
                NameSpan(9, 13, "K\u00f6ln"),
                0,
                13,
                0.6,
                False,
                None,
                None,
                None,
                None,
            ),
            RelationSpan(
                NameSpan(0, 4, "B\u00f6ll"),
                "live in",
                NameSpan(9, 13, "K\u00f6ln"),
                0,
                13,
                0.3,
                True,
                "may",
                "until 1985",
                None,
                "1985",
            ),
        ),
        subject="B\u00f6ll",
    )
    assert decode(encode(found)) == found
    assert decode(encode(Analysis())) == Analysis()


def test_a_model_that_is_not_installed_is_named() -> None:
    with pytest.raises(InferenceError, match="'xx_no_model' is not installed; install it or name another"):
        SpacyAnalyser("xx_no_model")


def test_the_revision_is_known_without_loading(analyser: SpacyAnalyser) -> None:
    assert revision_of("en_core_web_sm") == analyser.revision == "en_core_web_sm@3.8.0/analysis-2"
