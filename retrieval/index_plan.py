"""Choose an index for a number of vectors: its type and parameters, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

# A scan of so many vectors takes about 5 ms; above, lists are searched instead.
FLAT_BELOW = 50_000
# How far a search goes that does not say: see IndexPlan.ef_search.
DEFAULT_EF_SEARCH = 512
# How many lists such a search visits: about the same recall at a hundred thousand vectors and
# at a million, see docs/retrieval.md.
DEFAULT_PROBES = 128
# Lists may be this many times too many or too few before they are drawn anew.
LISTS_OFF_BY = 1.5
TYPES = ("flat", "ivf_rabitq", "hnsw", "hnsw_sq8")
# What the manifest and the status say of each type.
SHOWN = {
    "flat": (),
    "ivf_rabitq": ("lists", "probes", "ef_search"),
    "hnsw": ("m", "ef_construction", "ef_search"),
    "hnsw_sq8": ("m", "ef_construction", "ef_search"),
}


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """An index's type and parameters.

    `ef_search` is the one measure of how far a search goes. A graph walk keeps so many nodes
    in sight (efSearch); lists give so many candidates to be re-scored, and `probes` of them
    are visited at the plan's own ef_search, in proportion at another.
    """

    type: str
    m: int = 32
    ef_construction: int = 200
    ef_search: int = DEFAULT_EF_SEARCH
    lists: int = 0
    probes: int = 0

    @property
    def is_exact(self) -> bool:
        return self.type == "flat"

    @property
    def is_graph(self) -> bool:
        return self.type.startswith("hnsw")

    @property
    def is_quantised(self) -> bool:
        """True where the index holds codes, and re-scores from the vectors themselves."""
        return self.type in ("ivf_rabitq", "hnsw_sq8")

    def probes_for(self, effort: float, share: float) -> int:
        """Return how many lists to visit with this ef_search, when a share of the rows counts."""
        wanted = self.probes * (effort / self.ef_search) / sqrt(share)
        return max(1, min(self.lists, ceil(wanted)))

    def bytes_per_vector(self, dimension: int, count: int) -> float:
        """Return the memory that one of `count` vectors takes: its code, and what leads to it."""
        match self.type:
            case "flat":
                return 4 * dimension
            case "ivf_rabitq":
                # Signs, two factors, the number; and the lists' centres, shared by all.
                return ceil(dimension / 8) + 8 + 8 + 4 * dimension * self.lists / max(1, count)
            case "hnsw_sq8":
                return dimension + 8 * self.m + 16
            case _:
                return 4 * dimension + 8 * self.m + 16

    def can_be_extended_to(self, wanted: IndexPlan) -> bool:
        """Tell whether an index of this plan may grow on where `wanted` is what fits now."""
        if self.type != wanted.type:
            return False
        if self.is_graph:
            return (self.m, self.ef_construction) == (wanted.m, wanted.ef_construction)
        return self.lists / LISTS_OFF_BY <= wanted.lists <= self.lists * LISTS_OFF_BY

    def as_dict(self) -> dict[str, Any]:
        return {"type": self.type} | {name: getattr(self, name) for name in SHOWN[self.type]}


def plan(settings: Mapping[str, Any], count: int) -> IndexPlan:
    """Choose the index for `count` vectors: by its size, unless the settings name a type."""
    wanted = settings.get("type", "auto")
    if wanted == "auto":
        wanted = "flat" if count < FLAT_BELOW else "ivf_rabitq"
    if wanted not in TYPES:
        raise ValueError(f"an index of type {wanted!r} is not known: {', '.join(TYPES)}")
    lists = max(1, min(settings.get("lists") or _lists_for(count), count))
    return IndexPlan(
        wanted,
        m=settings.get("M", 32),
        ef_construction=settings.get("ef_construction", 200),
        ef_search=settings.get("ef_search", DEFAULT_EF_SEARCH),
        lists=lists if wanted == "ivf_rabitq" else 0,
        probes=min(lists, settings.get("probes", DEFAULT_PROBES)) if wanted == "ivf_rabitq" else 0,
    )


def _lists_for(count: int) -> int:
    return min(65_536, round(4 * sqrt(count)))
