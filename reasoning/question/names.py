"""What a question names, and those of which it asks for one."""

import re

from reasoning.question.nouns import CONNECTING, DETERMINERS, PREPOSITIONS
from reasoning.question.verbs import AUXILIARIES
from reasoning.words import QUESTION_WORDS, Word, fold

_NO_NAMES = (
    QUESTION_WORDS | AUXILIARIES | DETERMINERS | PREPOSITIONS | {"name", "besides", "both", "list", "there", "if"}
)


def names_in(question: str, words: list[Word]) -> tuple[tuple[int, int], ...]:
    """Spans of what is written as a name: in quotes, or with capitals."""
    spans = [match.span(1) for match in re.finditer(r"[\"\u201c]([^\"\u201c\u201d]{2,80})[\"\u201d]", question)]
    quoted = list(spans)
    index = 0
    while index < len(words):
        if not _begins_name(question, words, index):
            index += 1
            continue
        end = index
        for further in range(index + 1, len(words)):
            between = question[words[further - 1].end : words[further].start]
            if not re.fullmatch(r"\s|-|\.\s?|['\u2019]|:\s|&|\s&\s", between):
                break
            if question[words[further].start].isupper() or words[further].folded.isdigit() or between == "-":
                end = further
            elif words[further].folded not in CONNECTING:
                break
        span = words[index].start, words[end].end
        if not any(start < span[1] and span[0] < stop for start, stop in quoted):
            spans.append(span)
        index = end + 1
    return tuple(sorted(spans))


def _begins_name(question: str, words: list[Word], index: int) -> bool:
    word = words[index]
    return question[word.start].isupper() and not (index == 0 and word.folded in _NO_NAMES)


def options_in(question: str, names: tuple[tuple[int, int], ...]) -> tuple[str, ...]:
    """The two names around `or`, where the question has such; also of `between A and B`."""
    for match in re.finditer(r"[,\s]\s*or\s+", question):
        before = [span for span in names if span[1] <= match.start() + 1 and match.start() - span[1] < 40]
        after = [span for span in names if span[0] >= match.end() - 1 and span[0] - match.end() < 40]
        if before and after:
            return question[slice(*before[-1])], question[slice(*after[0])]
    if fold(question).startswith("between ") and len(names) > 1:
        return question[slice(*names[0])], question[slice(*names[1])]
    return ()
