"""PDF files that LibreOffice and Chromium wrote (see `make_files`) are read back to the same text, tables and lists."""

import io
from pathlib import Path

import pytest

from tests.inference.formats.conftest import ReadOne

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("name", ["skerry.pdf", "slides.pdf"])
def test_characters_beyond_the_basic_plane(read_one: ReadOne, name: str) -> None:
    assert "Žofie painted it 💡 in 1900." in read_one((FILES / name).read_bytes()).text


def test_titles_with_characters_beyond_the_basic_plane(read_one: ReadOne) -> None:
    from reportlab.pdfgen import canvas

    raw = io.BytesIO()
    made = canvas.Canvas(raw)
    made.setTitle("Light 💡")
    made.drawString(100, 700, "Words.")
    made.save()
    assert read_one(raw.getvalue()).title == "Light 💡"
