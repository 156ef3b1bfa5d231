"""`annals ingest`."""

import contextlib
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from annals.cli.context import CommandContext, run_async, served
from annals.cli.taking import Input, Prepare, Taken, take
from annals.cli.usage import WrongUsageError
from annals.cli.words import counted
from annals.folders import LeftOut, Selection
from annals.folders import summary as summary_of
from annals.loading import LoadOptions, load, set_aside
from annals.reading import read_limits
from annals.stored import Stored
from annals.web import WebFiles, is_url
from client.address import Address
from inference.formats.encodings import known
from services.fetching.fetcher import FetchLimits, UrlFetcher


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--wait", is_flag=True, help="Return only when every document is processed and can be asked.")
@click.option("--watch", is_flag=True, help="Follow a folder: take in, update and delete until ctrl-C.")
@click.option("--glob", "globs", multiple=True, help="Of folders, only files like this, as '*.md'; may be given again.")
@click.option("--exclude", "excludes", multiple=True, help="Of folders, nothing like this, as 'drafts/'; as above.")
@click.option("--encoding", help="Read text as this, as 'cp1251', where it was taken for something else.")
@click.option("--archives", is_flag=True, help="Open archives (.zip, .tar, .gz) and read the files in them.")
@click.option(
    "--keep-original", is_flag=True, help="Keep the bytes of each file, for `annals show ID --original FILE`."
)
@served
def command(
    context: CommandContext,
    paths: tuple[str, ...],
    wait: bool,
    watch: bool,
    globs: tuple[str, ...],
    excludes: tuple[str, ...],
    encoding: str | None,
    archives: bool,
    keep_original: bool,
) -> None:
    """Take documents in from PATHS: files, folders, https addresses, or - for standard input.

    \b
    files     text in any encoding, Markdown, HTML, PDF, Office, e-mail, ...: README.md lists them.
              What a file is, its content tells. Its path makes it the same document next time.
    .jsonl    one document a line: {"id", "title", "text"}, optionally "uri" and "attributes"
    https:    one address, where the setting fetch_urls lets it: as robots.txt says, never from private addresses

    Of a folder, hidden files and folders (.git), what .gitignore names, links to folders, archives, and files without
    text are left out and counted; a link to a file is that file. A folder or link that is named itself is taken in.

    --watch FOLDER goes on: a new file is taken in, a changed one updates its document, a deleted one deletes it, also
    what happened while nobody watched. A renamed file is deleted and taken in. Files that --glob and --exclude leave
    out are let alone, and so is what did not come from this folder. Ctrl-C ends it.

    The same document taken in twice changes nothing; a changed one is an update. What is broken, encrypted or empty is
    named and skipped, the rest go on; the exit code is then 1.
    """
    if encoding is not None and not known(encoding):
        raise WrongUsageError(
            f"--encoding {encoding} is no encoding that is known; name one as 'cp1251' or 'shift_jis'"
        )
    urls = [path for path in paths if is_url(path)]
    if urls and not context.settings.fetch_urls:
        raise WrongUsageError(
            f"{urls[0]} is not fetched, since the setting `fetch_urls` is off; set ANNALS_FETCH_URLS=true"
        )
    if keep_original:
        context.here("--keep-original")
    options = LoadOptions(Selection(globs, excludes), encoding, archives, keep_original, read_limits(context.settings))
    if watch:
        if wait:
            raise WrongUsageError("--wait does not go with --watch, which never ends; leave one out")
        from annals.cli.watch import watch as follow

        return run_async(lambda: follow(context, paths, options))
    refused = run_async(lambda: _ingest(context, paths, wait, options))
    if refused:
        sys.exit(1)


async def _ingest(context: CommandContext, paths: tuple[str, ...], wait: bool, options: LoadOptions) -> int:
    """How many were refused or failed."""
    left_out: list[LeftOut] = []
    began = time.monotonic()
    address = context.gateway()
    with WebFiles(options) as web:

        async def prepare(stored: Stored) -> Iterator[Input]:
            await _fetch(context, paths, web, stored)
            return _found(paths, options, web, left_out)

        if address is None:
            from annals.cli.here import documents as here

            taken, processed, failed, nothing_up = await here.ingest(context, prepare, wait)
        else:
            taken, processed, failed = await _by_gateway(context, address, prepare, wait)
            nothing_up = False
    summary: dict[str, object] = {
        "documents": len(taken.documents),
        **{name: taken.outcomes[name] for name in ("ingested", "updated", "unchanged")},
    }
    if wait and taken.documents:
        summary |= {"processed": processed, "seconds": round(time.monotonic() - began, 1)}
    summary |= {"refused": [{"name": one.name, "reason": one.reason} for one in taken.refused], "failed": failed}
    summary["warnings"] = [{"name": name, "warning": warning} for name, warning in taken.warnings]
    summary["left_out"] = [asdict(one) for one in left_out]
    if left_out:
        context.note(f"left out: {summary_of(left_out)}")
    for name, warning in taken.warnings:
        context.note(f"{name}: {warning}")
    for refusal in taken.refused:
        context.note(f"skipped {refusal.name}: {refusal.reason}")
    for document_id, cause in failed.items():
        context.note(f"not processed {document_id}: {cause} (see: annals dead-letters list)")
    _tell(context, taken, summary, nothing_up)
    context.give(summary)
    return len(taken.refused) + len(failed)


async def _by_gateway(
    context: CommandContext, address: Address, prepare: Prepare, wait: bool
) -> tuple[Taken, int, dict[str, str]]:
    from annals.cli.by_gateway import ByGateway
    from client import documents as there
    from client.gateway import open_gateway

    async with open_gateway(address) as gateway:
        stored = ByGateway(gateway)
        inputs = await prepare(stored)
        taken = await take(context, stored.take, inputs, batch=there.BATCH, batch_size=there.BATCH_SIZE)
        if not wait or not taken.documents:
            return taken, 0, {}
        # What was taken in before and stands still goes on, too.
        await there.reprocess(gateway, [one for one, outcome in taken.documents.items() if outcome == "unchanged"])
        with context.progress("processing", len(taken.documents), "documents") as done:
            followed = await there.follow(gateway, list(taken.documents), done)
        return taken, followed.processed, followed.failed


async def _fetch(context: CommandContext, paths: Sequence[str], web: WebFiles, stored: Stored) -> None:
    urls = [path for path in paths if is_url(path)]
    if not urls:
        return
    settings = context.settings
    limits = FetchLimits(bytes=settings.max_file_bytes, seconds=settings.fetch_seconds)
    fetcher = UrlFetcher(limits, private_allowed=settings.fetch_private_addresses)
    async with contextlib.aclosing(fetcher):
        await web.fetch(urls, fetcher, stored)


def _found(paths: Sequence[str], options: LoadOptions, web: WebFiles, left_out: list[LeftOut]) -> Iterator[Input]:
    for of_web, group in itertools.groupby(paths, is_url):
        some = list(group)
        if of_web:
            yield from web.documents(some)
        else:
            yield from set_aside(load(some, sys.stdin.buffer, options), left_out)


def _tell(context: CommandContext, taken: Taken, summary: dict[str, object], nothing_up: bool) -> None:
    counts = ", ".join(
        f"{taken.outcomes[name]} {name}" for name in ("ingested", "updated", "unchanged") if taken.outcomes[name]
    )
    documents, skipped = counted(len(taken.documents), "document"), len(taken.refused)
    context.say(f"{documents} taken in ({counts or 'nothing new'}), {skipped} skipped")
    if "processed" in summary:
        asked = '; ask with: annals ask "..."' if summary["processed"] else ""
        context.say(f"{summary['processed']} processed in {summary['seconds']} s{asked}")
    elif taken.documents and nothing_up:
        context.say(
            f"Nothing is up, so {'it waits' if len(taken.documents) == 1 else 'they wait'} to be processed: "
            "run `annals up`, or ingest with --wait"
        )
