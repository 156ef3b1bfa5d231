"""What a text denies, supposes or reports is not told as what it states."""

import pytest

from inference.analysis import RelationSpan, decode
from inference.spacy_analysis import SpacyAnalyser


def told(analyser: SpacyAnalyser, text: str) -> dict[tuple[str, str, str], RelationSpan]:
    return {
        (one.subject.name, one.predicate, one.object.name): one for one in decode(analyser.run([text])[0]).relations
    }


FOUND = ("Oskar Lind", "found", "Microsoft")


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("It is not true that Oskar Lind founded Microsoft.", FOUND),
        ("It is false that Oskar Lind founded Microsoft.", FOUND),
        ("There is no evidence that Oskar Lind founded Microsoft.", FOUND),
        ("Oskar Lind isn't the founder of Microsoft.", FOUND),
        ("Rita Moss does not believe that Oskar Lind founded Microsoft.", FOUND),
        ("Nobody believes that Oskar Lind founded Microsoft.", FOUND),
        ("Oskar Lind denies having founded Microsoft.", FOUND),
        ("Microsoft, not founded by Oskar Lind, is based in Berlin.", FOUND),
        ("Oskar Lind was neither the founder of Microsoft nor the owner of Google.", FOUND),
        (
            "Oskar Lind was neither the founder of Microsoft nor the owner of Google.",
            ("Oskar Lind", "own", "Google"),
        ),
        (
            "Oskar Lind did not work for Microsoft, nor did Rita Moss join Google.",
            ("Rita Moss", "join", "Google"),
        ),
        (
            "Not Thomas Edison but Nikola Tesla founded Redwood Bank.",
            ("Thomas Edison", "found", "Redwood Bank"),
        ),
        (
            "Nikola Tesla, not Thomas Edison, founded Redwood Bank.",
            ("Thomas Edison", "found", "Redwood Bank"),
        ),
        (
            "Oskar Lind founded Redwood Bank, not Northlight Studios.",
            ("Oskar Lind", "found", "Northlight Studios"),
        ),
        ("Oskar Lind cannot join Redwood Bank.", ("Oskar Lind", "join", "Redwood Bank")),
        ("Oskar Lind was never elected president of France.", ("Oskar Lind", "president of", "France")),
        ("Oskar Lind did not want to join Microsoft.", ("Oskar Lind", "join", "Microsoft")),
    ],
)
def test_what_is_denied(analyser: SpacyAnalyser, text: str, triple: tuple[str, str, str]) -> None:
    assert told(analyser, text)[triple].negated


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("Not Thomas Edison but Nikola Tesla founded Redwood Bank.", ("Nikola Tesla", "found", "Redwood Bank")),
        ("Nikola Tesla, not Thomas Edison, founded Redwood Bank.", ("Nikola Tesla", "found", "Redwood Bank")),
        ("Oskar Lind founded Redwood Bank, not Northlight Studios.", ("Oskar Lind", "found", "Redwood Bank")),
        ("Oskar Lind is not only the founder of Microsoft but also the owner of Google.", FOUND),
        ("Oskar Lind, who did not found Microsoft, lives in Berlin.", ("Oskar Lind", "live in", "Berlin")),
        ("Oskar Lind managed to found Microsoft.", FOUND),
        ("Rita Moss knows that Oskar Lind founded Microsoft.", FOUND),
    ],
)
def test_what_is_stated_beside_a_denial(analyser: SpacyAnalyser, text: str, triple: tuple[str, str, str]) -> None:
    found = told(analyser, text)[triple]
    assert not found.negated and found.modality is None


@pytest.mark.parametrize(
    ("text", "triple", "modality"),
    [
        ("Oskar Lind is said to have founded Microsoft.", FOUND, "say"),
        ("The rumour that Oskar Lind founded Microsoft is wrong.", FOUND, "rumour"),
        (
            "Had Oskar Lind joined Microsoft, Rita Moss would have left Google.",
            ("Oskar Lind", "join", "Microsoft"),
            "if",
        ),
        (
            "Had Oskar Lind joined Microsoft, Rita Moss would have left Google.",
            ("Rita Moss", "leave", "Google"),
            "would",
        ),
        ("Oskar Lind hardly worked for Microsoft.", ("Oskar Lind", "work for", "Microsoft"), "hardly"),
        ("Oskar Lind might have founded Microsoft.", FOUND, "might"),
        ("Oskar Lind hopes to join Microsoft.", ("Oskar Lind", "join", "Microsoft"), "hope"),
    ],
)
def test_what_is_less_than_stated(
    analyser: SpacyAnalyser, text: str, triple: tuple[str, str, str], modality: str
) -> None:
    found = told(analyser, text)[triple]
    assert (found.negated, found.modality) == (False, modality)
