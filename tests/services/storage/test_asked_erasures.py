"""The erasure of a subject that takes longer than a request: in parts, taken up after a kill, called off."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from eventstore.asked_erasures import AskedErasure
from security.access import Access
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError, NotFoundError
from services.storage import asked_erasures, erasing_subjects
from services.storage.asked_erasures import caller_of
from services.storage.erasing import NO_ERASURE, EraseDocuments
from services.storage.erasing_subjects import EraseSubjects, SubjectErasure
from tests.projections.stories import Story
from tests.services.storage.test_erasing import CALLER, KEPT, all_digests
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

LETTERS = [Story(f"letters/{n}", (f"Wilhelmina met Ottokar{n}.",), title="Geheim") for n in range(3)]
IDS = [one.document_id for one in LETTERS]


@pytest.fixture
async def knowledge(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Knowledge]:
    """Documents that name her, which the read models know to be deleted; a part of the erasure is one document."""
    monkeypatch.setattr(erasing_subjects, "PART", 1)
    async with open_knowledge(dsn, tmp_path) as opened:
        await opened.tell(*KEPT)
        yield opened


async def told(knowledge: Knowledge) -> dict[str, str]:
    """What the read models say without her."""
    before = await all_digests(knowledge)
    await knowledge.tell(*LETTERS)
    await knowledge.history.ask("Wilhelmina", documents=IDS)
    await knowledge.follow()
    for story in LETTERS:
        await knowledge.history.delete(story)
    await knowledge.follow()
    return before


async def asked(knowledge: Knowledge, documents: Sequence[str] = IDS, caller: Caller = CALLER) -> AskedErasure:
    return await knowledge.storage.asked_erasures.ask(
        caller, ["Wilhelmina"], documents, reason="asked for", deadline=Deadline.after(30)
    )


async def rows(knowledge: Knowledge) -> int:
    return int(await knowledge.stores.pool.fetchval("SELECT count(*) FROM annals.asked_erasures"))


async def test_it_is_told_part_by_part_and_then_forgotten(knowledge: Knowledge) -> None:
    before = await told(knowledge)
    reported: list[int] = []
    erasure = await asked(knowledge, [*IDS, "kept"])
    done = await knowledge.storage.asked_erasures.carry_out(erasure, reported.append)
    assert reported == [1, 2, 3, 4], "what does not name her is done at once"
    assert (list(done.erasure.documents), len(done.erasure.questions), done.left) == (IDS, 1, ())
    assert await all_digests(knowledge) == before and await rows(knowledge) == 0
    with pytest.raises(NotFoundError):
        await knowledge.storage.asked_erasures.status(CALLER, erasure.id, deadline=Deadline.after(5))


async def test_killed_it_is_taken_up_by_another_process(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await told(knowledge)
    erasures, reported = knowledge.storage.asked_erasures, list[int]()
    erasure = await asked(knowledge)
    with monkeypatch.context() as patched:
        patched.setattr(EraseDocuments, "erase", _second(EraseDocuments.erase, asyncio.CancelledError()))
        with pytest.raises(asyncio.CancelledError):
            await erasures.carry_out(erasure, reported.append)
    await knowledge.stores.pool.execute("UPDATE annals.asked_erasures SET leased_until = now() - interval '1 s'")
    (abandoned,) = await erasures.abandoned()
    assert (abandoned.id, abandoned.done, caller_of(abandoned).actor) == (erasure.id, 1, CALLER.actor)
    assert await erasures.abandoned() == [], "somebody is at work on it"
    done = await erasures.carry_out(abandoned, reported.append)
    assert reported == [0, 1, 1, 2, 3] and list(done.erasure.documents) == IDS
    assert len(done.erasure.questions) == 1, "of the part that was done before the kill, too"
    assert await all_digests(knowledge) == before and await rows(knowledge) == 0


async def test_while_it_is_under_way_asking_again_is_the_same(knowledge: Knowledge) -> None:
    await told(knowledge)
    first = await asked(knowledge)
    assert (await asked(knowledge, IDS[:1])).id == first.id
    assert await knowledge.storage.asked_erasures.abandoned() == []
    other = Caller("other", "ada", "test", CALLER.access)
    assert (await asked(knowledge, IDS, other)).id != first.id
    with pytest.raises(NotFoundError):
        await knowledge.storage.asked_erasures.status(other, first.id, deadline=Deadline.after(5))


async def test_those_of_several_tenants_are_carried_out_side_by_side(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as may; of one tenant one after the other."""
    erasures, under_way, most = knowledge.storage.asked_erasures, list[str](), list[int]()
    all_there, tenants = asyncio.Event(), ["a", "a", "a", "b", "c", "d"]

    async def erase(_: object, caller: Caller, names: Sequence[str], *__: object, **___: object) -> SubjectErasure:
        assert caller.tenant not in under_way
        under_way.append(caller.tenant)
        most.append(len(under_way))
        if len(under_way) == asked_erasures.MOST_AT_ONCE:
            all_there.set()
        await asyncio.wait_for(all_there.wait(), 20)
        under_way.remove(caller.tenant)
        return SubjectErasure(NO_ERASURE, ())

    monkeypatch.setattr(EraseSubjects, "erase", erase)
    made = [
        await erasures.ask(
            Caller(tenant, "ada", "test", CALLER.access), [f"{at}"], IDS, reason="r", deadline=Deadline.after(30)
        )
        for at, tenant in enumerate(tenants)
    ]
    await asyncio.gather(*(erasures.carry_out(one, lambda _: None) for one in made))
    assert (len(most), max(most), await rows(knowledge)) == (len(tenants), asked_erasures.MOST_AT_ONCE, 0)


async def test_called_off_nobody_goes_on_with_it(knowledge: Knowledge) -> None:
    await told(knowledge)
    erasures = knowledge.storage.asked_erasures
    erasure = await asked(knowledge)
    await erasures.call_off(CALLER, erasure.id, deadline=Deadline.after(5))
    with pytest.raises(NotFoundError):
        await erasures.carry_out(erasure, lambda _: None)
    assert await knowledge.history.of_document(LETTERS[0])


async def test_failed_it_has_ended(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    await told(knowledge)
    erasure = await asked(knowledge)
    monkeypatch.setattr(EraseDocuments, "erase", _second(EraseDocuments.erase, RuntimeError("a defect")))
    with pytest.raises(RuntimeError):
        await knowledge.storage.asked_erasures.carry_out(erasure, lambda _: None)
    assert await rows(knowledge) == 0


async def test_for_who_may_administer_and_delete_all_documents(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for access in (
        allowed("documents:administer", tenant="default"),
        allowed("documents:delete", tenant="default"),
    ):
        await refused(knowledge, access)
    monkeypatch.setattr(asked_erasures, "MOST_DOCUMENTS", 2)
    with pytest.raises(InvalidRequestError):
        await asked(knowledge)
    assert await rows(knowledge) == 0


async def refused(knowledge: Knowledge, access: Access) -> None:
    with pytest.raises(AccessDeniedError):
        await asked(knowledge, IDS, Caller("default", "ada", "test", access))


def _second(function: Callable[..., Coroutine[Any, Any, Any]], error: BaseException) -> Any:
    """`function`, whose second call raises this instead."""
    calls = 0

    async def called(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise error
        return await function(*given, **named)

    return called
