"""Numbers with their nouns."""

import pytest

from annals.cli.reprocess import outcome
from annals.cli.words import counted, said_of


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "document", "0 documents"),
        (1, "document", "1 document"),
        (2, "dead letter", "2 dead letters"),
        (1, "entity", "1 entity"),
        (3, "entity", "3 entities"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said


@pytest.mark.parametrize(("number", "said"), [(0, "0 documents go on"), (1, "1 document goes on")])
def test_a_verb_agrees_with_its_number(number: int, said: str) -> None:
    assert said_of(number, "document", "goes on", "go on") == said


@pytest.mark.parametrize(
    ("asked", "finished", "said"),
    [
        (0, 0, "nothing to do: every document is processed"),
        (1, 0, "1 document goes on"),
        (0, 1, "1 document needs no more processing"),
        (2, 3, "2 documents go on, 3 documents need no more processing"),
    ],
)
def test_reprocess_says_what_there_is_to_do(asked: int, finished: int, said: str) -> None:
    assert outcome(asked, finished) == said
