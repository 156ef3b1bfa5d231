"""Dates, numbers and years of life in texts."""

import pytest

from reasoning.answering.values import Date, dates_in, life_in, number_of, numbers_in


@pytest.mark.parametrize(
    ("text", "found", "date"),
    [
        ("struck on 3 February 1879, in snow", "3 February 1879", Date(1879, 2, 3)),
        ("on September 23, 1962 it", "September 23, 1962", Date(1962, 9, 23)),
        ("in May 1904.", "May 1904", Date(1904, 5)),
        ("since 1923", "1923", Date(1923)),
        ("the 19th century", "19th century", Date(1800)),
    ],
)
def test_dates_are_found_whole(text: str, found: str, date: Date) -> None:
    (dated,) = dates_in(text)
    assert (text[dated.start : dated.end], dated.date) == (found, date)


@pytest.mark.parametrize(
    ("text", "found", "number"),
    [
        ("cost thirty-one lives", "thirty-one", 31.0),
        ("more than four hundred works", "more than four hundred", 400.0),
        ("a population of 2,913,123 people", "2,913,123", 2_913_123.0),
        ("sold 150 million records", "150 million", 150_000_000.0),
        ("about 5.1% of edits", "about 5.1%", 5.1),
        ("chosen twice", "twice", 2.0),
    ],
)
def test_numbers_are_found_whole(text: str, found: str, number: float) -> None:
    (counted,) = numbers_in(text)
    assert (text[counted.start : counted.end], counted.number) == (found, number)


def test_what_is_no_number_has_none() -> None:
    assert number_of("glass") is None


def test_years_of_life_stand_in_brackets() -> None:
    born, died = life_in("Ida Sommer (3 May 1770 - 1851) was an engineer.")
    assert born is not None and died is not None
    assert (born.date, died.date) == (Date(1770, 5, 3), Date(1851))
    born, died = life_in("Emil Krag (born 8 June 1951) sings.")
    assert born is not None and (born.date, died) == (Date(1951, 6, 8), None)
    assert life_in("The mill (a large one) stands.") == (None, None)
