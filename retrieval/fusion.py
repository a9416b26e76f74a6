"""Merge rankings of several sources into one. Pure functions, exact to their definitions.

A ranking is (id, score) pairs, best first, each id once; higher scores are better. An item
that a list does not hold gets nothing from that list: that is no error. A source without a
weight has weight 1, one with weight 0 is left out. Equal results are ordered by id.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

Ranking = Sequence[tuple[int, float]]
Rankings = Mapping[str, Ranking]
Weights = Mapping[str, float]

# So many standard deviations below a list's mean lies what the list does not hold.
ABSENT_BELOW = 2.0


def rrf(rankings: Rankings, *, k: int = 60, weights: Weights | None = None) -> Ranking:
    """Merge by rank alone: score(d) = sum of w / (k + rank), rank from 1.

    Source: Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet and
    individual rank learning methods", SIGIR 2009; there without weights and with k = 60.
    """
    parts = {
        name: [(item, 1 / (k + rank)) for rank, (item, _) in enumerate(ranking, start=1)]
        for name, ranking in rankings.items()
    }
    return _weighted_sum(parts, weights)


def dbsf(rankings: Rankings, *, weights: Weights | None = None) -> Ranking:
    """Merge by scores, each list scaled so that mean - 3 std becomes 0 and mean + 3 std 1.

    The standard deviation is the sample's (n - 1); a list whose scores are all equal, or that
    holds one item, counts 0.5 for each. Scores beyond three deviations keep their lead.

    Source: Mazzeschi, "Distribution-Based Score Fusion (DBSF), a new approach to Vector Search
    Ranking", 2023; the cases of equal scores as in Qdrant.
    """
    return _weighted_sum({name: _spread(ranking) for name, ranking in rankings.items()}, weights)


def weighted(rankings: Rankings, *, weights: Weights | None = None) -> Ranking:
    """Merge by scores, each list scaled so that its lowest score becomes 0 and its highest 1.

    A list whose scores are all equal counts 1 for each.

    Source: min-max normalisation with a weighted CombSUM, Fox and Shaw, TREC-2 1994; Lee,
    SIGIR 1997.
    """
    return _weighted_sum({name: _min_max(ranking) for name, ranking in rankings.items()}, weights)


def zmuv(
    rankings: Rankings, *, weights: Weights | None = None, shift: float = ABSENT_BELOW
) -> Ranking:
    """Merge by standard scores: score(d) = sum of w * ((s - mean) / std + shift).

    The standard deviation is the population's (n); a list whose scores are all equal, or that
    holds one item, counts `shift` for each. An item that a list does not hold gets nothing from
    it, as if it lay `shift` deviations below the list's mean.

    Source: "ZMUV" (shift 0) and "2MUV" (shift 2) with CombSUM; Montague and Aslam, "Relevance
    score normalization for metasearch", CIKM 2001.
    """
    parts = {name: _standard(ranking, shift) for name, ranking in rankings.items()}
    return _weighted_sum(parts, weights)


METHODS = ("rrf", "dbsf", "weighted", "zmuv")


def merge(
    rankings: Rankings, method: str, *, k: int = 60, weights: Weights | None = None
) -> Ranking:
    """Merge by a method's name; `k` is for rrf only. Raises ValueError for an unknown one."""
    if method == "rrf":
        return rrf(rankings, k=k, weights=weights)
    if method == "dbsf":
        return dbsf(rankings, weights=weights)
    if method == "weighted":
        return weighted(rankings, weights=weights)
    if method == "zmuv":
        return zmuv(rankings, weights=weights)
    raise ValueError(f"there is no fusion {method!r}: {', '.join(METHODS)}")


def _weighted_sum(parts: Rankings, weights: Weights | None) -> Ranking:
    totals: dict[int, float] = defaultdict(float)
    for name, part in parts.items():
        weight = (weights or {}).get(name, 1.0)
        if weight == 0:
            continue
        for item, score in part:
            totals[item] += weight * score
    return sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))


def _spread(ranking: Ranking) -> Ranking:
    count = len(ranking)
    if count < 2:
        return [(item, 0.5) for item, _ in ranking]
    mean = math.fsum(score for _, score in ranking) / count
    variance = math.fsum((score - mean) ** 2 for _, score in ranking) / (count - 1)
    if variance == 0:
        return [(item, 0.5) for item, _ in ranking]
    reach = 3 * math.sqrt(variance)
    return [(item, (score - mean + reach) / (2 * reach)) for item, score in ranking]


def _standard(ranking: Ranking, shift: float) -> Ranking:
    count = len(ranking)
    if not count:
        return []
    mean = math.fsum(score for _, score in ranking) / count
    std = math.sqrt(math.fsum((score - mean) ** 2 for _, score in ranking) / count)
    if std == 0:
        return [(item, shift) for item, _ in ranking]
    return [(item, (score - mean) / std + shift) for item, score in ranking]


def _min_max(ranking: Ranking) -> Ranking:
    if not ranking:
        return []
    low = min(score for _, score in ranking)
    high = max(score for _, score in ranking)
    if high == low:
        return [(item, 1.0) for item, _ in ranking]
    return [(item, (score - low) / (high - low)) for item, score in ranking]
