"""`annals ingest --watch`: what follows a folder, over the gateway or the databases of this installation."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from annals.cli.context import CommandContext
from annals.cli.usage import WrongUsageError
from annals.folders import Selection, is_selected
from annals.loading import LoadOptions
from annals.stored import Stored
from annals.watching.following import FolderFollower

WORDS = {
    "ingested": "ingested {document_id}",
    "updated": "updated {document_id}",
    "duplicate": "{document_id} had been delivered before",
    "deleted": "deleted {document_id}: {reason}",
    "refused": "skipped {name}: {reason}",
    "left_out": "left out {name}: {reason}",
    "warning": "{name}: {reason}",
    "unreadable": "{name} {reason}",
    "no_hints": "the system tells of no changes ({reason}): the folder is looked at every {seconds:g} s",
    "current": "all is taken in, files: {files}",
}
RESULTS = frozenset({"ingested", "updated", "deleted", "current"})


async def watch(context: CommandContext, paths: Sequence[str], options: LoadOptions) -> None:
    """Until ctrl-C. Raises WrongUsageError, and what storing raises."""
    folder = folder_of(context, paths, options)

    def tell(event: str, **fields: object) -> None:
        line = WORDS[event].format(**fields)
        if event in RESULTS:
            context.say(line)
        else:
            context.note(line)
        context.give({"event": event, **fields})

    try:
        async with _stored(context) as stored:
            context.note(f"following {folder}; ctrl-C ends it")
            await FolderFollower(folder, options, stored, tell).follow()
    except asyncio.CancelledError:
        context.note("stopped")


def folder_of(context: CommandContext, paths: Sequence[str], options: LoadOptions) -> Path:
    """The one folder that is named. Raises WrongUsageError."""
    if len(paths) != 1 or not os.path.isdir(paths[0]):
        raise WrongUsageError("--watch follows one folder; name it, and start one for each")
    folder, data = Path(paths[0]), context.settings.data.resolve()
    if data.is_relative_to(folder.resolve()):
        inside = data.relative_to(folder.resolve())
        # What is taken in would be written there, and taken in.
        if not any(part.startswith(".") for part in inside.parts) and is_selected(
            f"{inside.as_posix()}/", Selection(excludes=options.selection.excludes)
        ):
            raise WrongUsageError(f"the data folder {data} lies in {folder}; name another folder, or --exclude it")
    return folder


@contextlib.asynccontextmanager
async def _stored(context: CommandContext) -> AsyncIterator[Stored]:
    address = context.gateway()
    if address is not None:
        from annals.cli.by_gateway import ByGateway
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            yield ByGateway(gateway)
        return
    from annals.cli.here.documents import stored_here

    async with stored_here(context) as stored:
        yield stored
