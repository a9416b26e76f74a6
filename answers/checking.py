"""Answers are checked against their evidence, with the text space's own model for meaning."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from answers import verification
from answers.evidence import Evidence
from answers.verification import Check
from retrieval.embedders import ModelUnavailable, embedder_for

logger = logging.getLogger(__name__)


def check(answer: str, evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Check every statement of an answer; what became of each, as JSON to keep with it."""
    if not answer:
        return []
    return [_as_json(done) for done in verification.check(answer, evidence, likeness=likeness)]


def likeness(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """The cosine of each pair of texts; 0 where the text model cannot be had."""
    try:
        vectors = embedder_for("text").encode_texts([text for pair in pairs for text in pair])
    except ModelUnavailable as exc:
        logger.warning("answers are checked by words alone: %s", exc)
        return [0.0] * len(pairs)
    # The embedder's vectors have length 1.
    return [float(vectors[i] @ vectors[i + 1]) for i in range(0, len(vectors), 2)]


def _as_json(done: Check) -> dict[str, Any]:
    return {
        "start": done.statement.start,
        "end": done.statement.end,
        "text": done.statement.text,
        "sources": list(done.statement.cited),
        "verdict": str(done.verdict),
        "reason": str(done.reason or ""),
        "numbers": list(done.numbers),
    }
