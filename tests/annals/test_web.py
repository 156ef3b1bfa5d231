"""`annals ingest https://...`: only where a setting lets it, and asked anew only for what is new."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from annals.loading import Loaded, LoadOptions, Refused, Unchanged
from annals.stored import StoredDocument
from annals.web import WebFiles, is_url
from services.fetching.fetcher import Fetched
from tests.annals.conftest import Up
from tests.annals.pipeline import given, refused
from tests.services.webhooks.receiver import Message, Receiver, receiving, status

HTML = b"<!doctype html><title>Tarrow</title><body><p>Ulla Brandt built the Mornay Bridge.</p></body>"
MAIL = (
    b"From: a@example.org\nSubject: Pier\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
    b"--B\n\nSee there.\n--B\nContent-Disposition: attachment; filename=pier.txt\n\nThe pier.\n--B--\n"
)


class Web:
    """Answers as it is told to, written by hand: what is asked of a fetcher is one method."""

    def __init__(self) -> None:
        self.answer: Fetched | None = None
        self.asked: dict[str, str | None] = {}

    async def fetch(self, url: str, **conditions: str | None) -> Fetched | None:
        self.asked = conditions
        return self.answer


class Documents:
    """What is stored."""

    def __init__(self) -> None:
        self.stored: list[StoredDocument] = []

    async def below(self, id_prefix: str) -> list[StoredDocument]:
        return [one for one in self.stored if one.document_id.startswith(id_prefix)]

    def keep(self, found: list[Any]) -> None:
        for one in found:
            digest = sha256(one.text.encode()).hexdigest()
            self.stored = [old for old in self.stored if old.document_id != one.document_id]
            self.stored.append(
                StoredDocument(one.document_id, one.title, one.uri, digest, {**one.attributes, "language": "en"})
            )


def read(
    web: Web, stored: Documents, url: str, options: LoadOptions | None = None
) -> list[Loaded | Refused | Unchanged]:
    with WebFiles(options or LoadOptions()) as files:
        asyncio.run(files.fetch([url], web, stored))  # type: ignore[arg-type]
        return list(files.documents([url]))


def test_what_is_called_otherwise_and_is_the_same_is_unchanged() -> None:
    web, stored, url = Web(), Documents(), "https://example.org/letters"
    web.answer = Fetched(url, MAIL, "message/rfc822", '"1"', "Mon, 05 Jan 2026 10:00:00 GMT")
    found = read(web, stored, f"{url}#there")
    assert web.asked == {}
    documents = [one for one in found if isinstance(one, Loaded)]
    assert [(one.document_id, one.uri) for one in documents] == [(url, url), (f"{url}#pier.txt",) * 2]
    assert all(one.attributes["etag"] == '"1"' and "last_modified" in one.attributes for one in documents)
    stored.keep(documents)
    stored.stored.append(StoredDocument(f"{url}/more", "", None, "", {"etag": '"other"'}))
    web.answer = Fetched(url, MAIL, "message/rfc822", '"2"', None)
    assert read(web, stored, url) == [Unchanged((url,)), Unchanged((f"{url}#pier.txt",))]
    assert web.asked == {"etag": '"1"', "last_modified": "Mon, 05 Jan 2026 10:00:00 GMT"}
    web.answer = None
    assert read(web, stored, url) == [Unchanged((url, f"{url}#pier.txt"))]
    web.answer = Fetched(url, MAIL.replace(b"The pier.", b"A pier."), "message/rfc822", '"3"', None)
    first, second = read(web, stored, url)
    assert isinstance(first, Unchanged) and isinstance(second, Loaded) and second.attributes["etag"] == '"3"'
    read(web, stored, url, LoadOptions(encoding="latin-1"))
    assert web.asked == {}, "what is to be read otherwise is fetched again"


@pytest.mark.parametrize(
    ("url", "told", "content", "kind"),
    [
        ("https://example.org/a.txt", "text/plain", HTML, "html"),
        ("https://example.org/", "image/png", HTML, "html"),
        ("https://example.org/table", "text/csv", b"Year,Ships\n1900,12\n", "csv"),
        ("https://example.org/notes", "", b"Some notes.", None),
    ],
)
def test_content_goes_before_what_it_is_called(url: str, told: str, content: bytes, kind: str | None) -> None:
    web = Web()
    web.answer = Fetched(url, content, told, None, None)
    (found,) = read(web, Documents(), url)
    assert isinstance(found, Loaded) and found.attributes.get("format") == kind
    assert "etag" not in found.attributes


def test_what_holds_no_text_is_refused_and_lines_name_no_documents() -> None:
    """The ids of documents are ours: a site could overwrite any of them."""
    web = Web()
    web.answer = Fetched("https://example.org/a.png", bytes.fromhex("89504e470d0a1a0a") + bytes(40), "", None, None)
    (image,) = read(web, Documents(), "https://example.org/a.png")
    assert isinstance(image, Refused) and "no text can be read" in image.reason
    web.answer = Fetched("https://example.org/a.jsonl", b'{"id": "/etc/motd", "text": "Mine."}\n', "", None, None)
    for one in read(web, Documents(), "https://example.org/a.jsonl"):
        assert isinstance(one, Refused) or (
            isinstance(one, Loaded) and one.document_id == "https://example.org/a.jsonl"
        )
    assert is_url("HTTPS://example.org") and not is_url("https:/x") and not is_url("a/https://x")


@contextlib.contextmanager
def served(answer: Callable[[Message], bytes]) -> Iterator[Receiver]:
    """A server in a thread, while commands run in this one."""
    loop, ready, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    receivers: list[Receiver] = []

    async def run() -> None:
        async with receiving() as receiver:
            receiver.answer = answer
            receivers.append(receiver)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert ready.wait(30)
        yield receivers[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(30)
        loop.close()


def test_an_address_is_taken_in_and_asked_for_again(up: Up, tmp_path: Path) -> None:
    version = ["1"]

    def page(message: Message) -> bytes:
        if message.path != "/bridge":
            return status(404)
        tag = f'"{version[0]}"'
        if message.headers.get("if-none-match") == tag:
            return status(304)
        return status(200, f"etag: {tag}", body=HTML.replace(b"Ulla", f"Ulla {version[0]}".encode()))

    allowed = {"ANNALS_FETCH_URLS": "true", "ANNALS_FETCH_PRIVATE_ADDRESSES": "true"}
    (tmp_path / "a.txt").write_text("A file beside it.")
    with served(page) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/bridge"
        arguments = ("ingest", str(tmp_path / "a.txt"), url, f"{url}-away")
        assert "fetch_urls" in refused(up.data, "ingest", url, exit_code=2)
        private = given(up.data, "ingest", url, exit_code=1, env={"ANNALS_FETCH_URLS": "true"})
        assert "private" in private["refused"][0]["reason"] and receiver.connections == 0
        first = given(up.data, *arguments, exit_code=1, env=allowed)
        assert (first["documents"], first["ingested"]) == (2, 2)
        assert first["refused"] == [
            {"name": f"{url}-away", "reason": "answered 404; correct the address, or try again later"}
        ]
        again = given(up.data, *arguments, exit_code=1, env=allowed)
        assert (again["documents"], again["unchanged"]) == (2, 2)
        version[0] = "2"
        changed = given(up.data, *arguments, exit_code=1, env=allowed)
        assert (changed["unchanged"], changed["updated"]) == (1, 1)
    events = given(up.data, "history", url)["events"]
    told = [one["event_data"] for one in events if one["event_type"] in ("DocumentIngested", "DocumentUpdated")]
    assert [one["attributes"]["etag"] for one in told] == ['"1"', '"2"']
    assert [one["title"] for one in told] == ["Tarrow"] * 2
