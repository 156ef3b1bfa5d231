"""`annals import`."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import session
from contracts.errors import AnnalsError
from eventstore.archive import ArchiveReader
from eventstore.archive_keys import KeysReader
from eventstore.summed_lines import ArchiveError
from services.deadline import Deadline
from services.operations import archive_files
from services.operations.archive_files import KEYS_SUFFIX
from services.operations.export import TRANSFER_LIMIT_S


@click.command("import")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--keys", type=click.Path(), help="What opens it.  [default: FILE.keys, where that is there]")
@common
def command(context: CommandContext, file: str, keys: str | None) -> None:
    """Take in what `annals export` wrote to FILE, and to a file of keys; - is standard input, .gz is decompressed. A
    file of keys that was written later opens it, too, but for what was erased since. Older archives need none.

    The event store must be empty. Ids, versions, positions and times stay as they were. All of the file is taken in, or
    nothing: a file that was cut off or damaged is named with its line. Afterwards `annals replay all` builds the
    read models, and the relay publishes the events.
    """
    run_async(lambda: _import(context, file, keys))


async def _import(context: CommandContext, file: str, keys: str | None) -> None:
    began = time.monotonic()
    try:
        with _opened(file) as raw, _opened_keys(file, keys) as opening:
            archive = ArchiveReader(raw)
            async with session(context.settings, read_models=False, new=True) as opened:
                with context.progress("importing", archive.header.counts.all, "lines") as done:
                    counts = await opened.use_cases.operations.transfer.restore(
                        context.caller, archive, opening, report=done, deadline=Deadline.after(TRANSFER_LIMIT_S)
                    )
    except ArchiveError as error:
        raise AnnalsError(f"{'standard input' if file == '-' else file}: {error}; nothing was taken in") from None
    seconds = round(time.monotonic() - began, 1)
    context.say(
        f"{counted(counts.events, 'event')}, {counted(counts.texts, 'text')}, "
        f"{counted(counts.outputs, 'model output')}, {counted(counts.receipts, 'receipt')}, "
        f"{counted(counts.originals, 'piece')} of originals "
        f"imported in {seconds} s"
    )
    context.say("Next, to build the read models: annals replay all")
    context.give({"file": file, **counts.model_dump(), "seconds": seconds})


@contextlib.contextmanager
def _opened_keys(file: str, keys: str | None) -> Iterator[KeysReader | None]:
    """None where no file is named and none lies beside the archive. Raises ArchiveError."""
    path = Path(file + KEYS_SUFFIX) if keys is None else Path(keys)
    if keys is None and not path.exists():
        yield None
        return
    with contextlib.ExitStack() as stack:
        try:
            raw = stack.enter_context(archive_files.opened(path))
        except ArchiveError as error:
            raise ArchiveError(f"the keys file {path}: {error}") from None
        yield KeysReader(raw)


@contextlib.contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """Raises ArchiveError where the file cannot be opened; the rest is the reader's to say."""
    if file == "-":
        yield sys.stdin.buffer
        return
    with archive_files.opened(Path(file)) as raw:
        yield raw
