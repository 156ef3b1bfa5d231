"""Files that are broken or noise: each is named or read, none ends the process that reads or keeps it for long."""

import os
import random
import time

import pytest

from inference.formats.child import FileReader, ReadLimits
from inference.formats.document import NotRead, ReadDocument
from tests.inference.formats.samples import good_files, mutated, mutated_within

pytestmark = pytest.mark.pipeline

LIMITS = ReadLimits(seconds=20.0)
SUFFIXES = {"markdown": "md", "email": "eml", "subtitles": "srt", "source": "sh", "text": "txt"}
RANDOM_FILES = 1_000
MUTATIONS = 20


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return good_files(tmp_path_factory.mktemp("good"))


KINDS = (
    *("docx", "odt", "ods", "odp", "epub", "html", "rtf", "pptx", "pdf", "xlsx", "warc", "email", "mbox"),
    *("markdown", "csv", "tsv", "json", "subtitles", "source", "text", "msg", "zip", "tar"),
)
ZIPPED = ("docx", "odt", "ods", "odp", "epub", "pptx", "xlsx", "zip")


def outcome(reader: FileReader, raw: bytes, name: str) -> tuple[int, list[str]]:
    """How many documents, and why others are none; always one or the other."""
    began = time.monotonic()
    found = list(reader.read(raw, name, archives=True))
    assert found, "a file is read or named"
    assert time.monotonic() - began < LIMITS.seconds + 10
    reasons = [one.reason for one in found if isinstance(one, NotRead)]
    assert all(reason and "\n" not in reason and len(reason) < 300 for reason in reasons), reasons
    for one in found:
        if isinstance(one, ReadDocument):
            assert "\0" not in one.text
            assert all(0 <= heading.start < heading.end <= len(one.text) for heading in one.headings)
            assert all(0 <= start <= len(one.text) for start in one.pages)
            one.text.encode()
    return sum(isinstance(one, ReadDocument) for one in found), reasons


def test_there_is_a_good_file_of_each_kind(good: dict[str, bytes]) -> None:
    assert set(good) == set(KINDS)
    with FileReader(LIMITS) as reader:
        for kind in KINDS:
            documents, reasons = outcome(reader, good[kind], f"good.{SUFFIXES.get(kind, kind)}")
            assert documents > 0 and not reasons, (kind, reasons)


@pytest.mark.parametrize("kind", KINDS)
def test_broken_files_are_read_or_named(good: dict[str, bytes], kind: str) -> None:
    with FileReader(LIMITS) as reader:
        for seed in range(MUTATIONS):
            raw = mutated(good[kind], random.Random(f"{kind} {seed}"))
            outcome(reader, raw, f"broken.{SUFFIXES.get(kind, kind)}")
        child = reader.pid
        assert outcome(reader, b"A text.", "a.txt") == (1, [])
        assert reader.pid == child is not None, "none of them ended its process"


@pytest.mark.parametrize("kind", ZIPPED)
def test_whole_files_with_broken_parts_are_read_or_named(good: dict[str, bytes], kind: str) -> None:
    """What is broken behind the checksums, in the XML that only its reader sees."""
    named = 0
    with FileReader(LIMITS) as reader:
        for seed in range(MUTATIONS):
            raw = mutated_within(good[kind], random.Random(f"within {kind} {seed}"))
            named += bool(outcome(reader, raw, f"broken.{kind}")[1])
        child = reader.pid
        assert outcome(reader, b"A text.", "a.txt") == (1, [])
        assert reader.pid == child is not None, "none of them ended its process"
    assert named, "some of them cannot be read"


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_thousands_of_broken_files(good: dict[str, bytes]) -> None:
    """A seed of each run's own: what it finds is in its message."""
    seed = os.environ.get("ANNALS_TEST_SEED") or str(random.randrange(2**32))
    print(f"\nbroken files: seed {seed}")
    rounds = int(os.environ.get("ANNALS_TEST_ROUNDS", "1")) * 60
    with FileReader(LIMITS) as reader:
        for kind in KINDS:
            for number in range(rounds):
                chance = random.Random(f"{seed} {kind} {number}")
                within = kind in ZIPPED and number % 2
                raw = (mutated_within if within else mutated)(good[kind], chance)
                outcome(reader, raw, f"broken.{SUFFIXES.get(kind, kind)}")


def test_noise_is_named(good: dict[str, bytes]) -> None:
    """Bytes at random, of all lengths; every fourth begins as a file of some kind does."""
    chance = random.Random(20)
    starts = [raw[:8] for raw in good.values()]
    named = 0
    with FileReader(LIMITS) as reader:
        for number in range(RANDOM_FILES):
            start = chance.choice(starts) if number % 4 == 0 else b""
            raw = start + chance.randbytes(chance.randrange(1, 2_000))
            _, reasons = outcome(reader, raw, f"noise.{chance.choice(['txt', 'pdf', 'docx', 'csv', 'bin', ''])}")
            named += bool(reasons)
    # A few bytes may happen to be a text in some encoding.
    assert named > 0.97 * RANDOM_FILES
