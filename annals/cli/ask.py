"""`annals ask`."""

import sys
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from annals.cli.context import CommandContext, common, run_async
from annals.cli.search import described, short
from annals.cli.words import counted
from annals.models import open_ask_service
from annals.session import session
from contracts.errors import AnnalsError
from contracts.payload import Question
from contracts.text import is_blank
from services.reasoning.ask import AskResult

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
        with context.people.status("thinking"):
            async with open_ask_service(opened.services) as service:
                asked = await service.ask(context.caller, question, k)
        waiting = (await opened.services.relational.counts(context.settings.tenant)).waiting
    context.give(result_of(asked))
    _tell(context, asked)
    if waiting:
        context.note(f"{counted(waiting, 'document')} not processed yet, which could not be asked")
    return asked


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
