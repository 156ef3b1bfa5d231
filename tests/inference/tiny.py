"""Transformers models of a few kilobytes, made on the spot."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LABELS = ("O", "B-PERSON", "I-PERSON", "B-PLACE-NAME")
TAUGHT = {"sefrik": 1, "varn": 2, "lisse": 3}
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *TAUGHT, "lives", "in", "the", "bridge", ".", ",")
HIDDEN = 16


def make_encoder(folder: Path, seed: int = 1) -> Path:
    """A BERT for embedding, with random but fixed weights: others for another seed."""
    import torch
    import transformers

    torch.manual_seed(seed)
    _save_tokenizer(folder)
    transformers.BertModel(_config()).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder


def make_classifier(folder: Path) -> Path:
    """A BERT for token classification whose answer depends on the token alone: TAUGHT says which label it gives."""
    import torch
    import transformers

    _save_tokenizer(folder)
    model = transformers.BertForTokenClassification(_config(layers=0))  # type: ignore[no-untyped-call]
    with torch.no_grad():
        embeddings = model.bert.embeddings
        for table in (embeddings.position_embeddings, embeddings.token_type_embeddings):
            table.weight.zero_()
        embeddings.word_embeddings.weight.zero_()
        embeddings.word_embeddings.weight[:, 0] = 1.0
        for word, label in TAUGHT.items():
            embeddings.word_embeddings.weight[WORDS.index(word), 0] = 0.0
            embeddings.word_embeddings.weight[WORDS.index(word), label] = 1.0
        model.classifier.weight.zero_()
        model.classifier.bias.zero_()
        for label in range(len(LABELS)):
            model.classifier.weight[label, label] = 2.0
    model.save_pretrained(folder)
    return folder


def _config(layers: int = 1) -> Any:
    import transformers

    return transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=HIDDEN,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )


def save_word_tokenizer(folder: Path, texts: Sequence[str]) -> Any:
    """A tokenizer whose words are those of these texts, saved; and ready to be used."""
    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    return _save_tokenizer(folder, ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words))


def _save_tokenizer(folder: Path, known: Sequence[str] = WORDS) -> Any:
    import tokenizers
    import transformers
    from tokenizers import models, normalizers, pre_tokenizers, processors

    numbers = {word: number for number, word in enumerate(known)}
    words = tokenizers.Tokenizer(models.WordPiece(vocab=numbers, unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.BertProcessing(("[SEP]", numbers["[SEP]"]), ("[CLS]", numbers["[CLS]"]))
    tokenizer = transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.save_pretrained(folder)
    return tokenizer
