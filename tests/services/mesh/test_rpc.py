"""Calls between services over real HTTP: what travels, what ends them, and what is tried again."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool
from security.service_tokens import ServiceIdentity
from services.deadline import Deadline, DeadlineExceededError
from services.errors import AccessDeniedError, InvalidRequestError, OverloadedError
from services.mesh.errors import RemoteFaultError, ServiceUnavailableError, UntrustedServiceError
from services.mesh.operations import OPERATIONS
from services.mesh.registry import Instance
from services.mesh.remote import RemoteReasoning, RemoteStorage
from services.mesh.rpc_headers import DEADLINE, TOKEN
from services.reasoning.interface import ReasoningQueryRequest
from services.storage.interface import StorageLocation, StoreDocumentRequest, StoreDocumentResponse
from tests.services.mesh.services import CALLER, METADATA, Mesh, Reasoning, open_mesh

ASKED = ReasoningQueryRequest("who?")


async def until(true: Callable[[], bool], limit_s: float = 10.0) -> None:
    async with asyncio.timeout(limit_s):
        while not true():  # noqa: ASYNC110  # the server's own tasks tell nobody
            await asyncio.sleep(0.01)


@pytest.fixture
async def mesh(pool: PostgresPool) -> AsyncIterator[Mesh]:
    async with open_mesh(pool) as opened:
        yield opened


async def test_request_caller_deadline_and_answer_travel(mesh: Mesh) -> None:
    service = Reasoning()
    handle = await mesh.serve(service)
    assert handle.service_name == "reasoning" and handle.endpoints[0].endswith("/rpc/query")
    answered = await RemoteReasoning(mesh.client).query(CALLER, ASKED, Deadline.after(5))
    assert (answered.answer, answered.reasoning_chains) == ("one", ("question -> \u00e9",))
    assert answered.processing_metadata == METADATA
    assert service.callers == [CALLER]
    assert 3 < service.deadlines[0] <= 5
    await handle.stop()
    with pytest.raises(ServiceUnavailableError, match="no instance of the service reasoning"):
        await RemoteReasoning(mesh.client).query(CALLER, ASKED, Deadline.after(5))


async def test_one_that_listens_at_an_address_of_ipv6_is_called_there(mesh: Mesh) -> None:
    try:
        handle = await mesh.serve(Reasoning(), bound="::1")
    except OSError:
        pytest.skip("this machine has no ::1")
    assert handle.instance.address.startswith("http://[::1]:")
    assert (await RemoteReasoning(mesh.client).query(CALLER, ASKED, Deadline.after(5))).answer == "one"
    await handle.stop()


async def test_one_that_listens_at_all_addresses_is_called_by_the_name_of_its_machine(mesh: Mesh) -> None:
    handle = await mesh.serve(Reasoning(), bound="0.0.0.0")
    try:
        assert handle.instance.address.startswith(f"http://{socket.gethostname()}:")
        answered = await RemoteReasoning(mesh.client).query(CALLER, ASKED, Deadline.after(5))
        assert answered.answer == "one"
    finally:
        await handle.stop()


async def test_no_part_of_an_answer_waits_for_an_acknowledgement(mesh: Mesh) -> None:
    """With Nagle's algorithm and delayed acknowledgements each call would take 40 ms."""
    handle = await mesh.serve(Reasoning())
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        await mesh.client.call("query", CALLER, ASKED, Deadline.after(5))
        taken.append(time.perf_counter() - began)
    assert min(taken) < 0.03
    await handle.stop()


async def test_a_document_travels_as_it_is(mesh: Mesh) -> None:
    class Storage:
        asked: Any = None

        async def store_document(self, caller: Any, request: Any, deadline: Any) -> StoreDocumentResponse:
            self.asked = request
            return StoreDocumentResponse(
                request.document_id,
                "ingested",
                (StorageLocation("log", 7, True), StorageLocation("graph", None, False)),
                {"version": 1},
            )

    storage = Storage()
    handle = await mesh.serve(storage, "storage")
    attributes = {"year": 1911, "share": 0.5, "whole": 2.0, "old": True, "none": None, "town": "Lisse \U0001f600"}
    request = StoreDocumentRequest("d/\u00e9", "T", 'text \u2028 \\ "', "https://a/b?c", attributes)
    stored = await RemoteStorage(mesh.client).store_document(CALLER, request, Deadline.after(5))
    assert storage.asked == request
    assert {name: type(value) for name, value in storage.asked.attributes.items()} == {
        name: type(value) for name, value in attributes.items()
    }
    assert stored.storage_locations[1].position is None and stored.processing_metadata == {"version": 1}
    await handle.stop()


@pytest.mark.parametrize(
    "error",
    [
        AccessDeniedError("eve may not execute reasoning: no role; ask an administrator"),
        StoreUnavailableError("PostgreSQL does not answer"),
        InvalidRequestError("query: is too long; send less"),
    ],
)
async def test_errors_of_ours_come_out_as_they_went_in(mesh: Mesh, error: Exception) -> None:
    service = Reasoning(error=error)
    handle = await mesh.serve(service)
    for _ in range(7):  # none of them is a failure of the peer
        with pytest.raises(type(error)) as raised:
            await mesh.client.call("query", CALLER, ASKED, Deadline.after(5))
        assert str(raised.value) == str(error)
    assert len(service.callers) == 7
    await handle.stop()


async def test_of_a_defect_nothing_is_told(mesh: Mesh) -> None:
    handle = await mesh.serve(Reasoning(error=RuntimeError("the password is hunter2")))
    with pytest.raises(RemoteFaultError) as raised:
        await mesh.client.call("query", CALLER, ASKED, Deadline.after(5))
    assert "hunter2" not in str(raised.value)
    await handle.stop()


async def test_a_call_waits_for_an_instance_that_replaces_a_killed_one(mesh: Mesh) -> None:
    first = await mesh.serve(Reasoning("first"))
    assert (await mesh.client.call("query", CALLER, ASKED, Deadline.after(5))).answer == "first"
    await first.stop()
    await mesh.registry.renew(first.instance, 60)  # as of one that was killed, which withdrew from nothing
    waiting = [asyncio.create_task(mesh.client.call("query", CALLER, ASKED, Deadline.after(20))) for _ in range(5)]
    await until(lambda: mesh.client._balancer("reasoning").is_one_gone([first.instance]))
    second = await mesh.serve(Reasoning("second"))
    assert [answered.answer for answered in await asyncio.gather(*waiting)] == ["second"] * 5
    assert mesh.client._balancer("reasoning").broken == 0
    await second.stop()


@pytest.mark.parametrize("with_another", [False, True])
async def test_calls_that_one_process_took_with_it_are_answered_by_its_successor(
    mesh: Mesh, with_another: bool
) -> None:
    """So many at once open its breaker; `with_another`: killed with it, which is asked next and takes no connection."""
    taken: list[asyncio.StreamWriter] = []

    def killed(port: int) -> Instance:
        identity = ServiceIdentity("reasoning")
        return Instance("reasoning", identity.peer.instance, "1", f"http://127.0.0.1:{port}", identity.public_key)

    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        taken.append(writer)
        if len(taken) == 8:
            if with_another:
                await mesh.registry.renew(killed(closed.getsockname()[1]))
                mesh.client._discovery.look_again("reasoning")
            server.close()
            for one in taken:
                one.close()

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = await asyncio.start_server(end, "127.0.0.1", 0)
        await mesh.registry.renew(killed(server.sockets[0].getsockname()[1]))
        waiting = [asyncio.create_task(mesh.client.call("query", CALLER, ASKED, Deadline.after(20))) for _ in range(8)]
        balancer = mesh.client._balancer("reasoning")
        await until(lambda: balancer.broken == 1)
        if with_another:
            await until(lambda: any(peer.gone_until for peer in balancer._peers.values()))
            await asyncio.sleep(0.1)
        successor = await mesh.serve(Reasoning("successor"))
        assert [answered.answer for answered in await asyncio.gather(*waiting)] == ["successor"] * 8
        await successor.stop()


@pytest.mark.parametrize("is_idempotent", [True, False])
async def test_an_answer_that_is_lost_is_asked_for_again_where_that_may_be(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, is_idempotent: bool
) -> None:
    """One of two instances takes requests and breaks off, as one that is killed over them."""
    operations = {**OPERATIONS, "query": replace(OPERATIONS["query"], is_idempotent=is_idempotent)}
    monkeypatch.setattr("services.mesh.rpc_client.OPERATIONS", operations)
    taken = 0

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n")
        taken += 1
        writer.close()

    good = await mesh.serve(Reasoning("good"))
    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
        port, identity = server.sockets[0].getsockname()[1], ServiceIdentity("reasoning")
        await mesh.registry.renew(
            Instance("reasoning", identity.peer.instance, "1", f"http://127.0.0.1:{port}", identity.public_key)
        )
        lost = 0
        mesh.client._balancer("reasoning")._ejected_s = 60.0
        # Which of the two is asked is chance: of twelve calls one run in fifty had fewer than three for it.
        for _ in range(60):
            try:
                assert (await mesh.client.call("query", CALLER, ASKED, Deadline.after(5))).answer == "good"
            except ServiceUnavailableError:
                lost += 1
    # After three failures in a row it is passed over.
    assert taken == 3 and lost == (0 if is_idempotent else 3)
    assert mesh.client._balancer("reasoning").ejected == 1
    await good.stop()


async def test_a_body_is_not_waited_for_for_ever_nor_kept_of_a_stranger(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    from security.service_tokens import Peer
    from services.mesh.caller_claims import claims_of

    monkeypatch.setattr("services.mesh.rpc_server.READ_LIMIT_S", 0.3)
    handle = await mesh.serve(Reasoning())
    peer, port = Peer("reasoning", handle.instance.instance), int(handle.instance.address.rsplit(":", 1)[1])
    known = mesh.identity.sign(peer, b"x" * 100, {"op": "query", **claims_of(CALLER)})
    for token, status in ((known, b"504"), ("a.b.c", b"401")):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /rpc/query HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 100\r\n\r\n"
        writer.write(head.encode() + b"x")
        async with asyncio.timeout(5):
            assert (await reader.readline()).split()[1] == status
        writer.close()
    await handle.stop()


async def test_too_much_work_is_tried_again_elsewhere(mesh: Mesh) -> None:
    full, free = Reasoning("full", error=OverloadedError()), Reasoning("free")
    handles = [await mesh.serve(service) for service in (full, free)]
    for _ in range(8):
        assert (await mesh.client.call("query", CALLER, ASKED, Deadline.after(5))).answer == "free"
    for handle in handles:
        await handle.stop()


async def test_too_much_work_everywhere_says_when_to_come_again(mesh: Mesh) -> None:
    handle = await mesh.serve(Reasoning("full", error=OverloadedError("full; come again", retry_after_s=7.5)))
    with pytest.raises(OverloadedError, match="full; come again") as refused:
        await mesh.client.call("query", CALLER, ASKED, Deadline.after(5))
    assert refused.value.retry_after_s == 7.5
    await handle.stop()


async def test_a_deadline_ends_both_sides(mesh: Mesh) -> None:
    service = Reasoning(hangs=True)
    handle = await mesh.serve(service)
    with pytest.raises(DeadlineExceededError):
        await mesh.client.call("query", CALLER, ASKED, Deadline.after(0.3))
    await until(lambda: service.cancelled == 1)
    assert service.deadlines[0] <= 0.3
    await handle.stop()


async def test_the_server_keeps_the_deadline_of_a_client_that_does_not(mesh: Mesh) -> None:
    service = Reasoning(hangs=True)
    handle = await mesh.serve(service)
    status, said = await raw(mesh, handle.instance, headers={DEADLINE: "200"})
    assert (status, said["error"]) == (504, "DeadlineExceededError") and service.cancelled == 1
    await handle.stop()


async def test_who_goes_away_calls_the_work_off(mesh: Mesh) -> None:
    service = Reasoning(hangs=True)
    handle = await mesh.serve(service)
    call = asyncio.create_task(mesh.client.call("query", CALLER, ASKED, Deadline.after(60)))
    await until(lambda: len(service.callers) == 1)
    call.cancel()
    await until(lambda: service.cancelled == 1)
    await handle.stop()


async def raw(
    mesh: Mesh,
    instance: Instance,
    *,
    token: str | None = None,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    operation: str = "query",
) -> tuple[int, Any]:
    """A request of our own making; rightly signed where no token is given."""
    from security.service_tokens import Peer
    from services.mesh.caller_claims import claims_of

    content = OPERATIONS["query"].requests.dump_json(ASKED) if body is None else body
    if token is None:
        peer = Peer(instance.service, instance.instance)
        token = mesh.identity.sign(peer, content, {"op": operation, **claims_of(CALLER)})
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        response = await client.post(
            f"{instance.address}/rpc/{operation}",
            content=content,
            headers={TOKEN: f"Bearer {token}", DEADLINE: "5000", **(headers or {})},
        )
    return response.status_code, response.json()


async def test_who_does_not_prove_who_he_is_gets_nothing(mesh: Mesh) -> None:
    from security.service_tokens import Peer
    from services.mesh.caller_claims import claims_of

    service = Reasoning()
    handle, other = await mesh.serve(service), await mesh.serve(Reasoning())
    body = OPERATIONS["query"].requests.dump_json(ASKED)
    claims = {"op": "query", **claims_of(CALLER)}
    peer = Peer("reasoning", handle.instance.instance)
    stranger = ServiceIdentity("gateway")
    once = mesh.identity.sign(peer, body, claims)
    assert (await raw(mesh, handle.instance, token=once))[0] == 200
    attempts = {
        "nothing": ".",
        "nonsense": "x.y.z",
        "a stranger": stranger.sign(peer, body, claims),
        "another body": mesh.identity.sign(peer, body + b" ", claims),
        "another instance": mesh.identity.sign(Peer("reasoning", other.instance.instance), body, claims),
        "the same again": once,
    }
    for attempt, token in attempts.items():
        status, said = await raw(mesh, handle.instance, token=token)
        assert (status, said["error"]) == (401, "ServiceTokenError"), attempt
    for unsaid in ({}, {"caller": None}, {"caller": {"tenant": "theirs"}}):
        status, said = await raw(mesh, handle.instance, token=mesh.identity.sign(peer, body, {"op": "query", **unsaid}))
        assert status == 401, unsaid
    status, said = await raw(mesh, handle.instance, token=mesh.identity.sign(peer, body, {**claims, "op": "other"}))
    assert status == 404
    assert len(service.callers) == 1
    for one in (handle, other):
        await one.stop()


@pytest.mark.parametrize("said", ["", "x", "-1", "0", "1.5", "9" * 12, "1e3"])
async def test_a_request_has_a_deadline(mesh: Mesh, said: str) -> None:
    handle = await mesh.serve(Reasoning())
    status, answer = await raw(mesh, handle.instance, headers={DEADLINE: said})
    assert (status, answer["error"]) == (400, "InvalidRequestError")
    await handle.stop()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query":7}', b'{"query":""}', b'{"query":"who?","more":1}' * 2])
async def test_what_is_no_request_is_refused(mesh: Mesh, body: bytes) -> None:
    handle = await mesh.serve(Reasoning())
    status, answer = await raw(mesh, handle.instance, body=body)
    assert (status, answer["error"]) == (400, "InvalidRequestError")
    await handle.stop()


async def test_an_impostor_at_a_services_address_is_not_believed(mesh: Mesh) -> None:
    """Registered is one process, at its address answers another one."""
    answer = json.dumps({"answer": "false", "confidence": 1.0}).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(answer) + answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        identity = ServiceIdentity("reasoning")
        await mesh.registry.renew(
            Instance("reasoning", identity.peer.instance, "1", f"http://127.0.0.1:{port}", identity.public_key)
        )
        with pytest.raises(UntrustedServiceError):
            await mesh.client.call("query", CALLER, ASKED, Deadline.after(5))


async def test_a_hanging_service_opens_its_breaker_and_no_other(mesh: Mesh) -> None:
    from services.processing.interface import EntityExtractionRequest, EntityExtractionResponse

    class Processing:
        async def extract_entities(self, caller: Any, request: Any, deadline: Any) -> EntityExtractionResponse:
            return EntityExtractionResponse((), 0.0, {}, {})

    hanging = Reasoning(hangs=True)
    handles = [await mesh.serve(hanging), await mesh.serve(Processing(), "processing")]

    async def ask() -> Any:
        return await mesh.client.call("query", CALLER, ASKED, Deadline.after(1.0))

    async def others() -> None:
        await mesh.client.call("extract_entities", CALLER, EntityExtractionRequest("Ada."), Deadline.after(10))

    ended = await asyncio.gather(*(ask() for _ in range(5)), *(others() for _ in range(20)), return_exceptions=True)
    assert [type(one) for one in ended[:5]] == [DeadlineExceededError] * 5 and ended[5:] == [None] * 20
    asked = len(hanging.callers)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(ServiceUnavailableError):
        await ask()
    assert loop.time() - began < 0.9 and len(hanging.callers) == asked == 5
    await others()

    hanging.hangs = False

    async def closed() -> bool:
        try:
            return bool((await ask()).answer)
        except ServiceUnavailableError:
            return False

    async with asyncio.timeout(10):
        while not await closed():  # noqa: ASYNC110  # it closes by itself
            await asyncio.sleep(0.05)
    assert mesh.client._balancer("reasoning").broken == 0
    for handle in handles:
        await handle.stop()
