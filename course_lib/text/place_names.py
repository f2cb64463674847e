"""Place names in two hundred languages, from the tables that come with Babel. Used by lesson 02 (ngrams)."""

import re
import unicodedata

# Letters that Unicode does not take apart into a plain letter and a mark, as they are usually written without it.
PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h",
                       "ı": "i", "ŋ": "ng", "ə": "e"})
SHORTEST = 3  # shorter words are mostly articles and prepositions


def place_names() -> list[str]:
    """About 16 thousand words a-z from the names of countries and regions, sorted, each once.

    One list of names in every language of Babel that is written in Latin script, cut into words, in lower case,
    accents removed ("Norvège" -> "norvege"). The source is Unicode's CLDR; it grows with Babel's version.
    """
    from babel import Locale, localedata
    from babel.core import get_global

    script = {language: subtags.split("_")[1] for language, subtags in get_global("likely_subtags").items()
              if subtags.count("_") == 2}
    words = set()
    for language in localedata.locale_identifiers():
        if script.get(language) == "Latn":
            for name in Locale(language).territories.values():
                words.update(plain_words(name))
    return sorted(words)


def plain_words(name: str) -> list[str]:
    """The words of a name in a-z; those with a letter outside the Latin script, or too short, are left out.

    >>> plain_words("Côte d’Ivoire")
    ['cote', 'ivoire']
    """
    letters = unicodedata.normalize("NFKD", name.lower().translate(PLAIN))
    unmarked = "".join(c for c in letters if not unicodedata.combining(c))
    words = re.findall(r"[^\W\d_]+", unmarked)
    return [word for word in words if word.isascii() and len(word) >= SHORTEST]
