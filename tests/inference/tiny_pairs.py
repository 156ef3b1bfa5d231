"""Models that read a question beside a text, of a few kilobytes, taught on the spot."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.inference.tiny import save_word_tokenizer

STEPS = 300
SEEDS = 5


def make_reader(folder: Path, lessons: Sequence[tuple[str, str, str]], *, positions: int = 130, seed: int = 1) -> Path:
    """A BERT for question answering, taught (question, text, answer) until it knows them; an empty answer is none.

    It knows the words of its lessons alone.
    """
    import torch
    import transformers

    tokenizer = save_word_tokenizer(folder, [part for question, text, _ in lessons for part in (question, text)])
    encoded = tokenizer([q for q, _, _ in lessons], [text for _, text, _ in lessons], padding=True, return_tensors="pt")
    starts, ends = [], []
    for row, (_, text, answer) in enumerate(lessons):
        at = text.index(answer) if answer else -1
        starts.append(encoded.char_to_token(row, at, 1) if answer else 0)
        ends.append(encoded.char_to_token(row, at + len(answer) - 1, 1) if answer else 0)
    where = {"start_positions": torch.tensor(starts), "end_positions": torch.tensor(ends)}
    config = _config(tokenizer, positions)
    model = _taught(
        lambda: transformers.BertForQuestionAnswering(config),  # type: ignore[no-untyped-call]
        lambda model: model(**encoded, **where).loss,
        seed,
    )
    model.save_pretrained(folder)
    return folder


def make_reranker(
    folder: Path, lessons: Sequence[tuple[str, str, bool]], *, classes: int = 1, positions: int = 130, seed: int = 1
) -> Path:
    """A BERT for sequence classification, taught (question, text, whether it fits) until it knows them."""
    import torch
    import transformers

    tokenizer = save_word_tokenizer(folder, [part for question, text, _ in lessons for part in (question, text)])
    config = _config(tokenizer, positions, num_labels=classes)
    encoded = tokenizer([q for q, _, _ in lessons], [text for _, text, _ in lessons], padding=True, return_tensors="pt")
    fits = torch.tensor([float(fit) for _, _, fit in lessons])

    def loss(model: Any) -> Any:
        logits = model(**encoded).logits
        if classes == 1:
            return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], fits)
        return torch.nn.functional.cross_entropy(logits, fits.long())

    model = _taught(
        lambda: transformers.BertForSequenceClassification(config),  # type: ignore[no-untyped-call]
        loss,
        seed,
    )
    model.save_pretrained(folder)
    return folder


def _taught(make: Callable[[], Any], loss: Callable[[Any], Any], seed: int) -> Any:
    """One that knows its lessons by heart: whether it learns them from a seed depends on the processor, so it is tried
    from some. Raises AssertionError where it learns them from none."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a model only waits for others
    try:
        for tried in range(seed, seed + SEEDS):
            torch.manual_seed(tried)
            model = make()
            if _knows(model, loss):
                return model
    finally:
        torch.set_num_threads(threads)
    raise AssertionError("the model did not learn its lessons")


def _knows(model: Any, loss: Callable[[Any], Any]) -> bool:
    """Whether it does after STEPS."""
    import torch

    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(STEPS):
        optimiser.zero_grad()
        found = loss(model)
        if float(found.detach()) < 0.01:
            return True
        found.backward()
        optimiser.step()
    return False


def _config(tokenizer: Any, positions: int, **more: Any) -> Any:
    import transformers

    return transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        **more,
    )
