"""Deleting and looking at history, each for its caller alone."""

from uuid import uuid4

import pytest

from contracts.envelope import EventMetadata
from contracts.event_types import EventType
from eventstore.commands import Commands
from eventstore.reader import EventReader
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.storage.deletion import DeleteDocuments
from services.storage.history import ReadHistory
from services.storage.intake import Intake, Submission

OURS, THEIRS = Caller("ours", "ada", "test", FULL_ACCESS), Caller("theirs", "bob", "test", FULL_ACCESS)


def soon() -> Deadline:
    return Deadline.after(20)


@pytest.fixture
async def deletion(intake: Intake, commands: Commands, reader: EventReader) -> DeleteDocuments:
    """Two documents of ours, one of theirs under the same id."""
    for tenant, document_id in (("ours", "a"), ("ours", "b"), ("theirs", "a")):
        await intake.take([Submission(document_id, "T", "Ada.", EventMetadata(tenant=tenant), uuid4(), "c")], soon())
    return DeleteDocuments(commands, reader)


async def test_what_is_deleted_is_the_callers_own(deletion: DeleteDocuments, reader: EventReader) -> None:
    done = await deletion.delete(OURS, [["a"], ["b"]], reason="old", correlation_id="delete-1", deadline=soon())
    assert (done.deleted, done.already) == (("a", "b"), ())
    last = (await ReadHistory(reader).of(OURS, ["a"], soon())).events[-1]
    assert last.event_type is EventType.DOCUMENT_DELETED
    assert (last.metadata.actor, last.metadata.source, last.correlation_id) == ("ada", "test", "delete-1")
    theirs = await ReadHistory(reader).of(THEIRS, ["a"], soon())
    assert [event.event_type for event in theirs.events] == [EventType.DOCUMENT_INGESTED]


async def test_deleting_again_changes_nothing(deletion: DeleteDocuments, reader: EventReader) -> None:
    for expected in ((("a",), ()), ((), ("a",))):
        done = await deletion.delete(OURS, [["a"]], reason=None, correlation_id="delete-1", deadline=soon())
        assert (done.deleted, done.already) == expected and done.all == ("a",)
    assert len((await ReadHistory(reader).of(OURS, ["a"], soon())).events) == 2


async def test_with_an_unknown_one_among_them_nothing_is_deleted(
    deletion: DeleteDocuments, reader: EventReader
) -> None:
    with pytest.raises(NotFoundError, match="there is no document 'nobody'"):
        await deletion.delete(OURS, [["a"], ["nobody"]], reason=None, correlation_id="delete-1", deadline=soon())
    assert len((await ReadHistory(reader).of(OURS, ["a"], soon())).events) == 1


async def test_the_first_name_that_is_known_is_meant(deletion: DeleteDocuments) -> None:
    done = await deletion.delete(
        OURS, [["nobody", "a"], ["a", "b"]], reason=None, correlation_id="delete-1", deadline=soon()
    )
    assert done.deleted == ("a",)


async def test_another_tenants_history_is_not_there(deletion: DeleteDocuments, reader: EventReader) -> None:
    with pytest.raises(NotFoundError, match="there is no document, entity or question 'b'"):
        await ReadHistory(reader).of(THEIRS, ["b"], soon())
