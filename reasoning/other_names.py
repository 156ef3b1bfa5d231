"""What a question calls by another name than a text does: people gave it that name, or said that two are one."""

from collections import defaultdict
from collections.abc import Mapping

from projections.graph.reads import GraphSnapshot
from reasoning.links import Name, Names, name_of
from reasoning.words import Words, content_of

Stems = frozenset[str]


class OtherNames:
    """Of entities with a name of the question and with others: the first one's stems stand where one of those does."""

    def __init__(self, snapshot: GraphSnapshot, question: str) -> None:
        spoken = frozenset(Words(question).folded)
        rows = [(one.entity_id, name_of(one.name)) for one in snapshot.subjects]
        rows += [(one.entity_id, name_of(one.name)) for one in snapshot.mentions]
        # Most are of entities that the question cannot name.
        named = {entity_id for entity_id, name in rows if name and spoken.issuperset(name)} if spoken else set()
        names: defaultdict[str, set[Name]] = defaultdict(set)
        for entity_id, name in rows if named else ():
            if entity_id in named:
                names[entity_id].add(name)
        several = [own for own in names.values() if len(own) > 1]
        asked = {span.name for span in Names(name for own in several for name in own).find(question)}
        self._meant: Mapping[Name, Stems] = {
            name: frozenset().union(*(content_of(" ".join(other)) for other in own & asked))
            for own in several
            if own & asked
            for name in own - asked
        }
        self._names = Names(self._meant)

    def __bool__(self) -> bool:
        return bool(self._meant)

    def found(self, text: str, words: Words | None = None) -> list[tuple[int, Stems]]:
        """Where a text has such a name, with the stems of the question's."""
        if not self._meant:
            return []
        return [(span.start, self._meant[span.name]) for span in self._names.find(text, words)]
