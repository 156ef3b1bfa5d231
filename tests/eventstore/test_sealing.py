"""Sealed events: the log says nothing of documents without their keys, and goes on without those that are gone."""

import asyncio
import base64
import hashlib
import io
import json
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.persistence import StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from aggregates import document as documents
from aggregates.document import Document
from contracts.brief_event import BriefEvent
from contracts.codec import canonical, decode, encode
from contracts.documents import DocumentContent, EntitiesExtracted, Mention, TextReference
from contracts.envelope import DomainEvent, new_event
from contracts.payload import Attributes
from eventstore.archive import ArchiveReader
from eventstore.archive_keys import KeysReader, MissingKeysError
from eventstore.chained_events import ChainedEvents
from eventstore.data_keys import DataKeys
from eventstore.erasures import ErasurePlan, Erasures
from eventstore.key_management import KeyManagementService
from eventstore.log_ids import PUBLIC_IDS
from eventstore.opening import open_states
from eventstore.pool import PostgresPool, open_pool
from eventstore.reader import EventReader
from eventstore.sealed_events import StreamKey, opened, seal_event
from eventstore.summed_lines import ArchiveError
from eventstore.transfer import count_lines, dump, restore
from security.encryption import MAX_USES
from security.errors import DecryptionError, MasterKeyError, UnknownKeyError
from security.event_chain import LogCheck
from security.master_key import FileMasterKey, LocalKey, VariableMasterKey
from tests.conftest import PostgresServer
from tests.eventstore.sealing import CAUSE, MASTER, Sealing, key, stream_keys


@pytest.fixture
async def sealing(dsn: str, pool: PostgresPool) -> AsyncIterator[Sealing]:
    made = Sealing.over(dsn, pool)
    yield made
    made.close()


async def checked(pool: PostgresPool) -> LogCheck:
    check = LogCheck()
    for event in await ChainedEvents(pool).after(0):
        check.take(event)
    return check


async def stored(pool: PostgresPool) -> str:
    """All of the log's rows as text."""
    rows = await pool.fetch(
        "SELECT convert_from(state, 'UTF8') || tenant || aggregate_id AS row FROM annals.stored_events"
    )
    return "\n".join(row["row"] for row in rows)


async def test_the_log_says_nothing_of_a_document(sealing: Sealing) -> None:
    events = await sealing.take("letters/ada.md", "Ada Lovelace")
    everything = await stored(sealing.pool)
    for secret in ("Ada", "Lovelace", "letters", "ada.md", "PERSON"):
        assert secret not in everything
    assert (await checked(sealing.pool)).fault is None
    assert await sealing.reader.after(0, 10) == events
    assert await sealing.reader.of_aggregate(*key("letters/ada.md")) == events
    assert await sealing.reader.seen.with_id("default", events[0].event_id, ["letters"]) == events[0]
    assert await sealing.reader.seen.with_id("default", events[0].event_id, ["other"]) is None
    assert [own async for own in sealing.reader.whole.read(["document"], 10)] == [[list(map(BriefEvent.of, events))]]
    another = EventReader(sealing.pool, stream_keys(sealing.pool))
    assert await another.after(0, 10) == events
    with pytest.raises(UnknownKeyError):
        await EventReader(sealing.pool).after(0, 10)
    with pytest.raises(MasterKeyError):
        await EventReader(sealing.pool, stream_keys(sealing.pool, LocalKey(bytes(32)))).after(0, 10)


async def test_each_document_has_one_key(sealing: Sealing) -> None:
    for number in range(3):
        await sealing.take(f"d{number}", "Title")
    found = await sealing.pool.fetch("SELECT subject FROM annals.data_keys ORDER BY subject")
    wanted = sorted(f"stream/{PUBLIC_IDS.stream(key(f'd{number}'))}" for number in range(3))
    assert [row["subject"] for row in found] == wanted


async def test_what_was_appended_before_stays_readable_beside_it(sealing: Sealing) -> None:
    """A log of an earlier version goes on: its own events stay in the clear, and what comes is sealed."""
    plain = Sealing(
        sealing.pool, sealing.log, sealing.keys, sealing.reader, type(sealing.commands)(sealing.log, sealing.reader)
    )
    before = await plain.take("old", "Ada")
    plain.commands.close()
    now = await sealing.take("old", "Grace")
    assert now[0].aggregate_version == 3
    assert await sealing.reader.of_aggregate(*key("old")) == [*before, *now]
    everything = await stored(sealing.pool)
    assert "Ada" in everything and "Grace" not in everything


async def test_what_was_erased_is_passed_over(sealing: Sealing, dsn: str) -> None:
    await sealing.take("gone", "Ada")
    kept = await sealing.take("kept", "Grace")
    await sealing.destroy("gone")
    other = Sealing.over(dsn, sealing.pool)
    try:
        assert (await checked(sealing.pool)).fault is None
        assert await other.reader.after(0, 1) == kept[:1], "a page of what was erased is no end"
        assert await other.reader.after(0, 10) == kept
        assert await other.reader.of_aggregates([key("gone"), key("kept")]) == {key("kept"): kept}
        assert [own async for own in other.reader.whole.read(["document"], 10)] == [[list(map(BriefEvent.of, kept))]]
        assert [own async for own in other.reader.in_batches({key("gone"): 1})] == [{key("gone"): []}]
        assert await other.reader.seen.with_id("default", kept[0].event_id) == kept[0]
        (states,) = [found async for found in other.reader.states([key("gone")], Document.project)]
        assert (states[key("gone")].deleted, states[key("gone")].version) == (True, 2)

        # The same comes back as new, under a key of its own.
        again = await other.take("gone", "Ada")
        assert [event.aggregate_version for event in again] == [3, 4]
        assert await other.reader.of_aggregate(*key("gone")) == again
        assert [own async for own in other.reader.in_batches({key("gone"): 1})] == [{key("gone"): again}]
    finally:
        other.close()


async def test_a_key_that_was_destroyed_meanwhile_seals_nothing(sealing: Sealing) -> None:
    """A process that still has the key in memory would seal what nobody can read again."""
    await sealing.take("d", "Ada")
    await sealing.destroy("d")
    again = await sealing.take("d", "Grace")
    assert again[0].aggregate_version == 3
    assert await EventReader(sealing.pool, stream_keys(sealing.pool)).of_aggregate(*key("d")) == again


async def test_a_key_that_was_wrapped_before_the_master_key_changed_is_wrapped_anew(
    dsn: str, pool: PostgresPool, tmp_path: object
) -> None:
    made = Sealing.over(dsn, pool)
    file = FileMasterKey(tmp_path / "master.key")  # type: ignore[operator]
    made.keys._master = file
    management = KeyManagementService(pool, file, made.keys._rotation, MAX_USES)
    try:
        first = await made.take("one", "Ada")
        assert await management.rewrap(rotate_master=True) == 1
        second = await made.take("two", "Grace")
        made.keys.forget()
        assert await made.reader.after(0, 10) == [*first, *second]
        masters = {one.wrapped.master for one in await DataKeys(pool).of_tenant("default", "", 10) if one.wrapped}
        assert len(masters) == 1
    finally:
        made.close()


def sealed_before(event: DomainEvent, key_id: str, secret: bytes) -> bytes:
    """As the first version of the form has it: plain JSON within."""
    fields = json.loads(encode(event))
    within = canonical({name: fields[name] for name in ("aggregate_id", "event_data", "schema_version")})
    stream = PUBLIC_IDS.stream(key(event.aggregate_id))
    associated = b"annals event 1\0default\0" + stream.bytes + event.event_id.bytes
    iv = bytes(range(12))
    sealed = base64.b64encode(iv + AESGCM(secret).encrypt(iv, within, associated)).decode()
    return canonical(
        {**fields, "aggregate_id": str(stream), "event_data": {"key": key_id, "sealed": sealed}, "schema_version": 1000}
    )


async def test_what_was_sealed_by_the_first_version_stays_readable(sealing: Sealing) -> None:
    """It is read, published, chained, and passed over once it was erased; what comes after is sealed by today's."""
    stream = PUBLIC_IDS.stream(key("d"))
    (made,) = [one for one in (await sealing.keys.for_appending({stream: "default"}, ())).keys.values()]
    assert made.wrapped is not None
    await sealing.pool.execute(
        "INSERT INTO annals.data_keys (key_id, tenant, subject, master, wrapped) VALUES ($1, 'default', $2, $3, $4)",
        *(made.key_id, f"stream/{stream}", made.wrapped.master, made.wrapped.data),
    )
    reference = TextReference(digest="0" * 64, characters=1, bytes=1)
    content = DocumentContent(title="Ada", text=reference, attributes={"collection": "letters"})
    (first,) = documents.ingest(None, "d", content, CAUSE)
    state = sealed_before(first, made.key_id, made.secret)
    sealing.log.recorder.insert_events([StoredEvent(stream, 1, str(first.event_type), state)])
    more = await sealing.take("e", "Grace")
    (read, *others) = await sealing.reader.after(0, 10)
    assert (read.event_data, read.aggregate_id, others) == (first.event_data, "d", more)
    (opened,) = await open_states([state], sealing.keys)
    assert opened is not None and decode(opened) == first
    assert (await checked(sealing.pool)).fault is None
    assert await Erasures(sealing.pool, sealing.keys.ids).in_the_clear([key("d"), key("e")]) == 0
    plan = ErasurePlan("default", ["d"], [], [], [])
    assert await Erasures(sealing.pool, sealing.keys.ids).erase(plan) == 1
    assert await EventReader(sealing.pool, stream_keys(sealing.pool)).after(0, 10) == more
    assert (await checked(sealing.pool)).fault is None


@given(words=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)))
def test_what_is_sealed_comes_back_to_the_byte(words: list[str]) -> None:
    """Short or long, repeating or not, in whatever script; and it never takes much more room than in the clear."""
    reference = TextReference(digest="0" * 64, characters=1, bytes=1)
    attributes: Attributes = {f"a{number}": word for number, word in enumerate(words)}
    content = DocumentContent(title="".join(words)[:200], text=reference, attributes=attributes)
    (event,) = documents.ingest(None, "d", content, CAUSE)
    state, size = seal_event(event, PUBLIC_IDS.stream(key("d")), StreamKey("k", bytes(32)))
    assert canonical(opened(json.loads(state), bytes(32))) == encode(event)
    assert size >= len(encode(event))
    assert len(state) <= len(encode(event)) * 4 / 3 + 200


def test_what_repeats_itself_takes_less_room_sealed() -> None:
    mentions = tuple(
        Mention(entity_id=f"e{number}", name="Ada", type="PERSON", chunk_id="c", start=0, end=3, confidence=1.0)
        for number in range(20)
    )
    found = EntitiesExtracted(content="0" * 64, model="m", mentions=mentions, aliases=())
    event = new_event(found, aggregate_id="d", aggregate_version=1, metadata=CAUSE.metadata, correlation_id="c")
    state, _ = seal_event(event, PUBLIC_IDS.stream(key("d")), StreamKey("k", bytes(32)))
    assert len(state) < len(encode(event)) / 2


async def test_sealed_bytes_mean_nothing_elsewhere(sealing: Sealing) -> None:
    """Neither in another event of the same aggregate, nor changed."""
    await sealing.take("d", "Ada")
    states = [
        bytes(row["state"]) for row in await sealing.pool.fetch("SELECT state FROM annals.stored_events ORDER BY 1")
    ]
    one, other = map(json.loads, states)
    swapped = json.dumps({**one, "event_data": other["event_data"]}).encode()
    with pytest.raises(DecryptionError):
        await open_states([swapped], sealing.keys)
    foreign = json.dumps({**one, "metadata": {**one["metadata"], "tenant": "other"}}).encode()
    with pytest.raises(UnknownKeyError):
        await open_states([foreign], sealing.keys)


@pytest.fixture
async def other(postgres_server: PostgresServer) -> AsyncIterator[PostgresPool]:
    """Another database, empty."""
    postgres_server.execute("CREATE DATABASE other TEMPLATE annals")
    pool = await open_pool(postgres_server.dsn("other"))
    yield pool
    await pool.close()
    postgres_server.execute("DROP DATABASE other WITH (FORCE)")


async def archived(sealing: Sealing) -> tuple[bytes, bytes]:
    """The log as it is, and what opens it."""
    file, keys = io.BytesIO(), io.BytesIO()
    master = VariableMasterKey(MASTER.text)
    await dump(sealing.pool, file, outputs=True, report=lambda _: None, keys=keys, master=master)
    return file.getvalue(), keys.getvalue()


async def take(pool: PostgresPool, archive: bytes, keys: bytes | None, master: LocalKey = MASTER) -> None:
    opening = None if keys is None else KeysReader(io.BytesIO(keys))
    reader = ArchiveReader(io.BytesIO(archive))
    await restore(pool, reader, lambda _: None, VariableMasterKey(master.text), opening)


async def test_an_archive_carries_what_is_sealed_to_another_master_key(
    sealing: Sealing, postgres_server: PostgresServer, other: PostgresPool
) -> None:
    await sealing.take("gone", "Ada")
    kept = await sealing.take("kept", "Grace")
    await sealing.destroy("gone")
    master = LocalKey(bytes(32))
    await take(other, *await archived(sealing), master)
    there = await asyncio.to_thread(Sealing.over, postgres_server.dsn("other"), other, master)
    try:
        check = await checked(other)
        assert (check.fault, check.checked) == (None, 4)
        assert await there.reader.after(0, 10) == kept
        more = await there.take("kept", "Hopper")
        assert await there.reader.of_aggregate(*key("kept")) == [*kept, *more]
    finally:
        there.close()


async def test_what_opens_an_archive_is_in_a_file_of_its_own(sealing: Sealing, other: PostgresPool) -> None:
    await sealing.take("kept", "Grace")
    archive, keys = await archived(sealing)
    secrets = [json.loads(line)["key"] for line in keys.splitlines()[1:-1]]
    assert secrets and not any(one.encode() in archive for one in secrets)
    with pytest.raises(MissingKeysError, match="--keys"):
        await take(other, archive, None)
    await sealing.take("later", "Ada")
    later = await archived(sealing)
    with pytest.raises(ArchiveError, match="older than the archive"):
        await take(other, later[0], keys)
    for damaged in (keys[:-40], keys.replace(b'"key":"', b'"key":"AA', 1), archive, keys + b"{}\n"):
        with pytest.raises(ArchiveError, match="the keys file, line"):
            await take(other, archive, damaged)
    assert not (await count_lines(other)).all
    await take(other, archive, later[1])
    assert await other.fetchval("SELECT count(*) FROM annals.data_keys") == 1, "of what the archive has"


async def test_a_later_file_of_keys_opens_no_more_what_was_erased_since(
    sealing: Sealing, postgres_server: PostgresServer, other: PostgresPool
) -> None:
    await sealing.take("gone", "Ada")
    kept = await sealing.take("kept", "Grace")
    archive, _ = await archived(sealing)
    await sealing.destroy("gone")
    await take(other, archive, (await archived(sealing))[1])
    there = await asyncio.to_thread(Sealing.over, postgres_server.dsn("other"), other, MASTER)
    try:
        assert await there.reader.after(0, 10) == kept
    finally:
        there.close()


async def test_an_archive_of_before_has_its_keys_within(
    sealing: Sealing, postgres_server: PostgresServer, other: PostgresPool
) -> None:
    kept = await sealing.take("kept", "Grace")
    archive, keys = await archived(sealing)
    secrets = {one["key_id"]: one["key"] for one in map(json.loads, keys.splitlines()[1:-1])}
    header, *lines = [json.loads(line) for line in archive.splitlines()[:-1]]
    within = [{**one, "key": secrets[one["key_id"]]} if one.get("key_id") in secrets else one for one in lines]
    old = b"".join(canonical(line) + b"\n" for line in ({**header, "annals_archive": 5}, *within))
    await take(other, old + canonical({"sha256": hashlib.sha256(old).hexdigest()}) + b"\n", None)
    there = await asyncio.to_thread(Sealing.over, postgres_server.dsn("other"), other, MASTER)
    try:
        assert await there.reader.after(0, 10) == kept
    finally:
        there.close()
