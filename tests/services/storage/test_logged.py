"""Documents as the log has them: at once, each for its caller alone, and none that was deleted."""

from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from contracts.envelope import EventMetadata
from contracts.payload import Scalar
from eventstore.commands import Commands
from eventstore.reader import EventReader
from security.access import FULL_ACCESS, FullAccess
from security.reach import Reach, Rule
from services.caller import Caller
from services.cursors import WrongCursorError
from services.deadline import Deadline
from services.errors import AccessDeniedError
from services.storage.deletion import DeleteDocuments
from services.storage.intake import Intake, Submission
from services.storage.logged import ListLogged, LoggedDocument
from tests.support.access import allowed

OURS, THEIRS = Caller("ours", "ada", "test", FULL_ACCESS), Caller("theirs", "bob", "test", FULL_ACCESS)
IDS = ("/docs/a.txt", "/docs/b_c.txt", "/docs/d.txt", "/docs%", "/docsx/e.txt")


class Partial(FullAccess):
    """Sees documents of one collection, without text, title and one attribute."""

    def reach(self, resource: str, action: str) -> Reach:
        return Reach((Rule(frozenset({"letters"}), frozenset({"attributes.author", "text", "title"})),))


class WithoutFiles(FullAccess):
    """Sees no document's file."""

    def reach(self, resource: str, action: str) -> Reach:
        return Reach((Rule(None, frozenset({"attributes.line_of"})),))


def soon() -> Deadline:
    return Deadline.after(20)


@pytest.fixture
async def logged(intake: Intake, reader: EventReader) -> ListLogged:
    """Five of ours, one of theirs under the same id; one of ours is of a collection."""
    for tenant, document_id in (*(("ours", one) for one in IDS), ("theirs", IDS[0])):
        attributes: dict[str, Scalar] = (
            {"collection": "letters", "author": "Ada"} if document_id == "/docs/d.txt" else {}
        )
        submission = Submission(
            document_id, "T", "Ada.", EventMetadata(tenant=tenant), uuid4(), "c",
            uri=f"file://{tenant}{document_id}", attributes=attributes,
        )  # fmt: skip
        await intake.take([submission], soon())
    return ListLogged(reader)


async def ids(logged: ListLogged, caller: Caller, prefix: str, limit: int = 10) -> list[str]:
    found: list[str] = []
    after: str | None = None
    while True:
        page = await logged.documents(caller, id_prefix=prefix, after=after, limit=limit, deadline=soon())
        found += [one.document_id for one in page.documents]
        assert len(page.documents) == limit or page.next is None
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
async def test_by_how_their_ids_begin(logged: ListLogged, limit: int) -> None:
    """To the letter: no pattern, no other case."""
    assert sorted(await ids(logged, OURS, "/docs/", limit)) == sorted(IDS[:3])
    assert sorted(await ids(logged, OURS, "", limit)) == sorted(IDS)
    assert await ids(logged, OURS, "/docs%", limit) == ["/docs%"]
    assert await ids(logged, OURS, "/DOCS", limit) == []


async def test_of_one_tenant_and_at_once(logged: ListLogged, intake: Intake, commands: Commands) -> None:
    assert await ids(logged, THEIRS, "/") == [IDS[0]]
    deletion = DeleteDocuments(commands, logged._reader)
    await deletion.delete(OURS, [[IDS[0]]], reason=None, correlation_id="c", deadline=soon())
    assert await ids(logged, OURS, "/docs/a") == [] and await ids(logged, THEIRS, "/docs/a") == [IDS[0]]
    again = Submission(IDS[0], "T", "Again.", EventMetadata(tenant="ours"), uuid4(), "c", uri="file:///new")
    await intake.take([again], soon())
    page = await logged.documents(OURS, id_prefix="/docs/a", after=None, limit=5, deadline=soon())
    (found,) = page.documents
    assert found == LoggedDocument(IDS[0], "T", "file:///new", sha256(b"Again.").hexdigest(), {})


async def test_lines_by_their_files(logged: ListLogged, intake: Intake) -> None:
    """As they are now: a line that went to another file, or was taken in without one, is not the first one's."""

    async def take(document_id: str, tenant: str = "ours", **attributes: Scalar) -> None:
        metadata = EventMetadata(tenant=tenant)
        await intake.take([Submission(document_id, "T", "A.", metadata, uuid4(), "c", attributes=attributes)], soon())

    async def of(prefix: str, caller: Caller = OURS) -> list[str]:
        page = await logged.documents(caller, file_prefix=prefix, after=None, limit=10, deadline=soon())
        return [one.document_id for one in page.documents]

    for number, file in enumerate(("a.jsonl", "a.jsonl", "b_c/d.jsonl", "bxc/d.jsonl")):
        await take(f"line {number}", line_of=f"file:///docs/{file}", collection="letters")
    await take("line 0", "theirs", line_of="file:///docs/a.jsonl")
    assert await of("file:///docs/") == ["line 0", "line 1", "line 2", "line 3"]
    assert await of("file:///docs/a.jsonl") == ["line 0", "line 1"] and await of("file:///docs/b_c/") == ["line 2"]
    await take("line 0", line_of="file:///docs/e.jsonl")
    await take("line 1")
    assert await of("file:///docs/a.jsonl") == [] and await of("file:///docs/e") == ["line 0"]
    assert await of("file:///docs/", Caller("ours", "eve", "test", Partial())) == ["line 2", "line 3"]
    assert await of("file:///docs/", Caller("ours", "eve", "test", WithoutFiles())) == []


async def test_what_goes_to_another_collection_meanwhile_is_not_told(
    logged: ListLogged, intake: Intake, reader: EventReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial, ids_of = Caller("ours", "eve", "test", Partial()), reader.documents.ids

    async def moved(*arguments: Any, **options: Any) -> list[str]:
        found = await ids_of(*arguments, **options)
        secret = Submission(
            "/docs/d.txt", "Secret", "New.", EventMetadata(tenant="ours"), uuid4(), "c", attributes={"collection": "x"}
        )
        await intake.take([secret], soon())
        return found

    monkeypatch.setattr(reader.documents, "ids", moved)
    page = await logged.documents(partial, id_prefix="", after=None, limit=5, deadline=soon())
    assert page.documents == () and page.next is None


async def test_what_the_caller_may_see(logged: ListLogged) -> None:
    partial = Caller("ours", "eve", "test", Partial())
    page = await logged.documents(partial, id_prefix="", after=None, limit=5, deadline=soon())
    (found,) = page.documents
    assert (found.document_id, found.title, found.uri) == ("/docs/d.txt", "", "file://ours/docs/d.txt")
    assert (found.digest, found.attributes) == ("", {"collection": "letters"})
    nobody = Caller("ours", "eve", "test", allowed("documents:write"))
    with pytest.raises(AccessDeniedError):
        await logged.documents(nobody, id_prefix="", after=None, limit=5, deadline=soon())
    with pytest.raises(WrongCursorError):
        await logged.documents(OURS, id_prefix="", after="none", limit=5, deadline=soon())
