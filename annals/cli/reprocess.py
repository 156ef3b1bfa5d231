"""`annals reprocess`."""

import sys
from dataclasses import asdict
from typing import Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.names import names_of
from annals.cli.words import said_of
from annals.session import Session, session
from services.deadline import Deadline
from services.storage.waiting import WAIT_LIMIT_S

LIMIT_S = 60.0


@click.command("reprocess")
@click.argument("ids", nargs=-1)
@click.option("--unfinished", is_flag=True, help="All documents that are not processed.")
@click.option("--wait", is_flag=True, help="Return only when they are processed and can be asked.")
@common
def command(context: CommandContext, ids: tuple[str, ...], unfinished: bool, wait: bool) -> None:
    """Have the documents of these IDS (or paths) processed as far as they are not; nothing is done twice.

    `annals status` names documents that stand still. The exit code is 1 where one was not processed.
    """
    if bool(ids) == unfinished:
        raise click.UsageError("name the documents, or give --unfinished")
    if not run_async(lambda: _reprocess(context, ids, wait)):
        sys.exit(1)


async def _reprocess(context: CommandContext, ids: tuple[str, ...], wait: bool) -> bool:
    failed: dict[str, str] = {}
    async with session(context.settings, processing=wait) as opened:
        document_ids = await _named(context, opened, ids)
        service = opened.use_cases.operations.reprocess
        done = await service.reprocess(context.caller, document_ids, deadline=Deadline.after(LIMIT_S))
        result: dict[str, Any] = {"asked": list(done.asked), "finished": list(done.finished)}
        if wait and done.asked:
            with context.progress("processing", len(done.asked), "documents") as report:
                awaited = await opened.use_cases.storage.waiting.until_projected(
                    context.caller, done.asked, report, deadline=Deadline.after(WAIT_LIMIT_S)
                )
            failed = awaited.failed
            result |= asdict(awaited)
        context.say(outcome(len(done.asked), len(done.finished)))
        if done.asked and not wait and opened.own:
            context.say(
                f"Nothing is up, so {'it waits' if len(done.asked) == 1 else 'they wait'} to be processed: "
                "run `annals up`, or reprocess with --wait"
            )
    for document_id, cause in failed.items():
        context.note(f"not processed {document_id}: {cause} (see: annals dead-letters list)")
    context.give(result)
    return not failed


def outcome(asked: int, finished: int) -> str:
    """For people: how many documents go on, and how many have nothing left to do."""
    if not asked and not finished:
        return "nothing to do: every document is processed"
    said = []
    if asked:
        said.append(said_of(asked, "document", "goes on", "go on"))
    if finished:
        said.append(said_of(finished, "document", "needs", "need") + " no more processing")
    return ", ".join(said)


async def _named(context: CommandContext, opened: Session, ids: tuple[str, ...]) -> list[str]:
    service, deadline = opened.use_cases.operations.reprocess, Deadline.after(LIMIT_S)
    if not ids:
        return await service.unfinished(context.caller, deadline=deadline)
    return await service.named(context.caller, [names_of(given) for given in ids], deadline=deadline)
