"""Strategies cut by structure and by meaning; what has no structure is cut as it always was."""

import hashlib
import json
import re
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.blocks import Headings, blocks_of
from inference.chunking import CHARACTERS_A_TOKEN, Chunker, Offsets
from inference.chunking_strategies import SentenceModel, Strategy, chunker_of
from inference.embedding import Vectors
from tests.inference.test_chunking import parts, whole_text, words

LETTERS = np.eye(64, dtype=np.float32)
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


def by_first_letter(texts: Sequence[str]) -> Vectors:
    """Texts are alike that begin with the same letter."""
    return LETTERS[[ord(text[0]) % len(LETTERS) for text in texts]]


def chunker(strategy: Strategy, tokens: int = 200, overlap: int = 40, tokenize: object = words) -> Chunker:
    model = SentenceModel("letters", by_first_letter)
    return chunker_of(strategy, tokenize, "words", model, max_tokens=tokens, overlap_tokens=overlap)  # type: ignore[arg-type]


PLAIN = {
    "sentences": " ".join(
        f"The {n}th bridge over the Morvane was built by Sefrik of Lisse. Dr. Ada saw it!" for n in range(120)
    ),
    "paragraphs": "\n\n".join(
        f"Paragraph {n} begins here. It goes on - with a dash, and 3 | 4. Then it ends." for n in range(60)
    ),
    "long word": "x" * 30000 + " end.",
    "line ends": "\n" * 5000 + "One.\r\n\r\nTwo." + "\n" * 5000,
    "chinese": "采购订单自动审批流程。" * 300,
    "wrapped": "\n".join("a line of a wrapped text that goes on and on, without any end" for _ in range(80)),
}
PINNED = {
    "sentences": ("8f974b2ec9ba76b4", "6e54bb11305de83f", "457e4d7a3e5f585c"),
    "paragraphs": ("50820db76469a38e", "f98594bf52f431a4", "84d3afe88be8ada0"),
    "long word": ("a48b609201dce1f9", "7a41de015b8452ef", "50b5c3dd942b8e9e"),
    "line ends": ("6fb7f45a0f85921b", "6fb7f45a0f85921b", "d743d46c1be7169a"),
    "chinese": ("cb903db7c577f79d", "33545431164abbbf", "5e04f16b3b4e3306"),
    "wrapped": ("56434ee3b2bed6b7", "f286c09e6332e6dd", "18c8c9eb152be9b1"),
}
"""Digests of the chunks before there were strategies: words of at most 200 and 16, and one token for everything."""


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("strategy", ["structure", "sentences"])
def test_a_text_without_structure_is_cut_as_before(name: str, strategy: Strategy) -> None:
    def digest(tokens: int, overlap: int, tokenize: object) -> str:
        chunks = chunker(strategy, tokens, overlap, tokenize).split(PLAIN[name])
        spans = json.dumps([(chunk.start, chunk.end, chunk.tokens) for chunk in chunks])
        return hashlib.sha256(spans.encode()).hexdigest()[:16]

    assert (digest(200, 40, words), digest(16, 15, words), digest(50, 5, whole_text)) == PINNED[name]


LINES = st.sampled_from(
    [
        "# Head", "## Sub head", "###### Deep", "One two three. Four five.", "- item one", "* item two. More.",
        "1. first", "2) second", "  continued", "| a | b |", "| --- | --- |", "| one two | three |", "```", "~~~py",
        "code = 1", "", "  ", "\t", "x" * 90, "e\u0301 👩\u200d🚀 İ", "采购订单。自动审批。",
    ]
)  # fmt: skip
TEXTS = st.builds(
    lambda lines, ends: "".join(a + b for a, b in zip(lines, ends, strict=False)),
    st.lists(LINES, max_size=40),
    st.lists(st.sampled_from(["\n", "\r\n", "\n\n", "\r"]), min_size=40, max_size=40),
) | st.text(alphabet="ab.\n #-|`~1)\t\r\u3002", max_size=300)
HEADINGS = st.lists(st.tuples(st.integers(-1, 7), st.integers(-5, 900), st.integers(-5, 900)), max_size=5)
BUDGETS = st.tuples(st.integers(2, 30), st.integers(0, 29)).filter(lambda pair: pair[1] < pair[0])


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(max_examples=60)
@given(text=TEXTS, headings=HEADINGS, budget=BUDGETS)
def test_chunks_cover_the_text_in_order_within_the_budget(
    strategy: Strategy, text: str, headings: Headings, budget: tuple[int, int]
) -> None:
    chunks = chunker(strategy, *budget).split(text, headings)
    covered = {index for chunk in chunks for index in range(chunk.start, chunk.end)}
    assert {index for index, character in enumerate(text) if not character.isspace()} <= covered
    offsets = words(text)
    for chunk in chunks:
        assert 0 <= chunk.start < chunk.end <= len(text)
        assert text[chunk.start : chunk.end] == text[chunk.start : chunk.end].strip()
        assert chunk.end - chunk.start <= budget[0] * CHARACTERS_A_TOKEN
        assert chunk.tokens == sum(chunk.start <= start < chunk.end for start, _ in offsets) <= budget[0]
    for earlier, later in pairwise(chunks):
        assert earlier.start < later.start and earlier.end < later.end


@settings(max_examples=100)
@given(text=TEXTS, headings=HEADINGS)
def test_blocks_follow_each_other_and_are_the_text(text: str, headings: Headings) -> None:
    blocks = list(blocks_of(text, headings))
    assert "".join(text[block.start : block.end] for block in blocks) == text
    for block in blocks:
        assert block.start < block.end
        assert all(block.start <= part < block.end for part in block.parts)
        assert list(block.parts) == sorted(set(block.parts))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "x" * 100_000,
        "\u0301" * 100_000,
        "\n" * 100_000,
        "\r\n" * 100_000,
        "# \n" * 10_000,
        "a\n" * 10_000,
        "# h\n" * 1_000,
        "- a\n\nb\n\n" * 500,
        "|\n" * 10_000,
        "| a |\n| - |\n" * 500,
        "```\n" * 1_000,
        " " * 100_000 + "x",
        "A. b. " * 500,
    ],
    ids=lambda text: f"{text[:8]!r} {len(text)}",
)
def test_no_text_takes_long_or_gives_an_empty_chunk(strategy: Strategy, text: str) -> None:
    began = time.process_time()
    for tokenize in (words, whole_text):
        chunks = chunker(strategy, 200, 199, tokenize).split(text)
        assert all(text[chunk.start : chunk.end].strip() for chunk in chunks)
        assert bool(chunks) == bool(text.strip())
    assert time.process_time() - began < 7


def cut(text: str, tokens: int, overlap: int = 0, strategy: Strategy = "structure") -> list[str]:
    return parts(text, chunker(strategy, tokens, overlap).split(text))


def test_a_chunk_holds_whole_sections_of_one_parent() -> None:
    text = "# A\n\none two.\n\n## B\n\nthree four.\n\n## C\n\nfive six.\n\n# D\n\nseven."
    assert cut(text, 100) == [text]
    assert cut(text, 12) == ["# A\n\none two.\n\n## B\n\nthree four.", "## C\n\nfive six.", "# D\n\nseven."]


def test_a_section_over_the_budget_is_cut_by_its_sentences_and_begins_a_chunk() -> None:
    text = "# A\n\nOne.\n\n# B\n\nOne two three. Four five six. Seven eight nine.\n\n# C\n\nTen."
    assert cut(text, 10) == [
        "# A\n\nOne.",
        "# B\n\nOne two three. Four five six.",
        "Seven eight nine.",
        "# C\n\nTen.",
    ]
    assert cut(text, 10, 4)[2] == "Four five six. Seven eight nine."


def test_headings_that_only_the_reader_knows_begin_sections_too() -> None:
    text = "Life\nOne two three. Four five.\nWork\nSix seven eight. Nine ten."
    headings = [(1, 0, 4), (1, text.index("Work"), text.index("Work") + 4)]
    found = chunker("structure", 10, 0).split(text, headings)
    assert parts(text, found) == ["Life\nOne two three. Four five.", "Work\nSix seven eight. Nine ten."]


@pytest.mark.parametrize(
    ("block", "others"),
    [
        ("- one two\n- three four\n  five six", ["- one two", "- three four\n  five six"]),
        ("1. one two\n2. three four", ["1. one two", "2. three four"]),
        ("| a | b |\n| - | - |\n| 1 | 2 |", ["| a | b |\n| - | - |\n| 1 | 2 |"]),
        ("```\none two\n\nthree four\n```", ["```\none two\n\nthree four", "```"]),
    ],
)
def test_lists_tables_and_code_are_whole_where_they_fit_and_cut_between_their_parts(
    block: str, others: list[str]
) -> None:
    text = f"# A\n\none two three. four five six.\n\n{block}\n\nEnd."
    size = len(words(block))
    assert any(block in one for one in cut(text, size))
    assert len(others) == 1 or all(any(other in one for one in cut(text, size - 1)) for other in others)


def test_rows_of_a_long_table_are_whole_and_its_header_stands_with_the_first() -> None:
    header = "| name | year |\n| --- | --- |\n"
    rows = [f"| Mill {number} | {1800 + number} |" for number in range(40)]
    found = cut("# Mills\n\n" + header + "\n".join(rows), 40)
    assert len(found) > 5 and found[0].startswith("# Mills\n\n" + header + rows[0])
    assert [line for one in found for line in one.split("\n")][4:] == rows


def test_by_meaning_a_full_chunk_ends_where_neighbours_are_least_alike() -> None:
    text = "Aa one. Ab two. Ac three. Bd four. Be five. Bf six. Bg seven. Bh eight."
    assert cut(text, 15, strategy="sentences")[0] == "Aa one. Ab two. Ac three. Bd four. Be five."
    assert cut(text, 15, strategy="meaning")[0] == "Aa one. Ab two. Ac three."
    assert cut(text, 100, strategy="meaning") == [text]


def test_the_revision_names_strategy_version_budget_and_tokenizer() -> None:
    assert chunker("sentences").revision == "sentences-2/200/40/words"
    assert chunker("structure").revision == "structure-1/200/40/words"
    assert re.fullmatch(r"meaning-1/200/40/words/[0-9a-f]{16}", chunker("meaning").revision)
    assert len({chunker(strategy).revision for strategy in STRATEGIES}) == len(STRATEGIES)


def tokens_of_characters(text: str) -> Offsets:
    """Each character is a token, also those that belong together."""
    return [(at, at + 1) for at in range(len(text))]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_spans_are_right_with_every_kind_of_character(strategy: Strategy) -> None:
    text = "# Jose\u0301 Garci\u0301a\r\n\r\n👩\u200d🚀 İstanbul. e\u0301. \u0930\u094d\r\n\r\n- İ\r\n- 采购\r\n" * 4
    chunks = chunker(strategy, 30, 10, tokens_of_characters).split(text)
    assert "".join(text.split()) == "".join(
        character
        for index, character in enumerate(text)
        if not character.isspace() and any(chunk.start <= index < chunk.end for chunk in chunks)
    )
