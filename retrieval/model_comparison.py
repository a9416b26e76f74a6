"""Measure text models on a question set: speed, dimensions, memory and quality, side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ingestion.models import Chunk
from retrieval import evaluation, index_plan, measures
from retrieval.embedders import Embedder
from retrieval.index_plan import IndexPlan
from retrieval.models import Question
from retrieval.similarity import similarities, top

# What identifies a row of an index, as retrieval.space_reader counts it.
BYTES_PER_ROW = 22
DEPTH = 50
# Where the measurements are kept, in the data folder.
FILE = "model-measurements.json"
PRIORITIES = ("quality", "speed", "memory")


@dataclass(frozen=True, slots=True)
class Measured:
    """One model on one question set; memory is that of the index for `corpus` chunks."""

    model: str
    dimension: int
    metric: str
    chunks: int
    questions: int
    chunks_per_second: float
    query_ms: float
    corpus: int
    index: dict[str, Any]
    megabytes: float
    recall_at_5: float
    ndcg_at_10: float


def measure(
    name: str,
    embedder: Embedder,
    chunks: Sequence[Chunk],
    questions: Sequence[Question],
    *,
    corpus: int,
) -> Measured:
    """Encode the chunks and the questions, and search them exactly; `corpus` sizes the memory."""
    embedder.encode_queries(["warm up"])
    start = time.perf_counter()
    vectors = embedder.encode_texts([chunk.context_text for chunk in chunks])
    spent = time.perf_counter() - start
    seconds, pages = [], []
    for question in questions:
        start = time.perf_counter()
        query = embedder.encode_queries([question.text])[0]
        seconds.append(time.perf_counter() - start)
        pages.append(_pages(query, vectors, embedder.metric, chunks))
    values = _values(questions, pages)
    plan = index_plan.plan({}, corpus)
    return Measured(
        model=name,
        dimension=embedder.dimension,
        metric=embedder.metric,
        chunks=len(chunks),
        questions=len(questions),
        chunks_per_second=len(chunks) / spent if spent else 0.0,
        query_ms=float(np.median(seconds)) * 1000 if seconds else 0.0,
        corpus=corpus,
        index=plan.as_dict(),
        megabytes=_megabytes(plan, embedder.dimension, corpus),
        recall_at_5=_mean(values, "recall@5"),
        ndcg_at_10=_mean(values, "ndcg@10"),
    )


def sized(measured: Measured, corpus: int) -> Measured:
    """Say what index and how much memory a corpus of another size takes."""
    plan = index_plan.plan({}, corpus)
    size = _megabytes(plan, measured.dimension, corpus)
    return replace(measured, corpus=corpus, index=plan.as_dict(), megabytes=size)


def _megabytes(plan: IndexPlan, dimension: int, corpus: int) -> float:
    return corpus * (plan.bytes_per_vector(dimension, corpus) + BYTES_PER_ROW) / 1e6


def _pages(
    query: np.ndarray, vectors: np.ndarray, metric: str, chunks: Sequence[Chunk]
) -> list[str]:
    scores = similarities(query, vectors, metric, np.arange(len(vectors)))
    best = [chunks[number] for number in top(scores, DEPTH).tolist()]
    return list(dict.fromkeys(evaluation.page_name(c.document_id, c.page_number) for c in best))


def _values(questions: Sequence[Question], pages: Sequence[list[str]]) -> list[dict[str, float]]:
    relevant = {
        str(at): [evaluation.page_name(question.document_id, page) for page in question.pages]
        for at, question in enumerate(questions)
    }
    ranked = {str(at): found for at, found in enumerate(pages)}
    return list(measures.per_question(relevant, ranked).values())


def _mean(values: Sequence[dict[str, float]], name: str) -> float:
    return measures.estimate([each[name] for each in values]).mean


def recommended(
    measured: Sequence[Measured],
    *,
    query_ms: float | None = None,
    megabytes: float | None = None,
    priority: str = "quality",
) -> Measured:
    """Choose among measured models: those within the budgets, the best by the priority.

    `priority` is "quality", "speed" or "memory". Among models within one point of nDCG of the
    best, quality prefers the faster one. Raises LookupError when none is within the budgets.
    """
    fitting = [
        each
        for each in measured
        if (query_ms is None or each.query_ms <= query_ms)
        and (megabytes is None or each.megabytes <= megabytes)
    ]
    if not fitting:
        raise LookupError("None of the measured models is within the budget.")
    if priority == "speed":
        return min(fitting, key=lambda each: each.query_ms)
    if priority == "memory":
        return min(fitting, key=lambda each: each.megabytes)
    if priority != "quality":
        raise ValueError(f"the priority is one of {', '.join(PRIORITIES)}, not {priority!r}")
    best = max(each.ndcg_at_10 for each in fitting)
    near = [each for each in fitting if each.ndcg_at_10 >= best - 0.01]
    return min(near, key=lambda each: each.query_ms)
