"""What the questions that need several databases answer, whichever databases hold the read models."""

from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from annals.composition.storage import databases_of
from annals.composition.stores import Stores
from contracts.ids import entity_id
from projections.changes import uniform_positions
from security.access import FULL_ACCESS, NO_ATTRIBUTES, AccessDecision
from security.reach import NOTHING, Reach, Rule
from services.caller import Caller
from services.deadline import Deadline, DeadlineExceededError
from services.errors import AccessDeniedError, NotFoundError
from services.storage import cross_database as layer
from services.storage.cross_database import Answered, Found
from tests.projections.history import History, open_history
from tests.projections.stories import Story, vector_of

ADA = Story("ada", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
EVE = Story("eve", ("Cleo knew Dora.",), title="Market")
SHORT = tuple(Story(f"short-{n}", (f"Short{n} sings.",)) for n in range(20))
LONG = tuple(Story(f"long-{n}", (f"Long{n} sings.", f"Long{n} sleeps.")) for n in range(4))
CALLER = Caller("default", "reader", "test", FULL_ACCESS)
LIMIT_S = 60.0
FAR = -np.sum([vector_of(read, 8) for story in LONG for read in story.inputs], axis=0)
"""A vector that passages of SHORT are nearer to than those of LONG."""


async def follow(services: Stores, history: History) -> int:
    """Bring every read model to all that happened; says up to which position that is."""
    events = await history.all()
    position = events[-1].position or 0
    for one in services.projections.values():
        own = [event for event in events if event.event_type in one.model.event_types]
        await one.projector.apply(own, uniform_positions(one.model, services.topics, position))
    return position


def chunk_ids(answered: Answered[list[Found]]) -> list[str]:
    """The passages that were found, in their order."""
    return [found.passage.chunk_id for found in answered.result]


LETTERS = Rule(frozenset({"letters"}), frozenset())


@dataclass(frozen=True)
class Some:
    """Always the same decision and reach."""

    decision: AccessDecision
    seen: Reach

    def decide(self, resource: str, action: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> AccessDecision:
        """The one."""
        return self.decision

    def reach(self, resource: str, action: str) -> Reach:
        """The one."""
        return self.seen

    def refusal_to_give(self, roles: Collection[str]) -> str | None:
        """Nobody asks."""
        return None


class DatabaseIntegrationLayerContract:
    """Subclass with a fixture `services`, whose read models are open and empty, over the database at `dsn`."""

    @pytest.fixture
    async def services(self) -> Stores:
        raise NotImplementedError

    @pytest.fixture
    async def history(self, dsn: str, services: Stores) -> AsyncIterator[History]:
        """A log in which nothing happened yet."""
        async with open_history(dsn, services.settings.data) as opened:
            yield opened

    async def test_a_document_with_what_every_database_knows_of_it(self, services: Stores, history: History) -> None:
        await history.tell(ADA, EVE)
        position = await follow(services, history)
        answered = await databases_of(services).document_with_entities(CALLER, "ada", deadline=Deadline.after(LIMIT_S))
        assert answered.result.document.title == "Harbour"
        assert {one.name for one in answered.result.entities} == {"Ada", "Bob", "Cleo", "Harbour"}
        assert [chunk.text for chunk in answered.result.chunks] == ["Ada met Bob.", "Bob saw Cleo."]
        assert dict(answered.positions) == {"relational": position, "graph": position, "vector": position}

    async def test_a_document_that_is_not_there(self, services: Stores) -> None:
        with pytest.raises(NotFoundError, match="nobody"):
            await databases_of(services).document_with_entities(CALLER, "nobody", deadline=Deadline.after(LIMIT_S))

    async def test_a_partition_of_which_nothing_was_read_holds_the_position_back(self, services: Stores) -> None:
        for one in services.projections.values():
            await one.store.write([], {("annals.documents", 0): 9})
        searched = await databases_of(services).semantic_search(
            CALLER, ADA.embedder, [1.0] * 8, deadline=Deadline.after(LIMIT_S)
        )
        assert dict(searched.positions) == {"relational": 0, "vector": 0}
        walked = await databases_of(services).graph_traversal(
            CALLER, ["Ada"], max_hops=1, deadline=Deadline.after(LIMIT_S)
        )
        assert dict(walked.positions) == {"graph": 0}

    async def test_semantic_search_finds_the_nearest_first(self, services: Stores, history: History) -> None:
        await history.tell(ADA, EVE)
        position = await follow(services, history)
        wanted = vector_of(EVE.inputs[0], EVE.dimension).tolist()
        answered = await databases_of(services).semantic_search(
            CALLER, ADA.embedder, wanted, k=2, deadline=Deadline.after(LIMIT_S)
        )
        assert answered.result[0].passage.document_id == "eve"
        assert answered.result[0].score > 0.99
        assert (len(answered.result), answered.truncated) == (2, False)
        assert dict(answered.positions) == {"relational": position, "vector": position}

    async def test_a_filter_that_no_document_passes(self, services: Stores, history: History) -> None:
        await history.tell(ADA)
        await follow(services, history)
        answered = await databases_of(services).semantic_search(
            CALLER, ADA.embedder, FAR.tolist(), {"language": "tlh"}, deadline=Deadline.after(LIMIT_S)
        )
        assert (answered.result, answered.truncated) == ([], False)

    async def test_a_filter_that_many_documents_pass_finds_the_same(
        self, services: Stores, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await history.tell(*SHORT, *LONG)
        await follow(services, history)
        search = databases_of(services).semantic_search
        long = {"sentences": 2}
        assert not any(
            found.passage.document_id.startswith("long")
            for found in (
                await search(CALLER, ADA.embedder, FAR.tolist(), k=layer.WIDER, deadline=Deadline.after(LIMIT_S))
            ).result
        ), "the first candidates for k=1 are others: the search has to go on"
        few = {
            k: await search(CALLER, ADA.embedder, FAR.tolist(), long, k, deadline=Deadline.after(LIMIT_S))
            for k in (0, 1, 3, 8, 3000)
        }
        assert [len(answered.result) for answered in few.values()] == [0, 1, 3, 8, 8]

        # Another layer keeps no answers of before.
        monkeypatch.setattr(layer, "DOCUMENTS_LIMIT", len(LONG))
        search = databases_of(services).semantic_search
        at_most = await search(CALLER, ADA.embedder, FAR.tolist(), long, 8, deadline=Deadline.after(LIMIT_S))
        assert chunk_ids(at_most) == chunk_ids(few[8])
        monkeypatch.setattr(layer, "DOCUMENTS_LIMIT", len(LONG) - 1)
        search = databases_of(services).semantic_search
        for k, expected in few.items():
            answered = await search(CALLER, ADA.embedder, FAR.tolist(), long, k, deadline=Deadline.after(LIMIT_S))
            assert chunk_ids(answered) == chunk_ids(expected)
            scores = [found.score for found in expected.result]
            assert [found.score for found in answered.result] == pytest.approx(scores, abs=1e-6)
            # There are no more than eight; the search cannot know that it saw every passage there is.
            assert answered.truncated == (k > 8)

    async def test_a_search_that_ran_out_of_candidates_says_so(
        self, services: Stores, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await history.tell(*SHORT, *LONG)
        await follow(services, history)
        monkeypatch.setattr(layer, "DOCUMENTS_LIMIT", 1)
        monkeypatch.setattr(layer, "CANDIDATES_LIMIT", 6)
        nearest = await databases_of(services).semantic_search(
            CALLER, ADA.embedder, FAR.tolist(), k=6, deadline=Deadline.after(LIMIT_S)
        )
        short = [one for one in nearest.result if one.passage.document_id.startswith("short")]
        answered = await databases_of(services).semantic_search(
            CALLER, ADA.embedder, FAR.tolist(), {"sentences": 1}, 10, deadline=Deadline.after(LIMIT_S)
        )
        assert chunk_ids(answered) == [one.passage.chunk_id for one in short]
        assert answered.truncated

    async def test_a_traversal_reaches_what_is_near(self, services: Stores, history: History) -> None:
        await history.tell(ADA, EVE)
        position = await follow(services, history)
        answered = await databases_of(services).graph_traversal(
            CALLER, ["Ada", "Nobody"], max_hops=1, deadline=Deadline.after(LIMIT_S)
        )
        assert [(one.entity.name, one.hops) for one in answered.result] == [("Ada", 0), ("Bob", 1)]
        assert not answered.truncated
        assert dict(answered.positions) == {"graph": position}

    async def test_a_traversal_starts_at_ids_too(self, services: Stores, history: History) -> None:
        await history.tell(ADA, EVE)
        await follow(services, history)
        document = (
            await databases_of(services).document_with_entities(CALLER, "ada", deadline=Deadline.after(LIMIT_S))
        ).result
        by_graph = {one.entity_id: one.name for one in document.entities}
        by_rows = {one["entity_id"]: one["name"] for one in document.document.entities}
        assert by_rows.items() <= by_graph.items()
        walk = databases_of(services).graph_traversal
        for own, name in by_graph.items():
            by_id = await walk(CALLER, [own], max_hops=2, deadline=Deadline.after(LIMIT_S))
            assert (by_id.result[0].entity.name, by_id.result[0].hops) == (name, 0)
            assert (
                by_id
                == await walk(CALLER, [name], max_hops=2, deadline=Deadline.after(LIMIT_S))
                == await walk(CALLER, [name, own], max_hops=2, deadline=Deadline.after(LIMIT_S))
            )
        mixed = await walk(CALLER, ["Dora", entity_id("default", "Ada")], max_hops=0, deadline=Deadline.after(LIMIT_S))
        assert [one.entity.name for one in mixed.result] == ["Ada", "Dora"]

    async def test_the_id_of_a_merged_entity_starts_at_what_it_became(self, services: Stores, history: History) -> None:
        await history.tell(ADA, EVE)
        await history.merge("Ada", into="Dora")
        await follow(services, history)
        answered = await databases_of(services).graph_traversal(
            CALLER, [entity_id("default", "Ada")], max_hops=1, deadline=Deadline.after(LIMIT_S)
        )
        assert [(one.entity.name, one.hops) for one in answered.result] == [("Dora", 0), ("Bob", 1), ("Cleo", 1)]

    async def test_a_traversal_that_its_limit_cut_says_so(self, services: Stores, history: History) -> None:
        await history.tell(EVE)
        await follow(services, history)
        # One passage, three entities; each is a node.
        walk = databases_of(services).graph_traversal
        whole = await walk(CALLER, ["Cleo"], 5, limit=4, deadline=Deadline.after(LIMIT_S))
        assert ([one.entity.name for one in whole.result], whole.truncated) == (["Cleo", "Dora", "Market"], False)
        cut = await walk(CALLER, ["Cleo"], 5, limit=3, deadline=Deadline.after(LIMIT_S))
        assert ([one.entity.name for one in cut.result], cut.truncated) == (["Cleo", "Dora"], True)
        starts = await walk(CALLER, ["Cleo", "Dora", "Market"], 0, limit=2, deadline=Deadline.after(LIMIT_S))
        assert (len(starts.result), starts.truncated) == (2, True)

    async def test_nothing_crosses_tenants(self, services: Stores, history: History) -> None:
        await history.tell(ADA, EVE)
        await follow(services, history)
        other = Caller("other", "reader", "test", FULL_ACCESS)
        with pytest.raises(NotFoundError):
            await databases_of(services).document_with_entities(other, "ada", deadline=Deadline.after(LIMIT_S))
        wanted = vector_of(ADA.inputs[0], ADA.dimension).tolist()
        found = await databases_of(services).semantic_search(
            other, ADA.embedder, wanted, deadline=Deadline.after(LIMIT_S)
        )
        assert found.result == []
        walked = await databases_of(services).graph_traversal(other, ["Ada"], 2, deadline=Deadline.after(LIMIT_S))
        assert walked.result == []

    async def test_an_answer_is_kept_while_the_content_is_the_same(self, services: Stores, history: History) -> None:
        """Each of the three: found again, with positions of now, until something is written."""
        await history.tell(ADA)
        await follow(services, history)
        databases, wanted = databases_of(services), vector_of(EVE.inputs[0], EVE.dimension).tolist()

        async def ask(caller: Caller) -> list[Answered[Any]]:
            deadline = Deadline.after(LIMIT_S)
            return [
                await databases.document_with_entities(caller, "ada", deadline=deadline),
                await databases.semantic_search(caller, ADA.embedder, wanted, {"sentences": 1}, 5, deadline=deadline),
                await databases.graph_traversal(caller, ["Cleo"], 2, deadline=deadline),
            ]

        first = await ask(CALLER)
        assert [answered.cached for answered in first] == [False] * 3
        assert all(answered.plan.steps and answered.took_ms > 0 for answered in first)
        again = await ask(CALLER)
        assert [answered.cached for answered in again] == [True] * 3
        assert again == first
        assert [answered.plan for answered in again] == [answered.plan for answered in first]

        await history.ask("q1")
        position = await follow(services, history)
        moved = await ask(CALLER)
        assert moved[0].positions == {"relational": position, "graph": position, "vector": position}

        await history.tell(EVE)
        position = await follow(services, history)
        now = await ask(CALLER)
        assert [answered.cached for answered in now] == [False] * 3
        assert [found.passage.document_id for found in now[1].result] == ["eve"]
        assert {one.entity.name for one in now[2].result} > {one.entity.name for one in first[2].result}
        other = Caller("other", "reader", "test", FULL_ACCESS)
        with pytest.raises(NotFoundError):
            await ask(other)

    async def test_what_is_kept_is_not_for_everybody(self, services: Stores, history: History) -> None:
        await history.tell(ADA)
        await follow(services, history)
        databases, deadline = databases_of(services), Deadline.after(LIMIT_S)

        def asked(caller: Caller) -> list[Coroutine[Any, Any, Any]]:
            return [
                databases.document_with_entities(caller, "ada", deadline=deadline),
                databases.semantic_search(caller, ADA.embedder, [1.0] * 8, deadline=deadline),
                databases.graph_traversal(caller, ["Ada"], 1, deadline=deadline),
                databases.explain_document_with_entities(caller, deadline=deadline),
                databases.explain_semantic_search(caller, {"language": "en"}, deadline=deadline),
                databases.explain_graph_traversal(caller, deadline=deadline),
            ]

        for one in asked(CALLER):
            await one
        nothing: Any = Some(AccessDecision(False, reason="no role"), NOTHING)
        letters: Any = Some(AccessDecision(True), Reach((LETTERS,)))
        for one in asked(replace(CALLER, access=nothing)):
            with pytest.raises(AccessDeniedError):
                await one
        document, search, walk, *plans = asked(replace(CALLER, access=letters))
        with pytest.raises(NotFoundError):
            await document
        assert [(await one).result for one in (search, walk)] == [[], []]
        for one in plans:
            await one

    async def test_every_query_ends_at_its_deadline(self, services: Stores) -> None:
        layer = databases_of(services)
        with pytest.raises(DeadlineExceededError):
            await layer.document_with_entities(CALLER, "ada", deadline=Deadline.after(0))
        with pytest.raises(DeadlineExceededError):
            await layer.semantic_search(CALLER, ADA.embedder, [1.0] * 8, deadline=Deadline.after(0))
        with pytest.raises(DeadlineExceededError):
            await layer.graph_traversal(CALLER, ["Ada"], 1, deadline=Deadline.after(0))
