"""Give the text encoders that search uses their ONNX form, once, by a worker."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from ingestion.weights import Weights
from retrieval.embedders import bert, compiled, compiled_place, plan_for

logger = logging.getLogger(__name__)


def is_due() -> bool:
    """Tell whether an encoder that is at hand has not been compiled yet."""
    return any(True for _ in _due())


def compile_all() -> None:
    """Compile what is due; a model that resists runs on PyTorch, and its status says so."""
    for weights in _due():
        outcome = compiled.make(weights, compiled_place(weights))
        if outcome.failure:
            logger.warning("%s stays on PyTorch: %s.", weights.model, outcome.failure)
        else:
            logger.info("%s is compiled (cosine %.6f).", weights.model, outcome.cosine)


def runtime_of(weights: Weights) -> str:
    """Say in a few words what runs the encoder."""
    if weights.kind != "sentence_transformer" or not weights.available:
        return ""
    if bert.can_run(weights):
        return "ONNX Runtime"
    outcome = compiled.outcome_at(compiled_place(weights)) if settings.COMPILE_ENCODERS else None
    if outcome is None:
        return "PyTorch"
    return f"PyTorch ({outcome.failure})" if outcome.failure else "ONNX Runtime"


def _due() -> Iterator[Weights]:
    if not settings.COMPILE_ENCODERS:
        return
    seen: set[Path] = set()
    for space in settings.SPACES:
        plan = plan_for(space)
        if plan.weights.kind != "sentence_transformer" or not plan.at_hand:
            continue
        if bert.can_run(plan.weights):
            continue
        place = compiled_place(plan.weights)
        if place not in seen and compiled.outcome_at(place) is None:
            seen.add(place)
            yield plan.weights
