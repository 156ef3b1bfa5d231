"""A good file of each kind, made by writers of others, and what breaks them: mutations from a seed."""

import io
import random
import subprocess
import tarfile
import zipfile
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

SOURCE = "# The lighthouse\n\nIt stands on a rock.\n\n- white\n\n| Year | Ships |\n|------|----|\n| 1900 | 12 |\n"
PANDOC = ("docx", "odt", "epub", "html", "rtf", "pptx")


def pandoc(folder: Path, to: str, source: str = SOURCE) -> bytes:
    """A document in Markdown, written by pandoc in another format."""
    import pypandoc

    made = folder / f"made.{to}"
    command = [pypandoc.get_pandoc_path(), "-s", "-f", "markdown", "-o", str(made)]
    subprocess.run(command, input=source.encode(), check=True, capture_output=True, timeout=60)
    return made.read_bytes()


def pdf() -> bytes:
    """By fpdf2."""
    from fpdf import FPDF

    made = FPDF()
    made.set_font("helvetica", size=12)
    for page in range(3):
        made.add_page()
        made.multi_cell(0, text=f"Page {page}. The lighthouse stands on a rock. " * 20)
    return bytes(made.output())


def xlsx() -> bytes:
    """By openpyxl."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["Year", "Ships"], [1900, 12]):
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def ods() -> bytes:
    """By odfpy."""
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    book = OpenDocumentSpreadsheet()
    for name in ("By year", "By pier"):
        sheet = Table(name=name)
        for values in (("Year", "Ships"), ("1900", "12"), ("1910", "40")):
            row = TableRow()
            for value in values:
                cell = TableCell(valuetype="string")
                cell.addElement(P(text=value))
                row.addElement(cell)
            sheet.addElement(row)
        book.spreadsheet.addElement(sheet)
    return saved(book)


def odp() -> bytes:
    """By odfpy."""
    from odf.draw import Frame, Page, TextBox
    from odf.opendocument import OpenDocumentPresentation
    from odf.style import MasterPage, PageLayout
    from odf.text import P

    deck = OpenDocumentPresentation()
    deck.automaticstyles.addElement(PageLayout(name="layout"))
    deck.masterstyles.addElement(MasterPage(name="master", pagelayoutname="layout"))
    for number in range(3):
        slide = Page(masterpagename="master", name=f"slide {number}")
        for kind, text in (("title", f"Pier {number}"), ("outline", "The lighthouse stands on a rock.")):
            frame = Frame(attributes={"class": kind})
            box = TextBox()
            box.addElement(P(text=text))
            frame.addElement(box)
            slide.addElement(frame)
        deck.presentation.addElement(slide)
    return saved(deck)


def saved(document: Any) -> bytes:
    """A document of odfpy."""
    raw = io.BytesIO()
    document.write(raw)
    return raw.getvalue()


def msg(attached: bytes) -> bytes:
    """By Aspose.Email FOSS."""
    from aspose.email_foss.msg import MapiMessage

    made = MapiMessage.from_email_message(BytesParser(policy=policy.default).parsebytes(mail(attached)))
    raw: bytes = made.to_bytes()
    return raw


def warc() -> bytes:
    """By warcio."""
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    raw = io.BytesIO()
    writer = WARCWriter(raw, gzip=False)
    for number in range(3):
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
        page = io.BytesIO(f"<html><title>Page {number}</title><body><p>Text.</p></body></html>".encode())
        writer.write_record(
            writer.create_warc_record(f"https://example.org/{number}", "response", payload=page, http_headers=headers)
        )
    return raw.getvalue()


def mail(attached: bytes) -> bytes:
    """By Python's `email`."""
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = "The pier, größer", "i@example.org", "t@example.org"
    made.set_content("See the attachment.")
    made.add_alternative("<p>See the <b>attachment</b>.</p>", subtype="html")
    made.add_attachment(attached, maintype="application", subtype="octet-stream", filename="pier.docx")
    return bytes(made)


def good_files(folder: Path) -> dict[str, bytes]:
    """By kind."""
    made = {kind: pandoc(folder, kind) for kind in PANDOC}
    letter = mail(made["docx"])
    return made | {
        "pdf": pdf(),
        "xlsx": xlsx(),
        "warc": warc(),
        "email": letter,
        "mbox": b"From i@example.org Thu Mar  4 10:00:00 2021\n" + letter + b"\n\n",
        "markdown": SOURCE.encode(),
        "text": "Маяк стоит на скале, и его красят каждый год. ".encode("cp1251") * 9,
        "tsv": b"Year\tShips\n1900\t12\n1910\t40\n",
        "zip": zipped({"a.txt": b"Text of a.", "deep/made.docx": made["docx"], "b.csv": b"x,y\n1,2\n"}),
        "tar": tarred({"a.txt": b"Text of a.", "deep/b.csv": b"x,y\n1,2\n", "c.md": SOURCE.encode()}),
        "csv": b"Year,Ships\n1900,12\n1910,40\n",
        "json": b'{"title": "Tarrow", "ships": [{"year": 1900, "count": 12}, {"year": 1910, "count": 40}]}',
        "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n2\n00:00:03,000 --> 00:00:04,000\nYou.\n",
        "source": b"#!/bin/sh\necho 'The lighthouse stands on a rock.'\n",
        "msg": msg(made["docx"]),
        "ods": ods(),
        "odp": odp(),
    }


def zipped(files: dict[str, bytes]) -> bytes:
    """By Python's `zipfile`."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return raw.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    """By Python's `tarfile`, not compressed."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def mutated_within(raw: bytes, chance: random.Random) -> bytes:
    """A zip file that is whole, with one of its files mutated: what a checksum would have told is not told."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    chosen = chance.choice([name for name, content in files.items() if content and name != "mimetype"])
    return zipped({**files, chosen: mutated(files[chosen], chance)})


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """Cut off, with bytes changed, a stretch gone, doubled, or made of noise."""
    made = bytearray(raw)
    at = chance.randrange(len(made))
    length = chance.randrange(1, max(2, len(made) // 4))
    match chance.randrange(5):
        case 0:
            del made[max(1, at) :]
        case 1:
            for _ in range(chance.randrange(1, 40)):
                made[chance.randrange(len(made))] = chance.randrange(256)
        case 2:
            del made[at : at + length]
        case 3:
            made[at:at] = made[at : at + length]
        case 4:
            made[at : at + length] = chance.randbytes(length)
    return bytes(made)
