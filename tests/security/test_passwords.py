"""Passwords: verified, hashed anew when the parameters change, a few at a time, outside the event loop."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from security import passwords
from security.passwords import PasswordHashing, PasswordsBusyError, WeakPasswordError, check_new_password

GOOD = "correct horse battery"


@pytest.fixture
def hashing() -> Iterator[PasswordHashing]:
    """Cheap, so that the tests are quick."""
    opened = PasswordHashing(memory_kib=64, time_cost=1)
    yield opened
    opened.close()


async def test_a_password_is_verified(hashing: PasswordHashing) -> None:
    stored = await hashing.hash(GOOD)
    assert stored.startswith("$argon2id$v=19$") and GOOD not in stored
    assert await hashing.verify(stored, GOOD)
    for wrong in (GOOD + " ", GOOD[:-1], GOOD.upper(), "", "a" * 100_000, "\ud800"):
        assert not await hashing.verify(stored, wrong)
    assert await hashing.hash(GOOD) != stored


async def test_nobodys_password_is_none(hashing: PasswordHashing) -> None:
    assert not await hashing.verify(None, "the password of nobody")
    assert not await hashing.verify("", "the password of nobody")
    assert not await hashing.verify("no hash", GOOD)


async def test_the_same_letters_typed_otherwise_are_the_same(hashing: PasswordHashing) -> None:
    assert await hashing.verify(await hashing.hash("Zürich is a town"), "Zu\u0308rich is a town")


async def test_other_parameters_make_a_hash_outdated(hashing: PasswordHashing) -> None:
    stored = await hashing.hash(GOOD)
    stronger = PasswordHashing(memory_kib=128, time_cost=1)
    try:
        assert stronger.is_outdated(stored) and not hashing.is_outdated(stored)
        assert await stronger.verify(stored, GOOD)
    finally:
        stronger.close()


async def test_the_event_loop_goes_on_and_the_queue_is_bounded() -> None:
    hashing = PasswordHashing(memory_kib=16_384, time_cost=4)
    try:
        asked = [asyncio.create_task(hashing.hash(GOOD)) for _ in range(passwords.AT_ONCE + passwords.MAX_WAITING + 3)]
        slowest, before = 0.0, time.monotonic()
        while not all(task.done() for task in asked[-3:]):
            await asyncio.sleep(0)
            slowest, before = max(slowest, time.monotonic() - before), time.monotonic()
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(one, PasswordsBusyError) for one in ended].count(True) == 3
        assert slowest < 0.5
        assert (await hashing.hash(GOOD)).startswith("$argon2id$")
    finally:
        hashing.close()


def test_by_default_it_costs_what_the_rfc_recommends() -> None:
    assert (passwords.MEMORY_KIB, passwords.TIME_COST, passwords.LANES) == (65_536, 3, 4)


@pytest.mark.parametrize("weak", ["", "short", "a" * 11, "a" * 12, "ababababababab", "a" * 257, "ada@example.org"])
def test_a_weak_password_is_refused(weak: str) -> None:
    with pytest.raises(WeakPasswordError) as refused:
        check_new_password(weak, "ada@example.org")
    assert weak == "" or weak not in str(refused.value)


def test_a_good_one_is_not() -> None:
    check_new_password(GOOD, "ada")
