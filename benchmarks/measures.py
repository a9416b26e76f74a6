"""Recall of pages and overlap of boxes, as plain functions of rankings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

CUTS = (1, 3, 5, 10)


@dataclass(frozen=True, slots=True)
class Question:
    """One question and where its answer stands. Boxes: page to [x0, y0, x1, y1] in points."""

    id: str
    doc: str
    text: str
    gold_pages: frozenset[int]
    gold_boxes: tuple[tuple[int, tuple[float, ...]], ...]
    kinds: tuple[str, ...]

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Question:
        boxes = row.get("gold_boxes") or ()
        return cls(
            id=str(row["id"]),
            doc=row["doc"],
            text=row["question"],
            gold_pages=frozenset(row.get("gold_pages") or ()),
            gold_boxes=tuple((box["page"], tuple(box["bbox"])) for box in boxes),
            kinds=_kinds(row.get("evidence_type")),
        )


def _kinds(value: Any) -> tuple[str, ...]:
    """Name the kinds of evidence in the data sets' several spellings."""
    text = str(value or "").lower()
    return tuple(kind for kind in ("text", "table", "figure", "chart", "layout") if kind in text)


def page_recall(ranking: Sequence[Any], gold: Iterable[Any], k: int) -> float:
    """Return the share of the gold pages that are among the first k."""
    wanted = set(gold)
    return len(wanted & set(ranking[:k])) / len(wanted)


def mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0


def coverage(gold: Sequence[float], found: Sequence[float]) -> float:
    """Return the share of a gold box's area that another box covers."""
    width = min(gold[2], found[2]) - max(gold[0], found[0])
    height = min(gold[3], found[3]) - max(gold[1], found[1])
    area = (gold[2] - gold[0]) * (gold[3] - gold[1])
    return max(0.0, width) * max(0.0, height) / area if area > 0 else 0.0
