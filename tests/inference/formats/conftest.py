"""One child process for all tests of readers."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from inference.formats.child import FileReader
from inference.formats.document import NotRead, Read, ReadDocument

ReadAll = Callable[..., list[Read]]
ReadOne = Callable[..., ReadDocument]
Refusal = Callable[..., str]


@pytest.fixture(scope="session")
def reader() -> Iterator[FileReader]:
    with FileReader() as opened:
        yield opened


@pytest.fixture(scope="session")
def read_all(reader: FileReader) -> ReadAll:
    def read(raw: bytes, name: str = "file", **options: object) -> list[Read]:
        return list(reader.read(raw, name, **options))  # type: ignore[arg-type]

    return read


@pytest.fixture(scope="session")
def read_one(read_all: ReadAll) -> ReadOne:
    def read(raw: bytes, name: str = "file", **options: object) -> ReadDocument:
        (found,) = read_all(raw, name, **options)
        assert isinstance(found, ReadDocument), found
        for heading in found.headings:
            assert found.text[heading.start : heading.end].strip(), heading
        assert list(found.pages) == sorted(found.pages)
        return replace(found)

    return read


@pytest.fixture(scope="session")
def refusal(read_all: ReadAll) -> Refusal:
    def refused(raw: bytes, name: str = "file", **options: object) -> str:
        (found,) = read_all(raw, name, **options)
        assert isinstance(found, NotRead), found
        assert "\n" not in found.reason and len(found.reason) < 300
        return found.reason

    return refused


def headings(document: ReadDocument) -> list[tuple[int, str]]:
    """Level and words of each."""
    return [(one.level, document.text[one.start : one.end]) for one in document.headings]
