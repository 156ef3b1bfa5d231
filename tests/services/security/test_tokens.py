"""Signing in, refreshing, revoking; keys that sign are rotated and nobody is refused for it."""

import asyncio
import base64
import json
from datetime import timedelta

import pytest

from eventstore.pool import PostgresPool
from security.attempts import FREE_OF_ADDRESS
from security.errors import AuthenticationError, BlockedError, InvalidCredentialError, TooManyAttemptsError
from security.passwords import WeakPasswordError
from security.scopes import WrongScopeError
from security.threats import Finding
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from services.security.sign_in import TokenPair
from tests.services.security.conftest import ROOT, Identities
from tests.services.security.test_keys_and_accounts import NOBODY, OTHER

PASSWORD = "correct horse battery"
CLIENT = "192.0.2.1"


def soon() -> Deadline:
    """In ten seconds."""
    return Deadline.after(10)


async def user(process: Identities, account: str = "ada") -> None:
    """Have a user with a password."""
    await process.account(account)
    await process.opened.sign_in.set_password(ROOT, account, PASSWORD, deadline=soon())


async def signed_in(process: Identities, password: str = PASSWORD, client: str = CLIENT) -> TokenPair:
    """Ada's tokens."""
    return await process.opened.sign_in.sign_in("acme", "ada", password, client, deadline=soon())


async def refused(process: Identities, credential: str) -> str:
    """Why a credential is refused."""
    with pytest.raises(InvalidCredentialError) as error:
        await process.who(credential)
    return error.value.reason


async def test_who_signs_in_is_who_he_is_everywhere(here: Identities, elsewhere: Identities) -> None:
    await user(here)
    pair = await signed_in(here)
    for process in (here, elsewhere):
        principal = await process.who(pair.access.text)
        assert (principal.id, principal.tenant, principal.roles) == ("ada", "acme", ("reader",))
        assert principal.credential == f"token:{pair.access.id}" and principal.scopes is None
    other = await elsewhere.opened.sign_in.sign_in(
        "acme", "ada", PASSWORD, CLIENT, scopes=["documents:read"], deadline=soon()
    )
    assert (await here.who(other.access.text)).scopes == ("documents:read",)


async def test_every_refusal_to_sign_in_says_the_same(here: Identities) -> None:
    await user(here)
    await here.accounts.create(ROOT, "robot", "service", [], deadline=soon())
    await here.account("bob")
    await user(here, "eve")
    await here.accounts.disable(ROOT, "eve", None, deadline=soon())
    attempts = [
        ("acme", "ada", "wrong"),
        ("acme", "ada", PASSWORD + "\x00"),
        ("acme", "nobody", PASSWORD),
        ("other", "ada", PASSWORD),
        ("acme", "robot", PASSWORD),
        ("acme", "bob", PASSWORD),
        ("acme", "eve", PASSWORD),
        ("acme", "ADA", PASSWORD),
        ("acme", "ada\x00", PASSWORD),
        ("a'; DROP TABLE annals.passwords; --", "ada", PASSWORD),
        ("acme", "a" * 100_000, PASSWORD),
    ]
    for number, (tenant, account, password) in enumerate(attempts):
        with pytest.raises(InvalidCredentialError) as error:
            await here.opened.sign_in.sign_in(tenant, account, password, f"198.51.100.{number}", deadline=soon())
        assert str(error.value) == str(InvalidCredentialError(""))
    assert (await signed_in(here)).access.account == "ada"


async def test_guesses_are_slowed_and_the_rightful_user_comes_in_from_elsewhere(here: Identities) -> None:
    await user(here)
    outcomes: list[type[AuthenticationError]] = []
    for _ in range(10):
        with pytest.raises(AuthenticationError) as error:
            await signed_in(here, "wrong", "203.0.113.5")
        outcomes.append(type(error.value))
    assert outcomes[0] is InvalidCredentialError and outcomes[-1] is TooManyAttemptsError
    with pytest.raises(TooManyAttemptsError) as slowed:
        await signed_in(here, PASSWORD, "203.0.113.5")
    assert 0 < slowed.value.retry_after_s <= 60
    assert (await signed_in(here)).access.account == "ada"


async def test_many_guesses_at_once_are_slowed_as_well(here: Identities) -> None:
    await user(here)
    ended = await asyncio.gather(
        *(signed_in(here, f"wrong {number}", "203.0.113.5") for number in range(30)), return_exceptions=True
    )
    assert [isinstance(one, InvalidCredentialError) for one in ended].count(True) <= 6
    assert all(isinstance(one, AuthenticationError) for one in ended)


async def test_a_refresh_token_is_good_once_and_a_second_use_ends_the_sign_in(here: Identities) -> None:
    await user(here)
    first = await signed_in(here)
    second = await here.opened.sign_in.refresh(first.refresh_token, CLIENT, deadline=soon())
    assert (await here.who(second.access.text)).id == "ada"
    assert second.refresh_expires_at == first.refresh_expires_at
    with pytest.raises(InvalidCredentialError) as error:
        await here.opened.sign_in.refresh(first.refresh_token, "198.51.100.66", deadline=soon())
    assert error.value.reason == "a refresh token that was used before"
    with pytest.raises(InvalidCredentialError):
        await here.opened.sign_in.refresh(second.refresh_token, CLIENT, deadline=soon())
    for pair in (first, second):
        assert await refused(here, pair.access.text) == "a revoked token"
    again = await signed_in(here)
    assert (await here.who(again.access.text)).id == "ada"


async def test_of_many_who_refresh_at_once_at_most_one_gets_tokens(here: Identities) -> None:
    await user(here)
    pair = await signed_in(here)
    ended = await asyncio.gather(
        *(here.opened.sign_in.refresh(pair.refresh_token, f"198.51.100.{n}", deadline=soon()) for n in range(8)),
        return_exceptions=True,
    )
    assert [isinstance(one, TokenPair) for one in ended].count(True) <= 1
    assert all(isinstance(one, TokenPair | InvalidCredentialError) for one in ended)
    assert await refused(here, pair.access.text) == "a revoked token"


@pytest.mark.parametrize("wrong", ["", "anr_", "x" * 100_000, "anr_" + "a" * 16 + "_" + "b" * 43, "\x00"])
async def test_a_refresh_token_that_is_none_is_refused(here: Identities, wrong: str) -> None:
    with pytest.raises(InvalidCredentialError):
        await here.opened.sign_in.refresh(wrong, CLIENT, deadline=soon())
    await here.opened.sign_in.sign_out(wrong, CLIENT, deadline=soon())


async def test_signing_out_ends_access_at_the_next_request(here: Identities, elsewhere: Identities) -> None:
    await user(here)
    pair = await signed_in(here)
    await elsewhere.who(pair.access.text)
    await here.opened.sign_in.sign_out(pair.refresh_token, CLIENT, deadline=soon())
    assert await refused(elsewhere, pair.access.text) == "a revoked token"
    with pytest.raises(InvalidCredentialError):
        await here.opened.sign_in.refresh(pair.refresh_token, CLIENT, deadline=soon())


async def test_another_password_ends_what_was_signed_in_with_the_old_one(
    here: Identities, elsewhere: Identities
) -> None:
    await user(here)
    pair = await signed_in(here)
    await elsewhere.who(pair.access.text)
    await here.opened.sign_in.set_password(ROOT, "ada", "another good one", deadline=soon())
    assert await refused(elsewhere, pair.access.text) == "a revoked token"
    with pytest.raises(InvalidCredentialError):
        await here.opened.sign_in.refresh(pair.refresh_token, CLIENT, deadline=soon())
    with pytest.raises(InvalidCredentialError):
        await signed_in(here)
    assert (await here.who((await signed_in(here, "another good one")).access.text)).id == "ada"


async def test_a_disabled_user_is_out_at_the_next_request(here: Identities, elsewhere: Identities) -> None:
    await user(here)
    pair = await signed_in(here)
    await elsewhere.who(pair.access.text)
    await here.accounts.disable(ROOT, "ada", None, deadline=soon())
    assert await refused(elsewhere, pair.access.text) == "a disabled account"
    with pytest.raises(InvalidCredentialError):
        await elsewhere.opened.sign_in.refresh(pair.refresh_token, CLIENT, deadline=soon())


async def test_one_token_and_all_tokens_are_revoked(here: Identities, elsewhere: Identities) -> None:
    await here.account("ada")
    issue = here.opened.tokens.issue
    first, second = [await issue(ROOT, "ada", deadline=soon()) for _ in range(2)]
    for token in (first, second):
        await elsewhere.who(token.text)
    await here.opened.tokens.revoke(ROOT, first.id, deadline=soon())
    assert await refused(elsewhere, first.text) == "a revoked token"
    await elsewhere.who(second.text)
    await here.opened.tokens.revoke_all(ROOT, "ada", deadline=soon())
    assert await refused(elsewhere, second.text) == "a revoked token"
    third = await issue(ROOT, "ada", deadline=soon())
    assert (await elsewhere.who(third.text)).id == "ada"


async def test_another_tenant_revokes_nothing_of_ours(here: Identities) -> None:
    await here.account("ada")
    token = await here.opened.tokens.issue(ROOT, "ada", deadline=soon())
    await here.opened.tokens.revoke(OTHER, token.id, deadline=soon())
    for attempt in (
        here.opened.tokens.revoke_all(OTHER, "ada", deadline=soon()),
        here.opened.tokens.issue(OTHER, "ada", deadline=soon()),
        here.opened.sign_in.set_password(OTHER, "ada", PASSWORD, deadline=soon()),
    ):
        with pytest.raises(NotFoundError):
            await attempt
    assert (await here.who(token.text)).id == "ada"
    assert await here.opened.tokens.sign_ins(OTHER, deadline=soon()) == []


async def test_sign_ins_are_listed_until_they_end(here: Identities) -> None:
    await user(here)
    first, _ = await signed_in(here), await signed_in(here)
    await here.opened.sign_in.refresh(first.refresh_token, CLIENT, deadline=soon())
    assert len(await here.opened.tokens.sign_ins(ROOT, deadline=soon())) == 2
    family = (await here.opened.tokens.sign_ins(ROOT, "ada", deadline=soon()))[0].family
    await here.opened.tokens.revoke(ROOT, family, deadline=soon())
    assert len(await here.opened.tokens.sign_ins(ROOT, deadline=soon())) == 1
    await here.opened.tokens.revoke_all(ROOT, "ada", deadline=soon())
    assert await here.opened.tokens.sign_ins(ROOT, deadline=soon()) == []


async def test_a_token_expires_while_it_is_known(here: Identities) -> None:
    await here.account("ada")
    token = await here.opened.tokens.issue(ROOT, "ada", lifetime=timedelta(seconds=0.3), deadline=soon())
    await here.who(token.text)
    async with asyncio.timeout(5):
        while True:
            try:
                await here.who(token.text)
            except InvalidCredentialError as error:
                assert error.reason == "an expired credential"
                break
            await asyncio.sleep(0.02)


async def test_keys_rotate_and_what_the_old_one_signed_counts_until_it_expires(
    here: Identities, elsewhere: Identities
) -> None:
    await here.account("ada")
    signer, issue = here.opened.signer, here.opened.tokens.issue
    old = await issue(ROOT, "ada", deadline=soon())
    prepared = await signer.rotate(ROOT, at_once=False, deadline=soon())
    published = {key["kid"] for key in (await signer.jwks())["keys"]}
    assert prepared.id in published and len(published) == 2
    between = await issue(ROOT, "ada", deadline=soon())
    assert key_of(between.text) == key_of(old.text) != prepared.id
    rotated = await signer.rotate(ROOT, at_once=True, deadline=soon())
    new = await issue(ROOT, "ada", deadline=soon())
    assert key_of(new.text) == rotated.id
    for token in (old, between, new):
        assert (await elsewhere.who(token.text)).id == "ada"


async def test_a_revoked_signing_key_counts_no_more_and_is_replaced(here: Identities, elsewhere: Identities) -> None:
    await here.account("ada")
    token = await here.opened.tokens.issue(ROOT, "ada", deadline=soon())
    await elsewhere.who(token.text)
    await here.opened.signer.revoke(ROOT, key_of(token.text), deadline=soon())
    assert await refused(elsewhere, token.text) == "a token of an unknown key"
    assert key_of(token.text) not in {key["kid"] for key in (await here.opened.signer.jwks())["keys"]}
    again = await here.opened.tokens.issue(ROOT, "ada", deadline=soon())
    assert (await elsewhere.who(again.text)).id == "ada"


async def test_the_database_holds_no_secret(here: Identities, pool: PostgresPool) -> None:
    await user(here)
    pair = await signed_in(here)
    _, private = await here.opened.signer._current()
    der = private.as_der(private=True)
    secrets = [PASSWORD, pair.access.text, pair.refresh_token.split("_", 2)[2], '"d"', "PRIVATE KEY", der[40:60].hex()]
    async with pool.acquire() as connection:
        tables = await connection.fetch(
            "SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables "
            "WHERE table_schema = 'annals' AND table_type = 'BASE TABLE'"
        )
        rows = [
            row["text"]
            for table in tables
            for row in await connection.fetch(f"SELECT t::text AS text FROM {table['name']} AS t")
        ]
    assert len(rows) > 5
    for secret in secrets:
        assert not [row for row in rows if secret in row or secret.encode().hex() in row]


async def test_every_attempt_to_sign_in_is_in_the_audit_log(here: Identities, pool: PostgresPool) -> None:
    await user(here)
    pair = await signed_in(here)
    for password in ("wrong", "wrong again"):
        with pytest.raises(InvalidCredentialError):
            await signed_in(here, password)
    with pytest.raises(InvalidCredentialError):
        await here.opened.sign_in.sign_in("acme", "nobody", PASSWORD, CLIENT, deadline=soon())
    async with pool.acquire() as connection:
        rows = [row["text"] for row in await connection.fetch("SELECT t::text AS text FROM annals.audit_log AS t")]
    assert len([row for row in rows if "a wrong password" in row and "ada" in row and CLIENT in row]) == 2
    assert len([row for row in rows if "an unknown account" in row]) == 1
    for secret in (PASSWORD, "wrong again", pair.access.text, pair.refresh_token):
        assert not [row for row in rows if secret in row]


async def test_refreshing_and_signing_out_are_in_the_audit_log(here: Identities, pool: PostgresPool) -> None:
    await user(here)
    pair = await signed_in(here)
    pair = await here.opened.sign_in.refresh(pair.refresh_token, CLIENT, request_id="r-2", deadline=soon())
    await here.opened.sign_in.sign_out(pair.refresh_token, CLIENT, request_id="r-3", deadline=soon())
    await here.opened.sign_in.sign_out("anr_nothing", CLIENT, request_id="r-4", deadline=soon())
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            "SELECT action, actor, outcome FROM annals.audit_log WHERE request_id LIKE 'r-%' ORDER BY request_id"
        )
    assert [tuple(row) for row in rows] == [
        ("refresh", "ada", "success"),
        ("sign out", "ada", "success"),
        ("sign out", "unknown", "failed"),
    ]


async def test_a_blocked_address_neither_signs_in_nor_refreshes_nor_signs_out(here: Identities) -> None:
    await user(here)
    pair = await signed_in(here)
    block = Finding("failures", 30, 20, "address 203.0.113.9: 30 failures")
    here.opened.threats._tell(("", "address/203.0.113.9"), block)
    used = here.opened.sign_in
    for attempt in (
        used.sign_in("acme", "ada", PASSWORD, "203.0.113.9", deadline=soon()),
        used.refresh(pair.refresh_token, "203.0.113.9", deadline=soon()),
        used.sign_out(pair.refresh_token, "203.0.113.9", deadline=soon()),
    ):
        with pytest.raises(BlockedError) as error:
            await attempt
        assert error.value.left_s > 0
    assert await used.refresh(pair.refresh_token, CLIENT, deadline=soon()), "the token is as good as before"


async def test_guesses_at_signing_out_are_slowed(here: Identities) -> None:
    with pytest.raises(TooManyAttemptsError):
        for _ in range(FREE_OF_ADDRESS + 2):
            await here.opened.sign_in.sign_out("anr_nothing", "203.0.113.10", deadline=soon())


async def test_wrong_requests_are_refused(here: Identities) -> None:
    await user(here)
    await here.accounts.create(ROOT, "robot", "service", [], deadline=soon())
    with pytest.raises(WeakPasswordError):
        await here.opened.sign_in.set_password(ROOT, "ada", "short", deadline=soon())
    with pytest.raises(InvalidRequestError):
        await here.opened.sign_in.set_password(ROOT, "robot", PASSWORD, deadline=soon())
    with pytest.raises(NotFoundError):
        await here.opened.sign_in.set_password(ROOT, "nobody", PASSWORD, deadline=soon())
    for lifetime in (timedelta(0), timedelta(days=1)):
        with pytest.raises(InvalidRequestError):
            await here.opened.tokens.issue(ROOT, "ada", lifetime=lifetime, deadline=soon())
    with pytest.raises(InvalidRequestError):
        await here.opened.tokens.issue(ROOT, "ada", scopes=[], deadline=soon())
    with pytest.raises(WrongScopeError):
        await here.opened.tokens.issue(ROOT, "ada", scopes=["everything"], deadline=soon())
    with pytest.raises(InvalidRequestError):
        await here.opened.tokens.revoke(ROOT, "a' OR 1", deadline=soon())
    with pytest.raises(NotFoundError):
        await here.opened.signer.revoke(ROOT, "../../etc", deadline=soon())


async def test_nothing_without_being_allowed(here: Identities) -> None:
    await user(here)
    for attempt in (
        here.opened.sign_in.set_password(NOBODY, "ada", PASSWORD, deadline=soon()),
        here.opened.tokens.issue(NOBODY, "ada", deadline=soon()),
        here.opened.tokens.revoke(NOBODY, "a", deadline=soon()),
        here.opened.tokens.revoke_all(NOBODY, "ada", deadline=soon()),
        here.opened.tokens.sign_ins(NOBODY, deadline=soon()),
        here.opened.signer.rotate(NOBODY, at_once=True, deadline=soon()),
        here.opened.signer.revoke(NOBODY, "a", deadline=soon()),
        here.opened.signer.list(NOBODY, deadline=soon()),
    ):
        with pytest.raises(AccessDeniedError):
            await attempt


def key_of(token: str) -> str:
    """The id of the key that signed it."""
    return str(json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"])
