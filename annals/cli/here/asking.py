"""Asking, with models and databases of this process."""

import contextlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from annals.cli.context import CommandContext
from annals.cli.here.passages import as_json
from annals.cli.words import counted
from annals.composition.question_session import question_session
from annals.installation import installation
from eventstore.errors import StoreUnavailableError
from services.deadline import Deadline, DeadlineExceededError
from services.reasoning.ask import ASK_LIMIT_S, AskResult
from services.reasoning.recorder import CLOSE_LIMIT_S
from services.storage.listing import Listing

COUNT_LIMIT_S = 3.0
"""For what is only said beside an answer."""


async def ask(context: CommandContext, question: str, k: int, tell: Callable[[dict[str, Any]], None]) -> None:
    """`tell` is called as soon as there is an answer: what follows may have to wait."""
    async with (
        installation(context.settings) as found,
        question_session(found.settings, found.state.addresses["postgres"]) as opened,
    ):
        service = opened.ask
        # Loaded before the time of the question begins.
        with context.people.status("loading the models"):
            await service.load()
        with context.people.status("thinking"):
            asked = await service.ask(context.caller, question, k, Deadline.after(ASK_LIMIT_S))
        tell(_answered(asked))
        if not asked.recorded:
            context.note(f"the answer is not recorded yet; the log is tried again for at most {CLOSE_LIMIT_S:g} s")
        await service.close()
        if service.lost:
            context.note(f"the answer was not recorded: the log has no question {asked.query_id}; see: annals status")
        elif not asked.recorded:
            context.note("the answer is recorded now")
        await _note_waiting(context, opened.listing)


async def ask_past(
    context: CommandContext, at: str, question: str, k: int, tell: Callable[[dict[str, Any]], None]
) -> None:
    """From the generation `at`; recorded nowhere."""
    # All use cases, which a question of today does without.
    from annals.session import session

    async with session(context.settings) as opened:
        with context.people.status("thinking"):
            # Unknown, it is said before models are loaded.
            await opened.use_cases.past.reads.of(at, deadline=Deadline.after(COUNT_LIMIT_S))
            await opened.use_cases.ask.load()
            asked = await opened.use_cases.past.ask.ask(
                context.caller, at, question, k, deadline=Deadline.after(ASK_LIMIT_S)
            )
        tell(_answered(asked))


async def _note_waiting(context: CommandContext, listing: Listing) -> None:
    """Tell how many documents could not be asked, if the read model says so soon."""
    with contextlib.suppress(StoreUnavailableError, DeadlineExceededError):
        counts = await listing.counts(context.caller, deadline=Deadline.after(COUNT_LIMIT_S))
        if counts.waiting:
            context.note(f"{counted(counts.waiting, 'document')} not processed yet, which could not be asked")


def _answered(asked: AskResult) -> dict[str, Any]:
    return {
        "query_id": asked.query_id,
        "answer": asked.answer.answer,
        "confidence": round(asked.answer.confidence, 4),
        "sources": [as_json(source) for source in asked.answer.sources],
        "reasoning_chains": list(asked.answer.chains),
        "steps": [asdict(step) for step in asked.answer.steps],
        "candidates": [asdict(candidate) for candidate in asked.answer.candidates],
        "missing": asked.answer.missing,
        "models": list(asked.answer.models),
        "borne_out": asked.answer.borne_out,
        "note": asked.answer.note,
        "cached": asked.cached,
        "milliseconds": asked.milliseconds,
        "recorded": asked.recorded,
    }
