"""Recognise passages that say the same, so that they do not fill a hit list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

WORD = re.compile(r"\w+(?:[.,]\w+)*")
# Words in which passages may not differ, however alike they are otherwise; so are numbers and
# words with a capital: they are what tells one product, person or year from another.
NEGATIONS = frozenset(
    ["no", "not", "none", "never", "nor", "neither", "without", "cannot", "except", "unless"]
)
SHINGLE = 3
# Share of the runs of three words that two passages have in common, of those that either has
# (Broder, "On the resemblance and containment of documents", 1997).
ALIKE = 0.85


@dataclass(frozen=True, slots=True)
class _Passage:
    """What is compared: all words, those that must be the same, and the runs of words."""

    words: tuple[str, ...]
    telling: Counter[str]
    shingles: frozenset[tuple[str, ...]]

    def says_what(self, other: _Passage) -> bool:
        """Tell whether the other says the same; one without words never does."""
        if not self.words:
            return False
        if self.words == other.words:
            return True
        if self.telling != other.telling:
            return False
        shared = len(self.shingles & other.shingles)
        return shared >= ALIKE * len(self.shingles | other.shingles) and shared > 0


def groups(texts: Sequence[str]) -> list[list[int]]:
    """Return the indices of the texts, those together that say the same as the first of them.

    Case, spacing and punctuation do not count. A text without words repeats nothing.
    """
    firsts: list[_Passage] = []
    found: list[list[int]] = []
    for index, text in enumerate(texts):
        passage = _passage(text)
        for first, group in zip(firsts, found, strict=True):
            if passage.says_what(first):
                group.append(index)
                break
        else:
            firsts.append(passage)
            found.append([index])
    return found


def _passage(text: str) -> _Passage:
    written = WORD.findall(text)
    words = tuple(word.casefold() for word in written)
    runs = range(max(1, len(words) - SHINGLE + 1))
    return _Passage(
        words,
        Counter(low for word, low in zip(written, words, strict=True) if _tells(word, low)),
        frozenset(words[at : at + SHINGLE] for at in runs),
    )


def _tells(word: str, lowered: str) -> bool:
    return lowered in NEGATIONS or word != lowered or any(map(str.isdigit, word))
