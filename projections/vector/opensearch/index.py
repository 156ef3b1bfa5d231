"""How a generation lies in OpenSearch: its template with a versioned mapping, its names and ids.

One index of one shard holds passages and, beside them, versions, positions and unfinished writes (`what` tells them
apart). One shard because its documents become visible in one step: a search never sees half a write.
"""

import hashlib
from typing import Any

from eventstore.keys import AggregateKey
from projections.vector.model import LAYOUT
from projections.vector.spelling import ANALYSERS, ENGLISH

NAME = "annals-vector"
SCHEMA_VERSION = LAYOUT.schema_version
DEFAULT_DIMENSION = 384
WORD_FIELDS, OTHER_FIELDS = 256, 16
"""Fields of words, in English and in each other language. The mapping has an end, however many tenants there are; the
server's own limit is 1,000 fields."""

# The stop words of PostgreSQL's `english` dictionary (Snowball's list), so that both stores take the same words for
# words. Lucene's own list has 33 and would let "what" and "how" find passages.
_STOP_WORDS = (
    "i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself "
    "it its itself they them their theirs themselves what which who whom this that these those am is are was were be "
    "been being have has had having do does did doing a an the and but if or because as until while of at by for with "
    "about against between into through during before after above below to from up down in out on off over under "
    "again further then once here there when where why how all any both each few more most other some such no nor not "
    "only own same so than too very s t can will just don should now"
)

_KEYWORD = {"type": "keyword"}
_LONG = {"type": "long"}
_WORDS = {"type": "text", "analyzer": "annals_english", "search_analyzer": "annals_question"}
_KEPT = {"type": "keyword", "index": False, "doc_values": False}
_NUMBER = {"type": "integer", "index": False, "doc_values": False}


OTHERS = tuple(sorted(set(ANALYSERS.values()) - {ENGLISH}))
"""Analysers but that of English."""


def _other_words(analyser: str) -> dict[str, str]:
    return {"type": "text", "analyzer": f"annals_{analyser}", "search_analyzer": f"annals_{analyser}_question"}


def template(name: str) -> dict[str, Any]:
    """The index template of every generation of the read model `name`."""
    return {
        "index_patterns": [f"{name}-*"],
        "version": SCHEMA_VERSION,
        "template": {
            "settings": {
                "index": {
                    "knn": True,
                    "number_of_shards": 1,
                    "auto_expand_replicas": "0-1",
                    # Only a writer that is done says what may be seen.
                    "refresh_interval": "-1",
                },
                "analysis": _ANALYSIS,
            },
            "mappings": {
                "dynamic": "strict",
                "_meta": {"schema_version": SCHEMA_VERSION},
                # Searched, never read.
                "_source": {"excludes": ["words", "other_words", "literal"]},
                "dynamic_templates": [
                    {"words": {"path_match": "words.*", "mapping": _WORDS}},
                    *(
                        {analyser: {"path_match": f"other_words.{analyser}_*", "mapping": _other_words(analyser)}}
                        for analyser in OTHERS
                    ),
                ],
                "properties": _PROPERTIES | embedding(DEFAULT_DIMENSION),
            },
        },
    }


# PostgreSQL's dictionaries are Snowball's, too. Words come as `projections.vector.spelling` spells them.
_STEMMERS = {
    "german": "german2", "french": "french", "spanish": "spanish", "italian": "italian", "portuguese": "portuguese",
    "dutch": "dutch", "russian": "russian", "arabic": "arabic", "hindi": "hindi",
}  # fmt: skip
_ENGLISH = ["annals_possessive", "lowercase", "annals_stop", "annals_stem"]
_ANALYSIS: dict[str, dict[str, Any]] = {
    "filter": {
        "annals_possessive": {"type": "stemmer", "language": "possessive_english"},
        "annals_stop": {"type": "stop", "stopwords": _STOP_WORDS.split()},
        "annals_stem": {"type": "stemmer", "language": "porter2"},
        # Lucene refuses a text with a longer term than 32,766 bytes.
        "annals_cut": {"type": "truncate", "length": 512},
    },
    # The words of `projections.vector.text_query.literal_words`.
    "tokenizer": {"annals_runs": {"type": "pattern", "pattern": "[^\\p{L}\\p{N}\\p{M}]+"}},
    "analyzer": {
        "annals_english": {"tokenizer": "standard", "filter": _ENGLISH},
        # A word that is asked for twice counts once.
        "annals_question": {"tokenizer": "standard", "filter": [*_ENGLISH, "unique"]},
        "annals_literal": {"tokenizer": "annals_runs", "filter": ["lowercase", "annals_cut"]},
    },
}

_ANALYSIS["analyzer"]["annals_simple"] = {"tokenizer": "annals_runs", "filter": ["lowercase", "annals_cut"]}
_ANALYSIS["analyzer"]["annals_simple_question"] = {
    "tokenizer": "annals_runs", "filter": ["lowercase", "annals_cut", "unique"]
}  # fmt: skip
for _name, _stemmer in _STEMMERS.items():
    _ANALYSIS["filter"][f"annals_{_name}_stop"] = {"type": "stop", "stopwords": f"_{_name}_"}
    _ANALYSIS["filter"][f"annals_{_name}_stem"] = {"type": "stemmer", "language": _stemmer}
    _filters = ["lowercase", f"annals_{_name}_stop", f"annals_{_name}_stem", "annals_cut"]
    _ANALYSIS["analyzer"][f"annals_{_name}"] = {"tokenizer": "annals_runs", "filter": _filters}
    _ANALYSIS["analyzer"][f"annals_{_name}_question"] = {"tokenizer": "annals_runs", "filter": [*_filters, "unique"]}

_PROPERTIES: dict[str, Any] = {
    "what": _KEYWORD,
    "tenant": _KEYWORD,
    "owner": _KEYWORD,
    # Of a passage
    "document_id": _KEYWORD,
    "chunk_id": _KEYWORD,
    "collection": _KEYWORD,
    "aggregate_version": _LONG,
    "title": _KEPT,
    "text": _KEPT,
    # How rare a word is and how long a text is on average, OpenSearch counts by field, so tenants are spread over many.
    "words": {"type": "object", "dynamic": "true"},
    "other_words": {"type": "object", "dynamic": "true"},
    "analyser": _KEYWORD,
    "spelled_words": _KEPT,
    "spelled_literals": _KEPT,
    # Words as they are, for phrases, prefixes and negation.
    "literal": {"type": "text", "analyzer": "annals_literal", "norms": False},
    "index": _NUMBER,
    "start_at": _NUMBER,
    "end_at": _NUMBER,
    "model": _KEYWORD,
    "dimension": {"type": "integer"},
    "length": _NUMBER,
    # Of a version
    "kind": _KEYWORD,
    "aggregate_id": _KEYWORD,
    "version": _LONG,
    "passages_at": _LONG,
    # Of a position
    "topic": _KEYWORD,
    "partition": {"type": "integer"},
    "position": _LONG,
    # Of an unfinished write or switch
    "owners": _KEPT,
    "next": _KEPT,
    "at": {"type": "double"},
}


def field(dimension: int) -> str:
    """The field of vectors of one dimension: vectors of different models may lie side by side."""
    return f"embedding_{dimension}"


def embedding(dimension: int) -> dict[str, Any]:
    """The mapping of that field. The engine is named because the default one needs libraries not every server has."""
    method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
    return {field(dimension): {"type": "knn_vector", "dimension": dimension, "method": method}}


def index_of(name: str, generation_id: str) -> str:
    """The index of a generation of the read model `name`."""
    return f"{name}-index-{generation_id}"


def alias_of(name: str, generation_id: str) -> str:
    """The alias that leads to the index of a generation that is not live."""
    return f"{name}-{generation_id}"


def id_of(name: str, index: str) -> str:
    """The generation whose index this is. Before there were ids, the index had a random name."""
    own = index.removeprefix(f"{name}-")
    return own.removeprefix("index-") if own.startswith("index-") else f"was{own}"


def own_alias_of(index: str) -> str:
    """The same, by the index."""
    name, _, generation_id = index.rpartition("-index-")
    return alias_of(name, generation_id)


def writing(index: str) -> str:
    """The alias by which an index is written: it goes with the index, so a late write cannot make it anew."""
    return f"{index}-write"


def owner_of(key: AggregateKey) -> str:
    """The aggregate in one word: the id of its version and the mark on its passages."""
    return _hash(*key)


def words_of(tenant: str) -> str:
    """The field of a tenant's words, in `words`. Two tenants may share one, and then only its statistics."""
    return f"{int(_hash(tenant), 16) % WORD_FIELDS:03d}"


def words_field(tenant: str, analyser: str) -> tuple[str, str]:
    """The object and the field in it of a tenant's words that are read by this analyser."""
    if analyser == ENGLISH:
        return "words", words_of(tenant)
    return "other_words", f"{analyser}_{int(_hash(tenant), 16) % OTHER_FIELDS:02d}"


def passage_id(tenant: str, chunk_id: str) -> str:
    """The same in every generation."""
    return _hash(tenant, chunk_id)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
