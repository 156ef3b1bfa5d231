"""A PostgreSQL that is frozen (SIGSTOP) takes no answer away, and no question waits for it beyond its deadline."""

import signal
import time

import pytest

from eventstore.access_version import AccessVersion
from eventstore.commands import Commands
from eventstore.log import EventLog
from eventstore.pool import close_pool, open_pool
from eventstore.reader import EventReader
from projections.answers.postgres import PostgresAnswers
from reasoning.engine import Reasoner
from reasoning.visible import Visible
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline, DeadlineExceededError
from services.rate_limits import PostgresRateLimits
from services.reasoning.ask import AskService
from services.reasoning.recorder import AnswerRecorder
from tests.services.reasoning.fakes import ANSWER, Engine, documents, passages, until
from tests.support.frozen import Freezer, freezer

__all__ = ["freezer"]

CALLER = Caller("ours", "ada", "test", FULL_ACCESS)
GRANTED_S = 10.0


class Reading(Engine):
    """One whose state is in PostgreSQL."""

    def __init__(self, answers: PostgresAnswers) -> None:
        super().__init__()
        self._kept = answers

    async def state(self, tenant: str, visible: Visible | None = None) -> str:
        await self._kept.find(tenant, "state")
        return "state"


@pytest.mark.parametrize("reads", [False, True], ids=["its engine needs no database", "its engine reads"])
async def test_a_question(freezer: Freezer, reads: bool) -> None:
    pool = await open_pool(freezer.dsn, max_size=4)
    reader, answers, version = EventReader(pool), PostgresAnswers(pool), AccessVersion(freezer.dsn)
    limits = PostgresRateLimits(pool, version)
    await answers.open()
    await limits.open()
    with EventLog.connect(freezer.dsn) as log:
        commands = Commands(log, reader)
        engine: Reasoner = Reading(answers) if reads else Engine()
        service = AskService(
            engine, AnswerRecorder(commands), reader, passages(), answers, limits, documents(), per_minute=10
        )
        assert (await service.ask(CALLER, "Who?", 5, Deadline.after(GRANTED_S))).recorded
        freezer.signal(signal.SIGSTOP)
        began = time.monotonic()
        if reads:
            with pytest.raises(DeadlineExceededError, match="answering took longer than 2 s"):
                await service.ask(CALLER, "Who?", 5, Deadline.after(2.0))
        else:
            asked = await service.ask(CALLER, "Who?", 5, Deadline.after(GRANTED_S))
            assert (asked.answer, asked.recorded) == (ANSWER, False)
        assert time.monotonic() - began < GRANTED_S
        freezer.signal(signal.SIGCONT)
        if not reads:

            async def is_stored() -> bool:
                found = await reader.of_aggregate("ours", "reasoning_query", asked.query_id)
                return [event.aggregate_version for event in found] == [1, 2]

            await until(is_stored)
        await service.close()
        assert service.lost == 0
        commands.close()
    await version.close()
    await close_pool(pool)
