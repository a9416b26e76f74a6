"""A question that leans on the ones before it becomes one that can be searched alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from answers.words import content_words

# Words that point back at something said before.
_POINTING = re.compile(
    r"\b(it|its|they|them|their|theirs|he|him|his|she|her|this|that|these|those|one|ones|"
    r"same|former|latter|above|previous|instead|there|then|else|more)\b",
    re.IGNORECASE,
)
# Words of that list that point at nothing: "people that work there", "how many are there".
_NOT_POINTING = re.compile(
    r"(?<=\w )that (?=(has|have|had|is|are|was|were|can|could|may|must|will|would|do|does|did|"
    r"\w+(s|ed))\b)|\b(is|are|was|were) there\b|\bthere (is|are|was|were)\b|"
    r"\b(more|other|rather|less|earlier|later|else) than\b|\bone of the\b|\bat least one\b",
    re.IGNORECASE,
)
_CONTINUING = re.compile(
    r"^\s*(and|or|but|also|what about|how about|why|so|what else|und|y|et|e)\b", re.IGNORECASE
)
# "And in 2019?", "What about Adobe?": nothing but something to put in another's place.
_INSTEAD = re.compile(
    r"^\s*(?:and|or|but|also|what about|how about|what of|same for|und|y|et|e)\b\s*"
    r"(?:(?:what|how) about|the same)?\s*(?:in|for|of|at|during|with|by|from|für|en|pour)?\s*"
    r"(?:the\s+)?(?:year\s+)?(?P<other>.{2,60}?)\s*(?:then|instead|too)?[?.!]*\s*$",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"\b(what|how) (about|of)\b", re.IGNORECASE)
_ASKING = re.compile(
    r"\b(what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|has|have|had|"
    r"can|could|may|must|shall|should|will|would|list|name|give|tell|show|explain|describe|"
    r"compare|summari[sz]e)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_NAME_WORD = r"[A-Z][\w&.-]*"
_NAME = re.compile(
    rf"(?<![.?!]\s)(?<!^)\b{_NAME_WORD}(?:\s+(?:{_NAME_WORD}|of|and|&)(?=\s+[A-Z])|\s+{_NAME_WORD})*"
)
_VERB = re.compile(
    r"\b(is|are|was|were|do|does|did|has|have|had|can|could|may|must|shall|should|will|would)\b",
    re.IGNORECASE,
)
# Fewer words than this say too little alone, and in a whole sentence fewer than that.
SHORT, SHORT_SENTENCE = 3, 2
BORROWED = 12


def standalone(question: str, earlier: Sequence[str]) -> str:
    """Return what to search for: the question, with what it takes from the one before it.

    `earlier` are the conversation's questions, oldest first. "And in 2019?" is the question
    before with another year; so is "What about Adobe?" with another name. Otherwise a question
    that leans on the one before (it points back, goes on, or says too little by itself) has
    that one's words added.
    """
    before = ""
    for one in [*earlier, question]:
        before = _standalone(one, before)
    return before


def _standalone(question: str, before: str) -> str:
    if not before or not leans(question):
        return question
    return _exchanged(question, before) or _with_borrowed(question, before)


def _exchanged(question: str, before: str) -> str:
    """The question before with the year or name that this one is about; empty where unclear."""
    match = _INSTEAD.match(question) if _CONTINUING.search(question) else None
    other = match["other"] if match else ""
    if not other or _POINTING.search(other):
        return ""
    years, name = _YEAR.findall(other), " ".join(_YEAR.sub(" ", other).split())
    name = re.sub(r"^(?:in|for|of)\s+|\s+(?:in|for|of)$", "", name)
    exchanged = before
    if years:
        found = set(_YEAR.findall(exchanged))
        if len(found) != 1 or len(years) != 1:
            return ""
        exchanged = _YEAR.sub(years[0], exchanged)
    if name:
        names = {match.group() for match in _NAME.finditer(exchanged)}
        if len(names) != 1 or not re.fullmatch(
            rf"{_NAME_WORD}(?:\s+(?:{_NAME_WORD}|of|and|&))*", name
        ):
            return ""
        exchanged = re.sub(rf"\b{re.escape(names.pop())}\b", lambda _: name, exchanged)
    return exchanged


def _with_borrowed(question: str, before: str) -> str:
    own = {word.lower() for word in content_words(question)}
    has_year = bool(_YEAR.search(question))
    borrowed: dict[str, str] = {}
    for word in content_words(before):
        if word.lower() not in own and not (has_year and _YEAR.fullmatch(word)):
            borrowed.setdefault(word.lower(), word)
    words = " ".join(list(borrowed.values())[:BORROWED])
    return f"{question} ({words})" if words else question


def own(question: str, searched: str) -> str:
    """Return what an answer must be about: the person's own words, where they ask for something.

    "And what are its values?" does; "And in 2019?" or "What about dental care?" does not, and is
    about what was searched for.
    """
    asks = _ASKING.search(_ABOUT.sub(" ", question))
    says = [word for word in content_words(question) if not _YEAR.fullmatch(word)]
    return question if asks and says and searched.startswith(question) else searched


def leans(question: str) -> bool:
    return bool(
        _POINTING.search(_NOT_POINTING.sub(" ", question))
        or _CONTINUING.search(question)
        or len(content_words(question)) < (SHORT_SENTENCE if _VERB.search(question) else SHORT)
    )
