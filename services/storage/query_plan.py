"""In which order a cross-database query asks its stores (specification 3.2, QueryOptimizer), by what they hold."""

import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from projections.relational.reads import FilterStatistics, RelationalReader

K = TypeVar("K")
V = TypeVar("V")

KEPT_S = 60.0
"""How long statistics of a filter are good: they are estimates, and a wrong one costs time, nothing else."""
KEPT = 1_000
"""Filters, and tenants, of which statistics are kept."""
PASSAGE_COST = 4.0
"""What a passage costs that is handed from store to store, with its text, against the id of a document."""
SMOOTHING = 0.2
"""Share of the latest observation in a moving average."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """Stores that are asked at once, and what for. `rows`: how many rows the step is expected to hand to the next."""

    stores: tuple[str, ...]
    what: str
    rows: float | None = None


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """The steps in their order, and why in this one."""

    steps: tuple[PlanStep, ...]
    reason: str

    @property
    def order(self) -> tuple[tuple[str, ...], ...]:
        """The stores of each step."""
        return tuple(step.stores for step in self.steps)


NOT_PLANNED = QueryPlan((), "nothing was planned")


@dataclass(slots=True)
class _Lookups:
    """Moving averages over the lookups of one tenant's documents: milliseconds of each store, share of those missed."""

    milliseconds: dict[str, float] = field(default_factory=dict)
    missed: float = 0.0


class _Kept(Generic[K, V]):
    """The latest KEPT of something."""

    def __init__(self) -> None:
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > KEPT:
            self._values.popitem(last=False)


class QueryOptimizer:
    """Keeps the statistics of each tenant apart. In the memory of one process."""

    def __init__(self, relational: RelationalReader) -> None:
        self._relational = relational
        self._filters: _Kept[tuple[str, str], tuple[float, FilterStatistics]] = _Kept()
        self._lookups: _Kept[str, _Lookups] = _Kept()

    def document_with_entities(self, tenant: str) -> QueryPlan:
        """Whether it pays to know that the document is there before the others are asked."""
        seen = self._lookups.get(tenant) or _Lookups()
        first = seen.milliseconds.get("relational", 0.0)
        others = seen.milliseconds.get("graph", 0.0) + seen.milliseconds.get("vector", 0.0)
        in_vain, waiting = seen.missed * others, (1 - seen.missed) * first
        shown = f"{seen.missed:.0%} of the latest lookups found no document"
        if in_vain > waiting:
            return QueryPlan(
                (
                    PlanStep(("relational",), "the document", 1 - seen.missed),
                    PlanStep(("graph", "vector"), "its entities and passages"),
                ),
                f"{shown}: asking the others in vain costs {in_vain:.2f} ms, waiting for the first {waiting:.2f} ms",
            )
        return QueryPlan(
            (PlanStep(("relational", "graph", "vector"), "the document, its entities and passages"),),
            f"{shown}: waiting for the first would cost {waiting:.2f} ms and save {in_vain:.2f} ms",
        )

    def visible_document(self) -> QueryPlan:
        """For who may see some documents alone: the others are not even looked at."""
        return QueryPlan(
            (
                PlanStep(("relational",), "whether the document may be seen"),
                PlanStep(("relational", "graph", "vector"), "the document, its entities and passages"),
            ),
            "only some documents may be seen",
        )

    def saw_lookup(self, tenant: str, milliseconds: Mapping[str, float], *, missed: bool) -> None:
        """What a lookup of a document took in each store that was asked, and whether there was none."""
        seen = self._lookups.get(tenant) or _Lookups()
        for store, one in milliseconds.items():
            before = seen.milliseconds.get(store, one)
            seen.milliseconds[store] = before + SMOOTHING * (one - before)
        seen.missed += SMOOTHING * (missed - seen.missed)
        self._lookups.put(tenant, seen)

    async def semantic_search(
        self,
        tenant: str,
        filters: dict[str, Any],
        k: int,
        documents_limit: int,
        collections: frozenset[str] | None = None,
    ) -> QueryPlan:
        """Which store hands less to the other: the relational one the documents that pass the filter, or the vector
        one the passages that have to be looked at until `k` pass. Raises StoreUnavailableError.

        `collections`: only documents of these may be seen, and the others are not even looked at; None for all.
        """
        if not filters and collections is None:
            return QueryPlan((PlanStep(("vector",), "the nearest passages", k),), "there is no filter")
        known = await self._statistics(tenant, filters, documents_limit, collections)
        looked_at = k * known.documents / known.matching if known.matching else float(known.documents)
        by_filter = PlanStep(("relational",), "documents that pass the filter", known.matching)
        by_vector = PlanStep(("vector",), "passages near to the vector", looked_at)
        if known.matching > documents_limit:
            return QueryPlan(
                (by_vector, PlanStep(("relational",), "those of documents that pass the filter")),
                f"more than {documents_limit} documents pass the filter",
            )
        shown = (
            f"{known.matching} of {known.documents} documents pass the filter, about {looked_at:.0f} passages hold {k}"
        )
        if collections is None and PASSAGE_COST * looked_at < known.matching:
            return QueryPlan((by_vector, PlanStep(("relational",), "those of documents that pass the filter")), shown)
        return QueryPlan((by_filter, PlanStep(("vector",), "the nearest of their passages", k)), shown)

    def graph_traversal(self) -> QueryPlan:
        """One store has it all."""
        return QueryPlan(
            (PlanStep(("graph",), "the starts, what is around them, its entities"),), "only the graph is asked"
        )

    async def _statistics(
        self, tenant: str, filters: dict[str, Any], documents_limit: int, collections: frozenset[str] | None
    ) -> FilterStatistics:
        seen = None if collections is None else sorted(collections)
        key = (tenant, json.dumps([filters, seen], sort_keys=True))
        now = time.monotonic()
        kept = self._filters.get(key)
        if kept is not None and now - kept[0] < KEPT_S:
            return kept[1]
        found = await self._relational.filter_statistics(tenant, filters, documents_limit + 1, collections)
        self._filters.put(key, (now, found))
        return found
