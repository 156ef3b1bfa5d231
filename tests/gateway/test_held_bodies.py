"""What waiting requests hold of their bodies is bounded for all of them together, and for each tenant."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import held_bodies
from gateway.errors import BodiesHeldError
from gateway.held_bodies import HeldBodies
from tests.gateway.fakes import DOCUMENT, Gateway
from tests.gateway.test_chain import problem

KB = 1000


def limit(monkeypatch: pytest.MonkeyPatch, most: int, of_a_tenant: int) -> None:
    monkeypatch.setattr(held_bodies, "MOST_BYTES", most)
    monkeypatch.setattr(held_bodies, "TENANT_BYTES", of_a_tenant)


class Slow:
    """A client that sends some bytes of a document, and the rest when it is told to."""

    def __init__(self, gateway: Gateway, tenant: str, size: int, *, kind: str = "application/json") -> None:
        self.sent, self.go_on = asyncio.Event(), asyncio.Event()
        self._begin, self._end = b"{" + b" " * (size - 1), json.dumps(DOCUMENT | {"id": tenant})[1:].encode()
        path = "/api/v1/documents" if kind == "application/json" else "/api/v1/documents/lines"
        headers = {"authorization": f"Bearer {tenant}-ada", "content-type": kind}
        self.answer = asyncio.create_task(gateway.client.post(path, content=self._body(), headers=headers))

    async def _body(self) -> AsyncIterator[bytes]:
        yield self._begin
        # What was sent is held as soon as more is asked for.
        self.sent.set()
        await self.go_on.wait()
        yield self._end

    async def holds(self) -> None:
        """Returns once the gateway has what was sent, and waits for more."""
        sent = asyncio.create_task(self.sent.wait())
        done, _ = await asyncio.wait({sent, self.answer}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert sent in done, "it was answered early"

    async def ends(self) -> httpx.Response:
        """What it is answered once it has sent everything."""
        self.go_on.set()
        return await asyncio.wait_for(self.answer, 5)


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
async def test_slow_clients_together_hold_no_more_than_the_limit(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    limit(monkeypatch, 10 * KB, 10 * KB)
    slow = [Slow(gateway, f"tenant{number}", 3 * KB, kind=kind) for number in range(3)]
    for one in slow:
        await one.holds()
    refused = await Slow(gateway, "late", 3 * KB).answer
    problem(refused, 503, "bodies-held")
    assert refused.headers["retry-after"] == "1" and refused.headers["connection"] == "close"
    assert gateway.storage.stored == []
    small = await Slow(gateway, "small", 100).ends()
    assert small.status_code == 201, "there is room for it"
    for one in slow:
        assert (await one.ends()).status_code in (200, 201)
    assert len(gateway.storage.stored) == 4
    assert (await Slow(gateway, "late", 3 * KB).ends()).status_code == 201, "as soon as the others are done"


async def test_lines_for_which_there_is_no_room_are_told_as_the_last_result(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, 5 * KB, 5 * KB)
    slow = Slow(gateway, "acme", 3 * KB)
    await slow.holds()
    answer = await Slow(gateway, "late", 3 * KB, kind="application/x-ndjson").ends()
    (found,) = [json.loads(line) for line in answer.content.splitlines()]
    assert (found["problem"]["type"], found["problem"]["status"]) == ("urn:annals:problem:bodies-held", 503)
    await slow.ends()


async def test_one_tenants_slow_clients_leave_room_for_others(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, 10 * KB, 5 * KB)
    slow = Slow(gateway, "noisy", 4 * KB)
    await slow.holds()
    problem(await Slow(gateway, "noisy", 4 * KB).answer, 503, "bodies-held")
    assert (await Slow(gateway, "quiet", 4 * KB).ends()).status_code == 201
    await slow.ends()


async def test_who_goes_away_in_the_midst_holds_nothing_any_more(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, 5 * KB, 5 * KB)
    for _ in range(5):
        slow = Slow(gateway, "acme", 4 * KB)
        await slow.holds()
        slow.answer.cancel()
        await asyncio.gather(slow.answer, return_exceptions=True)
    assert (await Slow(gateway, "acme", 4 * KB).ends()).status_code == 201


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 60)), max_size=40))
def test_the_sum_is_exact_and_never_above_its_limits(steps: list[tuple[str, int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        limit(patch, 100, 70)
        bodies = HeldBodies()
        sizes: dict[tuple[str, int], int] = {}
        opened = {(tenant, number): bodies.of(tenant) for tenant in "abc" for number in range(4)}
        held = {key: context.__enter__() for key, context in opened.items()}
        for tenant, number, size in steps:
            after = sizes | {(tenant, number): size}
            fits = sum(after.values()) <= 100 and sum(n for (t, _), n in after.items() if t == tenant) <= 70
            try:
                held[tenant, number].are(size)
                assert fits or size <= sizes.get((tenant, number), 0)
                sizes = after
            except BodiesHeldError:
                assert not fits
        for context in opened.values():
            context.__exit__(None, None, None)
        with bodies.of("d") as everything:
            everything.are(70)
