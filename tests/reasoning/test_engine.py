import asyncio
from collections.abc import Sequence

import pytest

from inference.model import OtherModelError
from projections.graph.reads import GraphSnapshot
from reasoning.embedder import OneEmbedder
from reasoning.engine import Reasoner
from reasoning.visible import Visible
from tests.reasoning.town import TENANT, TOWN, TownEmbedder, TownReaders

QUESTION = "Who is mayor of the town where the writer of The Glass Lantern grew up?"


def reasoner(readers: TownReaders, embedder: TownEmbedder) -> Reasoner:
    """One object reads both the graph and the passages."""
    return Reasoner(readers, readers, OneEmbedder(embedder))


async def test_a_question_of_two_hops_is_answered_from_both(embedder: TownEmbedder) -> None:
    answer = await reasoner(TownReaders(embedder), embedder).ask(TENANT, QUESTION, k=3)
    assert answer.answer == "Hanno Brill"
    assert {source.document_id for source in answer.sources} == {"doc-lantern", "doc-voss", "doc-orlinga"}
    assert [source.score for source in answer.sources] == sorted((s.score for s in answer.sources), reverse=True)
    assert answer.chains == (
        "question -> Mirela Voss (The Glass Lantern) -> Orlinga (Mirela Voss) -> Hanno Brill (Orlinga)",
    )
    assert [step.found for step in answer.steps] == ["Mirela Voss", "Orlinga", "Hanno Brill"]
    assert answer.candidates[0].answer == "Hanno Brill"
    assert 0.0 < answer.confidence <= 1.0
    source = answer.sources[0]
    assert TOWN[source.chunk_id][1][source.start : source.end] == source.text


@pytest.mark.parametrize(
    "question",
    ["Which enzyme catalyses glycolysis?", "qwertyuiop asdfghjkl", "How do I reset my router password?", "?"],
)
async def test_without_evidence_there_is_no_answer(embedder: TownEmbedder, question: str) -> None:
    answer = await reasoner(TownReaders(embedder), embedder).ask(TENANT, question)
    assert (answer.answer, answer.confidence, answer.sources, answer.chains) == (None, 0.0, (), ())


async def test_what_speaks_of_a_question_is_shown_also_where_it_does_not_answer_it(embedder: TownEmbedder) -> None:
    answer = await reasoner(TownReaders(embedder), embedder).ask(
        TENANT, "When was The Glass Lantern by Mirela Voss sold?"
    )
    assert (answer.answer, answer.confidence, answer.chains) == (None, 0.0, ())
    assert answer.sources[0].document_id == "doc-lantern" and answer.missing


async def test_an_empty_tenant_has_no_answer(embedder: TownEmbedder) -> None:
    engine = reasoner(TownReaders(embedder, {}), embedder)
    assert (await engine.ask(TENANT, QUESTION)).answer is None


@pytest.mark.parametrize("question", ["", "  \n"])
async def test_a_blank_question_is_refused(embedder: TownEmbedder, question: str) -> None:
    engine = reasoner(TownReaders(embedder), embedder)
    with pytest.raises(ValueError, match="blank"):
        await engine.ask(TENANT, question)


async def test_no_passages_cannot_be_asked_for(embedder: TownEmbedder) -> None:
    with pytest.raises(ValueError, match="at least one"):
        await reasoner(TownReaders(embedder), embedder).ask(TENANT, QUESTION, k=0)


async def test_many_askers_get_one_answer(embedder: TownEmbedder) -> None:
    engine = reasoner(TownReaders(embedder), embedder)
    answers = await asyncio.gather(*(engine.ask(TENANT, QUESTION) for _ in range(50)))
    assert len(set(answers)) == 1


async def test_a_new_state_is_read_and_named(embedder: TownEmbedder) -> None:
    town = {key: content for key, content in TOWN.items() if key != "orlinga"}
    readers = TownReaders(embedder, town)
    engine = reasoner(readers, embedder)
    before = await engine.ask(TENANT, QUESTION)
    assert before == await engine.ask(TENANT, QUESTION)
    readers.town["orlinga"] = TOWN["orlinga"]
    after = await engine.ask(TENANT, QUESTION)
    assert before.answer != after.answer == "Hanno Brill"
    assert before.knowledge != after.knowledge
    assert len(after.knowledge) == 64 and int(after.knowledge, 16) > 0


async def test_an_answer_rests_on_what_is_visible(embedder: TownEmbedder) -> None:
    readers = TownReaders(embedder)
    engine = reasoner(readers, embedder)
    shown = Visible(frozenset({"of-lantern", "of-voss", "of-moth"}))
    answer = await engine.ask(TENANT, QUESTION, 5, shown)
    assert {source.document_id for source in answer.sources} <= {"doc-lantern", "doc-voss", "doc-moth"}
    assert "Hanno" not in str(answer)
    assert await engine.state(TENANT, shown) == answer.knowledge != await engine.state(TENANT)


async def test_a_reader_that_was_away_is_asked_again(embedder: TownEmbedder) -> None:
    class Away(TownReaders):
        away = True

        async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
            if self.away:
                self.away = False
                raise ConnectionError("the database is away")
            return await super().around(tenant, chunk_ids)

    engine = reasoner(Away(embedder), embedder)
    with pytest.raises(ConnectionError):
        await engine.ask(TENANT, QUESTION)
    assert (await engine.ask(TENANT, QUESTION)).answer is not None


async def test_another_embedder_than_that_of_the_passages_is_refused(embedder: TownEmbedder) -> None:
    """Its vectors would be compared with others' and anything could be near."""
    readers = TownReaders(embedder)
    readers.model = "all-MiniLM-L12-v2@0123456789abcdef/mean-1"
    with pytest.raises(OtherModelError, match=r"all-MiniLM-L12-v2@0123456789abcdef.*set ANNALS_EMBEDDER"):
        await reasoner(readers, embedder).ask(TENANT, QUESTION)
