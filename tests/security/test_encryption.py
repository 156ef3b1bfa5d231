"""Sealing: what comes back is what went in, and only for the context that it was sealed for."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security import master_key
from security.encryption import MAX_DATA_BYTES, EncryptedData, EncryptionContext, new_key, seal, unseal
from security.errors import DecryptionError, MasterKeyError, TooMuchToEncryptError
from security.master_key import FileMasterKey, LocalKey, MasterKey, VariableMasterKey, WrappedKey, read_keys

KEY, NOW = new_key(), datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
CONTEXT = EncryptionContext("acme", "document/river.md", "text", "7")
texts = st.text(max_size=12)
contexts = st.builds(EncryptionContext, tenant=texts, subject=texts, purpose=texts, object_id=texts)


@given(st.binary(max_size=300), contexts)
def test_what_is_sealed_comes_back(data: bytes, context: EncryptionContext) -> None:
    sealed = seal(KEY, data, context, "k1", NOW)
    assert unseal(KEY, sealed, context) == data
    assert EncryptedData.unpack(sealed.pack()) == sealed


@given(st.binary(max_size=50), contexts, contexts)
def test_another_context_opens_nothing(data: bytes, context: EncryptionContext, other: EncryptionContext) -> None:
    sealed = seal(KEY, data, context, "k1", NOW)
    if replace(other, actor=context.actor) == context:
        assert unseal(KEY, sealed, other) == data
    else:
        with pytest.raises(DecryptionError):
            unseal(KEY, sealed, other)


@pytest.mark.parametrize("name", ["tenant", "subject", "purpose", "object_id"])
def test_each_part_of_the_context_counts(name: str) -> None:
    sealed = seal(KEY, b"data", CONTEXT, "k1", NOW)
    with pytest.raises(DecryptionError):
        unseal(KEY, sealed, replace(CONTEXT, **{name: getattr(CONTEXT, name) + "x"}))


def test_parts_do_not_run_into_each_other() -> None:
    sealed = seal(KEY, b"data", EncryptionContext("a", "bc", "d"), "k1", NOW)
    with pytest.raises(DecryptionError):
        unseal(KEY, sealed, EncryptionContext("ab", "c", "d"))


@given(st.binary(max_size=40), st.data())
def test_every_byte_of_what_is_stored_is_guarded(data: bytes, drawn: st.DataObject) -> None:
    packed = bytearray(seal(KEY, data, CONTEXT, "k1", NOW).pack())
    packed[drawn.draw(st.integers(0, len(packed) - 1))] ^= 1 << drawn.draw(st.integers(0, 7))
    with pytest.raises(DecryptionError):
        unseal(KEY, EncryptedData.unpack(bytes(packed)), CONTEXT)


@given(st.binary(max_size=80))
def test_what_was_never_packed_is_refused(noise: bytes) -> None:
    with pytest.raises(DecryptionError):
        unseal(KEY, EncryptedData.unpack(noise), CONTEXT)


@given(st.integers(1, 40))
def test_what_is_cut_off_is_refused(lost: int) -> None:
    packed = seal(KEY, b"data", CONTEXT, "k1", NOW).pack()
    with pytest.raises(DecryptionError):
        unseal(KEY, EncryptedData.unpack(packed[:-lost]), CONTEXT)


def test_another_key_name_or_time_opens_nothing() -> None:
    sealed = seal(KEY, b"data", CONTEXT, "k1", NOW)
    for changed in (
        replace(sealed, key_id="k2"),
        replace(sealed, timestamp=NOW + timedelta(microseconds=1)),
        replace(sealed, iv=bytes(12)),
        replace(sealed, iv=b""),
    ):
        with pytest.raises(DecryptionError):
            unseal(KEY, changed, CONTEXT)
    with pytest.raises(DecryptionError):
        unseal(new_key(), sealed, CONTEXT)


def test_no_two_ivs_are_the_same() -> None:
    assert len({seal(KEY, b"", CONTEXT, "k1", NOW).iv for _ in range(5000)}) == 5000


def test_too_much_at_once_is_refused() -> None:
    with pytest.raises(TooMuchToEncryptError):
        seal(KEY, bytes(MAX_DATA_BYTES + 1), CONTEXT, "k1", NOW)


def test_nothing_that_is_shown_holds_a_key() -> None:
    key = LocalKey(KEY)
    said = repr([key, key.wrap(KEY, b""), seal(KEY, b"plain words", CONTEXT, "k1", NOW), key.id])
    for secret in (KEY.hex(), key.text, repr(KEY), "plain words"):
        assert secret not in said


def text_of(*keys: bytes) -> str:
    return ",".join(base64.b64encode(key).decode() for key in keys)


@pytest.fixture(params=["file", "variable"])
async def master(request: pytest.FixtureRequest, tmp_path: Path) -> MasterKey:
    if request.param == "variable":
        return VariableMasterKey(text_of(new_key(), new_key()))
    made = FileMasterKey(tmp_path / "data" / "master.key")
    await made.begin()
    return made


async def test_a_master_key_unwraps_what_it_wrapped(master: MasterKey) -> None:
    wrapped = await master.wrap(KEY, b"row 1")
    assert await master.unwrap(wrapped, b"row 1") == KEY and await master.is_present(wrapped)
    assert KEY not in wrapped.data
    with pytest.raises(MasterKeyError):
        await master.unwrap(wrapped, b"row 2")
    for changed in (wrapped.data[:-1], wrapped.data[:5], bytes([wrapped.data[0] ^ 1]) + wrapped.data[1:]):
        with pytest.raises(MasterKeyError):
            await master.unwrap(WrappedKey(wrapped.master, changed), b"row 1")
    with pytest.raises(MasterKeyError, match="the master key local:0 is not in"):
        await master.unwrap(WrappedKey("local:0", wrapped.data), b"row 1")


async def test_the_file_is_for_its_owner_alone_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "data" / "master.key"
    one, two = FileMasterKey(path), FileMasterKey(path)
    with pytest.raises(MasterKeyError, match="is missing; restore it"):
        await one.wrap(KEY, b"")
    await one.begin()
    before = path.read_text()
    await two.begin()
    assert path.read_text() == before and path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]
    assert await two.unwrap(await one.wrap(KEY, b""), b"") == KEY
    path.chmod(0o640)
    with pytest.raises(MasterKeyError, match="give it mode 600"):
        await one.wrap(KEY, b"")


@pytest.fixture(params=["settled", "new"])
def age(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose times say which it is, or one that was written right now, as each is right after it is made."""
    monkeypatch.setattr(master_key, "SETTLED_NS", -1 if request.param == "settled" else 10**18)


@pytest.mark.usefixtures("age")
async def test_a_file_that_was_read_is_looked_at_each_time(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    one = FileMasterKey(path)
    await one.begin()
    old = await one.wrap(KEY, b"")
    path.chmod(0o640)
    with pytest.raises(MasterKeyError, match="give it mode 600"):
        await one.wrap(KEY, b"")
    path.chmod(0o600)
    assert await one.is_present(old)
    path.rename(tmp_path / "aside.key")
    with pytest.raises(MasterKeyError, match="is missing; restore it"):
        await one.unwrap(old, b"")
    path.symlink_to(tmp_path / "aside.key")
    with pytest.raises(MasterKeyError, match="cannot be read"):
        await one.unwrap(old, b"")
    path.unlink()
    await FileMasterKey(path).begin()
    assert not await one.is_present(old)


@pytest.mark.usefixtures("age")
async def test_a_rotated_file_serves_who_has_it_open_and_forgets_when_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    one, two = FileMasterKey(path), FileMasterKey(path)
    await one.begin()
    old = await one.wrap(KEY, b"")
    await two.rotate()
    assert await one.unwrap(old, b"") == KEY and not await one.is_present(old)
    new = await one.wrap(KEY, b"")
    assert await two.is_present(new)
    await two.forget_older()
    assert await one.unwrap(new, b"") == KEY
    with pytest.raises(MasterKeyError):
        await one.unwrap(old, b"")
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_link_is_no_master_key(tmp_path: Path) -> None:
    real = FileMasterKey(tmp_path / "real.key")
    await real.begin()
    (tmp_path / "link.key").symlink_to(tmp_path / "real.key")
    with pytest.raises(MasterKeyError, match="cannot be read"):
        await FileMasterKey(tmp_path / "link.key").wrap(KEY, b"")


@pytest.mark.parametrize(
    "text", ["", " , ", "c2hvcnQ=", "hunter2-hunter2", pytest.param(text_of(KEY) + ",hunter2", id="one of two")]
)
def test_what_is_no_master_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(MasterKeyError) as refused:
        read_keys(text, "the setting")
    for word in text.replace(",", " ").split():
        assert word not in str(refused.value)
