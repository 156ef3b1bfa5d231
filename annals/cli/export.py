"""`annals export`."""

import contextlib
import gzip
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import session
from contracts.errors import AnnalsError
from eventstore.archive import ArchiveError, Counts
from eventstore.transfer import count_lines, dump

GZIP_LEVEL = 6


@click.command("export", short_help="Write the whole event store to a file.")
@click.argument("file", default="-", type=click.Path(allow_dash=True))
@click.option("--no-outputs", is_flag=True, help="Leave out what models said. Vectors cannot be replayed then.")
@common
def command(context: CommandContext, file: str, no_outputs: bool) -> None:
    """Write every text, model output, receipt and event to FILE as JSON Lines; - is standard output, .gz compresses.

    The file is the log as it was at one moment, whatever is appended meanwhile. It holds every document in the clear.
    `annals import` reads it.
    """
    if file == "-" and context.json:
        raise click.UsageError("--json and - both want standard output; name a file")
    if file == "-" and sys.stdout.isatty():
        raise click.UsageError("standard output is a terminal; name a file, or send it to another program")
    run_async(lambda: _export(context, file, not no_outputs))


async def _export(context: CommandContext, file: str, outputs: bool) -> None:
    began = time.monotonic()
    async with session(context.settings, read_models=False) as opened:
        services = opened.services
        expected = await count_lines(services.pool)
        total = expected.all - (0 if outputs else expected.outputs)
        try:
            with context.progress("exporting", total, "lines") as done, _opened(file) as written:
                counts = await dump(services.pool, written, outputs=outputs, report=done)
        except ArchiveError as error:
            if isinstance(error.__cause__, BrokenPipeError):
                raise BrokenPipeError from None
            raise AnnalsError(f"{'standard output' if file == '-' else file}: {error}") from None
        letters = await services.letters.count(None)
    _tell(context, file, counts, outputs, letters, round(time.monotonic() - began, 1))


def _tell(context: CommandContext, file: str, counts: Counts, outputs: bool, letters: int, seconds: float) -> None:
    say = context.note if file == "-" else context.say
    say(
        f"{counted(counts.events, 'event')}, {counted(counts.texts, 'text')}, "
        f"{counted(counts.outputs, 'model output')}, {counted(counts.receipts, 'receipt')} "
        f"written to {'standard output' if file == '-' else file} in {seconds} s"
    )
    if not outputs:
        context.note("without model outputs: where this is taken in, `annals replay vector` finds no vectors")
    if letters:
        context.note(f"left behind: {counted(letters, 'dead letter')} of this broker (see: annals dead-letters list)")
    context.give({"file": file, **counts.model_dump(), "outputs_left_out": not outputs, "seconds": seconds})


@contextlib.contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """Where to write. A file has its name only once it is whole, and only its owner may read it.

    Raises ArchiveError.
    """
    if file == "-":
        yield sys.stdout.buffer
        with _faults():
            sys.stdout.buffer.flush()
        return
    path = Path(file)
    partial = path.with_name(f"{path.name}.part")
    with _faults():
        raw = os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", 1024 * 1024)
    try:
        with raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=raw) as compressed:
                    yield cast(BinaryIO, compressed)
            else:
                yield raw
            with _faults():
                raw.flush()
                os.fsync(raw.fileno())
        with _faults():
            partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"cannot be written: {error.strerror or error}") from error
