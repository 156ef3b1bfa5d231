"""What the embedder reads over a chunk: the headings that it stands under, and its table's header."""

from hypothesis import given
from hypothesis import strategies as st

from inference.blocks import blocks_of
from inference.chunk_context import MOST_HEADER, MOST_PATH, ChunkContexts
from inference.chunking_strategies import StructureChunker
from tests.inference.test_chunking import words

ROWS = "".join(f"| ship {n} | 19{n:02} | {n} |\n" for n in range(60))
TEXT = f"""# Tarrow

The harbour of Tarrow.

## Ships

| Ship | Built | Berth |
| --- | --- | --- |
{ROWS}
## Piers

### North

It is of stone.
"""


def at(found: str) -> int:
    return TEXT.index(found)


def test_headings_over_it_and_the_header_of_its_table() -> None:
    contexts = ChunkContexts(TEXT)
    assert contexts.of(at("The harbour")) == "Tarrow"
    assert contexts.of(at("The harbour"), title=" Tarrow ") == "", "the title is read anyway"
    assert contexts.of(at("| Ship |")) == "Tarrow > Ships", "its header is in it"
    assert contexts.of(at("| ship 0")) == contexts.of(at("| ship 41 ")) == "Tarrow > Ships\n| Ship | Built | Berth |"
    assert contexts.of(at("## Piers")) == "Tarrow" and contexts.of(at("### North")) == "Tarrow > Piers"
    assert contexts.of(at("It is"), title="Tarrow") == "Piers > North"


def test_every_chunk_of_a_table_has_its_header_and_spans_are_as_they_were() -> None:
    chunks = StructureChunker(words, "words", max_tokens=60, overlap_tokens=10).split(TEXT)
    contexts = ChunkContexts(TEXT)
    of_table = [one for one in chunks if "| ship " in TEXT[one.start : one.end]]
    assert len(of_table) > 4
    for one in of_table:
        read = f"{contexts.of(one.start)}\n{TEXT[one.start : one.end]}"
        assert read.count("| Ship | Built | Berth |") == 1
        assert TEXT[one.start : one.end].strip() == TEXT[one.start : one.end]


def test_headings_that_only_the_file_knows() -> None:
    text = "The piers\nOf stone.\nShips\nOf wood.\n"
    headings = [(1, 0, 9), (2, text.index("Ships"), text.index("Ships") + 5)]
    assert ChunkContexts(text, headings).of(text.index("Of wood")) == "The piers > Ships"
    assert ChunkContexts(text).of(text.index("Of wood")) == ""


def test_of_long_ones_the_deepest_and_the_begin() -> None:
    deep = "".join(f"{'#' * level} {f'heading {level} ' * 15}\n\n" for level in range(1, 7))
    wide = "| " + " | ".join(f"column {n}" for n in range(500)) + " |\n|---|\n| a |\n| b |\n"
    path, header = ChunkContexts(deep + wide).of(len(deep + wide) - 6).split("\n")
    assert len(path) <= MOST_PATH and path.endswith("heading 6") and "heading 1" not in path
    assert len(header) == MOST_HEADER and header.startswith("| column 0 |")
    assert len(ChunkContexts("# " + "x" * 9_999 + "\nText.").of(10_003)) == MOST_PATH


def test_it_costs_no_more_than_the_text_is_long() -> None:
    """Ten thousand headings and as many chunks: each looks only at its own."""
    text = "".join(f"## {n}\n\nA.\n\n" for n in range(10_000))
    contexts = ChunkContexts(text)
    assert [contexts.of(block.start) for block in blocks_of(text) if block.kind == "paragraphs"][-1] == "9999"


@given(st.text(alphabet="#| -a\n\r", max_size=60), st.integers(0, 70))
def test_any_text(text: str, start: int) -> None:
    found = ChunkContexts(text).of(start, title="a")
    assert found == found.strip() and found.count("\n") <= 1 and len(found) <= MOST_PATH + 1 + MOST_HEADER
