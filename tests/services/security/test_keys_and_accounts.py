"""Accounts and keys as use cases: within the tenant, allowed, and well formed."""

from datetime import timedelta
from typing import Any

import pytest

from aggregates.cause import RefusedError
from eventstore.pool import PostgresPool
from security.errors import InvalidCredentialError
from security.scopes import WrongScopeError
from security.secrets import parse_secret
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from tests.services.security.conftest import ROOT, Identities
from tests.support.access import allowed

OTHER = Caller("other", "eve", "test", ROOT.access)


NOBODY = Caller("acme", "nobody", "test", allowed(tenant="acme"))


def soon() -> Deadline:
    """In ten seconds."""
    return Deadline.after(10)


@pytest.mark.parametrize(
    "name", ["", "Ada", "-a", "a" * 129, "a b", "a\n", "\u0430", "a\x00", "../x", "a/b", "'; DROP"]
)
async def test_a_name_that_could_be_mistaken_is_refused(here: Identities, name: str) -> None:
    with pytest.raises(InvalidRequestError):
        await here.accounts.create(ROOT, name, "user", [], deadline=soon())


@pytest.mark.parametrize("roles", [["Reader"], [""], ["a b"], ["r"] + [f"r{n}" for n in range(64)]])
async def test_roles_that_are_none_are_refused(here: Identities, roles: list[str]) -> None:
    with pytest.raises(InvalidRequestError):
        await here.accounts.create(ROOT, "ada", "user", roles, deadline=soon())


async def test_accounts_are_listed_in_pages_within_the_tenant(here: Identities) -> None:
    names = sorted(f"user{number}" for number in range(5))
    for name in names:
        await here.accounts.create(ROOT, name, "user", [], deadline=soon())
    await here.accounts.create(OTHER, "user0", "service", [], deadline=soon())
    first = await here.accounts.list(ROOT, limit=3, deadline=soon())
    second = await here.accounts.list(ROOT, after=first.next or "", limit=3, deadline=soon())
    assert [one.id for one in (*first.accounts, *second.accounts)] == names
    assert second.next is None
    assert [one.kind for one in (await here.accounts.list(OTHER, deadline=soon())).accounts] == ["service"]


async def test_a_name_is_taken_once(here: Identities) -> None:
    await here.accounts.create(ROOT, "ada", "user", [], deadline=soon())
    with pytest.raises(RefusedError):
        await here.accounts.create(ROOT, "ada", "user", [], deadline=soon())


async def test_another_tenants_account_and_key_are_not_there(here: Identities) -> None:
    key = parse_secret("ann", await here.issued())
    assert key is not None
    for attempt in (
        here.accounts.get(OTHER, "ada", deadline=soon()),
        here.accounts.disable(OTHER, "ada", None, deadline=soon()),
        here.accounts.change_roles(OTHER, "ada", ["administrator"], deadline=soon()),
        here.keys.issue(OTHER, "ada", "mine", deadline=soon()),
        here.keys.get(OTHER, key.id, deadline=soon()),
        here.keys.revoke(OTHER, key.id, deadline=soon()),
        here.keys.rotate(OTHER, key.id, overlap=timedelta(0), deadline=soon()),
    ):
        with pytest.raises(NotFoundError):
            await attempt
    assert (await here.keys.list(OTHER, deadline=soon())).keys == ()
    assert (await here.who(key.text)).tenant == "acme"


async def test_nothing_without_being_allowed(here: Identities) -> None:
    key = parse_secret("ann", await here.issued())
    assert key is not None
    attempts = (
        here.accounts.create(NOBODY, "eve", "user", [], deadline=soon()),
        here.accounts.get(NOBODY, "ada", deadline=soon()),
        here.accounts.list(NOBODY, deadline=soon()),
        here.accounts.change_roles(NOBODY, "ada", ["administrator"], deadline=soon()),
        here.accounts.disable(NOBODY, "ada", None, deadline=soon()),
        here.accounts.enable(NOBODY, "ada", None, deadline=soon()),
        here.keys.issue(NOBODY, "ada", "mine", deadline=soon()),
        here.keys.reissue(NOBODY, "ada", "mine", lifetime=None, deadline=soon()),
        here.keys.get(NOBODY, key.id, deadline=soon()),
        here.keys.get(NOBODY, "a" * 16, deadline=soon()),
        here.keys.list(NOBODY, deadline=soon()),
        here.keys.revoke(NOBODY, key.id, deadline=soon()),
        here.keys.rotate(NOBODY, key.id, overlap=timedelta(0), deadline=soon()),
    )
    for attempt in attempts:
        with pytest.raises(AccessDeniedError):
            await attempt


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["documents"]},
        {"scopes": ["documents:read; DROP"]},
        {"scopes": ["a:b:c"]},
        {"scopes": [f"a{'b' * n}:read" for n in range(65)]},
        {"lifetime": timedelta(0)},
        {"lifetime": timedelta.max},
        {"name": " "},
        {"name": "a" * 129},
        {"name": "a\x00"},
    ],
    ids=str,
)
async def test_a_key_that_cannot_be_is_refused(here: Identities, wrong: dict[str, Any]) -> None:
    await here.issued()
    with pytest.raises((InvalidRequestError, WrongScopeError)):
        await here.keys.issue(ROOT, "ada", wrong.pop("name", "laptop"), deadline=soon(), **wrong)


async def test_a_key_that_is_issued_again_takes_the_place_of_the_others_of_its_name(here: Identities) -> None:
    first = await here.issued()
    again = await here.keys.reissue(ROOT, "ada", "laptop", lifetime=None, deadline=soon())
    assert (await here.who(again.text)).id == "ada"
    keys = (await here.keys.list(ROOT, "ada", deadline=soon())).keys
    old = parse_secret("ann", first)
    assert old is not None
    assert {key.id: key.revoked_at is None for key in keys} == {old.id: False, again.key.id: True}


async def test_no_secret_and_no_hash_of_one_is_in_the_log(here: Identities, pool: PostgresPool) -> None:
    key = parse_secret("ann", await here.issued())
    assert key is not None
    async with pool.acquire() as connection:
        states = [bytes(row["state"]) for row in await connection.fetch("SELECT state FROM annals.stored_events")]
        row = await connection.fetchval("SELECT api_keys::text FROM annals.api_keys")
    assert states and key.secret not in row
    for state in states:
        assert key.secret.encode() not in state and key.hash().hex().encode() not in state


async def test_a_rotated_key_counts_for_the_overlap_and_no_longer(here: Identities) -> None:
    text = await here.issued(scopes=["documents:read"])
    old = parse_secret("ann", text)
    assert old is not None
    new = await here.keys.rotate(ROOT, old.id, overlap=timedelta(hours=1), deadline=soon())
    assert (await here.who(text)).id == (await here.who(new.text)).id == "ada"
    assert new.key.scopes == ("documents:read",) and new.key.name == "laptop"
    latest = await here.keys.rotate(ROOT, new.key.id, overlap=timedelta(0), deadline=soon())
    with pytest.raises(InvalidCredentialError):
        await here.who(new.text)
    assert (await here.who(latest.text)).id == "ada"
    with pytest.raises(InvalidRequestError):
        await here.keys.rotate(ROOT, new.key.id, overlap=timedelta(0), deadline=soon())
