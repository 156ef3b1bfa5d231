"""All models of a process together: loaded before they are needed, run outside the loop, gone after `close`."""

import asyncio
import os
import signal
from collections.abc import Iterator
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from inference.analysis import decode
from inference.embedding import vector
from inference.model import InferenceError, digest_of
from inference.runner import Inference, InferenceSettings
from tests.inference.memory import MemoryOutputs

MEETING = "Ada Lovelace met Charles Babbage in London."


@pytest.fixture
def store() -> MemoryOutputs:
    return MemoryOutputs()


@pytest.fixture
def inference(store: MemoryOutputs) -> Iterator[Inference]:
    opened = Inference(InferenceSettings(), store)
    yield opened
    opened.close()


def children() -> set[int | None]:
    """Processes that live; asking collects the dead."""
    return {process.pid for process in active_children()}


@pytest.mark.pipeline
async def test_from_texts_to_outputs_and_no_child_is_left(inference: Inference, store: MemoryOutputs) -> None:
    before = children()
    await inference.warm_up()
    (child,) = children() - before

    (span,) = inference.chunker.split(MEETING)
    assert (span.start, span.end) == (0, len(MEETING))
    (output,) = await inference.embedder.outputs([MEETING])
    (question,) = await inference.embed_queries(["Whom did Ada meet?"])
    assert vector(output).shape == question.shape == (inference.dimension,)
    assert float(vector(output) @ question) > 0.3
    assert np.allclose(np.linalg.norm(question), 1.0, atol=1e-5)

    (analysed,) = await inference.entities.outputs([MEETING])
    assert [entity.name for entity in decode(analysed).entities] == ["Ada Lovelace", "Charles Babbage", "London"]
    # One pass found entities and relations both; a question is not kept.
    assert inference.relations is inference.entities
    assert set(store.kept) == {
        (inference.embedder.revision, digest_of(MEETING)),
        (inference.relations.revision, digest_of(MEETING)),
    }

    inference.close()
    for _ in range(200):
        if child not in children():
            break
        await asyncio.sleep(0.05)
    assert child not in children()
    # What is known is not asked of a child that is gone.
    assert await inference.entities.outputs([MEETING]) == [analysed]


@pytest.mark.pipeline
async def test_a_child_that_was_killed_is_replaced(inference: Inference) -> None:
    before = children()
    await inference.relations.outputs([MEETING])
    (child,) = children() - before
    assert child is not None
    os.kill(child, signal.SIGKILL)

    with pytest.raises(InferenceError, match="try again"):
        await inference.relations.outputs(["Ada lives in London."])
    (output,) = await inference.relations.outputs(["Ada lives in London."])
    assert "London" in {entity.name for entity in decode(output).entities}


async def test_entities_by_a_token_classifier_and_relations_by_the_parser(
    store: MemoryOutputs, tiny_classifier: Path
) -> None:
    inference = Inference(InferenceSettings(entity_model=str(tiny_classifier)), store)
    (output,) = await inference.entities.outputs(["Sefrik lives in Lisse."])
    assert [entity.type for entity in decode(output).entities] == ["PERSON", "PLACE-NAME"]
    assert inference.entities.revision.startswith("classifier@")
    assert inference.relations.revision.startswith("en_core_web_sm@")
    inference.close()


async def test_a_parser_that_is_not_installed_is_named_at_once(store: MemoryOutputs) -> None:
    inference = Inference(InferenceSettings(entity_model="xx_no_model"), store)
    before = children()
    with pytest.raises(InferenceError, match="'xx_no_model' is not installed"):
        await inference.warm_up()
    assert children() <= before
    inference.close()
