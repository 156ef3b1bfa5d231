"""From paths to documents: what is taken, under which id and title, and what is named and left out."""

import io
import json
import os
from email.message import EmailMessage
from pathlib import Path

import pytest

from annals.folders import LeftOut
from annals.loading import Loaded, LoadOptions, Refused, load, set_aside
from inference.formats.child import ReadLimits

PNG = bytes.fromhex("89504e470d0a1a0a0000000d494844520000000100000001080600000000000000")


def loaded(*paths: Path | str, stdin: bytes = b"") -> list[Loaded | Refused]:
    return list(set_aside(load([str(path) for path in paths], io.BytesIO(stdin)), []))


def one(path: Path | str, stdin: bytes = b"") -> Loaded:
    (found,) = loaded(path, stdin=stdin)
    assert isinstance(found, Loaded), found
    return found


def refusal(path: Path | str, stdin: bytes = b"") -> str:
    (found,) = loaded(path, stdin=stdin)
    assert isinstance(found, Refused), found
    assert found.name
    return found.reason


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_file_is_one_document_under_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "notes/tarrow.txt", "Tarrow lies by the sea.\n")
    monkeypatch.chdir(tmp_path)
    found = one("notes/../notes/tarrow.txt")
    absolute = (tmp_path / "notes" / "tarrow.txt").resolve()
    assert found.document_id == str(absolute)
    assert found.uri == absolute.as_uri()
    assert found.name == "notes/../notes/tarrow.txt"
    assert (found.title, found.text) == ("tarrow", "Tarrow lies by the sea.\n")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Skerry Point\n\nA lighthouse.", "Skerry Point"),
        ("\n\n## Deeper \n\nA lighthouse.", "Deeper"),
        ("# Windows lines\r\n\r\nA lighthouse.", "Windows lines"),
        ("A lighthouse.\n\n# Not at the start", "file"),
        ("#\n\nA heading without words.", "file"),
        ("#lighthouse is a tag, not a heading", "file"),
        ("# " + "long " * 400, ("long " * 400)[:1024]),
    ],
)
def test_a_heading_at_the_start_is_the_title(tmp_path: Path, text: str, title: str) -> None:
    found = one(written(tmp_path, "file.md", text))
    assert found.title == title
    assert found.text == text


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    found = one(written(tmp_path, "marked.md", mark + b"# Marked\n\nText."))
    assert (found.title, found.text) == ("Marked", "# Marked\n\nText.")
    line = b'{"id": "a", "text": "Text."}\n'
    assert one(written(tmp_path, "marked.jsonl", mark + line)).document_id == "a"
    assert one("-", stdin=mark + line).document_id == "a"
    assert one("-", stdin=mark + b"Plain text.").text == "Plain text."


def test_a_folder_gives_its_text_files_in_a_stable_order(tmp_path: Path) -> None:
    for name in ("b.md", "a.txt", "deep/er/c.MARKDOWN", "d.text"):
        written(tmp_path, name, f"Text of {name}.")
    written(tmp_path, "lines.ndjson", '{"id": "line-1", "text": "One."}\n\n{"id": 2, "text": "Two."}\n')
    for other in ("drawing.png", "without-suffix"):
        written(tmp_path, other, PNG)
    found = loaded(tmp_path)
    assert [one.name for one in found] == [
        str(tmp_path / "a.txt"),
        str(tmp_path / "b.md"),
        str(tmp_path / "d.text"),
        str(tmp_path / "deep/er/c.MARKDOWN"),
        f"{tmp_path / 'lines.ndjson'}:1",
        f"{tmp_path / 'lines.ndjson'}:3",
    ]
    assert [one.document_id for one in found if isinstance(one, Loaded)][-2:] == ["line-1", "2"]
    assert loaded(tmp_path) == found


def test_a_file_that_is_named_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    assert one(written(tmp_path, "NOTES", "Plain text.")).title == "NOTES"


def test_a_line_may_say_everything_about_its_document(tmp_path: Path) -> None:
    attributes = {"year": 1871, "kept": True, "weight": 1.5, "author": "Ines", "none": None}
    line = {"id": "Ä-1", "title": "One", "text": "Text.", "uri": "https://example.org/1", "attributes": attributes}
    file = written(tmp_path, "all of ä.jsonl", json.dumps(line))
    found = one(file)
    assert found.name == f"{file}:1"
    assert (found.document_id, found.title, found.text, found.uri) == ("Ä-1", "One", "Text.", "https://example.org/1")
    assert found.attributes == {**attributes, "line_of": file.as_uri()}, "of which file it is a line"


def test_standard_input_is_lines_or_a_text() -> None:
    assert one("-", stdin=b"\n\nTobias Renn wrote\n{no json}\n").text == "\n\nTobias Renn wrote\n{no json}\n"
    assert one("-", stdin=b"# Renn\n\nA painter.").title == "Renn"
    lines = loaded("-", stdin=b'\n{"id": "a", "text": "A."}\n{"id": "b"}\n{"id": "c", "text": "C."}\n')
    assert [line.name for line in lines] == ["-:2", "-:3", "-:4"]
    assert [type(line) for line in lines] == [Loaded, Refused, Loaded]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{not json", "JSON"),
        (b"[1, 2]", "object"),
        (b'{"id": "a"}', "text"),
        (b'{"text": "No id."}', "id"),
        (b'{"id": "", "text": "A."}', "id"),
        (b'{"id": true, "text": "A."}', "id"),
        (b'{"id": "a\\u0007", "text": "A."}', "id"),
        (b'{"id": "' + b"i" * 1025 + b'", "text": "A."}', "id"),
        (b'{"id": "' + "ä".encode() * 513 + b'", "text": "A."}', "1024"),
        (b'{"id": "a", "text": " \\n "}', "no text"),
        (b'{"id": "a", "text": "A \\u0000 B"}', "NUL"),
        (b'{"id": "a", "text": "A.", "colour": "red"}', "colour"),
        (b'{"id": "a", "text": "A.", "attributes": {"deep": {"er": 1}}}', "attributes"),
        (b'{"id": "a", "text": "A.", "uri": "' + b"u" * 4097 + b'"}', "uri"),
        (b'{"id": "\xff", "text": "A."}', ""),
    ],
)
def test_a_broken_line_is_named_and_the_rest_go_on(tmp_path: Path, line: bytes, reason: str) -> None:
    first, broken, last = loaded(
        written(tmp_path, "some.jsonl", b'{"id": "1", "text": "One."}\n' + line + b'\n{"id": "3", "text": "Three."}')
    )
    assert isinstance(first, Loaded) and isinstance(last, Loaded)
    assert isinstance(broken, Refused)
    assert broken.name == f"{tmp_path / 'some.jsonl'}:2"
    assert reason in broken.reason
    assert "\n" not in broken.reason


def test_what_is_no_document_says_why(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nowhere.md")
    assert "no text" in refusal(written(tmp_path, "empty.md", ""))
    assert "no text" in refusal(written(tmp_path, "blank.txt", " \n\t\n"))
    assert "is empty" in refusal(written(tmp_path, "empty.jsonl", "\n\n"))
    assert "control characters" in refusal(written(tmp_path, "binary.txt", b"ab\x01\x02\xff\xfe"))
    assert "NUL" in refusal(written(tmp_path, "zeros.txt", b"a\x00b"))
    assert "holds no file that can be read" in refusal(written(tmp_path, "other/drawing.png", PNG).parent)
    assert "no text" in refusal("-", stdin=b"")
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in refusal(tmp_path / "pipe")


def test_a_path_that_cannot_be_an_id_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / ("x" * 300))
    deep = tmp_path
    for _ in range(10):
        deep = deep / ("ä" * 60)
    assert "1024" in refusal(written(deep, "deep.txt", "Its path has under 1,024 characters, and more bytes."))
    unspeakable = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")
    Path(unspeakable).write_text("Its name is not UTF-8.")
    (found,) = loaded(tmp_path / unspeakable)
    assert isinstance(found, Refused)
    assert found.name.encode().endswith(b"caf\\udce9.txt"), "a name that can be printed"


def test_a_broken_input_does_not_hold_up_the_others(tmp_path: Path) -> None:
    good = written(tmp_path, "good.md", "Good.")
    found = loaded(tmp_path / "nowhere", good, written(tmp_path, "bad.md", b"\x00\xff"), "-", stdin=b"Also good.")
    assert [type(one) for one in found] == [Refused, Loaded, Refused, Loaded]


BOM = b"\xef\xbb\xbf"
ONE, TWO = b'{"id": "1", "text": "One."}\n', b'{"id": "2", "text": "Two."}\n'


def test_a_mark_is_left_out_at_the_start_of_any_line(tmp_path: Path) -> None:
    joined = written(tmp_path, "joined.jsonl", BOM + ONE + BOM + TWO + BOM + BOM + b"\n" + BOM)
    assert [document.document_id for document in loaded(joined) if isinstance(document, Loaded)] == ["1", "2"]
    assert len(loaded(joined)) == 2
    assert len(loaded("-", stdin=BOM + b"\n" + BOM + ONE + BOM + TWO)) == 2


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_is_decoded_by_its_mark_and_named_without_one(tmp_path: Path, encoding: str) -> None:
    text = "# Žofie\n\nShe painted 𝄞 in Brno."
    lines = "\n".join((json.dumps({"id": "1", "text": text}, ensure_ascii=False), '{"id": "2", "text": "Two."}'))
    marked = "\ufeff".encode(encoding)
    found = one(written(tmp_path, "wide.md", marked + text.encode(encoding)))
    assert (found.title, found.text) == ("Žofie", text)
    assert one("-", stdin=marked + text.encode(encoding)).text == text
    for wide in (
        loaded(written(tmp_path, "wide.jsonl", marked + lines.encode(encoding))),
        loaded("-", stdin=marked + lines.encode(encoding)),
    ):
        assert [document.text for document in wide if isinstance(document, Loaded)] == [text, "Two."]
    said = refusal(written(tmp_path, "bare.jsonl", lines.encode(encoding)))
    assert "without a byte order mark; save it as UTF-8" in said
    bare = one(written(tmp_path, "bare.txt", text.encode(encoding)))
    assert (bare.text, bare.attributes["encoding"]) == (text, encoding)
    assert [found for found in bare.warnings if encoding in found and "--encoding" in found]
    cut_off = marked + text.encode(encoding)[:-1]
    assert "broken" in refusal(written(tmp_path, "cut-off.txt", cut_off))
    assert "broken" in refusal("-", stdin=cut_off)


@pytest.mark.parametrize(
    "text", ["\ufeff", "\u200b\u2060\n\u00ad", "\u3164 \u2800", "\u200e\u202e\x07", "\U000e0041\ufe0f"]
)
def test_a_text_that_nobody_can_see_is_no_document(tmp_path: Path, text: str) -> None:
    assert refusal(written(tmp_path, "unseen.txt", BOM + text.encode())).startswith("holds no text")
    line = json.dumps({"id": "a", "text": text})
    assert refusal(written(tmp_path, "unseen.jsonl", line)).startswith("holds no text")


def test_a_json_file_that_is_no_lines_gets_one_message(tmp_path: Path) -> None:
    documents = [{"id": str(number), "text": f"Text {number}."} for number in range(30)]
    for name in ("array.jsonl", "array.json"):
        for indent in (None, 2):
            content = json.dumps(documents, indent=indent)
            for path, stdin in ((written(tmp_path, name, content), b""), ("-", content.encode())):
                said = refusal(path, stdin)
                assert "is one JSON array" in said and "jq -c '.[]'" in said
        pretty = "\n".join(json.dumps(document, indent=2) for document in documents)
        said = refusal(written(tmp_path, f"pretty-{name}", pretty))
        assert said.startswith("line 1: a document's JSON is spread over several lines") and "jq -c ." in said
        assert refusal("-", pretty.encode()) == said
    one_a_line = "[\n" + ",\n".join(json.dumps(document) for document in documents) + "\n]\n"
    assert "is one JSON array" in refusal(written(tmp_path, "almost.jsonl", one_a_line))
    mixed = loaded(written(tmp_path, "mixed.jsonl", ONE + json.dumps(documents[2], indent=1).encode() + b"\n" + TWO))
    assert [type(found) for found in mixed] == [Loaded, Refused]
    assert isinstance(mixed[1], Refused) and mixed[1].reason.startswith("line 2: ")


def test_a_json_file_with_a_document_a_line_is_taken(tmp_path: Path) -> None:
    assert [type(found) for found in loaded(written(tmp_path, "some.json", ONE + TWO))] == [Loaded, Loaded]
    assert one("-", stdin=b"[1] A text may begin like this.").title == "stdin"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"id": "a", "text": "T", "attributes": {"n": NaN}}', '"attributes.n" is no finite number'),
        (b'{"id": "a", "text": "T", "attributes": {"n": -Infinity}}', '"attributes.n" is no finite number'),
        (b'{"id": "a", "text": "T", "attributes": {"n": 1e999}}', '"attributes.n" is no finite number'),
        (b'{"id": "a", "text": "T", "attributes": {"n": [1]}}', '"attributes.n" is a list or an object'),
        (b'{"id": "a", "text": NaN}', '"text" is no text in quotes'),
        (b'{"id": "a", "text": "T"', "is no whole JSON: it ends at column"),
        (b'{"id": "a" "text": "T"}', "is no JSON: expected `,` or `}` at column 12"),
        (b"[1, 2]", 'is no JSON object; write {"id": ..., "title": ..., "text": ...}'),
        (b'{"text": "T"}', 'has no "id"'),
        (b'{"id": "a", "text": 5}', '"text" is no text in quotes'),
        (b'{"id": "a", "text": "T", "colour": 1}', '"colour" is no field of a document; put it into "attributes"'),
        (b'{"id": "", "text": "T"}', '"id" is empty'),
        (b'{"id": "a", "text": "T \\u0000"}', '"text" holds a NUL character at 2'),
    ],
)
def test_one_fault_is_said_once_and_names_one_line(tmp_path: Path, line: bytes, said: str) -> None:
    found = loaded(written(tmp_path, "some.jsonl", ONE + line + b"\n" + TWO))
    assert [type(document) for document in found] == [Loaded, Refused, Loaded]
    assert isinstance(found[1], Refused)
    assert found[1].name.endswith("some.jsonl:2")
    assert found[1].reason.startswith(said)
    assert "; " not in found[1].reason.replace("; write", "").replace("; put it", "").replace("; send", "").replace(
        "; an attribute", ""
    ).replace("; leave", "")
    assert " line " not in found[1].reason


def test_what_is_binary_is_said_to_be(tmp_path: Path) -> None:
    assert "is no text" in refusal(written(tmp_path, "noise.txt", b"\x01\x02\xff" + b"abcdefgh" * 9 + b"\0"))
    assert "of which no text can be read" in refusal(written(tmp_path, "drawing.txt", PNG))


def test_another_encoding_is_found_said_and_can_be_named(tmp_path: Path) -> None:
    text = "Der Bürgermeister eröffnete die Brücke über den Fluß."
    found = one(written(tmp_path, "latin.txt", text.encode("cp1252")))
    assert (found.text, found.attributes["encoding"]) == (text, "cp1252")
    assert "--encoding" in found.warnings[0]
    polish = "Łódź jest miastem w Polsce."
    path = written(tmp_path, "polish.txt", polish.encode("iso-8859-2"))
    (found,) = [
        one for one in load([str(path)], io.BytesIO(), LoadOptions(encoding="iso-8859-2")) if isinstance(one, Loaded)
    ]
    assert (found.text, found.attributes["encoding"], found.warnings) == (polish, "iso8859-2", ())
    (refused,) = load([str(path)], io.BytesIO(), LoadOptions(encoding="ascii"))
    assert isinstance(refused, Refused) and "is not ascii: byte 0" in refused.reason


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, "large.txt", "x" * 2000)
    (refused,) = load([str(path)], io.BytesIO(), LoadOptions(limits=ReadLimits(file_bytes=1000)))
    assert isinstance(refused, Refused)
    assert refused.reason == "is 2,000 bytes and the limit is 1,000; split it or raise max_file_bytes"


def test_json_is_lines_of_documents_or_one_document(tmp_path: Path) -> None:
    found = one(written(tmp_path, "town.json", '{"title": "Tarrow", "people": 3000, "piers": ["north", "south"]}'))
    assert (found.title, found.attributes["format"]) == ("Tarrow", "json")
    assert found.text == "- title: Tarrow\n- people: 3000\n- piers: north, south\n"
    assert one(written(tmp_path, "one.json", ONE)).document_id == "1"


def test_a_binary_file_may_come_by_standard_input() -> None:
    page = b"<html><head><title>Tarrow</title></head><body><p>Tarrow lies by the sea.</p></body></html>"
    found = one("-", stdin=page)
    assert (found.document_id, found.title, found.text) == ("stdin", "Tarrow", "Tarrow lies by the sea.\n")
    assert "of which no text can be read" in refusal("-", stdin=PNG)


def test_attachments_are_documents_of_their_own(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "The pier", "ines@example.org", "tobias@example.org"
    message["Date"] = "Thu, 04 Mar 2021 10:00:00 +0100"
    message.set_content("See the notes.")
    message.add_attachment("# Notes\n\nThe pier is open.", subtype="markdown", filename="notes.md")
    message.add_attachment(PNG, maintype="image", subtype="png", filename="pier.png")
    path = written(tmp_path, "pier.eml", bytes(message))
    found = list(load([str(path)], io.BytesIO()))
    first, second, third = found
    assert isinstance(first, Loaded) and isinstance(second, Loaded) and isinstance(third, LeftOut)
    assert (first.document_id, first.title) == (str(path), "The pier")
    assert first.attributes["created"] == "2021-03-04T10:00:00+01:00"
    assert (second.document_id, second.title) == (f"{path}#notes.md", "Notes")
    assert second.uri == f"{path.as_uri()}#notes.md"
    assert (third.name, third.reason) == (f"{path}#pier.png", ".png")
