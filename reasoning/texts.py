"""What is worked out from a passage's text once, and kept for the next question: words, stems, sentences."""

import bisect
from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock

from contracts.scripts import Bounds
from inference.chunking import sentences
from projections.vector.reads import Passage
from reasoning.words import STOP_WORDS, Words, content_of, stem, stems_of

MOST_TEXTS = 5_000
"""About 10 KB each."""
LOWER_WORDS, NAME_WORDS = 3, 8
"""A name is looked for in so many words at most, where they begin in lower case and where they do not."""

Sentence = tuple[int, int, frozenset[str]]
"""Start, end, stems."""


class Text:
    """One passage's. Read by many threads."""

    def __init__(self, passage: Passage) -> None:
        self.title = passage.title
        self.text = passage.text
        self.words = Words(passage.text)
        self._title = content_of(passage.title)
        self._folded = f" {' '.join(self.words.folded)} "
        self._bounds: list[Bounds] | None = None
        self._sentences: dict[int, Sentence] = {}
        self._names: str | None = None

    @property
    def content(self) -> frozenset[str]:
        """Stems of title and text. Who asks for one of them asks `holds`, which is much cheaper."""
        return self._title | stems_of(self.words.folded)

    def telling_words(self) -> frozenset[str]:
        """Words of the text that carry meaning, folded."""
        return frozenset(self.words.folded) - STOP_WORDS

    def holds(self, wanted: str) -> bool:
        """Whether title or text holds a word of this stem."""
        if wanted in self._title:
            return True
        # A word begins with its stem.
        at = self._folded.find(f" {wanted}")
        while at >= 0:
            end = self._folded.index(" ", at + 1)
            word = self._folded[at + 1 : end]
            if word not in STOP_WORDS and stem(word) == wanted:
                return True
            at = self._folded.find(f" {wanted}", end)
        return False

    @property
    def sentences(self) -> list[Sentence]:
        """Of the passage, in order."""
        return [self._sentence(number) for number in range(len(self._cut()))]

    def sentence_at(self, position: int) -> Sentence:
        """The one that holds character `position`."""
        return self._sentence(max(0, bisect.bisect_right(self._cut(), (position, len(self.text))) - 1))

    def _sentence(self, number: int) -> Sentence:
        """Most are never asked for: stems are worked out of those that are."""
        kept = self._sentences.get(number)
        if kept is None:
            start, end = self._cut()[number]
            kept = self._sentences[number] = start, end, content_of(self.text[start:end])
        return kept

    def _cut(self) -> list[Bounds]:
        bounds = self._bounds
        if bounds is None:
            bounds = self._bounds = list(sentences(self.text))
        return bounds

    @property
    def names(self) -> list[str]:
        """Keys of all names that may be in it, each once."""
        if self._names is None:
            # One string takes a tenth of the memory of many.
            self._names = "\n".join(dict.fromkeys(names_in(self.text, self.words)))
        return self._names.split("\n") if self._names else []


def names_in(text: str, words: Words) -> Iterator[str]:
    """Every run of words that may be a name, as its key, some twice: it begins and ends with a word that says what.

    A single word without a capital is no mention.
    """
    folded = words.folded
    for at, first in enumerate(folded):
        start, end = words.bounds(at, at)
        lower = text[start:end].islower()
        if lower and first in STOP_WORDS:
            continue
        if not lower:
            yield first
        key = first
        for word in folded[at + 1 : at + (LOWER_WORDS if lower else NAME_WORDS)]:
            key = f"{key} {word}"
            if word not in STOP_WORDS:
                yield key


class Texts:
    """Those that were read last."""

    def __init__(self, most: int = MOST_TEXTS) -> None:
        self._most = most
        self._kept: OrderedDict[str, Text] = OrderedDict()
        self._lock = Lock()

    def of(self, passage: Passage) -> Text:
        """Worked out now, unless it is kept; one is never taken for another."""
        with self._lock:
            kept = self._kept.get(passage.chunk_id)
            if kept is not None and kept.text == passage.text and kept.title == passage.title:
                self._kept.move_to_end(passage.chunk_id)
                return kept
        made = Text(passage)
        with self._lock:
            self._kept[passage.chunk_id] = made
            self._kept.move_to_end(passage.chunk_id)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made
