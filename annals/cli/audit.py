"""`annals audit`."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, get_args

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import LIMIT_S, paged, tell_next
from annals.cli.words import counted
from annals.session import session
from contracts.errors import AnnalsError
from eventstore.audit_entries import AuditFilter
from security.audit import Category, Outcome
from security.audit_chain import Fault
from services.deadline import Deadline
from services.security.audit import Head, Verified
from services.security.audit_lines import check_lines, described

LONG_S = 3600.0


@click.group("audit")
def command() -> None:
    """The audit log: authentication, denials, reads, changes, administration, uses of keys.

    It is only ever added to. Each entry holds a hash over the one before, so that what was changed is found. A tenant
    has a chain of its own; attempts of which no tenant is known are in one that is seen with --of-no-tenant only,
    which is for the operator.
    """


class _Time(click.ParamType):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """ISO 8601; without a zone it is UTC."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write for example 2026-05-01 or 2026-05-01T13:30:00+02:00", param, ctx)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class _Head(click.ParamType):
    name = "head"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Head:
        """NUMBER:HASH."""
        if isinstance(value, Head):
            return value
        number, _, digest = str(value).partition(":")
        try:
            head = Head(int(number), bytes.fromhex(digest))
        except ValueError:
            head = Head(0, b"")
        if head.sequence < 1 or len(head.hash) != 32:
            self.fail(
                f"{value!r} is no end of a chain; give NUMBER:HASH as `annals audit verify` printed it", param, ctx
            )
        return head


_of_no_tenant = click.option("--of-no-tenant", is_flag=True, help="Entries of which no tenant is known.")


@command.command("list")
@click.option("--actor", help="Who.")
@click.option("--category", type=click.Choice(get_args(Category)), help="Of which kind.")
@click.option("--outcome", type=click.Choice(get_args(Outcome)), help="How it ended.")
@click.option("--resource", help="Of which resource, such as documents.")
@click.option("--object", "object_id", metavar="ID", help="Of which document, entity, key.")
@click.option("--since", type=_Time(), help="From this time on (ISO 8601; UTC without a zone).")
@click.option("--until", type=_Time(), help="Before this time.")
@_of_no_tenant
@paged
@common
def list_(context: CommandContext, of_no_tenant: bool, limit: int, after: str | None, **conditions: Any) -> None:
    """The entries that meet all of these conditions, the newest first, a page at a time."""
    run_async(lambda: _list(context, AuditFilter(**conditions), of_no_tenant, limit, after))


@command.command("export")
@click.argument("file", default="-", type=click.Path(allow_dash=True))
@_of_no_tenant
@common
def export(context: CommandContext, file: str, of_no_tenant: bool) -> None:
    """Write all entries to FILE as JSON Lines, the oldest first; - is standard output."""
    if file == "-" and context.json:
        raise click.UsageError("--json and - both want standard output; name a file")
    run_async(lambda: _export(context, file, of_no_tenant))


@command.command("verify")
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@click.option("--all-tenants", is_flag=True, help="Every chain, for the operator.")
@click.option("--head", type=_Head(), metavar="NUMBER:HASH", help="An end that was noted before.")
@common
def verify(context: CommandContext, file: str | None, all_tenants: bool, head: Head | None) -> None:
    """Check the chain of hashes and name each entry that was changed or is missing; exit code 1 where there is one.

    FILE is one that `annals audit export` wrote; without it, the log itself is checked. Note the end that is
    printed somewhere else: with --head it tells later whether the whole chain was made anew.
    """
    if file is not None and (all_tenants or head is not None):
        raise click.UsageError("--all-tenants and --head go with the log itself, not with a file")
    intact = run_async(lambda: _verify(context, all_tenants, head)) if file is None else _verify_file(context, file)
    if not intact:
        sys.exit(1)


@command.command("subject")
@click.argument("name")
@common
def subject(context: CommandContext, name: str) -> None:
    """What is held of NAME, a person say, and who saw it.

    These are the entities of this name, the documents that name them, the newest entries about either, and what an
    account of this name did.
    """
    run_async(lambda: _subject(context, name))


async def _subject(context: CommandContext, name: str) -> None:
    async with session(context.settings) as opened:
        found = await opened.use_cases.security.subjects.report(context.caller, name, deadline=Deadline.after(LIMIT_S))
    for entity in found.entities:
        context.say(f"entity    {entity.name}  {entity.type or '-'}  {entity.entity_id}")
    for document in found.documents:
        context.say(f"document  {document.document_id}  {document.title}  {counted(document.passages, 'passage')}")
    for what, entries in (("seen", found.seen), ("did", found.done)):
        for one in entries:
            entry = one.entry
            done = f"{entry.action} {entry.resource} {entry.object_id}"
            context.say(f"{what:<8}  {one.at:%Y-%m-%d %H:%M:%S}  {entry.actor}  {done}")
    if not (found.entities or found.seen or found.done):
        context.say(f"nothing is held of {name}")
    context.give(
        {
            "name": name,
            "entities": [entity._asdict() for entity in found.entities],
            "documents": [asdict(document) for document in found.documents],
            "seen": [described(one) for one in found.seen],
            "done": [described(one) for one in found.done],
        }
    )


async def _list(
    context: CommandContext, wanted: AuditFilter, of_no_tenant: bool, limit: int, after: str | None
) -> None:
    async with session(context.settings, read_models=False) as opened:
        page = await opened.use_cases.security.audit_service.query(
            context.caller,
            wanted,
            after=after,
            limit=limit,
            of_no_tenant=of_no_tenant,
            deadline=Deadline.after(LIMIT_S),
        )
    for one in page.entries:
        entry = one.entry
        what = f"{entry.action} {entry.resource} {entry.object_id}".rstrip()
        origin = " ".join(part for part in (entry.address, entry.credential) if part)
        why = f": {entry.reason}" if entry.reason else ""
        context.say(
            f"{one.sequence:>8}  {one.at:%Y-%m-%d %H:%M:%S}  {entry.outcome:<7}  {entry.category:<14}  "
            f"{entry.actor} ({origin})  {what}{why}"
        )
    if not page.entries:
        context.say("no such entries")
    tell_next(context, page.next)
    context.give({"entries": [described(one) for one in page.entries], "next": page.next})


async def _export(context: CommandContext, file: str, of_no_tenant: bool) -> None:
    count = 0
    async with session(context.settings, read_models=False) as opened:
        with _written(file) as output:
            async for line in opened.use_cases.security.audit_service.export(
                context.caller, of_no_tenant=of_no_tenant, deadline=Deadline.after(LONG_S)
            ):
                output.write(line.encode() + b"\n")
                count += 1
    say = context.note if file == "-" else context.say
    say(f"{_entries(count)} written to {'standard output' if file == '-' else file}")
    context.give({"file": file, "entries": count})


async def _verify(context: CommandContext, all_tenants: bool, head: Head | None) -> bool:
    async with session(context.settings, read_models=False) as opened:
        found = await opened.use_cases.security.audit_service.verify(
            context.caller, all_tenants=all_tenants, known=head, deadline=Deadline.after(LONG_S)
        )
    for one in found:
        whose = "of no tenant" if one.tenant is None else one.tenant
        pruned = f", {_entries(one.pruned)} before them removed by retention" if one.pruned else ""
        verdict = "intact" if not one.faults else "not intact"
        context.say(f"{whose}: {_entries(one.checked)} checked{pruned}; {verdict}")
        context.say(f"  its end: {one.sequence}:{one.head.hex()}")
    faults = [fault for one in found for fault in one.faults]
    _tell(context, faults)
    if not found:
        context.say("the audit log has no entries")
    context.give({"chains": [_verified(one) for one in found], "intact": not faults})
    return not faults


def _verify_file(context: CommandContext, file: str) -> bool:
    with _faults(file):
        if file == "-":
            check, faults = check_lines(sys.stdin.buffer)
        else:
            with Path(file).open("rb") as lines:
                check, faults = check_lines(lines)
    checked, sequence = (0, 0) if check is None else (check.checked, check.sequence)
    context.say(f"{_entries(checked)} checked, the last one is {sequence}; {'not intact' if faults else 'intact'}")
    _tell(context, faults)
    context.give({"checked": checked, "sequence": sequence, "faults": _described(faults), "intact": not faults})
    return not faults


def _tell(context: CommandContext, faults: list[Fault]) -> None:
    for fault in faults[:100]:
        context.say(f"  {fault.tenant or 'of no tenant'}: entry {fault.sequence} {fault.what}")
    if len(faults) > 100:
        context.say(f"  and {counted(len(faults) - 100, 'fault')} more")


def _described(faults: list[Fault]) -> list[dict[str, Any]]:
    return [{"tenant": fault.tenant or None, "sequence": fault.sequence, "what": fault.what} for fault in faults]


def _verified(one: Verified) -> dict[str, Any]:
    return {
        "tenant": one.tenant,
        "checked": one.checked,
        "pruned": one.pruned,
        "head": f"{one.sequence}:{one.head.hex()}",
        "faults": _described(list(one.faults)),
    }


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


@contextlib.contextmanager
def _written(file: str) -> Iterator[BinaryIO]:
    """Standard output, or a file that only its owner may read. Raises AnnalsError."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with _faults(file), os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        yield output


@contextlib.contextmanager
def _faults(file: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise AnnalsError(f"{file}: {error.strerror or error}") from None
