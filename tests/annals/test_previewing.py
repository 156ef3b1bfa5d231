"""`annals models preview`: what another model would have answered."""

from pathlib import Path

import spacy

from annals.token_file import read_admin_token
from tests.annals.conftest import Up
from tests.annals.pipeline import called, given, refused

QUESTIONS = "Who leads the harbour office?\n\nWho founded the harbour office?\n"


def test_preview(up: Up, tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "nothing")
    questions = tmp_path / "questions.txt"
    questions.write_text(QUESTIONS)
    command = ("models", "preview", "relations", str(tmp_path / "nothing"), "--questions")
    before = given(up.data, "models", "list")["serving"]
    found = given(up.data, *command, str(questions), "--keep", "nothing")
    assert (found["task"], found["previous"], found["asked"]) == ("relations", before["relations"], 2)
    assert found["generation"] == "nothing"
    assert given(up.data, "models", "list")["serving"] == before
    kept = [one for one in given(up.data, "generations")["generations"] if one["purpose"] == "nothing"]
    assert sorted(one["read_model"] for one in kept) == ["graph", "relational", "vector"]
    for one in kept:
        given(up.data, "generations", "drop", one["id"])

    said = called(up.data, *command, "-", stdin=QUESTIONS.encode()).stdout
    assert f"of 2 answers would be others with {found['revision']} in place of {found['previous']}" in said
    assert said.count("~ ") == len(found["differences"])
    left = [one["purpose"] for one in given(up.data, "generations")["generations"]]
    assert not [purpose for purpose in left if purpose.startswith(("preview", "nothing"))]


def test_what_cannot_be_previewed_is_one_line(up: Up, tmp_path: Path) -> None:
    empty, wrong = tmp_path / "empty.txt", tmp_path / "wrong.txt"
    empty.write_text("\n")
    wrong.write_bytes(b"\xff\xfe")
    assert "0 questions" in refused(up.data, "models", "preview", "entities", "xx_none", "--questions", str(empty))
    one = called(up.data, "models", "preview", "entities", "xx_none", "--questions", str(wrong))
    assert one.exit_code == 2 and "is no UTF-8" in one.stderr
    empty.write_text("Who?\n")
    assert "xx_none" in refused(up.data, "models", "preview", "entities", "xx_none", "--questions", str(empty))


def test_a_gateway_that_was_named_makes_it(up: Up, tmp_path: Path) -> None:
    """The same of nothing but its address and a token; a folder is looked for nowhere but here."""
    nothing, token = up.data.parent / "nothing", {"ANNALS_TOKEN": read_admin_token(up.data) or ""}
    questions = tmp_path / "questions.txt"
    questions.write_text(QUESTIONS)

    def command(task: str, name: str) -> tuple[str, ...]:
        server = up.pipeline.addresses["gateway"]
        return ("--server", server, "models", "preview", task, name, "--questions", str(questions))

    before = given(up.data, "models", "list")["serving"]
    found = given(nothing, *command("embedder", "minilm"), env=token)
    assert (found["task"], found["previous"], found["asked"]) == ("embedder", before["embedding"], 2)
    assert found["revision"] != found["previous"] and found["generation"] is None
    assert found["position"] <= up.status()["position"]
    assert given(up.data, "models", "list")["serving"] == before
    left = [one["purpose"] for one in given(up.data, "generations")["generations"]]
    assert not [purpose for purpose in left if purpose.startswith("preview")]
    said = refused(nothing, *command("relations", "en_core_web_sm"), env=token)
    assert "serves already" in said
    assert "name" in refused(nothing, *command("relations", str(tmp_path)), env=token)
    assert not nothing.exists()
