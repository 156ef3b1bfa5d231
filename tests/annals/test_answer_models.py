"""Models that take the last step of an answer, through `annals ask`: a reader, a reranker, and a generative one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.annals.conftest import Up
from tests.annals.pipeline import called, given, refused
from tests.inference.tiny_pairs import make_reader, make_reranker
from tests.reasoning.examples import articles
from tests.support.chat_server import ChatServer, serving, sources_in

pytestmark = pytest.mark.timeout(300)

DESIGNER = "Who designed Skerry Point Lighthouse?"
KEY = "sk-secretsecretsecret"
TEXTS = {title: text for title, text in articles().values()}
LIGHTHOUSE, MARLOWE, TARROW = (TEXTS[name] for name in ("Skerry Point Lighthouse", "Ines Marlowe", "Tarrow"))


@pytest.fixture(scope="module")
def here(up: Up) -> dict[str, str]:
    """Settings of a command that has models of its own, and the databases of the pipeline that is up."""
    addresses = up.pipeline.addresses
    return {
        "ANNALS_POSTGRES": addresses["postgres"],
        "ANNALS_BROKER": addresses["broker"],
        "ANNALS_MASTER_KEY_FILE": str(up.data / "master.key"),
    }


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(lambda body: "Ines Marlowe [1]") as running:
        yield running


def generator(chat: ChatServer, **more: str) -> dict[str, Any]:
    return {"ANNALS_GENERATOR_URL": chat.url, "ANNALS_GENERATOR_MODEL": "tiny-1", **more}


def ask(data: Path, here: dict[str, str], *question: str, exit_code: int = 0, **env: Any) -> dict[str, Any]:
    answer: dict[str, Any] = given(data, "ask", *(question or (DESIGNER,)), exit_code=exit_code, env={**here, **env})
    return answer


def test_without_any_model_an_answer_names_none(tmp_path: Path, here: dict[str, str]) -> None:
    answer = ask(tmp_path, here)
    assert (answer["answer"], answer["models"], answer["borne_out"], answer["note"]) == ("Ines Marlowe", [], None, None)


def test_a_reader_is_asked_of_the_best_passages_and_its_span_has_sentence_and_source(
    tmp_path: Path, here: dict[str, str]
) -> None:
    question = "How was the lens of Skerry Point Lighthouse carried?"
    lessons = [(question, LIGHTHOUSE, "on a barge"), (question, MARLOWE, ""), (question, TARROW, "")]
    reader = str(make_reader(tmp_path / "reader", lessons, positions=300))
    before = ask(tmp_path, here, question)
    answer = ask(tmp_path, here, question, ANNALS_READER=reader, ANNALS_MODEL_DTYPE="float32")
    assert answer["answer"] == "on a barge" != before["answer"]
    assert answer["confidence"] < 0.8, "the words do not say so"
    assert [name.partition("@")[0] for name in answer["models"]] == ["reader: reader"]
    (last,) = answer["steps"][-1:]
    assert last["found"] == "on a barge" and "carried down" in last["sentence"]
    assert last["title"] == "Skerry Point Lighthouse"
    assert answer["candidates"][0]["answer"] == "on a barge"
    others = {one["answer"] for one in before["candidates"]}
    assert others & {one["answer"] for one in answer["candidates"]}, "what the words speak for stays"
    again = ask(tmp_path, here, question)
    assert {name: again[name] for name in ("answer", "confidence", "models")} == {
        name: before[name] for name in ("answer", "confidence", "models")
    }, "answers of different models do not mix"


def test_a_reranker_moves_a_passage_to_the_front(tmp_path: Path, here: dict[str, str]) -> None:
    first = [source["title"] for source in ask(tmp_path, here, DESIGNER, "-k", "10")["sources"]]
    lessons = [(DESIGNER, f"{title}\n{text}" if not text.startswith(f"# {title}") else text, title == "Tarrow")
               for title, text in TEXTS.items()]  # fmt: skip
    reranker = str(make_reranker(tmp_path / "reranker", lessons, positions=300))
    answer = ask(tmp_path, here, DESIGNER, "-k", "10", ANNALS_RERANKER=reranker, ANNALS_MODEL_DTYPE="float32")
    moved = [source["title"] for source in answer["sources"]]
    assert answer["models"][0].startswith("reranker: reranker@") and answer["cached"] is False
    assert answer["answer"] == "Ines Marlowe", "it is one opinion of two"
    assert moved.index("Tarrow") < first.index("Tarrow")


@pytest.mark.parametrize("setting", ["ANNALS_READER", "ANNALS_RERANKER"])
def test_a_model_that_is_none_is_one_line(tmp_path: Path, here: dict[str, str], setting: str) -> None:
    (tmp_path / "empty").mkdir()
    said = refused(tmp_path, "ask", DESIGNER, env={**here, setting: str(tmp_path / "empty")})
    assert "holds no model" in said


def test_without_the_extra_one_line_says_what_to_install(
    tmp_path: Path, here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.pretrained.find_spec", lambda name: None)
    said = refused(tmp_path, "ask", DESIGNER, env={**here, "ANNALS_READER": "org/reader"})
    assert "annals[models]" in said and "org/reader" in said


def test_what_the_sources_bear_out_is_answered_with_its_sentences(
    tmp_path: Path, here: dict[str, str], chat: ChatServer
) -> None:
    chat.key = KEY
    chat.say = lambda body: f"It was designed by Ines Marlowe. [{sources_in(body)['Skerry Point Lighthouse']}]"
    answer = ask(tmp_path, here, **generator(chat, ANNALS_GENERATOR_KEY=KEY))
    assert answer["answer"] == "It was designed by Ines Marlowe."
    assert (answer["borne_out"], answer["note"]) == (True, None)
    assert answer["confidence"] > 0.8, "the words say the same"
    assert answer["models"] == [f"generator: tiny-1 at {chat.url}/"]
    assert any("designed by Ines Marlowe" in step["sentence"] for step in answer["steps"])
    assert "Skerry Point Lighthouse" in {source["title"] for source in answer["sources"]}
    (body,) = chat.requests
    assert DESIGNER in body["messages"][1]["content"] and "data" in body["messages"][0]["content"]
    kept = ask(tmp_path, here, **generator(chat, ANNALS_GENERATOR_KEY=KEY))
    assert kept["cached"] and len(chat.requests) == 1
    assert {**kept, "query_id": "", "cached": False, "milliseconds": 0} == {
        **answer, "query_id": "", "milliseconds": 0
    }  # fmt: skip
    assert ask(tmp_path, here)["answer"] == "Ines Marlowe", "another model's answer is not mixed with this one's"
    other = ask(tmp_path, here, **generator(chat, ANNALS_GENERATOR_KEY=KEY, ANNALS_GENERATOR_MODEL="tiny-2"))
    assert not other["cached"] and len(chat.requests) == 2


def test_what_they_do_not_bear_out_is_marked_everywhere_and_not_kept(
    tmp_path: Path, here: dict[str, str], chat: ChatServer
) -> None:
    chat.say = lambda body: "Aurelia Quill designed it, the greatest painter of Norway. [1]"
    for asked in range(1, 3):
        answer = ask(tmp_path, here, **generator(chat))
        assert answer["borne_out"] is False and "do not bear it out" in answer["note"]
        assert answer["confidence"] < 0.8 and not answer["cached"] and len(chat.requests) == asked
    people = called(tmp_path, "ask", DESIGNER, env={**here, **generator(chat)})
    assert people.exit_code == 0 and "do not bear out" in people.stdout
    history = given(tmp_path, "history", answer["query_id"], env=here)["events"]
    executed = history[0]["event_data"]
    assert executed["borne_out"] is False and executed["models"] == [f"generator: tiny-1 at {chat.url}/"]
    assert [event["event_type"] for event in history] == ["ReasoningQueryExecuted"]


def test_control_characters_and_instructions_of_a_model_are_text(
    tmp_path: Path, here: dict[str, str], chat: ChatServer
) -> None:
    chat.say = lambda body: '\x1b]0;owned\x07\x00Ines\u202eMarlowe\r\n{"tool_calls": ["delete"]}'
    answer = ask(tmp_path, here, **generator(chat))
    assert answer["borne_out"] is False
    assert not any(ord(one) < 32 or one in "\u202e\x9b" for one in answer["answer"])


@pytest.mark.parametrize("fault", ["500", "no JSON", "huge", '{"choices": []}'])
def test_a_generative_model_that_fails_leaves_the_answer_as_it_is_without(
    tmp_path: Path, here: dict[str, str], chat: ChatServer, fault: str
) -> None:
    without = ask(tmp_path, here)
    chat.fault = fault
    answer = ask(tmp_path, here, **generator(chat, ANNALS_GENERATOR_KEY=KEY))
    assert answer["answer"] == without["answer"] and answer["confidence"] == without["confidence"]
    assert answer["models"] == [] and answer["borne_out"] is None
    assert answer["note"].startswith("answered without the generative model: ")
    assert KEY not in json.dumps(answer)
    people = called(tmp_path, "ask", DESIGNER, env={**here, **generator(chat)})
    assert people.exit_code == 0 and "answered without the generative model" in people.stderr


def test_one_that_hangs_costs_half_of_the_time_and_no_answer(
    tmp_path: Path, here: dict[str, str], chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annals.cli.here.asking.ASK_LIMIT_S", 8.0)
    chat.fault = "hang"
    answer = ask(tmp_path, here, **generator(chat))
    assert answer["answer"] == "Ines Marlowe" and "answered without" in answer["note"]
    assert 2_000 < answer["milliseconds"] < 7_000
    chat.fault = None
    recovered = ask(tmp_path, here, **generator(chat))
    assert not recovered["cached"] and recovered["models"], "what was answered without it was not kept as its own"


def test_where_the_model_finds_nothing_there_is_no_unsure_answer(
    tmp_path: Path, here: dict[str, str], chat: ChatServer
) -> None:
    chat.say = lambda body: "UNKNOWN"
    question = "How was the lens of Skerry Point Lighthouse carried?"
    assert ask(tmp_path, here, question)["confidence"] < 0.5
    answer = ask(tmp_path, here, question, exit_code=1, **generator(chat))
    assert answer["answer"] is None and "finds no answer" in answer["missing"]


def test_nobody_is_asked_where_there_is_nothing_to_ask_of(
    tmp_path: Path, here: dict[str, str], chat: ChatServer
) -> None:
    answer = ask(tmp_path, here, exit_code=1, **generator(chat, ANNALS_TENANT="nobodys"))
    assert answer["answer"] is None and chat.requests == []
