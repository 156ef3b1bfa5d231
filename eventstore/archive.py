"""The archive: a whole event store as JSON Lines, to be read by any program and taken in by an empty store.

    header     {"annals_archive": 7, "created_at",
               "counts": {"texts", "outputs", "receipts", "keys", "documents", "questions", "events", "originals"}}
    text       {"tenant", "document_id", "digest", "text"}, or sealed: {"tenant", "document_id", "digest", "key_id",
               "sealed"}, in base64; its digest is the one of its row, which says nothing of the text
    output     {"model", "digest", "output"}, the output in base64; sealed as its row is where "sealed" is true
    receipt    {"tenant", "document_id", "event_id", "outcome", "received_at"}; in format 1 without the first two
    key        {"key_id", "tenant", "subject"}: there is, or was, one that opens what is sealed; by "key_id". Without
               tenant, subject "stream/ids": the secret of the log, from which names of streams follow; a log without
               one, and every one of a format before 6, follows the public rules
    document   {"originator_id", "tenant", "document_id", "collection", "file"}
    question   {"originator_id", "tenant", "document_id"}: a document that the answer rests on
    event      the event as it is stored, sealed or not, canonical JSON, with its position, and with "recorded_at",
               "follows" and "hash", as the log's chain has them, which formats 1 and 2 do not say; by position
    original   {"tenant", "document_id", "digest", "piece", "content"}: the bytes that a document was read from, in
               base64, in pieces of at most 16 MiB that are counted from 0; behind the events, formats 1 to 3 have none;
               sealed ones have "key_id", too
    end        {"sha256"} of every byte before this line

The counts say how many lines of each kind follow one another; formats before 4 have no keys, documents and questions,
those before 5 nothing but events that is sealed; in 4 and 5 a key has "key", which opens, in base64; null: destroyed.
Without its last line a file is not whole. What was erased before is not in it: its texts are not, its key is nowhere.

Since format 6 what opens lies in a file of its own, the keys file (`eventstore.archive_keys`). Since format 7 texts and
originals that are sealed may be compressed within (`eventstore.sealed_contents`).
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import from_json

from contracts.codec import MalformedEventError, canonical, check_event_type, decode
from contracts.envelope import Tenant
from contracts.payload import Digest, Identifier
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS
from eventstore.sealed_events import key_of, stream_of
from eventstore.summed_lines import ArchiveLine, Base64, SummedReader, SummedWriter, decoded, moment_of

VERSION = 7
READABLE = (1, 2, 3, 4, 5, 6, 7)
CHAINED = 3
"""From this format on events say how they were chained."""
KEYS_APART = 6
"""From this format on what opens keys is in a file of its own."""
PIECE_BYTES = 16 * 1024 * 1024
"""Of an original, in one line."""


class Counts(ArchiveLine):
    """How many lines of each kind there are."""

    texts: int = Field(ge=0)
    outputs: int = Field(ge=0)
    receipts: int = Field(ge=0)
    keys: int = Field(default=0, ge=0)
    documents: int = Field(default=0, ge=0)
    questions: int = Field(default=0, ge=0)
    events: int = Field(ge=0)
    originals: int = Field(0, ge=0)

    @property
    def all(self) -> int:
        """Header and end left out."""
        noted = self.keys + self.documents + self.questions
        return self.texts + self.outputs + self.receipts + noted + self.events + self.originals


class Header(ArchiveLine):
    """The first line."""

    annals_archive: Literal[1, 2, 3, 4, 5, 6, 7]
    created_at: AwareDatetime
    counts: Counts


class TextLine(ArchiveLine):
    """One content of a document; `digest` is sha256 of it in UTF-8, in hexadecimal. Or (`sealed`) as its row has it."""

    tenant: Tenant
    document_id: Identifier
    digest: Digest
    text: str | None = None
    key_id: str | None = None
    sealed: bytes | None = None

    @field_validator("sealed", mode="before")
    @classmethod
    def _decoded(cls, value: object) -> object:
        return decoded(value)

    @property
    def content(self) -> bytes:
        """As it is stored."""
        return (self.text or "").encode() if self.sealed is None else self.sealed


class OutputLine(ArchiveLine):
    """What a model said of the text with this digest; or (`sealed`) as its row has it."""

    model: str
    digest: Digest
    output: Base64
    sealed: bool = False


class OriginalLine(ArchiveLine):
    """A piece of what a document was read from; `digest` is sha256 of the whole, or where it is sealed the row's."""

    tenant: Tenant
    document_id: Identifier
    digest: Digest
    piece: int = Field(ge=0)
    content: Base64
    key_id: str | None = None


class ReceiptLine(ArchiveLine):
    """A delivery that was taken in. Without tenant and document: of any, as old versions kept it."""

    tenant: Tenant | None = None
    document_id: Identifier | None = None
    event_id: UUID
    outcome: str
    received_at: AwareDatetime


class KeyLine(ArchiveLine):
    """A data key of an aggregate, or of no tenant the log's secret; `key` in formats 4 and 5, in the clear, None for
    one that was destroyed."""

    key_id: str
    tenant: Tenant | Literal[""]
    subject: str
    key: bytes | None = None

    @field_validator("key", mode="before")
    @classmethod
    def _decoded(cls, value: object) -> object:
        return decoded(value)


class QuestionLine(ArchiveLine):
    """A document that an answer rests on, by the stream of the question."""

    originator_id: UUID
    tenant: Tenant
    document_id: Identifier


class DocumentLine(QuestionLine):
    """A document's stream, its collection, and the file of which it is a line; "" for none."""

    collection: str
    file: str = ""


class Link(ArchiveLine):
    """An event's place in the chain of hashes."""

    recorded_at: AwareDatetime
    follows: int = Field(ge=0)
    hash: Digest


class EventLine(BaseModel):
    """A stored event: `state` is what the log keeps, which may be of an older schema version than today's.

    `timestamp` is its producer's time. `link` is None in formats that do not know of it.
    """

    model_config = ConfigDict(frozen=True)

    originator_id: UUID
    version: int
    event_type: str
    state: bytes
    position: int
    timestamp: datetime
    link: Link | None


class ArchiveWriter:
    """Writes one line after another; the caller keeps the order and the counts. Every method raises ArchiveError."""

    def __init__(self, file: BinaryIO, counts: Counts) -> None:
        self._lines = SummedWriter(file)
        self._write = self._lines.write
        self._write(
            {"annals_archive": VERSION, "created_at": moment_of(datetime.now(UTC)), "counts": counts.model_dump()}
        )

    def text(self, tenant: str, document_id: str, digest: bytes, content: bytes, key_id: str | None) -> None:
        """A document's text, in UTF-8; or sealed, with a key id."""
        own = {"tenant": tenant, "document_id": document_id, "digest": digest.hex()}
        if key_id is None:
            self._write({**own, "text": content.decode()})
        else:
            self._write({**own, "key_id": key_id, "sealed": base64.b64encode(content).decode()})

    def output(self, model: str, digest: bytes, output: bytes, sealed: bool) -> None:
        """A model's output, in the clear or not."""
        encoded = base64.b64encode(output).decode()
        self._write({"model": model, "digest": digest.hex(), "output": encoded, "sealed": sealed})

    def receipt(
        self, tenant: str | None, document_id: str | None, event_id: UUID, outcome: str, received_at: datetime
    ) -> None:
        """A delivery that was taken in."""
        self._write(
            {
                "tenant": tenant,
                "document_id": document_id,
                "event_id": str(event_id),
                "outcome": outcome,
                "received_at": moment_of(received_at),
            }
        )

    def key(self, key_id: str, tenant: str, subject: str) -> None:
        """That there is a data key, or was."""
        self._write({"key_id": key_id, "tenant": tenant, "subject": subject})

    def document(self, originator_id: UUID, tenant: str, document_id: str, collection: str, file: str) -> None:
        """A document's stream, its collection, and the file of which it is a line."""
        said = {"tenant": tenant, "document_id": document_id, "collection": collection, "file": file}
        self._write({"originator_id": str(originator_id), **said})

    def question(self, originator_id: UUID, tenant: str, document_id: str) -> None:
        """A document that an answer rests on."""
        self._write({"originator_id": str(originator_id), "tenant": tenant, "document_id": document_id})

    def event(self, position: int, state: bytes, recorded_at: datetime, follows: int, digest: bytes) -> None:
        """A stored event, as it is stored."""
        link = {"recorded_at": moment_of(recorded_at), "follows": follows, "hash": digest.hex()}
        self._write({**json.loads(state), "position": position, **link})

    def original(
        self, tenant: str, document_id: str, digest: bytes, piece: int, content: bytes, key_id: str | None
    ) -> None:
        """A piece of what a document was read from; or of that sealed, with a key id."""
        own = {"tenant": tenant, "document_id": document_id, "digest": digest.hex()}
        sealed = {} if key_id is None else {"key_id": key_id}
        self._write({**own, "piece": piece, "content": base64.b64encode(content).decode(), **sealed})

    def end(self) -> None:
        """The last line: the file is whole."""
        self._lines.end()


class ArchiveReader:
    """Reads one line after another, checking each. Every method raises ArchiveError."""

    def __init__(self, file: BinaryIO) -> None:
        self._read = SummedReader(file)
        self._lines, self._fault = self._read.lines, self._read.fault
        self.header = self._header()

    def texts(self) -> Iterator[TextLine]:
        """The texts; each is what its digest says."""
        for line in self._lines(self.header.counts.texts, lambda raw: TextLine.model_validate_json(raw)):
            if (line.text is None) == (line.sealed is None) or (line.sealed is None) != (line.key_id is None):
                raise self._fault("a text is in the clear, or sealed with a key")
            if line.text is not None and hashlib.sha256(line.content).hexdigest() != line.digest:
                raise self._fault("the text is not the one of its digest")
            yield line

    def outputs(self) -> Iterator[OutputLine]:
        """The model outputs."""
        return self._lines(self.header.counts.outputs, lambda raw: OutputLine.model_validate_json(raw))

    def receipts(self) -> Iterator[ReceiptLine]:
        """The deliveries."""
        return self._lines(self.header.counts.receipts, lambda raw: ReceiptLine.model_validate_json(raw))

    def data_keys(self) -> Iterator[KeyLine]:
        """The data keys."""
        return self._lines(self.header.counts.keys, lambda raw: KeyLine.model_validate_json(raw))

    def documents(self) -> Iterator[DocumentLine]:
        """The documents."""
        return self._lines(self.header.counts.documents, lambda raw: DocumentLine.model_validate_json(raw))

    def questions(self) -> Iterator[QuestionLine]:
        """What answers rest on."""
        return self._lines(self.header.counts.questions, lambda raw: QuestionLine.model_validate_json(raw))

    def events(self) -> Iterator[EventLine]:
        """The events; their positions rise."""
        last, read = 0, partial(_event, chained=self.header.annals_archive >= CHAINED)
        for line in self._lines(self.header.counts.events, read):
            if line.position <= last:
                raise self._fault(f"position {line.position} comes after position {last}")
            last = line.position
            yield line

    def originals(self) -> Iterator[OriginalLine]:
        """The originals, piece by piece; each is what its digest says."""
        whole, present, sealed = hashlib.sha256(), None, False
        for line in self._lines(self.header.counts.originals, lambda raw: OriginalLine.model_validate_json(raw)):
            own = line.tenant, line.document_id, line.digest
            if line.piece == 0:
                self._check_whole(None if sealed else present, whole)
                whole, present = hashlib.sha256(), (*own, 0)
            elif present != (*own, line.piece - 1):
                raise self._fault("a piece of an original is missing before this one")
            else:
                present = (*own, line.piece)
            whole.update(line.content)
            sealed = line.key_id is not None
            yield line
        self._check_whole(None if sealed else present, whole)

    def _check_whole(self, present: tuple[str, str, str, int] | None, whole: Any) -> None:
        if present is not None and whole.hexdigest() != present[2]:
            raise self._fault(f"before it: the original of {present[1]} is not the one of its digest")

    def end(self) -> None:
        """Nothing is missing, nothing was changed, and nothing follows."""
        self._read.end()

    def _header(self) -> Header:
        raw = self._read.next()
        try:
            version = json.loads(raw)["annals_archive"]
        except (ValueError, KeyError, TypeError):
            raise self._fault("is not the first line of an archive of Annals") from None
        if version not in READABLE:
            raise self._fault(f"is of format {version}, this Annals reads formats up to {VERSION}")
        return self._read.checked(raw, lambda raw: Header.model_validate_json(raw))


def _event(raw: bytes, *, chained: bool) -> EventLine:
    link = None
    if chained:
        fields = from_json(raw)
        link = Link.model_validate_json(canonical({name: fields.pop(name, None) for name in Link.model_fields}))
        raw = canonical(fields)
    if key_of(fields := from_json(raw)) is not None:
        return _sealed(fields, link)
    event = decode(raw)
    if event.position is None:
        raise MalformedEventError("position: an event of an archive has one")
    return EventLine(
        # Sealed are all whose streams follow from a secret.
        originator_id=PUBLIC_IDS.stream(AggregateKey.of(event)),
        version=event.aggregate_version,
        event_type=str(event.event_type),
        # Not encode(event): that would lift an older schema version, and the log keeps what was written.
        state=canonical({**json.loads(raw), "position": None}),
        position=event.position,
        timestamp=event.timestamp,
        link=link,
    )


def _sealed(fields: dict[str, Any], link: Link | None) -> EventLine:
    """Nobody opens it here: what is in the clear is read."""
    try:
        check_event_type(fields["event_type"])
        return EventLine(
            originator_id=stream_of(fields),
            version=fields["aggregate_version"],
            event_type=fields["event_type"],
            state=canonical({**fields, "position": None}),
            position=fields["position"],
            timestamp=datetime.fromisoformat(fields["timestamp"]),
            link=link,
        )
    except (KeyError, TypeError) as error:
        raise MalformedEventError(f"{error}: a sealed event has it") from None
