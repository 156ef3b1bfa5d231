"""The fold that all read models share: given events, the state of one aggregate."""

import pytest

from contracts import ids, limits
from contracts.documents import (
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    Mention,
    Relation,
    RelationshipUpdated,
    RelationshipValidated,
    StageResult,
)
from contracts.entities import EntityMerged, EntityUpdated, EntityValidated
from contracts.entity_decisions import EntityDecisions
from contracts.parts import split
from contracts.payload import Payload
from contracts.reasoning import ReasoningChainValidated, ReasoningQueryExecuted
from projections.document_state import DocumentState
from projections.states import QueryState, fold, needed_from
from tests.aggregates.scenario import (
    chunk,
    chunked,
    content,
    deleted,
    extracted,
    given,
    ingested,
    processed,
    related,
    updated,
)

EXECUTED = ReasoningQueryExecuted(
    question="Who?",
    answer="Ada",
    confidence=0.9,
    sources=(),
    chains=("one", "two"),
    knowledge="a" * 64,
    cached=False,
    milliseconds=3,
)


def document(*payloads: Payload) -> DocumentState:
    """The state of a document to which all this happened."""
    state = fold(given(*payloads))
    assert isinstance(state, DocumentState)
    return state


def mention(chunk_id: str, start: int, end: int) -> Mention:
    """A span that names Ada."""
    return Mention(entity_id="e1", name="Ada", type="PERSON", chunk_id=chunk_id, start=start, end=end, confidence=0.9)


def found(*mentions: Mention) -> Payload:
    """What the entity stage says of these mentions, each chunk being about Ada."""
    aliases = tuple(extracted().aliases[0].model_copy(update={"chunk_id": one.chunk_id}) for one in mentions)
    return extracted().model_copy(update={"mentions": mentions, "aliases": aliases})


def stated(*spans: tuple[str, int, int]) -> Payload:
    """Relations r1, r2, ... at (chunk, start, end)."""
    first = related().relations[0]
    relations = tuple(
        first.model_copy(update={"relation_id": f"r{n}", "chunk_id": chunk_id, "start": start, "end": end})
        for n, (chunk_id, start, end) in enumerate(spans, start=1)
    )
    return related().model_copy(update={"relations": relations})


def spans(state: DocumentState) -> tuple[list[tuple[str, int]], list[str], list[tuple[str, str]]]:
    """Where mentions, aliases and relations are at home."""
    assert state.mentions is not None and state.aliases is not None and state.relations is not None
    relations: list[Relation] = [judged.relation for judged in state.relations]
    return (
        [(one.chunk_id, one.start) for one in state.mentions],
        [one.chunk_id for one in state.aliases],
        [(one.relation_id, one.chunk_id) for one in relations],
    )


def test_nothing_is_known_of_what_was_not_said() -> None:
    """A state of later events alone has None where a read model must leave its rows alone."""
    state = document(extracted())

    assert state.mentions == extracted().mentions and state.aliases == extracted().aliases
    assert (state.content, state.chunks, state.relations, state.title) == (None, None, None, None)
    assert state.stage == "extracted" and not state.gone


def test_a_document_is_empty_once_it_is_taken_in() -> None:
    state = document(ingested())
    assert (state.chunks, state.mentions, state.aliases, state.relations) == ((), (), (), ())
    assert state.stage == "ingested" and state.digest == content().text.digest


def test_stages_follow_each_other() -> None:
    steps = [ingested(), chunked(), extracted(), related(), processed()]
    stages = [document(*steps[:n]).stage for n in range(1, 6)]
    assert stages == ["ingested", "chunked", "extracted", "related", "processed"]

    events = given(*steps)
    state = fold(events)
    assert isinstance(state, DocumentState)
    assert (state.taken_at, state.at) == (events[0].timestamp, events[-1].timestamp)


def test_new_content_starts_over() -> None:
    state = document(ingested(), chunked(), extracted(), related(), processed(), updated())
    assert state == document(updated())._replace(at=state.at, taken_at=state.taken_at)


def test_a_deleted_document_is_gone_and_comes_back_empty() -> None:
    whole = (ingested(), chunked(), extracted(), related(), processed())
    gone = document(*whole, deleted())
    assert gone.gone and gone.content is None and gone.stage is None and gone.title is None
    assert (gone.chunks, gone.mentions, gone.aliases, gone.relations) == ((), (), (), ())

    again = document(*whole, deleted(), ingested())
    assert not again.gone and again.stage == "ingested" and again.chunks == ()


def test_a_judged_relation_keeps_the_judgement_through_a_correction() -> None:
    state = document(
        ingested(),
        related(),
        RelationshipValidated(relation_id="r1", valid=False),
        RelationshipUpdated(relation_id="r1", predicate="married", confidence=0.4),
    )
    assert state.relations is not None
    first, second = state.relations
    assert (first.valid, first.relation.predicate, first.relation.confidence) == (False, "married", 0.4)
    assert (second.valid, second.relation) == (None, related().relations[1])


def test_merged_chunks_give_what_was_found_in_them_to_the_new_one() -> None:
    merged = ChunkMerged(content=content().text.digest, merged=("k1", "k2"), chunk=chunk("k9", 0, 6))
    state = document(
        ingested(),
        chunked(),
        found(mention("k1", 0, 3), mention("k2", 3, 6), mention("k3", 6, 9)),
        stated(("k1", 0, 3), ("k3", 6, 10)),
        merged,
    )
    assert state.chunks is not None and [one.chunk_id for one in state.chunks] == ["k9", "k3"]
    mentions, subjects, relations = spans(state)
    assert mentions == [("k9", 0), ("k9", 3), ("k3", 6)]
    assert sorted(subjects) == ["k3", "k9"]
    assert relations == [("r1", "k9"), ("r2", "k3")]


def test_what_a_smaller_chunk_no_longer_covers_is_dropped() -> None:
    smaller = ChunkUpdated(content=content().text.digest, replaced="k1", chunk=chunk("k9", 0, 2))
    state = document(
        ingested(),
        chunked(),
        found(mention("k1", 0, 2), mention("k1", 1, 3)),
        stated(("k1", 0, 2), ("k1", 0, 3)),
        smaller,
    )
    assert spans(state) == ([("k9", 0)], ["k9"], [("r1", "k9")])


def test_a_chunk_that_keeps_its_id_keeps_what_is_in_it() -> None:
    """An id names a chunk's text, so a chunk may be given bounds under the id it had."""
    same = ChunkUpdated(content=content().text.digest, replaced="k1", chunk=chunk("k1", 0, 3))
    before = document(ingested(), chunked(), extracted(), stated(("k1", 0, 3)))
    after = document(ingested(), chunked(), extracted(), stated(("k1", 0, 3)), same)
    assert (spans(after), after.chunks) == (spans(before), before.chunks)


def test_decisions_on_an_entity_stand_side_by_side() -> None:
    updated = EntityUpdated(name="Ada Lovelace", type="PERSON")
    validated = EntityValidated(valid=True, confidence=0.9)
    state = fold(given(updated, validated, EntityMerged(into="e2"), aggregate_id="e1"))
    assert isinstance(state, EntityDecisions)
    assert (state.updated, state.merged_into, state.validated) == (updated, "e2", validated)


def test_which_events_need_those_before_them() -> None:
    def alone(payload: Payload) -> bool:
        event = given(ingested(), payload)[1]
        return needed_from(event) == event.aggregate_version

    whole = [ingested(), updated(), chunked(), extracted(), related(), processed(), deleted()]
    amending = [
        ChunkUpdated(content=content().text.digest, replaced="k1", chunk=chunk("k1", 0, 3)),
        ChunkMerged(content=content().text.digest, merged=("k1", "k2"), chunk=chunk("k1", 0, 6)),
        RelationshipUpdated(relation_id="r1", predicate="met", confidence=0.5),
        RelationshipValidated(relation_id="r1", valid=True),
        EntityUpdated(name="Ada", type="PERSON"),
        EntityMerged(into="e2"),
        EntityValidated(valid=False, confidence=0.5),
    ]
    assert all(map(alone, whole))
    assert not any(map(alone, amending))


@pytest.mark.parametrize("result", [chunked(), extracted(), related()])
def test_parts_say_nothing_before_the_last_one_and_then_what_the_whole_says(
    result: StageResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PART_BYTES", 1)
    parts = tuple(split(result))
    events = given(ingested(), *parts)
    assert [needed_from(event) for event in events] == [1, *range(2, len(parts) + 1), 2]
    taken = fold(events[:1])
    assert isinstance(taken, DocumentState)

    for number in range(1, len(parts)):
        unfinished = fold(events[1 : number + 1])
        assert unfinished == DocumentState(parts=parts[:number])
        assert fold(events[: number + 1]) == taken._replace(parts=parts[:number])
    whole, joined = fold(given(result)), fold(events[1:])
    assert isinstance(whole, DocumentState) and isinstance(joined, DocumentState)
    assert joined._replace(at=None) == whole._replace(at=None)


def test_an_old_log_tells_of_entities_under_the_ids_of_today() -> None:
    """Its events keep what they said: marks were no part of a word then, and A-ha was ha."""
    events = list(
        given(
            found(*(mention("c1", 0, 3).model_copy(update={"entity_id": ids.entity_id("acme", old), "name": name})
                    for name, old in (("मीरा देवी", "म र द व"), ("मोर देवी", "म र द व"), ("A-ha", "ha"), ("ha", "ha"))))
        )
    )  # fmt: skip
    assert events[0].tenant == "acme"
    state = fold(events)
    assert isinstance(state, DocumentState) and state.mentions is not None
    assert [one.entity_id for one in state.mentions] == [ids.entity_id("acme", one.name) for one in state.mentions]
    assert len({one.entity_id for one in state.mentions}) == 4


def test_chunks_that_are_there_again_hold_what_was_found_in_them() -> None:
    """The judgements of today stay with it."""
    before = (
        ingested(),
        chunked(),
        found(mention("k1", 0, 3), mention("k1", 1, 3), mention("k2", 3, 6)),
        stated(("k1", 0, 3), ("k2", 3, 6), ("k3", 6, 9)),
    )
    smaller = ChunkUpdated(content=content().text.digest, replaced="k1", chunk=chunk("k4", 0, 2))
    merged = ChunkMerged(content=content().text.digest, merged=("k4", "k2"), chunk=chunk("k5", 0, 6))
    judged = RelationshipValidated(relation_id="r1", valid=False)
    undone = (
        ChunksRestored(content=content().text.digest, removed="k5", restored=(smaller.chunk, chunk("k2", 3, 6))),
        ChunksRestored(content=content().text.digest, removed="k4", restored=(chunk("k1", 0, 3),)),
    )
    after, expected = document(*before, smaller, merged, judged, *undone), document(*before, judged)

    assert after.chunks == expected.chunks
    (mentions, subjects, relations), then = spans(after), spans(expected)
    assert (sorted(mentions), sorted(subjects), sorted(relations)) == tuple(map(sorted, then))  # type: ignore[arg-type]
    assert after.relations is not None and expected.relations is not None
    assert {one.relation.relation_id: one for one in after.relations} == {
        one.relation.relation_id: one for one in expected.relations
    }
    assert after.uncovered == ()


def test_a_chunk_holds_again_what_it_held_though_another_one_had_its_text_meanwhile() -> None:
    digest, whole = content().text.digest, chunk("k1", 0, 3)
    smaller = ChunkUpdated(content=digest, replaced="k1", chunk=chunk("k4", 0, 2))
    alike = ChunkUpdated(content=digest, replaced="k2", chunk=whole)
    larger = ChunkUpdated(content=digest, replaced="k1", chunk=chunk("k5", 0, 6))
    undone = ChunksRestored(content=digest, removed="k4", restored=(whole,))
    before = (ingested(), chunked(), found(mention("k1", 0, 3)), stated(("k1", 0, 3)))
    after = document(*before, smaller, alike, larger, undone)
    assert after.mentions == (mention("k1", 0, 3),)
    assert after.relations is not None and [one.relation.chunk_id for one in after.relations] == ["k1"]


def test_what_was_corrected_in_content_before_is_no_chunk_to_be_restored() -> None:
    whole = document(ingested(), chunked(), extracted(), related())
    forgotten = ChunksRestored(content=content().text.digest, removed="k9", restored=())
    assert spans(document(ingested(), chunked(), extracted(), related(), forgotten)) == spans(whole)


def test_a_judgement_is_taken_back() -> None:
    state = document(
        ingested(),
        related(),
        RelationshipValidated(relation_id="r1", valid=False),
        RelationshipValidated(relation_id="r1", valid=None),
    )
    assert state.relations is not None and state.relations[0].valid is None


def test_an_answer_is_wrong_where_a_chain_is() -> None:
    def judged(*judgements: tuple[int, bool | None]) -> bool | None:
        said = (ReasoningChainValidated(chain=chain, valid=valid) for chain, valid in judgements)
        state = fold(given(EXECUTED, *said, aggregate_id="q1"))
        assert isinstance(state, QueryState)
        return state.valid

    assert judged() is None
    assert judged((0, True)) is True
    assert judged((0, True), (1, False)) is False
    assert judged((0, True), (1, False), (1, None)) is True
