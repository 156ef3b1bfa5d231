"""`annals ask`."""

import sys
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from annals.cli.at import at_option, parameters_of
from annals.cli.citing import cited, has_structure
from annals.cli.context import CommandContext, run_async, served
from annals.cli.words import counted, short
from contracts.errors import AnnalsError
from contracts.payload import Question
from contracts.text import is_blank

MOST_OTHERS = 2
"""Other candidates that are told beside an answer."""
DAY = len("2026-01-05")
_QUESTION: TypeAdapter[str] = TypeAdapter(Question)


@click.command("ask")
@click.argument("question")
@click.option("-k", "sources", type=click.IntRange(1, 50), default=5, show_default=True, help="Sources to give.")
@at_option
@served
def command(context: CommandContext, question: str, sources: int, at: str | None) -> None:
    """Answer QUESTION from what was taken in.

    The answer comes with a confidence in 0..1, which is how often such an answer is right, the sentences that lead to
    it, and its sources. What contradicts it is told with the dates of both documents. Without evidence there is no
    answer but what is missing, and the exit code is 1. An answer with --at is recorded nowhere.
    """
    if not run_async(lambda: _ask(context, question, sources, at)):
        sys.exit(1)


async def _ask(context: CommandContext, question: str, k: int, at: str | None) -> bool:
    """Whether there is an answer."""
    if is_blank(question):
        raise AnnalsError("the question is blank; ask for example: annals ask 'Who founded ...?'")
    try:
        _QUESTION.validate_python(question)
    except ValidationError as error:
        raise AnnalsError(f"the question cannot be asked: {error.errors()[0]['msg']}") from None
    answered = False

    def tell(answer: dict[str, Any]) -> None:
        nonlocal answered
        answered = answer["answer"] is not None
        context.give(answer)
        _tell(context, answer)

    address = context.gateway()
    if address is None:
        from annals.cli.here import asking as here

        await (here.ask(context, question, k, tell) if at is None else here.ask_past(context, at, question, k, tell))
    else:
        from client import asking as there
        from client.gateway import open_gateway

        with context.people.status("thinking"):
            async with open_gateway(address) as gateway:
                answer = await there.ask(gateway, question, k, **parameters_of(at))
        tell(answer)
        if not answer["recorded"] and at is None:
            context.note("the answer is not recorded yet; the gateway goes on trying")
    return answered


def _tell(context: CommandContext, answer: dict[str, Any]) -> None:
    if answer["answer"] is None:
        context.say(f"No answer: {answer['missing'] or 'nothing that was taken in speaks of this'}.")
        if answer["note"]:
            context.note(answer["note"])
        return
    context.say(" ".join(answer["answer"].split()))
    context.say(
        f"  confidence {answer['confidence']:.2f}{', kept from an earlier question' if answer['cached'] else ''}"
    )
    if answer["borne_out"] is False:
        context.say("  a generative model's words, which the sources do not bear out")
    if answer["note"]:
        context.note(answer["note"])
    if answer["steps"]:
        context.say("How")
    for step in answer["steps"]:
        found = " ".join(step["found"].split())
        context.say(f"  {short(found)}: {short(step['sentence'])} ({step['title'] or step['document_id']})")
    others = [other for other in answer["candidates"] if other["answer"] != answer["answer"]]
    against = [other for other in others if other["contradicts"]]
    if against:
        context.say("Contradicted")
        for one in [*_own(answer), *against]:
            context.say(f"  {short(one['answer'])}: {short(one['sentence'])} ({_source(one)})")
    likely = [other for other in others if not other["contradicts"]][:MOST_OTHERS]
    if likely:
        context.say("Less likely")
        for other in likely:
            text = f"{short(other['answer'])}: {short(other['sentence'])}"
            context.say(f"  {other['support']:.2f} {text} ({_source(other)})")
    context.say("Sources")
    for number, source in enumerate(answer["sources"], start=1):
        context.say(f"  {number}. {source['title']}: {short(source['text'])}")
        if has_structure(source):
            context.say(f"     {cited(source)}")


def _own(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The candidate that is the answer."""
    return [one for one in answer["candidates"] if one["answer"] == answer["answer"]][:1]


def _source(candidate: dict[str, Any]) -> str:
    """Its document, when that is from, and how many tell the same."""
    told = [short(candidate["title"] or candidate["document_id"])]
    if candidate["date"] is not None:
        told.append(f"{'of' if candidate['date_of'] == 'said' else 'taken in'} {candidate['date'][:DAY]}")
    if candidate["documents"] > 1:
        told.append(f"in {counted(candidate['documents'], 'document')}")
    return ", ".join(told)
