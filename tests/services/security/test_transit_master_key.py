"""A master key in a key management system: a small server on loopback that speaks as a transit engine does."""

import base64
import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eventstore.errors import StoreUnavailableError
from inference.external.client import ExternalSystemClient
from inference.external.settings import ClientSettings
from security.encryption import new_key
from security.errors import MasterKeyError
from security.master_key import LocalKey, WrappedKey
from services.security.transit_master_key import TransitMasterKey

TOKEN = "hvs.secretsecret"
KEY = new_key()


class Transit:
    """Versions of one key, `annals`, that never leave it; `faults` are statuses, taken one a request."""

    def __init__(self) -> None:
        self.versions = [LocalKey(new_key())]
        self.faults: list[int] = []
        self.requests: list[str] = []
        self.redirect: str | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append(self.path)
                status, answer = outer.answered(self.path, body, self.headers.get("Authorization"))
                raw = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                if outer.redirect is not None:
                    self.send_header("Location", outer.redirect + self.path)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def answered(self, path: str, body: dict[str, str], login: str | None) -> tuple[int, object]:
        if self.redirect is not None:
            return 307, None
        if self.faults:
            return self.faults.pop(0), {"errors": [f"not now, {login}"]}
        if login != f"Bearer {TOKEN}":
            return 403, {"errors": ["permission denied"]}
        associated = base64.b64decode(body.get("associated_data", ""))
        match path.removeprefix("/v1/transit/").split("/"):
            case ["encrypt", "annals"]:
                wrapped = self.versions[-1].wrap(base64.b64decode(body["plaintext"]), associated)
                text = f"vault:v{len(self.versions)}:{base64.b64encode(wrapped.data).decode()}"
                return 200, {"data": {"ciphertext": text}}
            case ["decrypt", "annals"]:
                _, version, data = body["ciphertext"].split(":")
                key = self.versions[int(version[1:]) - 1]
                try:
                    plain = key.unwrap(WrappedKey(key.id, base64.b64decode(data)), associated)
                except MasterKeyError:
                    return 400, {"errors": ["cipher: message authentication failed"]}
                return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}
            case ["keys", "annals", "rotate"]:
                self.versions.append(LocalKey(new_key()))
                return 204, None
        return 404, {"errors": []}


@pytest.fixture
def transit() -> Iterator[Transit]:
    made = Transit()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def client(url: str, folder: Path, token: str = TOKEN) -> ExternalSystemClient:
    return ExternalSystemClient(
        ClientSettings("kms", url, folder, first_wait_s=0.01, most_wait_s=0.02, rate=1000.0), token
    )


@pytest.fixture
async def master(transit: Transit, tmp_path: Path) -> AsyncIterator[TransitMasterKey]:
    async with client(transit.url, tmp_path) as opened:
        yield TransitMasterKey(opened, "annals")


async def test_what_it_wraps_it_unwraps_and_no_other_row(master: TransitMasterKey) -> None:
    wrapped = await master.wrap(KEY, b"row 1")
    assert wrapped.master == "transit:annals" and wrapped.data.startswith(b"vault:v1:")
    assert await master.unwrap(wrapped, b"row 1") == KEY
    with pytest.raises(MasterKeyError, match="message authentication failed"):
        await master.unwrap(wrapped, b"row 2")
    with pytest.raises(MasterKeyError, match="not by transit:annals"):
        await master.unwrap(WrappedKey("transit:other", wrapped.data), b"row 1")


async def test_it_rotates_and_older_versions_unwrap(master: TransitMasterKey) -> None:
    old = await master.wrap(KEY, b"")
    await master.rotate()
    new = await master.wrap(KEY, b"")
    assert new.data.startswith(b"vault:v2:")
    assert await master.unwrap(old, b"") == await master.unwrap(new, b"") == KEY


async def test_a_system_that_is_busy_is_asked_again(master: TransitMasterKey, transit: Transit) -> None:
    transit.faults = [503, 429, 500]
    assert await master.unwrap(await master.wrap(KEY, b""), b"") == KEY
    assert len(transit.requests) == 5
    transit.faults = [503] * 10
    with pytest.raises(StoreUnavailableError, match="the key management system is away") as raised:
        await master.wrap(KEY, b"")
    assert TOKEN not in str(raised.value)


async def test_one_that_refuses_is_not(transit: Transit, tmp_path: Path) -> None:
    async with client(transit.url, tmp_path, "hvs.wrong") as opened:
        with pytest.raises(MasterKeyError, match="permission denied"):
            await TransitMasterKey(opened, "annals").wrap(KEY, b"")
    assert len(transit.requests) == 1


async def test_a_key_is_never_sent_where_a_redirect_points(
    master: TransitMasterKey, transit: Transit, tmp_path: Path
) -> None:
    other = Transit()
    thread = threading.Thread(target=other.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        transit.redirect = other.url.rstrip("/")
        with pytest.raises(MasterKeyError, match="307"):
            await master.wrap(KEY, b"")
        assert other.requests == []
    finally:
        other.server.shutdown()
        thread.join()
        other.server.server_close()


@pytest.mark.parametrize("answer", [None, {}, {"data": None}, {"data": {"ciphertext": 1}}, ["data"]])
async def test_nonsense_is_no_key(
    master: TransitMasterKey, transit: Transit, answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transit, "answered", lambda *_: (200, answer))
    with pytest.raises(MasterKeyError, match="does not answer as a transit engine"):
        await master.wrap(KEY, b"")


async def test_one_that_is_gone_is_away(tmp_path: Path) -> None:
    async with client("http://127.0.0.1:9/", tmp_path) as opened:
        with pytest.raises(StoreUnavailableError, match="cannot be reached"):
            await TransitMasterKey(opened, "annals").wrap(KEY, b"")
