"""150 sentences with the triples that a reader finds in them: how many of them are found, and are so."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from contracts.ids import normalise_name
from inference.analysis import RelationSpan, decode
from inference.spacy_analysis import SpacyAnalyser

TABLE = [json.loads(line) for line in Path(__file__).with_name("triples.jsonl").read_text().splitlines()]
KNOWN = [row for row in TABLE if not row.get("held_out")]
HELD_OUT = [row for row in TABLE if row.get("held_out")]

Triple = tuple[str, str, str, bool, bool]


def written(triple: dict[str, Any]) -> Triple:
    return (
        normalise_name(triple["subject"]),
        triple["predicate"],
        normalise_name(triple["object"]),
        triple.get("negated", False),
        "modality" in triple,
    )


def found_by(relation: RelationSpan) -> Triple:
    names = normalise_name(relation.subject.name), normalise_name(relation.object.name)
    # What is denied and may be denied is denied: the table does not tell the two apart.
    modal = relation.modality is not None and not relation.negated
    return names[0], relation.predicate, names[1], relation.negated, modal


def relations(analyser: SpacyAnalyser, rows: Sequence[dict[str, Any]]) -> list[tuple[RelationSpan, ...]]:
    return [decode(output).relations for output in analyser.run([row["text"] for row in rows])]


@pytest.mark.parametrize("rows", [KNOWN, HELD_OUT], ids=["known", "held out"])
def test_precision_and_recall(analyser: SpacyAnalyser, rows: list[dict[str, Any]]) -> None:
    right = said = wanted = 0
    wrong: list[str] = []
    for row, spans in zip(rows, relations(analyser, rows), strict=True):
        table = {written(triple) for triple in row["triples"]}
        own = {found_by(relation) for relation in spans}
        right, said, wanted = right + len(table & own), said + len(own), wanted + len(table)
        if table != own:
            wrong.append(f"{row['text']}\n  missed {sorted(table - own)}\n  wrong {sorted(own - table)}")
    precision, recall = right / said, right / wanted
    report = f"precision {precision:.3f} recall {recall:.3f} of {wanted}\n" + "\n".join(wrong)
    print(report)
    assert precision >= 0.85 and recall >= 0.70, report


def test_times_and_modalities(analyser: SpacyAnalyser) -> None:
    """Of the triples that are found: the dates, the words of time and the word of modality are those of the table."""
    right: list[bool] = []
    for row, spans in zip(TABLE, relations(analyser, TABLE), strict=True):
        own = {found_by(relation): relation for relation in spans}
        for triple in row["triples"]:
            found = own.get(written(triple))
            if found is None:
                continue
            dates = (found.valid_from, found.valid_until) == (triple.get("from"), triple.get("until"))
            words = triple["date"] in (found.time or "") if "date" in triple else found.time is None
            modality = found.negated or found.modality == triple.get("modality")
            right.append(dates and words and modality)
            if not right[-1]:
                print(row["text"], found)
    print(f"{sum(right)} of {len(right)}")
    assert sum(right) >= 0.95 * len(right)


def test_what_is_denied_is_never_asserted(analyser: SpacyAnalyser) -> None:
    for row, spans in zip(TABLE, relations(analyser, TABLE), strict=True):
        denied = {written(triple)[:3] for triple in row["triples"] if triple.get("negated")}
        asserted = {found_by(relation)[:3] for relation in spans if not relation.negated}
        assert denied.isdisjoint(asserted), row["text"]
