"""The language of a text, by its script and, in Latin script, by its function words. None where neither tells.

Function words are between a third and a half of any running text, and a dozen of them tell the languages here apart: no
model is needed. What is too short to have any is not guessed at.
"""

import re
from collections import Counter

from contracts.scripts import UNSPACED

LOOKED_AT = 4_000
"""Characters, from the start of the text."""
FEWEST = 2
"""Function words that a language must have more than the next one."""
PORTION = 0.2
"""Of the letters of a text, at least, are of the script that decides."""

_SCRIPTS = {
    "ja": "\u3041-\u309f\u30a0-\u30ff",
    "ko": "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff",
    "th": "\u0e01-\u0e4e",
    "he": "\u05d0-\u05ea",
    "ar": "\u0620-\u064a",
    "hi": "\u0904-\u0939\u0958-\u0961",
    "ru": "\u0400-\u045f",
}
_LETTERS = {language: re.compile(f"[{letters}]") for language, letters in _SCRIPTS.items()}
_ANY = re.compile(rf"[^\W\d_]|[{UNSPACED}]")
_WORD = re.compile(r"[^\W\d_]+")

_FUNCTION_WORDS = {
    "en": "the of and to in is was that for it with as his on be at by had are but from they which you were her she "
    "there would their we him been has when who will no more if out so said what up its about into than them can only "
    "this have or an not he i a do did does how where why my your our these those",
    "de": "der die das und ist nicht ein eine einer einem einen des dem den von zu mit sich auf für im es auch als an "
    "er sie so dass daß kann aus wird bei noch wie oder war haben hat aber nach nur wenn werden über zum zur durch wir "
    "ihr ich mein sein seine ihre sind unter vor bis mehr um am was wo kein keine",
    "fr": "le la les des et est un une du dans que qui ne pas pour sur avec au aux ce cette ces il elle ils elles nous "
    "vous je son sa ses leur leurs mais ou où par plus sont été être ont fait comme se en de très tout tous sans",
    "es": "el la los las de y que en un una es no se por con para su sus al del lo como más pero este esta estos fue "
    "ha son era ser sin sobre también entre hasta hay donde quien desde todo nos muy cuando yo ella ellos unos está",
    "it": "il lo la i gli le di e che è un una in non per con del della dei delle degli nel nella al alla ai da dal "
    "dalla sono come ma più si anche se o ha era questo questa loro suo sua essere stato ci tra fra molto quando hanno",
    "pt": "o a os as de e que em um uma é não se por com para seu sua do da dos das no na nos nas ao à pelo pela mais "
    "mas foi como são ser tem muito também até ele ela eles já quando sem sobre entre este esta isso está eu",
    "nl": "de het een en van in is dat op te zijn met voor niet aan er om ook als dan maar bij nog uit naar door over "
    "ze zij hij wij we ik je haar hun hem die dit deze werd wordt worden was heeft hebben had kan geen of onder tot al",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in _FUNCTION_WORDS.items():
    for _one in _words.split():
        _LANGUAGES_OF.setdefault(_one, []).append(_language)


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
            return max(counts, key=lambda language: counts[language])
    return _by_function_words(text)


def _by_function_words(text: str) -> str | None:
    found: Counter[str] = Counter()
    for word in _WORD.findall(text.lower()):
        found.update(_LANGUAGES_OF.get(word, ()))
    ranked = found.most_common(2)
    if not ranked or ranked[0][1] < FEWEST:
        return None
    return ranked[0][0] if len(ranked) == 1 or ranked[0][1] - ranked[1][1] >= FEWEST else None
