"""Taking documents in, on the real event store: what each delivery comes to, and what it leaves behind."""

import asyncio
from uuid import UUID, uuid4

import pytest

from contracts.documents import DocumentContent
from contracts.envelope import DomainEvent, EventMetadata
from contracts.payload import Scalar
from eventstore.commands import Commands
from eventstore.log_ids import PUBLIC_IDS
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from eventstore.receipts import InboxReceipts
from eventstore.texts import TextStore
from services.deadline import Deadline, DeadlineExceededError
from services.storage.intake import DocumentTooLargeError, Intake, Submission
from tests.support.stores import LIMIT


def submission(
    text: str,
    document_id: str = "d1",
    *,
    title: str = "Lisse",
    tenant: str = "default",
    event_id: UUID | None = None,
    attributes: dict[str, Scalar] | None = None,
) -> Submission:
    return Submission(
        document_id=document_id,
        title=title,
        text=text,
        metadata=EventMetadata(tenant=tenant, actor="ada", source="test"),
        event_id=event_id or uuid4(),
        correlation_id="c1",
        attributes=attributes or {},
    )


async def stored(reader: EventReader) -> list[DomainEvent]:
    return await reader.after(0, 1000)


def soon() -> Deadline:
    return Deadline.after(20)


def text_digest(event: DomainEvent) -> str:
    assert isinstance(event.event_data, DocumentContent)
    return event.event_data.text.digest


async def test_a_new_document_is_ingested_with_its_text(intake: Intake, reader: EventReader, texts: TextStore) -> None:
    sent = submission("Lisse lies on the coast. \u00e9", attributes={"year": 1911})
    assert await intake.take([sent], soon()) == ["ingested"]

    (event,) = await stored(reader)
    assert (event.event_type, event.aggregate_id, event.aggregate_version) == ("DocumentIngested", "d1", 1)
    assert (event.causation_id, event.correlation_id, event.metadata) == (sent.event_id, "c1", sent.metadata)
    assert isinstance(event.event_data, DocumentContent)
    assert event.event_data.attributes == {"year": 1911}
    assert (event.event_data.text.characters, event.event_data.text.bytes) == (26, 27)
    key = ("default", "d1", text_digest(event))
    assert await texts.get_many([key]) == {key: sent.text}


async def test_the_same_content_again_changes_nothing(intake: Intake, reader: EventReader) -> None:
    assert await intake.take([submission("one")], soon()) == ["ingested"]
    assert await intake.take([submission("one")], soon()) == ["unchanged"]
    assert len(await stored(reader)) == 1


@pytest.mark.parametrize(
    "change", [submission("two"), submission("one", title="Other"), submission("one", attributes={"a": 1})]
)
async def test_other_content_updates(intake: Intake, reader: EventReader, change: Submission) -> None:
    assert await intake.take([submission("one")], soon()) == ["ingested"]
    assert await intake.take([change], soon()) == ["updated"]
    assert [event.event_type for event in await stored(reader)] == ["DocumentIngested", "DocumentUpdated"]


async def test_a_delivery_is_taken_once(intake: Intake, reader: EventReader) -> None:
    sent = submission("one")
    assert await intake.take([sent], soon()) == ["ingested"]
    assert await intake.take([sent], soon()) == ["duplicate"]
    assert len(await stored(reader)) == 1


async def test_one_batch_may_hold_a_document_and_a_delivery_twice(intake: Intake, reader: EventReader) -> None:
    first, second, other = submission("one"), submission("two"), submission("one", "d2")
    assert await intake.take([first, first, second, other, first, second], soon()) == [
        "ingested",
        "duplicate",
        "updated",
        "ingested",
        "duplicate",
        "duplicate",
    ]
    assert [(event.aggregate_id, event.aggregate_version) for event in await stored(reader)] == [
        ("d1", 1),
        ("d1", 2),
        ("d2", 1),
    ]


async def test_an_old_delivery_does_not_undo_a_newer_one(intake: Intake, reader: EventReader) -> None:
    first, second = submission("one"), submission("two")
    assert await intake.take([first, second], soon()) == ["ingested", "updated"]
    assert await intake.take([first], soon()) == ["duplicate"]
    assert len(await stored(reader)) == 2


async def test_not_even_one_that_changed_nothing_when_it_came(intake: Intake, reader: EventReader) -> None:
    """It left no event, so only its receipt can tell."""
    silent = submission("one")
    await intake.take([submission("one"), silent, submission("two")], soon())
    assert await intake.take([silent], soon()) == ["duplicate"]
    assert [event.event_type for event in await stored(reader)] == ["DocumentIngested", "DocumentUpdated"]


async def test_a_crash_between_event_and_receipt_is_no_second_ingestion(
    intake: Intake, reader: EventReader, pool: PostgresPool
) -> None:
    sent = submission("one")
    await intake.take([sent, submission("two")], soon())
    async with pool.acquire() as connection:
        await connection.execute("DELETE FROM annals.inbox_receipts")
    assert await intake.take([sent], soon()) == ["duplicate"]
    assert len(await stored(reader)) == 2


async def test_a_text_over_the_limit_is_refused_before_anything_is_kept(intake: Intake, reader: EventReader) -> None:
    """The limit counts bytes, not characters."""
    large = submission("\u00e9" * (LIMIT // 2 + 1), "large")
    with pytest.raises(DocumentTooLargeError, match=r"large: the text is 20,002 bytes and the limit is 20,000; split"):
        await intake.take([submission("one"), large], soon())
    assert await stored(reader) == []
    assert await intake.take([submission("\u00e9" * (LIMIT // 2), "fits")], soon()) == ["ingested"]


async def test_tenants_do_not_meet(intake: Intake, reader: EventReader) -> None:
    assert await intake.take([submission("one"), submission("two", tenant="acme")], soon()) == ["ingested", "ingested"]
    assert {(event.tenant, event.aggregate_version) for event in await stored(reader)} == {("default", 1), ("acme", 1)}


async def test_two_workers_with_the_same_delivery_append_it_once(
    commands: Commands, texts: TextStore, reader: EventReader, pool: PostgresPool, intake: Intake
) -> None:
    other = Intake(commands, texts, InboxReceipts(pool, PUBLIC_IDS), max_document_bytes=LIMIT)
    sent = [submission(f"text {number}", f"d{number}") for number in range(20)]
    outcomes = await asyncio.gather(intake.take(sent, soon()), other.take(sent, soon()))
    assert {(event.aggregate_id, event.aggregate_version) for event in await stored(reader)} == {
        (f"d{number}", 1) for number in range(20)
    }
    # Whoever came second found the delivery, or its content, there already.
    assert "updated" not in {outcome for taken in outcomes for outcome in taken}


async def test_nothing_to_take(intake: Intake) -> None:
    assert await intake.take([], soon()) == []


async def test_the_same_event_id_is_another_delivery_for_another_tenant_or_document(
    intake: Intake, reader: EventReader
) -> None:
    """Who chooses another's id neither loses its document nor keeps out one's own."""
    same = UUID(int=5)
    sent = [
        submission(f"{tenant} {name}", name, tenant=tenant, event_id=same)
        for tenant in ("default", "acme")
        for name in ("d1", "d2")
    ]
    assert await intake.take(sent, soon()) == ["ingested"] * 4
    assert await intake.take(sent, soon()) == ["duplicate"] * 4
    assert len({event.event_id for event in await stored(reader)}) == 4


async def test_what_an_older_version_took_in_is_not_taken_again(
    intake: Intake, reader: EventReader, pool: PostgresPool
) -> None:
    """It stored the sender's own event id, and its receipts did not say whose they were."""
    kept, silent = submission("one"), submission("two", "d2")
    await intake.take([kept, submission("three")], soon())
    await pool.execute("DELETE FROM annals.inbox_receipts")
    await pool.execute(
        "UPDATE annals.stored_events SET event_id = $1 WHERE originator_version = 1 AND aggregate_id = 'd1'",
        kept.event_id,
    )
    await pool.execute(
        "INSERT INTO annals.inbox_receipts (event_id, outcome) VALUES ($1, 'unchanged')", silent.event_id
    )
    assert await intake.take([kept, silent], soon()) == ["duplicate", "duplicate"]
    assert len(await stored(reader)) == 2


async def test_a_log_that_takes_nothing_is_waited_for_until_the_deadline(
    intake: Intake, pool: PostgresPool, reader: EventReader
) -> None:
    """Appends wait for a lock; what came through after all is not taken in a second time."""
    sent = [submission("one")]
    async with pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE annals.stored_events IN EXCLUSIVE MODE")
        with pytest.raises(DeadlineExceededError, match=r"taking documents in took longer than 0\.3 s"):
            await intake.take(sent, Deadline.after(0.3))
    assert len(await intake.take(sent, soon())) == 1
    assert len(await stored(reader)) == 1


GERMAN = "Der Ausschuss hat beschlossen, dass die alte Mühle nicht abgerissen wird."


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (GERMAN, {}, {"language": "de"}),
        (GERMAN, {"year": 1911}, {"year": 1911, "language": "de"}),
        (GERMAN, {"language": "en-GB"}, {"language": "en-GB"}),
        (GERMAN, {"language": 7}, {"language": 7}),
        (GERMAN, {"language": None}, {"language": "de"}),
        ("采购订单自动审批流程", {}, {"language": "zh"}),
        ("42", {}, {}),
    ],
)
async def test_the_language_is_told_where_the_producer_says_none(
    intake: Intake, reader: EventReader, text: str, given: dict[str, Scalar], expected: dict[str, Scalar]
) -> None:
    assert await intake.take([submission(text, attributes=given)], soon()) == ["ingested"]
    assert await intake.take([submission(text, attributes=given)], soon()) == ["unchanged"]
    (event,) = await stored(reader)
    assert isinstance(event.event_data, DocumentContent)
    assert event.event_data.attributes == expected


async def test_what_was_taken_in_before_languages_were_told_is_unchanged(
    intake: Intake, reader: EventReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("services.storage.intake.detect", lambda _: None)
        await intake.take([submission(GERMAN)], soon())
    assert await intake.take([submission(GERMAN)], soon()) == ["unchanged"]
    assert await intake.take([submission(GERMAN, title="Other")], soon()) == ["updated"]
    content = (await stored(reader))[-1].event_data
    assert isinstance(content, DocumentContent) and content.attributes == {"language": "de"}
