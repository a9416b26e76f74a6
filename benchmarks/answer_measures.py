"""How good an answer is against what is known: its pages, its words, its refusal. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from answers.markers import without_markers
from answers.quantities import Quantity, agree, quantities
from answers.words import content_words, numbers, stem
from benchmarks.measures import mean

Page = tuple[str, int]

TOLERANCE = 0.01
LONGEST_SHORT_ANSWER = 6
NUMBER_WEIGHT = 2.0
_YES_NO = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answered question. `statements` is None where the answer was not checked."""

    answerable: bool
    refused: bool
    failed: bool
    gold_pages: frozenset[Page]
    cited_pages: frozenset[Page]
    match: float
    statements: int = 0
    unsupported: int = 0
    first_character: float = 0.0
    total: float = 0.0
    tokens: int = 0
    images: int = 0
    words: int = 0


def match(gold: str, answer: str) -> float:
    """Tell how much of the known answer a given answer holds, from 0 to 1.

    Numbers are compared by value, within 1 % (whole numbers below 1000 exactly), whatever
    their scale word and thousands separator, and a share also as a percentage. A short text
    must stand in the answer word for word, once case, marks and endings are taken away. Of a
    list the share of its items counts; of a longer text, the share of its words and numbers,
    a number twice. An answer is not made worse by saying more, so read this beside its length.
    """
    answer = without_markers(answer)
    items = _items(gold)
    if len(items) != 1:
        return mean([match(item, answer) for item in items]) if items else 0.0
    gold = items[0]
    wanted = quantities(gold)
    if said := _YES_NO.fullmatch(gold.rstrip(".")):
        found = _YES_NO.match(answer)
        return float(found is not None and found[1].lower() == said[1].lower())
    if len(wanted) == 1 and len(content_words(gold)) <= 2:
        return float(any(_same(wanted[0], quantity) for quantity in quantities(answer)))
    if len(gold.split()) <= LONGEST_SHORT_ANSWER:
        return float(f" {_normal(gold)} " in f" {_normal(answer)} ")
    return _recall(gold, answer)


def _items(gold: str) -> list[str]:
    if gold.startswith("["):
        try:
            return [str(item) for item in ast.literal_eval(gold)]
        except (ValueError, SyntaxError):
            pass
    return [gold.strip()]


def _same(wanted: Quantity, found: Quantity) -> bool:
    whole = wanted.value == int(wanted.value) and abs(wanted.value) < 1000
    return agree(wanted, found, tolerance=0.0 if whole else TOLERANCE)


def _normal(text: str) -> str:
    return " ".join(stem(word) for word in re.findall(r"[^\W_]+", text.lower()))


def _recall(gold: str, answer: str) -> float:
    wanted, figures = {stem(word) for word in content_words(gold)}, numbers(gold)
    wanted -= figures
    found = {stem(word) for word in content_words(answer)}
    whole = len(wanted) + NUMBER_WEIGHT * len(figures)
    hit = len(wanted & found) + NUMBER_WEIGHT * len(figures & numbers(answer))
    return hit / whole if whole else 0.0


def summary(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Average the outcomes; what cannot be told (nothing was refused, say) is 0.

    Citation precision is over the answers that cite something and do not refuse, its recall
    over every answerable question, both per question and then averaged. A refusal matches
    where the question has no answer, as MMLongBench-Doc counts it, in `answer_match_all`.
    """
    answerable = [o for o in outcomes if o.answerable]
    refused = [o for o in outcomes if o.refused]
    unanswerable = [o for o in outcomes if not o.answerable]
    paged = [o for o in answerable if o.gold_pages]
    citing = [o for o in paged if o.cited_pages and not o.refused]
    statements = sum(o.statements for o in outcomes)
    return {
        "questions": len(outcomes),
        "failed": sum(o.failed for o in outcomes),
        "citation_precision": mean(
            [len(o.cited_pages & o.gold_pages) / len(o.cited_pages) for o in citing]
        ),
        "citation_recall": mean(
            [
                0.0 if o.refused else len(o.cited_pages & o.gold_pages) / len(o.gold_pages)
                for o in paged
            ]
        ),
        "answer_match": mean([0.0 if o.refused else o.match for o in answerable]),
        "answer_match_all": mean(
            [float(o.refused) if not o.answerable else o.match * (not o.refused) for o in outcomes]
        ),
        "refusal_precision": mean([float(not o.answerable) for o in refused]),
        "refusal_recall": mean([float(o.refused) for o in unanswerable]),
        "refused": len(refused),
        "unanswerable": len(unanswerable),
        "statements": statements,
        "unsupported_flagged": round(sum(o.unsupported for o in outcomes) / statements, 4)
        if statements
        else 0.0,
        "first_character_p50_s": middle([o.first_character for o in outcomes]),
        "total_p50_s": middle([o.total for o in outcomes]),
        "tokens_mean": mean([o.tokens for o in outcomes]),
        "images_mean": mean([o.images for o in outcomes]),
        "words_mean": mean([o.words for o in outcomes]),
    }


def middle(values: Sequence[float]) -> float:
    return round(sorted(values)[len(values) // 2], 3) if values else 0.0
