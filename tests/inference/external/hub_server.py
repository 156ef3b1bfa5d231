"""A small hub on loopback that speaks as HuggingFace's does, with faults to switch on."""

import hashlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LFS_SUFFIXES = (".safetensors", ".bin", ".h5")


@dataclass(frozen=True)
class Request:
    """What came in. Header names are in lower case."""

    path: str
    headers: dict[str, str]

    @property
    def is_file(self) -> bool:
        return "/resolve/" in self.path or self.path.startswith("/store/")


@dataclass
class Hub:
    """Models by id, each with its commits in order; branches point to commits. `faults` are taken one a request."""

    url: str = ""
    store_url: str = ""
    models: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    token: str | None = None
    cache_control: str | None = None
    ranges: bool = True
    redirects: bool = False
    faults: deque[str] = field(default_factory=deque)
    lies: dict[str, bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def publish(self, model_id: str, files: dict[str, bytes], branch: str = "main") -> str:
        """A new commit at the branch."""
        known = self.models.setdefault(model_id, {})
        said = json.dumps([model_id, len(known), sorted((name, body.hex()) for name, body in files.items())])
        commit = hashlib.sha1(said.encode()).hexdigest()
        known[commit] = dict(files)
        self.branches[model_id, branch] = commit
        return commit

    def publish_folder(self, model_id: str, folder: Path) -> str:
        """A new commit with all files of a folder."""
        return self.publish(model_id, {path.name: path.read_bytes() for path in folder.iterdir()})

    @property
    def file_requests(self) -> list[Request]:
        return [request for request in self.requests if request.is_file]


class Handler(BaseHTTPRequestHandler):
    """`hub` and `is_store` are set by `serving`."""

    protocol_version = "HTTP/1.1"
    hub: Hub
    is_store = False

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(Request(self.path, {name.lower(): value for name, value in self.headers.items()}))
        fault = self.hub.faults.popleft() if self.hub.faults else "none"
        if self._failed(fault):
            return
        if self.is_store:
            return self._bytes(
                self._found(*self._parts(path, "/store/(?P<id>.+)/(?P<at>[0-9a-f]{40})/(?P<name>.+)")), fault
            )
        if self.hub.token is not None and self.headers["authorization"] != f"Bearer {self.hub.token}":
            said = f"Invalid credentials {self.headers['authorization']}, this model is gated"
            return self._send(401, said.encode())
        if path.startswith("/api/"):
            return self._info(*self._parts(path, "/api/models/(?P<id>.+)/revision/(?P<at>[^/]+)"))
        model_id, commit, name = self._parts(path, "/(?P<id>.+)/resolve/(?P<at>[^/]+)/(?P<name>.+)")
        if self.hub.redirects:
            return self._send(302, b"", {"Location": f"{self.hub.store_url}/store/{model_id}/{commit}/{name}"})
        return self._bytes(self._found(model_id, commit, name), fault, commit)

    def _failed(self, fault: str) -> bool:
        if fault.isdigit():
            self._send(int(fault), b"not now")
        elif fault.startswith("429 "):
            self._send(429, b"too many", {"Retry-After": fault.split(" ", 1)[1]})
        elif fault == "slow":
            time.sleep(0.5)
            self.close_connection = True
        elif fault == "hang up":
            self.close_connection = True
        else:
            return False
        return True

    def _parts(self, path: str, form: str) -> tuple[str, ...]:
        match = re.fullmatch(form, path)
        return match.groups() if match else ("", "", "")

    def _found(self, model_id: str, commit: str, name: str) -> bytes | None:
        return self.hub.lies.get(name) or self.hub.models.get(model_id, {}).get(commit, {}).get(name)

    def _info(self, model_id: str, revision: str, *_: str) -> None:
        commits = self.hub.models.get(model_id, {})
        commit = revision if revision in commits else self.hub.branches.get((model_id, revision))
        if commit is None:
            return self._send(404, b'{"error":"Repository not found"}')
        siblings = [_sibling(name, body) for name, body in commits[commit].items()]
        body = json.dumps({"id": model_id, "sha": commit, "siblings": siblings}).encode()
        headers = {"ETag": f'W/"{hashlib.md5(body).hexdigest()}"', "Content-Type": "application/json"}
        if self.hub.cache_control:
            headers["Cache-Control"] = self.hub.cache_control
        if self.headers["if-none-match"] == headers["ETag"]:
            return self._send(304, b"", headers)
        return self._send(200, body, headers)

    def _bytes(self, body: bytes | None, fault: str, commit: str = "") -> None:
        if body is None:
            return self._send(404, b"Entry not found")
        headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Repo-Commit": commit}
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers["range"] or "")
        if wanted is None or not self.hub.ranges:
            return self._send(200, body, headers, cut=fault == "cut")
        begun = int(wanted[1])
        if begun >= len(body):
            return self._send(416, b"", {"Content-Range": f"bytes */{len(body)}"})
        headers["Content-Range"] = f"bytes {begun}-{len(body) - 1}/{len(body)}"
        return self._send(206, body[begun:], headers, cut=fault == "cut")

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

    def log_message(self, format: str, *args: object) -> None:
        """Tests say what went wrong."""


def _sibling(name: str, body: bytes) -> dict[str, object]:
    blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
    entry: dict[str, object] = {"rfilename": name, "size": len(body), "blobId": blob}
    if name.endswith(LFS_SUFFIXES):
        entry["lfs"] = {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 134}
    return entry


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub and, on a port of its own, the store of files that it can redirect to."""
    hub = Hub()
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), type("OneHandler", (Handler,), {"hub": hub, "is_store": is_store}))
        for is_store in (False, True)
    ]
    hub.url, hub.store_url = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
