"""A document that is made of nothing but names: what is found in it is many times as large as the text."""

import re
from pathlib import Path

import pytest

from contracts.limits import MAX_EVENT_BYTES
from tests.annals.conftest import Up
from tests.annals.pipeline import given

pytestmark = pytest.mark.timeout(300)

NAMES = "Paris. Rome. Oslo. "
TEXT_BYTES = 100_000


def test_it_is_processed_in_parts_and_the_read_models_are_what_the_events_say(up: Up, tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text((NAMES * (TEXT_BYTES // len(NAMES) + 1))[:TEXT_BYTES])
    letters = up.status()["dead_letters"]
    summary = given(up.data, "ingest", str(file), "--wait")
    assert (summary["processed"], summary["failed"]) == (1, {})

    sizes = up.rows(
        "SELECT topic, count(*), max(octet_length(state)) "
        "FROM annals.stored_events JOIN annals.document_collections USING (originator_id) "
        "WHERE document_id = $1 GROUP BY topic",
        str(file),
    )
    found = {str(topic): (int(count), int(largest)) for topic, count, largest in sizes}
    # What is stored is compressed: only how many parts there are says how much was found.
    assert found["EntitiesExtracted"][0] > 5
    assert max(largest for _, largest in found.values()) <= MAX_EVENT_BYTES
    assert found["DocumentProcessed"][0] == 1

    shown = given(up.data, "show", str(file))
    mentions = {entity["name"]: entity["mentions"] for entity in shown["entities"]}
    # Overlapping chunks name a place twice.
    text = file.read_text()
    assert all(mentions[name] >= len(re.findall(name, text)) * 0.9 for name in ("Paris", "Rome", "Oslo"))
    assert up.caught_up()
    assert up.status()["dead_letters"] == letters
    given(up.data, "verify")
    given(up.data, "delete", str(file))
