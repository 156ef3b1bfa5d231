"""Chunks cover the text, keep to the budget, overlap a little and cut sentences only when they must."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.chunking import CHARACTERS_A_TOKEN, Chunker, ChunkSpan, Offsets, sentences
from inference.embedding import Embedder

SENTENCES = st.sampled_from(["One.", "One two!", "One two three?", "One, two, (three) four.", "One two. ", "\n\nOne"])
TEXTS = st.text(alphabet="abcXYZ.!?\"' \n\t\u3002\u00e9\u4e16(", max_size=400) | st.lists(SENTENCES).map(" ".join)
BUDGETS = st.tuples(st.integers(2, 12), st.integers(0, 11)).filter(lambda pair: pair[1] < pair[0])


def words(text: str) -> Offsets:
    """A tokenizer that takes each word, and each mark, for a token."""
    return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


def whole_text(text: str) -> Offsets:
    """A tokenizer that takes everything for one token, as some do with a very long word."""
    return [(0, len(text))] if text else []


def tokens_in(chunk: ChunkSpan, offsets: Offsets) -> int:
    return sum(chunk.start <= start < chunk.end for start, _ in offsets)


def parts(text: str, chunks: list[ChunkSpan]) -> list[str]:
    return [text[chunk.start : chunk.end] for chunk in chunks]


@given(TEXTS, BUDGETS)
@settings(max_examples=100)
def test_every_character_lies_in_a_chunk_and_no_chunk_is_over_its_budget(text: str, budget: tuple[int, int]) -> None:
    chunks = Chunker(words, "words", max_tokens=budget[0], overlap_tokens=budget[1]).split(text)

    covered = {index for chunk in chunks for index in range(chunk.start, chunk.end)}
    assert {index for index, character in enumerate(text) if not character.isspace()} <= covered
    for chunk in chunks:
        assert 0 <= chunk.start < chunk.end <= len(text)
        assert text[chunk.start : chunk.end] == text[chunk.start : chunk.end].strip()
        assert chunk.tokens == tokens_in(chunk, words(text)) <= budget[0]


@given(TEXTS, BUDGETS)
@settings(max_examples=100)
def test_chunks_go_forward_and_share_at_most_the_overlap(text: str, budget: tuple[int, int]) -> None:
    offsets = words(text)
    chunks = Chunker(words, "words", max_tokens=budget[0], overlap_tokens=budget[1]).split(text)

    for earlier, later in pairwise(chunks):
        assert earlier.start < later.start and earlier.end < later.end
        if later.start < earlier.end:
            assert tokens_in(ChunkSpan(later.start, earlier.end, 0), offsets) <= budget[1]
        else:
            assert not text[earlier.end : later.start].strip()


@given(st.lists(st.sampled_from(["One two three.", "Four five!", "Six?", "Seven eight nine ten."]), max_size=30))
def test_a_sentence_that_fits_is_never_cut(said: list[str]) -> None:
    text = " ".join(said)
    bounds = list(sentences(text))
    assert [text[start:end] for start, end in bounds] == said

    for chunk in Chunker(words, "words", max_tokens=8, overlap_tokens=3).split(text):
        assert chunk.start in {start for start, _ in bounds}
        assert chunk.end in {end for _, end in bounds}


@pytest.mark.parametrize(
    "said",
    [
        ["今天下雨。", "你来吗？", "来！"],
        ["彼は言った。", "「はい。」", "それだけだ。"],
        ["هل جاء؟", "نعم جاء.", "انتهى."],
        ["کیا وہ آیا؟", "ہاں۔", "بس۔"],
        ["मीरा आई।", "मोर उड़ा।", "क्या?", "हाँ।"],
        ["Она пришла.", "Он ушёл!", "Когда?", "Ёж спит."],
        ["Ήρθε.", "Έφυγε."],
        ["הוא בא.", "היא הלכה?", "כן."],
        ["그가 왔다.", "그녀는 갔다."],
        ["Él vino.", "¿Cuándo?", "¡Ayer!"],
        ["Jose\u0301 came.", "I\u0307lker left. 👩\u200d🚀"],
    ],
)
def test_sentences_end_in_every_script(said: list[str]) -> None:
    for space in (" ", "\r\n", "\n"):
        text = space.join(said)
        assert [text[start:end] for start, end in sentences(text)] == said
    if "。" in said[0]:
        assert [("".join(said))[start:end] for start, end in sentences("".join(said))] == said


@pytest.mark.parametrize("word", ["中", "ก", "\u0301", "。", "？」", "॥"])
def test_a_text_of_one_word_takes_no_time(word: str) -> None:
    text = word * (300_000 // len(word))
    began = time.process_time()
    chunks = Chunker(whole_text, "whole").split(text)
    assert chunks and chunks[-1].end == len(text)
    assert time.process_time() - began < 20


def test_the_next_chunk_begins_with_the_last_sentences_of_this_one() -> None:
    text = "One two three. Four five. Six seven. Eight nine ten."
    chunks = Chunker(words, "words", max_tokens=10, overlap_tokens=3).split(text)
    assert parts(text, chunks) == ["One two three. Four five. Six seven.", "Six seven. Eight nine ten."]


def test_without_overlap_every_sentence_is_in_one_chunk() -> None:
    text = "One two three. Four five. Six seven. Eight nine ten."
    chunks = Chunker(words, "words", max_tokens=10, overlap_tokens=0).split(text)
    assert parts(text, chunks) == ["One two three. Four five. Six seven.", "Eight nine ten."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Ada met Prof. B. Lin at 5 p.m. yesterday. They spoke.", 2),
        ("See e.g. Smith et al. for No. 5 of St. Peter. It is long.", 2),
        ("Dr.\nAda lives here.\nShe works.", 2),
        ('He said "Stop." Then he left!', 2),
        ("A title without a mark\n\nA paragraph", 2),
        ("A wrapped\nline goes on", 1),
        ("\u4ed6\u6765\u4e86\u3002\u5979\u8d70\u4e86\u3002", 2),
        ("Version 3.14 is out", 1),
        (" \n\t ", 0),
        ("", 0),
    ],
)
def test_where_a_sentence_ends(text: str, expected: int) -> None:
    assert len(list(sentences(text))) == expected


def test_a_sentence_over_the_budget_is_cut_between_words() -> None:
    text = " ".join(f"word{number}" for number in range(25))
    chunks = Chunker(words, "words", max_tokens=10, overlap_tokens=0).split(text)
    assert [chunk.tokens for chunk in chunks] == [10, 10, 5]
    assert " ".join(parts(text, chunks)) == text


def test_a_token_without_end_is_cut_by_characters() -> None:
    text = "x" * 1000
    chunks = Chunker(whole_text, "whole", max_tokens=4, overlap_tokens=0).split(text)
    assert "".join(parts(text, chunks)) == text
    assert max(chunk.end - chunk.start for chunk in chunks) == 4 * CHARACTERS_A_TOKEN


def test_an_overlap_as_large_as_the_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="smaller than the budget"):
        Chunker(words, "words", max_tokens=10, overlap_tokens=10)


def test_the_revision_names_all_that_decides_where_is_cut() -> None:
    made = {
        Chunker(words, tokenizer, max_tokens=budget, overlap_tokens=overlap).revision
        for tokenizer in ("a", "b")
        for budget in (10, 20)
        for overlap in (1, 2)
    }
    assert len(made) == 8


@given(st.text(max_size=300))
@settings(max_examples=60)
def test_with_the_real_tokenizer_any_text_is_covered(minilm: Embedder, text: str) -> None:
    chunks = Chunker(minilm.token_offsets, "minilm", max_tokens=16, overlap_tokens=4).split(text)
    covered = {index for chunk in chunks for index in range(chunk.start, chunk.end)}
    assert {index for index, character in enumerate(text) if not character.isspace()} <= covered


def test_the_default_budget_fits_the_embedder(minilm: Embedder) -> None:
    text = " ".join(f"The {number}th bridge over the Morvane was built by Sefrik of Lisse." for number in range(400))
    chunks = Chunker(minilm.token_offsets, "minilm").split(text)
    assert len(chunks) > 20
    for part in parts(text, chunks):
        assert len(minilm.token_offsets(part)) <= 200
