"""Recognise passages that say the same, so that they do not fill a hit list."""

from __future__ import annotations

import re
from collections.abc import Sequence

WORD = re.compile(r"\w+")


def first_of_each(texts: Sequence[str]) -> list[int]:
    """Return the indices of the texts that no earlier one repeats.

    Case, spacing and punctuation do not count. A text without words repeats nothing.
    """
    seen: set[tuple[str, ...]] = set()
    kept: list[int] = []
    for index, text in enumerate(texts):
        words = tuple(WORD.findall(text.casefold()))
        if words and words in seen:
            continue
        seen.add(words)
        kept.append(index)
    return kept
