"""Published sets are known by their content, and read as they are published."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from annals.evaluation_sets import EvaluationSet, as_lines, read_set
from annals.loading import Loaded, load
from contracts.errors import AnnalsError

MILL = ["Alder Mill", ["Alder Mill was built by Greta Fairfax.", " It ground rye."]]
GRETA = ["Greta Fairfax", ["Greta Fairfax was born in Port Almond."]]
CLOCK = ["Tollgate Clock", ["The clock was restored in 1930."]]
HOTPOT = {
    "_id": "5a77",
    "question": "Where was the builder of Alder Mill born?",
    "answer": "Port Almond",
    "supporting_facts": [["Alder Mill", 0], ["Greta Fairfax", 0], ["Greta Fairfax", 7]],
    "context": [MILL, GRETA, CLOCK],
    "type": "bridge",
    "level": "hard",
}
TWO_WIKI = {
    "_id": "13f5ad2c088c11ebbd6fac1f6bf848b6",
    "type": "comparison",
    "question": "Is Alder Mill older than Tollgate Clock?",
    "context": [["Alder Mill", ["Alder Mill was built by Greta Fairfax.", "It ground rye."]], CLOCK],
    "supporting_facts": [["Alder Mill", 0], ["Tollgate Clock", 0]],
    "evidences": [["Alder Mill", "inception", "1802"]],
    "answer": "yes",
}
MUSIQUE = {
    "id": "2hop__1_2",
    "paragraphs": [
        {"idx": 0, "title": "Alder Mill", "paragraph_text": "Built by Greta Fairfax.", "is_supporting": True},
        {"idx": 1, "title": "Opera", "paragraph_text": "It opened with a play.", "is_supporting": False},
        {"idx": 2, "title": "Greta Fairfax", "paragraph_text": "Born in Port Almond.", "is_supporting": True},
    ],
    "question": "Where was the builder of Alder Mill born?",
    "question_decomposition": [{"id": 1, "question": "Alder Mill >> builder", "answer": "Greta Fairfax"}],
    "answer": "Port Almond",
    "answer_aliases": ["Almond"],
    "answerable": True,
}


def array(path: Path, *questions: dict[str, Any]) -> Path:
    path.write_text(json.dumps(questions))
    return path


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def texts_of(found: EvaluationSet, number: int) -> list[str]:
    """The titles of a question's gold passages."""
    titles = {one["id"]: one["title"] for one in found.passages}
    return [titles[own] for own in found.questions[number].gold]


def test_hotpotqa(tmp_path: Path) -> None:
    found = read_set(array(tmp_path / "hotpot_dev_distractor_v1.json", HOTPOT, HOTPOT | {"_id": "2"}), None)
    assert [one.id for one in found.questions] == ["5a77", "2"]
    assert found.questions[0].answers == ("Port Almond",) and texts_of(found, 0) == ["Alder Mill", "Greta Fairfax"]
    assert len(found.passages) == 3, "what both questions have is one passage"
    assert found.passages[0]["text"] == "Alder Mill was built by Greta Fairfax. It ground rye."


def test_2wiki(tmp_path: Path) -> None:
    found = read_set(array(tmp_path / "dev.json", TWO_WIKI), None)
    assert found.questions[0].answers == ("yes",) and texts_of(found, 0) == ["Alder Mill", "Tollgate Clock"]
    assert found.passages[0]["text"] == "Alder Mill was built by Greta Fairfax. It ground rye."


def test_musique(tmp_path: Path) -> None:
    unanswerable = MUSIQUE | {"id": "2hop__1_3", "answerable": False}
    found = read_set(lines(tmp_path / "musique_full_v1.0_dev.jsonl", MUSIQUE, unanswerable), None)
    assert found.questions[0].answers == ("Port Almond", "Almond")
    assert found.questions[1].answers == (), "it cannot be answered"
    assert texts_of(found, 0) == ["Alder Mill", "Greta Fairfax"] and len(found.passages) == 3


@pytest.mark.parametrize("split", ["test", "dev"])
def test_beir(tmp_path: Path, split: str) -> None:
    lines(
        tmp_path / "corpus.jsonl",
        {"_id": "d1", "title": "T", "text": "One.", "metadata": {}},
        {"_id": "d2", "text": "Two."},
    )
    lines(
        tmp_path / "queries.jsonl", {"_id": "q1", "text": "What?", "metadata": {}}, {"_id": "q2", "text": "Unjudged?"}
    )
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n")
    found = read_set(tmp_path, None)
    assert [(one.id, one.gold, one.answers) for one in found.questions] == [("q1", ("d1",), None)]
    assert [one["id"] for one in found.passages] == ["d1", "d2"]
    taken = list(load([str(as_lines(found.passages, tmp_path / "lines.jsonl"))], io.BytesIO()))
    assert [(one.document_id, one.title) for one in taken if isinstance(one, Loaded)] == [("d1", "T"), ("d2", "")]


def test_ours(tmp_path: Path) -> None:
    corpus = lines(tmp_path / "corpus.jsonl", {"id": "a", "title": "T", "text": "One."})
    questions = lines(
        tmp_path / "questions.jsonl",
        {"id": 1, "question": "What?", "gold": ["a"]},
        {"id": 2, "question": "Who?", "gold": ["a"], "answers": []},
    )
    found = read_set(corpus, questions)
    assert (found.corpus, [one.answers for one in found.questions]) == (corpus, [None, ()])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[{"_id": "1", "question": "Who?"}]', "supporting_facts"),
        ('{"paragraphs": [], "question": "Who?"}\n', "id"),
        ('{"id": "a", "title": "T", "text": "One."}\n', "give CORPUS and QUESTIONS"),
        ("[]", "holds no question"),
        ("", "give CORPUS and QUESTIONS"),
    ],
)
def test_what_is_no_set_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "set.json"
    path.write_text(text)
    with pytest.raises(AnnalsError, match=named):
        read_set(path, None)


def test_a_folder_without_judgements_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnnalsError, match="has no qrels/test"):
        read_set(tmp_path, None)
