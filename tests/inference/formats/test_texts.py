"""Formats that are text: encodings, Markdown, HTML, CSV, JSON, subtitles, source code, e-mail."""

import json
import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest

from inference.formats.document import NotRead, ReadDocument
from tests.inference.formats.conftest import ReadAll, ReadOne, Refusal, headings

SENTENCES = {
    "cp1252": "Der Bürgermeister von Köln eröffnete die Brücke über den Fluß.",
    "cp1251": "Москва является столицей России. Город стоит на реке Москва.",
    "koi8-r": "Москва является столицей России. Город стоит на реке Москва и известен давно.",
    "shift_jis": "東京は日本の首都です。人口は千四百万人です。",
    "euc-jp": "東京は日本の首都です。人口は千四百万人です。",
    "big5": "台北是台灣的首都。人口兩百六十萬人。",
    "euc-kr": "서울은 대한민국의 수도이다. 인구는 천만 명이다.",
    "cp1253": "Πρωτεύουσα της Ελλάδας είναι η Αθήνα",
    "cp1256": "القاهرة هي عاصمة مصر وأكبر مدنها",
    "utf-16-le": "Москва является столицей России.",
    "utf-16-be": "Tarrow lies by the sea.",
    "utf-32-le": "Tarrow lies by the sea.",
}


@pytest.mark.parametrize("encoding", SENTENCES)
def test_an_encoding_is_found_and_said(read_one: ReadOne, encoding: str) -> None:
    found = read_one(SENTENCES[encoding].encode(encoding), "notes.txt")
    assert found.text == SENTENCES[encoding]
    assert found.encoding != "utf-8"
    assert any(found.encoding in warning and "--encoding" in warning for warning in found.warnings if found.encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_the_bytes_say_is_certain(read_one: ReadOne, encoding: str) -> None:
    found = read_one("Žofie painted in Brno.".encode(encoding), "notes.txt")
    assert (found.text, found.warnings) == ("Žofie painted in Brno.", ())


def test_an_encoding_that_is_named_is_taken(read_one: ReadOne, refusal: Refusal) -> None:
    polish = "Łódź jest miastem w Polsce."
    assert read_one(polish.encode("iso-8859-2"), "a.txt", encoding="iso-8859-2").text == polish
    assert refusal("Köln".encode("cp1252"), "a.txt", encoding="utf-8").startswith("is not utf-8: byte 1")
    assert "no encoding that is known" in refusal(b"x", "a.txt", encoding="klingon")


def test_a_few_bytes_with_controls_are_no_text(refusal: Refusal) -> None:
    assert refusal(b"\x00\x01\x02\xff\xfe junk", "d.pdf").startswith("is no text")


def test_markdown_keeps_its_text_and_tells_its_headings(read_one: ReadOne) -> None:
    text = "# Skerry *Point*\n\nText.\n\nFog\n---\n\n```\n# no heading\n```\n\n### Deep ###\n"
    found = read_one(text.encode(), "skerry.md")
    assert found.text == text
    assert headings(found) == [(1, "Skerry *Point*"), (2, "Fog"), (3, "Deep")]
    assert found.title == "Skerry *Point*"


def test_front_matter_is_metadata(read_one: ReadOne) -> None:
    front = "---\ntitle: Tarrow\nauthor: [Ines Renn, {name: Tobias}]\ndate: 2020-02-03\nlang: de\n---\n"
    found = read_one(f"{front}\n# One\n\nText.".encode(), "tarrow.md")
    assert (found.title, found.authors, found.created, found.language) == (
        "Tarrow",
        ("Ines Renn", "Tobias"),
        "2020-02-03",
        "de",
    )
    assert found.text == "# One\n\nText."
    bomb = "---\na: &a [x, x]\nb: [*a, *a]\n---\nText.\n"
    assert read_one(bomb.encode(), "bomb.md").text == bomb, "anchors are no metadata"


PAGE = """<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Tarrow | The site</title>
<meta property="og:title" content="Tarrow by the sea"><meta name="author" content="Ines Renn">
<meta property="article:published_time" content="2021-03-04T10:00:00Z"></head><body>
<nav><a href="/">Home</a></nav><header><a href="/">The site</a></header>
<div class="cookie-banner">We use cookies.</div>
{0}<h1>Tarrow by the sea</h1><p>Tarrow has <b>two</b> piers &amp; a light&shy;house.</p><h2>Harbour</h2>
<ul><li>North pier</li><li>South pier<ol><li>inner</li></ol></li></ul>
<table><tr><th>Year</th><th>Ships</th></tr><tr><td>1900</td><td>12</td></tr></table>
<pre>a = 1\n  b = 2</pre><p style="display: none">hidden</p><p hidden>hidden too</p>{1}
<aside>Other towns</aside><div id="footer">Imprint</div><footer>Copyright</footer><script>track()</script>
</body></html>"""


@pytest.mark.parametrize("around", [("<main>", "</main>"), ("<article>", "</article>"), ("<div>", "</div>"), ("", "")])
def test_a_page_gives_its_main_text(read_one: ReadOne, around: tuple[str, str]) -> None:
    found = read_one(PAGE.format(*around).encode(), "page")
    assert found.text == (
        "# Tarrow by the sea\n\nTarrow has two piers & a light\u00adhouse.\n\n## Harbour\n\n"
        "- North pier\n- South pier\n  1. inner\n\n| Year | Ships |\n| --- | --- |\n| 1900 | 12 |\n\na = 1\n  b = 2\n"
    )
    assert (found.kind, found.title, found.authors) == ("html", "Tarrow by the sea", ("Ines Renn",))
    assert (found.created, found.language) == ("2021-03-04T10:00:00+00:00", "de")
    assert headings(found) == [(1, "Tarrow by the sea"), (2, "Harbour")]


def test_menus_of_links_are_left_out_and_a_page_of_links_is_not_empty(read_one: ReadOne) -> None:
    links = "".join(f'<li><a href="/{n}">Page number {n}</a></li>' for n in range(6))
    page = f"<html><body><ul>{links}</ul><p>Tarrow lies by the sea, and has a harbour.</p></body></html>"
    assert read_one(page.encode()).text == "Tarrow lies by the sea, and has a harbour.\n"
    only = read_one(f"<html><body><nav><ul>{links}</ul></nav></body></html>".encode())
    assert "Page number 5" in only.text and "all of the page" in only.warnings[0]


def test_a_list_goes_on_in_one_that_begins_deeper(read_one: ReadOne) -> None:
    """As LibreOffice writes a list within a list; others beside one another are lists of their own."""
    page = (
        '<html><body lang="de"><ul><li>white</ul> <ul><ul><li>at night</ul></ul><ol><li>first</ol>'
        "<ul><li>red</ul> and <ul><ul><li>deep</ul></ul></body></html>"
    )
    found = read_one(page.encode())
    assert found.text == "- white\n  - at night\n\n1. first\n\n- red\n\nand\n\n  - deep\n"
    assert found.language == "de"
    assert read_one(page.replace("<html>", '<html lang="cs">').encode()).language == "cs"


def test_a_page_is_read_by_the_encoding_that_it_declares(read_one: ReadOne) -> None:
    page = '<html><head><meta charset="iso-8859-2"><title>Łódź</title></head><body><p>Żółta łódź.</p></body></html>'
    found = read_one(page.encode("iso-8859-2"), "page.html")
    assert (found.title, found.text, found.warnings) == ("Łódź", "Żółta łódź.\n", ())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_a_table(read_one: ReadOne, delimiter: str) -> None:
    rows = [("Year", "Ships", "Note"), ("1900", "12", '"a, b; c"'), ("1910", "40", '"two\nlines"')]
    raw = "\r\n".join(delimiter.join(row) for row in rows).encode()
    found = read_one(raw, "ships.csv")
    assert found.text == (
        "| Year | Ships | Note |\n| --- | --- | --- |\n| 1900 | 12 | a, b; c |\n| 1910 | 40 | two lines |\n"
    )
    assert read_one(b"a\tb\n1\t2\n", "x.tsv").text == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


def test_json_is_said_in_lines(read_one: ReadOne, refusal: Refusal) -> None:
    value = {
        "title": "Tarrow",
        "place": {"sea": True, "depth": None},
        "ships": [{"year": 1900, "count": 12}, {"year": 1910, "count": 40, "note": "a|b"}],
    }
    found = read_one(json.dumps(value).encode(), "tarrow.json")
    assert found.title == "Tarrow"
    assert found.text == (
        "- title: Tarrow\n- place.sea: true\n\nships:\n\n"
        "| year | count | note |\n| --- | --- | --- |\n| 1900 | 12 |  |\n| 1910 | 40 | a\\|b |\n"
    )
    assert refusal(b'{"a": [1, 2', "a.json").startswith("is broken JSON")
    assert "levels" in refusal(b'{"a":' * 100 + b"1" + b"}" * 100, "deep.json")


SRT = "1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i> there.\n\n2\n00:00:03,000 --> 00:00:04,000\nGeneral\nRenn.\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello there.\n\n00:03.000 --> 00:04.000\nGeneral Renn.\n"
ASS = (
    "[Script Info]\nTitle: The pier\nScriptType: v4.00+\n\n[V4+ Styles]\n"
    "Format: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\b1}Hello{\\b0} there.\n"
    "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,General\\NRenn.\n"
)


@pytest.mark.parametrize("raw", [SRT, VTT, ASS], ids=["srt", "vtt", "ass"])
def test_subtitles_are_what_is_said(read_one: ReadOne, raw: str) -> None:
    found = read_one(raw.encode(), "whatever.txt")
    assert (found.kind, found.text) == ("subtitles", "Hello there.\nGeneral Renn.\n")


def test_source_code_is_kept_whole(read_one: ReadOne) -> None:
    code = "#!/usr/bin/env python\n\ndef pier(x):\n\treturn {'a': x}\r\n"
    for name in ("pier.py", "pier", "Makefile.in"):
        found = read_one(code.encode(), name)
        assert (found.kind, found.text, found.title) == ("source", code, name)


def message(number: int = 1) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = f"Pier {number} größer", "Ines Renn <i@example.org>", "t@example.org"
    made["Date"], made["Message-ID"] = "Thu, 04 Mar 2021 10:00:00 +0100", f"<{number}@example.org>"
    made.set_content("Tobias,\n\nFrom here on it is öpen.\n")
    return made


def test_a_message_is_its_header_and_text_and_its_attachments_are_documents(read_all: ReadAll) -> None:
    outer = message()
    outer.add_alternative("<p>Tobias, <b>in HTML</b></p>", subtype="html")
    outer.add_attachment("Year;Ships\n1900;12\n", filename="ships.csv")
    outer.add_attachment(message(2))
    outer.add_attachment(b"\x89PNG\r\n\x1a\n" + bytes(20), maintype="image", subtype="png", filename="pier.png")
    first, table, inner, image = read_all(bytes(outer), "mail")
    assert isinstance(first, ReadDocument) and isinstance(table, ReadDocument) and isinstance(inner, ReadDocument)
    assert first.text == (
        "From: Ines Renn <i@example.org>\nTo: t@example.org\nDate: Thu, 04 Mar 2021 10:00:00 +0100\n"
        "Subject: Pier 1 größer\n\nTobias,\n\nFrom here on it is öpen.\n"
    )
    assert (first.title, first.created) == ("Pier 1 größer", "2021-03-04T10:00:00+01:00")
    assert (table.part, table.kind) == ("ships.csv", "csv")
    assert (inner.part, inner.title) == ("attachment 2", "Pier 2 größer")
    assert isinstance(image, NotRead) and image.unsupported and image.part == "pier.png"


def test_a_message_in_html_alone(read_one: ReadOne) -> None:
    made = EmailMessage()
    made["Subject"], made["From"] = "Pier", "i@example.org"
    made.set_content("<html><body><h1>Open</h1><p>It is öpen.</p></body></html>", subtype="html", charset="iso-8859-1")
    found = read_one(bytes(made), "pier.eml")
    assert found.text.endswith("# Open\n\nIt is öpen.\n") and headings(found) == [(1, "Open")]


def test_a_mailbox_is_a_document_a_message(read_all: ReadAll, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for number in range(1, 4):
        box.add(message(number))
    box.flush()
    found = read_all((tmp_path / "box").read_bytes(), "box")
    assert [one.part for one in found] == ["1@example.org", "2@example.org", "3@example.org"]
    assert all(isinstance(one, ReadDocument) and "\nFrom here on it is öpen.\n" in one.text for one in found)
