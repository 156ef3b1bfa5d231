"""Walks over a graph of which only the edges at given nodes can be asked for, a frontier at a time."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from projections.graph.reads import Edge, Node

EdgesAt = Callable[[Sequence[Node]], Awaitable[list[Edge]]]

MAX_PATHS = 20
EDGES_LIMIT = 20_000
"""Edges read for one step: a bound on what one question can cost."""


async def k_hops(edges_at: EdgesAt, starts: Sequence[Node], hops: int, limit: int) -> dict[Node, int]:
    """Breadth first: nodes with their distance, the nearest first, at most `limit`."""
    found = dict.fromkeys(starts, 0)
    frontier = list(found)
    for distance in range(1, hops + 1):
        if not frontier or len(found) >= limit:
            break
        new = sorted({end for edge in await edges_at(frontier) for end in (edge.source, edge.target)} - set(found))
        frontier = new[: limit - len(found)]
        found.update(dict.fromkeys(frontier, distance))
    return found


async def shortest_paths(edges_at: EdgesAt, start: Node, end: Node, max_hops: int) -> list[list[Edge]]:
    """All shortest paths, at most MAX_PATHS, each as its edges from start to end."""
    if start == end:
        return [[]]
    steps: dict[Node, list[tuple[Node, Edge]]] = defaultdict(list)
    seen = {start}
    frontier = [start]
    for _ in range(max_hops):
        reached: set[Node] = set()
        at = set(frontier)
        for edge in sorted(set(await edges_at(frontier))):
            for here, there in ((edge.source, edge.target), (edge.target, edge.source)):
                if here in at and there not in seen:
                    steps[there].append((here, edge))
                    reached.add(there)
        if end in reached:
            return _back(steps, start, end)
        seen |= reached
        frontier = sorted(reached)
        if not frontier:
            break
    return []


def _back(steps: dict[Node, list[tuple[Node, Edge]]], start: Node, end: Node) -> list[list[Edge]]:
    paths: list[list[Edge]] = []
    open_ends: list[tuple[Node, list[Edge]]] = [(end, [])]
    while open_ends and len(paths) < MAX_PATHS:
        node, tail = open_ends.pop(0)
        if node == start:
            paths.append(tail)
            continue
        open_ends.extend((before, [edge, *tail]) for before, edge in steps[node])
    return paths
