"""`annals entity`: what somebody decides is seen in lists, searches and answers, outlives the text, and is undone."""

import json
from pathlib import Path

from tests.annals.conftest import Up
from tests.annals.pipeline import called, given, refused

QUILL = (
    "Orla Quill was born in Tollgate in 1811. In 1840 Orla Quill founded the Hartley Glassworks. "
    "Orla Quill lived in Greywater until she died in 1882."
)
OTHER = "Bram Calloway was born in Upper Merrow. In 1851 Bram Calloway painted a portrait of O. Quill in Greywater."


def take_in(up: Up, folder: Path, **texts: str) -> None:
    """Documents of these ids, the title being the first two words."""
    file = folder / "decided.jsonl"
    titles = {one: " ".join(text.split()[:2]) for one, text in texts.items()}
    file.write_text(
        "\n".join(json.dumps({"id": one, "title": titles[one], "text": text}) for one, text in texts.items())
    )
    given(up.data, "ingest", str(file), "--wait")


def found(up: Up, name: str) -> list[str]:
    """Documents of the passages that are near an entity of this name."""
    passages = given(up.data, "search", name, "--mode", "graph")["passages"]
    return list(dict.fromkeys(one["document_id"] for one in passages))


def test_a_decision_is_seen_everywhere_until_it_is_undone(up: Up, tmp_path: Path) -> None:
    take_in(up, tmp_path, quill=QUILL, other=OTHER)
    before = given(up.data, "status")["entities"]

    given(up.data, "entity", "alias", "Orla Quill", "Dame Sibyl", "--reason", "her title", "--wait")
    assert "quill" in found(up, "Dame Sibyl")
    assert given(up.data, "ask", "Where was Dame Sibyl born?")["answer"] == "Tollgate"

    given(up.data, "entity", "merge", "Bram Calloway", "Orla Quill", "--reason", "a pen name", "--wait")
    assert given(up.data, "status")["entities"] == before - 1
    [quill] = given(up.data, "entity", "list", "orla quill")["entities"]
    assert quill["documents"] == 2
    assert {"quill", "other"} <= set(found(up, "Dame Sibyl"))
    assert given(up.data, "ask", "When did Bram Calloway found the Hartley Glassworks?")["answer"] == "1840"
    assert "which was merged into it" in refused(up.data, "entity", "merge", "Orla Quill", "Bram Calloway")

    # Another text of the same document, and the read models built anew: the decisions hold.
    take_in(up, tmp_path, quill=QUILL.replace("1882", "1883"), other=OTHER)
    assert given(up.data, "verify")["same"] is True
    shown = given(up.data, "entity", "show", "Bram Calloway")
    assert (shown["name"], shown["aliases"]) == ("Orla Quill", ["Dame Sibyl"])
    assert [one["name"] for one in shown["members"]] == ["Bram Calloway"]

    undone = called(up.data, "entity", "undo", "Bram Calloway", "--reason", "two hands", "--wait")
    assert undone.stdout == "undone: the last decision on Bram Calloway\n"
    given(up.data, "entity", "undo", "Orla Quill", "--wait")
    assert found(up, "Dame Sibyl") == []
    assert given(up.data, "status")["entities"] == before
    assert given(up.data, "verify")["same"] is True

    given(up.data, "entity", "reject", "Orla Quill", "--wait")
    assert called(up.data, "entity", "list", "orla quill").stdout.rstrip().endswith(", rejected")
    assert found(up, "Orla Quill") == []
    given(up.data, "entity", "validate", "Orla Quill", "--wait")
    assert "quill" in found(up, "Orla Quill")
