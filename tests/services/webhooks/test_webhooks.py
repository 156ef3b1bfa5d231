"""Webhooks from adding to removing, against real receivers on this machine."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from annals.composition import webhooks as composition
from contracts.event_types import EventType
from contracts.system import Health
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from services.operations.system_health import SystemHealth
from services.webhooks.service import AddedWebhook
from tests.services.webhooks.conftest import SHORT, Here, opened
from tests.services.webhooks.receiver import OK, Receiver, receiving, status, until
from tests.support.access import allowed

OURS, THEIRS = (Caller(tenant, "root", "test", FULL_ACCESS) for tenant in ("ours", "theirs"))
HEALTH = (EventType.SYSTEM_HEALTH_CHANGED,)


async def happens(here: Here, count: int, caller: Caller = OURS) -> list[str]:
    """So many events of the tenant; their ids."""
    health = SystemHealth(here.stores.commands)
    parts = [f"part-{uuid4()}" for _ in range(count)]
    down: Health = "down"
    for part in parts:
        await health.report(caller, part, down, None, Deadline.after(10))
    events = await here.stores.reader.after(0, 10_000)
    return [str(one.event_id) for one in events if one.aggregate_id in parts]


async def added(here: Here, receiver: Receiver, caller: Caller = OURS) -> AddedWebhook:
    """A webhook of the tenant for that receiver."""
    return await here.parts.service.add(caller, receiver.url, HEALTH, deadline=Deadline.after(10))


@contextlib.asynccontextmanager
async def sending(here: Here) -> AsyncIterator[None]:
    """Events are sent from this process for as long as the block lasts."""
    task = asyncio.create_task(here.parts.deliverer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def open_letters(here: Here) -> list[int]:
    """Ids of what was set aside."""
    found = await here.letters.newest(OURS, "open", 100, all_tenants=False, deadline=Deadline.after(10))
    return [one.id or 0 for one in found.letters]


async def paused(here: Here) -> str | None:
    """Why the only webhook is paused."""
    (one,) = await here.parts.service.list(OURS, deadline=Deadline.after(10))
    return one.webhook.paused


async def until_paused(here: Here) -> None:
    """Wait for it. Raises AssertionError."""
    for _ in range(500):
        if await paused(here) is not None:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it is not paused")


async def test_events_from_then_on_come_signed_in_order_and_none_of_others(here: Here, receiver: Receiver) -> None:
    await happens(here, 1)
    webhook = await added(here, receiver)
    # Before anything is sent from anywhere.
    ids = await happens(here, 5)
    await happens(here, 2, THEIRS)
    async with sending(here):
        await until(lambda: len(receiver.messages) >= 5)
        ids += await happens(here, 3)
        await until(lambda: len(receiver.messages) >= 8)
    assert receiver.ids == ids
    for message in receiver.messages:
        event = message.verified(webhook.secret)
        assert event["event_type"] == "SystemHealthChanged" and event["event_id"] == message.headers["webhook-id"]
        assert event["metadata"]["tenant"] == "ours"


async def test_what_fails_is_sent_again_and_what_keeps_failing_is_set_aside(here: Here, receiver: Receiver) -> None:
    await added(here, receiver)
    first, bad, last = await happens(here, 3)
    refused = [2]

    def answer(message: object) -> bytes:
        event = message.event["event_id"]  # type: ignore[attr-defined]
        if event == first and refused[0]:
            refused[0] -= 1
            return status(503)
        return status(500) if event == bad and refused[0] == 0 and not mended else OK

    mended: list[bool] = []
    receiver.answer = answer
    async with sending(here):
        await until(lambda: last in receiver.ids)
        assert receiver.ids.count(first) == 3 and receiver.ids.count(bad) > 1
        assert receiver.ids.index(first) < receiver.ids.index(bad) < receiver.ids.index(last)
        (letter,) = await open_letters(here)
        again = await here.letters.retry(OURS, [letter], all_tenants=False, deadline=Deadline.after(10))
        assert [one.outcome for one in again.letters] == ["failed again"]
        # Another tenant can neither see nor send it.
        theirs = await here.letters.retry(THEIRS, [letter], all_tenants=False, deadline=Deadline.after(10))
        assert theirs.missing == (letter,)
        mended.append(True)
        before = receiver.ids.count(bad)
        again = await here.letters.retry(OURS, None, all_tenants=False, deadline=Deadline.after(10))
        assert again.went_well and receiver.ids.count(bad) == before + 1 and not await open_letters(here)


async def test_one_that_says_nothing_holds_up_no_other(here: Here, receiver: Receiver) -> None:
    async with receiving() as silent:
        silent.answer = lambda _: None
        await added(here, silent)
        await added(here, receiver)
        ids = await happens(here, 20)
        async with sending(here):
            await until(lambda: receiver.ids == ids, limit_s=10)
            assert len(silent.messages) <= 1


async def test_a_receiver_that_is_gone_is_paused_and_goes_on_where_it_was(here: Here, receiver: Receiver) -> None:
    webhook = await added(here, receiver)
    ids = await happens(here, 3)
    receiver.answer = lambda _: status(410)
    async with sending(here):
        await until_paused(here)
        assert "gone" in (await paused(here) or "") and receiver.ids == ids[:1]
        receiver.answer = lambda _: OK
        await here.parts.service.resume(OURS, webhook.webhook.id, deadline=Deadline.after(10))
        await until(lambda: receiver.ids == [ids[0], *ids])


async def test_a_receiver_that_fails_for_long_is_paused(
    here: Here, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    monkeypatch.setattr(composition, "Patience", lambda event_s: replace(SHORT, all_s=1.0))
    receiver.answer = lambda _: status(500)
    async with opened(here.data, dsn) as one:
        await added(one, receiver)
        await happens(one, 9)
        async with sending(one):
            await until_paused(one)
        assert "nothing arrived" in (await paused(one) or "")
        # What was waiting still waits.
        assert len(await open_letters(one)) < 9


async def test_whoever_may_not_read_any_more_is_sent_nothing_more(here: Here, receiver: Receiver) -> None:
    limit = Deadline.after(30)
    await here.security.accounts.create(OURS, "eve", "user", ["administrator"], deadline=limit)
    await here.security.accounts.create(OURS, "bob", "user", ["administrator"], deadline=limit)
    await added(here, receiver, replace(OURS, actor="eve", access=allowed("webhooks:*", "events:read")))
    ids = await happens(here, 1)
    async with sending(here):
        await until(lambda: receiver.ids == ids)
        await here.security.accounts.change_roles(OURS, "eve", ["reader"], deadline=limit)
        await happens(here, 2)
        await until_paused(here)
    assert receiver.ids == ids and "eve" in (await paused(here) or "")


async def test_a_deliverer_that_is_killed_is_followed_by_another_and_none_is_left_out(
    here: Here, receiver: Receiver, dsn: str
) -> None:
    await added(here, receiver)
    ids = await happens(here, 40)
    command = [sys.executable, "-m", "tests.services.webhooks.deliverer_process", str(here.data), dsn]
    first = subprocess.Popen(command)  # noqa: ASYNC220
    try:
        await until(lambda: len(receiver.messages) >= 5, limit_s=60)
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    async with sending(here):
        await until(lambda: set(receiver.ids) == set(ids), limit_s=60)
    # At least once, each for the first time in order.
    assert list(dict.fromkeys(receiver.ids)) == ids


async def test_of_two_processes_one_sends(here: Here, receiver: Receiver, dsn: str) -> None:
    await added(here, receiver)
    async with opened(here.data, dsn) as other, sending(here), sending(other):
        ids = await happens(here, 20)
        await until(lambda: len(receiver.messages) >= 20)
        ids += await happens(here, 5)
        await until(lambda: len(receiver.messages) >= 25)
        assert receiver.ids == ids


async def test_who_may_do_what_with_them(here: Here, receiver: Receiver) -> None:
    service, limit = here.parts.service, Deadline.after(20)
    webhook = (await added(here, receiver)).webhook
    for permissions in (("webhooks:*",), ("events:read",), ("webhooks:read", "events:read")):
        with pytest.raises(AccessDeniedError):
            await added(here, receiver, replace(OURS, access=allowed(*permissions)))
    with pytest.raises(AccessDeniedError, match="RoleDefined"):
        some = replace(OURS, access=allowed("webhooks:*", "events:read"))
        await service.add(some, receiver.url, [EventType.ROLE_DEFINED], deadline=limit)
    for act in (service.remove, service.test, service.resume):
        with pytest.raises(NotFoundError):
            await act(THEIRS, webhook.id, deadline=limit)
    assert await service.list(THEIRS, deadline=limit) == []


async def test_a_secret_is_rotated_while_both_sign_for_a_while(here: Here, receiver: Receiver) -> None:
    service, limit = here.parts.service, Deadline.after(20)
    one = await added(here, receiver)
    first, its_id = one.secret, one.webhook.id

    async def verifies(secret: str) -> bool:
        """Of the next event."""
        (event,) = await happens(here, 1)
        await until(lambda: event in receiver.ids)
        with contextlib.suppress(WebhookVerificationError):
            return bool(receiver.messages[-1].verified(secret))
        return False

    async with sending(here):
        assert await verifies(first)
        second = await service.rotate(OURS, its_id, 2.0, deadline=limit)
        rotated = time.monotonic()
        assert second != first and await verifies(second)
        assert await verifies(first) or time.monotonic() - rotated > 2.0
        await until(lambda: time.monotonic() - rotated > 2.0)
        assert not await verifies(first) and await verifies(second)
        third = await service.rotate(OURS, its_id, 0, deadline=limit)
        assert not await verifies(second) and await verifies(third)
    for overlap_s in (-1.0, 31 * 86_400.0):
        with pytest.raises(InvalidRequestError):
            await service.rotate(OURS, its_id, overlap_s, deadline=limit)
    with pytest.raises(NotFoundError):
        await service.rotate(THEIRS, its_id, 1.0, deadline=limit)
    with pytest.raises(AccessDeniedError):
        await service.rotate(replace(OURS, access=allowed("webhooks:read")), its_id, 1.0, deadline=limit)
    rows = await here.stores.pool.fetch("SELECT t::text AS row FROM annals.webhooks AS t")
    assert all(
        secret.removeprefix("whsec_").encode().hex() not in row["row"] for row in rows for secret in (first, third)
    )
    assert (await service.test(OURS, its_id, deadline=limit)).fault is None and receiver.messages[-1].verified(third)


async def test_it_is_tried_and_removed(here: Here, receiver: Receiver) -> None:
    service, limit = here.parts.service, Deadline.after(20)
    one = await added(here, receiver)
    assert (await service.test(OURS, one.webhook.id, deadline=limit)).fault is None
    assert receiver.messages[0].verified(one.secret)["event_type"] == "webhook.test"
    await service.remove(OURS, one.webhook.id, deadline=limit)
    await happens(here, 1)
    async with sending(here):
        assert await service.list(OURS, deadline=limit) == []
        with pytest.raises(NotFoundError):
            await service.remove(OURS, one.webhook.id, deadline=limit)
    assert len(receiver.messages) == 1
    rows = await here.stores.pool.fetch("SELECT sealed_secret FROM annals.webhooks")
    assert not rows


async def test_no_event_log_or_row_holds_the_secret(here: Here, receiver: Receiver) -> None:
    one = await added(here, receiver)
    for table in ("stored_events", "webhooks", "audit_log"):
        rows = await here.stores.pool.fetch(f"SELECT t::text AS row FROM annals.{table} AS t")
        assert rows and all(one.secret not in row["row"] for row in rows)
        bare = one.secret.removeprefix("whsec_").encode().hex()
        assert all(bare not in row["row"] for row in rows)
