"""Which embedder fills a space, and the embedder itself, loaded once per process.

A space's vectors carry a model label. It is the model's name; or, where the space's own
model cannot be had and the space has a fallback, `text:<model of the fallback space>`: the
vectors are then made from text about each figure, by that space's embedder. Vectors that
are cut to fewer dimensions say so: `<model>@256`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, cast, runtime_checkable

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string

from ingestion import weights as model_weights
from ingestion.errors import PermanentError, TransientError
from ingestion.weights import Kind, Weights
from retrieval.embedders import compiled
from retrieval.embedders.shortened import Shortened

FALLBACK_PREFIX = "text:"
CUT = "@"
# The metric is the one that the model was trained for.
METRIC_OF_MODEL = "model"

Input = Literal["text", "image"]


class ModelUnavailable(PermanentError):
    """A model's weights cannot be had or loaded; the message says what to do."""


class ModelAway(TransientError):
    """A model's service does not answer now; the message says so in a sentence."""


class InputRefused(PermanentError):
    """The model does not take this input, such as a damaged picture; it may take others."""


class Embedder(Protocol):
    """Turns texts and images into vectors: (n, dimension) float32, unit length for cosine.

    InputRefused says that one of those given cannot be encoded, whatever the others are.
    """

    model: str
    metric: str

    @property
    def dimension(self) -> int: ...

    def encode_texts(self, texts: Sequence[str], *, batch_size: int = 32) -> np.ndarray: ...

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray: ...

    def encode_images(self, images: Sequence[bytes], *, batch_size: int = 16) -> np.ndarray:
        """Encode image files; PermanentError where the model has no image side."""
        ...


class EmbedderClass(Protocol):
    """What the settings name: a class of embedders.

    It may also have `metric_of(weights)`, the metric that the model was trained for, and
    `located(model, options)`, where its weights are not files.
    """

    kind: ClassVar[Kind]

    def open(self, weights: Weights, *, metric: str, threads: int, **options: Any) -> Embedder:
        """Load the model. Raises ModelUnavailable."""
        ...

    def dimension_of(self, weights: Weights) -> int:
        """Read the dimension from the configuration, loading nothing; 0 when it cannot be told."""
        ...


@runtime_checkable
class Compilable(Protocol):
    """An embedder whose network ONNX Runtime can run, from when its export lies at a place."""

    def run_compiled(self, place: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class EmbedderPlan:
    """What fills a space: found out without loading anything.

    `weights` are those that would be loaded. For a fallback, `advice` says how to get the
    space's own model.
    """

    space: str
    embedder: str
    model: str
    dimension: int
    metric: str
    input: Input
    is_fallback: bool
    weights: Weights
    advice: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    cut_to: int = 0

    @property
    def available(self) -> bool:
        return self.weights.available

    @property
    def at_hand(self) -> bool:
        """True where loading needs no download."""
        return self.available and self.weights.source != "hub"


def plan_for(space: str, model: str | None = None) -> EmbedderPlan:
    """Say what fills a space now, or what made the vectors that carry the label `model`."""
    config = settings.SPACES[space]
    fallback = config.get("fallback")
    if model and model.startswith(FALLBACK_PREFIX) and fallback:
        own = _own_plan(space, config, _label(config))
        return _fallback_plan(space, fallback, model.removeprefix(FALLBACK_PREFIX), own)
    own = _own_plan(space, config, model or _label(config))
    if model or own.available or not fallback:
        return own
    return _fallback_plan(space, fallback, _label(settings.SPACES[fallback]), own)


def embedder_for(space: str, model: str | None = None) -> Embedder:
    """Load, once per process, what fills a space or made the vectors labelled `model`.

    Downloads the weights where they have to come from the hub. Raises ModelUnavailable.
    """
    plan = plan_for(space, model)
    key = (plan.embedder, plan.weights.model, plan.metric, plan.cut_to, repr(plan.options))
    with _lock_of(key):
        if key not in _loaded:
            _loaded[key] = _load(plan)
        return _loaded[key]


def forget_all() -> None:
    """Unload every model, so that changed weights or settings take effect."""
    with _registry_lock:
        _loaded.clear()


def compiled_place(weights: Weights) -> Path:
    """Return where the ONNX form of these weights lies, or would lie."""
    return compiled.place_of(weights, Path(settings.INDEX_DIR) / "encoders")


def model_threads() -> int:
    """Share the cores among the worker processes, so that they do not fight for them.

    In the web process too: a second thread answers one person a little sooner, but costs more
    than it saves where others wait for the cores.
    """
    return max(1, (os.cpu_count() or 1) // settings.WORKER_PROCESSES)


_Key = tuple[str, str, str, int, str]
_loaded: dict[_Key, Embedder] = {}
_locks: dict[_Key, threading.Lock] = {}
_registry_lock = threading.Lock()


def _lock_of(key: _Key) -> threading.Lock:
    with _registry_lock:
        return _locks.setdefault(key, threading.Lock())


def _label(config: Mapping[str, Any]) -> str:
    cut_to = config.get("dimensions")
    return f"{config['model']}{CUT}{cut_to}" if cut_to else config["model"]


def _own_plan(space: str, config: Mapping[str, Any], label: str) -> EmbedderPlan:
    cls = cast(EmbedderClass, import_string(config["embedder"]))
    name, _, cut = label.rpartition(CUT)
    model, cut_to = (name, int(cut)) if name and cut.isdigit() else (label, 0)
    options = config.get("options", {})
    found = _locate(cls, model, options)
    dimension = cls.dimension_of(found) if found.available else 0
    return EmbedderPlan(
        space=space,
        embedder=config["embedder"],
        model=label,
        dimension=cut_to or dimension,
        metric=_metric(cls, config["metric"], found),
        input=config["input"],
        is_fallback=False,
        weights=found,
        options=options,
        cut_to=cut_to,
    )


def _locate(cls: EmbedderClass, model: str, options: Mapping[str, Any]) -> Weights:
    located = getattr(cls, "located", None)
    if located is not None:
        return located(model, options)
    return model_weights.locate(
        model,
        kind=cls.kind,
        models_dir=settings.MODELS_DIR,
        allow_downloads=settings.MODEL_DOWNLOADS,
    )


def _metric(cls: EmbedderClass, wanted: str, weights: Weights) -> str:
    if wanted != METRIC_OF_MODEL:
        return wanted
    metric_of = getattr(cls, "metric_of", None)
    return metric_of(weights) if metric_of else "cosine"


def _fallback_plan(space: str, fallback: str, label: str, own: EmbedderPlan) -> EmbedderPlan:
    plan = _own_plan(fallback, settings.SPACES[fallback], label)
    return replace(
        plan,
        space=space,
        model=f"{FALLBACK_PREFIX}{plan.model}",
        input="text",
        is_fallback=True,
        advice=own.weights.advice,
    )


def _load(plan: EmbedderPlan) -> Embedder:
    if not plan.available:
        raise ModelUnavailable(plan.weights.advice)
    cls = cast(EmbedderClass, import_string(plan.embedder))
    try:
        found = model_weights.fetch(plan.weights)
    except (LookupError, TransientError) as exc:
        raise ModelUnavailable(str(exc)) from exc
    embedder = cls.open(found, metric=plan.metric, threads=model_threads(), **plan.options)
    if settings.COMPILE_ENCODERS and isinstance(embedder, Compilable):
        embedder.run_compiled(compiled_place(found))
    return Shortened(embedder, plan.cut_to) if plan.cut_to else embedder
