"""A part of the system: healthy until somebody says otherwise, and only news is told."""

from itertools import pairwise

import pytest

from aggregates import system
from aggregates.system import SystemPart
from contracts.payload import Payload
from contracts.system import Health, SystemHealthChanged
from tests.aggregates.scenario import CAUSE, given, payloads

DEGRADED = SystemHealthChanged(previous="healthy", health="degraded", detail="slow")
DOWN = SystemHealthChanged(previous="degraded", health="down")
ALL: list[Health] = ["healthy", "degraded", "down"]


def state(*history: Payload) -> SystemPart | None:
    """The part after this history."""
    return SystemPart.project(given(*history, aggregate_id="broker"))


def test_a_part_is_healthy_until_somebody_says_otherwise() -> None:
    assert system.change_health(None, "broker", "healthy", "up", CAUSE) == ()
    (event,) = system.change_health(None, "broker", "degraded", "slow", CAUSE)
    assert (event.aggregate_id, event.aggregate_version, event.event_data) == ("broker", 1, DEGRADED)


@pytest.mark.parametrize("health", ALL)
def test_only_another_health_is_news(health: Health) -> None:
    told = payloads(system.change_health(state(DEGRADED, DOWN), "broker", health, None, CAUSE))
    assert told == ([] if health == "down" else [SystemHealthChanged(previous="down", health=health)])


def test_other_details_of_the_same_health_are_no_news() -> None:
    assert system.change_health(state(DEGRADED), "broker", "degraded", "still slow", CAUSE) == ()


def test_each_change_names_what_was_before() -> None:
    history: list[Payload] = []
    for health in ("down", "degraded", "healthy", "down"):
        history += payloads(system.change_health(state(*history), "broker", health, None, CAUSE))
    changes = [change for change in history if isinstance(change, SystemHealthChanged)]

    assert [change.health for change in changes] == ["down", "degraded", "healthy", "down"]
    assert all(later.previous == earlier.health for earlier, later in pairwise(changes))
    assert state(*history) == SystemPart("broker", 4, "down")
    assert state() is None
