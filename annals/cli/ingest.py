"""`annals ingest`."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from uuid import uuid4

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.folders import LeftOut
from annals.folders import summary as summary_of
from annals.loading import Loaded, Refused, load, set_aside
from annals.session import session
from contracts.batches import batches
from contracts.envelope import EventMetadata
from eventstore.retries import retry_unavailable
from services.deadline import Deadline
from services.operations.progress import NOTICE_LIMIT_S, Progress
from services.processing.serving import MODELS_LIMIT_S
from services.storage.intake import TAKE_LIMIT_S, DocumentTooLargeError, Intake, Outcome, Submission
from services.storage.waiting import WAIT_LIMIT_S

BATCH = 100
REPROCESS_LIMIT_S = 60.0


@click.command("ingest", short_help="Take documents in.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--wait", is_flag=True, help="Return only when every document is processed and can be asked.")
@common
def command(context: CommandContext, paths: tuple[str, ...], wait: bool) -> None:
    """Take documents in from PATHS: files, folders, .jsonl files, or - for standard input.

    \b
    .txt .md   one document; its path makes it the same document next time
    .jsonl     one document a line: {"id", "title", "text"}, optionally "uri" and "attributes"

    Of a folder, hidden files and folders (.git), links to folders, and files of other kinds are left out and counted;
    a link to a file is that file. A folder or link that is named itself is taken in. A file of another kind that is
    named itself is a text, or lines if it is .json.

    The same document taken in twice changes nothing; a changed one is an update. What is broken or empty is named and
    skipped, the rest go on; the exit code is then 1.
    """
    refused = run_async(lambda: _ingest(context, paths, wait))
    if refused:
        sys.exit(1)


async def _ingest(context: CommandContext, paths: tuple[str, ...], wait: bool) -> int:
    left_out: list[LeftOut] = []
    inputs = set_aside(load(paths, sys.stdin.buffer), left_out)
    began = time.monotonic()
    async with session(context.settings, processing=wait, new=True) as opened:
        use_cases = opened.use_cases
        if wait and opened.own:
            await use_cases.models.check(context.caller, deadline=Deadline.after(MODELS_LIMIT_S))
        taken, outcomes, refusals = await take(context, use_cases.storage.intake, inputs)
        summary: dict[str, object] = {
            "documents": len(taken),
            **{name: outcomes[name] for name in ("ingested", "updated", "unchanged")},
        }
        failed: dict[str, str] = {}
        if wait and taken:
            # What was taken in before and stands still goes on, too.
            unchanged = [document_id for document_id, outcome in taken.items() if outcome == "unchanged"]
            await use_cases.operations.reprocess.reprocess(
                context.caller, unchanged, deadline=Deadline.after(REPROCESS_LIMIT_S)
            )
            with context.progress("processing", len(taken), "documents") as done:
                awaited = await use_cases.storage.waiting.until_projected(
                    context.caller, list(taken), done, deadline=Deadline.after(WAIT_LIMIT_S)
                )
            failed = awaited.failed
            if opened.own:
                await retry_unavailable(partial(_until_caught_up, use_cases.operations.progress))
            seconds = time.monotonic() - began
            summary |= {"processed": awaited.processed, "seconds": round(seconds, 1)}
        summary |= {"refused": [asdict(refusal) for refusal in refusals], "failed": failed}
        summary["left_out"] = [asdict(one) for one in left_out]
        if left_out:
            context.note(f"left out: {summary_of(left_out)}")
        for refusal in refusals:
            context.note(f"skipped {refusal.name}: {refusal.reason}")
        for document_id, cause in failed.items():
            context.note(f"not processed {document_id}: {cause} (see: annals dead-letters list)")
        counts = ", ".join(
            f"{outcomes[name]} {name}" for name in ("ingested", "updated", "unchanged") if outcomes[name]
        )
        context.say(f"{counted(len(taken), 'document')} taken in ({counts or 'nothing new'}), {len(refusals)} skipped")
        if wait and taken:
            asked = '; ask with: annals ask "..."' if summary["processed"] else ""
            context.say(f"{summary['processed']} processed in {summary['seconds']} s{asked}")
        elif taken and opened.own:
            context.say(
                f"Nothing is up, so {'it waits' if len(taken) == 1 else 'they wait'} to be processed: "
                "run `annals up`, or ingest with --wait"
            )
        context.give(summary)
        return len(refusals) + len(failed)


async def _until_caught_up(progress: Progress) -> None:
    await progress.until_caught_up(deadline=Deadline.after(NOTICE_LIMIT_S))


async def take(
    context: CommandContext, intake: Intake, inputs: Iterator[Loaded | Refused]
) -> tuple[dict[str, Outcome], Counter[str], list[Refused]]:
    """Ids taken in with the last outcome of each, how many of each outcome, and what was refused."""
    taken: dict[str, Outcome] = {}
    outcomes: Counter[str] = Counter()
    refusals: list[Refused] = []
    metadata = context.caller.metadata
    correlation = f"ingest-{uuid4()}"
    with context.progress("taking in", None, "documents") as done:
        for batch in batches(inputs, _size, max_items=BATCH):
            submissions = []
            for one in batch:
                if isinstance(one, Refused):
                    refusals.append(one)
                    continue
                try:
                    intake.check(one.name, one.text)
                except DocumentTooLargeError as error:
                    refusals.append(Refused(one.name, str(error).removeprefix(f"{one.name}: ")))
                    continue
                submissions.append(_submission(one, metadata, correlation))
            # Each submission has its id by now: asked twice, it is taken once.
            found = await retry_unavailable(partial(_take_batch, intake, submissions))
            outcomes.update(found)
            taken.update(zip((submission.document_id for submission in submissions), found, strict=True))
            done(len(taken))
    return taken, outcomes, refusals


async def _take_batch(intake: Intake, submissions: Sequence[Submission]) -> list[Outcome]:
    return await intake.take(submissions, Deadline.after(TAKE_LIMIT_S))


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


def _size(one: Loaded | Refused) -> int:
    """Characters of its text, which is most of what it takes."""
    return len(one.text) if isinstance(one, Loaded) else 0
