"""The packaged MiniLM: vectors of length 1 that say what is like what, in the order of the texts."""

import threading

import numpy as np

from inference.embedding import Embedder, vector
from inference.locations import MINILM_INT8_SHA256

BRIDGE, SPAN, SOUP = (
    "The bridge over the river was finished in 1911.",
    "They completed the river crossing in 1911.",
    "Leek soup wants an hour on a low flame.",
)


def test_vectors_have_length_one(minilm: Embedder) -> None:
    vectors = minilm.embed([BRIDGE, SPAN, SOUP])
    assert vectors.shape == (3, minilm.dimension) == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_text_gives_no_vector(minilm: Embedder) -> None:
    assert minilm.embed([]).shape == (0, 384)
    assert minilm.run([]) == []


def test_like_sentences_are_nearer_than_unlike_ones(minilm: Embedder) -> None:
    bridge, span, soup = minilm.embed([BRIDGE, SPAN, SOUP])
    assert float(bridge @ span) > 0.5 > 0.2 > float(bridge @ soup)


def test_the_order_of_the_texts_is_kept(minilm: Embedder) -> None:
    texts = [f"{number} " + "word " * (number * 7 % 23) + BRIDGE for number in range(40)]
    together = minilm.embed(texts)
    for index in (0, 3, 32, 39):
        assert np.array_equal(together[index], minilm.embed([texts[index]])[0])


def test_a_vector_at_rest_is_half_as_large_and_almost_the_same(minilm: Embedder) -> None:
    texts = [BRIDGE, SOUP]
    outputs = minilm.run(texts)
    for output, exact in zip(outputs, minilm.embed(texts), strict=True):
        assert len(output) == 2 * 384
        read = vector(output)
        assert read.dtype == np.float32
        assert abs(float(np.linalg.norm(read)) - 1.0) < 1e-6
        assert float(read @ exact) > 0.99999


def test_offsets_are_those_of_the_text(minilm: Embedder) -> None:
    text = "Sefrik's caf\u00e9 \U0001f600 opened."
    assert [text[start:end] for start, end in minilm.token_offsets(text)][-4:] == [
        "caf\u00e9",
        "\U0001f600",
        "opened",
        ".",
    ]


def test_counting_tokens_while_another_thread_embeds_is_exact(minilm: Embedder) -> None:
    text = BRIDGE * 100
    expected, counts, ended = len(minilm.token_offsets(text)), list[int](), threading.Event()

    def count() -> None:
        for _ in range(150):
            counts.append(len(minilm.token_offsets(text)))
        ended.set()

    counting = threading.Thread(target=count)
    counting.start()
    while not ended.is_set():
        minilm.embed(["short"])
    counting.join()
    assert counts == [expected] * 150


def test_counting_the_tokens_of_a_long_text_does_not_hold_up_embedding(minilm: Embedder) -> None:
    long, short = threading.Thread(target=minilm.token_offsets, args=(BRIDGE * 40_000,)), threading.Event()

    def embed() -> None:
        minilm.embed(["short"])
        short.set()

    long.start()
    threading.Thread(target=embed).start()
    assert short.wait(30)
    assert long.is_alive()
    long.join()


def test_the_revision_names_the_weights(minilm: Embedder) -> None:
    assert minilm.revision == f"all-MiniLM-L6-v2-int8@{MINILM_INT8_SHA256[:16]}/mean-1"
