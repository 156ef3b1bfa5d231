"""When a batch begins: with what comes together, and no later than it has to."""

import asyncio
from types import SimpleNamespace

import pytest

from streams import gathering
from streams.fan_out import SharedEvent
from streams.published import PublishedEnds
from streams.spacing import MANY
from tests.streams.fakes import TOPIC, Stream, message
from tests.streams.test_batch_consumer import Scene, until


async def test_what_comes_while_a_batch_is_at_work_is_the_next_batch() -> None:
    """So one that comes alone need not wait for others: they are worked on together all the same."""
    scene, stream = Scene(), Stream([message(0)])
    scene.handler.may_go.clear()
    async with scene.running(stream):
        await until(lambda: len(scene.handler.calls) == 1)
        for offset in range(1, 9):
            await scene.consumer.deliver(
                message(offset), SharedEvent(stream, SimpleNamespace(message=message(offset)), consumers=1)
            )
        scene.handler.may_go.set()
        await until(lambda: len(scene.handler.handled) == 9)
    assert [len(items) for items, _ in scene.handler.calls if items] == [1, 8]


async def test_what_is_none_of_its_business_waits_for_company_and_holds_up_nothing() -> None:
    sent = [message(offset, b"skip") for offset in range(50)]
    scene, stream = Scene(), Stream(sent)
    async with scene.running(stream):
        await until(lambda: len(stream.acknowledged) == 50)
    assert len(scene.handler.calls) == 1 and scene.handler.calls[0] == ([], {(TOPIC, 0): 149})

    scene, stream = Scene(), Stream([*sent, message(50, b"mine")])
    async with scene.running(stream):
        began = asyncio.get_running_loop().time()
        await until(lambda: scene.handler.handled == ["mine"])
        assert asyncio.get_running_loop().time() - began < gathering.UNWANTED_WAIT_S


class Silent:
    """Nobody has to be told."""

    async def processed(self) -> None:
        """Of it."""


async def deliver(scene: Scene, first: int, count: int) -> None:
    for offset in range(first, first + count):
        await scene.consumer.deliver(message(offset, b"m%d" % offset), Silent())


@pytest.mark.parametrize(("gathers_s", "together"), [(30.0, True), (0.0, False)])
async def test_behind_a_batch_of_many_what_trickles_in_is_one_batch(gathers_s: float, together: bool) -> None:
    scene = Scene(batch=MANY, gathers_s=gathers_s)
    running = asyncio.create_task(scene.consumer.run())
    await deliver(scene, 0, MANY)
    await until(lambda: len(scene.handler.handled) == MANY)
    for offset in range(MANY, 2 * MANY):
        await deliver(scene, offset, 1)
        await asyncio.sleep(0.002)
    # The last one makes it a full batch, which nobody keeps waiting.
    await until(lambda: len(scene.handler.handled) == 2 * MANY)
    running.cancel()
    assert (len(scene.handler.calls) == 2) is together


async def test_what_trickles_in_waits_no_longer_than_it_is_gathered() -> None:
    scene = Scene(batch=2 * MANY, gathers_s=0.05)
    running = asyncio.create_task(scene.consumer.run())
    await deliver(scene, 0, MANY)
    await until(lambda: len(scene.handler.handled) == MANY)
    await deliver(scene, MANY, 1)
    await until(lambda: len(scene.handler.handled) == MANY + 1)
    running.cancel()


@pytest.mark.parametrize(("apart_s", "together"), [(30.0, True), (0.0, False)])
async def test_behind_a_batch_of_few_what_trickles_in_is_one_batch(apart_s: float, together: bool) -> None:
    scene = Scene(batch=5, apart_s=apart_s)
    running = asyncio.create_task(scene.consumer.run())
    await deliver(scene, 0, 1)
    await until(lambda: scene.handler.handled == ["m0"])
    for offset in range(1, 6):
        await deliver(scene, offset, 1)
        await asyncio.sleep(5 * gathering.COMPANY_S)
    # The last one makes it a full batch, which nobody keeps waiting.
    await until(lambda: len(scene.handler.handled) == 6)
    running.cancel()
    assert (len(scene.handler.calls) == 2) is together


async def test_few_are_not_kept_waiting_for_others() -> None:
    scene = Scene(gathers_s=30.0)
    running = asyncio.create_task(scene.consumer.run())
    for offset in range(5):
        await deliver(scene, offset, 1)
        await until(lambda: scene.handler.handled[-1:] == [f"m{offset}"])  # noqa: B023  # called before it changes
    running.cancel()


def published_up_to(end: int) -> PublishedEnds:
    ends = PublishedEnds([TOPIC])
    ends.tell({})
    ends.tell({(TOPIC, 0): end})
    return ends


@pytest.mark.parametrize(("batch", "published", "waited_for"), [(100, 10, 10), (5, 1000, 5)])
async def test_what_is_published_already_is_one_batch_and_of_a_full_one_no_more_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, batch: int, published: int, waited_for: int
) -> None:
    monkeypatch.setattr(gathering, "ANNOUNCED_S", 3600.0)
    scene = Scene(batch=batch, published=published_up_to(published))
    running = asyncio.create_task(scene.consumer.run())
    for offset in range(waited_for):
        await deliver(scene, offset, 1)
        await asyncio.sleep(2 * gathering.COMPANY_S)
    await until(lambda: len(scene.handler.handled) == waited_for)
    running.cancel()
    assert len(scene.handler.calls) == 1


async def test_what_is_published_and_does_not_come_is_not_waited_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "ANNOUNCED_S", 0.003)
    scene = Scene(published=published_up_to(10))
    running = asyncio.create_task(scene.consumer.run())
    await deliver(scene, 0, 5)
    await until(lambda: len(scene.handler.handled) == 5)
    running.cancel()


async def test_the_last_that_is_published_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "COMPANY_S", 3600.0)
    monkeypatch.setattr(gathering, "ANNOUNCED_S", 3600.0)
    scene = Scene(published=published_up_to(1))
    running = asyncio.create_task(scene.consumer.run())
    await deliver(scene, 0, 1)
    await until(lambda: scene.handler.handled == ["m0"])
    running.cancel()
