"""What a question asks for, as far as its wording tells. Pure."""

from __future__ import annotations

import re

from answers.words import content_words, words

_COMPARES = re.compile(
    r"\b(compar\w*|versus|vs\.?|differ\w*|both|than|contrast|similarit\w*|unlike|"
    r"between .{1,80} and|across|respectively|each of the|which of the|either|over the years|"
    r"changed? (over|from|between)|vergleich\w*|unterschied\w*)\b",
    re.IGNORECASE,
)
_LAYOUT = re.compile(
    r"\b(page|slide|cover|layout|logos?|colou?rs?|icons?|photos?|photographs?|pictures?|images?|"
    r"screenshots?|diagrams?|drawings?|figures?|charts?|graphs?|plots?|maps?|signatures?|stamps?|"
    r"boxes|arrows?|legend|handwrit\w*|left|right|top|bottom|upper|lower|corner|shown|depicted|"
    r"seite|folie|bild\w*|abbildung\w*)\b",
    re.IGNORECASE,
)
_FORMAT = re.compile(
    r"\b(answers?|format(ted)?|integers?|decimals?|float|ascending|descending|round(ed)?|json|"
    r"yyyy|alphabetical\w*)\b",
    re.IGNORECASE,
)
_INSTRUCTS = re.compile(
    r"^\s*(please\s+)?(write|format|save|give|return|provide|round|directly|answer|present|"
    r"express|calculate|(the|your) answer|if )\b",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(pages?|slides?|figures?|tables?|exhibits?|fig\.)\s*\d+|\S+\.(pdf|docx?|xlsx?|txt)\b",
    re.IGNORECASE,
)
_PAGES = re.compile(r"\b(?:pages?|slides?|p\.|pp\.|seiten?|folien?)\s*(\d{1,4})\b", re.IGNORECASE)


def compares(question: str) -> bool:
    """Tell whether the question sets several things side by side."""
    return bool(_COMPARES.search(question))


def about_layout(question: str) -> bool:
    """Tell whether the answer may lie in how a page looks rather than in what it says."""
    return bool(_LAYOUT.search(question))


def core(question: str) -> str:
    """The question without the sentences that only say what form its answer should have."""
    parts = re.split(r"(?<=[.?!])\s+", question.strip())
    kept = [part for part in parts if not (_INSTRUCTS.search(part) and _FORMAT.search(part))]
    return " ".join(kept) or question


def specifics(question: str) -> list[str]:
    """The names and numbers of a question: where none of the evidence has one of them, it
    mostly does not hold the answer. The first word and places ("page 7") are none.
    """
    said = words(_POINTS.sub(" ", core(question)))
    return [
        word
        for place, word in enumerate(said)
        if content_words(word) and (any(c.isdigit() for c in word) or (place and word[0].isupper()))
    ]


def pages_named(question: str) -> frozenset[str]:
    """The pages or slides that the question names, as they are written."""
    return frozenset(_PAGES.findall(question))
