"""Taking in, following and deleting, over the databases of this installation."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import uuid4

from annals.cli.context import CommandContext
from annals.cli.names import names_of
from annals.cli.taking import Input, Prepare, Store, Taken, take
from annals.loading import Loaded, Refused
from annals.session import session
from annals.stored import StoredDocument
from contracts.envelope import EventMetadata
from eventstore.retries import retry_unavailable
from services.caller import Caller
from services.deadline import Deadline
from services.operations.progress import NOTICE_LIMIT_S, Progress
from services.processing.serving import MODELS_LIMIT_S
from services.storage.intake import TAKE_LIMIT_S, DocumentTooLargeError, Outcome, Submission
from services.storage.logged import LoggedPage
from services.storage.taking import TakeDocuments
from services.storage.use_cases import Storage
from services.storage.waiting import WAIT_LIMIT_S

BATCH = 100
REPROCESS_LIMIT_S = 60.0
DELETE_LIMIT_S = 60.0
ERASE_LIMIT_S = 600.0
LIST_LIMIT_S = 60.0
PAGE = 1000


async def ingest(context: CommandContext, prepare: Prepare, wait: bool) -> tuple[Taken, int, dict[str, str], bool]:
    """What was taken in, how many of them are processed, why others will not be, and whether nothing is up."""
    async with session(context.settings, processing=wait, new=True) as opened:
        use_cases = opened.use_cases
        if wait and opened.own:
            await use_cases.models.check(context.caller, deadline=Deadline.after(MODELS_LIMIT_S))
        inputs = await prepare(StoredHere(context, use_cases.storage))
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


async def take_by(context: CommandContext, taking: TakeDocuments, inputs: Iterator[Input]) -> Taken:
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


async def erase(context: CommandContext, ids: Sequence[str], reason: str) -> dict[str, Any]:
    """Erase these."""
    async with session(context.settings, processing=True) as opened:
        erased = await opened.use_cases.storage.erasing.erase(
            context.caller,
            [names_of(given) for given in ids],
            reason=reason,
            correlation_id=f"erase-{uuid4()}",
            deadline=Deadline.after(ERASE_LIMIT_S),
        )
    return {"documents": list(erased.documents), **erased.counts}


@contextlib.asynccontextmanager
async def stored_here(context: CommandContext) -> AsyncIterator["StoredHere"]:
    """Whatever is stored is processed as well, for as long as this is open."""
    async with session(context.settings, processing=True, new=True) as opened:
        if opened.own:
            await opened.use_cases.models.check(context.caller, deadline=Deadline.after(MODELS_LIMIT_S))
        yield StoredHere(context, opened.use_cases.storage)


class StoredHere:
    """Documents of a folder that is followed, over the databases of this installation."""

    def __init__(self, context: CommandContext, storage: Storage) -> None:
        self._caller = context.caller
        self._storage = storage
        self._take = _store(context, storage.taking)

    async def below(self, id_prefix: str) -> Sequence[StoredDocument]:
        """Raises StoreUnavailableError."""
        return await self._logged(id_prefix=id_prefix)

    async def lines_below(self, file_prefix: str) -> Sequence[StoredDocument]:
        """Raises StoreUnavailableError."""
        return await self._logged(file_prefix=file_prefix)

    async def _logged(self, *, id_prefix: str = "", file_prefix: str = "") -> Sequence[StoredDocument]:
        found: list[StoredDocument] = []
        after: str | None = None
        while True:
            page = await retry_unavailable(partial(self._page, id_prefix, file_prefix, after))
            found += [StoredDocument(**asdict(one)) for one in page.documents]
            after = page.next
            if after is None:
                return found

    async def take(self, documents: Sequence[Loaded]) -> Sequence[str | Refused]:
        """As `ingest`."""
        return await self._take(documents)

    async def delete(self, document_ids: Sequence[str], reason: str) -> None:
        """Those that are there. Raises StoreUnavailableError, ConflictError."""
        await retry_unavailable(partial(self._delete, document_ids, reason))

    async def _page(self, id_prefix: str, file_prefix: str, after: str | None) -> LoggedPage:
        return await self._storage.logged.documents(
            self._caller,
            id_prefix=id_prefix,
            file_prefix=file_prefix,
            after=after,
            limit=PAGE,
            deadline=Deadline.after(LIST_LIMIT_S),
        )

    async def _delete(self, document_ids: Sequence[str], reason: str) -> None:
        await self._storage.deletion.delete(
            self._caller,
            [[one] for one in document_ids],
            reason=reason,
            correlation_id=f"watch-{uuid4()}",
            deadline=Deadline.after(DELETE_LIMIT_S),
        )


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
        originals = {one.document_id: one.original for one in documents if one.original is not None}
        outcomes = iter(await retry_unavailable(partial(_take_batch, taking, caller, submissions, originals)))
        return [one if isinstance(one, Refused) else next(outcomes) for one in found]

    return store


async def _take_batch(
    taking: TakeDocuments, caller: Caller, submissions: Sequence[Submission], originals: Mapping[str, bytes]
) -> list[Outcome]:
    return await taking.take(caller, submissions, Deadline.after(TAKE_LIMIT_S), originals=originals)


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
