"""Words that carry a meaning, and numbers as they are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+(?:['’.,/&-][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)
_NUMBER = re.compile(r"\d[\d,.]*\d|\d")

_STOPWORDS = """
    a about above across after again against all also although am an and any are as at be because
    been before being below between both but by can cannot could did do does doing done down during
    each either else ever every few for from further get gets give given gives go had has happen
    happened happens have having he hence her here hers herself him himself his how however i if in
    into is it its itself just kind let many may me might mine more most much must my myself neither
    no nor not now of off on once one only onto or other others our ours out over own per please
    rather same shall she should show since so some such than that the their theirs them themselves
    then there these they this those through thus to too under until up upon us use used uses using
    very via was we were what whatever when where whether which while who whom whose why will with
    within without would yet you your yours tell find explain describe list according document
    documents page pages
"""
STOPWORDS = frozenset(_STOPWORDS.split())
# Stopwords, and others, that tell things apart where they stand before one: "the down button".
DIRECTIONS = frozenset(("up", "down", "on", "off", "in", "out"))
_TELLING = re.compile(
    rf"\b(?:the|an?)\s+({'|'.join(DIRECTIONS)}|left|right|upper|lower|top|bottom)\s+"
    r"(?!(?:to|of|and|or|for|in|on|at|with|is|are|was|were)\b)[^\W\d_]",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    """Return the words and numbers of a text, as written but for a possessive ending."""
    return [_POSSESSIVE.sub("", match.group()) for match in _WORD.finditer(text)]


def content_words(text: str) -> list[str]:
    """Return the words that carry a meaning: no stopwords, no single letters."""
    return [
        word
        for word in words(text)
        if word.lower() not in STOPWORDS and (len(word) > 1 or word.isdigit())
    ]


def telling_directions(text: str) -> set[str]:
    """Return the words such as "down" by which the text tells one thing from others."""
    return {word.lower() for word in _TELLING.findall(text)}


def numbers(text: str) -> set[str]:
    """Return the numbers of a text without their thousands separators: "1,250.0" is "1250"."""
    return {plain_number(match.group()) for match in _NUMBER.finditer(text)}


def plain_number(written: str) -> str:
    """Write a number without separators of thousands and trailing zeros.

    The English reading is taken: a comma before three digits separates thousands.
    """
    plain = re.sub(r",(?=\d{3}(\D|$))", "", written.rstrip(".,")).replace(",", ".")
    whole, point, rest = plain.partition(".")
    rest = rest.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{rest}" if point and rest else "")


def stem(word: str) -> str:
    """Cut common English endings, so that "benefits" and "benefit" compare equal.

    Far less than a stemmer, and never applied to numbers.
    """
    word = word.lower()
    if len(word) < 4 or any(c.isdigit() for c in word):
        return word
    for ending, keep in (("ies", 3), ("ing", 4), ("ed", 4), ("es", 4), ("s", 3), ("e", 4)):
        if word.endswith(ending) and len(word) - len(ending) >= keep and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


_ENDINGS = frozenset(
    """
    ern ean an al ial ic ical ically ly er or ers ors ee ees ment ments ness ity ities ive able
    ible ation ations tion ion ions ist ists ism ous ful less y ian ally ance ence ant ent i n r d
    s es ing ed
    """.split()  # noqa: SIM905
)
SHORTEST_KIN = 4


def kin(one: str, other: str) -> bool:
    """Tell whether a stem is another one with a common ending: "north" and "northern"."""
    short, long = sorted((one, other), key=len)
    if one == other:
        return True
    return (
        len(short) >= SHORTEST_KIN
        and short.isalpha()
        and long.startswith(short)
        and long[len(short) :] in _ENDINGS
    )


def stems(texts: Iterable[str]) -> set[str]:
    return {stem(word) for text in texts for word in content_words(text)}
