"""Kinds of things that a question names ("the pie chart", "in which table"), and what they buy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ingestion.models import ChunkKind
from retrieval.fusion import Ranking

_PICTURES = re.compile(
    r"\b(?:chart|graph|figure|image|picture|photo|photograph|diagram|map|logo|icon|plot"
    r"|illustration|screenshot)s?\b",
    re.IGNORECASE,
)
_TABLES = re.compile(r"\btables?\b(?!\s+of\s+contents)", re.IGNORECASE)
# In standard deviations of the list that weighs most: measured, see docs/retrieval.md.
LIFTS = MappingProxyType({str(ChunkKind.IMAGE): 0.6, str(ChunkKind.TABLE): 0.5})


def named_in(question: str) -> frozenset[str]:
    """Find the kinds of passages that a question names."""
    patterns = {ChunkKind.IMAGE: _PICTURES, ChunkKind.TABLE: _TABLES}
    return frozenset(str(kind) for kind, pattern in patterns.items() if pattern.search(question))


def lift(ranking: Ranking, kinds: Mapping[int, str], *, unit: float = 1.0) -> Ranking:
    """Let passages count more by their kinds; what `kinds` does not hold stays as it is.

    `unit` is what one standard deviation weighs in the ranking's scores.
    """
    raised = [(pk, score + unit * LIFTS.get(kinds.get(pk, ""), 0.0)) for pk, score in ranking]
    # Sorting keeps the order among equal scores.
    return sorted(raised, key=lambda pair: -pair[1])
