"""Addresses that somebody would have us call (SSRF): what is not ours to call is not called."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.gateway.attacks.attack import Target, says_nothing


class Trap:
    """Counts who connects."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.2)
        self.port = self._listening.getsockname()[1]
        self.calls = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            self.calls += 1
            connection.close()

    def close(self) -> None:
        """Count no more."""
        self._ended.set()
        self._thread.join(5)
        self._listening.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    """On loopback, where nobody of us has anything to do."""
    opened = Trap()
    yield opened
    opened.close()


URIS = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://user:secret@127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_x",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "jar:http://127.0.0.1:{port}!/",
    "//127.0.0.1:{port}/",
]


@pytest.mark.parametrize("uri", URIS)
def test_a_documents_address_is_called_by_nobody(target: Target, trap: Trap, uri: str) -> None:
    attacker = target.attacker("administrator")
    text = uri.replace("{port}", str(trap.port))
    for body in (
        {"id": "ssrf", "title": text, "text": f"See {text} now.", "uri": text},
        {"id": "ssrf", "title": "t", "text": text, "uri": text, "attributes": {"uri": text, "image": text}},
    ):
        answer = target.send(attacker, "POST", "/api/v1/documents", json=body)
        assert answer.status_code in (200, 201, 422), answer.text
        says_nothing(answer.text)
    question = target.send(attacker, "POST", "/api/v1/entities/extract", json={"text": f"See {text} now."})
    assert question.status_code == 200, question.text
    assert "root:" not in question.text
    assert trap.calls == 0
    assert target.found_in_audit(attacker, None)


@pytest.mark.parametrize("header", ["referer", "origin", "x-forwarded-host", "forwarded", "link", "x-callback-url"])
def test_an_address_in_a_header_is_called_by_nobody(target: Target, trap: Trap, header: str) -> None:
    attacker = target.attacker("administrator")
    address = f"http://127.0.0.1:{trap.port}/"
    assert target.send(attacker, "GET", "/api/v1/documents", headers={header: address}).status_code == 200
    assert trap.calls == 0
    assert target.found_in_audit(attacker, "success")


@pytest.mark.parametrize("claim", ["jku", "x5u", "iss"])
def test_an_address_in_a_token_is_called_by_nobody(target: Target, trap: Trap, claim: str) -> None:
    import base64
    import json

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    attacker = target.attacker()
    address = f"http://127.0.0.1:{trap.port}/.well-known/jwks.json"
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "k", **({claim: address} if claim != "iss" else {})}
    token = f"{part(header)}.{part({'iss': address, 'sub': 'ada', 'aud': 'annals'})}.{part('x')}"
    answer = target.send(attacker, "GET", "/api/v1/documents", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert trap.calls == 0
    assert target.found_in_audit(attacker, "denied", tenant=None)
