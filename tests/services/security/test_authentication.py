"""Who asks: keys that count, and those that count no more from the very next request on."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool
from security.errors import (
    AuthenticationError,
    InvalidCredentialError,
    MissingCredentialError,
    TooManyAttemptsError,
)
from security.principal import Principal
from security.secrets import Secret, new_secret, parse_secret
from services.deadline import Deadline
from tests.services.security.conftest import ROOT, Identities


def soon() -> Deadline:
    """In ten seconds."""
    return Deadline.after(10)


async def test_a_key_leads_to_its_account(here: Identities) -> None:
    text = await here.issued(scopes=["documents:read"])
    key = parse_secret("ann", text)
    assert key is not None
    expected = Principal("ada", "user", "acme", ("reader",), ("documents:read",), f"key:{key.id}")
    assert await here.who(text) == expected
    assert await here.who(text) == expected


async def test_a_revoked_key_is_refused_at_the_next_request_everywhere(here: Identities, elsewhere: Identities) -> None:
    text, other = await here.issued(), await here.issued()
    key = parse_secret("ann", text)
    assert key is not None
    for process in (here, elsewhere):
        await process.who(text)
    await here.keys.revoke(ROOT, key.id, deadline=soon())
    for process in (elsewhere, here):
        with pytest.raises(InvalidCredentialError) as refused:
            await process.who(text)
        assert refused.value.reason == "a revoked key"
        await process.who(other)


async def test_a_disabled_account_is_refused_at_the_next_request(here: Identities, elsewhere: Identities) -> None:
    text = await here.issued()
    for process in (here, elsewhere):
        await process.who(text)
    await here.accounts.disable(ROOT, "ada", "left", deadline=soon())
    for process in (elsewhere, here):
        with pytest.raises(InvalidCredentialError) as refused:
            await process.who(text)
        assert (refused.value.reason, refused.value.account) == ("a disabled account", "ada")
    await elsewhere.accounts.enable(ROOT, "ada", None, deadline=soon())
    assert (await here.who(text)).id == "ada"


async def test_changed_roles_count_at_the_next_request(here: Identities, elsewhere: Identities) -> None:
    text = await here.issued()
    assert (await elsewhere.who(text)).roles == ("reader",)
    await here.accounts.change_roles(ROOT, "ada", ["operator"], deadline=soon())
    assert (await elsewhere.who(text)).roles == ("operator",)


async def test_a_key_expires_while_it_is_known(here: Identities) -> None:
    text = await here.issued(lifetime=timedelta(seconds=0.5))
    await here.who(text)
    async with asyncio.timeout(5):
        while True:
            try:
                await here.who(text)
            except InvalidCredentialError as error:
                assert "expired" in error.reason
                break
            await asyncio.sleep(0.02)


async def test_every_refusal_says_the_same(here: Identities) -> None:
    text = await here.issued()
    key = parse_secret("ann", text)
    assert key is not None
    revoked = await here.issued()
    other = parse_secret("ann", revoked)
    assert other is not None
    await here.keys.revoke(ROOT, other.id, deadline=soon())
    credentials = {
        "an unknown key": new_secret("ann").text,
        "a wrong secret": Secret("ann", key.id, new_secret("ann").secret).text,
        "a revoked key": revoked,
        "no signed token": "eyJhbGciOiJub25lIn0.e30.",
    }
    said = set()
    for reason, credential in credentials.items():
        with pytest.raises(InvalidCredentialError) as refused:
            await here.who(credential)
        assert refused.value.reason == reason
        said.add(str(refused.value))
    assert said == {str(InvalidCredentialError(""))}
    with pytest.raises(MissingCredentialError):
        await here.authentication.authenticate(None, "192.0.2.1", soon())


async def test_an_unknown_and_a_wrong_key_ask_the_database_as_often(here: Identities) -> None:
    key = parse_secret("ann", await here.issued())
    assert key is not None
    await here.who(key.text)
    asked = []
    for credential in (
        new_secret("ann").text,
        Secret("ann", key.id, new_secret("ann").secret).text,
        new_secret("ann").text,
    ):
        before = here.pool.use.acquired
        with pytest.raises(AuthenticationError):
            await here.who(credential)
        asked.append(here.pool.use.acquired - before)
    assert asked == [1, 1, 1]


async def test_what_is_known_asks_the_pool_for_nothing(here: Identities) -> None:
    text = await here.issued()
    await here.who(text)
    before = here.pool.use.acquired
    for _ in range(20):
        await here.who(text)
    assert here.pool.use.acquired == before


async def test_the_last_use_is_known(here: Identities) -> None:
    text = await here.issued()
    key = parse_secret("ann", text)
    assert key is not None
    assert (await here.keys.get(ROOT, key.id, deadline=soon())).last_used_at is None
    await here.who(text)
    assert (await here.keys.get(ROOT, key.id, deadline=soon())).last_used_at is not None


async def test_a_change_while_many_ask_is_seen_by_all_who_ask_after_it(here: Identities) -> None:
    text = await here.issued()
    key = parse_secret("ann", text)
    assert key is not None

    async def ask_on() -> None:
        with contextlib.suppress(AuthenticationError):
            while True:
                await here.who(text)

    asking = [asyncio.create_task(ask_on()) for _ in range(50)]
    await here.who(text)
    await here.keys.revoke(ROOT, key.id, deadline=soon())
    for number in range(20):
        with pytest.raises(AuthenticationError):
            await here.who(text, f"198.51.100.{number}")
    async with asyncio.timeout(10):
        await asyncio.gather(*asking)


async def test_guessing_slows_the_address_but_not_a_key_that_came_in_from_there(here: Identities) -> None:
    text, unseen = await here.issued(), await here.issued()
    await here.who(text)
    for _ in range(8):
        with pytest.raises(AuthenticationError):
            await here.who(new_secret("ann").text)
    with pytest.raises(TooManyAttemptsError) as slowed:
        await here.who(unseen)
    assert 0 < slowed.value.retry_after_s <= 60
    await here.accounts.create(ROOT, "bob", "user", [], deadline=soon())  # what was known in memory falls
    assert (await here.who(text)).id == "ada"
    assert (await here.who(unseen, "198.51.100.7")).id == "ada"


async def test_guesses_are_counted_for_all_processes_together(here: Identities, elsewhere: Identities) -> None:
    """Whoever asks another gateway each time is slowed as if there were one."""
    await here.account()
    for process in (here, elsewhere) * 4:
        with contextlib.suppress(AuthenticationError):
            await process.who(new_secret("ann").text)
    for process in (here, elsewhere):
        async with asyncio.timeout(10):
            while True:
                try:
                    # Each time another one: what came in from there is let in.
                    await process.who(await here.issued(), "192.0.2.1")
                except TooManyAttemptsError:
                    break
                await asyncio.sleep(0.05)
        assert (await process.who(await here.issued(), "198.51.100.7")).id == "ada"


async def test_a_lost_connection_is_made_anew(here: Identities, pool: PostgresPool) -> None:
    text = await here.issued()
    await here.who(text)
    async with pool.acquire() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE '%access_changes%' AND pid <> pg_backend_pid()"
        )

    async with asyncio.timeout(10):
        with contextlib.suppress(StoreUnavailableError):
            await here.who(text)
        assert (await here.who(text)).id == "ada"


async def test_many_requests_with_one_credential_look_it_up_once(here: Identities) -> None:
    text = await here.issued()
    before = here.pool.use.acquired
    await here.who(text)
    alone, other = here.pool.use.acquired - before, await here.issued()
    before = here.pool.use.acquired
    who = await asyncio.gather(*(here.who(other) for _ in range(40)))
    assert {one.id for one in who} == {"ada"}
    assert here.pool.use.acquired - before <= alone + 1, "and what goes on in the background"


async def test_many_that_count_come_in_at_once_from_one_address(here: Identities) -> None:
    """Nobody guesses a key: only what failed slows an address, and not what is being looked at."""
    keys = [await here.issued() for _ in range(30)]
    who = await asyncio.gather(*(here.who(key) for key in keys))
    assert {one.id for one in who} == {"ada"}
