"""A server's rules about what its videos may show: refused words, the safety check, spoilers, age-restricted channels.

They are checked with the other rules (`bot.ledger.decision`), before an order and again in the transaction that places
it, on its final options. So every way to order passes here.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from bot.errors import NotAllowed
from bot.ledger.model import RuleQuery, Terms

# Letters of other alphabets that look like Latin ones (https://www.unicode.org/reports/tr39/#Confusable_Detection).
_LOOK_LIKE = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u0432\u03b2",
    "c": "\u0441\u03f2",
    "d": "\u0501",
    "e": "\u0435\u03b5\u0454",
    "g": "\u0261",
    "h": "\u043d\u04bb",
    "i": "\u0456\u03b9\u0131",
    "j": "\u0458",
    "k": "\u043a\u03ba",
    "m": "\u043c",
    "n": "\u03b7",
    "o": "\u043e\u03bf",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u03c5",
    "v": "\u03bd",
    "w": "\u051d\u0461",
    "x": "\u0445\u03c7",
    "y": "\u0443\u04af",
}
# Capitals that look like another Latin letter than their small ones do.
_CAPITALS = str.maketrans("\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u03a1\u03a4\u03a5\u03a7", "BEZHIKMNPTYX")
_AS_LATIN = str.maketrans({other: latin for latin, others in _LOOK_LIKE.items() for other in others})
# Digits and signs in place of letters; 1 stands for two.
_AS_LETTERS = tuple(str.maketrans("013457@$", f"o{one}eastas") for one in "il")
# Marks that spell nothing: accents, variation selectors. Others are vowels of their scripts.
_MARKS = (
    (0x0300, 0x036F),
    (0x180B, 0x180F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
)
# Shown as nothing, also where no character is assigned yet (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point).
_IGNORED = ((0x2065, 0x2065), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF))
_ACCENTED = 0x0590  # letters below it, which are Latin, Greek, Cyrillic or Armenian, have no marks but accents
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Scripts without spaces between words: Thai and Lao, Burmese, Khmer, kana, Han. There a word counts wherever it stands.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0x20000, 0x3FFFF),
)


def refuse_content(terms: Terms, query: RuleQuery) -> None:
    """Check what the job's channel and texts may be.

    Raises:
        NotAllowed: the channel is not age-restricted although it must be, or a text has a refused word.
    """
    rules = terms.content
    if rules.age_restricted_only and terms.who.age_restricted is not True:
        raise NotAllowed(
            f"Videos are made in age-restricted channels only here, and <#{terms.who.channel_id}> isn't one. "
            "Use one of those, or ask an admin, who can change that with `/wanda-admin content set`.",
            rule="content",
        )
    found = refused_word(query.texts, rules.words)
    if found is not None:
        raise NotAllowed(
            f"“{found}” isn't allowed in prompts here. Leave it out and try again, or ask an admin, who can change the "
            "list with `/wanda-admin content words`; you weren't charged.",
            rule="content",
        )


def refused_word(texts: Iterable[str], words: Sequence[str]) -> str | None:
    """Return the first of these words, or phrases, that a text has as whole words, or None.

    Case, accents, invisible characters, lookalike letters and digits in place of letters make no difference.
    """
    if not words:
        return None
    for text in texts:
        spaced = [f" {one} " for one in _forms(text)]
        for word in words:
            if any(_is_in(one, spaced) for one in _word_forms(word)):
                return word
    return None


def _is_in(word: str, texts: Sequence[str]) -> bool:
    if not word:
        return False
    if any(_is_between(character, _UNSPACED) for character in word):
        return any(word in text for text in texts)
    return any(f" {word} " in text for text in texts)


@lru_cache(maxsize=4096)
def _word_forms(word: str) -> frozenset[str]:
    return _forms(word)


def _forms(text: str) -> frozenset[str]:
    """Return the text's words with a space between, as they are and with digits and signs read as letters."""
    return frozenset(_folded(one) for one in (text, *(text.translate(letters) for letters in _AS_LETTERS)))


def _folded(text: str) -> str:
    kept = "".join(_seen(unicodedata.normalize("NFKD", text))).translate(_CAPITALS)
    plain = unicodedata.normalize("NFC", kept).casefold().translate(_AS_LATIN)
    return " ".join("".join(one if unicodedata.category(one)[0] in "LNM" else " " for one in plain).split())


def _seen(text: str) -> Iterable[str]:
    """Yield the characters that are seen, without accents."""
    letter = ""
    for character in text:
        category = unicodedata.category(character)
        if category[0] != "M":
            letter = character
        elif letter and ord(letter) < _ACCENTED:
            continue
        if not _is_invisible(character, category):
            yield character


def _is_invisible(character: str, category: str) -> bool:
    """Return whether it is an accent, or nothing that is seen."""
    if category in {"Cc", "Cf", "Me"}:
        return not character.isspace()
    return character in _BLANKS or _is_between(character, _MARKS) or _is_between(character, _IGNORED)


def _is_between(character: str, ranges: Iterable[tuple[int, int]]) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in ranges)
