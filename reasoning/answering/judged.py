"""What a sentence tells and somebody called wrong: no answer rests on the sentence for that.

A relation has two sides and a predicate. It is at stake where what is known names the one side and a value would be the
other, or where what is known names both (then whatever the sentence tells of them, as when it was), and where the
sentence has no word that tells what is asked but those of the predicate. What else the sentence says is as it was.
"""

from collections.abc import Collection, Iterable, Sequence

from projections.graph.reads import WrongRelation
from reasoning.answering.evidence import Sentence
from reasoning.answering.question_words import speaks
from reasoning.answering.relations import concepts_of_stem
from reasoning.question.verbs import BE, is_verb
from reasoning.words import content_of, stem, words_of


class Judged:
    """Of a question, or a step of one."""

    def __init__(self, roots: Iterable[str]) -> None:
        """`roots`: stems of the words that tell what is asked."""
        self._roots = dict.fromkeys(roots, 1.0)

    def rejects(
        self, sentence: Sentence, known: Sequence[frozenset[str]], value: Collection[str] | None = None
    ) -> bool:
        """Whether what the sentence tells of what is known (stems of each) is a relation that somebody called wrong.

        `value`: words of what would be the answer; None for the sentence as a whole.
        """
        return any(self._is_at_stake(sentence, one, known, value) for one in sentence.wrong)

    def _is_at_stake(
        self,
        sentence: Sentence,
        wrong: WrongRelation,
        known: Sequence[frozenset[str]],
        value: Collection[str] | None,
    ) -> bool:
        sides = content_of(wrong.subject), content_of(wrong.object)
        named = [any(_same(stems, side) for stems in known) for side in sides]
        own = frozenset() if value is None else content_of(" ".join(value))
        between = any(named[one] and _same(own, sides[1 - one]) for one in (0, 1))
        return (between or all(named)) and not self._tells_else(sentence, wrong)

    def _tells_else(self, sentence: Sentence, wrong: WrongRelation) -> bool:
        """Whether a word of the sentence tells what is asked and none of what is wrong."""
        predicate = [stem(word.folded) for word in words_of(wrong.predicate) if word.folded not in BE]
        own = set(predicate)
        within = [word for word in sentence.words if wrong.start <= word.start < wrong.end]
        if not any(_is_of(word.folded, predicate[:1]) for word in within):
            # `grew up` tells of `grow up`: the predicate's verb is one of those that stand there.
            own |= {stem(word.folded) for word in within if is_verb(word.folded)}
        words = [word.folded for word in sentence.words]
        # A word that is asked says more than one of the same meaning.
        told = [word for word in words if stem(word) in self._roots] or [
            word for word in words if speaks(word, self._roots)
        ]
        return any(not _is_of(word, own) for word in told)


def _is_of(word: str, predicate: Collection[str]) -> bool:
    """Whether a word is one of a predicate's, or tells the same relation."""
    root = stem(word)
    if root in predicate:
        return True
    told = concepts_of_stem(root)
    return any(not told.isdisjoint(concepts_of_stem(other)) for other in predicate)


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two names, as stems, may be of the same: the one holds the other."""
    return bool(one) and bool(other) and (one <= other or other <= one)
