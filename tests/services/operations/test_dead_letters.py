"""Dead letters through the service: each caller sees and touches the own tenant's, the operator everybody's."""

import pytest

from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.pool import PostgresPool
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.operations.dead_letters import DeadLetterService, Retried

OURS, THEIRS = Caller("ours", "ada", "test", FULL_ACCESS), Caller("theirs", "bob", "test", FULL_ACCESS)


def letter(number: int, tenant: str | None) -> DeadLetter:
    return DeadLetter(
        consumer="chunking",
        identity=f"letter {number}",
        topic="annals.documents",
        partition=0,
        offset=number,
        key=b"k",
        value=b"v",
        error="ValueError",
        cause=f"cause {number}",
        tenant=tenant,
        aggregate_id=None if tenant is None else f"document {number}",
    )


@pytest.fixture
def letters(pool: PostgresPool) -> DeadLetters:
    return DeadLetters(pool)


@pytest.fixture
async def service(letters: DeadLetters) -> DeadLetterService:
    await letters.add([letter(1, "ours"), letter(2, "theirs"), letter(3, None), letter(4, "ours")])
    return DeadLetterService(letters)


def soon() -> Deadline:
    return Deadline.after(20)


async def ids(service: DeadLetterService, caller: Caller, *, all_tenants: bool = False) -> list[int]:
    found = await service.newest(caller, None, 100, all_tenants=all_tenants, deadline=soon())
    return [one.id or 0 for one in reversed(found.letters)]


async def test_a_caller_sees_the_own_tenants_letters(service: DeadLetterService) -> None:
    mine, theirs, everybody = (
        await ids(service, OURS),
        await ids(service, THEIRS),
        await ids(service, OURS, all_tenants=True),
    )
    assert len(mine) == 2 and len(theirs) == 1 and len(everybody) == 4
    assert not set(mine) & set(theirs)
    found = await service.newest(OURS, "open", 1, all_tenants=False, deadline=soon())
    assert [one.cause for one in found.letters] == ["cause 4"] and found.of_no_tenant == 1


async def test_another_tenants_letter_is_not_there(service: DeadLetterService) -> None:
    (theirs,) = await ids(service, THEIRS)
    with pytest.raises(NotFoundError, match=f"there is no dead letter {theirs}; see"):
        await service.get(OURS, theirs, all_tenants=False, deadline=soon())
    assert (await service.get(OURS, theirs, all_tenants=True, deadline=soon())).tenant == "theirs"
    assert await service.drop(OURS, [theirs], "no", all_tenants=False, deadline=soon()) == ()
    retry = await service.retry(OURS, [theirs], all_tenants=False, deadline=soon())
    assert retry.missing == (theirs,) and not retry.letters and not retry.went_well


async def test_a_retry_that_nobody_works_on_ends_at_its_deadline(service: DeadLetterService) -> None:
    mine = await ids(service, OURS)
    retry = await service.retry(OURS, None, all_tenants=False, deadline=Deadline.after(0.5))
    assert retry.letters == tuple(Retried(one, "still being tried") for one in mine) and not retry.went_well


async def test_a_retry_tells_what_became_of_each(service: DeadLetterService, letters: DeadLetters) -> None:
    first, second = await ids(service, OURS)
    await letters.mark_retrying("ours", [first])
    retrying = await letters.get("ours", first)
    assert retrying is not None
    await letters.resolve(retrying)
    await letters.drop("ours", [second], "nobody needs it")
    retry = await service.retry(OURS, [first, second], all_tenants=False, deadline=soon())
    assert retry.missing == tuple(sorted((first, second))), "neither is open any more"
    dropped = await service.get(OURS, second, all_tenants=False, deadline=soon())
    assert (dropped.status, dropped.reason) == ("dropped", "nobody needs it")
