"""`annals ask`."""

import contextlib
import sys
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from annals.cli.context import CommandContext, common, run_async
from annals.cli.search import described, short
from annals.cli.words import counted
from annals.composition.use_cases import UseCases
from annals.session import session
from contracts.errors import AnnalsError
from contracts.payload import Question
from contracts.text import is_blank
from eventstore.errors import StoreUnavailableError
from services.deadline import Deadline, DeadlineExceededError
from services.reasoning.ask import ASK_LIMIT_S, AskResult
from services.reasoning.recorder import CLOSE_LIMIT_S

COUNT_LIMIT_S = 3.0
"""For what is only said beside an answer."""

_QUESTION: TypeAdapter[str] = TypeAdapter(Question)


@click.command("ask", short_help="Ask a question; get an answer with its sources.")
@click.argument("question")
@click.option("-k", "sources", type=click.IntRange(1, 50), default=5, show_default=True, help="Sources to give.")
@common
def command(context: CommandContext, question: str, sources: int) -> None:
    """Answer QUESTION from what was taken in.

    The answer is the best supported sentence, with its sources, how each was reached, and a confidence in 0..1. Without
    evidence there is no answer, and the exit code is 1.
    """
    if run_async(lambda: _ask(context, question, sources)).answer.answer is None:
        sys.exit(1)


async def _ask(context: CommandContext, question: str, k: int) -> AskResult:
    if is_blank(question):
        raise AnnalsError("the question is blank; ask for example: annals ask 'Who founded ...?'")
    try:
        _QUESTION.validate_python(question)
    except ValidationError as error:
        raise AnnalsError(f"the question cannot be asked: {error.errors()[0]['msg']}") from None
    async with session(context.settings) as opened:
        service = opened.use_cases.ask
        # Loaded before the time of the question begins.
        with context.people.status("loading the models"):
            await service.load()
        with context.people.status("thinking"):
            asked = await service.ask(context.caller, question, k, Deadline.after(ASK_LIMIT_S))
        # Said at once: what follows may have to wait.
        context.give(result_of(asked))
        _tell(context, asked)
        if not asked.recorded:
            context.note(f"the answer is not recorded yet; the log is tried again for at most {CLOSE_LIMIT_S:g} s")
        await service.close()
        if service.lost:
            context.note(f"the answer was not recorded: the log has no question {asked.query_id}; see: annals status")
        elif not asked.recorded:
            context.note("the answer is recorded now")
        await _note_waiting(context, opened.use_cases)
    return asked


async def _note_waiting(context: CommandContext, use_cases: UseCases) -> None:
    """Tell how many documents could not be asked, if the read model says so soon."""
    with contextlib.suppress(StoreUnavailableError, DeadlineExceededError):
        counts = await use_cases.storage.listing.counts(context.caller, deadline=Deadline.after(COUNT_LIMIT_S))
        if counts.waiting:
            context.note(f"{counted(counts.waiting, 'document')} not processed yet, which could not be asked")


def result_of(asked: AskResult) -> dict[str, Any]:
    """The answer as --json gives it."""
    return {
        "query_id": asked.query_id,
        "answer": asked.answer.answer,
        "confidence": round(asked.answer.confidence, 4),
        "sources": [described(source) for source in asked.answer.sources],
        "reasoning_chains": list(asked.answer.chains),
        "cached": asked.cached,
        "milliseconds": asked.milliseconds,
        "recorded": asked.recorded,
    }


def _tell(context: CommandContext, asked: AskResult) -> None:
    answer = asked.answer
    if answer.answer is None:
        context.say("No answer: nothing that was taken in speaks of this.")
        return
    context.say(" ".join(answer.answer.split()))
    context.say(f"  confidence {answer.confidence:.2f}{', kept from an earlier question' if asked.cached else ''}")
    context.say("Sources")
    for number, source in enumerate(answer.sources, start=1):
        context.say(f"  {number}. {source.title}: {short(source.text)}")
    context.say("How")
    for chain in answer.chains:
        context.say(f"  {chain}")
