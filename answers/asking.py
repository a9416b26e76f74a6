"""What a question asks for, as far as its wording tells. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from answers.quantities import quantities
from answers.words import content_words, words
from retrieval import asides

Asked = Literal["money", "share", "number", "date", "phone", "e-mail", "site", "anything"]

# Kinds that are not mistaken for others: a text that holds one was written to tell it.
ADDRESSES: frozenset[Asked] = frozenset({"phone", "e-mail", "site"})

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
_CONTENTS = re.compile(
    r"\b(contents|chapters|sections|(which|what) pages?|inhaltsverzeichnis)\b", re.IGNORECASE
)
_POINTS = re.compile(
    r"\b(pages?|slides?|figures?|tables?|exhibits?|fig\.)\s*\d+|\S+\.(pdf|docx?|xlsx?|txt)\b",
    re.IGNORECASE,
)
_PAGES = re.compile(r"\b(?:pages?|slides?|p\.|pp\.|seiten?|folien?)\s*(\d{1,4})\b", re.IGNORECASE)

_MEASURE = (
    r"(number|amount|rate|ratio|value|size|average|total|count|length|width|height|weight|"
    r"distance|duration|age|score|limit|maximum|minimum|frequency|temperature|volume)"
)
_MONEY = (
    r"(price|cost|fee|budget|salar(y|ies)|wages?|revenues?|income|profits?|sales|spending|"
    r"expenses?|expenditures?|deductibles?|co-?pays?|copayments?|premiums?|reimbursements?|debt|"
    r"assets|liabilities|capex|ebitda|dividends?|earnings|cash flow)"
)
_WHAT = r"\bwhat(?:['’]s| is| was| were| are| will be) (?:\S+ ){0,4}?"
# The first that fits tells; each is as people ask in English.
_AS_ASKED: tuple[tuple[Asked, str], ...] = (
    ("date", r"\bwhen\b(?! (you|to|should|do|does|using|they|we|it)\b)"),
    ("date", r"\b(which|what) (year|date|day|month|quarter)s?\b"),
    ("share", r"\b(what|which|how) [\w ]{0,20}?(percent|percentage|share|proportion)\b"),
    ("number", r"\bhow (many|long|often|old|far|big|large|high|tall|deep|fast|heavy)\b"),
    ("phone", r"\b((tele)?phone|fax|mobile|hotline) (numbers?|no)\b"),
    ("phone", r"\b(what|which) numbers?\b.*\b(call|dial|ring|phone)\b"),
    ("phone", rf"{_WHAT}((tele)?phone|fax|hotline)\b(?= (of|for|to)\b|\W*$)"),
    ("e-mail", r"\be-?mail address(es)?\b"),
    ("e-mail", rf"{_WHAT}e-?mail\b(?= (of|for|to)\b|\W*$)"),
    ("site", r"\b(web|website|internet) address(es)?\b|\burls?\b"),
    ("site", r"\b(which|what) (web ?sites?|web ?pages?|homepage)\b"),
    ("site", rf"{_WHAT}(web ?site|web ?page|homepage)\b(?= (of|for|to)\b|\W*$)"),
    ("number", r"\bhow much (time|space|memory|water|energy|longer|faster|more|less)\b"),
    ("money", rf"\bhow much\b(?=.*\b({_MONEY}|pay|paid|spend|spent|earn\w*|money|worth)\b)"),
    ("number", r"\bhow much\b"),
    ("money", rf"{_WHAT}{_MONEY}\b"),
    ("number", rf"{_WHAT}{_MEASURE}\b"),
)
_KINDS_ASKED = tuple((kind, re.compile(said, re.IGNORECASE)) for kind, said in _AS_ASKED)
_DATE = re.compile(
    r"\b(1[5-9]|20)\d\d\b|\b(january|february|march|april|may|june|july|august|september|"
    r"october|november|december|(jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?(?= \d))\b|"
    r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b(q[1-4]|\d{1,2}(:\d\d)? ?[ap]\.?m\b)|"
    r"\b(days?|weeks?|months?|years?|annually|daily|monthly|weekly)\b",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w")
_SITE = re.compile(
    r"\bhttps?://|\bwww\.\w|(?<![@\w.-])(?:[\w-]+\.)+(?:com|org|net|edu|gov|int|info|io|eu|uk)\b",
    re.IGNORECASE,
)
_DIALLED = re.compile(r"(?<![\d.,$€£/-])\+?\(?\d[\d ()./-]{5,}\d(?! ?[\d,%])")
_SPAN_OF_TIME = re.compile(
    r"\b(19|20)\d\d ?[-/] ?(19|20)?\d\d\b|\b\d{4}-\d\d-\d\d\b|\b\d\d?[./-]\d\d?[./-]\d{4}\b"
)
FEWEST_DIALLED = 7
_ISBN = re.compile(r"\bISBN[\s:\d-]*", re.IGNORECASE)
# Years side by side, and figures of a table or a large one: groups of three without a code.
_FIGURES = re.compile(r"(?:(?:19|20)\d\d[ ./-]*)+|[1-9]\d{0,2}(?: \d{3})+")


def kind_of_answer(question: str) -> Asked:
    """Tell what an answer must hold, as the question is worded; "anything" where it is open."""
    asked = core(question)
    return next((kind for kind, pattern in _KINDS_ASKED if pattern.search(asked)), "anything")


def fit(text: str, asked: Asked) -> float:
    """Tell how far a text holds the kind of thing that is asked for, from -1 to 1.

    1 for a date, an address, a sum of money, a share or a number as asked; 0.5 where the sign is
    missing, which in a table may stand in the header; -1 without any. A year is no number.
    """
    if asked == "anything":
        return 0.0
    if held := _HOLDS.get(asked):
        return 1.0 if held(text) else -1.0
    found = [quantity for quantity in quantities(text) if not quantity.is_year]
    signed = {"money": "is_money", "share": "is_percent"}.get(asked)
    if signed and not any(getattr(quantity, signed) for quantity in found):
        return 0.5 if found else -1.0
    return 1.0 if found else -1.0


def _has_phone(text: str) -> bool:
    dialled = _DIALLED.findall(_ISBN.sub(" ", _SPAN_OF_TIME.sub(" ", text)))
    return any(
        sum(map(str.isdigit, one)) >= FEWEST_DIALLED and not _FIGURES.fullmatch(one.strip())
        for one in dialled
    )


_HOLDS: dict[Asked, Callable[[str], object]] = {
    "date": _DATE.search,
    "phone": _has_phone,
    "e-mail": _EMAIL.search,
    "site": _SITE.search,
}


def compares(question: str) -> bool:
    """Tell whether the question sets several things side by side."""
    return bool(_COMPARES.search(question))


def about_layout(question: str) -> bool:
    """Tell whether the answer may lie in how a page looks rather than in what it says."""
    return bool(_LAYOUT.search(question))


def about_contents(question: str) -> bool:
    """Tell whether the answer may stand in a table of contents."""
    return bool(_CONTENTS.search(question))


def core(question: str) -> str:
    """The question without the sentences that only say how to answer it."""
    return asides.without(question)


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
