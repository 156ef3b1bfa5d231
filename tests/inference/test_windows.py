"""A text longer than what the embedder reads at once: all of it counts, through windows whose vectors are averaged."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.embedding import Embedder
from inference.onnx_encoder import MAX_TOKENS
from inference.torch_encoder import BATCH_TOKENS
from tests.inference.tiny import WORDS

SPECIAL = 2
"""[CLS] and [SEP] around each window."""
KNOWN = [word for word in WORDS if not word.startswith("[")]


@pytest.fixture(scope="module")
def tiny(tiny_encoder: Path) -> Embedder:
    """Reads 64 tokens at once."""
    return Embedder(str(tiny_encoder), dtype="float32")


def averaged(embedder: Embedder, parts: list[str]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The average of the parts' vectors, each by its number of tokens; length 1."""
    lengths = np.array([len(embedder.token_offsets(part)) for part in parts], dtype=np.float32)
    whole = lengths @ embedder.embed(parts)
    return np.asarray(whole / np.linalg.norm(whole), dtype=np.float32)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.lists(st.sampled_from(KNOWN), max_size=70),
    repeated=st.sampled_from(KNOWN),
    times=st.integers(0, 150),
    tail=st.lists(st.sampled_from(KNOWN), min_size=1, max_size=70),
)
def test_a_vector_is_the_average_of_its_windows(
    tiny: Embedder, head: list[str], repeated: str, times: int, tail: list[str]
) -> None:
    words, size = [*head, *[repeated] * times, *tail], 64 - SPECIAL
    parts = [" ".join(words[start : start + size]) for start in range(0, len(words), size)]
    assert np.allclose(tiny.embed([" ".join(words)])[0], averaged(tiny, parts), atol=1e-5)


def test_the_last_words_of_a_long_text_count(minilm: Embedder) -> None:
    beginning = "Leek soup wants an hour on a low flame. " * 40
    soup, bridge = minilm.embed([beginning, beginning + "The bridge over the river was finished in 1911. " * 40])
    assert float(soup @ bridge) < 0.95
    assert len(minilm.token_offsets(beginning)) > MAX_TOKENS


def test_a_text_within_the_window_keeps_the_vector_it_always_had(minilm: Embedder) -> None:
    """Its kept outputs stay valid, also beside longer texts of the same batch."""
    texts = ["word " * count for count in (1, 100, 250, MAX_TOKENS - SPECIAL)]
    kept = [minilm.embed([text])[0] for text in texts]
    mixed = minilm.embed([*texts, "word " * 3000, "word " * 300])
    assert np.allclose(mixed[: len(texts)], kept, atol=1e-5)
    whole, rest = "word " * (MAX_TOKENS - SPECIAL), "word " * (300 - MAX_TOKENS + SPECIAL)
    assert np.allclose(mixed[-1], averaged(minilm, [whole, rest]), atol=1e-5)


def test_many_long_texts_keep_their_order(tiny: Embedder) -> None:
    """More windows than a batch holds."""
    texts = [f"{KNOWN[n % len(KNOWN)]} " * (n * 37 % 400 + 1) for n in range(2 * BATCH_TOKENS // 64 + 3)]
    assert np.allclose(tiny.embed(texts), [tiny.embed([text])[0] for text in texts], atol=1e-5)
