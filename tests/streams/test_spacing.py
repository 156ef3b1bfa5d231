"""How far apart batches begin, by a clock of the test's own."""

import pytest

from streams.spacing import FLOOD_S, MANY, MANY_S, Spacing

GATHERS_S, APART_S = 0.3, 0.05


@pytest.fixture
def spacing() -> Spacing:
    return Spacing(APART_S, GATHERS_S)


def test_few_begin_soon_after_one_another(spacing: Spacing) -> None:
    for number in range(10):
        now = number * MANY_S
        spacing.begins(now, MANY // 2 - 1)
        assert spacing.next_at == now + APART_S


def test_behind_a_batch_of_many_more_is_gathered_for_a_while(spacing: Spacing) -> None:
    spacing.begins(0.0, MANY)
    assert spacing.next_at == GATHERS_S
    almost = 0.9 * FLOOD_S
    spacing.begins(almost, 1)
    assert spacing.next_at == almost + GATHERS_S
    spacing.begins(FLOOD_S, 1)
    assert spacing.next_at == FLOOD_S + APART_S


def test_batches_that_are_many_together_are_a_flood(spacing: Spacing) -> None:
    spacing.begins(0.0, MANY - 1)
    assert spacing.next_at == APART_S
    spacing.begins(MANY_S, 1)
    assert spacing.next_at == MANY_S + GATHERS_S
