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
_CONTINUING = re.compile(
    r"^\s*(and|or|but|also|what about|how about|why|so|what else|und|y|et|e)\b", re.IGNORECASE
)
SHORT = 3
BORROWED = 12


def standalone(question: str, earlier: Sequence[str]) -> str:
    """Return what to search for: the question, with the previous one's words where it leans.

    `earlier` are the conversation's questions, oldest first. A question leans on them where
    it points back ("it", "the same"), goes on ("and in 2019?"), or says too little by itself.
    """
    if not earlier or not leans(question):
        return question
    own = {word.lower() for word in content_words(question)}
    borrowed: dict[str, str] = {}
    for before in reversed(earlier):
        for word in content_words(before):
            if word.lower() not in own:
                borrowed.setdefault(word.lower(), word)
        if not leans(before):
            break
    words = " ".join(list(borrowed.values())[:BORROWED])
    return f"{question} ({words})" if words else question


def leans(question: str) -> bool:
    return bool(
        _POINTING.search(question)
        or _CONTINUING.search(question)
        or len(content_words(question)) < SHORT
    )
