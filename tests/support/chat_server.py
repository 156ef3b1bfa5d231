"""A small server on loopback that speaks OpenAI's chat completions, with faults to switch on."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

Say = Callable[[dict[str, Any]], str]
NEVER_S = 60.0
"""Longer than anybody in a test waits."""


@dataclass
class ChatServer:
    """`say` makes the answer to a request's body; `fault` is what happens instead, to every request."""

    say: Say
    url: str = ""
    key: str | None = None
    fault: str | None = None
    faults: int = -1
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def failing(self) -> str | None:
        """The fault of this request; `faults` counts how many there are, -1 for all."""
        if self.faults == 0:
            return None
        self.faults -= self.faults > 0
        return self.fault


class Handler(BaseHTTPRequestHandler):
    """`chat` is set by `serving`."""

    protocol_version = "HTTP/1.1"
    chat: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.chat.requests.append(body)
        self.chat.keys.append(self.headers["authorization"])
        if self.path != f"{urlsplit(self.chat.url).path}/chat/completions":
            return self._send(404, b'{"error": {"message": "no such path"}}')
        if self.chat.key is not None and self.headers["authorization"] != f"Bearer {self.chat.key}":
            said = f"Incorrect API key provided: {self.headers['authorization']}"
            return self._send(401, json.dumps({"error": {"message": said}}).encode())
        match self.chat.failing():
            case "500":
                return self._send(500, b"out of memory")
            case "302":
                return self._send(302, b"", {"Location": "http://127.0.0.1:1/v1/chat/completions"})
            case "hang":
                self.chat.over.wait(NEVER_S)
                self.close_connection = True
                return None
            case "trickle":
                self.send_response(200)
                self.send_header("Content-Length", "1000000")
                self.end_headers()
                while not self.chat.over.wait(0.05):
                    self.wfile.write(b" ")
                return None
            case "huge":
                return self._send(200, b'{"choices": [{"message": {"content": "' + b"x" * 4_000_000 + b'"}}]}')
            case "no JSON":
                return self._send(200, b"<html>welcome</html>")
            case "deep":
                return self._send(200, b"[" * 500_000)
            case str(other):
                return self._send(200, other.encode())
        message = {"role": "assistant", "content": self.chat.say(body)}
        answer = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        return self._send(200, json.dumps(answer).encode())

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # whoever asked had enough

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def serving(say: Say) -> Iterator[ChatServer]:
    """Until the block ends."""
    chat = ChatServer(say)
    handler = type("Bound", (Handler,), {"chat": chat})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    # Of its own also where a server before had the port: answers are kept by the address of their model.
    chat.url = f"http://127.0.0.1:{server.server_address[1]}/{uuid4()}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        chat.over.set()
        server.shutdown()
        server.server_close()


def sources_in(body: dict[str, Any]) -> dict[str, int]:
    """The numbers of the sources in a request, by their titles."""
    lines = body["messages"][-1]["content"].splitlines()
    return {
        after.removeprefix("Title: "): int(line.split()[2])
        for line, after in pairwise(lines)
        if line.startswith("BEGIN SOURCE ")
    }
