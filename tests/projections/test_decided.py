"""What people decided, on the rows of a few passages."""

from projections.graph.decided import Decided

SUBJECTS = [("e-orlinga", "Orlinga", "one", 1.0)]
MENTIONS = [("e-teshe", "Teshe", "one", 2), ("e-teshe", "the Teshe", "two", 1), ("e-winter", "Winter", "two", 1)]
STATEMENTS = [("r", "e-orlinga", "Orlinga", "lie on", "e-teshe", "Teshe", "one", 0, 9, 0.8, *[None] * 4)]


def rejecting(*entities: str, merged: dict[str, str] | None = None) -> Decided:
    """These called no entities, and those merged into others."""
    rows = [(one, None, (), False) for one in entities]
    return Decided.of_rows([*rows, *((one, into, (), None) for one, into in (merged or {}).items())])


def test_without_a_rejection_no_name_is_rejected() -> None:
    found = Decided().snapshot(SUBJECTS, MENTIONS, STATEMENTS)
    assert (len(found.subjects), len(found.mentions), len(found.statements), found.rejected) == (1, 3, 1, ())


def test_a_rejected_entity_leaves_its_names_and_nothing_else() -> None:
    found = rejecting("e-teshe").snapshot(iter(SUBJECTS), iter(MENTIONS), iter(STATEMENTS))
    assert found.rejected == ["Teshe", "the Teshe"]
    assert [one.name for one in found.mentions] == ["Winter"]
    assert list(found.statements) == []


def test_what_was_merged_into_a_rejected_one_is_rejected_with_it() -> None:
    found = rejecting("e-teshe", merged={"e-winter": "e-teshe"}).snapshot(SUBJECTS, MENTIONS, STATEMENTS)
    assert found.rejected == ["Teshe", "Winter", "the Teshe"]


def test_a_name_that_another_entity_has_is_not_rejected() -> None:
    both = [*MENTIONS, ("e-season", "Winter", "one", 1)]
    assert rejecting("e-winter").snapshot(SUBJECTS, both, STATEMENTS).rejected == []
