"""A sentence behind a large document: it can be asked while the large one is still in work."""

import json
from pathlib import Path

from bench.fairness import prose, sentence
from tests.annals.conftest import Up
from tests.annals.pipeline import given
from tests.annals.processes import until

CHARACTERS = 128 * 1024
"""Several slices of work (services/processing/stage.py)."""


def test_a_sentence_behind_a_large_document_is_processed_before_it(up: Up, tmp_path: Path) -> None:
    documents = tmp_path / "documents.jsonl"
    documents.write_text(
        "".join(
            json.dumps({"id": name, "title": name, "text": text}) + "\n"
            for name, text in (("the-large-one", prose(CHARACTERS)), ("the-sentence", sentence(1)))
        )
    )
    given(up.data, "ingest", str(documents))
    assert until(lambda: stage(up, "the-sentence") == "processed", limit_s=120)
    assert until(lambda: stage(up, "the-large-one") == "processed", limit_s=240)
    in_order = up.rows(
        "SELECT document_id FROM annals.stored_events JOIN annals.document_collections USING (originator_id) "
        "WHERE topic = 'DocumentProcessed' AND document_id IN ('the-sentence', 'the-large-one') "
        "ORDER BY notification_id"
    )
    assert in_order == [("the-sentence",), ("the-large-one",)]
    assert up.caught_up()
    (length,) = up.rows("SELECT max(end_at) FROM relational.chunks WHERE document_id = 'the-large-one'")[0]
    assert length == CHARACTERS or prose(CHARACTERS)[length:].isspace()


def stage(up: Up, document_id: str) -> str | None:
    """How far the document is in the read model that is asked for it."""
    rows = up.rows("SELECT stage FROM relational.states WHERE document_id = $1", document_id)
    return str(rows[0][0]) if rows else None
