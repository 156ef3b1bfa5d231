"""`annals erase`: a person is erased from all documents that name her, with the list shown first; by the gateway."""

import json
from pathlib import Path

import pytest

from tests.annals.conftest import Up
from tests.annals.pipeline import called, given, refused

NAME = "Wilhelmina Quastenberg"
TEXTS = {
    "subjects/letter.md": f"{NAME} was born in Vienna. She lived in Prague.",
    "subjects/order.md": "The order of 1901 came from wilhelmina\nquastenberg, as the clerk wrote.",
    "subjects/other.md": "Otto Zwirnfeld was born in Vienna.",
}


def ingest(up: Up, folder: Path) -> None:
    lines = [json.dumps({"id": name, "title": "Letters", "text": text}) for name, text in TEXTS.items()]
    (folder / "subjects.jsonl").write_text("\n".join(lines) + "\n")
    given(up.data, "ingest", str(folder / "subjects.jsonl"), "--wait")


@pytest.mark.timeout(300)
def test_a_person_is_erased_from_all_documents(up: Up, tmp_path: Path) -> None:
    ingest(up, tmp_path)
    given(up.data, "ask", f"Where was {NAME} born?")
    arguments = ("erase", NAME, "--reason", "she asked for it")

    found = given(up.data, "erase", NAME, "--dry-run")
    assert [one["document_id"] for one in found["documents"]] == ["subjects/letter.md", "subjects/order.md"]
    assert all(one["texts"] == 1 for one in found["documents"]) and len(found["questions"]) == 1

    # Nobody at a terminal agreed: what would go is shown, and stays.
    asked = called(up.data, *arguments)
    assert (asked.exit_code, "subjects/order.md" in asked.stdout) == (1, True), asked.output
    assert "nothing was erased" in asked.stderr
    assert given(up.data, "erase", NAME, "--dry-run") == found

    done = given(up.data, *arguments, "--yes")
    assert (done["documents"], done["questions"], done["left"]) == (["subjects/letter.md", "subjects/order.md"], 1, [])
    assert given(up.data, "erase", NAME, "--dry-run", exit_code=1)["documents"] == []
    again = called(up.data, *arguments, "--yes")
    assert (again.exit_code, f"nothing names {NAME}" in again.stderr) == (1, True), again.output
    assert given(up.data, "show", "subjects/other.md")["document_id"] == "subjects/other.md"
    passages = given(up.data, "search", NAME)["passages"]
    assert not any(one["document_id"] in done["documents"] for one in passages)


def test_without_a_reason_nothing_is_looked_for(up: Up) -> None:
    assert "--reason" in refused(up.data, "erase", NAME, "--yes", exit_code=2)
    assert "letters or digits" in refused(up.data, "erase", "...", "--dry-run")
