"""Predicates in one form: `was founded by`, `the founder of` and `established` are one. Pure.

A label is a verb's lemma with its particle or preposition (`found`, `work for`, `take over`), the participle of what is
said of the one it is done to (`born in`), or a noun with its preposition (`capital of`). The tables hold words of which
a reader says that one stands for the other; what only sometimes does (`create`, `start`, `lead`
and `head of`, `director of`, which is of a film or of a company) stays as the text says it.
"""

AGENT_NOUNS = {
    "author": "write",
    "writer": "write",
    "founder": "found",
    "cofounder": "found",
    "co-founder": "found",
    "inventor": "invent",
    "discoverer": "discover",
    "composer": "compose",
    "designer": "design",
    "painter": "paint",
    "creator": "create",
    "owner": "own",
    "winner": "win",
    "publisher": "publish",
    "developer": "develop",
    "manufacturer": "manufacture",
    "maker": "make",
    "translator": "translate",
    "teacher": "teach",
    "conqueror": "conquer",
    "successor": "succeed",
    "assassin": "assassinate",
}
"""The noun says of its bearer what the verb says: the author of a book wrote it."""

_SAME = {
    # The act of bringing an organisation into being.
    "establish": "found",
    "co-found": "found",
    "cofound": "found",
    "set up": "found",
    "establish in": "found in",
    "established in": "founded in",
    # To make a book.
    "author": "write",
    "pen": "write",
    # To become the owner for money.
    "buy": "acquire",
    "purchase": "acquire",
    "buy from": "acquire from",
    "purchase from": "acquire from",
    # To become husband and wife.
    "wed": "marry",
    "married to": "marry",
    # Where a thing is. `Lie in` of a person means the bed, which has no name.
    "lie in": "located in",
    "situated in": "located in",
    # Where an organisation is led from.
    "based in": "headquartered in",
    "headquarters in": "headquartered in",
    "headquarter in": "headquartered in",
    "headquarters at": "headquartered in",
    # One office under two names.
    "chief executive of": "CEO of",
    "chief executive officer of": "CEO of",
    "ceo of": "CEO of",
    "premier of": "prime minister of",
    "chairperson of": "chairman of",
    "chairwoman of": "chairman of",
    "chair of": "chairman of",
    # To die, of people.
    "perish in": "die in",
}
_REVERSED = {
    # The other way round, from the other end.
    "precede": "succeed",
    "predecessor of": "succeed",
}


def normalised(label: str) -> tuple[str, bool]:
    """The one form of a label, and whether subject and object change places."""
    noun, _, preposition = label.rpartition(" ")
    if preposition in {"of", "to"} and noun in AGENT_NOUNS:
        return AGENT_NOUNS[noun], False
    if label in _REVERSED:
        return _REVERSED[label], True
    return _SAME.get(label, label), False
