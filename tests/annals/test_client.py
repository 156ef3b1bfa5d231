"""Commands beside a pipeline that is up: they are clients of its gateway, and give what they give without it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from annals.token_file import read_admin_token
from client import documents
from client.address import Address, PlainTextError
from client.gateway import Gateway, GatewayAbsentError, open_gateway
from tests.annals.conftest import Up
from tests.annals.pipeline import called, environment, given, refused
from tests.annals.processes import until

HEAVY = ("torch", "transformers", "spacy", "scipy", "asyncpg", "psycopg", "faust", "neo4j", "confluent_kafka")
QUESTION = "Who designed Skerry Point Lighthouse?"
SERVED = [("ask", QUESTION), ("search", "glass", "-k", "3"), ("show", "articles/tarrow.md"), ("show", "Ines Marlowe")]
SERVED += [("history", "articles/tarrow.md")]
KNOWN = [("entity", "list", "ines"), ("entity", "show", "Ines Marlowe"), ("relation", "list", "--limit", "7")]
KNOWN += [("relation", "list", "--orphaned"), ("relation", "derived", "Ines Marlowe"), ("chunk", "orphaned")]
KNOWN += [("review", "--limit", "5"), ("review", "--kind", "relation")]


@pytest.fixture(autouse=True)
def ready(up: Up) -> None:
    """The gateway answers."""
    address = up.pipeline.addresses["gateway"]
    assert until(lambda: httpx.get(f"{address}/health/ready").status_code == 200, limit_s=120)


def elsewhere(up: Up, *arguments: str, token: str | None = None) -> Any:
    """By --server, with a data folder that has nothing in it."""
    env = {"ANNALS_TOKEN": token or read_admin_token(up.data) or ""}
    server = up.pipeline.addresses["gateway"]
    return given(up.data.parent / "nothing", "--server", server, *arguments, env=env)


@pytest.mark.parametrize("arguments", [*SERVED, *KNOWN])
def test_what_they_give_is_the_same(up: Up, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(up.articles.parent)
    there = given(up.data, *arguments)
    (up.data / "admin.token").rename(up.data / "aside")
    try:
        here = given(up.data, *arguments)
    finally:
        (up.data / "aside").rename(up.data / "admin.token")
    for varies in ("query_id", "cached", "milliseconds"):
        for one in (here, there):
            one.pop(varies, None)
    assert there == here


def test_people_decide_by_a_gateway_as_they_do_without(up: Up) -> None:
    """Elsewhere, with nothing but its address; each decision is taken back."""
    assert up.caught_up(), "what it waits for is what it decides"
    marlowe = elsewhere(up, "entity", "show", "Ines Marlowe")["entity_id"]
    alias = "The/Glassmaker"
    done = elsewhere(up, "entity", "alias", "Ines Marlowe", alias, "--reason", " ", "--wait")
    assert done == {"entity": marlowe, "into": None, "changed": True}
    shown = elsewhere(up, "entity", "show", alias)
    assert (shown["entity_id"], shown["aliases"]) == (marlowe, [alias])
    assert shown["decisions"][-1]["reason"] is None, "a blank reason is none"
    elsewhere(up, "entity", "alias", "Ines Marlowe", alias, "--remove", "--wait")
    assert elsewhere(up, "entity", "show", marlowe)["aliases"] == []
    judged = elsewhere(up, "entity", "validate", marlowe, "--confidence", "0.9", "--wait")
    assert judged["changed"] and not elsewhere(up, "entity", "validate", marlowe, "--confidence", "0.9")["changed"]
    elsewhere(up, "entity", "undo", marlowe, "--wait")

    relation = elsewhere(up, "relation", "list", "--limit", "1")["relations"][0]["relation_id"]
    assert elsewhere(up, "relation", "reject", relation, "--reason", "a guess")["changed"]
    assert elsewhere(up, "relation", "show", relation)["valid"] is False
    assert elsewhere(up, "relation", "undo", relation)["changed"]
    assert elsewhere(up, "relation", "show", relation)["valid"] is None

    document = given(up.data, "list", "--limit", "1")["documents"][0]["document_id"]
    first, *others = elsewhere(up, "chunk", "list", document)["chunks"]
    if others:
        made = elsewhere(up, "chunk", "merge", first["chunk_id"], others[0]["chunk_id"])
    else:
        made = elsewhere(up, "chunk", "update", first["chunk_id"], "--start", "0", "--end", str(first["end"] // 2))
    assert elsewhere(up, "chunk", "undo", made["id"])["changed"]

    question = elsewhere(up, "ask", QUESTION)["query_id"]
    assert elsewhere(up, "chain", "reject", question)["changed"]
    assert elsewhere(up, "chain", "undo", question)["changed"]


def test_no_model_and_no_driver_is_loaded(up: Up) -> None:
    """What one command loaded, the next ones find loaded."""
    commands = [[*arguments, "--data", str(up.data)] for arguments in (*SERVED, ("status",))]
    code = (
        f"import sys; from annals.cli import main\nfor arguments in {commands!r}:\n"
        "    sys.argv = ['annals', *arguments]\n"
        "    try: main()\n    except SystemExit as end: assert not end.code\n"
        f"    assert not set({HEAVY!r}) & set(sys.modules), (arguments, set({HEAVY!r}) & set(sys.modules))"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=up.articles.parent, env=environment(), check=True, timeout=120, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def test_documents_in_changed_unchanged_refused_and_out_again(up: Up, tmp_path: Path) -> None:
    """The whole of it through the gateway: what is broken is named, and the rest goes on."""
    file = tmp_path / "some.jsonl"
    document = {"id": "client/one", "title": "Ulla Brandt", "text": "Ulla Brandt built the Mornay Bridge."}
    too_large = {"id": "client/large", "title": "Large", "text": "x" * 1_100_000}
    file.write_text(json.dumps(document) + "\n{broken\n" + json.dumps(too_large) + "\n")
    taken = given(up.data, "ingest", str(file), "--wait", exit_code=1)
    assert (taken["documents"], taken["ingested"], taken["processed"], taken["failed"]) == (1, 1, 1, {})
    assert [one["name"] for one in taken["refused"]] == [f"{file}:2", f"{file}:3"]
    assert "1,100,000 bytes" in taken["refused"][1]["reason"]
    assert elsewhere(up, "show", "client/one")["stage"] == "processed"
    file.write_text(json.dumps(document) + "\n")
    assert given(up.data, "ingest", str(file), "--wait")["unchanged"] == 1
    file.write_text(json.dumps({**document, "text": "Ulla Brandt built the Mornay Pier."}) + "\n")
    assert given(up.data, "ingest", str(file))["updated"] == 1
    assert elsewhere(up, "delete", "client/one", "--reason", "over") == {
        "deleted": ["client/one"],
        "already": [],
        "failed": {},
    }
    assert given(up.data, "delete", "client/one")["already"] == ["client/one"]
    assert "there is no document 'client/two'" in refused(up.data, "delete", "client/two")
    events = given(up.data, "history", "client/one")["events"]
    assert events[-1]["event_type"] == "DocumentDeleted" and events[-1]["metadata"]["actor"] == "local-admin"


def test_more_documents_than_one_request_takes(up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert documents.BATCH <= 1000, "as many as the gateway takes the ids of in one request"
    monkeypatch.setattr(documents, "BATCH", 5)
    file = tmp_path / "many.jsonl"
    lines = [json.dumps({"id": f"client/many/{n}", "title": f"Note {n}", "text": f"Note {n}."}) for n in range(11)]
    file.write_text("\n".join(lines))
    taken = given(up.data, "ingest", str(file), "--wait")
    assert (taken["documents"], taken["ingested"], taken["processed"]) == (11, 11, 11)


def test_a_gateway_elsewhere(up: Up) -> None:
    assert "Ines Marlowe" in elsewhere(up, "ask", QUESTION)["answer"]
    status = elsewhere(up, "status")
    assert status["documents"] > 0 and status["unknown"] == {}
    assert (status["addresses"], status["processes"]) == ({"gateway": up.pipeline.addresses["gateway"]}, {})


def test_a_gateway_elsewhere_wants_a_token_and_a_safe_way(up: Up) -> None:
    server = up.pipeline.addresses["gateway"]
    nothing = up.data.parent / "nothing"

    def said(*options: str, token: str) -> tuple[int, str]:
        done = called(nothing, *options, env={"ANNALS_TOKEN": token})
        return done.exit_code, done.stderr

    code, line = said("--server", server, "ask", QUESTION, token="")
    assert code == 1 and line.startswith("Error: A gateway elsewhere wants a token")
    assert said("--server", server, "ask", QUESTION, token="x")[0] == 1
    code, line = said("--server", "http://192.0.2.1", "ask", QUESTION, token="secret")
    assert code == 1 and "not sent over http" in line and "secret" not in line
    code, line = said("--server", server, "verify", token="x")
    assert code == 2 and "--server does not go with this command" in line


def test_what_is_not_there(up: Up) -> None:
    line = refused(up.data, "show", "nobody at all")
    assert line == (
        "there is no document, no chunk and no entity 'nobody at all'; "
        "`annals list` and `annals entity list` show what there is"
    )


async def test_nobody_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.gateway.RETURN_LIMIT_S", 0.5)
    async with open_gateway(Address("http://127.0.0.1:9", "secret")) as gateway:
        with pytest.raises(GatewayAbsentError, match="does not answer") as error:
            await gateway.get("/documents")
    assert "secret" not in str(error.value) + repr(gateway)
    with pytest.raises(PlainTextError):
        Address("http://example.org", "secret")


class Away(httpx.AsyncBaseTransport):
    """A gateway whose database is away for so many requests."""

    def __init__(self, times: int) -> None:
        self.left, self.asked = times, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked += 1
        self.left -= 1
        away = {"status": 503, "detail": "PostgreSQL does not answer"}
        if request.url.path.endswith("/processing/progress"):
            if self.left >= 0:
                return httpx.Response(504, json={**away, "status": 504})
            return httpx.Response(
                200, json={"done": json.loads(request.content)["documents"], "failed": {}, "waiting": []}
            )
        lines = request.content.splitlines()
        said = [
            {"line": 1, "outcome": "ingested"} if self.left < 0 or n else {"problem": away} for n, _ in enumerate(lines)
        ]
        text = "".join(json.dumps(line) + "\n" for line in said)
        return httpx.Response(200, text=text, headers={"content-type": "application/x-ndjson"})


async def test_what_no_database_could_take_is_sent_again_and_waiting_goes_on() -> None:
    away = Away(2)
    async with httpx.AsyncClient(transport=away, base_url="http://gateway") as http:
        gateway = Gateway("http://gateway", http)
        said = await documents.take(gateway, [{"id": "a"}, {"id": "b"}])
        assert [one["outcome"] for one in said] == ["ingested", "ingested"] and away.asked == 3
        away.left = 2
        assert (await documents.follow(gateway, ["a", "b"], lambda _: None)).processed == 2
