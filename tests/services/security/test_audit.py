"""Reading the audit log: within one's tenant, with permission, in pages, as lines that verify by themselves."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from eventstore.audit import AuditWriter, open_audit
from eventstore.audit_entries import AuditEntries, AuditFilter
from eventstore.pool import PostgresPool
from security.access import FULL_ACCESS
from security.audit import AuditEntry
from services.caller import Caller
from services.cursors import WrongCursorError
from services.deadline import Deadline
from services.errors import AccessDeniedError, NotFoundError
from services.security.audit import AuditService, Head
from services.security.audit_lines import NoAuditLineError, check_lines
from services.security.auditing import audited
from tests.support.access import allowed

CHANGE = AuditEntry("acme", "tobias", "change", "write", "documents")


INES = Caller("acme", "ines", "http", FULL_ACCESS, "request-1", credential="key:7", address="192.0.2.1")
AUDITOR = replace(INES, actor="auditor", access=allowed("audit:read"))
NOBODY = replace(INES, actor="nobody", access=allowed())


@pytest.fixture
def entries(pool: PostgresPool) -> AuditEntries:
    return AuditEntries(pool)


@pytest.fixture
async def log(entries: AuditEntries) -> AsyncIterator[AuditWriter]:
    async with open_audit(entries, "full") as opened:
        yield opened


@pytest.fixture
def service(entries: AuditEntries, log: AuditWriter) -> AuditService:
    return AuditService(entries, log)


async def test_however_a_use_case_ends_it_is_told(entries: AuditEntries, log: AuditWriter) -> None:
    async with audited(log, INES, "read", "read", "documents", "river.md"):
        pass
    with pytest.raises(NotFoundError):
        async with audited(log, INES, "read", "read", "documents", "lake.md"):
            raise NotFoundError("there is no lake.md; see `annals list`")
    with pytest.raises(AccessDeniedError) as refusal:
        async with audited(log, NOBODY, "change", "delete", "documents", "river.md"):
            NOBODY.require("documents", "delete")
    with pytest.raises(ZeroDivisionError):
        async with audited(log, INES, "read", "read", "entities"):
            raise ZeroDivisionError("the text of a document")
    found = [one.entry for one in await entries.newest("acme", AuditFilter(), None, 10)]
    assert [(one.category, one.outcome, one.reason) for one in reversed(found)] == [
        ("read", "success", ""),
        ("read", "failed", "there is no lake.md; see `annals list`"),
        ("authorization", "denied", str(refusal.value)),
        ("read", "failed", "ZeroDivisionError"),
    ]
    assert {(one.credential, one.address, one.request_id) for one in found} == {("key:7", "192.0.2.1", "request-1")}


async def test_pages_cover_everything_once_and_reading_is_audited(service: AuditService, log: AuditWriter) -> None:
    for number in range(7):
        await log.record(replace(CHANGE, object_id=str(number)))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await service.query(
            INES, AuditFilter(category="change"), after=cursor, limit=3, deadline=Deadline.after(10)
        )
        seen += [one.entry.object_id for one in page.entries]
        if (cursor := page.next) is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    reads = await service.query(
        INES, AuditFilter(category="administration"), after=None, limit=10, deadline=Deadline.after(10)
    )
    assert [(one.entry.actor, one.entry.action, one.entry.resource) for one in reads.entries] == [
        ("ines", "read", "audit")
    ] * 3


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 19, "٣", "1\x00"])
async def test_a_wrong_cursor_is_refused(service: AuditService, cursor: str) -> None:
    with pytest.raises(WrongCursorError):
        await service.query(INES, AuditFilter(), after=cursor, limit=1, deadline=Deadline.after(10))


async def test_nobody_sees_another_tenants_entries(service: AuditService, log: AuditWriter) -> None:
    for tenant in ("acme", "b", None):
        await log.record(replace(CHANGE, tenant=tenant, object_id=str(tenant)))
    theirs = replace(INES, tenant="b")
    page = await service.query(theirs, AuditFilter(), after=None, limit=100, deadline=Deadline.after(10))
    assert [one.entry.object_id for one in page.entries] == ["b"]
    lines = [json.loads(line) async for line in service.export(theirs, deadline=Deadline.after(10))]
    assert {line["tenant"] for line in lines} == {"b"}
    assert {one.tenant for one in await service.verify(theirs, deadline=Deadline.after(10))} == {"b"}


async def test_who_may_not_is_refused_and_that_is_told(service: AuditService, entries: AuditEntries) -> None:
    async def export(caller: Caller, of_no_tenant: bool) -> None:
        async for _ in service.export(caller, of_no_tenant=of_no_tenant, deadline=Deadline.after(10)):
            pass

    attempts = [
        service.query(NOBODY, AuditFilter(), after=None, limit=1, deadline=Deadline.after(10)),
        service.query(AUDITOR, AuditFilter(), after=None, limit=1, of_no_tenant=True, deadline=Deadline.after(10)),
        service.verify(NOBODY, deadline=Deadline.after(10)),
        service.verify(AUDITOR, all_tenants=True, deadline=Deadline.after(10)),
        export(NOBODY, False),
        export(AUDITOR, True),
    ]
    for attempt in attempts:
        with pytest.raises(AccessDeniedError):
            await attempt
    denied = await entries.newest("acme", AuditFilter(outcome="denied"), None, 100)
    assert len(denied) == len(attempts)
    await service.verify(AUDITOR, deadline=Deadline.after(10))


async def test_the_operator_sees_attempts_of_no_tenant_and_verifies_every_chain(
    service: AuditService, log: AuditWriter
) -> None:
    await log.record(replace(CHANGE, tenant=None, category="authentication", outcome="denied"))
    page = await service.query(
        INES, AuditFilter(), after=None, limit=10, of_no_tenant=True, deadline=Deadline.after(10)
    )
    assert [one.entry.tenant for one in page.entries] == [None]
    found = await service.verify(INES, all_tenants=True, deadline=Deadline.after(10))
    assert {one.tenant for one in found} == {None, "acme"} and not any(one.faults for one in found)


async def test_an_end_that_was_noted_is_held_against_the_chain(
    service: AuditService, log: AuditWriter, pool: PostgresPool
) -> None:
    await log.record(CHANGE)
    (noted,) = await service.verify(INES, deadline=Deadline.after(10))
    head = Head(noted.sequence, noted.head)
    (later,) = await service.verify(INES, known=head, deadline=Deadline.after(10))
    assert later.faults == () and later.sequence > head.sequence
    (other,) = await service.verify(INES, known=Head(head.sequence, bytes(32)), deadline=Deadline.after(10))
    (beyond,) = await service.verify(INES, known=Head(1000, noted.head), deadline=Deadline.after(10))
    assert [fault.sequence for fault in (*other.faults, *beyond.faults)] == [head.sequence, 1000]


async def test_exported_lines_verify_and_show_what_was_changed(service: AuditService, log: AuditWriter) -> None:
    for number in range(5):
        await log.record(replace(CHANGE, object_id=f"{number} ü"))
    lines = [line.encode() async for line in service.export(INES, deadline=Deadline.after(10))]
    check, faults = check_lines(lines)
    assert check is not None and (check.checked, faults) == (5, [])
    lines[2] = lines[2].replace(b"tobias", b"mallory")
    assert [fault.sequence for fault in check_lines(lines)[1]] == [3]
    del lines[3]
    assert [fault.sequence for fault in check_lines(lines)[1]] == [3, 4]
    for broken in (b"{}", b"no json", b"[]", lines[0][:-20]):
        with pytest.raises(NoAuditLineError, match="line 1 "):
            check_lines([broken])


def test_no_lines_are_no_chain() -> None:
    assert check_lines([]) == (None, [])
