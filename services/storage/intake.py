"""Taking documents in: the one way to it, for the inbox, the command line and the gateway alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.access import collection_of
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.errors import AnnalsError
from contracts.event_types import EventType
from contracts.languages import detect
from contracts.payload import Scalar
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.receipts import Delivery, InboxReceipts
from eventstore.texts import TextStore
from security.reach import EVERYTHING, Reach
from services.deadline import Deadline
from services.errors import AccessDeniedError
from services.storage.files import ORIGINAL
from services.storage.precondition import check_version

Outcome = Literal["ingested", "updated", "unchanged", "duplicate"]

LANGUAGE = "language"
"""Attribute of a document: an ISO 639-1 code, or what its producer says."""
TAKE_LIMIT_S = 120.0
"""What an edge grants a batch of documents."""


class DocumentTooLargeError(AnnalsError):
    """The text is over the size limit; the message says by how much and what to do."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A document on its way in. `document_id` makes it the same document; `event_id` makes it the same delivery of it.

    `within`: of which collections a document must be that is there already. `expected_version`: the version that the
    document must have before; NONE_YET for one that must be new. `event_id` is the sender's own. The stored event has
    another one, derived from it, and names it as its causation.
    """

    document_id: str
    title: str
    text: str
    metadata: EventMetadata
    event_id: UUID
    correlation_id: str
    uri: str | None = None
    attributes: dict[str, Scalar] = field(default_factory=dict)
    timestamp: datetime | None = None
    expected_version: int | None = None
    within: Reach = EVERYTHING


class Intake:
    """Checks, keeps the text, lets the Document decide, and remembers each delivery."""

    def __init__(
        self, commands: Commands, texts: TextStore, receipts: InboxReceipts, *, max_document_bytes: int
    ) -> None:
        self._commands = commands
        self._texts = texts
        self._receipts = receipts
        self._limit = max_document_bytes

    def check(self, document_id: str, text: str) -> None:
        """Raises DocumentTooLargeError."""
        size = len(text.encode())
        if size > self._limit:
            raise DocumentTooLargeError(
                f"{document_id}: the text is {size:,} bytes and the limit is {self._limit:,}; "
                "split the document or raise max_document_bytes"
            )

    async def take(self, submissions: Sequence[Submission], deadline: Deadline) -> list[Outcome]:
        """Take documents in, in their order; an outcome for each. May be called again with the same, after any error.

        Raises DocumentTooLargeError before anything is kept, AccessDeniedError, VersionMismatchError,
        StoreUnavailableError, ConflictError, DeadlineExceededError.
        """
        for submission in submissions:
            self.check(submission.document_id, submission.text)
        outcomes: dict[int, Outcome] = {}
        async with deadline.enforce("taking documents in"):
            for turn in _turns(submissions):
                outcomes.update(await self._take(turn))
        return [outcomes[index] for index in range(len(submissions))]

    async def _take(self, turn: Sequence[tuple[int, Submission]]) -> dict[int, Outcome]:
        """One turn: no document twice, so all of it can be decided at once."""
        seen = await self._receipts.seen([_delivery(submission) for _, submission in turn])
        fresh = [(index, submission) for index, submission in turn if _delivery(submission) not in seen]
        references = await self._texts.put_many(
            [(submission.metadata.tenant, submission.document_id, submission.text) for _, submission in fresh]
        )
        appended = await self._commands.execute_many(
            [
                Command(
                    _key(submission),
                    Document.project,
                    _decision(submission, reference, self._receipts.stored_id(_delivery(submission))),
                )
                for (_, submission), reference in zip(fresh, references, strict=True)
            ]
        )
        outcomes: dict[int, Outcome] = {
            index: _outcome(events) for (index, _), events in zip(fresh, appended, strict=True)
        }
        # What changed nothing is remembered too: redelivered later, it could undo a newer one.
        await self._receipts.record([(_delivery(submission), outcomes[index]) for index, submission in fresh])
        return outcomes | {index: "duplicate" for index, submission in turn if _delivery(submission) in seen}


def _turns(submissions: Sequence[Submission]) -> Iterator[list[tuple[int, Submission]]]:
    """Cut a batch where a document comes a second time."""
    turn: list[tuple[int, Submission]] = []
    taken: set[AggregateKey] = set()
    for index, submission in enumerate(submissions):
        if _key(submission) in taken:
            yield turn
            turn, taken = [], set()
        turn.append((index, submission))
        taken.add(_key(submission))
    if turn:
        yield turn


def _key(submission: Submission) -> AggregateKey:
    return AggregateKey(submission.metadata.tenant, "document", submission.document_id)


def _delivery(submission: Submission) -> Delivery:
    return Delivery(submission.metadata.tenant, submission.document_id, submission.event_id)


def _decision(submission: Submission, reference: TextReference, event_id: UUID) -> documents.Decision:
    given = DocumentContent(
        title=submission.title, text=reference, uri=submission.uri, attributes=submission.attributes
    )
    with_language = _with_language(given, submission.text)
    cause = Cause(
        metadata=submission.metadata,
        correlation_id=submission.correlation_id,
        causation_id=submission.event_id,
        event_id=event_id,
        timestamp=submission.timestamp,
    )

    def decide(document: Document | None) -> tuple[DomainEvent, ...]:
        if document is not None and submission.within.masked_fields(collection_of(document.attributes)) is None:
            raise AccessDeniedError(
                f"{submission.metadata.actor} may not write the document {submission.document_id}; "
                "take another id, or ask an administrator for a role that may"
            )
        check_version(submission.expected_version, document)
        same, content = (_with_original(one, document) for one in (given, with_language))
        # What was taken in before languages were told is no other content for that.
        if (
            document is not None
            and not document.deleted
            and not documents.ingest(document, submission.document_id, same, cause)
        ):
            return ()
        return documents.ingest(document, submission.document_id, content, cause)

    return decide


def _with_language(content: DocumentContent, text: str) -> DocumentContent:
    """With the attribute `language` of the text, where its producer says none and the text tells one."""
    if content.attributes.get(LANGUAGE) is not None:
        return content
    language = detect(text)
    if language is None:
        return content
    return content.model_copy(update={"attributes": {**content.attributes, LANGUAGE: language}})


def _with_original(content: DocumentContent, document: Document | None) -> DocumentContent:
    """Where an original is kept, it stays so for as long as the text is what was read from it."""
    if document is None or document.deleted or document.text != content.text or ORIGINAL not in document.attributes:
        return content
    attributes = {ORIGINAL: document.attributes[ORIGINAL], **content.attributes}
    return content.model_copy(update={"attributes": attributes})


def _outcome(events: Sequence[DomainEvent]) -> Outcome:
    if not events:
        return "unchanged"
    return "ingested" if events[0].event_type is EventType.DOCUMENT_INGESTED else "updated"
