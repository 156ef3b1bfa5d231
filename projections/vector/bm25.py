"""BM25 in PostgreSQL that reads no more passages than it must for the first k.

Okapi BM25 (Robertson and Zaragoza 2009), k1 = 1.2, b = 0.75. How rare a word is, how many passages there are and how
long they are is counted when they are written. The rarest words find the candidates, a word after the other, until no
passage that has only the words that are left can be among the first k: what those add at most is less than the k-th has
(MaxScore, Turtle and Flood 1995). The common words then only add to the score of what the rare ones found.
"""

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from eventstore.pool import Connection
from projections.vector.reads import Hit
from projections.vector.spelling import spelled

K1 = 1.2
READ, READ_FOR_ANSWER = 4_000, 1_000
"""Passages that one step of a search scores at most, and where an answer is looked for in what it finds. What is beyond
shares common words alone."""

MOST_LITERAL = 10_000
"""The same of a search for a phrase or a prefix."""

FEW_DOCUMENTS = 2_000

_TERMS = """
SELECT q.lexeme, t.passages, c.passages AS all, greatest(c.length::float8 / c.passages, 1) AS mean
FROM (
    SELECT DISTINCT w.lexeme FROM vector.tenant_analysers AS a
    CROSS JOIN LATERAL unnest(tsvector_to_array(to_tsvector(a.analyser::regconfig, $2))) AS w(lexeme)
    WHERE a.tenant = $1
) AS q
JOIN vector.terms AS t ON t.tenant = $1 AND t.lexeme = q.lexeme
JOIN vector.collections AS c ON c.tenant = $1
"""

# Only the words of the question are unfolded: of a passage's others nothing is read.
_SCORED = """
WITH found AS MATERIALIZED (
    SELECT p.chunk_id, p.length, p.words FROM vector.passages AS p
    WHERE p.tenant = $1 AND /* condition */ AND ($3::text[] IS NULL OR p.document_id = ANY($3))
    AND ($9::text[] IS NULL OR p.collection = ANY($9)) LIMIT $4
)
SELECT f.chunk_id,
    coalesce(sum(t.idf * w.tf * 2.2 / (w.tf + 1.2 * (0.25 + 0.75 * f.length / $7::float8))), 0) AS score
FROM found AS f
LEFT JOIN LATERAL (
    SELECT u.lexeme, greatest(cardinality(u.positions), 1)::float8 AS tf
    FROM unnest(ts_filter(setweight(f.words, 'A', $5::text[]), '{a}')) AS u
) AS w ON true
LEFT JOIN unnest($5::text[], $6::float8[]) AS t(lexeme, idf) ON t.lexeme = w.lexeme
GROUP BY f.chunk_id ORDER BY score DESC, f.chunk_id LIMIT $8
"""
_MATCHING = "p.words @@ $2::tsquery"
_PRESENT = "p.literal @@ $2::tsquery"
_ABSENT = " AND NOT p.literal @@ $10::tsquery"


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question: how many passages hold it, and what it weighs."""

    lexeme: str
    passages: int
    weight: float

    @property
    def most(self) -> float:
        """What it adds to any passage's score at most, however often it is there."""
        return (K1 + 1) * self.weight


async def best_matching(
    connection: Connection,
    tenant: str,
    query: str,
    k: int,
    documents: Sequence[str] | None,
    absent: str | None = None,
    collections: Collection[str] | None = None,
    read: int = READ,
) -> list[Hit]:
    """The `k` best, in a tie by chunk id; without those whose literal words match the tsquery `absent`.

    `read`: how many passages each step of the search scores at most.
    """
    terms, mean = await _terms_of(connection, tenant, query)
    if not terms or k < 1:
        return []
    among = None if documents is None else list(documents)
    # Few documents are read whole.
    few = among is not None and len(among) <= FEW_DOCUMENTS
    within = None if collections is None else list(collections)
    if within is not None and not few:
        few = await hold_at_most(connection, tenant, within, read)
    best: list[Hit] = []

    async def found(finding: str, before: Sequence[Term]) -> list[Hit]:
        """The best so far, and of those that are found so and have none of the words of `before`."""
        finding = f"({finding}) & !({_any_of(before)})" if before else finding
        most = max(read, k)
        more = await _scored(connection, tenant, _MATCHING, finding, among, most, terms, mean, k, absent, within)
        merged = {hit.chunk_id: hit for hit in (*best, *more)}
        return sorted(merged.values(), key=lambda hit: (-hit.score, hit.chunk_id))[:k]

    # Passages that have one of the words before `known` were all read.
    known = 0
    leading = len(terms) if few else _portion(terms, max(k, read // 4))
    while leading > known:
        best = await found(_any_of(terms[known:leading]), terms[:known])
        known = leading
        rest = sum(term.most for term in terms[known:])
        if known == len(terms) or (len(best) == k and best[-1].score > rest):
            return best
        leading = _portion(terms, read)
    # Even the rarest of the words that are left is common: of passages that have it, some of those that have another.
    rarest = _quoted(terms[known].lexeme)
    if others := terms[known + 1 :]:
        best = await found(f"{rarest} & ({_any_of(others)})", terms[:known])
    return best if len(best) == k else await found(rarest, terms[:known])


async def best_with(
    connection: Connection,
    tenant: str,
    present: str,
    query: str,
    k: int,
    documents: Sequence[str] | None,
    absent: str | None,
) -> list[Hit]:
    """The same of passages whose literal words match the tsquery `present`: at most MOST_LITERAL are looked at.

    They need not hold a word of `query`.
    """
    terms, mean = await _terms_of(connection, tenant, query)
    among = None if documents is None else list(documents)
    return await _scored(connection, tenant, _PRESENT, present, among, max(MOST_LITERAL, k), terms, mean, k, absent)


async def hold_at_most(connection: Connection, tenant: str, collections: Collection[str], most: int) -> bool:
    """Whether documents of these collections have so many passages, or fewer. No more than that are counted."""
    theirs = "SELECT FROM vector.passages WHERE tenant = $1 AND collection = ANY($2) LIMIT $3"
    counted = await connection.fetchval(
        f"SELECT count(*) FROM ({theirs}) AS counted", tenant, list(collections), most + 1
    )
    return bool(counted <= most)


async def _terms_of(connection: Connection, tenant: str, query: str) -> tuple[list[Term], float]:
    """The rarest first, and the mean length of passages; none that no passage holds."""
    rows = await connection.fetch(_TERMS, tenant, spelled(query))
    found = (Term(row["lexeme"], row["passages"], _weight(row["all"], row["passages"])) for row in rows)
    return sorted(found, key=lambda term: (term.passages, term.lexeme)), rows[0]["mean"] if rows else 1.0


async def _scored(
    connection: Connection,
    tenant: str,
    condition: str,
    matched: str,
    documents: list[str] | None,
    read: int,
    terms: Sequence[Term],
    mean: float,
    k: int,
    absent: str | None,
    collections: list[str] | None = None,
) -> list[Hit]:
    statement = _SCORED.replace("/* condition */", condition + (_ABSENT if absent is not None else ""))
    lexemes, weights = [term.lexeme for term in terms], [term.weight for term in terms]
    values = [tenant, matched, documents, read, lexemes, weights, mean, k, collections]
    if absent is not None:
        values.append(absent)
    return [Hit(row["chunk_id"], row["score"]) for row in await connection.fetch(statement, *values)]


def _weight(passages: int, holding: int) -> float:
    return math.log(1 + (passages - holding + 0.5) / (holding + 0.5))


def _portion(terms: Sequence[Term], most: int) -> int:
    """How many of the rarest words are in at most `most` passages together."""
    together = itertools.accumulate(term.passages for term in terms)
    return sum(1 for count in together if count <= most)


def _any_of(terms: Sequence[Term]) -> str:
    return " | ".join(_quoted(term.lexeme) for term in terms)


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
