"""The language of a text, by its script and letters and, in Latin script, by its function words and word endings. None
where they do not tell.

Function words are between a third and a half of any running text, and some dozens of them tell the languages here
apart: no model is needed. What is too short to have any is told by letters and endings, or not guessed at. Beside the
fifteen that full text knows there are neighbours of theirs, so that Ukrainian is not taken for Russian, nor Catalan for
Spanish.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache

from contracts.function_words import ALPHABETS, ENDINGS, FUNCTION_WORDS, HINDI
from contracts.scripts import UNSPACED

LOOKED_AT = 4_000
"""Characters, from the start of the text."""
LEAST, MARGIN = 1.2, 0.75
"""What speaks for a language must come to so much, and to so much more than for the next one; a function word that no
other language has is 1, one that n have is 1/n."""
FEW, COVERAGE = 5, 0.1
"""Of more words than so few, this share must be function words of their language."""
ENDING, FOREIGN = 0.4, 1.0
"""What an ending speaks for a language, and a word with letters that it does not have against it."""
SURE = 6
"""So many times over clear, function words alone decide."""
MOST_TIMES = 5
"""A word counts so often at most: what is said again and again, as in code, is no function word."""
PORTION = 0.2
"""Of the letters of a text, at least, are of the script that decides."""

_SCRIPTS = {
    "ja": "\u3041-\u309f\u30a0-\u30ff",
    "ko": "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff",
    "th": "\u0e01-\u0e4e",
    "he": "\u05d0-\u05ea",
    "ar": "\u0620-\u064a\u0671-\u06d3",
    "hi": "\u0904-\u0939\u0958-\u0961",
    "ru": "\u0400-\u052f",
}
_LETTERS = {language: re.compile(f"[{letters}]") for language, letters in _SCRIPTS.items()}
_ANY = re.compile(rf"[^\W\d_]|[{UNSPACED}]")
_WORD = re.compile(r"[^\W\d_]+")
_NO_LETTERS = {code: " " for code in range(128) if not chr(code).isalpha()}

_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in FUNCTION_WORDS.items():
    for _one in _words.split():
        _LANGUAGES_OF.setdefault(_one, []).append(_language)
_ENDINGS = {language: re.compile(pattern) for language, pattern in ENDINGS.items()}
_FOREIGN = {language: re.compile(f"[^a-z{letters}]") for language, letters in ALPHABETS.items()}

# Letters that a language of the script does not have.
_UKRAINIAN, _SERBIAN, _OTHER_CYRILLIC = map(re.compile, ("[іїєґ]", "[јљњћђџѓќѕ]", "[ўәөүұқғңһҗӣӯҷҳҥԥӑӗ]"))
_BULGARIAN = re.compile("ъ(?![еёюя])")
_URDU, _NOT_ARABIC = map(re.compile, ("[ٹڈڑںےھہ]", "[پچژگکی]"))
_HINDI = frozenset(HINDI.split())
_DEVANAGARI = re.compile("[\u0900-\u0963\u0970-\u097f]+")
_MARATHI = re.compile("ळ|^(?:आहे|आहेत|आणि|नाही|होते|होता|होती|कुठे|मध्ये|तो|ती|ते|हा|ही|हे|आला|आली|काय)$|(?:च्या|साठी)$")
_NEPALI = re.compile("^(?:छ|छन्|छौ|हो|गर्ने|गर्न|थियो|कहिले|तिमी|पनि|तिर|हुन्|रहेको)$|(?:हरू|हरु|हरूले|लाई|को|ले|मा)$")


def detect(text: str) -> str | None:
    """An ISO 639-1 code, or None."""
    text = text[:LOOKED_AT]
    if not text.isascii():
        letters = len(_ANY.findall(text))
        counts = {language: len(pattern.findall(text)) for language, pattern in _LETTERS.items()}
        if sum(counts.values()) > letters / 2:
            # Japanese is written with Han letters between its own.
            if counts["ja"] > PORTION / 2 * (counts["ja"] + counts["zh"]) and counts["ja"] + counts["zh"] > letters / 2:
                return "ja"
            language = max(counts, key=lambda language: counts[language])
            return _NEIGHBOURS[language](text, counts[language]) if language in _NEIGHBOURS else language
    return _latin(text)


def _cyrillic(text: str, _: int) -> str | None:
    text = text.lower()
    if _OTHER_CYRILLIC.search(text):
        return None
    if _SERBIAN.search(text):
        return "sr"
    if _UKRAINIAN.search(text):
        return "uk"
    return "bg" if len(_BULGARIAN.findall(text)) > len(re.findall("[ыэё]", text)) else "ru"


def _arabic(text: str, letters: int) -> str | None:
    if len(_URDU.findall(text)) > letters / 50:
        return "ur"
    return "fa" if len(_NOT_ARABIC.findall(text)) > letters / 50 else "ar"


def _devanagari(text: str, _: int) -> str | None:
    words = _DEVANAGARI.findall(text)
    found = {
        "hi": sum(word in _HINDI for word in words),
        "mr": sum(_MARATHI.search(word) is not None for word in words),
        "ne": sum(_NEPALI.search(word) is not None and word not in _HINDI for word in words),
        "sa": sum(word.endswith("\u0903") for word in words),
    }
    return max(found, key=lambda language: (found[language], language == "hi"))


_NEIGHBOURS: dict[str, Callable[[str, int], str | None]] = {"ru": _cyrillic, "ar": _arabic, "hi": _devanagari}


def _latin(text: str) -> str | None:
    found = _letters_of(text.lower())
    function_words: dict[str, float] = defaultdict(float)
    # In the text's order, so that sums are the same to the last bit in every process.
    for word, times in Counter(filter(_LANGUAGES_OF.__contains__, found)).items():
        languages = _LANGUAGES_OF[word]
        each = min(times, MOST_TIMES) / len(languages)
        for language in languages:
            function_words[language] += each
    first = _clear(function_words, SURE)
    if first is None:
        # Endings alone tell a title, and help with the rest.
        endings = _by_letters(text, Counter(found))
        first = _clear({one: function_words[one] + min(LEAST, endings[one]) for one in {*function_words, *endings}}, 1)
    number = len(found)
    return first if first is None or number <= FEW or function_words[first] >= COVERAGE * number else None


def _letters_of(text: str) -> list[str]:
    """Its runs of letters. Most texts are of ASCII, where cutting at all else takes a quarter of the time."""
    return text.translate(_NO_LETTERS).split() if text.isascii() else _WORD.findall(text)


def _clear(found: Mapping[str, float], times: float) -> str | None:
    """The language that most speaks for, where that is clear so many times over."""
    (first, most), (_, next_most) = sorted((("", 0.0), ("", 0.0), *found.items()), key=lambda one: -one[1])[:2]
    return first if most >= LEAST * times and most - next_most >= MARGIN * times else None


@lru_cache(maxsize=1 << 16)
def _ended_as_in(word: str) -> tuple[str, ...]:
    """The languages of which its ending is one; none where it is too short, or a function word. Words come again."""
    if len(word) <= 3 or word in _LANGUAGES_OF:
        return ()
    return tuple([language for language, pattern in _ENDINGS.items() if pattern.search(word)])


def _by_letters(text: str, words: Counter[str]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float, {"es": 1.0} if "¿" in text or "¡" in text else {})
    for word, times in words.items():
        for language in _ended_as_in(word):
            found[language] += ENDING * times
        if not word.isascii():
            for language, pattern in _FOREIGN.items():
                if pattern.search(word):
                    found[language] -= FOREIGN * times
    return found
