"""Small made-up documents, and what the stages would find in them. No model runs; the same story says the same."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from contracts.documents import (
    Alias,
    Chunk,
    DocumentChunked,
    DocumentContent,
    DocumentProcessed,
    EntitiesExtracted,
    Mention,
    Relation,
    RelationshipsDiscovered,
    TextReference,
)
from contracts.ids import chunk_id, entity_id, relation_id
from contracts.payload import Scalar
from projections.vector.reads import Vector

CHUNKER, NER, RELATIONS = "sentences@1", "capitals@1", "triples@1"

_NAME = re.compile(r"[A-Z]\w*")


@dataclass(frozen=True)
class Story:
    """A document of a tenant: each sentence is a chunk, each capitalised word a name, `Ada met Bob.` a relation."""

    document_id: str
    sentences: tuple[str, ...]
    title: str = "Town"
    tenant: str = "default"
    dimension: int = 8
    model: str = "random"
    collection: str | None = None
    attributes: tuple[tuple[str, Scalar], ...] = ()
    uri: str | None = None
    manners: tuple[Mapping[str, object], ...] = field(default=(), hash=False)
    """Of the first relations the fields that they have instead."""

    @property
    def text(self) -> str:
        """The sentences, a space between them."""
        return " ".join(self.sentences)

    @property
    def embedder(self) -> str:
        """The made-up model that gives vectors of this story's dimension."""
        return f"{self.model}-{self.dimension}@1"

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the embedder reads, for each chunk."""
        return tuple(f"{self.title}\n{sentence}" for sentence in self.sentences)

    @property
    def outputs(self) -> dict[str, bytes]:
        """What the embedder says of the inputs, by their digests: little-endian float16."""
        return {digest(text): vector_of(text, self.dimension).astype("<f2").tobytes() for text in self.inputs}

    @property
    def content(self) -> DocumentContent:
        """What somebody asks to take in."""
        raw = self.text.encode()
        reference = TextReference(digest=digest(self.text), characters=len(self.text), bytes=len(raw))
        attributes: dict[str, Scalar] = {"sentences": len(self.sentences), **dict(self.attributes)}
        if self.collection is not None:
            attributes["collection"] = self.collection
        return DocumentContent(title=self.title, text=reference, uri=self.uri, attributes=attributes)

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """One for each sentence; equal sentences are told apart by their occurrence."""
        found: list[Chunk] = []
        start = 0
        for index, (sentence, read) in enumerate(zip(self.sentences, self.inputs, strict=True)):
            found.append(
                Chunk(
                    chunk_id=chunk_id(
                        self.tenant, self.document_id, digest(sentence), self.sentences[:index].count(sentence)
                    ),
                    index=index,
                    start=start,
                    end=start + len(sentence),
                    tokens=len(sentence.split()),
                    digest=digest(sentence),
                    input_digest=digest(read),
                )
            )
            start += len(sentence) + 1
        return tuple(found)

    @property
    def chunked(self) -> DocumentChunked:
        """The result of the first stage."""
        return DocumentChunked(
            content=digest(self.text), title=self.title, chunker=CHUNKER, embedder=self.embedder, chunks=self.chunks
        )

    @property
    def extracted(self) -> EntitiesExtracted:
        """Every name is a person; every chunk is about the title, where there is one."""
        mentions = tuple(
            Mention(
                entity_id=entity_id(self.tenant, name[0]),
                name=name[0],
                type="PERSON",
                chunk_id=chunk.chunk_id,
                start=chunk.start + name.start(),
                end=chunk.start + name.end(),
                confidence=0.9,
            )
            for chunk, sentence in zip(self.chunks, self.sentences, strict=True)
            for name in _NAME.finditer(sentence)
        )
        about = entity_id(self.tenant, self.title)
        aliases = tuple(
            Alias(entity_id=about, name=self.title, chunk_id=chunk.chunk_id, quality=0.5)
            for chunk in self.chunks
            if self.title
        )
        return EntitiesExtracted(content=digest(self.text), model=NER, mentions=mentions, aliases=aliases)

    @property
    def related(self) -> RelationshipsDiscovered:
        """One relation for each sentence that joins two names by one word."""
        found: list[Relation] = []
        for chunk, sentence in zip(self.chunks, self.sentences, strict=True):
            for left, right in pairwise(_NAME.finditer(sentence)):
                between = sentence[left.end() : right.start()].strip()
                if not re.fullmatch(r"\w+", between):
                    continue
                subject, target = entity_id(self.tenant, left[0]), entity_id(self.tenant, right[0])
                start = chunk.start + left.start()
                found.append(
                    Relation(
                        relation_id=relation_id(self.tenant, self.document_id, subject, between, target, start),
                        subject_id=subject,
                        subject=left[0],
                        predicate=between,
                        object_id=target,
                        object=right[0],
                        chunk_id=chunk.chunk_id,
                        start=start,
                        end=chunk.start + right.end(),
                        confidence=0.8,
                        negated=False,
                        modality=None,
                        time=None,
                        valid_from=None,
                        valid_until=None,
                    )
                )
        told = [one.model_copy(update=manner) for one, manner in zip(found, self.manners, strict=False)]
        relations = (*told, *found[len(told) :])
        return RelationshipsDiscovered(content=digest(self.text), model=RELATIONS, relations=relations)

    @property
    def processed(self) -> DocumentProcessed:
        """All stages are done."""
        return DocumentProcessed(
            content=digest(self.text),
            chunks=len(self.chunks),
            entities=len({mention.entity_id for mention in self.extracted.mentions}),
            relations=len(self.related.relations),
        )

    def joined(self, first: int, last: int) -> tuple[Chunk, str]:
        """One chunk over those from `first` to `last`, and what the embedder reads of it."""
        chunks = self.chunks
        start, end = chunks[first].start, chunks[last].end
        text = self.text[start:end]
        read = f"{self.title}\n{text}"
        chunk = Chunk(
            chunk_id=chunk_id(self.tenant, self.document_id, digest(text), 0),
            index=first,
            start=start,
            end=end,
            tokens=len(text.split()),
            digest=digest(text),
            input_digest=digest(read),
        )
        return chunk, read


def digest(text: str) -> str:
    """The sha256 of the text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def vector_of(text: str, dimension: int) -> Vector:
    """A direction that follows from the text alone: shape (dimension,), length 1."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    vector = np.random.default_rng(seed).standard_normal(dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
