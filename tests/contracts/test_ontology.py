"""What an ontology may say, and what it says of a relation."""

import pytest
from pydantic import ValidationError

from contracts.ontology import NO_ONTOLOGY, Ontology

TYPES = {"Person": ["PERSON"], "Place": ["GPE", "LOC"], "Company": ["ORG"], "Agent": ["Person", "Company"]}
FOUND = {"domain": ["Agent"], "range": ["Company"], "inverse": "founded by"}


def ontology(**predicates: object) -> Ontology:
    return Ontology.model_validate({"types": TYPES, "predicates": predicates})


@pytest.mark.parametrize(
    ("subject", "obj", "said"),
    [
        ("PERSON", "ORG", None),
        ("ORG", "ORG", None),
        ("GPE", "ORG", "the subject of found is Agent, not GPE"),
        ("PERSON", "GPE", "the object of found is Company, not GPE"),
        (None, "GPE", "the object of found is Company, not GPE"),
        ("PERSON", None, None),
        (None, None, None),
        # A type that people gave may be one of the ontology's own.
        ("Agent", "Company", None),
        ("Person", "ORG", None),
    ],
)
def test_ends_are_of_the_types_that_it_says(subject: str | None, obj: str | None, said: str | None) -> None:
    assert ontology(found=FOUND).violation("found", subject, obj) == said


def test_what_an_inverse_says_holds_the_other_way_round() -> None:
    rules = ontology(found=FOUND)
    assert rules.violation("founded by", "ORG", "PERSON") is None
    assert rules.violation("founded by", "PERSON", "ORG") == "the subject of founded by is Company, not PERSON"
    assert rules.violation("founded by", "ORG", "GPE") == "the object of founded by is Agent, not GPE"


def test_of_other_predicates_nothing_is_said() -> None:
    rules = ontology(found=FOUND)
    assert rules.violation("visit", "GPE", "GPE") is None
    assert not rules.rules("visit")
    assert not NO_ONTOLOGY.rules("found")


def test_inverses_go_both_ways_and_take_transitivity_along() -> None:
    rules = ontology(**{"part of": {"inverse": "has part", "transitive": True}, "marry": {"symmetric": True}})
    assert (rules.inverse("part of"), rules.inverse("has part"), rules.inverse("marry")) == (
        "has part",
        "part of",
        "marry",
    )
    assert rules.is_transitive("has part")
    assert not rules.is_transitive("marry")
    assert rules.following == {"part of", "has part", "marry"}


def test_a_revision_names_what_it_says() -> None:
    one, other = ontology(found=FOUND), ontology(found={**FOUND, "transitive": True})
    turned = Ontology.model_validate({"predicates": {"found": FOUND}, "types": dict(reversed(TYPES.items()))})
    assert one.revision == turned.revision != other.revision
    assert NO_ONTOLOGY.revision == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"types": {"A": ["B"], "B": ["A"]}}, "types go in a circle: A > B > A"),
        ({"predicates": {"p": {"domain": ["Persn"]}}}, "there is no type 'Persn'"),
        ({"predicates": {"p": {"symmetric": True, "inverse": "q"}}}, "is symmetric, so it has no other inverse"),
        (
            {"types": TYPES, "predicates": {"p": {"symmetric": True, "domain": ["Person"]}}},
            "so its domain and range are the same",
        ),
        ({"predicates": {"p": {"inverse": "q"}, "q": {"inverse": "r"}}}, "the inverse of 'p' is 'q', but that one's"),
        ({"predicates": {"p": {"inverse": "q"}, "r": {"inverse": "q"}}}, "'q' is the inverse of several"),
        ({"predicates": {"p": {"transitiv": True}}}, "predicates.p.transitiv"),
        ({"predicats": {}}, "predicats"),
        ({"predicates": {"p": {"transitive": "perhaps"}}}, "predicates.p.transitive"),
    ],
)
def test_what_is_wrong_is_refused(content: object, said: str) -> None:
    from contracts.codec import plain

    with pytest.raises(ValidationError) as caught:
        Ontology.model_validate(content)
    assert said in plain(caught.value)
    assert "\n" not in plain(caught.value)


def test_a_type_may_be_called_like_its_label() -> None:
    rules = Ontology.model_validate({"types": {"PERSON": ["PERSON"]}, "predicates": {"p": {"domain": ["PERSON"]}}})
    assert rules.violation("p", "PERSON", None) is None
