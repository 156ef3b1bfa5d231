"""Texts, originals and model outputs are sealed: no row says what it holds, and a destroyed key opens none."""

import asyncio
import io
import os
from datetime import timedelta

import pytest

from eventstore import sealed_contents
from eventstore.errors import MissingTextError
from eventstore.log_ids import PUBLIC_IDS
from eventstore.originals import OriginalStore
from eventstore.outputs import ModelOutputs
from eventstore.pool import PostgresPool
from eventstore.stream_keys import MasterStreamKeys
from eventstore.texts import TextKey, TextStore
from eventstore.transfer import dump
from security.errors import DecryptionError, UnknownKeyError
from security.master_key import VariableMasterKey
from tests.eventstore.sealing import MASTER, stream_keys
from tests.eventstore.test_archive import take

TEXT = "Wilhelmina met Ottokar in Zagreb."
DIGEST = "ab" * 32


@pytest.fixture
async def texts(pool: PostgresPool) -> TextStore:
    return TextStore(pool, stream_keys(pool))


async def put(texts: TextStore, document_id: str = "letter", text: str = TEXT) -> TextKey:
    (reference,) = await texts.put_many([("default", document_id, text)])
    return "default", document_id, reference.digest


async def said(pool: PostgresPool) -> str:
    """All that the tables of contents hold, bytes by their text as well."""
    found = []
    for table in ("texts", "originals", "model_outputs"):
        for row in await pool.fetch(f"SELECT * FROM annals.{table}"):
            found += [value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row.values()]
            found += [value.hex() for value in row.values() if isinstance(value, bytes)]
    return "\n".join(found)


async def destroy(pool: PostgresPool, document_id: str = "letter") -> None:
    streams = [PUBLIC_IDS.contents("default", document_id)]
    assert await pool.fetchval("SELECT annals.destroy_keys('default', $1)", streams) > 0


async def test_what_is_stored_comes_back_and_no_row_says_it(pool: PostgresPool, texts: TextStore) -> None:
    own = await put(texts)
    originals = OriginalStore(pool, stream_keys(pool))
    digest = await originals.put("default", "letter", b"%PDF " + TEXT.encode())
    await ModelOutputs(pool, PUBLIC_IDS).put_many("m", {DIGEST: TEXT.encode()})
    there = await said(pool)
    for secret in ("Wilhelmina", TEXT.encode().hex(), own[2], digest, DIGEST):
        assert secret not in there, secret
    assert await texts.get_many([own]) == {own: TEXT}
    assert await TextStore(pool, stream_keys(pool)).get_many([own]) == {own: TEXT}, "another process reads it"
    assert await originals.get("default", "letter", digest) == b"%PDF " + TEXT.encode()
    assert await ModelOutputs(pool, PUBLIC_IDS).get_many("m", [DIGEST, "cd" * 32]) == {DIGEST: TEXT.encode()}
    assert await ModelOutputs(pool, PUBLIC_IDS).get_many("other", [DIGEST]) == {}
    assert [one async for one in texts.of_tenant("default")] == [("letter", TEXT)]


@pytest.mark.parametrize("repeated", [20, 20_000], ids=["here", "in a thread"])
async def test_what_is_sealed_is_compressed_before(pool: PostgresPool, texts: TextStore, repeated: int) -> None:
    """Its length is known without reading it, as memory is bounded by that of what is in the clear."""
    text = "\n".join(f"{number}: {TEXT}" for number in range(repeated))
    own = await put(texts, text=text)
    originals = OriginalStore(pool, stream_keys(pool))
    digest = await originals.put("default", "letter", text.encode())
    random = os.urandom(1000)
    noise = await originals.put("default", "noise", random)
    for table in ("texts", "originals"):
        stored = await pool.fetchval(f"SELECT octet_length(content) FROM annals.{table} WHERE document_id = 'letter'")
        assert stored < len(text) / 3
    assert await pool.fetchval("SELECT octet_length(content) FROM annals.originals WHERE document_id = 'noise'") == 1028
    asked = [(*own[:2], bytes.fromhex(own[2]))]
    assert await texts.contents.sizes(asked) == {asked[0]: len(text)}
    assert [found async for found in texts.kept([own])] == [{own: text}]
    assert [one async for one in texts.of_tenant("default")] == [("letter", text)]
    assert await originals.get("default", "letter", digest) == text.encode()
    assert await originals.get("default", "noise", noise) == random
    await pool.execute("UPDATE annals.texts SET content = set_byte(content, 10, get_byte(content, 10) # 1)")
    with pytest.raises(DecryptionError):
        await texts.get_many([own])


async def test_what_was_sealed_before_that_is_read(
    pool: PostgresPool, texts: TextStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TEXT * 20
    with monkeypatch.context() as before:
        before.setattr(sealed_contents, "LEAST_COMPRESSED", len(text) + 1)
        own = await put(texts, text=text)
    later = await put(texts, text=text + TEXT)
    lengths = [row[0] for row in await pool.fetch("SELECT octet_length(content) FROM annals.texts ORDER BY 1")]
    assert lengths[1] == len(text) + 28 and lengths[0] < len(text) / 2
    assert await texts.get_many([own, later]) == {own: text, later: text + TEXT}
    sizes = await texts.contents.sizes([(*one[:2], bytes.fromhex(one[2])) for one in (own, later)])
    assert sorted(sizes.values()) == [len(text) + 28, len(text) + len(TEXT)]


async def test_stored_again_it_is_there_once_with_one_key(pool: PostgresPool, texts: TextStore) -> None:
    own = await put(texts)
    await put(texts)
    other = TextStore(pool, stream_keys(pool))
    await put(other, text="Another version.")
    assert await pool.fetchval("SELECT count(*) FROM annals.texts") == 2
    assert await pool.fetchval("SELECT count(DISTINCT key_id) FROM annals.texts") == 1
    assert await other.get_many([own]) == {own: TEXT}


async def test_without_the_key_it_is_read_by_nobody(pool: PostgresPool, texts: TextStore) -> None:
    """Wherever a copy of the row lies."""
    own = await put(texts)
    await destroy(pool)
    with pytest.raises(MissingTextError):
        await TextStore(pool, stream_keys(pool)).get_many([own])
    again = await put(texts, text="Another one.")
    assert await TextStore(pool, stream_keys(pool)).get_many([again]) == {again: "Another one."}
    assert await pool.fetchval("SELECT count(DISTINCT key_id) FROM annals.texts") == 2


async def test_changed_rows_are_not_believed(pool: PostgresPool, texts: TextStore) -> None:
    own, other = await put(texts), await put(texts, "other")
    await ModelOutputs(pool, PUBLIC_IDS).put_many("m", {DIGEST: b"said"})
    await pool.execute("UPDATE annals.model_outputs SET output = set_byte(output, 14, get_byte(output, 14) # 1)")
    with pytest.raises(DecryptionError):
        await ModelOutputs(pool, PUBLIC_IDS).get_many("m", [DIGEST])
    await pool.execute("UPDATE annals.texts SET content = set_byte(content, 14, get_byte(content, 14) # 1)")
    with pytest.raises(DecryptionError):
        await texts.get_many([own])
    await pool.execute(
        "UPDATE annals.texts AS t SET key_id = o.key_id FROM annals.texts AS o "
        "WHERE t.document_id = 'letter' AND o.document_id = 'other'"
    )
    with pytest.raises(UnknownKeyError):
        await TextStore(pool, stream_keys(pool)).get_many([own])
    with pytest.raises(UnknownKeyError):
        await TextStore(pool).get_many([other])


async def test_of_before_it_is_read_and_sealed_when_it_is_stored_again(pool: PostgresPool, texts: TextStore) -> None:
    clear = TextStore(pool)
    own, other = await put(clear), await put(clear, "other", "Ottokar.")
    await pool.execute("INSERT INTO annals.model_outputs VALUES ('m', $1, 'Ottokar')", bytes.fromhex(DIGEST))
    digest = await OriginalStore(pool).put("default", "other", b"Ottokar.")
    assert await texts.get_many([own, other]) == {own: TEXT, other: "Ottokar."}
    assert await ModelOutputs(pool, PUBLIC_IDS).get_many("m", [DIGEST]) == {DIGEST: b"Ottokar"}
    assert await put(texts) == own
    assert "Wilhelmina" not in await said(pool) and "Ottokar" in await said(pool)
    originals, outputs = OriginalStore(pool, stream_keys(pool)), ModelOutputs(pool, PUBLIC_IDS)
    for one in (texts.contents, originals.contents, outputs):
        assert [await one.seal_some(5), await one.seal_some(5)] == [1, 0]
    assert "Ottokar" not in await said(pool)
    assert await texts.get_many([own, other]) == {own: TEXT, other: "Ottokar."}
    assert await originals.get("default", "other", digest) == b"Ottokar."
    assert await outputs.get_many("m", [DIGEST]) == {DIGEST: b"Ottokar"}
    assert await pool.fetchval("SELECT count(*) FROM annals.texts") == 2


async def test_many_at_once_agree_on_a_key(dsn: str, pool: PostgresPool) -> None:
    stores = [TextStore(pool, stream_keys(pool)) for _ in range(6)]
    written = await asyncio.gather(*(put(store, text=f"Version {n}.") for n, store in enumerate(stores)))
    found = await TextStore(pool, stream_keys(pool)).get_many(written)
    assert sorted(found.values()) == [f"Version {n}." for n in range(6)]


async def test_a_key_that_is_old_seals_no_more(pool: PostgresPool, texts: TextStore) -> None:
    own = await put(texts)
    turned = TextStore(pool, MasterStreamKeys(pool, VariableMasterKey(MASTER.text), timedelta(0), PUBLIC_IDS))
    other = await put(turned, text="Later.")
    assert await pool.fetchval("SELECT count(DISTINCT key_id) FROM annals.texts") == 2
    assert await texts.get_many([own, other]) == {own: TEXT, other: "Later."}


async def test_an_archive_has_them_sealed(pool: PostgresPool, texts: TextStore, empty: PostgresPool) -> None:
    own, gone = await put(texts), await put(texts, "gone", "Ottokar.")
    originals = OriginalStore(pool, stream_keys(pool))
    digest = await originals.put("default", "letter", TEXT.encode() * 600_000)
    await ModelOutputs(pool, PUBLIC_IDS).put_many("m", {DIGEST: TEXT.encode()})
    await destroy(pool, "gone")
    file, keys = io.BytesIO(), io.BytesIO()
    await dump(pool, file, outputs=True, report=lambda _: None, keys=keys, master=VariableMasterKey(MASTER.text))
    assert b"Wilhelmina" not in file.getvalue() and own[2].encode() not in file.getvalue()
    await take(empty, file.getvalue(), VariableMasterKey(MASTER.text), keys)
    restored = TextStore(empty, stream_keys(empty))
    assert await restored.get_many([own]) == {own: TEXT}
    with pytest.raises(MissingTextError):
        await restored.get_many([gone])
    assert await OriginalStore(empty, stream_keys(empty)).get("default", "letter", digest) == TEXT.encode() * 600_000
    assert await ModelOutputs(empty, PUBLIC_IDS).get_many("m", [DIGEST]) == {DIGEST: TEXT.encode()}
