"""Texts of callers through the models: what is found, what is refused, and that nothing is kept."""

from collections.abc import Iterator
from typing import Any

import pytest

from inference.model import NothingKept
from inference.runner import Inference, InferenceSettings
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline, DeadlineExceededError
from services.errors import AccessDeniedError, InvalidRequestError
from services.processing.interface import (
    TEXT_CHARACTERS,
    EntityExtractionRequest,
    RelationshipMappingRequest,
    SemanticChunkingRequest,
)
from services.processing.service import AiProcessingService
from tests.support.access import allowed

CALLER = Caller("ours", "ada", "test", FULL_ACCESS)
MEETING = "Ada Lovelace met Charles Babbage in London."


def soon() -> Deadline:
    return Deadline.after(60)


@pytest.fixture
def inference() -> Iterator[Inference]:
    opened = Inference(InferenceSettings(), NothingKept())
    yield opened
    opened.close()


@pytest.fixture
def service(inference: Inference) -> AiProcessingService:
    return AiProcessingService(inference)


@pytest.mark.pipeline
async def test_what_a_text_names_and_says(service: AiProcessingService) -> None:
    text = f"{MEETING}\n\n" + " ".join(f"The weather in Lisse was mild on day {n}." for n in range(60))
    found = await service.extract_entities(CALLER, EntityExtractionRequest(text), soon())
    assert [one.name for one in found.entities[:3]] == ["Ada Lovelace", "Charles Babbage", "London"]
    spans = [(one.start, one.end, one.type) for one in found.entities]
    assert spans == sorted(set(spans)) and found.metadata["chunks"] > 1  # type: ignore[operator]
    assert all(text[one.start : one.end] for one in found.entities)
    assert text[found.entities[0].start : found.entities[0].end] == "Ada Lovelace"
    assert found.confidence_scores["Lisse"] == max(one.confidence for one in found.entities if one.name == "Lisse")
    assert found.processing_time > 0 and "en_core_web_sm" in str(found.metadata["model"])

    related = await service.map_relationships(CALLER, RelationshipMappingRequest(text), soon())
    assert ("Ada Lovelace", "meet", "Charles Babbage") in {
        (one.subject, one.predicate, one.object) for one in related.relationships
    }
    assert 0 < related.confidence_scores["meet"] <= 1

    cut = await service.create_chunks(CALLER, SemanticChunkingRequest(text), soon())
    assert [chunk.index for chunk in cut.chunks] == list(range(len(cut.chunks)))
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in cut.chunks)
    covered = {at for chunk in cut.chunks for at in range(chunk.start, chunk.end)}
    assert all(at in covered or character.isspace() for at, character in enumerate(text))


@pytest.mark.parametrize(
    "text", ["", " \n\t", "a" * (TEXT_CHARACTERS + 1), "nul \x00", "half \ud800", b"bytes", None, 7, ["a"]]
)
async def test_what_is_no_text_is_refused_by_its_field(service: AiProcessingService, text: object) -> None:
    calls: list[tuple[Any, Any]] = [
        (service.extract_entities, EntityExtractionRequest(text)),  # type: ignore[arg-type]
        (service.map_relationships, RelationshipMappingRequest(text)),  # type: ignore[arg-type]
        (service.create_chunks, SemanticChunkingRequest(text)),  # type: ignore[arg-type]
    ]
    for call, request in calls:
        with pytest.raises(InvalidRequestError, match=r"^text: "):
            await call(CALLER, request, soon())


async def test_who_may_not_is_told_before_anything_runs(service: AiProcessingService) -> None:
    nobody = Caller("ours", "eve", "test", allowed())
    with pytest.raises(AccessDeniedError, match="eve may not execute processing"):
        await service.extract_entities(nobody, EntityExtractionRequest(""), soon())


async def test_a_deadline_holds() -> None:
    class Slow:
        """An inference whose chunker takes its time."""

        class chunker:
            @staticmethod
            def split(text: str) -> list[object]:
                import time

                time.sleep(0.3)
                return []

    service = AiProcessingService(Slow())  # type: ignore[arg-type]
    with pytest.raises(DeadlineExceededError, match="cutting a text"):
        await service.create_chunks(CALLER, SemanticChunkingRequest(MEETING), Deadline.after(0.05))
