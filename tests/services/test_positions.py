"""Positions are numbers for whoever runs the installation, and say nothing to anybody else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.access import FULL_ACCESS
from services.caller import Caller
from services.positions import CHARACTERS, MAX_POSITION, ShownPositions, WrongPositionError
from tests.support.access import allowed

SHOWN = ShownPositions(bytes(range(32)))
OPERATOR = Caller("ours", "ada", "test", FULL_ACCESS)
EVE, MALLORY = (Caller(tenant, "eve", "test", allowed("events:*", tenant=tenant)) for tenant in ("ours", "theirs"))
POSITIONS = st.integers(0, MAX_POSITION)


@given(POSITIONS)
def test_what_is_sent_back_is_the_same_position(position: int) -> None:
    assert SHOWN.shown(OPERATOR, position) == position and SHOWN.read(OPERATOR, str(position)) == position
    sealed = SHOWN.shown(EVE, position)
    assert isinstance(sealed, str) and len(sealed) == CHARACTERS
    assert SHOWN.read(EVE, sealed) == SHOWN.read(OPERATOR, sealed) == position


@given(POSITIONS, POSITIONS)
def test_two_cannot_be_compared(one: int, other: int) -> None:
    """Not even whether they are the same: it would tell that somebody did something in between."""
    assert SHOWN.shown(EVE, one) != SHOWN.shown(EVE, one)
    assert len(str(SHOWN.shown(EVE, one))) == len(str(SHOWN.shown(EVE, other)))


@given(POSITIONS, st.integers(0, CHARACTERS - 1), st.sampled_from("AZaz09-_"))
def test_what_was_made_up_is_refused(position: int, index: int, other: str) -> None:
    sealed = str(SHOWN.shown(EVE, position))
    forged = sealed[:index] + other + sealed[index + 1 :]
    if forged != sealed:
        with pytest.raises(WrongPositionError, match="send one back as it came"):
            SHOWN.read(EVE, forged)


@given(st.text(max_size=64))
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(WrongPositionError):
        SHOWN.read(EVE, text)


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "²", str(MAX_POSITION + 1), "9" * 5000, "0x1", " 1"])
def test_numbers_that_are_no_positions_are_refused(text: str) -> None:
    with pytest.raises(WrongPositionError):
        SHOWN.read(OPERATOR, text)


def test_a_number_is_for_whoever_runs_the_installation() -> None:
    for text in ("0", "7", str(MAX_POSITION), base64.urlsafe_b64encode((7).to_bytes(8)).decode()):
        with pytest.raises(WrongPositionError):
            SHOWN.read(EVE, text)


def test_a_position_is_good_for_its_own_tenant_and_log() -> None:
    sealed = str(SHOWN.shown(EVE, 7))
    for reader, caller in ((SHOWN, MALLORY), (ShownPositions(bytes(32)), EVE)):
        with pytest.raises(WrongPositionError):
            reader.read(caller, sealed)
