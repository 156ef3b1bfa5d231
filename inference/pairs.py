"""A question beside texts, for models of `transformers` that read both at once: windows, in bounded batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from inference.model import InferenceError
from inference.pretrained import Pretrained, import_torch

BATCH = 8
"""Windows that the model is given at once."""
MAX_TOKENS = 384
"""Of a window, question and all: what readers are trained with (Devlin et al. 2019)."""
STRIDE = 128
"""Tokens that a window repeats of the one before it."""
LEAST_ROOM = 8
"""Tokens that a question leaves for the text beside it."""
MOST_WINDOWS = 8
"""Of one text. What is beyond them is not read."""
MARGIN = 2
"""Positions that models such as RoBERTa keep for themselves."""


@dataclass(frozen=True, slots=True)
class Windows:
    """`inputs` of the model, a row a window; `texts[row]` is the number of its text.

    `offsets[row][token]` is (start, end) in its text; None for tokens of the question and those that frame both.
    """

    inputs: dict[str, Any]
    texts: list[int]
    offsets: list[list[tuple[int, int] | None]]


def windows(loaded: Pretrained, question: str, texts: Sequence[str]) -> Iterator[Windows]:
    """A batch at a time; a blank text has none. Raises InferenceError for a question that leaves a text no room."""
    size = _size(loaded)
    read = [number for number, text in enumerate(texts) if text.strip()]
    if not read:
        return
    framing = loaded.tokenizer.num_special_tokens_to_add(pair=True)
    taken = len(loaded.tokenizer(question, add_special_tokens=False)["input_ids"])
    room = size - framing - taken
    if room < LEAST_ROOM:
        raise InferenceError(
            f"the question has {taken} tokens, and the model reads {size} with the text; ask a shorter one"
        )
    encoded = loaded.tokenizer(
        [question] * len(read),
        [texts[number] for number in read],
        truncation="only_second",
        max_length=size,
        stride=min(STRIDE, room // 2),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    of_text = [read[number] for number in encoded["overflow_to_sample_mapping"]]
    kept: list[int] = []
    for row, number in enumerate(of_text):
        if of_text[max(0, row - MOST_WINDOWS) : row].count(number) < MOST_WINDOWS:
            kept.append(row)
    for start in range(0, len(kept), BATCH):
        yield _batch(loaded, encoded, of_text, kept[start : start + BATCH])


def outputs(loaded: Pretrained, part: Windows) -> Any:
    """What the model makes of a batch. Raises InferenceError where it cannot, as for want of memory."""
    torch = import_torch()
    try:
        with torch.inference_mode():
            return loaded.model(**part.inputs)
    except (RuntimeError, IndexError) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InferenceError(f"the model {loaded.content} failed: {said}; try again, or set another") from error


def _batch(loaded: Pretrained, encoded: Any, of_text: Sequence[int], rows: Sequence[int]) -> Windows:
    torch = import_torch()
    longest = max(len(encoded["input_ids"][row]) for row in rows)
    padding = {"input_ids": loaded.tokenizer.pad_token_id or 0}
    inputs = {
        name: torch.tensor(
            [[*encoded[name][row], *([padding.get(name, 0)] * (longest - len(encoded[name][row])))] for row in rows]
        ).to(loaded.device)
        for name in ("input_ids", "attention_mask", "token_type_ids")
        if name in encoded
    }
    offsets = [
        [
            span if of == 1 and span[1] > span[0] else None
            for span, of in zip(encoded["offset_mapping"][row], encoded.sequence_ids(row), strict=True)
        ]
        for row in rows
    ]
    return Windows(inputs, [of_text[row] for row in rows], offsets)


def _size(loaded: Pretrained) -> int:
    limits = (
        int(getattr(loaded.model.config, "max_position_embeddings", MAX_TOKENS + MARGIN) or MAX_TOKENS) - MARGIN,
        int(min(loaded.tokenizer.model_max_length, MAX_TOKENS)),
    )
    return min(MAX_TOKENS, *limits)
