"""How each source was reached, in words: question -> name -> passage -> link -> passage."""

from collections.abc import Sequence

from contracts.reasoning import CHAIN_CHARACTERS
from reasoning.index import Index
from reasoning.path_ranking import Ranking
from reasoning.words import shortened

ARROW = " -> "


def chains_of(index: Index, question: str, ranking: Ranking, sources: Sequence[int]) -> tuple[str, ...]:
    """One chain for each source, in their order, without those that another chain goes on from.

    A link is the span of a text that names the next passage, or the last one where the link was followed backwards.
    """
    chains = [_chain(index, question, ranking, source) for source in sources]
    return tuple(
        dict.fromkeys(chain for chain in chains if not any(other.startswith(chain + ARROW) for other in chains))
    )


def _chain(index: Index, question: str, ranking: Ranking, source: int) -> str:
    steps = [_title(index, source)]
    for before, link in ranking.way_to(source):
        steps += [index.passages[link.holder].text[link.start : link.end], _title(index, before)]
        source = before
    named = {link.target: question[link.start : link.end] for link in reversed(ranking.named)}
    if source in named:
        steps.append(named[source])
    return shortened(ARROW.join(["question", *reversed(steps)]), CHAIN_CHARACTERS)


def _title(index: Index, number: int) -> str:
    passage = index.passages[number]
    return passage.title or passage.document_id
