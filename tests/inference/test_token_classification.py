"""A token-classification model from a folder: tokens join to spans that are the text's own."""

from pathlib import Path

import pytest

from inference.analysis import EntitySpan, decode
from inference.token_classification import TokenClassifier


@pytest.fixture(scope="module")
def classifier(tiny_classifier: Path) -> TokenClassifier:
    return TokenClassifier(str(tiny_classifier))


def entities(classifier: TokenClassifier, text: str) -> list[EntitySpan]:
    return list(decode(classifier.run([text])[0]).entities)


def named(classifier: TokenClassifier, text: str) -> list[tuple[str, str]]:
    return [(entity.name, entity.type) for entity in entities(classifier, text)]


def test_tokens_of_one_label_join_to_a_span(classifier: TokenClassifier) -> None:
    text = "Sefrik Varn lives in Lisse, the bridge."
    assert named(classifier, text) == [("Sefrik Varn", "PERSON"), ("Lisse", "PLACE-NAME")]
    for entity in entities(classifier, text):
        assert text[entity.start : entity.end] == entity.name
        assert 0.0 < entity.confidence <= 1.0


def test_a_beginning_ends_what_was_before_it(classifier: TokenClassifier) -> None:
    assert named(classifier, "sefrik sefrik varn") == [("sefrik", "PERSON"), ("sefrik varn", "PERSON")]
    assert named(classifier, "lisse lisse") == [("lisse", "PLACE-NAME")] * 2
    assert named(classifier, "sefrik , varn") == [("sefrik", "PERSON"), ("varn", "PERSON")]


def test_a_name_keeps_its_span_over_a_line_break(classifier: TokenClassifier) -> None:
    (entity,) = entities(classifier, "in sefrik\nvarn")
    assert (entity.start, entity.end, entity.name) == (3, 14, "sefrik varn")


def test_a_text_longer_than_the_model_reads_is_read_in_windows(classifier: TokenClassifier) -> None:
    text = "the bridge in Lisse . " * 100
    found = entities(classifier, text)
    assert len(found) == 100
    assert {text[entity.start : entity.end] for entity in found} == {"Lisse"}
    assert len({entity.start for entity in found}) == 100


def test_each_text_gets_its_own_analysis(classifier: TokenClassifier) -> None:
    outputs = classifier.run(["", "lisse", "the bridge"])
    assert [[entity.name for entity in decode(output).entities] for output in outputs] == [[], ["lisse"], []]
    assert classifier.revision.startswith("classifier@")
