"""What the embedder reads of a chunk, now and before headings and headers of tables were read with it."""

from contracts.documents import Chunk
from contracts.structure import structure_attributes
from inference.model import digest_of
from services.processing.embedder_input import EmbedderInputs, embedder_input

TEXT = "Ships\n\n| Ship | Berth |\n| --- | --- |\n| Petrel | N3 |\n| Tern | S1 |\n"
INPUTS = EmbedderInputs("Tarrow", TEXT, structure_attributes([(1, 0, 5)], ()))
ROW = (TEXT.index("| Tern"), len(TEXT) - 1)


def chunk(read: str) -> Chunk:
    return Chunk(
        chunk_id="c", index=0, start=ROW[0], end=ROW[1], tokens=9, digest="a" * 64, input_digest=digest_of(read)
    )


def test_title_headings_header_and_text() -> None:
    assert INPUTS.of(*ROW) == "Tarrow\nShips\n| Ship | Berth |\n| Tern | S1 |"
    assert INPUTS.of(0, 5) == embedder_input("Tarrow", "Ships") == "Tarrow\nShips"


def test_another_model_reads_what_the_one_before_it_read() -> None:
    plain = "Tarrow\n| Tern | S1 |"
    assert INPUTS.of_chunk(chunk(INPUTS.of(*ROW))) == INPUTS.of(*ROW)
    assert INPUTS.of_chunk(chunk(plain)) == plain, "it was cut before"
