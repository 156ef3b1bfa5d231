"""The gateway of a pipeline that is up: real models, stores and tokens."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from annals import gateway_address
from annals.gateway_address import GatewayAddress, GatewayAddressError
from annals.settings import load_settings
from annals.token_file import read_admin_token
from tests.annals.conftest import Up
from tests.annals.pipeline import ROOT, given
from tests.annals.processes import until


def client(up: Up, token: str | None = None) -> httpx.Client:
    """With the local administrator's token, or another one."""
    found = read_admin_token(up.data) if token is None else token
    assert found is not None
    return httpx.Client(
        base_url=up.pipeline.addresses["gateway"],
        headers={"authorization": f"Bearer {found}"},
        timeout=60,
        verify=False,  # it is plain HTTP, and certificates take longer to load than most of what is asked
    )


def test_documents_in_and_an_answer_out(up: Up) -> None:
    assert stat.S_IMODE((up.data / "admin.token").stat().st_mode) == 0o600
    with client(up) as http:
        assert until(lambda: http.get("/health/ready").status_code == 200, limit_s=120)
        document = {
            "id": "gateway/quorn",
            "title": "Quorn Lighthouse",
            "text": "The Quorn Lighthouse was designed by Philippa Westerly.",
        }
        taken = http.post("/api/v1/documents", json=document, headers={"x-request-id": "gateway-test-1"})
        assert (taken.status_code, taken.json()["outcome"]) == (201, "ingested"), taken.text
        assert taken.json()["processing_metadata"]["correlation_id"] == "gateway-test-1"
        assert up.caught_up()
        answer = http.post("/api/v1/reasoning/query", json={"query": "Who designed the Quorn Lighthouse?"})
        assert answer.status_code == 200, answer.text
        assert "Philippa Westerly" in answer.json()["answer"]
        assert answer.json()["sources"][0]["document_id"] == "gateway/quorn"
        found = http.post("/api/v1/entities/extract", json={"text": document["text"]}).json()
        assert "Philippa Westerly" in {one["name"] for one in found["entities"]}
        cut = http.post("/api/v1/chunks/create", json={"text": document["text"]}).json()
        assert [one["text"] for one in cut["chunks"]] == [document["text"]]
    followed = up.rows(
        "SELECT DISTINCT correlation_id FROM annals.stored_events JOIN annals.document_collections "
        "USING (originator_id) WHERE document_id = 'gateway/quorn'"
    )
    assert followed == [("gateway-test-1",)], "all that follows from a request has its id"


def test_wrong_tokens_do_not_get_in(up: Up) -> None:
    real = read_admin_token(up.data) or ""
    for token in ("x", real[:-1], real + "x", real.swapcase()):
        with client(up, token) as http:
            answer = http.post("/api/v1/reasoning/query", json={"query": "Who?"})
            assert (answer.status_code, answer.json()["type"]) == (401, "urn:annals:problem:invalid-credential")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_without_tls_it_does_not_listen_beyond_loopback(host: str) -> None:
    with pytest.raises(GatewayAddressError, match="without TLS"):
        GatewayAddress.of(load_settings(gateway_host=host, gateway_port=0))


def test_addresses_for_clients_on_this_machine() -> None:
    for host, url in (("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("localhost", "http://l")):
        settings = load_settings(gateway_host=host, gateway_port=0, gateway_plaintext=True)
        with GatewayAddress.of(settings).listening() as address:
            assert address.url.startswith(url)


def test_two_at_the_same_moment_have_an_address_each() -> None:
    """Also those that nobody told which port to take: from the look at a port on it is taken."""
    with contextlib.ExitStack() as held:
        found = [
            held.enter_context(GatewayAddress.of(load_settings(gateway_host="127.0.0.1")).listening()) for _ in "ab"
        ]
        assert len({one.port for one in found}) == 2
        with pytest.raises(GatewayAddressError, match="another port"):
            GatewayAddress.of(load_settings(gateway_port=found[0].port))


def test_no_part_of_an_answer_waits_for_the_one_before() -> None:
    """A head and its body are two writes; held back, the second comes 40 ms later to who keeps his connection."""
    with (
        GatewayAddress.of(load_settings(gateway_port=0)).listening() as address,
        socket.create_connection(("127.0.0.1", address.port)),
        address.socket.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 404 Not Found\r\n\r\n", b"220 mail.example.org\r\n"])
async def test_a_port_that_is_open_is_no_gateway_yet(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        if said:
            writer.close()

    monkeypatch.setattr(gateway_address, "READY_LIMIT_S", 0.3)
    with GatewayAddress.of(load_settings(gateway_port=0)).listening() as address:
        with pytest.raises(TimeoutError):
            await address.ready()
        server = await asyncio.start_server(answer, sock=address.socket)
        with pytest.raises(OSError):
            await address.ready()
        server.close()


def test_half_of_tls_is_refused() -> None:
    with pytest.raises(GatewayAddressError, match="both"):
        GatewayAddress.of(load_settings(gateway_certificate=Path("cert.pem")))


def test_a_document_from_its_first_version_to_its_end(up: Up) -> None:
    with client(up) as http:
        path = "/api/v1/documents/gateway%2Fa%20b"
        content = {"title": "Tern Island", "text": "Tern Island lies north of Sker Bay.", "attributes": {"n": 1}}
        assert http.get(path).status_code == 404
        assert http.put(path, json=content, headers={"if-match": '"3"'}).status_code == 412
        made = http.put(path, json=content, headers={"if-none-match": "*"})
        assert (made.status_code, made.headers["etag"]) == (201, '"1"'), made.text
        assert http.put(path, json=content, headers={"if-none-match": "*"}).status_code == 412
        assert up.caught_up()
        status = http.get(f"{path}/status").json()
        assert (status["processed"], status["failed"], set(status["read_models"].values())) == (True, None, {True})
        read = http.get(path)
        assert (read.json()["document_id"], read.json()["attributes"]) == ("gateway/a b", {"n": 1})
        assert read.headers["etag"] == f'"{status["version"]}"'
        listed = http.get("/api/v1/documents", params={"id_prefix": "gateway/a", "attribute": "n=1", "limit": 1}).json()
        assert [one["document_id"] for one in listed["documents"]] == ["gateway/a b"]
        whole = http.get(f"/api/v1/storage{path.removeprefix('/api/v1')}").json()
        assert [one["text"] for one in whole["result"]["chunks"]] == [content["text"]]
        changed = http.put(path, json=content | {"title": "Tern"}, headers={"if-match": read.headers["etag"]})
        assert (changed.status_code, changed.json()["outcome"]) == (200, "updated")
        late = http.delete(path, headers={"if-match": read.headers["etag"]})
        assert (late.status_code, late.json()["type"]) == (412, "urn:annals:problem:version-mismatch")
        assert http.delete(path).json() == {"document_id": "gateway/a b", "already": False, "erased": None}
        assert http.delete(path).json()["already"]
        assert up.caught_up()
        assert http.get(path).status_code == 404
        assert http.get(f"{path}/status").json()["deleted"]
        audit = http.get("/api/v1/audit", params={"object_id": "gateway/a b", "category": "change"}).json()["entries"]
        # The newest first; by whom it was told is not seen, but that it was told once is.
        assert [(one["action"], one["outcome"]) for one in audit] == [
            ("delete", "success"),
            ("delete", "success"),
            ("delete", "failed"),
            ("write", "success"),
            ("write", "failed"),
            ("write", "success"),
            ("write", "failed"),
        ]
        assert http.delete("/api/v1/documents/nothing").status_code == 404


def listed(http: httpx.Client, what: str, name: str, limit: int) -> list[str]:
    """All of a list, by pages of `limit`."""
    found: list[str] = []
    cursor = None
    while True:
        page = http.get(f"/api/v1/{what}", params={"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
        found += [one[name] for one in page[what]]
        cursor = page["next"]
        if cursor is None:
            return found


def test_pages_follow_one_another(up: Up) -> None:
    assert up.caught_up()
    with client(up) as http:
        for what, name in (("documents", "document_id"), ("entities", "entity_id")):
            found = listed(http, what, name, 3)
            assert found == listed(http, what, name, 1000) and len(found) > 3
        assert http.get("/api/v1/documents", params={"cursor": "x"}).json()["type"] == "urn:annals:problem:wrong-cursor"


def test_what_documents_speak_of(up: Up) -> None:
    with client(up) as http:
        assert until(lambda: http.get("/health/ready").status_code == 200, limit_s=120)
        name = http.get("/api/v1/entities", params={"limit": 1}).json()["entities"][0]["name"]
        entity = http.get(f"/api/v1/entities/{quote(name, safe='')}").json()
        assert entity["entity"]["name"] == name and entity["edges"]
        assert http.get("/api/v1/entities/nobody").status_code == 404
        found = http.get("/api/v1/search", params={"query": "lighthouse", "k": 3}).json()["passages"]
        assert 0 < len(found) <= 3
        pasted = " ".join(f"word{number}" for number in range(600))
        for typed in (pasted, "???", """What's "B=128" & (C++ !"""):
            assert http.get("/api/v1/search", params={"query": typed}).status_code == 200
        near = http.post("/api/v1/storage/search", json={"query": "lighthouse", "k": 2})
        assert len(near.json()["result"]) == 2 and set(near.json()["positions"]) == {"relational", "vector"}
        walked = http.post("/api/v1/storage/traverse", json={"start_entities": [name], "max_hops": 2}).json()
        assert any(one["hops"] == 0 for one in walked["result"])


def test_operators_see_and_rebuild(up: Up) -> None:
    with client(up) as http:
        assert set(http.get("/api/v1/projections").json()["projections"]) == {"relational", "graph", "vector"}
        begun = http.post("/api/v1/projections/graph/verify")
        assert begun.status_code == 202, begun.text
        job = begun.headers["location"]
        assert until(lambda: http.get(job).json()["state"] != "running", limit_s=120)
        ended = http.get(job).json()
        assert (ended["state"], ended["result"]["verdicts"][0]["difference"]) == ("done", None)
        assert http.get("/api/v1/projections/jobs/none").status_code == 404
        assert http.post("/api/v1/projections/nothing/verify").status_code == 422
        assert http.get("/api/v1/dead-letters").json() == {"letters": []}
        assert http.get("/api/v1/dead-letters/1").status_code == 404
        asked = http.post("/api/v1/processing/reprocess", json={"documents": ["nothing"]}).json()
        assert asked == {"asked": [], "finished": [], "unknown": ["nothing"]}


def test_a_job_is_followed_until_it_ends(up: Up) -> None:
    with client(up) as http:
        job = http.post("/api/v1/projections/relational/verify").headers["location"]
        with http.stream("GET", f"{job}/stream") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            events = [line.removeprefix("event: ") for line in stream.iter_lines() if line.startswith("event: ")]
        assert events[-1] == "done" and set(events[:-1]) <= {"progress"}
        assert http.delete(job).json()["state"] == "done", "one that ended stays as it ended"


def _at_once(_: Up) -> bool:
    return True


def _something_is_built(up: Up) -> bool:
    return _unfinished(up) != []


def _unfinished(up: Up) -> list[tuple[str, bool]]:
    """Generations that are being built, or were left behind: their ids, and whether somebody works on them."""
    return [
        (generation_id, leased)
        for generation_id, leased in up.rows(
            "SELECT id, leased_until > now() FROM annals.generations WHERE state NOT IN ('live', 'retired')"
        )
    ]


@pytest.mark.parametrize("when", [_at_once, _something_is_built])
def test_a_replay_that_is_cancelled_leaves_all_as_it_was_and_goes_on_later(
    up: Up, tmp_path: Path, when: Callable[[Up], bool]
) -> None:
    file = tmp_path / "many.jsonl"
    lines = [json.dumps({"id": f"jobs/{n}", "title": f"Note {n}", "text": f"Note {n}."}) for n in range(100)]
    file.write_text("\n".join(lines))
    given(up.data, "ingest", str(file))
    slow = {"rate": 1}  # aggregates a second: minutes before it would be done
    with client(up) as http:
        # More and more are found while documents come in; these stay the best.
        before = http.get("/api/v1/search", params={"query": "lighthouse", "k": 3}).json()["passages"]
        begun = http.post("/api/v1/projections/all/replay", json=slow, headers={"idempotency-key": str(uuid4())})
        job = begun.headers["location"]
        assert until(lambda: when(up), limit_s=60)
        cancelled = http.delete(job).json()
        assert (cancelled["state"], cancelled["error"]) == ("cancelled", None), cancelled
        assert until(lambda: not any(leased for _, leased in _unfinished(up)), limit_s=60)
        assert http.get("/api/v1/search", params={"query": "lighthouse", "k": 3}).json()["passages"] == before
        assert given(up.data, "verify")
        again = http.post("/api/v1/projections/all/replay", headers={"idempotency-key": str(uuid4())})
        job = again.headers["location"]
        assert until(lambda: http.get(job).json()["state"] != "running", limit_s=120)
        assert http.get(job).json()["state"] == "done", http.get(job).text
        assert _unfinished(up) == []
    assert given(up.data, "verify")


def test_status_and_models_as_the_command_has_them(up: Up) -> None:
    with client(up) as http:
        assert up.caught_up()
        told, own = http.get("/api/v1/status").json(), up.status()
        for name in ("documents", "chunks", "entities", "relations", "waiting", "dead_letters", "position"):
            assert told[name] == own[name], name
        assert set(told["databases"]) == set(own["databases"]) and set(told["projections"]) == set(own["projections"])
        found = http.get("/api/v1/models").json()
        assert {one["task"] for one in found["serving"]} == {"embedding", "entities", "relations"}
        (stored,) = found["stored"]
        assert stored["passages"] == told["chunks"]
        assert stored["revision"] in {one["revision"] for one in found["serving"]}
        http.post("/api/v1/users", json={"id": "status-reader", "kind": "user", "roles": ["reader"]})
        key = http.post("/api/v1/keys", json={"account": "status-reader", "name": "test"}).json()["text"]
        with client(up, key) as his:
            seen = his.get("/api/v1/status").json()
            assert seen["documents"] == told["documents"]
            assert (seen["databases"], seen["position"], seen["kafka"], seen["projections"]) == ({}, None, None, {})
            assert his.get("/api/v1/models").status_code == 403


def test_administrators_see_to_keys_blocks_and_compliance(up: Up) -> None:
    with client(up) as http:
        assert http.get("/api/v1/data-keys").status_code == 200
        assert http.post("/api/v1/data-keys/rotate", json={"subject": "nobody"}).json() == {"retired": 0}
        assert http.get("/api/v1/threats").json() == {"blocks": []}
        assert http.delete("/api/v1/threats/account%2Fnobody").status_code == 404
        assert http.delete("/api/v1/threats/nobody").status_code == 422
        report = http.get("/api/v1/compliance/reports/soc2").json()
        assert {one["name"] for one in report["checks"]} >= {"encryption", "audit-chain"}
        assert http.get("/api/v1/compliance/reports/iso").status_code == 422
        assert http.get("/api/v1/compliance/retention").json()["rules"]


def test_a_reader_reads_and_no_more(up: Up) -> None:
    with client(up) as http:
        made = http.post("/api/v1/users", json={"id": "gateway-reader", "kind": "user", "roles": ["reader"]})
        assert made.status_code == 201, made.text
        key = http.post("/api/v1/keys", json={"account": "gateway-reader", "name": "test"}).json()
        assert "text" in key and http.get(f"/api/v1/keys/{key['id']}").json()["text"] is None
        with client(up, key["text"]) as his:
            assert his.get("/api/v1/documents").status_code == 200
            for method, path in (
                ("PUT", "/api/v1/documents/x"),
                ("DELETE", "/api/v1/documents/x"),
                ("GET", "/api/v1/users"),
                ("POST", "/api/v1/keys"),
                ("GET", "/api/v1/audit"),
                ("GET", "/metrics"),
                ("GET", "/api/v1/data-keys"),
                ("GET", "/api/v1/threats"),
                ("GET", "/api/v1/compliance/reports/gdpr"),
                ("GET", "/api/v1/compliance/retention"),
                ("POST", "/api/v1/projections/all/replay"),
            ):
                assert his.request(method, path).status_code == 403, path
        denied = http.get("/api/v1/audit", params={"actor": "gateway-reader", "outcome": "denied"}).json()["entries"]
        assert len(denied) == 11
        assert http.delete(f"/api/v1/keys/{key['id']}").json()["revoked_at"]
        with client(up, key["text"]) as his:
            assert his.get("/api/v1/documents").status_code == 401
        assert http.patch("/api/v1/users/gateway-reader", json={"active": False}).json()["active"] is False
        assert {one["name"] for one in http.get("/api/v1/policies").json()["built_in"]} >= {"reader", "administrator"}


def sign_in(http: httpx.Client, said: dict[str, str]) -> httpx.Response:
    """Whoever failed before from this address slows it, for as long as the answer says."""
    while True:
        answer = http.post("/api/v1/auth/sign-in", json=said, headers={"x-request-id": "sign-in-1"})
        if answer.status_code != 429:
            return answer
        pause_s = float(answer.headers["retry-after"])
        assert pause_s < 60, answer.text
        time.sleep(pause_s)


def test_a_user_signs_in_refreshes_and_signs_out(up: Up) -> None:
    with client(up) as http, httpx.Client(base_url=http.base_url, timeout=60) as nobody:
        assert http.post("/api/v1/users", json={"id": "ines", "kind": "user", "roles": ["reader"]}).status_code == 201
        given(up.data, "users", "password", "ines", stdin=b"correct horse battery\n")
        right = {"user": "ines", "password": "correct horse battery"}
        wrong = [sign_in(nobody, right | one) for one in ({"password": "x"}, {"user": "igor"})]
        assert [(one.status_code, one.json()["detail"]) for one in wrong] == [(401, wrong[0].json()["detail"])] * 2
        tokens = sign_in(nobody, right).json()
        with client(up, tokens["access_token"]) as hers:
            assert hers.get("/api/v1/documents").status_code == 200
            following = nobody.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).json()
            end = nobody.post("/api/v1/auth/sign-out", json={"refresh_token": following["refresh_token"]})
            assert end.status_code == 204
            assert hers.get("/api/v1/documents").status_code == 401, "signing out ends every token of the sign-in"
        (key,) = nobody.get("/.well-known/jwks.json").json()["keys"]
        assert key["kty"] == "EC" and "d" not in key
        audited = http.get("/api/v1/audit", params={"actor": "ines", "category": "authentication"}).json()["entries"]
        assert ("sign in", "success", "sign-in-1") in {(e["action"], e["outcome"], e["request_id"]) for e in audited}
        assert {"sign in", "refresh", "sign out"} <= {one["action"] for one in audited}


def test_an_answer_waits_until_the_document_can_be_asked(up: Up) -> None:
    with client(up) as http:
        document = {"id": "gateway/waited", "title": "Wreck Point", "text": "Wreck Point was surveyed by Ilse Marten."}
        taken = http.post("/api/v1/documents", json=document, headers={"prefer": "wait=25"})
        assert (taken.status_code, taken.headers["preference-applied"]) == (201, "wait=25"), taken.text
        read = http.get("/api/v1/documents/gateway%2Fwaited")
        assert read.json()["stage"] == "processed" and read.headers["etag"] == taken.headers["etag"]
        chunks = http.get("/api/v1/documents/gateway%2Fwaited/chunks").json()["chunks"]
        assert [one["text"] for one in chunks] == [document["text"]]
        relations = http.get("/api/v1/relations", params={"document": "gateway/waited"}).json()["relations"]
        assert all(one["document_id"] == "gateway/waited" for one in relations)
        no_time = http.post("/api/v1/documents", json=document | {"title": "W"}, headers={"prefer": "wait=0"})
        assert no_time.status_code == 200 and "preference-applied" not in no_time.headers


def test_reads_are_as_new_as_a_position_that_is_known(up: Up) -> None:
    with client(up) as http:
        document = {"id": "gateway/position", "title": "Gannet Rock", "text": "Gannet Rock has a lighthouse."}
        position = http.post("/api/v1/documents", json=document).headers["annals-position"]
        read = http.get("/api/v1/documents/gateway%2Fposition", headers={"annals-position": position})
        assert read.status_code == 200, read.text
        far = http.get("/api/v1/documents", headers={"annals-position": "999999999"})
        assert (far.status_code, far.json()["type"]) == (503, "urn:annals:problem:behind")
        assert http.get("/api/v1/documents", headers={"annals-position": "x"}).status_code == 400


def test_events_of_a_request_and_as_they_come(up: Up) -> None:
    with client(up) as http:
        trace = "0af7651916cd43dd8448eb211c80319c"
        headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "prefer": "wait=25"}
        document = {"id": "gateway/events", "title": "Skua", "text": "The Skua sank off Tern Island."}
        assert up.caught_up(), "nothing of other tests comes in between"
        before = http.get("/api/v1/projections").json()["position"]
        assert http.post("/api/v1/documents", json=document, headers=headers).status_code == 201
        led_to = http.get(f"/api/v1/events/correlations/{trace}").json()["events"]
        assert led_to[0]["event_type"] == "DocumentIngested" and len(led_to) > 2
        history = http.get("/api/v1/events/aggregates/document/gateway%2Fevents", params={"limit": 2}).json()
        assert [one["aggregate_version"] for one in history["events"]] == [1, 2] and history["next"]
        assert http.get(f"/api/v1/events/{led_to[0]['event_id']}").json() == led_to[0]
        assert http.get("/api/v1/events/0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11").status_code == 404

        def followed(last: int, count: int) -> list[tuple[int, str]]:
            found = []
            with http.stream("GET", "/api/v1/events/stream", headers={"last-event-id": str(last)}) as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                position = 0
                for line in stream.iter_lines():
                    if line.startswith("id: "):
                        position = int(line[4:])
                    if line.startswith("event: "):
                        found.append((position, line[7:]))
                    if len(found) == count:
                        return found
            return found

        whole = followed(before, len(led_to))
        assert whole == [(one["position"], one["event_type"]) for one in led_to]
        assert followed(whole[1][0], len(led_to) - 2) == whole[2:], "goes on behind the last one that was seen"
        assert http.get("/api/v1/events/stream", headers={"last-event-id": "x"}).status_code == 400


@pytest.mark.parametrize(
    "command",
    [["sh", "client.sh"], [sys.executable, "client.py"], ["node", "client.mjs"]],
    ids=["curl", "Python", "JavaScript"],
)
def test_the_examples_get_an_answer(up: Up, command: list[str]) -> None:
    if shutil.which(command[0]) is None or (command[0] == "sh" and shutil.which("curl") is None):
        pytest.skip(f"{command[0]} is not here")
    with client(up) as http:
        assert until(lambda: http.get("/health/ready").status_code == 200, limit_s=120)
    token = read_admin_token(up.data)
    assert token is not None
    env = os.environ | {"ANNALS_TOKEN": token, "ANNALS_SERVER": up.status()["addresses"]["gateway"]}
    done = subprocess.run(
        command, cwd=ROOT / "examples" / "clients", env=env, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Ada Lovelace" in done.stdout


def test_a_killed_gateway_is_started_again_and_has_lost_nothing_acknowledged(up: Up) -> None:
    acknowledged: list[str] = []
    ended = threading.Event()

    with client(up) as http:
        url, headers = http.base_url, http.headers

    def write(writer: int) -> None:
        with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
            for number in range(10):
                name = f"gateway/killed/{writer}/{number}"
                with contextlib.suppress(httpx.TransportError):
                    text = f"Writer {writer} says {number}."
                    answer = http.post("/api/v1/documents", json={"id": name, "title": "K", "text": text})
                    if answer.status_code == 503:
                        # It has its port again, and is not open yet.
                        assert answer.headers["retry-after"] == "1" and "problem:starting" in answer.text
                    else:
                        assert answer.status_code in (200, 201), answer.text
                        acknowledged.append(name)
                ended.wait(0.4)

    before = up.pipeline.pids("gateway")
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        try:
            assert until(lambda: len(acknowledged) >= 4)
            up.pipeline.kill("gateway")
            assert until(lambda: up.pipeline.pids("gateway") not in (before, []), limit_s=60)
        finally:
            ended.set()
        for one in writers:
            one.result(60)
    with client(up) as http:
        assert until(lambda: _lives(http), limit_s=60)
        late = http.post("/api/v1/documents", json={"id": "gateway/killed/late", "title": "K", "text": "Late."})
        assert late.status_code == 201, "at the same address, with the same token"
    rows = up.rows(
        "SELECT document_id, count(*) FROM annals.stored_events JOIN annals.document_collections "
        "USING (originator_id) WHERE topic = 'DocumentIngested' "
        "AND document_id LIKE 'gateway/killed/%' GROUP BY document_id"
    )
    assert {*acknowledged, "gateway/killed/late"} <= {name for name, _ in rows}
    assert {times for _, times in rows} == {1}


def _lives(http: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return http.get("/health/live").status_code == 200
    return False
