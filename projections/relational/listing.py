"""SQL of the lists: filters and pages, each over an index of `indexes.sql`."""

import json
from collections.abc import Sequence

from projections.relational import visible
from projections.relational.reads import ORDERED_CHARACTERS, DocumentFilter, EntityFilter, RelationFilter
from projections.relational.visible import COLLECTION

Query = tuple[str, Sequence[object]]


class _Conditions:
    """Conditions that all hold, with their parameters."""

    def __init__(self, tenant_column: str, tenant: str) -> None:
        self.values: list[object] = []
        self._all = [f"{tenant_column} = {self.parameter(tenant)}"]

    def parameter(self, value: object) -> str:
        """The next parameter, by its number."""
        self.values.append(value)
        return f"${len(self.values)}"

    def add(self, condition: str) -> None:
        """One more."""
        self._all.append(condition)

    def begins(self, text: str, prefix: str, head: str | None = None) -> None:
        """`text` begins with the prefix. `head` is what the index holds of the text, in the order of code points.

        chr(1114111) is the last code point.
        """
        whole = self.parameter(prefix)
        cut = f"left({whole}::text, {ORDERED_CHARACTERS})" if head else f"{whole}::text"
        low = f"lower({cut})" if head else cut
        index = head or f'{text} COLLATE "C"'
        self.add(f'{index} >= {low} COLLATE "C" AND {index} <= ({low} || chr(1114111)) COLLATE "C"')
        self.add(f"starts_with(lower({text}), lower({whole}::text))" if head else f"starts_with({text}, {whole}::text)")

    def __str__(self) -> str:
        return " AND ".join(self._all)


def _head(column: str) -> str:
    return f'lower(left({column}, {ORDERED_CHARACTERS})) COLLATE "C"'


def documents(tenant: str, wanted: DocumentFilter, after: str | None, limit: int) -> Query:
    """Rows of DocumentSummary."""
    where = _Conditions("d.tenant", tenant)
    if wanted.stage is not None:
        where.add(f"s.stage = {where.parameter(wanted.stage)}")
    if wanted.id_prefix:
        where.begins("d.document_id", wanted.id_prefix)
    if wanted.title_prefix:
        where.begins("d.title", wanted.title_prefix, _head("d.title"))
    for name, values in wanted.attributes.items():
        either = [f"d.attributes @> {where.parameter(json.dumps({name: value}))}::jsonb" for value in values]
        where.add(f"({' OR '.join(either) or 'false'})")
    if wanted.collections is not None:
        where.add(f"{COLLECTION} = ANY({where.parameter(sorted(wanted.collections))}::text[])")
    if wanted.ids is not None:
        where.add(f"d.document_id = ANY({where.parameter(list(wanted.ids))}::text[])")
    if wanted.uri_prefix:
        where.add(f"starts_with(d.uri, {where.parameter(wanted.uri_prefix)}::text)")
    if wanted.since is not None:
        where.add(f"d.taken_at >= {where.parameter(wanted.since)}")
    if wanted.until is not None:
        where.add(f"d.taken_at < {where.parameter(wanted.until)}")
    if after is not None:
        where.add(f'd.document_id COLLATE "C" > {where.parameter(after)}')
    return (
        "SELECT d.document_id, title, uri, attributes, characters, bytes, taken_at, stage, since, digest "
        "FROM relational.documents AS d JOIN relational.states AS s USING (tenant, document_id) "
        f'WHERE {where} ORDER BY d.document_id COLLATE "C" LIMIT {where.parameter(limit)}',
        where.values,
    )


def entities(tenant: str, wanted: EntityFilter, after: tuple[str, str] | None, limit: int) -> Query:
    """Rows of EntitySummary."""
    where = _Conditions("tenant", tenant)
    source = "relational.entities"
    if wanted.collections is not None:
        # The parameter that the query of what is seen wants.
        where.parameter(sorted(wanted.collections))
        source = "entities"
    else:
        where.add("merged_into IS NULL")
    if wanted.type is not None:
        where.add(f"type = {where.parameter(wanted.type)}")
    if wanted.name_prefix:
        where.begins("name", wanted.name_prefix, _head("name"))
    order = f'{_head("name")}, entity_id COLLATE "C"'
    if after is not None:
        name, entity_id = map(where.parameter, after)
        where.add(f'({order}) > ({_head(f"{name}::text")}, {entity_id} COLLATE "C")')
    return (
        f"{'' if wanted.collections is None else visible.ENTITIES}"
        f"SELECT entity_id, name, type, mentions, documents, valid FROM {source} "
        f"WHERE {where} ORDER BY {order} LIMIT {where.parameter(limit)}",
        where.values,
    )


def relations(tenant: str, wanted: RelationFilter, after: tuple[str, str] | None, limit: int) -> Query:
    """Rows of RelationRow."""
    where = _Conditions("r.tenant", tenant)
    if wanted.document_id is not None:
        where.add(f"r.document_id = {where.parameter(wanted.document_id)}")
    if wanted.relation_id is not None:
        where.add(f"r.relation_id = {where.parameter(wanted.relation_id)}")
    if wanted.predicate is not None:
        where.add(f"r.predicate = {where.parameter(wanted.predicate)}")
    if wanted.entity_id is not None:
        own = where.parameter(wanted.entity_id)
        same = (
            f"SELECT {own} UNION SELECT m.id FROM (WITH RECURSIVE member(id) AS ("
            f"SELECT {own} UNION SELECT d.entity_id FROM member JOIN relational.decisions AS d "
            "ON d.tenant = $1 AND d.merged_into = member.id) SELECT id FROM member) AS m WHERE true"
        )
        if wanted.collections is not None:
            # Nobody learns of a merge into what he may not see.
            same += f" AND {visible.is_named(own, where.parameter(sorted(wanted.collections)))}"
        where.add(f"(r.subject_id IN ({same}) OR r.object_id IN ({same}))")
    if wanted.collections is not None:
        where.add(visible.of_collections("r", where.parameter(sorted(wanted.collections))))
    if after is not None:
        document_id, relation_id = map(where.parameter, after)
        where.add(f"(r.document_id, r.relation_id) > ({document_id}, {relation_id})")
    seen = "true"
    if wanted.collections is not None:
        seen = visible.of_collections("o", where.parameter(sorted(wanted.collections)))
    return (
        "SELECT r.document_id, r.relation_id, r.subject_id, r.subject, r.predicate, r.object_id, r.object, r.chunk_id, "
        f'r.start_at AS start, r.end_at AS "end", r.confidence, r.valid, {WHEN} '
        f"FROM relational.relations AS r {later(seen)} "
        f"WHERE {where} ORDER BY r.document_id, r.relation_id LIMIT {where.parameter(limit)}",
        where.values,
    )


WHEN = """r.negated, r.modality, r."time", r.valid_from,
    least(r.valid_until COLLATE "C", later.valid_from COLLATE "C") AS valid_until, later.relation_id AS superseded_by"""
"""Whether and when the relation `r` is so. It ends when a later one begins that it cannot be true beside."""


def later(seen: str) -> str:
    """The first of the relations that end `r`, as `later`; `seen` is the condition on a relation `o` of being seen.

    2015 and 2015-06 may be the same time: neither is later.
    """
    return f"""LEFT JOIN LATERAL (
        SELECT o.relation_id, o.valid_from FROM relational.relations AS o
        WHERE r.succession IS NOT NULL AND o.tenant = r.tenant AND md5(o.succession) = md5(r.succession)
        AND o.succession = r.succession AND (o.subject_id, o.object_id) <> (r.subject_id, r.object_id)
        AND r.valid IS NOT false AND o.valid IS NOT false AND o.valid_from COLLATE "C" > r.valid_from COLLATE "C"
        AND NOT starts_with(o.valid_from, r.valid_from) AND {seen}
        ORDER BY o.valid_from COLLATE "C", o.relation_id COLLATE "C" LIMIT 1
    ) AS later ON true"""
