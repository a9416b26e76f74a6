"""What a question asks for, as far as its wording tells. Pure."""

from __future__ import annotations

import re

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
_PAGES = re.compile(r"\b(?:pages?|slides?|p\.|pp\.|seiten?|folien?)\s*(\d{1,4})\b", re.IGNORECASE)


def compares(question: str) -> bool:
    """Tell whether the question sets several things side by side."""
    return bool(_COMPARES.search(question))


def about_layout(question: str) -> bool:
    """Tell whether the answer may lie in how a page looks rather than in what it says."""
    return bool(_LAYOUT.search(question))


def pages_named(question: str) -> frozenset[str]:
    """The pages or slides that the question names, as they are written."""
    return frozenset(_PAGES.findall(question))
