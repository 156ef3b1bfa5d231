"""The code and its documents speak in the field's words, which `docs/glossary.md` explains, and in no private ones."""

import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"

# Whole identifiers, without underscores around them, upper or lower case; what is said instead.
OLD_NAMES = {
    "graveyard": "dead_letter_sink",
    "bury": "set_aside",
    "buried": "set_aside",
    "drain": "batch_consumer",
    "drained": "caught_up",
    "settle": "process",
    "settled": "processed",
    "dealt_with": "processed",
    "picture": "state",
    "pictures": "states",
    "frozen": "snapshot",
    "one_moment": "consistent_read",
    "undisturbed": "retry_replaced",
    "trusted": "unvalidated",
    "decode_trusted": "decode_unvalidated",
    "sweep": "delete_stale",
    "heal": "recover",
    "healed": "recovered",
    "frame": "command context",
    "marks": "relay_progress",
    "relaymark": "RelayProgress",
    "relaymarks": "RelayProgressReader",
    "gate": "connection limiter, or check_versions",
    "place": "partition, index, span or position",
    "places": "partitions, indexes, spans or positions",
    "reached": "positions",
    "everywhere": "uniform_positions",
    "lowest": "low_watermark",
    "lowest_needed": "overall_low_watermark",
    "shape": "schema_version",
    "outpaced": "StaleVersionError",
    "patiently": "retry_unavailable",
    "open_asking": "open_ask_service",
    "bridge": "path_ranking",
    "joined": "Edge",
    "knowledges": "Neighbourhoods",
    "exits": "termination",
    "abouts": "subjects",
}
# Names that are private to us only where they name a class.
OLD_CLASSES = {
    "Replaced": "ReadModelReplacedError",
    "Blocked": "WriteBlockedError",
    "Asking": "AskService",
    "Asked": "AskResult",
}

# The few uses in which a word has its ordinary meaning, or belongs to somebody else: word and file (or folder).
LEGITIMATE = {
    ("frozen", "dataclasses and pydantic: `frozen=True`"): ("",),
    ("frozen", "a server whose processes are stopped (SIGSTOP)"): ("tests/",),
    ("shape", "numpy and scipy: `array.shape`, `shape=(rows, columns)`"): ("",),
    ("marks", "byte order marks"): ("annals/encodings.py", "inference/formats/encodings.py"),
    ("frame", "reportlab and OpenDocument: where on a page text goes"): (
        "tests/inference/formats/test_written_by_others.py",
        "tests/inference/formats/samples.py",
    ),
    ("drain", "asyncio.StreamWriter.drain"): (
        "tests/gateway/test_connections.py",
        "tests/servers/test_passages_opensearch.py",
        "tests/services/mesh/test_rpc.py",
    ),
    ("drain", "psycopg_pool.ConnectionPool.drain"): ("eventstore/log.py",),
    ("reached", "nodes that a walk over a graph came to"): (
        "projections/graph/walk.py",
        "services/storage/cross_database.py",
        "reasoning/answer.py",
    ),
    ("reached", "a ratio that is at its limit"): ("bench/",),
    ("joined", "parts of an event, tokens of a name, lines of files, chunks"): (
        "contracts/parts.py",
        "inference/token_classification.py",
        "tests/",
    ),
    ("bridge", "one over a river"): ("tests/",),
    ("place", "a town"): ("tests/annals/corpus.py", "bench/corpus.py"),
    ("places", "towns"): ("tests/annals/corpus.py", "bench/corpus.py"),
    ("lowest", "of scores"): ("tests/projections/contract/passages.py",),
    ("everywhere", "a name that every passage has"): ("tests/reasoning/test_index.py",),
}

# In comments, docstrings, messages and documents: what has no ordinary meaning here.
OLD_PHRASES = re.compile(
    r"\b(?:graveyards?|bury|buried|drained|dealt with|undisturbed|patiently|trusted decoding|abouts|knowledges|"
    r"outpaced|one_moment|whether it is news|(?:document|entity|query)picture|relay'?s marks?)\b",
    re.IGNORECASE,
)


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository, this one left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and ROOT / name != Path(__file__) and (ROOT / name).is_file()]


def identifiers(source: str) -> Iterator[tuple[str, int]]:
    """Names of Python code, with their lines; arrays' `shape` and dataclasses' `frozen=` are not ours."""
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)
    ]
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if token.type != tokenize.NAME:
            continue
        attribute = before is not None and before.string == "."
        keyword = after is not None and after.string == "=" and before is not None and before.string in ("(", ",")
        if (token.string == "shape" and (attribute or keyword)) or (token.string == "frozen" and keyword):
            continue
        yield token.string, token.start[0]


def old_name(name: str) -> str | None:
    """What is said instead of an old name; None for any other name."""
    return OLD_CLASSES.get(name) or OLD_NAMES.get(name.strip("_").lower())


def allowed(name: str, path: str) -> bool:
    """Whether the word has another meaning there."""
    word = name.strip("_").lower()
    return any(
        word == legitimate and any(where and path.startswith(where) for where in wheres)
        for (legitimate, _), wheres in LEGITIMATE.items()
    )


def test_old_names_are_seen() -> None:
    source = "from streams import exits\nself._graveyard.bury(x)\na.shape\nf(frozen=True, shape=(1, 2))\nfrozen = 1\n"
    found = [(name, line) for name, line in identifiers(source) if old_name(name)]
    assert found == [("exits", 1), ("_graveyard", 2), ("bury", 2), ("frozen", 5)]


def test_no_identifier_is_an_old_name() -> None:
    found = []
    for file in tracked("*.py"):
        path = file.relative_to(ROOT).as_posix()
        source = file.read_text("utf-8")
        # Taking a source apart takes long, and few have any of the words.
        words = set(re.findall(r"\w+", re.sub(r"\bfrozen=|\.shape\b|\bshape=", "", source)))
        read = identifiers(source) if any(map(old_name, words)) else ()
        names = [*read, *((part, 0) for part in Path(path).with_suffix("").parts)]
        found += [
            f"{path}:{line}: {name} (say: {old_name(name)})"
            for name, line in names
            if old_name(name) and not allowed(name, path)
        ]
    assert found == []


def test_no_sql_names_an_old_word() -> None:
    found = []
    for file in tracked("*.sql"):
        for word in re.findall(r"[A-Za-z_]+", re.sub(r"--.*", "", file.read_text("utf-8"))):
            if old_name(word):
                found.append(f"{file.relative_to(ROOT)}: {word}")
    assert found == []


def test_no_text_speaks_in_old_words() -> None:
    found = []
    for file in tracked("*.py", "*.md", "*.sql", "*.toml", "*.yaml", "*.yml", "Makefile", "Dockerfile"):
        if file.name == "CHANGELOG.md" or file.is_relative_to(ROOT / "tests" / "eventstore" / "data"):
            continue  # they tell what was before
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            if match := OLD_PHRASES.search(line):
                found.append(f"{file.relative_to(ROOT)}:{number}: {match.group()}")
    assert found == []


TERMS = re.findall(r"^- \*\*(.+?)\*\*: (.+)$", GLOSSARY.read_text("utf-8"), re.MULTILINE)


def test_the_glossary_is_one_line_a_term_in_order() -> None:
    names = [name for name, _ in TERMS]
    assert names == sorted(names, key=str.lower) and len(names) == len(set(names)) >= 40
    lines = [line for line in GLOSSARY.read_text("utf-8").splitlines() if line.startswith("-")]
    assert len(lines) == len(TERMS)


@pytest.mark.parametrize(("term", "meaning"), TERMS, ids=[name for name, _ in TERMS])
def test_a_term_names_code_that_is_there(term: str, meaning: str) -> None:
    assert meaning.endswith(".")
    for path in re.findall(r"`([\w/]+(?:/|\.\w+))`", meaning):
        assert (ROOT / path).exists(), f"{term}: {path}"
