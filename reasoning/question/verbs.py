"""Verbs, as far as a question needs them: which word of it says what the thing asked for does."""

_AUXILIARIES = """
    am are be been being can could did do does had has have is may might must shall should was were will would
"""
_BASE = """
    accept achieve acquire act add adopt air allow announce appear apply arrive attack attend band bear beat become
    begin belong border bring broadcast build buy call capture carry cause cease change choose claim close coach
    come command compete complete compose conclude conquer consist contain cost cover create cross debut declare
    defeat depict describe design destroy develop die direct disappear discover dissolve draw drink drop earn elect
    emerge employ enact end enter escape establish exist expand export extend fall feature fight film finish flow
    form found gain get give go govern graduate grow handle hang happen have hit hold host import inspire invade
    invent invest issue join keep kill know land last launch lay lead leave lie like live locate lose make manage
    map marry mean meet mention move name occur offer open operate originate own paint participate pass pay perform
    pitch play portray practice practise prefer premiere prepare present produce promote provide publish purchase
    rank reach receive record refer refuse reign reject release remain represent resign retire return reveal rise
    rule run say scale score see sell serve settle shape share shoot show sign sing sink sit speak spend split
    sponsor stand star start stop strike studied study succeed support surrender survive take teach tell think train
    translate travel turn use visit voice vote wed wear weigh win work write
"""
_IRREGULAR = """
    begun born borne bought broadcast brought built cast caught chosen cut done drawn driven fought found given gone
    held hit hung kept known laid led left lit lost made meant met paid put read run said seen sent set shot shown
    sold spent split spoken struck sung sunk taken taught thought told won worn written
"""
_PAST_FORMS = """
    became began came did fell felt flew gave got grew had held kept knew lay led left lost made met paid ran rose said
    sang sat saw sent sold spoke stood swam taught told took thought went woke won wore wrote
"""
AUXILIARIES = frozenset(_AUXILIARIES.split())
BE = frozenset({"am", "are", "be", "been", "being", "is", "was", "were"})
DO = frozenset({"did", "do", "does"})
RELATIVES = frozenset({"that", "which", "who", "whom", "whose", "where", "when"})
BASE = frozenset(_BASE.split())
"""Base forms: with `did` somewhere before, the one that no auxiliary stands before is what the question is about."""
_PARTICIPLES = frozenset(_IRREGULAR.split())


_PAST = frozenset(_PAST_FORMS.split())


def is_verb(word: str) -> bool:
    """Whether a folded word may be a verb in any form."""
    return word in BASE or word in _PAST or is_participle(word) or (word.endswith("s") and word[:-1] in BASE)


def is_participle(word: str) -> bool:
    """Whether a folded word may be a past participle."""
    return word in _PARTICIPLES or (word.endswith("ed") and len(word) > 4)
