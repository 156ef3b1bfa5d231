"""What people correct in a Document: chunks given other bounds or merged, relations corrected or judged; and undone."""

from collections.abc import Sequence

from aggregates.cause import Cause, RefusedError
from aggregates.document import Document
from contracts.documents import (
    Chunk,
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    RelationshipUpdated,
    RelationshipValidated,
    Statement,
)
from contracts.envelope import DomainEvent
from contracts.payload import Payload


def update_chunk(
    state: Document | None, replaced: str, chunk: Chunk, cause: Cause, reason: str | None = None
) -> tuple[DomainEvent, ...]:
    """Give one chunk other bounds. Raises RefusedError for a chunk that is not there, or one that cannot be."""
    document = _with_chunks(state, (replaced,), chunk)
    change = ChunkUpdated(content=document.text.digest, replaced=replaced, chunk=chunk, reason=reason)
    return (cause.event(change, document.document_id, document.version + 1),)


def merge_chunks(
    state: Document | None, merged: tuple[str, ...], chunk: Chunk, cause: Cause, reason: str | None = None
) -> tuple[DomainEvent, ...]:
    """Make one chunk of several. Raises RefusedError for chunks that are not there, or one that cannot be."""
    if len(set(merged)) < max(2, len(merged)):
        raise RefusedError("name two chunks or more, each once")
    document = _with_chunks(state, merged, chunk)
    change = ChunkMerged(content=document.text.digest, merged=merged, chunk=chunk, reason=reason)
    return (cause.event(change, document.document_id, document.version + 1),)


def restore_chunks(
    state: Document | None, corrected: str, cause: Cause, reason: str | None = None
) -> tuple[DomainEvent, ...]:
    """Undo the correction that made the chunk `corrected`, or forget it where no content has it now.

    Raises RefusedError where there is none, or where a chunk that it made was itself corrected since.
    """
    if state is None or state.deleted or state.chunked is None:
        raise RefusedError("the document has no chunks now")
    made = [one for one in state.recuts if one.chunk.chunk_id == corrected]
    if not made:
        raise RefusedError(f"nobody made chunk {corrected} of document {state.document_id}: there is nothing to undo")
    last = made[-1]
    present = {chunk.chunk_id for chunk in state.chunked.chunks}
    if last.attached and corrected not in present:
        raise RefusedError(f"chunk {corrected} was itself corrected since; undo that first")
    if last.attached and (taken := present.intersection(one.chunk_id for one in last.gone) - {corrected}):
        raise RefusedError(f"document {state.document_id} has another chunk {', '.join(sorted(taken))}")
    restored = last.gone if last.attached else ()
    undone = ChunksRestored(content=state.text.digest, removed=corrected, restored=restored, reason=reason)
    return (cause.event(undone, state.document_id, state.version + 1),)


def update_relationship(state: Document | None, change: RelationshipUpdated, cause: Cause) -> tuple[DomainEvent, ...]:
    """Correct a relation. Raises RefusedError for one that is not there."""
    return _on_relation(state, change, cause)


def validate_relationship(
    state: Document | None, judgement: RelationshipValidated, cause: Cause
) -> tuple[DomainEvent, ...]:
    """Judge a relation; the same judgement again changes nothing. Raises RefusedError for one that is not there."""
    own = None if state is None else state.judgements.get(state.judged_by(judgement.relation_id))
    if own is not None and own.attached and (own.valid, own.judged_because) == (judgement.valid, judgement.reason):
        return ()
    return _on_relation(state, judgement, cause)


def undo_relationship(
    state: Document | None, relation_id: str, found: Statement | None, cause: Cause, reason: str | None = None
) -> Sequence[DomainEvent]:
    """Take back whatever was decided on a relation; `found` is what it says as it was found, where it is there now.

    Raises RefusedError where nothing was decided.
    """
    own = None if state is None or state.deleted else state.judgements.get(state.judged_by(relation_id))
    if state is None or own is None:
        raise RefusedError(f"nobody decided on relation {relation_id}: there is nothing to undo")
    relation_id, statement = own.relation_id, found or own.statement
    undone: list[Payload] = []
    if own.predicate is not None and own.confidence is not None:
        undone.append(
            RelationshipUpdated(
                relation_id=relation_id,
                predicate=own.predicate if statement is None else statement.predicate,
                confidence=own.confidence if statement is None else statement.confidence,
                statement=statement,
                undone=True,
                reason=reason,
            )
        )
    if own.valid is not None:
        undone.append(RelationshipValidated(relation_id=relation_id, valid=None, statement=statement, reason=reason))
    return cause.events(undone, state.document_id, state.version + 1)


def revert_relationship(
    state: Document,
    relation_id: str,
    undone: RelationshipUpdated | RelationshipValidated,
    before: RelationshipUpdated | RelationshipValidated | None,
    found: Statement | None,
    cause: Cause,
    reason: str | None,
) -> tuple[DomainEvent, ...]:
    """Have in force of a relation what was before one decision on it, `undone`; `found` as in `undo_relationship`.

    Raises RefusedError where nothing is decided on it.
    """
    own = None if state.deleted else state.judgements.get(relation_id)
    if own is None:
        raise RefusedError(f"nobody decided on relation {relation_id}: there is nothing to undo")
    statement = found or own.statement
    payload: Payload
    if isinstance(undone, RelationshipValidated):
        valid = before.valid if isinstance(before, RelationshipValidated) else None
        payload = RelationshipValidated(relation_id=relation_id, valid=valid, statement=statement, reason=reason)
    else:
        kept = before if isinstance(before, RelationshipUpdated) else statement or undone
        payload = RelationshipUpdated(
            relation_id=relation_id,
            predicate=kept.predicate,
            confidence=kept.confidence,
            statement=statement,
            undone=not isinstance(before, RelationshipUpdated),
            reason=reason,
        )
    return (cause.event(payload, state.document_id, state.version + 1),)


def _on_relation(
    state: Document | None, payload: RelationshipUpdated | RelationshipValidated, cause: Cause
) -> tuple[DomainEvent, ...]:
    relation_id = payload.relation_id
    if state is None or state.deleted or state.related is None:
        raise RefusedError("the document has no relations now")
    if relation_id not in state.related:
        raise RefusedError(f"document {state.document_id} has no relation {relation_id}")
    payload = payload.model_copy(update={"relation_id": state.judged_by(relation_id)})
    return (cause.event(payload, state.document_id, state.version + 1),)


def _with_chunks(state: Document | None, gone: tuple[str, ...], new: Chunk) -> Document:
    """The document, if `new` may take the place of the chunks `gone`."""
    if state is None or state.deleted or state.chunked is None:
        raise RefusedError("the document has no chunks now")
    present = {chunk.chunk_id for chunk in state.chunked.chunks}
    missing = set(gone) - present
    if missing:
        raise RefusedError(f"document {state.document_id} has no chunk {', '.join(sorted(missing))}")
    if new.chunk_id in present - set(gone):
        raise RefusedError(f"document {state.document_id} has another chunk {new.chunk_id}")
    if not new.start < new.end <= state.text.characters:
        raise RefusedError(
            f"a chunk from {new.start} to {new.end} is no stretch of a text of {state.text.characters} characters"
        )
    return state
