"""Taking in, following and deleting, over the databases of this installation."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from annals.cli.context import CommandContext
from annals.cli.names import names_of
from annals.cli.taking import Store, Taken, take
from annals.loading import Loaded, Refused
from annals.session import session
from contracts.envelope import EventMetadata
from eventstore.retries import retry_unavailable
from services.caller import Caller
from services.deadline import Deadline
from services.operations.progress import NOTICE_LIMIT_S, Progress
from services.processing.serving import MODELS_LIMIT_S
from services.storage.intake import TAKE_LIMIT_S, DocumentTooLargeError, Outcome, Submission
from services.storage.taking import TakeDocuments
from services.storage.waiting import WAIT_LIMIT_S

BATCH = 100
REPROCESS_LIMIT_S = 60.0
DELETE_LIMIT_S = 60.0


async def ingest(
    context: CommandContext, inputs: Iterator[Loaded | Refused], wait: bool
) -> tuple[Taken, int, dict[str, str], bool]:
    """What was taken in, how many of them are processed, why others will not be, and whether nothing is up."""
    async with session(context.settings, processing=wait, new=True) as opened:
        use_cases = opened.use_cases
        if wait and opened.own:
            await use_cases.models.check(context.caller, deadline=Deadline.after(MODELS_LIMIT_S))
        taken = await take_by(context, use_cases.storage.taking, inputs)
        if not wait or not taken.documents:
            return taken, 0, {}, opened.own
        # What was taken in before and stands still goes on, too.
        unchanged = [document_id for document_id, outcome in taken.documents.items() if outcome == "unchanged"]
        await use_cases.operations.reprocess.reprocess(
            context.caller, unchanged, deadline=Deadline.after(REPROCESS_LIMIT_S)
        )
        with context.progress("processing", len(taken.documents), "documents") as done:
            awaited = await use_cases.storage.waiting.until_projected(
                context.caller, list(taken.documents), done, deadline=Deadline.after(WAIT_LIMIT_S)
            )
        if opened.own:
            await retry_unavailable(partial(_until_caught_up, use_cases.operations.progress))
        return taken, awaited.processed, awaited.failed, opened.own


async def take_by(context: CommandContext, taking: TakeDocuments, inputs: Iterator[Loaded | Refused]) -> Taken:
    """Take all of it in."""
    return await take(context, _store(context, taking), inputs, batch=BATCH)


async def delete(context: CommandContext, ids: Sequence[str], reason: str | None) -> dict[str, Any]:
    """Delete these, and wait until they are gone from every read model."""
    async with session(context.settings, processing=True) as opened:
        storage = opened.use_cases.storage
        deletion = await storage.deletion.delete(
            context.caller,
            [names_of(given) for given in ids],
            reason=reason,
            correlation_id=f"delete-{uuid4()}",
            deadline=Deadline.after(DELETE_LIMIT_S),
        )
        awaited = await storage.waiting.until_projected(
            context.caller, deletion.all, deadline=Deadline.after(WAIT_LIMIT_S)
        )
    return {"deleted": list(deletion.deleted), "already": list(deletion.already), "failed": awaited.failed}


async def _until_caught_up(progress: Progress) -> None:
    await progress.until_caught_up(deadline=Deadline.after(NOTICE_LIMIT_S))


def _store(context: CommandContext, taking: TakeDocuments) -> Store:
    caller, correlation = context.caller, f"ingest-{uuid4()}"

    async def store(documents: Sequence[Loaded]) -> Sequence[str | Refused]:
        found: list[str | Refused] = []
        submissions: list[Submission] = []
        for one in documents:
            try:
                taking.check(one.name, one.text)
            except DocumentTooLargeError as error:
                found.append(Refused(one.name, str(error).removeprefix(f"{one.name}: ")))
            else:
                found.append("")
                submissions.append(_submission(one, caller.metadata, correlation))
        # Each submission has its id by now: asked twice, it is taken once.
        outcomes = iter(await retry_unavailable(partial(_take_batch, taking, caller, submissions)))
        return [one if isinstance(one, Refused) else next(outcomes) for one in found]

    return store


async def _take_batch(taking: TakeDocuments, caller: Caller, submissions: Sequence[Submission]) -> list[Outcome]:
    return await taking.take(caller, submissions, Deadline.after(TAKE_LIMIT_S))


def _submission(document: Loaded, metadata: EventMetadata, correlation: str) -> Submission:
    return Submission(
        document_id=document.document_id,
        title=document.title,
        text=document.text,
        uri=document.uri,
        attributes=document.attributes,
        metadata=metadata,
        event_id=uuid4(),
        correlation_id=correlation,
    )
