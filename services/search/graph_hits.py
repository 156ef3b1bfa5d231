"""Passages by nearness to the entities that a text names."""

import asyncio

from contracts.ids import entity_id
from projections.graph.reads import GraphReader, Node
from projections.vector.reads import Hit
from reasoning.words import words_of

MOST_WORDS, LONGEST, MOST_ENTITIES = 64, 6, 8
"""Words of the text that are looked at, of a name, and entities that are started from."""
HOPS, MOST_NODES = 2, 1000


async def graph_hits(graph: GraphReader, tenant: str, text: str, k: int) -> list[Hit]:
    """The `k` nearest; the score is the sum, over the entities named, of 1 over the distance in edges.

    Of names within one another the longest counts.
    """
    words = words_of(text)[:MOST_WORDS]
    spelled = {
        text[words[at].start : words[at + size - 1].end]: range(at, at + size)
        for size in range(1, min(LONGEST, len(words)) + 1)
        for at in range(len(words) - size + 1)
    }
    names = {entity_id(tenant, name): span for name, span in spelled.items()}
    known = [entity.entity_id for entity in await graph.find(tenant, list(spelled))]
    # One that others were merged into, or that people call so, has another name of its own, and no place in the text.
    starts = [one for one in known if one not in names]
    taken: set[int] = set()
    for one in sorted((one for one in known if one in names), key=lambda one: (-len(names[one]), one)):
        if taken.isdisjoint(names[one]):
            taken.update(names[one])
            starts.append(one)
    walks = await asyncio.gather(
        *(graph.k_hops(tenant, [Node("entity", one)], HOPS, MOST_NODES) for one in starts[:MOST_ENTITIES])
    )
    scores: dict[str, float] = {}
    for walk in walks:
        for node, distance in walk.items():
            if node.kind == "passage":
                scores[node.id] = scores.get(node.id, 0.0) + 1.0 / distance
    return sorted((Hit(*one) for one in scores.items()), key=lambda hit: (-hit.score, hit.chunk_id))[:k]
