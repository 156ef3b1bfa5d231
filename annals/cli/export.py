"""`annals export`: the log as an archive, or a read model as tables."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import click

from annals.cli.at import at_option
from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.session import session
from contracts.errors import AnnalsError
from eventstore.summed_lines import ArchiveError
from projections.exported import ExportedTable
from services.deadline import Deadline
from services.operations import archive_files
from services.operations.archive_files import KEYS_SUFFIX
from services.operations.export import TRANSFER_LIMIT_S, Exported
from services.operations.progress import READ_MODELS
from services.operations.read_model_export import ExportedRows
from services.operations.table_files import FORMATS, TableFormat


@click.command("export")
@click.argument("what", nargs=-1, metavar="[FILE | MODEL [TABLE]...]")
@click.option("--keys", metavar="FILE", help="Of the event store: where what opens it goes.  [default: FILE.keys]")
@click.option("--no-outputs", is_flag=True, help="Of the event store: leave out what models said, and with it vectors.")
@click.option(
    "--format", "file_format", type=click.Choice(FORMATS), help="Of a read model: what each table is written as."
)
@click.option("--to", metavar="FOLDER", help="Of a read model: where its tables go, a file each; - is standard output.")
@at_option
@common
def command(
    context: CommandContext,
    what: Sequence[str],
    keys: str | None,
    no_outputs: bool,
    file_format: str | None,
    to: str | None,
    at: str | None,
) -> None:
    """Write the event store to FILE, to take it in elsewhere, or with --format a read model MODEL, to analyse it.

    \b
    annals export annals.jsonl.gz
    annals export relational --format parquet --to tables/
    annals export relational documents --format csv --to -
    annals export graph --at monday --format csv --to monday/

    The event store is every text, model output, receipt, event and kept original of every tenant, as JSON Lines; - is
    standard output, .gz compresses. The file is the log as it was at one moment, whatever is appended meanwhile. What
    documents say is sealed in it, and what opens it goes to a file of its own: keep the two apart, since who has both
    reads everything. `annals import` reads them.

    MODEL is relational, graph or vector: its tables, or each TABLE that is named, of this tenant, as they are at one
    moment, or with --at as they were then. docs/read-models.md has every table and column.
    """
    if file_format is not None or to is not None or at is not None:
        if no_outputs or keys is not None:
            raise click.UsageError(
                "--keys and --no-outputs are of the event store, --format, --to and --at are of a read model"
            )
        if not what or what[0] not in READ_MODELS:
            raise click.UsageError(f"name the read model that is to be exported: {', '.join(READ_MODELS)}")
        if file_format is None:
            raise click.UsageError(f"--format is missing: {', '.join(FORMATS)}")
        wanted = cast(TableFormat, file_format)
        run_async(lambda: _export_tables(context, what[0], what[1:], at, wanted, "." if to is None else to))
        return
    if len(what) > 1 or (what and what[0] in READ_MODELS):
        raise click.UsageError(f"a read model needs --format ({', '.join(FORMATS)}); the event store goes to one FILE")
    file = what[0] if what else "-"
    _check_output(context, file)
    if file == "-" and keys is None:
        raise click.UsageError("--keys is missing: name a file for what opens the archive")
    run_async(lambda: _export(context, file, keys or file + KEYS_SUFFIX, not no_outputs))


def _check_output(context: CommandContext, to: str) -> None:
    if to == "-" and context.json:
        raise click.UsageError("--json and - both want standard output; name a file")
    if to == "-" and sys.stdout.isatty():
        raise click.UsageError("standard output is a terminal; name a file, or send it to another program")


async def _export(context: CommandContext, file: str, keys: str, outputs: bool) -> None:
    began = time.monotonic()
    async with session(context.settings, read_models=False) as opened:
        transfer, deadline = opened.use_cases.operations.transfer, Deadline.after(TRANSFER_LIMIT_S)
        total = await transfer.lines(context.caller, outputs=outputs, deadline=deadline)
        with (
            _said_of(_name_of(file)),
            context.progress("exporting", total, "lines") as done,
            _opened(file) as raw,
            archive_files.written(Path(keys)) as opening,
        ):
            exported = await transfer.export(
                context.caller, raw, opening, outputs=outputs, report=done, deadline=deadline
            )
    _tell(context, file, keys, exported, outputs, round(time.monotonic() - began, 1))


async def _export_tables(
    context: CommandContext, model: str, tables: Sequence[str], at: str | None, file_format: TableFormat, to: str
) -> None:
    _check_output(context, to)
    if to == "-" and len(tables) != 1:
        raise click.UsageError("standard output takes one table; name it, or a folder with --to")
    began = time.monotonic()
    async with session(context.settings) as opened:
        with _said_of(_name_of(to)), contextlib.ExitStack() as bars:

            def begin(rows: int) -> Callable[[int], None]:
                # One bar: a read that begins anew begins with it.
                bars.close()
                return bars.enter_context(context.progress(f"exporting {model}", rows, "rows"))

            written = await opened.use_cases.operations.tables.export(
                context.caller,
                model,
                tables,
                at=at,
                file_format=file_format,
                into=lambda table: _opened(to if to == "-" else str(_file_of(to, table, file_format))),
                again=to != "-",
                begin=begin,
                deadline=Deadline.after(TRANSFER_LIMIT_S),
            )
    _tell_tables(context, written, to, file_format, round(time.monotonic() - began, 1))


def _file_of(folder: str, table: ExportedTable, file_format: TableFormat) -> Path:
    with archive_files.write_faults():
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder, f"{table.name}.{file_format}")


def _tell_tables(
    context: CommandContext, written: Sequence[ExportedRows], to: str, file_format: TableFormat, seconds: float
) -> None:
    say = context.note if to == "-" else context.say
    for one in written:
        say(f"{one.table}: {counted(one.rows, 'row')}")
    say(f"written to {_name_of(to)} in {seconds} s")
    files = {one.table: {"rows": one.rows, "file": str(Path(to, f"{one.table}.{file_format}"))} for one in written}
    context.give({"tables": files, "seconds": seconds})


def _tell(context: CommandContext, file: str, keys: str, exported: Exported, outputs: bool, seconds: float) -> None:
    counts, letters = exported.counts, exported.dead_letters
    say = context.note if file == "-" else context.say
    say(
        f"{counted(counts.events, 'event')}, {counted(counts.texts, 'text')}, "
        f"{counted(counts.outputs, 'model output')}, {counted(counts.receipts, 'receipt')}, "
        f"{counted(counts.originals, 'piece')} of originals "
        f"written to {_name_of(file)} in {seconds} s"
    )
    say(f"what opens it is in {keys}: keep it in another place, and to `annals import` give both")
    if not outputs:
        context.note("without model outputs: where this is taken in, `annals replay vector` finds no vectors")
    if letters:
        context.note(f"left behind: {counted(letters, 'dead letter')} of this broker (see: annals dead-letters list)")
    context.give(
        {"file": file, "keys_file": keys, **counts.model_dump(), "outputs_left_out": not outputs, "seconds": seconds}
    )


def _name_of(file: str) -> str:
    return "standard output" if file == "-" else file


@contextlib.contextmanager
def _said_of(name: str) -> Iterator[None]:
    """What cannot be written is told with its name. Raises AnnalsError, BrokenPipeError."""
    try:
        yield
    except ArchiveError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            raise BrokenPipeError from None
        raise AnnalsError(f"{name}: {error}") from None


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
