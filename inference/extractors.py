"""Models that find entities and relations, by what they are called; a process may need two while one takes over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from inference.cached import CachedModel, Run
from inference.model import InferenceError, Model, OutputStore
from inference.parser import Parser
from inference.pretrained import Dtype
from inference.spacy_analysis import PACKAGED, is_parser


@dataclass(frozen=True, slots=True)
class ExtractorName:
    """`name` is a spaCy package, a folder or a hub id; `revision` is the hub's."""

    name: str = "en_core_web_sm"
    revision: str | None = None

    @property
    def parses(self) -> bool:
        """Whether it is a spaCy model, which finds relations, too."""
        return is_parser(self.name)

    @property
    def parser(self) -> "ExtractorName":
        """Who finds relations beside it, where nobody says: itself, where it can."""
        return ExtractorName(self.name) if self.parses else ExtractorName(next(iter(PACKAGED)))


class Extractors:
    """Loads each when it is asked for first; what was made stays until `close`.

    `on_models`: has a model run where models run.
    """

    def __init__(
        self, store: OutputStore, dtype: Dtype, on_models: Callable[[Callable[[list[str]], list[bytes]]], Run]
    ) -> None:
        self._store, self._dtype, self._on_models = store, dtype, on_models
        self._loaded: dict[ExtractorName, CachedModel] = {}
        self._parsers: dict[str, Parser] = {}
        self._one_at_a_time = threading.Lock()

    def get(self, name: ExtractorName) -> CachedModel:
        """Blocks while it is loaded. Raises InferenceError."""
        if (found := self._loaded.get(name)) is not None:
            return found
        with self._one_at_a_time:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def relations_of(self, name: ExtractorName) -> CachedModel:
        """The same of one that finds relations. Raises InferenceError where it does not."""
        if name.name not in self._parsers and not name.parses:
            raise InferenceError(f"{name.name!r} is no spaCy model, and others find no relations; name a spaCy model")
        return self.get(name)

    async def warm_up(self, name: ExtractorName) -> None:
        """Have its process begin, where it has one."""
        if (parser := self._parsers.get(name.name)) is not None:
            await parser.parse([])

    def close(self) -> None:
        """End their processes."""
        for parser in self._parsers.values():
            parser.close()

    def _load(self, name: ExtractorName) -> CachedModel:
        if name.parses:
            parser = self._parsers[name.name] = Parser(name.name)
            return CachedModel(parser.revision, parser.parse, self._store)
        from inference.token_classification import TokenClassifier

        classifier: Model = TokenClassifier(name.name, name.revision, dtype=self._dtype)
        return CachedModel(classifier.revision, self._on_models(classifier.run), self._store)
