"""Numbers with their nouns."""

import pytest

from annals.cli.words import counted


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
