"""`annals eval` on a corpus and questions made up for it."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.annals.pipeline import given, refused
from tests.annals.processes import of_folder, until

PASSAGES = [
    {"id": "mill", "title": "Alder Mill", "text": "Alder Mill was built by Greta Fairfax in 1802 to grind rye."},
    {"id": "greta", "title": "Greta Fairfax", "text": "Greta Fairfax was born in Port Almond and learned carpentry."},
    {"id": "port", "title": "Port Almond", "text": "Port Almond is a harbour town on the southern coast."},
    {"id": "clock", "title": "Tollgate Clock", "text": "The Tollgate Clock was restored by Hugo Birkett in 1930."},
    {"id": "opera", "title": "Opera of Greywater", "text": "The Opera of Greywater opened with a play by Iris Ingram."},
]
QUESTIONS = [
    {"id": 1, "question": "Who restored the Tollgate Clock?", "gold": ["clock"], "answers": ["Hugo Birkett"]},
    {"id": "2", "question": "Where was the builder of Alder Mill born?", "gold": ["mill", "greta"], "hops": 2},
    {"id": 3, "question": "Who built Alder Mill?", "gold": ["a passage that is not there"]},
]


def lines(path: Path, rows: list[dict[str, object]] | list[dict[str, str]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.pipeline
@pytest.mark.timeout(400)
def test_figures_of_a_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    corpus, questions = lines(tmp_path / "corpus.jsonl", PASSAGES), lines(tmp_path / "questions.jsonl", QUESTIONS)
    data = tmp_path / "data"
    kept, page = tmp_path / "kept.json", tmp_path / "report.html"
    found = given(data, "eval", corpus, questions, "--save", str(kept), "--html", str(page))
    assert set(found) == {
        "recall@2", "recall@5", "all@5", "exact_match", "f1", "declined", "ece", "questions", "passages",
        "passages_per_s", "ask_p50_s", "ask_p95_s", "ask_again_p50_s", "ask_again_p95_s",
    }  # fmt: skip
    assert 0 <= found["exact_match"] <= found["f1"] <= 1 and 0 <= found["declined"] <= 1
    assert len(json.loads(kept.read_text())) == 3 and "Worst questions" in page.read_text()
    assert (found["questions"], found["passages"]) == (3, 5)
    # Two of the three can be found; with five passages in all, five sources hold them.
    assert found["recall@5"] == found["all@5"] == 0.6667
    assert 0.3333 <= found["recall@2"] <= 0.6667
    assert found["passages_per_s"] > 0
    assert 0 < found["ask_p50_s"] <= found["ask_p95_s"]
    assert not (data / "postgres").exists(), "what is here is left alone: the corpus went to a throw-away folder"
    # The parser's own process sees a moment later that its worker is gone.
    assert until(lambda: of_folder(temporary) == [], 5), "nothing that ran there is left"
    assert list(temporary.glob("annals-eval-*")) == [], "nor is the folder"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{no json", "JSON"),
        ('{"id": 1, "question": "Who?"}', "gold"),
        ('{"id": 1, "question": "Who?", "gold": []}', "gold"),
        ('{"id": 1, "question": " ", "gold": ["mill"]}', "question"),
    ],
)
def test_a_broken_question_is_named_before_anything_is_started(tmp_path: Path, line: str, named: str) -> None:
    corpus = lines(tmp_path / "corpus.jsonl", PASSAGES)
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps(QUESTIONS[0]) + "\n\n" + line + "\n")
    said = refused(tmp_path / "data", "eval", corpus, str(questions))
    assert said.startswith(f"{questions}:3: ")
    assert named in said


def test_files_that_hold_nothing_are_named(tmp_path: Path) -> None:
    questions = lines(tmp_path / "questions.jsonl", [])
    assert "holds no question" in refused(tmp_path, "eval", lines(tmp_path / "corpus.jsonl", PASSAGES), questions)
