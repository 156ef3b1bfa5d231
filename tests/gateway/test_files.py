"""A file in one request: what is in it is read beside the event loop, and stored."""

import asyncio
from email.message import EmailMessage

from tests.gateway.fakes import ADA, Gateway
from tests.gateway.test_chain import problem

PATH = "/api/v1/documents/files"
HEADERS = ADA | {"content-type": "application/octet-stream"}
PAGE = b"<html lang='de'><head><title>Tarrow</title></head><body><h1>Harbour</h1><p>Two piers.</p></body></html>"


async def test_a_file_is_read_by_its_content_and_stored(gateway: Gateway) -> None:
    answer = await gateway.client.post(
        PATH, params={"id": "towns/tarrow", "name": "tarrow.pdf"}, content=PAGE, headers=HEADERS
    )
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert [one["document_id"] for one in found["documents"]] == ["towns/tarrow"]
    assert found["warnings"] == {"towns/tarrow": ["is named .pdf and is html"]}
    ((_, stored),) = gateway.storage.stored
    assert (stored.title, stored.text) == ("Tarrow", "# Harbour\n\nTwo piers.\n")
    assert stored.attributes == {"format": "html", "language": "de", "headings": "1:2-9"}


async def test_attachments_are_stored_beside_their_message(gateway: Gateway) -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = "The pier", "i@example.org"
    message.set_content("See the notes.")
    message.add_attachment("# Notes\n\nOpen.", subtype="markdown", filename="notes.md")
    message.add_attachment(bytes(50), maintype="image", subtype="png", filename="pier.png")
    params = {"id": "mail/1", "attributes": '{"collection": "letters"}'}
    answer = await gateway.client.post(PATH, params=params, content=bytes(message), headers=HEADERS)
    found = answer.json()
    assert [one["document_id"] for one in found["documents"]] == ["mail/1", "mail/1#notes.md"]
    assert list(found["not_read"]) == ["pier.png"]
    assert {one.attributes["collection"] for _, one in gateway.storage.stored} == {"letters"}
    first, second = (one.delivery_id for _, one in gateway.storage.stored)
    assert first != second


async def test_what_gives_no_document_is_said(gateway: Gateway) -> None:
    for content, said in (
        (b"\x00\x01\x02\x03" * 20, "of which no text can be read"),
        (b" \n ", "holds no text"),
        (b"PK\x03\x04broken", "is a broken zip file"),
    ):
        answer = await gateway.client.post(PATH, params={"id": "a", "name": "a.docx"}, content=content, headers=HEADERS)
        found = problem(answer, 422, "no-document")
        detail = str(found["detail"])
        assert detail.startswith("a.docx ") and (said in detail or "is no text" in detail)
    assert gateway.storage.stored == []


async def test_wrong_parameters_are_said(gateway: Gateway) -> None:
    for params, status in (
        ({}, 422),
        ({"id": "a", "encoding": "klingon"}, 422),
        ({"id": "a", "attributes": "[1]"}, 400),
        ({"id": "a", "attributes": '{"deep": {"er": 1}}'}, 422),
    ):
        answer = await gateway.client.post(PATH, params=params, content=b"Text.", headers=HEADERS)
        assert answer.status_code == status, answer.text
    answer = await gateway.client.post(PATH, params={"id": "a"}, content=b"Text.", headers=ADA)
    problem(answer, 415, "media-type")


async def test_the_event_loop_goes_on_while_files_are_read(gateway: Gateway) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    beating = asyncio.create_task(beat())
    rows = "".join(f"{number},text of {number}\n" for number in range(60_000)).encode()
    answer = await gateway.client.post(PATH, params={"id": "t", "name": "t.csv"}, content=rows, headers=HEADERS)
    beating.cancel()
    assert answer.status_code == 201 and beats > 3
