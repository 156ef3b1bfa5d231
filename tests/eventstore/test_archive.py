"""The archive: everything comes back byte for byte, and a file that is not whole is refused with its line."""

import asyncio
import base64
import gzip
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.codec import canonical
from contracts.documents import DocumentContent
from contracts.envelope import DomainEvent, EventMetadata
from contracts.payload import Attributes
from eventstore.archive import PIECE_BYTES, ArchiveReader, Link
from eventstore.archive_keys import KeysReader
from eventstore.chained_events import ChainedEvents
from eventstore.log import EventLog
from eventstore.log_ids import PUBLIC_IDS
from eventstore.originals import OriginalStore
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from eventstore.receipts import Delivery, InboxReceipts
from eventstore.summed_lines import ArchiveError
from eventstore.texts import TextStore
from eventstore.transfer import NotEmptyError, count_lines, dump, restore
from security.event_chain import LogCheck, LogFault
from security.master_key import MasterKey
from tests.conftest import PostgresServer

TABLES = {
    "texts": "tenant, document_id, digest",
    "model_outputs": "model, digest",
    "inbox_receipts": "event_id, tenant",
    "stored_events": "notification_id",
    "originals": "tenant, document_id",
}
ORIGINAL = b"%PDF\x00"
DOCUMENTS = [
    ("default", "letters/1", "Dear Ada,\n\u2028 \U0001f5fc 'quoted' \\ \x7f"),
    ("north", "letters/1", "Ahoj, Brno."),
]
DIGEST = "ab" * 32
RECEIPT = Delivery("north", "letters/1", UUID(int=7))


def append(dsn: str, events: list[DomainEvent]) -> list[DomainEvent]:
    with EventLog.connect(dsn) as log:
        return log.append(events)


def ingested(tenant: str, document_id: str, content: DocumentContent) -> DomainEvent:
    return documents.ingest(None, document_id, content, Cause(EventMetadata(tenant=tenant), "c1"))[0]


async def fill(dsn: str, pool: PostgresPool) -> None:
    """Two documents of two tenants, a gap in the positions, an output, a receipt."""
    references = await TextStore(pool).put_many(DOCUMENTS)
    attributes: tuple[Attributes, Attributes] = (
        {"collection": "letters", "line_of": "file:///letters.jsonl"},
        {"line_of": 1},
    )
    contents = [
        DocumentContent(title="Letter", text=reference, attributes=own)
        for reference, own in zip(references, attributes, strict=True)
    ]
    events = [ingested(tenant, name, content) for (tenant, name, _), content in zip(DOCUMENTS, contents, strict=True)]
    await asyncio.to_thread(append, dsn, events[:1])
    await pool.execute("SELECT nextval(pg_get_serial_sequence('annals.stored_events', 'notification_id'))")
    await asyncio.to_thread(append, dsn, events[1:])
    await ModelOutputs(pool, PUBLIC_IDS).put_many("m", {DIGEST: bytes(range(256))})
    await InboxReceipts(pool, PUBLIC_IDS).record([(RECEIPT, "unchanged")])
    await OriginalStore(pool).put("north", "letters/1", ORIGINAL)


async def exported(dsn: str, pool: PostgresPool, *, outputs: bool = True) -> bytes:
    await fill(dsn, pool)
    file = io.BytesIO()
    await dump(pool, file, outputs=outputs, report=lambda _: None)
    return file.getvalue()


async def take(pool: PostgresPool, raw: bytes, master: MasterKey | None = None, keys: io.BytesIO | None = None) -> None:
    opening = None if keys is None else KeysReader(io.BytesIO(keys.getvalue()))
    await restore(pool, ArchiveReader(io.BytesIO(raw)), lambda _: None, master, opening)


async def checked(pool: PostgresPool) -> LogCheck:
    check = LogCheck()
    for event in await ChainedEvents(pool).after(0):
        check.take(event)
    return check


async def rows(pool: PostgresPool) -> dict[str, list[Any]]:
    return {name: await pool.fetch(f"SELECT * FROM annals.{name} ORDER BY {order}") for name, order in TABLES.items()}


async def test_every_row_comes_back_as_it_was(dsn: str, pool: PostgresPool, empty: PostgresPool) -> None:
    raw = await exported(dsn, pool)
    told: list[int] = []
    counts = await restore(empty, ArchiveReader(io.BytesIO(raw)), told.append)
    assert counts.model_dump() == {
        **{"texts": 2, "outputs": 1, "receipts": 1, "events": 2},
        **{"keys": 0, "documents": 2, "questions": 0, "originals": 1},
    }
    assert told[-1] == counts.all == len(raw.splitlines()) - 2
    assert await rows(empty) == await rows(pool)
    assert [event.position for event in await EventReader(empty).after(0, 10)] == [1, 3]
    again = io.BytesIO()
    await dump(empty, again, outputs=True, report=lambda _: None)
    assert again.getvalue().split(b"\n")[1:-2] == raw.split(b"\n")[1:-2], "only the time of writing differs"


async def test_an_original_comes_back_whole_however_large_and_though_its_document_was_once_deleted(
    dsn: str, pool: PostgresPool, empty: PostgresPool
) -> None:
    large = bytes(range(251)) * (PIECE_BYTES // 251 + 99)
    await fill(dsn, pool)
    reader = EventReader(pool)
    told = Document.project(await reader.of_aggregate("north", "document", "letters/1"))
    assert told is not None
    cause = Cause(EventMetadata(tenant="north"), "c2")
    gone = documents.delete(told, "a mistake", cause)
    again = DocumentContent(title="Letter", text=told.text)
    back = documents.ingest(Document.project(gone, told), "letters/1", again, cause)
    await asyncio.to_thread(append, dsn, [*gone, *back])
    assert await pool.fetch("SELECT FROM annals.originals") == []
    for content in (large, b""):
        await OriginalStore(pool).put("north", "letters/1", content)
    file = io.BytesIO()
    counts = await dump(pool, file, outputs=True, report=lambda _: None)
    assert counts.originals == 3
    await take(empty, file.getvalue())
    for content in (large, b""):
        digest = hashlib.sha256(content).hexdigest()
        assert await OriginalStore(empty).get("north", "letters/1", digest) == content


async def test_the_log_goes_on_behind_what_was_taken_in(
    dsn: str, pool: PostgresPool, empty: PostgresPool, postgres_server: PostgresServer
) -> None:
    await take(empty, await exported(dsn, pool))
    reference = (await TextStore(empty).put_many([("default", "new", "New.")]))[0]
    new = ingested("default", "new", DocumentContent(title="New", text=reference))
    (stored,) = await asyncio.to_thread(append, postgres_server.dsn("other"), [new])
    assert stored.position == 4


async def test_each_line_is_json_that_tells_what_it_is(dsn: str, pool: PostgresPool) -> None:
    lines = map(json.loads, (await exported(dsn, pool)).splitlines())
    header, first, second, output, receipt, document, other, *events, original, end = lines
    assert header["annals_archive"] == 7
    assert {document["tenant"], other["tenant"]} == {"default", "north"}
    assert {document["file"], other["file"]} == {"file:///letters.jsonl", ""}
    assert {first["text"], second["text"]} == {text for _, _, text in DOCUMENTS}
    assert output["sealed"] and bytes(range(256)) not in base64.b64decode(output["output"])
    assert (receipt["tenant"], receipt["document_id"], receipt["event_id"]) == tuple(map(str, RECEIPT))
    assert [event["position"] for event in events] == [1, 3]
    assert (original["document_id"], base64.b64decode(original["content"])) == ("letters/1", ORIGINAL)
    assert list(end) == ["sha256"]


async def test_without_outputs(dsn: str, pool: PostgresPool, empty: PostgresPool) -> None:
    await take(empty, await exported(dsn, pool, outputs=False))
    assert (await count_lines(empty)).model_dump() == {
        **{"texts": 2, "outputs": 0, "receipts": 1, "events": 2},
        **{"keys": 0, "documents": 2, "questions": 0, "originals": 1},
    }


async def test_an_empty_log_is_a_whole_archive(pool: PostgresPool, empty: PostgresPool) -> None:
    file = io.BytesIO()
    await dump(pool, file, outputs=True, report=lambda _: None)
    await take(empty, file.getvalue())
    assert (await count_lines(empty)).all == 0


async def test_only_an_empty_store_takes_one_in(dsn: str, pool: PostgresPool) -> None:
    raw = await exported(dsn, pool)
    before = await rows(pool)
    with pytest.raises(NotEmptyError, match="events: 2,"):
        await take(pool, raw)
    assert await rows(pool) == before


async def test_a_cut_file_leaves_nothing_behind(dsn: str, pool: PostgresPool, empty: PostgresPool) -> None:
    raw = await exported(dsn, pool)
    lines = raw.splitlines(keepends=True)
    for kept in range(len(lines)):
        with pytest.raises(ArchiveError, match=f"line {kept + 1}: "):
            await take(empty, b"".join(lines[:kept]))
        with pytest.raises(ArchiveError, match=f"line {kept + 1}: "):
            await take(empty, b"".join(lines[:kept]) + lines[kept][:-2])
    assert (await count_lines(empty)).all == 0


async def test_a_cut_or_damaged_compressed_file_is_named(dsn: str, pool: PostgresPool) -> None:
    raw = gzip.compress(await exported(dsn, pool), mtime=0)
    damaged = raw[:40] + bytes([raw[40] ^ 255]) + raw[41:]
    for broken in (raw[:-100], raw[:-4], damaged, b"\x00" + raw):
        with (
            gzip.open(io.BytesIO(broken)) as file,
            pytest.raises(ArchiveError, match=r"line \d+: "),
        ):
            read_all(ArchiveReader(file))  # type: ignore[arg-type]  # reads as a file does


def read_all(archive: ArchiveReader) -> None:
    noted = (archive.data_keys(), archive.documents(), archive.questions())
    for part in (archive.texts(), archive.outputs(), archive.receipts(), *noted, archive.events(), archive.originals()):
        list(part)
    archive.end()


def before_originals(raw: bytes, version: int) -> list[dict[str, Any]]:
    """The lines but the last, as formats had them that knew of no originals."""
    header, *lines = [json.loads(line) for line in raw.splitlines()[:-1]]
    del header["counts"]["originals"]
    return [{**header, "annals_archive": version}, *(line for line in lines if "piece" not in line)]


DAMAGES = (
    (1, b'"annals_archive":7', b'"annals_archive":8', "is of format 8"),
    (1, b'"events":2', b'"events":1', "piece: Field required"),
    (2, b'"text":"', b'"text":"x', "not the one of its digest"),
    (4, b'"output":"', b'"output":"!', "base64"),
    (5, b'"event_id":"', b'"event_id":"no', "event_id"),
    (8, b'"aggregate_version":1', b'"aggregate_version":0', "aggregate_version"),
    (8, b'"position":1', b'"position":null', "has one"),
    (9, b'"position":3', b'"position":1', "comes after"),
    (9, b'"title":"Letter"', b'"title":"Lettre"', "changed after it was written"),
    (10, b'"piece":0', b'"piece":1', "a piece of an original is missing"),
    (10, b'"content":"', b'"content":"AAAA', "not the one of its digest"),
    (11, b'{"', b'{"b":1,"', "Extra inputs"),
)


async def test_a_damaged_line_is_named(dsn: str, pool: PostgresPool, empty: PostgresPool) -> None:
    lines = (await exported(dsn, pool)).splitlines(keepends=True)
    for line, old, new, fault in DAMAGES:
        assert old in lines[line - 1]
        damaged = [*lines[: line - 1], lines[line - 1].replace(old, new, 1), *lines[line:]]
        with pytest.raises(ArchiveError, match=fault) as caught:
            await take(empty, b"".join(damaged))
        named = int(str(caught.value).removeprefix("line ").split(":")[0])
        assert named >= line, "never before the damage"
        assert (await count_lines(empty)).all == 0


async def test_a_copy_is_as_intact_as_the_log_was(dsn: str, pool: PostgresPool, empty: PostgresPool) -> None:
    raw = await exported(dsn, pool)
    await take(empty, raw)
    assert (await checked(empty)).fault is None
    file = io.BytesIO()
    await pool.execute("UPDATE annals.stored_events SET recorded_at = recorded_at - interval '1 s'")
    await dump(pool, file, outputs=True, report=lambda _: None)
    await empty.execute(
        "TRUNCATE annals.stored_events, annals.texts, annals.model_outputs, annals.inbox_receipts, "
        "annals.document_collections, annals.originals"
    )
    await take(empty, file.getvalue())
    assert (await checked(empty)).fault == (await checked(pool)).fault == LogFault(1, "was changed")


async def test_what_an_archive_of_before_does_not_say_of_the_chain_is_made(
    dsn: str, pool: PostgresPool, empty: PostgresPool
) -> None:
    """Its own time is when an event was recorded, as far as that rises and is not yet to come."""
    lines = before_originals(await exported(dsn, pool), 2)
    for line in lines:
        for name in Link.model_fields:
            line.pop(name, None)
    times = ["9999-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]
    for line, time in zip(lines[-2:], times, strict=True):
        line["timestamp"] = time
    old = b"".join(canonical(line) + b"\n" for line in lines)
    await take(empty, old + canonical({"sha256": hashlib.sha256(old).hexdigest()}) + b"\n")
    found = await checked(empty)
    assert (found.fault, found.checked, found.position) == (None, 2, 3)
    first, second = await EventReader(empty).after(0, 10)
    assert first.recorded_at is not None and abs(first.recorded_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert second.recorded_at == first.recorded_at


async def test_nothing_may_follow_the_end(dsn: str, pool: PostgresPool, empty: PostgresPool) -> None:
    raw = await exported(dsn, pool)
    with pytest.raises(ArchiveError, match="had ended before"):
        await take(empty, raw + raw)
    assert (await count_lines(empty)).all == 0


async def test_an_older_schema_version_stays_as_it_was_written(
    dsn: str, pool: PostgresPool, empty: PostgresPool
) -> None:
    await fill(dsn, pool)
    event = json.loads(await pool.fetchval("SELECT state FROM annals.stored_events WHERE notification_id = 3"))
    data = event["event_data"]
    older = canonical(event | {"schema_version": 1, "event_data": data | data.pop("text")})
    await pool.execute("UPDATE annals.stored_events SET state = $1 WHERE notification_id = 3", older)
    file = io.BytesIO()
    await dump(pool, file, outputs=True, report=lambda _: None)
    await take(empty, file.getvalue())
    assert await rows(empty) == await rows(pool)
    assert bytes(await empty.fetchval("SELECT state FROM annals.stored_events WHERE notification_id = 3")) == older
    assert await EventReader(empty).after(0, 10) == await EventReader(pool).after(0, 10)


async def test_an_archive_of_format_1_says_of_receipts_only_what_events_tell(
    dsn: str, pool: PostgresPool, empty: PostgresPool
) -> None:
    """Its receipts name no tenant; those that led to an event are its tenant's, the others stand for any."""
    await fill(dsn, pool)
    first = await pool.fetchval("SELECT event_id FROM annals.stored_events WHERE notification_id = 1")
    await InboxReceipts(pool, PUBLIC_IDS).record([(Delivery("default", "letters/1", first), "ingested")])
    file = io.BytesIO()
    await dump(pool, file, outputs=True, report=lambda _: None)
    lines = before_originals(file.getvalue(), 1)
    for line in lines:
        if "outcome" in line:
            del line["tenant"], line["document_id"]
        for name in Link.model_fields:
            line.pop(name, None)
    old = b"".join(canonical(line) + b"\n" for line in lines)
    await take(empty, old + canonical({"sha256": hashlib.sha256(old).hexdigest()}) + b"\n")

    receipts = InboxReceipts(empty, PUBLIC_IDS)
    same_id = [Delivery(tenant, "letters/1", first) for tenant in ("default", "other")]
    assert await receipts.seen(same_id) == {same_id[0]}
    silent = [RECEIPT, RECEIPT._replace(tenant="other")]
    assert await receipts.seen(silent) == set(silent)
