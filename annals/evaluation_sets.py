"""Sets of passages and questions: our own lines, and HotpotQA, 2WikiMultihopQA, MuSiQue and BEIR as they are published.

Each is known by its content. Passages of a question's own context are put together to one corpus: what has the same
title and text is one passage.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from annals.encodings import UnreadableTextError, read_lines
from annals.json_lines import NotLinesError, numbered, words
from contracts.errors import AnnalsError

_Text = Annotated[str, Field(pattern=r"\S", max_length=4096)]


class UnknownSetError(AnnalsError):
    """This is no set of questions that is known; see `annals eval --help` for those that are."""


class Question(BaseModel):
    """One line of the questions file; `gold` names the passages that support the answer.

    `answers` are those that are accepted: none where the question cannot be answered, None where it is not told.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str | int
    question: _Text
    gold: Annotated[tuple[str, ...], Field(min_length=1)]
    answers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """`corpus` is a file of passages as `annals ingest` takes it, or else `passages` are lines of one."""

    questions: tuple[Question, ...]
    corpus: Path | None = None
    passages: tuple[dict[str, str], ...] = ()


class _Ask(BaseModel):
    """What HotpotQA and 2WikiMultihopQA say of a question; sentences come with their own spaces, or with none."""

    id: str = Field(alias="_id")
    question: _Text
    answer: str | None = None
    supporting_facts: list[tuple[str, int]]
    context: list[tuple[str, list[str]]]


class _Paragraph(BaseModel):
    title: str
    paragraph_text: str
    is_supporting: bool


class _Musique(BaseModel):
    """What MuSiQue says of a question; those of its full version may not be answerable."""

    id: str
    question: _Text
    answer: str
    answer_aliases: tuple[str, ...] = ()
    answerable: bool = True
    paragraphs: list[_Paragraph]


class _Named(BaseModel):
    """A passage or a query of BEIR."""

    id: str = Field(alias="_id")
    title: str = ""
    text: str


_ASKED: TypeAdapter[list[_Ask]] = TypeAdapter(list[_Ask])


def read_set(corpus: Path, questions: Path | None) -> EvaluationSet:
    """Two files of ours, or one published file, or the folder of a BEIR set.

    Raises AnnalsError that names the fault.
    """
    try:
        if corpus.is_dir():
            found = _beir(corpus)
        elif questions is not None:
            found = EvaluationSet(tuple(_own(questions)), corpus=corpus)
        else:
            found = _published(corpus)
    except (OSError, NotLinesError, UnreadableTextError) as error:
        raise AnnalsError(f"{corpus}: {getattr(error, 'strerror', None) or error}") from None
    if not found.questions:
        raise AnnalsError(f"{questions or corpus} holds no question")
    return found


def _own(path: Path) -> Iterator[Question]:
    try:
        with path.open("rb") as lines:
            for number, line in numbered(read_lines(lines)):
                try:
                    yield Question.model_validate_json(line)
                except ValidationError as error:
                    raise AnnalsError(f"{path}:{number}: {words(error)}") from None
    except (OSError, NotLinesError, UnreadableTextError) as error:
        raise AnnalsError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


class _Passages:
    """Each once, under an id of its content."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, str]] = {}

    def add(self, title: str, text: str) -> str:
        """Its id."""
        own = hashlib.sha256(f"{title}\x00{text}".encode()).hexdigest()[:24]
        self._found.setdefault(own, {"id": own, "title": title, "text": text})
        return own

    @property
    def all(self) -> tuple[dict[str, str], ...]:
        """In the order in which they came."""
        return tuple(self._found.values())


def _published(path: Path) -> EvaluationSet:
    with path.open("rb") as file:
        start = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    passages = _Passages()
    try:
        if start.startswith(b"["):
            found = [_hotpot(one, passages) for one in _ASKED.validate_json(path.read_bytes())]
        elif start.startswith(b"{") and b'"paragraphs"' in path.read_bytes()[:1_000_000].split(b"\n", 1)[0]:
            with path.open("rb") as lines:
                found = [
                    _musique(_Musique.model_validate_json(line), passages) for _, line in numbered(read_lines(lines))
                ]
        else:
            raise UnknownSetError(
                f"{path} is neither HotpotQA's or 2WikiMultihopQA's JSON nor MuSiQue's lines; give CORPUS and QUESTIONS"
            )
    except ValidationError as error:
        raise AnnalsError(f"{path}: {words(error)}") from None
    return EvaluationSet(tuple(found), passages=passages.all)


def _hotpot(asked: _Ask, passages: _Passages) -> Question:
    ids = {title: passages.add(title, _text_of(sentences)) for title, sentences in asked.context}
    gold = tuple(dict.fromkeys(ids[title] for title, _ in asked.supporting_facts if title in ids))
    # The test files are published without answers and without what supports them.
    answers = None if asked.answer is None else (asked.answer,)
    return Question.model_construct(id=asked.id, question=asked.question, gold=gold, answers=answers)


def _text_of(sentences: Sequence[str]) -> str:
    """HotpotQA's begin with their own space, 2WikiMultihopQA's do not."""
    text = ""
    for sentence in sentences:
        text += sentence if not text or sentence[:1].isspace() else f" {sentence}"
    return text


def _musique(asked: _Musique, passages: _Passages) -> Question:
    ids = [(passages.add(one.title, one.paragraph_text), one.is_supporting) for one in asked.paragraphs]
    gold = tuple(dict.fromkeys(own for own, supports in ids if supports))
    answers = (asked.answer, *asked.answer_aliases) if asked.answerable else ()
    return Question.model_construct(id=asked.id, question=asked.question, gold=gold, answers=answers)


def _beir(folder: Path) -> EvaluationSet:
    """`corpus.jsonl`, `queries.jsonl` and the judgements of `qrels/`: of the test, else what there is."""
    judged = [folder / "qrels" / f"{split}.tsv" for split in ("test", "dev", "train")]
    qrels = next((path for path in judged if path.is_file()), None)
    if qrels is None:
        raise UnknownSetError(f"{folder} has no qrels/test.tsv; give the folder of a BEIR set, or files")
    gold: dict[str, list[str]] = {}
    with qrels.open(encoding="utf-8", newline="") as rows:
        for query, document, score in (row for row in csv.reader(rows, delimiter="\t") if row[0] != "query-id"):
            if int(score) > 0:
                gold.setdefault(query, []).append(document)
    queries = [one for one in _named(folder / "queries.jsonl") if one.id in gold]
    return EvaluationSet(
        tuple(Question.model_construct(id=one.id, question=one.text, gold=tuple(gold[one.id])) for one in queries),
        passages=tuple({"id": one.id, "title": one.title, "text": one.text} for one in _named(folder / "corpus.jsonl")),
    )


def _named(path: Path) -> Iterator[_Named]:
    with path.open("rb") as lines:
        for number, line in numbered(read_lines(lines)):
            try:
                yield _Named.model_validate_json(line)
            except ValidationError as error:
                raise AnnalsError(f"{path}:{number}: {words(error)}") from None


def as_lines(passages: Sequence[dict[str, Any]], path: Path) -> Path:
    """Write passages as a file that `annals ingest` takes."""
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in passages)
    return path
