"""`annals export`."""

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
from eventstore.archive import ArchiveError
from services.deadline import Deadline
from services.operations import archive_files
from services.operations.export import TRANSFER_LIMIT_S, Exported


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
        transfer, deadline = opened.use_cases.operations.transfer, Deadline.after(TRANSFER_LIMIT_S)
        total = await transfer.lines(context.caller, outputs=outputs, deadline=deadline)
        try:
            with context.progress("exporting", total, "lines") as done, _opened(file) as raw:
                exported = await transfer.export(context.caller, raw, outputs=outputs, report=done, deadline=deadline)
        except ArchiveError as error:
            if isinstance(error.__cause__, BrokenPipeError):
                raise BrokenPipeError from None
            raise AnnalsError(f"{'standard output' if file == '-' else file}: {error}") from None
    _tell(context, file, exported, outputs, round(time.monotonic() - began, 1))


def _tell(context: CommandContext, file: str, exported: Exported, outputs: bool, seconds: float) -> None:
    counts, letters = exported.counts, exported.dead_letters
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
    """Where to write. Raises ArchiveError."""
    if file != "-":
        with archive_files.written(Path(file)) as raw:
            yield raw
        return
    yield sys.stdout.buffer
    with archive_files.write_faults():
        sys.stdout.buffer.flush()
