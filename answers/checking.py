"""Answers are checked against their evidence, with the text space's own model for meaning."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from answers import verification
from answers.evidence import Evidence
from answers.models import Message
from answers.statements import speaks_of_sources
from answers.verification import Check
from retrieval.embedders import ModelUnavailable, embedder_for

logger = logging.getLogger(__name__)


def check(answer: str, evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Check every statement of an answer; what became of each, as JSON to keep with it."""
    if not answer:
        return []
    return [_as_json(done) for done in verification.check(answer, evidence, likeness=likeness)]


def found_sources(answer: Message) -> bool:
    """Tell whether an answer that names no source was found to rest on some all the same.

    Most of what it says must, and it must not speak of what the sources lack.
    """
    found = sum(bool(check["found"]) for check in answer.checks)
    return 2 * found > len(answer.checks) and not speaks_of_sources(answer.content)


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
        "sources": list(done.statement.cited or ((done.found,) if done.found else ())),
        "found": done.found,
        "verdict": str(done.verdict),
        "reason": str(done.reason or ""),
        "numbers": list(done.numbers),
    }
