"""The bytes that a document was read from: kept where somebody asks, for its tenant alone, and gone with it."""

from collections.abc import Mapping
from hashlib import sha256
from uuid import uuid4

import pytest

from contracts.envelope import EventMetadata
from contracts.payload import Scalar
from eventstore.commands import Commands
from eventstore.originals import OriginalStore
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from security.access import FULL_ACCESS, FullAccess
from security.reach import Reach, Rule
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, NotFoundError
from services.storage.deletion import DeleteDocuments
from services.storage.files import ORIGINAL
from services.storage.intake import Intake, Submission
from services.storage.original import ReadOriginal
from services.storage.taking import TakeDocuments
from tests.support.access import allowed

OURS, THEIRS = Caller("ours", "ada", "test", FULL_ACCESS), Caller("theirs", "bob", "test", FULL_ACCESS)
RAW = b"%PDF-1.7 \x00\xff"
DIGEST = sha256(RAW).hexdigest()


class Narrow(FullAccess):
    """Documents that one rule names."""

    def __init__(self, rule: Rule) -> None:
        self._reach = Reach((rule,))

    def reach(self, resource: str, action: str) -> Reach:
        return self._reach


def soon() -> Deadline:
    return Deadline.after(20)


class Kept:
    """All that has to do with it, over one database."""

    def __init__(self, pool: PostgresPool, intake: Intake, commands: Commands, reader: EventReader) -> None:
        self.originals = OriginalStore(pool)
        self.taking = TakeDocuments(intake, self.originals)
        self.reading = ReadOriginal(reader, self.originals)
        self.deletion = DeleteDocuments(commands, reader)
        self._pool = pool

    async def take(
        self,
        text: str = "Text.",
        raw: bytes | None = RAW,
        caller: Caller = OURS,
        attributes: Mapping[str, Scalar] | None = None,
    ) -> str:
        own = {} if raw is None else {ORIGINAL: sha256(raw).hexdigest()}
        one = Submission(
            "a", "T", text, EventMetadata(tenant=caller.tenant), uuid4(), "c", attributes={**(attributes or {}), **own}
        )
        (outcome,) = await self.taking.take(caller, [one], soon(), originals={} if raw is None else {"a": raw})
        return outcome

    async def read(self, caller: Caller = OURS) -> bytes:
        found = await self.reading.read(caller, ["nothing", "a"], deadline=soon())
        assert (found.document_id, found.digest) == ("a", sha256(found.content).hexdigest())
        return found.content

    async def refused(self, caller: Caller = OURS) -> str:
        with pytest.raises(NotFoundError) as error:
            await self.read(caller)
        return str(error.value)

    async def rows(self) -> int:
        return int(await self._pool.fetchval("SELECT count(*) FROM annals.originals"))


@pytest.fixture
def kept(pool: PostgresPool, intake: Intake, commands: Commands, reader: EventReader) -> Kept:
    return Kept(pool, intake, commands, reader)


async def test_it_is_kept_once_for_each_content_and_for_one_tenant(kept: Kept) -> None:
    assert [await kept.take(), await kept.take()] == ["ingested", "unchanged"]
    assert await kept.read() == RAW and await kept.rows() == 1
    assert await kept.take("Other.", b"Other.") == "updated"
    assert await kept.read() == b"Other."
    await kept.take(raw=None, caller=THEIRS)
    assert "no original" in await kept.refused(THEIRS)
    # To know a digest is not enough.
    await kept.take("Mine.", None, THEIRS, {ORIGINAL: DIGEST})
    assert "no original" in await kept.refused(THEIRS)
    await kept.take("Odd.", None, THEIRS, {ORIGINAL: "'; DROP TABLE"})
    assert "no original" in await kept.refused(THEIRS)


async def test_it_goes_with_the_document(kept: Kept) -> None:
    await kept.take()
    await kept.take("Other.", b"Other.")
    await kept.take(raw=b"Theirs.", caller=THEIRS)
    assert await kept.rows() == 3
    await kept.deletion.delete(OURS, [["a"]], reason=None, correlation_id="c", deadline=soon())
    assert await kept.rows() == 1 and "was deleted" in await kept.refused()
    assert await kept.read(THEIRS) == b"Theirs."
    assert await kept.take(raw=None) == "ingested"
    assert "no original" in await kept.refused()


async def test_to_take_the_same_in_without_it_changes_nothing(kept: Kept) -> None:
    """Another text is not what was read from it."""
    await kept.take()
    assert await kept.take(raw=None) == "unchanged" and await kept.read() == RAW
    assert await kept.take(raw=None, attributes={"year": 1900}) == "updated" and await kept.read() == RAW
    assert await kept.take("Other.", None) == "updated"
    assert "no original" in await kept.refused()


async def test_who_may_see_all_of_a_document_may_read_it(kept: Kept) -> None:
    await kept.take(attributes={"collection": "letters"})
    whole = Caller("ours", "eve", "test", Narrow(Rule(frozenset({"letters"}), frozenset())))
    assert await kept.read(whole) == RAW
    masked = Caller("ours", "eve", "test", Narrow(Rule(frozenset({"letters"}), frozenset({"title"}))))
    assert "no original" in await kept.refused(masked)
    other = Caller("ours", "eve", "test", Narrow(Rule(frozenset({"reports"}), frozenset())))
    assert "there is no document" in await kept.refused(other)
    with pytest.raises(AccessDeniedError):
        await kept.read(Caller("ours", "eve", "test", allowed("documents:write")))
    await kept.deletion.delete(OURS, [["a"]], reason=None, correlation_id="c", deadline=soon())
    assert "was deleted" in await kept.refused(whole)
    # Who could not see it is not told that it was there.
    assert "there is no document" in await kept.refused(other)
