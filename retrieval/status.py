"""Which models are there, for the status page, `manage.py check` and `/health`."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from retrieval import rerank
from retrieval.compiling import runtime_of
from retrieval.embedders import plan_for


@dataclass(frozen=True, slots=True)
class ModelState:
    """One model that the settings name, and what happens without it.

    `required` models stop something that nothing else makes good. `advice` is empty where the model
    is there; else it says what is done instead, and how to get the model. `runtime` says what
    runs a text encoder.
    """

    name: str
    purpose: str
    model: str
    available: bool
    required: bool
    source: str = ""
    path: str = ""
    advice: str = ""
    runtime: str = ""


def model_states() -> list[ModelState]:
    """Look up every space's model and the reranker, loading nothing."""
    return [*(_space_state(space) for space in settings.SPACES), _rerank_state()]


def _space_state(space: str) -> ModelState:
    plan = plan_for(space)
    config = settings.SPACES[space]
    about = f"encodes {'figures and tables' if config['input'] == 'image' else 'text'}"
    if plan.is_fallback and plan.available:
        return ModelState(
            name=space,
            purpose=about,
            model=config["model"],
            available=False,
            required=False,
            advice=f"The {space} space is filled from each figure's caption, its inner text and "
            f"the text that refers to it, with the text encoder "
            f"{plan.weights.model}, because {config['model']} cannot be had. {plan.advice}",
        )
    advice = f"The {space} space is not filled or searched. {plan.weights.advice}"
    return ModelState(
        name=space,
        purpose=about,
        model=config["model"],
        available=plan.available,
        required=True,
        source=plan.weights.source,
        path=plan.weights.path or "",
        advice="" if plan.available else advice,
        runtime=runtime_of(plan.weights),
    )


def _rerank_state() -> ModelState:
    weights = rerank.locate()
    advice = f"Hits keep the order of the fused lists. {weights.advice}"
    return ModelState(
        name="rerank",
        purpose="puts the best hits in order",
        model=weights.model,
        available=weights.available,
        required=False,
        source=weights.source,
        path=weights.path or "",
        advice="" if weights.available else advice,
    )
