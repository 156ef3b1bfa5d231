"""Requests whose end is not where it seems to be (smuggling), heads without end, and clients that take their time."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from gateway import connections
from gateway.chain.processing import BODY_LIMIT_S
from tests.gateway.attacks.attack import Attacker, Target, received, says_nothing, status_of

HEAD = b"POST /api/v1/storage/traverse HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
CHUNKED = b"{proof}Transfer-Encoding: chunked\r\n\r\n"
GRACE_S = 8.0
HIDDEN = b"GET /api/v1/users HTTP/1.1\r\nHost: gateway\r\nX-Hidden: "

SMUGGLED: dict[str, bytes] = {
    "both lengths": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "both lengths, the other way round": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths in one": b"Content-Length: 5, 50\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "another coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked before another": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a space before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a tab for a space": b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a folded header": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a vertical tab": b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a size below zero": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + HIDDEN,
    "a size that is none": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" + HIDDEN,
    "a size with 0x": b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n" + HIDDEN,
    "a size beyond 64 bits": b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + HIDDEN,
    "line feeds alone": b"Transfer-Encoding: chunked\n\n0\n\n" + HIDDEN,
    "a carriage return alone": b"X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a NUL in a header": b"X: a\x00b\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a NUL in a name": b"X\x00: a\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "no name": b": a\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "no colon": b"Content-Length 5\r\n\r\n" + HIDDEN,
    "a line that begins with a space": b" X: a\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_nothing_is_smuggled(target: Target, name: str) -> None:
    """The one request is refused, and what hides behind it is not answered, or answered as nobody's."""
    attacker = target.attacker("administrator")
    proof = f"Authorization: Bearer {attacker.token}\r\n".encode()
    answer = target.raw(attacker, HEAD + proof + SMUGGLED[name] + b"\r\nConnection: close\r\n\r\n")
    assert status_of(answer) in (400, 401, 408, 413, 415, 422), answer
    assert b'"accounts"' not in answer, "the hidden request must not have the first one's rights"
    assert answer.count(b"HTTP/1.1 200") == 0
    says_nothing(answer.decode("latin-1"))
    assert target.send(attacker, "GET", "/api/v1/documents").status_code == 200


GARBAGE: dict[str, bytes] = {
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 100,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "HTTP/0.9": b"GET /api/v1/documents\r\n\r\n",
    "HTTP/9.9": b"GET /api/v1/documents HTTP/9.9\r\nHost: a\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.0\r\n",
    "Redis": b"*1\r\n$4\r\nPING\r\n",
    "PostgreSQL": bytes.fromhex("0000000804d2162f"),
    "zeros": b"\x00" * 1000,
    "a method of ten thousand letters": b"A" * 10_000 + b" / HTTP/1.1\r\n\r\n",
    "a method in lower case": b"get /api/v1/documents HTTP/1.1\r\nHost: a\r\n\r\n",
    "newlines": b"\r\n" * 100 + b"X",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_http(target: Target, name: str) -> None:
    attacker = target.attacker()
    answer = target.raw(attacker, GARBAGE[name])
    assert status_of(answer) in (0, 400, 401, 408), answer
    says_nothing(answer.decode("latin-1"))
    assert target.send(attacker, "GET", "/health/live").status_code == 200


TOO_MUCH: dict[str, bytes] = {
    "a header of a megabyte": b"GET /health/live HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "a header's name of a megabyte": b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + b"a" * 1_000_000 + b": b\r\n\r\n",
    "ten thousand headers": b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",
    "two hundred headers": b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    "a path of a megabyte": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a query of a megabyte": b"GET /health/live?" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a header that does not end": b"GET /health/live HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 300_000,
    "headers that do not end": b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 50_000,
    "a path that does not end": b"GET /" + b"a" * 300_000,
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_head_has_an_end(target: Target, name: str) -> None:
    attacker, before = target.attacker(), target.gateway.resident_bytes
    with target.connected(attacker) as connection:
        try:
            for start in range(0, len(TOO_MUCH[name]), 65_536):
                connection.sendall(TOO_MUCH[name][start : start + 65_536])
        except OSError:
            pass  # it was closed in the midst
        answer = received(connection)
    assert status_of(answer) in (0, 431), answer
    assert target.gateway.resident_bytes - before < 20 * 1024 * 1024
    assert target.send(attacker, "GET", "/health/live").status_code == 200


def test_trailers_are_not_headers(target: Target) -> None:
    attacker = target.attacker()
    key = target.attacker("administrator").token
    answer = target.raw(
        attacker,
        HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"2\r\n{}\r\n0\r\nAuthorization: Bearer " + str(key).encode() + b"\r\n\r\n",
    )
    assert status_of(answer) == 401, answer


HEAD_LIMIT_S, REST_LIMIT_S = connections.HEAD_LIMIT_S, connections.REST_LIMIT_S
UNREAD = b"POST /api/v1/documents HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Slow:
    """`first` at once, then `drop` each half second, nothing where it is empty; let go within `limit_s`."""

    name: str
    first: bytes
    drop: bytes
    statuses: tuple[int, ...]
    limit_s: float


SLOW = (
    Slow("nothing at all", b"", b"", (0,), HEAD_LIMIT_S),
    Slow("half a request line", b"GET /health", b"", (0,), HEAD_LIMIT_S),
    Slow("a head that is not ended", b"GET /health/live HTTP/1.1\r\nHost: a\r\n", b"", (0,), HEAD_LIMIT_S),
    Slow("a head that drips", b"GET /health/live HTTP/1.1\r\n", b"X: a\r\n", (0,), HEAD_LIMIT_S),
    Slow("a request line that drips", b"GET /", b"a", (0,), HEAD_LIMIT_S),
    Slow("a header that drips", b"GET /health/live HTTP/1.1\r\nX: ", b"a", (0,), HEAD_LIMIT_S),
    Slow("a body that drips behind its answer", UNREAD, b"1\r\na\r\n", (401,), REST_LIMIT_S),
    Slow("a body that does not come, behind its answer", UNREAD, b"", (401,), REST_LIMIT_S),
    Slow("a body that drips", HEAD + b"{proof}Content-Length: 60000\r\n\r\n", b" ", (408,), BODY_LIMIT_S),
    Slow("a body that does not come", HEAD + b"{proof}Content-Length: 60000\r\n\r\n", b"", (408,), BODY_LIMIT_S),
    Slow("chunks that drip", HEAD + CHUNKED, b"1\r\n \r\n", (408,), BODY_LIMIT_S),
    Slow("a chunk that drips", HEAD + CHUNKED + b"ffff\r\n", b" ", (408,), BODY_LIMIT_S),
)


def dripped(target: Target, attacker: Attacker, slow: Slow) -> tuple[bytes, float]:
    """What is answered, and after how many seconds the connection has ended."""
    began, answer = time.monotonic(), b""
    proof = f"Authorization: Bearer {attacker.token}\r\n".encode()
    with target.connected(attacker, 0.5) as connection:
        connection.sendall(slow.first.replace(b"{proof}", proof))
        while (took_s := time.monotonic() - began) < slow.limit_s + GRACE_S:
            try:
                connection.sendall(slow.drop)
                some = connection.recv(65_536)
            except TimeoutError:
                continue
            except OSError:
                break
            if not some:
                break
            answer += some
    return answer, took_s


@pytest.mark.timeout(120)
def test_slow_clients_are_let_go_and_keep_nobody_out(target: Target) -> None:
    """All at once, and five hundred more; somebody else is answered meanwhile."""
    other, nobody = target.attacker("reader"), target.attacker()
    attackers = {slow: target.attacker("administrator") for slow in SLOW}
    crowd = [target.connected(nobody, HEAD_LIMIT_S + GRACE_S) for _ in range(500)]
    with ThreadPoolExecutor(len(SLOW)) as pool:
        running = {slow: pool.submit(dripped, target, attackers[slow], slow) for slow in SLOW}
        for one in crowd:
            one.sendall(b"GET /health/live HTTP/1.1\r\n")
        for _ in range(5):
            assert target.send(other, "GET", "/api/v1/documents").elapsed.total_seconds() < 5
        for one in crowd:
            assert received(one) == b"", "it is let go"
            one.close()
        for slow, ended in running.items():
            answer, took_s = ended.result()
            assert status_of(answer) in slow.statuses, (slow.name, answer)
            assert took_s < slow.limit_s + GRACE_S, slow.name


ENDLESS: dict[str, bytes] = {
    "trailers": b"2\r\n{}\r\n0\r\n",
    "one trailer": b"2\r\n{}\r\n0\r\nX: ",
    "an extension of a chunk": b"2;x=",
    "a chunk's size": b"0",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_no_body_has_an_end_too(target: Target, name: str) -> None:
    attacker, before = target.attacker("administrator"), target.gateway.resident_bytes
    proof = f"Authorization: Bearer {attacker.token}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    more = b"X: a\r\n" * 10_000 if name == "trailers" else b"0" * 60_000
    with target.connected(attacker) as connection:
        try:
            connection.sendall(HEAD + proof + ENDLESS[name])
            for _ in range(200):
                connection.sendall(more)
        except OSError:
            pass  # it was closed in the midst
        assert status_of(received(connection)) in (0, 400, 413, 422, 431)
    assert target.gateway.resident_bytes - before < 10 * 1024 * 1024
