"""Images and texts as vectors of one space, by a CLIP model; the only importer of open_clip."""

from __future__ import annotations

import importlib.util
import io
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ingestion.weights import CLIP_CONFIG, Kind, Weights
from retrieval.embedders import InputRefused, ModelUnavailable


class OpenClipEmbedder:
    """Encodes images and texts with weights in one of open_clip's local forms.

    A folder holds `open_clip_config.json` and the weights; a single file holds the weights of
    a model that open_clip knows by the first part of its name ("ViT-B-32/...").
    """

    kind: ClassVar[Kind] = "open_clip"

    @classmethod
    def open(cls, weights: Weights, *, metric: str, threads: int) -> OpenClipEmbedder:
        return cls(weights, metric=metric, threads=threads)

    def __init__(self, weights: Weights, *, metric: str, threads: int) -> None:
        import torch
        from safetensors import SafetensorError

        torch.set_num_threads(threads)
        try:
            self._network, self._preprocess, self._tokenize = _open(weights)
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as exc:
            raise ModelUnavailable(f"{weights.path} could not be loaded: {exc}") from exc
        self._lock = threading.Lock()
        self.model = weights.model
        self.metric = metric
        self.dimension = self.dimension_of(weights)

    @classmethod
    def dimension_of(cls, weights: Weights) -> int:
        """Read `embed_dim` from the folder or from open_clip's own description; else 0."""
        place = Path(weights.config or "")
        own = place / CLIP_CONFIG
        known = _known_models() / f"{_architecture(weights.model)}.json"
        path = own if place.is_dir() and own.is_file() else known
        try:
            config = json.loads(path.read_text())
            return int(config.get("model_cfg", config)["embed_dim"])
        except (OSError, ValueError, KeyError):
            return 0

    def encode_texts(self, texts: Sequence[str], *, batch_size: int = 32) -> np.ndarray:
        """Encode texts, cut to the model's context: (n, dimension) float32."""
        return self._encode(texts, self._tokenize, self._network.encode_text, batch_size)

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Encode questions: (n, dimension) float32."""
        return self.encode_texts(texts)

    def encode_images(self, images: Sequence[bytes], *, batch_size: int = 16) -> np.ndarray:
        """Encode image files: (n, dimension) float32. InputRefused for one that is damaged."""
        return self._encode(images, self._pixels, self._network.encode_image, batch_size)

    def _encode(
        self,
        items: Sequence[Any],
        prepare: Callable[[list[Any]], Any],
        encode: Callable[[Any], Any],
        batch_size: int,
    ) -> np.ndarray:
        import torch

        rows = [np.empty((0, self.dimension), dtype=np.float32)]
        with self._lock, torch.inference_mode():
            rows += [
                encode(prepare(batch)).float().numpy() for batch in _batches(items, batch_size)
            ]
        vectors = np.concatenate(rows)
        if self.metric == "cosine":
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    def _pixels(self, images: list[bytes]) -> Any:
        import torch

        # One after the other: a batch of large pictures at full size takes gigabytes.
        return torch.stack([self._preprocess(_decoded(data)) for data in images])


def _decoded(data: bytes) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(io.BytesIO(data)).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError) as exc:
        raise InputRefused(f"An image cannot be read: {exc}") from exc


def _open(weights: Weights) -> tuple[Any, Any, Any]:
    """Load (network, image preprocessing, tokenizer); the errors are open_clip's own."""
    import open_clip

    place = Path(str(weights.path))
    if place.is_dir():
        name = f"local-dir:{place}"
        network, preprocess = open_clip.create_model_from_pretrained(name, device="cpu")
    else:
        name = _architecture(weights.model)
        network, preprocess = _open_file(name, _tag(weights.model), place)
    network.eval()
    return network, preprocess, open_clip.get_tokenizer(name)


def _open_file(architecture: str, tag: str, file: Path) -> tuple[Any, Any]:
    import open_clip

    # Released weights need the activation and the pixel statistics that they were trained with;
    # a bare file does not say them, their name does.
    known = open_clip.get_pretrained_cfg(architecture, tag) or {}
    names = ("mean", "std", "interpolation", "resize_mode")
    return open_clip.create_model_from_pretrained(
        architecture,
        pretrained=str(file),
        device="cpu",
        force_quick_gelu=bool(known.get("quick_gelu", False)),
        **{f"image_{name}": known[name] for name in names if known.get(name)},
    )


def _architecture(model: str) -> str:
    return model.split("/")[0]


def _tag(model: str) -> str:
    return model.partition("/")[2]


def _known_models() -> Path:
    spec = importlib.util.find_spec("open_clip")
    places = spec.submodule_search_locations if spec else None
    return Path(places[0] if places else "") / "model_configs"


def _batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
