"""`annals delete --erase`: not a byte of a document is left in the data folder, and all else is as if it never was."""

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from annals.composition.master_keys import FILE_NAME
from eventstore.log_ids import LogIds
from eventstore.log_secret import open_ids
from eventstore.outputs import open_output, row_of
from eventstore.pool import close_pool, open_pool
from security.master_key import FileMasterKey
from tests.annals.corpus import write_corpus
from tests.annals.pipeline import Pipeline, given
from tests.annals.test_export_import import digests

pytestmark = pytest.mark.pipeline

SENTENCES = tuple(
    f"Wilhelmina Quastenberg wrote to Ottokar Zwirnfeld about the {thing} of Lindwurmhausen."
    for thing in (
        *("cellar", "granary", "orchard", "vineyard", "smithy", "chapel", "stables", "brewery", "sawmill", "tannery"),
        *("pottery", "bakery", "foundry", "dovecote", "icehouse", "kiln", "quarry", "ferry", "tollhouse", "apiary"),
    )
)
TITLE = "The Quastenberg letters"
SECRET = "private/k7-letters.md"
NAMES = ("Quastenberg", "Zwirnfeld", "Lindwurmhausen")


@pytest.mark.timeout(900)
def test_not_a_byte_is_left(tmp_path: Path) -> None:
    erased_of(tmp_path, 20)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_not_a_byte_is_left_of_one_of_a_thousand(tmp_path: Path) -> None:
    erased_of(tmp_path, 1000)


def erased_of(tmp_path: Path, documents: int) -> None:
    data, corpus, secret = tmp_path / "data", tmp_path / "corpus.jsonl", tmp_path / "secret.jsonl"
    write_corpus(corpus, documents - 1)
    secret.write_text(json.dumps({"id": SECRET, "title": TITLE, "text": " ".join(SENTENCES)}) + "\n")
    pipeline = Pipeline(data)
    dsn = pipeline.addresses["postgres"]
    try:
        given(data, "ingest", str(corpus), "--wait")
        before, known = digests(data), outputs(dsn)
        given(data, "ingest", str(secret), "--wait")
        vectors = opened_vectors(data, dsn, outputs(dsn) - known)
        asked = given(data, "ask", "To whom did Wilhelmina Quastenberg write about the brewery?")
        assert any(source["document_id"] == SECRET for source in asked["sources"])

        done = given(data, "delete", SECRET, "--erase", "she asked for it")
        assert (done["documents"], done["in_the_clear"]) == ([SECRET], 0)
        assert done["questions"] == 1
        assert given(data, "verify", "--log")["intact"]
        archive = tmp_path / "later.jsonl"
        given(data, "export", str(archive))
        assert not found_in([archive], [*words(vectors), SECRET.encode()])
        with psycopg.connect(dsn, autocommit=True) as connection:
            # Only ids are in it; its own retention removes them.
            connection.execute("ALTER TABLE annals.audit_log DISABLE TRIGGER ALL")
            connection.execute("TRUNCATE annals.audit_log")
            for statement in ("ANALYZE", "VACUUM FULL", "CHECKPOINT", "SELECT pg_switch_wal()", "CHECKPOINT"):
                connection.execute(statement.encode())
        assert digests(data) == before
    finally:
        pipeline.stop()
    assert found_in(files(data), [b"annals"]), "the search finds what is there"
    logs = data / "logs"
    assert not found_in([file for file in files(data) if logs not in file.parents], [*words(vectors), SECRET.encode()])
    assert not found_in(files(logs), words(vectors)), "logs name documents by their ids, and say nothing else of them"

    pipeline = Pipeline(data)
    try:
        taken = given(data, "ingest", str(secret), "--wait")
        assert taken["ingested"] == 1
        assert given(data, "search", "brewery of Lindwurmhausen")["passages"]
    finally:
        pipeline.stop()
    # Without a gateway as well.
    shown = given(data, "erase", "Ottokar Zwirnfeld", "--dry-run")
    assert [(one["document_id"], one["texts"]) for one in shown["documents"]] == [(SECRET, len(SENTENCES))]


async def ids_of(data: Path, dsn: str) -> LogIds:
    pool = await open_pool(dsn, max_size=1)
    try:
        return await open_ids(pool, FileMasterKey(data / FILE_NAME))
    finally:
        await close_pool(pool)


def words(vectors: Sequence[bytes]) -> list[bytes]:
    texts = (*SENTENCES, *NAMES, TITLE, "quastenberg", "zwirnfeld")
    return [*(text.encode() for text in texts), *vectors]


def outputs(dsn: str) -> set[tuple[str, bytes, bytes]]:
    """What models said: model, row and output, sealed."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT model, digest, output FROM annals.model_outputs WHERE sealed")
        return {(row[0], bytes(row[1]), bytes(row[2])) for row in rows}


def opened_vectors(data: Path, dsn: str, sealed: set[tuple[str, bytes, bytes]]) -> list[bytes]:
    """The vectors of the secret's chunks, as models gave them, and all that was made of it as it is stored."""
    text = " ".join(SENTENCES)
    chunks = given(data, "chunk", "list", SECRET)["chunks"]
    digests = [hashlib.sha256(f"{TITLE}\n{text[one['start'] : one['end']]}".encode()).hexdigest() for one in chunks]
    ids = asyncio.run(ids_of(data, dsn))
    rows = {row_of(ids, one): one for one in digests}
    found = [open_output(ids, model, rows[row], output) for model, row, output in sealed if row in rows]
    assert len(found) >= len(chunks) > 0
    return [*found, *(output for _, _, output in sealed)]


def files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root) / name for name in names)


def found_in(paths: Iterator[Path] | Sequence[Path], wanted: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """Which of these bytes are in which file."""
    found = []
    for path in paths:
        if path.is_file():
            held = path.read_bytes()
            found += [(str(path), one[:60]) for one in wanted if one in held]
    return found
