"""Candidates come with their documents' dates: as the producer said them, else of when they were taken in."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from contracts.access import Permission
from eventstore.errors import StoreUnavailableError
from eventstore.texts import TextStore
from projections.relational.reads import DocumentFilter, DocumentSummary, RelationalReader
from reasoning.results import Answer, Candidate
from security.access import FULL_ACCESS
from services.caller import Caller
from services.citations import Citations
from services.deadline import Deadline
from services.reasoning.answer_documents import AnswerDocuments
from tests.projections.stories import Story
from tests.support.access import allowed
from tests.support.knowledge import Knowledge, open_knowledge

QUESTION = "When was Ostermill founded?"
SAID = Story(
    "said", ("Ostermill was founded in 1849.",), "Ostermill", tenant="ours", attributes=(("created", "2019-05-01"),)
)
UNSAID = Story("unsaid", ("Ostermill was founded in 1851.",), "Ostermill", tenant="ours")
THEIRS = Story(
    "unsaid", ("Ostermill was founded in 1860.",), "Ostermill", tenant="theirs", attributes=(("created", "1999-01-01"),)
)
ADA = Caller("ours", "ada", "test", FULL_ACCESS)


def soon() -> Deadline:
    return Deadline.after(30)


@pytest.fixture
async def knowledge(dsn: str, tmp_path: Path) -> AsyncIterator[Knowledge]:
    async with open_knowledge(dsn, tmp_path) as opened:
        await opened.tell(SAID, UNSAID, THEIRS)
        yield opened


async def test_contradicting_candidates_have_their_documents_dates_also_where_the_answer_was_kept(
    knowledge: Knowledge,
) -> None:
    first = await knowledge.ask.ask(ADA, QUESTION, 5, soon())
    await knowledge.stores.read.answers.keep("ours", first.key, first.query_id)
    kept = await knowledge.ask.ask(ADA, QUESTION, 5, soon())
    assert (first.cached, kept.cached) == (False, True)
    taken = (await knowledge.stores.read.relational.document("ours", "unsaid")).taken_at  # type: ignore[union-attr]
    for asked in (first, kept):
        told = {one.document_id: one for one in asked.answer.candidates}
        assert (told["said"].answer, told["said"].date, told["said"].date_of) == ("1849", "2019-05-01", "said")
        unsaid = told["unsaid"]
        assert (unsaid.answer, unsaid.date_of) == ("1851", "taken in")
        assert datetime.fromisoformat(str(unsaid.date)) == taken
        assert {asked.answer.answer} | {one.answer for one in told.values() if one.contradicts} == {"1849", "1851"}
        assert asked.answer.confidence <= 0.5
        assert "documents" in asked.timings
    assert kept.answer == first.answer


class Documents:
    """Of the relational read model: what it was asked for, and what it says."""

    def __init__(self, rows: list[DocumentSummary]) -> None:
        self.rows, self.asked = rows, list[tuple[str, DocumentFilter, int]]()

    async def list_documents(
        self, tenant: str, wanted: DocumentFilter, after: str | None, limit: int
    ) -> list[DocumentSummary]:
        self.asked.append((tenant, wanted, limit))
        return self.rows


def summary(document_id: str, **attributes: object) -> DocumentSummary:
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    return DocumentSummary(document_id, "T", None, dict(attributes), 1, 1, at, "processed", at)


def answer_of(*document_ids: str) -> Answer:
    candidates = [Candidate("x", 0.1, "x", "T", one, "chunk", 0, 1) for one in document_ids]
    return Answer("x", 0.9, (), (), "0" * 64, (), tuple(candidates))


async def dated(caller: Caller, row: DocumentSummary) -> tuple[str | None, str | None]:
    reader = Documents([row])
    relational: RelationalReader = reader  # type: ignore[assignment]
    answer = await AnswerDocuments(relational, Citations(cast(TextStore, None))).told(caller, answer_of("one", "one"))
    assert reader.asked == [(caller.tenant, DocumentFilter(ids=["one"]), 1)]
    first, second = answer.candidates
    assert (first.date, first.date_of) == (second.date, second.date_of)
    return first.date, first.date_of


TAKEN = ("2026-03-04T05:06:00+00:00", "taken in")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"created": "2019-05-01T10:00:00+02:00"}, ("2019-05-01T10:00:00+02:00", "said")),
        ({"date": "2019"}, ("2019", "said")),
        ({"created": "2019-05", "date": "2020"}, ("2019-05", "said")),
        ({"created": "May", "date": "2020-01-01"}, ("2020-01-01", "said")),
        ({"created": 2019}, TAKEN),
        ({"created": "2019-05-01\x1b[2J"}, TAKEN),
        ({"date": "2019" * 1000}, TAKEN),
        ({}, TAKEN),
    ],
)
async def test_a_date_is_what_the_producer_says_in_iso_8601_else_when_it_was_taken_in(
    attributes: dict[str, object], expected: tuple[str, str]
) -> None:
    assert await dated(ADA, summary("one", **attributes)) == expected


async def test_a_masked_date_is_not_told() -> None:
    masking = Permission.model_validate(
        {"resource": "documents", "action": "read", "masked_fields": ("attributes.created",)}
    )
    eve = Caller("ours", "eve", "test", allowed(masking, "reasoning:*"))
    assert await dated(eve, summary("one", created="2019-05-01")) == TAKEN


async def test_of_a_document_that_may_not_be_seen_any_more_nothing_is_told() -> None:
    reach = Permission.model_validate({"resource": "documents", "action": "read", "collections": ("hr",)})
    eve = Caller("ours", "eve", "test", allowed(reach, "reasoning:*"))
    assert await dated(eve, summary("one", created="2019-05-01", collection="sales")) == (None, None)


async def test_without_the_read_model_an_answer_has_no_dates(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> list[DocumentSummary]:
        raise StoreUnavailableError

    monkeypatch.setattr(type(knowledge.stores.read.relational), "list_documents", away)
    answer = (await knowledge.ask.ask(replace(ADA, actor="bob"), QUESTION, 5, soon())).answer
    assert answer.answer is not None and answer.candidates
    assert {(one.date, one.date_of) for one in answer.candidates} == {(None, None)}
