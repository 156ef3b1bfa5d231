"""What people decide and correct, over HTTP: done and taken back, refused without the right, and wrong requests."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from contracts.ids import entity_id
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from tests.conftest import PostgresServer
from tests.gateway.attacks.attack import Attacker, Target, is_problem, open_target
from tests.gateway.real import HOME, OURS, root

MET = OURS.related.relations[0].relation_id
FIRST, SECOND = (one.chunk_id for one in OURS.chunks)
API = "/api/v1"


@pytest.fixture(scope="module")
def served(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A gateway of its own, whose document says `Ada met Bob. Bob saw Cleo.`; each test leaves it as it was."""
    with open_target(postgres_server, "decided", tmp_path_factory.mktemp("decided")) as opened:
        yield opened


@pytest.fixture(scope="module")
def analyst(served: Target) -> Attacker:
    """Who may decide and correct."""
    return served.attacker("analyst")


def follow(served: Target) -> None:
    """The read models have what was decided."""
    served.inside.do(
        lambda use: use.operations.rebuilding.replay(root(), READ_MODELS, lambda _: None, deadline=Deadline.after(120))
    )


def decided(served: Target) -> int:
    """How many events there are of what people decided."""
    with psycopg.connect(served.gateway.dsn, connect_timeout=10) as connection:
        (found,) = connection.execute(
            "SELECT count(*) FROM annals.stored_events WHERE topic ~ '^(Entity|Mentions|Relationship|Chunk|Reasoning)'"
        ).fetchone() or (0,)
    return int(found)


def did(served: Target, who: Attacker, method: str, path: str, body: Any = None) -> Any:
    """The answer to what is right."""
    answer = served.send(who, method, API + path, **({} if body is None else {"json": body}))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_entity_is_renamed_called_otherwise_and_judged(served: Target, analyst: Attacker) -> None:
    bob = entity_id(HOME, "Bob")
    changed = did(served, analyst, "PATCH", "/entities/Bob", {"name": "Robert", "reason": "passport"})
    assert (changed["entity_id"], changed["into"]) == (bob, None) and changed["position"] is not None
    did(served, analyst, "POST", "/entities/Bob/aliases", {"alias": "Bobby/B"})
    did(served, analyst, "POST", f"/entities/{bob}/judgement", {"valid": True, "confidence": 0.9})
    follow(served)
    shown = did(served, analyst, "GET", f"/entities/{quote('Bobby/B', safe='')}/decisions")
    assert (shown["entity_id"], shown["name"], shown["aliases"], shown["valid"]) == (bob, "Robert", ["Bobby/B"], True)
    assert [(one["version"], one["reason"]) for one in shown["decisions"]] == [(1, "passport"), (2, None), (3, None)]
    again = did(served, analyst, "POST", f"/entities/{bob}/judgement", {"valid": True, "confidence": 0.9})
    assert again["position"] is None, "it is so already"
    did(served, analyst, "DELETE", f"/entities/{bob}/aliases/{quote('Bobby/B', safe='')}?reason=none")
    for _ in range(4):
        did(served, analyst, "POST", f"/entities/{bob}/undo", {})
    follow(served)
    shown = did(served, analyst, "GET", "/entities/Bob/decisions")
    assert (shown["name"], shown["aliases"], shown["valid"]) == ("Bob", [], None)


def test_entities_are_merged_and_split_and_that_is_undone(served: Target, analyst: Attacker) -> None:
    ada, cleo = entity_id(HOME, "Ada"), entity_id(HOME, "Cleo")
    merged = did(served, analyst, "POST", "/entities/Cleo/merge", {"into": "Ada"})
    assert (merged["entity_id"], merged["into"]) == (cleo, ada)
    follow(served)
    shown = did(served, analyst, "GET", "/entities/Cleo/decisions")
    assert shown["entity_id"] == ada and [one["entity_id"] for one in shown["members"]] == [cleo]
    did(served, analyst, "POST", f"/entities/{cleo}/undo", {"decision": 1})
    follow(served)
    split = did(served, analyst, "POST", "/entities/Ada/split", {"documents": ["harbour"], "name": "Ada the cat"})
    assert split["entity_id"] == ada and split["into"] not in (None, ada)
    did(served, analyst, "POST", f"/entities/{ada}/undo", {"reason": "no cat"})
    follow(served)
    assert did(served, analyst, "GET", "/entities/Ada/decisions")["mentions"] == 1


def test_what_is_least_sure_is_listed(served: Target, analyst: Attacker) -> None:
    found = did(served, analyst, "GET", "/review?limit=100")["items"]
    assert {one["kind"] for one in found} == {"entity", "relation"}
    assert [one["confidence"] for one in found] == sorted(one["confidence"] for one in found)
    assert {one["document_id"] for one in found} == {"harbour"}
    assert len(did(served, analyst, "GET", "/review?kind=relation&limit=1")["items"]) == 1


def test_a_relation_is_corrected_judged_and_as_it_was(served: Target, analyst: Attacker) -> None:
    shown = did(served, analyst, "GET", f"/relations/{MET}")
    assert (shown["relation"]["predicate"], shown["sentence"]) == ("met", "Ada met Bob")
    corrected = did(served, analyst, "PATCH", f"/relations/{MET}", {"predicate": "greeted", "confidence": 0.5})
    assert (corrected["id"], corrected["document_id"]) == (MET, "harbour")
    did(served, analyst, "POST", f"/relations/{MET}/judgement", {"valid": False, "reason": "no source"})
    follow(served)
    found = did(served, analyst, "GET", f"/relations/{MET}")["relation"]
    assert (found["predicate"], found["confidence"], found["valid"]) == ("greeted", 0.5, False)
    did(served, analyst, "POST", f"/relations/{MET}/undo", {})
    answer = served.send(analyst, "POST", f"{API}/relations/{MET}/undo", json={})
    assert answer.status_code == 409
    is_problem(answer)
    follow(served)
    assert did(served, analyst, "GET", f"/relations/{MET}") == shown


def test_chunks_are_given_other_bounds_merged_and_there_again(served: Target, analyst: Attacker) -> None:
    chunk = did(served, analyst, "GET", f"/chunks/{FIRST}")
    assert (chunk["text"], chunk["after"]) == ("Ada met Bob.", "Bob saw Cleo.")
    for method, path, body, text in (
        ("PATCH", f"/chunks/{FIRST}", {"start": 0, "end": 16}, "Ada met Bob. Bob"),
        ("POST", "/chunks/merge", {"chunk_ids": [SECOND, FIRST]}, "Ada met Bob. Bob saw Cleo."),
    ):
        made = did(served, analyst, method, path, body)
        assert made["document_id"] == "harbour" and made["id"] not in (FIRST, SECOND)
        follow(served)
        assert did(served, analyst, "GET", f"/chunks/{made['id']}")["text"] == text
        assert served.send(analyst, "GET", f"{API}/chunks/{FIRST}").status_code == 404
        did(served, analyst, "POST", f"/chunks/{made['id']}/undo", {"reason": "as it was"})
        follow(served)
    assert did(served, analyst, "GET", f"/chunks/{FIRST}") == chunk
    answer = served.send(analyst, "POST", f"{API}/chunks/{FIRST}/undo", json={})
    assert answer.status_code == 409, "nobody made it"
    is_problem(answer)


def test_a_chain_is_judged_and_that_taken_back(served: Target, analyst: Attacker) -> None:
    path = f"/reasoning/queries/question-{HOME}/chains/0/judgement"
    assert did(served, analyst, "POST", path, {"valid": False, "reason": "wrong man"})["id"] == f"question-{HOME}"
    assert did(served, analyst, "POST", path, {"valid": False, "reason": "wrong man"})["position"] is None
    did(served, analyst, "POST", path, {"valid": None})
    for again in (path, path.replace("chains/0", "chains/7")):
        answer = served.send(analyst, "POST", API + again, json={"valid": None})
        assert answer.status_code == 409, answer.text
        is_problem(answer)


def test_documents_are_listed_as_the_log_has_them(served: Target, analyst: Attacker) -> None:
    (found,) = did(served, analyst, "GET", "/storage/documents?id_prefix=harb")["documents"]
    assert (found["document_id"], found["title"]) == ("harbour", "Harbour")
    assert found["digest"] == OURS.content.text.digest
    assert did(served, analyst, "GET", "/storage/documents?id_prefix=HARB") == {"documents": [], "next": None}


def test_outputs_are_for_who_runs_the_installation(served: Target, analyst: Attacker) -> None:
    clear, body = f"{API}/models/outputs/clear", {"revision": "nothing@1"}
    for who, status in ((analyst, 403), (served.attacker("administrator"), 404)):
        answer = served.send(who, "POST", clear, json=body)
        assert answer.status_code == status, answer.text
        is_problem(answer)


WRITES = [
    ("PATCH", "/entities/Bob", {"name": "X"}),
    ("POST", "/entities/Bob/aliases", {"alias": "X"}),
    ("DELETE", "/entities/Bob/aliases/X", None),
    ("POST", "/entities/Bob/merge", {"into": "Ada"}),
    ("POST", "/entities/Bob/split", {"documents": ["harbour"]}),
    ("POST", "/entities/Bob/undo", {}),
    ("POST", "/entities/Bob/judgement", {"valid": False}),
    ("PATCH", f"/relations/{MET}", {"predicate": "x"}),
    ("POST", f"/relations/{MET}/judgement", {"valid": False}),
    ("POST", f"/relations/{MET}/undo", {}),
    ("PATCH", f"/chunks/{FIRST}", {"start": 0, "end": 5}),
    ("POST", "/chunks/merge", {"chunk_ids": [FIRST, SECOND]}),
    ("POST", f"/chunks/{FIRST}/undo", {}),
    ("POST", f"/reasoning/queries/question-{HOME}/chains/0/judgement", {"valid": False}),
]
READS = ["/entities/Bob/decisions", "/review", f"/relations/{MET}", f"/chunks/{FIRST}", "/storage/documents"]


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=lambda one: one if isinstance(one, str) else "")
def test_a_reader_decides_nothing(served: Target, method: str, path: str, body: Any) -> None:
    answer = served.send(served.attacker("reader"), method, API + path, **({} if body is None else {"json": body}))
    assert answer.status_code == 403, answer.text
    is_problem(answer)


@pytest.mark.parametrize("path", READS)
def test_a_producer_reads_nothing(served: Target, path: str) -> None:
    answer = served.send(served.attacker("producer"), "GET", API + path)
    assert answer.status_code == 403, answer.text
    is_problem(answer)


def test_a_producer_deletes_what_he_may_not_read(served: Target) -> None:
    producer, path = served.attacker("producer"), API + "/documents/taken-back"
    kept = served.send(producer, "PUT", path, json={"title": "T", "text": "Taken in by mistake."})
    assert kept.status_code == 201, kept.text
    for already in (False, True):
        answer = served.send(producer, "DELETE", path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["already"] is already
        assert answer.headers["annals-position"] not in ("", kept.headers["annals-position"])


NO_RENAMING: list[Any] = [
    *({}, {"name": None}, {"name": ""}, {"name": " "}, {"name": "a\x00b"}, {"name": "\ud800"}, {"name": 5}),
    *({"name": "x" * 1025}, {"type": ""}, {"type": "\u200b"}, {"nothing": 1}, [], None, "text"),
    {"name": "X", "reason": "x" * 1025},
]
ODD: list[tuple[str, str, Any]] = [
    *(("PATCH", "/entities/Ada", body) for body in NO_RENAMING),
    *(("POST", "/entities/Ada/aliases", body) for body in ({}, {"alias": ""}, {"alias": "\t"}, {"alias": ["a"]})),
    *(("POST", "/entities/Ada/merge", body) for body in ({}, {"into": ""}, {"into": None})),
    *(
        ("POST", "/entities/Ada/split", {"documents": documents})
        for documents in ([], [""], ["a"] * 501, "harbour", ["a\nb"], ["x" * 1025], [None])
    ),
    *(("POST", "/entities/Ada/undo", {"decision": one}) for one in (0, -1, 2**31, 10**400, True, 1.5, "1")),
    *(
        ("POST", "/entities/Ada/judgement", body)
        for body in (
            *({}, {"valid": "yes"}, {"valid": None}, {"valid": True, "confidence": 2}),
            *({"valid": True, "confidence": float("nan")}, {"valid": True, "confidence": float("inf")}),
        )
    ),
    *(
        ("PATCH", f"/relations/{MET}", body)
        for body in (
            *({}, {"predicate": ""}, {"predicate": " "}, {"predicate": "x" * 257}, {"confidence": -0.1}),
            *({"confidence": float("nan")}, {"predicate": "a\x00"}),
        )
    ),
    *(("POST", f"/relations/{MET}/judgement", body) for body in ({}, {"valid": None}, {"valid": 1})),
    *(
        ("PATCH", f"/chunks/{FIRST}", {"start": start, "end": end})
        for start, end in ((5, 5), (7, 3), (-1, 5), (0, 10**6), (0, 2**31), (0, 10**30), (12, 13), (0, "5"), (0, None))
    ),
    *(
        ("POST", "/chunks/merge", {"chunk_ids": ids})
        for ids in ([], [FIRST], [FIRST, FIRST], [FIRST, ""], [FIRST] * 101, FIRST)
    ),
    *(
        ("POST", f"/reasoning/queries/question-{HOME}/chains/{chain}/judgement", {"valid": True})
        for chain in ("-1", "x", "1.5", str(2**31), "9" * 400)
    ),
    ("POST", f"/reasoning/queries/question-{HOME}/chains/0/judgement", {}),
    ("GET", "/review?limit=0", None),
    ("GET", "/review?limit=1001", None),
    ("GET", "/review?kind=person", None),
    ("GET", "/storage/documents?limit=0", None),
    ("GET", "/storage/documents?cursor=nonsense", None),
    ("GET", "/storage/documents?id_prefix=a%00b", None),
    ("GET", "/entities/a%00b/decisions", None),
    ("GET", "/relations/a%00b", None),
    ("GET", "/chunks/a%0Ab", None),
    ("DELETE", "/entities/Ada/aliases/a%00b", None),
]


@pytest.mark.parametrize(
    ("method", "path", "body"), ODD, ids=[f"{number} {method}" for number, (method, _, _) in enumerate(ODD)]
)
def test_a_wrong_request_is_named_as_such(served: Target, method: str, path: str, body: Any) -> None:
    """By a caller who may; nothing of it is written."""
    attacker, before, sent = served.attacker("analyst"), decided(served), dict[str, Any]()
    if method not in ("GET", "DELETE"):
        # Half a surrogate pair and NaN as Python writes them, which a careful client could not send.
        sent = {"content": json.dumps(body), "headers": {"content-type": "application/json"}}
    answer = served.send(attacker, method, API + path, **sent)
    assert answer.status_code in ((400, 404, 422) if "%0" in path else (400, 422)), answer.text
    is_problem(answer)
    assert len(answer.text) < 4_000
    assert decided(served) == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1.5", "-0.1"])
def test_a_confidence_is_a_number_between_0_and_1(served: Target, analyst: Attacker, number: str) -> None:
    """Python reads NaN and Infinity where JSON has no such numbers (RFC 8259, 6)."""
    before = decided(served)
    kind = {"content-type": "application/json"}
    for method, path, body in (
        ("POST", "/entities/Bob/judgement", '{"valid": true, "confidence": %s}'),
        ("PATCH", f"/relations/{MET}", '{"confidence": %s}'),
    ):
        answer = served.send(analyst, method, API + path, content=(body % number).encode(), headers=kind)
        assert answer.status_code == 422, answer.text
        is_problem(answer)
    assert decided(served) == before


def test_what_is_orphaned_comes_in_pages(served: Target, analyst: Attacker) -> None:
    for what in ("relations", "chunks"):
        assert did(served, analyst, "GET", f"/orphaned/{what}?limit=1") == {"orphaned": [], "next": None}
        answer = served.send(analyst, "GET", f"{API}/orphaned/{what}?cursor=none")
        assert answer.status_code == 400, answer.text
        is_problem(answer)
