"""A document is changed only where nobody changed it since it was read."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from contracts.envelope import EventMetadata
from eventstore.commands import Commands
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.relational.reads import DocumentRow
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.storage.deletion import DeleteDocuments
from services.storage.intake import Intake, Submission
from services.storage.masking import without
from services.storage.precondition import NONE_YET, VersionMismatchError

CALLER = Caller("default", "ada", "http", FULL_ACCESS)
TIME = datetime(2026, 1, 5, tzinfo=UTC)
KEY = AggregateKey("default", "document", "d1")


def submission(text: str, expected: int | None) -> Submission:
    """The same document, delivered anew."""
    return Submission(
        document_id="d1",
        title="Lisse",
        text=text,
        metadata=EventMetadata(),
        event_id=uuid4(),
        correlation_id="c",
        expected_version=expected,
    )


async def test_only_at_the_version_that_was_read(intake: Intake, reader: EventReader, commands: Commands) -> None:
    async def take(text: str, expected: int | None) -> str:
        (outcome,) = await intake.take([submission(text, expected)], Deadline.after(20))
        return outcome

    with pytest.raises(VersionMismatchError, match="at version 0 and not at 1"):
        await take("one", 1)
    assert await take("one", NONE_YET) == "ingested"
    with pytest.raises(VersionMismatchError):
        await take("two", NONE_YET)
    assert await take("two", 1) == "updated"
    with pytest.raises(VersionMismatchError, match="at version 2 and not at 1"):
        await take("three", 1)
    deletion = DeleteDocuments(commands, reader)

    async def delete(expected: int | None) -> None:
        await deletion.delete(
            CALLER, [["d1"]], reason=None, correlation_id="c", deadline=Deadline.after(20), expected_version=expected
        )

    with pytest.raises(VersionMismatchError):
        await delete(1)
    await delete(2)
    assert (await reader.last.of([KEY]))[KEY].version == 3
    assert await take("anew", NONE_YET) == "ingested", "what was deleted is there no more"


async def test_a_delivery_that_comes_twice_is_the_same_one(intake: Intake) -> None:
    sent = submission("one", NONE_YET)
    assert await intake.take([sent], Deadline.after(20)) == ["ingested"]
    assert await intake.take([sent], Deadline.after(20)) == ["duplicate"], "its answer may have been lost"


def test_what_is_masked_is_not_read() -> None:
    row = DocumentRow("d1", "T", "u", {"a": 1, "b": 2}, "x", 1, 1, TIME, "processed", TIME, [{}], [{}], [{}])
    assert without(row, frozenset()) == row
    hidden = without(row, {"title", "uri", "text", "attributes.a"})
    assert (hidden.title, hidden.uri, hidden.attributes) == ("", None, {"b": 2})
    assert not hidden.chunks and not hidden.entities and not hidden.relations
    assert without(row, {"attributes"}).attributes == {}
