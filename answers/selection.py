"""Which passages to quote, and whether they answer the question at all. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from answers.passages import CUT, Passage
from answers.scoring import Scored, is_title, word_stems

MOST = 4
# Sentences, of which a step may have several.
MOST_STEPS = 12
# The share of the question's words in a heading that says what its list is for.
LEAST_LED = 0.5
# How far below the best a passage may be and still be quoted beside it.
MARGIN = 0.18
# The best passage's cosine plus the share of the question's words in and around it. Chosen by
# looking at answerable and unanswerable questions, which it tells apart only weakly.
LEAST_SUPPORT = 0.8
# What a name or number that stands nowhere takes off.
LACKING = 0.4
_STEPS_ASKED = re.compile(
    r"^\s*how (do|to|can|should|does)\b|\b(steps|procedure|process|instructions)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What to quote, in the order to quote it; and whether that answers the question."""

    passages: tuple[Passage, ...]
    supported: bool


def select(
    question: str,
    scored: Sequence[Scored],
    *,
    passages: Sequence[Passage] = (),
    lacking: bool = False,
) -> Selection:
    """Choose the best passages that belong together; sentences in the order of the text.

    Of steps that are asked for, the whole list is taken, of all `passages`. `lacking` tells that
    a name or number of the question stands nowhere: then the best must be better to count as an
    answer.
    """
    ranked = sorted(scored, key=lambda item: -item.score)
    if not ranked:
        return Selection((), supported=False)
    near = [item for item in ranked if item.score >= ranked[0].score - MARGIN]
    steps: list[Passage] = []
    if _STEPS_ASKED.search(question):
        steps = _shortened(
            _steps(ranked, passages or [item.passage for item in scored]), ranked[0].passage
        )
        near = [item for item in ranked if item.passage in steps] or near
    chosen = steps or [item.passage for item in _different(_said(near))[:MOST]]
    chosen = [one for one in chosen if not any(other.covers(one) for other in chosen)]
    best_of: dict[int, int] = {}
    for place, passage in enumerate(chosen):
        best_of.setdefault(passage.number, place)
    ordered = sorted(chosen, key=lambda p: (best_of[p.number], p.start))
    support = max(item.support for item in near) - LACKING * lacking
    return Selection(tuple(ordered), supported=support >= LEAST_SUPPORT)


def _said(near: Sequence[Scored]) -> Sequence[Scored]:
    """Leave out titles where something else holds the kind of thing that is asked for."""
    if not any(item.fit > 0 for item in near):
        return near
    return [item for item in near if item.fit >= 0 or not is_title(item.passage)]


def _steps(ranked: Sequence[Scored], passages: Sequence[Passage]) -> list[Passage]:
    """The list of the best passage; else the one under a heading that is asked about."""
    best = ranked[0].passage
    headed = [
        item.passage
        for item in ranked
        if item.led >= LEAST_LED and item.passage.number <= best.number
    ]
    nearest = sorted(headed, key=lambda passage: passage.number)[:1]
    for passage in (best, *nearest):
        if found := _siblings(passage, passages):
            return found
    return []


def _shortened(steps: Sequence[Passage], best: Passage) -> list[Passage]:
    """The first of the steps; none where the best passage is one of those that are left out."""
    if len(steps) <= MOST_STEPS:
        return list(steps)
    if best in steps[MOST_STEPS:]:
        return []
    *kept, last = steps[:MOST_STEPS]
    return [*kept, replace(last, tail=(*last.tail, CUT))]


def _siblings(best: Passage, passages: Sequence[Passage]) -> list[Passage]:
    """The items of the list that a passage is in or leads in to, with its lead-in; else none."""
    lead_in = best.text if best.text.endswith(":") else best.lead_in
    if best.listed >= 0:
        return [p for p in passages if (p.number, p.listed) == (best.number, best.listed)]
    if not lead_in:
        return []
    return [
        passage
        for passage in passages
        if passage.number == best.number and lead_in in (passage.lead_in, passage.text)
    ]


def _different(ranked: Iterable[Scored]) -> list[Scored]:
    """Leave out passages that say what a better one says already."""
    kept: list[Scored] = []
    said: list[set[str]] = []
    for item in ranked:
        own = word_stems(item.passage.text)
        if not any(len(own & other) > 0.8 * max(len(own), 1) for other in said):
            kept.append(item)
            said.append(own)
    return kept
