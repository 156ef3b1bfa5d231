"""What stands around a request: how often it is tried, when a system is left alone, and who is kept back."""

import asyncio
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from external.errors import HeldBackError, LeftAloneError
from external.guard import Guard, GuardSettings


class DownError(Exception):
    """The system is not well."""


class RefusalError(Exception):
    """The system is well, and does not do what was asked."""


class System:
    """Fails so many times, then answers; counts what it was asked."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self.failures, self.asked = failures, 0
        self._error = error or DownError()

    async def __call__(self) -> str:
        """Its answer."""
        self.asked += 1
        if self.asked <= self.failures:
            raise self._error
        return "well"


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> GuardSettings:
    """Of a system that no other test asks."""
    return GuardSettings(request.node.name, rate=1000.0, tries=3, first_wait_s=0.001, most_wait_s=0.002)


def guard(settings: GuardSettings) -> Guard:
    """Only DownError says that the system is not well."""

    def down(error: BaseException) -> bool:
        return isinstance(error, DownError)

    return Guard(settings, down, down, lambda error: "failed" if down(error) else "refused")


def counted(name: str, **labels: str) -> float:
    """What a metric says."""
    return REGISTRY.get_sample_value(f"annals_external_{name}", labels) or 0.0


async def test_what_may_be_done_twice_is_tried_again(settings: GuardSettings) -> None:
    system = System(failures=2)
    assert await guard(settings).run(system, repeatable=True) == "well"
    assert system.asked == 3
    assert counted("retries_total", system=settings.system) == 2
    assert counted("requests_total", system=settings.system, outcome="failed") == 2
    assert counted("requests_total", system=settings.system, outcome="ok") == 1


@pytest.mark.parametrize(
    ("error", "repeatable", "asked"),
    [(DownError(), True, 3), (DownError(), False, 1), (RefusalError(), True, 1), (RefusalError(), False, 1)],
)
async def test_how_often_it_is_asked_in_vain(
    settings: GuardSettings, error: Exception, repeatable: bool, asked: int
) -> None:
    system = System(failures=9, error=error)
    with pytest.raises(type(error)):
        await guard(settings).run(system, repeatable=repeatable)
    assert system.asked == asked


async def test_a_system_that_fails_is_left_alone_until_it_may_be_well_again(settings: GuardSettings) -> None:
    chosen = replace(settings, tries=1, breaker_failures=2, breaker_open_s=0.2)
    system, one = System(failures=2), guard(chosen)
    for _ in range(2):
        with pytest.raises(DownError):
            await one.run(system, repeatable=True)
    with pytest.raises(LeftAloneError, match="left alone"):
        await one.run(system, repeatable=True)
    assert system.asked == 2
    assert counted("breaker_state", system=chosen.system) == 2
    async with asyncio.timeout(5):
        while True:
            try:
                assert await one.run(system, repeatable=True) == "well"
                break
            except LeftAloneError as error:
                await asyncio.sleep(error.wait_s + 0.01)
    assert counted("breaker_state", system=chosen.system) == 0


async def test_refusals_say_nothing_about_its_health(settings: GuardSettings) -> None:
    system, one = System(failures=5, error=RefusalError()), guard(replace(settings, breaker_failures=2))
    for _ in range(5):
        with pytest.raises(RefusalError):
            await one.run(system, repeatable=True)
    assert await one.run(system, repeatable=True) == "well"


async def test_more_than_our_own_limit_is_kept_back(settings: GuardSettings) -> None:
    system = System()
    one = guard(replace(settings, rate=1.0, rate_period_s=60.0, rate_wait_s=0.01))
    await one.run(system, repeatable=True)
    with pytest.raises(HeldBackError):
        await one.run(system, repeatable=True)
    assert system.asked == 1
    assert counted("requests_total", system=settings.system, outcome="held_back") == 1
