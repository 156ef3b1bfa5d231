"""Chains of answers: judged, and the judgement taken back. An answer with a wrong chain is not given again unasked."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from aggregates import reasoning_query as queries
from aggregates.reasoning_query import ReasoningQuery
from contracts.envelope import DomainEvent
from contracts.reasoning import ReasoningChainValidated
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from services.caller import Caller
from services.corrections.deciding import Corrected, outcome, unknown
from services.deadline import Deadline
from services.reasons import reason_of_caller

MOST_CHAIN = 2**31 - 1


class JudgeChains:
    """Raises AccessDeniedError, NotFoundError, RefusedError, ConflictError, StoreUnavailableError,
    DeadlineExceededError.
    """

    def __init__(self, commands: Commands, reader: EventReader) -> None:
        self._commands = commands
        self._reader = reader

    async def judge(
        self,
        caller: Caller,
        query_id: str,
        chain: int = 0,
        *,
        valid: bool | None,
        reason: str | None = None,
        undone: UUID | None = None,
        deadline: Deadline,
    ) -> Corrected:
        """Call a chain of the question's answer right or wrong; None takes the judgement back.

        `chain`: its number, from 0. `undone`: the event of the judgement that this takes back, where that is known.
        Whoever may see some documents alone judges answers that rest on those.
        """
        caller.require("reasoning", "write")
        why = reason_of_caller(reason)
        what = f"question {query_id!r}"
        key = AggregateKey(caller.tenant, "reasoning_query", query_id)
        async with deadline.enforce("judging a chain"):
            reach = caller.access.reach("reasoning", "write")
            seen = None if reach.is_everything else reach.searched
            if seen is not None and not await self._reader.seen.of_aggregate(key, seen, 0, 1):
                raise unknown(what)
            judgement = ReasoningChainValidated(chain=min(max(chain, 0), MOST_CHAIN), valid=valid, reason=why)
            cause = replace(caller.cause(f"question-{query_id}"), causation_id=undone)

            def decide(state: ReasoningQuery | None) -> Sequence[DomainEvent]:
                if state is None:
                    raise unknown(what)
                return queries.validate_chain(state, judgement, cause)

            events = await self._commands.execute(Command(key, ReasoningQuery.project, decide))
        return outcome(query_id, None, events)
