"""Words of time and the dates that they bound."""

import pytest

from inference.validity import Validity, validity


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("in 1990", "1990", "1990"),
        ("in May 1998", "1998-05", "1998-05"),
        ("on 27 May 2009", "2009-05-27", "2009-05-27"),
        ("on the 3rd of June 2009", "2009-06-03", "2009-06-03"),
        ("on March 12, 1999", "1999-03-12", "1999-03-12"),
        ("in the 1970s", "1970", "1979"),
        ("during the year 1944", "1944", "1944"),
        ("since 2011", "2011", None),
        ("from 2027", "2027", None),
        ("until 1994", None, "1994"),
        ("till June 1994", None, "1994-06"),
        ("from 1962 until 1967", "1962", "1967"),
        ("from 2005 to 2021", "2005", "2021"),
        ("from 2005\u20132021", "2005", "2021"),
        ("between 1763 and 1960", "1763", "1960"),
        ("from 3 May 1998 to June 2001", "1998-05-03", "2001-06"),
    ],
)
def test_words_that_bound_a_time(words: str, start: str | None, end: str | None) -> None:
    assert validity(words) == Validity(start, end)


@pytest.mark.parametrize(
    "words",
    ["last year", "on Monday", "in 146 BC", "before 1990", "after 1950", "around 1900", "in early 1990", 
     "in 1958 and 1962", "", "in room 1990b", "every May", "by 2030"],
)  # fmt: skip
def test_words_that_bound_none(words: str) -> None:
    assert validity(words) == Validity()


def test_what_begins_goes_on() -> None:
    assert validity("in 2015", begins=True) == Validity("2015", None)
    assert validity("from 2015 to 2017", begins=True) == Validity("2015", "2017")


def test_no_day_that_no_month_has() -> None:
    assert validity("on 45 May 1998") == Validity("1998-05", "1998-05")
