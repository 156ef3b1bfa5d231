"""Erasing a person from all documents: all that name her are found, shown, and then erased."""

from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from contracts.ids import entity_id
from eventstore.erasures import Erasures
from projections.generations import Generations
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError
from services.storage.erasing_subjects import SubjectErasure
from services.storage.naming import Naming
from tests.projections.stories import Story
from tests.services.storage.test_erasing import CALLER, KEPT, all_digests, left
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

LETTER = Story("letters/1", ("Wilhelmina met Ottokar.", "Zagreb has a cellar."), title="Geheim")
ORDER = Story("orders/7", ("Zagreb wrote to Wilhelmina.",), title="Geheim")
UNREAD = Story("notes", ("somebody called wilhelmina came.",))
TITLED = Story("titled", ("Ada met Cleo.",), title="On Wilhelmina")
NICKNAME = Story("nick", ("Mina met Bob.",))
ALL = (LETTER, ORDER, UNREAD, TITLED, NICKNAME)


@pytest.fixture
async def knowledge(dsn: str, tmp_path: Path) -> AsyncIterator[Knowledge]:
    async with open_knowledge(dsn, tmp_path) as opened:
        await opened.tell(*KEPT)
        yield opened


async def find(knowledge: Knowledge, *names: str) -> Naming:
    return await knowledge.storage.naming.find(CALLER, names, deadline=Deadline.after(30))


async def erase(knowledge: Knowledge, documents: Collection[str], *names: str) -> SubjectErasure:
    return await knowledge.storage.subjects.erase(
        CALLER, names, documents, reason="asked for", correlation_id="e", deadline=Deadline.after(30)
    )


async def deleted(knowledge: Knowledge, *stories: Story) -> None:
    for story in stories:
        await knowledge.history.delete(story)
    await knowledge.follow()


def ids(naming: Naming) -> list[str]:
    return [one.document_id for one in naming.documents]


async def test_all_that_name_her_are_found(knowledge: Knowledge) -> None:
    """By what models found, by rules and people, in texts that no model understood, of former versions, and deleted."""
    await knowledge.tell(*ALL)
    await knowledge.history.assign("Mina", "Wilhelmina")
    await knowledge.tell(Story("nick", ("Bob sang.",)))
    await deleted(knowledge, ORDER)
    await knowledge.history.ask("Wilhelmina")
    await knowledge.history.ask("Bob", documents=["letters/1"])
    await knowledge.history.ask("Cleo", documents=["kept"])

    found = await find(knowledge, "WILHELMINA")
    assert ids(found) == ["letters/1", "nick", "notes", "orders/7", "titled"]
    shown = {one.document_id: (one.deleted, one.mentions > 0, one.texts, one.described) for one in found.documents}
    assert shown == {
        "letters/1": (False, True, 1, False),
        "nick": (False, True, 0, False),
        "notes": (False, False, 1, False),
        "orders/7": (True, True, 1, False),
        "titled": (False, False, 0, True),
    }
    assert found.questions == ("Bob", "Wilhelmina")
    assert found.names == ("Mina", "Wilhelmina")
    assert set(found.entities) == {entity_id("default", "Mina"), entity_id("default", "Wilhelmina")}
    assert ids(await find(knowledge, entity_id("default", "Wilhelmina"))) == ids(found)
    assert ids(await find(knowledge, "Ottokar")) == ["letters/1"]
    assert await find(knowledge, "Nobody") == Naming((), (), (), ())


async def test_of_two_who_are_called_the_same_an_id_means_one(knowledge: Knowledge) -> None:
    await knowledge.tell(LETTER, ORDER)
    await knowledge.history.reassign(ORDER, "Wilhelmina", "another-wilhelmina")
    assert ids(await find(knowledge, "another-wilhelmina")) == ["orders/7"]
    assert ids(await find(knowledge, entity_id("default", "Wilhelmina"))) == ["letters/1"]
    both = await find(knowledge, "Wilhelmina")
    assert [(one.document_id, one.mentions) for one in both.documents] == [("letters/1", 1), ("orders/7", 1)]
    assert "another-wilhelmina" in both.entities
    await deleted(knowledge, ORDER)
    done = await erase(knowledge, ["orders/7"], "another-wilhelmina")
    assert (done.erasure.documents, done.left) == (("orders/7",), ())
    assert ids(await find(knowledge, "Wilhelmina")) == ["letters/1"]


async def test_erased_as_if_nobody_had_ever_named_her(knowledge: Knowledge) -> None:
    before = await all_digests(knowledge)
    stories = (LETTER, ORDER, UNREAD)
    await knowledge.tell(*stories)
    await knowledge.history.alias("Wilhelmina", "Zagreb woman of the cellar")
    await knowledge.history.ask("Wilhelmina")
    await knowledge.follow()
    found = await find(knowledge, "Wilhelmina")
    await deleted(knowledge, *stories)
    done = await erase(knowledge, ids(found), "Wilhelmina")
    assert done.erasure.documents == ("letters/1", "notes", "orders/7")
    assert (len(done.erasure.questions), done.left) == (1, ())
    knowledge.audit.entries.clear()
    assert not [row for row in await left(knowledge) if "ilhelmina" in row]
    assert await all_digests(knowledge) == before
    assert await find(knowledge, "Wilhelmina") == Naming((), (), (), ())


async def test_what_was_not_on_the_list_is_left_and_named(knowledge: Knowledge) -> None:
    await knowledge.tell(LETTER)
    found = await find(knowledge, "Wilhelmina")
    await knowledge.tell(ORDER)
    await deleted(knowledge, LETTER)
    done = await erase(knowledge, [*ids(found), "kept"], "Wilhelmina")
    assert (done.erasure.documents, done.left) == (("letters/1",), ("orders/7",))
    assert ids(await find(knowledge, "Wilhelmina")) == ["orders/7"]
    assert entity_id("default", "Wilhelmina") in (await find(knowledge, "Wilhelmina")).entities
    assert await knowledge.history.of_document(KEPT[0]), "what does not name her stays, whoever lists it"


@pytest.mark.parametrize("broken_off", ["before", "between", "behind"])
async def test_broken_off_it_goes_on(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch, broken_off: str) -> None:
    """Before the keys are destroyed, as they are, or behind it, while a read model may still get to know of it."""
    before = await all_digests(knowledge)
    await knowledge.tell(LETTER, NICKNAME)
    await knowledge.history.assign("Mina", "Wilhelmina")
    await knowledge.follow()
    shown = ids(await find(knowledge, "Wilhelmina"))
    await deleted(knowledge, LETTER, NICKNAME)
    erasing = knowledge.storage.erasing
    with monkeypatch.context() as patched:
        if broken_off == "between":
            patched.setattr(Erasures, "erase", _fail)
        else:
            patched.setattr(type(erasing), "_built" if broken_off == "behind" else "_plan", _fail)
        with pytest.raises(RuntimeError):
            await erase(knowledge, shown, "Wilhelmina")
    if broken_off == "behind":
        # As a generation that was begun before would have brought it.
        pool = knowledge.stores.pool
        assert await pool.fetchval("SELECT count(*) FROM annals.unfinished_erasures") > 0
    await erase(knowledge, shown, "Wilhelmina")
    assert await knowledge.stores.pool.fetchval("SELECT count(*) FROM annals.unfinished_erasures") == 0
    assert await all_digests(knowledge) == before
    assert await find(knowledge, "Wilhelmina") == Naming((), (), (), ())


async def test_what_rules_called_the_same_until_it_was_deleted_is_found(knowledge: Knowledge) -> None:
    """An erasure that was broken off behind its deletions: of what no document says any more, rules say nothing."""
    await knowledge.tell(LETTER, NICKNAME)
    await knowledge.history.assign("Mina", "Wilhelmina")
    assert ids(await find(knowledge, "Wilhelmina")) == ["letters/1", "nick"]
    await deleted(knowledge, LETTER, NICKNAME)
    await knowledge.history.release("Mina")
    assert ids(await find(knowledge, "Wilhelmina")) == ["letters/1", "nick"]
    await knowledge.tell(NICKNAME)
    assert ids(await find(knowledge, "Wilhelmina")) == ["letters/1"], "she is somebody else now"


async def test_what_came_back_before_an_erasure_went_on_stays(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    await knowledge.tell(LETTER)
    await deleted(knowledge, LETTER)
    with monkeypatch.context() as patched:
        patched.setattr(Generations, "discard", _fail)
        patched.setattr(type(knowledge.storage.erasing), "_built", _fail)
        with pytest.raises(RuntimeError):
            await erase(knowledge, ["letters/1"], "Wilhelmina")
    await knowledge.tell(LETTER)
    there = await all_digests(knowledge)
    await erase(knowledge, [], "Ottokar of nowhere")
    assert await all_digests(knowledge) == there
    assert ids(await find(knowledge, "Wilhelmina")) == ["letters/1"]


async def test_for_who_may_administer_documents(knowledge: Knowledge) -> None:
    caller = Caller("default", "ada", "test", allowed("documents:delete", "documents:read", tenant="default"))
    with pytest.raises(AccessDeniedError):
        await knowledge.storage.naming.find(caller, ["Ada"], deadline=Deadline.after(5))
    with pytest.raises(AccessDeniedError):
        await knowledge.storage.subjects.erase(
            caller, ["Ada"], ["kept"], reason="r", correlation_id="e", deadline=Deadline.after(5)
        )
    for wrong in ([], ["--"], ["x"] * 21):
        with pytest.raises(InvalidRequestError):
            await find(knowledge, *wrong)


async def test_tenants_do_not_see_one_another(knowledge: Knowledge) -> None:
    await knowledge.tell(Story("letters/1", ("Wilhelmina met Ottokar.",), tenant="other"))
    assert await find(knowledge, "Wilhelmina") == Naming((), (), (), ())


async def _fail(*_: object) -> None:
    raise RuntimeError("broken off")
