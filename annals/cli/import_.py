"""`annals import`."""

import contextlib
import gzip
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO, cast

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import session
from contracts.errors import AnnalsError
from eventstore.archive import ArchiveError, ArchiveReader
from eventstore.transfer import NotEmptyError, restore


@click.command("import", short_help="Take an exported event store into an empty one.")
@click.argument("file", type=click.Path(allow_dash=True))
@common
def command(context: CommandContext, file: str) -> None:
    """Take in what `annals export` wrote to FILE; - is standard input, .gz is decompressed.

    The event store must be empty. Ids, versions, positions and times stay as they were. All of the file is taken in, or
    nothing: a file that was cut off or damaged is named with its line. Afterwards `annals replay all` builds the
    read models, and the relay publishes the events.
    """
    run_async(lambda: _import(context, file))


async def _import(context: CommandContext, file: str) -> None:
    began = time.monotonic()
    try:
        with _opened(file) as raw:
            archive = ArchiveReader(raw)
            async with session(context.settings, read_models=False, new=True) as opened:
                with context.progress("importing", archive.header.counts.all, "lines") as done:
                    counts = await restore(opened.services.pool, archive, done)
    except ArchiveError as error:
        raise AnnalsError(f"{'standard input' if file == '-' else file}: {error}; nothing was taken in") from None
    except NotEmptyError as error:
        raise AnnalsError(
            f"the event store is not empty: {error}; import into a new database or --data folder"
        ) from None
    seconds = round(time.monotonic() - began, 1)
    context.say(
        f"{counted(counts.events, 'event')}, {counted(counts.texts, 'text')}, "
        f"{counted(counts.outputs, 'model output')}, {counted(counts.receipts, 'receipt')} "
        f"imported in {seconds} s"
    )
    context.say("Next, to build the read models: annals replay all")
    context.give({"file": file, **counts.model_dump(), "seconds": seconds})


@contextlib.contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """Raises ArchiveError where the file cannot be opened; the rest is the reader's to say."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        raw = cast(BinaryIO, gzip.open(file, "rb")) if file.endswith(".gz") else open(file, "rb")  # noqa: SIM115
    except OSError as error:
        raise ArchiveError(f"cannot be read: {error.strerror or error}") from None
    with raw:
        yield raw
