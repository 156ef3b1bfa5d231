"""Embedders by what they are called; a process may need two at once, while one takes over from the other."""

import contextlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

from inference.embedder import dtype_of
from inference.embedding import Embedder
from inference.locations import MINILM_INT8
from inference.pretrained import Dtype

MOST = 2
"""That are kept in memory; the one that was not used for the longest goes."""


@dataclass(frozen=True, slots=True)
class EmbedderName:
    """`name` is `minilm-int8`, `minilm`, a folder or a hub id; `revision` is the hub's. `dtype`: None as the settings
    have it.
    """

    name: str = MINILM_INT8
    revision: str | None = None
    dtype: Dtype | None = None

    def computing(self, revision: str) -> "EmbedderName":
        """The one that computes as the embedder of this revision does, whatever the settings of this process say."""
        return self if self.name == MINILM_INT8 else replace(self, dtype=dtype_of(revision))


class Embedders:
    """Loads each when it is asked for first."""

    def __init__(self, threads: int | None, dtype: Dtype) -> None:
        self._threads = threads
        self._dtype = dtype
        self._loaded: OrderedDict[EmbedderName, Embedder] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def holds(self, name: EmbedderName) -> bool:
        """Whether it is loaded."""
        return name in self._loaded

    def get(self, name: EmbedderName) -> Embedder:
        """Blocks while it is loaded, and no other one is waited for. Raises InferenceError."""
        if (embedder := self._loaded.get(name)) is not None:
            with contextlib.suppress(KeyError):  # another thread let it go in between
                self._loaded.move_to_end(name)
            return embedder
        with self._one_at_a_time:
            embedder = self._loaded.get(name)
            if embedder is None:
                embedder = Embedder(name.name, name.revision, threads=self._threads, dtype=name.dtype or self._dtype)
                self._loaded[name] = embedder
            while len(self._loaded) > MOST:
                self._loaded.popitem(last=False)
            return embedder
