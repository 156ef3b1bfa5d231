"""An answer that was called wrong is not given from the cache, whichever of the questions that had it was judged."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from security.access import FULL_ACCESS
from services.caller import Caller
from services.corrections.chains import JudgeChains
from services.deadline import Deadline
from services.reasoning.ask import AskResult
from tests.projections.stories import Story
from tests.support.knowledge import Knowledge, open_knowledge

QUESTION = "When was Ostermill founded?"
STORY = Story("said", ("Ostermill was founded in 1849.",), "Ostermill", tenant="ours")
OTHER = Story("said", ("Ostermill was founded in 1849.",), "Ostermill", tenant="theirs")
ADA = Caller("ours", "ada", "test", FULL_ACCESS)
BOB = Caller("theirs", "bob", "test", FULL_ACCESS)


def soon() -> Deadline:
    return Deadline.after(30)


class Questions:
    """A tenant's questions and judgements, with every read model as far as the log."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.chains = JudgeChains(knowledge.stores.commands, knowledge.stores.reader)

    async def ask(self, caller: Caller = ADA) -> AskResult:
        asked = await self.knowledge.ask.ask(caller, QUESTION, 5, soon())
        await self.knowledge.follow()
        return asked

    async def keep(self, asked: AskResult, caller: Caller = ADA) -> None:
        await self.knowledge.stores.read.answers.keep(caller.tenant, asked.key, asked.query_id)

    async def judge(self, asked: AskResult, valid: bool | None) -> None:
        await self.chains.judge(ADA, asked.query_id, valid=valid, reason="wrong mill", deadline=soon())
        await self.knowledge.follow()


@pytest.fixture
async def questions(dsn: str, tmp_path: Path) -> AsyncIterator[Questions]:
    async with open_knowledge(dsn, tmp_path) as opened:
        await opened.tell(STORY, OTHER)
        yield Questions(opened)


def is_doubted(asked: AskResult) -> bool:
    return not asked.cached and asked.answer.confidence <= 0.5 and "wrong mill" in (asked.answer.note or "")


async def test_of_an_answer_out_of_the_cache(questions: Questions) -> None:
    first = await questions.ask()
    await questions.keep(first)
    kept = await questions.ask()
    assert (first.cached, kept.cached) == (False, True)
    await questions.judge(kept, False)
    assert is_doubted(await questions.ask())
    # Both judgements hold, each until it is taken back.
    await questions.judge(first, False)
    await questions.judge(kept, None)
    assert is_doubted(await questions.ask())
    await questions.judge(first, None)
    assert (await questions.ask()).cached


async def test_of_one_of_two_that_were_asked_at_once(questions: Questions) -> None:
    first, second = await questions.ask(), await questions.ask()
    assert not first.cached and not second.cached
    await questions.keep(second)
    await questions.judge(first, False)
    assert is_doubted(await questions.ask())


async def test_where_the_cache_was_lost(questions: Questions) -> None:
    first = await questions.ask()
    await questions.judge(first, False)
    assert is_doubted(await questions.ask())


async def test_of_another_tenant_nothing_changes(questions: Questions) -> None:
    first = await questions.ask(BOB)
    await questions.keep(first, BOB)
    await questions.judge(await questions.ask(), False)
    assert (await questions.ask(BOB)).cached
