"""What a reader of the graph answers: entities, edges, walks, the whole of it; merges followed, tenants apart."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

from contracts.folding import name_key
from contracts.ids import entity_id
from projections.graph.reads import Edge, Entity, GraphReader, GraphSnapshot, Mention, Node, Statement, Subject
from projections.projector import Projector
from tests.projections.contract.folding import digests, follow
from tests.projections.contract.hidden import SEEN, Parted
from tests.projections.history import History
from tests.projections.stories import Story

ONE = Story("one", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
TWO = Story("two", ("Cleo knew Dora.", "Edgar sleeps."), title="Market")
FOREIGN = Story("one", ("Ada met Zoe.",), title="Harbour", tenant="foreign")


def named(name: str, tenant: str = "default") -> Node:
    """The entity of a name."""
    return Node("entity", entity_id(tenant, name))


def passage(story: Story, index: int) -> Node:
    """One of a story's passages."""
    return Node("passage", story.chunks[index].chunk_id)


def edges_of(*stories: Story) -> set[Edge]:
    """Every edge there should be."""
    edges: set[Edge] = set()
    for story in stories:
        for mention in story.extracted.mentions:
            edges.add(Edge(Node("passage", mention.chunk_id), "mentions", Node("entity", mention.entity_id)))
        for alias in story.extracted.aliases:
            edges.add(Edge(Node("passage", alias.chunk_id), "about", Node("entity", alias.entity_id)))
        for left, right in pairwise(story.chunks):
            edges.add(Edge(Node("passage", left.chunk_id), "next", Node("passage", right.chunk_id)))
        for relation in story.related.relations:
            subject, target = Node("entity", relation.subject_id), Node("entity", relation.object_id)
            edges.add(Edge(subject, relation.predicate, target))
    return edges


def at(edges: Iterable[Edge], node: Node) -> set[Edge]:
    """Those that begin or end there."""
    return {edge for edge in edges if node in (edge.source, edge.target)}


def distances(edges: set[Edge], start: Node) -> dict[Node, int]:
    """How far every node is, edge by edge."""
    found, frontier = {start: 0}, {start}
    while frontier:
        ends = {end for node in frontier for edge in at(edges, node) for end in (edge.source, edge.target)}
        frontier = ends - set(found)
        found |= dict.fromkeys(frontier, max(found.values()) + 1)
    return found


async def everything(graph: GraphReader, parted: Parted, collections: frozenset[str] | None) -> list[object]:
    """What every read says of these documents and names, also of those that may not be seen."""
    names = ("Ada", "Bob", "Cleo", "Dora", "Harbour")
    nodes = [named(name, parted.tenant) for name in names]
    nodes += [passage(story, index) for story in parted.stories for index in range(len(story.chunks))]
    found: list[object] = [await graph.find(parted.tenant, names, collections=collections)]
    found += [await graph.find(parted.tenant, [name], collections=collections) for name in names]
    for story in parted.stories:
        found.append(await graph.entities_in(parted.tenant, story.document_id, collections=collections))
    for node in nodes:
        found.append(await graph.neighbours(parted.tenant, node, collections=collections))
        found.append(await graph.neighbours(parted.tenant, node, 2, collections=collections))
        found.append(await graph.k_hops(parted.tenant, [node], 3, 6, collections=collections))
        found.append(await graph.paths(parted.tenant, nodes[0], node, collections=collections))
    return found


def _ordered(snapshot: GraphSnapshot) -> tuple[list[Subject], list[Mention], list[Statement]]:
    return sorted(snapshot.subjects), sorted(snapshot.mentions), sorted(snapshot.statements)


class GraphReaderContract:
    """Subclass with fixtures `projector` and `graph`, over a read model that is open and empty."""

    @pytest.fixture
    async def projector(self, history: History) -> Projector:
        """Writes what the reader reads."""
        raise NotImplementedError

    @pytest.fixture
    def graph(self, history: History) -> GraphReader:
        """The reader."""
        raise NotImplementedError

    async def test_entities_are_found_by_name(self, graph: GraphReader, projector: Projector, history: History) -> None:
        await history.tell(ONE, TWO)
        await follow(projector, history)
        bob = Entity(named("Bob").id, "Bob", "PERSON", 2)
        harbour = Entity(named("Harbour").id, "Harbour", None, 2)

        assert await graph.find("default", ["the bob"]) == [bob]
        assert await graph.find("default", ["Harbour", "Bob", "Nobody", "BOB"]) == sorted([bob, harbour])
        assert await graph.find("default", []) == []
        assert await graph.entities("default", [harbour.entity_id, "nothing"]) == [harbour]

    async def test_the_entities_of_a_document(self, graph: GraphReader, projector: Projector, history: History) -> None:
        await history.tell(ONE, TWO)
        await follow(projector, history)
        assert {one.name for one in await graph.entities_in("default", "two")} == {"Cleo", "Dora", "Edgar", "Market"}
        assert await graph.entities_in("default", "three") == []

    async def test_people_name_and_reject_entities(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE)
        await history.rename("Bob", "Robert")
        await history.judge("Cleo", valid=False)
        await follow(projector, history)
        assert await graph.find("default", ["Bob", "Cleo"]) == [Entity(named("Bob").id, "Robert", "LEGEND", 2)]

        await history.judge("Cleo", valid=True)
        await follow(projector, history)
        assert [one.name for one in await graph.find("default", ["Cleo"])] == ["Cleo"]

    async def test_neighbours_are_all_edges_at_a_node(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await follow(projector, history)
        edges = edges_of(ONE, TWO)
        for node in {end for edge in edges for end in (edge.source, edge.target)}:
            found = await graph.neighbours("default", node)
            assert (len(found), set(found)) == (len(at(edges, node)), at(edges, node))
        assert await graph.neighbours("default", named("Nobody")) == []

    async def test_neighbours_are_limited_and_stable(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await follow(projector, history)
        whole = await graph.neighbours("default", named("Cleo"))
        assert len(whole) == 4
        assert await graph.neighbours("default", named("Cleo"), limit=3) == whole[:3]

    async def test_k_hops_are_those_of_a_plain_search(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await follow(projector, history)
        uniform_positions = distances(edges_of(ONE, TWO), named("Ada"))
        assert max(uniform_positions.values()) > 4
        for hops in range(5):
            found = await graph.k_hops("default", [named("Ada")], hops)
            assert found == {node: distance for node, distance in uniform_positions.items() if distance <= hops}
            assert list(found.values()) == sorted(found.values())
        nearest = await graph.k_hops("default", [named("Ada")], 4, limit=3)
        assert nearest == {named("Ada"): 0, named("Bob"): 1, passage(ONE, 0): 1}

    async def test_paths_are_the_shortest_ones(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await follow(projector, history)
        ada, bob, cleo = named("Ada"), named("Bob"), named("Cleo")
        met, saw = Edge(ada, "met", bob), Edge(bob, "saw", cleo)

        assert await graph.paths("default", ada, cleo) == [[met, saw]]
        assert await graph.paths("default", cleo, ada) == [[saw, met]]
        assert await graph.paths("default", ada, ada) == [[]]
        both = await graph.paths("default", ada, passage(ONE, 1))
        assert sorted(both) == sorted(
            [
                [met, Edge(passage(ONE, 1), "mentions", bob)],
                [
                    Edge(passage(ONE, 0), "mentions", ada),
                    Edge(passage(ONE, 0), "next", passage(ONE, 1)),
                ],
            ]
        )
        assert await graph.paths("default", ada, passage(ONE, 1)) == both
        assert await graph.paths("default", ada, named("Edgar"), max_hops=4) == []
        assert [len(path) for path in await graph.paths("default", ada, named("Edgar"), max_hops=5)] == [5]

    async def test_a_snapshot_has_everything(self, graph: GraphReader, projector: Projector, history: History) -> None:
        echo = Story("echo", ("Ada, Ada and ada.",), title="Harbour")
        await history.tell(ONE, TWO, echo)
        await follow(projector, history)
        found = await graph.snapshot("default")

        stories = (ONE, TWO, echo)
        assert set(found.subjects) == {
            Subject(alias.entity_id, alias.name, alias.chunk_id, alias.quality)
            for story in stories
            for alias in story.extracted.aliases
        }
        once = {
            Mention(one.entity_id, one.name, one.chunk_id, 1)
            for story in (ONE, TWO)
            for one in story.extracted.mentions
        }
        assert set(found.mentions) == once | {Mention(named("Ada").id, "Ada", echo.chunks[0].chunk_id, 2)}
        assert set(found.statements) == {
            Statement(
                r.relation_id, r.subject_id, r.subject, r.predicate, r.object_id, r.object, r.chunk_id, r.start, r.end,
                r.confidence,
            )
            for story in stories
            for r in story.related.relations
        }  # fmt: skip
        assert len(found.subjects) == 5 and len(found.statements) == 3

    async def test_passages_are_found_by_the_names_of_what_they_are_about(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        """Without case, article and accents, and no more of each name than were asked for."""
        port = Story("port", ("Ada slept.",), title="The Zürich Harbour")
        await history.tell(ONE, TWO, port)
        await follow(projector, history)
        harbour, market = named("Harbour").id, named("Market").id

        found = await graph.named("default", ["harbour", "market", "nowhere", ""], 5)
        assert set(found) == {
            *(Subject(harbour, "Harbour", chunk.chunk_id, 0.5) for chunk in ONE.chunks),
            *(Subject(market, "Market", chunk.chunk_id, 0.5) for chunk in TWO.chunks),
        }
        assert len(found) == 4
        first = min(chunk.chunk_id for chunk in ONE.chunks)
        assert [one.chunk_id for one in await graph.named("default", ["harbour"], 1)] == [first]
        assert [one.name for one in await graph.named("default", ["zurich harbour"], 5)] == ["The Zürich Harbour"]
        assert await graph.named("default", [], 5) == await graph.named("foreign", ["harbour"], 5) == []

    async def test_passages_are_found_by_the_names_they_mention(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        accented = Story("accented", ("Zoë met Ada.",), title="Quay")
        await history.tell(ONE, TWO, accented)
        await follow(projector, history)

        async def found(*keys: str, most: int = 5) -> list[tuple[str, str]]:
            return sorted((one.name, one.chunk_id) for one in await graph.mentioned("default", keys, most))

        def at(name: str, *stories: Story) -> list[tuple[str, str]]:
            held = (one for story in stories for one in story.extracted.mentions if one.name == name)
            return sorted((name, one.chunk_id) for one in held)

        assert await found("bob") == at("Bob", ONE)
        assert await found("ada", "cleo", "nobody") == at("Ada", ONE, accented) + at("Cleo", ONE, TWO)
        assert await found("zoe") == at("Zoë", accented)
        assert await found("bob", most=1) == at("Bob", ONE)[:1]
        assert await found() == []
        await history.merge("Bob", into="Cleo")
        await follow(projector, history)
        both = sorted(at("Bob", ONE) + at("Cleo", ONE, TWO))
        assert await found("bob") == await found("cleo") == both
        assert {one.entity_id for one in await graph.mentioned("default", ["bob"], 5)} == {named("Cleo").id}

    async def test_the_part_around_some_passages(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await history.merge("Edgar", into="Cleo")
        await follow(projector, history)
        whole = await graph.snapshot("default")
        for chunks in ([], [ONE.chunks[0]], [ONE.chunks[1], TWO.chunks[1]], [*ONE.chunks, *TWO.chunks]):
            own = {chunk.chunk_id for chunk in chunks}
            part = await graph.around("default", [*own, "nothing"])
            assert set(part.subjects) == {one for one in whole.subjects if one.chunk_id in own}
            assert set(part.mentions) == {one for one in whole.mentions if one.chunk_id in own}
            assert set(part.statements) == {one for one in whole.statements if one.chunk_id in own}
        assert await graph.around("foreign", [ONE.chunks[0].chunk_id]) == GraphSnapshot([], [], [])

    async def test_how_many_passages_speak_of_an_entity(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await follow(projector, history)
        wanted = [named(name).id for name in ("Ada", "Bob", "Cleo", "Harbour", "Nobody")]
        assert await graph.spread("default", wanted) == dict.fromkeys(wanted[1:4], 2)
        await history.delete(ONE)
        await follow(projector, history)
        assert await graph.spread("default", wanted) == {}

    async def test_merges_are_followed_to_their_end(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        """Bob is Cleo, and Cleo is Dora: what was said of any of them is said of Dora."""
        await history.tell(ONE, TWO)
        await history.merge("Bob", into="Cleo")
        await history.merge("Cleo", into="Dora")
        await follow(projector, history)
        ada, bob, cleo, dora = map(named, ("Ada", "Bob", "Cleo", "Dora"))

        found_by_name = await graph.find("default", ["Bob", "Cleo", "Dora"])
        assert [(one.entity_id, one.name) for one in found_by_name] == [(dora.id, "Dora")]
        found = await graph.snapshot("default")
        assert {(one.entity_id, one.name) for one in found.mentions if one.entity_id != ada.id} == {
            (dora.id, "Bob"),
            (dora.id, "Cleo"),
            (dora.id, "Dora"),
            (named("Edgar").id, "Edgar"),
        }
        assert {(one.subject_id, one.object_id) for one in found.statements} == {
            (ada.id, dora.id),
            (dora.id, dora.id),
        }
        expected = {
            Edge(ada, "met", dora),
            Edge(dora, "saw", dora),
            Edge(dora, "knew", dora),
            *(Edge(one, "mentions", dora) for one in (passage(ONE, 0), passage(ONE, 1), passage(TWO, 0))),
        }
        for node in (bob, cleo, dora):
            edges = await graph.neighbours("default", node)
            assert (len(edges), set(edges)) == (len(expected), expected)
        assert set(await graph.neighbours("default", ada)) == {
            Edge(ada, "met", dora),
            Edge(passage(ONE, 0), "mentions", ada),
        }

    async def test_walks_begin_and_end_at_what_became_of_an_entity(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await history.merge("Bob", into="Dora")
        await follow(projector, history)
        ada, bob, dora = map(named, ("Ada", "Bob", "Dora"))

        assert await graph.paths("default", ada, bob) == [[Edge(ada, "met", dora)]]
        assert await graph.paths("default", bob, ada) == [[Edge(ada, "met", dora)]]
        assert await graph.paths("default", bob, dora) == [[]]
        assert await graph.k_hops("default", [bob, dora], 0) == {dora: 0}
        assert await graph.k_hops("default", [bob], 1) == await graph.k_hops("default", [dora], 1)

    async def test_an_entity_is_found_by_the_names_that_people_gave_it(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await history.alias("Bob", "Big Robert")
        await history.rename("Dora", "Théodora")
        await history.merge("Dora", into="Bob")
        await follow(projector, history)
        bob = named("Bob").id
        for name in ("big robert", "Theodora", "Dora"):
            assert [one.entity_id for one in await graph.find("default", [name])] == [bob]
        for key in ("big robert", "theodora"):
            found = await graph.mentioned("default", [key], 20)
            assert {one.chunk_id for one in found if name_key(one.name) == key} == {
                passage(ONE, 0).id,
                passage(ONE, 1).id,
                passage(TWO, 0).id,
            }
        around = await graph.around("default", [passage(ONE, 0).id])
        assert {one.name for one in around.mentions if one.entity_id == bob} == {"Bob", "Big Robert", "Théodora"}

        await history.alias("Harbour", "Port")
        await follow(projector, history)
        about = await graph.named("default", ["port"], 20)
        assert {(one.entity_id, one.name, one.chunk_id) for one in about} == {
            (named("Harbour").id, "Port", chunk.chunk_id) for chunk in ONE.chunks
        }
        for name in ("Harbour", "Bob"):
            assert [one.name for one in await graph.find("default", [name])] == [name]

    async def test_a_name_that_was_taken_back_is_none(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE)
        await history.alias("Bob", "Robert")
        await history.undo("Bob")
        await follow(projector, history)
        assert await graph.find("default", ["Robert"]) == []
        assert await graph.mentioned("default", ["robert"], 20) == []

    async def test_who_is_the_same_as_others_is_spoken_of_where_they_are(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await history.merge("Cleo", into="Bob")
        await follow(projector, history)
        bob = named("Bob").id
        assert [one.passages for one in await graph.find("default", ["Cleo"])] == [3]
        assert [one.passages for one in await graph.find("default", ["Cleo"], collections=frozenset({""}))] == [3]
        assert await graph.spread("default", [bob]) == {bob: 3}

    async def test_a_rejected_entity_leads_nowhere(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        before = await graph.snapshot("default")
        await history.judge("Bob", valid=False)
        await follow(projector, history)
        ada, bob, cleo = map(named, ("Ada", "Bob", "Cleo"))
        assert await graph.mentioned("default", ["bob"], 20) == []
        assert await graph.neighbours("default", bob) == []
        assert await graph.neighbours("default", ada) == [Edge(passage(ONE, 0), "mentions", ada)]
        assert all(
            bob not in (end for edge in path for end in (edge.source, edge.target))
            for path in await graph.paths("default", ada, cleo, 6)
        )
        assert bob not in await graph.k_hops("default", [ada], 6)
        found = await graph.snapshot("default")
        assert bob.id not in {one.entity_id for one in found.mentions}
        part = await graph.around("default", [chunk.chunk_id for chunk in (*ONE.chunks, *TWO.chunks)])
        assert list(found.rejected) == list(part.rejected) == ["Bob"] and list(before.rejected) == []
        assert {(one.subject, one.object) for one in found.statements} == {("Cleo", "Dora")}

        await history.undo("Bob")
        await follow(projector, history)
        assert await graph.snapshot("default") != before
        assert {(one.subject, one.object) for one in (await graph.snapshot("default")).statements} == {
            ("Ada", "Bob"), ("Bob", "Cleo"), ("Cleo", "Dora"),
        }  # fmt: skip

    async def test_a_merge_that_was_undone_leaves_no_trace(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await follow(projector, history)
        before, content = await digests(projector._store), await graph.snapshot("default")
        await history.merge("Bob", into="Cleo")
        await follow(projector, history)
        assert await graph.snapshot("default") != content
        await history.undo("Bob")
        await follow(projector, history)
        after = await digests(projector._store)
        assert {part for part in after if after[part] != before[part]} == {"versions"}
        assert _ordered(await graph.snapshot("default")) == _ordered(content)

    async def test_what_a_document_says_is_said_of_whom_people_mean(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await history.reassign(TWO, "Cleo", "another-cleo")
        await follow(projector, history)
        other, cleo = Node("entity", "another-cleo"), named("Cleo")
        assert set(await graph.neighbours("default", other)) == {
            Edge(other, "knew", named("Dora")), Edge(passage(TWO, 0), "mentions", other),
        }  # fmt: skip
        assert set(await graph.neighbours("default", cleo)) == {
            Edge(named("Bob"), "saw", cleo), Edge(passage(ONE, 1), "mentions", cleo),
        }  # fmt: skip
        again = Story("two", ("Cleo knew Dora.", "Edgar woke."), title="Market")
        await history.tell(again)
        await follow(projector, history)
        assert [one.passages for one in await graph.entities("default", [other.id])] == [1]
        assert [one.passages for one in await graph.entities("default", [cleo.id])] == [1]

    async def test_a_chain_of_a_thousand_merges_resolves(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE)
        names = ["Ada", *(f"Name {number}" for number in range(999)), "Bob"]
        await history.merge_one_into_the_next(names)
        await follow(projector, history)
        assert [one.entity_id for one in await graph.find("default", ["Ada", "Name 500"])] == [named("Bob").id]
        assert {one.entity_id for one in await graph.mentioned("default", ["ada"], 20)} == {named("Bob").id}
        assert named("Ada") not in await graph.k_hops("default", [passage(ONE, 0)], 1)

    async def test_merges_in_a_circle_end(self, graph: GraphReader, projector: Projector, history: History) -> None:
        """Nobody can say which one it is, so each stays itself or becomes one of the circle; nothing is lost."""
        await history.tell(ONE)
        await history.merge("Ada", into="Bob")
        await history.merge("Bob", into="Ada")
        await follow(projector, history)
        circle = {named("Ada").id, named("Bob").id}
        found = await graph.find("default", ["Ada", "Bob"])
        assert found and {one.entity_id for one in found} <= circle
        assert {one.entity_id for one in (await graph.snapshot("default")).mentions} <= circle | {named("Cleo").id}

    async def test_a_rejected_relation_is_no_edge(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE)
        met = ONE.related.relations[0].relation_id
        await history.judge_relation(ONE, met, valid=False)
        await follow(projector, history)
        assert [edge.label for edge in await graph.neighbours("default", named("Ada"))] == ["mentions"]
        assert [one.predicate for one in (await graph.snapshot("default")).statements] == ["saw"]

        await history.judge_relation(ONE, met, valid=True)
        await history.amend_relation(ONE, met, "married")
        await follow(projector, history)
        labels = {edge.label for edge in await graph.neighbours("default", named("Ada"))}
        assert labels == {"mentions", "married"}

    async def test_what_is_denied_is_no_edge_and_what_may_be_says_so(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        may = {"modality": "may", "time": "from 2027", "valid_from": "2027"}
        await history.tell(replace(ONE, manners=({"negated": True}, may)))
        await follow(projector, history)
        assert [edge.label for edge in await graph.neighbours("default", named("Ada"))] == ["mentions"]
        assert "saw (may)" in {edge.label for edge in await graph.neighbours("default", named("Cleo"))}
        (said,) = (await graph.snapshot("default")).statements
        assert (said.predicate, said.modality, said.time, said.valid_from, said.valid_until) == (
            "saw", "may", "from 2027", "2027", None,
        )  # fmt: skip

    async def test_a_deleted_document_takes_its_edges_along(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        await history.tell(ONE, TWO)
        await follow(projector, history)
        await history.delete(ONE)
        await follow(projector, history)
        assert await graph.find("default", ["Ada", "Bob", "Harbour"]) == []
        assert set(await graph.neighbours("default", named("Cleo"))) == at(edges_of(TWO), named("Cleo"))
        assert [one.passages for one in await graph.find("default", ["Cleo"])] == [1]

    async def test_tenants_share_nothing(self, graph: GraphReader, projector: Projector, history: History) -> None:
        """Not even where one knows the other's ids."""
        await history.tell(ONE)
        await follow(projector, history)
        name = await graph.content_tag("default")
        await history.tell(FOREIGN)
        await history.merge("Ada", into="Zoe", tenant="foreign")
        await follow(projector, history)

        ada, zoe = named("Ada"), named("Zoe", "foreign")
        assert await graph.find("default", ["Zoe"]) == []
        assert [one.name for one in await graph.find("default", ["Ada"])] == ["Ada"]
        assert [one.name for one in await graph.find("foreign", ["Ada"])] == ["Zoe"]
        assert await graph.entities("default", [zoe.id]) == await graph.entities("foreign", [ada.id]) == []
        for node in (zoe, passage(FOREIGN, 0)):
            assert await graph.neighbours("default", node) == []
            assert await graph.k_hops("default", [node], 2) == {node: 0}
        assert await graph.paths("default", zoe, passage(FOREIGN, 0)) == []
        assert {one.name for one in (await graph.snapshot("default")).mentions} == {"Ada", "Bob", "Cleo"}
        assert {one.name for one in await graph.entities_in("foreign", "one")} == {"Zoe", "Harbour"}
        assert await graph.content_tag("default") == name

    async def test_the_version_changes_with_the_content(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        seen = {await graph.content_tag("default")}
        for step in (history.tell(ONE), history.merge("Ada", into="Bob"), history.delete(ONE)):
            await step
            await follow(projector, history)
            seen.add(await graph.content_tag("default"))
        assert len(seen) == 4

    @pytest.mark.parametrize("seed", range(6))
    async def test_what_is_hidden_changes_nothing(
        self, graph: GraphReader, projector: Projector, history: History, seed: int
    ) -> None:
        """Who may see some documents reads the same as where the others were never taken in."""
        parted = Parted.at_random(seed)
        await parted.decide(history, seed)
        await history.tell(*parted.seen)
        await follow(projector, history)
        before = await everything(graph, parted, SEEN)
        assert before[0], "something is seen"
        await history.tell(*parted.hidden)
        await follow(projector, history)
        assert await everything(graph, parted, SEEN) == before
        assert await everything(graph, parted, None) != before

    async def test_collections_show_what_their_documents_say(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        """With counts and names of their own; a document that changes its collection takes what it says along."""
        hr, sales = (
            Story(name, story.sentences, story.title, collection=name) for name, story in (("hr", ONE), ("sales", TWO))
        )
        loud = Story("loud", ("CLEO met CLEO.",), title="", collection="sales")
        await history.tell(hr, sales, loud)
        await follow(projector, history)
        cleo = named("Cleo")
        for collections, name, passages in (
            (None, "Cleo", 3),
            (frozenset({"hr", "sales"}), "Cleo", 3),
            (frozenset({"sales"}), "CLEO", 2),
            (frozenset({"hr"}), "Cleo", 1),
        ):
            assert await graph.find("default", ["Cleo"], collections=collections) == [
                Entity(cleo.id, name, "PERSON", passages)
            ]
        only = frozenset({"hr"})
        assert await graph.find("default", ["Dora"], collections=only) == []
        assert await graph.entities_in("default", "sales", collections=only) == []
        assert await graph.neighbours("default", passage(sales, 0), collections=only) == []
        assert set(await graph.neighbours("default", cleo, collections=only)) == at(edges_of(hr), cleo)
        assert await graph.k_hops("default", [named("Ada")], 8, collections=only) == distances(
            edges_of(hr), named("Ada")
        )
        assert await graph.paths("default", named("Ada"), named("Dora"), 8, collections=only) == []
        assert await graph.find("default", ["Ada", "Cleo", "Harbour"], collections=frozenset()) == []

        await history.tell(Story("sales", sales.sentences, sales.title, collection="hr"))
        await follow(projector, history)
        assert [one.passages for one in await graph.find("default", ["Cleo"], collections=only)] == [2]
        await history.delete(sales)
        await follow(projector, history)
        assert await graph.entities_in("default", "sales", collections=only) == []
        assert [one.passages for one in await graph.find("default", ["Cleo"], collections=only)] == [1]

    async def test_a_merge_with_what_is_hidden_is_not_told(
        self, graph: GraphReader, projector: Projector, history: History
    ) -> None:
        """Neither by the name that went nor by the one that came; between two that are seen it is followed."""
        hr = Story("hr", ("Ada met Bob.",), title="", collection="hr")
        await history.tell(hr, Story("sales", ("Cleo met Dora.",), title="", collection="sales"))
        await history.merge("Ada", into="Cleo")
        await history.merge("Dora", into="Bob")
        await follow(projector, history)
        only = frozenset({"hr"})
        assert [one.name for one in await graph.find("default", ["Ada"], collections=only)] == ["Ada"]
        assert await graph.find("default", ["Dora"], collections=only) == []
        assert set(await graph.neighbours("default", named("Bob"), collections=only)) == at(edges_of(hr), named("Bob"))
        both = frozenset({"hr", "sales"})
        assert [one.name for one in await graph.find("default", ["Ada"], collections=both)] == ["Cleo"]
        assert await graph.neighbours("default", named("Bob"), collections=both) == await graph.neighbours(
            "default", named("Bob")
        )
