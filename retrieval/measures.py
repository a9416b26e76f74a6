"""How good ranked lists are, and how sure that is. The only importer of ir_measures.

Per question: recall@k, precision@k, MRR ("rr") and nDCG@k. Over questions: means with
bootstrap confidence intervals, and the paired difference of two ways to search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CUTS = (1, 3, 5, 10)
NDCG_AT = 10
RESAMPLES = 2000
SEED = 20_240_501

# By question: the relevant items, and the ranked ones, best first.
Relevant = Mapping[str, Sequence[str]]
Ranked = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its 95 % bootstrap confidence interval, over `count` questions."""

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mean difference B - A over the same questions, its 95 % interval, and p.

    `p` is two-sided, by a paired randomisation test; `better` and `worse` count questions.
    """

    difference: float
    low: float
    high: float
    p: float
    better: int
    worse: int


def names() -> list[str]:
    """Name the measures, in the order they are shown."""
    cuts = [f"{kind}@{k}" for kind in ("recall", "precision") for k in CUTS]
    return [*cuts, "rr", f"ndcg@{NDCG_AT}"]


def per_question(relevant: Relevant, ranked: Ranked) -> dict[str, dict[str, float]]:
    """Return every measure of each question, by question and name.

    Questions without a relevant item are left out; one whose list is empty gets zeros.
    """
    import ir_measures

    asked = {question: items for question, items in relevant.items() if items}
    by_measure = {measure: name for name, measure in _measures().items()}
    qrels = {question: dict.fromkeys(items, 1) for question, items in asked.items()}
    runs = {
        question: {item: float(-rank) for rank, item in enumerate(ranked.get(question, ()))}
        for question in asked
    }
    found = {question: dict.fromkeys(names(), 0.0) for question in asked}
    for value in ir_measures.iter_calc(list(by_measure), qrels, runs):
        found[value.query_id][by_measure[value.measure]] = float(value.value)
    return found


def _measures() -> dict[str, Any]:
    from ir_measures import RR, P, R, nDCG

    cuts = {f"recall@{k}": R @ k for k in CUTS} | {f"precision@{k}": P @ k for k in CUTS}
    return {**cuts, "rr": RR, f"ndcg@{NDCG_AT}": nDCG @ NDCG_AT}


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean with its percentile bootstrap interval; zeros for no values.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    if not values:
        return Estimate(0.0, 0.0, 0.0, 0)
    low, high = _interval(np.asarray(values, dtype=np.float64))
    return Estimate(float(np.mean(values)), low, high, len(values))


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Compare two ways to search on the same questions, given in the same order.

    Source of the test: Smucker, Allan and Carterette, CIKM 2007.
    """
    differences = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    if not len(differences):
        return Comparison(0.0, 0.0, 0.0, 1.0, 0, 0)
    low, high = _interval(differences)
    signs = np.random.default_rng(SEED).choice((-1, 1), (RESAMPLES, len(differences)))
    by_chance = np.abs((signs * differences).mean(axis=1))
    as_extreme = int((by_chance >= abs(differences.mean()) - 1e-12).sum())
    return Comparison(
        float(differences.mean()),
        low,
        high,
        (as_extreme + 1) / (RESAMPLES + 1),
        int((differences > 1e-12).sum()),
        int((differences < -1e-12).sum()),
    )


def _interval(values: np.ndarray) -> tuple[float, float]:
    dice = np.random.default_rng(SEED)
    picks = dice.integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return the p50, p95 and p99 of latencies, in milliseconds."""
    if not seconds:
        return {}
    values = np.percentile(np.asarray(seconds) * 1000, (50, 95, 99))
    return dict(zip(("p50", "p95", "p99"), values.tolist(), strict=True))
